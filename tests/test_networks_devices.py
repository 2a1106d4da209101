"""What holds on every device: a step never waits for it, and the code for GPUs gives what that for CPUs does."""

from __future__ import annotations

import copy
from unittest.mock import patch

import games_of_ranks
import pytest
import torch

from gankit.networks.sequences.symbols import Packing
from gankit.training.game import Batches, Game


@pytest.mark.parametrize("title", games_of_ranks.TITLES)
def test_a_step_never_reads_a_number_from_the_device(title: str) -> None:
    """On the meta device tensors have shapes and no numbers: `.item()`, `.tolist()` and copies to the CPU fail."""
    (found,) = games_of_ranks.games([title])
    _, game, batches = found
    networks = (copy.deepcopy(network).to("meta") for network in (game.generator, game.discriminator))
    played = Game(*networks, game.config)
    while not played.finished:
        played.play_step(Batches(batches.x, batches.c, batches.expand))
    assert played.step == game.config.total_samples // games_of_ranks.BATCH // game.config.d_steps


def test_a_step_that_reads_a_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = games_of_ranks.games(["residual"])
    _, game, batches = found
    networks = [copy.deepcopy(network).to("meta") for network in (game.generator, game.discriminator)]
    forward = networks[0].forward
    monkeypatch.setattr(networks[0], "forward", lambda z, u, c: forward(z * z[0, 0].item(), u, c))
    with pytest.raises(RuntimeError, match="meta"):
        Game(networks[0], networks[1], game.config).play_step(batches)


def test_texts_of_all_lengths_give_the_same_sorted_or_not() -> None:
    packed = games_of_ranks.play(["symbols"])["symbols"]
    with patch.object(Packing, "of", Packing.unsorted):
        unsorted = games_of_ranks.play(["symbols"])["symbols"]
    for name, tensor in packed.items():
        torch.testing.assert_close(tensor, unsorted[name], rtol=1e-4, atol=1e-6)

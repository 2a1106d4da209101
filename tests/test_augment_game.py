"""Augmentation within a game: it starts with D's memory, changes what both learn, and is repeated by a resumed game."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gankit.networks import build
from gankit.randomness import torch_generator
from gankit.spec import Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.plan import GameConfig

SHAPE = (1, 8, 8)


def records(count: int, low: float, high: float, seed: int) -> Batches:
    draws = torch.rand(count, *SHAPE, generator=torch_generator(seed, "test images"))
    return Batches(low + (high - low) * draws)


def game(augmentation: str, **changes: object) -> Game:
    generator, discriminator = build("strided", Spec("image", SHAPE), width=8, num_latents=4)
    settings: dict[str, object] = dict(
        total_samples=400, batch=16, steps_per_look=5, evaluations=2, learning_rate=3e-3, augmentation=augmentation
    )
    return Game(generator, discriminator, GameConfig(**{**settings, **changes}))  # type: ignore[arg-type]


TRAIN = records(32, -1.0, -0.2, seed=1)
ALIKE = records(32, -1.0, -0.2, seed=2)
UNLIKE = records(32, 0.2, 1.0, seed=3)


def test_the_strength_rises_where_held_out_images_are_taken_for_fakes_and_not_elsewhere() -> None:
    def strengths(heldout: Batches) -> list[float]:
        played = game("ada", learning_rate=1e-9)
        parameters = list(played.discriminator.parameters())

        def darkness(x: Tensor, *_: object) -> Tensor:
            """A D that takes dark for real; the fakes of a G that learns nothing are grey."""
            return -x.mean(dim=(1, 2, 3)) + 0.0 * sum(p.sum() for p in parameters)

        played.discriminator.forward = darkness  # type: ignore[method-assign]
        return [p.strength for p in play(played, TRAIN, heldout)]

    assert strengths(UNLIKE)[-1] > 0
    assert set(strengths(ALIKE)) == {0.0}


def test_a_game_without_augmentation_has_no_strength() -> None:
    assert {p.strength for p in play(game("none"), TRAIN, UNLIKE)} == {0.0}


@pytest.mark.parametrize("changes", [{"augmentation": "ada"}, {"augmentation": "none", "mirror": True}])
def test_a_resumed_game_with_augmentation_goes_on_to_the_same_bits(changes: dict[str, Any]) -> None:
    def ended(stop_at: int | None) -> dict[str, Tensor]:
        first = game(**changes)
        first.strength = 0.4 if changes["augmentation"] == "ada" else 0.0
        for look, _ in enumerate(play(first, TRAIN, UNLIKE), 1):
            if look == stop_at:
                second = game(**changes)
                second.load_state(first.state_tensors(), first.state_json())
                for _ in play(second, TRAIN, UNLIKE):
                    pass
                return second.state_tensors()
        return first.state_tensors()

    straight, resumed = ended(None), ended(3)
    assert straight.keys() == resumed.keys()
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_mirroring_shows_both_images_and_changes_nothing_where_they_are_one() -> None:
    def ended(train: Batches, mirror: bool) -> dict[str, Tensor]:
        played = game("none", mirror=mirror)
        for _ in play(played, train, UNLIKE):
            pass
        return played.state_tensors()

    lopsided = TRAIN
    even = Batches((TRAIN.x + TRAIN.x.flip(-1)) / 2)
    for train, same in ((even, True), (lopsided, False)):
        plain, mirrored = ended(train, False), ended(train, True)
        assert all(torch.equal(mirrored[name], t) for name, t in plain.items()) == same


def test_diffaugment_at_full_strength_changes_the_game_and_not_the_fakes() -> None:
    plain, augmented = game("none"), game("diffaugment", augmentation_strength=1.0)
    before = plain.sample(plain.generator, 4, "look", None)
    assert torch.equal(before, augmented.sample(augmented.generator, 4, "look", None))
    plain.play_step(TRAIN)
    augmented.play_step(TRAIN)
    changed = [
        not torch.equal(a, b)
        for a, b in zip(plain.generator.parameters(), augmented.generator.parameters(), strict=True)
    ]
    assert any(changed)

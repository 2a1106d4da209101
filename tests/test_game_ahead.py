"""Reading ahead: the same rows as without it, read before they are asked for."""

from __future__ import annotations

from concurrent.futures import wait
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gankit
from gankit.networks import build
from gankit.spec import Spec
from gankit.training.game import Ahead, Batches, Game
from gankit.training.plan import GameConfig

ROWS = st.lists(st.integers(0, 19), min_size=1, max_size=9)


@given(ROWS, ROWS)
def test_rows_are_those_asked_for_whatever_was_expected(expected: list[int], asked: list[int]) -> None:
    x, ahead = torch.arange(60).view(20, 3), Ahead()
    for rows in (asked, expected, asked):
        ahead.expect(x, torch.tensor(expected))
        assert torch.equal(ahead.take(x, torch.tensor(rows)), x[rows])
        assert torch.equal(ahead.take(x, torch.tensor(rows)), x[rows])


def test_what_is_expected_is_read_before_it_is_asked_for() -> None:
    x, ahead, rows = torch.zeros(20, 3), Ahead(), torch.tensor([3, 1, 4, 1, 5])
    ahead.expect(x, rows)
    wait(ahead._expected[0][1])
    x += 1
    assert ahead.take(x, rows).sum() == 0, "read before x was changed"
    assert ahead.take(x, rows).sum() == 15, "read now"


def test_a_game_that_reads_ahead_plays_to_the_same_bits_and_expects_every_step_of_an_epoch_but_the_first() -> None:
    hits = []

    class Counting(Ahead):
        def take(self, x: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
            hits.append(any(torch.equal(rows, where) for rows, _ in self._expected))
            return super().take(x, where)

    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    part = torch.arange(0, 40, 2)  # an epoch is 20 records, 5 steps
    ends = []
    for ahead in (None, Counting()):
        game = Game(*build("residual", Spec("vector", (3,)), width=8), GameConfig(total_samples=48, batch=4))
        while not game.finished:
            game.play_step(Batches(x, part=part, ahead=ahead))
        ends.append(torch.cat([p.flatten() for p in game.generator.parameters()]))
    assert torch.equal(*ends)
    assert hits == ([False] + [True] * 4) * 2 + [False, True]


def test_images_that_are_no_longer_in_memory_are_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    np.save(tmp_path / "x.npy", x)
    options = {"network": "strided", "width": 4, "samples": "128", "batch": 8, "evaluations": 1, "threads": 1}
    plain = gankit.train(x, **options)
    read: list[int] = []
    original = Ahead.expect

    def counted(self: Ahead, x: torch.Tensor, where: torch.Tensor) -> None:
        read.append(len(where))
        original(self, x, where)

    monkeypatch.setattr(Ahead, "expect", counted)
    monkeypatch.setattr("gankit.kinds.images.records.fits_in_memory", lambda num_bytes: False)
    mapped = gankit.train(tmp_path / "x.npy", **options)
    assert read and set(read) == {8}
    assert np.array_equal(plain.sample(5), mapped.sample(5))

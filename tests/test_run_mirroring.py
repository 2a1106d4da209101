"""Whether images are shown mirrored as well: by measurement, and only where it may pay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gankit
from gankit.config import TrainConfig
from gankit.kinds import prepare
from gankit.kinds.base import Prepared
from gankit.kinds.images.features import mirror_for, told_apart
from gankit.kinds.images.options import ImageOptions
from gankit.randomness import numpy_generator

LONG = TrainConfig(samples="500k", heldout_fraction=0.4)


def blobs(num: int, lean: float) -> np.ndarray:
    """Images [num, 8, 8] of noise, lighter on the left where lean is above 0, in one more than in another."""
    rng = numpy_generator(0, "blobs")
    x = rng.normal(128, 30, (num, 8, 8)) + lean * rng.random((num, 1, 1)) * np.linspace(1, -1, 8)
    return np.clip(x, 0, 255).astype(np.uint8)


def prepared(lean: float, num: int = 8000) -> Prepared[Any, Any]:
    return prepare(blobs(num, lean), LONG, [])


def test_images_whose_sides_are_alike_are_mirrored_and_others_are_not() -> None:
    notes: list[str] = []
    alike, leaning = prepared(0.0), prepared(60.0)
    assert mirror_for(alike, LONG, notes) == "on"
    assert len(notes) == 1 and "--mirror off" in notes[0]
    assert mirror_for(leaning, LONG, notes) == "off" and len(notes) == 1
    assert abs(told_apart(alike, 1) - 0.5) < 0.05 < 0.3 < told_apart(leaning, 1) - 0.5


def test_what_is_asked_for_is_done_and_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit.kinds.images.features.told_apart", lambda *_: pytest.fail("measured"))
    alike = prepared(0.0)
    for asked in ("on", "off"):
        assert mirror_for(alike, TrainConfig(samples="500k", mirror=asked), []) == asked
    assert mirror_for(alike, TrainConfig(samples="400k"), []) == "off"
    assert mirror_for(alike, TrainConfig(budget="9m"), []) == "off"
    assert mirror_for(alike, TrainConfig(), []) == "off"
    assert mirror_for(prepared(0.0, 2000), LONG, []) == "off"  # 800 held-out images cannot tell
    for network in ("dense2014", "conv2014", "dcgan"):
        config = TrainConfig(samples="500k", heldout_fraction=0.4, network=network)
        assert mirror_for(prepare(blobs(2500, 0.0), config, []), config, []) == "off"
    table = prepare({"a": np.arange(3000.0)}, TrainConfig(), [])
    config = TrainConfig(samples="500k")
    assert table.kind.settle(table, config, []) == config  # which other kinds cannot be told


def test_runs_from_before_it_could_be_found_out_go_on() -> None:
    for then, now in ((True, "on"), (False, "auto")):
        assert TrainConfig.from_json({**TrainConfig().to_json(), "mirror": then}).own(ImageOptions).mirror == now


def test_what_was_found_out_is_recorded_and_judged_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit.budget.MIRRORING_FROM_SAMPLES", 64)
    monkeypatch.setattr("gankit.kinds.images.features.MIRRORING_SAMPLES", 500)
    model = gankit.train(blobs(8000, 0.0), samples=64, width=4, heldout_fraction=0.4)
    assert model.card["options"]["mirror"] == "on"
    short = gankit.train(blobs(300, 0.0), samples=64, width=4)
    assert short.card["options"]["mirror"] == "off"

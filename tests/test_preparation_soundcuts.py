"""Long audio clips are cut into pieces, and no sample is both learned and held out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gankit
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.kinds import prepare
from gankit.kinds.audio.files import Clips, Samples
from gankit.kinds.base import Prepared


def numbered(num: int, start: int = 0) -> Samples:
    """An audio clip whose every sample is another number, int16 [num], loud enough to be heard."""
    return (np.arange(start, start + num) - 16_000).astype(np.int16)


def parts(prepared: Prepared[Any, Any]) -> tuple[Clips, Clips]:
    return prepared.train.sounds(), prepared.heldout.sounds()


def test_one_long_clip_is_cut_by_itself_and_no_sample_is_on_both_sides() -> None:
    notes: list[str] = []
    prepared = prepare([numbered(30_000)], TrainConfig(rate=1000, seconds=0.5), notes)
    train, heldout = parts(prepared)
    assert train.x.shape[1:] == heldout.x.shape[1:] == (500, 1)
    assert not set(train.x.ravel().tolist()) & set(heldout.x.ravel().tolist())
    assert len(np.unique(heldout.x)) == heldout.x.size, "held-out pieces do not overlap"
    assert np.unique(np.diff(train.x[:, 0, 0])).min() == 125, "pieces to learn from begin a quarter apart"
    assert (np.diff(train.x[:, :, 0], axis=1) == 1).all() and (np.diff(heldout.x[:, :, 0], axis=1) == 1).all()
    assert 0.15 < len(np.unique(heldout.x)) / 30_000 < 0.25
    assert any("cut into pieces of 0.5 s" in note and "--seconds" in note for note in notes)


def test_pieces_keep_the_label_of_their_clip() -> None:
    x, y = [numbered(8_000), numbered(12_000, 10_000), numbered(300)], np.array(["a", "b", "a"])
    notes: list[str] = []
    prepared = prepare((x, y), TrainConfig(rate=1000, cut=True), notes)
    for sounds in parts(prepared):
        assert sounds.labels is not None
        labels = np.array(sounds.labels.column(0).to_pylist())
        assert set(labels) == {"a", "b"}
        low = sounds.x[:, 0, 0].astype(int) + 16_000 < 8_000
        assert (labels[low] == "a").all() and (labels[sounds.x[:, -1, 0].astype(int) + 16_000 > 10_000] == "b").all()
    assert any("1 of 3 audio clips shorter than a piece" in note for note in notes)


def test_of_many_clips_whole_ones_are_held_out() -> None:
    x = [numbered(1_500, 1_500 * i) for i in range(20)]
    train, heldout = parts(prepare(x, TrainConfig(rate=1000, cut=True, seconds=0.5), []))
    of = [set(((sounds.x.astype(int) + 16_000) // 1_500).ravel().tolist()) for sounds in (train, heldout)]
    assert len(of[0]) == 16 and len(of[1]) == 4 and not of[0] & of[1]


def test_silent_pieces_are_left_out() -> None:
    x = numbered(20_000)
    x[5_000:9_000] = 0
    notes: list[str] = []
    for sounds in parts(prepare([x], TrainConfig(rate=1000, seconds=0.5), notes)):
        assert (np.abs(sounds.x).max((1, 2)) > 0).all()
    assert any("silent ones are left out" in note for note in notes)


def test_what_is_too_short_is_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match=r"one audio clip of at most 1\.50 s gives too few pieces of 1\.02 .*--seconds"):
        prepare([numbered(1_500)], TrainConfig(rate=1000), [])
    with pytest.raises(DataError, match=r"3 audio clips .* give too few pieces"):
        prepare([numbered(900)] * 3, TrainConfig(rate=1000, cut=True), [])


def test_heldout_clips_are_cut_as_well(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=numbered(4_100)[None], rate=1000)
    config = TrainConfig(rate=1000, seconds=0.5, heldout=str(tmp_path / "other.npz"))
    train, heldout = parts(prepare([numbered(10_000)], config, []))
    assert train.x.shape[1] == heldout.x.shape[1] == 500 and len(heldout) == 8


def test_from_one_file_to_fakes_and_a_report(tmp_path: Path) -> None:
    time = np.arange(60_000) / 4_000
    x = (8_000 * np.sin(2 * np.pi * 300 * time * (1 + 0.1 * np.sin(time)))).astype(np.int16)
    gankit.train([x], samples="512", rate=4_000, seconds=0.25, seed=0, out=tmp_path / "run")
    model = gankit.load(tmp_path / "run")
    assert model.sample(3)[0].shape == (1000,)
    model.write(tmp_path / "fakes", 3, 0)
    assert len(list((tmp_path / "fakes").glob("*.wav"))) == 3
    report = gankit.evaluate(model, real=[x])
    assert "audio clip" in report.html

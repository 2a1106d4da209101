"""Audio clips from end to end, as spectrograms and as raw samples: train, sample, keep, resume, evaluate."""

from __future__ import annotations

import json
import re
from pathlib import Path

import audio_examples as examples
import numpy as np
import pytest
from scipy.io import wavfile

import gankit
from gankit.cli import run
from gankit.errors import InterruptedRun, OptionError

WIDTHS = {"strided": 8, "wave": 8}
SMALL = {"batch": 8, "evaluations": 2, "early_stop": False, "rate": 500}


def clips(count: int = 40) -> tuple[list[np.ndarray], list[str]]:
    sounds, classes = examples.tones(count, **examples.TINY)
    return [one[:, 0] for one in sounds], classes


@pytest.mark.parametrize("network", sorted(WIDTHS))
def test_row_i_of_a_seed_is_the_same_however_it_is_asked_for(network: str, tmp_path: Path) -> None:
    model = gankit.train(clips()[0], network=network, width=WIDTHS[network], samples="160", **SMALL)
    sounds = model.sample(9, seed=3)
    assert model.kind == "audio" and len(sounds) == 9
    assert all(one.dtype == np.int16 and one.ndim == 1 for one in sounds)
    for one, other in zip(model.sample(4, seed=3, offset=5), sounds[5:], strict=True):
        np.testing.assert_array_equal(one, other)
    model.save(tmp_path / "model.safetensors")
    again = gankit.load(tmp_path / "model.safetensors").sample(9, seed=3)
    for one, other in zip(again, sounds, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("network", sorted(WIDTHS))
def test_a_run_that_was_stopped_ends_in_the_same_bytes(network: str, tmp_path: Path) -> None:
    source = clips()[0]
    options = {**SMALL, "network": network, "width": WIDTHS[network], "samples": "420"}
    looks = []
    gankit.train(source, out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            source, out=tmp_path / "cut", on_progress=looks.append, should_stop=lambda: len(looks) >= 1, **options
        )
    gankit.resume(tmp_path / "cut", source)
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert models[0] == models[1]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a folder a class, from the command line."""
    place = tmp_path_factory.mktemp("audio")
    folder = examples.by_class(place / "tones", 80, **examples.TINY)
    arguments = [
        "train", str(folder), "-o", str(place / "run"), "--width", "16", "--batch", "16", "--samples", "4k",
        "--evaluations", "2", "--no-early-stop",
    ]  # fmt: skip
    assert run(arguments) == 0
    return place / "run"


def test_the_pitch_that_is_asked_for_is_heard(trained: Path) -> None:
    for name, other in (("low", "high"), ("high", "low")):
        fakes = gankit.load(trained).sample(20, where={"label": name})
        right = 0
        for one in fakes:
            power = np.abs(np.fft.rfft(one.astype(float) * np.hanning(len(one)))) ** 2
            share = power.argmax() / len(one)
            right += abs(np.log2(share / examples.CLASSES[name])) < abs(np.log2(share / examples.CLASSES[other]))
        assert right >= 14, f"{name}: {right} of 20"


def test_a_folder_a_class_is_written_as_it_came(trained: Path, tmp_path: Path) -> None:
    assert run(["sample", str(trained), "-n", "7", "-o", str(tmp_path / "out"), "--where", "label=low"]) == 0
    files = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.wav"))
    assert files == [f"low/{row:06d}.wav" for row in range(7)]
    rate, samples = wavfile.read(tmp_path / "out" / files[0])
    assert rate == 500 and 0 < len(samples) <= 128


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["-n", "2", "-o", "two.wav"], "-n 1"),
        (["-n", "2"], "give a file or folder with -o"),
        (["-n", "2", "-o", "x.csv"], "not written as '.csv'"),
        (["-n", "2", "-o", "x.npz", "--where", "label=loud"], "loud"),
    ],
)
def test_what_cannot_be_written_or_obeyed_is_said(
    trained: Path, arguments: list[str], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert run(["sample", str(trained), *arguments]) == 2
    assert why in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_report_has_players_and_stands_beside_ceilings(trained: Path, tmp_path: Path) -> None:
    assert run(["evaluate", str(trained), "-n", "60", "-o", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert len(page) < 2_000_000
    assert len(re.findall("<audio controls", page)) == 12  # three fakes and three real ones of two classes
    assert "Synthetic audio clips, the first ones" in page and "real spectrograms" in page and "real images" not in page
    written = json.loads((tmp_path / "report.json").read_text())
    assert not any("image" in sentence for sentence in written["summary"])
    found = written["evaluation"]
    distances = {name: found["metrics"]["frechet"][name]["value"] for name in ("fake", "ceiling")}
    assert distances["ceiling"] < distances["fake"] < found["metrics"]["frechet"]["baselines"]["noise"]["value"]
    assert found["classifier"]["accuracy"] > 0.8


def test_other_real_clips_and_other_fakes_can_be_judged(trained: Path, tmp_path: Path) -> None:
    sounds, _ = examples.tones(24, **examples.TINY)
    other = examples.fill(tmp_path / "real", sounds, [f"{i}.wav" for i in range(24)], 500)
    assert run(["sample", str(trained), "-n", "30", "-o", str(tmp_path / "fakes.npz")]) == 0
    report = gankit.evaluate(trained / "model.safetensors", other, fake=tmp_path / "fakes.npz")
    assert report.json["evaluation"]["rows"]["fake"] == 30
    assert "copies_exact" not in report.json["evaluation"]["metrics"]


def test_held_out_clips_of_their_own_are_taken(tmp_path: Path) -> None:
    folder = examples.by_class(tmp_path / "train", 24, **examples.TINY)
    other = examples.by_class(tmp_path / "test", 12, **examples.TINY)
    options = {"width": 8, "samples": "60", "batch": 8, "evaluations": 1, "early_stop": False, "given": ("none",)}
    model = gankit.train(folder, heldout=str(other), **options)
    assert model.card["rows"] == {"train": 24, "heldout": 12}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"network": "temporal"}, "makes series"),
        ({"size": "64"}, "--size is for images"),
        ({"window": 24}, "--window is for series"),
    ],
)
def test_options_for_other_data_are_refused(options: dict[str, object], why: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=why):
        gankit.train(examples.by_class(tmp_path, 6, **examples.TINY), samples="20", **options)


def test_options_for_clips_are_refused_for_tables(small_table: Path) -> None:
    with pytest.raises(OptionError, match="--pattern is for audio clips"):
        gankit.train(small_table, samples="20", pattern="{a}")

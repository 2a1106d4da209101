"""Another package adds a kind of data, a loss and a metric, and edits no file of gankit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extension import installed

import gankit
from gankit.errors import DependencyError, OptionError


def clouds(num: int = 120, points: int = 5) -> np.ndarray:
    draws = np.random.default_rng(0)
    return draws.normal(size=(num, points, 3)) * draws.uniform(0.5, 2, (num, 1, 1)) + 3


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch, installed(tmp_path_factory.mktemp("package"), monkeypatch):
        yield


def test_a_kind_of_another_package_goes_all_the_way(package: None, tmp_path: Path) -> None:
    np.save(tmp_path / "clouds.npy", clouds())
    notes: list[str] = []
    out = tmp_path / "run"
    model = gankit.train(tmp_path / "clouds.npy", out=out, samples="2k", evaluations=2, width=16, on_note=notes.append)
    assert model.kind == "points" and any(note.startswith("kind: points") for note in notes)
    made = gankit.load(out).sample(7, seed=2)
    assert made.shape == (7, 5, 3) and np.array_equal(made[4:], model.sample(3, seed=2, offset=4))
    report = gankit.evaluate(out)
    report.save(tmp_path / "report")
    assert report.json["evaluation"]["metrics"]["radius"]["fake"]["value"] >= 0
    assert "point clouds" in (tmp_path / "report" / "report.html").read_text()


def test_its_options_are_flags_and_refused_for_other_kinds(package: None, tmp_path: Path) -> None:
    # a process of its own: in this one the commands may have been made before the package was there
    paths = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    help = subprocess.run(
        [sys.executable, "-m", "gankit", "train", "--help"], env=os.environ | paths, capture_output=True, text=True
    )
    assert help.returncode == 0 and "--centre / --no-centre" in help.stdout, help.stderr
    model = gankit.train(clouds(), samples="200", evaluations=1, width=8, centre=True)
    assert abs(model.prepared.train.values["points"].data.mean(1)).max() < 1e-9
    assert model.card["options"]["centre"] is True
    with pytest.raises(OptionError, match="--centre is for point clouds, and this data is none"):
        gankit.train(np.arange(50.0), centre=True)
    with pytest.raises(OptionError, match="--size is for images, and this data is none"):
        gankit.train(clouds(), size="8")


def test_a_network_of_another_package_trains_and_its_model_is_kept_and_sampled(package: None, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(3, 2, 400)
    model = gankit.train(x, network="line", samples="6k", out=tmp_path / "run")
    assert (model.plan.name, model.plan.num_latents, model.plan.precision) == ("line", 3, "float32")
    fakes = gankit.load(tmp_path / "run").sample(500, seed=1)
    assert np.array_equal(fakes, model.sample(500, seed=1)) and fakes.shape == (500,) and abs(fakes.mean() - 3) < 2
    with pytest.raises(OptionError, match="--width: a line has none"):
        gankit.train(x, network="line", samples="1k", width=3)
    with pytest.raises(OptionError, match="--precision bfloat16: network line"):
        gankit.train(x, network="line", samples="1k", precision="bfloat16")
    with pytest.raises(OptionError, match=r"network must be one of auto, sequential, .*wave, line; got 'lines'"):
        gankit.train(x, network="lines")


def test_a_loss_and_a_metric_of_another_package_are_used(package: None) -> None:
    x = np.random.default_rng(1).normal(size=(120, 2))
    model = gankit.train(x, samples="400", evaluations=1, width=8, loss="softhinge")
    assert model.card["options"]["loss"] == "softhinge"
    assert gankit.evaluate(model, n=100).json["evaluation"]["metrics"]["means"]["fake"]["value"] >= 0
    with pytest.raises(OptionError, match=r"loss must be one of .*relativistic, softhinge; got 'softhing'"):
        gankit.train(x, loss="softhing")


def test_a_broken_package_is_named_when_it_is_asked_for_and_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installed(tmp_path, monkeypatch, "raise RuntimeError('no luck')\n", "broken_points"):
        notes: list[Any] = []
        gankit.train(np.arange(50.0), samples="100", evaluations=1, width=8, on_note=notes.append)
        sentence = "gankit.kinds 'points' of the package gankit-points cannot be loaded (RuntimeError: no luck)"
        assert any(note.startswith(sentence) for note in notes)
        with pytest.raises(DependencyError, match="cannot be loaded"):
            gankit.train(clouds(), kind="points")
        with pytest.raises(DependencyError, match=r"gankit\.networks 'line' of the package gankit-points"):
            gankit.train(np.arange(50.0), network="line", samples="100")
        with pytest.raises(DependencyError, match=r"gankit\.losses 'softhinge'"):
            gankit.train(np.arange(50.0), loss="softhinge", samples="100")

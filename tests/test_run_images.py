"""Images from end to end, with every network that makes them: train, sample, keep, resume, evaluate."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import gankit
from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, InterruptedRun, OptionError
from gankit.kinds import prepare
from gankit.networks import NETWORKS
from gankit.networks.backbones import LIBRARY
from gankit.run.plan import plan_game

WIDTHS = {"dense2014": 30, "conv2014": 40, "dcgan": 8, "residual": 16, "strided": 8, "stylegan2": 64}
"""Networks that make images, and a width that is small."""
if find_spec(LIBRARY):
    WIDTHS["projected"] = 8

SLOW = "projected"
"""A network whose steps take a second: it makes fewer."""

SMALL = {"batch": 16, "evaluations": 2, "early_stop": False}


def digits(count: int = 240) -> tuple[np.ndarray, np.ndarray]:
    """[count, 8, 8] uint8 and their classes."""
    found = load_digits()
    return (found.images[:count] * 15.9).astype(np.uint8), found.target[:count].astype(np.int64)


def test_every_network_is_tried_here() -> None:
    others = {"sequential", "symbols", "principal", "temporal", "recurrent", "attention", "wave"}
    assert {*WIDTHS, *others, "projected"} == set(NETWORKS)


@pytest.mark.parametrize("network", sorted(WIDTHS))
def test_row_i_of_a_seed_is_the_same_however_it_is_asked_for(network: str, tmp_path: Path) -> None:
    x, _ = digits()
    model = gankit.train(
        x, network=network, width=WIDTHS[network], **SMALL | {"samples": "32" if network == SLOW else "160"}
    )
    whole = model.sample(9, seed=3)
    assert whole.shape == (9, 8, 8) and whole.dtype == np.uint8
    assert len(np.unique(whole.reshape(9, -1), axis=0)) > 1, "another z gives another image"
    np.testing.assert_array_equal(model.sample(4, seed=3, offset=5), whole[5:])
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(gankit.load(tmp_path / "model.safetensors").sample(9, seed=3), whole)


@pytest.mark.parametrize("network", sorted(WIDTHS))
def test_a_run_that_was_stopped_ends_in_the_same_bytes(network: str, tmp_path: Path) -> None:
    x, _ = digits(120)
    short = {"samples": "112", "batch": 4} if network == SLOW else {"samples": "480"}
    options = {**SMALL, "network": network, "width": WIDTHS[network], "augment": "ada", **short}
    looks = []

    def after_the_first(progress: object) -> None:
        looks.append(progress)

    gankit.train(x, out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            x, out=tmp_path / "cut", on_progress=after_the_first, should_stop=lambda: len(looks) >= 1, **options
        )
    gankit.resume(tmp_path / "cut", x)
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert models[0] == models[1]
    texts = [(tmp_path / run / "log.jsonl").read_text() for run in ("whole", "cut")]
    logs = [[json.loads(line) for line in text.splitlines()] for text in texts]
    losses = [{row["step"]: (row["d_loss"], row["g_loss"]) for row in log if "d_loss" in row} for log in logs]
    assert losses[0] == losses[1], "the model may be an earlier one"


@pytest.fixture(scope="module")
def conditional() -> gankit.Model:
    return gankit.train(digits(400), network="strided", width=16, samples="12k", batch=32, evaluations=3)


def test_labels_are_conditions_by_themselves(conditional: gankit.Model) -> None:
    assert conditional.card["given"] == ["label"]
    x, y = conditional.sample(50, seed=1, where={"label": 7})
    assert x.shape == (50, 8, 8) and set(y.tolist()) == {7} and y.dtype == np.int64
    x, y = conditional.sample(300, seed=1)
    assert len(set(y.tolist())) == 10


def test_labels_can_be_left_out() -> None:
    model = gankit.train(digits(100), network="strided", width=8, samples="200", given=("none",), **SMALL)
    assert model.card["given"] == []
    with pytest.raises(OptionError, match="cannot satisfy a condition on 'label'"):
        model.sample(1, where={"label": 3})


def test_an_unknown_class_is_refused_by_name(conditional: gankit.Model) -> None:
    with pytest.raises(OptionError, match="12"):
        conditional.sample(1, where={"label": 12})


def test_truncation_takes_away_variety(conditional: gankit.Model) -> None:
    whole = conditional.sample(64, seed=2, where={"label": 3})[0].astype(float)
    less = conditional.sample(64, seed=2, where={"label": 3}, truncation=0.2)[0].astype(float)
    assert less.std(0).mean() < 0.7 * whole.std(0).mean()
    single, double = (conditional.sample(2, truncation=kept)[0] for kept in (np.float32(0.5), 0.5))
    assert np.array_equal(single, double)
    for wrong in (0.0, 1.1, float("nan"), "x", None):
        with pytest.raises(OptionError, match="--truncation"):
            conditional.sample(1, truncation=wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="n must be a whole number"):
        conditional.sample(1.5)  # type: ignore[arg-type]


def test_the_report_names_its_features_and_stands_beside_ceilings(conditional: gankit.Model, tmp_path: Path) -> None:
    report = gankit.evaluate(conditional, n=200)
    report.save(tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    found = json.loads((tmp_path / "report.json").read_text())["evaluation"]
    assert "not Inception" in found["features"]
    distances = {name: found["metrics"]["frechet"][name]["value"] for name in ("fake", "ceiling")}
    assert distances["ceiling"] < distances["fake"] < found["metrics"]["frechet"]["baselines"]["noise"]["value"]


def test_distances_are_measured_in_the_features_that_are_asked_for(
    conditional: gankit.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    found = gankit.evaluate(conditional, n=60, features="fixed").json["evaluation"]
    assert "fixed random" in found["features"]
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(DependencyError, match="pip install torch-fidelity"):
        gankit.evaluate(conditional, n=60, features="inception", on_note=notes.append)
    assert any("are fetched" in text for text in notes)
    with pytest.raises(OptionError, match="must be one of auto, fixed, pretrained, inception"):
        gankit.evaluate(conditional, n=60, features="vgg")


def test_a_run_keeps_previews_that_people_can_open(tmp_path: Path) -> None:
    from PIL import Image

    from gankit.kinds.images.evaluation import read_previews

    x, _ = digits(100)
    model = gankit.train(x, out=tmp_path / "run", network="strided", width=8, samples="480", **SMALL)
    files = sorted((tmp_path / "run" / "previews").glob("*.png"))
    assert [file.stem for file in files[1:]] == ["000000000400", "000000000480", "real"]
    with Image.open(files[-1]) as image:
        assert image.mode == "L"
    previews = read_previews(tmp_path / "run" / "previews", (8, 8, 1))
    assert [samples for samples, _ in previews] == [0, *(entry["samples"] for entry in model.history)]
    assert previews[-1][1].shape[1:] == (8, 8, 1)
    (tmp_path / "run" / "previews").rename(tmp_path / "run" / "looks")  # as runs of before that name have it
    assert "Samples over the training" in gankit.evaluate(tmp_path / "run", real=x).html


@pytest.mark.parametrize(
    ("network", "side", "steps"), [("strided", 64, 25), ("strided", 512, 6), ("stylegan2", 256, 1)]
)
def test_large_images_are_looked_at_after_fewer_steps_so_that_a_stop_does_not_wait(
    network: str, side: int, steps: int
) -> None:
    x = np.zeros((4, side, side, 3), np.uint8)
    x[1:] = 200
    notes: list[str] = []
    config = TrainConfig(network=network)
    assert plan_game(prepare(x, config, notes), config, 1000).steps_per_look == steps


def test_one_image_cannot_be_learned_from() -> None:
    with pytest.raises(DataError):
        gankit.train(digits(1)[0], samples="100")


def test_a_table_network_is_refused_for_images() -> None:
    with pytest.raises(OptionError, match="makes tables"):
        gankit.train(digits(20)[0], network="sequential", samples="100")


def test_a_image_network_is_refused_for_tables() -> None:
    with pytest.raises(OptionError, match="makes images"):
        gankit.train(np.arange(100.0), network="strided", samples="100")

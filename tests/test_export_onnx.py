"""The exported generator: the same numbers in a runtime that knows nothing of gankit."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from latent_models import WIDTHS, image_model

import gankit
from gankit.errors import DependencyError, OptionError, OutputError
from gankit.model.export import METADATA, export
from gankit.networks.base import StyleGenerator
from gankit.randomness import numpy_generator

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
runtime = pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")


def fed(model: Any, rows: int, seed: int = 0) -> tuple[dict[str, np.ndarray], Any]:
    """What the exported graph is fed with for the first rows of a seed, and their draws."""
    draws = model.draws(seed)(0)
    feed = {"z": draws.z[:rows].numpy()}
    if draws.c is not None:
        feed["c"] = draws.c[:rows].numpy()
    if isinstance(model.generator, StyleGenerator):
        layers = model.generator.draw_noise(rows, draws.u)
        feed["noise"] = torch.cat([layer.flatten(1) for layer in layers], 1).numpy()
    elif draws.u.shape[1]:
        feed["u"] = draws.u[:rows].numpy()
    return feed, draws


def ran(file: Path, feed: dict[str, np.ndarray]) -> np.ndarray:
    session = runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    assert {i.name for i in session.get_inputs()} == set(feed)
    (found,) = session.run(None, feed)
    return np.asarray(found)


@lru_cache
def exported(folder: Path, network: str) -> tuple[Path, dict[str, Any]]:
    """The file that gives bytes, and what is said of it."""
    file = folder / f"{network}.onnx"
    return file, export(image_model(network), file, pixels="bytes")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("onnx")


@pytest.mark.parametrize("network", sorted(WIDTHS))
def test_a_runtime_gives_the_images_that_sample_gives(network: str, folder: Path) -> None:
    model = image_model(network)
    images, _ = model.sample(7, seed=3)
    file, _ = exported(folder, network)
    found = ran(file, fed(model, 7, seed=3)[0])
    assert found.dtype == np.uint8 and found.shape == (7, 8, 8, 1)
    # sums in another order may tip a number that lies at the edge between two bytes
    difference = np.abs(found[..., 0].astype(int) - images.astype(int))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01
    assert images.std(0).mean() > 5, "they differ"
    np.testing.assert_array_equal(ran(file, fed(model, 1, seed=3)[0])[0], found[0])


def test_numbers_and_truncation_are_those_of_the_generator(tmp_path: Path) -> None:
    model = image_model("stylegan2")
    file = tmp_path / "g.onnx"
    generator = model.generator
    rough = replace(model, generator=copy.deepcopy(generator))
    rough.generator.multiply_in = torch.bfloat16
    export(rough, file, truncation=0.5, opset=20)
    assert rough.generator.multiply_in == torch.bfloat16, "the export is in float32, and the model stays as it is"
    feed, draws = fed(model, 5)
    with torch.no_grad():
        w = generator.styles(draws.z[:5], draws.c[:5])
        w = generator.mean_style + 0.5 * (w - generator.mean_style)
        expected = generator.paint(w, generator.draw_noise(5, draws.u)).numpy()
    np.testing.assert_allclose(ran(file, feed), expected, atol=1e-4)
    assert onnx.load(file).opset_import[0].version == 20


def test_the_file_says_what_goes_in_and_what_comes_out(folder: Path) -> None:
    file, about = exported(folder, "strided")
    onnx.checker.check_model(file, full_check=True)
    (kept,) = [p.value for p in onnx.load(file).metadata_props if p.key == METADATA]
    assert json.loads(kept) == about
    assert about["inputs"]["z"]["size"] == 12 and about["inputs"]["c"]["size"] == 10
    assert about["condition"] == [{"column": "label", "first": 0, "means": [str(d) for d in range(10)]}]
    assert (about["output"]["shape"], about["output"]["type"]) == ([8, 8, 1], "uint8")


def test_records_that_are_no_images_are_exported_too(tmp_path: Path) -> None:
    x = numpy_generator(1, "test vectors").normal(size=(300, 3)).astype(np.float32)
    model = gankit.train(x, samples="2k", evaluations=1)
    export(model, tmp_path / "g.onnx")
    feed, _ = fed(model, 6)
    decoded = model.codec.decode(ran(tmp_path / "g.onnx", feed).astype(np.float64))
    found = np.stack([values.data for values in decoded.values()], 1)
    np.testing.assert_allclose(found, model.sample(6), atol=1e-3)


def test_a_table_of_the_residual_network_is_exported_with_its_discrete_choices(
    small_table: Path, tmp_path: Path
) -> None:
    model = gankit.train(small_table, network="residual", given=["city"], samples="2k", evaluations=1)
    about = export(model, tmp_path / "g.onnx")
    feed, draws = fed(model, 50)
    with torch.no_grad():
        expected = model.generator(draws.z[:50], draws.u[:50], draws.c[:50]).numpy()
    np.testing.assert_allclose(ran(tmp_path / "g.onnx", feed), expected, atol=1e-4)
    assert export(model, tmp_path / "g.pt2") == about
    program = torch.export.load(str(tmp_path / "g.pt2")).module()
    found = program(*(torch.from_numpy(feed[name]) for name in about["inputs"]))
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert about["condition"][0]["column"] == "city" and "Oslo" in about["condition"][0]["means"]


def test_what_cannot_be_exported_is_refused_in_words(small_table: Path, tmp_path: Path) -> None:
    table = gankit.train(small_table, samples="2k", evaluations=1)
    with pytest.raises(OptionError, match="--network residual"):
        export(table, tmp_path / "g.onnx")
    model = gankit.train(np.arange(100.0), samples="1k", evaluations=1)
    with pytest.raises(OptionError, match="kind number"):
        export(model, tmp_path / "g.onnx", pixels="bytes")
    with pytest.raises(OptionError, match="--opset 3"):
        export(model, tmp_path / "g.onnx", opset=3)
    with pytest.raises(OutputError, match=r"\.onnx"):
        export(model, tmp_path / "g.pt")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = gankit.train(np.arange(100.0), samples="1k", evaluations=1)
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(DependencyError, match="pip install onnx onnxscript"):
        export(model, tmp_path / "g.onnx")

"""Exported generators where gankit is not: every network that can be, loaded by torch or ONNX Runtime alone."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from latent_models import WIDTHS, image_model
from test_export_onnx import fed

import gankit
from gankit.errors import OptionError
from gankit.model import Model, NetworkPlan
from gankit.model.export import export
from gankit.networks import NETWORKS
from gankit.randomness import numpy_generator

SERIES = {"principal": None, "temporal": 8, "recurrent": 8, "attention": 8}
"""Networks of series, and a width that is small."""

NO_GRAPH = {"sequential", "symbols"}
ELSEWHERE = {"projected"}
"""Built with a network that has seen photographs, which takes long."""
HAS_ONNX = all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))

BARE = """
import json, sys

class NoGankit:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "gankit":
            raise ImportError("not here")

sys.meta_path.insert(0, NoGankit())
try:
    import gankit
except ImportError:
    pass
else:
    raise SystemExit("gankit is here")
import numpy as np
for file, feed in json.loads(sys.argv[1]):
    given = np.load(feed)
    if file.endswith(".onnx"):
        import onnxruntime
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        (x,) = session.run(None, {name: given[name] for name in given})
        about = session.get_modelmeta().custom_metadata_map["gankit"]
    else:
        import torch
        extra = {"gankit": ""}
        program = torch.export.load(file, extra_files=extra).module()
        about = extra["gankit"]
        x = program(*(torch.from_numpy(given[name]) for name in json.loads(about)["inputs"])).numpy()
    assert not [name for name in sys.modules if name.startswith("gankit")]
    np.savez(file + ".npz", x=x, about=about)
"""


Found = dict[str, tuple[Model, np.ndarray, dict[str, Any], dict[str, Any]]]


def drawn(model: Model, network: str, width: int | None) -> Model:
    """The model with another network, whose weights are drawn, not learned."""
    plan = NetworkPlan(network, width, None, 12)
    generator, _ = plan.build(model.codec.spec, None if model.given is None else model.given.codec.spec)
    draws = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=draws))
    return replace(model, plan=plan, generator=generator.eval())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """By the names of files: a model, what a process without gankit makes of its export for the first five rows of
    seed 3, what that process was told, and what the export said.
    """
    folder = tmp_path_factory.mktemp("bare")
    x = numpy_generator(1, "test series").normal(size=(40, 6, 2)).cumsum(1)
    sounds = numpy_generator(2, "test sounds").uniform(-1, 1, size=(40, 256)).astype(np.float32)
    short: Any = {"samples": "40", "batch": 20, "evaluations": 1, "early_stop": False, "width": 4, "verbose": False}
    series = gankit.train(x, **short)
    models = {f"{network}.pt2": drawn(series, network, width) for network, width in SERIES.items()}
    models["wave.pt2"] = gankit.train(sounds, rate=500, network="wave", **short)
    models |= {f"{network}.pt2": image_model(network) for network in sorted(WIDTHS)}
    if HAS_ONNX:
        models |= {f"{network}.onnx": models[f"{network}.pt2"] for network in ("temporal", "dcgan")}
    jobs, told = [], {}
    for name, model in models.items():
        pixels = "bytes" if model.of.has_places else "float"
        told[name] = export(model, folder / name, pixels=pixels, truncation=0.5 if name == "stylegan2.pt2" else 1.0)
        np.savez(folder / f"{name}.in.npz", **fed(model, 5, seed=3)[0])
        jobs.append([str(folder / name), str(folder / f"{name}.in.npz")])
        assert str(Path(gankit.__file__).parent).encode() not in (folder / name).read_bytes() or name.endswith(".onnx")
    command = [sys.executable, "-c", BARE, json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    made = {name: np.load(folder / f"{name}.npz") for name in models}
    return {name: (models[name], a["x"], json.loads(str(a["about"])), told[name]) for name, a in made.items()}


def test_every_network_is_known_here() -> None:
    assert {*WIDTHS, *SERIES, "wave"} | NO_GRAPH | ELSEWHERE == set(NETWORKS)


FILES = [f"{network}.pt2" for network in (*sorted(WIDTHS), *SERIES, "wave")] + ["temporal.onnx", "dcgan.onnx"]


@pytest.mark.parametrize("name", FILES)
def test_without_gankit_an_exported_model_gives_what_sample_is_made_of(name: str, found: Found) -> None:
    if name.endswith(".onnx") and not HAS_ONNX:
        pytest.skip("a package of ONNX is missing")
    model, x, about, said = found[name]
    assert about == json.loads(json.dumps(said)) and about["network"] == model.plan.name
    if model.of.has_places:
        images, _ = model.sample(5, seed=3, truncation=about["truncation"])
        assert x.dtype == np.uint8 and x.shape == (5, 8, 8, 1)
        difference = np.abs(x[..., 0].astype(int) - images.astype(int))
        assert difference.max() <= 1 and (difference > 0).mean() < 0.01
        assert images.std(0).mean() > 3, "they differ"
        return
    draws = model.draws(3)(0)
    with torch.no_grad():
        expected = model.generator(draws.z[:5], draws.u[:5], None if draws.c is None else draws.c[:5]).numpy()
    np.testing.assert_allclose(x, expected, atol=1e-4)
    assert x.std(0).mean() > 1e-3, "they differ"


def test_a_program_takes_one_row_and_any_number(tmp_path: Path) -> None:
    model = image_model("strided")
    export(model, tmp_path / "g.pt2")
    program = torch.export.load(str(tmp_path / "g.pt2")).module()
    feed, _ = fed(model, 9)
    nine = program(*map(torch.from_numpy, feed.values()))
    one = program(*(torch.from_numpy(part[:1]) for part in feed.values()))
    np.testing.assert_allclose(nine[:1].numpy(), one.numpy(), atol=1e-5)
    assert nine.shape == (9, 1, 8, 8)


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_a_graph_for_one_number_of_rows_is_refused(suffix: str, tmp_path: Path) -> None:
    model = image_model("dcgan")
    counting: Any = copy.deepcopy(model.generator)
    kind = type(counting)
    counting.__class__ = type(
        "Counting", (kind,), {"forward": lambda self, z, u, c: kind.forward(self, z, u, c) * len(z)}
    )
    with pytest.raises(OptionError, match="no single graph for any number of rows"):
        export(replace(model, generator=counting), tmp_path / f"g{suffix}")
    assert not list(tmp_path.iterdir())


def test_an_option_of_onnx_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"--opset is for \.onnx files"):
        export(image_model("strided"), tmp_path / "g.pt2", opset=18)
    assert not list(tmp_path.iterdir())

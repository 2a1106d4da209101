"""Exported generators where gankit is not: every network that can be, loaded by torch or ONNX Runtime alone."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from functools import lru_cache
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
from gankit.model.export import METADATA, export
from gankit.networks import NETWORKS
from gankit.randomness import numpy_generator

SERIES = {"principal": None, "temporal": 8, "recurrent": 8, "attention": 8}
"""Networks of series, and a width that is small."""

NO_GRAPH = {"sequential", "symbols"}
PRETRAINED = {"projected"}
"""Its G is that of other networks of images and needs no photographs, but they are weighed when it is built."""

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


def bare(folder: Path, models: dict[str, Model], suffix: str, rows: int = 5, **own: Any) -> dict[str, tuple[Any, Any]]:
    """What a process without gankit makes of the exported models for the first rows of seed 3, and what it is told."""
    jobs, told = [], {}
    for name, model in models.items():
        file = folder / f"{name}{suffix}"
        told[name] = export(model, file, **own)
        np.savez(folder / f"{name}.npz", **fed(model, rows, seed=3)[0])
        jobs.append([str(file), str(folder / f"{name}.npz")])
    command = [sys.executable, "-c", BARE, json.dumps(jobs)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    found = {}
    for name, about in told.items():
        with np.load(folder / f"{name}{suffix}.npz") as arrays:
            found[name] = arrays["x"], json.loads(str(arrays["about"]))
        assert found[name][1] == json.loads(json.dumps(about))
    return found


@lru_cache
def _series() -> Model:
    x = numpy_generator(1, "test series").normal(size=(40, 6, 2)).cumsum(1)
    return gankit.train(x, samples="40", batch=20, evaluations=1, early_stop=False, width=4, verbose=False)


def drawn(model: Model, network: str, width: int | None) -> Model:
    """The model with another network, whose weights are drawn, not learned."""
    plan = NetworkPlan(network, width, None, 12)
    generator, _ = plan.build(model.codec.spec, None if model.given is None else model.given.codec.spec)
    draws = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=draws))
    return replace(model, plan=plan, generator=generator.eval())


def test_the_tests_know_every_network() -> None:
    assert {*WIDTHS, *SERIES, "wave"} | NO_GRAPH | PRETRAINED == set(NETWORKS)


def test_torch_alone_gives_the_images_that_sample_gives(tmp_path: Path) -> None:
    models = {network: image_model(network) for network in sorted(WIDTHS)}
    for network, (found, about) in bare(tmp_path, models, ".pt2", pixels="bytes").items():
        images, _ = models[network].sample(5, seed=3)
        assert found.dtype == np.uint8 and about["output"]["shape"] == [8, 8, 1], network
        difference = np.abs(found[..., 0].astype(int) - images.astype(int))
        assert difference.max() <= 1 and (difference > 0).mean() < 0.01, network
        assert images.std(0).mean() > 5, "they differ"
    content = (tmp_path / "strided.pt2").read_bytes()
    assert str(Path(gankit.__file__).parent).encode() not in content, "a file names no folder of this machine"


def test_torch_alone_gives_the_series_clips_and_rows_of_the_generator(tmp_path: Path, small_table: Path) -> None:
    models = {name: drawn(_series(), name, width) for name, width in SERIES.items()}
    sounds = numpy_generator(2, "test sounds").uniform(-1, 1, size=(40, 256)).astype(np.float32)
    short: Any = {"samples": "40", "batch": 20, "evaluations": 1, "early_stop": False, "verbose": False}
    models["wave"] = gankit.train(sounds, rate=500, network="wave", width=4, **short)
    models["residual"] = gankit.train(small_table, network="residual", given=["city"], **short)
    for network, (found, about) in bare(tmp_path, models, ".pt2").items():
        model = models[network]
        draws = model.draws(3)(0)
        with torch.no_grad():
            expected = model.generator(draws.z[:5], draws.u[:5], None if draws.c is None else draws.c[:5])
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4, err_msg=network)
        assert found.std() > 1e-3 and about["network"] == model.plan.name


@pytest.mark.skipif(
    not all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime")), reason="a package of ONNX is missing"
)
def test_onnx_runtime_alone_gives_the_same(tmp_path: Path) -> None:
    models = {"strided": image_model("strided"), "recurrent": drawn(_series(), "recurrent", 8)}
    for network, (found, _) in bare(tmp_path, models, ".onnx").items():
        model = models[network]
        draws = model.draws(3)(0)
        with torch.no_grad():
            expected = model.generator(draws.z[:5], draws.u[:5], None if draws.c is None else draws.c[:5])
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-4, err_msg=network)


def test_a_program_takes_one_row_and_any_number_and_a_truncation(tmp_path: Path) -> None:
    model = image_model("stylegan2")
    export(model, tmp_path / "g.PT2", truncation=0.5)
    extra = {METADATA: ""}
    program = torch.export.load(str(tmp_path / "g.PT2"), extra_files=extra).module()
    feed, draws = fed(model, 9)
    order = [torch.from_numpy(feed[name]) for name in json.loads(extra[METADATA])["inputs"]]
    with torch.no_grad():
        w = model.generator.styles(draws.z[:9], draws.c[:9])
        w = model.generator.mean_style + 0.5 * (w - model.generator.mean_style)
        expected = model.generator.paint(w, model.generator.draw_noise(9, draws.u))
    for rows in (1, 9):
        np.testing.assert_allclose(program(*(part[:rows] for part in order)).numpy(), expected[:rows], atol=1e-4)


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

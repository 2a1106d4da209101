"""Trainings that begin with the networks of another model: `--from`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import gankit
from gankit.errors import GankitError, InterruptedRun
from gankit.networks import build
from gankit.networks.base import Networks
from gankit.networks.transfer import shapes_of, take_over, width_for
from gankit.spec import Block, Spec

SMALL: dict[str, Any] = {"batch": 16, "evaluations": 2, "early_stop": False, "verbose": False}


def digits(count: int = 200, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """[count, size, size] uint8, size being a multiple of 8, and their classes."""
    found = load_digits()
    x = (found.images[:count] * 15.9).astype(np.uint8).repeat(size // 8, 1).repeat(size // 8, 2)
    return x, found.target[:count].astype(np.int64)


def classes(count: int | None) -> Spec | None:
    return None if count is None else Spec("vector", (count,), (Block("categorical", count),))


def taken(name: str, size: int, condition: int | None, own: int | None, same: bool = False) -> tuple[Any, ...]:
    """A pair for images of `size` and classes, begun as one of 32 pixels: shares, and the states of all networks."""
    spec, theirs = Spec("image", (3, size, size)), build(name, Spec("image", (3, 32, 32)), classes(condition), seed=1)

    def of(width: int | None) -> Networks:
        return build(name, spec, classes(own), width=width)

    width = width_for(of, theirs[0].state_dict(), None)
    networks = of(width)
    fresh = [{k: t.clone() for k, t in n.state_dict().items()} for n in networks]
    shares = []
    for which in (0, 1):
        shapes = shapes_of(lambda c: build(name, spec, c, width=width), which)
        shares.append(take_over(networks[which], theirs[which].state_dict(), shapes, same=same, backwards=which == 1))
    return shares, fresh, [n.state_dict() for n in networks], [n.state_dict() for n in theirs]


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", ["strided", "stylegan2", "residual", "projected"])
def test_the_same_networks_are_taken_over_whole_and_those_of_another_size_in_large_part(name: str) -> None:
    shares, _, own, theirs = taken(name, 32, 10, 10, same=True)
    assert shares == [1, 1] and equal(own[0], theirs[0]) and equal(own[1], theirs[1])
    for size in (64, 16):
        shares, *_ = taken(name, size, 10, 10, same=True)
        assert min(shares) > 0.3, (size, shares)


def test_layers_are_counted_from_the_smallest_maps_on() -> None:
    _, _, own, theirs = taken("strided", 64, None, None)
    assert torch.equal(own[0]["doublings.0.weight"], theirs[0]["doublings.0.weight"])
    assert torch.equal(own[1]["chain.convolutions.4.weight"], theirs[1]["chain.convolutions.3.weight"])


@pytest.mark.parametrize(("before", "after"), [(10, 10), (10, 3), (None, 3), (10, None)])
def test_what_belongs_to_other_classes_begins_anew(before: int | None, after: int | None) -> None:
    for name in ("strided", "projected"):
        shares, fresh, own, theirs = taken(name, 32, before, after)
        assert min(shares) > 0.5
        for which in (0, 1):
            for key, tensor in own[which].items():
                other = theirs[which].get(key)
                if other is not None and after is not None and ("style" in key or "classes" in key):
                    assert torch.equal(tensor, fresh[which][key]), key
    first, other = own[1]["judges.0.last.weight"], theirs[1]["judges.0.last.weight"]
    assert torch.equal(first[:1], other[:1]) and torch.equal(first[1:], fresh[1]["judges.0.last.weight"][1:])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "digits"
    gankit.train(digits(), out=out, samples="640", width=8, latents=20, **SMALL)
    return out


def test_a_training_begins_with_the_networks_of_a_run(model: Path) -> None:
    notes: list[str] = []
    x, y = digits(size=16)
    begun = gankit.train((x, y % 3), from_=str(model), samples=32, on_note=notes.append, **SMALL)
    assert (begun.plan.name, begun.plan.num_latents, begun.plan.width) == ("strided", 20, 4)
    assert any(f"begins as {model} was left" in note and "of G" in note for note in notes)
    again = gankit.train(digits(), from_=str(model), samples=16, learning_rate=1e-9, on_note=notes.append, **SMALL)
    assert "100% of G and 100% of D" in " ".join(notes)
    kept = gankit.load(model).generator.state_dict()
    assert all(torch.allclose(tensor, kept[k], atol=1e-6) for k, tensor in again.generator.state_dict().items())
    alone = gankit.train(x, from_=str(model / "model.safetensors"), samples=32, on_note=notes.append, **SMALL)
    assert "0% of D" in " ".join(notes) and alone.card["given"] == []


def test_it_is_resumed_without_the_model_to_the_same_bytes(model: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(model, moved)
    options: dict[str, Any] = {**SMALL, "from_": str(moved), "samples": "880"}
    looks: list[object] = []
    gankit.train(digits(), out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            digits(), out=tmp_path / "cut", on_progress=looks.append, should_stop=lambda: len(looks) >= 1, **options
        )
    shutil.rmtree(moved)
    gankit.resume(tmp_path / "cut", digits(), verbose=False)
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (np.arange(90.0), {}, "--from is for images"),
        (np.zeros((40, 8, 8, 3), np.uint8), {}, "have 1 channels, and these have 3"),
        (digits(40)[0], {"latents": 7}, "its latents is 20, and --latents 7 asks for another"),
        (digits(40)[0], {"network": "residual"}, "its network is strided"),
        (digits(40)[0], {"from_": "nowhere"}, "there is no model at nowhere"),
        (digits(40)[0], {"width": 33}, "of its generator fits"),
    ],
)
def test_what_cannot_be_begun_with_is_refused_in_words(
    model: Path, source: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(GankitError, match=said):
        gankit.train(source, **{"from_": str(model), "samples": 32, **SMALL, **options})


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    gankit.train(np.arange(90.0), samples=64, verbose=False).save(tmp_path / "numbers.safetensors")
    with pytest.raises(GankitError, match=r"it makes .*Begin from a model of images"):
        gankit.train(digits(40)[0], from_=str(tmp_path / "numbers.safetensors"), samples=32, **SMALL)

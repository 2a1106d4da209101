"""Images without a grid: fakes have no more energy at the frequencies of strides than real images."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from photographs import photographs
from spectra import PERIODS, grid

import gankit
from gankit.networks import build
from gankit.networks.backbones import LIBRARY
from gankit.networks.images.strided import StridedGenerator
from gankit.spec import Spec

WIDTHS = {"strided": 16, "stylegan2": 32, "residual": 16, "projected": 16}
"""Networks of today. Those of the papers of 2014 and 2016 are as the papers have them: deconvolutions whose kernel is
no multiple of the stride, which leave grids (Odena et al. 2016)."""
if not find_spec(LIBRARY):
    del WIDTHS["projected"]

MOST = 0.1
"""Share of the energy of real images that a grid may have."""


def striped(x: np.ndarray, period: int, share: float) -> np.ndarray:
    """Images with stripes of a period added, of a share of their contrast."""
    stripes = np.cos(2 * np.pi * np.arange(x.shape[2]) / period)[None, None, :, None]
    return np.clip(x + share * x.std() * stripes, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("period", "share"), [(2, 0.05), (4, 0.05), (8, 0.2)])
def test_the_measure_sees_faint_grids_of_their_period(period: int, share: float) -> None:
    x = photographs(400)
    real, other = x[:200], x[200:]
    assert max(grid(other, real).values()) < MOST
    seen = grid(striped(other, period, share), real)
    assert seen[period] > 2 * MOST
    assert all(seen[p] < MOST for p in PERIODS if p != period)


@pytest.mark.parametrize("name", WIDTHS)
def test_a_new_generator_makes_no_grid(name: str) -> None:
    generator, _ = build(name, Spec("image", (3, 64, 64)), width=WIDTHS[name])
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        z, u = (torch.randn(400, n, generator=rng) for n in (generator.num_latents, generator.num_uniforms))
        x = generator(z, u.sigmoid(), None)
    fakes = ((x.permute(0, 2, 3, 1) + 1) * 127.5).round().to(torch.uint8).numpy()
    found = grid(fakes, photographs(400))
    assert max(found.values()) < MOST, found


@pytest.mark.parametrize("name", WIDTHS)
def test_a_trained_generator_makes_no_grid(name: str) -> None:
    x = photographs(400)
    samples = 2000 if name == "strided" else 250
    model = gankit.train(x, network=name, width=WIDTHS[name], samples=samples, evaluations=1, verbose=False)
    found = grid(model.sample(400, seed=0), x)
    assert max(found.values()) < MOST, found


def test_doublings_stay_those_that_repeat_pixels() -> None:
    generator, _ = build("strided", Spec("image", (3, 64, 64)), width=8)
    assert isinstance(generator, StridedGenerator)
    with torch.no_grad():
        for weight in generator.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    generator.constrain()
    kernel = generator.doublings[0].weight.detach()[0, 0]
    repeated = torch.tensor([[1.0, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1]])  # kernel 3 on repeated pixels, as kernel 4
    within = repeated @ torch.linalg.pinv(repeated)
    torch.testing.assert_close(within @ kernel @ within.T, kernel)
    h = torch.ones(1, generator.to_pixels.in_channels, 8, 8)
    even = generator.last(generator.to_pixels(h)).detach()[..., 2:-2, 2:-2]
    torch.testing.assert_close(even, even[..., :1, :1].expand_as(even))
    before = [weight.clone() for weight in generator.parameters()]
    generator.constrain()
    for weight, was in zip(generator.parameters(), before, strict=True):
        torch.testing.assert_close(weight, was)

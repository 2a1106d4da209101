"""Colours and corruptions against matrices and filters worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gankit.randomness import torch_generator
from gankit.training.augment import changes
from gankit.training.augment.base import Change

ONE = torch.ones(1, dtype=torch.float64)


def images(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch_generator(0, "test images"), dtype=torch.float64) * 2 - 1


def recoloured(x: Tensor, matrices: Tensor) -> Tensor:
    maps = changes.as_maps(matrices, x.shape[1]).expand(len(x), -1, -1)
    return changes.recolour(x, Change(torch.arange(len(x)), maps))


def test_brightness_adds_and_contrast_multiplies_about_mid_grey() -> None:
    x = images(2, 3, 4, 5)
    assert torch.allclose(recoloured(x, changes.brightness(0.3 * ONE, 3)), x + 0.3)
    assert torch.allclose(recoloured(x, changes.contrast(1.7 * ONE, 3)), 1.7 * x)
    both = changes.contrast(2 * ONE, 3) @ changes.brightness(0.3 * ONE, 3)
    assert torch.allclose(recoloured(x, both), 2 * (x + 0.3))


@settings(deadline=None)
@given(angle=st.floats(-math.pi, math.pi))
def test_hue_keeps_luma_and_the_distance_from_it(angle: float) -> None:
    x = images(1, 3, 4, 4)
    turned = recoloured(x, changes.hue(angle * ONE))
    luma = x.mean(1, keepdim=True)
    assert torch.allclose(turned.mean(1, keepdim=True), luma, atol=1e-12)
    assert torch.allclose((turned - luma).norm(dim=1), (x - luma).norm(dim=1), atol=1e-12)


def test_a_third_of_a_turn_of_hue_passes_the_colours_on() -> None:
    x = images(1, 3, 4, 4)
    turned = recoloured(x, changes.hue(2 * math.pi / 3 * ONE))
    assert torch.allclose(turned, x[:, [2, 0, 1]], atol=1e-12)  # red to green, green to blue, blue to red
    assert torch.allclose(changes.hue(0.4 * ONE) @ changes.hue(0.5 * ONE), changes.hue(0.9 * ONE))


@pytest.mark.parametrize("n", [1, 3, 5])
def test_luma_flip_twice_is_the_identity_and_once_mirrors_luma(n: int) -> None:
    flip = changes.luma_flip(ONE, n)
    assert torch.allclose(flip @ flip, torch.eye(n + 1).double())
    assert torch.equal(changes.luma_flip(0 * ONE, n)[0], torch.eye(n + 1).double())
    x = images(1, n, 3, 3) if n not in (2, 4) else images(1, n + 1, 3, 3)
    flipped = recoloured(x, flip)
    assert torch.allclose(flipped.mean(1), -x.mean(1))
    assert torch.allclose(flipped - flipped.mean(1, keepdim=True), x - x.mean(1, keepdim=True))


def test_saturation_multiplies_the_distance_from_luma() -> None:
    x = images(1, 3, 4, 4)
    luma = x.mean(1, keepdim=True)
    assert torch.allclose(recoloured(x, changes.saturation(2.5 * ONE, 3)), luma + 2.5 * (x - luma))
    assert torch.allclose(recoloured(x, changes.saturation(0 * ONE, 3)), luma.expand_as(x))
    assert torch.allclose(changes.saturation(3 * ONE, 1)[0], torch.eye(2).double())  # grey has no colour


def test_grey_images_stay_grey_in_rgb_and_change_as_they_do_with_one_channel() -> None:
    grey = images(1, 1, 4, 4)

    def all_of(n: int) -> Tensor:
        matrices = changes.luma_flip(ONE, n) @ changes.contrast(1.3 * ONE, n) @ changes.brightness(-0.2 * ONE, n)
        return changes.saturation(1.8 * ONE, n) @ matrices

    rgb = recoloured(grey.expand(-1, 3, -1, -1), changes.hue(1.1 * ONE) @ all_of(3))
    assert torch.allclose(rgb, recoloured(grey, all_of(1)).expand(-1, 3, -1, -1))


@pytest.mark.parametrize(("channels", "colours"), [(1, 1), (2, 1), (3, 3), (4, 3), (5, 5)])
def test_alpha_is_not_a_colour(channels: int, colours: int) -> None:
    assert changes.num_colours(channels) == colours
    x = images(2, channels, 3, 3)
    changed = recoloured(x, changes.brightness(0.5 * ONE, colours))
    assert torch.allclose(changed[:, :colours], x[:, :colours] + 0.5)
    assert torch.equal(changed[:, colours:], x[:, colours:])


def test_contrast_about_the_own_mean_keeps_the_mean_and_alpha() -> None:
    x = images(2, 4, 5, 5)
    changed = changes.recontrast(x, Change(torch.tensor([1]), torch.full((1, 1, 1, 1), 0.5)), 3)
    assert torch.equal(changed[0], x[0])
    assert torch.equal(changed[1, 3], x[1, 3])
    mean = x[1, :3].mean()
    assert torch.allclose(changed[1, :3], mean + 0.5 * (x[1, :3] - mean))


def test_the_box_cuts_the_pixels_whose_centres_it_holds() -> None:
    x = torch.ones(2, 1, 4, 6)
    cut = changes.cut_out(x, Change(torch.tensor([1]), torch.tensor([[-2.0, 1.6, 2.0, 9.0]])))
    assert torch.equal(cut[0], x[0])
    expected = torch.ones(4, 6)
    expected[2:, :2] = 0
    assert torch.equal(cut[1, 0], expected)

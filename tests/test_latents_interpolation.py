"""Walks: their ends are the very rows, their lines are the ones they are named after."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from latent_models import WIDTHS, image_model

import gankit
from gankit.errors import OptionError
from gankit.latents import Places, Stop, interpolate, places_of
from gankit.latents.interpolation import spherical, straight
from gankit.model import Model
from gankit.randomness import torch_generator


def rows(model: Model, stops: list[Stop], truncation: float = 1.0) -> np.ndarray:
    """What `sample` gives for the rows, [N, H, W, C]."""
    found = []
    for stop in stops:
        made = model.sample(1, stop.seed, stop.row, stop.where, truncation=truncation)
        found.append((made[0] if isinstance(made, tuple) else made)[0])
    return np.stack(found)[..., None]


@pytest.mark.parametrize(("network", "space"), [*((name, "z") for name in sorted(WIDTHS)), ("stylegan2", "w")])
def test_a_walk_passes_the_very_images_of_its_rows(network: str, space: str) -> None:
    model = image_model(network)
    stops = [Stop(3, 1), Stop(300, 1), Stop(0, 2, {"label": 7})]  # 300: of another block
    x = interpolate(model, stops, frames=4, space=space)
    assert x.shape == (9, 8, 8, 1) and x.dtype == np.uint8
    np.testing.assert_array_equal(x[[0, 4, 8]], rows(model, stops))
    steps = np.abs(np.diff(x.astype(int), axis=0)).mean((1, 2, 3))
    whole = np.abs(x[[4, 8]].astype(int) - x[[0, 4]]).mean((1, 2, 3))
    assert (steps[:4] < whole[0]).all() and (steps[4:] < whole[1]).all(), "no jump is as large as the leg"
    assert steps.min() > 0, "it moves at every step"


def test_images_between_are_close_to_the_ends_where_they_are_near_to_them() -> None:
    """The images at the ends come from `sample`; those beside them from the walk's own places."""
    for network in ("strided", "stylegan2"):
        model = image_model(network)
        x = interpolate(model, [Stop(3), Stop(4)], frames=1000)[[0, 1, 999, 1000]].astype(int)
        assert np.abs(x[0] - x[1]).max() <= 3 and np.abs(x[2] - x[3]).max() <= 3


def test_a_loop_ends_where_it_began() -> None:
    model = image_model("strided", labelled=False)
    stops = [Stop(1), Stop(2), Stop(5)]
    x = interpolate(model, stops, frames=3, loop=True)
    assert len(x) == 10
    np.testing.assert_array_equal(x[[0, 3, 6, 9]], rows(model, [*stops, stops[0]]))


def test_truncation_holds_at_the_ends_and_between() -> None:
    for network in ("strided", "stylegan2"):
        model = image_model(network)
        stops = [Stop(1, 0, {"label": 3}), Stop(2, 0, {"label": 3})]  # what a label does is not truncated
        x = interpolate(model, stops, frames=2, truncation=0.3)
        np.testing.assert_array_equal(x[[0, 2]], rows(model, stops, truncation=0.3))
        free = interpolate(model, stops, frames=2)
        assert np.abs(x[2].astype(int) - x[0]).mean() < np.abs(free[2].astype(int) - free[0]).mean()


def test_with_one_row_under_two_conditions_only_the_condition_changes() -> None:
    model = image_model("strided")
    stops = [Stop(5, 0, {"label": 3}), Stop(5, 0, {"label": 8})]
    places = places_of(model, stops)
    assert places.z is not None and torch.equal(places.z[0], places.z[1])
    assert places.c is not None and places.c[0].argmax() == 3 and places.c[1].argmax() == 8
    x = interpolate(model, stops, frames=2)
    half = Places(places.z[:1], None, (places.c[:1] + places.c[1:]) / 2, [])
    with torch.no_grad():
        expected = model.generator(half.z, torch.zeros(1, 0), half.c)
    np.testing.assert_allclose(x[1, ..., 0], (expected[0, 0].numpy() + 1) * 127.5, atol=0.51)


def test_a_straight_line_in_z_is_the_mean_of_both_ends_in_the_middle() -> None:
    model = image_model("residual", labelled=False)
    places = places_of(model, [Stop(0), Stop(1)])
    assert places.z is not None
    x = interpolate(model, [Stop(0), Stop(1)], frames=2, path="straight")
    with torch.no_grad():
        expected = model.generator(places.z.mean(0, keepdim=True), torch.zeros(1, 0), None)
    np.testing.assert_allclose(x[1, ..., 0], ((expected[0, 0].numpy() + 1) * 127.5).clip(0, 255), atol=0.51)
    other = interpolate(model, [Stop(0), Stop(1)], frames=2)
    assert not np.array_equal(x[1], other[1]), "the spherical line is another"


@given(st.integers(0, 10_000), st.integers(2, 40))
@settings(max_examples=40, deadline=None)
def test_the_spherical_line_keeps_the_length_and_turns_evenly(seed: int, size: int) -> None:
    a, b = torch.randn(2, size, generator=torch_generator(seed, "test"), dtype=torch.float64)
    b = b / b.norm() * a.norm()
    t = torch.linspace(0, 1, 5, dtype=torch.float64)
    line = spherical(a, b, t)
    torch.testing.assert_close(line.norm(dim=1), a.norm().expand(5), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(line[[0, 4]], torch.stack([a, b]), rtol=1e-9, atol=1e-9)
    # the middle of a great circle lies on the bisector of its ends
    middle = (a + b) / (a + b).norm() * a.norm()
    torch.testing.assert_close(line[2], middle, rtol=1e-6, atol=1e-6)
    cosines = (line[1:] * line[:-1]).sum(1) / a.norm().square()
    torch.testing.assert_close(cosines, cosines[:1].expand(4), rtol=1e-6, atol=1e-6)


def test_parallel_ends_are_joined_by_a_straight_line() -> None:
    a = torch.tensor([3.0, 4.0])
    t = torch.tensor([0.0, 0.5, 1.0])
    torch.testing.assert_close(spherical(a, 2 * a, t), torch.stack([a, 1.5 * a, 2 * a]))
    torch.testing.assert_close(spherical(a, a, t), a.expand(3, 2))
    torch.testing.assert_close(spherical(torch.zeros(2), a, t), straight(torch.zeros(2), a, t))
    assert spherical(a, -a, t).isfinite().all()


def test_what_cannot_be_walked_is_refused_in_words() -> None:
    model = image_model("strided")
    with pytest.raises(OptionError, match="at least two places"):
        interpolate(model, [Stop(3)])
    with pytest.raises(OptionError, match="row -1"):
        interpolate(model, [Stop(3), Stop(-1)])
    with pytest.raises(OptionError, match=r"needs a network with styles.*strided"):
        interpolate(model, [Stop(3), Stop(4)], space="w")
    with pytest.raises(OptionError, match="spherical is for z"):
        interpolate(image_model("stylegan2"), [Stop(3), Stop(4)], space="w", path="spherical")
    with pytest.raises(OptionError, match="12"):
        interpolate(model, [Stop(3), Stop(4, 0, {"label": 12})])
    with pytest.raises(OptionError, match="truncation"):
        interpolate(model, [Stop(3), Stop(4)], truncation=0)
    with pytest.raises(OptionError, match="path='zig'"):
        interpolate(model, [3, 4], path="zig")
    with pytest.raises(OptionError, match="space='q'"):
        interpolate(model, [3, 4], space="q")
    assert np.array_equal(interpolate(model, [3, 4]), interpolate(model, [Stop(3), Stop(4)]))
    vectors = gankit.train(np.arange(60.0).reshape(20, 3), samples="200", evaluations=1)
    with pytest.raises(OptionError, match="kind vector"):
        interpolate(vectors, [Stop(3), Stop(4)])

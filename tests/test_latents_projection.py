"""Projection: what a model made is found again, and how near is told as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from latent_models import image_model

from gankit.errors import DataError, OptionError
from gankit.latents import Stop, interpolate, painted, project, read_places
from gankit.latents.projection import distance, rmse
from gankit.model import Model

STEPS = 60


def made(model: Model, count: int, seed: int) -> np.ndarray:
    """[count, 8, 8, 1] uint8."""
    x = model.sample(count, seed)
    return (x[0] if isinstance(x, tuple) else x)[..., None]


@pytest.mark.parametrize(
    ("network", "space"), [("strided", "z"), ("residual", "z"), ("stylegan2", "z"), ("stylegan2", "w")]
)
def test_a_image_that_the_model_made_is_found_again(network: str, space: str) -> None:
    model = image_model(network, labelled=network != "residual")
    targets, others = made(model, 2, seed=1), made(model, 2, seed=2)
    found = project(model, targets, steps=STEPS, space=space)
    random = 20 * np.log10(255 / rmse(targets, others))
    assert (found.psnr > random + 6).all(), f"{found.psnr} beside {random} dB of random images"
    np.testing.assert_allclose(found.rmse, rmse(targets, found.found))
    np.testing.assert_array_equal(found.targets, targets)


def test_the_same_seed_finds_the_same_place() -> None:
    model = image_model("strided")
    target = made(model, 1, seed=1)
    one, two, other = (project(model, target, steps=20, seed=seed).places.z for seed in (3, 3, 4))
    assert one is not None and two is not None and other is not None
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_a_image_is_found_by_itself_whatever_else_is_looked_for() -> None:
    model = image_model("strided")
    targets = made(model, 3, seed=1)
    together, alone = project(model, targets, steps=20), project(model, targets[2:], steps=20)
    np.testing.assert_array_equal(together.found[2:], alone.found)
    assert together.labels[2:] == alone.labels


def test_the_class_is_found_and_can_be_said() -> None:
    model = image_model("strided")
    x, y = model.sample(4, seed=1)
    found = project(model, x[..., None], steps=STEPS)
    assert [labels["label"] for labels in found.labels] == y.tolist()
    said = project(model, x[:1, ..., None], steps=20, where={"label": (y[0] + 1) % 10})
    assert said.labels[0]["label"] == (y[0] + 1) % 10 and said.rmse[0] > found.rmse[0]


def test_the_prior_keeps_z_as_long_as_noise_is() -> None:
    model = image_model("strided", labelled=False)
    noise = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    found = project(model, noise, steps=STEPS)
    assert found.places.z is not None
    squares = found.places.z.square().mean(1)
    # of no image of its own, which pulls far out: 12 normal numbers have a mean square of 1 +- .4
    assert (squares > 0.2).all() and (squares < 3).all()


def test_more_steps_come_nearer() -> None:
    model = image_model("strided")
    targets = made(model, 2, seed=1)
    few, many = (project(model, targets, steps=steps).rmse.mean() for steps in (2, STEPS))
    assert many < 0.6 * few


@pytest.mark.parametrize(("network", "space"), [("strided", "z"), ("stylegan2", "z"), ("stylegan2", "w")])
def test_latents_are_kept_in_a_file_and_walked_through(network: str, space: str, tmp_path: Path) -> None:
    model = image_model(network)
    found = project(model, made(model, 2, seed=1), steps=4, space=space)
    found.save(tmp_path / "latents.npz")
    places = read_places(tmp_path / "latents.npz", model)
    with torch.no_grad():
        torch.testing.assert_close(painted(model, places), painted(model, found.places), rtol=0, atol=0)
    x = interpolate(model, places, frames=3, space=space)
    assert np.abs(x[[0, 3]].astype(int) - found.found).max() <= 1
    with np.load(tmp_path / "latents.npz", allow_pickle=False) as file:
        assert {"rmse", "psnr", space} <= set(file.files)
    if space == "w":
        with pytest.raises(OptionError, match="--space w"):
            interpolate(model, places)


def test_a_file_of_other_latents_is_refused(tmp_path: Path) -> None:
    model = image_model("strided")
    file = tmp_path / "latents.npz"
    with pytest.raises(DataError, match="no file"):
        read_places(file, model)
    file.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="damaged"):
        read_places(file, model)
    np.savez(file, x=np.zeros(3))
    with pytest.raises(OptionError, match="not of this model"):
        read_places(file, model)
    np.savez(file, z=np.zeros((2, 5), np.float32), c=np.zeros((2, 10), np.float32))
    with pytest.raises(OptionError, match="not of this model"):
        read_places(file, model)
    np.savez(file, z=np.zeros((2, 12), np.float32))
    with pytest.raises(OptionError, match="not of this model"):
        read_places(file, model)


def test_the_distance_is_that_of_pixels_and_of_a_pyramid() -> None:
    x = torch.zeros(2, 1, 4, 4)
    x[0] = 0.5
    x[1, 0, ::2, ::2] = 1.0
    # evenly 0.5 off: mean square .25; no level but the last, of one pixel, differs: .5
    # every fourth pixel 1 off: mean square .25; first level |1 - .25| of a quarter and .25 of the rest; then .25 evenly
    expected = torch.tensor([0.25 + 0.5, 0.25 + (0.75 + 3 * 0.25) / 4 + 0.25])
    torch.testing.assert_close(distance(x, torch.zeros(1, 1, 4, 4)), expected)
    torch.testing.assert_close(distance(x, x), torch.zeros(2))


def test_what_cannot_be_projected_is_refused_in_words() -> None:
    model = image_model("strided")
    with pytest.raises(DataError, match=r"8, 8, 1\].*float64 \[1, 8, 8, 1\]"):
        project(model, np.zeros((1, 8, 8, 1)))
    with pytest.raises(DataError, match=r"uint8 \[1, 9, 8, 1\]"):
        project(model, np.zeros((1, 9, 8, 1), np.uint8))
    with pytest.raises(OptionError, match="styles"):
        project(model, np.zeros((1, 8, 8, 1), np.uint8), space="w")
    with pytest.raises(OptionError, match="--steps 0"):
        project(model, np.zeros((1, 8, 8, 1), np.uint8), steps=0)
    with pytest.raises(OptionError, match="Got 'q'"):
        project(model, np.zeros((1, 8, 8, 1), np.uint8), space="q")
    with pytest.raises(DataError, match="no images"):
        project(model, np.zeros((0, 8, 8, 1), np.uint8))
    with pytest.raises(OptionError, match="'colour'"):
        project(model, np.zeros((1, 8, 8, 1), np.uint8), where={"colour": "red"})


def test_distance_sees_images_of_odd_sizes() -> None:
    x = torch.ones(1, 3, 5, 7)
    assert distance(x, torch.zeros(1, 3, 5, 7)).item() == pytest.approx(2.0)


def test_a_walk_from_rows_and_from_found_places_are_of_one_kind() -> None:
    model = image_model("dcgan")
    found = project(model, made(model, 2, seed=1), steps=4)
    assert interpolate(model, found.places, frames=2).shape == interpolate(model, [Stop(0), Stop(1)], frames=2).shape

"""Mixing of styles: sources at the borders, and layers from where they are said to come."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from latent_models import image_model

from gankit.errors import OptionError
from gankit.latents import Stop, mix, places_of
from gankit.latents.interpolation import mixed_layers
from gankit.networks.base import StyleGenerator


def test_the_borders_of_the_grid_are_the_images_of_the_rows() -> None:
    model = image_model("stylegan2")
    rows, columns = [Stop(1), Stop(2)], [Stop(4), Stop(5), Stop(6)]
    grid = mix(model, rows, columns, levels="coarse")
    assert grid.shape == (3, 4, 8, 8, 1) and grid.dtype == np.uint8
    np.testing.assert_array_equal(grid[1:, 0, ..., 0], model.sample(2, offset=1)[0])
    np.testing.assert_array_equal(grid[0, 1:, ..., 0], model.sample(3, offset=4)[0])
    assert (grid[0, 0] == 255).all()


def test_a_cell_has_the_named_layers_of_its_column_and_all_else_of_its_row() -> None:
    model = image_model("stylegan2")
    generator = model.generator
    assert isinstance(generator, StyleGenerator) and generator.num_styles == 4
    grid = mix(model, [Stop(1), Stop(2)], [Stop(4), Stop(5)], levels="1-2")
    places = places_of(model, [Stop(2), Stop(5)])
    with torch.no_grad():
        own, lent = generator.styles(places.z, places.c)
        w = torch.stack([own[0], lent[1], lent[2], own[3]]).unsqueeze(0)
        expected = generator.paint(w, [layer[:1] for layer in places.noise])
    np.testing.assert_allclose(grid[2, 2, ..., 0], ((expected[0, 0].numpy() + 1) * 127.5).clip(0, 255), atol=0.51)
    assert not np.array_equal(grid[2, 2], grid[2, 0]) and not np.array_equal(grid[2, 2], grid[0, 2])


def test_no_layers_but_all_of_them_give_the_styles_of_the_column() -> None:
    model = image_model("stylegan2")
    grid = mix(model, [Stop(1), Stop(2)], [Stop(1), Stop(2)], levels="0-3")
    difference = np.abs(grid[1, 1].astype(int) - grid[1, 0])
    assert difference.max() <= 1, "a row mixed with itself is itself"


def test_the_groups_of_layers_are_those_of_the_paper_and_cover_every_network() -> None:
    names = ("coarse", "middle", "fine")
    # 1024 x 1024: 4 to 8, 16 to 32 and 64 to 1024 pixels (Karras et al. 2019, figure 3)
    assert [(found.start, found.stop) for found in (mixed_layers(name, 18) for name in names)] == [
        (0, 4),
        (4, 8),
        (8, 18),
    ]
    for num in range(3, 21):
        parts = [range(num)[mixed_layers(name, num)] for name in names]
        assert [layer for part in parts for layer in part] == list(range(num)) and all(parts)


def test_what_cannot_be_mixed_is_refused_in_words() -> None:
    model = image_model("stylegan2")
    for levels in ("4", "1-4", "2-1", "-1", "deep"):
        with pytest.raises(OptionError, match=f"--levels {levels}"):
            mix(model, [Stop(1)], [Stop(2)], levels=levels)
    with pytest.raises(OptionError, match="rows and columns"):
        mix(model, [], [Stop(2)])
    with pytest.raises(OptionError, match=r"strided.*--network stylegan2"):
        mix(image_model("strided"), [Stop(1)], [Stop(2)])

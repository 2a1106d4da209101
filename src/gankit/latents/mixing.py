"""Mixing of styles: pictures with some layers' styles of one row and the others' of another.

Knows places, models and networks with styles; never files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch

from gankit.errors import OptionError
from gankit.latents.places import Places, Stop, pictures_at, pictures_of, places_of, style_generator, styles_of
from gankit.model import Model

GROUPS = ("coarse", "middle", "fine")
"""Names of layers that belong together, from the lowest resolution up."""

MOST_OF_A_GROUP = 4
"""Layers of `coarse` and of `middle`, as in Karras et al. 2019: two resolutions, and all that are higher are `fine`."""


def mix(
    model: Model,
    rows: Sequence[Stop],
    columns: Sequence[Stop],
    *,
    levels: str = "coarse",
    truncation: float = 1.0,
) -> np.ndarray:
    """The grid of Karras et al. 2019, figure 3: every picture of `rows` with some styles of every one of `columns`.

    Args:
        model: with a network with styles.
        rows, columns: rows of the model.
        levels: which layers' styles come from `columns`: a name of GROUPS, or layers as in "0-3" or "5".
        truncation: see `Model.sample`.

    Returns:
        [R + 1, C + 1, H, W, C'] uint8: in the first row the pictures of `columns`, in the first column those of `rows`,
        the bytes that `Model.sample` gives; the corner is white. Noise inputs are those of `rows`.

    Raises:
        OptionError: a network without styles, no rows or columns, or layers that it does not have.
    """
    generator = style_generator(model, "mix")
    if not rows or not columns:
        raise OptionError("mix needs rows and columns. Give both, as in --rows 1,2,3 --columns 4,5,6.")
    taken = mixed_layers(levels, generator.num_styles)
    left, top = places_of(model, rows), places_of(model, columns)
    with torch.no_grad():
        of_rows, of_columns = styles_of(generator, left), styles_of(generator, top)
    across = len(columns)
    # every row with every column: [R * C, num_styles, style_dim]
    w = of_rows.repeat_interleave(across, 0).clone()
    w[:, taken] = of_columns.repeat(len(rows), 1, 1)[:, taken]
    noise = [layer.repeat_interleave(across, 0) for layer in left.noise]
    mixed = pictures_of(model, Places(None, w, None, noise), truncation)
    grid = np.full((len(rows) + 1, across + 1, *mixed.shape[1:]), 255, dtype=np.uint8)
    grid[1:, 1:] = mixed.reshape(len(rows), across, *mixed.shape[1:])
    grid[1:, 0] = pictures_at(model, rows, truncation)
    grid[0, 1:] = pictures_at(model, columns, truncation)
    return grid


def mixed_layers(levels: str, num_styles: int) -> slice:
    """The layers that a name of GROUPS, a range or a number means.

    Example:
        >>> [mixed_layers(name, 18) for name in GROUPS]
        [slice(0, 4, None), slice(4, 8, None), slice(8, 18, None)]
        >>> mixed_layers("2-3", 6), mixed_layers("fine", 6)
        (slice(2, 4, None), slice(4, 6, None))
    """
    if levels in GROUPS:
        each = min(MOST_OF_A_GROUP, max(1, num_styles // 3))
        edges = [0, each, min(2 * each, num_styles), num_styles]
        place = GROUPS.index(levels)
        found = slice(edges[place], edges[place + 1])
    else:
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", levels)
        if not match:
            raise OptionError(f"--levels {levels}: expected {', '.join(GROUPS)}, or layers as in 0-3.")
        first = int(match[1])
        found = slice(first, int(match[2] or first) + 1)
    if not found.start < found.stop <= num_styles:
        raise OptionError(
            f"--levels {levels}: this network has {num_styles} layers with a style, 0 to {num_styles - 1}. Name some "
            "of them, as in --levels 0-1."
        )
    return found

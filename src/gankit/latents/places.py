"""Points in a model's latent space: those of its rows, the images they give, and mixing of their styles.

Knows models and generators; never discriminators, optimisers or files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gankit.errors import OptionError
from gankit.model import Model
from gankit.model.blocks import block_rows
from gankit.networks.base import StyleGenerator
from gankit.networks.blocks import collapse


@dataclass(frozen=True)
class Stop:
    """One of a model's rows: row `row` of seed `seed`, which obeys `where` (see `Model.sample`)."""

    row: int
    seed: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """N places in a model's latent space; either z or w says where.

    z: [N, num_latents] float32, or None.
    w: [N, num_styles, style_dim] float32, or None; for a `StyleGenerator`.
    c: [N, K] float32, the condition, or None.
    noise: of a `StyleGenerator`, [N, 1, H, W] for each layer that takes some; else empty.
    """

    z: Tensor | None
    w: Tensor | None
    c: Tensor | None
    noise: list[Tensor]

    def __len__(self) -> int:
        place = self.z if self.z is not None else self.w
        assert place is not None, "either z or w"
        return len(place)

    def take(self, rows: slice | Tensor) -> Places:
        """Some of the places."""

        def some(part: Tensor | None) -> Tensor | None:
            return None if part is None else part[rows]

        return Places(some(self.z), some(self.w), some(self.c), [layer[rows] for layer in self.noise])


def require_images(model: Model, what: str) -> None:
    """Raises an OptionError for a model of another kind."""
    if not model.of.has_places:
        raise OptionError(
            f"{what} is for models of images, and this one is of kind {model.kind}. gankit sample and evaluate take "
            "every kind."
        )


def style_generator(model: Model, what: str) -> StyleGenerator:
    """The model's generator, which has styles; an OptionError where it has none."""
    require_images(model, what)
    styled: StyleGenerator | None = model.generator.styled
    if styled is None:
        raise OptionError(
            f"{what} needs a network with styles, and this model's is {model.plan.name}. Train one with "
            "--network stylegan2."
        )
    return styled


def places_of(model: Model, stops: Sequence[Stop]) -> Places:
    """The places of rows in z, with their conditions and noise.

    Raises:
        OptionError: a row below 0, or a condition this model cannot obey.
    """
    rows = block_rows(model.codec.spec)
    z, c, noise = [], [], []
    for stop in stops:
        if stop.row < 0:
            raise OptionError(f"row {stop.row}: rows are counted from 0. Give 0 or more.")
        index, within = divmod(stop.row, rows)
        draws = model.draws(stop.seed, stop.where)(index)
        z.append(draws.z[within])
        if draws.c is not None:
            c.append(draws.c[within])
        if (styled := model.generator.styled) is not None:
            noise.append([layer[within] for layer in styled.draw_noise(within + 1, draws.u)])
    layers = [torch.stack(layer) for layer in zip(*noise, strict=True)]
    return Places(torch.stack(z), None, torch.stack(c) if c else None, layers)


def images_at(model: Model, stops: Sequence[Stop], truncation: float = 1.0) -> np.ndarray:
    """The images of rows, the very bytes that `Model.sample` gives: [N, H, W, C] uint8."""
    batches = [batch for s in stops for batch in model.sample_batches(1, s.seed, s.row, s.where, truncation=truncation)]
    return np.concatenate([batch.x for batch in batches])


def styles_of(generator: StyleGenerator, places: Places) -> Tensor:
    """w of the places: [N, num_styles, style_dim]."""
    if places.w is not None:
        return places.w
    assert places.z is not None
    return generator.styles(places.z, places.c)


def painted(model: Model, places: Places, truncation: float = 1.0) -> Tensor:
    """What G makes at the places: [N, C, H, W] float32, about [-1, 1]; gradients flow back to z or w.

    truncation: how much of the spread is kept, in (0, 1]; see `Model.sample`.
    """
    generator = model.generator.eval()
    if (styled := generator.styled) is not None:
        w = styles_of(styled, places)
        if truncation != 1:
            w = styled.mean_style + truncation * (w - styled.mean_style)
        return styled.paint(w, places.noise)
    assert places.z is not None and generator.num_uniforms == 0, "generators of images draw nothing else"
    u = places.z.new_zeros(len(places), 0)
    x: Tensor = generator(places.z if truncation == 1 else truncation * places.z, u, places.c)
    return x


def images_of(model: Model, places: Places, truncation: float = 1.0) -> np.ndarray:
    """The images at the places, a few at a time: [N, H, W, C] uint8."""
    rows = block_rows(model.codec.spec)
    parts = []
    with torch.no_grad():
        for begin in range(0, len(places), rows):
            x = painted(model, places.take(slice(begin, begin + rows)), truncation)
            parts.append(collapse(model.codec.spec, x, x.new_zeros(len(x), 0)).numpy())
    return np.concatenate(parts)


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
    """The grid of Karras et al. 2019, figure 3: every image of `rows` with some styles of every one of `columns`.

    Args:
        model: with a network with styles.
        rows, columns: rows of the model.
        levels: which layers' styles come from `columns`: a name of GROUPS, or layers as in "0-3" or "5".
        truncation: see `Model.sample`.

    Returns:
        [R + 1, C + 1, H, W, C'] uint8: in the first row the images of `columns`, in the first column those of `rows`,
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
    mixed = images_of(model, Places(None, w, None, noise), truncation)
    grid = np.full((len(rows) + 1, across + 1, *mixed.shape[1:]), 255, dtype=np.uint8)
    grid[1:, 1:] = mixed.reshape(len(rows), across, *mixed.shape[1:])
    grid[1:, 0] = images_at(model, rows, truncation)
    grid[0, 1:] = images_at(model, columns, truncation)
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

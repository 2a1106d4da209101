"""Walks through latent space: the pictures on the way from one place to the next.

Knows places and models; never files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from gankit.errors import OptionError
from gankit.latents.places import (
    Places,
    Stop,
    pictures_at,
    pictures_of,
    places_of,
    require_pictures,
    style_generator,
    styles_of,
)
from gankit.model import Model

Path = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From two ends and shares of the way to what lies there."""

NEARLY_PARALLEL = 1e-4
"""Angles, in radians, below which a great circle is a straight line."""


def interpolate(
    model: Model,
    stops: Sequence[Stop | int] | Places,
    *,
    frames: int = 8,
    path: str | None = None,
    space: str = "z",
    loop: bool = False,
    truncation: float = 1.0,
) -> np.ndarray:
    """The pictures on a walk from stop to stop.

    A condition that differs between two stops changes linearly on the way; the noise inputs of a network with styles
    go from those of one row to those of the next by `spherical`.

    Args:
        model: of pictures.
        stops: rows of the model (numbers are rows of seed 0), or places such as those of a projection.
        frames: pictures of a leg, from a stop on and up to the next one, which is not counted.
        path: "spherical" or "straight"; None = spherical in z, straight in w.
        space: "z", or "w" for a network with styles.
        loop: whether the last stop is followed by the first one.
        truncation: see `Model.sample`.

    Returns:
        [legs * frames + 1, H, W, C] uint8; a loop ends with the picture it began with. At rows the pictures are the
        bytes that `Model.sample` gives for them.

    Raises:
        OptionError: fewer than two stops, or what this model cannot do.
    """
    require_pictures(model, "interpolate")
    if len(stops) < 2:
        raise OptionError("a walk needs at least two places, and this is one. Give more rows, as in --rows 3,17.")
    if path not in (None, "spherical", "straight") or space not in ("z", "w"):
        raise OptionError(f"a walk is spherical or straight, in z or w. Got path={path!r} and space={space!r} instead.")
    if frames < 1:
        raise OptionError(f"a leg of a walk has at least one picture. Got frames={frames} instead.")
    if not 0 < truncation <= 1:
        raise OptionError(f"--truncation {truncation:g}: it must be above 0 and at most 1.")
    places = stops if isinstance(stops, Places) else places_of(model, _rows_of(stops))
    if places.z is None and space == "z":
        raise OptionError("these places are known in w alone, so that --space z cannot be walked. Give --space w.")
    if space == "w":
        generator = style_generator(model, "--space w")
        if path == "spherical":
            raise OptionError(
                "--path spherical is for z, whose numbers are normal; w has no such shape. Leave --path off."
            )
        with torch.no_grad():
            places = Places(None, styles_of(generator, places).clone(), None, places.noise)
    along = spherical if (path or ("spherical" if space == "z" else "straight")) == "spherical" else straight
    order = [*range(len(places)), *([0] if loop else [])]
    t = torch.arange(frames) / frames
    legs = [_leg(places, a, b, t, along) for a, b in pairwise(order)]
    x = pictures_of(model, _joined([*legs, places.take(slice(order[-1], order[-1] + 1))]), truncation)
    if not isinstance(stops, Places):
        # a picture made in another batch may differ in its last bit
        exact = pictures_at(model, _rows_of(stops), truncation)
        x[::frames] = exact[order]
    return x


def _rows_of(stops: Sequence[Stop | int]) -> list[Stop]:
    return [stop if isinstance(stop, Stop) else Stop(int(stop)) for stop in stops]


def _leg(places: Places, a: int, b: int, t: Tensor, along: Path) -> Places:
    """The places at the shares t of the way from place a to place b."""

    def between(part: Tensor | None, how: Path) -> Tensor | None:
        return None if part is None else how(part[a], part[b], t)

    noise = [spherical(layer[a], layer[b], t) for layer in places.noise]
    return Places(between(places.z, along), between(places.w, straight), between(places.c, straight), noise)


def _joined(parts: Sequence[Places]) -> Places:
    def joined(found: Sequence[Tensor | None]) -> Tensor | None:
        given = [part for part in found if part is not None]
        return torch.cat(given) if given else None

    noise = [torch.cat(layer) for layer in zip(*(part.noise for part in parts), strict=True)]
    return Places(joined([p.z for p in parts]), joined([p.w for p in parts]), joined([p.c for p in parts]), noise)


def straight(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """(1 - t) a + t b, exact at both ends: a, b of any shape, t [T] -> [T, *shape].

    Example:
        >>> straight(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.25])).tolist()
        [[0.75, 0.25]]
    """
    t = t.view(-1, *[1] * a.ndim)
    return (1 - t) * a + t * b


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """sin((1 - t) angle) / sin(angle) a + sin(t angle) / sin(angle) b, angle that between a and b (Shoemake 1985).

    A straight line between two normal draws of many numbers passes closer to the origin than any draw would; this one
    keeps their length (White 2016, "Sampling generative networks"). Parallel ones are joined by a straight line.

    Args:
        a, b: of one shape, taken as one vector each.
        t: [T], shares of the way.

    Returns:
        [T, *shape].

    Example:
        >>> at = spherical(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.5]))
        >>> [round(number, 4) for number in at[0].tolist()]
        [0.7071, 0.7071]
    """
    lengths = a.double().norm() * b.double().norm()
    cosine = (a.double() * b.double()).sum() / lengths if lengths > 0 else torch.ones((), dtype=torch.float64)
    angle = torch.arccos(cosine.clamp(-1, 1))
    if angle < NEARLY_PARALLEL or torch.pi - angle < NEARLY_PARALLEL:
        return straight(a, b, t)
    first = (torch.sin((1 - t.double()) * angle) / torch.sin(angle)).to(a.dtype).view(-1, *[1] * a.ndim)
    second = (torch.sin(t.double() * angle) / torch.sin(angle)).to(a.dtype).view(-1, *[1] * a.ndim)
    return first * a + second * b

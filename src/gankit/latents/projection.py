"""Projection: from an image back to the place in latent space that gives the image most like it.

Knows places and models; never discriminators.

The distance that is made small is the mean square of the pixels plus the Laplacian pyramid distance of Bojanowski et
al. 2018 ("Optimizing the latent space of generative networks", eq. 3). The features that reports measure by are taken
from bytes and have no derivative, and those of a classifier know only what tells classes apart; the pyramid sees edges
at every size.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.arguments import path_of
from gankit.errors import DataError, OptionError
from gankit.io.atomic import complaints, whole_file
from gankit.latents.interpolation import Places, images_of, joined, painted, require_images, style_generator, styles_of
from gankit.model import Model
from gankit.networks.blocks import expand
from gankit.randomness import torch_generator

STARTS, MOST_STARTS = 256, 2048
"""Random places that are looked at before the descent; more where there are many classes."""

LEAST_STARTS, START_NUMBERS = 16, 1 << 26
"""Fewer of large images: so many that their numbers, kept for all targets, fill 256 MiB, but not fewer than 16."""

CANDIDATES, SETTLED = 16, 4
"""Starts that are followed for a quarter of the steps, and those of them that are followed to the end."""

RATE = 0.1
"""Adam's first learning rate, in units of the spread of z or w."""

PRIOR = 0.1
"""Weight of the prior on z."""


@dataclass(frozen=True)
class Projection:
    """Images and the places that were found for them.

    space: "z" or "w". places: N of them.
    targets, found: [N, H, W, C] uint8, the images and what the model makes at their places.
    rmse: [N], root of the mean square of the difference in grey levels of 0 to 255.
    labels: N times label column -> value; empty in w, where none is chosen, and of a model without labels.
    """

    space: str
    places: Places
    targets: np.ndarray
    found: np.ndarray
    rmse: np.ndarray
    labels: tuple[Mapping[str, Any], ...]

    @property
    def psnr(self) -> np.ndarray:
        """Peak signal to noise ratio, 20 log10(255 / rmse), in dB: [N]; infinite where nothing differs."""
        with np.errstate(divide="ignore"):
            return np.asarray(20 * np.log10(255 / self.rmse))

    def save(self, path: str | Path) -> None:
        """Writes the places as an .npz file without objects, which `read_places` takes back."""
        arrays = {name: part.numpy() for name, part in _named(self.places).items() if part is not None}
        stream = io.BytesIO()
        np.savez(stream, rmse=self.rmse, psnr=self.psnr, **arrays)  # type: ignore[arg-type]  # NumPy's stub takes arrays
        target = path_of(path)
        with complaints(target), whole_file(target) as file:
            file.write(stream.getvalue())


def read_places(path: str | Path, model: Model) -> Places:
    """The places in a file that `Projection.save` wrote, for `interpolate` and `painted`.

    Raises:
        DataError: no such file, or not such a file. OptionError: places of another model's latent space.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: torch.from_numpy(file[name]) for name in file.files if name[:5] in ("z", "w", "c", "noise")}
    except FileNotFoundError:
        raise DataError(f"there is no file {str(path)!r}. Name the latents.npz that gankit project wrote.") from None
    except Exception as error:
        # NumPy and zipfile raise nearly anything on damaged files
        raise DataError(f"{str(path)!r} is damaged or holds no latents. Name one that gankit project wrote.") from error
    places = Places(
        found.get("z"), found.get("w"), found.get("c"), [found[n] for n in sorted(found) if n[:5] == "noise"]
    )
    known = {name: tuple(part.shape) for name, part in _named(places).items() if part is not None}
    if (
        not known.keys() & {"z", "w"}
        or not known.items() <= _shapes(model, len(places)).items()
        or (places.c is None and places.z is not None and model.given is not None)
    ):
        raise OptionError(f"the latents in {str(path)!r} are not of this model. Project the images with it.")
    return places


def _named(places: Places) -> dict[str, Tensor | None]:
    """The tensors of places by name."""
    noise = {f"noise{i:02d}": layer for i, layer in enumerate(places.noise)}
    return {"z": places.z, "w": places.w, "c": places.c, **noise}


def _shapes(model: Model, num: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"z": (num, model.generator.num_latents)}
    if model.given is not None:
        shapes["c"] = (num, model.given.codec.spec.dim)
    if (styled := model.generator.styled) is not None:
        shapes["w"] = (num, styled.num_styles, styled.style_dim)
        for i, layer in enumerate(styled.draw_noise(1, torch.zeros(1, model.generator.num_uniforms))):
            shapes[f"noise{i:02d}"] = (num, *layer.shape[1:])
    return shapes


def project(
    model: Model, images: np.ndarray, *, steps: int = 500, space: str = "z", seed: int = 0,
    where: Mapping[str, Any] | None = None, on_found: Callable[[int, float], None] | None = None,
) -> Projection:  # fmt: skip
    """The places that give the images most like these, each found by itself.

    Of some hundreds of random places, with every condition that training showed and `where` allows, the best are
    followed downhill by Adam with a decaying rate, and the best of these is kept. Noise inputs are zero.

    images: [N, H, W, C] uint8, of the model's own size and channels. steps: of the descent.
    space: "z", where a prior keeps |z|^2 near its mean; or "w", one style for all layers of a network with styles.
    seed: of the starts; the same seed gives the same places. where: see `Model.sample`.
    on_found: called after each image with its number and rmse.

    Raises:
        OptionError: what this model cannot do. DataError: images of another size.
    """
    require_images(model, "project")
    if space == "w":
        style_generator(model, "--space w")
    if space not in ("z", "w"):
        raise OptionError(f"images are sought in the space z or w. Got {space!r} instead.")
    if steps < 1:
        raise OptionError(f"--steps {steps}: give 1 or more.")
    height, width, channels = model.codec.height, model.codec.width, model.codec.channels
    if images.ndim != 4 or images.shape[1:] != (height, width, channels) or images.dtype != np.uint8:
        raise DataError(
            f"the images must be uint8 [N, {height}, {width}, {channels}], as the model makes them. Got "
            f"{images.dtype} {list(images.shape)} instead."
        )
    if not len(images):
        raise DataError("there are no images to find places for. Give at least one.")
    search = _Search(model, space, seed, where)
    targets = expand(model.codec.spec, torch.from_numpy(model.codec.coded(images.copy()).x))
    found, codes, near = [], [], []
    for row, target in enumerate(targets):
        place, code = search.descend(target.unsqueeze(0), steps)
        near.append(images_of(model, place))
        found.append(place)
        codes.append(code)
        if on_found is not None:
            on_found(row, float(rmse(images[row : row + 1], near[-1])[0]))
    made = np.concatenate(near)
    labels = _labels(model, np.stack(codes)) if space == "z" else ({},) * len(images)
    return Projection(space, joined(found), images, made, rmse(images, made), labels)


def rmse(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Root of the mean square of the difference, image by image: uint8 [N, ...] twice -> [N], in grey levels."""
    difference = x.astype(np.float64) - y.astype(np.float64)
    return np.asarray(np.sqrt(np.square(difference).reshape(len(x), -1).mean(1)))


def distance(x: Tensor, target: Tensor) -> Tensor:
    """Mean square of the pixels plus the Laplacian pyramid distance: [N, C, H, W], [1 or N, C, H, W] -> [N].

    Lap1 (Bojanowski et al. 2018, eq. 3): sum over levels j of 4^j ||L^j(x) - L^j(target)||_1; here divided by the
    numbers of an image, so that it is the sum of each level's mean. The pyramid is linear, so it is that of
    x - target. Pixels are averaged two by two from level to level, in place of a Gaussian filter.
    """
    rest = x - target
    total = rest.square().mean((1, 2, 3))
    while min(rest.shape[2:]) > 1:
        smaller = F.avg_pool2d(rest, 2, ceil_mode=True, count_include_pad=False)
        total = total + (rest - F.interpolate(smaller, rest.shape[2:], mode="nearest")).abs().mean((1, 2, 3))
        rest = smaller
    return total + rest.abs().mean((1, 2, 3))


class _Search:
    """The descent for one model and space.

    A point is what the descent moves, [N, D] of about unit spread: z itself, or (w - mean of w) / spread of w.
    """

    def __init__(self, model: Model, space: str, seed: int, where: Mapping[str, Any] | None) -> None:
        self.model, self.space = model, space
        generator = model.generator.eval()
        most = max(LEAST_STARTS, min(MOST_STARTS, START_NUMBERS // model.codec.spec.dim))
        self.codes = model.conditions(where)[:most]
        num = min(most, max(STARTS, 8 * len(self.codes)))
        z = torch.randn(num, generator.num_latents, generator=torch_generator(seed, "project"))
        self.of_start = torch.arange(num) % len(self.codes)  # every condition equally often
        self.c: Tensor | None = None
        if model.given is not None:
            self.c = expand(model.given.codec.spec, torch.from_numpy(self.codes.astype(np.float32)))
        self.blank: list[Tensor] = []
        if (styled := generator.styled) is not None:
            self.blank = [torch.zeros_like(v) for v in styled.draw_noise(1, torch.zeros(1, styled.num_uniforms))]
        self.mean, self.spread = torch.zeros(generator.num_latents), 1.0
        self.points = z
        if space == "w":
            assert styled is not None
            with torch.no_grad():
                w = styles_of(styled, Places(z, None, None if self.c is None else self.c[self.of_start], []))[:, 0]
                self.mean = w.mean(0)
                self.spread = float((w - self.mean).square().mean().sqrt().clamp_min(1e-8))
                # the first start is the mean itself
                self.points = torch.cat([torch.zeros(1, w.shape[1]), (w - self.mean) / self.spread])
            self.of_start = torch.cat([self.of_start[:1], self.of_start])
        rows = model.block
        with torch.no_grad():
            blocks = zip(torch.split(self.points, rows), torch.split(self.of_start, rows), strict=True)
            self.starts = [self._painted(points, which) for points, which in blocks]

    def places(self, points: Tensor, which: Tensor) -> Places:
        """The places of points [N, D] with the conditions `which` [N]."""
        noise = [layer.expand(len(points), -1, -1, -1) for layer in self.blank]
        c = None if self.c is None else self.c[which]
        if self.space == "z":
            return Places(points, None, c, noise)
        generator = self.model.generator.styled
        assert generator is not None
        w = (self.mean + self.spread * points).unsqueeze(1).expand(-1, generator.num_styles, -1)
        return Places(None, w, None, noise)

    def _painted(self, points: Tensor, which: Tensor) -> Tensor:
        return painted(self.model, self.places(points, which))

    def descend(self, target: Tensor, steps: int) -> tuple[Places, np.ndarray]:
        """The best place for an image [1, C, H, W] float32, and the codes of its condition."""
        with torch.no_grad():
            losses = torch.cat([distance(x, target) for x in self.starts])
        chosen = self._candidates(losses)
        points, which = self.points[chosen], self.of_start[chosen]
        first = steps // 4
        if first and len(points) > SETTLED:
            points, losses = self._followed(points, which, target, first, decays=False)
            best = losses.argsort(stable=True)[:SETTLED]
            points, which, steps = points[best], which[best], steps - first
        points, losses = self._followed(points, which, target, steps, decays=True)
        best = losses.argmin().view(1)
        place = self.places(points[best], which[best])
        w = None if place.w is None else place.w.contiguous()
        return Places(place.z, w, place.c, [n + 0 for n in place.noise]), self.codes[int(which[best])]

    def _candidates(self, losses: Tensor) -> Tensor:
        """The best start of each condition, CANDIDATES at most; where there is one condition, the best starts."""
        order = losses.argsort(stable=True)
        if self.space == "w" or len(self.codes) == 1:
            return order[:CANDIDATES]
        seen: dict[int, int] = {}
        for start in order.tolist():
            seen.setdefault(int(self.of_start[start]), start)
        return torch.tensor(list(seen.values())[:CANDIDATES])

    def _followed(
        self, points: Tensor, which: Tensor, target: Tensor, steps: int, *, decays: bool
    ) -> tuple[Tensor, Tensor]:
        """Adam on every point by itself, with a rate that falls to 0 as a cosine; the best each met, and its loss."""
        points = points.clone()
        optimiser = torch.optim.Adam([points], lr=RATE, betas=(0.9, 0.99))
        best, least = points.clone(), torch.full((len(points),), torch.inf)
        for step in range(steps + 1):
            losses, slopes = self._losses(points, which, target)
            better = losses < least
            best, least = torch.where(better.unsqueeze(1), points, best), torch.where(better, losses, least)
            if step == steps:
                break
            if decays:
                optimiser.param_groups[0]["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
            points.grad = slopes
            optimiser.step()
        return best, least

    def _losses(self, points: Tensor, which: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """What is made small, [N], and its slopes in the points, [N, D]; as many points at once as a block has rows."""
        rows = self.model.block
        losses, slopes = list[Tensor](), list[Tensor]()
        for some, of_some in zip(torch.split(points, rows), torch.split(which, rows), strict=True):
            with torch.enable_grad():
                moved = some.clone().requires_grad_(True)
                loss = distance(self._painted(moved, of_some), target) + self._prior(moved)
                slopes += torch.autograd.grad(loss.sum(), moved)
            losses.append(loss.detach())
        return torch.cat(losses), torch.cat(slopes)

    def _prior(self, points: Tensor) -> Tensor:
        """PRIOR (|z|^2 / D - 1)^2: |z|^2 of a normal z is D +- sqrt(2 D). Nothing in w."""
        if self.space == "w":
            return points.new_zeros(len(points))
        return PRIOR * (points.square().mean(1) - 1).square()


def _labels(model: Model, codes: np.ndarray) -> tuple[Mapping[str, Any], ...]:
    """The labels that the codes of conditions [N, given columns] mean; of a number the middle of its cell."""
    if model.given is None:
        return ({},) * len(codes)
    values = model.given.codec.decode(codes + 0.5)
    columns = {name: model.schema.column(name).format(found).to_pylist() for name, found in values.items()}
    return tuple({name: cells[row] for name, cells in columns.items()} for row in range(len(codes)))

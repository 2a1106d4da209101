"""What augmentation costs, and what resampling leaves of an image.

    OMP_NUM_THREADS=1 python benchmarks/augment.py

Times: one batch of 64 images, one thread; the median and the best of 40 calls. Quality: photographs that come with
scikit-learn in tiles of 256 x 256, moved at that size and then reduced to 64 x 64, beside the same tiles reduced first
and then moved by ADA's maps.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from functools import lru_cache

import torch
import torch.nn.functional as F
from sklearn.datasets import load_sample_images
from torch import Tensor

from gankit.randomness import torch_generator
from gankit.training.augment import changes
from gankit.training.augment.ada import Ada
from gankit.training.augment.base import Augment, Change, Draws, put_back, taken
from gankit.training.augment.diffaugment import DiffAugment

CPU = torch.device("cpu")
SHAPES = ((3, 64, 64), (1, 28, 28))
BATCH, LARGE, SMALL = 64, 256, 64

LANCZOS = 3
"""Half-width of the kernel that doubles an axis, in pixels."""


def timed(work: Callable[[], object]) -> str:
    """Median (best) of 40 calls in ms."""
    times = []
    for _ in range(41):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return f"{statistics.median(times[1:]):.1f} ({min(times[1:]):.1f})"


def doubled(x: Tensor) -> Tensor:
    """Images at twice the resolution by Lanczos interpolation: [M, C, H, W] -> [M, C, 2 (H - 1), 2 (W - 1)].

    The new pixels lie a quarter of a pixel to either side of the old ones' along each axis.
    """
    across, down = (doubling(size).to(x.dtype) for size in (x.shape[3], x.shape[2]))
    return down @ (x @ across.T)


@lru_cache
def doubling(size: int) -> Tensor:
    """The matrix [2 (size - 1), size] that doubles an axis: sinc(d) sinc(d / 3) for |d| < 3, in rows that sum to 1."""
    old = torch.arange(-LANCZOS, size + LANCZOS, dtype=torch.float64)
    distance = (torch.arange(2 * size - 2, dtype=torch.float64) / 2 + 0.25).view(-1, 1) - old
    weights = distance.sinc() * (distance / LANCZOS).sinc() * (distance.abs() < LANCZOS)
    weights /= weights.sum(dim=1, keepdim=True)
    places = torch.arange(-LANCZOS, size + LANCZOS).remainder(2 * (size - 1))
    places = torch.where(places < size, places, 2 * (size - 1) - places)
    return torch.zeros(len(weights), size, dtype=torch.float64).index_add_(1, places, weights)


def sharply_warped(x: Tensor, part: Change) -> Tensor:
    """As `changes.warp`, from a doubled image, which ends where the outermost old pixels had their centres."""
    places = changes.grid(part.values.to(x.dtype), x.shape[2], x.shape[3])
    changed = F.grid_sample(doubled(taken(x, part)), places, "bilinear", "reflection", align_corners=False)
    return put_back(x, part, changed)


class SharpAda(Ada):
    """ADA that doubles images before it resamples them."""

    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        x = x if draws.moves is None else changes.move(x, draws.moves)
        x = x if draws.warps is None else sharply_warped(x, draws.warps)
        return x if draws.colours is None else changes.recolour(x, draws.colours)


def times() -> None:
    augments: dict[str, tuple[Augment, float]] = {
        "Ada, strength .1": (Ada(), 0.1),
        "Ada, strength .5": (Ada(), 0.5),
        "Ada, strength .5, sharp": (SharpAda(), 0.5),
        "DiffAugment": (DiffAugment(), 1.0),
    }
    print("| | images | draw | apply | apply and its gradient |\n|---|---|---|---|---|")
    for shape in SHAPES:
        x = torch.rand(BATCH, *shape, generator=torch_generator(0, "images")) * 2 - 1
        x_grad = x.clone().requires_grad_()
        for name, (augment, strength) in augments.items():

            def draw(augment: Augment = augment, strength: float = strength, shape: tuple = shape) -> Draws:
                return augment.draw(torch_generator(0, "draws"), BATCH, shape, strength, CPU)

            draws = draw()

            def both(augment: Augment = augment, draws: Draws = draws, x: Tensor = x_grad) -> Tensor:
                return torch.autograd.grad(augment.apply(x, draws).sum(), x)[0]

            one = timed(lambda a=augment, x=x, d=draws: a.apply(x, d))
            print(f"| {name} | {BATCH} x {shape} | {timed(draw)} | {one} | {timed(both)} |", flush=True)


def tiles() -> Tensor:
    """Tiles [N, 3, 256, 256] of scikit-learn's two photographs, in [-1, 1]."""
    photographs = torch.tensor(load_sample_images().images[0]), torch.tensor(load_sample_images().images[1])
    found = [
        p.permute(2, 0, 1)[:, top : top + LARGE, left : left + LARGE].float() / 127.5 - 1
        for p in photographs
        for top in (0, 80, 160)
        for left in range(0, 640 - LARGE + 1, 48)
    ]
    return torch.stack(found)


def reduced(x: Tensor) -> Tensor:
    return F.interpolate(x, size=(SMALL, SMALL), mode="bicubic", antialias=True)


def top_octave(x: Tensor) -> float:
    """Power between 1/4 and 1/2 cycles a pixel in the middle of the images."""
    middle = x[..., 12:-12, 12:-12]
    window = torch.hann_window(middle.shape[-1])
    power = torch.fft.fft2(middle * window * window.view(-1, 1)).abs().square()
    axis = torch.fft.fftfreq(middle.shape[-1])
    radius = (axis.view(-1, 1).square() + axis.square()).sqrt()
    return float(power[..., (radius > 0.25) & (radius < 0.5)].sum())


def quality() -> None:
    large = tiles()
    draws = Ada(blit=False, colour=False).draw(torch_generator(0, "maps"), len(large), (3, SMALL, SMALL), 0.999, CPU)
    assert draws.warps is not None
    rows, maps = draws.warps.rows, draws.warps.values
    stretched = maps.clone()
    stretched[:, :, 2] *= LARGE / SMALL
    fine = F.grid_sample(
        large[rows], changes.grid(stretched, LARGE, LARGE), "bicubic", "reflection", align_corners=True
    )
    truth, small = reduced(fine), reduced(large[rows])
    part = Change(torch.arange(len(rows)), maps)

    def bicubic(x: Tensor) -> Tensor:
        return F.grid_sample(x, changes.grid(maps, SMALL, SMALL), "bicubic", "reflection", align_corners=True)

    methods: dict[str, Callable[[Tensor], Tensor]] = {
        "bilinear": lambda x: changes.warp(x, part),
        "doubled first, then bilinear (sharp)": lambda x: sharply_warped(x, part),
        "bicubic": bicubic,
    }
    print(
        f"\n| resampling of {len(rows)} | error (PSNR, dB) | power left above 1/4 cycle a pixel | ms | with gradient |"
    )
    print("|---|---|---|---|---|")
    middle, x_grad = slice(14, -14), small.clone().requires_grad_()
    for name, resample in methods.items():
        y = resample(small)
        error = float((y - truth)[..., middle, middle].square().mean())
        once = timed(lambda f=resample: f(small))
        both = timed(lambda f=resample: torch.autograd.grad(f(x_grad).sum(), x_grad))
        share = top_octave(y) / top_octave(truth)
        print(f"| {name} | {10 * math.log10(4 / error):.1f} | {share:.2f} | {once} | {both} |", flush=True)


def main() -> None:
    """Print both tables as Markdown."""
    torch.set_num_threads(1)
    times()
    quality()


if __name__ == "__main__":
    main()

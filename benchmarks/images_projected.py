"""Photographs of few files: networks at equal minutes, in features of EfficientNet-Lite2, which no D sees with.

    python benchmarks/images_projected.py FOLDER [--size 64] [--budget 12m] [--networks projected strided] [--out TO]

Needs the extra `pretrained`. Trains each network on the images of a folder (its subfolders are classes), one after
the other, and prints a JSON line each: seconds, samples, the kernel distance x 1000 of 400 fakes from all files (cubic
kernel, unbiased), and, where there are classes, the share of 200 fakes a class that a linear probe on the same
features, fitted on the files, sees as what was asked for, with the probe's accuracy on files it was not fitted on. The
first 40 fakes, none chosen, are kept in `--out` to look at.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gankit
from gankit.features import PretrainedFeatures
from gankit.metrics.distances import kernel_distance

SHOWN, MEASURED, ACROSS = 40, 400, 8


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


def sheet(x: np.ndarray, file: Path) -> None:
    """Images [N, H, W, 3] in rows of `ACROSS`."""
    rows = [np.concatenate(list(x[i : i + ACROSS]), 1) for i in range(0, len(x), ACROSS)]
    Image.fromarray(np.concatenate(rows)).save(file)


def main() -> None:
    """Trains, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--budget", default="12m")
    parser.add_argument("--networks", nargs="+", default=["projected", "strided"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("projected"))
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
    for network in asked.networks:
        begin = time.monotonic()
        options: dict[str, Any] = {"size": str(asked.size), "network": network, "budget": asked.budget}
        model = gankit.train(asked.folder, seed=asked.seed, mirror="on", verbose=False, **options)
        seconds, fakes = time.monotonic() - begin, np.asarray(model.sample(MEASURED, seed=0))
        sheet(fakes[:SHOWN], asked.out / f"{asked.folder.name}_{network}.png")
        found = {
            "network": network, "seed": asked.seed, "seconds": round(seconds), "samples": model.card["samples"],
            "seconds_per_1000": round(1000 * seconds / model.card["samples"], 1),
            "kernel_distance_x1000": round(1000 * kernel_distance(real, judge(fakes)).value, 1),
        }  # fmt: skip
        if probe is not None:
            right = []
            for k, level in enumerate(levels):
                asked_for = np.asarray(model.sample(MEASURED // len(levels), seed=1, where={"label": level}))
                right.append(float((probe.predict(judge(asked_for)) == k).mean()))
            found |= {"class_accuracy": round(float(np.mean(right)), 3), "of_real_held_out": round(held_out or 0.0, 3)}
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()

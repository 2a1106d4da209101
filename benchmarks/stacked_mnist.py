"""Stacked MNIST: how many of 1,000 modes an unconditional GAN finds, and how evenly.

    python benchmarks/stacked_mnist.py --samples 2M --seeds 0 1 2 [--set OPTION=VALUE ...]

128,000 images, each of three random digits in its red, green and blue channel (Metz et al. 2017; Lin et al. 2018);
26,000 fakes; a classifier of MNIST (its accuracy is printed) names the digit in each channel; modes of 1,000, and
KL(fakes || uniform) in nats. `floor` is the KL of 26,000 real triples, seen through the same classifier.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def stacked(x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """[count, 28, 28, 3] uint8 of single digits [N, 28, 28]."""
    return np.stack([x[rng.integers(len(x), size=count)] for _ in range(3)], axis=-1)


def main() -> None:
    """Trains and counts, one JSON line a seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"))
    parser.add_argument("--samples", default="2M")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE")
    arguments = parser.parse_args()

    from images import images

    import gankit
    from gankit.features import train_classifier
    from gankit.kinds.images.metrics.classes import stacked_modes

    (x, y), (test, y_test) = images("mnist", arguments.folder, 28)
    classifier = train_classifier(x[..., None], y, 10, 0)
    accuracy = float((classifier.predict(test[..., None]).argmax(1) == y_test).mean())

    def seen(triples: np.ndarray) -> dict[str, float]:
        channels = [classifier.predict(triples[..., i : i + 1]).argmax(1) for i in range(3)]
        return stacked_modes(np.stack(channels, axis=1))

    for seed in arguments.seeds:
        rng = np.random.default_rng(seed)
        began = time.monotonic()
        options = dict(text.split("=", 1) for text in arguments.set)
        model = gankit.train(
            stacked(x, 128_000, rng), samples=arguments.samples, seed=seed, **options, on_progress=_spoken
        )
        fakes = np.concatenate([batch.x for batch in model.sample_batches(26_000, seed=seed)])
        found, floor = seen(fakes), seen(stacked(test, 26_000, rng))
        row = {"seed": seed, "samples": model.card["samples"], "train_s": round(time.monotonic() - began)}
        row |= {"modes": found["modes"], "kl": round(found["kl"], 4), "floor": round(floor["kl"], 4)}
        print(json.dumps({**row, "accuracy": round(accuracy, 4)}), flush=True)


def _spoken(progress: Any) -> None:
    if progress.metric is not None:
        fields = ("samples", "gap", "weight", "metric", "samples_per_second")
        print({name: getattr(progress, name) for name in fields}, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

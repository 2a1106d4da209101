"""What it is worth to begin with the networks of another model: samples needed to the same distance.

    python benchmarks/images_transfer.py FIRST [SECOND] [--samples 24k] [--network strided] [--size 64]

Needs the extra `pretrained`. FIRST and SECOND are folders of images. Trains on FIRST, then on SECOND twice, fresh and
`--from` that model, all of the same length, and prints at every look the kernel distance x 1000 (cubic kernel,
unbiased) of 400 fakes of the averaged G from the files of SECOND in features of EfficientNet-Lite2; in the end how many
samples of each were needed to the best distance of the fresh one. Without SECOND, every second file of FIRST is.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from images_projected import of_channels, read

import gankit
from gankit.features import PretrainedFeatures
from gankit.metrics.distances import kernel_distance

MEASURED, LOOKS = 400, 12


def main() -> None:
    """Trains, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path, nargs="?")
    parser.add_argument("--samples", default="24k")
    parser.add_argument("--network", default="strided")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    first, _ = read(asked.first, asked.size)
    first, second = (first, read(asked.second, asked.size)[0]) if asked.second else (first[::2], first[1::2])
    judge = PretrainedFeatures()
    real = judge(second)
    options: dict[str, Any] = {
        "network": asked.network, "samples": asked.samples, "evaluations": LOOKS, "early_stop": False, "verbose": False,
        "seed": asked.seed, "mirror": "on",
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(folder) / "first")
        gankit.train(first, out=run, **options)
        curves: dict[str, list[tuple[int, float]]] = {}
        for name, more in (("fresh", {}), ("from", {"from_": run})):
            curve = curves[name] = []

            def look(progress: Any, name: str = name, curve: list[tuple[int, float]] = curve) -> None:
                if progress.metric is not None:
                    far = 1000 * kernel_distance(real, judge(of_channels(progress.sample(MEASURED)))).value
                    curve.append((progress.samples, float(far)))
                    print(
                        json.dumps({"run": name, "samples": progress.samples, "kernel_distance": round(far, 1)}),
                        flush=True,
                    )

            gankit.train(second, on_progress=look, **options, **more)
    best = min(far for _, far in curves["fresh"])
    needed = {name: next((n for n, far in curve if far <= best), None) for name, curve in curves.items()}
    print(json.dumps({"best_of_fresh": round(best, 1), "samples_needed": needed, "rows": [len(first), len(second)]}))


if __name__ == "__main__":
    main()

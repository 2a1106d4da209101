"""What a step waits for images that lie on disk: read when they are asked for, and read ahead.

    OMP_NUM_THREADS=1 python benchmarks/ahead.py [--gigabytes 6] [--folder /tmp] [--steps 60]

Writes a file of random images of 64 x 64 in colour, and takes batches of 32 at random rows out of it, as the game
does. Before each way and each of five turns the system is asked to forget the file. Between two batches a product of
matrices stands for the step's work, about 0.1 s. Prints the milliseconds that a step waited for its batch: median, and
95%.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from gankit.training.game import Ahead, Batches

BATCH, SHAPE = 32, (64, 64, 3)


def forget(path: Path) -> None:
    """Asks the system to drop the file from its cache."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def waits(path: Path, count: int, steps: int, ahead: Ahead | None, seed: int) -> list[float]:
    """Milliseconds from asking for a batch to having it, step by step."""
    forget(path)
    x = torch.from_numpy(np.memmap(path, np.uint8, "c", shape=(count, *SHAPE)))
    batches, device, found = Batches(x, ahead=ahead), torch.device("cpu"), []
    work = torch.randn(1024, 1024)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    for step in range(steps):
        now, following = (order[k * BATCH : (k + 1) * BATCH] for k in (step, step + 1))
        batches.expect(following)
        start = time.monotonic()
        batches.take(now, device)
        found.append(1000 * (time.monotonic() - start))
        for _ in range(4):
            work @ work
    return found[1:]


def main() -> None:
    """Writes the file, takes batches by turns, prints a line a way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=6)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    count = int(arguments.gigabytes * 1e9) // int(np.prod(SHAPE))
    found: dict[str, list[float]] = {"when asked for": [], "ahead": []}
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path, rng = Path(folder) / "images", np.random.default_rng(0)
        with open(path, "wb") as file:
            for start in range(0, count, 4096):
                file.write(rng.bytes(min(4096, count - start) * int(np.prod(SHAPE))))
        for turn in range(5):
            for name in found:
                ahead = Ahead() if name == "ahead" else None
                found[name] += waits(path, count, arguments.steps, ahead, 2 * turn + (name == "ahead"))
    for name, milliseconds in found.items():
        middle, late = np.quantile(milliseconds, [0.5, 0.95])
        print(f"| {name} | {middle:.1f} | {late:.1f} |")


if __name__ == "__main__":
    main()

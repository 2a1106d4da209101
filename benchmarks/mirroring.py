"""How often an image can be told from its mirror image: what `--mirror auto` decides by.

    python benchmarks/mirroring.py --data cifar10 mnist olivetti cats_dogs faces digits [--shown 20000 100000]

A classifier is trained on training images and their mirror images, and has to say of each held-out image which of
the two is the one as it came (`gankit.kinds.images.features.told_apart`); .5 is chance.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path


def main() -> None:
    """One JSON line a data set and length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits"])
    parser.add_argument("--shown", nargs="+", type=int, default=[20_000])
    parser.add_argument("--size", type=int, default=64, help="pixels a side of cats_dogs and faces")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()

    from images import images

    from gankit.config import TrainConfig
    from gankit.kinds import prepare
    from gankit.kinds.images import features as mirroring

    for name in arguments.data:
        (x, _), (heldout, _) = images(name, arguments.folder, arguments.size)
        prepared = prepare(x, TrainConfig(heldout=heldout), [])
        for shown in arguments.shown:
            mirroring.MIRRORING_SAMPLES, began = shown, time.monotonic()
            share = mirroring.told_apart(prepared, 0)
            spread = math.sqrt(0.25 / len(heldout))
            row = {"data": name, "train": len(x), "heldout": len(heldout), "shown": shown, "told": round(share, 3)}
            print(json.dumps({**row, "spread": round(spread, 3), "s": round(time.monotonic() - began, 1)}), flush=True)


if __name__ == "__main__":
    main()

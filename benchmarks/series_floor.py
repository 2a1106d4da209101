"""What no synthetic windows can beat: TimeGAN's discriminative score of real windows.

    python benchmarks/series_floor.py DATA [--fraction 0.2] [--pieces 5] [--runs 3]

DATA is `stock`, `energy` or `sines`, as in series_networks.py. Prints a line of a Markdown table: the score of all
windows against themselves in another order, that of the windows that train against all, and that of the windows that
train against the held-out ones, which shows how far the held-out part is of another distribution.
Stock and energy are cut as `gankit train` cuts one long series, with `--fraction` of the time held out in `--pieces`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from series_networks import WINDOW, Scorer, load

from gankit.columns import splitting


def main() -> None:
    """Cut, score, and print a line of a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=("stock", "energy", "sines"))
    parser.add_argument("--fraction", type=float, default=splitting.FRACTION)
    parser.add_argument("--pieces", type=int, default=splitting.MOST_BLOCKS)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/series"))
    parser.add_argument("--scorer", type=Path, default=Path("../shared/score/series.py"))
    a = parser.parse_args()
    torch.set_num_threads(1)
    scorer, x = Scorer(a.scorer), load(a.data, a.folder).x
    if a.data == "sines":
        cut = round((1 - a.fraction) * len(x))
        train, heldout = np.arange(cut), np.arange(cut, len(x))
    else:
        splitting.MOST_BLOCKS = a.pieces
        length = np.array([len(x) + WINDOW])
        found = splitting.split_in_time(np.array([0]), length, WINDOW, 1, a.fraction)
        train, heldout = (part[part < len(x)] for part in found)
    pairs = ((x, x), (x, x[train]), (x[heldout], x[train]))
    scores = [scorer.scores(real, other, a.runs, False)["discriminative"] for real, other in pairs]
    cells = [a.data, str(a.fraction), str(a.pieces), f"{len(train):,} / {len(heldout):,}", *scores]
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()

"""How values of fakes depend on the date at which they begin, with --calendar and without.

    OMP_NUM_THREADS=1 python benchmarks/series_calendar.py [--samples 150k] [--parts month hour] [--seed 0]

Hourly weather of Beijing (../shared/data/tables/beijing_pm25.csv: five years, eight channels), windows of 24. Prints
for each of the two the root mean square difference of the mean temperature from the real one, over the months and over
the hours of the months.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import gankit

VALUE, MONTH, HOUR = "TEMP", ["month"], ["month", "hour"]


def main() -> None:
    """Trains both, samples 3,000 windows, and compares."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--folder", type=Path, default=Path("../shared/data"))
    ask.add_argument("--samples", default="150k")
    ask.add_argument("--parts", nargs="*", default=["month", "hour"])
    ask.add_argument("--seed", type=int, default=0)
    asked = ask.parse_args()
    file = asked.folder / "tables" / "beijing_pm25.csv"
    real = pd.read_csv(file)
    for calendar in ([], asked.parts):
        model = gankit.train(
            file, kind="series", calendar=calendar, samples=asked.samples, evaluations=6, seed=asked.seed
        )
        with tempfile.TemporaryDirectory() as folder:
            model.write(Path(folder) / "fakes.csv", 3000, asked.seed)
            fakes = pd.read_csv(Path(folder) / "fakes.csv")
        row = {"calendar": calendar, "seed": asked.seed, "samples": model.card["samples"]}
        for name, by in (("month", MONTH), ("month and hour", HOUR)):
            apart = fakes.groupby(by)[VALUE].mean() - real.groupby(by)[VALUE].mean()
            row[f"by {name}"] = round(float(np.sqrt((apart**2).mean())), 2)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

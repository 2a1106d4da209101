"""What it is worth to begin as a model of last year's, or a neighbour's, data was left: samples to the same score.

    python benchmarks/transfer.py CASE [--data ../shared/data] [--samples 40000] [--first 80000] [--seed 0]

CASE is `adult` (rows that were surveyed with others), `beijing` (2014 after 2013), `birdstrikes` (the last years after
those before), `energy` and `stock` (the second half of a series after the first) or `names` (surnames of one part of
Europe after those of another). Trains on the first part, then on the second `--from` the first model with N/8, N/4
and N/2 samples and from nothing with N/2 and N, and prints for each training the held-out metric of its best
checkpoint: a held-out log-likelihood in nats for tables, that of the kind for others; more is better.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

import gankit

MOST = 4_900
"""Rows of the second part of a table, so that its held-out rows are few enough to be judged by the likelihood."""

SOUTH, NORTH = ("Italian", "Spanish", "Portuguese", "French"), ("German", "Dutch", "English", "Scottish", "Irish")


def adult(data: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Two random parts of one survey."""
    rows = pd.read_csv(data / "tables/adult_train.csv").sample(frac=1, random_state=0)
    return rows[MOST:], rows[:MOST], {}


def beijing(data: Path) -> tuple[Any, Any, dict[str, Any]]:
    """2013 and, of 2014, every second hour."""
    rows = pd.read_csv(data / "tables/beijing_pm25.csv").drop(columns="No")
    rows = {year: some.drop(columns="year") for year, some in rows.groupby("year")}
    return rows[2013], rows[2014][::2], {}


def birdstrikes(data: Path) -> tuple[Any, Any, dict[str, Any]]:
    """The strikes of the last years, and all before."""
    rows = pd.read_csv(data / "tables/birdstrikes.csv", keep_default_na=False, na_values=[""])
    rows = rows.sort_values("Flight Date", kind="stable")
    return rows[:-MOST], rows[-MOST:], {}


def halves(path: str) -> Callable[[Path], tuple[Any, Any, dict[str, Any]]]:
    """The first and the second half of a series."""

    def read(data: Path) -> tuple[Any, Any, dict[str, Any]]:
        rows = pd.read_csv(data / path)
        rows = rows.drop(columns=[name for name in rows if not pd.api.types.is_numeric_dtype(rows[name])])
        return rows[: len(rows) // 2], rows[len(rows) // 2 :], {"kind": "series", "window": 24}

    return read


def names(data: Path) -> tuple[Any, Any, dict[str, Any]]:
    """Surnames of the south of Europe after those of its north."""

    def read(languages: tuple[str, ...]) -> list[str]:
        files = [data / f"text/names/{language}.txt" for language in languages]
        return [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]

    return read(NORTH), read(SOUTH), {"kind": "text"}


CASES = {
    "adult": adult, "beijing": beijing, "birdstrikes": birdstrikes, "names": names,
    "energy": halves("series/energydata_complete.zip"), "stock": halves("series/stock_data.csv"),
}  # fmt: skip


def main() -> None:
    """Trains and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--first", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    first, second, options = CASES[asked.case](asked.data)
    options |= {"early_stop": False, "verbose": False, "seed": asked.seed, "threads": 1}
    with tempfile.TemporaryDirectory() as folder:
        run, said = str(Path(folder) / "first"), list[str]()
        gankit.train(first, out=run, samples=asked.first, evaluations=4, **options)
        for how, more, parts in (("the first", {"from_": run}, (8, 4, 2)), ("nothing", {}, (2, 1))):
            for samples in (asked.samples // part for part in parts):
                model = gankit.train(second, samples=samples, evaluations=8, on_note=said.append, **options, **more)
                metric = model.card["metric"]
                line = {"case": asked.case, "seed": asked.seed, "from": how, "samples": samples}
                print(json.dumps({**line, "metric": round(metric["value"], 4), "name": metric["name"]}), flush=True)
        print(json.dumps({"rows": [len(first), len(second)], "note": next(n for n in said if "begins as" in n)}))


if __name__ == "__main__":
    main()

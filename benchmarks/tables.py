"""Trains on tables and scores the fakes against rows that trained nothing: one JSON line a run.

    python benchmarks/tables.py --data adult --budget 5m --scorer "PYTHON SCORER/table.py"
    python benchmarks/tables.py --data adult california beijing wine --seeds 0 1 2 --set warmup=1 --samples 500k

Data: `adult` (official split), `california`, `beijing`, `birdstrikes`, `titanic`, `airlines`, `iris` from --folder,
split 80/20 by a fixed seed; `wine`, `cancer` and `diabetes` ship with scikit-learn. Each run: train with the defaults
and whatever --set changes, sample as many rows as were trained on, score with the project's own metrics, and
with --scorer by an independent program that takes TRAIN TEST FAKE --target COLUMN. --constant changes a constant of the
code, for ablations: --constant gankit.networks.vectors.sequential:NUM_WAVES=0.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from gankit.kinds.tables.metrics.sample import Sample

TARGETS = {
    "adult": "income", "california": "median_house_value", "beijing": "pm2.5", "birdstrikes": "Wildlife Size",
    "titanic": "Survived", "airlines": "IsArrDelayed", "iris": "species", "wine": "target", "cancer": "target",
    "diabetes": "target",
}  # fmt: skip
DROPPED = {"beijing": ["No"], "titanic": ["PassengerId", "Name", "Ticket"]}
"""Identifiers and free text: they are no part of what is compared."""


def tables(name: str, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows, every cell as it is written."""
    options = {"dtype": str, "keep_default_na": False}
    if name == "adult":
        return tuple(pd.read_csv(folder / f"adult_{part}.csv", **options) for part in ("train", "test"))
    if name in ("wine", "cancer", "diabetes"):
        from sklearn import datasets

        loader = {"wine": datasets.load_wine, "cancer": datasets.load_breast_cancer, "diabetes": datasets.load_diabetes}
        whole = loader[name](as_frame=True).frame.astype(str)
    else:
        file = {
            "california": "california_housing.csv", "beijing": "beijing_pm25.csv", "birdstrikes": "birdstrikes.csv",
            "titanic": "titanic_train.csv", "airlines": "airlines_allyears2k.zip", "iris": "iris.csv",
        }[name]  # fmt: skip
        whole = pd.read_csv(folder / file, **options, encoding="latin-1" if name == "airlines" else "utf-8")
        whole = whole.drop(columns=DROPPED.get(name, []))
    shuffled = whole.sample(frac=1, random_state=0).reset_index(drop=True)
    cut = len(shuffled) * 4 // 5
    return shuffled[:cut], shuffled[cut:]


def run(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, object]:
    """One training, its fakes and their scores."""
    from gankit.columns.rows import write
    from gankit.kinds.tables.evaluation import sample_from
    from gankit.run import api

    train, test = tables(name, arguments.folder)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(arguments.keep or temporary)
        place.mkdir(parents=True, exist_ok=True)
        files = {part: place / f"{name}-{seed}-{part}.csv" for part in ("train", "test", "fake")}
        train.to_csv(files["train"], index=False)
        test.to_csv(files["test"], index=False)
        options = dict(text.split("=", 1) for text in arguments.set)
        typed = {
            k: json.loads(v) if v[0] in "0123456789tf[" and k not in ("samples", "budget") else v
            for k, v in options.items()
        }
        if arguments.samples or arguments.budget:
            typed |= {"samples": arguments.samples} if arguments.samples else {"budget": arguments.budget}
        began = time.monotonic()
        model = api.train(files["train"], seed=seed, **typed)
        seconds = time.monotonic() - began
        write(model.sample_batches(len(train), seed=seed), files["fake"], model.origin)
        row: dict[str, object] = {
            "data": name,
            "seed": seed,
            "set": " ".join([*arguments.set, *arguments.constant]),
            "train_s": round(seconds, 1),
        }
        row |= {
            "samples": model.card["samples"],
            "epochs": model.card["epochs"],
            "chosen": model.card["metric"]["samples"],
        }
        if arguments.history:
            row["history"] = [
                [h["phase"], h["samples"], h["metric"] and round(h["metric"], 4), h["gap"]] for h in model.history
            ]
        parts = {part: sample_from(model.schema, file) for part, file in files.items()}
        if not arguments.scorer:
            row |= scores(*parts.values(), TARGETS[name])
        else:
            command = [
                *shlex.split(arguments.scorer),
                *map(str, files.values()),
                "--target",
                TARGETS[name],
                "--no-ceiling",
            ]
            row |= json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return row


def scores(train: Sample, test: Sample, fake: Sample, target: str) -> dict[str, float]:
    """The project's own figures of fakes; the test rows trained nothing."""
    from gankit.kinds.tables.metrics import classifiers, distributions, neighbours
    from gankit.kinds.tables.metrics.sample import align

    train, test, fake = align(train, test, fake)
    found = {
        "shape": distributions.shape(test, fake, seed=0),
        "trend": distributions.trend(test, fake, seed=0),
        "c2st_trees": classifiers.c2st_trees(test, fake, seed=0),
        "usefulness": classifiers.usefulness(train, test, fake, target=target, seed=0),
        "copies_exact": neighbours.copies_exact(train, test, fake, seed=0),
    }
    return {name: round(score.value, 4) for name, score in found.items()}


def main() -> None:
    """Runs every combination of data and seed, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", choices=TARGETS, default=["wine"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--budget")
    parser.add_argument("--samples")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE")
    parser.add_argument("--constant", nargs="*", default=[], metavar="MODULE:NAME=VALUE")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/tables"))
    parser.add_argument("--scorer")
    parser.add_argument("--keep", help="folder to keep the files in")
    parser.add_argument("--history", action="store_true")
    arguments = parser.parse_args()
    for text in arguments.constant:
        place, value = text.split("=")
        module, constant = place.split(":")
        assert hasattr(importlib.import_module(module), constant), f"there is no {place}"
        setattr(importlib.import_module(module), constant, json.loads(value))
    for name in arguments.data:
        for seed in arguments.seeds:
            print(json.dumps(run(name, seed, arguments)), flush=True)


if __name__ == "__main__":
    sys.exit(main())

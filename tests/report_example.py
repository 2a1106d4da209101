"""A realistic report for tests and for the eye: a real table, with its columns shuffled one by one as the fakes.

`python tests/report_example.py adult OUT` writes it; not shipped.
"""

from __future__ import annotations

import csv
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gankit.kinds.tables.figure import figure_1d
from gankit.kinds.tables.metrics.metrics import TableFacts, evaluate_rows
from gankit.kinds.tables.metrics.sample import Sample, align
from gankit.kinds.tables.sections import TableSections
from gankit.metrics.evaluate import Evaluation
from gankit.report.page import Report, build

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "tables"


def wine() -> Sample:
    """scikit-learn's wine: 178 rows, 13 numbers and the class."""
    from sklearn.datasets import load_wine

    data = load_wine()
    columns = {n: data.data[:, i].astype(float) for i, n in enumerate(data.feature_names)}
    columns["class"] = data.target.astype(np.int32)
    kinds: dict[str, Any] = {n: "category" if n == "class" else "number" for n in columns}
    return Sample(columns, kinds, {"class": tuple(map(str, data.target_names))})


def table(path: Path, missing: str = "?") -> Sample:
    """A CSV file; columns whose every value reads as a number are numbers."""
    with open(path, newline="", encoding="utf-8") as file:
        head, *rows = list(csv.reader(file))
    columns: dict[str, np.ndarray] = {}
    kinds: dict[str, Any] = {}
    levels: dict[str, tuple[str, ...]] = {}
    for i, name in enumerate(head):
        texts = [r[i] for r in rows]
        try:
            columns[name] = np.array([math.nan if t in (missing, "") else float(t) for t in texts])
            kinds[name] = "number"
        except ValueError:
            levels[name] = tuple(sorted({t for t in texts} - {missing, ""}))
            place = {t: k for k, t in enumerate(levels[name])}
            columns[name] = np.array([place.get(t, -1) for t in texts], np.int32)
            kinds[name] = "category"
    return Sample(columns, kinds, levels)


def shuffled_columns(sample: Sample, num_rows: int, noise: float, seed: int) -> Sample:
    """Rows of `sample`, a share `noise` of them with each column drawn for itself."""
    generator = np.random.default_rng(seed)
    kept = generator.integers(0, sample.num_rows, num_rows)
    alone = generator.random(num_rows) < noise
    columns = {}
    for name, values in sample.columns.items():
        out = values[kept]
        out[alone] = values[generator.integers(0, sample.num_rows, int(alone.sum()))]
        columns[name] = out
    return Sample(columns, sample.kinds, sample.levels)


def made_up_history(seed: int = 0) -> list[dict[str, Any]]:
    """A plausible training: a metric that rises, D's scores that part a little. Not measured."""
    generator = np.random.default_rng(seed)
    out = []
    for i in range(1, 21):
        t = i / 20
        out.append(
            {
                "samples": 25_000 * i,
                "metric": 0.6 * (1 - math.exp(-3 * t)) + 0.01 * generator.normal(),
                "loss_d": 1.2 - 0.2 * t,
                "loss_g": 0.7 + 0.3 * t,
                "alarms": [],
                "scores": {
                    "mean_train": 0.2 + 0.2 * t,
                    "mean_heldout": 0.2 + 0.15 * t,
                    "mean_fake": -0.3 + 0.05 * t,
                    "recall_train": 0.6,
                    "recall_heldout": 0.58,
                    "recall_fake": 0.4,
                    "precision_train": 0.6,
                    "precision_heldout": 0.59,
                    "accuracy_train": 0.6,
                    "accuracy_heldout": 0.59,
                    "memorised": 0.08,
                    "memorised_significant": True,
                },
            }
        )
    return out


def rows_report(
    evaluation: Evaluation[TableFacts],
    heldout: Sample,
    fake: Sample,
    *,
    card: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]] = (),
    figure: Mapping[str, Any] | None = None,
    records: bool = True,
    notes: Sequence[str] = (),
) -> Report:
    """The report on rows."""
    real, fake = align(heldout, fake)
    sections = TableSections(evaluation=evaluation, real=real, fake=fake, figure=figure, records=records)
    return build(sections, card=card, history=history, notes=notes)


def example(
    real: Sample, fake: Sample, *, card: dict[str, Any] | None = None, max_rows: int = 5000, **more: Any
) -> Report:
    """The report on `fake`, a fifth of `real` held out."""
    generator = np.random.default_rng(1)
    order = generator.permutation(real.num_rows)
    cut = real.num_rows // 5
    heldout, train = real.take(order[:cut]), real.take(order[cut:])
    evaluation = evaluate_rows(train, heldout, fake, max_rows=max_rows)
    return rows_report(evaluation, heldout, fake, card=card or {"name": "example"}, history=made_up_history(), **more)


def mixture(num_rows: int, seed: int, spread: float = 1.0) -> np.ndarray:
    """Two normal modes, one number a row: [num_rows] float64."""
    generator = np.random.default_rng(seed)
    return np.where(generator.random(num_rows) < 0.4, -2.0, 1.5) + spread * 0.5 * generator.normal(size=num_rows)


def one_dimension() -> Report:
    """A single number, with the figure of 2014; D and G are formulas here."""
    real, fake = mixture(4000, 0), mixture(4000, 1, 1.25)
    grid = np.linspace(-5, 4, 121)

    def density(x: np.ndarray, s: float) -> np.ndarray:
        return 0.4 * np.exp(-((x + 2) ** 2) / (2 * s * s)) / s + 0.6 * np.exp(-((x - 1.5) ** 2) / (2 * s * s)) / s

    d = density(grid, 0.5) / (density(grid, 0.5) + density(grid, 0.625))
    z = np.linspace(-2.5, 2.5, 41)
    x_of_z = np.quantile(fake, [0.5 * (1 + math.erf(v / math.sqrt(2))) for v in z])
    kinds: dict[str, Any] = {"height": "number"}
    return example(
        Sample({"height": real}, kinds),
        Sample({"height": fake}, kinds),
        card={"name": "heights"},
        figure=figure_1d(real, fake, grid, d, z, x_of_z),
    )


def adult() -> Report:
    real = table(DATA / "adult_train.csv")
    card = {
        "name": "adult_train.csv",
        "kind": "table",
        "samples_shown": 500_000,
        "training_seconds": 300.2,
        "gankit_version": "0.1.0",
        "network": "residual",
        "loss": "relativistic",
        "columns": [{"name": n, "type": real.kinds[n]} for n in real.names],
    }
    return example(real, shuffled_columns(real, 8000, 0.35, 0), card=card)


def main() -> None:
    what, out = sys.argv[1:]
    makers = {
        "adult": adult,
        "wine": lambda: example(wine(), shuffled_columns(wine(), 178, 0.5, 0)),
        "one": one_dimension,
    }
    makers[what]().save(out)


if __name__ == "__main__":
    main()

"""How well the quick judge ranks models, and which neighbours the membership attack should look at.

    python benchmarks/metrics.py ranks  ADULT_TRAIN.csv ADULT_TEST.csv
    python benchmarks/metrics.py attack ADULT_TRAIN.csv ADULT_TEST.csv

`ranks` makes fakes of known, increasing damage from one half of the training rows (cells swapped within a column,
numbers made noisy, a class thinned out) and prints, for each, the independent figure (XGBoost at its defaults, three
folds, on all test rows), `c2st_trees` and `quick_c2st`, then the rank correlations. `attack` prints the area and the
rate at few false positives for pairs of neighbours (population, fakes) on honest and on leaking fakes. Results:
benchmarks/metrics.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from gankit.kinds.tables.metrics.classifiers import c2st_trees, quick_c2st
from gankit.kinds.tables.metrics.metrics import bootstrap, independent
from gankit.kinds.tables.metrics.neighbours import Space, nearest
from gankit.kinds.tables.metrics.sample import Sample, concatenate, tree_features
from gankit.metrics.classification import auc, true_positive_rate


def read(*paths: str) -> list[Sample]:
    frames = [pd.read_csv(p, na_values=["?"]) for p in paths]
    columns: list[dict[str, np.ndarray]] = [{} for _ in frames]
    kinds, levels = {}, {}
    for name in frames[0]:
        if pd.api.types.is_numeric_dtype(frames[0][name]):
            kinds[name] = "number"
        else:
            kinds[name], levels[name] = "category", tuple(sorted({v for f in frames for v in f[name].dropna()}))
        for frame, out in zip(frames, columns, strict=True):
            codes = pd.Categorical(frame[name], levels[name]).codes.astype(np.int32) if name in levels else None
            out[name] = frame[name].to_numpy(float) if codes is None else codes
    return [Sample(c, kinds, levels) for c in columns]


def swapped(sample: Sample, share: float) -> Sample:
    """Each cell of `share` takes the value of another row's cell: marginals stay, relations go."""
    generator = np.random.default_rng(1)
    columns = {}
    for name, values in sample.columns.items():
        at = np.flatnonzero(generator.random(len(values)) < share)
        columns[name] = values.copy()
        columns[name][at] = values[generator.permutation(at)]
    return Sample(columns, sample.kinds, sample.levels)


def damaged(sample: Sample) -> Iterator[tuple[str, Sample]]:
    for share in (0, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0):
        yield f"swap {share}", swapped(sample, share)
    generator = np.random.default_rng(3)
    for scale in (0.02, 0.1, 0.3):
        columns = dict(sample.columns)
        for name in ("age", "hours-per-week", "education-num"):
            x = columns[name]
            noise = generator.normal(0, scale * x.std(), len(x))
            columns[name] = np.clip(np.round(x + noise), x.min(), x.max())
        yield f"noise {scale}", Sample(columns, sample.kinds, sample.levels)
    for share in (0.05, 0.2, 0.5):
        kept = (sample.columns["income"] == 0) | (generator.random(sample.num_rows) > share)
        yield f"thin {share}", sample.take(generator.choice(np.flatnonzero(kept), sample.num_rows))


def independent_figure(real: Sample, fake: Sample) -> float:
    from sklearn.model_selection import StratifiedKFold
    from xgboost import XGBClassifier

    both, n = concatenate(real, fake), real.num_rows
    matrix, categorical = tree_features(both, both, both.names)
    x = pd.DataFrame(matrix, columns=[f"x{i}" for i in range(matrix.shape[1])])
    for name, is_category in zip(x, categorical, strict=True):
        if is_category:
            x[name] = x[name].astype(str).astype("category")
    y = np.repeat([1, 0], [n, fake.num_rows])
    scores = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        model = XGBClassifier(enable_categorical=True, tree_method="hist", random_state=0).fit(x.iloc[train], y[train])
        p = model.predict_proba(x.iloc[test])[:, 1]
        scores.append(2 * max(0.5, auc(p[y[test] == 1], p[y[test] == 0])[0]) - 1)
    return 1 - float(np.mean(scores))


def ranks(train: Sample, test: Sample) -> None:
    from scipy.stats import spearmanr

    half = train.take(np.random.default_rng(0).permutation(train.num_rows)[: test.num_rows])
    figures = []
    for name, fake in damaged(half):
        figures.append((independent_figure(test, fake), c2st_trees(test, fake).value, quick_c2st(test, fake, 0).value))
        print(f"{name:12}" + "".join(f"{v:9.3f}" for v in figures[-1]), flush=True)
    wanted, full, quick = np.array(figures).T
    print(f"rank correlation with XGBoost: c2st_trees {spearmanr(full, wanted)[0]:.3f}, "
          f"quick_c2st {spearmanr(quick, wanted)[0]:.3f}")  # fmt: skip


def attack(train: Sample, test: Sample) -> None:
    rows = np.random.default_rng(0).permutation(train.num_rows)
    members, fresh = train.take(rows[:8000]), train.take(rows[8000:16000])
    test = test.take(np.arange(8000))
    fakes = {
        "fresh rows": fresh,
        "bootstrap": bootstrap(members, 8000, 0),
        "10% swapped": swapped(members, 0.1),
        "30% swapped": swapped(members, 0.3),
        "20% copies": concatenate(fresh.take(np.arange(6400)), members.take(np.arange(1600))),
        "independent": independent(members, 8000, 0),
    }
    people = members.take(np.arange(4000)), test.take(np.arange(4000, 8000))
    space = Space(concatenate(*people))
    population = space.place(test.take(np.arange(4000)))
    asked = [space.place(s) for s in people]

    def log_distances(among: object) -> list[np.ndarray]:
        return [np.log(np.maximum(nearest(a, among, 5)[0], 1e-4)) for a in asked]  # type: ignore[arg-type]

    crowd = log_distances(population)
    for name, fake in fakes.items():
        forged = log_distances(space.place(fake))
        for k, j in ((1, 1), (5, 5), (5, 1)):
            inside, outside = (c[:, k - 1] - f[:, j - 1] for c, f in zip(crowd, forged, strict=True))
            found = [true_positive_rate(inside, outside, r)[0] / len(inside) for r in (0.01, 0.001)]
            print(f"{name:12} ({k}, {j})  area {auc(inside, outside)[0]:.3f}  at 1% {found[0]:.3f}  "
                  f"at .1% {found[1]:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    {"ranks": ranks, "attack": attack}[sys.argv[1]](*read(*sys.argv[2:4]))

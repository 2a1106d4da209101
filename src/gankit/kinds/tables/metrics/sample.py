"""A sample of rows as plain arrays with names, and as the matrices that classifiers take.

Knows numbers and codes of levels; never files or how a sample was made.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from gankit.errors import DataError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ColumnKind = Literal["number", "category"]
FoundT = TypeVar("FoundT")

_TREE_LEVELS = 254  # scikit-learn's histograms hold at most 255 levels; the last one takes the rest
_LINEAR_LEVELS = 100


@dataclass(frozen=True)
class Sample:
    """Records as columns.

    columns: name -> [N]: float64 for a number (NaN = missing; datetimes are seconds), int32 codes into `levels[name]`
        for a category (-1 = missing or unknown).
    kinds: name -> "number" or "category".
    levels: name -> the texts of a category's codes; numbers have no entry.
    dates: the names of numbers that are seconds since 1970, and are shown as dates.

    >>> s = Sample({"age": np.array([31.0, np.nan]), "sex": np.array([0, 1], np.int32)},
    ...            {"age": "number", "sex": "category"}, {"sex": ("f", "m")})
    >>> s.num_rows, s.names, s.take([1]).columns["sex"].tolist()
    (2, ('age', 'sex'), [1])
    """

    columns: Mapping[str, np.ndarray]
    kinds: Mapping[str, ColumnKind]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dates: frozenset[str] = frozenset()
    _found: dict[Hashable, tuple[Future[Any], tuple[Any, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        assert set(self.columns) == set(self.kinds), "every column needs a kind"
        assert len({len(v) for v in self.columns.values()}) <= 1, "columns must be equally long"
        for name, type_ in self.kinds.items():
            wanted = np.float64 if type_ == "number" else np.int32
            found = self.columns[name]
            assert found.ndim == 1 and found.dtype == wanted, f"{name}: a {type_} must be {wanted.__name__} [N]"
            assert type_ == "number" or name in self.levels, f"{name}: a category needs its levels"

    def __len__(self) -> int:
        return self.num_rows

    @property
    def num_rows(self) -> int:
        """How many records there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self.columns)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the columns that hold numbers."""
        return tuple(n for n in self.columns if self.kinds[n] == "number")

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the columns that hold categories."""
        return tuple(n for n in self.columns if self.kinds[n] == "category")

    def once(self, make: Callable[..., FoundT], *others: Any) -> FoundT:
        """make(self, *others), worked out once and kept as long as these records are.

        What metrics need of the real records is the same for every candidate. others: samples, told apart by identity,
        and hashable values. A thread that asks for what another works on waits for it.
        """
        key = (make, *(id(other) if isinstance(other, Sample) else other for other in others))
        mine: Future[Any] = Future()
        future, _ = self._found.setdefault(key, (mine, others))  # holds the others, so that their ids stay theirs
        if future is mine:
            try:
                mine.set_result(make(self, *others))
            except BaseException as error:
                mine.set_exception(error)
        found: FoundT = future.result()
        return found

    def take(self, indices: Sequence[int] | np.ndarray) -> Sample:
        """The records at `indices` (int [M], or bool [N]), in that order."""
        index = np.asarray(indices)
        index = index if index.dtype == bool else index.astype(np.int64)
        return replace(self, columns={n: v[index] for n, v in self.columns.items()})

    def subsample(self, num_rows: int, generator: np.random.Generator) -> Sample:
        """At most `num_rows` records, drawn without replacement; all of them, as they stand, when there are no more."""
        if self.num_rows <= num_rows:
            return self
        return self.take(generator.choice(self.num_rows, num_rows, replace=False))

    def select(self, names: Sequence[str]) -> Sample:
        """The same records with the columns `names` only."""
        return Sample(
            {n: self.columns[n] for n in names},
            {n: self.kinds[n] for n in names},
            {n: self.levels[n] for n in names if n in self.levels},
            self.dates & {*names},
        )

    def row(self, index: int) -> dict[str, Any]:
        """One record as plain JSON values: a float, a level's text, or None where missing."""
        record: dict[str, Any] = {}
        for name, values in self.columns.items():
            value = values[index]
            if self.kinds[name] == "number":
                record[name] = None if np.isnan(value) else float(value)
            else:
                record[name] = None if value < 0 else self.levels[name][int(value)]
        return record


def concatenate(first: Sample, second: Sample) -> Sample:
    """The records of both, one after the other; both must have the same columns and levels (see `align`)."""
    columns = {n: np.concatenate([v, second.columns[n]]) for n, v in first.columns.items()}
    return Sample(columns, first.kinds, first.levels)


def align(*samples: Sample) -> tuple[Sample, ...]:
    """The samples with the columns of the first in its order, and one list of levels for all.

    Levels that only later samples have are added behind those of the first, so that an invented level is seen.

    Raises:
        DataError: a sample lacks a column or has it in another kind.
    """
    first = samples[0]
    for other in samples[1:]:
        for name in first.names:
            if name not in other.columns:
                raise DataError(
                    f"column {name!r} is missing in one of the samples that are compared: "
                    f"found {', '.join(other.names)}. Give samples with the same columns."
                )
            if other.kinds[name] != first.kinds[name]:
                raise DataError(
                    f"column {name!r} is a {first.kinds[name]} in one sample and a {other.kinds[name]} "
                    f"in another. Read both with the same types."
                )
    levels = {n: tuple(dict.fromkeys(level for s in samples for level in s.levels[n])) for n in first.categories}
    return tuple(_recode(s, first.names, levels) for s in samples)


def _recode(sample: Sample, names: tuple[str, ...], levels: Mapping[str, tuple[str, ...]]) -> Sample:
    columns: dict[str, np.ndarray] = {}
    for name in names:
        values = sample.columns[name]
        if name in levels and sample.levels[name] != levels[name][: len(sample.levels[name])]:
            place = {level: code for code, level in enumerate(levels[name])}
            table = np.array([place[level] for level in sample.levels[name]] + [-1], np.int32)  # last: code -1
            values = table[values]
        columns[name] = values
    return Sample(columns, {n: sample.kinds[n] for n in names}, dict(levels), sample.dates & {*names})


def tree_features(sample: Sample, reference: Sample, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The columns `names` of `sample` for `HistGradientBoosting*`: [N, C] float64, NaN = missing; and which are
    categorical: [C] bool.

    Levels rare in `reference` share one code. A two-level or constant column stays categorical. Infinite numbers become
    the largest float32, in their order.
    """
    matrix = np.empty((sample.num_rows, len(names)))
    for i, name in enumerate(names):
        values = sample.columns[name]
        if sample.kinds[name] == "number":
            matrix[:, i] = np.clip(values, -3e38, 3e38)
        else:
            codes = np.minimum(frequency_ranks(reference, name), _TREE_LEVELS - 1)[values]
            matrix[:, i] = np.where(values < 0, np.nan, codes)
    return matrix, np.array([sample.kinds[n] == "category" for n in names], bool)


def frequency_ranks(reference: Sample, name: str) -> np.ndarray:
    """Level code -> rank by frequency in `reference`, 0 = the most frequent: [num_levels or 1] int64."""
    num_levels = max(len(reference.levels[name]), 1)
    values = reference.columns[name]
    return np.argsort(np.argsort(-np.bincount(values[values >= 0], minlength=num_levels), kind="stable"))


def linear_features(sample: Sample, reference: Sample) -> csr_matrix:
    """Standardised numbers, flags of missing ones, and one-hot levels: sparse [N, D] float64.

    Numbers are centred and scaled by mean and deviation in `reference` and cut at 10 deviations; missing ones are 0
    beside a flag. Of a category the 100 levels most frequent in `reference` and missing have a column each.
    """
    from scipy.sparse import csr_matrix, hstack

    rows = np.arange(sample.num_rows)
    blocks: list[Any] = []
    for name in sample.names:
        values = sample.columns[name]
        if sample.kinds[name] == "number":
            known = reference.columns[name]
            known = known[np.isfinite(known)]
            centre, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
            scaled = np.clip((values - centre) / (spread if spread > 0 else 1.0), -10, 10)
            missing = np.isnan(values)
            blocks.append(csr_matrix(np.stack([np.where(missing, 0.0, scaled), missing.astype(float)], 1)))
            continue
        ranks = frequency_ranks(reference, name)
        width = min(len(ranks), _LINEAR_LEVELS) + 1
        column = np.where(values < 0, width - 1, ranks[values])
        kept = column < width
        blocks.append(csr_matrix((np.ones(kept.sum()), (rows[kept], column[kept])), (sample.num_rows, width)))
    return csr_matrix(hstack(blocks, format="csr"))


def evenly(names: Sequence[str], most: int) -> tuple[str, ...]:
    """At most so many names, from the first to the last evenly apart."""
    places = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).astype(np.int64))
    return tuple(names[place] for place in places.tolist())

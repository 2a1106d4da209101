"""How far a fake lies from real records, for each form in which records are shown.

Knows arrays, texts and tables of texts; never kinds or files. The distances are plain ones, to be understood at a
glance; a report measures copies with more care (`gankit evaluate`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

_BLOCK = 4096


class Space(Protocol):
    """Distances from one fake to many real records. measure: what they are, in words."""

    measure: str

    def __init__(self, train: Any) -> None:
        """train: real records that set the scale."""

    def distances(self, fake: Any, records: Any) -> np.ndarray:
        """[N] float64."""
        ...


class Pixels:
    """Images uint8 [N, H, W, C]."""

    measure = "root mean square difference of pixels, 0 to 1"

    def __init__(self, train: np.ndarray) -> None:
        pass

    def distances(self, fake: np.ndarray, records: np.ndarray) -> np.ndarray:
        """See `Space`."""
        query, found = fake.astype(np.float32), np.empty(len(records))
        if query.shape != records.shape[1:]:
            query = np.broadcast_to(query[..., :1], records.shape[1:])
        for begin in range(0, len(records), _BLOCK):
            gap = records[begin : begin + _BLOCK].astype(np.float32) - query
            found[begin : begin + _BLOCK] = np.sqrt(np.square(gap).reshape(len(gap), -1).mean(1)) / 255
        return found


class Scaled:
    """Numbers [N, ..., C], each column or channel in units of its spread among training records."""

    measure = "root mean square difference in standard deviations"

    def __init__(self, train: np.ndarray) -> None:
        axes = tuple(range(train.ndim - 1))
        with np.errstate(invalid="ignore"):
            spread = np.nanstd(train, axes) if train.size and np.isfinite(train).any() else np.ones(train.shape[-1])
        self._spread = np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)

    def distances(self, fake: np.ndarray, records: np.ndarray) -> np.ndarray:
        """See `Space`; a number that only one of the two has counts as one standard deviation."""
        found = np.empty(len(records))
        for begin in range(0, len(records), _BLOCK):
            gap = (records[begin : begin + _BLOCK] - fake) / self._spread
            alone = np.isnan(records[begin : begin + _BLOCK]) != np.isnan(fake)
            gap = np.where(np.isnan(gap), alone.astype(np.float64), gap)
            found[begin : begin + _BLOCK] = np.sqrt(np.square(gap).reshape(len(gap), -1).mean(1))
        return found


class Edits:
    """Texts."""

    measure = "edits of characters over the longer length, 0 to 1"

    def __init__(self, train: list[str]) -> None:
        pass

    def distances(self, fake: str, records: list[str]) -> np.ndarray:
        """See `Space`."""
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cdist

        return np.asarray(cdist([fake], records, scorer=Levenshtein.normalized_distance)[0], np.float64)


class Cells:
    """Rows, as an Arrow table of texts: the distance of Gower (1971), the mean over columns of |u - v| by the
    range of training records for numbers, and of 0 or 1 for everything else; 1 where one of the two is missing.
    """

    measure = "mean difference of cells, 0 to 1 (Gower)"

    def __init__(self, train: Any) -> None:
        self._ranges: dict[str, float] = {}
        for name in train.column_names:
            numbers = _as_numbers(train[name].to_pylist())
            if numbers is not None and np.isfinite(numbers).any():
                self._ranges[name] = float(np.nanmax(numbers) - np.nanmin(numbers)) or 1.0
        self._columns: dict[int, dict[str, np.ndarray]] = {}

    def distances(self, fake: Mapping[str, str | None], records: Any) -> np.ndarray:
        """See `Space`."""
        kept = self._columns.setdefault(id(records), {})
        total = np.zeros(len(records))
        for name in records.column_names:
            cell, number = fake.get(name), None
            if name in self._ranges:
                if name not in kept:
                    numbers = _as_numbers(records[name].to_pylist())
                    kept[name] = np.full(len(records), np.nan) if numbers is None else numbers
                number = _as_numbers([cell])
                gap = np.abs(kept[name] - (np.nan if number is None else number[0])) / self._ranges[name]
                both = np.isnan(kept[name]) & (cell is None)
                total += np.where(both, 0.0, np.minimum(np.nan_to_num(gap, nan=1.0), 1.0))
            else:
                if name not in kept:
                    kept[name] = np.array(records[name].to_pylist(), dtype=object)
                total += kept[name] != cell
        return total / max(len(records.column_names), 1)


def _as_numbers(cells: list[str | None]) -> np.ndarray | None:
    """Texts as numbers, NaN where one is missing; None where one is no number."""
    with suppress(ValueError):
        return np.array([np.nan if cell is None else float(cell) for cell in cells])
    return None


SPACES: Mapping[str, type[Space]] = {
    "grid": Pixels, "lines": Scaled, "scatter": Scaled, "texts": Edits, "rows": Cells,
}  # fmt: skip
"""The distance of each form."""

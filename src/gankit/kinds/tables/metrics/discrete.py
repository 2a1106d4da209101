"""Columns as a few integer codes: numbers in quantile bins of the real rows, categories as their frequent levels.

Knows one column of a reference sample at a time; metrics of pairs, cubes and conditions are built on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gankit.metrics.sample import Sample


@dataclass(frozen=True)
class Cells:
    """How a column is cut, fitted on the reference rows.

    cuts: for a number the inner edges, ascending: cell k holds (cuts[k - 1], cuts[k]]; None for a category.
    table: for a category, level code -> cell (the last entry is that of code -1); None for a number.
    names: one text a cell, the last two being "(other)" for a category and "(missing)" for both kinds.
    """

    cuts: np.ndarray | None
    table: np.ndarray | None
    names: tuple[str, ...]

    @property
    def num_cells(self) -> int:
        """How many cells there are, missing among them."""
        return len(self.names)

    def codes(self, values: np.ndarray) -> np.ndarray:
        """The cell of each value: [N] float64 or int32 -> [N] int64 in [0, num_cells)."""
        if self.cuts is not None:
            codes = np.searchsorted(self.cuts, values, side="left")  # NaN sorts last; put right below
            return np.where(np.isnan(values), self.num_cells - 1, codes).astype(np.int64)
        assert self.table is not None
        return np.asarray(self.table[values], np.int64)  # code -1 takes the last entry


def cut(sample: Sample, name: str, num_bins: int, num_levels: int) -> Cells:
    """The cells of column `name`: at most `num_bins` quantile bins, or the `num_levels` most frequent levels and other.

    A value that repeats (an atom) never shares its bin with larger values only by half: edges are observed values,
    and a bin holds its upper edge. Few different numbers get a bin each.
    """
    values = sample.columns[name]
    if sample.kinds[name] == "number":
        present = values[~np.isnan(values)]
        different = np.unique(present)
        if len(different) <= num_bins:
            cuts = different[:-1]
        else:
            inner = np.quantile(present, np.linspace(0, 1, num_bins + 1)[1:-1], method="inverted_cdf")
            cuts = np.unique(inner)
            cuts = cuts[cuts < different[-1]]
        return Cells(cuts, None, (*_bin_names(cuts), "(missing)"))
    levels = sample.levels[name]
    counts = np.bincount(values[values >= 0], minlength=len(levels))
    order = np.argsort(-counts, kind="stable")
    kept = order[: num_levels if len(levels) > num_levels + 1 else len(levels)]
    table = np.full(len(levels) + 1, len(kept), np.int64)  # all others
    table[kept] = np.arange(len(kept))
    table[-1] = len(kept) + 1
    return Cells(None, table, (*(levels[k] for k in kept), "(other)", "(missing)"))


def cut_all(sample: Sample, num_bins: int, num_levels: int) -> dict[str, Cells]:
    """`cut` for every column, by name."""
    return {name: cut(sample, name, num_bins, num_levels) for name in sample.names}


def _bin_names(cuts: np.ndarray) -> tuple[str, ...]:
    if not len(cuts):
        return ("(any)",)
    texts = [f"{c:.6g}" for c in cuts]
    if len(set(texts)) < len(texts):  # close cuts need all their digits
        texts = [repr(float(c)) for c in cuts]
    inner = [f"({a}, {b}]" for a, b in pairwise(texts)]
    return (f"<= {texts[0]}", *inner, f"> {texts[-1]}")

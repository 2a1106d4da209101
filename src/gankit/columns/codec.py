"""What every codec is, and the codec of columns: table rows as vectors of one-of-K blocks.

Knows columns and Spec; never torch, networks or losses.

Numbers travel compactly: one row of `Spec.compact_dim` float64 per record, `code + position` for a one-of-K block
(position in [0, 1): where inside the cell), and the numbers themselves for a continuous block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt

from gankit.columns.conditions import Restriction, obeying, restrictions
from gankit.columns.matching import Label, by_label, in_words
from gankit.columns.quantiles import Cells, Floats
from gankit.columns.relations.rules import Rules
from gankit.columns.schema import Column, Schema, Values
from gankit.spec import Block, Match, Spec
from gankit.stored import Stored

R = TypeVar("R")
"""What records are to a codec: parsed columns, [N] each, or a dataset of steps."""

Columns = Mapping[str, Values]

Acceptance = Callable[[np.ndarray, Columns | None], np.ndarray]
"""From compact rows [N, ...], and the columns beside them, to whether each is wanted, [N] bool."""

MAX_LEVELS = 4096
"""Above so many levels a category's rare levels share cells, so that memory stays bounded."""

LEAST_COUNT = 0.1
"""Rows that are counted beside those of each cell, where its share is taken."""

MAX_MARKERS = 127
"""Missing markers of a column, which are told apart in a byte."""


class Codec(Stored, ABC, Generic[R]):
    """Records <-> compact numbers. spec: the shape of a record as a tensor, and its blocks."""

    spec: Spec

    @classmethod
    @abstractmethod
    def fit(cls, columns: Sequence[Column], records: R, *own: Any, **named: Any) -> Self:
        """The codec for training records.

        columns: those of `records` that are modelled; none where records are no columns.
        own, named: what only one codec needs.
        """

    @abstractmethod
    def encode(self, records: R) -> np.ndarray:
        """Records as compact numbers [N, ...], `spec.compact_dim` a record."""

    @abstractmethod
    def decode(self, compact: np.ndarray) -> R:
        """Records of compact numbers [N, ...]; every value is one that training allows."""

    rules: Rules = Rules.NONE
    """What every record keeps; see `columns.relations.rules`."""

    @property
    def kept(self) -> list[str]:
        """What every record keeps, in a few words each."""
        return [rule.text for rule in self.rules.rules]

    part: str = "number"
    """What its numbers belong to, in words."""
    by_order = False
    """Whether columns that are all called otherwise are taken for those of another codec by their order."""

    def labels(self, schema: Schema) -> Sequence[Label]:
        """What each number of a record, or of a step, means; those of equal labels mean the same in any such codec.

        schema: the columns of the records.
        """
        return [("", place) for place in range(self.spec.shape[0 if self.spec.form == "image" else -1])]

    def match(self, schema: Schema, other: Any, theirs: Schema) -> Match:
        """Which of its numbers are which of another codec of its class; schema, theirs: the columns of both."""
        return by_label(self.labels(schema), other.labels(theirs), self.part, self.by_order)

    def unlike(self, other: Any) -> str | None:
        """Why networks for this codec cannot begin as those for another of its class were left, and what to do about
        it, as in "its images have 3 channels, and these have 1. Give --channels"; None = they can.
        """
        return None

    def restrictions(self, schema: Schema, conditions: Mapping[str, Any]) -> dict[int, Restriction]:
        """Conditions as restrictions of cells, by the position of their column; {} for codecs that know no cells."""
        assert not conditions, "only cells can be restricted"
        return {}

    def acceptance(self, schema: Schema, conditions: Mapping[str, Any]) -> Acceptance | None:
        """From compact records, and the columns beside them, to whether each keeps all rules and conditions, [N] bool;
        None where all do that the restricted cells make.
        """
        made = {*self.rules.targets, *(name for group in self.rules.together for name in group)}
        if not self.rules.redrawn and not any(name in made for name in conditions):
            return None
        return self._accepting(schema, conditions)

    def _accepting(self, schema: Schema, conditions: Mapping[str, Any]) -> Acceptance:
        obey = obeying(schema, conditions)

        def accept(compact: np.ndarray, beside: Columns | None = None) -> np.ndarray:
            made: Any = self.decode(compact, beside)  # type: ignore[call-arg]  # asked of codecs of columns only
            values = {**(beside or {}), **made}
            return obey(values) & self.rules.accepts(values)

        return accept

    def to_json(self) -> dict[str, Any]:
        """See `Stored.to_json`; without rules where there are none, as before there were any."""
        return {name: fact for name, fact in super().to_json().items() if name != "rules" or self.rules.items}


@dataclass(frozen=True)
class Field(Stored):
    """How one column is coded.

    num_levels: cells that are levels of a category (0 where `cells` is used).
    cells: the cells of a number, a date or a category of very many levels; None for other categories and for
        columns that are always missing in training.
    num_markers: missing markers; the last cells, in the order of the column's markers.
    counts: [K] training rows in each cell; a cell that has none is never generated.
    """

    name: str
    category: bool
    num_levels: int
    cells: Cells | None
    num_markers: int
    counts: Floats

    def __post_init__(self) -> None:
        if not 0 <= self.num_markers <= MAX_MARKERS or self.num_levels < 0 or (self.cells and self.num_levels):
            raise ValueError("its cells are neither levels nor a number's")
        if self.counts.shape not in ((0,), (self.size,)):  # none while it is being fitted
            raise ValueError(f"it has {self.size} cells, and counts of {self.counts.shape}")

    @property
    def num_present(self) -> int:
        """Cells of present values."""
        return self.num_levels if self.cells is None else self.cells.num_cells

    @property
    def size(self) -> int:
        """All cells (at least one)."""
        return max(self.num_present + self.num_markers, 1)

    @classmethod
    def fit(cls, column: Column, values: Values) -> Field:
        """The field for a column's training values."""
        present = values.missing == 0
        category = column.type == "category"
        num_levels, cells = (len(column.levels), None) if category else (0, None)
        known = values.data[present & (values.data >= 0)] if category else values.data[present]
        if len(known) and (not category or num_levels > MAX_LEVELS):
            cells = Cells.fit(known.astype(np.float64), discrete=True if category else None)
            num_levels = 0
        field = cls(column.name, category, num_levels, cells, len(column.markers), np.zeros(0))
        counts = np.bincount(field.encode(values).astype(np.int64), minlength=field.size)
        return replace(field, counts=counts.astype(np.float64))

    def encode(self, values: Values) -> np.ndarray:
        """[N] float64, `cell + position`.

        What training did not show, and held-out rows may hold, goes where it does least harm: an unknown level to the
        most frequent one, an unknown missing value to the first marker or, without any, to the first cell.
        """
        coded = np.zeros(len(values.data))
        present = values.missing == 0
        if not self.category:
            unknown = present & np.isnan(values.data)
            if unknown.any():
                missing = np.where(unknown, min(self.num_markers, 1), values.missing)
                lowest = 0.0 if self.cells is None else self.cells.knot_value[0]
                return self.encode(Values(np.where(unknown & (missing == 0), lowest, values.data), missing))
        known = np.maximum(values.data[present], 0) if self.category else values.data[present]
        if self.cells is not None:
            coded[present] = self.cells.encode(known)
        elif self.num_levels:
            coded[present] = known + 0.5
        coded[~present] = self.num_present - 0.5 + values.missing[~present].astype(np.float64)
        return coded

    def decode(self, coded: np.ndarray) -> Values:
        """`cell + position` [N] float64 to values."""
        cell = coded.astype(np.int64)
        missing = np.where(cell >= self.num_present, cell - self.num_present + 1, 0).astype(np.int8)
        inside = np.minimum(coded, max(self.num_present - 1e-9, 0))
        if self.cells is None:
            data = np.floor(inside) if self.category else np.full(len(coded), np.nan)
        else:
            data = self.cells.decode(inside)
        if self.category:
            return Values(np.where(missing > 0, -1, data.round()).astype(np.int32), missing)
        return Values(np.where(missing > 0, np.nan, data), missing)

    def labels(self, column: Column) -> list[Label]:
        """What each cell means: a level or a marker; places where it is a part of the numbers."""
        levels: Sequence[Any] = column.levels if self.num_levels else range(self.num_present)
        markers: list[Label] = [(self.name, ("missing", marker)) for marker in column.markers]
        return ([(self.name, level) for level in levels] + markers)[: self.size]

    def match(self, column: Column, other: Field, theirs: Column) -> Match:
        """Which of its cells are which of the same column's in another table.

        Logits rise by the logarithm of how much more frequent a cell is here than what is taken over for it was there.
        """
        here, there = self.labels(column), other.labels(theirs)
        own, its = (self.num_present if self.cells else 0), (other.num_present if other.cells else 0)
        found = by_label(here[own:], there[its:], "level")
        rows, columns, weights = found.rows + own, found.columns + its, found.weights
        if self.cells and other.cells and self.category == other.category:
            overlap = self.cells.overlap(other.cells)
            some, those = np.nonzero(overlap)
            rows, columns = np.r_[some, rows], np.r_[those, columns]
            weights = np.r_[overlap[some, those].astype(np.float32), weights]
        frequent, was = ((f.counts + LEAST_COUNT) / (f.counts + LEAST_COUNT).sum() for f in (self, other))
        before = np.bincount(rows, weights * was[columns], minlength=self.size)
        shift = np.where(before > 0, np.log(frequent) - np.log(np.where(before > 0, before, 1.0)), 0.0)
        return Match(rows, columns, weights, shift.astype(np.float32))

    def allow_range(self, low: float, high: float) -> Restriction:
        """The present values in [low, high] (numbers and dates)."""
        if self.cells is None:
            return Restriction.of_cells(self.size, ())
        markers = np.zeros(self.size - self.num_present)
        return Restriction(*(np.r_[part, markers] for part in self.cells.share(low, high)))

    def allow_levels(self, codes: Sequence[int]) -> Restriction:
        """The levels with these codes (categories)."""
        if self.cells is None:
            return Restriction.of_cells(self.size, codes)
        # A level inside a shared cell is a stretch of the cell; several levels are allowed one at a time.
        assert len(codes) == 1, "levels that share cells are chosen one at a time"
        return self.allow_range(codes[0], codes[0])

    def allow_marker(self, marker: int) -> Restriction:
        """Missing, written with the `marker`-th marker (from 0)."""
        return Restriction.of_cells(self.size, [self.num_present + marker])


class TableCodec(Codec[Columns]):
    """The codec of kind "table".

    fields: one a column that is coded, in their order. rules: what rows keep.
    ordered: of models of before, pairs (a, b) of positions in `fields`: dates of which a <= b in every training row.
    """

    def __init__(
        self, fields: Sequence[Field], ordered: Sequence[tuple[int, int]] = (), rules: Rules = Rules.NONE
    ) -> None:
        self.fields = tuple(fields)
        self.ordered = tuple(ordered)
        self.rules = rules
        blocks = tuple(
            Block("categorical", f.size) if f.category else Block("binned", f.size, f.num_present) for f in self.fields
        )
        self.spec = Spec("vector", (sum(f.size for f in self.fields),), blocks)

    @classmethod
    def fit(
        cls,
        columns: Sequence[Column],
        records: Columns,
        num_first: int = 0,
        rules: Rules = Rules.NONE,
        move_dates: bool = False,
    ) -> Self:
        """The codec for training rows of the columns that are modelled.

        num_first: so many columns keep their place at the front; the others are ordered by their number of cells,
            fewest first, so that the records that a sequential generator begins repeat much and are made once.
        move_dates: as runs of before did: see `ordered`.
        """
        first = {column.name for column in columns[:num_first]}
        reduced = rules.reduce(records)
        fields = [Field.fit(column, reduced[column.name]) for column in rules.columns(columns)]
        num_first = sum(field.name in first for field in fields)
        fields[num_first:] = sorted(fields[num_first:], key=lambda field: field.size)
        dates = [c.name for c in columns if c.type == "datetime"] if move_dates else []
        places = [i for i, field in enumerate(fields) if field.name in dates]
        names = [field.name for field in fields]
        ordered = [(a, b) for a in places for b in places if a != b and _in_order(records, names[a], names[b])]
        return cls(fields, ordered, rules)

    part = "column"

    def match(self, schema: Schema, other: TableCodec, theirs: Schema) -> Match:
        """See `Codec.match`: columns by name, levels and missing markers by their texts, numbers and dates by value."""
        places = {field.name: place for place, field in enumerate(other.fields)}
        mine, its = self.spec.offsets, other.spec.offsets
        here, there = self._columns(schema), other._columns(theirs)
        found = [Match.of_places((), (), 0)]
        for place, field in enumerate(self.fields):
            part = Match.of_places((), (), field.size)
            if (at := places.get(field.name)) is not None:
                name = field.name
                part = field.match(here[name], other.fields[at], there[name])
                part = replace(part, rows=part.rows + mine[place], columns=part.columns + its[at])
            found.append(part)
        rows, columns, weights, shift = (
            np.concatenate([getattr(part, name) for part in found]) for name in ("rows", "columns", "weights", "shift")
        )
        return Match(rows, columns, weights, shift, in_words(self._parts(schema), other._parts(theirs), self.part))

    def _columns(self, schema: Schema) -> dict[str, Column]:
        """Those that are coded, by name."""
        return {column.name: column for column in self.rules.columns(schema.modelled)}

    def _parts(self, schema: Schema) -> dict[str, frozenset[Any]]:
        """By column its levels and markers, of numbers and dates these alone."""
        columns = self._columns(schema)
        labels = {field.name: (field, field.labels(columns[field.name])) for field in self.fields}
        return {
            name: frozenset(item for _, item in of[field.num_present if field.cells else 0 :])
            for name, (field, of) in labels.items()
        }

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of what `decode` gives."""
        return self.rules.order if self.rules.items else tuple(field.name for field in self.fields)

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`: [N, spec.compact_dim] float64."""
        reduced = self.rules.reduce(records)
        return np.stack([field.encode(reduced[field.name]) for field in self.fields], axis=1)

    def decode(self, compact: np.ndarray, beside: Columns | None = None) -> dict[str, Values]:
        """See `Codec.decode`. beside: columns that are not coded here, from which rules may make others."""
        compact = self._together(compact)
        values = {field.name: field.decode(compact[:, i]) for i, field in enumerate(self.fields)}
        for a, b in self.ordered:
            earlier, later = values[self.fields[a].name], values[self.fields[b].name]
            # NaN compares false, so that missing dates stay missing.
            data = np.where(later.data < earlier.data, earlier.data, later.data)
            values[self.fields[b].name] = Values(data, later.missing)
        return self.rules.restore(values, beside)

    def _together(self, compact: np.ndarray) -> np.ndarray:
        """Compact rows of which columns that are missing together are so; what has to be filled in is drawn from the
        column's own distribution.
        """
        places = {field.name: i for i, field in enumerate(self.fields)}
        for group in self.rules.together:
            first, *others = (places[name] for name in group)
            lost = compact[:, first] >= self.fields[first].num_present
            for i in others:
                field, cell = self.fields[i], compact[:, i].astype(np.int64)
                own = cell >= field.num_present
                if (lost == own).all():
                    continue
                share = np.cumsum(field.counts[: field.num_present])
                drawn = np.searchsorted(share, (compact[:, i] - cell) * share[-1], side="right") + 0.5
                column = np.where(lost & ~own, field.num_present + 0.5, np.where(own & ~lost, drawn, compact[:, i]))
                compact = np.concatenate([compact[:, :i], column[:, None], compact[:, i + 1 :]], axis=1)
        return compact

    def restrictions(self, schema: Schema, conditions: Mapping[str, Any]) -> dict[int, Restriction]:
        """See `Codec.restrictions` and `columns.conditions.restrictions`."""
        return restrictions(schema, self.fields, self.rules, conditions)

    def acceptance(self, schema: Schema, conditions: Mapping[str, Any]) -> Acceptance | None:
        """See `Codec.acceptance`; dates that are moved into order may leave a condition."""
        moved = self.ordered and conditions
        return self._accepting(schema, conditions) if moved else super().acceptance(schema, conditions)


@dataclass(frozen=True)
class Given(Stored):
    """The given columns of a conditional generator that takes a condition c.

    codec: of the given columns.
    codes: [M, columns] int64, the combinations of cells that training showed; counts: [M] how often.
    """

    codec: TableCodec
    codes: npt.NDArray[np.int64]
    counts: Floats

    def __post_init__(self) -> None:
        sizes = [field.size for field in self.codec.fields]
        if self.codes.shape != (len(self.counts), len(sizes)) or self.counts.ndim != 1:
            raise ValueError("its lists are not of one length")
        if (self.codes < 0).any() or (self.codes >= sizes).any() or (self.counts < 0).any() or not self.counts.any():
            raise ValueError("its combinations are not those of its columns")


def _in_order(values: Columns, a: str, b: str) -> bool:
    """Whether a <= b in every row that has both, with at least one row where a < b and twenty to judge by."""
    earlier, later = values[a].data, values[b].data
    both = ~(np.isnan(earlier) | np.isnan(later))
    if both.sum() < 20:
        return False
    return bool((earlier[both] <= later[both]).all() and (earlier[both] < later[both]).any())

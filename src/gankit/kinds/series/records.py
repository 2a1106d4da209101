"""Series: many sequences of steps, what belongs to each as a whole, and the form they came in.

Knows Arrow tables, NumPy arrays and layouts; never torch, networks, or how a file is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns.cells import Values
from gankit.columns.column import Column
from gankit.io.origin import Origin, Records, fingerprint
from gankit.kinds.base import Dataset
from gankit.kinds.series.times import Times

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LayoutForm = Literal["table", "rows", "ts", "arrays", "list"]

VALUE = "value"
"""What the only channel of series is called where nothing names it."""

TIME_UNITS = ("year", "month", "day", "hour", "minute", "second")
"""What a time in several columns may be divided into, the largest first."""


@dataclass(frozen=True)
class Layout:
    """How series are laid out where they came from.

    form: "table" (a step a row), "rows" (a series a line, its class first: the UCR archive), "ts" (sktime and aeon),
        "arrays" (one array [N, T, C]) or "list" (an array a series).
    order: the columns of a table with a step a row, in order.
    number: the column that tells the series of fakes apart.
    entity: the column that tells those of the data apart, or None.
    times: of the steps, or None where rows have an order only.
    axes: of one series' array: 1 for [T], 2 for [T, C]. dtype: of that array. name: of the array in its file.
    num_steps: of the longest training record. windows: whether these are windows of longer series.
    classes: of the only label, where there is one and it has some.
    calendar: the labels that are parts of the date at which a series begins (`kinds.series.times`), and not written.
    """

    form: LayoutForm
    order: tuple[str, ...]
    number: str = "series"
    entity: Column | None = None
    times: Times | None = None
    axes: int = 2
    dtype: str = "<f8"
    name: str = "x"
    num_steps: int = 0
    windows: bool = False
    classes: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        value: dict[str, Any] = {
            "form": self.form,
            "order": list(self.order),
            "number": self.number,
            "entity": None if self.entity is None else self.entity.to_json(),
            "times": None if self.times is None else self.times.to_json(),
        }
        value |= {"axes": self.axes, "dtype": self.dtype, "name": self.name}
        value |= {"num_steps": self.num_steps, "windows": self.windows}
        return {**value, "classes": list(self.classes), "calendar": list(self.calendar)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Layout:
        """What `to_json` wrote."""
        entity = None if value["entity"] is None else Column.from_json(value["entity"])
        times = None if value["times"] is None else Times.from_json(value["times"])
        rest = {name: tuple(value.get(name, ())) for name in ("order", "classes", "calendar")}
        return cls(**{**value, "entity": entity, "times": times, **rest})


def layout_of(origin: Origin) -> Layout:
    """The layout that `with_layout` put into an origin."""
    return Layout.from_json(origin.details["layout"])


def with_layout(origin: Origin, layout: Layout) -> Origin:
    """The origin of series that are laid out so."""
    details = {**origin.details, "layout": layout.to_json()}
    return Origin(**{**vars(origin), "details": details})


@dataclass(frozen=True)
class Series:
    """Series, the steps of all of them one after another.

    steps: the channels [M] of all steps in the user's own form.
    lengths: int64 [N], each 1 at least; their sum is M.
    labels: what belongs to a series as a whole, [N]; None where there is nothing.
    times: float64 [M], seconds since 1970 or numbers; None without times.
    origin: where they came from, with the layout.
    entities: what the series are called [N]; None: by their numbers.
    first: the number of the first one.
    """

    steps: pa.Table
    lengths: Ints
    labels: pa.Table | None
    times: Floats | None
    origin: Origin
    entities: pa.Array | None = None
    first: int = 0
    begins: Ints = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "begins", np.cumsum(self.lengths) - self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def layout(self) -> Layout:
        """How they are laid out where they came from."""
        return layout_of(self.origin)


@dataclass(frozen=True)
class SeriesSet(Dataset):
    """Some series, or windows of them, over cells that both parts may share.

    values: of their labels. cells: the channels, parsed, [M] steps. begins, lengths: [n] int64, where each record
        begins and its steps.
    apart: the channel of distances from step to step of irregular series; a record's first one leads to no step of it.
    """

    cells: Mapping[str, Values]
    begins: np.ndarray
    lengths: np.ndarray
    apart: str | None = None

    def __len__(self) -> int:
        return len(self.begins)

    def take(self, rows: np.ndarray) -> SeriesSet:
        """See `Dataset.take`."""
        return replace(super().take(rows), begins=self.begins[rows], lengths=self.lengths[rows])


def joined_series(parts: list[Series]) -> Series:
    """Several of one kind, one after another."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return Series(
        pa.concat_tables([p.steps for p in parts]),
        np.concatenate([p.lengths for p in parts]),
        None if first.labels is None else pa.concat_tables([p.labels for p in parts]),
        None if first.times is None else np.concatenate([p.times for p in parts if p.times is not None]),
        first.origin,
        None if first.entities is None else pa.concat_arrays([p.entities for p in parts]),
        first.first,
    )


def series_hash(series: Series) -> str:
    """The SHA-256 of their content: every channel, length, time and label."""
    total = hashlib.sha256(fingerprint(Records(series.steps, series.origin)).encode())
    total.update(np.asarray(series.lengths, "<i8").tobytes())
    if series.times is not None:
        total.update(np.asarray(series.times, "<f8").tobytes())
    if series.labels is not None:
        total.update(fingerprint(Records(series.labels, series.origin)).encode())
    return total.hexdigest()

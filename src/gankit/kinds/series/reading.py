"""Reading series: when data is taken for series, and from which of its forms they are read.

Knows the forms that series come in; never torch, networks, or what is learned.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from gankit.columns.rows import naming, records_of
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.probe import Probe, probed
from gankit.io.reading import read
from gankit.kinds.images.arrays import headers
from gankit.kinds.images.records import seem_images
from gankit.kinds.series.files import (
    array_file,
    array_object,
    has_ucr_name,
    is_array_file,
    is_ts,
    is_ucr,
    read_ts,
    series_of_arrays,
    series_of_ucr,
)
from gankit.kinds.series.options import SeriesOptions
from gankit.kinds.series.records import Layout, Series
from gankit.kinds.series.tables import series_of_table, with_distances

SAYING = ("time", "entity", "attributes", "window", "stride")
"""Options that say that the data is series."""


def looks_like_series(source: Any, config: TrainConfig) -> bool:
    """Whether `--kind auto` means series: an option of series, a file of the field, or an array of three axes.

    Never raises: what cannot be read is left to the readers of tables, whose texts say what is wrong.
    """
    if config.kind != "auto":
        return config.kind == "series"
    own, plain = config.own(SeriesOptions), SeriesOptions()
    if any(getattr(own, name) != getattr(plain, name) for name in SAYING):
        return True
    try:
        with probed(source) as probe:
            if probe.path is not None:
                return _path_holds_series(probe, config)
            found = array_object(probe.source)
    except (DataError, OptionError, ValueError, TypeError, OSError, zipfile.BadZipFile):
        return False
    if found is None:
        return False
    if isinstance(found.x, list):
        return all(item.ndim == 2 for item in found.x)
    return found.x.ndim == 3 and not seem_images(found.x.shape, found.x.dtype)


def _path_holds_series(probe: Probe, config: TrainConfig) -> bool:
    path = probe.file
    if path is None or probe.part or config.format not in (None, "tsv", "npy", "npz"):
        return False
    if is_ts(path):
        return True
    if is_array_file(path):
        shapes = headers(probe.stream()).values()
        return any(len(shape) == 3 and not seem_images(shape, dtype) for shape, dtype in shapes)
    return has_ucr_name(path) and is_ucr(records_of(probe, config)[0])


def read_series(source: Any, config: TrainConfig, notes: list[str]) -> Series:
    """Series from a file or an object.

    Args:
        source: a .ts file; a .npy or .npz file, an array [N, T, C] or [N, T], a list of arrays [T, C] or [T], or a pair
            of these with labels; a file of the UCR archive; else anything that is a table with a step a row.
        config: `time`, `entity` and `attributes` are obeyed, and what `gankit.io.reading.read` obeys.
        notes: one line is appended for every decision that was not obvious.

    Raises:
        DataError: it cannot be read. OptionError: an option does not fit it.
    """
    with probed(source) as probe:
        found = None
        if probe.path is not None:
            if is_ts(probe.path):
                return _without_columns(read_ts(probe, config, notes), config, "a .ts file")
            if is_array_file(probe.path):
                found = array_file(probe)
        elif not probe.is_bytes:
            indexed = _indexed(probe.source, notes)
            probe = probe if indexed is probe.source else Probe(indexed)
            found = array_object(probe.source)
        if found is not None:
            return _without_columns(series_of_arrays(found), config, "an array")
        return _of_table(probe, config, notes)


def _of_table(probe: Probe, config: TrainConfig, notes: list[str]) -> Series:
    own = config.own(SeriesOptions)
    records, said = records_of(probe, config)
    if own.entity is None and own.time is None and is_ucr(records):
        return _without_columns(series_of_ucr(records), config, "a file with a class and a series a line")
    notes += said
    with naming(probe.name):
        return series_of_table(records, config, notes)


def read_series_like(source: Any, layout: Layout, channels: Schema, labels: Schema, config: TrainConfig) -> Series:
    """Other series of the layout that some have: real ones, or fakes from a file, which have numbers of their own.

    channels, labels: what they must have. config: how a file is read.

    Raises:
        DataError: they cannot be read, or are of another distance from step to step.
    """
    if isinstance(source, Series):
        return source
    plain = config.with_options(kind="series", time=None, entity=None, attributes=(), given=(), column=())
    if not isinstance(source, str | Path):
        source = _indexed(source, [])
    if (is_ts(source) or is_array_file(source)) if isinstance(source, str | Path) else array_object(source) is not None:
        return _named(read_series(source, plain, []), channels)
    records = read(source, plain)
    if layout.form == "rows" and is_ucr(records):
        return series_of_ucr(records)
    names = records.table.column_names
    known = [layout.number] if layout.entity is None else [layout.number, layout.entity.name]
    entity = next((name for name in known if name in names), None)
    whole = tuple(column.name for column in labels)
    like = plain.with_options(
        time=None if layout.times is None else "+".join(layout.times.names),
        entity=entity,
        attributes=tuple(name for name in whole if name != entity),
        given=tuple(name for name in whole if name == entity),
    )
    with naming(Probe(source).name):
        return with_distances(series_of_table(records, like, [], layout))


def _named(series: Series, channels: Schema) -> Series:
    """Series of arrays, which have no names, with those of as many channels."""
    names = [column.name for column in channels.modelled]
    if len(names) != series.steps.num_columns:
        return series
    return replace(series, steps=series.steps.rename_columns(names))


def _without_columns(series: Series, config: TrainConfig, what: str) -> Series:
    """The series, if no option names a column that only a table has."""
    for name in ("time", "entity", "attributes"):
        if getattr(config.own(SeriesOptions), name):
            raise OptionError(f"--{name} names a column of a table, and this is {what}. Leave it out.")
    return series


def _indexed(source: Any, notes: list[str]) -> Any:
    """A pandas DataFrame whose index holds times, with these as a column; anything else as it is."""
    if type(source).__module__.split(".")[0] != "pandas":
        return source
    import pandas as pd

    if not isinstance(source, pd.DataFrame | pd.Series) or not isinstance(source.index, pd.DatetimeIndex):
        return source
    frame = source.to_frame() if isinstance(source, pd.Series) else source
    name = frame.index.name or "time"
    notes.append(f"the DataFrame's index holds times: it is the column {name!r}")
    return frame.rename_axis(name).reset_index()

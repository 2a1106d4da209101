"""Series: when data is taken for series, from which of its forms they are read, and how they are cut into windows,
split and coded.

Knows the forms that series come in, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gankit.columns.codec import TableCodec
from gankit.columns.column import Values
from gankit.columns.inference import infer
from gankit.columns.relations.finding import find_rules
from gankit.columns.relations.rules import Rules
from gankit.columns.rows import naming, records_of, refuse_stated
from gankit.columns.schema import Column, Schema
from gankit.columns.splitting import (
    FRACTION,
    LARGE,
    LARGE_FRACTION,
    covered,
    rows_of,
    split_in_time,
    split_records,
    understand_labels,
    windows_of,
)
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io.formats.numpy import headers
from gankit.io.probe import Probe, probed
from gankit.io.reading import read
from gankit.io.records import Records
from gankit.kinds.base import Kind, Prepared
from gankit.kinds.images.records import seem_images
from gankit.kinds.series.codec import SeriesCodec
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
from gankit.kinds.series.records import (
    Ints,
    Layout,
    Series,
    SeriesSet,
    calendar_columns,
    calendar_table,
    num_steps_of,
    runs_of,
    series_hash,
    with_layout,
)
from gankit.kinds.series.stored import LargeSeries, broken_rules, large_series, refuse_huge
from gankit.kinds.series.tables import series_of_table, with_distances
from gankit.networks import NETWORKS, pair_for

SERIES_OPTIONS = ("time", "entity", "attributes", "window", "stride")  # options that say that the data is series
WINDOW = 24  # steps of a window where nobody says how many, as in most work on series (Yoon et al. 2019)
WHOLE_SERIES, WHOLE_STEPS = 10, 1000  # so many series of a table, none longer than so many steps, are learned whole
MANY_SERIES = 20  # from so many series on whole ones are held out, below that a part of the time of each
FEW_NOTES = 3  # more notes of one kind on channels are one
MOST_NUMBERS = 2**27  # of all training windows together, about, where nobody says how far apart they are


def looks_like_series(source: Any, config: TrainConfig) -> bool:
    """Whether `--kind auto` means series: an option of series, a file of the field, or an array of three axes.

    Never raises: what cannot be read is left to the readers of tables, whose texts say what is wrong.
    """
    if config.kind != "auto":
        return config.kind == "series"
    own, plain = config.own(SeriesOptions), SeriesOptions()
    if any(getattr(own, name) != getattr(plain, name) for name in SERIES_OPTIONS):
        return True
    try:
        with probed(source) as probe:
            if probe.path is not None:
                return _path_holds_series(probe, config)
            found = array_object(probe.source)
    except (DataError, OptionError, ValueError, TypeError, OSError, zipfile.BadZipFile):
        return False
    if found is not None and isinstance(found.x, list):
        return all(item.ndim == 2 for item in found.x)
    return found is not None and found.x.ndim == 3 and not seem_images(found.x.shape, found.x.dtype)


def _path_holds_series(probe: Probe, config: TrainConfig) -> bool:
    path = probe.file
    if path is None or probe.part or config.format not in (None, "tsv", "npy", "npz"):
        return False
    if is_ts(path):
        return True
    if is_array_file(path):
        shapes = headers(probe.stream(), str(path)).values()
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
    own = config.own(SeriesOptions)
    with probed(source) as probe:
        found = None
        if probe.path is not None:
            if is_ts(probe.path):
                return _without_columns(read_ts(probe, config, notes), own, "a .ts file")
            if is_array_file(probe.path):
                found = array_file(probe)
        elif not probe.is_bytes:
            indexed = _indexed(probe.source, notes)
            probe = probe if indexed is probe.source else Probe(indexed)
            found = array_object(probe.source)
        if found is not None:
            return _without_columns(series_of_arrays(found), own, "an array")
        records, said = records_of(probe, config)
        if not own.entity and own.time is None and is_ucr(records):
            return _without_columns(series_of_ucr(records), own, "a file with a class and a series a line")
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
        series, names = read_series(source, plain, []), [column.name for column in channels.modelled]
        # arrays have no names: those of as many channels
        same = len(names) == series.steps.num_columns
        return replace(series, steps=series.steps.rename_columns(names)) if same else series
    records = read(source, plain)
    if layout.form == "rows" and is_ucr(records):
        return series_of_ucr(records)
    known = records.table.column_names
    entity = tuple(column.name for column in layout.entity if column.name in known)
    entity = (layout.number,) if layout.number in known else entity
    whole = tuple(column.name for column in labels)
    like = plain.with_options(
        time=None if layout.times is None else layout.times.words,
        entity=entity,
        attributes=tuple(name for name in whole if name not in entity),
        given=tuple(name for name in whole if name in entity),
    )
    with naming(Probe(source).name):
        return with_distances(series_of_table(records, like, [], layout))


def _without_columns(series: Series, own: SeriesOptions, what: str) -> Series:
    """The series, if no option names a column that only a table has."""
    for name in ("time", "entity", "attributes"):
        if getattr(own, name):
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


def prepare_series(
    kind: Kind[SeriesSet, SeriesCodec], source: Any, config: TrainConfig, notes: list[str]
) -> Prepared[SeriesSet, SeriesCodec]:
    """See `Kind.prepare`."""
    _check_options(config)
    with probed(source) as probe:
        large, name = _large(probe, config, notes), probe.name
        series = read_series(probe, config, notes) if large is None else large.series
    label_names = [] if series.labels is None else series.labels.column_names
    names = [*series.steps.column_names, *label_names]
    times = series.layout.times
    if large is not None and times is not None and times.step is not None:
        names.append(times.step)
    _check_columns(config, [*names, *series.layout.order])
    if large is None:
        channels = _channels(series, config, notes)
        values: Mapping[str, Values] = channels.parse(series.steps)
        refuse_huge(values)
    else:
        said: list[list[str]] = []

        def understood(some: Series) -> Schema:
            said.append([])
            return _channels(some, config, said[-1])

        with naming(name):
            channels, values = large.parsed(understood, [n for n in names if n not in label_names])
        notes += said[-1]
    found, labels = understand_labels(series.labels, _types_of(config, label_names), notes, "series")
    config = replace(config, given=found.given)
    label_values = {} if series.labels is None else labels.parse(series.labels)
    most = None if large is None else large.most_windows
    cut = _cut(series, config, len(channels.modelled), labels, label_values, most)
    parts = _calendar(series, cut.train[0], config, names, notes)
    whole = Schema((*labels.columns, *parts))
    train = every = _set_of(series, values, label_values, parts, *cut.train)
    if config.heldout is not None:
        other = read_series_like(config.heldout, series.layout, channels, labels, config)
        what = f"--heldout {Probe(config.heldout).place}"
        heldout = part_of(other, what, cut.window, channels, whole, config.own(SeriesOptions).calendar)
    else:
        heldout = _set_of(series, values, label_values, parts, *cut.heldout)
    given = TableCodec.fit(whole.modelled, train.values) if whole.modelled else None
    if large is not None:
        also = None if given is None else np.unique(np.floor(given.encode(every.values)), axis=0, return_index=True)[1]
        train, heldout = large.few(every, channels.modelled, also), large.few(heldout)
    used = np.flatnonzero(covered(train.begins, train.lengths, num_steps_of(train)))
    channels = channels.restricted(train.cells, used)
    rules = _rules(channels, train, heldout, config)
    if large is not None:
        while broken := broken_rules(rules, values):
            refuse_stated(config.own(SeriesOptions).rule, broken)
            rules = _rules(channels, train, heldout, config, tuple(broken))
    notes += rules.notes()
    codec = _codec(channels.modelled, train, config, notes, rules)
    layout = series.layout
    if times is not None and series.times is not None:
        times = replace(times, starts=runs_of(series.times[every.begins]))
    layout = replace(
        layout, times=times, num_steps=codec.num_steps, windows=cut.window is not None,
        classes=tuple(map(str, labels.columns[0].levels)) if len(labels) == 1 else layout.classes,
        calendar=tuple(column.name for column in parts),
    )  # fmt: skip
    notes.append(_described(series, channels, cut, every, heldout))
    if large is not None:
        train = large.stored(every, train, codec, given, config.own(SeriesOptions).stride, notes)
    return Prepared(
        kind, with_layout(series.origin, layout), Schema((*channels.columns, *whole.columns)), _network(config, codec),
        train, heldout, codec, given, series_hash(series) if large is None else large.some.data_hash,
        () if given is None else tuple(field.name for field in given.fields),
    )  # fmt: skip


def _large(probe: Probe, config: TrainConfig, notes: list[str]) -> LargeSeries | None:
    """The series in a table that does not fit in memory; None for all that is read whole."""
    if probe.path is not None and (is_ts(probe.path) or is_array_file(probe.path) or has_ucr_name(probe.path)):
        return None
    return large_series(probe, config, notes)


# --- options and columns --------------------------------------------------------------------------------------------


def _check_options(config: TrainConfig) -> None:
    own = config.own(SeriesOptions)
    if own.window is not None and own.window < 2:
        raise OptionError(f"--window {own.window}: a window has 2 steps at least.")
    if own.stride is not None and own.stride < 1:
        raise OptionError(f"--stride {own.stride}: windows are 1 step apart at least.")
    if config.heldout_fraction is not None and not 0 < config.heldout_fraction < 1:
        raise OptionError(f"the held-out fraction must be above 0 and below 1. Got {config.heldout_fraction} instead.")


def _check_columns(config: TrainConfig, known: list[str]) -> None:
    for option in config.column:
        name = option.rpartition("=")[0]
        if name not in known:
            raise OptionError(f"--column {option}: there is no column {name!r}. {nearest(name, known)}")


def _types_of(config: TrainConfig, names: list[str]) -> TrainConfig:
    """The config with the types of these columns alone."""
    return replace(config, column=tuple(o for o in config.column if o.rpartition("=")[0] in names))


def _channels(series: Series, config: TrainConfig, notes: list[str]) -> Schema:
    """What the channels are; those that cannot be learned step by step are left out."""
    said: list[str] = []
    schema = infer(Records(series.steps, series.origin), _types_of(config, series.steps.column_names), notes=said)
    left = [column for column in schema if column.type == "identifier"]
    alike = [text for text in said if ": numbers are spelt alike" in text]
    if len(alike) > FEW_NOTES:
        said = [text for text in said if text not in alike]
        said.append(f"{alike[0]}; so are those of {len(alike) - 1} further columns")
    notes += [text for text in said if not any(repr(column.name) in text for column in left)]
    if left:
        notes.append(
            f"numbers of rows and the like, left out: {', '.join(c.name for c in left)}. As a channel: --column "
            f"{left[0].name}=number."
        )
    kept = Schema(tuple(c for c in schema if c.type not in ("identifier", "text", "drop")))
    if not kept.modelled:
        raise DataError("no channel is left to learn. Say what a column is with --column NAME=number.")
    return kept


def _rules(
    channels: Schema, train: SeriesSet, heldout: SeriesSet, config: TrainConfig, broken: Sequence[str] = ()
) -> Rules:
    """What holds between the channels of every step, but for what no coding keeps: whole series would be drawn anew.

    broken: rules that do not hold in all steps of series that do not fit in memory.

    Raises:
        OptionError: a rule that was stated is such a one, or does not hold.
    """
    own, parts = config.own(SeriesOptions), []
    for part in (train, heldout):
        steps = np.flatnonzero(covered(part.begins, part.lengths, num_steps_of(part)))
        parts.append({name: cells.take(steps) for name, cells in part.cells.items()})
    without = (*own.no_rule, *broken, *(() if train.apart is None else (train.apart,)))
    apart = int(train.lengths.max())
    rules = find_rules(channels.modelled, *parts, stated=own.rule, without=without, apart=apart)
    if rules.redrawn and own.rule:
        raise OptionError(
            f"--rule {rules.redrawn[0]!r}: series cannot be held to it, but to orders, sums and the like."
        )
    if rules.redrawn:
        rules = find_rules(channels.modelled, *parts, without=(*without, *rules.redrawn), apart=apart)
    return rules


def _codec(
    columns: tuple[Column, ...], train: SeriesSet, config: TrainConfig, notes: list[str], rules: Rules
) -> SeriesCodec:
    """Channels of few or very frequent numbers have one-of-K blocks, but those that `column` says are numbers, and the
    widest ones where `principal` would make so many numbers without the blocks only.
    """
    plain = {option.rpartition("=")[0] for option in config.column if option.endswith("=number")}
    codec, refusal = SeriesCodec.fit(columns, train, plain=plain, rules=rules), NETWORKS["principal"].refusal
    if refusal(codec.spec) and not refusal(
        SeriesCodec.fit(columns, train, plain=[c.name for c in columns], rules=rules).spec
    ):
        while refusal(codec.spec):
            cells = {v.name: v.size for v in codec.levels if v.numbers} | {
                c.name: c.size for c in codec.channels if c.atoms
            }
            plain.add(max(cells, key=cells.__getitem__))
            codec = SeriesCodec.fit(columns, train, plain=plain, rules=rules)
    few = [f"{v.name} ({len(v.numbers)})" for v in codec.levels if v.numbers and v.name != train.apart]
    atoms = [
        f"{c.name} ({', '.join(f'{v:g}' for v in c.atoms)})"
        for c in codec.channels
        if c.atoms and c.name != train.apart
    ]
    for shown, what in ((few, "few different numbers"), (atoms, "numbers that stand in very many steps")):
        if shown:
            more = f", … ({len(shown)} in all)" if len(shown) > FEW_NOTES else ""
            name = shown[0].rpartition(" (")[0]
            notes.append(
                f"{what}, learned as categories: {', '.join(shown[:FEW_NOTES])}{more}. Override with --column "
                f"{name}=number."
            )
    return codec


def _network(config: TrainConfig, codec: SeriesCodec) -> str:
    if config.network != "auto":
        return pair_for(config.network, ("sequence",), "these are series").name
    return "principal" if NETWORKS["principal"].refusal(codec.spec) is None else "temporal"


# --- windows, and which train ---------------------------------------------------------------------------------------


class _Cut(NamedTuple):
    """window: steps of a window, or None where series are whole. train, heldout: begins and lengths [n] of records."""

    window: int | None
    stride: int
    train: tuple[Ints, Ints]
    heldout: tuple[Ints, Ints]


def _window(series: Series, config: TrainConfig) -> int | None:
    """Steps of a window; None: series are learned whole."""
    own, longest = config.own(SeriesOptions), int(series.lengths.max())
    if own.window is not None or own.stride is not None:
        return own.window or WINDOW
    if len(series) == 1:
        return WINDOW
    whole = series.layout.form != "table" or (len(series) >= WHOLE_SERIES and longest <= WHOLE_STEPS)
    return None if whole else min(WINDOW, max(2, longest // 2))


def _cut(
    series: Series, config: TrainConfig, num_channels: int, labels: Schema, values: Mapping[str, Values],
    most_windows: int | None,
) -> _Cut:  # fmt: skip
    """most_windows: about, of series whose windows are slices of their steps."""
    window, hold_out, longest = _window(series, config), config.heldout is None, int(series.lengths.max())
    by_series = window is None or len(series) >= MANY_SERIES
    if window is not None and longest < window:
        raise OptionError(
            f"--window {window}: the longest series has {longest:,} steps. Take a shorter one, such as --window "
            f"{max(2, longest // 4)}."
        )
    if window is None and len(series) < 2:
        raise DataError("training needs at least 2 series (one to learn from, one held out). Cut one with --window.")
    rows = np.arange(len(series)), np.arange(0)
    if hold_out and by_series:
        rows = split_records(len(series), labels, values, config)
    whole = [(series.begins[some], series.lengths[some]) for some in rows]
    if window is None:
        return _Cut(None, 1, *whole)
    stride = config.own(SeriesOptions).stride
    if stride is None:
        num = int(np.maximum(series.lengths - window + 1, 0).sum())
        most = MOST_NUMBERS // (window * num_channels) if most_windows is None else most_windows
        stride = max(1, -(-num // max(most, 1)))
    if hold_out and not by_series:
        fraction = config.heldout_fraction
        if fraction is None:
            fraction = FRACTION if int(series.lengths.sum()) <= LARGE else LARGE_FRACTION
        train, heldout = split_in_time(series.begins, series.lengths, window, stride, fraction)
    else:
        train, heldout = (windows_of(*some, window, stride) for some in whole)
        if not len(train) or (hold_out and not len(heldout)):
            raise DataError(
                f"too few of the {len(series):,} series have a window of {window} steps. Take a shorter one: --window."
            )
    return _Cut(window, stride, *((begins, np.full(len(begins), window)) for begins in (train, heldout)))


def _set_of(
    series: Series, cells: Mapping[str, Values], labels: Mapping[str, Values], parts: Sequence[Column], begins: Ints,
    lengths: Ints,
) -> SeriesSet:  # fmt: skip
    """Records cut from series. labels: of the series. parts: those of the date at which records begin, as labels."""
    values = rows_of(labels, np.searchsorted(series.begins, begins, side="right") - 1)
    if parts and series.times is not None and (times := series.layout.times) is not None:
        table = calendar_table(times.local(series.times[begins]), [column.name for column in parts])
        values |= Schema(tuple(parts)).parse(table)
    return SeriesSet(values, cells, begins, lengths, None if series.layout.times is None else series.layout.times.step)


def _calendar(
    series: Series, begins: Ints, config: TrainConfig, taken: Collection[str], notes: list[str]
) -> tuple[Column, ...]:
    """The parts of the date that records are given, as labels. taken: the names that columns have."""
    own = config.own(SeriesOptions)
    if not own.calendar:
        return ()
    for name in own.calendar:
        if name in taken:
            raise OptionError(f"--calendar {name}: there is a column of that name already. Leave one of them out.")
    times = series.layout.times
    if times is None or not times.dates or series.times is None:
        raise OptionError(
            f"--calendar {own.calendar[0]}: these series have no dates. Name their column with --time, or leave it out."
        )
    columns = calendar_columns(calendar_table(times.local(series.times[begins]), own.calendar))
    shown = ", ".join(f"{column.name} ({len(column.levels)})" for column in columns)
    notes.append(f"given: where a series begins: {shown}, so that samples can be conditioned on it (--where).")
    return columns


def _described(series: Series, channels: Schema, cut: _Cut, train: SeriesSet, heldout: SeriesSet) -> str:
    num, short = len(channels.modelled), ""
    what = f"{num} channel" + ("s" if num > 1 else "")
    low, high = int(train.lengths.min()), int(train.lengths.max())
    if cut.window is None:
        how = f"{len(series):,} series of {low if low == high else f'{low} to {high}'} steps"
    else:
        apart = f"{cut.stride} step" + ("s" if cut.stride > 1 else "")
        many = f" of {len(series):,} series" if len(series) > 1 else ""
        how = f"{int(series.lengths.sum()):,} steps{many}, windows of {cut.window}, {apart} apart: --window, --stride"
        if left := int((series.lengths < cut.window).sum()):
            short = f" {left:,} series are shorter than a window and left out."
    grid = series.layout.times.grid if series.layout.times else None
    every = "" if grid is None else f", {grid.words} from step to step"
    return (
        f"kind: series ({what}, {how}{every}; {len(train):,} to learn from, {len(heldout):,} held out). Override with "
        f"--kind.{short}"
    )


def part_of(
    found: Series, what: str, window: int | None, channels: Schema, labels: Schema, calendar: Collection[str] = ()
) -> SeriesSet:
    """Other series as a dataset like the one that trains: the same channels and labels, cut as they are.

    calendar: the labels that follow from the time at which a record begins.

    Raises:
        DataError: a channel or a label is not there, or no series is as long as a window.
    """
    lacking = [c.name for c in channels.modelled if c.name not in found.steps.column_names]
    whole = Schema(tuple(c for c in labels if c.name not in calendar))
    lacking += [c.name for c in whole if found.labels is None or c.name not in found.labels.column_names]
    if lacking:
        raise DataError(f"{what}: it has no column {lacking[0]!r}, as the series that train have. Bring the same ones.")
    values = channels.parse(found.steps)
    label_values = {} if found.labels is None else whole.parse(found.labels)
    begins, lengths = found.begins, found.lengths
    if window is not None:
        begins = windows_of(found.begins, found.lengths, window, 1)
        lengths = np.full(len(begins), window)
        if not len(begins):
            raise DataError(f"{what}: no series there has a window of {window} steps. Bring longer ones.")
    return _set_of(found, values, label_values, [c for c in labels if c.name in calendar], begins, lengths)


def array_of_part(part: SeriesSet, columns: tuple[Column, ...], rows: Ints | None = None) -> npt.NDArray[np.float64]:
    """Records as numbers [n, T, C]: categories as their codes, NaN in gaps and behind the end."""
    begins, lengths = (v if rows is None else v[rows] for v in (part.begins, part.lengths))
    steps = np.arange(int(lengths.max(initial=0)))
    at = begins[:, None] + np.minimum(steps, lengths[:, None] - 1)
    behind = steps >= lengths[:, None]
    found = np.empty((*at.shape, len(columns)))
    for i, column in enumerate(columns):
        cells = part.cells[column.name]
        lost = cells.missing > 0
        if column.type == "category":
            lost = lost | (cells.data < 0)  # a level that training did not show
        numbers = np.where(lost, np.nan, cells.data)
        found[:, :, i] = np.where(behind, np.nan, numbers[at])
        if column.name == part.apart:
            found[:, 0, i] = np.nan
    return found


def label_numbers(columns: Iterable[Column], values: Mapping[str, Values]) -> npt.NDArray[np.float64] | None:
    """Labels as numbers [n, K]: a one-hot for each level of a category, numbers by their range; None without any."""
    parts = []
    for column in columns:
        cells = values[column.name]
        if column.type == "category":
            parts += [(cells.data == code).astype(np.float64) for code in range(len(column.levels))]
        else:
            numbers = np.where(cells.missing > 0, column.low, cells.data)
            parts.append((numbers - column.low) / max(column.high - column.low, 1e-12))
    return np.stack(parts, 1) if parts else None

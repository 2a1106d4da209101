"""Tables in several files, and tables that take more memory than they may: read a batch at a time.

Knows files, formats and Arrow tables; never what a column means.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, refused
from gankit.io.archives import PACKED, PACKINGS, largest_size, strip_suffixes
from gankit.io.atomic import stamp_of
from gankit.io.formats import FORMATS, SUFFIXES
from gankit.io.formats.base import Format, Opened, WholeOnlyError
from gankit.io.parts import training_files
from gankit.io.probe import Probe
from gankit.io.records import Origin, Records, fingerprint, is_text, joined
from gankit.options import parse_bytes
from gankit.randomness import numpy_generator

CHUNK = 1 << 16
"""Rows that are read at a time, whatever the files' own batches are, so that these change nothing."""

CELL = 64
"""Bytes that a cell takes at the most while a table is understood and coded in memory (benchmarks/scale.md)."""

_PACKS = 6
"""A packed text is about so many times as long."""

_DENSEST = 1_000
"""Bytes in memory for a byte of a file of typed columns, at the most."""

_WHOLE = 32
"""Bytes in memory for a byte of a file that is read whole, about."""

_GUESSES = (".txt", ".data", ".dat")
"""Suffixes that tell no table."""

LEVELS = 5_000
"""Different texts or whole numbers of a column up to which every one is looked for."""


@dataclass(frozen=True)
class Part:
    """A file of a table.

    path, name: where it is, and what it is called. beside: columns that the names of its folders give (`year=2024`).
    stamp: its size and the time of its last change, by which it is known not to have changed since.
    """

    path: Path
    name: str
    format: Format
    beside: tuple[tuple[str, str], ...] = ()
    stamp: tuple[int, int] = (0, 0)

    def changed(self) -> bool:
        """Whether it is another file than it was."""
        return stamp_of(self.path) != self.stamp


@dataclass(frozen=True)
class Some:
    """Rows of a large table that say what its columns are.

    table: they, in order. places: [M] int64, which rows they are. num_rows: of the whole. data_hash: SHA-256 of its
    names, types and cells, chunk by chunk.
    """

    table: pa.Table
    places: np.ndarray
    num_rows: int
    data_hash: str

    def joined(self, table: pa.Table, places: np.ndarray) -> Some:
        """With other rows, and which they are."""
        both, order = np.unique(np.concatenate([self.places, places]), return_index=True)
        return replace(self, table=pa.concat_tables([self.table, table]).take(order).combine_chunks(), places=both)


class Large:
    """A table in one or several files, read a batch at a time.

    Args:
        parts: its files, in order. place: what notes call it. config: the options of reading.
        notes: one line is appended for every decision that was not obvious.

    Raises:
        DataError: a file is damaged, or has other columns than the first.
    """

    def __init__(self, parts: list[Part], place: str, config: TrainConfig, notes: list[str]) -> None:
        self.parts, self.place, self._config = parts, place, config
        with ExitStack() as stack:
            first = self._open(parts[0], stack, notes)
        self.origin, self.types = first.origin, dict(zip(first.schema.names, first.schema.types, strict=True))
        self.names = [*first.schema.names, *(key for key, _ in parts[0].beside)]
        twice = [name for name, times in Counter(self.names).items() if times > 1]
        if twice:
            raise DataError(f"{parts[0].name!r} has two columns named {twice[0]!r}. Give every column its own name.")
        self.num_rows = first.num_rows
        for part in parts[1:]:
            with ExitStack() as stack:
                opened = self._open(part, stack, [])
            self.num_rows += opened.num_rows
            names = [*opened.schema.names, *(key for key, _ in part.beside)]
            if set(names) != set(self.names):
                odd = sorted(set(names) ^ set(self.names))[0]
                raise DataError(
                    f"{place}: {part.name!r} and {parts[0].name!r} have not the same columns ({odd!r} is in one "
                    "alone). Give a folder of files of one table."
                )

    @cached_property
    def num_bytes(self) -> int:
        """What it would take in memory, about."""
        texts = sum(part.stamp[0] * (_PACKS if packed(part.path) else 1) for part in self.parts if part.format.is_text)
        return self.num_rows * len(self.names) * CELL + 2 * texts

    def chunks(self, notes: list[str] | None = None) -> Iterator[pa.Table]:
        """All rows in order, `CHUNK` at a time; the last have fewer. notes: of what only reading tells.

        Raises:
            DataError: a file has changed since it was first looked at, is damaged, or its columns are of other types.
        """
        waiting: list[pa.Table] = []
        num = 0
        for table in self._tables([] if notes is None else notes):
            waiting.append(table)
            num += len(table)
            if num >= CHUNK:
                whole = pa.concat_tables(waiting)
                while len(whole) >= CHUNK:
                    yield whole.slice(0, CHUNK)
                    whole = whole.slice(CHUNK)
                waiting, num = [whole], len(whole)
        if num:
            yield pa.concat_tables(waiting)

    def whole(self, notes: list[str]) -> Records:
        """All rows in memory. notes: of what only reading tells."""
        return Records(pa.concat_tables(list(self._tables(notes))).combine_chunks(), self.origin)

    def some(self, most: int, seed: int, notes: list[str], look: Callable[[pa.Table, int], None] | None = None) -> Some:
        """About `most` rows, drawn by the seed, and with them the first row of every different text or whole number of
        a column, where there are `LEVELS` at the most.

        look: is shown all rows, in order, with the number of the first of each part.

        Raises:
            DataError: as `chunks`; or there are no rows.
        """
        kept: list[_Kept] = []
        firsts = _Firsts(self.names)
        share, num_rows, total = 1.0, 0, hashlib.sha256()
        for number, chunk in enumerate(self.chunks(notes)):
            if look is not None:
                look(chunk, num_rows)
            _update(total, chunk)
            keys = numpy_generator(seed, "rows", number).random(len(chunk))
            rows = np.flatnonzero(keys < share)
            kept.append(_Kept(chunk.take(rows), rows + num_rows, keys[rows]))
            firsts.look(chunk, num_rows)
            num_rows += len(chunk)
            if sum(len(part.places) for part in kept) > 2 * most:
                kept = [_lowest(kept, most)]
                share = float(kept[0].keys.max())
        if not num_rows:
            shown = ", ".join(self.names[:5])
            raise DataError(f"{self.place!r} has columns ({shown}) and no records. Give data with records.")
        drawn = _lowest(kept, most)
        found = Some(drawn.table, drawn.places, num_rows, total.hexdigest())
        if more := firsts.found():
            found = found.joined(pa.concat_tables([rows for rows, _ in more]), np.concatenate([at for _, at in more]))
        return found

    def _tables(self, notes: list[str]) -> Iterator[pa.Table]:
        for part in self.parts:
            if part.changed():
                raise _altered(part)
            with ExitStack() as stack:
                said = list[str]()
                opened, known = self._open(part, stack, said), len(said)  # how it is written was said
                for table in opened.tables:
                    yield self._alike(table, part)
                notes += said[known:]
            if part.changed():
                raise _altered(part)

    def _open(self, part: Part, stack: ExitStack, notes: list[str]) -> Opened:
        stream: Any = stack.enter_context(part.path.open("rb"))
        size, kind = part.stamp[0], packed(part.path)
        origin = Origin(part.format.name, name=strip_suffixes(part.path.name, (*PACKED, *SUFFIXES)), compression=kind)
        if kind is not None:
            stream, size = stack.enter_context(import_module(PACKINGS[kind]).open(stream)), size * _PACKS
        try:
            return part.format.opened(stream, size, part.name, origin, self._config, notes)
        except WholeOnlyError:
            if size * _WHOLE > limit(self._config):
                raise
            stream.seek(0)
            with refused(repr(part.name), f"{part.format.name} file"):
                whole = part.format.read(stream.read(), part.name, origin, self._config, notes)
            return Opened(whole.origin, len(whole), whole.table.schema, iter([whole.table]))

    def _alike(self, table: pa.Table, part: Part) -> pa.Table:
        """Columns in the order and of the types of the first file's, and those that its folders' names give."""
        for key, value in part.beside:
            table = table.append_column(key, pa.array([value]).take(pa.array(np.zeros(len(table), np.int64))))
        table = table.select(self.names)
        if [*table.schema.types] == [self.types.get(name, pa.string()) for name in self.names]:
            return table
        columns = []
        for name, column in zip(self.names, table.columns, strict=True):
            try:
                columns.append(column.cast(self.types.get(name, pa.string())))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                raise DataError(
                    f"{part.name!r}: column {name!r} is of the type {column.type}, and in {self.parts[0].name!r} "
                    f"{self.types[name]}. Write them alike."
                ) from None
        return pa.table(columns, names=self.names)


def large_of(probe: Probe, config: TrainConfig, notes: list[str]) -> Large | None:
    """The table that a folder of files is, or a file that would take more memory than `limit`; None for anything else.

    Raises:
        DataError: as `Large`; or the file is of a format that is not read a batch at a time, and is beyond reason.
    """
    if holds_tables(probe, config):
        return Large(_parts(probe, config, notes), probe.place, config, notes)
    if probe.file is None or probe.part:
        return None
    part = _part(probe.file, probe.file_name, config)
    if part is None or probe.size * (_PACKS * CELL if part.format.is_text else _DENSEST) < limit(config):
        return None
    said = list[str]()
    found = Large([part], probe.place, config, said)
    if found.num_bytes <= limit(config):
        return None
    notes += said
    return found


def limit(config: TrainConfig) -> int:
    """The bytes of memory that a table may take: half of the machine's, or what was asked for."""
    return largest_size() if config.memory is None else parse_bytes(config.memory, named="--memory")


def holds_tables(probe: Probe, config: TrainConfig) -> bool:
    """Whether a source is a folder of files of tables, of the format that was asked for."""
    files = probe.collection if probe.is_folder else None
    return files is not None and any(map(_chosen(config), files.names))


def _chosen(config: TrainConfig) -> Callable[[str], bool]:
    """Which files of a folder are its table, by their names: none of those that are hidden."""

    def is_part(name: str) -> bool:
        format = None if PurePosixPath(name).name.startswith(("_", ".")) else _format(name)
        return format is not None and config.format in (None, format.name)

    return is_part


def packed(path: Path) -> str | None:
    """How a file is compressed, by its name."""
    return next((kind for kind in PACKINGS if path.name.lower().endswith(f".{kind}")), None)


def _format(name: str) -> Format | None:
    """The format of a file of a table by its name, where it can be read a batch at a time."""
    suffix = PurePosixPath(strip_suffixes(name.lower(), tuple(f".{kind}" for kind in PACKINGS))).suffix
    found = FORMATS.get(SUFFIXES.get(suffix, ""))
    return found if found is not None and found.in_batches and suffix not in _GUESSES else None


def _parts(probe: Probe, config: TrainConfig, notes: list[str]) -> list[Part]:
    files = probe.collection
    assert files is not None
    names = list(filter(_chosen(config), files.names))
    taken = training_files(names, probe.place, notes, reachable=True)
    others = [n for n in files.names if n not in set(names) and not PurePosixPath(n).name.startswith(("_", "."))]
    if others:
        notes.append(f"{probe.place}: {len(others):,} files that are no part of the table ({others[0]}) are left out")
    root, found = Path(probe.place), list[Part]()
    for name in taken:
        format = _format(name)
        assert format is not None
        keys = [folder.partition("=") for folder in PurePosixPath(name).parts[:-1] if "=" in folder]
        beside = tuple((key, value) for key, _, value in keys)
        found.append(Part(root / name, name, format, beside, stamp_of(root / name)))
    notes.append(f"{probe.place}: {len(found):,} files of one table, in the order of their names")
    return found


def _part(path: Path, name: str, config: TrainConfig) -> Part | None:
    format = FORMATS[config.format] if config.format else _format(name)
    if format is None or not format.in_batches:
        return None
    return Part(path, name, format, (), stamp_of(path))


@dataclass(frozen=True)
class _Kept:
    """Rows that were drawn, which they are, and the keys [n] in [0, 1) by which they were."""

    table: pa.Table
    places: np.ndarray
    keys: np.ndarray


def _lowest(kept: list[_Kept], most: int) -> _Kept:
    """The rows with the `most` lowest keys, in order."""
    table = pa.concat_tables([part.table for part in kept])
    places, keys = np.concatenate([part.places for part in kept]), np.concatenate([part.keys for part in kept])
    if len(keys) > most:
        chosen = np.sort(np.argpartition(keys, most - 1)[:most])
        table, places, keys = table.take(chosen), places[chosen], keys[chosen]
    return _Kept(table.combine_chunks(), places, keys)


class _Firsts:
    """The first row of every different text or whole number of a column, of which there are `LEVELS` at the most; the
    first without a cell, and those with the least and the largest number.
    """

    def __init__(self, names: list[str]) -> None:
        self._seen: dict[str, set[Any]] = {name: set() for name in names}
        self._rows: dict[str, list[tuple[pa.Table, np.ndarray]]] = {name: [] for name in names}
        self._full, self._numbers = set(names), set(names)
        self._ends: dict[tuple[str, str], tuple[float, pa.Table, np.ndarray]] = {}

    def look(self, chunk: pa.Table, first: int) -> None:
        """Looks at rows, of which `first` is the number of the first."""
        for name in list(self._full):
            if chunk.column(name).null_count:
                self._full.remove(name)
                at = np.flatnonzero(np.asarray(chunk.column(name).is_null()))[:1]
                self._ends[name, "missing"] = 0.0, chunk.take(at), at + first
        for name in list(self._numbers - set(self._seen)):
            self._look_at_ends(name, chunk, first)
        for name in list(self._seen):
            column, seen = joined(chunk.column(name)), self._seen[name]
            kind = column.type
            coded = None
            if is_text(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
                coded = column if pa.types.is_dictionary(kind) else column.dictionary_encode()
            if coded is None or len(coded.dictionary) > LEVELS:
                del self._seen[name], self._rows[name]
                continue
            cells = coded.dictionary.to_pylist()
            fresh = [place for place, cell in enumerate(cells) if cell not in seen]
            if not fresh:
                continue
            seen.update(cells[place] for place in fresh)
            if len(seen) > LEVELS:
                del self._seen[name], self._rows[name]
                continue
            codes = np.asarray(coded.indices.fill_null(-1))
            different, at = np.unique(codes, return_index=True)
            rows = np.sort(at[np.isin(different, fresh)])
            self._rows[name].append((chunk.take(rows).combine_chunks(), rows + first))

    def found(self) -> list[tuple[pa.Table, np.ndarray]]:
        """The rows, and which they are."""
        ends = [(table, at) for _, table, at in self._ends.values()]
        return [*ends, *(part for parts in self._rows.values() for part in parts)]

    def _look_at_ends(self, name: str, chunk: pa.Table, first: int) -> None:
        column = joined(chunk.column(name))
        try:
            numbers = np.asarray(column.cast(pa.float64()).fill_null(np.nan))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # texts, times, or numbers that are written otherwise
            self._numbers.remove(name)
            return
        if np.isnan(numbers).all():
            return
        for end, at in (("least", int(np.nanargmin(numbers))), ("most", int(np.nanargmax(numbers)))):
            before = self._ends.get((name, end))
            if before is None or (numbers[at] > before[0] if end == "most" else numbers[at] < before[0]):
                self._ends[name, end] = float(numbers[at]), chunk.slice(at, 1).combine_chunks(), np.array([at + first])


def _update(total: Any, chunk: pa.Table) -> None:
    """Adds the names, types and cells of a chunk to a hash."""
    total.update(repr([*zip(chunk.column_names, map(str, chunk.schema.types), strict=True)]).encode())
    total.update(fingerprint(Records(chunk, Origin("pyarrow"))).encode())


def _altered(part: Part) -> DataError:
    return DataError(
        f"{str(part.path)!r} has changed while it was read. Train when it is complete, or on a copy that stays."
    )

"""Labels of image files: from the folders they lie in, or from a list that names them.

Knows names of files and tables; never how images are read.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.inference import infer
from gankit.columns.schema import Column, Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io.archives import IMAGE_SUFFIXES, strip_suffixes
from gankit.io.probe import HEAD, Probe
from gankit.io.records import Origin, Records, is_text

LIST_SUFFIXES = (".csv", ".tsv", ".txt", ".tab", ".parquet", ".pq", ".jsonl", ".ndjson")
"""Suffixes of files that may list images."""

_SAMPLE = 50
_FEW_COLUMNS = 2
_SHOWN = 5
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
_PARTS = ("fold", "split", "subset", "partition")


@dataclass(frozen=True)
class Labelled:
    """Names of images, and their labels. names: as the collection has them. labels: one row a name, or None."""

    names: list[str]
    labels: pa.Table | None


def plain_name(name: str) -> str:
    r"""A file's name with `/` between its folders, without `.` among them, its signs composed.

    >>> plain_name(".\\faces\\1.png")
    'faces/1.png'
    """
    return composed("/".join(part for part in name.strip().replace("\\", "/").split("/") if part not in ("", ".")))


def composed(text: str) -> str:
    """The text in Unicode's normal form C: file systems and editors write the same sign in several ways."""
    return unicodedata.normalize("NFC", text)


def note_lonely_classes(labels: pa.Table | None, place: str, notes: list[str]) -> None:
    """Notes the classes that have one image only: nothing can be learned of them, nor held out."""
    if labels is None or "label" not in labels.column_names:
        return
    counts = Counter(label for label in labels.column("label").to_pylist() if label is not None)
    lonely = [str(label) for label, times in counts.items() if times == 1]
    if lonely and len(counts) < labels.num_rows:
        shown = ", ".join(map(repr, lonely[:_SHOWN])) + (", …" if len(lonely) > _SHOWN else "")
        notes.append(
            f"{place}: {len(lonely):,} of {len(counts):,} classes ({shown}) have one image only: too few to learn"
        )


def cells_name_files(
    values: Iterable[str], find: Callable[[str], str | None], bases: Sequence[str], few: bool,
    suffixes: tuple[str, ...],
) -> bool:  # fmt: skip
    """Whether texts are names of files of these suffixes: at least half of the first fifty.

    few: there is one column beside them at most, as in a list of files and their labels. Of a table of more columns
    one file must be there, for it may describe files that nobody wants to see.
    """
    values = [value.strip() for value in values if value and value.strip()][:_SAMPLE]
    named = [value for value in values if value.lower().endswith(suffixes)]
    if 2 * len(named) < len(values) or not named:
        return False
    return few or any(find(base + value) is not None for base in bases for value in named)


def seems_list(probe: Probe, config: TrainConfig, suffixes: tuple[str, ...] = IMAGE_SUFFIXES) -> bool:
    """Whether a file is a list by its name, and its beginning names files of these suffixes."""
    assert probe.file is not None
    listing = strip_suffixes(probe.file.name.lower(), (".gz",)).endswith(LIST_SUFFIXES)
    return listing and config.format in (None, "csv", "tsv", "parquet") and _head_names_files(probe, suffixes)


def _head_names_files(probe: Probe, suffixes: tuple[str, ...]) -> bool:
    """Whether the beginning of a CSV, TSV or Parquet file has a column of names of files that are there."""
    assert probe.file is not None
    find, bases = beside(probe.file)
    if probe.file.suffix.lower() in (".parquet", ".pq"):
        import pyarrow.parquet as pq

        with pq.ParquetFile(probe.stream()) as file:
            schema = file.schema_arrow
            texts = [field.name for field in schema if is_text(field.type)]
            images = suffixes == IMAGE_SUFFIXES
            inside = [field.name for field in schema if images and _may_hold_images(field.type)]
            wanted = [*texts, *inside]
            head = next(file.iter_batches(batch_size=_SAMPLE, columns=wanted), None) if wanted else None
        if head is None:
            return False
        if any(_holds_images(head.column(name)) for name in inside):
            return True
        columns = [head.column(name).cast(pa.string()).to_pylist() for name in texts]
        few = len(schema) <= _FEW_COLUMNS
        return any(cells_name_files(filter(None, column), find, bases, few, suffixes) for column in columns)
    data = probe.plain_head
    text = data.decode("utf-8", "replace").lstrip("\ufeff")
    if not any(suffix in text.lower() for suffix in suffixes):
        return False
    lines = text.splitlines()[: _SAMPLE + 1]
    if text.startswith("{"):
        records = [json.loads(line) for line in (lines if len(data) < HEAD else lines[:-1]) if line.strip()]
        names = dict.fromkeys(key for record in records for key in record)
        few = len(names) <= _FEW_COLUMNS
        columns = [[value for record in records if isinstance(value := record.get(key), str)] for key in names]
        return any(cells_name_files(column, find, bases, few, suffixes) for column in columns)
    tables = [list(csv.reader(io.StringIO("\n".join(lines)), delimiter=sign)) for sign in (",", "\t", ";", "|")]
    widths = [max(map(len, rows), default=0) for rows in tables]
    if max(widths) < 2:  # blanks, too, stand within names and labels
        tables.append(list(csv.reader(io.StringIO("\n".join(lines)), delimiter=" ")))
        widths.append(max(map(len, tables[-1]), default=0))
    few = max(widths) <= _FEW_COLUMNS
    return any(
        cells_name_files((row[place] for row in rows[1:] if len(row) > place), find, bases, few, suffixes)
        for rows, width in zip(tables, widths, strict=True)
        for place in range(width)
    )


def beside(path: Path) -> tuple[Callable[[str], str | None], list[str]]:
    """What gives the name of the image that a list means, if it is there (if need be in other capitals), and where to
    look: the list's folder and those in it.
    """
    folder = path.parent
    inside = sorted(folder.iterdir())[:200] if folder.is_dir() else []
    bases = ["", *(f"{entry.name}/" for entry in inside if entry.is_dir())]

    def find(name: str) -> str | None:
        plain = plain_name(name)
        ways = (name, plain, unicodedata.normalize("NFD", plain))
        there = next((way for way in ways if os.path.isfile(folder / way)), None)  # False for any text
        return there or in_other_capitals(plain)

    def in_other_capitals(name: str) -> str | None:
        found = ""
        for part in name.split("/"):
            alike = spelt(found).get(part.casefold(), [])
            if len(alike) != 1:
                return None
            found += f"{'/' if found else ''}{alike[0]}"
        return found if os.path.isfile(folder / found) else None

    @cache
    def spelt(inner: str) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name in os.listdir(folder / inner) if os.path.isdir(folder / inner) else ():
            names.setdefault(composed(name).casefold(), []).append(name)
        return names

    return find, bases


def _may_hold_images(kind: pa.DataType) -> bool:
    """Whether a column of that type may hold the bytes of files: binary, or structs of `bytes` and `path`."""
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _may_hold_images(kind.field(place).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _bytes_of(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return pc.struct_field(column, "bytes") if pa.types.is_struct(column.type) else column


def _holds_images(column: pa.Array | pa.ChunkedArray) -> bool:
    head = [value for value in _bytes_of(column[:_SAMPLE]).to_pylist() if value]
    return bool(head) and 2 * sum(value.startswith(_MAGIC) for value in head) > len(head)


def within_list(
    records: Records, config: TrainConfig, notes: list[str], place: str
) -> tuple[pa.ChunkedArray, list[str], pa.Table | None] | None:
    """The bytes of images that a list itself holds, their names, and its other columns as labels; None if it holds
    none.

    Known are columns of bytes, and of structs with `bytes` and `path`, as Parquet files of images have them.
    """
    for field in records.table.schema:
        if _may_hold_images(field.type) and _holds_images(column := records.table.column(field.name)):
            labels = labels_of_list(records.table.drop_columns([field.name]), records.origin, config, notes, place)
            paths = pa.types.is_struct(field.type) and field.type.get_field_index("path") >= 0
            names = pc.struct_field(column, "path").to_pylist() if paths else [None] * len(records)
            return _bytes_of(column), [name or f"row {row + 1}" for row, name in enumerate(names)], labels
    return None


def from_list(
    records: Records, path: Path, config: TrainConfig, notes: list[str], strict: bool,
    suffixes: tuple[str, ...] = IMAGE_SUFFIXES, noun: str = "images",
) -> Labelled:  # fmt: skip
    """The files that a list names, from the list's folder on, in its order, and its other columns as labels.

    path: of the list, in whose folder and those in it files are looked for. Columns that are free text, or different in
    every row, are left out unless `config.given` names them.

    Raises:
        DataError: no column names files of these suffixes, none of them is there, or, if strict, one is missing.
    """
    (find, bases), place = beside(path), str(path)
    column, base, suffix = path_column(records, find, bases, place, suffixes, noun)
    values: list[str | None] = records.table.column(column).cast(pa.string()).to_pylist()
    names = [None if value is None or not value.strip() else base + value.strip() + suffix for value in values]
    named = {row: file for row, name in enumerate(names) if name is not None and (file := find(name))}
    there = first_rows(named, notes, place, noun)
    missing = [repr(values[row]) for row in range(len(names)) if row not in named]
    if missing:
        shown = ", ".join(missing[:_SHOWN]) + (", …" if len(missing) > _SHOWN else "")
        note = f"{len(missing):,} of {len(names):,} {noun} that its column {column!r} names are not there: {shown}"
        if strict or not there:
            rest = "leave off --strict, which skips them" if there else "take the list as a table with --kind table"
            raise DataError(f"{place}: {note}. Put them beside it, correct the list, or {rest}.")
        notes.append(f"{place}: {note}; they are skipped (--strict refuses them)")
    table = records.table.drop_columns([column]).take(list(there))
    labels = labels_of_list(table, records.origin, config, notes, place)
    return Labelled(list(there.values()), labels)


def first_rows(files: Mapping[int, str], notes: list[str], place: str, noun: str) -> dict[int, str]:
    """Row -> file of a list without the rows whose file another one named before, which a note counts."""
    kept = {file: row for row, file in reversed(list(files.items()))}
    if again := len(files) - len(kept):
        notes.append(f"{place}: {again:,} rows name {noun} again that rows before them name; they are left out")
    return {row: file for row, file in files.items() if kept[file] == row}


def path_column(
    records: Records, find: Callable[[str], object], bases: Sequence[str], place: str,
    suffixes: tuple[str, ...] = IMAGE_SUFFIXES, noun: str = "images",
) -> tuple[str, str, str]:  # fmt: skip
    """The column that names files of these suffixes, the folder to put before its values, and the suffix behind them.

    It is the one whose values name most files that are there, as they stand or else with a suffix behind them: where
    files are called 0.png, 1.png and on, a column of digits that are labels names some too.
    """
    best: tuple[tuple[bool, int], str, str, str] | None = None
    suffixed = None
    for field in records.table.schema:
        if not is_text(field.type):
            continue
        head = records.table.column(field.name).slice(0, 20 * _SAMPLE).cast(pa.string()).to_pylist()
        values = [value.strip() for value in head if value and value.strip()][:_SAMPLE]
        if values and sum(value.lower().endswith(suffixes) for value in values) > len(values) // 2:
            suffixed = suffixed or field.name
        for suffix in ("", *suffixes[:3]):
            named = [value for value in values if (value + suffix).lower().endswith(suffixes)]
            for base in bases if named else ():
                hits = sum(bool(find(base + value + suffix)) for value in set(named))
                if hits and (best is None or (not suffix, hits) > best[0]):
                    best = (not suffix, hits), field.name, base, suffix
    if best is not None:
        return best[1:]
    if suffixed is not None:
        return suffixed, "", ""
    listed = ", ".join(map(repr, records.table.column_names[:8]))
    raise DataError(
        f"{place}: none of its columns ({listed}) names {noun}. Give a list with a column of paths, from the list's "
        "own folder, such as faces/001.png; or take it as a table with --kind table."
    )


def labels_of_list(
    table: pa.Table, origin: Origin, config: TrainConfig, notes: list[str], place: str
) -> pa.Table | None:
    """The columns of a list that are labels: no free text, no parts such as folds, none that says what another does.

    Raises:
        OptionError: the config names a column that is not there.
    """
    if not table.num_columns:
        return None
    named = {*config.given, *(entry.rpartition("=")[0] for entry in config.column)}
    for name in sorted(named):
        if name not in table.column_names and name != "none":
            raise OptionError(f"{place}: there is no column {name!r} of labels. {nearest(name, table.column_names)}")
    schema = infer(Records(table, origin), config, notes=[], labels=True)
    kept: dict[str, Any] = {}
    left: list[str] = []
    for column in schema.columns:
        usable = column.modelled or column.type == "constant"
        why = _no_label(column, table, schema) if usable else column.type
        if column.name not in named and why:
            left.append(f"{column.name} ({why})")
        elif usable or column.name in {*config.given, *named}:
            kept[column.name] = column.typed(table.column(column.name)) if usable else table.column(column.name)
    if left:
        shown = ", ".join(left[:_SHOWN]) + (", …" if left[_SHOWN:] else "")
        notes.append(f"{place}: columns that are no labels are left out: {shown} (--column NAME=category takes one)")
    return pa.table(kept) if kept else None


def _no_label(column: Column, table: pa.Table, schema: Schema) -> str | None:
    """Why a column of few values is no label: a part of the data such as a fold, or the number of a named class."""
    if table.num_columns > 1 and column.name.lower() in _PARTS:
        return "a part of the data"
    cells = table.column(column.name)
    num = len(cells.unique())
    if num < 2 or not _is_numbers(cells):
        return None
    for other in schema.columns:
        names = table.column(other.name)
        if other.modelled and not _is_numbers(names) and len(names.unique()) == num:
            pairs = table.group_by([column.name, other.name]).aggregate([])
            if pairs.num_rows == num:
                return f"the number of its {other.name}"
    return None


def _is_numbers(cells: pa.ChunkedArray) -> bool:
    return all(re.fullmatch(r"-?\d+(\.\d+)?", str(cell).strip()) for cell in cells.unique().drop_null().to_pylist())

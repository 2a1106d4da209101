"""Writing: records to files and streams, and folders and zips of files named by row; batch after batch, in constant
memory, and whole or not at all.

Knows paths and formats; never what records mean.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Protocol, TextIO

import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.archives import PACKED, PACKINGS, strip_suffixes
from gankit.io.atomic import MARKER, complaints, whole_file, whole_folder
from gankit.io.formats import FORMATS, GUESSED, SHOWN, SUFFIXES, TEXT_FORMATS, Format
from gankit.io.formats.base import Sink
from gankit.io.records import Origin

_LABELS = "labels.csv"
_ROWS = 1 << 16

Typed = Callable[[pa.Table, bool], pa.Table]
"""Makes columns of texts what their texts mean: numbers, booleans and, if that is asked for, times."""


class Batch(Protocol):
    """Records with a file each, and their labels, one row a record."""

    @property
    def labels(self) -> pa.Table | None:
        """One row a record, or None."""
        ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class FileForm:
    """What the files of a kind are.

    noun: of the records, in texts. suffix: of a file. encode: from a batch to the bytes of its files, in order.
    sinks: of single files that hold many records, by their suffixes. known: all places, in words.
    hints: what is said of other suffixes.
    """

    noun: str
    suffix: str
    encode: Callable[[Any], Iterator[bytes]]
    sinks: Mapping[str, type[Sink]]
    known: str
    hints: Mapping[str, str] = field(default_factory=dict)


def write_files(batches: Iterable[Batch], path: str | Path, form: FileForm, origin: Origin, first_row: int) -> int:
    """Writes records, one batch after the other, and returns how many.

    path: without a suffix, or an existing folder: a folder of files named by row (`000123.png`), in class folders if
        the data came so, else with `labels.csv` beside them where they have labels; `.zip`: the same inside; or a
        suffix that `form` has a sink for. It appears under its name when it is whole.
    origin: how the data came. first_row: the number of the first record.

    Raises:
        OutputError: another suffix, a folder with other files in it, no permission, no space, or nothing to write.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    with complaints(target):
        if target.is_dir() or not suffix:
            with whole_folder(target, rf"(.*/)?\d{{6,}}{re.escape(form.suffix)}|{re.escape(_LABELS)}") as folder:

                def put(name: str, data: bytes) -> None:
                    (folder / name).parent.mkdir(exist_ok=True)
                    (folder / name).write_bytes(data)

                total = _Files(form, put, origin, target.name, first_row).feed(batches)
                (folder / MARKER).write_text(json.dumps({form.noun: total, "first_row": first_row}) + "\n")
                return total
        if suffix != ".zip" and suffix not in form.sinks:
            hint = form.hints.get(suffix, "")
            raise OutputError(f"{form.noun} are not written as {suffix!r}.{hint} Take one of: {form.known}.")
        with whole_file(target) as stream:
            return _write_one(batches, stream, form, suffix, origin, target.name, first_row)


def _write_one(
    batches: Iterable[Batch], stream: IO[bytes], form: FileForm, suffix: str, origin: Origin, name: str, row: int
) -> int:
    if suffix in form.sinks:
        return form.sinks[suffix](stream, origin, name, row).feed(batches)
    with zipfile.ZipFile(stream, "w") as archive:

        def add(name: str, data: bytes) -> None:
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_DEFLATED if name == _LABELS else zipfile.ZIP_STORED
            archive.writestr(info, data)

        return _Files(form, add, origin, name, row).feed(batches)


@dataclass(frozen=True)
class OutputFormat:
    """A format in which records can be written to a binary stream.

    name: as the suffix of such a file, without its point. media_type: of the bytes (RFC 6838).
    write: takes batches of records, the stream, how the data came, and the number of the first record.
    """

    name: str
    media_type: str
    write: Callable[[Iterable[Any], IO[bytes], Origin, int], Any]


def table_formats(write: Callable[..., Any], more: Mapping[str, str] = MappingProxyType({})) -> dict[str, OutputFormat]:
    """Every format of tables, and `more` (name -> media type). write: takes batches, a stream, origin and `format`."""

    def as_format(name: str) -> Callable[[Iterable[Any], IO[bytes], Origin, int], Any]:
        return lambda batches, stream, origin, _: write(batches, stream, origin, format=name)

    known = {f.name: f.media_type for f in FORMATS.values() if not f.is_guess} | dict(more)
    return {name: OutputFormat(name, media_type, as_format(name)) for name, media_type in known.items()}


def file_formats(form: FileForm, media_types: Mapping[str, str]) -> dict[str, OutputFormat]:
    """The formats of files that hold many records of `form`, and a zip archive; media_types: by name."""

    def as_suffix(name: str) -> Callable[[Iterable[Any], IO[bytes], Origin, int], Any]:
        return lambda batches, stream, origin, row: _write_one(
            batches, stream, form, f".{name}", origin, "the output", row
        )

    return {name: OutputFormat(name, media_type, as_suffix(name)) for name, media_type in media_types.items()}


class _Files(Sink):
    """Files named by row, and their labels: as folders, or as a list beside them. put: keeps a file under its name."""

    def __init__(self, form: FileForm, put: Callable[[str, bytes], None], origin: Origin, name: str, row: int) -> None:
        super().__init__(io.BytesIO(), origin, name, row)
        self._list = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115  # closed in release()
        self._form, self._put, self.noun = form, put, form.noun
        self._columns: list[str] | None = None

    def write(self, batch: Any) -> None:
        labels = batch.labels
        classes = self.origin.details.get("classes") and labels is not None and labels.column_names == ["label"]
        folders = labels.column("label").to_pylist() if classes else [None] * len(batch)
        names = []
        for row, (folder, data) in enumerate(zip(folders, self._form.encode(batch), strict=False), self.row):
            name = ("" if folder is None else f"{_folder_name(str(folder))}/") + f"{row:06d}{self._form.suffix}"
            self._put(name, data)
            names.append(name)
        if labels is not None and not classes:
            self._note(names, labels)
        self.row += len(batch)

    def _note(self, names: list[str], labels: pa.Table) -> None:
        writer = csv.writer(self._list, lineterminator="\n")
        if self._columns is None:
            self._columns = labels.column_names
            first = "file" if "file" not in self._columns else f"{self._form.noun.removesuffix('s')}_file"
            writer.writerow([first, *self._columns])
        writer.writerows(zip(names, *(labels.column(name).to_pylist() for name in self._columns), strict=True))

    def close(self) -> None:
        if self._columns is not None:
            self._list.seek(0)
            self._put(_LABELS, self._list.read().encode())

    def release(self) -> None:
        self._list.close()


def _folder_name(label: str) -> str:
    """A class as the name of a folder: what would leave the folder, or hide in it, is written otherwise."""
    name = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", label).strip() or "_"
    return re.sub(r"^\.", "_", name)


def write(
    batches: Iterable[pa.Table], path: str | Path | TextIO | IO[bytes], origin: Origin, typed: Typed, *,
    format: str | None = None,
) -> int:  # fmt: skip
    """Writes tables of one schema, one after the other, and returns how many rows.

    batches: records in the user's own form.
    path: a file, whose suffix tells the format (`.csv .tsv .parquet .arrow .feather .jsonl .json .xml .npy .npz`, and
        `.txt` for texts, one a line; text formats also with `.gz`, `.bz2`, `.xz` or as the one member of a `.zip`); `-`
        for standard output, or a stream, in origin's format. A file appears under its name when it is whole; before,
        what was there stays.
    typed: applied where the format has types.
    format: in place of what the suffix says.

    Raises:
        OutputError: an unknown suffix, a folder, no permission, no space left, or records that the format cannot hold.
    """
    if not isinstance(path, str | Path) or str(path) == "-":
        chosen, _ = _format_for("-", origin, format)
        stream: Any = sys.stdout if isinstance(path, str | Path) else path
        stream = getattr(stream, "buffer", stream)
        if isinstance(stream, io.TextIOBase):
            if not chosen.is_text:
                raise OutputError(f"{chosen.name} is not text and cannot go to a stream of text. Give a file with -o.")
            origin, stream = replace(origin, encoding="utf-8"), _Decoding(stream)
        return _run(batches, stream, origin, typed, chosen, "the output")
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"{str(path)!r} is a folder. Name a file in it, such as {str(target / 'synthetic.csv')!r}.")
    chosen, compression = _format_for(target.name, origin, format)
    with complaints(target), whole_file(target) as file, _packed(file, target, chosen, compression) as inner:
        return _run(batches, inner, origin, typed, chosen, target.name)


def _format_for(name: str, origin: Origin, format: str | None) -> tuple[Format, str | None]:
    """The format and the compression for a file's name; `-` takes the origin's format, or CSV.

    Raises:
        OutputError: no format is known by this suffix.
    """
    lower = name.lower()
    compression = next((kind for kind in (*PACKINGS, "zip") if lower.endswith("." + kind)), None)
    inner = Path(name[: -len(compression) - 1] if compression else name).suffix.lower()
    fallback = origin.format if origin.format in FORMATS else "csv"
    if format is not None:
        chosen = format
    elif "texts" in origin.details and inner in GUESSED and name != "-":
        chosen = GUESSED[inner]
    elif name == "-" or (compression and inner not in SUFFIXES):
        chosen = fallback if name == "-" or fallback in TEXT_FORMATS else "csv"
    elif inner in SUFFIXES:
        chosen = SUFFIXES[inner]
        # `.txt` and the like are what the data was.
        chosen = origin.format if chosen == "csv" and inner != ".csv" and origin.format in ("csv", "tsv") else chosen
    else:
        raise OutputError(
            f"the suffix of {name!r} tells no format. Take one of {', '.join(SHOWN)} (text also {', '.join(PACKED)})."
        )
    if chosen not in FORMATS:
        raise OutputError(f"the format {chosen!r} is not known. Take one of {', '.join(FORMATS)}.")
    if compression and not FORMATS[chosen].is_text:
        raise OutputError(f"{chosen} is compressed by itself: leave .{compression} off {name!r}.")
    return FORMATS[chosen], compression


def _run(
    batches: Iterable[pa.Table], stream: IO[bytes], origin: Origin, typed: Typed, format: Format, name: str
) -> int:
    """Feeds a format's sink with tables of a good size."""
    tables = _gathered(batches)
    if format.has_types:
        tables = (typed(table, not format.is_text) for table in tables)
    total = format.sink(stream, origin, name).feed(tables)
    stream.flush()
    return total


def _gathered(batches: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of about 65,536: small row groups make large files and slow readers."""
    waiting: list[pa.Table] = []
    seen = False
    for table in batches:
        waiting.append(table)
        if sum(map(len, waiting)) >= _ROWS:
            yield pa.concat_tables(waiting)
            waiting, seen = [], True
    if any(map(len, waiting)) or (waiting and not seen):
        yield pa.concat_tables(waiting)


class _Decoding:
    """A stream of text as one of bytes: it has what a sink needs."""

    def __init__(self, stream: io.TextIOBase) -> None:
        self._stream = stream
        self.flush = stream.flush

    def write(self, data: bytes | memoryview) -> int:
        self._stream.write(bytes(data).decode("utf-8"))
        return len(data)


@contextlib.contextmanager
def _packed(file: IO[bytes], target: Path, format: Format, compression: str | None) -> Iterator[IO[bytes]]:
    if compression == "gz":
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=6) as packed:
            yield packed  # type: ignore[misc]  # a GzipFile is a binary stream in all but name
    elif compression in PACKINGS:
        with import_module(PACKINGS[compression]).open(file, "wb") as packed:
            yield packed
    elif compression == "zip":
        inner = target.name[:-4]
        known = Path(inner).suffix.lower() in SUFFIXES
        member = inner if known else f"{strip_suffixes(inner, tuple(SUFFIXES))}.{format.name}"
        info = zipfile.ZipInfo(member)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        with zipfile.ZipFile(file, "w") as archive, archive.open(info, "w", force_zip64=True) as packed:
            yield packed
    else:
        yield file

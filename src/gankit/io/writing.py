"""Writing records to files and streams, batch after batch: in constant memory, and whole or not at all.

Knows formats and how each is written; never torch, and never where rows come from.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, TextIO

import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.atomic import complaints, whole_file
from gankit.io.formats import FORMATS, LINE_SUFFIXES, SHOWN, SUFFIXES, TEXT_FORMATS, Format
from gankit.io.opening import strip_suffixes
from gankit.io.origin import Origin

_ROWS = 1 << 16

Typed = Callable[[pa.Table, bool], pa.Table]
"""Makes columns of texts what their texts mean: numbers, booleans and, if that is asked for, times."""


def write(
    batches: Iterable[pa.Table], path: str | Path | TextIO | IO[bytes], origin: Origin, typed: Typed, *,
    format: str | None = None,
) -> int:  # fmt: skip
    """Writes tables of one schema, one after the other, and returns how many rows.

    batches: records in the user's own form.
    path: a file, whose suffix tells the format (`.csv .tsv .parquet .arrow .feather .jsonl .json .xml .npy .npz`, and
        `.txt` for texts, one a line; text formats also with `.gz` or as the one member of a `.zip`); `-` for standard
        output, or a stream, in origin's format. A file appears under its name when it is whole; before, what was there
        stays.
    typed: applied where the format has types.
    format: in place of what the suffix says.

    Raises:
        OutputError: an unknown suffix, a folder, no permission, no space left, or records that the format cannot hold.
    """
    if not isinstance(path, str | Path) or str(path) == "-":
        stream = sys.stdout if isinstance(path, str | Path) else path
        chosen, _ = _format_for("-", origin, format)
        binary: Any = getattr(stream, "buffer", stream)
        if isinstance(binary, io.TextIOBase):
            if not chosen.is_text:
                raise OutputError(f"{chosen.name} is not text and cannot go to a stream of text. Give a file with -o.")
            return _write_text(batches, binary, origin, typed, chosen)
        return _run(batches, binary, origin, typed, chosen, "the output")
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"{str(path)!r} is a folder. Name a file in it, such as {str(target / 'fakes.csv')!r}.")
    chosen, compression = _format_for(target.name, origin, format)
    with complaints(target), whole_file(target) as file, _packed(file, target, chosen, compression) as inner:
        return _run(batches, inner, origin, typed, chosen, target.name)


def _format_for(name: str, origin: Origin, format: str | None) -> tuple[Format, str | None]:
    """The format and the compression (None, "gz", "zip") for a file's name; `-` takes the origin's format, or CSV.

    Raises:
        OutputError: no format is known by this suffix.
    """
    lower = name.lower()
    compression = next((kind for kind in ("gz", "zip") if lower.endswith("." + kind)), None)
    inner = Path(name[: -len(compression) - 1] if compression else name).suffix.lower()
    fallback = origin.format if origin.format in FORMATS else "csv"
    if format is not None:
        chosen = format
    elif "texts" in origin.details and inner in LINE_SUFFIXES and name != "-":
        chosen = "txt"
    elif name == "-" or (compression and inner not in SUFFIXES):
        chosen = fallback if name == "-" or fallback in TEXT_FORMATS else "csv"
    elif inner in SUFFIXES:
        chosen = SUFFIXES[inner]
        # `.txt` and the like are what the data was.
        chosen = origin.format if chosen == "csv" and inner != ".csv" and origin.format in ("csv", "tsv") else chosen
    else:
        raise OutputError(
            f"the suffix of {name!r} tells no format. Take one of {', '.join(SHOWN)} (text also with .gz or .zip)."
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
    size = 0
    seen = False
    for table in batches:
        waiting.append(table)
        size += table.num_rows
        if size >= _ROWS:
            yield pa.concat_tables(waiting)
            waiting, size, seen = [], 0, True
    if waiting and (size or not seen):
        yield pa.concat_tables(waiting)


def _write_text(
    batches: Iterable[pa.Table], stream: io.TextIOBase, origin: Origin, typed: Typed, format: Format
) -> int:
    class _Decoding(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            stream.write(bytes(data).decode("utf-8"))
            return len(data)

    binary: Any = _Decoding()  # has what a sink needs: write and flush
    return _run(batches, binary, replace(origin, encoding="utf-8"), typed, format, "the output")


@contextlib.contextmanager
def _packed(file: IO[bytes], target: Path, format: Format, compression: str | None) -> Iterator[IO[bytes]]:
    if compression == "gz":
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=6) as packed:
            yield packed  # type: ignore[misc]  # a GzipFile is a binary stream in all but name
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

"""Reading: a path, standard input or a Python object to records in the user's own form.

Knows what tells a format; never torch, and never what a column means.
"""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.archives import refuse_unknown
from gankit.io.formats import FOREIGN, FORMATS, SUFFIXES
from gankit.io.opening import strip_suffixes, unpack
from gankit.io.origin import Origin, Records
from gankit.io.probe import probed


def read(source: Any, config: TrainConfig | None = None, *, notes: list[str] | None = None) -> Records:
    """Records from a path, from standard input (`-`) or from a Python object.

    source: a path to CSV, TSV, Parquet, Arrow/Feather, JSON lines, JSON, XML, .npy or .npz, perhaps .gz or .zip; a
        binary stream; a pandas or polars DataFrame or Series, an Arrow table, a NumPy array, a list, or a dict of
        columns.
    config: `format`, `delimiter`, `encoding`, `header`, `skip_bad_lines` and `xpath` are obeyed; what they leave open
        is found out.
    notes: one line is appended for every decision that was not obvious.

    Raises:
        DataError: it cannot be read; the text says where and what to do. OptionError: an option does not fit.
    """
    config = config or TrainConfig()
    notes = [] if notes is None else notes
    with probed(source) as probe:
        if probe.is_bytes:
            refuse_unknown(probe.files, (*SUFFIXES, ".ts"))
            records = read_bytes(probe.data(), probe.file_name, config, notes)
        else:
            from gankit.io.objects import from_object

            records = from_object(probe.source, notes)
        return _checked(records, probe.place)


def _checked(records: Records, name: str) -> Records:
    names = records.table.column_names
    twice = [column for column, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"{name!r} has {names.count(twice[0])} columns named {twice[0]!r}. Give every column its own name."
        )
    if not names:
        raise DataError(f"{name!r} has no columns. Give data with at least one.")
    if records.table.num_rows == 0:
        raise DataError(f"{name!r} has columns ({', '.join(names[:5])}) and no records. Give data with records.")
    return records


def read_bytes(data: bytes, name: str, config: TrainConfig, notes: list[str]) -> Records:
    """Records from the bytes of a file of that name (`-`: none; its content tells the format)."""
    data, inner, compression = unpack(data, name)
    format = FORMATS[config.format or _format_of(inner, data)]
    origin = Origin(format.name, name=stem_of(name), compression=compression)
    try:
        return format.read(data, name, origin, config, notes)
    except (pa.ArrowException, OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{name!r} is damaged or no {format.name} file: {str(error).splitlines()[0]}. Take another copy."
        ) from error


def stem_of(name: str) -> str:
    """A file's name without its folder and suffixes; of a stream (`-`) "data"."""
    return "data" if name == "-" else strip_suffixes(Path(name).name, (".gz", ".zip", *SUFFIXES))


def _format_of(name: str, data: bytes) -> str:
    suffix = Path(name).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if suffix in FOREIGN:
        raise DataError(f"{name!r} is {FOREIGN[suffix]}, which is not read. Save it as CSV or Parquet.")
    return next((format.name for format in FORMATS.values() if format.begins(data)), "csv")

"""Reading: a path, standard input or a Python object to records in the user's own form.

Knows formats and how each is read; never torch, and never what a column means.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io import opening as textfile
from gankit.io.archives import refuse_unknown
from gankit.io.formats.csv import read_delimited
from gankit.io.origin import Origin, Records

SUFFIXES = {
    ".csv": "csv", ".txt": "csv", ".data": "csv", ".dat": "csv", ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet",
    ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".json": "json", ".xml": "xml", ".npy": "npy", ".npz": "npz",
}  # fmt: skip
"""What each suffix means, for reading and writing."""

_MAGIC = ((b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"FEA1", "arrow"), (b"\x93NUMPY", "npy"))
_FOREIGN = {
    ".xlsx": "a spreadsheet", ".xls": "a spreadsheet", ".ods": "a spreadsheet", ".pkl": "a pickle (which can run code)",
    ".pickle": "a pickle (which can run code)", ".h5": "an HDF5 file", ".hdf5": "an HDF5 file", ".mat": "a MATLAB file",
    ".sav": "an SPSS file", ".dta": "a Stata file", ".db": "a database", ".sqlite": "a database",
}  # fmt: skip


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
    if isinstance(source, str | Path):
        refuse_unknown(Path(source), (*SUFFIXES, ".ts"))
        data, name = textfile.load(source)
        records = read_bytes(data, name, config, notes)
    elif hasattr(source, "read"):
        content = source.read()
        data = content.encode() if isinstance(content, str) else content
        if not data:
            raise DataError("the stream is empty. Give one with records.")
        records = read_bytes(data, "-", config, notes)
    else:
        from gankit.io.objects import from_object

        records = from_object(source, notes)
    return _checked(records, str(source) if isinstance(source, str | Path) else f"the {type(source).__name__}")


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
    data, inner, compression = textfile.unpack(data, name)
    format = config.format or _format_of(inner, data)
    stem = "data" if name == "-" else textfile.strip_suffixes(Path(name).name, (".gz", ".zip", *SUFFIXES))
    origin = Origin(format, name=stem, compression=compression)
    try:
        match format:
            case "csv" | "tsv":
                return _delimited(data, name, config, notes, origin)
            case "jsonl" | "json":
                return _json(data, name, config, notes, origin)
            case "xml":
                return _xml(data, name, config, notes, origin)
            case "parquet" | "arrow":
                return _typed(data, name, origin)
            case _:
                return _arrays(data, name, origin)
    except (pa.ArrowException, OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{name!r} is damaged or no {format} file: {str(error).splitlines()[0]}. Take another copy."
        ) from error


def _format_of(name: str, data: bytes) -> str:
    suffix = Path(name).suffix.lower()
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if suffix in _FOREIGN:
        raise DataError(f"{name!r} is {_FOREIGN[suffix]}, which is not read. Save it as CSV or Parquet.")
    for magic, format in _MAGIC:
        if data.startswith(magic):
            return format
    if data.startswith(b"PK\x03\x04"):
        return "npz"
    head = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        return "xml"
    return "jsonl" if head.startswith(b"{") else "json" if head.startswith(b"[") else "csv"


def _delimited(data: bytes, name: str, config: TrainConfig, notes: list[str], origin: Origin) -> Records:
    text, encoding = textfile.decode(data, name, config.encoding, notes)
    table, dialect, renamed = read_delimited(
        text,
        name,
        notes,
        delimiter=config.delimiter,
        header=config.header,
        tabs=origin.format == "tsv",
        skip_bad_lines=config.skip_bad_lines,
    )
    return Records(
        table,
        Origin(
            origin.format,
            name=origin.name,
            compression=origin.compression,
            encoding=encoding,
            delimiter="," if dialect.delimiter == "\x1f" else dialect.delimiter,
            quoting=dialect.quoting,
            escape=dialect.escape,
            newline=dialect.newline,
            header=dialect.header,
            renamed=renamed,
        ),
    )


def _typed(data: bytes, name: str, origin: Origin) -> Records:
    buffer = pa.BufferReader(data)
    if origin.format == "parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(buffer)
    elif data.startswith(b"FEA1"):
        from pyarrow import feather

        table = feather.read_table(buffer)
    else:
        opener = pa.ipc.open_file if data.startswith(b"ARROW1") else pa.ipc.open_stream
        table = opener(buffer).read_all()
    return Records(table.replace_schema_metadata(None), origin)


def _xml(data: bytes, name: str, config: TrainConfig, notes: list[str], origin: Origin) -> Records:
    from gankit.io.formats.xml import read_xml

    if config.encoding is not None:
        data, _ = textfile.decode(data, name, config.encoding, notes)
    table, details = read_xml(data, name, config.xpath, notes)
    return Records(table, Origin("xml", name=origin.name, compression=origin.compression, details=details))


def _json(data: bytes, name: str, config: TrainConfig, notes: list[str], origin: Origin) -> Records:
    text, encoding = textfile.decode(data, name, config.encoding, notes)
    rows: list[Any]
    format = origin.format
    try:
        whole = json.loads(text)
        rows, format = (whole, "json") if isinstance(whole, list) else ([whole], "jsonl")
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] == b"[" and format == "json":
            raise DataError(
                f"{name!r}, line {error.lineno}: no well-formed JSON ({error.msg}). Correct it there."
            ) from error
        rows, format = _json_lines(text, name), "jsonl"
    from gankit.io.objects import table_of_dicts

    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(
                f'{name!r}, record {number + 1}: expected an object like {{"age": 39}}, found {str(row)[:40]!r}.'
            )
    table = table_of_dicts(rows, name, notes)
    return Records(table, Origin(format, name=origin.name, compression=origin.compression, encoding=encoding))


def _json_lines(text: bytes, name: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise DataError(
                f"{name!r}, line {number}: no well-formed JSON ({error.msg} at column {error.colno}). Correct "
                f"or remove this line."
            ) from error
    return rows


def _arrays(data: bytes, name: str, origin: Origin) -> Records:
    import numpy as np

    from gankit.io.objects import records_of_arrays

    if origin.format == "npz":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if not any(member.filename.endswith(".npy") for member in archive.infolist()):
                held = ", ".join(repr(member.filename) for member in archive.infolist()[:5]) or "nothing"
                raise DataError(
                    f"{name!r} holds no arrays: it is an archive of {held}. Unpack it and give what is inside."
                )
        textfile.check_unpacked(size, len(data), name, textfile.largest_size())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        arrays = {"": loaded}
    else:
        with loaded:
            arrays = {key: loaded[key] for key in loaded.files}
    return records_of_arrays(arrays, name, Origin(origin.format, name=origin.name, compression=origin.compression))

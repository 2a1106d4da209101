"""Writing texts: lines, tables, and a folder of a file a class; batch after batch, and whole or not at all.

Knows formats; never where texts come from, torch or networks.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa

from gankit.columns.rows import write
from gankit.errors import OutputError
from gankit.io.lines import LinesSink
from gankit.io.origin import Origin
from gankit.io.writing import complaints
from gankit.kinds.texts.records import column_of

_MARKER = ".gankit"


def write_texts(batches: Iterable[pa.Table], path: str | Path, origin: Origin, *, format: str | None = None) -> int:
    """Writes tables of texts, one after the other, and returns how many texts.

    path: without a suffix, or an existing folder: a folder of .txt files, one a label; else as for `write`. It appears
        under its name when it is whole.

    Raises:
        OutputError: as for `write`; or a folder for texts without labels, or with several, or with files of others.
    """
    if isinstance(path, str) and path == "-":
        return write(batches, path, origin, format=format)
    target = Path(path)
    if format is not None or (target.suffix and not target.is_dir()):
        return write(batches, target, origin, format=format)
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{str(target)!r} is a file, and a name without a suffix means a folder. Name another.")
    with complaints(target):
        return _write_folder(batches, target, origin)


def _write_folder(batches: Iterable[pa.Table], target: Path, origin: Origin) -> int:
    """Writes a folder beside the place, and moves it there when it is whole; what was there goes only then."""
    if target.is_dir():
        _check_own(target)
    target = target.resolve()
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        # A folder in the temporary one, which only its owner may enter: it gets the permissions of any new folder.
        new = aside / "new"
        new.mkdir()
        total = _files_of_labels(batches, new, origin, target)
        (new / _MARKER).write_text(json.dumps({"texts": total}) + "\n", "utf-8")
        if target.exists():
            os.replace(target, aside / "old")
        os.replace(new, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return total


def _files_of_labels(batches: Iterable[pa.Table], folder: Path, origin: Origin, target: Path) -> int:
    total = 0
    sinks: dict[str, LinesSink] = {}
    with ExitStack() as opened:
        for table in batches:
            labels = [name for name in table.column_names if name != column_of(origin)]
            if len(labels) != 1:
                found = f"{len(labels)} labels ({', '.join(labels)})" if labels else "no labels"
                raise OutputError(
                    f"{str(target)!r}: a folder holds a file a label, and these texts have {found}. Write "
                    f"{str(target) + ('.csv' if labels else '.txt')!r}."
                )
            cells = table.column(labels[0]).cast(pa.string()).to_pylist()
            for label in dict.fromkeys(cells):
                if label not in sinks:
                    file: IO[bytes] = opened.enter_context((folder / _file_name(label, sinks)).open("wb"))
                    sinks[label] = LinesSink(file, table.schema, origin, str(target))
                rows = [row for row, cell in enumerate(cells) if cell == label]
                sinks[label].write(table.take(pa.array(rows)))
            total += table.num_rows
    return total


def _file_name(label: str | None, others: Iterable[str]) -> str:
    """The name of a label's file, such that reading the folder gives the label back where a file's name can hold it."""
    plain = re.sub(r"[/\\\x00-\x1f]", "_", "missing" if label is None else label).strip() or "_"
    plain = f"_{plain}" if plain.startswith(".") else plain
    return f"{plain}.txt" if plain == label else f"{plain} {len(list(others))}.txt"


def _check_own(folder: Path) -> None:
    """Refuses a folder with files that gankit did not write: they would be lost."""
    entries = [entry.name for entry in folder.iterdir()]
    strange = [name for name in entries if not name.endswith(".txt") and name != _MARKER]
    if entries and (strange or _MARKER not in entries):
        raise OutputError(
            f"the folder {str(folder)!r} holds files that gankit did not write, such as {(strange or entries)[0]!r}. "
            "Name a new or an empty folder."
        )

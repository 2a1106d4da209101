"""Writing texts: lines, tables, and a folder of a file a class; batch after batch, and whole or not at all.

Knows formats; never where texts come from, torch or networks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pyarrow as pa

from gankit.columns.rows import write
from gankit.errors import OutputError
from gankit.io.atomic import MARKER, complaints, whole_folder
from gankit.io.formats.lines import LinesSink
from gankit.io.origin import Origin
from gankit.kinds.texts.records import column_of


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
    with complaints(target), whole_folder(target, r"[^/]*\.txt") as folder:
        total = _files_of_labels(batches, folder, origin, target)
        (folder / MARKER).write_text(json.dumps({"texts": total}) + "\n", "utf-8")
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
                    sinks[label] = LinesSink(file, origin, str(target))
                    sinks[label].begin(table)
                rows = [row for row, cell in enumerate(cells) if cell == label]
                sinks[label].write(table.take(pa.array(rows)))
            total += table.num_rows
    return total


def _file_name(label: str | None, others: Iterable[str]) -> str:
    """The name of a label's file, such that reading the folder gives the label back where a file's name can hold it."""
    plain = re.sub(r"[/\\\x00-\x1f]", "_", "missing" if label is None else label).strip() or "_"
    plain = f"_{plain}" if plain.startswith(".") else plain
    return f"{plain}.txt" if plain == label else f"{plain} {len(list(others))}.txt"

"""Folders and zips of files named by row, with their labels: batch after batch, and whole or not at all.

Knows names, labels and bytes; never what is in a file.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.atomic import MARKER, complaints, whole_file, whole_folder
from gankit.io.formats.base import Sink
from gankit.io.origin import Origin

_LABELS = "labels.csv"


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
            if suffix in form.sinks:
                return form.sinks[suffix](stream, origin, target.name, first_row).feed(batches)
            with zipfile.ZipFile(stream, "w") as archive:

                def add(name: str, data: bytes) -> None:
                    info = zipfile.ZipInfo(name)
                    info.external_attr = 0o644 << 16
                    info.compress_type = zipfile.ZIP_DEFLATED if name == _LABELS else zipfile.ZIP_STORED
                    archive.writestr(info, data)

                return _Files(form, add, origin, target.name, first_row).feed(batches)


class _Files(Sink):
    """Files named by row, and their labels: as folders, or as a list beside them. put: keeps a file under its name."""

    def __init__(self, form: FileForm, put: Callable[[str, bytes], None], origin: Origin, name: str, row: int) -> None:
        super().__init__(io.BytesIO(), origin, name, row)
        self._list = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115  # closed in release()
        self._form, self._put, self.noun = form, put, form.noun
        self._columns: list[str] | None = None

    def write(self, batch: Any) -> None:
        labels = batch.labels
        classes = bool(self.origin.details.get("classes")) and labels is not None and labels.column_names == ["label"]
        folders = labels.column("label").to_pylist() if classes and labels is not None else None
        names = []
        for place, data in enumerate(self._form.encode(batch)):
            name = f"{self.row + place:06d}{self._form.suffix}"
            if folders is not None and folders[place] is not None:
                name = f"{_folder_name(str(folders[place]))}/{name}"
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

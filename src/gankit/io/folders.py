"""Folders and zips of files named by row, with their labels: batch after batch, and whole or not at all.

Knows names, labels and bytes; never what is in a file.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.origin import Origin

_MARKER = ".gankit"
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
    """

    noun: str
    suffix: str
    encode: Callable[[Any], Iterator[bytes]]


class Sink(ABC):
    """Takes batches of records. stream: where the bytes go. first_row: the number of the first record."""

    def __init__(self, stream: IO[bytes], origin: Origin, first_row: int) -> None:
        self.stream, self.origin, self.row = stream, origin, first_row

    @abstractmethod
    def write(self, batch: Any) -> None:
        """Writes records."""

    @abstractmethod
    def close(self) -> None:
        """Writes what stands behind them."""

    def abandon(self) -> None:  # noqa: B027  # most sinks hold nothing
        """Lets go of what the sink holds."""


def fed(sink: Sink, batches: Iterable[Batch], name: str, noun: str) -> int:
    """Gives all batches to a sink, and returns how many records they had."""
    total = 0
    try:
        for batch in batches:
            sink.write(batch)
            total += len(batch)
        if not total:
            raise OutputError(f"there is nothing to write into {name!r}: no {noun}. Ask for one at least.")
        sink.close()
    finally:
        sink.abandon()
    return total


class _Files(Sink):
    """Files named by row, and their labels: as folders, or as a list beside them."""

    def __init__(self, form: FileForm, origin: Origin, first_row: int) -> None:
        super().__init__(io.BytesIO(), origin, first_row)
        self._form = form
        self._list = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115  # closed in abandon()
        self._columns: list[str] | None = None

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Keeps a file."""

    def write(self, batch: Any) -> None:
        labels = batch.labels
        classes = bool(self.origin.details.get("classes")) and labels is not None and labels.column_names == ["label"]
        folders = labels.column("label").to_pylist() if classes and labels is not None else None
        names = []
        for place, data in enumerate(self._form.encode(batch)):
            name = f"{self.row + place:06d}{self._form.suffix}"
            if folders is not None and folders[place] is not None:
                name = f"{_folder_name(str(folders[place]))}/{name}"
            self.put(name, data)
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
            self.put(_LABELS, self._list.read().encode())

    def abandon(self) -> None:
        self._list.close()


def _folder_name(label: str) -> str:
    """A class as the name of a folder: what would leave the folder, or hide in it, is written otherwise."""
    name = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", label).strip() or "_"
    return re.sub(r"^\.", "_", name)


class _FolderFiles(_Files):
    def __init__(self, folder: Path, form: FileForm, origin: Origin, first_row: int) -> None:
        super().__init__(form, origin, first_row)
        self._folder = folder
        self._made: set[str] = set()

    def put(self, name: str, data: bytes) -> None:
        parent = name.rpartition("/")[0]
        if parent not in self._made:
            (self._folder / parent).mkdir(exist_ok=True)
            self._made.add(parent)
        (self._folder / name).write_bytes(data)


class _ZipFiles(_Files):
    def __init__(self, stream: IO[bytes], form: FileForm, origin: Origin, first_row: int) -> None:
        super().__init__(form, origin, first_row)
        self._archive = zipfile.ZipFile(stream, "w")

    def put(self, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if name == _LABELS else zipfile.ZIP_STORED
        self._archive.writestr(info, data)

    def close(self) -> None:
        super().close()
        self._archive.close()

    def abandon(self) -> None:
        super().abandon()
        # After an error the archive must not write its end into a stream that is closed.
        self._archive.fp = None


def zip_files(stream: IO[bytes], form: FileForm, origin: Origin, first_row: int) -> Sink:
    """What takes records into a zip archive of such files."""
    return _ZipFiles(stream, form, origin, first_row)


def write_folder(batches: Iterable[Batch], target: Path, form: FileForm, origin: Origin, first_row: int) -> int:
    """Writes a folder beside the place, and moves it there when it is whole; what was there goes only then."""
    if target.exists() and not target.is_dir():
        raise OutputError(f"{str(target)!r} is a file, and a name without a suffix means a folder. Name another.")
    if target.is_dir():
        _check_own(target, form)
    target = target.resolve()
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        # A folder in the temporary one, which only its owner may enter: it gets the permissions of any new folder.
        new = aside / "new"
        new.mkdir()
        total = fed(_FolderFiles(new, form, origin, first_row), batches, target.name, form.noun)
        (new / _MARKER).write_text(json.dumps({form.noun: total, "first_row": first_row}) + "\n")
        if target.exists():
            os.replace(target, aside / "old")
        try:
            os.replace(new, target)
        except OSError:
            if (aside / "old").exists():
                os.replace(aside / "old", target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return total


def _check_own(folder: Path, form: FileForm) -> None:
    """Refuses a folder with files that gankit did not write: they would be lost."""
    own = re.compile(rf"\d{{6,}}{re.escape(form.suffix)}$")
    entries = [entry for entry in folder.rglob("*") if not entry.is_dir()]
    strange = [
        entry
        for entry in entries
        if not own.match(entry.name) and entry.relative_to(folder).as_posix() not in (_MARKER, _LABELS)
    ]
    if entries and (strange or not (folder / _MARKER).is_file()):
        example = (strange or entries)[0].relative_to(folder).as_posix()
        raise OutputError(
            f"the folder {str(folder)!r} holds files that gankit did not write, such as {example!r}. Name a new or an "
            "empty folder."
        )

"""A source that every kind of data looks at in turn: opened once, its head, files and bytes kept for who reads it.

Knows paths, streams and objects; never what is in them.
"""

from __future__ import annotations

import io
import lzma
import sys
import zlib
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import IO, Any, TypeVar

from gankit.arguments import path_of
from gankit.errors import DataError, suggestion
from gankit.io.archives import (
    PACKINGS,
    WORKBOOKS,
    Collection,
    Folder,
    archive_and_part,
    open_archive,
    packing_of,
    part_of,
)
from gankit.io.databases.addresses import SQLITE, is_address, masked
from gankit.io.objects import plain_object

HEAD = 1 << 16
"""Bytes of a file that kinds of data look at."""

T = TypeVar("T")


class Probe:
    """A source: a path, "-" for standard input, a stream or a Python object; and what was found out about it so far.

    Within `with` it holds what it opened.
    """

    def __init__(self, source: Any) -> None:
        self.source = plain_object(source)
        if isinstance(source, str | Path) and not is_address(str(source)):
            path_of(source, "the data")
        self._found: dict[Hashable, Any] = {}
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None:
        files = self.__dict__.pop("collection", None)
        if files is not None:
            files.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made when it is first asked for under that key."""
        if key not in self._found:
            self._found[key] = make()
        found: T = self._found[key]
        return found

    @cached_property
    def path(self) -> Path | None:
        """The path, where the source is one."""
        is_path = isinstance(self.source, str | Path) and not self.is_standard_input and not self.is_address
        return Path(self.source) if is_path else None

    @property
    def is_address(self) -> bool:
        """Whether the source is the address of a database."""
        return is_address(self.source)

    @property
    def is_standard_input(self) -> bool:
        """Whether the source is "-"."""
        return isinstance(self.source, str | Path) and str(self.source) == "-"

    @property
    def is_sqlite(self) -> bool:
        """Whether the source is a SQLite file, or a table in one (`shop.db/orders`)."""
        return self.file is not None and self.head.startswith(SQLITE)

    @property
    def is_bytes(self) -> bool:
        """Whether the source is a path, standard input or a stream rather than another object."""
        return (isinstance(self.source, str | Path) and not self.is_address) or hasattr(self.source, "read")

    @property
    def name(self) -> str | None:
        """What errors call the source: its path or address, or "standard input"; None for objects."""
        if not isinstance(self.source, str | Path):
            return None
        return "standard input" if self.is_standard_input else repr(self.place)

    @property
    def place(self) -> str:
        """What notes call the source: its path or address, or its type."""
        if self.is_address:
            return masked(self.source)
        return str(self.source) if isinstance(self.source, str | Path) else f"the {type(self.source).__name__}"

    @property
    def file_name(self) -> str:
        """The name of the file; "-" of a stream."""
        return (self.file or self.path).name if self.path is not None else "-"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder on disk."""
        return self._place[0] is not None and self._place[0].is_dir()

    @property
    def file(self) -> Path | None:
        """The file that is there; of a path such as `images.zip/train` the archive. None without one."""
        return None if self.is_folder else self._place[0]

    @property
    def part(self) -> str:
        """The place in the file that a path such as `images.zip/train` names, or an empty text."""
        return self._place[1]

    @cached_property
    def _place(self) -> tuple[Path | None, str]:
        if self.path is None:
            return None, ""
        try:
            if self.path.exists():
                return self.path, ""
            return archive_and_part(self.path) or (None, "")
        except OSError:  # a name that is too long, say
            return None, ""

    def stream(self) -> IO[bytes]:
        """The file that is there, opened once, at its beginning.

        Raises:
            DataError: there is no such file, it is a folder, it may not be read, or it is empty.
        """
        if self._file is None:
            self._file = _opened(self.file or self.path or Path(), self.source)
        self._file.seek(0)
        return self._file

    @cached_property
    def size(self) -> int:
        """Bytes of the file."""
        return self.stream().seek(0, io.SEEK_END)

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the file, or of standard input as far as they have come; none of other streams."""
        if self.path is not None:
            return self.stream().read(HEAD)
        buffer = getattr(sys.stdin, "buffer", None) if self.is_standard_input else None
        return buffer.peek(HEAD) if isinstance(buffer, io.BufferedReader) else b""

    @cached_property
    def plain_head(self) -> bytes:
        """The head of what a compressed file holds; else as `head`."""
        kind = packing_of(self.head)
        if kind == "gz":
            return zlib.decompressobj(wbits=31).decompress(self.head, HEAD)
        if kind is None or self.path is None:
            return self.head
        try:
            with import_module(PACKINGS[kind]).open(self.stream()) as unpacked:
                return bytes(unpacked.read(HEAD))
        except (EOFError, OSError, lzma.LZMAError):  # who reads it whole says so
            return b""

    def data(self) -> bytes:
        """All bytes of the file or stream.

        Raises:
            DataError: as `stream`; or there are none.
        """

        def read() -> bytes:
            if self.path is not None:
                if self.part and not self.file_name.lower().endswith(WORKBOOKS):  # it holds nothing of a name
                    raise _absent(self.path, self.source)
                return self.stream().read()
            if self.is_standard_input:
                data = sys.stdin.buffer.read()
                if not data:
                    raise DataError("standard input is empty. Pipe a file into it, or give a path.")
                return data
            content = self.source.read()
            if not content:
                raise DataError("the stream is empty. Give one with records.")
            return content.encode() if isinstance(content, str) else bytes(content)

        return self.once("data", read)

    def forget_data(self) -> None:
        """Lets go of all bytes, where everything in them was understood."""
        self._found.pop("data", None)

    @cached_property
    def collection(self) -> Collection | None:
        """The files of a folder or an archive, or of a folder in one; of a file in an archive those beside it, it the
        chosen one. None for anything else.

        Raises:
            DataError: it is damaged, encrypted, or has no such folder.
        """
        if self.path is None or self._place[0] is None:
            return None
        if self.is_folder:
            return Folder(self.path)
        whole = open_archive(self._place[0], self.stream)
        return whole if whole is None or not self.part else part_of(whole, self.part)

    @property
    def files(self) -> Collection | None:
        """As `collection`; for readers that take no single file of an archive.

        Raises:
            DataError: such a one is named.
        """
        found = self.collection
        if found is not None and found.chosen is not None:
            raise found.no_folder(self.part)
        return found


@contextmanager
def probed(source: Any) -> Iterator[Probe]:
    """The probe that a source is, or one of it that lets go of everything in the end."""
    if isinstance(source, Probe):
        yield source
    else:
        with Probe(source) as probe:
            yield probe


def _opened(path: Path, source: Any) -> IO[bytes]:
    try:
        if path.is_dir():
            raise DataError(
                f"{str(path)!r} is a folder. Give one file: CSV, Parquet, Arrow, JSON lines, XML or NumPy; or a folder "
                "of images."
            )
        file = path.open("rb")
        empty = not file.seek(0, io.SEEK_END)
    except FileNotFoundError:
        raise _absent(path, source) from None
    except PermissionError:
        raise DataError(
            f"{str(path)!r} may not be read: permission denied. Change its permissions, or copy it."
        ) from None
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error
    if empty:
        file.close()
        raise DataError(f"{str(path)!r} is empty (0 bytes). Give a file with records.")
    return file


def _absent(path: Path, source: Any) -> DataError:
    hint = ""
    if "://" in str(source):
        hint = "Addresses are not opened: download it first."
    elif path.parent.is_dir():
        hint = suggestion(path.name, [entry.name for entry in path.parent.iterdir()])
    return DataError(f"there is no file {str(source)!r}. {hint}".rstrip())

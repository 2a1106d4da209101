"""Bytes of files: opening, unpacking and decoding them, each mistake in one sentence.

Knows paths, bytes and encodings; never what is in them.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from gankit.errors import DataError, OptionError

_CHUNK = 1 << 24
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def unpack(data: bytes, name: str) -> tuple[bytes, str, str | None]:
    """The bytes inside a .gz or .zip file (of one member), the inner name, and which of the two it was, or None.

    Raises:
        DataError: the archive is damaged, encrypted, holds several files or none, or is absurdly large inside.
    """
    if data[:2] == b"\x1f\x8b":
        inner = name[:-3] if name.lower().endswith(".gz") else name
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
            return _all_of(stream, len(data), name), inner, "gz"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06") and not name.lower().endswith((".npz", ".xlsx", ".ods")):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                member = _only_member(archive, name)
                with archive.open(member) as stream:
                    return _all_of(stream, len(data), name), Path(member.filename).name, "zip"
        except (zipfile.BadZipFile, NotImplementedError) as error:
            raise DataError(
                f"{name!r} is damaged or not a zip file that can be read: {error}. Unpack it yourself."
            ) from error
    return data, name, None


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir()]
    members = [m for m in members if not m.filename.startswith("__MACOSX/") and Path(m.filename).name != ".DS_Store"]
    if len(members) != 1:
        listed = ", ".join(repr(m.filename) for m in members[:5]) + (", …" if len(members) > 5 else "")
        what = f"{len(members)} files ({listed})" if members else "no file"
        raise DataError(f"{name!r} holds {what}; exactly one is expected. Unpack it and give the file that is meant.")
    if members[0].flag_bits & 1:
        raise DataError(f"{name!r} is encrypted. Unpack it yourself and give the file inside.")
    return members[0]


def _all_of(stream: IO[bytes] | gzip.GzipFile, packed: int, name: str) -> bytes:
    parts, size, limit = [], 0, largest_size()
    try:
        while part := stream.read(_CHUNK):
            parts.append(part)
            size += len(part)
            check_unpacked(size, packed, name, limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{name!r} is damaged or cut off ({error}). Take another copy of it.") from error
    if not size:
        raise DataError(f"{name!r} is empty inside. Give a file with records.")
    return b"".join(parts)


def check_unpacked(size: int, packed: int, name: str, limit: int) -> None:
    """Refuses an archive that grows beyond half of the memory, or beyond 256 MiB at over 500 times its size."""
    if size > limit or (size > 1 << 28 and size > 500 * packed):
        raise DataError(
            f"{name!r} ({packed:,} bytes) unpacks to more than {size:,} bytes. If it is meant, unpack it yourself "
            "and give the file inside, or a part of it."
        )


def largest_size() -> int:
    """The most bytes that are unpacked: half of the machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 1 << 33


def decode(data: bytes, name: str, encoding: str | None, notes: list[str]) -> tuple[bytes, str]:
    """Text as UTF-8 bytes without a byte order mark, and the encoding it was in.

    Raises:
        DataError: it is no text, or not in the encoding that was asked for. OptionError: that encoding is not known.
    """
    if encoding is not None:
        try:
            found = codecs.lookup(encoding).name
        except LookupError:
            raise OptionError(
                f"the encoding {encoding!r} is not known. Try utf-8, latin-1, cp1252 or utf-16."
            ) from None
        return _recoded(data, name, found), found
    for mark, found in _BOMS:
        if data.startswith(mark):
            return _recoded(data, name, found), found
    head = data[:4096]
    if head.count(b"\0") > len(head) // 4:
        for found, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
            if zeros.count(b"\0") > 0.7 * len(zeros):
                notes.append(f"{name}: read as {found.upper()}; --encoding changes it")
                return _recoded(data, name, found), found
    if b"\0" in data:
        raise DataError(
            f"{name!r} holds zero bytes: it is no text file. Give its format with --format, or save it as CSV."
        )
    try:
        data.decode("utf-8")
        return data, "utf-8"
    except UnicodeDecodeError as error:
        return _single_byte(data, name, error, notes)


def _single_byte(data: bytes, name: str, error: UnicodeDecodeError, notes: list[str]) -> tuple[bytes, str]:
    """Text that is not UTF-8: Windows-1252 where its extra signs are used, else Latin-1."""
    line = data.count(b"\n", 0, error.start) + 1
    control = sum(data.count(bytes([code])) for code in range(1, 32) if code not in (9, 10, 12, 13))
    if control > len(data) // 100 + 8:
        raise DataError(f"{name!r} is no text file. Give its format with --format, or save it as CSV.")
    extra = any(bytes([code]) in data for code in range(0x80, 0xA0))
    found = "cp1252" if extra and not any(bytes([c]) in data for c in (0x81, 0x8D, 0x8F, 0x90, 0x9D)) else "latin-1"
    title = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}[found]
    notes.append(
        f"{name}: read as {title}, since it is not UTF-8 (byte 0x{data[error.start]:02X} in line {line}); "
        f"--encoding changes it"
    )
    return data.decode(found).encode("utf-8"), found


def _recoded(data: bytes, name: str, encoding: str) -> bytes:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name!r}, line {line}: the byte 0x{data[error.start]:02X} is not {encoding}. "
            "Name another encoding with --encoding (latin-1 reads any bytes), or leave it to be found out."
        ) from error
    return text.removeprefix("\ufeff").encode("utf-8")


def strip_suffixes(name: str, suffixes: Sequence[str]) -> str:
    """A file's name without any of these suffixes at its end."""
    changed = True
    while changed:
        changed = False
        for suffix in suffixes:
            if name.lower().endswith(suffix) and len(name) > len(suffix):
                name, changed = name[: -len(suffix)], True
    return name

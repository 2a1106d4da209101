"""Bytes of files: opening, unpacking and decoding them, each mistake in one sentence; and collections of files
(folders, zip and tar archives) as names and the bytes behind them. Nothing is unpacked by name.

Knows paths, bytes and encodings; never what is in them.
"""

from __future__ import annotations

import codecs
import io
import itertools
import lzma
import os
import posixpath
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

from gankit.errors import DataError, OptionError, nearest, reason, refused
from gankit.io.foreign import HEAD, foreign
from gankit.io.foreign import SUFFIXES as FOREIGN

_UNPACK_CHUNK = 1 << 24
_CHUNK = 1 << 20
IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
    ".pnm", ".tga", ".pcx", ".jp2", ".j2k", ".avif",
)  # fmt: skip
"""Suffixes of files that are taken for images."""

AUDIO_SUFFIXES = (
    ".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".aifc", ".au", ".caf", ".w64",
)  # fmt: skip
"""Suffixes of files that are taken for audio clips."""

_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma"}
PACKINGS = {"gz": "gzip", "bz2": "bz2", "xz": "lzma"}
"""The module for each suffix of a single compressed file."""

PACKED = (*(f".{kind}" for kind in PACKINGS), ".zip")
"""Suffixes that stand after that of the file inside."""

WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
"""Suffixes of spreadsheets."""

_MOST_LINKS = 40
_MOST_LINES, _MOST_BYTES = 2000, 1 << 16
_WESTERN = (
    "äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúüªº", "ãáàâçéêíõóôúüªº", "åäöéæøü", "àèéìíîòóùú", "éëïóöüèáê", "áðéíóúýþæö",
)  # fmt: skip
_ALPHABETS = {
    "cp1252": _WESTERN,
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "iso8859-2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž"),
    "cp1254": ("çğıöşüâî",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž"),
    "iso8859-15": _WESTERN,
    "cp850": _WESTERN,
    "mac-roman": _WESTERN,
}  # fmt: skip
"""Encodings of Latin letters, the likelier first, and the letters beyond ASCII of their languages."""

_SIGNS = "°µ€§–—‘’‚“”„…«»¡¿±×·•™®©\xa0"
"""Signs that say little of a language."""
_WITHIN = "‘’–·"
"""Those of them that stand between two letters."""
_WINDOWS = "gankit.windows"
"""The name of the way in which bytes that are no UTF-8 are read as Windows-1252 has them."""
_SOUND = 4  # times as many signs beyond ASCII are UTF-8 as bytes are not, where only these are wrong

_SCRIPTS = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp932", "euc_jp", "gb18030", "big5", "cp949",
    "cp866", "iso8859_5", "iso8859_6", "koi8_u",
]  # fmt: skip
"""Encodings that the detector chooses from."""

_WIDEST = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"))  # begin as those of UTF-16 do
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"), *((mark, "utf-32") for mark, _ in _WIDEST),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip


def unpack(data: bytes, name: str) -> tuple[bytes, str, str | None]:
    """The bytes inside a .gz, .bz2, .xz or .zip file (of one member), the inner name, and which it was, or None.

    Raises:
        DataError: the archive is damaged, encrypted, holds several files or none, or is absurdly large inside.
    """
    if kind := packing_of(data):
        with import_module(PACKINGS[kind]).open(io.BytesIO(data)) as stream:
            return _all_of(stream, len(data), name), strip_suffixes(name, (f".{kind}",)), kind
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06") and not (
        name.lower().endswith((".npz", *WORKBOOKS)) or is_workbook(data)
    ):
        with refused(repr(name), "zip file that can be read"), zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = _only_member(archive, name)
            with archive.open(member) as stream:
                return _all_of(stream, len(data), name), Path(member.filename).name, "zip"
    return data, name, None


def is_workbook(data: bytes) -> bool:
    """Whether bytes begin as those of spreadsheets do."""
    zipped = rb"PK\x03\x04.{26}(\[Content_Types\]|_rels/|docProps/|xl/|mimetypeapplication/vnd\.oasis)"
    return data.startswith(b"\xd0\xcf\x11\xe0") or re.match(zipped, data, re.DOTALL) is not None


def apart(program: str, data: bytes) -> IO[bytes]:
    """What a Python program in a process of its own writes of data, its standard input, to standard output: for
    libraries that end by a signal on damaged bytes. The result is a temporary file, to be closed.

    Raises:
        ValueError: the program ends otherwise than well.
    """
    with tempfile.TemporaryFile() as given:
        given.write(data)
        given.seek(0)
        found = tempfile.TemporaryFile()  # noqa: SIM115  # closed by who asked
        command = [sys.executable, "-P", "-W", "ignore", "-c", program]
        done = subprocess.run(command, stdin=given, stdout=found, stderr=subprocess.PIPE)
    if done.returncode:
        found.close()
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] if done.returncode > 0 else []
        raise ValueError(said[0].partition(": ")[2] or said[0] if said else "what it holds cannot be read")
    found.seek(0)
    return found


def packing_of(head: bytes) -> str | None:
    """How bytes are compressed, by their beginning: "gz", "bz2", "xz" or None."""
    if head.startswith(b"BZh") and head[4:10] != b"1AY&SY":
        return None
    module = next((module for magic, module in _COMPRESSIONS.items() if head.startswith(magic)), None)
    return next((kind for kind, known in PACKINGS.items() if known == module), None)


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
    members = [m for m in members if Path(m.filename).name != ".DS_Store"]
    if len(members) != 1:
        listed = ", ".join(repr(m.filename) for m in members[:5]) + (", …" if len(members) > 5 else "")
        what = f"{len(members)} files ({listed})" if members else "no file"
        raise DataError(f"{name!r} holds {what}; exactly one is expected. Unpack it and give the file that is meant.")
    if members[0].flag_bits & 1:
        raise DataError(f"{name!r} is encrypted. Unpack it yourself and give the file inside.")
    return members[0]


def _all_of(stream: IO[bytes], packed: int, name: str) -> bytes:
    parts, size, limit = [], 0, largest_size()
    try:
        while part := stream.read(_UNPACK_CHUNK):
            parts.append(part)
            size += len(part)
            check_unpacked(size, packed, name, limit)
    except (EOFError, OSError, MemoryError, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{name!r} is damaged or cut off ({reason(error)}). Take another copy of it.") from error
    if not size:
        raise DataError(f"{name!r} is empty inside. Give a file with records.")
    return b"".join(parts)


def check_unpacked(size: int, packed: int, name: str, limit: int) -> None:
    """Refuses an archive that grows beyond half of the memory, or beyond 256 MiB at over 500 times its size.

    Raises:
        DataError: it does.
    """
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
    if wide := wide_encoding(data):
        notes.append(f"{name}: read as {wide.upper()}; --encoding changes it")
        return _recoded(data, name, wide), wide
    if b"\0" in data:
        raise DataError(
            f"{name!r} holds zero bytes: it is no text file. Give its format with --format, or save it as CSV."
        )
    if re.search(rb"\x1b\$[@B]", data) and _decodes(data, "iso2022_jp"):
        notes.append(f"{name}: read as iso2022_jp; --encoding changes it")
        return _recoded(data, name, "iso2022_jp"), "iso2022_jp"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _repaired(data, name, error, notes) or _guessed(data, name, error, notes)
    return data, "utf-8"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_WINDOWS, _as_windows)


def _repaired(data: bytes, name: str, error: UnicodeDecodeError, notes: list[str]) -> tuple[bytes, str] | None:
    """Text that is UTF-8 but for a few bytes, with these as Windows-1252 has them; None where it is none."""
    num_bad = data.decode("utf-8", "replace").count("\ufffd")
    if len(re.findall(rb"[\xc2-\xf4]", data)) < (_SOUND + 1) * num_bad:
        return None
    line = data.count(b"\n", 0, error.start) + 1
    first = f"the first, 0x{data[error.start]:02X}, in line {line}"
    notes.append(
        f"{name}: not all of it is UTF-8; other bytes ({num_bad:,}; {first}) are read as Windows-1252 has them; "
        "correct them, or --encoding changes it"
    )
    return data.decode("utf-8", _WINDOWS).encode("utf-8"), "utf-8"


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or 32, as "utf-16-le" or "utf-16-be", by the mark of its order or (16) its zero bytes; else None."""
    head = data[:4096]
    for mark, found in _WIDEST:
        if data.startswith(mark):
            return found
    for found, mark, high, low in (
        ("utf-16-le", codecs.BOM_UTF16_LE, head[1::2], head[::2]),
        ("utf-16-be", codecs.BOM_UTF16_BE, head[::2], head[1::2]),
    ):
        if data.startswith(mark) or high.count(b"\0") > max(len(high) // 8, 10 * low.count(b"\0")):
            return found
    return None


def _guessed(data: bytes, name: str, error: UnicodeDecodeError, notes: list[str]) -> tuple[bytes, str]:
    """Text that is not UTF-8."""
    line = data.count(b"\n", 0, error.start) + 1
    control = sum(data.count(bytes([code])) for code in range(1, 32) if code not in (9, 10, 12, 13))
    if control > len(data) // 100 + 8:
        raise DataError(f"{name!r} is no text file. Give its format with --format, or save it as CSV.")
    found = _encoding_of(data, error.start)
    title = {"cp1252": "Windows-1252", "latin-1": "Latin-1"}.get(found, found)
    byte = f"byte 0x{data[error.start]:02X} in line {line}"
    notes.append(f"{name}: read as {title}, since it is not UTF-8 ({byte}); --encoding changes it")
    return data.decode(found).encode("utf-8"), found


def _encoding_of(data: bytes, start: int) -> str:
    """The likeliest encoding of bytes that are no UTF-8 from `start` on, judged by the lines that are not ASCII."""
    begin = max(data.rfind(b"\n", 0, start), data.rfind(b"\r", 0, start)) + 1
    lines = (match[0] for match in re.finditer(rb"[^\r\n]+", data[begin : begin + _UNPACK_CHUNK]))
    found = itertools.islice((line for line in lines if not line.isascii()), _MOST_LINES)
    sample = b"\n".join(dict.fromkeys(found))[:_MOST_BYTES]
    runs = re.findall(rb"[\x80-\xff]+", sample)
    # Letters with accents stand alone between others; of other scripts whole words are not ASCII.
    alone = sum(len(run) == 1 for run in runs) > 0.6 * len(runs)
    choices = [encoding for encoding in _ALPHABETS if _decodes(data, encoding)]
    fits = {encoding: _fit(sample.decode(encoding, "replace"), encoding) for encoding in choices}
    chosen = max(choices, key=lambda encoding: fits[encoding][0], default="latin-1")
    fit, num_letters = fits.get(chosen, (0.0, 0))
    if fit < (0.9 if alone else 1.0) or not (alone or (num_letters and chosen == "cp1252")):
        import charset_normalizer

        best = charset_normalizer.from_bytes(sample, cp_isolation=_SCRIPTS).best()
        if best is not None and best.encoding not in _ALPHABETS:
            for encoding in ("gbk", best.encoding) if best.encoding == "gb18030" else (best.encoding,):
                if _decodes(data, encoding):
                    return str(encoding)
    if chosen == "cp1252" and not re.search(rb"[\x80-\x9f]", data):
        return "latin-1"
    return chosen


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _fit(text: str, encoding: str) -> tuple[float, int]:
    """Which share of the letters beyond ASCII one language of that encoding has, and how many different there are."""
    words = {word for word in re.split(r"[\s,;|\"]+", text.replace("İ", "i").lower()) if not word.isascii()}
    letters = Counter(
        sign for word in words for sign in (word if any(map(str.isalpha, word)) else "")
        if not sign.isascii() and sign not in _SIGNS
    )  # fmt: skip
    letters.update(sign for word in words for sign in re.findall(f"(?<=[a-z])[{_SIGNS}](?=[a-z])", word))
    letters -= Counter({sign: letters[sign] for sign in _WITHIN})
    most = max(sum(letters[sign] for sign in alphabet) for alphabet in _ALPHABETS[encoding])
    return most / letters.total() if letters else 1.0, len(letters)


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
    while found := next((s for s in suffixes if name.lower().endswith(s) and len(name) > len(s)), None):
        name = name[: -len(found)]
    return name


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts names as people do: 2.png before 10.png.

    >>> sorted(["10.png", "2.png", "a/1.png"], key=natural)
    ['2.png', '10.png', 'a/1.png']
    """
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p) for p in re.split(r"([0-9]+)", name) if p)


def is_image(name: str) -> bool:
    """Whether a name has an image's suffix."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _inside(name: str) -> str:
    """A member's name without what would lead out of the archive: it is a name here, and never a path on disk."""
    return "/".join(part for part in name.replace("\\", "/").split("/") if part not in ("", ".", ".."))


class Collection(ABC):
    """Files that belong together.

    name: for messages. form: "folder", "zip" or "tar". names: of all files that are not hidden, `/` between folders, in
    natural order. chosen: the one of them that is meant, where not all are.
    """

    form: str
    chosen: str | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: list[str] = []

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """The bytes of one of `names`, as a stream that can be positioned; safe to call from many threads."""

    def read(self, name: str) -> bytes:
        """The bytes of one of `names`, which is needed whole and not one of many.

        Raises:
            DataError: it cannot be read.
        """
        try:
            with self.open(name) as stream:
                return stream.read()
        except (OSError, MemoryError) as error:
            reason = getattr(error, "strerror", None) or error
            raise DataError(f"{self.name}/{name} cannot be read: {reason}. Take another copy of it.") from error

    def above(self) -> tuple[Collection, str] | None:
        """The collection that this one is a folder of, as far as it is this folder and what lies beside it, and the
        folder's name in it with a slash at the end; None where there is none.
        """
        return None

    def close(self) -> None:  # noqa: B027  # a folder holds nothing
        """Lets go of the archive."""

    def images(self) -> list[str]:
        """The names that have an image's suffix.

        Raises:
            DataError: there is none; the text says what there is instead.
        """
        found = [name for name in self.names if is_image(name)]
        if not found:
            raise self.nothing("images")
        return found

    def nothing(self, what: str) -> DataError:
        """The error for a collection without what is wanted; the text says what there is instead."""
        return DataError(f"the {self.form} {self.name!r} holds no {what}: {_listed(self.names)}")

    def no_folder(self, part: str) -> DataError:
        """The error for a folder that is not there."""
        folders = sorted({n.rsplit("/", 1)[0] for n in self.names if "/" in n}, key=natural)
        return DataError(f"{self.name!r} holds no folder {part!r}. {nearest(part, folders)}")


def _listed(names: Sequence[str]) -> str:
    known = ", ".join(IMAGE_SUFFIXES[:6])
    if not names:
        return f"it is empty. Give one with images ({known}, …)."
    kinds = Counter(Path(name).suffix.lower() or "no suffix" for name in names).most_common(4)
    listed = ", ".join(f"{times:,} of {kind}" if kind == "no suffix" else f"{times:,} {kind}" for kind, times in kinds)
    unread = [kind for kind, _ in kinds if kind in FOREIGN]
    if unread:
        return f"it has {listed}, and {unread[0]} is not read. {FOREIGN[unread[0]].remedy}."
    return f"it has {listed}. Images are known by their suffix ({known}, …)."


class Folder(Collection):
    """The files in a folder and those in it, but for hidden ones and runs of trainings."""

    form = "folder"

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self.names = sorted(walk(path), key=natural)

    def open(self, name: str) -> IO[bytes]:
        """See `Collection.open`."""
        return (self._path / name).open("rb")

    def above(self) -> tuple[Collection, str]:
        """See `Collection.above`."""
        path = self._path.resolve()
        return _Above(self, path), f"{path.name}/"


class _Above(Collection):
    """The files that lie beside a folder, and those in it."""

    form = "folder"

    def __init__(self, inner: Folder, path: Path) -> None:
        super().__init__(str(path.parent))
        self._path = path.parent
        beside = [entry.name for entry in os.scandir(path.parent) if entry.is_file() and not _is_hidden(entry.name)]
        self.names = [*(f"{path.name}/{name}" for name in inner.names), *sorted(beside, key=natural)]

    def open(self, name: str) -> IO[bytes]:
        return (self._path / name).open("rb")


def _is_run(folder: Path) -> bool:
    """Whether a folder is the run of a training, whose images are no data: `gankit train .` leaves it in the data."""
    return (folder / "config.json").is_file() and any((folder / name).exists() for name in ("log.jsonl", "checkpoints"))


def walk(path: Path) -> Iterator[str]:
    """The names of the files in a folder and those in it that are not hidden; the runs of trainings are passed over.

    Circles of links are entered once.

    Raises:
        DataError: the folder may not be read.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [(path, "")]
    while waiting:
        folder, prefix = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                for entry in entries:
                    if _is_hidden(entry.name):
                        continue
                    name = prefix + entry.name
                    if entry.is_dir():
                        if not _is_run(folder / entry.name):
                            waiting.append((folder / entry.name, name + "/"))
                    elif entry.is_file() or entry.is_symlink():
                        yield name
        except OSError as error:
            what = f"the folder {str(folder)!r} cannot be read: {error.strerror or error}"
            raise DataError(f"{what}. Change its permissions, or leave it out.") from error


class _Zip(Collection):
    form = "zip"

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        super().__init__(str(path))
        with refused(repr(str(path)), "zip file"):
            self._archive = zipfile.ZipFile(stream)
            members = {_inside(m.filename): m for m in self._archive.infolist() if not m.is_dir()}
        self._members = {name: member for name, member in members.items() if not _is_hidden(name)}
        self.names = sorted(self._members, key=natural)
        if any(member.flag_bits & 1 for member in self._members.values()):
            self.close()
            raise DataError(f"{str(path)!r} is encrypted. Unpack it yourself and give the folder.")

    def open(self, name: str) -> IO[bytes]:
        member = self._members[name]
        if member.file_size > largest_size():
            raise OSError(f"{member.file_size:,} bytes do not fit in memory")
        try:
            return io.BytesIO(self._archive.read(member))
        except Exception as error:
            # Of damaged members and unknown packings nearly anything is raised: BadZipFile, LZMAError, zlib.error, …
            raise OSError(f"damaged in the zip: {reason(error)}") from error

    def close(self) -> None:
        self._archive.close()


class _Tar(Collection):
    """A tar archive. A compressed one is first made plain, in memory or in an unnamed temporary file."""

    form = "tar"

    def __init__(self, path: Path, stream: IO[bytes]) -> None:
        super().__init__(str(path))
        self._lock = threading.Lock()
        self._given = self._stream = stream
        try:
            with refused(repr(str(path)), "tar file"):
                self._stream = _plain_tar(path, stream)
                with tarfile.open(fileobj=self._stream, mode="r:") as archive:
                    self._members = _files_of(archive.getmembers())
        except BaseException:
            self.close()
            raise
        self.names = sorted(self._members, key=natural)

    def open(self, name: str) -> IO[bytes]:
        offset, size = self._members[name]
        with self._lock:
            self._stream.seek(offset)
            return io.BytesIO(self._stream.read(size))

    def close(self) -> None:
        if self._stream is not self._given:  # that one stays open for other readers
            self._stream.close()


def _files_of(members: Sequence[tarfile.TarInfo]) -> dict[str, tuple[int, int]]:
    """Where the bytes of each file that is not hidden stand in a tar archive, and how many; links are followed."""
    files = {_inside(m.name): (m.offset_data, m.size) for m in members if m.isreg() and not m.issparse()}
    links = {_inside(m.name): m for m in members if m.islnk() or m.issym()}
    for name in links:
        target = name
        for _ in range(_MOST_LINKS):  # links to links; a circle ends nowhere
            if target not in links:
                break
            link = links[target]
            beside = posixpath.dirname(target) if link.issym() else ""
            target = _inside(posixpath.normpath(posixpath.join(beside, link.linkname)))
        if target in files:
            files.setdefault(name, files[target])
    return {name: place for name, place in files.items() if not _is_hidden(name)}


def _plain_tar(path: Path, stream: IO[bytes]) -> IO[bytes]:
    """The bytes of a tar archive without compression, as a stream that can be positioned."""
    packed, size = stream.seek(0, io.SEEK_END), 0
    stream.seek(0)
    head = stream.read(6)
    stream.seek(0)
    module = next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)
    if module is None:
        return stream
    plain: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=largest_size() // 4)  # noqa: SIM115  # closed with the archive
    try:
        with import_module(module).open(stream) as unpacked:
            while part := unpacked.read(_CHUNK):
                size += len(part)
                check_unpacked(size, packed, str(path), largest_size() * 8)
                plain.write(part)
    except BaseException:
        plain.close()
        raise
    plain.seek(0)
    return plain


class _Part(Collection):
    """The files of a collection in one of its folders."""

    def __init__(self, whole: Collection, prefix: str) -> None:
        super().__init__(f"{whole.name}/{prefix}")
        self._whole, self._prefix = whole, prefix + "/"
        self.form = whole.form
        self.names = [n.removeprefix(self._prefix) for n in whole.names if n.startswith(self._prefix)]

    def open(self, name: str) -> IO[bytes]:
        return self._whole.open(self._prefix + name)

    def above(self) -> tuple[Collection, str]:
        """See `Collection.above`."""
        return self._whole, self._prefix

    def close(self) -> None:
        self._whole.close()


def is_zip(path: Path, stream: IO[bytes] | None = None) -> bool:
    """Whether a file, perhaps open already, is a zip archive that may hold files of a kind (not .npz and the like)."""
    return not path.name.lower().endswith((".npz", ".docx", *WORKBOOKS)) and zipfile.is_zipfile(stream or path)


def is_tar(path: Path) -> bool:
    """Whether a file's name is that of a tar archive."""
    return path.name.lower().endswith(_TAR_SUFFIXES)


def archive_and_part(path: Path) -> tuple[Path, str] | None:
    """The archive and the folder in it that a path such as `images.zip/train` names; None if it names none."""
    for parent in path.parents:
        if parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    return None


def open_archive(path: Path, stream: Callable[[], IO[bytes]]) -> Collection | None:
    """The files of a zip or tar archive; None for other files.

    stream: gives the file, open at its beginning; it stays open.

    Raises:
        DataError: it is damaged or encrypted.
    """
    if is_tar(path):
        return _Tar(path, stream())
    named = is_zip(path, stream()) and foreign(stream().read(HEAD)) is None
    return _Zip(path, stream()) if named else None


def part_of(whole: Collection, part: str) -> Collection:
    """The files in a folder of a collection; or those beside a file in it, which is then the chosen one.

    Raises:
        DataError: there is neither.
    """
    if part in whole.names:
        folder, _, name = part.rpartition("/")
        found = _Part(whole, folder) if folder else whole
        found.chosen = name
        return found
    found = _Part(whole, part)
    if not found.names:
        whole.close()
        raise whole.no_folder(part)
    return found


def refuse_unknown(files: Collection | None, known: Sequence[str]) -> None:
    """Refuses a folder whose files are of no kind that is read, and an archive of images of no kind that is read.

    known: suffixes of files that are read.

    Raises:
        DataError: it is such a one.
    """
    if files is None:
        return
    names = [name.lower() for name in files.names]
    strange = not any(name.endswith((*PACKED, ".tar", *known)) for name in names)
    if names and strange and (files.form == "folder" or any(name.endswith(tuple(FOREIGN)) for name in names)):
        raise files.nothing("data of a known kind")

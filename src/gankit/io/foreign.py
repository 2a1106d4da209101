"""Files that are not read: what they are, by their first bytes or their suffix, and what can be done with them.

Knows bytes and suffixes; never how files are opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from gankit.errors import DataError

HEAD = 1 << 12
"""Bytes that are looked at."""

_TABLE = "Save it as CSV or Parquet"
_UNPACK = "Unpack it and give what is inside"
_PICTURES = "Convert to .png or .jpg"
_SOUND = "Convert to .wav or .flac"
_FRAMES = "Save its frames as .png or its sound as .wav (ffmpeg does both)"
_WORDS = "Save its texts as .txt, or its tables as .csv"
_VOLUME = "Save its slices as .png, or the array as .npy"
_NO_DATA = "Give data to learn from"
_NONE = rb"(?!)"  # of what is known by its suffix alone
_OFFICE = rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|docProps/).{0,4000}"


@dataclass(frozen=True)
class Foreign:
    """A format that is not read.

    what: as in "'x.pdf' is a PDF document". remedy: what to do, an order. magic: a regular expression of its first
    bytes. suffixes: of its files.
    """

    what: str
    remedy: str
    magic: bytes
    suffixes: tuple[str, ...] = ()


FOREIGN = (
    Foreign("a HEIC image", _PICTURES, rb"\0.{3}ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", (".heic", ".heif")),
    Foreign("an SVG drawing", _PICTURES, rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<svg[\s>]", (".svg",)),
    Foreign("a Photoshop image", _PICTURES, rb"8BPS\0", (".psd",)),
    Foreign("a camera's raw image", _PICTURES, rb"II\*\0\x10\0\0\0CR", (".raw", ".cr2", ".cr3", ".nef", ".dng")),
    Foreign("a DICOM image", _VOLUME, rb".{128}DICM", (".dcm", ".dicom")),
    Foreign("a NIfTI volume", _VOLUME, rb"(?:\\\x01\0\0|\0\0\x01\\).{340}n(?:\+|i)1\0|\x1c\x02\0\0n[+i]2\0", (".nii",)),
    Foreign("a FITS image", _VOLUME, rb"SIMPLE  = +T", (".fits", ".fit")),
    Foreign("an M4A recording", _SOUND, rb"\0.{3}ftypM4[AB] ", (".m4a", ".m4b")),
    Foreign("an AAC or AMR recording", _SOUND, rb"\xff[\xf1\xf9][\x40-\x7f]|#!AMR", (".aac", ".amr", ".ac3")),
    Foreign("a MIDI file", _SOUND, rb"MThd\0\0\0\x06", (".mid", ".midi")),
    Foreign("an MP4 or QuickTime video", _FRAMES, rb"\0.{3}(?:ftyp(?!avi[fs])|moov|mdat)", (".mp4", ".mov", ".m4v")),
    Foreign("a Matroska or WebM file", _FRAMES, rb"\x1aE\xdf\xa3", (".mkv", ".webm", ".mka")),
    Foreign("an AVI video", _FRAMES, rb"RIFF.{4}AVI ", (".avi",)),
    Foreign("a Windows Media file", _FRAMES, rb"0&\xb2u\x8ef\xcf\x11", (".wmv", ".wma", ".asf")),
    Foreign("an MPEG or Flash video", _FRAMES, rb"\0\0\x01[\xb3\xba]|FLV\x01", (".mpg", ".mpeg", ".flv")),
    Foreign("a PDF document", _WORDS, rb"%PDF-", (".pdf",)),
    Foreign("a PostScript document", _WORDS, rb"%!PS", (".ps", ".eps")),
    Foreign("a Word document", _WORDS, _OFFICE + rb"word/|\{\\rtf", (".docx", ".doc", ".rtf")),
    Foreign("a PowerPoint presentation", _WORDS, _OFFICE + rb"ppt/", (".pptx", ".ppt")),
    Foreign(
        "a document or a book",
        _WORDS,
        rb"PK\x03\x04.{26}mimetypeapplication/(?:epub|vnd\.oasis\.opendocument\.(?:text|pres))",
        (".odt", ".odp", ".epub"),
    ),
    Foreign(
        "a FASTQ file",
        "Save its reads as FASTA (seqtk seq -a)",
        rb"@[^\n]{1,300}\n[ACGTUN]+\r?\n\+[^\n]*\n[!-~]+\r?\n",
        (".fastq", ".fq"),
    ),
    Foreign("a 7-Zip archive", _UNPACK, rb"7z\xbc\xaf'\x1c", (".7z",)),
    Foreign("a RAR archive", _UNPACK, rb"Rar!\x1a\x07", (".rar",)),
    Foreign("a file packed by Zstandard", _UNPACK, rb"\x28\xb5\x2f\xfd", (".zst", ".zstd")),
    Foreign("a file packed by LZ4 or lzip", _UNPACK, rb"\x04\"M\x18|LZIP\x01", (".lz4", ".lz")),
    Foreign("a cabinet or a package", _UNPACK, rb"MSCF\0|!<arch>\n", (".cab", ".deb", ".rpm")),
    Foreign("a MATLAB file", _TABLE, rb"MATLAB [57]\.\d MAT-file", (".mat",)),
    Foreign("an HDF5 file", _TABLE, rb"\x89HDF\r\n\x1a\n", (".h5", ".hdf5", ".hdf")),
    Foreign("a NetCDF file", _TABLE, rb"CDF[\x01\x02\x05]", (".nc",)),
    Foreign("R's own format", _TABLE, rb"RD[XAB][23]\n|[XAB]\n\0\0\0[\x02\x03]", (".rds", ".rda", ".rdata")),
    Foreign("a SAS file", _TABLE, rb"\0{12}\xc2\xea\x81\x60|HEADER RECORD\*{7}LIB", (".sas7bdat", ".xpt")),
    Foreign("a Stata file", _TABLE, rb"<stata_dta>|[\x69-\x73][\x01\x02]\x01\0", (".dta",)),
    Foreign("an SPSS file", _TABLE, rb"\$FL[23]@|PK\x03\x04.{26}.{0,40}\.sav", (".sav", ".zsav", ".por")),
    Foreign("an Avro or ORC file", _TABLE, rb"Obj\x01\x04", (".avro", ".orc")),
    Foreign("a pickle (which can run code)", _TABLE, rb"\x80[\x02-\x05][\x95\]}(cX\x8c]", (".pkl", ".pickle")),
    Foreign("a PyTorch file", "Save its tensors as .npz", rb"PK\x03\x04.{26}.{0,80}/data\.pkl", (".pt", ".pth")),
    Foreign("an ONNX model", _NO_DATA, rb"\x08[\x01-\x0f]\x12.[a-z0-9_]*(?:pytorch|onnx|keras|tf)", (".onnx",)),
    Foreign("a file of a model's weights", _NO_DATA, rb".{3}\0{5}\{\"|GGUF[\x01-\x03]\0", (".safetensors", ".gguf")),
    Foreign("a program", _NO_DATA, rb"\x7fELF|MZ.\0[\0-\x04]\0|[\xce\xcf]\xfa\xed\xfe", (".exe", ".dll", ".so")),
    Foreign("a Git LFS pointer and not the file itself", "Get the file with git lfs pull", rb"version https://git-lfs"),
    Foreign("a PNG, JPEG or GIF image", "Give a folder or a .zip of them", rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a"),
)  # fmt: skip
"""In the order in which they are asked."""

SUFFIXES = {suffix: format for format in FOREIGN for suffix in format.suffixes}
"""The formats by the suffixes of their files."""

_MAGIC = [(re.compile(format.magic, re.DOTALL), format) for format in FOREIGN]


def foreign(data: bytes) -> Foreign | None:
    """What a file that is not read is, by its first bytes; None where they are of no such format."""
    head = data[:HEAD]
    return next((format for magic, format in _MAGIC if magic.match(head)), None)


def refuse_foreign(name: str, data: bytes, by_suffix: bool = False) -> None:
    """Refuses a file that is not read by what it is. by_suffix: its suffix is believed where its bytes tell nothing.

    Raises:
        DataError: it is one.
    """
    found = foreign(data) or (SUFFIXES.get(PurePath(name).suffix.lower()) if by_suffix else None)
    if found is not None:
        raise DataError(f"{name!r} is {found.what}, which is not read. {found.remedy}.")

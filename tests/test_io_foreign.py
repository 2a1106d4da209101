"""What is not read is named by its first bytes, whatever its name, and data is never taken for it."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.foreign import FOREIGN, SUFFIXES, foreign
from gankit.io.reading import read
from gankit.kinds import prepare


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, b"<x/>")
    return stream.getvalue()


HEADS = {
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0",
    "MP4": b"\0\0\0\x18ftypmp42" + bytes(300),
    "QuickTime": b"\0\0\0\x14ftypqt  \0\0\0\0",
    "M4A": b"\0\0\0\x20ftypM4A \0\0\0\0",
    "Matroska": b"\x1aE\xdf\xa3\x9fB\x86\x81",
    "AVI": b"RIFF\x10\0\0\0AVI LIST",
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "DICOM": bytes(128) + b"DICM\x02\0",
    "NIfTI": b"\x5c\x01\0\0" + bytes(340) + b"n+1\0" + b"\x65\0" * 99,
    "FASTQ": b"@read 1\nACGTN\n+\nIIII#\n@read 2\nAC\n+\nII\n",
    "7-Zip": b"7z\xbc\xaf'\x1c\0\x04",
    "RAR": b"Rar!\x1a\x07\x01\0",
    "Zstandard": b"\x28\xb5\x2f\xfd\x04\0",
    "MATLAB": b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(128),
    "HDF5": b"\x89HDF\r\n\x1a\n\0\0",
    "R's own": b"X\n\0\0\0\x03\0\x04\x01\0",
    "SAS": bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf",
    "Stata": b"<stata_dta><header><release>118",
    "SPSS": b"$FL2@(#) SPSS DATA FILE",
    "pickle": pickle.dumps({"a": [1, 2, 3]}),
    "PyTorch": zipped("model/data.pkl", "model/data/0"),
    "ONNX": b"\x08\x07\x12\x07pytorch\x1a\x052.1.0",
    "weights": (120).to_bytes(8, "little") + b'{"w":{"dtype":"F32"',
    "program": b"\x7fELF\x02\x01\x01",
    "Word": zipped("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
    "PowerPoint": zipped("[Content_Types].xml", "_rels/.rels", "ppt/slides/slide1.xml"),
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
}


@pytest.mark.parametrize("name", ["data", "data.csv", "data.txt", "data.bin.gz"])
@pytest.mark.parametrize("what", HEADS)
def test_a_file_is_named_by_its_first_bytes(what: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(HEADS[what]) if name.endswith(".gz") else HEADS[what])
    inner = path.stem if name.endswith(".gz") else name
    with pytest.raises(DataError, match=rf"'{inner}' is .*{what}.*not read\. ") as caught:
        read(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("what", ["MP4", "NIfTI", "PDF", "pickle"])
@pytest.mark.parametrize("kind", ["auto", "text", "table", "image"])
def test_no_kind_takes_it_for_data(what: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_bytes(HEADS[what])
    with pytest.raises(DataError, match=f"{what}.*not read"):
        prepare(tmp_path / "data.txt", TrainConfig(kind=kind), [])


@given(st.text())
def test_texts_are_never_taken_for_it(text: str) -> None:
    marked = text.lstrip().startswith(("%PDF-", "%!PS", "{\\rtf", "<svg", "<?xml"))
    assert marked or "\0" in text or foreign(text.encode("utf-8", "surrogatepass")) is None


@pytest.mark.parametrize(
    "text", ["the wide river", "ORC\norc", "CDF,a\n", "MZ is here", "GIF8 is a word", "RDX2 a", "Obj 1"]
)
def test_texts_that_begin_nearly_so_are_none_of_it(text: str) -> None:
    assert foreign(text.encode()) is None and foreign(text.encode("utf-16")) is None


def test_every_format_is_told_by_its_own_suffixes_and_says_what_to_do() -> None:
    assert len(SUFFIXES) == sum(len(format.suffixes) for format in FOREIGN)
    assert all(format.what[0].islower() or format.what[0] == "R" for format in FOREIGN)
    assert all(format.remedy[0].isupper() and not format.remedy.endswith(".") for format in FOREIGN)


def test_files_in_a_folder_or_archive_are_named_too(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "scan.dcm").write_bytes(HEADS["DICOM"])
    with pytest.raises(DataError, match=r"it has 1 \.dcm, and \.dcm is not read\. Save its slices as \.png"):
        prepare(tmp_path / "d", TrainConfig(), [])
    with zipfile.ZipFile(tmp_path / "clip.zip", "w") as archive:
        archive.writestr("clip.data", HEADS["MP4"])
    with pytest.raises(DataError, match=r"'clip.data' is an MP4 or QuickTime video"):
        prepare(tmp_path / "clip.zip", TrainConfig(), [])

"""No file, however damaged, ends in anything but data that are learned from or one sentence: every reader, with seeded
damage to small valid files. `benchmarks/fuzz.py` runs the same for longer.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import json
import lzma
import pickle
import random
import sqlite3
import struct
import tarfile
import wave
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fuzzing import Target, hunt

from gankit.columns.numbers import find_style
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.formats import FORMATS
from gankit.io.reading import read
from gankit.kinds import prepare

ROWS = 60
NUMBERS = range(6)
"""Of the mutations of each target: 0 is the valid file."""


def taken(path: Path, **options: Any) -> None:
    prepare(path, TrainConfig(seed=0, **options), [])


def table() -> pa.Table:
    draws = random.Random(0)
    texts = [draws.choice(["Oslo", "Lima", "Kyōto"]) for _ in range(ROWS)]
    return pa.table(
        {
            "age": [draws.randrange(18, 80) for _ in range(ROWS)],
            "city": pa.array(texts).dictionary_encode(),
            "name": [f"{draws.choice(texts)} {i % 30}" for i in range(ROWS)],
            "income": [None if draws.random() < 0.1 else round(draws.gauss(3e4, 5e3), 2) for _ in range(ROWS)],
            "member": [draws.random() < 0.5 for _ in range(ROWS)],
            "since": pa.array([1_600_000_000 + 86400 * i for i in range(ROWS)], pa.timestamp("s")),
            "price": pa.array([f"{i}.25" for i in range(ROWS)]).cast(pa.decimal128(8, 2)),
            "large": pa.array(texts, pa.large_string()),
        }
    )


def flat() -> pa.Table:
    return table().select(["age", "city", "income", "member"])


def written(name: str, columns: pa.Table | None = None) -> bytes:
    from gankit.io.records import Origin

    stream = io.BytesIO()
    FORMATS[name].sink(stream, Origin("pyarrow"), "x").feed([flat() if columns is None else columns])
    return stream.getvalue()


def arrow(compression: str | None = None, stream: bool = False, chunks: int = 1) -> bytes:
    out, whole = io.BytesIO(), table()
    if chunks > 1:
        whole = whole.append_column("view", whole.column("name").cast(pa.string_view()))
        lists = pa.array([["a", "b"][: i % 3] for i in range(ROWS)], pa.list_(pa.string()))
        whole = whole.drop_columns(["large"]).append_column("list", lists)
    options = pa.ipc.IpcWriteOptions(compression=compression, emit_dictionary_deltas=stream)
    opened = (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, whole.schema, options=options)
    with opened as writer:
        writer.write_table(whole, max_chunksize=-(-ROWS // chunks))
    return out.getvalue()


def feather() -> bytes:
    """Of version 1."""
    from pyarrow import feather

    out = io.BytesIO()
    feather.write_feather(table().select(["age", "name", "income"]), out, version=1)
    return out.getvalue()


def parquet(**options: Any) -> bytes:
    import pyarrow.parquet as pq

    out, whole = io.BytesIO(), table()
    lists = pa.array([["a", "b"][: i % 3] for i in range(ROWS)], pa.list_(pa.string()))
    pq.write_table(whole.append_column("list", lists) if options.get("row_group_size") else whole, out, **options)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def sheet() -> bytes:
    with zipfile.ZipFile(io.BytesIO(written("xlsx"))) as book:
        return book.read(SHEET)


def in_workbook(data: bytes) -> bytes:
    """A workbook with these bytes as its sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written("xlsx"))) as whole, zipfile.ZipFile(out, "w") as book:
        for name in whole.namelist():
            book.writestr(name, data if name == SHEET else whole.read(name))
    return out.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as memory:
        memory.execute("create table people (age integer, city text, income real, member boolean)")
        memory.executemany(
            "insert into people values (?, ?, ?, ?)", [tuple(row.values()) for row in flat().to_pylist()]
        )
        memory.commit()
        return memory.serialize()


def pixels(num: int = 24, size: int = 12) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (num, size, size, 3)).astype(np.uint8)


def npy(values: np.ndarray | None = None) -> bytes:
    out = io.BytesIO()
    np.save(out, np.random.default_rng(0).normal(size=(ROWS, 3)) if values is None else values)
    return out.getvalue()


def npz(packed: bool = True, **arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(out, **arrays)
    return out.getvalue()


def image(format: str, mode: str = "RGB", **options: Any) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels()[0]).convert(mode).save(out, format, **options)
    return out.getvalue()


def sound(format: str = "") -> bytes:
    out, tone = io.BytesIO(), np.sin(np.arange(400) / 5) * 9000
    if format:
        soundfile = pytest.importorskip("soundfile")
        soundfile.write(out, tone / 32768, 8000, format=format)
        return out.getvalue()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(tone.astype("<i2").tobytes())
    return out.getvalue()


def zipped(data: bytes, name: str = "data.csv", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def images_in_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(6):
            archive.writestr(zipfile.ZipInfo(f"{'ab'[i % 2]}/{i}.png"), image("PNG"), zipfile.ZIP_DEFLATED)
    return out.getvalue()


def images_in_tar(mode: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for i in range(6):
            member = tarfile.TarInfo(f"{'ab'[i % 2]}/{i}.png")
            member.size = len(image("PNG"))
            archive.addfile(member, io.BytesIO(image("PNG")))
    return out.getvalue()


def cifar(protocol: int = 2) -> bytes:
    flat = np.random.default_rng(0).integers(0, 255, (8, 3072)).astype(np.uint8)
    return pickle.dumps({b"data": flat, b"labels": [i % 3 for i in range(8)], b"batch_label": b"x"}, protocol)


def idx() -> bytes:
    x = pixels()[..., 0]
    return b"\0\0\x08\x03" + struct.pack(">3I", *x.shape) + x.tobytes()


def mat(packed: bool) -> bytes:
    import scipy.io

    out, x = io.BytesIO(), pixels().transpose(1, 2, 3, 0)
    scipy.io.savemat(out, {"X": x, "y": np.arange(24)[:, None] % 3}, do_compression=packed)
    return out.getvalue()


def ts() -> bytes:
    draws = np.random.default_rng(0).normal(size=(12, 2, 6)).round(2)
    lines = (":".join(",".join(map(str, d)) for d in one) + f":{i % 2}" for i, one in enumerate(draws.tolist()))
    return ("@problemName x\n@classLabel true 0 1\n@data\n" + "\n".join(lines) + "\n").encode()


def steps() -> pa.Table:
    values = np.random.default_rng(0).normal(size=80).cumsum().round(3)
    return pa.table({"id": [f"s{i // 10}" for i in range(80)], "time": [*range(10)] * 8, "value": values})


def with_checksums(png: bytes) -> bytes:
    """A PNG file whose chunks have the checksums of what they hold, as far as their lengths can be followed."""
    out, place = png[:8], 8
    while place + 12 <= len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        chunk = png[place + 4 : place + 8 + length]
        out += png[place : place + 4] + chunk + struct.pack(">I", zlib.crc32(chunk))
        place += 12 + length
    return out + png[place:]


def file(make: Callable[[], bytes], name: str, wrap: Callable[[bytes], bytes] = lambda d: d, **options: Any) -> Target:
    """A file of that name."""

    def use(data: bytes, folder: Path) -> None:
        (folder / name).write_bytes(data)
        taken(folder / name, **options)

    return Target(functools.cache(make), use, wrap)


def among(make: Callable[[], bytes], suffix: str, wrap: Callable[[bytes], bytes] = lambda data: data) -> Target:
    """One of several files in a folder."""
    made = functools.cache(make)

    def use(data: bytes, folder: Path) -> None:
        for i in range(5):
            (folder / f"{i}{suffix}").write_bytes(data if i == 3 else made())
        taken(folder)

    return Target(made, use, wrap)


def beside(make: Callable[[], bytes], name: str) -> Target:
    """A list in a folder of images."""

    def use(data: bytes, folder: Path) -> None:
        for i in range(5):
            (folder / f"{i}.png").write_bytes(image("PNG"))
        (folder / name).write_bytes(data)
        taken(folder)

    return Target(make, use)


def listed(data: bytes, folder: Path) -> None:
    for i in range(5):
        (folder / f"{i}.png").write_bytes(image("PNG"))
    (folder / "x.csv").write_bytes(data)
    taken(folder / "x.csv", kind="image")


TARGETS = {
    "csv": file(lambda: written("csv"), "x.csv"),
    "csv quoted": file(lambda: b'"a";"b"\r\n' + b'"1,5";"x ""y"" z"\r\n"2";"\n"\r\n' * 20, "x.csv"),
    "csv utf-16": file(lambda: written("csv").decode().encode("utf-16"), "x.csv"),
    "csv skipping": file(lambda: written("csv"), "x.csv", skip_bad_lines=True),
    "tsv": file(lambda: written("tsv"), "x.tsv"),
    "jsonl": file(lambda: written("jsonl"), "x.jsonl"),
    "json": file(lambda: written("json"), "x.json"),
    "xml": file(lambda: written("xml"), "x.xml"),
    "arff": file(lambda: written("arff"), "x.arff"),
    "xlsx": file(lambda: written("xlsx"), "x.xlsx"),
    "xlsx inside": file(sheet, "x.xlsx", in_workbook),
    "sqlite": file(database, "x.db"),
    "fasta": file(
        lambda: b"".join(b">s%d kind%d\n%s\n" % (i, i % 2, b"ACGT" * (3 + i % 5)) for i in range(40)), "x.fasta"
    ),
    "txt": file(
        lambda: b"".join(b"a text of %d words, and more %s\n" % (i, b"a" * (i % 7)) for i in range(40)), "x.txt"
    ),
    "parquet": file(parquet, "x.parquet"),
    "parquet plain": file(lambda: parquet(compression="none", use_dictionary=False), "x.parquet"),
    "parquet groups": file(lambda: parquet(compression="none", row_group_size=20), "x.parquet"),
    "parquet zstd": file(lambda: parquet(compression="zstd", data_page_version="2.0"), "x.parquet"),
    "parquet gzip": file(lambda: parquet(compression="gzip", data_page_size=64), "x.parquet"),
    "arrow": file(arrow, "x.arrow"),
    "arrow lz4": file(lambda: arrow("lz4"), "x.feather"),
    "arrow zstd": file(lambda: arrow("zstd", chunks=3), "x.arrow"),
    "arrow chunks": file(lambda: arrow(chunks=3), "x.arrow"),
    "arrow stream": file(lambda: arrow(stream=True, chunks=3), "x.arrow"),
    "feather 1": file(feather, "x.feather"),
    "npy": file(npy, "x.npy"),
    "npy texts": file(lambda: npy(np.array(["a", "bc", "d"] * 20)), "x.npy"),
    "npy fields": file(lambda: npy(np.array([(i, i % 3) for i in range(40)], "f4,i2")), "x.npy"),
    "npy images": file(lambda: npy(pixels()), "x.npy"),
    "npy series": file(lambda: npy(np.random.default_rng(0).normal(size=(20, 8, 2))), "x.npy"),
    "npz": file(lambda: npz(x=np.arange(60.0).reshape(30, 2), y=np.arange(30) % 3), "x.npz"),
    "npz stored": file(lambda: npz(False, x=np.arange(60.0).reshape(30, 2), y=np.arange(30) % 3), "x.npz"),
    "npz images": file(lambda: npz(x=pixels(), y=np.arange(24) % 3), "x.npz"),
    "npz inside": file(npy, "x.npz", lambda data: zipped(data, "x.npy")),
    "npz audio": file(lambda: npz(x=np.zeros((8, 99), "<i2") + 99, rate=np.array(8000)), "x.npz", kind="audio"),
    "csv.gz": file(lambda: gzip.compress(written("csv"), mtime=0), "x.csv.gz"),
    "csv.bz2": file(lambda: bz2.compress(written("csv")), "x.csv.bz2"),
    "csv.xz": file(lambda: lzma.compress(written("csv")), "x.csv.xz"),
    "csv.zip": file(lambda: zipped(written("csv")), "x.csv.zip"),
    "lzma.zip": file(lambda: zipped(written("csv"), method=zipfile.ZIP_LZMA), "x.csv.zip"),
    "zip": file(images_in_zip, "x.zip"),
    "tar": file(lambda: images_in_tar("w"), "x.tar"),
    "tar.gz": file(lambda: images_in_tar("w"), "x.tar.gz", lambda data: gzip.compress(data, 1, mtime=0)),
    "tar.xz": file(lambda: images_in_tar("w:xz"), "x.tar.xz"),
    "png": among(lambda: image("PNG"), ".png", with_checksums),
    "png palette": among(lambda: image("PNG", "P"), ".png", with_checksums),
    "jpeg": among(lambda: image("JPEG"), ".jpg"),
    "gif": among(lambda: image("GIF"), ".gif"),
    "bmp": among(lambda: image("BMP"), ".bmp"),
    "tiff": among(lambda: image("TIFF"), ".tif"),
    "tiff lzw": among(lambda: image("TIFF", compression="tiff_lzw"), ".tif"),
    "webp": among(lambda: image("WEBP"), ".webp"),
    "ppm": among(lambda: image("PPM"), ".ppm"),
    "tga": among(lambda: image("TGA"), ".tga"),
    "pcx": among(lambda: image("PCX"), ".pcx"),
    "jpeg 2000": among(lambda: image("JPEG2000"), ".jp2"),
    "idx": file(idx, "x-idx3-ubyte"),
    "idx.gz": file(lambda: gzip.compress(idx(), mtime=0), "x-idx3-ubyte.gz"),
    "mat": file(lambda: mat(False), "x.mat"),
    "mat packed": file(lambda: mat(True), "x.mat"),
    "cifar 2": file(cifar, "data_batch_1"),
    "cifar 5": file(lambda: cifar(5), "data_batch_1"),
    "wav": among(sound, ".wav"),
    "flac": among(lambda: sound("FLAC"), ".flac"),
    "ogg": among(lambda: sound("OGG"), ".ogg"),
    "mp3": among(lambda: sound("MP3"), ".mp3"),
    "aiff": among(lambda: sound("AIFF"), ".aiff"),
    "au": among(lambda: sound("AU"), ".au"),
    "texts": among(lambda: b"a text of a line\nand another line\n" * 4, ".txt"),
    "ts": file(ts, "x.ts"),
    "series": file(lambda: written("csv", steps()), "x.csv", kind="series"),
    "series parquet": file(lambda: written("parquet", steps()), "x.parquet"),
    "smiles": file(lambda: b"".join(b"C%sO\tCHEMBL%d\n" % (b"CN" * (1 + i % 4), i) for i in range(40)), "x.smi"),
    "dataset.json": beside(
        lambda: json.dumps({"labels": [[f"{i}.png", i % 2] for i in range(5)]}).encode(), "dataset.json"
    ),
    "attributes": beside(
        lambda: b"5\nMale Smiling\n" + b"".join(b"%d.png %2d -1\n" % (i, i % 2 * 2 - 1) for i in range(5)),
        "list_attr.txt",
    ),
    "metadata.jsonl": beside(
        lambda: b"".join(b'{"file_name": "./%d.png", "kind": "%d"}\n' % (i, i % 2) for i in range(5)), "metadata.jsonl"
    ),
    "metadata.csv": beside(
        lambda: b"file_name,kind\n" + b"".join(b"%d.png,%d\n" % (i, i % 2) for i in range(5)), "metadata.csv"
    ),
    "image list": Target(lambda: b"file,label\n" + b"".join(b"%d.png,%d\n" % (i % 5, i % 2) for i in range(9)), listed),
}


SLOW = ("feather 1", "mat", "mat packed")
"""Read in a process of their own."""


def npy_of(shape: tuple[int, ...], dtype: str = "<f8") -> bytes:
    """The header of an array, and a few bytes."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue() + b"\0" * 64


def png_of(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return with_checksums(
        b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(c)) + t + c + b"\0" * 4 for t, c in chunks)
    )


def pickle_of(labels: list[Any]) -> bytes:
    return pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": labels}, 2)


def holding_itself() -> bytes:
    labels: list[Any] = []
    labels.append(labels)
    return pickle_of(labels)


def huge_series() -> bytes:
    stream = io.BytesIO()
    x = np.random.default_rng(0).normal(size=(20, 9, 2))
    x[3, 4, 1] = 1.5e300
    np.savez(stream, x=x)
    return stream.getvalue()


def doubled() -> bytes:
    """A list of two lists, each of two lists, …: 2^60 in all."""
    labels: list[Any] = [1, 2]
    for _ in range(60):
        labels = [labels, labels]
    return pickle_of(labels)


def in_the_middle(data: bytes) -> bytes:
    half = len(data) // 2
    return data[:half] + b"\xff" * 40 + data[half + 40 :]


def with_text(data: bytes, good: bytes, bad: bytes) -> bytes:
    assert good in data and len(good) == len(bad)
    return data.replace(good, bad)


def ipc_of(array: pa.Array, stream: bool = False) -> bytes:
    out = io.BytesIO()
    batch = pa.record_batch({"a": array})
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, batch.schema) as writer:
        writer.write_batch(batch)
    return out.getvalue()


BEYOND = pa.Array.from_buffers(
    pa.string(), 2, [None, pa.py_buffer(struct.pack("<3i", 0, 2**30, 2)), pa.py_buffer(b"ab")]
)
OUT_OF_ITS_DICTIONARY = pa.DictionaryArray.from_arrays(pa.array([0, 10**6]), ["a", "b"], safe=False)
NO_TEXT = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(struct.pack("<2i", 0, 2)), pa.py_buffer(b"a\xff")])


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        ("x.arrow", lambda: ipc_of(BEYOND), "no Arrow file: Column 0"),
        ("x.feather", lambda: ipc_of(OUT_OF_ITS_DICTIONARY), "no Arrow file: Column 0"),
        ("x.arrow", lambda: ipc_of(BEYOND, stream=True), "no Arrow file: Column 0"),
        ("x.arrow", lambda: ipc_of(NO_TEXT), "Invalid UTF8"),
        (
            "x.feather",
            lambda: b"FEA1" + b"\xff" * 300 + b"\xff\0\0\0FEA1",
            "no Arrow file: what it holds cannot be read",
        ),
        ("x.parquet", lambda: with_text(parquet(compression="none"), b"Oslo", b"Os\xff\xfe"), "Invalid UTF8"),
        ("x.npy", lambda: npy_of((10**12,)), "header tells of an array"),
        ("x.npy", lambda: npy_of((10**9,), "<U0"), "header tells of an array"),
        ("x.npy", lambda: npy_of((-3, 2)), "header tells of an array"),
        ("x.npy", lambda: npy_of((0, 10**12)), "without rows"),
        ("x.npz", lambda: zipped(npy_of((10**12,)), "x.npy"), "header tells of an array"),
        ("x.npz", lambda: in_the_middle(npz(x=np.random.default_rng(0).normal(size=(200, 2)))), "no NumPy file"),
        ("x.csv.gz", lambda: in_the_middle(gzip.compress(bytes(range(256)) * 99)), "damaged or cut off"),
        ("x.csv.bz2", lambda: in_the_middle(bz2.compress(written("csv") * 99)), "damaged or cut off"),
        ("x.csv.xz", lambda: in_the_middle(lzma.compress(written("csv") * 99)), "damaged or cut off"),
        ("x.csv.zip", lambda: zipped(written("csv"))[:4] + zipped(written("csv"))[34:], "no zip file"),
        ("data_batch_1", holding_itself, "labels are not as many numbers"),
        ("data_batch_1", lambda: b"\x80\x02c" + b"os\nsystem" + b" 1" * 3000 + b"\n.", "could run code"),
        ("x.npz", lambda: huge_series(), "1.5e\\+300 is too large to learn from"),
        ("data_batch_1", doubled, "labels are not as many numbers"),
        ("x.json", lambda: b"[" * 100_000, "nested too deeply"),
        ("x.jsonl", lambda: b'{"a":1}\n' + b'{"a":' * 100_000, "nested too deeply"),
        ("x.xml", lambda: b"<a>" * 100_000, "no well-formed XML"),
        ("x.csv", lambda: b"a" * 1_000_000, "no records"),
        ("x.png", lambda: png_of(2**31 - 1, 2**31 - 1), "pixels, more than"),
        ("x-ubyte", lambda: b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 999, 999), "header says"),
        ("x-ubyte.gz", lambda: gzip.compress(b"\0\0\x08\x03" + struct.pack(">3I", 2**31, 999, 999)), "header says"),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, make: Callable[[], bytes], expected: str, tmp_path: Path):
    (tmp_path / name).write_bytes(make())
    with pytest.raises(DataError, match=expected) as error:
        taken(tmp_path / name)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1300


def test_cells_of_many_blanks_and_long_lines_take_no_time_of_their_square(tmp_path: Path):
    cell = "1" + " " * 100_000 + "x"
    (tmp_path / "x.csv").write_bytes(f"a,b\n{cell},é\n{cell},2\n".encode("latin-1"))
    table = read(tmp_path / "x.csv").table
    assert table.column("a").to_pylist() == [cell, cell]
    assert find_style(table.column("a").chunk(0)[:1], np.ones(1, dtype=np.int64)) is None


def test_an_xpath_that_takes_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gankit.io.formats.xml.MOST_SECONDS", 0.05)
    (tmp_path / "x.xml").write_bytes(b"<r>" + b"<b><c>1</c></b>" * 700 + b"</r>")
    with pytest.raises(OptionError, match=r"takes more than .* seconds"):
        taken(tmp_path / "x.xml", xpath="//b[count(//b[count(//c)>1])>1]")


def test_errors_quote_no_control_characters_and_no_whole_files():
    error = DataError("\x1b[31m" + "x" * 5000 + ". Remove it.\n")
    assert str(error).startswith("\\x1b[31mxx") and str(error).endswith(". Remove it.\n") and len(str(error)) < 1300


def test_damaged_files_are_read_or_refused_in_one_sentence():
    names = [name for name in TARGETS if name not in SLOW]
    faults, tried = hunt("test_fuzz_readers", NUMBERS, names)
    assert not faults, "\n".join(map(str, faults))
    assert tried == len(names) * len(NUMBERS)

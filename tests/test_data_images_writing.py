"""Images that are written: read back they are the same, whole or not at all, and never over what is not ours."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_examples import PLAIN, fill, image, noise
from PIL import Image

from gankit.config import TrainConfig
from gankit.errors import OutputError
from gankit.io.pixels import grid
from gankit.io.records import Origin
from gankit.kinds.images.reading import read_images
from gankit.kinds.images.records import Images, image_hash, write_images

FOLDER = Origin("folder", details={"classes": False})
CLASSES = Origin("folder", details={"classes": True})


def images_of(x: np.ndarray, origin: Origin = FOLDER, **labels: Any) -> Images:
    return Images(x, pa.table(labels) if labels else None, origin)


# Of grey arrays [N, H, W] with W of 3 or 4 nobody can say whether they are one image in colour.
SIDES = st.integers(5, 9)


def halves(images: Images) -> Iterator[Images]:
    half = len(images) // 2
    yield images.take(slice(0, half))
    yield images.take(slice(half, len(images)))


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), SIDES, SIDES, st.sampled_from([1, 2, 3, 4]), st.integers(0, 2**32), st.data())
@pytest.mark.parametrize("suffix", ["", ".zip", ".npz", ".npy"])
def test_what_is_written_is_read_back(
    suffix: str, num: int, height: int, width: int, channels: int, seed: int, data: st.DataObject
) -> None:
    x = np.random.default_rng(seed).integers(0, 256, (num, height, width, channels), dtype=np.uint8)
    x[..., channels - 1 :] |= channels % 2 == 0  # colours under alpha 0 are not read
    labels = data.draw(st.lists(st.integers(-5, 5), min_size=num, max_size=num))
    named = {1: "grey", 2: "grey-alpha", 3: "rgb", 4: "rgba"}[channels]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"fakes{suffix}"
        assert write_images(halves(images_of(x, label=labels)), path, FOLDER) == num
        back = read_images(path, TrainConfig(channels=named, kind="image", column=("label=category",)), [])
    assert np.array_equal(back.x, x)
    if suffix != ".npy" and len(set(labels)) > 1:
        assert back.labels is not None and [int(v) for v in back.labels["label"].to_pylist()] == labels


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_classes_are_written_as_folders(tmp_path: Path, suffix: str) -> None:
    x = noise(6)
    source = images_of(x, CLASSES, label=["cat", "dog", "cat", "dog", "dog", "cat"])
    path = tmp_path / f"fakes{suffix}"
    write_images(halves(source), path, CLASSES, first_row=120)
    back = read_images(path, PLAIN, [])
    assert back.names[:2] == ("cat/000120.png", "cat/000122.png") and back.labels is not None
    assert back.labels["label"].to_pylist() == ["cat"] * 3 + ["dog"] * 3
    assert np.array_equal(back.x, x[[0, 2, 5, 1, 3, 4]])


def test_several_labels_are_written_as_a_list(tmp_path: Path) -> None:
    source = images_of(noise(4), label=["a", 'b, "c"', "a", "a"], age=[1, 2, None, 1])
    write_images(halves(source), tmp_path / "fakes", FOLDER)
    text = (tmp_path / "fakes" / "labels.csv").read_text()
    assert text == 'file,label,age\n000000.png,a,1\n000001.png,"b, ""c""",2\n000002.png,a,\n000003.png,a,1\n'


def test_class_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    source = images_of(noise(3), CLASSES, label=["../out", "/etc/x", ".."])
    write_images([source], tmp_path / "in" if (tmp_path / "in").mkdir() else tmp_path / "in" / "fakes", CLASSES)
    found = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png"))
    assert len(found) == 3 and all(name.startswith("in/fakes/_") for name in found)


def test_arrays_are_written_in_the_form_that_came(tmp_path: Path) -> None:
    x = noise(5, channels=1)[..., 0]
    np.savez(tmp_path / "a.npz", images=x / np.float32(255), digits=np.array([1, 2, 3, 1, 2], np.uint8))
    source = read_images(tmp_path / "a.npz", PLAIN, [])
    write_images(halves(source), tmp_path / "b.npz", source.origin)
    with np.load(tmp_path / "a.npz") as first, np.load(tmp_path / "b.npz") as second:
        assert sorted(first.files) == sorted(second.files)
        for key in first.files:
            assert first[key].dtype == second[key].dtype and np.allclose(first[key], second[key], atol=1e-7)
    np.save(tmp_path / "a.npy", noise(5).transpose(0, 3, 1, 2))
    source = read_images(tmp_path / "a.npy", PLAIN, [])
    write_images(halves(source), tmp_path / "b.npy", source.origin)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_an_origin_survives_json(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=noise(4), y=np.array(["a", "b", "a", "b"]))
    source = read_images(tmp_path / "a.npz", PLAIN, [])
    origin = Origin.from_json(json.loads(json.dumps(source.origin.to_json())))
    write_images([source], tmp_path / "b.npz", origin)
    assert image_hash(read_images(tmp_path / "b.npz", PLAIN, [])) == image_hash(source)


def test_texts_as_labels_need_no_objects(tmp_path: Path) -> None:
    write_images([images_of(noise(3), label=["a", None, "ccc"], age=[1, None, 2])], tmp_path / "a.npz", FOLDER)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["label"].tolist() == ["a", "", "ccc"] and np.isnan(arrays["age"][1])


def test_the_same_images_make_the_same_files(tmp_path: Path) -> None:
    source = images_of(noise(4), label=[1, 2, 1, 2])
    for suffix in (".zip", ".npz", ".npy", ".png"):
        write_images(halves(source), tmp_path / f"a{suffix}", FOLDER)
        write_images([source], tmp_path / f"b{suffix}", FOLDER)
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_a_grid_is_laid_out_row_by_row(tmp_path: Path) -> None:
    x = noise(5, 2, 3)
    sheet = grid(x, columns=3, gap=2)
    assert sheet.shape == (6, 13, 3)
    assert np.array_equal(sheet[0:2, 5:8], x[1]) and np.array_equal(sheet[4:6, 5:8], x[4])
    assert (sheet[2:4] == 255).all() and (sheet[:, 3:5] == 255).all() and (sheet[4:, 10:] == 255).all()
    assert grid(noise(100, 8, 8)).shape == (89, 89, 3) and grid(noise(1)).shape == (6, 5, 3)
    assert grid(noise(7), columns=50, gap=0).shape == (6, 35, 3)
    write_images(halves(images_of(x)), tmp_path / "grid.png", FOLDER)
    with Image.open(tmp_path / "grid.png") as written:
        assert np.array_equal(np.asarray(written), grid(x).repeat(85, 0).repeat(85, 1))
    write_images([images_of(noise(64, 28, 28))], tmp_path / "digits.png", FOLDER)
    write_images([images_of(noise(4, 65, 60))], tmp_path / "large.png", FOLDER)
    for name, size in (("digits", (3 * 231, 3 * 231)), ("large", (121, 131))):
        with Image.open(tmp_path / f"{name}.png") as written:
            assert written.size == size


# --- whole or not at all ------------------------------------------------------------------------------------------


def failing() -> Iterator[Images]:
    yield images_of(noise(2), label=[1, 2])
    raise KeyboardInterrupt


@pytest.mark.parametrize("suffix", ["", ".zip", ".npz", ".npy", ".png"])
def test_an_interruption_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"fakes{suffix}"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            write_images(failing(), path, FOLDER)
        assert list(tmp_path.iterdir()) == []
    write_images([images_of(noise(2))], path, FOLDER)
    before = {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(KeyboardInterrupt):
        write_images(failing(), path, FOLDER)
    assert {p.name: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_folder_of_ours_is_replaced_and_an_empty_one_filled(tmp_path: Path) -> None:
    (tmp_path / "fakes").mkdir()
    write_images([images_of(noise(4), label=list("abab"))], tmp_path / "fakes", FOLDER)
    write_images([images_of(noise(2))], tmp_path / "fakes", FOLDER)
    assert sorted(p.name for p in (tmp_path / "fakes").iterdir()) == [".gankit", "000000.png", "000001.png"]
    assert [p.name for p in tmp_path.iterdir()] == ["fakes"]


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    mine = fill(tmp_path / "mine", ["000001.png", "holiday.png"], noise(2))
    with pytest.raises(OutputError, match=r"holds files that gankit did not write, such as 'holiday.png'"):
        write_images([images_of(noise(2))], mine, FOLDER)
    (mine / "holiday.png").unlink()
    with pytest.raises(OutputError, match=r"such as '000001.png'"):
        write_images([images_of(noise(2))], mine, FOLDER)
    write_images([images_of(noise(2))], tmp_path / "fakes", FOLDER)
    (tmp_path / "fakes" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"such as 'notes.txt'"):
        write_images([images_of(noise(2))], tmp_path / "fakes", FOLDER)
    assert (tmp_path / "fakes" / "notes.txt").read_text() == "mine"


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    source = [images_of(noise(2))]
    with pytest.raises(OutputError, match=r"A GIF is one animation"):
        write_images(source, tmp_path / "a.gif", FOLDER)
    with pytest.raises(OutputError, match=r"not written as '.jpg'. Take one of: .zip"):
        write_images(source, tmp_path / "a.jpg", FOLDER)
    with pytest.raises(OutputError, match="no folder"):
        write_images(source, tmp_path / "none" / "a.zip", FOLDER)
    with pytest.raises(OutputError, match="standard output"):
        write_images(source, "-", FOLDER)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file, and a name without a suffix means a folder"):
        write_images(source, tmp_path / "file", FOLDER)
    for suffix in ("", ".zip", ".npz", ".npy", ".png"):
        with pytest.raises(OutputError, match="no images"):
            write_images([], tmp_path / f"empty{suffix}", FOLDER)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_grid_that_no_viewer_opens_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gankit.kinds.images import records as imagewriting

    monkeypatch.setattr(imagewriting, "MAX_GRID_PIXELS", 100)
    with pytest.raises(OutputError, match="a grid of more than 100 pixels"):
        write_images([images_of(noise(4))], tmp_path / "a.png", FOLDER)


# --- images as such ---------------------------------------------------------------------------------------------


def test_the_hash_is_of_the_content_alone(tmp_path: Path) -> None:
    x = noise(4)
    first = images_of(x, label=[1, 2, 1, 2])
    assert image_hash(first) == image_hash(replace(first, origin=Origin("npz"), names=tuple("abcd")))
    other = x.copy()
    other[3, 0, 0, 0] ^= 1
    different = [
        images_of(x), images_of(other, label=[1, 2, 1, 2]), images_of(x, label=[1, 2, 2, 2]),
        images_of(x, age=[1, 2, 1, 2]), images_of(x.reshape(4, 5, 6, 3), label=[1, 2, 1, 2]),
        first.take([1, 0, 2, 3]),
    ]  # fmt: skip
    hashes = {image_hash(one) for one in [first, *different]}
    assert len(hashes) == 7


def test_some_of_the_images_keep_their_labels_and_names() -> None:
    x = noise(4)
    whole = Images(x, pa.table({"label": list("abcd")}), FOLDER, tuple("wxyz"))
    for rows, same in (([3, 1], [3, 1]), (np.array([True, False, True, False]), [0, 2]), (slice(1, 3), [1, 2])):
        part = whole.take(rows)
        assert np.array_equal(part.x, x[same]) and part.labels is not None
        assert part.labels["label"].to_pylist() == ["abcd"[i] for i in same]
        assert part.names == tuple("wxyz"[i] for i in same)


def test_a_zip_holds_what_its_list_says(tmp_path: Path) -> None:
    write_images([images_of(noise(3), label=[7, 8, 7])], tmp_path / "a.zip", FOLDER)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["000000.png", "000001.png", "000002.png", "labels.csv"]
        with archive.open("000001.png") as stream, Image.open(stream) as one:
            assert np.array_equal(np.asarray(one), np.asarray(image(noise(3)[1])))

"""Images in arrays: NumPy files, IDX, CIFAR's batches, .mat and Python objects, with their labels."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
import scipy.io
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from image_examples import PLAIN, encoded, fill, image, noise
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import rooms
from gankit.kinds.images import records as imagestore
from gankit.kinds.images.arrays import plain_objects
from gankit.kinds.images.reading import holds_images, read_images
from gankit.kinds.images.records import Images, to_image_object
from gankit.randomness import numpy_generator


def read(source: Any, **options: Any) -> tuple[Images, str]:
    notes: list[str] = []
    config = TrainConfig(**options)
    assert holds_images(source, config)
    return read_images(source, config, notes), "\n".join(notes)


def labels_of(images: Images) -> dict[str, list[Any]]:
    assert images.labels is not None
    columns: dict[str, list[Any]] = images.labels.to_pydict()
    return columns


# --- NumPy --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_numpy_files_are_read(tmp_path: Path, suffix: str, channels: int) -> None:
    x = noise(4, channels=channels or 1) | 1
    path = tmp_path / f"x{suffix}"
    array = x if channels else x[..., 0]
    np.save(path, array) if suffix == ".npy" else np.savez_compressed(path, x=array)
    images, said = read(path)
    assert np.array_equal(images.x, x) and said == ""
    assert np.array_equal(to_image_object(images), array)


def test_labels_beside_the_images_are_found(tmp_path: Path) -> None:
    x = noise(4)
    np.savez(tmp_path / "a.npz", images=x, classes=np.array(["a", "b", "a", "b"]))
    assert labels_of(read(tmp_path / "a.npz")[0]) == {"label": ["a", "b", "a", "b"]}
    np.savez(tmp_path / "b.npz", x=x, y=np.array([[3], [1], [3], [1]], np.uint8), age=np.array([1.5, 2, 3, 4]))
    images = read(tmp_path / "b.npz")[0]
    assert labels_of(images) == {"y": [3, 1, 3, 1], "age": [1.5, 2.0, 3.0, 4.0]}
    assert images.labels is not None and images.labels.schema.field("y").type == pa.uint8()


def test_of_two_sets_the_training_set_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    x, y = noise(9)[..., 0], np.arange(9) % 3
    np.savez(path, x_test=x[6:], x_train=x[:6], y_test=y[6:], y_train=y[:6])
    images, said = read(path)
    assert np.array_equal(images.x[..., 0], x[:6]) and labels_of(images) == {"label": [0, 1, 2, 0, 1, 2]}
    assert f"{path}/x_test names these, also for --heldout" in said
    heldout, _ = read(f"{path}/x_test")
    assert np.array_equal(heldout.x[..., 0], x[6:]) and labels_of(heldout) == {"label": [0, 1, 2]}
    with pytest.raises(DataError, match="no array 'x_val'"):
        read_images(f"{path}/x_val", PLAIN, [])


def test_labels_that_cannot_be_theirs_are_told_of(tmp_path: Path) -> None:
    x = noise(6)
    path = tmp_path / "x.npz"
    np.savez(path, x=x, y=np.arange(5) % 2)
    images, said = read(path)
    assert images.labels is None
    assert "no labels are taken from 'y': it has 5 entries, and there are 6 images" in said
    np.savez(path, x=x, y=np.array(["a", "b", "c"] * 2, dtype=object))
    assert "no labels are taken from 'y': it holds Python objects" in read(path)[1]
    np.savez(path, x=x, y=np.array([0.0, 1, 2] * 2))
    images, said = read(path)
    assert said == "" and labels_of(images) == {"label": [0, 1, 2, 0, 1, 2]}


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_grey_images_with_their_channel_first_look_like_images(tmp_path: Path, dtype: Any) -> None:
    x = noise(6, 28, 28, 1)
    scaled = (x / 255).astype(dtype) if dtype == np.float32 else x
    np.save(tmp_path / "x.npy", scaled.transpose(0, 3, 1, 2))
    assert holds_images(tmp_path / "x.npy", PLAIN)
    assert np.array_equal(read(tmp_path / "x.npy")[0].x, x)


def test_arrays_of_numbers_do_not_look_like_images(tmp_path: Path) -> None:
    for shape, dtype in (
        ((50, 4), "u1"),
        ((50, 24, 5), "f4"),
        ((50, 24, 28), "f8"),
        ((50,), "f4"),
        ((5, 9, 9, 9), "u1"),
    ):
        array = np.zeros(shape, dtype)
        np.save(tmp_path / "a.npy", array)
        assert not holds_images(tmp_path / "a.npy", PLAIN) and not holds_images(array, PLAIN)


def test_objects_in_numpy_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    assert not holds_images(tmp_path / "a.npy", PLAIN)
    with pytest.raises(DataError, match="could run code"):
        read_images(tmp_path / "a.npy", PLAIN, [])


@pytest.mark.parametrize("cut", [3, 20, 100, -5])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_numpy_files_are_refused(tmp_path: Path, suffix: str, cut: int) -> None:
    path = tmp_path / f"x{suffix}"
    np.save(path, noise(4)) if suffix == ".npy" else np.savez(path, x=noise(4))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"damaged|cut off"):
        read_images(path, PLAIN, [])


def test_other_axes_are_refused_with_their_shape(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((5, 9, 9, 9), np.uint8), y=np.zeros(5))
    with pytest.raises(DataError, match=r"no array has the axes .* Found x \[5, 9, 9, 9\], y \[5\]"):
        read_images(tmp_path / "a.npz", PLAIN, [])
    with pytest.raises(DataError, match="one image"):
        read_images(np.zeros((20, 20, 3), np.uint8), PLAIN, [])
    with pytest.raises(DataError, match=r"Got \[3\] instead"):
        read_images(np.zeros(3, np.uint8), PLAIN, [])


# --- IDX ----------------------------------------------------------------------------------------------------------


def idx(array: npt.NDArray[Any]) -> bytes:
    code = {"u1": 0x08, "i2": 0x0B, "f4": 0x0D}[array.dtype.str[1:]]
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + shape + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    for part, num in (("train", 6), ("t10k", 3)):
        x = noise(num, channels=1)[..., 0]
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(np.arange(num, dtype=np.uint8) % 3))
    return tmp_path


def test_idx_finds_its_labels(mnist: Path) -> None:
    images, said = read(mnist / "t10k-images-idx3-ubyte.gz")
    assert np.array_equal(images.x, noise(3, channels=1)) and labels_of(images) == {"label": [0, 1, 2]} and said == ""
    (mnist / "t10k-labels-idx1-ubyte").unlink()
    assert read(mnist / "t10k-images-idx3-ubyte.gz")[0].labels is None


def test_a_folder_of_idx_gives_its_training_pair(mnist: Path) -> None:
    images, said = read(mnist)
    assert len(images) == 6 and labels_of(images)["label"] == [0, 1, 2, 0, 1, 2]
    assert "train-images-idx3-ubyte.gz are taken" in said
    assert f"--heldout {mnist / 't10k-images-idx3-ubyte.gz'}" in said


def test_idx_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    for dtype in ("u1", "i2", "f4"):
        array = (noise(3, channels=1)[..., 0] // 2).astype(dtype)
        (tmp_path / "images.bin").write_bytes(idx(array))
        assert np.array_equal(read(tmp_path / "images.bin")[0].x[..., 0], noise(3, channels=1)[..., 0] // 2)


def test_damaged_idx_is_refused(mnist: Path) -> None:
    images, labels = mnist / "train-images-idx3-ubyte.gz", mnist / "train-labels-idx1-ubyte"
    with pytest.raises(DataError, match=r"IDX file of shape \[6\]: labels"):
        read_images(labels, PLAIN, [])
    labels.write_bytes(idx(np.zeros(5, np.uint8)))
    with pytest.raises(DataError, match=r"has 5 labels, and .* 6 images"):
        read_images(images, PLAIN, [])
    whole = gzip.decompress(images.read_bytes())
    for data, words in (
        (gzip.compress(whole[:-7]), "cut off: 7 bytes"),
        (gzip.compress(whole + b"x"), "longer than its header"),
        (images.read_bytes()[:-9], "is damaged"),
    ):
        images.write_bytes(data)
        with pytest.raises(DataError, match=words):
            read_images(images, PLAIN, [])


# --- CIFAR --------------------------------------------------------------------------------------------------------

NAMES = ["plane", "car", "bird"]


def rows_of(x: np.ndarray) -> np.ndarray:
    return x.transpose(0, 3, 1, 2).reshape(len(x), 3072)


def python2_pickle(content: dict[str, Any]) -> bytes:
    """A pickle of protocol 2 as Python 2 wrote it: texts and the bytes of arrays are its short and long strings."""

    def text(value: bytes) -> bytes:
        return (b"U" + bytes([len(value)]) if len(value) < 256 else b"T" + struct.pack("<I", len(value))) + value

    def item(value: Any) -> bytes:
        if isinstance(value, str):
            return text(value.encode())
        if isinstance(value, int):
            return b"K" + bytes([value])
        if isinstance(value, list):
            return b"](" + b"".join(map(item, value)) + b"e"
        dtype = (
            b"cnumpy\ndtype\n("
            + text(b"u1")
            + b"K\x00K\x01tR(K\x03"
            + text(b"|")
            + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        )
        shape = b"(" + b"".join(b"M" + struct.pack("<H", side) for side in value.shape) + b"t"
        start = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + text(b"b") + b"tR"
        return start + b"(K\x01" + shape + dtype + b"\x89" + text(value.tobytes()) + b"tb"

    return b"\x80\x02}(" + b"".join(item(key) + item(value) for key, value in content.items()) + b"u."


def cifar(folder: Path, version: str) -> tuple[Path, np.ndarray, list[int]]:
    folder.mkdir(exist_ok=True)
    x, y = noise(6, 32, 32), [0, 2, 1, 2, 0, 1]
    for number, (name, part) in enumerate(
        [("data_batch_1", slice(0, 2)), ("data_batch_2", slice(2, 4)), ("test_batch", slice(4, 6))]
    ):
        data, labels = rows_of(x[part]), y[part]
        if version == "binary":
            records = np.concatenate([np.array(labels, np.uint8)[:, None], data], axis=1)
            (folder / f"{name}.bin").write_bytes(records.tobytes())
        elif version == "mat":
            scipy.io.savemat(folder / f"{name}.mat", {"data": data, "labels": np.array(labels, np.uint8)[:, None]})
        elif version == "python2":
            (folder / name).write_bytes(
                python2_pickle({"batch_label": f"batch {number}", "labels": labels, "data": data})
            )
        else:
            content = {b"labels": labels, b"data": data, b"filenames": [b"a.png", b"b.png"]}
            (folder / name).write_bytes(pickle.dumps(content, protocol=int(version[-1])))
    if version == "binary":
        (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    elif version == "python2":
        (folder / "batches.meta").write_bytes(python2_pickle({"num_cases_per_batch": 2, "label_names": NAMES}))
    elif version != "mat":
        (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": NAMES}, protocol=int(version[-1])))
    return folder, x, y


@pytest.mark.parametrize("version", ["binary", "mat", "python2", "protocol2", "protocol3", "protocol4", "protocol5"])
def test_every_version_of_cifar_is_read(tmp_path: Path, version: str) -> None:
    folder, x, y = cifar(tmp_path / "cifar", version)
    images, said = read(folder)
    known: list[Any] = y if version == "mat" else [NAMES[label] for label in y]
    assert np.array_equal(images.x, x[:4]) and labels_of(images) == {"label": known[:4]}
    suffix = {"binary": ".bin", "mat": ".mat"}.get(version, "")
    assert f"--heldout {folder}/test_batch{suffix}" in said
    if version != "mat":
        heldout, _ = read(folder / f"test_batch{suffix}")
        assert np.array_equal(heldout.x, x[4:]) and labels_of(heldout) == {"label": known[4:]}
    with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
        archive.add(folder, "cifar-10-batches")
    packed, _ = read(tmp_path / "cifar.tar.gz")
    assert np.array_equal(packed.x, x[:4]) and packed.labels == images.labels


def test_one_batch_in_an_archive_can_be_named(tmp_path: Path) -> None:
    folder, _, _ = cifar(tmp_path / "cifar-10", "binary")
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as archive:
        archive.add(folder, "cifar-10")
    notes: list[str] = []
    read_images(tmp_path / "c.tar.gz", PLAIN, notes)
    named = re.search(r"--heldout (\S+)", " ".join(notes))
    assert named is not None
    test = read_images(Path(named[1]), PLAIN, [])
    assert np.array_equal(test.x, read_images(folder / Path(named[1]).name, PLAIN, []).x)
    assert test.labels is not None and set(test.labels["label"].to_pylist()) <= set(NAMES)
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as both:
        both.write(folder / "test_batch.bin", "c/test_batch.bin")
        both.writestr("c/a.png", encoded(noise(1, 32, 32)[0]))
    assert np.array_equal(read_images(tmp_path / "c.zip" / "c" / "test_batch.bin", PLAIN, []).x, test.x)
    with pytest.raises(DataError, match="one file in an archive"):
        read_images(tmp_path / "c.tar.gz" / "cifar-10" / "batches.meta.txt", PLAIN, [])


def test_cifar_100_has_two_labels(tmp_path: Path) -> None:
    x = noise(3, 32, 32)
    labels = np.array([[1, 7], [0, 3], [1, 9]], np.uint8)
    (tmp_path / "train.bin").write_bytes(np.concatenate([labels, rows_of(x)], axis=1).tobytes())
    (tmp_path / "coarse_label_names.txt").write_text("animal\nplant\n")
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"kind {i}" for i in range(10)))
    images, _ = read(tmp_path)
    assert np.array_equal(images.x, x)
    assert labels_of(images) == {"superclass": ["plant", "animal", "plant"], "label": ["kind 7", "kind 3", "kind 9"]}


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("evil"),)


def test_a_batch_cannot_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for protocol in (0, 2, 4):
        data = pickle.dumps({"data": Evil(), "labels": [1]}, protocol=protocol)
        with pytest.raises(DataError, match="could run code and is not done"):
            plain_objects(data, "data_batch_1")
    assert not Path("evil").exists()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_batches_are_refused_in_words(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps({b"labels": [1, 2], b"data": np.zeros((2, 4), np.uint8)}, protocol=2))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        plain_objects(bytes(whole), "data_batch_1")
    except DataError as error:
        assert "data_batch_1" in str(error)


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
        max_leaves=12,
    ),
    st.integers(2, 5),
)
def test_plain_containers_come_out_as_they_went_in(content: Any, protocol: int) -> None:
    assert plain_objects(pickle.dumps(content, protocol=protocol), "meta") == content


def test_a_cut_binary_batch_is_refused(tmp_path: Path) -> None:
    folder, _, _ = cifar(tmp_path / "cifar", "binary")
    path = folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="no whole records of 3073"):
        read_images(folder, PLAIN, [])


# --- MATLAB -------------------------------------------------------------------------------------------------------


def saved(path: Path, **arrays: Any) -> Path:
    scipy.io.savemat(path, arrays)
    return path


def test_columns_of_the_olivetti_faces_stand_upright(tmp_path: Path) -> None:
    x = noise(5, 64, 64, 1)[..., 0]
    columns = np.stack([face.T.reshape(-1) for face in x], axis=1)  # each column of pixels after the other
    images, _ = read(saved(tmp_path / "faces.mat", faces=columns))
    assert np.array_equal(images.x[..., 0], x)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 2, 3, 0)])
def test_axes_in_mat_files_are_found(tmp_path: Path, order: tuple[int, ...]) -> None:
    x, y = noise(7, 6, 5), np.arange(7) % 2
    path = saved(tmp_path / "a.mat", X=x.transpose(order), y=y[:, None].astype(float))
    images, said = read(path)
    assert np.array_equal(images.x, x) and labels_of(images) == {"label": y.tolist()} and "7 images" in said
    grey = saved(tmp_path / "b.mat", X=x[..., 0].transpose(order[:3] if order[0] == 0 else (1, 2, 0)), y=y)
    assert np.array_equal(read(grey)[0].x[..., 0], x[..., 0])


def test_cells_of_texts_in_mat_files_are_labels(tmp_path: Path) -> None:
    cells = np.empty((6, 1), dtype=object)
    cells[:, 0] = ["cat", "dog", "cat", "dog", "cat", "dog"]
    path = saved(tmp_path / "x.mat", images=noise(6), names=cells)
    assert labels_of(read(path)[0]) == {"label": ["cat", "dog"] * 3}


def test_mat_files_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no array in it is known to hold images: a \[3, 4\]"):
        read_images(saved(tmp_path / "a.mat", a=np.zeros((3, 4))), PLAIN, [])
    with pytest.raises(DataError, match="no axis is known to count the images"):
        read_images(saved(tmp_path / "b.mat", a=np.zeros((3, 4, 5), np.uint8)), PLAIN, [])
    (tmp_path / "c.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(DataError, match="damaged or no MATLAB file"):
        read_images(tmp_path / "c.mat", PLAIN, [])
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n" + bytes(600)
    (tmp_path / "d.mat").write_bytes(head)
    with pytest.raises(DataError, match=r"version 7.3, which is not read. Save it with -v7"):
        read_images(tmp_path / "d.mat", PLAIN, [])


# --- Python objects -----------------------------------------------------------------------------------------------


def test_arrays_come_out_as_they_went_in() -> None:
    x = noise(4, 9, 9)
    for array in (
        x,
        x[..., 0],
        x.transpose(0, 3, 1, 2),
        (x / np.float32(255)).astype(np.float32),
        (x / 127.5 - 1).astype(np.float32),
        x.astype(np.int64),
        x.astype(np.float64),
        x.astype(np.uint16) * 257,
        x > 127,
        (x > 127).astype(np.uint8),
    ):
        images, said = read(array)
        again = to_image_object(images)
        assert again.shape == array.shape and again.dtype == array.dtype
        assert np.allclose(again, array, atol=2e-7), said
        assert (said == "") == (array.dtype == np.uint8 and array.max() > 1)
        if array.dtype != bool and array.max() != 1:
            assert np.array_equal(images.x, x[..., :1] if array.ndim == 3 else x)


def test_digits_of_scikit_learn_need_their_scale() -> None:
    digits = load_digits()
    with pytest.raises(DataError, match=r"run from 0 to 16, .*: x / 16"):
        read_images(digits.images, PLAIN, [])
    images, said = read((digits.images / 16, digits.target))
    assert images.x.shape == (1797, 8, 8, 1) and images.x.max() == 255 and "values from 0 to 1 (float64)" in said
    x, y = to_image_object(images)
    assert np.allclose(x, digits.images / 16, atol=0.002) and np.array_equal(y, digits.target)


def test_values_that_cannot_be_are_refused() -> None:
    for value, words in ((np.nan, "NaN"), (np.inf, "NaN or infinite"), (-7.0, "run from -7 to"), (1e6, "to 1e[+]06")):
        array = np.zeros((3, 9, 9))
        array[1, 2, 3] = value
        with pytest.raises(DataError, match=words):
            read_images(array, PLAIN, [])
    with pytest.raises(DataError, match="the array is of complex128"):
        read_images(np.zeros((3, 9, 9), complex), PLAIN, [])
    with pytest.raises(DataError, match="is empty"):
        read_images(np.zeros((0, 9, 9), np.uint8), PLAIN, [])


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 1, 2, 3], np.int16), np.array(["a", "b", "a", "b"]), [1, 2, 1, 2], ["x", "y", "x", "y"],
        np.array([[1, 2], [3, 4], [5, 6], [7, 8]]), pd.DataFrame({"age": [1, 2, 3, 4], "who": list("abab")}),
        pd.Series([1, 2, 1, 2], name="digit"), {"age": [1, 2, 3, 4]}, pa.table({"age": [1, 2, 3, 4]}),
    ],
)  # fmt: skip
def test_pairs_come_out_as_pairs(labels: Any) -> None:
    x = noise(4, 9, 9)
    images, _ = read((x, labels))
    assert images.labels is not None and images.labels.num_rows == 4
    again, same = to_image_object(images)
    assert np.array_equal(again, x) and type(same) is type(labels)
    if isinstance(labels, np.ndarray):
        assert same.dtype == labels.dtype and np.array_equal(same, labels)
    elif isinstance(labels, pd.DataFrame | pd.Series):
        assert same.equals(labels)
    else:
        assert same == labels


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(DataError, match="4 images and 3 labels"):
        read_images((noise(4), [1, 2, 3]), PLAIN, [])


def test_images_of_pillow_come_out_as_such() -> None:
    x = noise(4)
    images, said = read([image(one) for one in x])
    assert np.array_equal(images.x, x) and images.origin.format == "pil" and said == ""
    again = to_image_object(images)
    assert all(isinstance(one, Image.Image) and one.mode == "RGB" for one in again)
    assert np.array_equal(np.stack([np.asarray(one) for one in again]), x)
    both, labels = to_image_object(read(([image(one) for one in x], ["a", "b", "a", "b"]))[0])
    assert len(both) == 4 and labels == ["a", "b", "a", "b"]
    with pytest.raises(DataError, match=r"item 2: expected an image of Pillow or the path of one .*, found int"):
        read_images([image(x[0]), 3], PLAIN, [])


def test_images_of_pillow_are_left_as_they_were(tmp_path: Path) -> None:
    stream = io.BytesIO()
    image(noise(1, 64, 64)[0]).save(stream, "JPEG")
    with Image.open(io.BytesIO(stream.getvalue())) as first, Image.open(io.BytesIO(stream.getvalue())) as second:
        assert read([first, second], size="8")[0].x.shape == (2, 8, 8, 3)
        assert first.size == second.size == (64, 64)


def test_lists_of_arrays_of_any_sizes_are_read() -> None:
    images, _ = read(list(noise(4)))
    assert np.array_equal(images.x, noise(4)) and isinstance(to_image_object(images), list)
    photographs = load_sample_images().images
    assert read([photographs[0], photographs[1][:400]], size="32")[0].x.shape == (2, 32, 32, 3)
    with pytest.raises(DataError, match="2 different sizes"):
        read_images([photographs[0], photographs[1][:400]], PLAIN, [])


def test_tensors_and_lists_of_them_and_paths_are_read(tmp_path: Path) -> None:
    x = noise(6, 9, 8, 1)
    first = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
    floats = (first / 255).requires_grad_()
    for source in (first, floats, list(first), list(floats.unbind()), [one.numpy() for one in first], list(x[..., 0])):
        assert holds_images(source, PLAIN)
        assert np.array_equal(read(source)[0].x, x)
    paths = [tmp_path / f"{i}.png" for i in range(6)]
    fill(tmp_path, [path.name for path in paths], x)
    assert holds_images(paths, PLAIN) and holds_images((paths, [0, 1] * 3), PLAIN)
    assert np.array_equal(read(list(map(str, paths)))[0].x, x)


def test_series_and_texts_in_lists_do_not_look_like_images() -> None:
    rng = numpy_generator(0, "lists")
    for source in (
        [rng.normal(size=(24, 24)) for _ in range(9)],
        [rng.integers(0, 9, (10, 10)) for _ in range(9)],
        ["look at cat.png", *[f"hello world {i}" for i in range(9)]],
    ):
        assert not holds_images(source, PLAIN)


def test_a_series_of_pandas_as_labels_is_called_label() -> None:
    x = noise(6)
    for series, name in ((pd.Series(list("abcabc")), "label"), (pd.Series(list("abcabc"), name="mood"), "mood")):
        assert holds_images((x, series), PLAIN)
        assert labels_of(read((x, series))[0]) == {name: list("abcabc")}
    assert holds_images((x, list("ab")), PLAIN)
    with pytest.raises(DataError, match="there are 6 images and 2 labels"):
        read_images((x, list("ab")), PLAIN, [])


def test_dark_images_of_many_bits_are_told_of(tmp_path: Path) -> None:
    x = noise(3, 8, 8, 1)[..., 0].astype(np.uint16) * 16
    assert "of 65,535, which is nearly black" in read(x)[1]
    assert "nearly black" not in read(x * 16)[1]
    for i, one in enumerate(x):
        Image.fromarray(one).save(tmp_path / f"{i}.png")
    assert "If they hold 10 or 12 bits" in read(tmp_path)[1]


def test_two_channels_stay_two_when_they_are_resized() -> None:
    assert read(noise(5, 8, 8, 2), size="4")[0].x.shape == (5, 4, 4, 2)


def test_arrays_are_resized_and_recoloured_like_files() -> None:
    x = noise(3, 12, 16)
    images, said = read(x, size="8x6", resample="box")
    assert np.abs(images.x - x.reshape(3, 6, 2, 8, 2, 3).mean((2, 4))).max() <= 1 and "by the box filter" in said
    assert read(x, channels="grey")[0].x.shape[3] == 1
    assert np.array_equal(read(x[..., :1], channels="rgb")[0].x, x[..., :1].repeat(3, axis=3))
    with pytest.raises(OptionError, match="--delimiter does not hold"):
        read_images(x, TrainConfig(delimiter=";"), [])


# --- more than fits in memory -------------------------------------------------------------------------------------


def test_what_does_not_fit_in_memory_lies_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from image_examples import fill

    x = noise(40)
    np.save(tmp_path / "x.npy", x)
    np.savez_compressed(tmp_path / "x.npz", x=x)
    fill(tmp_path / "x", [f"{i}.png" for i in range(40)], x)
    (tmp_path / "x" / "bad.png").write_text("no")
    inside = read(tmp_path / "x")[0]
    assert not isinstance(inside.x, np.memmap)
    monkeypatch.setattr(imagestore, "SHARE_OF_MEMORY", 0.0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("x", "x.npy", "x.npz"):
        images, _ = read(tmp_path / name)
        assert isinstance(images.x, np.memmap) and np.array_equal(images.x, x)
        with pytest.raises(ValueError, match="read-only"):
            images.x[0] = 0
        part = images.take(np.arange(0, 40, 3))
        assert isinstance(part.x, np.memmap) and np.array_equal(part.x, x[::3])
        assert np.array_equal(images.take(slice(5, 9)).x, x[5:9])
    floats, _ = read((x / 255).astype(np.float32))
    assert isinstance(floats.x, np.memmap) and np.array_equal(floats.x, x)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "x.npy", "x.npz"]


def test_a_full_disk_is_told_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagestore, "SHARE_OF_MEMORY", 0.0)
    monkeypatch.setattr(rooms.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 10})())
    with pytest.raises(DataError, match="--size, or name another place in the environment variable TMPDIR"):
        read_images((noise(4) / 255).astype(np.float32), PLAIN, [])

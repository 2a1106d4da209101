"""Real data sets as they lie on people's disks: MNIST, CIFAR-10, cats and dogs, faces."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_examples import PLAIN
from PIL import Image

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.kinds.images.reading import holds_images, read_images
from gankit.kinds.images.records import Images


def read(path: Path | str, **options: Any) -> tuple[Images, str]:
    notes: list[str] = []
    assert holds_images(path, PLAIN)
    return read_images(path, TrainConfig(**options), notes), "\n".join(notes)


def counts(images: Images) -> dict[Any, int]:
    assert images.labels is not None
    return {entry["values"]: entry["counts"] for entry in images.labels["label"].value_counts().to_pylist()}


def test_mnist(shared_data: Path) -> None:
    images, said = read(shared_data / "mnist")
    assert images.x.shape == (60_000, 28, 28, 1) and "t10k-images" in said
    # The published MD5 of the training images behind their header of 16 bytes.
    header = bytes.fromhex("00000803" + f"{60_000:08x}" + f"{28:08x}" * 2)
    assert hashlib.md5(header + images.x.tobytes()).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"
    published = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert [counts(images)[digit] for digit in range(10)] == published
    test, _ = read(shared_data / "mnist" / "t10k-images-idx3-ubyte.gz")
    assert len(test) == 10_000 and counts(test)[1] == 1135


def test_olivetti_in_matlab_equals_its_arrays(shared_data: Path) -> None:
    faces, _ = read(shared_data / "olivetti" / "olivettifaces.mat")
    arrays, _ = read(shared_data / "olivetti" / "olivetti_faces.npz")
    assert np.array_equal(faces.x, arrays.x) and arrays.x.shape == (400, 64, 64, 1)
    assert set(counts(arrays).values()) == {10}


def test_cats_and_dogs(shared_data: Path) -> None:
    with pytest.raises(DataError, match=r"500 images have 347 different sizes .*--size 128 "):
        read_images(shared_data / "cats_dogs", PLAIN, [])
    images, said = read(shared_data / "cats_dogs", size="64")
    assert images.x.shape == (500, 64, 64, 3) and counts(images) == {"cat": 250, "dog": 250}
    assert "500 of 500 images resized to 64 x 64 by the lanczos filter" in said
    # Pillow's own way of the same; these are too small to be halved by the decoder.
    from PIL import ImageOps

    for row in range(0, 500, 50):
        with Image.open(shared_data / "cats_dogs" / images.names[row]) as one:
            whole = np.asarray(ImageOps.fit(one.convert("RGB"), (64, 64), Image.Resampling.LANCZOS))
        assert np.array_equal(images.x[row], whole)


def test_cifar(shared_data: Path) -> None:
    lossless, _ = read(shared_data / "cifar10" / "cifar10_first4000.npz")
    assert lossless.x.shape == (4000, 32, 32, 3)
    assert lossless.labels is not None
    assert lossless.labels["label"].to_pylist()[:10] == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]


@pytest.mark.slow
def test_cifar_as_jpegs_in_an_archive(shared_data: Path) -> None:
    path = shared_data / "cifar10" / "cifar10_jpeg_25000.tar.gz"
    images, said = read(path)
    assert images.x.shape == (20_000, 32, 32, 3) and set(counts(images).values()) == {2000}
    assert f"--heldout {path}/test" in said
    test, _ = read(f"{path}/test")
    assert set(counts(test).values()) == {500} and len(counts(test)) == 10


def test_faces(shared_data: Path) -> None:
    images, said = read(shared_data / "faces_fewshot_256")
    assert images.x.shape == (160, 256, 256, 3) and images.labels is None and said == ""
    with Image.open(shared_data / "faces_fewshot_256" / images.names[7]) as one:
        assert np.array_equal(np.asarray(one), images.x[7])


def test_other_data_does_not_look_like_images(shared_data: Path) -> None:
    others = [*shared_data.glob("tables/*"), *shared_data.glob("series/*"), *shared_data.glob("text/*")]
    assert len(others) > 10
    for path in (*others, shared_data / "fsdd_clips.zip", shared_data / "tables"):
        assert not holds_images(path, PLAIN), path

"""Values that image data allow: signed numbers, hidden colours, grey with alpha, few colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from image_examples import PLAIN, noise
from PIL import Image

import gankit
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.kinds import prepare
from gankit.kinds.images.kind import ImageCodec, palette_of
from gankit.kinds.images.reading import read_images


def signed_tiff(path: Path, values: np.ndarray) -> None:
    """A TIFF of one strip of signed 16-bit numbers, written by hand, for Pillow writes none. values: int16 [H, W]."""
    height, width = values.shape
    data = values.astype("<i2").tobytes()
    tags = [
        (256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 3, height), (279, 4, len(data)), (339, 3, 2),
    ]  # fmt: skip
    entries = b"".join(np.array([(t, k, 1, v)], "<u2,<u2,<u4,<u4").tobytes() for t, k, v in tags)
    head = b"II*\0" + (8 + len(data)).to_bytes(4, "little")
    path.write_bytes(head + data + len(tags).to_bytes(2, "little") + entries + bytes(4))


def test_signed_images_below_0_are_refused_with_the_range_of_all(tmp_path: Path) -> None:
    for row, low in enumerate((-1000, 5, -20)):
        signed_tiff(tmp_path / f"{row}.tif", np.linspace(low, 1500, 64).reshape(8, 8).astype(np.int16))
    with pytest.raises(DataError, match=r"3 images run from -1,000 to 1,500 .*\(x \+ 1000\) \* 65535 / 2500"):
        read_images(tmp_path, PLAIN, [])
    for row in (0, 2):
        signed_tiff(tmp_path / f"{row}.tif", np.full((8, 8), 257 * 100, np.int16))
    assert (read_images(tmp_path, PLAIN, []).x[0] == 100).all()


@pytest.mark.parametrize("files", [True, False])
def test_colours_that_alpha_hides_are_not_learned(tmp_path: Path, files: bool) -> None:
    x = noise(6, channels=4)
    x[..., 3] = np.where(x[..., 3] < 128, 0, 255)
    for row, pixels in enumerate(x):
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
    notes: list[str] = []
    read = read_images(tmp_path if files else x.copy(), PLAIN, notes).x
    assert np.array_equal(read[..., 3], x[..., 3]) and not read[read[..., 3] == 0].any()
    assert np.array_equal(read[read[..., 3] > 0], x[x[..., 3] > 0])
    assert any("6 of 6 images have colours where they are fully transparent" in note for note in notes)


@pytest.mark.parametrize("saved", ["LA", "RGBA"])
def test_grey_with_alpha_stays_grey(tmp_path: Path, saved: str) -> None:
    x = noise(12, channels=2) | 1
    for row, pixels in enumerate(x):
        Image.fromarray(pixels).convert(saved).save(tmp_path / f"{row}.png")
    read = read_images(tmp_path, PLAIN, []).x
    assert np.array_equal(read, x)
    if saved == "LA":
        model = gankit.train(tmp_path, samples=64, width=4)
        assert model.sample(3, seed=0).shape[1:] == x.shape[1:]
        assert read_images(tmp_path, TrainConfig(channels="rgba"), []).x.shape[3] == 4


def test_images_of_few_colours_give_samples_of_these_alone(tmp_path: Path) -> None:
    bits = noise(20, channels=1)[..., 0] > 127
    for row, pixels in enumerate(bits):
        Image.fromarray(pixels).save(tmp_path / f"{row}.png")
    notes: list[str] = []
    prepare(tmp_path, PLAIN, notes)
    assert any("2 different colours; samples have no others" in note for note in notes)
    model = gankit.train(tmp_path, samples=64, width=4)
    assert set(np.unique(model.sample(8, seed=0))) <= {0, 255}
    model.save(tmp_path / "model.gan")
    assert set(np.unique(gankit.load(tmp_path / "model.gan").sample(8, seed=0))) <= {0, 255}


def test_label_maps_keep_their_classes() -> None:
    x = np.random.default_rng(0).integers(0, 4, (20, 8, 8), dtype=np.uint8)
    notes: list[str] = []
    prepare(x, PLAIN, notes)
    assert any("values from 0 to 3 (uint8) taken as black to full light" in note for note in notes)
    fakes = gankit.train(x, samples=64, width=4).sample(8, seed=0)
    assert fakes.dtype == np.uint8 and set(np.unique(fakes)) <= {0, 1, 2, 3}


def test_a_palette_is_kept_and_old_codecs_have_none() -> None:
    colours = np.array([[10, 0, 0], [0, 200, 0], [0, 0, 90]], np.uint8)
    x = colours[np.arange(96).reshape(2, 6, 8) % 3]
    found = palette_of(x)
    assert found is not None and {tuple(c) for c in found.tolist()} == {tuple(c) for c in colours.tolist()}
    codec = ImageCodec.from_json(ImageCodec(6, 8, 3, found).to_json())
    near = np.clip(x.astype(int) + 4, 0, 255).astype(np.uint8)
    assert np.array_equal(codec.seen(near), x)
    old = ImageCodec.from_json({"height": 6, "width": 8, "channels": 3})
    assert np.array_equal(old.seen(near), near)
    assert palette_of(noise(4)) is None and palette_of(np.zeros((3, 4, 4, 1), np.uint8)) is None

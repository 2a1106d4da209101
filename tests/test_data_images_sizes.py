"""One image: kinds of pixels, turning, sizes, and what is refused; and what becomes of bad ones among good."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_examples import PLAIN, encoded, fill, image, noise
from PIL import Image

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds.images import decoding as imagesizes
from gankit.kinds.images.decoding import parse_size
from gankit.kinds.images.reading import holds_images, read_images


def put(folder: Path, *images: Image.Image, format: str = "PNG", **options: Any) -> Path:
    folder.mkdir(exist_ok=True)
    suffix = {"JPEG": "jpg", "TIFF": "tif"}.get(format, format.lower())
    for number, one in enumerate(images):
        one.save(folder / f"{number}.{suffix}", format, **options)
    return folder


def read(folder: Path, **options: Any) -> tuple[np.ndarray, str]:
    notes: list[str] = []
    return read_images(folder, TrainConfig(**options), notes).x, "\n".join(notes)


def bomb(width: int, height: int) -> bytes:
    """A PNG file whose header promises so many pixels, in some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


# --- kinds of pixels ----------------------------------------------------------------------------------------------


def test_one_bit_images_become_black_and_white(tmp_path: Path) -> None:
    bits = noise(2, channels=1) > 127
    x, said = read(put(tmp_path, *(image(b * np.uint8(255)).convert("1", dither=Image.Dither.NONE) for b in bits)))
    assert np.array_equal(x, bits * np.uint8(255)) and "2 of 2 images are of 1 bit" in said


def test_sixteen_bits_are_scaled_to_eight(tmp_path: Path) -> None:
    eight = noise(2, channels=1)
    deep = [Image.fromarray(e[..., 0].astype(np.uint16) * 257) for e in eight]
    x, said = read(put(tmp_path / "png", *deep))
    assert np.array_equal(x, eight) and "2 of 2 images are of 16 bits, scaled to 8" in said
    assert np.array_equal(read(put(tmp_path / "tif", *deep, format="TIFF"))[0], eight)


def test_palettes_become_their_colours(tmp_path: Path) -> None:
    colours = np.array([[255, 0, 0], [0, 128, 7], [1, 2, 3]], np.uint8)
    codes = noise(2, channels=1)[..., 0] % 3
    images = []
    for one in codes:
        image = Image.fromarray(one, "L").convert("L")
        image = Image.frombytes("P", image.size, one.tobytes())
        image.putpalette(colours.tobytes())
        images.append(image)
    x, said = read(put(tmp_path / "p", *images))
    assert np.array_equal(x, colours[codes]) and "with a palette" in said
    x, _ = read(put(tmp_path / "t", *images, transparency=2))
    assert x.shape[3] == 4 and np.array_equal(x[..., 3] == 0, codes == 2)
    for image in images:
        image.putpalette(np.repeat(np.array([[9], [99], [200]], np.uint8), 3, axis=1).tobytes())
    x, _ = read(put(tmp_path / "g", *images))
    assert np.array_equal(x[..., 0], np.array([9, 99, 200], np.uint8)[codes]) and x.shape[3] == 1


def test_print_colours_become_rgb(tmp_path: Path) -> None:
    inks = [Image.new("CMYK", (5, 6), (0, 255, 255, 0)), Image.new("CMYK", (5, 6), (0, 0, 0, 255))]
    x, said = read(put(tmp_path, *inks, format="TIFF"))
    assert x[0, 0, 0].tolist() == [255, 0, 0] and x[1, 0, 0].tolist() == [0, 0, 0]
    assert "in CMYK, converted to RGB" in said


def test_grey_with_transparency_keeps_it_or_is_laid_over_white(tmp_path: Path) -> None:
    folder = put(tmp_path, Image.new("LA", (5, 6), (40, 0)), Image.new("LA", (5, 6), (40, 255)))
    x, _ = read(folder)
    assert x[:, 0, 0].tolist() == [[0, 0], [40, 255]]
    for channels, num in (("grey", 1), ("rgb", 3)):
        x, said = read(folder, channels=channels)
        assert x[:, 0, 0].tolist() == [[255] * num, [40] * num] and "laid over white" in said


def test_colour_becomes_grey_by_its_brightness(tmp_path: Path) -> None:
    pixels = noise(2)
    x, said = read(fill(tmp_path, ["1.png", "2.png"], pixels), channels="grey")
    # Rec. 601: .299 R + .587 G + .114 B
    assert np.abs(x[..., 0] - pixels @ np.array([0.299, 0.587, 0.114])).max() <= 1 and "made grey" in said


def test_of_an_animation_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (5, 6), colour) for colour in ("red", "blue")]
    for name in ("a.gif", "b.gif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=100)
    x, said = read(tmp_path)
    assert x.shape == (2, 6, 5, 3) and (x == [255, 0, 0]).all()
    assert "2 of 2 images are animated, of which the first frame is taken" in said


def test_values_without_a_known_range_are_skipped_with_words(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png", "2.png"], noise(2))
    Image.fromarray(np.ones((6, 5), np.float32)).save(tmp_path / "f.tif")
    x, said = read(tmp_path)
    assert len(x) == 2 and "'f.tif' (32-bit floating values have no known range" in said


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("options", [{}, {"size": "6x4"}])
def test_rotations_of_cameras_are_obeyed(tmp_path: Path, orientation: int, options: dict[str, str]) -> None:
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :12] = [255, 0, 0]
    upright[8:, 12:] = [0, 0, 255]
    # How the sensor saw it, so that the orientation's turn makes it upright (Exif 2.3, tag 0x0112).
    seen = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    both = [image(np.ascontiguousarray(seen))] * 2
    x, _ = read(put(tmp_path, *both, format="JPEG", exif=exif, quality=100, subsampling=0), **options)
    height, width = (4, 6) if options else (16, 24)
    assert x.shape == (2, height, width, 3)
    assert np.abs(x[:, 0, 0].astype(int) - [255, 0, 0]).max() < 12
    assert np.abs(x[:, -1, -1].astype(int) - [0, 0, 255]).max() < 12
    assert x[:, 0, -1].max() < 12


# --- sizes --------------------------------------------------------------------------------------------------------


def test_sizes_are_width_then_height() -> None:
    assert parse_size("64x48") == (64, 48) and parse_size(" 32 ") == (32, 32)
    for wrong in ("", "64x", "a", "64x48x3", "-3", "0", "1", "5000", "6.5"):
        with pytest.raises(OptionError, match="--size must be"):
            parse_size(wrong)


def test_mixed_sizes_are_refused_with_a_size_that_fits(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png"], noise(1, 40, 50))
    fill(tmp_path, ["2.png", "3.png"], noise(2, 70, 60))
    with pytest.raises(
        DataError, match=r"2 different sizes \(width x height\): 60 x 70 \(2\), 50 x 40 \(1\).*--size 32 "
    ):
        read_images(tmp_path, PLAIN, [])


def thirds(height: int, width: int) -> np.ndarray:
    """Red, green and blue upright stripes."""
    return np.repeat(np.eye(3, dtype=np.uint8) * 255, width // 3, axis=0)[None].repeat(height, axis=0)


def test_crop_keeps_the_middle(tmp_path: Path) -> None:
    x, said = read(put(tmp_path, *[image(thirds(20, 60))] * 2), size="10", resample="box")
    assert (x == [0, 255, 0]).all() and x.shape == (2, 10, 10, 3)
    assert "2 of 2 images resized to 10 x 10 by the box filter, the longer side cut at the centre" in said


def test_pad_keeps_everything_within_black(tmp_path: Path) -> None:
    x, said = read(put(tmp_path, *[image(thirds(20, 60))] * 2), size="30", fit="pad", resample="nearest")
    assert (x[:, 10:20] == thirds(10, 30)).all() and not x[:, :10].any() and not x[:, 20:].any()
    assert "with black borders" in said
    clear = [image(np.dstack([thirds(20, 60), np.full((20, 60), 200, np.uint8)]))] * 2
    x, _ = read(put(tmp_path / "c", *clear), size="30", fit="pad")
    assert not x[:, 0, :, 3].any() and (x[:, 15, :, 3] == 200).all()


def test_stretch_distorts(tmp_path: Path) -> None:
    x, said = read(put(tmp_path, *[image(thirds(20, 60))] * 2), size="6x40", fit="stretch", resample="nearest")
    assert (x == thirds(40, 6)).all() and "without regard to their shape; 2 of them enlarged" in said


def test_resizing_is_that_of_pillow(tmp_path: Path) -> None:
    pixels = noise(2, 30, 20)
    for name in ("lanczos", "bicubic", "bilinear", "box", "nearest"):
        folder = fill(tmp_path / name, ["1.png", "2.png"], pixels)
        x, said = read(folder, size="8x12", resample=name)
        same = [np.asarray(image(p).resize((8, 12), Image.Resampling[name.upper()])) for p in pixels]
        assert np.array_equal(x, same) and f"by the {name} filter" in said


def test_few_colours_are_not_mixed(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).integers(0, 4, (6, 40, 40)).astype(np.uint8) * 60
    folder = put(tmp_path / "maps", *[image(m[..., None]) for m in maps])
    x, said = read(folder, size="12")
    assert set(np.unique(x)) == {0, 60, 120, 180} and "by the nearest filter" in said
    x, said = read(folder, size="12", resample="lanczos")
    assert len(np.unique(x)) > 16 and "by the lanczos filter" in said
    painted = [Image.fromarray(m // 60).convert("P") for m in maps]
    for one in painted:
        one.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9] + [0] * 756)
    x, _ = read(put(tmp_path / "palette", *painted), size="30")
    assert len(np.unique(x.reshape(-1, 3), axis=0)) == 4
    grey = put(tmp_path / "grey", *[image(noise(1, 40, 40, 1)[0]) for _ in range(3)])
    assert "by the lanczos filter" in read(grey, size="12")[1]


def test_loading_large_photographs_coarsely_changes_little(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:480, 0:640] / 40.0
    smooth = (127.5 + 127.5 * np.stack([np.sin(rows), np.cos(columns), np.sin(rows + columns)], axis=2)).astype(
        np.uint8
    )
    folder = put(tmp_path, image(smooth), image(smooth[::-1].copy()), format="JPEG", quality=95)
    x, _ = read(folder, size="32x24")
    with Image.open(folder / "0.jpg") as whole:
        exact = np.asarray(whole.convert("RGB").resize((32, 24), Image.Resampling.LANCZOS))
    assert np.abs(x[0].astype(int) - exact).max() <= 3


def test_images_of_the_right_size_are_not_touched(tmp_path: Path) -> None:
    pixels = noise(3)
    x, said = read(fill(tmp_path, ["1.png", "2.png", "3.png"], pixels), size="5x6")
    assert np.array_equal(x, pixels) and said == ""


# --- bad ones -----------------------------------------------------------------------------------------------------


def bad_files(folder: Path) -> Path:
    fill(folder, ["1.png", "2.png", "3.png"], noise(3, 40, 40))
    whole = encoded(noise(1, 40, 40)[0])
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "flipped.png").write_bytes(whole[:200] + bytes(byte ^ 255 for byte in whole[200:300]) + whole[300:])
    (folder / "cut.jpg").write_bytes(encoded(noise(1, 40, 40)[0], "JPEG")[:-400])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("this is no image")
    (folder / "bomb.png").write_bytes(bomb(50_000, 50_000))
    (folder / "script.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\nshowpage\n")
    return folder


def test_bad_images_are_skipped_and_listed(tmp_path: Path) -> None:
    x, said = read(bad_files(tmp_path))
    assert len(x) == 3 and "7 of 10 images cannot be read and are skipped: 'bomb.png'" in said
    assert "2,500,000,000 pixels" in said and "--strict refuses them" in said and "'text.png'" in said


@pytest.mark.parametrize("format", ["TIFF", "PNG", "JPEG", "WEBP"])
def test_every_format_is_turned_upright_once(tmp_path: Path, format: str) -> None:
    pixels = np.zeros((8, 16, 3), dtype=np.uint8)
    pixels[:, 12:] = 255  # turned clockwise by a quarter, as orientation 6 says, the light end is below
    turned = Image.Exif()
    turned[0x0112] = 6
    for i in range(3):
        Image.fromarray(pixels).save(tmp_path / f"{i}.{format.lower()}", format, exif=turned)
    x, said = read(tmp_path)
    assert x.shape == (3, 16, 8, 1) and said.count("\n") <= 1 and "cannot be read" not in said
    assert x[:, 13:].min() > 200 and x[:, :11].max() < 55


def test_strict_refuses_bad_images(tmp_path: Path) -> None:
    # Four show it in their headers, three when they are decoded: all are told at once.
    with pytest.raises(DataError, match=r"7 of 10 images cannot be read: 'bomb.png' .*leave off --strict"):
        read_images(bad_files(tmp_path), TrainConfig(strict=True), [])
    for name in ("bomb.png", "empty.png", "script.png", "text.png"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match=r"3 of 6 images cannot be read: 'cut.jpg' \(it is cut off\); 'cut.png' .*"):
        read_images(tmp_path, TrainConfig(strict=True), [])


REASONS = {
    "cut.png": "it is cut off",
    "flipped.png": "damaged: ",
    "cut.jpg": "it is cut off",
    "empty.png": "no image of a known format",
    "text.png": "no image of a known format",
    "bomb.png": "2,500,000,000 pixels",
    "script.png": "no image of a known format",
}


@pytest.mark.parametrize("name", REASONS)
def test_each_kind_of_bad_image_is_named_with_its_reason(tmp_path: Path, name: str) -> None:
    bad = bad_files(tmp_path / "all") / name
    folder = fill(tmp_path / "some", ["1.png", "2.png"], noise(2, 40, 40))
    (folder / name).write_bytes(bad.read_bytes())
    assert f"1 of 3 images cannot be read and are skipped: '{name}' ({REASONS[name]}" in read(folder)[1]


def test_the_own_limit_of_pixels_is_told_from_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, ["1.png", "2.png"], noise(2))
    (tmp_path / "big.png").write_bytes(bomb(300, 400))
    monkeypatch.setattr(imagesizes, "MAX_PIXELS", 100_000)
    assert "'big.png' (300 x 400 = 120,000 pixels, more than the 100,000 that are decoded)" in read(tmp_path)[1]


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no")
    (tmp_path / "b.png").write_bytes(bomb(50_000, 50_000))
    with pytest.raises(DataError, match=r"none of 2 images can be read: 'a.png' \(no image of a known format\)"):
        read_images(tmp_path, PLAIN, [])


def test_one_image_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png"], noise(1))
    for path in (tmp_path, tmp_path / "1.png"):
        assert holds_images(path, PLAIN)
        with pytest.raises(DataError, match=r"gives one image\. Learning needs at least 2"):
            read_images(path, PLAIN, [])
    assert len(read_images(tmp_path / "1.png", PLAIN, [], least=1)) == 1
    (tmp_path / "2.png").write_text("no")
    with pytest.raises(DataError, match=r"gives one image \(1 more cannot be read: '2.png'"):
        read_images(tmp_path, PLAIN, [])


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images: it is empty"):
        read_images(tmp_path, PLAIN, [])
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.heic").write_text("x")
    with pytest.raises(DataError, match=r"holds no images: it has 1 .txt, 1 .heic, and .heic is not read. Convert"):
        read_images(tmp_path, PLAIN, [])


def test_a_class_with_one_image_is_noted(tmp_path: Path) -> None:
    folder = fill(tmp_path, ["a/1.png", "a/2.png", "b/1.png"], noise(3))
    assert "1 of 2 classes ('b') have one image only" in read(folder)[1]


def test_warnings_and_logs_of_the_decoder_stay_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, ["1.png", "2.png"], noise(2))
    # Pillow warns of a palette's transparency given in bytes, and of images of over 89 million pixels.
    (tmp_path / "large.png").write_bytes(bomb(10_000, 10_000))
    stream = io.BytesIO()
    Image.new("RGB", (5, 6)).save(stream, "TIFF")
    (tmp_path / "odd.tif").write_bytes(stream.getvalue()[:-8])
    with warnings.catch_warnings(record=True) as caught, caplog.at_level(logging.WARNING):
        warnings.simplefilter("always")
        read(tmp_path, size="6")
    assert [str(w.message) for w in caught] == [] and caplog.records == []

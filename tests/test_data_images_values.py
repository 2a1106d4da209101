"""Values that image data allow: signed numbers, hidden colours, grey with alpha, few colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from image_examples import PLAIN, noise
from PIL import Image

import gankit
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds import prepare
from gankit.kinds.images.kind import ImageCodec, palette_of
from gankit.kinds.images.reading import read_images
from gankit.latents.interpolation import Stop, interpolate
from gankit.latents.projection import project
from gankit.model.export import export
from gankit.networks.blocks import collapse, expand
from gankit.training.augment.base import Draws
from gankit.training.augment.diffaugment import DiffAugment


def signed_tiff(path: Path, values: np.ndarray) -> None:
    """A TIFF of one strip of signed 16-bit numbers, written by hand, for Pillow writes none. values: int16 [H, W]."""
    height, width = values.shape
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    tags = [
        (256, 3, width), (257, 3, height), (258, 3, 8 * values.itemsize), (259, 3, 1), (262, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 3, height), (279, 4, len(data)), (339, 3, 2),
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


def test_signed_bytes_are_signed_too(tmp_path: Path) -> None:
    for row in range(3):
        signed_tiff(tmp_path / f"{row}.tif", np.arange(-20, 44).reshape(8, 8).astype(np.int8))
    with pytest.raises(DataError, match=r"3 images run from -20 to 43 .*\(x \+ 20\) \* 65535 / 63"):
        read_images(tmp_path, PLAIN, [])
    for row in range(3):
        signed_tiff(tmp_path / f"{row}.tif", np.arange(64).reshape(8, 8).astype(np.int8))
    assert (read_images(tmp_path, PLAIN, []).x[0, ..., 0] == np.arange(64).reshape(8, 8)).all()


def test_one_animated_image_is_named_as_such(tmp_path: Path) -> None:
    frames = [Image.fromarray(pixels) for pixels in noise(3)]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"gives one image, animated, of which the first frame is taken"):
        read_images(tmp_path / "x.gif", PLAIN, [])


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


def test_fakes_have_no_colours_where_nothing_shows() -> None:
    x = noise(12, channels=4)
    x[..., 3] = np.where(x[..., 3] < 128, 0, 255)
    model = gankit.train(x, samples=64, width=4)
    made = model.codec.seen(x)
    assert not made[x[..., 3] == 0].any() and np.array_equal(made[x[..., 3] > 0], x[x[..., 3] > 0])
    again = ImageCodec.from_json(model.codec.to_json())
    assert again.clears and not ImageCodec.from_json({"height": 8, "width": 8, "channels": 4}).clears


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
    model.save(tmp_path / "model.safetensors")
    assert set(np.unique(gankit.load(tmp_path / "model.safetensors").sample(8, seed=0))) <= {0, 255}


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


def nested(num: int) -> np.ndarray:
    """Label maps [num, 16, 16] of a ring of class 3 around class 1 on ground of class 0: 0 and 1 never touch."""
    rows, columns = np.mgrid[:16, :16]
    rng = np.random.default_rng(0)
    radius = [np.hypot(rows - y, columns - x) for x, y in rng.uniform(5, 11, (num, 2))]
    return np.array([np.where(r < 2, 1, np.where(r < 4, 3, 0)) for r in radius], np.uint8)


def test_a_channel_says_of_each_class_whether_a_pixel_has_it() -> None:
    x = nested(40)
    model = gankit.train(x, samples=64, width=4)
    spec = model.codec.spec
    assert spec.shape == (3, 16, 16) and [block.type for block in spec.blocks] == ["categorical"]
    pixels = x[..., None] * 85
    coded = model.codec.coded(pixels, np.array([3, 5]))
    shown = expand(spec, torch.from_numpy(coded.x))
    assert shown.shape == (2, 3, 16, 16) and set(shown.unique().tolist()) == {-1.0, 1.0}
    assert (shown.sum(1) == -1).all()  # one channel is 1 and two are -1
    back = model.codec.seen(collapse(spec, 0.3 * shown, torch.zeros(0)).numpy())
    assert np.array_equal(back, pixels[[3, 5]]) and np.array_equal(coded.rows, [0, 1])


def test_images_of_few_colours_can_be_walked_between_projected_and_exported(tmp_path: Path) -> None:
    x = nested(40)
    model = gankit.train(x, samples=64, width=4)
    found = project(model, x[:1, ..., None] * 85, steps=2)
    assert found.found.shape == (1, 16, 16, 1) and set(np.unique(found.found)) <= {0, 85, 255}
    made = model.sample(2, seed=0)
    frames = interpolate(model, [Stop(0), Stop(1)], frames=2)
    assert set(np.unique(frames)) <= {0, 85, 255} and np.array_equal(frames[0, ..., 0], made[0] * 85)
    with pytest.raises(OptionError, match="largest channel says which colour"):
        export(model, tmp_path / "g.onnx", pixels="bytes")


def test_images_of_some_colours_more_get_a_line() -> None:
    notes: list[str] = []
    prepare((np.arange(30 * 64).reshape(30, 8, 8) % 40 * 6).astype(np.uint8), PLAIN, notes)
    assert any("40 different colours, and samples may have others" in note for note in notes)


def test_augmentation_moves_classes_and_never_mixes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    apply = DiffAugment.apply

    def noted(self: DiffAugment, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        seen.append((draws.colours, draws.contrasts, draws.moves is not None))
        return apply(self, x, draws)

    monkeypatch.setattr(DiffAugment, "apply", noted)
    gankit.train(nested(40), samples=64, width=4, augment="diffaugment")
    assert {part[:2] for part in seen} == {(None, None)} and any(moved for _, _, moved in seen)


@pytest.mark.parametrize("mode", ["L", "P"])
def test_label_maps_in_files_keep_their_values(tmp_path: Path, mode: str) -> None:
    (tmp_path / "in").mkdir()
    colours = np.repeat(np.array([[0], [1], [2], [3]], np.uint8), 3, axis=1)
    if mode == "P":
        colours[:, 1:] = [[0, 0], [0, 128], [128, 0], [9, 200]]
    for row, labels in enumerate(nested(20)):
        image = Image.fromarray(labels)
        if mode == "P":
            image.putpalette(colours.tobytes())
        image.save(tmp_path / "in" / f"{row}.png")
    gankit.train(tmp_path / "in", samples=64, width=4).write(tmp_path / "out", 5)
    for file in (tmp_path / "out").glob("*.png"):
        found = np.asarray(Image.open(file).convert("RGB")).reshape(-1, 3)
        assert {tuple(c) for c in found.tolist()} <= {tuple(c) for c in colours[[0, 1, 3]].tolist()}


def test_the_pages_of_a_tiff_are_images_and_are_named_where_it_lies_in_a_folder(tmp_path: Path) -> None:
    x = noise(5, channels=1)[..., 0]
    first, *others = [Image.fromarray(page) for page in x]
    (tmp_path / "in").mkdir()
    first.save(tmp_path / "in" / "stack.tif", save_all=True, append_images=others)
    notes: list[str] = []
    assert np.array_equal(read_images(tmp_path / "in" / "stack.tif", PLAIN, notes).x[..., 0], x)
    assert any("its 5 pages are taken as images" in note for note in notes) and "animated" not in "".join(notes)
    with pytest.raises(DataError, match=r"one image of several pages, .*give such a file itself"):
        read_images(tmp_path / "in", PLAIN, [])
    first.save(tmp_path / "in" / "1.png")
    read_images(tmp_path / "in", PLAIN, notes)
    assert any("1 of 2 images are of several pages" in note for note in notes)

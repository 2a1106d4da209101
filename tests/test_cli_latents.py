"""interpolate, project, mix and export as a person types them: what they write, what they say, what they refuse."""

from __future__ import annotations

import json
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from latent_models import digits, image_model
from PIL import Image

import gankit
from gankit.cli import run
from gankit.io.pixels import png
from gankit.latents.interpolation import find_encoder, write_animation

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "images.md").read_text(encoding="utf-8")
HAS_ONNX = all(find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the models and images that the page speaks of."""
    for name, network in (("digits", "strided"), ("styles", "stylegan2")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        image_model(network).save(tmp_path / "runs" / name / "model.safetensors")
    for name, image in zip(("my-seven", "one", "two"), digits()[0], strict=False):
        (tmp_path / f"{name}.png").write_bytes(png(image[..., None]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capfd: pytest.CaptureFixture[str], line: str, code: int = 0) -> str:
    """What a command says, its results or its complaint, in lines joined by spaces."""
    assert run(shlex.split(line)) == code, capfd.readouterr().err
    found = capfd.readouterr()
    return found.err if code else found.out


@pytest.mark.skipif(not HAS_ONNX, reason="onnx, onnxscript or onnxruntime is not installed")
@pytest.mark.slow
def test_the_exports_and_the_python_examples_of_the_page_run(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    exports = [line.removeprefix("gankit ") for line in PAGE.splitlines() if line.startswith("gankit export ")]
    assert len(exports) == 3
    for line in exports:
        assert "z [rows, 12], c [rows, 10]" in said(capfd, line)
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        # the models of the test have fewer latents
        names: dict[str, object] = {}
        exec(
            compile(block.replace("(16, 100)", "(16, 12)").replace("steps=200", "steps=3"), "images.md", "exec"),
            names,
        )
    assert (place / "digits.onnx").is_file()


def test_a_strip_has_a_line_for_each_leg(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said(capfd, "interpolate runs/digits --rows 3,17,4 --seed 2 --frames 5 -o strip.png")
    strip = np.asarray(Image.open("strip.png"))
    assert strip.shape == (14 * (2 * 9 - 1), 14 * (6 * 9 - 1))  # enlarged to be seen
    strip = strip[::14, ::14]
    model = gankit.load("runs/digits")
    ends = [model.sample(1, seed=2, offset=row)[0][0] for row in (3, 17, 4)]
    np.testing.assert_array_equal(strip[:8, :8], ends[0])
    np.testing.assert_array_equal(strip[:8, -8:], ends[1])
    np.testing.assert_array_equal(strip[-8:, :8], ends[1])
    np.testing.assert_array_equal(strip[-8:, -8:], ends[2])


def test_an_animation_of_grey_images_keeps_their_bytes(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said(capfd, "interpolate runs/digits --rows 3,17 --frames 5 --fps 20 -o walk.gif")
    said(capfd, "interpolate runs/digits --rows 3,17 --frames 5 -o walk.npz")
    with np.load("walk.npz") as file:
        frames = file["x"]
    with Image.open("walk.gif") as film:
        assert (film.n_frames, film.info["duration"], film.info["loop"]) == (6, 50, 0)
        for number, frame in enumerate(frames):
            film.seek(number)
            np.testing.assert_array_equal(np.asarray(film.convert("L")), frame.repeat(32, 0).repeat(32, 1))


def test_an_animation_in_colours_looks_like_its_images(tmp_path: Path) -> None:
    shades = np.linspace(0, 255, 12 * 12).reshape(12, 12)
    frames = np.stack([np.stack([shades, shades.T, 255 - shades, np.full_like(shades, a)], -1) for a in (255, 128, 0)])
    frames = np.concatenate([frames, frames[:1]]).astype(np.uint8)
    write_animation(tmp_path / "walk.gif", frames, segment=3)
    with Image.open(tmp_path / "walk.gif") as film:
        for number, alpha in enumerate((1.0, 128 / 255, 0.0)):
            film.seek(number)
            shown = np.asarray(film.convert("RGB")).astype(float)
            on_white = frames[number, ..., :3] * alpha + 255 * (1 - alpha)
            assert shown.shape == (252, 252, 3)
            assert np.abs(shown[::21, ::21] - on_white).mean() < 8


def test_a_film_is_written_where_there_is_an_encoder(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    try:
        find_encoder()
    except gankit.OptionError:
        pytest.skip("neither ffmpeg nor imageio-ffmpeg is installed")
    said(capfd, "interpolate runs/digits --rows 3,17 --frames 5 -o walk.mp4")
    assert (place / "walk.mp4").read_bytes()[4:8] == b"ftyp"


def test_without_an_encoder_a_gif_is_proposed(
    place: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    assert ".gif" in said(capfd, "interpolate runs/digits -o walk.mp4", code=2)
    assert not list(place.glob("*walk*"))


def test_projection_writes_pairs_and_says_how_near_it_came(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = json.loads(said(capfd, "project runs/digits one.png my-seven.png -o found --steps 3 --json"))
    pairs = [np.asarray(Image.open(place / "found" / f"00000{i}.png"))[::32, ::32] for i in range(2)]
    target = np.asarray(Image.open("one.png"))
    np.testing.assert_array_equal(pairs[0][:, :8], target)
    for pair, entry in zip(pairs, result["pictures"], strict=True):
        difference = pair[:, :8].astype(float) - pair[:, 9:]
        assert entry["rmse"] == pytest.approx(np.sqrt(np.square(difference).mean()))
        assert entry["psnr"] == pytest.approx(20 * np.log10(255 / entry["rmse"]))
        assert entry["labels"]["label"] in range(10)
    assert [entry["picture"] for entry in result["pictures"]] == ["one.png", "my-seven.png"]
    text = said(capfd, "project runs/digits one.png -o found --steps 3 --where label=4")
    assert "label=4" in text and "dB" in text


def test_projections_replace_only_what_a_projection_wrote(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said(capfd, "project runs/digits one.png my-seven.png -o two --steps 1")
    said(capfd, "project runs/digits one.png -o two --steps 1")
    assert sorted(path.name for path in (place / "two").iterdir()) == ["000000.png", "latents.npz"]
    (place / "two" / "notes.txt").write_text("mine")
    assert "'notes.txt'" in said(capfd, "project runs/digits one.png -o two --steps 1", code=2)
    (place / "mine").mkdir()
    (place / "mine" / "000000.png").write_bytes((place / "one.png").read_bytes())
    assert "did not write" in said(capfd, "project runs/digits one.png -o mine --steps 1", code=2)
    assert (place / "mine" / "000000.png").read_bytes() == (place / "one.png").read_bytes()


def test_a_image_of_another_size_and_mode_is_brought_to_the_models(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (20, 30), (200, 10, 10)).save("large.png")
    assert run(shlex.split("project runs/digits large.png -o found --steps 1")) == 0
    assert "8x8" in capfd.readouterr().err.replace(" x ", "x")
    assert np.asarray(Image.open("found/000000.png")).shape == (32 * 8, 32 * 17)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("interpolate runs/digits --rows 3 -o a.png", "two places"),
        ("interpolate runs/digits --rows x,3 -o a.png", "'x' is no number"),
        ("interpolate runs/digits --rows=-1,3 -o a.png", "from 0"),
        ("interpolate runs/digits --rows 9-3 -o a.png", "no range"),
        ("interpolate runs/digits --rows 1,2 --seeds 3,4 -o a.png", "Give one of them"),
        ("interpolate runs/digits --seeds 3,4 --seed 1 -o a.png", "--seed is for --rows"),
        ("interpolate runs/digits --rows 1,2,3 --through label=1 --through label=2 -o a.png", "--through is given 2"),
        ("interpolate runs/digits --latents no.npz -o a.png", "no file"),
        ("interpolate runs/digits --latents no.npz --where label=1 -o a.png", "do not go with it"),
        ("interpolate runs/digits --where label=77 -o a.png", "77"),
        ("interpolate runs/digits --space w -o a.png", "--network stylegan2"),
        ("interpolate runs/digits --truncation 2 -o a.png", "--truncation 2"),
        ("interpolate runs/digits --fps 5 -o a.png", "--fps 5"),
        ("interpolate runs/digits --fps 5 -o a.npz", "--fps 5"),
        ("interpolate runs/digits --fps 0.001 -o a.gif", "between 0.1 and 50"),
        ("interpolate runs/digits --fps 60 -o a.gif", "between 0.1 and 50"),
        ("interpolate runs/digits --where label=1 --through label=2 -o a.png", "both say what label is"),
        ("interpolate runs/digits --rows '' -o a.png", "--rows"),
        ("sample runs/digits -n 3 -o a.png --format npz", "Leave --format out"),
        ("sample runs/digits -n 0 -o a.zip", "Ask for one"),
        ("sample runs/digits -n 3 -o a.zip --truncation 0", "above 0"),
        ("sample runs/digits -n 3 -o a.zip --where label=77", "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ("sample runs/digits -n 3 -o a.zip --where label=7 --where label=8", "label=7|8"),
        ("project runs/digits one.png -o .", "did not write"),
        ("evaluate runs/digits -o one.png", "into a folder"),
        ("evaluate runs/digits/model.safetensors -o report", "--real"),
        ("evaluate runs/digits -o report", "no config.json"),
        ("evaluate runs/digits/model.safetensors -o new/report --real missing.npz", "missing.npz"),
        ("evaluate runs/digits/model.safetensors -o report --real one.png", "one image"),
        ("evaluate runs/digits/model.safetensors -o report --real one.png --valid x", "--valid is for texts"),
        ("interpolate runs/digits -o a.bmp", ".bmp"),
        ("interpolate runs/digits -o nowhere/a.png", "nowhere"),
        ("interpolate runs/none -o a.png", "no model"),
        ("project runs/digits missing.png -o found", "missing.png"),
        ("project runs/digits one.png -o found --space w", "--network stylegan2"),
        ("project runs/digits one.png -o found --where colour=red", "'colour'"),
        ("project runs/digits one.png -o one.png", "folder"),
        ("mix runs/digits --rows 1 --columns 2 -o a.png", "--network stylegan2"),
        ("mix runs/styles --rows 1 --columns 2 --levels 9 -o a.png", "--levels 9"),
        ("mix runs/styles --rows 1 --columns 2 -o a.gif", ".png"),
        ("export runs/digits -o a.pt", "or a .pt2 file"),
        ("export runs/digits -o a.pt2 --opset 18", "--opset is for .onnx files"),
        ("export runs/digits -o a.onnx --opset 3", "--opset 3"),
    ],
)
def test_mistakes_are_refused_in_words_and_nothing_is_written(
    line: str, words: str, place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(place.rglob("*"))
    assert words in said(capfd, line, code=2)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize(
    "line", ["interpolate M -o a.png", "project M one.png -o f", "mix M --rows 1 --columns 2 -o a.png"]
)
def test_models_of_other_kinds_are_refused(line: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    gankit.train(np.arange(60.0).reshape(20, 3), samples="200", evaluations=1).save("M")
    assert "kind vector" in said(capfd, line, code=2)

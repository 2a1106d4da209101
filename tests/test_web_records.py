"""Samples, sounds and nearest records on the page, of real short trainings."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from web_examples import Asking, append, asking, update, written_run

import gankit
from gankit.randomness import numpy_generator
from gankit.web.records.nearness import Cells, Edits, Pixels, Scaled
from gankit.web.records.sampling import MOST_IMAGES, MOST_ROWS

SHORT: dict[str, Any] = {"samples": "1k", "evaluations": 1, "verbose": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_table: Path) -> Path:
    """Runs of a table, of images and of numbers in memory."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "people.csv").write_bytes(small_table.read_bytes())
    rng = numpy_generator(0, "web records")
    np.save(folder / "images.npy", rng.integers(0, 255, (120, 8, 8, 3), dtype=np.uint8))
    gankit.train(folder / "people.csv", out=folder / "runs" / "people", network="residual", given=["city"], **SHORT)
    gankit.train(
        folder / "images.npy",
        out=folder / "runs" / "images",
        network="dcgan",
        width=4,
        batch=20,
        **SHORT | {"samples": "200"},
    )
    gankit.train(rng.normal(size=300), out=folder / "runs" / "numbers", **SHORT)
    return folder


@pytest.fixture(scope="module")
def page(place: Path) -> Iterator[Asking]:
    with asking(place / "runs") as page:
        yield page


def test_what_samples_can_be_asked_for_is_told(page: Asking) -> None:
    found = page.get("/api/runs/people/conditions").json()
    (city,) = found["conditions"]
    assert city["name"] == "city" and city["type"] == "levels" and set(city["levels"]) == {"Oslo", "Lima", "Kyoto"}
    assert "csv" in found["formats"] and found["most"] == MOST_ROWS
    assert page.get("/api/runs/images/conditions").json()["most"] == MOST_IMAGES


def test_samples_are_those_of_the_model_as_a_file(page: Asking, place: Path) -> None:
    order = {"n": 20, "seed": 3, "where": {"city": ["Oslo", "Lima"]}, "format": "csv"}
    found = page.post("/api/runs/people/sample", json=order)
    assert found.status_code == 200 and found.headers["content-type"].startswith("text/csv")
    assert found.headers["content-disposition"] == "attachment; filename*=UTF-8''people-seed-3.csv"
    assert int(found.headers["content-length"]) == len(found.content)
    expected = io.BytesIO()
    model = gankit.load(place / "runs" / "people")
    model.write(expected, 20, 3, where={"city": ["Oslo", "Lima"]}, format="csv")
    assert found.content == expected.getvalue()


def test_a_kept_model_is_sampled_at_its_step(page: Asking, place: Path) -> None:
    steps = page.get("/api/runs/people/previews").json()["steps"]
    first = steps[0]["samples"]
    assert first == 0 and steps[0]["model"]
    found = page.post("/api/runs/people/sample", json={"at": 0, "n": 5, "format": "jsonl"})
    assert found.status_code == 200 and len(found.text.splitlines()) == 5
    assert "people-at-0-seed-0.jsonl" in found.headers["content-disposition"]
    assert found.content != page.post("/api/runs/people/sample", json={"n": 5, "format": "jsonl"}).content


def test_images_are_downloaded_as_archives_and_sheets(page: Asking) -> None:
    for format, begin in (("zip", b"PK"), ("png", b"\x89PNG"), ("npz", b"PK")):
        found = page.post("/api/runs/images/sample", json={"n": 3, "format": format})
        assert found.status_code == 200 and found.content.startswith(begin)


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({"n": 0}, "1 to"), ({"n": MOST_ROWS + 1}, "1 to 100,000"), ({"n": "9"}, "whole"), ({"n": True}, "whole"),
        ({"seed": 1.5}, "whole number"), ({"seed": 2**70}, ""), ({"format": "exe"}, "format must be one of"),
        ({"format": "../x"}, "format"), ({"where": [1]}, "object"), ({"where": {"size": "3"}}, "size"),
        ({"where": {"city": "Atlantis"}}, "Atlantis"), ({"at": -1}, '"at"'), ({"at": "../x"}, '"at"'),
        ({"at": [0]}, '"at"'), ({"shell": "rm"}, "cannot be asked for"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_refused_in_words(page: Asking, order: dict[str, Any], said: str) -> None:
    found = page.post("/api/runs/people/sample", json=order)
    assert found.status_code == 422 and said in found.json()["error"]


def test_a_step_without_a_model_is_refused_in_words(page: Asking) -> None:
    found = page.post("/api/runs/people/sample", json={"at": 77})
    assert found.status_code == 404 and "no model was kept at 77 samples" in found.json()["error"]


def test_a_run_without_a_model_yet_says_so(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1))
    with asking(tmp_path) as page:
        assert "no model yet" in page.get("/api/runs/run/conditions").json()["error"]
        (run / "model.safetensors").write_bytes(b"junk")
        found = page.get("/api/runs/run/conditions")
        assert found.status_code == 422 and "damaged" in found.json()["error"]


def test_records_without_sound_have_no_clips(page: Asking) -> None:
    found = page.get("/api/runs/people/audio/0/1.wav")
    assert found.status_code == 404 and "no sound" in found.json()["error"]


def test_a_clip_is_the_previews_record_as_sound(tmp_path: Path) -> None:
    import wave

    clips = (numpy_generator(0, "clips").normal(size=(40, 600)) * 3000).astype(np.int16)
    np.savez(tmp_path / "sounds.npz", audio=clips, rate=8000)
    gankit.train(
        tmp_path / "sounds.npz", kind="audio", network="wave", width=4, batch=8, samples="32", evaluations=1,
        verbose=False, out=tmp_path / "runs" / "sounds",
    )  # fmt: skip
    with asking(tmp_path / "runs") as page:
        step = page.get("/api/runs/sounds/previews").json()["steps"][-1]
        found = page.get(f"/api/runs/sounds/audio/{step['samples']}/1.wav")
        assert found.status_code == 200 and found.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(found.content)) as sound:
            assert sound.getframerate() == 8000
        assert page.get(f"/api/runs/sounds/audio/{step['samples']}/99.wav").status_code == 404
        near = page.get(f"/api/runs/sounds/neighbours/{step['samples']}/1").json()
        assert near["train"]["of"] == 32 and near["heldout"]["of"] == 8


def test_the_nearest_rows_are_real_ones(page: Asking, place: Path) -> None:
    shown = page.get("/api/runs/people/previews/0").json()
    found = page.get("/api/runs/people/neighbours/0/2").json()
    real = {tuple(line.split(",")) for line in (place / "people.csv").read_text().splitlines()[1:]}
    for part, count in (("train", 320), ("heldout", 80)):
        record = found[part]["record"]
        assert record["columns"] == shown["columns"] and found[part]["of"] == count
        assert 0 <= found[part]["distance"] <= 1
        assert record["rows"][0][1] in {row[1] for row in real}
    assert page.get("/api/runs/people/neighbours/0/400").status_code == 404


def test_the_nearest_images_are_addresses_of_data(page: Asking) -> None:
    found = page.get("/api/runs/images/neighbours/0/5").json()
    assert found["train"]["record"].startswith("data:image/png;base64,")
    assert found["train"]["of"] + found["heldout"]["of"] == 120
    assert page.get("/api/runs/images/neighbours/0/500").status_code == 404


def test_neighbours_need_the_data(page: Asking, place: Path, tmp_path: Path) -> None:
    found = page.get("/api/runs/numbers/neighbours/0/0")
    assert found.status_code == 404 and "no file" in found.json()["error"]
    (place / "people.csv").rename(place / "moved.csv")
    try:
        with asking(place / "runs") as fresh:
            found = fresh.get("/api/runs/people/neighbours/0/0")
            assert found.status_code == 404 and "not at hand any more" in found.json()["error"]
    finally:
        (place / "moved.csv").rename(place / "people.csv")


def test_models_of_a_run_that_went_on_are_read_again(page: Asking, place: Path) -> None:
    run = place / "runs" / "numbers"
    before = page.post("/api/runs/numbers/sample", json={"n": 3, "format": "csv"}).content
    kept = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").write_bytes((run / "previews" / f"{0:012d}.safetensors").read_bytes())
    assert page.post("/api/runs/numbers/sample", json={"n": 3, "format": "csv"}).content != before
    (run / "model.safetensors").write_bytes(kept)
    append(run)


def test_distances_of_pixels_numbers_texts_and_cells() -> None:
    import pyarrow as pa

    pixels = np.zeros((2, 2, 2, 1), np.uint8)
    pixels[1] = 255
    assert Pixels(pixels).distances(pixels[0], pixels).tolist() == [0.0, 1.0]
    x = np.array([[0.0, 0.0], [2.0, 20.0]])
    assert Scaled(x).distances(np.array([0.0, 0.0]), x).tolist() == pytest.approx([0.0, 2.0])
    gaps = Scaled(x).distances(np.array([0.0, np.nan]), np.array([[0.0, np.nan], [0.0, 5.0]]))
    assert gaps.tolist() == pytest.approx([0.0, np.sqrt(0.5)])
    assert Edits([]).distances("abcd", ["abcd", "abxd", ""]).tolist() == [0.0, 0.25, 1.0]
    table = pa.table({"age": ["10", "20", None], "city": ["a", "b", "a"]})
    cells = Cells(table)
    assert cells.distances({"age": "10", "city": "a"}, table).tolist() == [0.0, 1.0, 0.5]
    assert cells.distances({"age": None, "city": "b"}, table).tolist() == [1.0, 0.5, 0.5]

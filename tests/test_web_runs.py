"""Runs as the page lists them: their names, how they stand, what is damaged or gone, and their previews."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from web_examples import append, asking, evaluation, image_previews, plays, update, written_run

from gankit.run.folder import process_begun
from gankit.web.folders import previews
from gankit.web.folders.runs import NotFoundError, Runs, within
from gankit.web.folders.summary import SPARK, details, facts_of, summaries, summary


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with runs at several depths."""
    written_run(tmp_path / "runs" / "one", update(1))
    written_run(tmp_path / "runs" / "sweep" / "lr" / "two", update(1))
    written_run(tmp_path / "runs" / "too" / "deep" / "for" / "three", update(1))
    written_run(tmp_path / "runs" / ".hidden" / "four", update(1))
    written_run(tmp_path / "elsewhere", update(1))
    return tmp_path


def told(path: Path) -> dict[str, Any]:
    runs = Runs([path])
    return summary(path.name, path, runs.log(path, brief=True))


def test_runs_are_found_to_a_depth_of_three(place: Path) -> None:
    assert list(Runs([place / "runs"]).all()) == ["one", "sweep/lr/two"]


def test_a_root_may_be_a_run_and_names_that_clash_are_told_apart(place: Path) -> None:
    written_run(place / "more" / "one", update(1))
    runs = Runs([place / "runs", place / "more", place / "elsewhere"])
    assert list(runs.all()) == ["one", "sweep/lr/two", "more/one", "elsewhere"]
    for name, path in runs.all().items():
        assert runs.find(name) == path
    assert runs.home == place / "runs"
    assert Runs([place / "elsewhere"]).home is None


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "one/..", "one/../one", "../elsewhere", "/one", "one/", "one//", "one\\x", "one\0", ".hidden/four",
     "sweep", "nothing", "one/log.jsonl", "link", "too/deep/for/three/four/five"],
)  # fmt: skip
def test_no_name_leads_anywhere_else(place: Path, name: str) -> None:
    (place / "runs" / "link").symlink_to(place / "elsewhere")
    with pytest.raises(NotFoundError):
        Runs([place / "runs"]).find(name)


def test_links_out_of_a_run_are_not_followed(place: Path) -> None:
    (place / "secret.json").write_text("{}")
    (place / "runs" / "one" / "config.json").unlink()
    (place / "runs" / "one" / "config.json").symlink_to(place / "secret.json")
    runs = Runs([place / "runs"])
    with pytest.raises(NotFoundError):
        runs.find("one")
    with pytest.raises(NotFoundError):
        within(place / "runs", "one", "config.json")
    (place / "runs" / "sweep" / "lr" / "two" / "previews").symlink_to(place)
    with pytest.raises(NotFoundError):
        previews.preview(place / "runs" / "sweep" / "lr" / "two", 0)


def test_a_run_stands_as_its_pid_and_log_say(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run")
    assert told(run)["state"] == "new"
    append(run, update(1))
    stopped = told(run)
    assert stopped["state"] == "stopped" and "--resume" in stopped["why"]
    plays(run)
    assert told(run)["state"] == "running"
    plays(run, pid=1, host="another")
    assert told(run)["state"] == "running"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    plays(run, pid=ended.pid)
    assert told(run)["state"] == "failed" and "killed" in told(run)["why"]
    if (begun := process_begun(os.getpid())) is not None:
        plays(run, begun=begun)
        assert told(run)["state"] == "running"
        plays(run, begun=begun - 1)  # an earlier process of this number
        assert told(run)["state"] == "failed"
    (run / "pid").write_text("{")
    assert told(run)["state"] == "running"
    append(run, {"step": 1, "event": "finished", "seconds": 1.0})
    assert told(run)["state"] == "finished"
    (run / "pid").unlink()
    assert told(run)["state"] == "finished"


def test_how_much_is_done_goes_by_the_clock_of_a_budget_else_by_samples(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1), budget="1m")
    by_samples = round(told(run)["samples"] / told(run)["total_samples"], 2)
    assert told(run)["done"] is None
    plays(run)
    now = time.time()
    os.utime(run / "pid", (now - 30, now - 30))
    os.utime(run / "config.json", (now - 31, now - 31))
    assert told(run)["done"] == pytest.approx(0.5, abs=0.05)
    os.utime(run / "config.json", (now - 3000, now - 3000))  # it was resumed
    assert told(run)["done"] == by_samples
    run = written_run(tmp_path / "other", update(1))
    plays(run)
    assert told(run)["done"] == by_samples


def test_a_summary_says_what_the_run_is_and_how_it_stands(tmp_path: Path) -> None:
    rows = [evaluation(i, i / 100) for i in range(1, 200)]
    run = written_run(tmp_path / "run", *rows, update(200), seed=7, loss="hinge", given=("sex",))
    found = told(run)
    assert found["kind"] == "number" and found["noun"] == ["record", "records"] and found["form"] is None
    assert found["data"] == "data.csv" and found["seed"] == 7
    assert found["settings"] == {"seed": 7, "loss": "hinge", "given": ["sex"]}
    assert found["samples"] == 20_000 and found["total_samples"] == 100_000
    assert found["metric"] == {"name": "likeness", "now": 1.99, "best": None, "best_samples": None}
    assert len(found["spark"]) <= SPARK and found["spark"][-1] == 1.99
    append(run, evaluation(201, 2.5, alarms=["D has won. Train less."]))
    assert told(run)["metric"]["best"] == 2.5 and told(run)["alarms"] == ["D has won. Train less."]


def test_the_head_of_a_run_has_the_command_that_does_it_again(tmp_path: Path) -> None:
    run = written_run(tmp_path / "a b" / "run", update(1), early_stop=False, given=("sex", "the age"), batch=64)
    runs = Runs([run])
    found = details("run", run, runs.log(run))
    command = found["command"]
    assert command.startswith(f"gankit train '{tmp_path}/a b/data.csv'")
    assert command.endswith("--given sex --given 'the age' --batch 64 --no-early-stop")
    assert found["report"] is False and found["options"]["batch"] == 64


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "damaged"),
        ("[]", "no options"),
        ('{"format_version": 999}', "newer gankit"),
        ('{"format_version": 2, "options": {"batch": -3}}', "damaged"),
        ('{"format_version": 2, "options": 3, "source": 4}', "damaged"),
    ],
)
def test_a_config_that_cannot_be_read_is_said_in_words(tmp_path: Path, content: str, why: str) -> None:
    run = written_run(tmp_path / "runs" / "run", update(1))
    (run / "config.json").write_text(content)
    written_run(tmp_path / "runs" / "whole", update(1))
    found = {one["name"]: one for one in summaries(Runs([tmp_path / "runs"]))}
    assert found["run"]["state"] == "failed" and why in found["run"]["why"]
    assert found["whole"]["why"].startswith("Go on")
    with asking(tmp_path / "runs") as page:
        assert page.get("/api/runs/run").status_code == 200
        assert page.get("/api/runs/run/curves").json()["samples"] == [100]


def test_facts_are_read_again_where_a_file_has_changed(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1))
    first = facts_of(run)
    assert facts_of(run) is first
    image_previews(run, [0])
    assert facts_of(run) is not first and facts_of(run).kind == "image"


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="nothing is forbidden to this user")
def test_a_folder_that_may_not_be_read_is_passed_over(place: Path) -> None:
    (place / "runs" / "sweep").chmod(0)
    try:
        assert list(Runs([place / "runs"]).all()) == ["one"]
    finally:
        (place / "runs" / "sweep").chmod(0o755)


def test_a_folder_that_vanishes_is_not_there_any_more(place: Path) -> None:
    with asking(place / "runs") as page:
        assert page.get("/api/runs/one").status_code == 200
        shutil.rmtree(place / "runs" / "one")
        for path in ("", "/curves", "/previews", "/previews/0", "/conditions", "/events", "/replay"):
            gone = page.get(f"/api/runs/one{path}")
            assert gone.status_code == 404 and "no run 'one' here" in gone.json()["error"]
        assert [run["name"] for run in page.get("/api/runs").json()["runs"]] == ["sweep/lr/two"]


def test_previews_of_images_are_their_files(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", evaluation(10, 0.5))
    image_previews(run, [0, 1000])
    (run / "previews" / "000000001000.safetensors").touch()
    with asking(tmp_path) as page:
        listed = page.get("/api/runs/run/previews").json()
        assert listed["form"] == "grid" and listed["real"] and listed["best"] == 1000 and listed["count"] == 6
        assert listed["steps"] == [
            {"samples": 0, "model": False, "surface": False}, {"samples": 1000, "model": True, "surface": False},
        ]  # fmt: skip
        for at, file in (("0", "000000000000.png"), ("1000", "000000001000.png"), ("real", "real.png")):
            found = page.get(f"/api/runs/run/previews/{at}")
            assert found.headers["content-type"] == "image/png"
            assert found.content == (run / "previews" / file).read_bytes()
        kept = page.get(f"/api/runs/run/previews/0?v={listed['version']}")
        assert "immutable" in kept.headers["cache-control"]
        again = page.get("/api/runs/run/previews/0", headers={"If-None-Match": kept.headers["etag"]})
        assert again.status_code == 304 and not again.content


def form(run: Path, name: str, **more: Any) -> Path:
    (run / "previews").mkdir(exist_ok=True)
    (run / "previews" / "about.json").write_text(json.dumps({"version": 1, "form": name, **more}))
    return run / "previews"


def test_previews_of_other_forms_are_plain_json(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1))
    with asking(tmp_path) as page:
        x = np.array([[[1.0, np.nan], [2.5, np.inf]]], np.float32)
        np.save(form(run, "lines") / "000000000000.npy", x)
        assert page.get("/api/runs/run/previews/0").json() == {"x": [[[1.0, None], [2.5, None]]]}
        np.save(form(run, "scatter") / "000000000000.npy", np.array([[1.0], [2.0]], np.float32))
        assert page.get("/api/runs/run/previews/0").json() == {"x": [[1.0], [2.0]]}
        (form(run, "texts") / "000000000000.json").write_text('["<b>a</b>", "b"]')
        assert page.get("/api/runs/run/previews/0").json() == {"texts": ["<b>a</b>", "b"]}
        rows = {"columns": ["a", "b"], "rows": [["1", None], ["2", "x"]]}
        (form(run, "rows") / "000000000000.json").write_text(json.dumps(rows))
        assert page.get("/api/runs/run/previews/0").json() == {**rows, "broken": {}}


def test_a_surface_is_plain_json(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1))
    folder = form(run, "scatter")
    np.savez(folder / "000000000100.surface.npz", x=np.arange(2.0), d=np.array([[0.25, np.nan]]))
    np.savez(folder / "000000000200.surface.npz", x=np.array([None, "boom"]))
    (folder / "000000000300.surface.npz").write_bytes(b"PK no")
    with asking(tmp_path) as page:
        assert page.get("/api/runs/run/surface/100").json() == {"x": [0.0, 1.0], "d": [[0.25, None]]}
        for at in (200, 300, 400, "real", "1e3"):
            assert page.get(f"/api/runs/run/surface/{at}").status_code == 404


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"junk", b'{"rows": 3}'])
@pytest.mark.parametrize("name", ["lines", "scatter", "texts", "rows"])
def test_a_preview_that_cannot_be_read_is_said_in_words(tmp_path: Path, name: str, content: bytes) -> None:
    run = written_run(tmp_path / "run", update(1))
    suffix = "npy" if name in ("lines", "scatter") else "json"
    (form(run, name) / f"000000000000.{suffix}").write_bytes(content)
    with asking(tmp_path) as page:
        found = page.get("/api/runs/run/previews/0")
        assert found.status_code in (200, 404)
        assert found.status_code == 404 or name == "texts"


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1))
    np.save(form(run, "lines") / "000000000000.npy", np.array([[[Path("x")]]], dtype=object), allow_pickle=True)
    with asking(tmp_path) as page:
        assert page.get("/api/runs/run/previews/0").status_code == 404


def test_previews_of_a_run_of_before_are_shown(tmp_path: Path) -> None:
    run = written_run(tmp_path / "run", update(1))
    (run / "looks").mkdir()
    (run / "looks" / "000000000500.json").write_text('["a"]')
    with asking(tmp_path) as page:
        listed = page.get("/api/runs/run/previews").json()
        assert listed["form"] == "texts" and [s["samples"] for s in listed["steps"]] == [500]
        assert page.get("/api/runs/run/previews/500").json() == {"texts": ["a"]}
        assert page.get("/api/runs").json()["runs"][0]["preview"] == 500


def test_a_run_without_previews_says_so(tmp_path: Path) -> None:
    written_run(tmp_path / "run", update(1))
    with asking(tmp_path) as page:
        found = page.get("/api/runs/run/previews").json()
        assert found["form"] is None and found["steps"] == [] and found["real"] is False
        assert page.get("/api/runs/run/previews/0").status_code == 404


def test_a_thousand_previews_are_listed_without_opening_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = written_run(tmp_path / "run", update(1))
    folder = form(run, "lines")
    for i in range(1000):
        (folder / f"{i:012d}.npy").touch()
    opened: list[str] = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: opened.append(self.name) or read(self))
    assert len(previews.listing(run, None)["steps"]) == 1000
    assert set(opened) <= {"about.json"}

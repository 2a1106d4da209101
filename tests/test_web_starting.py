"""Data that is given to the page, and trainings that it starts and stops; and the command `gankit watch`."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from test_cli_commands import SRC
from web_examples import asking, plays, served, update, written_run

from gankit.cli import run as gankit
from gankit.errors import DependencyError, OptionError
from gankit.web import serving
from gankit.web.folders.runs import Runs
from gankit.web.serving import PORT, listen
from gankit.web.starting import processes, understanding, uploads
from gankit.web.starting.builtin import BUILTIN, file_of


@pytest.fixture(autouse=True)
def these_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started are of these sources."""
    monkeypatch.setenv("PYTHONPATH", str(SRC))


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


class Ended:
    """A process that has ended well."""

    returncode = 0

    async def wait(self) -> int:
        return self.returncode


@pytest.fixture
def looks_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Data is looked at in this process, which has imported all that it takes."""

    async def here(*words: str, **keywords: Any) -> Ended:
        understanding.main(*words[-2:])
        return Ended()

    monkeypatch.setattr(uploads.asyncio, "create_subprocess_exec", here)


CSV = b"age,city\n" + b"".join(b"%d,%s\n" % (20 + i % 50, b"Oslo" if i % 3 else b"Lima") for i in range(200))


def test_an_upload_is_kept_and_understood(tmp_path: Path) -> None:
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/data", files={"file": ("my people.csv", CSV)})
        assert found.status_code == 200, found.text
        told = found.json()
        assert told["name"] == "my_people.csv" and told["kind"] == "table" and told["records"] == 200
        assert told["split"] == {"train": 160, "heldout": 40}
        assert [c["name"] for c in told["columns"]] == ["age", "city"]
        assert re.fullmatch(r"\[batch, \d+\]", told["fed"]) and told["notes"]
        kept = tmp_path / "runs" / ".uploads" / told["id"] / "my_people.csv"
        assert kept.read_bytes() == CSV
        assert page.get("/api/runs").json()["runs"] == []


@pytest.mark.usefixtures("looks_here")
def test_numbers_are_fed_as_one_column(tmp_path: Path) -> None:
    with asking(tmp_path / "runs") as page:
        body = "\n".join(str(i / 7) for i in range(100)).encode()
        found = page.post("/api/data", content=body, headers={"X-Name": "n%C3%BC%2F..%2Fx.csv"}).json()
        assert found["name"] == "x.csv" and found["kind"] == "number" and found["fed"] == "[batch, 1]"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("empty.csv", b"", "empty"), ("one.csv", b"a\n1\n", ""), ("junk.npy", b"\x93NUMPY junk", "junk.npy"),
     ("code.py", b"import os\nos.system('touch done')\n", "")],
)  # fmt: skip
@pytest.mark.usefixtures("looks_here")
def test_data_that_cannot_be_learned_from_is_refused_in_words(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/data", files={"file": (name, content)})
    assert found.status_code == 422 and said in found.json()["error"] and str(tmp_path) not in found.json()["error"]
    assert not (tmp_path / "done").exists() and not Path("done").exists()


@pytest.mark.usefixtures("looks_here")
def test_pickles_are_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/data", files={"file": ("x.npy", (tmp_path / "objects.npy").read_bytes())})
    assert found.status_code == 422


def test_old_uploads_of_no_run_are_deleted(tmp_path: Path) -> None:
    home, folders = tmp_path / "runs", {}
    names = ("used", "unused", "new")
    for number, name in enumerate(names):
        folders[name] = home / ".uploads" / f"{number:016x}"
        folders[name].mkdir(parents=True)
        (folders[name] / "people.csv").write_bytes(CSV)
    said = [home / ".uploads" / name for name in ("people-1.log", "gone-1.log", "bells.npy")]
    for path in said:
        path.write_text("gankit: it began\n")
    run = written_run(home / "people-1", update(1))
    config = json.loads((run / "config.json").read_text()) | {"source": str(folders["used"] / "people.csv")}
    (run / "config.json").write_text(json.dumps(config))
    old = time.time() - uploads.KEPT_S - 60
    for path in (folders["used"], folders["unused"], *said):
        os.utime(path, (old, old))
    with served(Runs([home])) as page:
        assert page.get("/api/about").status_code == 200
        assert [folders[name].exists() for name in names] == [True, False, True]
        assert [path.exists() for path in said] == [True, False, True]
    (run / "config.json").write_text("{")  # whatever is there may be its data
    os.utime(folders["new"], (old, old))
    uploads.Uploads(Runs([home])).tidy()
    assert folders["new"].exists()


@pytest.mark.parametrize(
    "name", ["../../x.csv", "/etc/x.csv", "..", ".ssh", "a\0b", "con.csv/", "x" * 400, "-o=x", "\u202ex"]
)
def test_names_of_uploads_lead_nowhere(tmp_path: Path, name: str) -> None:
    made = uploads.safe_name(name)
    assert made and "/" not in made and "\0" not in made and not made.startswith((".", "-")) and len(made) <= 100
    assert (tmp_path / made).resolve().parent == tmp_path.resolve()


@pytest.mark.usefixtures("looks_here")
def test_forms_without_a_file_and_torn_ones_are_refused(tmp_path: Path) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    part = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n' + CSV
    with asking(tmp_path / "runs") as page:
        for body in (
            b"",
            b"--edge--\r\n",
            b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--edge--',
            part,
        ):
            found = page.post("/api/data", content=body, headers=kind)
            assert found.status_code == 422, body
        assert page.post("/api/data", content=b"", headers={"Content-Type": "multipart/form-data"}).status_code == 422
        assert page.post("/api/data", content=part + b"\r\n--edge--\r\n", headers=kind).status_code == 200
    assert len([p for p in (tmp_path / "runs" / ".uploads").iterdir() if p.is_dir()]) == 1


def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOAD", 1000)
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/data", files={"file": ("a.csv", b"x" * 5000)})
    assert found.status_code == 422 and "too large" in found.json()["error"]
    assert list((tmp_path / "runs" / ".uploads").iterdir()) == []


def test_a_look_at_data_has_a_limit_of_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UNDERSTOOD_S", 0.05)
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/data", files={"file": ("a.csv", CSV)})
    assert found.status_code == 422 and "takes longer" in found.json()["error"]


def test_builtin_sets_are_made_once_and_are_the_same_for_ever(tmp_path: Path) -> None:
    for name, one in BUILTIN.items():
        path = file_of(name, tmp_path)
        assert path.suffix == one.suffix and path.stat().st_size > 1000
        first = path.read_bytes()
        assert file_of(name, tmp_path) == path
        path.unlink()
        assert file_of(name, tmp_path).read_bytes() == first
    assert np.load(tmp_path / "bells.npy").shape == (4000,) and np.load(tmp_path / "ring.npy").shape == (4000, 2)
    assert len((tmp_path / "iris.csv").read_text().splitlines()) == 151


@pytest.mark.usefixtures("looks_here")
def test_about_tells_what_can_be_started(tmp_path: Path) -> None:
    data = tmp_path / "mine.csv"
    data.write_bytes(CSV)
    with asking(tmp_path / "runs", offered=data) as page:
        about = page.get("/api/about").json()
        assert about["can_start"] and about["roots"] == ["runs"] and about["languages"] == ["en", "zh-Hant"]
        assert {b["name"] for b in about["builtin"]} == set(BUILTIN)
        assert about["offered"] == {"id": "offered", "name": "mine.csv"}
        assert page.get("/api/data/offered").json()["records"] == 200
    run = written_run(tmp_path / "one", update(1))
    with asking(run) as page:
        about = page.get("/api/about").json()
        assert not about["can_start"] and about["offered"] is None
        assert page.post("/api/start", json={"data": "ring"}).status_code == 422


@pytest.mark.parametrize(
    ("order", "status", "said"),
    [
        ({}, 422, "data"), ({"data": 3}, 422, "data"), ({"data": "nothing"}, 404, "Upload it again"),
        ({"data": "../../etc/passwd"}, 404, "no data"), ({"data": "offered"}, 404, "no data"),
        ({"data": "ring", "budget": "--overwrite"}, 422, "budget"), ({"data": "ring", "budget": "soon"}, 422, "budget"),
        ({"data": "ring", "budget": "60s", "samples": "3k"}, 422, "length"), ({"data": "ring", "seed": "x"}, 422, ""),
        ({"data": "ring", "out": "/x"}, 422, "cannot be set here"), ({"data": "ring", "given": 3}, 422, "given"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: dict[str, Any], status: int, said: str
) -> None:
    monkeypatch.setattr(processes.subprocess, "Popen", lambda *a, **k: pytest.fail("something was started"))
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/start", json=order)
    assert found.status_code == status and said in found.json()["error"]


@pytest.mark.usefixtures("looks_here")
def test_a_training_that_ends_at_once_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "FAILS_S", 30.0)
    with asking(tmp_path / "runs") as page:
        data = page.post("/api/data", files={"file": ("people.csv", CSV)}).json()["id"]
        found = page.post("/api/start", json={"data": data, "given": ["nobody"]})
        assert found.status_code == 422 and "nobody" in found.json()["error"]
        assert str(tmp_path) not in found.json()["error"]
        assert page.get("/api/runs").json()["runs"] == []


def test_a_training_is_started_followed_and_stopped_from_the_page(tmp_path: Path) -> None:
    with asking(tmp_path / "runs") as page:
        found = page.post("/api/start", json={"data": "bells", "samples": "50M", "name": "../my bells"})
        assert found.status_code == 200, found.text
        name = found.json()["run"]
        assert name == "my_bells-1"

        def told() -> dict[str, Any]:
            return page.get(f"/api/runs/{name}").json()

        assert told()["state"] in ("new", "running")
        assert name in [run["name"] for run in page.get("/api/runs").json()["runs"]]
        deadline = time.monotonic() + 60
        while told()["samples"] == 0:
            assert time.monotonic() < deadline, told()
            time.sleep(0.1)
        assert told()["state"] == "running" and told()["source"].endswith("bells.npy")
        process = json.loads((tmp_path / "runs" / name / "pid").read_bytes())["pid"]
        assert page.post(f"/api/runs/{name}/stop").status_code == 204
        while told()["state"] == "running" or is_alive(process):
            assert time.monotonic() < deadline, told()
            time.sleep(0.1)
        assert told()["state"] == "stopped"
        again = page.post(f"/api/runs/{name}/stop")
        assert again.status_code == 422 and "nothing to stop" in again.json()["error"]
    assert (tmp_path / "runs" / name / "model.safetensors").exists()


def test_only_a_run_that_runs_is_stopped(tmp_path: Path) -> None:
    run = written_run(tmp_path / "runs" / "run", update(1))
    with asking(tmp_path / "runs") as page:
        assert page.post("/api/runs/run/stop").status_code == 422
        assert not (run / "stop").exists()
        plays(run)
        assert page.post("/api/runs/run/stop").status_code == 204
        assert (run / "stop").read_bytes() == b""


# --- the command ----------------------------------------------------------------------------------------------------


def test_a_port_in_use_is_said_and_the_next_one_taken_where_nobody_asked_for_it() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OptionError, match=rf"port {port} is in use.*--port {port + 1}"):
            listen("127.0.0.1", port)
    with listen("127.0.0.1", None) as first, listen("127.0.0.1", None) as second:
        assert PORT <= first.getsockname()[1] < second.getsockname()[1]
    with pytest.raises(OptionError, match="no such address"):
        listen("192.0.2.1", 0)


def test_small_answers_are_sent_at_once() -> None:
    with listen("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP  # which asyncio sets TCP_NODELAY by; else each takes 40 ms


def test_without_a_display_there_is_no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not serving.has_browser()


def test_what_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(DependencyError, match=r"pip install 'gankit\[watch\]'"):
        serving.serve(Runs([]), host="127.0.0.1", port=0, offered=None, browser=False, said=lambda *a: None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "there is no such run"), (["empty", "--save", "x.html"], "--save writes one run"),
        (["--port", "70000"], "--port"), (["--host", "192.0.2.1"], "no such address"),
    ],
)  # fmt: skip
def test_mistakes_are_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert gankit(["watch", *arguments]) == 2
    assert said in capfd.readouterr().err


def test_the_command_serves_until_it_is_stopped_and_offers_data(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(CSV)
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")} | {
        "PYTHONPATH": str(SRC)
    }
    words = [sys.executable, "-m", "gankit", "watch", "people.csv", "--port", "0", "--host", "0.0.0.0", "--json"]
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None and process.stderr is not None
        told = json.loads(process.stdout.readline())
        assert told["runs"] == 0
        found = re.fullmatch(r"http://[^/]+:(\d+)/\?token=([\w-]{20,})", told["address"])
        assert found is not None
        address = f"http://127.0.0.1:{found[1]}/api/about"
        deadline = time.monotonic() + 20
        while True:
            try:
                assert httpx.get(address).status_code == 401
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
        about = httpx.get(address, headers={"Authorization": f"Bearer {found[2]}"}).json()
        assert about["offered"]["name"] == "people.csv" and about["roots"] == ["runs"]
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        said = process.stderr.read()
        assert "no runs in" in said and "no browser" in said and "Traceback" not in said
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    assert not (tmp_path / "runs").exists()

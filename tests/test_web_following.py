"""Runs that play while pages look on: server-sent events, and what they cost."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from web_examples import append, evaluation, image_previews, plays, served, update, written_run

from gankit.web.folders import following
from gankit.web.folders.runs import Runs


@pytest.fixture
def run(tmp_path: Path) -> Path:
    run = written_run(tmp_path / "runs" / "run", *(update(i) for i in range(1, 4)))
    plays(run)
    return run


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "INTERVAL_S", 0.05)


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """(kind, data) as they come; comments are ("", None)."""
    kind = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield kind, json.loads(line.removeprefix("data: "))
        elif line.startswith(":"):
            yield "", None


def until(stream: Iterator[tuple[str, Any]], wanted: Callable[[str, Any], bool]) -> Any:
    """The data of the first event that is wanted."""
    return next(data for kind, data in stream if wanted(kind, data))


def test_a_page_is_told_of_updates_previews_and_how_the_run_stands(run: Path) -> None:
    with served(Runs([run.parent])) as page, page.stream("GET", "/api/runs/run/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        stream = events(answer)
        kind, state = next(stream)
        assert kind == "state" and state["state"] == "running" and state["samples"] == 300
        append(run, update(4), evaluation(5, 0.25))
        found = until(stream, lambda kind, data: kind == "log")
        assert [row["samples"] for row in found["rows"]][:1] == [400]
        image_previews(run, [500])
        assert until(stream, lambda kind, data: kind == "preview") == {"samples": 500}
        append(run, {"step": 5, "event": "finished", "seconds": 3.0})
        (run / "pid").unlink()
        state = until(stream, lambda kind, data: kind == "state" and data["state"] == "finished")
        assert state["metric"]["best"] == 0.25 and state["preview"] == 500


def test_half_a_line_is_not_told_of(run: Path) -> None:
    whole = json.dumps(update(4)) + "\n"
    with served(Runs([run.parent])) as page, page.stream("GET", "/api/runs/run/events") as answer:
        stream = events(answer)
        next(stream)
        with (run / "log.jsonl").open("a") as file:
            file.write(whole[:30])
            file.flush()
            time.sleep(0.2)
            file.write(whole[30:])
        assert len(until(stream, lambda kind, data: kind == "log")["rows"]) == 1


def test_a_log_that_was_cut_is_asked_for_again(run: Path) -> None:
    with served(Runs([run.parent])) as page, page.stream("GET", "/api/runs/run/events") as answer:
        stream = events(answer)
        next(stream)
        (run / "new").write_text(json.dumps(update(1)) + "\n")
        (run / "new").replace(run / "log.jsonl")
        assert until(stream, lambda kind, data: kind == "log") == {"rows": [], "reload": True}


def test_a_run_that_vanishes_ends_the_stream_with_a_word(run: Path) -> None:
    with served(Runs([run.parent])) as page, page.stream("GET", "/api/runs/run/events") as answer:
        stream = events(answer)
        next(stream)
        shutil.rmtree(run)
        told = list(stream)
        assert told[-1][1]["state"] == "failed" and "no run 'run' here" in told[-1][1]["why"]


def test_a_silent_stream_gives_signs_of_life(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ALIVE_S", 0.1)
    with served(Runs([run.parent])) as page, page.stream("GET", "/api/runs/run/events") as answer:
        stream = events(answer)
        assert ("", None) in [next(stream) for _ in range(3)]


def test_ten_pages_cost_as_many_looks_as_one(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    look = following.Following._look

    def counted(self: following.Following, *arguments: Any) -> Any:
        looks.append(time.monotonic())
        return look(self, *arguments)

    monkeypatch.setattr(following.Following, "_look", counted)
    monkeypatch.setattr(following, "INTERVAL_S", 0.1)
    with served(Runs([run.parent])) as page, ExitStack() as stack:
        url = str(page.base_url)
        answers = []
        for _ in range(10):
            client = stack.enter_context(httpx.Client(base_url=url, timeout=20))
            answers.append(stack.enter_context(client.stream("GET", "/api/runs/run/events")))
        streams = [events(answer) for answer in answers]
        for stream in streams:
            assert next(stream)[0] == "state"
        begun, before = time.monotonic(), len(looks)
        append(run, update(4))
        for stream in streams:
            assert until(stream, lambda kind, data: kind == "log")["rows"][0]["samples"] == 400
        time.sleep(0.5)
        assert len(looks) - before <= (time.monotonic() - begun) / 0.1 + 2
    settled = len(looks)
    time.sleep(0.3)
    assert len(looks) == settled  # nobody looks on, so nobody looks


def test_a_page_that_does_not_keep_up_is_let_go(run: Path) -> None:
    import asyncio

    async def follow() -> tuple[list[bytes], int]:
        follows = following.Following(Runs([run.parent]))
        stream = follows.events("run")
        found = [await anext(stream)]
        for i in range(following.MOST_WAITING + 5):
            follows._tell("run", [b"event %d" % i])
        (queue,) = follows._pages["run"]
        waiting = queue.qsize()
        found += [event async for event in stream]
        assert not follows._pages and not follows._tasks
        return found, waiting

    found, waiting = asyncio.run(follow())
    assert waiting <= following.MOST_WAITING and len(found) <= 10


def test_a_stop_of_the_server_ends_all_streams(run: Path) -> None:
    ended = threading.Event()

    def look_on(url: str) -> None:
        with httpx.Client(base_url=url, timeout=20) as client, client.stream("GET", "/api/runs/run/events") as answer:
            for _ in answer.iter_lines():
                started.set()
        ended.set()

    started = threading.Event()
    with served(Runs([run.parent])) as page:
        thread = threading.Thread(target=look_on, args=(str(page.base_url),))
        thread.start()
        assert started.wait(10)
    thread.join(10)
    assert ended.is_set()

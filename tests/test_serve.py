"""`gankit serve`: samples over HTTP, the same bytes as on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings

import gankit
from gankit.cli import run
from gankit.errors import ModelError, OptionError, OutputError
from gankit.model.model import Model

pytest.importorskip("prometheus_client")
schemathesis = pytest.importorskip("schemathesis")
import uvicorn  # noqa: E402  # it needs the extra

from gankit.serve.app import application  # noqa: E402
from gankit.serve.asked import Limits  # noqa: E402
from gankit.serve.pipe import CHUNK, WAITING, Pipe  # noqa: E402
from gankit.serve.store import Store, named  # noqa: E402
from gankit.serve.together import Together, Turns  # noqa: E402
from gankit.web.serving import listen  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
ROWS = {
    "age": list(range(20, 60)) * 10,
    "job": ["clerk", "cook", "smith", "baker"] * 100,
    "pay": [round(1000 + 37.5 * (k % 31), 2) for k in range(400)],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model files of a table and of images."""
    folder = tmp_path_factory.mktemp("models")
    gankit.train(ROWS, samples=1500, verbose=False).save(folder / "people.safetensors")
    images = np.random.default_rng(0).integers(0, 255, (64, 8, 8), dtype=np.uint8)
    gankit.train(images, samples=64, verbose=False).save(folder / "dots.safetensors")
    return named([folder / "people.safetensors", folder / "dots.safetensors"])


USUAL = Limits()


@contextmanager
def serving(files: dict[str, Path], limits: Limits = USUAL, **options: Any) -> Iterator[httpx.Client]:
    """A client of a server in a thread of this process."""
    app = application(Store(files), limits, **options)
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", ws="none")
    server = uvicorn.Server(config)
    with listen("127.0.0.1", 0) as sock:
        thread = threading.Thread(target=server.run, args=([sock],))
        thread.start()
        try:
            with httpx.Client(base_url=f"http://localhost:{sock.getsockname()[1]}", timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def client(files: dict[str, Path]) -> Iterator[httpx.Client]:
    with serving(files) as found:
        yield found


def sample(client: httpx.Client, name: str = "people", **asked: Any) -> Any:
    return client.post(f"/v1/models/{name}/sample", json=asked)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet", "arrow", "xlsx", "json"])
@pytest.mark.parametrize("n", [7, 1500])
def test_the_bytes_are_those_of_the_command(
    files: dict[str, Path], client: httpx.Client, format: str, n: int, tmp_path: Path
) -> None:
    answer = sample(client, n=n, seed=3, offset=300, where={"job": "cook"}, format=format)
    assert answer.status_code == 200
    out = tmp_path / f"a.{format}"
    asked = ["sample", str(files["people"]), "-n", str(n), "--seed", "3", "--offset", "300", "--where", "job=cook"]
    assert run([*asked, "-o", str(out)]) == 0
    if format == "xlsx":  # its times of writing differ
        assert answer.content[:2] == b"PK"
    else:
        assert answer.content == out.read_bytes()
    assert re.fullmatch(rf'attachment; filename="people-seed-3.{format}"', answer.headers["content-disposition"])


@pytest.mark.parametrize("format", ["png", "zip", "npz"])
def test_images_come_in_their_formats(client: httpx.Client, files: dict[str, Path], format: str) -> None:
    answer = sample(client, "dots", n=5, seed=1, format=format, truncation=0.7)
    assert answer.status_code == 200, answer.text
    with os.fdopen((ends := os.pipe())[0], "rb") as read, ThreadPoolExecutor(1) as pool:
        came = pool.submit(read.read)
        with os.fdopen(ends[1], "wb") as pipe:  # as to standard output: where nothing is gone back to
            gankit.load(files["dots"]).write(pipe, 5, 1, format=format, truncation=0.7)
        own = came.result()
    if format == "zip":  # the time of writing stands in it
        assert len(answer.content) == len(own) > 1000
    else:
        assert answer.content == own


def test_many_at_once_get_what_each_alone_gets(files: dict[str, Path], client: httpx.Client) -> None:
    model = gankit.load(files["people"])

    def both(seed: int) -> bool:
        where = {"age": "30..40"} if seed % 3 == 0 else None
        n, offset = 20 + 50 * (seed % 5), 100 * (seed % 7)
        got = sample(client, n=n, seed=seed % 6, offset=offset, where=where, format="jsonl").text.splitlines()
        own = model.sample(n, seed % 6, offset, where)
        return [json.loads(line) for line in got] == [
            dict(zip(own, row, strict=True)) for row in zip(*own.values(), strict=True)
        ]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(both, range(40)))


def test_rows_made_together_are_those_made_alone(files: dict[str, Path]) -> None:
    model = gankit.load(files["people"])
    turns, batches = Turns(), []
    together = Together(turns)

    def make(z: torch.Tensor) -> torch.Tensor:
        batches.append(len(z))
        return model.generator.by_column.generate(z, {})  # type: ignore[union-attr]

    def in_turn(part: torch.Tensor) -> torch.Tensor:
        with turns:
            return together(make, part)

    z = torch.randn(600, model.generator.num_latents)
    alone = model.generator.by_column.generate(z, {})  # type: ignore[union-attr]
    for ask, expected in ((in_turn, [600]), (lambda part: together(make, part), [600])):
        batches.clear()
        with ThreadPoolExecutor(6) as pool:
            with turns:  # so that all of them wait
                futures = [pool.submit(ask, part) for part in torch.split(z, 100)]
                time.sleep(0.5)
            found = torch.cat([future.result() for future in futures])
        assert torch.equal(found, alone)
        assert batches == expected

    def fails(z: torch.Tensor) -> torch.Tensor:
        raise OptionError("no such rows")

    with pytest.raises(OptionError, match="no such rows"):
        together(fails, z)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"n": "x"}, 422, "must be a whole number"),
        ({"n": True}, 422, "must be a whole number"),
        ({}, 422, '"n" is missing'),
        ({"n": -1}, 422, "must be 0 to 5,000"),
        ({"n": 5001}, 422, "must be 0 to 5,000"),
        ({"n": 1, "offset": -1}, 422, "at least 0"),
        ({"n": 1, "rows": 3}, 422, "cannot be asked for"),
        ({"n": 1, "format": "pdf"}, 422, "must be one of"),
        ({"n": 1, "format": "../x"}, 422, "must be one of"),
        ({"n": 1, "where": [1]}, 422, "must be an object"),
        ({"n": 1, "where": {"jobb": "cook"}}, 422, "Did you mean 'job'"),
        ({"n": 1, "where": {"job": "pilot"}}, 422, "pilot"),
        ({"n": 2000, "where": {"job": "pilot"}}, 422, "pilot"),
        ({"n": 1, "truncation": 0.5}, 422, "cannot be asked for"),
        ([1], 422, "must be an object"),
        (None, 422, "must be an object"),
        ('{"n": 1', 400, "no JSON"),
        ("[" * 100_000, 400, "no JSON"),
        ('{"n": 1}' + " " * (1 << 20), 413, "at most 1 MB"),
    ],
)
def test_what_cannot_be_asked_for_is_said_in_a_sentence(
    files: dict[str, Path], body: Any, status: int, said: str
) -> None:
    with serving(files, Limits(rows=5000)) as client:
        content = body if isinstance(body, str) else json.dumps(body)
        answer = client.post(
            "/v1/models/people/sample", content=content, headers={"Content-Type": "application/json; charset=utf-8"}
        )
        assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
        assert sample(client, n=2).status_code == 200


def test_addresses_that_are_not_there_and_bodies_of_other_types(client: httpx.Client) -> None:
    assert client.get("/v1/models/nobody").status_code == 404
    assert "people" in client.get("/v1/models/nobody").json()["error"]
    assert client.get("/v1/models/..%2f..%2fetc").status_code == 404
    assert client.get("/v1/models/people/sample").status_code == 405
    assert client.put("/v1/models/people/sample").status_code == 405
    assert client.post("/v1/models/people/sample", data={"n": 1}).status_code == 415
    assert "openapi" in client.get("/nothing").json()["error"]


def test_what_a_model_is(client: httpx.Client) -> None:
    assert {m["name"] for m in client.get("/v1/models").json()["models"]} == {"people", "dots"}
    about = client.get("/v1/models/people").json()
    assert about["kind"] == "table" and about["formats"]["csv"] == "text/csv"
    assert {"name": "job", "type": "levels"} in about["conditions"]
    columns = client.get("/v1/models/people/schema").json()["columns"]
    assert [c["name"] for c in columns] == ["age", "job", "pay"]
    assert client.get("/v1/models/people/card").json()["kind"] == "table"


def test_the_generator_of_tests_finds_nothing(client: httpx.Client) -> None:
    """Requests made from /openapi.json, sound and broken ones, get answers that it describes."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    ways = [found.ok() for found in schema.get_all_operations()]
    assert len(ways) == 5 + 2 * 4
    for way in ways:
        check(client, way)


def check(client: httpx.Client, way: Any) -> None:
    """Asks in every way that a description of requests allows, and in some that it does not."""
    left_out = [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]  # no schema says which conditions hold

    @settings(
        max_examples=15, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(case=way.as_strategy())
    def ask(case: Any) -> None:
        if isinstance(case.body, dict) and isinstance(case.body.get("n"), int):
            case.body["n"] %= 300
        asked = case.as_transport_kwargs(base_url=str(client.base_url))
        asked.pop("cookies", None)
        answer = client.request(**asked)
        assert answer.status_code in map(int, way.definition.raw["responses"]), (asked, answer.text)
        assert answer.status_code < 500, (asked, answer.text)
        case.validate_response(schemathesis.Response.from_any(answer), excluded_checks=left_out)

    ask()


def test_too_many_requests_are_told_to_come_again(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    hold, entered = threading.Event(), threading.Event()
    before = Model.write

    def slow(self: Model, *args: Any, **options: Any) -> None:
        entered.set()
        hold.wait(20)
        before(self, *args, **options)

    monkeypatch.setattr(Model, "write", slow)
    with serving(files, Limits(queue=1)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(sample, client, n=3)
        assert entered.wait(20)
        refused = sample(client, n=3)
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1"
        assert client.get("/ready").status_code == 503 and client.get("/live").status_code == 200
        hold.set()
        assert first.result().status_code == 200
        assert client.get("/ready").json()["status"] == "ready"
        told = client.get("/metrics").text
        assert 'gankit_requests_total{model="people",status="429"} 1.0' in told
        assert 'gankit_records_total{model="people"} 3.0' in told
        assert "gankit_open_requests 0.0" in told


def test_a_request_that_takes_too_long_is_given_up(files: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(files, Limits(seconds=0.05)) as client:
        answer = sample(client, n=500_000)
        assert answer.status_code == 503 and "too long" in answer.json()["error"]
        monkeypatch.setattr(Model, "write", lambda *_, **__: time.sleep(0.5))
        assert sample(client, n=1).status_code == 503
        assert "gankit_open_requests 0.0" in client.get("/metrics").text


def test_clients_that_leave_and_requests_that_are_none_leave_it_serving(files: dict[str, Path]) -> None:
    limits = Limits(queue=8)
    with serving(files, limits) as client:
        assert client.base_url.port is not None
        place = ("127.0.0.1", client.base_url.port)
        head = b"POST /v1/models/people/sample HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        for number in range(3 * limits.queue):
            body = b'{"n": 100000, "seed": %d}' % number
            whole = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
            sent = (whole, whole[:-5], b"\x16\x03\x01garbage\r\n\r\n", whole)[number % 4]
            with socket.create_connection(place) as one:
                one.sendall(sent)
                if number % 4 == 3:
                    one.recv(1000)  # leaves in the middle of an answer
        for _ in range(100):  # what was begun ends soon
            if "gankit_open_requests 0.0" in client.get("/metrics").text:
                break
            time.sleep(0.1)
        else:
            raise AssertionError(client.get("/metrics").text)
        assert sample(client, n=3).status_code == 200
        assert client.get("/ready").status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(files: dict[str, Path]) -> None:
    with (
        serving(files, Limits(seconds=0.3)) as client,
        socket.create_connection(("127.0.0.1", client.base_url.port or 0), 20) as one,
    ):
        one.sendall(b"POST /v1/models/people/sample HTTP/1.1\r\nHost: localhost\r\n")
        one.sendall(b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
        assert one.recv(1000).startswith(b"HTTP/1.1 408")


def test_a_model_is_taken_again_when_its_file_changes(
    files: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gankit.serve.store.LOOKED_AT_S", 0.0)
    place = tmp_path / "people.safetensors"
    shutil.copy(files["people"], place)
    with serving({"people": place}) as client:
        before = sample(client, n=30).content
        good = place.read_bytes()
        place.write_bytes(good[: len(good) // 2])
        assert sample(client, n=30).content == before
        assert "people" in client.get("/ready").json()["faults"]
        gankit.train(ROWS, samples=1500, seed=5, verbose=False).save(place)
        assert sample(client, n=30).content != before
        assert client.get("/ready").json()["faults"] == {}


def test_who_may_ask(files: dict[str, Path]) -> None:
    with serving(files) as client:
        assert client.get("/v1/models", headers={"Host": "evil.example"}).status_code == 403
        assert client.get("/v1/models", headers={"Origin": "http://evil.example"}).status_code == 403
    with serving(files, token="secret", hosts=None) as client:
        assert client.get("/v1/models").status_code == 401
        assert client.get("/live").status_code == client.get("/ready").status_code == 200
        told = {"Authorization": "Bearer secret"}
        assert client.get("/v1/models", headers=told).status_code == 200
        assert client.get("/v1/models", headers={"Authorization": "Bearer secreT"}).status_code == 401


def test_a_slow_reader_holds_the_writer_and_one_who_left_ends_it() -> None:
    async def play() -> tuple[int, list[str]]:
        pipe, said = Pipe(asyncio.get_running_loop(), time.monotonic() + 20), list[str]()
        written = 0

        def write() -> None:
            nonlocal written
            try:
                for _ in range(1000):
                    pipe.write(b"x" * CHUNK)
                    written += 1
            except OutputError as error:
                said.append(str(error))
            finally:
                pipe.end()

        thread = threading.Thread(target=write)
        thread.start()
        await asyncio.sleep(0.3)
        held = written
        for _ in range(5):
            assert len(await pipe.part() or b"") == CHUNK
        await asyncio.sleep(0.3)
        assert written == held + 5
        pipe.leave()
        await asyncio.to_thread(thread.join, 10)
        return held, said

    held, said = asyncio.run(play())
    assert held == WAITING and "nobody reads" in said[0]


def test_names_of_models(files: dict[str, Path], tmp_path: Path) -> None:
    assert set(files) == {"people", "dots"}
    (tmp_path / "a").mkdir()
    twin = shutil.copy(files["people"], tmp_path / "a" / "people.safetensors")
    with pytest.raises(OptionError, match="two models are called 'people'"):
        named([files["people"], Path(twin)])
    with pytest.raises(ModelError, match="there is no model"):
        named([tmp_path / "none"])


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_of_its_own_begins_answers_and_ends(files: dict[str, Path], workers: int) -> None:
    command = [sys.executable, "-m", "gankit", "serve", str(files["people"]), "--port", "0", "--json"]
    with subprocess.Popen(
        [*command, "--workers", str(workers)], stdout=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["address"]
        for _ in range(150):
            try:
                answer = httpx.post(f"{address}v1/models/people/sample", json={"n": 5, "seed": 2}, timeout=30)
                break
            except httpx.TransportError:
                time.sleep(0.2)
        own = gankit.load(files["people"]).sample(5, seed=2)
        assert answer.text.splitlines()[1] == ",".join(str(column[0]) for column in own.values())
        assert 'status="200"' in httpx.get(f"{address}metrics").text
        port = int(address.rstrip("/").rpartition(":")[2])
        again = subprocess.run(
            [*command[:-2], str(port), "--workers", str(workers)], capture_output=True, text=True, timeout=60
        )
        assert again.returncode == 2 and f"the port {port} is in use" in again.stderr
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) in (0, -signal.SIGTERM)


def test_the_image_of_a_container_names_what_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert lines[0].startswith("FROM python:3.")
    copied = [name for line in lines if line.startswith("COPY ") for name in line.split()[1:-1] if "--" not in name]
    assert copied and all((ROOT / name).exists() for name in copied)
    extras = (ROOT / "pyproject.toml").read_text()
    installed = re.search(r"pip install .*\[([\w,]+)\]", "\n".join(lines))
    assert installed is not None and all(f"\n{extra} = [" in extras for extra in installed[1].split(","))
    began = next(json.loads(line.removeprefix("ENTRYPOINT ")) for line in lines if line.startswith("ENTRYPOINT "))
    assert began[:2] == ["gankit", "serve"]
    from gankit.cli import cli

    known = {flag for param in cli.commands["serve"].params for flag in param.opts}
    assert {word for word in began if word.startswith("--")} <= known

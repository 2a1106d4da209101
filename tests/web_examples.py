"""Run folders for the tests of the page: some written by hand, in a moment, and real ones of short trainings."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from starlette.types import ASGIApp

from gankit.config import TrainConfig
from gankit.io.pixels import grid, png
from gankit.kinds.tables.options import OPTIONS
from gankit.randomness import numpy_generator
from gankit.web.app import application
from gankit.web.folders.runs import Runs
from gankit.web.serving import listen

HOME = "http://localhost"
CHANGES = {"X-Gankit": "1"}

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<link rel="icon" href="data:,">
<title>gankit</title>
<link rel="stylesheet" href="/static/style.css">
<script type="module" src="/static/main.js"></script>
</head>
<body>
<noscript><p>No script.</p></noscript>
</body>
</html>
"""


def static_files(folder: Path) -> Path:
    """A page of two modules."""
    (folder / "panels").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "style.css").write_text("body { color: black; }\n")
    (folder / "panels" / "words.js").write_text('export const WORD = "</script> stays text";\n')
    (folder / "main.js").write_text(
        'import { WORD } from "./panels/words.js";\nexport function main() { return WORD; }\nmain();\n'
    )
    (folder / "modules.json").write_text('["panels/words.js", "main.js"]')
    return folder


def update(step: int, **values: Any) -> dict[str, Any]:
    """A line of a log."""
    return {
        "step": step, "samples": 100 * step, "total_samples": 100_000, "epoch": 0.1 * step, "phase": "game",
        "d_loss": 0.7, "g_loss": 0.8 + step, "penalty": 0.1, "gap": 0.2, "weight": 1.0, "strength": 0.0,
        "learning_rate": 0.001, "scores": None, "metric": None, "best_metric": None, "best_samples": 0, "alarms": [],
        "rolled_back": False, "finished": False, **values,
    }  # fmt: skip


def evaluation(step: int, metric: float, **values: Any) -> dict[str, Any]:
    """A line with an evaluation that is the best so far."""
    scores = {"mean_train": 0.5, "mean_heldout": 0.4, "mean_fake": -0.5, "recall_train": 0.6, "memorised": 0.1}
    return update(step, scores=scores, metric=metric, best_metric=metric, best_samples=100 * step, **values)


def append(run: Path, *rows: dict[str, Any]) -> None:
    """Lines behind those of a log."""
    with (run / "log.jsonl").open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def written_run(folder: Path, *rows: dict[str, Any], **options: Any) -> Path:
    """A run folder with these lines in its log."""
    folder.mkdir(parents=True)
    config = {
        "format_version": 2, "options": TrainConfig(**options).completed(OPTIONS.train).to_json(),
        "source": str(folder.parent / "data.csv"), "data_hash": "0", "total_samples": 100_000,
        "notes": ["kind: number (1 column). Override with --kind.", "held-out metric: likeness; higher is better"],
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    append(folder, *rows)
    return folder


def plays(run: Path, pid: int | None = None, host: str | None = None, begun: int | None = None) -> None:
    """Says of a run that a process plays it: this one, if nobody says which."""
    said = {"pid": pid or os.getpid(), "host": host or socket.gethostname(), "begun": begun}
    (run / "pid").write_text(json.dumps(said))


def image_previews(run: Path, samples: list[int], side: int = 8, count: int = 6) -> None:
    """Previews of noise: sheets of images."""
    folder = run / "previews"
    folder.mkdir()
    about = {"version": 1, "kind": "image", "form": "grid", "noun": ["image", "images"], "columns": [], "count": count}
    about |= {
        "shape": [3, side, side],
        "condition": 0,
        "records": {"train": 8, "heldout": 2},
        "metric": "likeness",
        "seed": 1,
    }
    (folder / "about.json").write_text(json.dumps(about))
    for at in [*samples, None]:
        x = numpy_generator(0, "noise", at or 0).integers(0, 255, (count, side, side, 3), dtype=np.uint8)
        (folder / ("real.png" if at is None else f"{at:012d}.png")).write_bytes(png(grid(x)))


class Asking:
    """Asks an application in this process, one question after the other."""

    def __init__(self, app: ASGIApp, base_url: str = HOME) -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=base_url, timeout=60)

    def request(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        """The answer, whole."""
        return self._runner.run(self._client.request(method, path, **keywords))

    def get(self, path: str, **keywords: Any) -> httpx.Response:
        """The answer to a GET."""
        return self.request("GET", path, **keywords)

    def post(self, path: str, **keywords: Any) -> httpx.Response:
        """The answer to a POST of the page's own."""
        return self.request("POST", path, headers={**CHANGES, **keywords.pop("headers", {})}, **keywords)

    def close(self) -> None:
        """Ends the loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


@contextmanager
def asking(runs: Runs | Path, base_url: str = HOME, **keywords: Any) -> Iterator[Asking]:
    """Asks a server in this process."""
    runs = runs if isinstance(runs, Runs) else Runs([runs])
    asks = Asking(application(runs, **keywords), base_url)
    try:
        yield asks
    finally:
        asks.close()


@contextmanager
def served(runs: Runs, **keywords: Any) -> Iterator[httpx.Client]:
    """Asks a real server, as streams need it."""
    servers: list[uvicorn.Server] = []
    app = application(runs, leaving=lambda: servers[0].should_exit, **keywords)
    with listen("127.0.0.1", 0) as sock:
        servers.append(uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=3)))
        thread = threading.Thread(target=servers[0].run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            while not servers[0].started:
                time.sleep(0.01)
            with httpx.Client(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}", timeout=20) as asking:
                yield asking
        finally:
            servers[0].should_exit = True
            thread.join(10)
            assert not thread.is_alive()

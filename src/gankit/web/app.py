"""The server of the page: its addresses, and what each answers.

Knows the other modules of the page and Starlette; never how anything is found out. Files are read in threads, models
run in one thread of their own, so that no answer waits for another and a training beside it loses next to nothing.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import iterate_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from gankit import __version__
from gankit.arguments import shown
from gankit.errors import GankitError, OptionError
from gankit.stored import StoredError, of_type, parse
from gankit.web.folders import previews
from gankit.web.folders.curves import curves
from gankit.web.folders.following import Following
from gankit.web.folders.runs import NotFoundError, Runs
from gankit.web.folders.summary import details, report_of, summaries, summary
from gankit.web.guard import REPORT_POLICY, Guard, TooLargeError, too_large
from gankit.web.lessons import Lessons
from gankit.web.plain import as_json
from gankit.web.records import sampling
from gankit.web.records.neighbours import Neighbours
from gankit.web.replay import STATIC, replay
from gankit.web.starting.parts import uploaded
from gankit.web.starting.processes import Starting
from gankit.web.starting.uploads import MOST_UPLOAD, Uploads

UPLOAD = "/api/data"
_FOR_EVER = "private, max-age=31536000, immutable"
_CHUNK = 1 << 16

T = TypeVar("T")


class Server:
    """What the addresses of one page answer.

    offered: a file of data that the page offers to start with. leaving: whether the server is being stopped.
    static: the folder of the page's files.
    """

    def __init__(self, runs: Runs, offered: Path | None, leaving: Callable[[], bool], static: Path = STATIC) -> None:
        self.runs, self.static = runs, static
        self.following, self.models = Following(runs, leaving), sampling.Models()
        self.uploads = Uploads(runs, offered)
        self.starting = Starting(runs, self.uploads)
        self.neighbours, self.lessons = Neighbours(), Lessons(self.uploads.find)
        self._calmly = ThreadPoolExecutor(1, "gankit-models")

    async def calmly(self, function: Callable[..., T], *arguments: Any) -> T:
        """Runs what takes a model, or data, in the one thread for that."""
        return await asyncio.get_running_loop().run_in_executor(self._calmly, partial(function, *arguments))

    @asynccontextmanager
    async def living(self, app: Starlette) -> AsyncIterator[None]:
        """Tidies up at the start; ends the thread of models with the server."""
        await asyncio.to_thread(self.uploads.tidy)
        yield
        self._calmly.shutdown(wait=False, cancel_futures=True)

    async def run_of(self, request: Request) -> tuple[str, Path]:
        """The run that is asked about."""
        name = request.path_params["name"]
        return name, await asyncio.to_thread(self.runs.find, name)

    async def page(self, request: Request) -> Response:
        """The page; which view it shows its address tells its own modules."""
        return await _html(self.static / "index.html")

    async def missing(self, request: Request, error: HTTPException) -> Response:
        """What is at no address: the page says so, or a sentence where a page did not ask."""
        if error.status_code == 404 and not request.url.path.startswith(("/api/", "/static/")):
            answer = await self.page(request)
            answer.status_code = 404
            return answer
        return _error(error.status_code, f"there is nothing here: {error.detail}.")

    async def report(self, request: Request) -> Response:
        """The report that was saved beside a run."""
        _, run = await self.run_of(request)
        if (path := report_of(run)) is None:
            raise NotFoundError(f"this run has no report yet. Make one with: gankit evaluate {run}")
        answer = await _html(path)
        answer.headers["Content-Security-Policy"] = REPORT_POLICY
        return answer

    async def about(self, request: Request) -> Response:
        """What this server is."""
        told = {
            "version": __version__,
            "roots": [root.name for root in self.runs.roots],
            "languages": ["en", "zh-Hant"],
        }
        return _json({**told, "can_start": self.starting.can_start, **self.uploads.about()})

    async def all_runs(self, request: Request) -> Response:
        """Every run."""
        waiting = self.starting.waiting()
        return _json({"runs": [*waiting, *(await asyncio.to_thread(summaries, self.runs))]})

    async def run(self, request: Request) -> Response:
        """One run."""
        waiting = {told["name"]: told for told in self.starting.waiting()}
        if (told := waiting.get(request.path_params["name"])) is not None:
            return _json(told)
        name, run = await self.run_of(request)
        return _json(await asyncio.to_thread(lambda: details(name, run, self.runs.log(run, brief=True))))

    async def curves(self, request: Request) -> Response:
        """The curves of a run."""
        _, run = await self.run_of(request)
        points, begin, end = (_number(request, *of) for of in (("points", 1500), ("from", 0), ("to", float("inf"))))

        def drawn() -> bytes:
            log = self.runs.log(run)
            with log.lock:
                return as_json(curves(log, int(min(points, 1e6)), begin, end))

        return Response(await asyncio.to_thread(drawn), media_type="application/json")

    async def events(self, request: Request) -> Response:
        """A run as it plays."""
        name, _ = await self.run_of(request)
        return StreamingResponse(self.following.events(name), media_type="text/event-stream")

    async def previews(self, request: Request) -> Response:
        """Which previews there are."""
        name, run = await self.run_of(request)

        def listed() -> dict[str, Any]:
            best = summary(name, run, self.runs.log(run, brief=True))["metric"]["best_samples"]
            return previews.listing(run, best)

        return _json(await asyncio.to_thread(listed))

    async def preview(self, request: Request) -> Response:
        """One preview."""
        _, run = await self.run_of(request)
        at = request.path_params["at"]
        return await self._kept(request, run, lambda: previews.preview(run, at if at == previews.REAL else _whole(at)))

    async def surface(self, request: Request) -> Response:
        """D over a grid."""
        _, run = await self.run_of(request)
        return await self._kept(request, run, lambda: previews.surface(run, _whole(request.path_params["at"])))

    async def _kept(self, request: Request, run: Path, read: Callable[[], Any]) -> Response:
        """What does not change: for ever where the address says of which making of the run it is."""
        found = await asyncio.to_thread(read)
        kept = {"Cache-Control": _FOR_EVER if "v" in request.query_params else "no-cache"}
        kept["ETag"] = f'"{previews.version(run)}"'
        if request.headers.get("if-none-match") == kept["ETag"]:
            return Response(status_code=304, headers=kept)
        if isinstance(found, bytes):
            return Response(found, media_type="image/png", headers=kept)
        return _json(found, kept)

    async def clip(self, request: Request) -> Response:
        """A sound of a preview."""
        _, run = await self.run_of(request)
        at, index = _whole(request.path_params["at"]), _whole(request.path_params["index"])
        made = await self.calmly(lambda: sampling.clip(self.models.get(run, at), run, index))
        return Response(made, media_type="audio/wav")

    async def neighbour(self, request: Request) -> Response:
        """The real records that a fake of a preview is nearest to."""
        _, run = await self.run_of(request)
        at, index = _whole(request.path_params["at"]), _whole(request.path_params["index"])
        return _json(await self.calmly(self.neighbours.nearest, run, at, index))

    async def conditions(self, request: Request) -> Response:
        """What samples can be asked for."""
        _, run = await self.run_of(request)
        return _json(await self.calmly(lambda: sampling.conditions(self.models.get(run))))

    async def sample(self, request: Request) -> Response:
        """A file of samples."""
        (name, run), asked = await self.run_of(request), await _body(request)

        def made() -> tuple[IO[bytes], str, str]:
            return sampling.sample(self.models.get(run, asked.get("at", "best")), name, asked)

        file, media_type, called = await self.calmly(made)
        length = await asyncio.to_thread(lambda: (file.seek(0, 2), file.seek(0))[0])
        headers = {"Content-Disposition": _attachment(called), "Content-Length": str(length)}
        chunks = iterate_in_threadpool(iter(partial(file.read, _CHUNK), b""))
        return StreamingResponse(chunks, 200, headers, media_type, BackgroundTask(file.close))

    async def stop(self, request: Request) -> Response:
        """Asks a run to stop."""
        name, run, state = request.path_params["name"], None, "not there any more"
        if name not in [told["name"] for told in self.starting.waiting()]:
            _, run = await self.run_of(request)
            state = (await asyncio.to_thread(summary, name, run, self.runs.log(run, brief=True)))["state"]
        await asyncio.to_thread(self.starting.stop, name, run, state)
        return Response(status_code=204)

    async def replay(self, request: Request) -> Response:
        """A run in one file."""
        name, run = await self.run_of(request)
        made = await self.calmly(replay, name, run, self.runs, self.static)
        called = f"{name.rpartition('/')[2]}-replay.html"
        return Response(made, media_type="text/html", headers={"Content-Disposition": _attachment(called)})

    async def upload(self, request: Request) -> Response:
        """Takes a file of data, and says what it is."""
        name, chunks = await uploaded(request)
        return _json(await self.uploads.understood(await self.uploads.receive(name, chunks)))

    async def data(self, request: Request) -> Response:
        """What data is that was uploaded, is built in, or is offered."""
        return _json(await self.uploads.understood(request.path_params["id"]))

    async def learn(self, request: Request) -> Response:
        """Opens a lesson."""
        return _json(await self.calmly(self.lessons.open, await _body(request)))

    async def step(self, request: Request) -> Response:
        """Moves a lesson on."""
        return _json(await self.calmly(self.lessons.step, request.path_params["id"], await _body(request)))

    async def round(self, request: Request) -> Response:
        """Records of a lesson to tell apart."""
        return _json(await self.calmly(self.lessons.round, request.path_params["id"], await _body(request)))

    async def script(self, request: Request) -> Response:
        """A lesson as a script, or its records, as a file."""
        made, steps = request.path_params["id"], int(min(_number(request, "steps", 1000), 1e9))
        if request.url.path.endswith("/script"):
            text, called = self.lessons.script(made, steps), "gan.py"
        else:
            text, called = await self.calmly(self.lessons.data, made), "data.txt"
        return Response(text, media_type="text/plain", headers={"Content-Disposition": _attachment(called)})

    async def commands(self, request: Request) -> Response:
        """A lesson as a command and in Python."""
        return _json(self.lessons.commands(request.path_params["id"]))

    async def start(self, request: Request) -> Response:
        """Starts a training."""
        return _json({"run": await self.starting.start(await _body(request))})


def application(
    runs: Runs, *, offered: Path | None = None, hosts: frozenset[str] | None = frozenset(), token: str | None = None,
    leaving: Callable[[], bool] = lambda: False, static: Path = STATIC,
) -> ASGIApp:  # fmt: skip
    """The whole server. hosts, token: see `Guard`. leaving: whether the server is being stopped."""
    server, run = Server(runs, offered, leaving, static), "/api/runs/{name:path}"
    mimetypes.add_type("text/javascript", ".js")
    routes = [
        *(Route(path, server.page) for path in ("/", "/compare", "/learn", "/run/{name:path}")),
        Route("/report/{name:path}", server.report),
        Mount("/static", StaticFiles(directory=static, check_dir=False)),
        Route("/api/about", server.about),
        Route(UPLOAD, server.upload, methods=["POST"]),
        Route(UPLOAD + "/{id}", server.data),
        Route("/api/start", server.start, methods=["POST"]),
        Route("/api/lessons", lambda request: _json(server.lessons.about())),
        Route("/api/learn", server.learn, methods=["POST"]),
        Route("/api/learn/{id}", server.step, methods=["POST"]),
        Route("/api/learn/{id}/round", server.round, methods=["POST"]),
        Route("/api/learn/{id}/script", server.script),
        Route("/api/learn/{id}/data", server.script),
        Route("/api/learn/{id}/commands", server.commands),
        Route("/api/runs", server.all_runs),
        Route(run + "/curves", server.curves),
        Route(run + "/events", server.events),
        Route(run + "/previews", server.previews),
        Route(run + "/previews/{at}", server.preview),
        Route(run + "/surface/{at}", server.surface),
        Route(run + "/audio/{at}/{index}.wav", server.clip),
        Route(run + "/neighbours/{at}/{index}", server.neighbour),
        Route(run + "/conditions", server.conditions),
        Route(run + "/sample", server.sample, methods=["POST"]),
        Route(run + "/stop", server.stop, methods=["POST"]),
        Route(run + "/replay", server.replay),
        Route(run, server.run),
    ]
    handlers: Mapping[Any, Any] = {
        NotFoundError: lambda request, error: _error(404, str(error)),
        GankitError: lambda request, error: _error(422, str(error)),
        TooLargeError: lambda request, error: too_large(error.limit),
        HTTPException: server.missing,
        Exception: lambda request, error: _error(500, f"an internal error (a bug): {type(error).__name__}: {error}"),
    }
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=server.living)
    return Guard(app, hosts, token, UPLOAD, MOST_UPLOAD + (1 << 20))


def _json(value: Any, headers: Mapping[str, str] | None = None) -> Response:
    return Response(as_json(value), media_type="application/json", headers=headers)


def _error(status: int, text: str) -> Response:
    return Response(as_json({"error": text}), status, media_type="application/json")


def _attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name, safe='')}"


async def _html(path: Path) -> Response:
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise NotFoundError(f"{path.name} is not there. Install gankit again.") from None
    return Response(content, media_type="text/html")


async def _body(request: Request) -> dict[str, Any]:
    try:
        return dict(of_type(dict[str, Any], parse(await request.body())))
    except StoredError as error:
        raise OptionError(f"what was sent is no JSON object: {error}.") from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise NotFoundError(f"{shown(text)} is no number of samples or of a record.")
    return int(text)


def _number(request: Request, name: str, default: float) -> float:
    text = request.query_params.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = -1.0
    if not value >= 0:
        raise OptionError(f"{name} must be a number from 0. Got {shown(text)}.")
    return value

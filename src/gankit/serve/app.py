"""The server of models: its addresses, and what each answers.

Knows Starlette, models and what is asked of them; never how a record is made.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gankit import __version__
from gankit.errors import GankitError, OptionError, OutputError
from gankit.model.model import Model
from gankit.serve.asked import Asked, Limits, asked_of
from gankit.serve.openapi import described
from gankit.serve.pipe import Pipe, TooSlowError
from gankit.serve.store import Store
from gankit.stored import StoredError, parse
from gankit.web.guard import Guard, TooLargeError, too_large
from gankit.web.plain import as_json

AT_ONCE = 1000
"""Up to so many records are written before they are sent, so that a mistake in them still has a status."""

TOGETHER = 16
"""Small requests that are answered at the same time, and whose rows are made together."""

_PROBES = frozenset({"/live", "/ready"})


class Meters:
    """What Prometheus is told. Of several processes, those of all (`PROMETHEUS_MULTIPROC_DIR`)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("gankit_requests", "Answers by model and status.", ("model", "status"), **own)
        self.records = Counter("gankit_records", "Records that were sent.", ("model",), **own)
        self.seconds = Histogram(
            "gankit_request_seconds", "From a request to the end of its answer.", ("model",),
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300), **own,
        )  # fmt: skip
        self.open = Gauge(
            "gankit_open_requests", "Requests that wait or are answered.", multiprocess_mode="livesum", **own
        )

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        every = CollectorRegistry()
        MultiProcessCollector(every)  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return generate_latest(every)


class Server:
    """What the addresses answer."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self.store, self.limits, self.meters = store, limits, Meters()
        self.open, self.leaving = 0, False
        # those of few records take turns; those of many may wait for who reads slowly
        self._few = ThreadPoolExecutor(TOGETHER, "few")
        self._many = ThreadPoolExecutor(limits.queue, "many")

    @asynccontextmanager
    async def living(self, app: Starlette) -> AsyncIterator[None]:
        """Ends the threads with the server."""
        yield
        self.leaving = True
        for pool in (self._few, self._many):
            pool.shutdown(wait=False, cancel_futures=True)

    def model(self, request: Request) -> tuple[str, Model]:
        """The model that is asked about."""
        name = request.path_params["name"]
        try:
            return name, self.store[name]
        except KeyError:
            raise HTTPException(
                404, f"there is no model of that name. There are {', '.join(self.store.names)}."
            ) from None

    async def live(self, request: Request) -> Response:
        """Whether the process answers."""
        return _json({"status": "live"})

    async def ready(self, request: Request) -> Response:
        """Whether requests can be sent: none too many wait, and the server is not ending."""
        busy = self.open >= self.limits.queue
        status = "leaving" if self.leaving else "busy" if busy else "ready"
        return _json(
            {"status": status, "models": self.store.names, "faults": self.store.faults()},
            200 if status == "ready" else 503,
        )

    async def metrics(self, request: Request) -> Response:
        """What Prometheus reads."""
        return Response(await asyncio.to_thread(self.meters.text), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: Request) -> Response:
        """What can be asked, in the words of OpenAPI."""
        return _json(described({name: self.store[name] for name in self.store.names}, self.limits))

    async def models(self, request: Request) -> Response:
        """Every model, in a line."""
        return _json({"models": [_about(name, self.store[name]) for name in self.store.names]})

    async def about(self, request: Request) -> Response:
        """One model: what it makes, and what can be asked of it."""
        name, model = self.model(request)
        conditions = [{"name": c.name, "type": c.type} for c in model.of.conditions(model)]
        formats = {key: form.media_type for key, form in model.of.formats.items()}
        return _json({**_about(name, model), "conditions": conditions, "formats": formats, "block": model.block})

    async def schema(self, request: Request) -> Response:
        """The columns of a model."""
        _, model = self.model(request)
        return _json({"columns": [{"name": c.name, "type": c.shown, "levels": c.levels} for c in model.schema.columns]})

    async def card(self, request: Request) -> Response:
        """What a model is and how it came about."""
        _, model = self.model(request)
        return _json(model.card)

    async def sample(self, request: Request) -> Response:
        """Samples, as a file."""
        name, model = self.model(request)
        if self.leaving or self.open >= self.limits.queue:
            self._count(name, 429)
            return _error(429, "too many requests wait. Ask again in a second.", {"Retry-After": "1"})
        begun = time.monotonic()
        try:
            asked = asked_of(model, await self._body(request), self.limits)
        except BaseException as error:
            self._count(name, _status_of(error))
            raise
        self.open += 1
        self.meters.open.inc()
        try:
            answer = await self._answer(name, model, asked, begun)
        except BaseException as error:
            self._end(name, begun, 0, _status_of(error))
            raise
        return answer

    async def _answer(self, name: str, model: Model, asked: Asked, begun: float) -> Response:
        form = model.of.formats[asked.format]
        headers = {"Content-Disposition": f'attachment; filename="{_plain(name)}-seed-{asked.seed}.{asked.format}"'}
        loop = asyncio.get_running_loop()
        if asked.n <= AT_ONCE and model.codec.spec.form != "image":
            stream = io.BytesIO()
            work = loop.run_in_executor(self._few, self._write, model, asked, stream)
            try:
                await asyncio.wait_for(work, self.limits.seconds)
            except TimeoutError:
                raise TooSlowError(f"this took longer than {self.limits.seconds:g} seconds. Ask for fewer.") from None
            self._end(name, begun, asked.n, 200)
            return Response(stream.getvalue(), media_type=form.media_type, headers=headers)
        pipe = Pipe(loop, begun + self.limits.seconds)

        def write() -> None:
            try:
                _write(model, asked, pipe)
            except BaseException as error:  # the reader raises it
                pipe.end(error)
            else:
                pipe.end()

        self._many.submit(write)
        first = await pipe.part()  # what cannot be asked for shows here, while there is no status as yet

        def sent(whole: bool) -> None:
            pipe.leave()
            self._end(name, begun, asked.n if whole else 0, 200 if whole else 499)

        return _Streamed(pipe.rest(first), sent, media_type=form.media_type, headers=headers)

    def _write(self, model: Model, asked: Asked, stream: io.BytesIO) -> None:
        """In turn where that is quick: rows of tables, without conditions, which may take long to keep."""
        quick = model.generator.by_column is not None and not asked.where
        with self.store.turns if quick else nullcontext():
            _write(model, asked, stream)

    async def _body(self, request: Request) -> Any:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HTTPException(415, "the body must be JSON, and its Content-Type application/json.")
        try:
            return parse(await asyncio.wait_for(request.body(), self.limits.seconds))
        except TimeoutError:
            raise HTTPException(408, "the body did not come in time.") from None
        except (StoredError, ValueError, RecursionError):
            raise HTTPException(400, 'the body is no JSON. Send an object such as {"n": 100}.') from None

    def _end(self, name: str, begun: float, records: int, status: int) -> None:
        self.open -= 1
        self.meters.open.dec()
        self.meters.seconds.labels(name).observe(time.monotonic() - begun)
        self.meters.records.labels(name).inc(records)
        self._count(name, status)

    def _count(self, name: str, status: int) -> None:
        self.meters.requests.labels(name, str(status)).inc()


def application(
    store: Store, limits: Limits, token: str | None = None, hosts: frozenset[str] | None = frozenset()
) -> ASGIApp:
    """The application: for this machine alone, or, with a token, for others. hosts: see `Guard`."""
    server = Server(store, limits)
    own = "/v1/models/{name}"
    routes = [
        Route("/", server.models),
        Route("/live", server.live),
        Route("/ready", server.ready),
        Route("/metrics", server.metrics),
        Route("/openapi.json", server.openapi),
        Route("/v1/models", server.models),
        Route(own, server.about),
        Route(f"{own}/schema", server.schema),
        Route(f"{own}/card", server.card),
        Route(f"{own}/sample", server.sample, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {
        HTTPException: lambda _, error: _error(error.status_code, _sentence(error), error.headers),
        OptionError: lambda _, error: _error(422, str(error)),
        OutputError: lambda _, error: _error(422, str(error)),
        TooSlowError: lambda _, error: _error(503, str(error)),
        GankitError: lambda _, error: _error(500, str(error)),
        TooLargeError: lambda _, error: too_large(error.limit),
        ClientDisconnect: lambda _, error: Response(status_code=400),
        Exception: lambda _, error: _error(500, "this is a bug in gankit; the server goes on."),
    }
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=server.living)
    return Guard(app, hosts, token, header=None, free=_PROBES)


class _Streamed(StreamingResponse):
    """An answer that is sent while it is made. sent: called at its end, with whether all of it was sent, also where the
    client had gone before it began.
    """

    def __init__(self, parts: AsyncIterator[bytes], sent: Callable[[bool], None], **options: Any) -> None:
        super().__init__(parts, **options)
        self._sent, self._whole = sent, False

    async def stream_response(self, send: Send) -> None:
        """See `StreamingResponse`."""
        await super().stream_response(send)
        self._whole = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._sent(self._whole)


def _write(model: Model, asked: Asked, stream: Any) -> None:
    model.write(stream, asked.n, asked.seed, asked.offset, asked.where, asked.format, **asked.options)


def _about(name: str, model: Model) -> dict[str, Any]:
    return {
        "name": name, "kind": model.kind, "network": model.plan.name, "version": __version__,
        "default_format": model.of.stream_format(model.origin), **model.facts(),
    }  # fmt: skip


def _status_of(error: BaseException) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, TooSlowError):
        return 503
    return 422 if isinstance(error, OptionError | OutputError) else 500 if isinstance(error, Exception) else 499


def _sentence(error: HTTPException) -> str:
    """What is said of what Starlette itself refuses."""
    plain = {404: "there is nothing here. GET /openapi.json says what there is.", 405: "this address is not asked so."}
    own = str(error.detail)
    return plain.get(error.status_code, own) if own in ("Not Found", "Method Not Allowed") else own


def _plain(name: str) -> str:
    """A name as it may stand in a header."""
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name)


def _json(value: Any, status: int = 200) -> Response:
    return Response(as_json(value), status, media_type="application/json")


def _error(status: int, text: str, headers: Any = None) -> Response:
    return Response(as_json({"error": text}), status, headers, media_type="application/json")

"""Runs that pages look at while they play: one look at a run's folder for all its pages, twice a second.

Knows logs, previews and summaries as they change; never how a page shows them. Each page has a queue of bounded length;
one that does not keep up is let go, and comes back by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from gankit.web.folders.curves import rows
from gankit.web.folders.previews import newest
from gankit.web.folders.runs import NotFoundError, Runs
from gankit.web.folders.summary import summary
from gankit.web.plain import as_json

INTERVAL_S, ALIVE_S = 0.5, 10.0
"""Seconds between two looks at a folder, and between two signs of life to a page."""

MOST_WAITING, MOST_ROWS = 64, 2000
"""Events that a page may be behind, and updates that are sent at once; after more the curves are asked for again."""

MOST_PAGES = 200
"""Pages that follow runs at a time."""


class Following:
    """What pages are told of the runs that they show.

    leaving: whether the server is being stopped, which ends all streams. looks: how often folders were looked at.
    """

    def __init__(self, runs: Runs, leaving: Callable[[], bool] = lambda: False) -> None:
        self._runs, self.leaving, self.looks = runs, leaving, 0
        self._pages: dict[str, set[asyncio.Queue[bytes | None]]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def events(self, name: str) -> AsyncIterator[bytes]:
        """Server-sent events: "log" with new updates, "preview" and "state"; first of all "state".

        Of a log that was cut or has grown by a lot, "log" says {"rows": [], "reload": true}.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        if sum(map(len, self._pages.values())) >= MOST_PAGES:
            return
        self._pages.setdefault(name, set()).add(queue)
        try:
            if name not in self._tasks or self._tasks[name].done():
                self._tasks[name] = asyncio.create_task(self._follow(name))
            else:
                queue.put_nowait(_event("state", await asyncio.to_thread(self._summary, name)))
            told = time.monotonic()
            while not self.leaving():
                try:
                    event = await asyncio.wait_for(queue.get(), INTERVAL_S)
                except TimeoutError:
                    if time.monotonic() - told >= ALIVE_S:
                        told = time.monotonic()
                        yield b": still here\n\n"
                    continue
                if event is None:
                    return
                yield event
        finally:
            pages = self._pages.get(name, set())
            pages.discard(queue)
            if not pages:
                self._pages.pop(name, None)
                if task := self._tasks.pop(name, None):
                    task.cancel()

    async def _follow(self, name: str) -> None:
        """Looks at a run until nobody wants to know of it any more, or it is gone."""
        try:
            seen = await asyncio.to_thread(_Seen, self._runs, name)
            while not self.leaving():
                self.looks += 1
                self._tell(name, await asyncio.to_thread(self._look, name, seen))
                await asyncio.sleep(INTERVAL_S)
        except NotFoundError as error:
            self._tell(name, [_event("state", {"name": name, "state": "failed", "why": str(error)})])
        finally:
            self._tell(name, [None])  # a page comes back by itself, if there is still something to see

    def _tell(self, name: str, events: list[bytes | None]) -> None:
        for queue in list(self._pages.get(name, ())):
            for event in events:
                if queue.full():  # it does not keep up
                    while not queue.empty():
                        queue.get_nowait()
                    event = None
                queue.put_nowait(event)
                if event is None:
                    break

    def _summary(self, name: str) -> dict[str, Any]:
        path = self._runs.find(name)
        return summary(name, path, self._runs.log(path, brief=True))

    def _look(self, name: str, seen: _Seen) -> list[bytes | None]:
        path, log, events = self._runs.find(name), seen.log, list[bytes | None]()
        log.refresh()
        with log.lock:
            if log.generation != seen.generation or len(log) - seen.length > MOST_ROWS:
                events.append(_event("log", {"rows": [], "reload": True}))
            elif len(log) > seen.length:
                events.append(_event("log", {"rows": rows(log, seen.length)}))
            seen.generation, seen.length = log.generation, len(log)
        if (preview := newest(path)) != seen.preview:
            seen.preview = preview
            if preview is not None:
                events.append(_event("preview", {"samples": preview}))
        state = summary(name, path, log)
        if state != seen.state:
            seen.state = state
            events.append(_event("state", state))
        return events


class _Seen:
    """What the pages of a run know."""

    def __init__(self, runs: Runs, name: str) -> None:
        path = runs.find(name)
        self.log = runs.log(path)
        self.generation, self.length, self.preview = self.log.generation, len(self.log), newest(path)
        self.state = dict[str, Any]()


def _event(kind: str, data: Any) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + as_json(data) + b"\n\n"

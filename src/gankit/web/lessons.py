"""The lessons that are open: their data, their knobs, the ones that show what goes wrong, and how each is asked for.

Knows lessons, data and plain JSON; never requests.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.arguments import shown
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds import prepare
from gankit.lessons import script
from gankit.lessons.settings import BOUNDS, LOSSES, MOST, PENALTIES, Settings
from gankit.randomness import numpy_generator
from gankit.stored import StoredError, of_type
from gankit.web.folders.runs import NotFoundError
from gankit.web.records.sampling import one_thread
from gankit.web.starting.builtin import DRAWN, drawn

if TYPE_CHECKING:
    from gankit.lessons.lesson import Lesson

OPEN, MOST_STEPS, MOST_AT_ONCE, POINTS = 12, 20_000, 500, 80
"""Lessons that are kept open, steps to which one is brought when it is opened again, steps of one request, and points
of the curves of a lesson that is opened again."""

RECORDS = 1000
"""Of built-in data."""

_WIDE = {"width": 64, "depth": 2}
SHOWS: tuple[dict[str, Any], ...] = (
    {"name": "collapse", "data": "spikes", "moves": [["both", 200]],
     "settings": {"penalty": "none", "d_rate": 1e-3, "g_rate": 1e-2},
     "cure": {"loss": "relativistic", "penalty": "r1r2", "weight": 0.01, "d_rate": 3e-3, "g_rate": 3e-3, **_WIDE}},
    {"name": "runaway", "data": "spikes", "moves": [["both", 100]],
     "settings": {"penalty": "none", "d_rate": 3e-3, "g_rate": 1e-5, "d_steps": 5, **_WIDE},
     "cure": {"penalty": "r1", "weight": 0.02, "d_rate": 2e-3, "g_rate": 2e-3, "d_steps": 1, **_WIDE}},
    {"name": "vanishing", "data": "ring", "moves": [["both", 120]],
     "settings": {"loss": "minimax", "penalty": "none", "d_rate": 1e-3, "g_rate": 1e-4, "d_steps": 5, **_WIDE},
     "cure": {"loss": "nonsaturating", "penalty": "r1", "weight": 0.02, "d_rate": 2e-3, "g_rate": 2e-3, **_WIDE}},
    {"name": "memorised", "data": "grid", "moves": [["both", 100], ["d", 800]],
     "settings": {"penalty": "none", "records": 20, "batch": 16, "width": 128, "depth": 3},
     "cure": {"penalty": "r1", "weight": 0.05, "records": 0, "batch": 64, "width": 64, "depth": 2}},
    {"name": "underfitting", "data": "ring", "moves": [["both", 300]],
     "settings": {"width": 3, "depth": 1},
     "cure": {"loss": "relativistic", "penalty": "r1r2", "weight": 0.02, "d_rate": 3e-3, "g_rate": 3e-3, **_WIDE}},
)  # fmt: skip
"""What goes wrong and how it is cured: data, moves, and the settings of both; names are those of captions, where there
is one."""


@dataclass
class _Open:
    lesson: Lesson
    lock: threading.Lock


class Lessons:
    """Lessons by their ids. find: the file of an upload by its id."""

    def __init__(self, find: Callable[[str], Path]) -> None:
        self._find, self._open, self._opened = find, OrderedDict[str, _Open](), 0

    def about(self) -> dict[str, Any]:
        """What there is to choose from."""
        data = [
            {"name": name, "title": title, "dim": 1 if drawn(name, 2).ndim == 1 else 2}
            for name, (title, _) in DRAWN.items()
        ]
        return {
            "data": data, "settings": asdict(Settings()), "bounds": {name: list(of) for name, of in BOUNDS.items()},
            "losses": list(LOSSES), "penalties": list(PENALTIES), "shows": list(SHOWS),
        }  # fmt: skip

    def open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Opens a lesson, or again, and brings it where its moves lead: `id`, `picture`, the curves on the way there
        (`history`) and the like, as JSON.

        asked: data (`{"builtin": name}`, `{"numbers": [...]}` or `{"upload": id, "columns": [...]}`), settings, and
            moves ([["both", 120], ["d", 3]]).

        Raises:
            OptionError, DataError: something cannot be. NotFoundError: there is no such data.
        """
        from gankit.lessons.lesson import Lesson

        settings = Settings.of(_part(asked, "settings", dict[str, Any], {}))
        moves = _part(asked, "moves", list[tuple[str, int]], [])
        if sum(abs(count) for _, count in moves) > MOST_STEPS:
            raise OptionError(f"a lesson is opened after at most {MOST_STEPS:,} steps. Go on from there.")
        x, columns, offered = self._data(_part(asked, "data", dict[str, Any], {"builtin": "bells"}))
        with one_thread():
            return self._opened_at(Lesson(x, settings), moves, asked, columns, offered)

    def _opened_at(
        self, lesson: Lesson, moves: list[tuple[str, int]], asked: Mapping[str, Any], columns: list[str],
        offered: list[str],
    ) -> dict[str, Any]:  # fmt: skip
        """A lesson that is brought where its moves lead, and kept."""
        settings, turn = lesson.settings, None
        history = [_point(lesson, None)]
        stride = max(1, sum(max(count, 1) for _, count in moves) // POINTS)
        for who, count in moves:
            for begin in range(0, max(count, 1), stride):
                turn = lesson.step(who, min(stride, max(count, 1) - begin))
                history.append(_point(lesson, turn))
        self._opened += 1
        text = json.dumps([asked.get("data"), asdict(settings), moves, self._opened], default=str)
        made = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._open[made] = _Open(lesson, threading.Lock())
        while len(self._open) > OPEN:
            self._open.popitem(last=False)
        return {
            "id": made, "picture": lesson.picture(), "turn": turn, "history": history, "settings": asdict(settings),
            "columns": columns, "offered": offered, "dim": lesson.dim,
            "fed": f"[{min(settings.batch, len(lesson.train))}, {lesson.dim}]",
        }  # fmt: skip

    def step(self, made: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Moves a lesson on: `who` ("d", "g" or "both"), `count` times.

        Raises:
            NotFoundError: it is not open any more. OptionError: it cannot be moved so.
        """
        kept = self._get(made)
        who, count = _part(asked, "who", str, "both"), _part(asked, "count", int, 1)
        if not 1 <= count <= MOST_AT_ONCE:
            raise OptionError(f"a request takes from 1 to {MOST_AT_ONCE} steps; got {count}.")
        with kept.lock, one_thread():
            turn = kept.lesson.step(who, count)
            return {"turn": turn, "picture": kept.lesson.picture()}

    def round(self, made: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Real and synthetic records to tell apart, each with D's score: `count` of them, drawn by `seed`."""
        kept, rng = self._get(made), numpy_generator(_part(asked, "seed", int, 0), "round")
        count = min(max(_part(asked, "count", int, 10), 1), 100)
        with kept.lock, one_thread():
            lesson, fakes = kept.lesson, kept.lesson.fakes
            real = rng.random(count) < 0.5
            held = lesson.heldout.x
            chosen = [
                (held if is_real else fakes)[int(rng.integers(len(held if is_real else fakes)))] for is_real in real
            ]
            believed = [float(lesson.believed(x[None])[0]) for x in chosen]
            shown = [lesson.decoded(x[None])[0].round(4).tolist() for x in chosen]
        items = zip(shown, real.tolist(), believed, strict=True)
        return {"items": [{"x": x, "real": is_real, "d": d} for x, is_real, d in items]}

    def script(self, made: str, steps: int) -> str:
        """The lesson as a script in plain PyTorch."""
        lesson = self._get(made).lesson
        return script.script(lesson.settings, lesson.dim, min(max(steps, 3), MOST_STEPS))

    def commands(self, made: str) -> dict[str, str]:
        """The lesson as a command and in Python."""
        lesson = self._get(made).lesson
        samples = max(lesson.game.samples, 20_000)
        return {"command": script.command(lesson.settings, samples), "python": script.snippet(lesson.settings, samples)}

    def data(self, made: str) -> str:
        """The lesson's records as a text, a record a line."""
        return "".join(" ".join(f"{value:.10g}" for value in row) + "\n" for row in self._get(made).lesson.x)

    def _get(self, made: str) -> _Open:
        if (kept := self._open.get(made)) is None:
            raise NotFoundError("this lesson is not open any more. Open it again.")
        self._open.move_to_end(made)
        return kept

    def _data(self, asked: Mapping[str, Any]) -> tuple[Any, list[str], list[str]]:
        """Records, the columns that they are, and all that could be chosen."""
        if "numbers" in asked:
            numbers = asked["numbers"]
            if not isinstance(numbers, list) or len(numbers) > MOST:
                raise DataError(
                    f"a lesson takes at most {MOST:,} numbers. Bring a file of more, or train a model on it."
                )
            return numbers, [], []
        if "upload" in asked:
            return self._columns(_part(asked, "upload", str, ""), _part(asked, "columns", list[str], []))
        name = _part(asked, "builtin", str, "bells")
        if name not in DRAWN:
            raise NotFoundError(f"there is no built-in data {shown(name)}. There are {', '.join(DRAWN)}.")
        return drawn(name, RECORDS), [], []

    def _columns(self, upload: str, wanted: list[str]) -> tuple[np.ndarray, list[str], list[str]]:
        path = self._find(upload)
        found = prepare(path, TrainConfig(), [])
        parts = [found.train.values, found.heldout.values]
        offered = [c.name for c in found.schema.modelled if c.type == "number" and c.name in parts[0]]
        if not offered:
            raise DataError(f"{path.name} has no columns of numbers, which a lesson is about. Train a model on it.")
        if odd := [name for name in wanted if name not in offered]:
            raise OptionError(f"{path.name} has no column of numbers {shown(odd[0])}. It has {', '.join(offered[:8])}.")
        chosen = wanted or offered
        x = np.concatenate([np.stack([part[name].data for name in chosen], 1) for part in parts])
        return x[np.isfinite(x).all(1)], chosen, offered


def _point(lesson: Lesson, turn: Mapping[str, Any] | None) -> dict[str, Any]:
    """A point of the curves."""
    told = turn or {}
    return {
        "step": lesson.game.step, "d_loss": told.get("d_loss"), "g_loss": told.get("g_loss"),
        "scores": lesson.told_scores(), "distance": lesson.distance(),
    }  # fmt: skip


def _part(asked: Mapping[str, Any], name: str, of: Any, default: Any) -> Any:
    try:
        return of_type(of, asked[name]) if name in asked else default
    except StoredError as error:
        raise OptionError(f"{name} cannot be that: it {error}.") from None

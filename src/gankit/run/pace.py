"""How a time budget is kept: what is left of a training is planned anew, at evaluations, by how fast it has been.

Knows games by their length, speeds and a clock; never networks, files or terminals.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from gankit.budget import WRITING_S
from gankit.errors import ModelError
from gankit.stored import StoredError, Whole, of_type

if TYPE_CHECKING:
    from gankit.training.game import Game
    from gankit.training.loop import Progress

WORTH = 0.02
"""A new length that differs less than that from the one before is not worth a line."""


class Planner:
    """Plans the length of a training anew at its progress updates.

    plans: (samples that were behind, samples at the end) of every plan after the first.
    """

    def __init__(self, plans: Iterable[Sequence[int]] = ()) -> None:
        self.plans = [(int(behind), int(end)) for behind, end in plans]

    def start(self, game: Game) -> None:
        """Begins to watch a game."""

    def watch(self, progress: Progress, game: Game) -> int | None:
        """Takes note of what was played; the new length in samples, where there is one."""
        return next((end for behind, end in self.plans if behind == game.behind), None)

    def state(self) -> dict[str, Any]:
        """Plain JSON, from which `planner_from` makes the same in another process."""
        return {"plans": [list(plan) for plan in self.plans]}


class Pace(Planner):
    """Keeps a training within its time.

    budget_s: seconds in all. spent_s: those before this object was made. per_sample_s: seconds a sample, by phase, and
    evaluation_s, of one evaluation, as they were timed at the start. most: samples that are never exceeded, or None.
    """

    def __init__(
        self, budget_s: float, spent_s: float, per_sample_s: Mapping[str, float], evaluation_s: float,
        most: int | None = None, plans: Iterable[Sequence[int]] = (),
    ) -> None:  # fmt: skip
        super().__init__(plans)
        self.budget_s, self.per_sample_s, self.evaluation_s, self.most = budget_s, per_sample_s, evaluation_s, most
        self._spent_s, self._began_s = spent_s, time.monotonic()
        self._seen, self._planned_s, self._expected_s = 0, 0.0, 0.0

    @property
    def elapsed_s(self) -> float:
        """Seconds that the training has taken, all its sittings together."""
        return self._spent_s + time.monotonic() - self._began_s

    def start(self, game: Game) -> None:
        """See `Planner.start`."""
        self._seen, self._planned_s, self._expected_s = game.samples, self.elapsed_s, 0.0

    def state(self) -> dict[str, Any]:
        """See `Planner.state`."""
        own = {"budget_s": self.budget_s, "spent_s": self.elapsed_s, "evaluation_s": self.evaluation_s}
        return {**super().state(), **own, "per_sample_s": dict(self.per_sample_s), "most": self.most}

    def watch(self, progress: Progress, game: Game) -> int | None:
        """See `Planner.watch`; at evaluations, and only where the length is another than was planned."""
        cost = self.per_sample_s["likelihood" if progress.phase == "likelihood" else "game"]
        self._expected_s += cost * (progress.samples - self._seen)
        self._seen = progress.samples
        if progress.metric is None and progress.scores is None:
            return None
        self._expected_s += self.evaluation_s
        now_s = self.elapsed_s
        slower = (now_s - self._planned_s) / max(self._expected_s, 1e-9)
        self._planned_s, self._expected_s = now_s, 0.0
        if game.finished:
            return None
        left_s = max(self.budget_s - now_s - WRITING_S, 0.0) / max(slower, 1e-9)
        left_s = max(left_s - self.evaluation_s * game.config.evaluations * (1 - game.done), 0.0)
        warming = max(game.warmup - game.done, 0.0) / (1 - game.done)
        average_s = warming * self.per_sample_s.get("likelihood", 0.0) + (1 - warming) * self.per_sample_s["game"]
        end = game.behind + max(int(left_s / max(average_s, 1e-12)), game.config.batch)
        end = end if self.most is None else min(end, self.most)
        if abs(end - game.length[2]) <= WORTH * game.length[2]:
            return None
        self.plans.append((game.behind, end))
        return end


class _State(TypedDict, total=False):
    plans: list[tuple[Whole, Whole]]
    budget_s: float
    spent_s: float
    evaluation_s: float
    per_sample_s: dict[str, float]
    most: Whole | None


def planner_from(state: Any) -> Planner:
    """The planner that `Planner.state` wrote; one without plans where there is none, as in checkpoints of before.

    Raises:
        ModelError: it is something else.
    """
    try:
        stated = of_type(_State, state or {})
        if "budget_s" not in stated:
            return Planner(stated.get("plans", ()))
        if missing := [*(_State.__annotations__.keys() - stated), *({"game"} - stated.get("per_sample_s", {}).keys())]:
            raise StoredError("is missing", f".{min(missing)}")
        return Pace(**{name: stated[name] for name in _State.__annotations__})
    except StoredError as error:
        raise ModelError(f"the checkpoint is damaged: planner.{error}. Start a new run.") from error

"""The evaluation of fakes of any kind: every metric beside its ceiling and plain baselines, as typed results.

Knows metrics, scores and evaluation inputs; never a kind of data, how the fakes were made, nor how figures are shown.

`Evaluation.to_json` is the "evaluation" of report.json (every float finite or null; texts are data, never markup):

    {
      "seed": 0,
      "rows": {"train": 26048, "heldout": 6513, "fake": 6513,    # records there were
               "compared": 6513,       # fakes, training records (ceiling) and records of each baseline that were used
               "against": 6513},       # held-out records they are compared with
      "notes": ["..."],                # what was decided or left out, one sentence each
      "metrics": {
        NAME: {                        # those that could be asked
          "meaning": "...", "family": "...", "best": 1.0, "direction": "higher" | "lower" | "near",
          "distance": true | false,    # without an upper end, so that its way is counted in halvings
          "fake": SCORE,
          "ceiling": SCORE | null,     # fresh real records in the place of the fakes: what perfect fakes would get
          "baselines": {NAME: SCORE},  # those that were asked; their details are dropped ({})
          "rows_needed": 25000 | null, # the rows that would tell fakes from the ceiling; null: these do, or unknown
          "seconds": 1.2
        }, ...
      },
      ...                              # and the facts of the kind: the fields of its dataclass
    }

    SCORE = {"value": 0.98 | null, "low": 0.97 | null, "high": 0.99 | null, "best": 1.0, "details": {...}}
    A value of null means "cannot be computed here"; details["reason"] then says why in words.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gankit.errors import DataError
from gankit.metrics.metric import Baseline, Metric, Noun, Score, enough_rows, plain
from gankit.registry import Registry

if TYPE_CHECKING:
    import numpy as np

FactsT = TypeVar("FactsT")
CandidateT = TypeVar("CandidateT")
InputsT = TypeVar("InputsT", bound="Inputs[Any, Any]")

FAKE, CEILING = "fake", "ceiling"
"""The candidates that every evaluation has: the fakes, and real records in their place."""


@dataclass(frozen=True)
class Rows:
    """How many records there were (train, heldout, fake), and how many were used: candidates, and held-out ones."""

    train: int
    heldout: int
    fake: int
    compared: int
    against: int


@dataclass(frozen=True)
class MetricResult:
    """One metric of one evaluation.

    fake, ceiling: scores with their details as plain JSON; ceiling: None where it is not asked. baselines: by name,
    without details. rows_needed: the rows that would tell the fakes from the ceiling; None: these do, or unknown.
    """

    metric: Metric[Any]
    fake: Score
    ceiling: Score | None = None
    baselines: Mapping[str, Score] = field(default_factory=dict)
    rows_needed: int | None = None
    seconds: float = 0.0

    @property
    def best(self) -> float:
        """The value of perfect fakes."""
        return self.fake.best if self.metric.best is None else self.metric.best

    @property
    def real(self) -> float | None:
        """The figure of real records in the place of the fakes; None where there is none."""
        return None if self.ceiling is None or not math.isfinite(self.ceiling.value) else float(self.ceiling.value)

    @property
    def details(self) -> Mapping[str, Any]:
        """What stands behind the fakes' score, as the metric's function documents it."""
        return self.fake.details

    def without(self, *details: str) -> MetricResult:
        """The result without these details of its scores."""

        def bare(score: Score) -> Score:
            return replace(score, details={k: v for k, v in score.details.items() if k not in details})

        return replace(self, fake=bare(self.fake), ceiling=self.ceiling and bare(self.ceiling))

    def to_json(self) -> dict[str, Any]:
        """The entry of the metric in report.json."""
        return {
            "meaning": self.metric.meaning,
            "family": self.metric.family,
            "best": plain(self.best) or 0.0,
            "direction": self.metric.direction,
            "distance": self.metric.halvings,
            "fake": self.fake.to_json(),
            "ceiling": None if self.ceiling is None else self.ceiling.to_json(),
            "baselines": {name: score.to_json() for name, score in self.baselines.items()},
            "rows_needed": self.rows_needed,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class Evaluation(Generic[FactsT]):
    """What was measured: the results of all metrics by name, and the facts of the kind, a frozen dataclass."""

    seed: int
    rows: Rows
    notes: Sequence[str]
    results: Mapping[str, MetricResult]
    facts: FactsT

    def without_training(self) -> Evaluation[FactsT]:
        """The evaluation without the metrics that say nothing where the training part is not at hand."""
        return replace(self, results={n: r for n, r in self.results.items() if not r.metric.trained})

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; the module says what is in it."""
        known: Any = self.facts
        return {
            "seed": self.seed,
            "rows": vars(self.rows),
            "notes": list(self.notes),
            "metrics": {name: result.to_json() for name, result in self.results.items()},
            **{f.name: getattr(known, f.name) for f in fields(known)},
        }


class Inputs(ABC, Generic[CandidateT, FactsT]):
    """What the metrics of a kind look at: real records, and the candidates that are held against them.

    Attributes:
        kind: the name of the kind of data. noun: what the records are called. rows: how many there are.
        seed: of every choice.
        candidates: `FAKE`, `CEILING` (real records in the place of the fakes), then the baselines, by name.
        at_once: scores that are worked out at the same time, a thread each.
    """

    kind: str = ""
    noun: Noun
    rows: Rows
    seed: int
    candidates: dict[str, CandidateT]
    at_once: int = 1

    def notes(self, results: Mapping[str, MetricResult]) -> list[str]:
        """What the kind decided or left out, one sentence each."""
        return []

    @abstractmethod
    def facts(self, results: Mapping[str, MetricResult]) -> FactsT:
        """What a report needs to know beside the results; `evaluate` makes its fields plain JSON values."""


def evaluate(
    metrics: Sequence[Metric[InputsT]], inputs: InputsT, only: Collection[str] | None = None
) -> Evaluation[Any]:
    """Every metric on the fakes, on the ceiling and on the baselines.

    metrics: of the kind of `inputs`. only: the names to compute; None for all. Same arguments, same result, but for the
    seconds.
    """
    broken: list[str] = []
    every = [*metrics, *added(inputs.kind, broken)]
    results = {r.metric.name: r for r in measured([m for m in every if only is None or m.name in only], inputs)}
    facts = inputs.facts(results)
    facts = replace(facts, **{f.name: plain(getattr(facts, f.name)) for f in fields(facts)})
    return Evaluation(inputs.seed, inputs.rows, [*_notes(inputs, results), *broken], results, facts)


def added(kind: str, broken: list[str]) -> list[Metric[Any]]:
    """The metrics that other packages add to a kind by entry points of the group "gankit.metrics", named KIND.NAME.

    broken: of those that cannot be loaded a sentence each is appended.
    """
    others = Registry[Metric[Any]]("gankit.metrics", {})
    return list(others.whole(broken, f"{kind}.").values()) if kind else []


def measured(metrics: Sequence[Metric[InputsT]], inputs: InputsT) -> Iterator[MetricResult]:
    """The results one after the other, as they are known; a metric that is not asked of the fakes has none.

    Their seconds are those of a core: what is worked on at the same time counts for each.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    def score(metric: Metric[InputsT], who: str) -> tuple[Score | None, float]:
        start = time.perf_counter()
        return metric.function(inputs, who), time.perf_counter() - start

    # what the libraries would divide among threads is not, where these are busy
    alone = threadpool_limits(1) if inputs.at_once > 1 else nullcontext()
    with alone, ThreadPoolExecutor(inputs.at_once, "metric") as pool:
        try:
            waiting = [(m, {who: pool.submit(score, m, who) for who in inputs.candidates}) for m in metrics]
            for metric, asked in waiting:
                found = {who: future.result() for who, future in asked.items()}
                scores = {who: value for who, (value, _) in found.items()}
                if (result := _result(metric, scores, inputs.rows)) is not None:
                    yield replace(result, seconds=round(sum(seconds for _, seconds in found.values()), 3))
        finally:
            pool.shutdown(cancel_futures=True)


def make_baselines(baselines: Sequence[Baseline[InputsT]], inputs: InputsT) -> dict[str, Any]:
    """The candidates of the baselines, by name."""
    return {baseline.name: baseline.make(inputs) for baseline in baselines}


def _result(metric: Metric[Any], scores: Mapping[str, Score | None], rows: Rows) -> MetricResult | None:
    fake, ceiling = scores[FAKE], scores[CEILING]
    if fake is None:
        return None
    best = metric.best
    if best is None:  # it depends on the data: the entropy of the real classes, or what real records reach
        best = fake.best if math.isfinite(fake.best) else ceiling.value if ceiling is not None else 0.0
        scores = {who: None if s is None else replace(s, best=best) for who, s in scores.items()}
    baselines = {w: replace(s, details={}) for w, s in scores.items() if s is not None and w not in (FAKE, CEILING)}
    found = {w: replace(s, details=plain(s.details)) for w in (FAKE, CEILING) if (s := scores[w]) is not None}
    fake, ceiling, needed = found[FAKE], found.get(CEILING), None
    if metric.tolerance is not None and ceiling is not None:
        needed = enough_rows(min(rows.compared, rows.against), fake, ceiling, metric.tolerance)
    return MetricResult(metric, fake, ceiling, baselines, needed)


def _notes(inputs: Inputs[Any, Any], results: Mapping[str, MetricResult]) -> list[str]:
    rows, many, notes = inputs.rows, inputs.noun.many, []
    if rows.compared < rows.fake:
        why = f"as many as training {many}" if rows.compared == rows.train else "for time"
        notes.append(f"{rows.compared:,} of {rows.fake:,} synthetic {many} were compared, {why}.")
    if rows.against < rows.heldout:
        notes.append(f"{rows.against:,} of {rows.heldout:,} held-out {many} were compared.")
    notes += inputs.notes(results)
    failed = {name: result.details for name, result in results.items() if math.isnan(result.fake.value)}
    return notes + [f"{name}: {details.get('reason', 'could not be computed')}." for name, details in failed.items()]


def check_sizes(noun: Noun, *parts: Sized) -> None:
    """Refuses training records, held-out records or fakes of which there are fewer than two.

    Raises:
        DataError: which, and how many there are.
    """
    for what, part in zip(("training part", "held-out part", f"synthetic {noun.many}"), parts, strict=True):
        if len(part) < 2:
            raise DataError(f"the {what}: expected at least 2 {noun.many} to compare, found {len(part)}.")


def numbered(score: Score, fakes: np.ndarray, members: np.ndarray | None = None) -> Score:
    """The score with the rows in its details' "pairs" as numbers in the sets they were taken from.

    fakes, members: [N] int, the numbers of the rows of fakes and of training records; None: these are numbers already.
    """
    for pair in score.details.get("pairs", []):
        pair["fake"] = int(fakes[pair["fake"]])
        if members is not None:
            pair["train"] = int(members[pair["train"]])
    return score

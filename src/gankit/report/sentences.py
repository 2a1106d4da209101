"""The sentences that the summaries of pictures, series and texts share, each with its own word for a record.

Knows the metrics' numbers and standings; never records or pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gankit.report import numbers
from gankit.report.curves import overfit_share, still_learning
from gankit.report.old import Words, copying
from gankit.report.standing import THRESHOLDS, Standing

Metrics = Mapping[str, Mapping[str, Any]]
Places = Mapping[str, Standing]

BEHIND = ("close", "fair", "weak")
"""The standings of what falls short of real records, by little or by much."""


@dataclass(frozen=True)
class Teller:
    """Tells of one evaluation.

    records: what they are called, as in "texts". metrics: completed; places: each one's standing.
    words_of: the words for a metric. most: so many figures are named in one sentence, the rest counted.
    """

    records: str
    metrics: Metrics
    places: Places
    words_of: Callable[[str, Mapping[str, Any]], Words]
    most: int | None = None

    def compared(self, evaluation: Mapping[str, Any], of: str) -> str:
        """How many fakes and real records; of: what they are like."""
        rows = evaluation.get("rows") or {}
        return (
            f"{numbers.count(rows.get('compared', rows.get('fake')))} fakes were compared with "
            f"{numbers.count(rows.get('against', rows.get('heldout')))} held-out real {self.records}{of}."
        )

    def beside(self, metric: str) -> str:
        """The figure of the fakes and that of real records."""
        entry = self.metrics[metric]
        real = numbers.finite(entry["ceiling"].get("value"))
        beside = f"; real {self.records} {numbers.score(real)}" if real is not None else ""
        return f"({numbers.score(entry['fake']['value'])}{beside})"

    def figures(self, names: Sequence[str]) -> str:
        """Metrics by name, each with its figures."""
        shown = [f"{self.words_of(m, self.metrics[m]).noun} {self.beside(m)}" for m in names[: self.most]]
        return numbers.listed([*shown, f"{len(names) - len(shown)} more"] if len(names) > len(shown) else shown)

    def level(self, names: Sequence[str], words: Mapping[str, str], silent: Sequence[str] = ()) -> str:
        """What the worst of some metrics says, with the figures of all.

        words: by standing, from best to worst. silent: metrics that speak only where no other can.
        """
        known = [m for m in names if m in self.metrics and self.places[m].level not in ("none", "open")]
        if not known:
            return ""
        speaking = [m for m in known if m not in silent] or known
        order = list(words)
        worst = max(order.index(self.places[m].level) for m in speaking)
        return f"{words[order[worst]]}: {self.figures(known)}."

    def obeyed(self, label: str, judge: str) -> str:
        """How often a fake is what was asked for; label: "a class"; judge: "the classifier"."""
        if "agreement" not in self.metrics or self.places["agreement"].level == "none":
            return ""
        entry = self.metrics["agreement"]
        real = numbers.finite(entry["ceiling"].get("value"))
        beside = f" (of real {self.records} it so sees {numbers.share(real)})" if real is not None else ""
        return (
            f"Asked for {label}, the model gives it in {numbers.share(entry['fake']['value'])} of the fakes, as "
            f"{judge} sees them{beside}."
        )

    def copy_tests(self) -> list[str]:
        """The names of the copy tests that speak.

        As for rows, but for the three-sample test: smooth pictures, or texts of frequent phrases, lie nearer to
        every record, so that it speaks only where the share of fakes nearer to training records is also beyond that
        of real records in their place.
        """

        def beyond(entry: Mapping[str, Any]) -> bool:
            low, real = numbers.finite(entry["fake"].get("low")), numbers.finite(entry["ceiling"].get("value"))
            return low is not None and (real is None or low > real + THRESHOLDS["copy_effect"])

        known = {m: e for m, e in self.metrics.items() if self.places[m].level != "none"}
        return [m for m in copying(known, self.places) if self.places[m].level in BEHIND or beyond(known[m])]

    def copied(self) -> str:
        """Whether training records were copied."""
        of = f"training {self.records} were copied"
        tests = [m for m in self.metrics if self._is_copies(m) and self.places[m].level != "none"]
        if not tests:
            return f"Whether {of} is not known: none of the tests for it could be made."
        if found := self.copy_tests():
            return f"There are signs that {of}: {self.figures(found)}."
        unsure = all(self.places[m].level == "open" for m in tests)
        but = ", but there are too few to be sure" if unsure else ""
        return f"No sign that {of}{but}: {self.figures(tests)}."

    def behind(self) -> list[str]:
        """Metrics that fall short, those of copies left out."""
        return [m for m in self.metrics if not self._is_copies(m) and self.places[m].level in BEHIND]

    def next_step(self, behind: Sequence[str], rows: Sequence[Mapping[str, Any]], by_heart: str | None = None) -> str:
        """What matters most and what to try: copying first, then what falls short most.

        behind: metrics that fall short. rows: the history, flat. by_heart: what to try where D learns by heart, in
        place of what the metric's words say.
        """
        found = self.copy_tests()
        if not found and not behind:
            return ""
        worst = found[0] if found else min(behind, key=lambda m: rank(self.places[m]))
        words, reasons = self.words_of(worst, self.metrics[worst]), []
        late, over = still_learning(rows), overfit_share(rows)
        overfits = over is not None and over > THRESHOLDS["overfit_gap"]
        if overfits:
            way = f"{numbers.share(over)} of the way to the fakes"
            reasons.append(f"D has begun to learn training {self.records} by heart ({way})")
        if late is not None and late > THRESHOLDS["still_learning"] and not found:
            reasons.append(f"the training was still improving ({numbers.share(late)} of its gain in the last fifth)")
        because = f"; {numbers.listed(reasons)}" if reasons else ""
        remedy = by_heart if by_heart and overfits and not found else words.remedy
        return f"What matters most is {words.noun} {self.beside(worst)}{because}: {remedy}."

    def _is_copies(self, metric: str) -> bool:
        return bool(self.metrics[metric]["family"] == "copies")


def rank(place: Standing) -> float:
    """Small for what falls short most: the share of the way to real records; of a gap alone a quarter counts as all."""
    return place.way if place.way is not None else 1 - 4 * min(place.gap or 0.0, 0.25)

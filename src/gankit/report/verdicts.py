"""A figure's verdict in words, and in two: what all reports say alike of a standing.

Knows the JSON of one metric, its standing and its words; never which kind of record is spoken of but by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gankit.report import numbers
from gankit.report.old import COPY_LEVELS, Words
from gankit.report.standing import Level, Standing


@dataclass(frozen=True)
class Voice:
    """How a report speaks of its figures.

    records: what the records are called. words_of: (metric, its JSON) -> its words. baselines: their names for people.
    levels: what each level is called.
    """

    records: str
    words_of: Callable[[str, Mapping[str, Any]], Words]
    baselines: Mapping[str, str]
    levels: Mapping[Level, str]

    def verdict(self, metric: str, entry: Mapping[str, Any], place: Standing) -> str:
        """Where the fakes stand on one metric, what that means, what stands in its details, and what to try."""
        words, details = self.words_of(metric, entry), entry["fake"].get("details") or {}
        if numbers.finite(entry["fake"]["value"]) is None:
            return f"{words.title}: not computed, because {details.get('reason', 'no figure was given')}."
        if place.level == "none":
            return (
                f"{words.title}: {_figure(entry['fake'])}, which says nothing here: the training part and the held-out "
                "part are of different kinds, so that what resembles one is near to it."
            )
        parts = [f"{words.title}: {self._where(entry, place)}", *words.details(details)]
        # close in halvings, or as near as real ones are with these few: no reason to say that all is right
        unsure = place.level == "close" and (entry["family"] == "copies" or entry.get("distance"))
        if place.level in ("real", "close") and not unsure:
            parts.append(words.good)
        if place.level in ("close", "fair", "weak"):
            worse = place.level != "close" or entry["family"] == "copies"
            parts += [words.bad, f"To try: {words.remedy}."] if worse else []
        return " ".join(p for p in parts if p)

    def chip(self, metric: str, entry: Mapping[str, Any], place: Standing) -> str:
        """The level of a metric in two to four words."""
        if place.level == "none" and numbers.finite(entry["fake"]["value"]) is not None:
            return "says nothing here"
        return (COPY_LEVELS if entry["family"] == "copies" else self.levels)[place.level].replace("rows", self.records)

    def _where(self, entry: Mapping[str, Any], place: Standing) -> str:
        here, ceiling, records = _figure(entry["fake"]), entry["ceiling"], self.records
        if place.gap is None:
            return f"{here}; {numbers.score(entry['best'])} would be perfect."
        real = _figure(ceiling)
        if place.level == "real":
            if place.gap < -max(place.half or 0.0, 0.005):
                return f"{here}, on the better side of real {records}, {real}."
            return f"{here}, which cannot be told from real {records}, {real}, with this many {records}."
        if place.level == "open":
            return (
                f"{here}, real {records} {real}: too few {records} to tell; about "
                f"{numbers.about(place.rows_needed or 0)} held-out ones and as many fakes would do."
            )
        return f"{here}, where real {records} reach {real}{self._way(entry, place)}."

    def _way(self, entry: Mapping[str, Any], place: Standing) -> str:
        if entry["family"] == "copies":
            return f"; {numbers.score(place.gap)} more"
        if place.way is None or place.baseline is None:
            return "" if entry.get("distance") else f"; {numbers.score(place.gap)} behind"
        plain = f"{self.baselines[place.baseline]} ({numbers.score(entry['baselines'][place.baseline]['value'])})"
        if place.way < 0:
            return f"; worse than {plain}, which is no model at all"
        counted = ", counted in halvings of the distance" if entry.get("distance") else ""
        return f": {numbers.share(min(place.way, 1.0))} of the way there from {plain}{counted}"


def _figure(score: Mapping[str, Any]) -> str:
    return numbers.with_interval(score["value"], score.get("low"), score.get("high"))

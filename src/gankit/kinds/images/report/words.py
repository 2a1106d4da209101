"""The words of the report on pictures: for each metric its title, question, what a level means, and what to try.

Knows the JSON of a picture evaluation and standings; never arrays, models or pages. Texts may hold names from the data
as they are: the page escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gankit.report import numbers
from gankit.report.old import COPY_LEVELS, name
from gankit.report.standing import THRESHOLDS, Level, Standing, standing

BASELINES = {"bootstrap": "training pictures drawn again", "noise": "noise", "mean": "the mean picture"}
# Where the way to real pictures begins. The mean picture is shown too, but is no beginning: a model that has collapsed
# to one good picture has a precision of 1.
PLAIN = ("noise",)
# Two pictures of at least so many numbers do not agree in all of them by chance.
_NO_CHANCE = 64
LEVELS: dict[Level, str] = {
    "real": "as real pictures",
    "close": "close to real pictures",
    "fair": "between",
    "weak": "far from real pictures",
    "open": "too few pictures to tell",
    "none": "not computed",
}

_MOST_GONE = 8
_LONGER = "train longer (--budget or --samples)"
_LEARNED_BY_HEART = (
    "train for fewer samples (--samples), augment (--augment ada), or bring more pictures; then look at the closest "
    "pairs with your own eyes"
)


@dataclass(frozen=True)
class Words:
    """What is said about one metric.

    title: its name for people; noun: the same inside a sentence; question: what it answers; good, bad: what it means
    when the fakes are as real pictures or close to them, and when they are not; remedy: what to try then; details:
    sentences on what stands in its details.
    """

    title: str
    noun: str
    question: str
    good: str = ""
    bad: str = ""
    remedy: str = _LONGER
    details: Callable[[Mapping[str, Any]], list[str]] = lambda details: []


def _copies(details: Mapping[str, Any]) -> list[str]:
    out = []
    closer, rows = numbers.finite(details.get("closer")), numbers.finite(details.get("rows"))
    if closer is not None and rows:
        out.append(
            f"{numbers.count(closer)} of {numbers.count(rows)} fakes lie nearer to a training picture than to any "
            "held-out picture."
        )
    test = details.get("three_sample") or {}
    p = numbers.finite(test.get("p"))
    if p is not None:
        how = (
            "fakes lie nearer to training pictures than held-out pictures do, as copies would, and as smooth or "
            "pale fakes do, too"
            if p < THRESHOLDS["p_copying"]
            else "fakes lie no nearer to training pictures than held-out pictures do"
        )
        out.append(
            f"The three-sample test of Meehan et al. gives z = {numbers.score(test.get('z'))}, "
            f"p = {numbers.score(p)}: {how}."
        )
    return out


def _pixels(details: Mapping[str, Any]) -> list[str]:
    near, rows = numbers.finite(details.get("near")), numbers.finite(details.get("rows"))
    if near is None or not rows:
        return []
    return [
        f"{numbers.count(near)} of {numbers.count(rows)} fakes are nearer to a training picture than 99 % of the "
        "held-out pictures are."
    ]


def _frechet(details: Mapping[str, Any]) -> list[str]:
    if details.get("singular"):
        return [
            f"It was measured with fewer pictures than its {numbers.count(details.get('features'))} features: mostly "
            "noise of small numbers, so read the kernel distance instead."
        ]
    limit = numbers.finite(details.get("limit"))
    return (
        [f"With ever more fakes it would tend to about {numbers.score(max(limit, 0.0))}."] if limit is not None else []
    )


def _exact(details: Mapping[str, Any]) -> list[str]:
    copies, rows = numbers.finite(details.get("copies")), numbers.finite(details.get("rows"))
    if copies is None or not rows:
        return []
    heldout = details.get("heldout_share")
    beside = (
        f"; of the held-out pictures, which nobody copied, {numbers.share(heldout)} do" if heldout is not None else ""
    )
    return [f"{numbers.count(copies)} of {numbers.count(rows)} fakes equal a training picture in every pixel{beside}."]


def _usefulness(details: Mapping[str, Any]) -> list[str]:
    rows = numbers.finite(details.get("test_rows"))
    tested = f" {numbers.count(rows)}" if rows is not None else ""
    return [
        f"A classifier was trained on fakes and tested on{tested} held-out real pictures; the ceiling is the same "
        "classifier trained on real ones."
    ]


WORDS: dict[str, Words] = {
    "frechet": Words(
        "Fréchet distance",
        "distance to real pictures",
        "How far is the crowd of fakes from the crowd of real pictures, in realism and variety at once?",
        "As a crowd they resemble real pictures.",
        "As a crowd they differ from real pictures; realism and variety below say in which way.",
        f"{_LONGER}; if the curve of the training is flat, make the networks wider (--width)",
        _frechet,
    ),
    "kernel": Words(
        "Kernel distance",
        "kernel distance",
        "The same question, by a measure that few pictures do not bias.",
        "It agrees that they resemble real pictures.",
        "It sees a difference, too.",
    ),
    "precision": Words(
        "Realism (precision)",
        "realism of single pictures",
        "What share of the fakes lies where real pictures lie?",
        "Single fakes look like real pictures.",
        "The other fakes look like nothing in the data: broken, blurred, or a mixture of kinds.",
        f"{_LONGER}, or sample with --truncation .7, which trades variety for realism",
    ),
    "recall": Words(
        "Variety (recall)",
        "variety",
        "What share of the real pictures could the model have made?",
        "The kinds of real pictures are all there.",
        "Whole kinds of real pictures are missing, or each is made in few ways (near 0: a collapse).",
        f"{_LONGER}; if it stays low, a larger --penalty-weight, a larger --batch, and no truncation",
    ),
    "density": Words(
        "Density",
        "density around real pictures",
        "Are there as many fakes around real pictures as there should be? (1 is right, more is crowding)",
        "Fakes lie about as densely around real pictures as real ones do.",
        "Below real pictures' own figure fakes lie off the data; above it they crowd in its middle.",
        f"{_LONGER}; when they crowd, sample without --truncation",
    ),
    "coverage": Words(
        "Coverage",
        "coverage of real pictures",
        "What share of the real pictures has a fake nearby?",
        "Nearly every real picture has a fake that is like it.",
        "Real pictures without a fake nearby are of kinds that the model makes too seldom or never.",
        f"{_LONGER}, or a larger --batch",
    ),
    "copies_near": Words(
        "Near copies",
        "near copies",
        "Are fakes nearer, in pixels, to training pictures than to real pictures nobody trained on?",
        remedy=_LEARNED_BY_HEART,
        details=_copies,
    ),
    "copies_features": Words(
        "Near copies in features",
        "near copies in features",
        "The same in features, which also see a copy that was shifted or tinted.",
        remedy=_LEARNED_BY_HEART,
        details=_copies,
    ),
    "copies_pixels": Words(
        "Unusually near fakes",
        "unusually near fakes",
        "How many fakes are nearer to a training picture than nearly all held-out pictures are?",
        bad="Smooth or blurred fakes lie nearer to everything, so that a share a little above is no proof.",
        remedy=_LEARNED_BY_HEART,
        details=_pixels,
    ),
    "copies_exact": Words(
        "Exact copies",
        "exact copies",
        "How many fakes equal a training picture, pixel for pixel?",
        remedy=_LEARNED_BY_HEART,
        details=_exact,
    ),
    "classes": Words(
        "Evenness of classes",
        "evenness of classes",
        "Do all classes occur among the fakes, as often as among real pictures?",
        "The classes occur as they should.",
        "Some classes occur too often and others too seldom.",
        f"{_LONGER}, or ask for classes by --where and mix them as you need them",
    ),
    "agreement": Words(
        "Obeying the class",
        "obeying the class asked for",
        "Does a fake that was asked to show a class show it, as the classifier sees it?",
        "Asked for a class, the model gives it.",
        "A part of the fakes shows another class than the one asked for, or none that can be told.",
        f"{_LONGER}; classes with few pictures need more of them",
    ),
    "usefulness": Words(
        "Usefulness",
        "training a classifier",
        "Does a classifier trained on fakes see real pictures as well as one trained on real pictures?",
        "Fakes can stand in for real pictures in such a training.",
        "A classifier learns less from fakes than from as many real pictures: add them to real ones, replace none.",
        _LONGER,
        _usefulness,
    ),
    "parzen": Words(
        "Parzen log-likelihood (history)",
        "Parzen log-likelihood",
        "The figure of the 2014 paper, by its protocol, in nats.",
    ),
}


def words_of(metric: str, entry: Mapping[str, Any]) -> Words:
    """The words of a metric; one that has none of its own speaks through its `meaning`."""
    plain = metric.replace("_", " ")
    return WORDS.get(metric) or Words(plain.capitalize(), plain, str(entry.get("meaning") or ""))


def completed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A metric's JSON with what may be missing filled in: no ceiling, no baselines, more is better, 1 or 0 is best."""
    direction = entry.get("direction") or ("lower" if entry.get("family") in ("distance", "copies") else "higher")
    best = numbers.finite(entry.get("best"))
    return {
        **entry,
        "family": entry.get("family") or "further",
        "meaning": entry.get("meaning") or "",
        "direction": direction,
        "best": (0.0 if direction == "lower" else 1.0) if best is None else best,
        "fake": {"value": None, **(entry.get("fake") or {})},
        "ceiling": entry.get("ceiling") or {},
        "baselines": {k: v for k, v in (entry.get("baselines") or {}).items() if v},
    }


def is_distance(entry: Mapping[str, Any]) -> bool:
    """Whether a metric has no upper end and is read in halvings."""
    return entry.get("family") == "distance" and entry.get("direction") == "lower"


def place_of(entry: Mapping[str, Any], num_rows: int | None, num_numbers: int = 0) -> Standing:
    """Where the fakes stand on a metric, as `completed` gives it; figures for history stand nowhere.

    num_numbers: of a picture. A single fake that equals a training picture of many numbers, where no held-out picture
    does, is a sign of copying, however few the pictures are.
    """
    if entry["family"] == "history":
        return Standing("none")
    place = standing(entry, num_rows, plain=PLAIN, halvings=is_distance(entry))
    details = entry["fake"].get("details") or {}
    equal = (numbers.finite(details.get("copies")) or 0) > 0 and details.get("heldout_share") == 0
    if place.level in ("real", "open") and equal and num_numbers >= _NO_CHANCE:
        return replace(place, level="fair", rows_needed=None)
    return place


def verdict(metric: str, entry: Mapping[str, Any], place: Standing) -> str:
    """Where the fakes stand on one metric, what that means, what stands in its details, and what to try."""
    words, details = words_of(metric, entry), entry["fake"].get("details") or {}
    if numbers.finite(entry["fake"]["value"]) is None:
        return f"{words.title}: not computed, because {details.get('reason', 'no figure was given')}."
    if entry["family"] == "history":
        return f"{words.title}: {_figure(entry['fake'])} nats. It is told for history and chooses nothing."
    parts = [f"{words.title}: {_where(entry, place)}", *words.details(details)]
    if place.level in ("real", "close"):
        parts += [] if entry["family"] == "copies" and place.level == "close" else [words.good]
    if place.level in ("close", "fair", "weak"):
        worse = place.level != "close" or entry["family"] == "copies"
        parts += [words.bad, f"To try: {words.remedy}."] if worse else []
    return " ".join(p for p in parts if p)


def chip(entry: Mapping[str, Any], place: Standing) -> str:
    """The level of a metric in two to four words."""
    if entry["family"] == "history":
        return "history"
    return (COPY_LEVELS if entry["family"] == "copies" else LEVELS)[place.level].replace("rows", "pictures")


def _figure(score: Mapping[str, Any]) -> str:
    return numbers.with_interval(score["value"], score.get("low"), score.get("high"))


def _where(entry: Mapping[str, Any], place: Standing) -> str:
    here, ceiling = _figure(entry["fake"]), entry["ceiling"]
    if place.gap is None:
        return f"{here}; {numbers.score(entry['best'])} would be perfect."
    real = _figure(ceiling)
    if place.level == "real":
        return f"{here}, which cannot be told from real pictures, {real}, with this many pictures."
    if place.level == "open":
        return (
            f"{here}, real pictures {real}: too few pictures to tell; about {numbers.about(place.rows_needed or 0)} "
            "held-out ones and as many fakes would do."
        )
    return f"{here}, where real pictures reach {real}{_way(entry, place)}."


def _way(entry: Mapping[str, Any], place: Standing) -> str:
    if entry["family"] == "copies":
        return f"; {numbers.score(place.gap)} more"
    if place.way is None or place.baseline is None:
        return "" if is_distance(entry) else f"; {numbers.score(place.gap)} behind"
    plain = f"{BASELINES[place.baseline]} ({numbers.score(entry['baselines'][place.baseline]['value'])})"
    if place.way < 0:
        return f"; worse than {plain}, which is no model at all"
    counted = ", counted in halvings of the distance" if is_distance(entry) else ""
    return f": {numbers.share(min(place.way, 1.0))} of the way there from {plain}{counted}"


def worst_class(per_class: Sequence[Mapping[str, Any]]) -> str:
    """Which classes are missing, and which is obeyed least or else occurs most too seldom; empty without classes."""
    known = [c for c in per_class if numbers.finite(c.get("real")) and numbers.finite(c.get("fake")) is not None]
    gone = [name(c["class"]) for c in known if c["fake"] == 0]
    parts = []
    if gone:
        more = f" and {len(gone) - _MOST_GONE} more" if len(gone) > _MOST_GONE else ""
        parts.append(f"Missing among the fakes: {numbers.listed(gone[:_MOST_GONE])}{more}.")
    obeyed = [c for c in per_class if numbers.finite(c.get("agreement")) is not None]
    there = [c for c in known if c["fake"] > 0]
    if obeyed:
        worst = min(obeyed, key=lambda c: float(c["agreement"]))
        parts.append(
            f"Least obeyed is {name(worst['class'])}: {numbers.share(worst['agreement'])} of the fakes asked for it "
            "are seen as it."
        )
    elif there:
        worst = min(there, key=lambda c: float(c["fake"]) / float(c["real"]))
        parts.append(
            f"Most too seldom is {name(worst['class'])}: {numbers.share(worst['fake'])} of the fakes, "
            f"{numbers.share(worst['real'])} of the real pictures."
        )
    return " ".join(parts)

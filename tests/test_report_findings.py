"""No report speaks of one subject in two directions: tried on a thousand synthetic evaluations of random figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup
from report_image_example import small
from results import evaluation, result, score
from series_examples import sample as series

import gankit.kinds.series.report as series_report
import gankit.kinds.texts.report as texts_report
from gankit.kinds.images.metrics.inputs import ImageFacts
from gankit.kinds.images.metrics.metrics import METRICS as IMAGES
from gankit.kinds.images.sections import image_sections
from gankit.kinds.series.metrics.inputs import SeriesFacts
from gankit.kinds.series.metrics.metrics import METRICS as SERIES
from gankit.kinds.series.report import SeriesSections
from gankit.kinds.tables.metrics.metrics import METRICS as TABLES
from gankit.kinds.tables.metrics.metrics import TableFacts
from gankit.kinds.tables.metrics.sample import Sample
from gankit.kinds.tables.sections import TableSections
from gankit.kinds.texts.metrics.inputs import TextFacts
from gankit.kinds.texts.metrics.metrics import METRICS as TEXTS
from gankit.kinds.texts.report import TextSections
from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Metric
from gankit.report import curves, drawing, headline, page
from gankit.report.page import Report, build
from gankit.report.section import Sections
from gankit.report.verdict import COPYING, TRAINING, Finding

EACH = 250
DIRECTIONS: Mapping[str, Mapping[str, str]] = {
    COPYING: {
        "copied": r"signs that training [\w ]+ were copied|as copies would|signs of copying|More of them are",
        "clear": r"No sign that|no sign of copying|lie no nearer to training|As new as fresh",
        "unknown": r"were copied (cannot be told|is not known)",
    },
    TRAINING: {
        "longer": r"longer training \(--budget or --samples\) (would|may)|[Tt]rain (for )?longer",
        "shorter": r"shorter training|[Tt]rain for (less|fewer)",
        "enough": r"would bring little",
    },
}
ALARMS = (
    "D tells fakes from held-out records almost always: G does not keep up. Train for longer (--budget).",
    "D has memorised the training records: it scores held-out records 80% of the way down. Train for less long.",
)
GAME = r"and fakes [-−\d.]+|(above|against|tells) fakes|of the (distance|way) to the fakes"
"""How a page speaks of the fakes that D sees in the training; everywhere else they are synthetic samples."""


def table_sections(found: Any) -> Sections[Any]:
    empty = Sample({"x": np.zeros(1)}, {"x": "number"})
    return TableSections(evaluation=replace(found, facts=TableFacts(None, False, (), [])), real=empty, fake=empty)


def image_like(found: Any) -> Sections[Any]:
    facts = ImageFacts("random features", [8, 8, 1], None, [], False, {})
    sides = {side: small(2, seed=k) for k, side in enumerate(("train", "heldout", "fake"))}
    return image_sections(evaluation=replace(found, facts=facts), **sides)


def series_sections(found: Any) -> Sections[Any]:
    facts = SeriesFacts("", {"steps": 24, "shortest": 24, "channels": ["a"], "run": 1}, None, [], None, {})
    one = series(np.zeros((2, 24, 1)))
    return SeriesSections.of(replace(found, facts=facts), one, one, one)


def text_sections(found: Any) -> Sections[Any]:
    return TextSections(evaluation=replace(found, facts=TextFacts()), train=[], heldout=[], fake=[], tokenise=list)


KINDS: Mapping[str, tuple[Sequence[Metric[Any]], Callable[[Any], Sections[Any]]]] = {
    "tables": (TABLES, table_sections), "images": (IMAGES, image_like),
    "series": (SERIES, series_sections), "texts": (TEXTS, text_sections),
}  # fmt: skip


def made_up(metric: Metric[Any], draw: np.random.Generator) -> MetricResult:
    """A result with figures of any quality, and the details from which its sentences are made."""
    best = 1.0 if metric.best is None else metric.best
    scale = draw.choice([1.0, 20.0]) if metric.halvings else 1.0
    far = np.sort(draw.uniform(0, 1, 2)) * scale
    real, plain = (best + s * (-1 if metric.direction == "higher" else 1) for s in (far[0] * draw.uniform(), far[1]))
    fake = draw.choice([real, plain, real + draw.normal() * 0.02 * scale, real + draw.uniform() * (plain - real), best])
    half, area = float(draw.choice([0.002, 0.02, 0.2])) * scale, float(draw.uniform(0.4, 1))
    details: dict[str, Any] = {
        "three_sample": {"z": -3.0, "p": float(draw.choice([1e-6, 0.01, 0.5]))},
        "heldout_share": float(draw.choice([0.0, 0.01, 0.9])), "copies": int(draw.choice([0, 3])), "rows": 500,
        "closer": 200, "auc": area, "auc_low": area - 0.05, "auc_high": area + 0.05, "new": 400,
    }  # fmt: skip
    shown = (
        score(None, best=best, reason="of chance") if draw.random() < 0.1 else score(float(fake), half, best, **details)
    )
    needed = int(draw.choice([0, 2500, 90000])) or None
    names = ("independent", "copula", "noise", "mean", "autoregression", "trigram", "unigram")
    return result(metric, shown, float(real), dict.fromkeys(names, float(plain)), half=half, rows_needed=needed)


def made_up_history(draw: np.random.Generator) -> list[dict[str, Any]]:
    """None, or one that rises, is flat or has a D that memorises; with alarms of all kinds."""
    memorised, shape = draw.choice([0.0, 0.6]), draw.choice([0, 1, 2])
    accuracy = float(draw.choice([0.5, 0.99]))
    scores = {"accuracy_heldout": accuracy, "mean_train": 1.0, "mean_heldout": 1.0 - 2 * memorised, "mean_fake": -1.0}
    rise = [-1.0 / (k + 1) if shape == 1 else -0.1 - 0.9 * (k == 0) for k in range(10)]
    more = {"scores": scores, "alarms": list(ALARMS)}
    return [] if shape == 0 else [{"samples": 100 * (k + 1), "metric": m, **more} for k, m in enumerate(rise)]


def said_of(report: Report) -> str:
    """All that the page and the JSON say, without the log of the training."""
    page = re.sub(r"<style.*?</style>|<[^>]+>", " ", report.html)
    told = [
        *report.headline,
        *report.json["summary"],
        *(v["text"] for v in report.json["verdicts"]),
        *report.json["notes"],
    ]
    return " ".join(" ".join([page, *told]).split())


def check(sections: Sections[Any], report: Report) -> None:
    said = said_of(report)
    assert not re.search(r"\bfakes\b", re.sub(GAME, "", said), re.IGNORECASE)
    findings = {f["subject"]: Finding(**f) for f in report.json["findings"]}
    assert len(findings) == len(report.json["findings"]) and TRAINING in findings
    for subject, words in DIRECTIONS.items():
        heard = {direction for direction, pattern in words.items() if re.search(pattern, said)}
        assert len(heard) <= 1, (subject, heard)
        assert not heard or subject not in findings or heard == {findings[subject].direction}, (subject, heard)
    behind = [v for v in sections.told().values() if v.level in ("fair", "weak")]
    green = [light["light"] for light in report.json["lights"] if light["level"] == "green"]
    assert "Looks right" not in green or not any(
        (entry.get("scores") or {}).get("accuracy_heldout", 0) > 0.95 for entry in report.json["history"]
    )
    assert "Not copied" not in green or findings[COPYING].direction == "clear"
    assert "Looks right" not in green or all(v.result.metric.subject in ("utility", COPYING) for v in behind
                                             if v.result.metric.headline)  # fmt: skip
    summary = report.json["summary"]
    fits = [s for s in summary if s.startswith(f"The synthetic {sections.noun.many} are as real")]
    short = [s for s in summary if "hey fall short in" in s]
    for verdict in sections.told().values():
        metric, finding = verdict.result.metric, verdict.finding
        for words, directions in ((metric.good, ("real", "clear")), (metric.bad, ("behind", "copied"))):
            assert not words or words not in verdict.text or finding.direction in directions, verdict.text
        assert not ("cannot tell" in verdict.text and verdict.level in ("close", "fair", "weak")), verdict.text
        if finding.subject == metric.name and sections.lists:
            shown = f"{metric.noun} ("
            assert not any(shown in s for s in fits) or finding.direction == "real", verdict.text
            assert not any(shown in s.split("; there are")[0] for s in short) or finding.direction == "behind"
    for grade in sections.grades:
        spoken = {level for level, text in grade.words.items() if any(s.startswith(text) for s in summary)}
        assert not spoken or spoken == {findings[grade.subject].level}, (grade.subject, spoken)


def check_many(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`EACH` reports of made-up evaluations and histories."""
    for module in (curves, drawing, series_report, texts_report):  # drawings take long
        monkeypatch.setattr(module, "draw", lambda *args, **more: Markup())
    metrics, of = KINDS[kind]
    for seed in range(EACH):
        draw = np.random.default_rng(seed)
        asked = [m for m in metrics if draw.random() < 0.7]
        sections = of(evaluation([made_up(m, draw) for m in asked], None))
        history = made_up_history(draw)
        check(sections, build(sections, card={"name": "any"}, history=history[: int(draw.choice([1, 10]))]))


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_subject_has_two_directions(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_many(kind, monkeypatch)


def _says(text: str) -> Callable[..., list[str]]:
    """A summary that says this beside what it says."""
    whole = page.summary
    return lambda *args: [*whole(*args), text]


PLANTED: Mapping[str, tuple[Any, str, Callable[[], Any]]] = {
    "train longer, whatever the curves say": (page, "summary", lambda: _says("Train longer: it would help.")),
    "copies, whatever the tests say": (page, "summary", lambda: _says("They lie near training rows, as copies would.")),
    "no copies, whatever the tests say": (
        headline, "_not_copied", lambda: lambda found, sections: headline.Light("Not copied", "green", "No copies."),
    ),
    "as real, though D always tells": (headline, "_doubted", lambda: lambda light, sections, accuracy: light),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(PLANTED))
def test_faults_of_before_are_found_where_they_are_planted(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, name, make = PLANTED[fault]
    monkeypatch.setattr(module, name, make())
    with pytest.raises(AssertionError):
        check_many("tables", monkeypatch)

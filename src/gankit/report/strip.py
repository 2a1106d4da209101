"""One metric as a strip: where fakes, real records and plain baselines stand, worse on the left, better on the right.

Knows results and baselines; never data or pages. Drawn by hand, as a strip is a dozen marks and a page holds many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from gankit.metrics.evaluate import CEILING, FAKE, MetricResult
from gankit.metrics.metric import Baseline, Noun
from gankit.metrics.score import Score
from gankit.report import numbers
from gankit.report.verdict import direction_of, loss

_WIDTH, _HEIGHT, _MARGIN = 200.0, 26.0, 8.0
_MIDDLE = _HEIGHT / 2

_CEILING = (
    '<rect class="ceiling" x="{l}" y="3" width="{w}" height="20" rx="1.5"/>'
    '<line class="ceiling" x1="{x}" x2="{x}" y1="3" y2="23"/>'
)
_FAKE = '<line class="fake" x1="{l}" x2="{r}" y1="{m}" y2="{m}"/><circle class="fake" cx="{x}" cy="{m}" r="4"/>'
_MARKS = {
    "cross": '<path class="mark" d="M{x} {m}m-3-3l6 6m-6 0l6-6"/>',
    "square": '<rect class="mark" x="{x}" y="{m}" width="6" height="6" transform="translate(-3 -3)"/>',
    "triangle": '<path class="mark" d="M{x} {m}m0-4.2l3.8 6.8h-7.6z"/>',
    "diamond": '<path class="mark" d="M{x} {m}m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z"/>',
}


def strip(result: MetricResult, baselines: Sequence[Baseline[Any]], noun: Noun) -> Markup:
    """The strip as an inline SVG; empty when the fakes have no figure.

    baselines: those that are shown. Of a metric with halvings equal steps are halvings of the distance.
    """
    scores: dict[str, Score | None] = {FAKE: result.fake, CEILING: result.ceiling}
    scores |= {b.name: result.baselines.get(b.name) for b in baselines}
    best, direction = result.best, direction_of(result)
    known = {k: found for k, s in scores.items() if (found := _losses(s, best, direction)) is not None}
    if FAKE not in known:
        return Markup()
    if result.metric.halvings:
        known = _halved(known)
    worst = max(x for v in known.values() for x in v)
    least = min(0.0, *(x for v in known.values() for x in v))
    span = max(worst - least, 1e-9)

    def at(behind: float) -> float:
        return _WIDTH - _MARGIN - (behind - least) / span * (_WIDTH - 2 * _MARGIN)

    parts = [f'<line class="track" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{_MIDDLE}" y2="{_MIDDLE}"/>']
    for name, mark in ((CEILING, _CEILING), *((b.name, _MARKS[b.mark]) for b in baselines), (FAKE, _FAKE)):
        if name in known:
            value, low, high = (at(x) for x in known[name])
            parts.append(
                mark.format(
                    x=f"{value:.1f}",
                    l=f"{min(low, high):.1f}",
                    m=_MIDDLE,
                    w=f"{max(abs(high - low), 1.5):.1f}",
                    r=f"{max(low, high):.1f}",
                )
            )
    names = {FAKE: "fakes", CEILING: f"real {noun.many}", **{b.name: b.called for b in baselines}}
    told = [f"{names[k]} {numbers.score(s.value)}" for k, s in scores.items() if k in known and s is not None]
    label = escape(f"{result.metric.title}: {'; '.join(told)}.")
    return Markup(
        f'<svg class="strip" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def _losses(score: Score | None, best: float, direction: str) -> tuple[float, float, float] | None:
    value = None if score is None else numbers.finite(score.value)
    if value is None or score is None:
        return None
    ends = [value if end is None else end for end in (numbers.finite(score.low), numbers.finite(score.high))]
    return loss(value, best, direction), loss(ends[0], best, direction), loss(ends[1], best, direction)


def _halved(known: Mapping[str, tuple[float, float, float]]) -> dict[str, tuple[float, float, float]]:
    """Losses on a scale of halvings, the least at 0; what is nearer than a ten-thousandth of the worst counts as that.

    The right end is then no perfection but the nearest of those shown.
    """
    least = max(max(x for v in known.values() for x in v) * 1e-4, 1e-12)
    logs = {k: [math.log2(max(x, least)) for x in v] for k, v in known.items()}
    nearest = min(x for v in logs.values() for x in v)
    return {k: (v[0] - nearest, v[1] - nearest, v[2] - nearest) for k, v in logs.items()}


def key(baselines: Sequence[Baseline[Any]], noun: Noun) -> list[tuple[Markup, str]]:
    """The marks of a strip and what they mean, for the page's key."""
    marks = [(_FAKE, "fakes"), (_CEILING, f"real {noun.many} in place of the fakes (the ceiling)")]
    marks += [(_MARKS[b.mark], b.called) for b in baselines]
    drawn = [(mark.format(x="12", l="6", r="18", w="12", m=13), text) for mark, text in marks]
    return [
        (Markup(f'<svg class="key" viewBox="0 0 24 26" aria-hidden="true">{body}</svg>'), text) for body, text in drawn
    ]

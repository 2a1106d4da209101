"""One metric as a strip: where fakes, real rows and the plain baselines stand, worse on the left, better on the right.

Knows the JSON of one metric; never data or pages. Drawn by hand, as a strip is a dozen marks and a page holds many.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from gankit.report import numbers
from gankit.report.standing import direction_of, loss

_WIDTH, _HEIGHT, _MARGIN = 200.0, 26.0, 8.0


def strip(
    entry: Mapping[str, Any],
    title: str,
    *,
    baselines: Mapping[str, str],
    real: str = "real rows",
    halvings: bool = False,
) -> Markup:
    """The strip as an inline SVG; empty when the fakes have no figure.

    Args:
        entry: a metric's JSON.
        title: what it is called.
        baselines: which of them are shown, with their names for people.
        real: what the ceiling's records are called.
        halvings: as in `gankit.report.standing.standing`: equal steps are halvings of the distance.
    """
    best, direction = float(entry["best"]), direction_of(entry)
    scores: dict[str, Mapping[str, Any]] = {"fake": entry["fake"], "ceiling": entry.get("ceiling") or {}}
    scores |= {k: v for k, v in (entry.get("baselines") or {}).items() if k in baselines}
    losses = {k: _losses(v, best, direction) for k, v in scores.items()}
    known = {k: v for k, v in losses.items() if v is not None}
    if "fake" not in known:
        return Markup()
    if halvings:
        known = _halved(known)
    worst = max(x for v in known.values() for x in v)
    least = min(0.0, *(x for v in known.values() for x in v))
    span = max(worst - least, 1e-9)

    def at(behind: float) -> float:
        return _WIDTH - _MARGIN - (behind - least) / span * (_WIDTH - 2 * _MARGIN)

    middle = _HEIGHT / 2
    parts = [f'<line class="track" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{middle}" y2="{middle}"/>']
    for name in ("ceiling", *(k for k in _MARKS if k in baselines), "fake"):
        if name in known:
            value, low, high = (at(x) for x in known[name])
            parts.append(
                _MARKS[name].format(
                    x=f"{value:.1f}",
                    l=f"{min(low, high):.1f}",
                    m=middle,
                    w=f"{max(abs(high - low), 1.5):.1f}",
                    r=f"{max(low, high):.1f}",
                )
            )
    names = {"fake": "fakes", "ceiling": real, **baselines}
    told = "; ".join(f"{names[k]} {numbers.score(scores[k]['value'])}" for k in names if k in known)
    label = escape(f"{title}: {told}.")
    return Markup(
        f'<svg class="strip" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def _losses(score: Mapping[str, Any], best: float, direction: str) -> tuple[float, float, float] | None:
    value = numbers.finite(score.get("value"))
    if value is None:
        return None
    low, high = numbers.finite(score.get("low")), numbers.finite(score.get("high"))
    low, high = value if low is None else low, value if high is None else high
    return loss(value, best, direction), loss(low, best, direction), loss(high, best, direction)


def _halved(known: Mapping[str, tuple[float, float, float]]) -> dict[str, tuple[float, float, float]]:
    """Losses on a scale of halvings, the least at 0; what is nearer than a ten-thousandth of the worst counts as that.

    The right end is then no perfection but the nearest of those shown.
    """
    least = max(max(x for v in known.values() for x in v) * 1e-4, 1e-12)
    logs = {k: [math.log2(max(x, least)) for x in v] for k, v in known.items()}
    nearest = min(x for v in logs.values() for x in v)
    return {k: (v[0] - nearest, v[1] - nearest, v[2] - nearest) for k, v in logs.items()}


_MARKS = {
    "ceiling": '<rect class="ceiling" x="{l}" y="3" width="{w}" height="20" rx="1.5"/>'
    '<line class="ceiling" x1="{x}" x2="{x}" y1="3" y2="23"/>',
    "bootstrap": '<path class="mark" d="M{x} {m}m-3-3l6 6m-6 0l6-6"/>',
    "independent": '<rect class="mark" x="{x}" y="{m}" width="6" height="6" transform="translate(-3 -3)"/>',
    "copula": '<path class="mark" d="M{x} {m}m0-4.2l3.8 6.8h-7.6z"/>',
    "noise": '<path class="mark" d="M{x} {m}m0-4.2l3.8 6.8h-7.6z"/>',
    "mean": '<rect class="mark" x="{x}" y="{m}" width="6" height="6" transform="translate(-3 -3)"/>',
    "unigram": '<path class="mark" d="M{x} {m}m0-4.2l3.8 6.8h-7.6z"/>',
    "shuffled": '<rect class="mark" x="{x}" y="{m}" width="6" height="6" transform="translate(-3 -3)"/>',
    "trigram": '<path class="mark" d="M{x} {m}m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z"/>',
    "autoregression": '<path class="mark" d="M{x} {m}m0-4.2l3.8 6.8h-7.6z"/>',
    "blocks": '<rect class="mark" x="{x}" y="{m}" width="6" height="6" transform="translate(-3 -3)"/>',
    "fake": '<line class="fake" x1="{l}" x2="{r}" y1="{m}" y2="{m}"/><circle class="fake" cx="{x}" cy="{m}" r="4"/>',
}


def key(baselines: Mapping[str, str], real: str = "real rows") -> list[tuple[Markup, str]]:
    """The marks of a strip and what they mean, for the page's key."""
    out = []
    names = {"fake": "fakes", "ceiling": f"{real} in place of the fakes (the ceiling)", **baselines}
    for name, text in names.items():
        body = _MARKS[name].format(x="12", l="6", r="18", w="12", m=13)
        out.append((Markup(f'<svg class="key" viewBox="0 0 24 26" aria-hidden="true">{body}</svg>'), text))
    return out

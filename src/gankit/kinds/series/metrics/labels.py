"""Each label's fakes for themselves: how many, how obedient, how far from the real series of the label.

Knows labels and series; never classifiers or how series were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit.kinds.series.metrics import distances
from gankit.kinds.series.metrics.trial import SeriesSet, SeriesTrial
from gankit.metrics.score import plain

_LEAST = 5
_MOST = 2000


def per_class(trial: SeriesTrial, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each label for itself, as plain JSON, in the order of `names`; empty without labels.

    "profile" and "autocorrelation" are those distances of the fakes of a label from the held-out series of it, and
    "profile_real", "autocorrelation_real" those of its training series; of as many series (5 to 2,000). A figure that
    cannot be computed is null.
    """
    real, fake, train = trial.heldout, trial.contestants["fake"], trial.members
    if real.labels is None or fake.labels is None or not names:
        return []
    seen = trial.seen.get("fake")
    out = []
    for k, name in enumerate(names):
        here, there = (s.take(np.flatnonzero(np.equal(s.labels, k))) for s in (real, fake))  # type: ignore[arg-type]
        entry: dict[str, Any] = {
            "class": name,
            "real": len(here) / max(int((real.labels >= 0).sum()), 1),
            "fake": len(there) / max(int((fake.labels >= 0).sum()), 1),
            "real_series": len(here),
            "fake_series": len(there),
            "agreement": None,
            **dict.fromkeys(("profile", "profile_real", "autocorrelation", "autocorrelation_real")),
        }
        sides = {"": there}
        if train.labels is not None:
            sides["_real"] = train.take(np.flatnonzero(train.labels == k))
        size = min(_MOST, len(here), *(len(s) for s in sides.values()))
        if size >= _LEAST:
            for suffix, side in sides.items():
                entry |= {f"{m}{suffix}": v for m, v in _distances(trial, here.first(size), side.first(size)).items()}
        if seen is not None and (seen[0] == k).any():
            entry["agreement"] = float((seen[1][seen[0] == k] == k).mean())
        out.append(plain(entry))
    return out


def _distances(trial: SeriesTrial, real: SeriesSet, fake: SeriesSet) -> dict[str, float]:
    names, seed = trial.columns.names, trial.seed
    memory = distances.autocorrelation(real.side, fake.side, names, absolute_changes=False, seed=seed)
    return {
        "profile": distances.profile(real.side, fake.side, names, seed=seed).value,
        "autocorrelation": memory.value,
    }

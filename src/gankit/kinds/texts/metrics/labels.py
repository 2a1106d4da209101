"""Each label's fakes for themselves.

Knows labels and counted n-grams; never classifiers or how texts were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit.kinds.texts.metrics.grams import grams, jensen_shannon
from gankit.kinds.texts.metrics.trial import TextSet, TextTrial
from gankit.metrics.score import plain

_LEAST = 10
_MOST = 2000
_ORDERS = 3


def per_class(trial: TextTrial, names: Sequence[str]) -> list[dict[str, Any]]:
    """Each label for itself, as plain JSON, in the order of `names`; empty without labels.

    The n-gram divergence is the mean over n = 1 .. 3 of as many fakes as held-out texts and training texts of the label
    (10 to 2,000): "ngrams" of the fakes, "ngrams_real" of the training texts, against the held-out ones. A figure that
    cannot be computed is null.
    """
    real, fake, train = trial.heldout, trial.contestants["fake"], trial.members
    if real.labels is None or fake.labels is None or not names:
        return []
    known = set(trial.train)
    seen = trial.seen.get("fake")
    out = []
    for k, name in enumerate(names):
        here, there = (s.take(np.flatnonzero(np.equal(s.labels, k))) for s in (real, fake))  # type: ignore[arg-type]
        entry: dict[str, Any] = {
            "class": name,
            "real": len(here) / max(int((real.labels >= 0).sum()), 1),
            "fake": len(there) / max(int((fake.labels >= 0).sum()), 1),
            "real_texts": len(here),
            "fake_texts": len(there),
            "ngrams": None,
            "ngrams_real": None,
            "unique": len(set(there.texts)) / len(there) if len(there) else None,
            "new": sum(t not in known for t in there.texts) / len(there) if len(there) else None,
            "agreement": None,
        }
        sides = [here, there]
        if train.labels is not None:
            sides.append(train.take(np.flatnonzero(train.labels == k)))
        size = min(_MOST, *(len(s) for s in sides))
        if size >= _LEAST:
            found = _divergences([s.first(size) for s in sides])
            entry |= dict(zip(("ngrams", "ngrams_real"), found, strict=False))
        if seen is not None and (seen[0] == k).any():
            entry["agreement"] = float((seen[1][seen[0] == k] == k).mean())
        out.append(plain(entry))
    return out


def _divergences(sides: Sequence[TextSet]) -> list[float]:
    """The mean divergence of each further side from the first."""
    tables = [found for found, _ in grams([s.coded for s in sides], _ORDERS, marks=True)]
    return [
        float(np.mean([jensen_shannon(t[0].totals(), t[j].totals()) for t in tables])) for j in range(1, len(sides))
    ]

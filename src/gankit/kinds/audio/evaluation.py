"""How fake audio clips are evaluated and reported: seen as spectrograms, and heard in players that the page itself
holds.

Knows clips, and how images are evaluated; never models but by what `Subject` names, or the loop.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from gankit.kinds.assessment import Parts
from gankit.kinds.audio.files import FULL, Clips, Samples, encode_wav
from gankit.kinds.audio.preparing import clips_like
from gankit.kinds.base import Notes, Noun
from gankit.kinds.images.evaluation import Part, PixelAssessment
from gankit.report.section import Section, Table, heads_of

MOST_BYTES = 700_000
"""Of all players of a page together; a page stays under 2 MB."""

LONGEST_S = 4.0
"""Seconds of a sound that a page holds."""

PER_CLASS, MOST_CLASSES = 3, 12

BY_SPECTROGRAMS = (
    "This model makes audio clips. Each was measured by its spectrogram: how loud it is, time to the right and pitch "
    "upwards."
)


def players(
    fake: Clips, fake_classes: np.ndarray | None, real: Clips | None, real_classes: np.ndarray | None,
    names: Sequence[str],
) -> list[Table]:  # fmt: skip
    """A row a class, or one row where there are none: the first fakes, uncurated, and held-out audio clips.

    real: None where no real audio clips may be shown. The classes are numbers of `names`.
    """
    if not len(fake):
        return []
    shown = list(enumerate(names))[:MOST_CLASSES] if fake_classes is not None and len(names) else [(-1, "all")]
    each = player_bytes(int(fake.lengths.mean()), fake.x.shape[2], fake.rate)
    sides = 2 if real is not None else 1
    count = int(np.clip(MOST_BYTES / max(each * sides * len(shown), 1), 1, PER_CLASS))
    shown = shown[: max(1, int(MOST_BYTES / (each * sides * count)))]
    columns = {"Synthetic": (fake, fake_classes, "fake of")}
    if real is not None:
        columns["Real (held-out)"] = real, real_classes, "real audio clip of"
    rows = tuple(
        (name, *(_players_of(clips, classes, k, count, f"{what} {name}") for clips, classes, what in columns.values()))
        for k, name in shown
    )
    caption = "Synthetic audio clips, the first ones, uncurated"
    return [Table(caption, heads_of("Class", *columns), rows, "gallery")]


def _players_of(clips: Clips, classes: np.ndarray | None, k: int, count: int, label: str) -> Markup:
    rows = np.arange(len(clips)) if classes is None or k < 0 else np.flatnonzero(classes == k)
    parts = [
        player(clips.x[row, : int(clips.lengths[row])], clips.rate, f"{label}, number {i + 1}")
        for i, row in enumerate(rows[:count])
    ]
    return Markup("<br>").join(parts) if parts else Markup("–")


def player(x: Samples, rate: int, label: str) -> Markup:
    """An <audio> element that holds a sound's first `LONGEST_S` seconds; nothing is loaded from elsewhere.

    x: int16 [T, 1 or 2], of which the least value is cut to that of the loudest, so that both mean full scale.
    """
    sound = np.maximum(x[: max(1, int(LONGEST_S * rate))], -FULL)
    data = base64.b64encode(encode_wav(sound, rate)).decode("ascii")
    return Markup(
        f'<audio controls preload="none" aria-label="{escape(label)}" src="data:audio/wav;base64,{data}"></audio>'
    )


def player_bytes(steps: int, channels: int, rate: int) -> int:
    """About how many characters a player takes."""
    return 200 + int(min(steps, LONGEST_S * rate)) * channels * 2 * 4 // 3


class AudioAssessment(PixelAssessment):
    """How fake audio clips are evaluated."""

    kind = "audio"
    noun = Noun("audio clip", "audio clips")
    seen = Noun("spectrogram", "spectrograms")

    def own(self, part: Any, heldout: bool) -> Part:
        """See `Assessment.own`."""
        return replace(super().own(part, heldout), clips=part.sounds() if heldout else None)

    def read(self, source: Any, fake: bool, notes: Notes) -> Part:
        """See `Assessment.read`: in the model's rate, length and channels; fakes as they are."""
        codec, clips = self.model.codec, source
        if not isinstance(source, Clips):
            options = self.options.with_options(cut="cut" in self.model.origin.details)
            form = codec.spectrum.rate, codec.spectrum.length, codec.channels
            clips = clips_like(source, options, *form, notes, fake)
        return Part(codec.spectrograms(clips.x), self.classes_of(clips.labels), clips)

    def shared_sections(self, parts: Parts[Part], records: bool) -> Mapping[str, Any]:
        """See `PixelAssessment.shared_sections`: players before all others."""
        real, levels = parts.heldout, () if self.perception is None else self.perception.levels
        classes = real.classes if len(real.clips) == len(real) else None
        heard = real.clips if records else None
        tables = players(parts.fake.clips, parts.fake.classes, heard, classes, levels)
        asked = "The first synthetic audio clips of each class, uncurated, and held-out ones where they may be shown."
        return {"opening": BY_SPECTROGRAMS, "first": [Section("listen", "Audio samples", [asked], tables=tables)]}

"""How fake audio clips are evaluated and reported: seen as spectrograms, and heard.

Knows clips, spectrograms, players and how images are evaluated; never models but by what `Subject` names, or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gankit.kinds.assessment import Parts
from gankit.kinds.audio.players import players
from gankit.kinds.audio.preparing import brought_to
from gankit.kinds.audio.records import Clips
from gankit.kinds.base import Notes, Noun
from gankit.kinds.images.evaluation import Part, PixelAssessment
from gankit.report.section import Section

BY_SPECTROGRAMS = (
    "This model makes audio clips. Each was measured by its spectrogram: how loud it is, time to the right and pitch "
    "upwards."
)


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
            spectrum = codec.spectrum
            clips = brought_to(source, options, spectrum.rate, spectrum.length, codec.channels, notes, fake)
        return Part(codec.look(clips.x), self.classes_of(clips.labels), clips)

    def shared_sections(self, parts: Parts[Part], records: bool) -> Mapping[str, Any]:
        """See `PixelAssessment.shared_sections`: players before all others."""
        real, levels = parts.heldout, () if self.perception is None else self.perception.levels
        classes = real.classes if len(real.clips) == len(real) else None
        heard = real.clips if records else None
        tables = players(parts.fake.clips, parts.fake.classes, heard, classes, levels)
        asked = "The first fakes of each class, none chosen, and held-out audio clips where they may be shown."
        return {"opening": BY_SPECTROGRAMS, "first": [Section("listen", "Listen", [asked], tables=tables)]}

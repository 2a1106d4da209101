"""Audio clips, as a kind of data: images to the networks, or samples of sound.

Knows everything of audio by its modules, and images; never the loop's inside or terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gankit.columns.column import Values
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.io.probe import Probe
from gankit.io.records import Origin
from gankit.io.writing import OutputFormat, file_formats
from gankit.kinds.audio.codec import FULL_SCALE, LENGTH, SOUND, AudioCodec
from gankit.kinds.audio.files import FILES, MEDIA_TYPES, Clips, ClipSet, joined_clips, to_clip_object, write_clips
from gankit.kinds.audio.options import OPTIONS
from gankit.kinds.base import Coded, Fakes, Notes, Noun, Prepared, Sounds
from gankit.kinds.images.kind import PixelKind

MOST_MEASURED = 500
"""Training clips whose mean square is measured."""


class AudioKind(PixelKind[ClipSet, AudioCodec]):
    """Audio clips with their labels."""

    name = "audio"
    noun = Noun("audio clip", "audio clips")
    described = "audio clips"
    options = OPTIONS
    conditioned = "Train it anew on audio clips with such a label."
    most_fakes = 2_000
    augmentation = "spectral"
    codec = AudioCodec
    assessed_by = "gankit.kinds.audio.evaluation:AudioAssessment"
    measured = "spectrograms of held-out audio clips"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`: by the suffixes of files, or an array of samples with its rate."""
        from gankit.kinds.audio.reading import holds_audio

        return holds_audio(probe, config)

    def prepare(self, probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[ClipSet, AudioCodec]:
        """See `Kind.prepare`."""
        from gankit.kinds.audio.preparing import prepare_audio

        return prepare_audio(self, probe, config, notes)

    def coded(self, prepared: Prepared[ClipSet, AudioCodec], part: ClipSet) -> Coded:
        """See `Kind.coded`: bytes of spectrograms, or samples as they are, two bytes each."""
        if prepared.codec.spec.form == "image":
            return Coded(part.whole.x, part.rows)
        return Coded(part.clips.x, part.rows, 1 / FULL_SCALE)

    def like(self, source: Any, prepared: Prepared[ClipSet, AudioCodec], config: TrainConfig) -> ClipSet:
        """See `Kind.like`."""
        from gankit.kinds.audio.preparing import clips_as

        return clips_as(source, prepared, config)

    def mean_square(self, prepared: Prepared[ClipSet, AudioCodec]) -> float:
        """See `Kind.mean_square`."""
        if prepared.codec.spec.form == "image":
            return 1.0
        part = prepared.train
        some = part.clips.x[part.rows[:: max(1, len(part) // MOST_MEASURED)]].astype(np.float32) / FULL_SCALE
        return float(np.square(some).mean())

    def sounds(self, fakes: Fakes, count: int, seed: int) -> Sounds:
        """See `Kind.sounds`."""
        made: Clips = fakes.few(count, seed)
        return Sounds(made.rate, [clip[:length] for clip, length in zip(made.x, made.lengths, strict=True)])

    def records(
        self, schema: Schema, codec: AudioCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int,
        seed: int, origin: Origin,
    ) -> Clips:  # fmt: skip
        """See `Kind.records`: `Clips`."""
        values = codec.decode(made)
        labels = schema.format({**given, **values}, len(made), first_row=first_row, seed=seed)
        return Clips(
            values[SOUND].data, values[LENGTH].data, codec.spectrum.rate, labels if labels.num_columns else None, origin
        )

    def join(self, batches: Sequence[Clips], origin: Origin) -> Any:
        """See `Kind.join`."""
        return to_clip_object(joined_clips(batches, origin))

    @property
    def formats(self) -> Mapping[str, OutputFormat]:
        """See `Kind.formats`: archives, arrays, and one clip."""
        return file_formats(FILES, MEDIA_TYPES)

    def write_file(
        self, batches: Iterable[Clips], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `Kind.write_file`."""
        if format is not None:
            raise OptionError(
                f"--format {format}: what audio clips go to is told by the name after -o: a folder, a .zip, an .npz, "
                "or a .wav for one. Leave --format out."
            )
        write_clips(batches, path, origin, first_row=first_row)

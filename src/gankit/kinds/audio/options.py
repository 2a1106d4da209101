"""What can be set for audio. Knows how options are declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import option
from gankit.kinds.options import AugmentOptions, FeaturesOptions, Options, StrictOptions, TruncationOptions


@dataclass(frozen=True)
class AudioOptions(AugmentOptions, StrictOptions):
    """Of training with audio."""

    rate: int | None = option(
        None, "Sample rate of audio clips in Hz (that of the files; required for arrays).", group="data"
    )
    seconds: float | None = option(
        None, "Length of audio clips: longer ones are cut, shorter ones padded (99 of 100 fit).", group="data"
    )
    cut: bool = option(
        False, "Cut audio clips into pieces of --seconds (1) and use all; a single one is always cut.", group="data"
    )
    mono: bool = option(False, "Mix the two channels of audio clips into one.", group="data")
    pattern: str | None = option(
        None, "Labels in names of audio files: {digit}_{speaker}_{_} for 7_theo_12.wav, {_} left out.", group="data"
    )


OPTIONS = Options(AudioOptions, TruncationOptions, FeaturesOptions)

"""What can be set for audio. Knows how options are declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import option
from gankit.kinds.options import AugmentOptions, FeaturesOptions, Options, StrictOptions, TruncationOptions


@dataclass(frozen=True)
class AudioOptions(AugmentOptions, StrictOptions):
    """Of training with audio."""

    rate: int | None = option(
        None, "Samples a second of audio clips (those of the files; of arrays it must be said).", group="data"
    )
    seconds: float | None = option(
        None, "Length of audio clips: longer ones are cut, shorter ones padded (99 of 100 fit by itself).", group="data"
    )
    cut: bool = option(
        False, "Cut audio clips into pieces of --seconds (1) and learn all; one alone is cut by itself.", group="data"
    )
    mono: bool = option(False, "Mix the two channels of audio clips into one.", group="data")
    pattern: str | None = option(
        None, "Labels in the names of audio clips: {digit}_{speaker}_{_} for 7_theo_12.wav, {_} left out.", group="data"
    )


OPTIONS = Options(AudioOptions, TruncationOptions, FeaturesOptions)

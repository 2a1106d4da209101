"""How long a training is, and the one place that says how a time budget is divided:

| share | of a time budget | of a length in samples |
|---|---|---|
| reading, encoding | what they take | what they take |
| timing steps of each phase at the start | .8%, 10 s at the most; two steps at least | nothing is timed |
| trying compiled steps | 2%, where the first such step fits into it | none |
| the classifier of labels | 5%, at least 3 s | a quarter as many samples, 20k to 200k |
| trying whether images may be mirrored | 20,000 images, from 10 minutes on | the same, from 500k on |
| evaluations | 20%, at least three of them | as many as are set |
| writing the model | 2 s | what it takes |
| warm-up and game | the rest, in the proportion of the networks' recipe | all samples |

`training.loop.samples_for_budget` turns the rest into samples. Knows the options of the length; never data or torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import DEFAULT_BUDGET, TrainConfig
from gankit.options import parse_duration, parse_samples

COMPILING_SHARE, FIRST_COMPILED_STEP_S = 0.02, 150.0
"""What compiling may take, and what the first compiled step does (132 s on a busy core: benchmarks/images_step.md)."""

TIMING_SHARE, MOST_TIMING_S = 0.008, 10.0
"""What timing a phase may take: with both, and with what chooses threads and precision in .2 s, 2% of a minute."""

CLASSIFIER_SHARE, LEAST_CLASSIFIER_S = 0.05, 3.0
"""What the classifier of labels may take; not less, for one that knows nothing would choose a checkpoint by nothing."""

CLASSIFIER_SAMPLES, LEAST_CLASSIFIER_SAMPLES, MOST_CLASSIFIER_SAMPLES = 0.25, 20_000, 200_000
"""The same of a length in samples, within bounds."""

MIRRORING_FROM_S, MIRRORING_FROM_SAMPLES, MIRRORING_SAMPLES = 600.0, 500_000, 20_000
"""In shorter runs D has no time to memorise the images, and trying takes 10 s or more; images that the trial shows."""

EVALUATIONS_SHARE, LEAST_EVALUATIONS = 0.2, 3
"""At most this share goes into evaluations, if so many of them fit into it."""

WRITING_S = 2.0
"""What is kept back for writing the model."""


@dataclass(frozen=True)
class Budget:
    """The length that was set: so many `samples`, or else a time in `seconds`; exactly one of them is not None.

    text: as the user wrote it. plans: (samples behind, samples at the end) of later plans of a length in samples.
    """

    text: str
    seconds: float | None
    samples: int | None
    plans: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, config: TrainConfig) -> Budget:
        """The length that `config` sets, or the default.

        Raises:
            OptionError: its text is no time or no number.
        """
        if config.samples is not None:
            return cls(config.samples, None, *parse_samples(config.samples))
        text = config.budget or DEFAULT_BUDGET
        return cls(text, parse_duration(text), None)

    @property
    def tries_compiling(self) -> bool:
        """Whether there is time to find out if compiled steps pay; never with samples, for a run then repeats."""
        return self.seconds is not None and self.seconds * COMPILING_SHARE >= FIRST_COMPILED_STEP_S

    @property
    def timing_s(self) -> float:
        """Seconds that timing the steps of a phase may take."""
        return min(TIMING_SHARE * (self.seconds or 0.0), MOST_TIMING_S)

    @property
    def tries_mirroring(self) -> bool:
        """Whether the run is long enough to find out if images may be mirrored."""
        if self.samples is not None:
            return self.samples >= MIRRORING_FROM_SAMPLES
        return self.seconds is not None and self.seconds >= MIRRORING_FROM_S

    @property
    def classifier_s(self) -> float | None:
        """Seconds for the classifier of labels; None where it is trained for `classifier_samples`."""
        return None if self.seconds is None else max(CLASSIFIER_SHARE * self.seconds, LEAST_CLASSIFIER_S)

    @property
    def classifier_samples(self) -> int | None:
        """Samples for the classifier of labels; None where it is trained for `classifier_s`."""
        if self.samples is None:
            return None
        return min(max(int(CLASSIFIER_SAMPLES * self.samples), LEAST_CLASSIFIER_SAMPLES), MOST_CLASSIFIER_SAMPLES)

    def evaluations(self, evaluation_s: float, most: int) -> int:
        """How many evaluations of `evaluation_s` seconds are made, at most `most`."""
        if self.seconds is None:
            return most
        return min(max(int(EVALUATIONS_SHARE * self.seconds / max(evaluation_s, 1e-9)), LEAST_EVALUATIONS), most)

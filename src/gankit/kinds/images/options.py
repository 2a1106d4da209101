"""What can be set for images. Knows how options are declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import option
from gankit.kinds.options import AugmentOptions, FeaturesOptions, Options, StrictOptions, TruncationOptions


@dataclass(frozen=True)
class ImageOptions(AugmentOptions, StrictOptions):
    """Of training with images."""

    size: str | None = option(
        None, "Width and height of images, 64 or 64x48 (that of the files, if all agree).", group="data"
    )
    fit: str = option(
        "crop",
        "How an image of another shape is fitted to --size: cropped, padded or stretched.",
        group="data",
        choices=("crop", "pad", "stretch"),
    )
    resample: str = option(
        "auto",
        "Filter that resizes images (lanczos; nearest for those of at most 16 colours, such as label maps).",
        group="data",
        choices=("auto", "lanczos", "bicubic", "bilinear", "box", "nearest"),
    )
    channels: str = option(
        "auto",
        "Channels of images (those of the files).",
        group="data",
        choices=("auto", "grey", "grey-alpha", "rgb", "rgba"),
    )
    mirror: str = option(
        "auto",
        "Show D images as they are or mirrored, at random: twice the data where left and right are alike; auto "
        "detects whether they are, in budgets of 10 minutes or more.",
        group="data",
        choices=("auto", "on", "off"),
    )

    def __post_init__(self) -> None:
        then = {True: "on", False: "auto"}  # of runs from before it could be found out
        object.__setattr__(self, "mirror", then.get(self.mirror, self.mirror))  # type: ignore[call-overload]


OPTIONS = Options(ImageOptions, TruncationOptions, FeaturesOptions)

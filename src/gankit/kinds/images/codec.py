"""Images: bytes as they are; networks see them as numbers in [-1, 1].

Knows the size of an image; never files, torch or networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from gankit.columns.codec import Codec, Columns
from gankit.columns.column import Values
from gankit.columns.schema import Column
from gankit.spec import Spec

IMAGE = "image"
"""The column that images are, among those of their labels."""


class ImageCodec(Codec[Columns]):
    """The codec of kind "image". Its compact form are the bytes, [N, H, W, C] uint8.

    Args:
        height, width, channels: of every image.
    """

    def __init__(self, height: int, width: int, channels: int) -> None:
        self.height, self.width, self.channels = height, width, channels
        self.spec = Spec("image", (channels, height, width))

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns) -> Self:
        """The codec for images of one size."""
        return cls(*records[IMAGE].data.shape[1:])

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`: [N, H, W, C] uint8."""
        return records[IMAGE].data

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`: from [N, H, W, C] uint8."""
        return {IMAGE: Values(compact, np.zeros(len(compact), dtype=np.int8))}

    def seen(self, compact: np.ndarray) -> np.ndarray:
        """Compact records as the images that metrics look at, [N, H, W, C] uint8."""
        return compact

    def to_json(self) -> dict[str, Any]:
        """See `Codec.to_json`."""
        return {"height": self.height, "width": self.width, "channels": self.channels}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ImageCodec:
        """The codec that `to_json` wrote."""
        return cls(value["height"], value["width"], value["channels"])

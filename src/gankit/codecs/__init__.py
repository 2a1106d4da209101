"""Codecs: records to tensors' numbers and back, one file a kind, and the explicit table of them.

Knows columns and Spec; never torch, networks or losses.
"""

from __future__ import annotations

from gankit.codecs.audio import LENGTH, SOUND, AudioCodec, SpectrogramCodec, WaveCodec
from gankit.codecs.base import Codec, Restriction
from gankit.codecs.image import PICTURE, ImageCodec
from gankit.codecs.series import SeriesCodec
from gankit.codecs.table import TableCodec
from gankit.codecs.text import TEXT, TextCodec
from gankit.codecs.vector import VectorCodec

AnyCodec = TableCodec | VectorCodec | ImageCodec | SeriesCodec | TextCodec | AudioCodec
"""A codec of some kind."""

CODECS: dict[str, type[AnyCodec]] = {
    "number": VectorCodec,
    "vector": VectorCodec,
    "table": TableCodec,
    "image": ImageCodec,
    "audio": AudioCodec,
    "series": SeriesCodec,
    "text": TextCodec,
}

__all__ = [
    "CODECS",
    "LENGTH",
    "PICTURE",
    "SOUND",
    "TEXT",
    "AnyCodec",
    "AudioCodec",
    "Codec",
    "ImageCodec",
    "Restriction",
    "SeriesCodec",
    "SpectrogramCodec",
    "TableCodec",
    "TextCodec",
    "VectorCodec",
    "WaveCodec",
]

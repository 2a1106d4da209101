"""The codecs of all kinds of data, by the kind's name.

Knows the kinds' codecs; never torch, networks or losses.
"""

from __future__ import annotations

from gankit.columns.codec import TableCodec
from gankit.kinds.audio.codec import AudioCodec
from gankit.kinds.images.codec import ImageCodec
from gankit.kinds.numbers.codec import VectorCodec
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.texts.codec import TextCodec

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

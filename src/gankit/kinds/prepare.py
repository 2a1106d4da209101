"""From the user's data to what training takes: the first kind that recognises the source reads, splits and codes it.

Knows the kinds; never networks, losses or the loop.
"""

from __future__ import annotations

from typing import Any

from gankit.config import TrainConfig
from gankit.kinds.audio.preparing import prepare_audio
from gankit.kinds.audio.reading import looks_like_audio
from gankit.kinds.images.preparing import prepare_pictures
from gankit.kinds.images.reading import looks_like_pictures
from gankit.kinds.prepared import Prepared
from gankit.kinds.refusing import refuse_others
from gankit.kinds.series.preparing import prepare_series
from gankit.kinds.series.reading import looks_like_series
from gankit.kinds.tables.preparing import prepare_table
from gankit.kinds.texts.preparing import prepare_texts
from gankit.kinds.texts.reading import looks_like_texts


def prepare(source: Any, config: TrainConfig, notes: list[str]) -> Prepared:
    """Reads, understands, splits and codes; decisions are appended to `notes`, one line each.

    Raises:
        DataError: the data cannot be read or learned from. OptionError: an option does not fit it.
    """
    if config.kind == "image" or (config.kind == "auto" and looks_like_pictures(source, config)):
        refuse_others("image", config)
        return prepare_pictures(source, config, notes)
    if config.kind == "audio" or (config.kind == "auto" and looks_like_audio(source, config)):
        refuse_others("audio", config)
        return prepare_audio(source, config, notes)
    if config.kind == "series" or (config.kind == "auto" and looks_like_series(source, config)):
        refuse_others("series", config)
        return prepare_series(source, config, notes)
    if looks_like_texts(source, config):
        refuse_others("text", config)
        return prepare_texts(source, config, notes)
    refuse_others("table", config)
    return prepare_table(source, config, notes)

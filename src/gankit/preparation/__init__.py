"""From the user's data to what the game takes: read, types found, split, coded.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from typing import Any

from gankit.config import TrainConfig
from gankit.data import looks_like_audio, looks_like_pictures, looks_like_series, looks_like_texts
from gankit.preparation.audio import brought_to, prepare_audio
from gankit.preparation.pictures import prepare_pictures
from gankit.preparation.prepared import PicturePart, Prepared, SeriesPart, SoundPart, sample_of
from gankit.preparation.refusing import refuse_others
from gankit.preparation.series import prepare_series
from gankit.preparation.tables import prepare_table
from gankit.preparation.texts import prepare_texts


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


__all__ = ["PicturePart", "Prepared", "SeriesPart", "SoundPart", "brought_to", "prepare", "sample_of"]

"""Data in, data out: paths and objects to records, records to plain columns, and all the way back."""

from gankit.data.audioreading import looks_like_audio, read_recordings
from gankit.data.audiowriting import write_recordings
from gankit.data.cells import Values
from gankit.data.inference import infer
from gankit.data.objects import to_object
from gankit.data.origin import Origin, Records, fingerprint
from gankit.data.picturereading import looks_like_pictures, read_pictures
from gankit.data.pictures import Pictures, grid, picture_hash, to_picture_object
from gankit.data.picturewriting import write_pictures
from gankit.data.reading import read
from gankit.data.recordings import Recordings, recording_hash, to_recording_object
from gankit.data.schema import Column, Schema
from gankit.data.series import Series, joined_series, layout_of, series_hash
from gankit.data.seriesreading import looks_like_series, read_series, read_series_like
from gankit.data.serieswriting import to_series_object, write_series
from gankit.data.splitting import split
from gankit.data.textreading import is_one_column_of_texts, looks_like_texts, read_texts, texts_of_records
from gankit.data.texts import Texts, column_of, text_hash, text_table, to_text_object
from gankit.data.textunits import alphabet, called, cut, fits, join, unit_of
from gankit.data.textwriting import write_texts
from gankit.data.writing import write

__all__ = [
    "Column",
    "Origin",
    "Pictures",
    "Recordings",
    "Records",
    "Schema",
    "Series",
    "Texts",
    "Values",
    "alphabet",
    "called",
    "column_of",
    "cut",
    "fingerprint",
    "fits",
    "grid",
    "infer",
    "is_one_column_of_texts",
    "join",
    "joined_series",
    "layout_of",
    "looks_like_audio",
    "looks_like_pictures",
    "looks_like_series",
    "looks_like_texts",
    "picture_hash",
    "read",
    "read_pictures",
    "read_recordings",
    "read_series",
    "read_series_like",
    "read_texts",
    "recording_hash",
    "series_hash",
    "split",
    "text_hash",
    "text_table",
    "texts_of_records",
    "to_object",
    "to_picture_object",
    "to_recording_object",
    "to_series_object",
    "to_text_object",
    "unit_of",
    "write",
    "write_pictures",
    "write_recordings",
    "write_series",
    "write_texts",
]

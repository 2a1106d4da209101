"""Data in, data out: paths and objects to records, records to plain columns, and all the way back."""

from gankit.data.cells import Values
from gankit.data.inference import infer
from gankit.data.objects import to_object
from gankit.data.origin import Origin, Records, fingerprint
from gankit.data.picturereading import looks_like_pictures, read_pictures
from gankit.data.pictures import Pictures, grid, picture_hash, to_picture_object
from gankit.data.picturewriting import write_pictures
from gankit.data.reading import read
from gankit.data.schema import Column, Schema
from gankit.data.splitting import split
from gankit.data.writing import write

__all__ = [
    "Column",
    "Origin",
    "Pictures",
    "Records",
    "Schema",
    "Values",
    "fingerprint",
    "grid",
    "infer",
    "looks_like_pictures",
    "picture_hash",
    "read",
    "read_pictures",
    "split",
    "to_object",
    "to_picture_object",
    "write",
    "write_pictures",
]

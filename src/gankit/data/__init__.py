"""Data in, data out: paths and objects to records, records to plain columns, and all the way back."""

from gankit.data.cells import Values
from gankit.data.inference import infer
from gankit.data.objects import to_object
from gankit.data.origin import Origin, Records, fingerprint
from gankit.data.reading import read
from gankit.data.schema import Column, Schema
from gankit.data.splitting import split
from gankit.data.writing import write

__all__ = [
    "Column",
    "Origin",
    "Records",
    "Schema",
    "Values",
    "fingerprint",
    "infer",
    "read",
    "split",
    "to_object",
    "write",
]

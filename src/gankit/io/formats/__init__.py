"""The formats of files that hold tables, one class each. Adding one is one file and one line in `FORMATS`."""

from __future__ import annotations

from gankit.io.formats.arff import Arff
from gankit.io.formats.base import Format
from gankit.io.formats.csv import Csv, Tsv
from gankit.io.formats.fasta import Fasta
from gankit.io.formats.json import Json, JsonLines
from gankit.io.formats.lines import Lines
from gankit.io.formats.numpy import Npy, Npz
from gankit.io.formats.parquet import Arrow, Parquet
from gankit.io.formats.spreadsheet import Spreadsheet
from gankit.io.formats.xml import Xml

_EVERY = (
    Csv(), Tsv(), Parquet(), Arrow(), JsonLines(), Json(), Xml(), Arff(), Spreadsheet(), Npy(), Npz(), Lines(), Fasta(),
)  # fmt: skip
FORMATS: dict[str, Format] = {format.name: format for format in _EVERY}
"""Every format by its name."""

SUFFIXES = {s: f.name for f in FORMATS.values() if not f.is_guess for s in (*f.suffixes, *f.aliases)}
"""What each suffix means, for reading and writing."""

SHOWN = [s for f in FORMATS.values() if not f.is_guess for s in f.suffixes]
"""The suffixes that are recommended."""

TEXT_FORMATS = tuple(f.name for f in FORMATS.values() if f.is_text)

GUESSED = {s: f.name for f in FORMATS.values() if f.is_guess for s in (*f.suffixes, *f.aliases)}
"""What suffixes mean where it is known that texts are written."""

LINE_SUFFIXES = (*FORMATS["txt"].suffixes, *FORMATS["txt"].aliases)
"""Suffixes of files that hold a text a line, if their lines look like it."""

__all__ = ["FORMATS", "GUESSED", "LINE_SUFFIXES", "SHOWN", "SUFFIXES", "TEXT_FORMATS", "Format"]

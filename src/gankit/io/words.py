"""Words that mean missing, true or false, and texts that a pattern matches.

Knows texts only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

CERTAIN = ("", "?", "na", "n/a", "nan", "null", "<na>", "#n/a", "nat")
"""Words that mean missing in every kind of column (compared in small letters, blanks around left off)."""

PROBABLE = (
    *CERTAIN, "none", "nil", "n.a.", "na.", "-", "--", "---", ".", "..", "*", "(null)", "undefined",
    "unknown", "missing",
    "not available", "#value!", "#ref!", "#div/0!", "#num!", "#name?", "#null!", "-nan", "1.#qnan", "1.#ind",
)  # fmt: skip
"""Words that mean missing where all else is numbers or times; among categories they are levels like any other."""

_MONEY = "$€£¥ "
_INFINITE = ("inf", "-inf", "+inf", "infinity", "-infinity", "+infinity", "∞", "-∞")
_TRUE = ("true", "yes", "t", "y", "1")
_FALSE = ("false", "no", "f", "n", "0")
_BOOLEANS = tuple(frozenset(pair) for pair in zip(_TRUE[:4], _FALSE[:4], strict=True))


_FEW, _LONG = 64, 1 << 13


def matching(texts: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    """Which texts a regular expression finds: bool [K]. The pattern must mean the same to RE2 and to Python.

    Few texts are matched by Python, whose compiled patterns are kept: with thousands of columns, compiling is what
    takes time. Long ones are not: for Python a text of 50,000 blanks or digits can take hours.
    """
    if len(texts) > _FEW or texts.nbytes > _LONG:
        return np.asarray(pc.match_substring_regex(texts, pattern).fill_null(False), dtype=bool)
    search = re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern).search
    return np.array([text is not None and search(text) is not None for text in texts.to_pylist()], dtype=bool)


def is_missing(texts: pa.Array, *, certain: bool = False) -> npt.NDArray[np.bool_]:
    """Which texts mean missing: bool [K]. certain: only by the words that do so in every kind of column."""
    known = CERTAIN if certain else PROBABLE
    around = "" if certain else _MONEY  # `$ -` stands for nothing, as `-` does
    if len(texts) <= _FEW:
        return np.array([text.strip().lstrip(around).lower() in known for text in texts.to_pylist()], dtype=bool)
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.utf8_ltrim(texts, around) if around else texts
    return np.asarray(pc.is_in(pc.utf8_lower(texts), pa.array(known)), dtype=bool)


def is_infinite(text: str) -> bool:
    """Whether a text is a word for an infinite number."""
    return text.strip().lower() in _INFINITE


def number_of(text: str) -> float | None:
    """The number that a text means, in Python's own notation (`-999`, `nan`, `inf`), or None."""
    try:
        return float(text)
    except ValueError:
        return None


def truth(text: str) -> bool | None:
    """True or false for a word that says so (`yes`, `F`, `1`), else None."""
    folded = text.strip().lower()
    return True if folded in _TRUE else False if folded in _FALSE else None


def are_booleans(levels: Sequence[str]) -> bool:
    """Whether two words are a pair for true and false: `yes` and `no`, `T` and `F`, … (not `0` and `1`: numbers)."""
    return len(levels) == 2 and frozenset(level.strip().lower() for level in levels) in _BOOLEANS

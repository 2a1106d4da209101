"""What texts are made of, symbol by symbol: characters, or words with blanks between them.

Knows texts; never files, alphabets or networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

UNITS = ("character", "word")

SENTENCE = 4
"""Texts are read word by word where at least half of them have so many words ..."""

KNOWN_SHARE = 0.9
"""... and this share of all words are among the `MAX_SYMBOLS` most frequent ones, and stand there more than once: a
word that was seen once teaches nothing."""

MAX_SYMBOLS = 5_000
"""The most frequent symbols get a code of their own, up to so many."""

_LOOKED_AT = 20_000


def cut(text: str, unit: str) -> list[str]:
    """The symbols of a text.

    >>> cut("a man .", "word"), cut("CC=O", "character")
    (['a', 'man', '.'], ['C', 'C', '=', 'O'])
    """
    return text.split() if unit == "word" else list(text)


def join(symbols: Sequence[str], unit: str) -> str:
    """The text of symbols; `cut` undoes it, but that runs of blanks between words become one."""
    return (" " if unit == "word" else "").join(symbols)


def unit_of(texts: Sequence[str]) -> str:
    """What these texts are read as.

    >>> unit_of(["CC(=O)O", "c1ccccc1"]), unit_of(["a man in a hat", "a cat in a hat"] * 9)
    ('character', 'word')
    """
    lengths, counts = [], Counter[str]()
    for text in texts[:_LOOKED_AT]:
        words = text.split()
        lengths.append(len(words))
        counts.update(words)
    long = sum(length >= SENTENCE for length in lengths)
    again = sum(count for _, count in counts.most_common(MAX_SYMBOLS) if count > 1)
    return "word" if 2 * long >= len(lengths) > 0 and again >= KNOWN_SHARE * counts.total() else "character"

"""Texts: an alphabet of symbols, and a code for each; code 0 ends a text.

Knows texts and their symbols; never files, torch or networks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.codec import Codec, Columns
from gankit.columns.schema import Column
from gankit.errors import OptionError
from gankit.kinds.texts.records import MAX_SYMBOLS, called, cut, join
from gankit.spec import Block, Spec

TEXT = ""
"""The column that texts are, among those of their labels, none of which has that name."""

END, RARE = 0, 1
"""The codes of the end of a text, and of a symbol that is not in the alphabet; the rest are symbols. What has no
code of its own is never written."""


class TextCodec(Codec[Columns]):
    """The codec of kind "text". Its compact form are codes, [N, T, 1] int16.

    Args:
        unit: what texts are cut into, see `gankit.kinds.texts.records`.
        symbols: those of codes 2, 3, ...
        num_steps: T, the symbols of the longest training text.
        shortest: the symbols of the shortest one: no text is made shorter.
    """

    def __init__(self, unit: str, symbols: Sequence[str], num_steps: int, shortest: int) -> None:
        self.unit, self.symbols, self.num_steps, self.shortest = unit, tuple(symbols), num_steps, shortest
        self._codes = {symbol: code for code, symbol in enumerate(self.symbols, 2)}
        size = 2 + len(self.symbols)
        self.spec = Spec("sequence", (num_steps, size), (Block("categorical", size),))

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns, unit: str = "character") -> Self:
        """The codec for training texts, none of them empty; the more frequent a symbol, the smaller its code."""
        counts = Counter[str]()
        lengths = []
        for text in records[TEXT].data:
            symbols = cut(text, unit)
            counts.update(symbols)
            lengths.append(len(symbols))
        assert lengths and min(lengths) >= 1, "texts have symbols"
        order = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        return cls(unit, order[:MAX_SYMBOLS], max(lengths), min(lengths))

    @property
    def never(self) -> np.ndarray:
        """[T, K] bool: codes that no text has at a step: rare symbols, and an end before the shortest text's."""
        found = np.zeros(self.spec.shape, dtype=bool)
        found[:, RARE] = True
        found[: self.shortest, END] = True
        return found

    def beginning(self, prefix: str) -> list[int]:
        """The codes of what all texts begin with.

        Raises:
            OptionError: it has symbols that training never showed, or more than the longest text.
        """
        what, codes = called(self.unit), self.codes(prefix)
        if RARE in codes:
            symbol = cut(prefix, self.unit)[codes.index(RARE)]
            raise OptionError(f"--prefix {prefix!r}: the training texts have no {what} {symbol!r}. Begin otherwise.")
        if len(codes) > self.num_steps:
            raise OptionError(
                f"--prefix {prefix!r} has {len(codes)} {what}s, and the longest text has {self.num_steps}. "
                "Make it shorter."
            )
        return codes

    def codes(self, text: str) -> list[int]:
        """The codes of a text's symbols, without its end; `RARE` for symbols that are not in the alphabet."""
        return [self._codes.get(symbol, RARE) for symbol in cut(text, self.unit)]

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`: [N, T, 1] int16; what is longer than T is cut."""
        texts = records[TEXT].data
        coded = np.full((len(texts), self.num_steps, 1), END, dtype=np.int16)
        for row, text in enumerate(texts):
            codes = self.codes(text)[: self.num_steps]
            coded[row, : len(codes), 0] = codes
        return coded

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`: from [N, T, 1] or [N, T]; a text ends before its first end."""
        rows = np.asarray(compact).reshape(len(compact), self.num_steps).astype(np.int64)
        names = ["", "", *self.symbols]
        texts = np.empty(len(rows), dtype=object)
        for row, codes in enumerate(rows):
            ends = np.flatnonzero(codes == END)
            inside = codes[: ends[0]] if len(ends) else codes
            texts[row] = join([names[code] for code in inside.tolist() if code != RARE], self.unit)
        return {TEXT: Values(texts, np.zeros(len(texts), dtype=np.int8))}

    def to_json(self) -> dict[str, Any]:
        """See `Codec.to_json`."""
        return {
            "unit": self.unit,
            "symbols": list(self.symbols),
            "num_steps": self.num_steps,
            "shortest": self.shortest,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TextCodec:
        """The codec that `to_json` wrote."""
        return cls(value["unit"], value["symbols"], value["num_steps"], value["shortest"])

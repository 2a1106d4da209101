"""Texts in the user's own form, what they are made of symbol by symbol (characters, words or a fixed alphabet), and
their code: a number a symbol; 0 ends a text.

Knows texts, their labels and Spec; never files or networks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Any, Self

import numpy as np
import pyarrow as pa

from gankit.columns.codec import Acceptance, Codec, Columns
from gankit.columns.column import Values
from gankit.columns.matching import Label
from gankit.columns.rows import to_object
from gankit.columns.schema import Column, Schema
from gankit.errors import OptionError
from gankit.io.records import Origin, Records, fingerprint
from gankit.kinds.texts.balance import END, RARE, Balance
from gankit.spec import Block, Spec
from gankit.stored import Count, Size

LINES, FILES, SEQUENCES = "txt", "textfiles", "fasta"
"""`Origin.format` of texts that came as the lines of one file, as several files, or as FASTA; tables keep theirs."""

LABEL_COLUMN = "label"  # what the labels are called where no table names them


@dataclass(frozen=True)
class Texts:
    """Texts, with their labels.

    texts: [N], none of them empty.
    labels: one row a text, or None.
    origin: how they came; `details["texts"]` holds the name of their column and the order of all columns.
    """

    texts: tuple[str, ...]
    labels: pa.Table | None
    origin: Origin

    def __post_init__(self) -> None:
        assert self.labels is None or self.labels.num_rows == len(self.texts), "one row of labels a text"

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> Texts:
        """The texts at these rows, [n] int64."""
        labels = None if self.labels is None else self.labels.take(pa.array(rows))
        return Texts(tuple(self.texts[row] for row in rows.tolist()), labels, self.origin)


def named(origin: Origin, column: str, order: Sequence[str]) -> Origin:
    """The origin, which knows what the texts' column is called and how the columns are ordered."""
    return replace(origin, details={**origin.details, "texts": {"column": column, "order": list(order)}})


def column_of(origin: Origin) -> str:
    """The name of the texts' column."""
    return str(origin.details["texts"]["column"])


def text_table(texts: Sequence[str], labels: pa.Table | None, origin: Origin) -> pa.Table:
    """Texts and what labels they have as one table, in the order of columns that came."""
    column, order = column_of(origin), origin.details["texts"]["order"]
    assert column in order, "the column of texts is one of the columns"
    table = pa.table({column: pa.array(list(texts), pa.string())})
    if labels is not None:
        for name in labels.column_names:
            table = table.append_column(labels.schema.field(name), labels.column(name))
    return table.select([name for name in order if name in table.column_names])


def text_hash(texts: Texts) -> str:
    """The SHA-256 of all texts and labels, in order."""
    return fingerprint(Records(text_table(texts.texts, texts.labels, texts.origin), texts.origin))


def to_text_object(table: pa.Table, origin: Origin) -> Any:
    """A table of texts in the form that came: a list for a list, a DataFrame for a DataFrame.

    What came from files is a list of texts where it has no labels, else as rows of files.
    """
    if origin.format in (LINES, FILES, SEQUENCES) and table.num_columns == 1:
        return table.column(0).to_pylist()
    return to_object(table, origin)


_NUCLEOTIDES = "ACGTRYSWKMBDHVN"
ALPHABETS = {
    "smiles": r"\[[^\[\]\s]+\]|%\d\d|Br|Cl|[BCNOPSFIbcnops*\d.()=#$:/\\~@+-]",
    "dna": f"[{_NUCLEOTIDES}{_NUCLEOTIDES.lower()}-]",
    "rna": f"[{_NUCLEOTIDES}{_NUCLEOTIDES.lower()}-]".replace("T", "U").replace("t", "u"),
    "protein": r"[A-Za-z*-]",
}
"""Patterns of the symbols of fixed alphabets: SMILES (an atom in brackets, a two-letter atom or a ring number is one
symbol: Weininger 1988), nucleotides and amino acids with the IUPAC codes for several, and gaps."""

SMILES_SHARE = 0.98
"""Texts are read as SMILES where so many of them are written so, and half of those have branches or rings."""

SENTENCE, KNOWN_SHARE = 4, 0.9
"""Texts are read word by word where at least half of them have so many words, and this share of all words are among the
`MAX_SYMBOLS` most frequent ones and stand there more than once: a word that was seen once teaches nothing."""

MAX_SYMBOLS = 5_000  # the most frequent symbols get a code of their own, up to so many
_LOOKED_AT = 20_000


def cut(text: str, unit: str) -> list[str]:
    r"""The symbols of a text.

    What is not in a fixed alphabet is cut into characters.

    >>> cut("a man .", "word"), cut("CC=O", "character")
    (['a', 'man', '.'], ['C', 'C', '=', 'O'])
    >>> cut("C[C@@H]Cl", "smiles"), cut("A1B12?", "A B 1 12")
    (['C', '[C@@H]', 'Cl'], ['A', '1', 'B', '12', '?'])
    >>> cut("Ah\xa0! \n Oh", "word")
    ['Ah', '\xa0', '!', ' \n ', 'Oh']
    """
    if unit == "word" and not text.isprintable():  # a no-break space or a line break is a word of its own
        return [symbol for symbol in re.findall(r"\S+|\s+", text) if symbol.strip(" ")]
    if unit == "word":
        return text.split()
    return list(text) if unit == "character" else _pattern(unit, r"|[\s\S]").findall(text)


def fits(text: str, unit: str) -> bool:
    """Whether a text is made of the symbols of a fixed alphabet alone.

    >>> fits("CCO", "smiles"), fits("Smith", "smiles"), fits("AB", "A B"), fits("anything", "word")
    (True, False, True, True)
    """
    return unit in ("character", "word") or not _pattern(unit).sub("", text)


@lru_cache(maxsize=32)
def _pattern(unit: str, otherwise: str = "") -> re.Pattern[str]:
    """Of a symbol of a fixed alphabet, the longest first; otherwise: what matches as well."""
    symbols = ALPHABETS.get(unit) or "|".join(map(re.escape, sorted(unit.split(), key=len, reverse=True)))
    return re.compile(symbols + otherwise)


def alphabet(symbols: str) -> str:
    """The unit of a user's own symbols: those between blanks, or every character of a text without blanks.

    >>> alphabet("A1  B2 C"), alphabet("ACGT")
    ('A1 B2 C', 'A C G T')
    """
    parts = symbols.split()
    return " ".join(dict.fromkeys(parts if len(parts) > 1 else list(symbols.strip())))


def called(unit: str) -> str:
    """What one symbol is called in a sentence.

    >>> called("word"), called("smiles")
    ('word', 'symbol')
    """
    return unit if unit in ("character", "word") else "symbol"


def join(symbols: Sequence[str], unit: str) -> str:
    r"""The text of symbols; `cut` undoes it, but that runs of blanks between words become one.

    >>> join(["Ah", "\xa0", "!", "a", "b"], "word")
    'Ah\xa0! a b'
    """
    if unit != "word":
        return "".join(symbols)
    if not any(map(str.isspace, symbols)):
        return " ".join(symbols)
    glued = (a.isspace() or b.isspace() for a, b in pairwise(symbols))
    return "".join(symbols[:1]) + "".join(b if g else f" {b}" for g, b in zip(glued, symbols[1:], strict=True))


def unit_of(texts: Sequence[str]) -> str:
    """What these texts are read as.

    >>> unit_of(["CC(=O)O", "c1ccccc1"]), unit_of(["Anna", "Bob"]), unit_of(["a man in a hat", "a cat in a hat"] * 9)
    ('smiles', 'character', 'word')
    """
    if _are_smiles(texts[:_LOOKED_AT]):
        return "smiles"
    words = [text.split() for text in texts[:_LOOKED_AT]]
    counts = Counter(word for some in words for word in some)
    long = sum(len(some) >= SENTENCE for some in words)
    again = sum(count for _, count in counts.most_common(MAX_SYMBOLS) if count > 1)
    return "word" if 2 * long >= len(words) > 0 and again >= KNOWN_SHARE * counts.total() else "character"


def _are_smiles(texts: Sequence[str]) -> bool:
    written = [text for text in texts if _is_smiles(text)]
    formed = sum("(" in text or re.search(r"[A-Za-z\]]\d", text) is not None for text in written)
    return len(written) >= max(1.0, SMILES_SHARE * len(texts)) and 2 * formed >= len(written)


def _is_smiles(text: str) -> bool:
    """Whether a text is made of atoms and bonds, every ring is closed and every branch ends."""
    if not fits(text, "smiles") or not re.search(r"[A-Za-z]", text):
        return False
    symbols = cut(text, "smiles")
    rings = Counter(symbol for symbol in symbols if symbol[0] == "%" or symbol.isdigit())
    return symbols.count("(") == symbols.count(")") and all(times % 2 == 0 for times in rings.values())


TEXT = ""  # the column that texts are, among those of their labels, none of which has that name


class TextCodec(Codec[Columns]):
    """The codec of kind "text". Its compact form are codes, [N, T, 1] int16.

    Args:
        unit: what texts are cut into, see `gankit.kinds.texts.records`.
        symbols: those of codes 2, 3, ...
        num_steps: T, the symbols of the longest training text.
        shortest: the symbols of the shortest one: no text is made shorter.
        pairs, twos: codes, as in `Balance`: what every text keeps.
    """

    LATER = ("pairs", "twos")

    def __init__(
        self, unit: str, symbols: Sequence[str], num_steps: Size, shortest: Count,
        pairs: Sequence[tuple[Count, Count]] = (), twos: Sequence[Count] = (),
    ) -> None:  # fmt: skip
        self.unit, self.symbols, self.num_steps, self.shortest = unit, tuple(symbols), num_steps, shortest
        self.pairs, self.twos = tuple((a, b) for a, b in pairs), tuple(twos)
        self.part = called(unit)
        self._codes = {symbol: code for code, symbol in enumerate(self.symbols, 2)}
        size = 2 + len(self.symbols)
        self.spec = Spec("sequence", (num_steps, size), (Block("categorical", size),))

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns, unit: str = "character") -> Self:
        """The codec for training texts, none of them empty; the more frequent a symbol, the smaller its code."""
        cuts = [cut(text, unit) for text in records[TEXT].data]
        counts, lengths = Counter(symbol for symbols in cuts for symbol in symbols), [len(symbols) for symbols in cuts]
        assert lengths and min(lengths) >= 1, "texts have symbols"
        order = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        return cls(unit, order[:MAX_SYMBOLS], max(lengths), min(lengths))

    def balanced(self, train: Columns, heldout: Columns, without: Sequence[str] = ()) -> TextCodec:
        """The same, which keeps what holds in all texts of both parts.

        without: rules that are left out, as in `kept`; "all" = every one.

        Raises:
            OptionError: there is no such rule.
        """
        if "all" in without:
            return self
        parts = [self.encode(part)[:, :, 0] for part in (train, heldout)]
        found = Balance.of(parts[0], parts[1], self.spec.shape[1])
        codec = TextCodec(self.unit, self.symbols, self.num_steps, self.shortest, found.pairs, found.twos)
        for text in without:
            if text not in codec.kept:
                some = f" There are: {', '.join(codec.kept)}." if codec.kept else " There are none."
                raise OptionError(f"--no-rule {text!r}: no such rule was found.{some}")
        pairs, twos = codec._rules()
        pairs = {text: pair for text, pair in pairs.items() if text not in without}
        twos = {text: code for text, code in twos.items() if text not in without}
        return TextCodec(
            self.unit, self.symbols, self.num_steps, self.shortest, tuple(pairs.values()), tuple(twos.values())
        )

    def _rules(self) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
        """What is kept, by how it is called."""
        names = ["", "", *self.symbols]
        pairs = {f"{names[a]} is closed by {names[b]}": (a, b) for a, b in self.pairs}
        return pairs, {f"{names[code]} comes in twos": code for code in self.twos}

    @property
    def kept(self) -> list[str]:
        """See `Codec.kept`."""
        return [text for rules in self._rules() for text in rules]

    def acceptance(self, schema: Schema, conditions: Mapping[str, Any]) -> Acceptance | None:
        """See `Codec.acceptance`."""
        balance = Balance(self.pairs, self.twos)

        def accept(compact: np.ndarray, beside: Columns | None = None) -> np.ndarray:
            return balance.kept(compact.reshape(len(compact), self.num_steps))

        return accept if balance else None

    def labels(self, schema: Schema) -> list[Label]:
        """See `Codec.labels`: the end, rare symbols, and symbols."""
        return [("", END), ("", RARE), *((symbol, "") for symbol in self.symbols)]

    def unlike(self, other: TextCodec) -> str | None:
        """See `Codec.unlike`: a network that writes words knows nothing of characters."""
        if self.unit == other.unit:
            return None
        here, there = (of.unit if " " not in of.unit else f"the alphabet {of.unit[:40]}" for of in (self, other))
        return f"it was trained on texts as {there}, and these are {here}. Read them alike with --unit or --alphabet"

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
        if not Balance(self.pairs).begins(codes):
            raise OptionError(f"--prefix {prefix!r}: the beginning closes what is not open. Begin otherwise.")
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
        for row, codes in enumerate(rows.tolist()):
            inside = takewhile(lambda code: code != END, codes)
            texts[row] = join([names[code] for code in inside if code != RARE], self.unit)
        return {TEXT: Values(texts, np.zeros(len(texts), dtype=np.int8))}

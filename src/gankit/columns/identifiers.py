"""Identifiers: values that are different in every row and share a pattern, and new ones in the same pattern.

Knows texts and whole numbers; never tables, files or kinds of column. Keeps the pattern, and of the values that were
seen a filter of hashes, by which none of them is made again.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.randomness import key
from gankit.stored import Small, Stored, of_type

Ints = npt.NDArray[np.int64]

FEWEST = 20
"""Rows from which on unique values are taken for identifiers by their pattern alone."""

_NAMED = re.compile(r"(^|[ _.-])(id|ids|uuid|guid|key|index|idx|no|nr)$", re.IGNORECASE)
_NAMED_CODE = re.compile(
    r"code|zip|plz|postal|sku|isbn|article|apartment|(^|[ _.-]|(?-i:[a-z](?=N)))(number|nummer)$", re.I
)
_NAMED_VERSION = re.compile("version|revision|firmware|chapter", re.IGNORECASE)
_NAMED_CAMEL = re.compile(r"[a-z](Id|ID|No|Nr|Key)$|^(Unnamed: 0|unnamed)$")
_CLASSES: tuple[str, ...] = (string.digits, "0123456789abcdef", "0123456789ABCDEF")
_CLASSES += (string.ascii_uppercase, string.ascii_lowercase)
_CLASSES += (string.digits + string.ascii_uppercase, string.digits + string.ascii_lowercase)
_CLASSES += (string.ascii_letters, string.digits + string.ascii_letters)
_LARGEST = 2**62
_BITS, _HASHES = 10, 7  # of the filter: bits a value, and bits that each one sets; 1% of other values are found in it
_CHUNK = 1 << 16  # places in the shuffled order that are looked through at once for free ones
_SPREAD = 8.0  # standard deviations, by which fewer free ones of a chunk are counted on than there are on average


@dataclass(frozen=True)
class Part(Stored):
    """A piece of an identifier.

    role: "text" (always `text`), "counter" (goes on from `start` in steps of `step`), "chars" (at each place one
        character of `chars[place]`). width: a counter is padded with zeros to this many digits.
    """

    NAMES: ClassVar[Mapping[str, str]] = {"role": "kind"}

    role: Literal["text", "counter", "chars"]
    text: str = ""
    start: int = 0
    step: int = 1
    width: Small = 0
    chars: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(self.chars) or not -_LARGEST < self.start < _LARGEST:
            raise ValueError("no identifier can be made of it")


@dataclass(frozen=True)
class Taken(Stored):
    """A filter of whole numbers (Bloom 1970): all that went in are found in it, and about 1% of all others.

    num: how many went in. bits: packed.
    """

    num: int
    bits: bytes

    def __post_init__(self) -> None:
        if self.num < 0 or not self.bits:
            raise ValueError("its filter is empty")

    @classmethod
    def of(cls, numbers: npt.NDArray[np.uint64]) -> Taken:
        """The filter of numbers [N]."""
        bits = np.zeros(-(-max(64, _BITS * len(numbers)) // 8) * 8, np.uint8)
        for at in _bits_of(numbers, len(bits)):
            bits[at] = 1
        return cls(len(numbers), np.packbits(bits).tobytes())

    def found(self, numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Which of the numbers [N] are in it, as far as it can tell."""
        bits = np.unpackbits(np.frombuffer(self.bits, np.uint8))
        return np.asarray(np.logical_and.reduce([bits[at] > 0 for at in _bits_of(numbers, len(bits))]))


def _bits_of(numbers: npt.NDArray[np.uint64], size: int) -> list[Ints]:
    salts = [np.uint64(key(0, "identifier filter", n)) for n in range(_HASHES)]
    return [(_mix(_mix(numbers) ^ salt) % np.uint64(size)).astype(np.int64) for salt in salts]


@dataclass(frozen=True)
class Pattern(Stored):
    """What all identifiers of a column have in common: its parts, one after the other.

    taken: those that were seen, where they might be made again; None in models of before.
    """

    parts: tuple[Part, ...]
    taken: Taken | None = None

    def avoiding(self, texts: pa.Array) -> Pattern:
        """The pattern that makes none of these texts [N], which follow it.

        Counters go on after all of them, and of more than 2^62 combinations none comes twice by chance.
        """
        places = _counted(self)[0]
        if len(places) != sum(len(part.chars) for part in self.parts) or not places:
            return self
        if any(part.role == "counter" for part in self.parts):
            return self
        index, begin = np.zeros(len(texts), np.uint64), 0
        for part in self.parts:
            for place, chars in enumerate(part.chars):
                sign = pc.utf8_slice_codeunits(texts, start=begin + place, stop=begin + place + 1)
                at = np.asarray(pc.index_in(sign, value_set=pa.array(list(chars))), dtype=np.uint64)
                index = index * np.uint64(len(chars)) + at
            begin += len(part.text) + len(part.chars)
        return replace(self, taken=Taken.of(index))

    def to_json(self) -> list[dict[str, Any]]:
        """The pattern as plain JSON values; `from_json` takes it back."""
        last = [{"kind": "taken", **self.taken.to_json()}] if self.taken else []
        return [*(part.to_json() for part in self.parts), *last]

    @classmethod
    def from_json(cls, value: Any) -> Pattern:
        """See `Stored.from_json`."""
        parts: list[dict[str, Any]] = of_type(list[dict[str, Any]], value)
        taken = [part for part in parts if part.get("kind") == "taken"]
        stated = of_type(tuple[Part, ...], [part for part in parts if part.get("kind") != "taken"])
        return cls(stated, Taken.from_json(taken[0]) if taken else None)

    def example(self) -> str:
        """The pattern in a short form for people: `AB-####`, `892, 893, …`."""
        if len(self.parts) == 1 and self.parts[0].role == "counter":
            part = self.parts[0]
            return f"{part.start}, {part.start + part.step}, …"
        return "".join(p.text if p.role == "text" else "#" * max(len(p.chars), p.width, 1) for p in self.parts)


def names_identifiers(name: str) -> bool:
    """Whether a column's name says that it holds identifiers: `id`, `customer_id`, `PassengerId`, `No`, `uuid`, …"""
    return bool(_NAMED.search(name) or _NAMED_CAMEL.search(name))


def names_codes(name: str) -> bool:
    """Whether a column's name says that it holds codes, which may have letters: `ZipCode`, `house_number`, …"""
    return bool(_NAMED_CODE.search(name))


def names_versions(name: str) -> bool:
    """Whether a column's name says that it holds versions or chapters, which may look like dates: 1.2.20."""
    return bool(_NAMED_VERSION.search(name))


def pattern_of_integers(numbers: Ints, *, named: bool, forced: bool = False) -> Pattern | None:
    """The pattern of whole numbers that are all different, or None if they look like measurements.

    numbers: int64 [N], all different, in the order of the rows. A counter (steps of one size, in any order, at least
    half of its places taken) is recognised by itself; random whole numbers only by the column's name or when forced.
    """
    if len(numbers) < (2 if named or forced else FEWEST):
        return None
    steps = np.unique(np.diff(np.sort(numbers)))
    step = int(np.gcd.reduce(steps)) if len(steps) else 1
    low, high = int(numbers.min()), int(numbers.max())
    dense = (high - low) // max(step, 1) + 1 <= 2 * len(numbers)
    if dense or ((named or forced) and bool((np.diff(numbers) > 0).all())):
        return Pattern((Part("counter", start=high + step, step=step),))
    if not (named or forced):
        return None
    if low > 0 and len(str(low)) == len(str(high)):
        first = "123456789" if len(str(low)) > 1 else string.digits
        return Pattern((Part("chars", chars=(first, *[string.digits] * (len(str(low)) - 1))),))
    return Pattern((Part("counter", start=high + step, step=step),))


def pattern_of_texts(texts: pa.Array, *, named: bool, forced: bool = False) -> Pattern | None:
    """The pattern of texts [N], all different, in the order of the rows; None where they share none (free text)."""
    if len(texts) < (2 if named or forced else FEWEST):
        return None
    return _numbered(texts) or _of_places(texts, named=named or forced)


def _numbered(texts: pa.Array) -> Pattern | None:
    """Text around one running number: `user17`, `A-0042/x`."""
    first = texts[0].as_py()
    for found in reversed(list(re.finditer("[0-9]+", first))):
        before, after = first[: found.start()], first[found.end() :]
        if re.search("[0-9]", after):
            continue
        if not pc.all(pc.match_substring_regex(texts, f"^{re.escape(before)}[0-9]{{1,18}}{re.escape(after)}$")).as_py():
            continue
        digits = pc.utf8_slice_codeunits(texts, start=len(before), stop=-len(after) if after else None)
        lengths = np.asarray(pc.utf8_length(digits))
        numbers = np.asarray(pc.replace_substring_regex(digits, "^0+([0-9])", r"\1").cast(pa.int64()), dtype=np.int64)
        if len(np.unique(numbers)) < len(numbers):
            return None
        padded = bool(pc.any(pc.match_substring_regex(digits, "^0[0-9]")).as_py())
        if padded and lengths.min() != lengths.max():
            return None
        inner = pattern_of_integers(numbers, named=False)
        if inner is None:
            return None
        width = int(lengths.max()) if padded else 0
        counter = Part("counter", start=inner.parts[0].start, step=inner.parts[0].step, width=width)
        around = (Part("text", before), counter, Part("text", after))
        return Pattern(tuple(part for part in around if part.role != "text" or part.text))
    return None


def _of_places(texts: pa.Array, *, named: bool) -> Pattern | None:
    """Texts of one length with the same class of character at each place: `AB-1234`, a UUID, a hash."""
    lengths = np.asarray(pc.utf8_length(texts))
    size = int(lengths.max())
    if lengths.min() != size or not 1 <= size <= 128:
        return None
    places: list[str] = []
    for place in range(size):
        seen = pc.unique(pc.utf8_slice_codeunits(texts, start=place, stop=place + 1)).to_pylist()
        places.append(_class_of(set(seen), len(texts)))
        if not places[-1]:
            return None
    free = [chars for chars in places if len(chars) > 1]
    digits = sum(chars[0] == "0" for chars in free)
    if math.prod(map(len, free)) < 4 * len(texts) or not (named or digits >= 3):
        return None
    runs = groupby(places, key=lambda chars: len(chars) == 1)
    return Pattern(tuple(Part("text", "".join(run)) if same else Part("chars", chars=tuple(run)) for same, run in runs))


def _class_of(seen: set[str], num_rows: int) -> str:
    """The characters that may stand where these were seen; "" if they are too many kinds."""
    if len(seen) == 1 or (len(seen) <= 4 and num_rows >= 10 * FEWEST):
        return "".join(sorted(seen))
    return next((chars for chars in _CLASSES if seen <= set(chars)), "")


def generate(pattern: Pattern, seed: int, first_row: int, num_rows: int, stream: str = "") -> pa.Array:
    """Identifiers of rows `first_row` to `first_row + num_rows - 1`: different in every row, the same for every call.

    Returns strings [num_rows] that depend on (pattern, seed, row, stream) alone; those of two streams are independent.
    Counters go on after the largest one seen.
    """
    rows = np.arange(first_row, first_row + num_rows, dtype=np.int64)
    texts: list[pa.Array | str] = []
    spread = _spread(pattern, seed, rows, (stream,) if stream else ())
    for number, part in enumerate(pattern.parts):
        if part.role == "text":
            texts.append(part.text)
        elif part.role == "counter":
            numbers = pa.array(rows * part.step + part.start).cast(pa.string())
            texts.append(pc.utf8_lpad(numbers, part.width, "0") if part.width else numbers)
        else:
            texts += [pa.array(list(chars)).take(pa.array(spread[number, at])) for at, chars in enumerate(part.chars)]
    if all(isinstance(text, str) for text in texts):
        return pa.array(["".join(str(text) for text in texts)] * num_rows, pa.string())
    return pc.binary_join_element_wise(*texts, "")


def _spread(pattern: Pattern, seed: int, rows: Ints, stream: tuple[str, ...]) -> dict[tuple[int, int], Ints]:
    """For each place of each "chars" part, which of its characters every row takes.

    The last places, up to 2^62 combinations, count through a shuffled order (row -> a row + b mod capacity, a coprime
    to the capacity): no two rows are alike until all are used up. Places before them are drawn for each row.
    """
    places = [(n, at, len(c)) for n, part in enumerate(pattern.parts) for at, c in enumerate(part.chars)]
    counting, capacity = _counted(pattern)
    counted = len(places) - len(counting)
    factor = key(seed, "identifier factor", *stream) % capacity | 1
    while math.gcd(factor, capacity) != 1:
        factor += 2
    shift = key(seed, "identifier shift", *stream) % capacity
    index = _shuffled(rows, factor, shift, capacity, pattern.taken)
    drawn: dict[tuple[int, int], Ints] = {}
    for number, at, size in reversed(places[counted:]):
        drawn[number, at] = (index % np.uint64(size)).astype(np.int64)
        index //= np.uint64(size)
    for number, at, size in places[:counted]:
        salt = key(seed, "identifier place", number, at, *stream)
        drawn[number, at] = (_mix(rows.astype(np.uint64) + np.uint64(salt)) % np.uint64(size)).astype(np.int64)
    return drawn


def _counted(pattern: Pattern) -> tuple[list[tuple[int, int, int]], int]:
    """The last places (part, place in it, how many characters) with up to 2^62 combinations, and how many these are."""
    places = [(n, at, len(c)) for n, part in enumerate(pattern.parts) for at, c in enumerate(part.chars)]
    capacity, counted = 1, len(places)
    while counted > 0 and capacity * places[counted - 1][2] < _LARGEST:
        counted -= 1
        capacity *= places[counted][2]
    return places[counted:], capacity


def _shuffled(rows: Ints, factor: int, shift: int, capacity: int, taken: Taken | None) -> npt.NDArray[np.uint64]:
    """The combination that each row takes: row -> row factor + shift, without those that are taken.

    Every chunk of the order gives as many free combinations as may be counted on, so that the chunk of a row, and its
    place among the free ones there, follow from its number.
    """
    if taken is None:
        # Python's whole numbers, since 64-bit products would overflow.
        return np.array([(row * factor + shift) % capacity for row in rows.tolist()], dtype=np.uint64)
    chunks = max(1, capacity // _CHUNK)
    size, lost = min(_CHUNK, capacity), min(1.0, taken.num / capacity + 0.02)
    each = size - int(size * lost + _SPREAD * math.sqrt(size * lost * (1 - lost))) if chunks > 1 else size
    if chunks == 1:
        each = len(_free(0, factor, shift, capacity, taken))
    if each <= 0:
        return _shuffled(rows, factor, shift, capacity, None)
    index = np.zeros(len(rows), np.uint64)
    of_row = rows // each % chunks
    for chunk in np.unique(of_row).tolist():
        free, here = _free(chunk, factor, shift, capacity, taken), of_row == chunk
        index[here] = free[rows[here] % each % len(free)]
    return index


@lru_cache(maxsize=16)
def _free(chunk: int, factor: int, shift: int, capacity: int, taken: Taken) -> npt.NDArray[np.uint64]:
    """The combinations of a chunk of the shuffled order that are not taken, in that order."""
    end = capacity if capacity < 2 * _CHUNK else (chunk + 1) * _CHUNK
    order = np.array([(n * factor + shift) % capacity for n in range(chunk * _CHUNK, end)], dtype=np.uint64)
    return order[~taken.found(order)]


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele et al. 2014): a bijection of 64-bit numbers that looks random."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

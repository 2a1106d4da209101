"""Identifiers: values that are different in every row and share a pattern, and new ones in the same pattern.

Knows texts and whole numbers; never tables, files or kinds of column. Keeps the pattern only, no value that was seen.
"""

from __future__ import annotations

import math
import re
import string
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.randomness import key

Ints = npt.NDArray[np.int64]

FEWEST = 20
"""Rows from which on unique values are taken for identifiers by their pattern alone."""

_NAMED = re.compile(r"(^|[ _.-])(id|ids|uuid|guid|key|index|idx|no|nr)$", re.IGNORECASE)
_NAMED_CAMEL = re.compile(r"[a-z](Id|ID|No|Nr|Key)$|^(Unnamed: 0|unnamed)$")
_CLASSES: tuple[str, ...] = (string.digits, "0123456789abcdef", "0123456789ABCDEF")
_CLASSES += (string.ascii_uppercase, string.ascii_lowercase)
_CLASSES += (string.digits + string.ascii_uppercase, string.digits + string.ascii_lowercase)
_CLASSES += (string.ascii_letters, string.digits + string.ascii_letters)
_LARGEST = 2**62


@dataclass(frozen=True)
class Part:
    """A piece of an identifier.

    role: "text" (always `text`), "counter" (goes on from `start` in steps of `step`), "chars" (at each place one
        character of `chars[place]`). width: a counter is padded with zeros to this many digits.
    """

    role: Literal["text", "counter", "chars"]
    text: str = ""
    start: int = 0
    step: int = 1
    width: int = 0
    chars: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pattern:
    """What all identifiers of a column have in common: its parts, one after the other."""

    parts: tuple[Part, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """The pattern as plain JSON values; `from_json` takes it back."""
        parts = [asdict(part) | {"chars": list(part.chars)} for part in self.parts]
        return [{"kind": part.pop("role"), **part} for part in parts]

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> Pattern:
        """The pattern that `to_json` wrote."""
        parts = [dict(part) | {"role": part["kind"], "chars": tuple(part["chars"])} for part in value]
        return cls(tuple(Part(**{name: part[name] for name in part if name != "kind"}) for part in parts))

    def example(self) -> str:
        """The pattern in a short form for people: `AB-####`, `892, 893, …`."""
        if len(self.parts) == 1 and self.parts[0].role == "counter":
            part = self.parts[0]
            return f"{part.start}, {part.start + part.step}, …"
        return "".join(p.text if p.role == "text" else "#" * max(len(p.chars), p.width, 1) for p in self.parts)


def names_identifiers(name: str) -> bool:
    """Whether a column's name says that it holds identifiers: `id`, `customer_id`, `PassengerId`, `No`, `uuid`, …"""
    return bool(_NAMED.search(name) or _NAMED_CAMEL.search(name))


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
    capacity, counted = 1, len(places)
    while counted > 0 and capacity * places[counted - 1][2] < _LARGEST:
        counted -= 1
        capacity *= places[counted][2]
    factor = key(seed, "identifier factor", *stream) % capacity | 1
    while math.gcd(factor, capacity) != 1:
        factor += 2
    shift = key(seed, "identifier shift", *stream) % capacity
    # Python's whole numbers, since 64-bit products would overflow.
    index = np.array([(row * factor + shift) % capacity for row in rows.tolist()], dtype=np.uint64)
    drawn: dict[tuple[int, int], Ints] = {}
    for number, at, size in reversed(places[counted:]):
        drawn[number, at] = (index % np.uint64(size)).astype(np.int64)
        index //= np.uint64(size)
    for number, at, size in places[:counted]:
        salt = key(seed, "identifier place", number, at, *stream)
        drawn[number, at] = (_mix(rows.astype(np.uint64) + np.uint64(salt)) % np.uint64(size)).astype(np.int64)
    return drawn


def _mix(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele et al. 2014): a bijection of 64-bit numbers that looks random."""
    with np.errstate(over="ignore"):
        mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)

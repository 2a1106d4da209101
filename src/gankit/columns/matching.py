"""Which numbers of records mean the same in two codecs, and what is kept, new and left in words.

Knows labels of numbers; never codecs, files or networks.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

from gankit.spec import Match

Label = tuple[str, Hashable]
"""What a number belongs to (a column, a channel, a symbol; "" = to none), and what it is of that (a level)."""

SHOWN = 3
"""Names that are said of those that are new, and of those that are left."""

Parts = Mapping[str, frozenset[Hashable]]
"""By column, what there is of it."""


def parts_of(labels: Iterable[Label]) -> Parts:
    """What there is of each column, in their order."""
    found: dict[str, set[Hashable]] = {}
    for name, item in labels:
        if name:
            found.setdefault(name, set()).add(item)
    return {name: frozenset(items) for name, items in found.items()}


def by_label(here: Sequence[Label], there: Sequence[Label], noun: str, by_order: bool = False) -> Match:
    """The match of numbers with equal labels; empty where no name is the same.

    noun: of what they belong to. by_order: whether, where no name is the same, as many columns of the same parts are
        matched by their order: a series and its neighbour.
    """
    mine, theirs = parts_of(here), parts_of(there)
    text = in_words(mine, theirs, noun) if mine else ""
    if mine and not mine.keys() & theirs.keys():
        if not by_order or [*mine.values()] != [*theirs.values()]:
            return Match.of_places((), (), len(here))
        names = {"": "", **dict(zip(theirs, mine, strict=True))}
        there = [(names[name], item) for name, item in there]
        text = f"kept: {count(len(mine), noun)}, by their order"
    places = {label: place for place, label in enumerate(there)}
    pairs = [(place, places[label]) for place, label in enumerate(here) if label in places]
    return Match.of_places([row for row, _ in pairs], [column for _, column in pairs], len(here), text)


def in_words(here: Parts, there: Parts, noun: str) -> str:
    """What is kept, new and left.

    >>> in_words({"a": frozenset("xyz"), "b": frozenset()}, {"a": frozenset("x"), "c": frozenset()}, "column")
    "kept: 1 of 2 columns; new: column 'b', 2 levels of 'a'; left: column 'c'"
    """
    kept = [name for name in here if name in there]
    all_of = count(len(here), noun)
    said = [f"kept: {all_of if len(kept) == len(here) else f'{len(kept)} of {all_of}'}"]
    for what, these, those in (("new", here, there), ("left", there, here)):
        names = [name for name in these if name not in those]
        more = {name: len(these[name] - those[name]) for name in kept}
        found = [_named(names, noun)] if names else []
        levels = [f"{count(number, 'level')} of {name!r}" for name, number in more.items() if number]
        found += levels[:SHOWN] + (["…"] if len(levels) > SHOWN else [])
        if found:
            said.append(f"{what}: {', '.join(found)}")
    return "; ".join(said)


def count(number: int, noun: str) -> str:
    """So many of them.

    >>> count(1, "column"), count(2, "column")
    ('1 column', '2 columns')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _named(names: Sequence[str], noun: str) -> str:
    shown = ", ".join(map(repr, names[:SHOWN]))
    if len(names) > SHOWN:
        return f"{count(len(names), noun)} ({shown}, …)"
    return f"{noun}{'' if len(names) == 1 else 's'} {shown}"

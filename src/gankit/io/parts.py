"""Parts of the data, such as train and test, by the names of folders: which files are to train on.

Knows names of files; never what is in them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePosixPath

TRAIN = ("train", "training")
_PACKED = re.compile(r"\.(?:gz|bz2|xz)$", re.IGNORECASE)
_PART = re.compile(
    r"(?:[a-z]+[-_. ])?(train|training|test|testing|val|valid|validation|dev|eval|evaluation)"
    r"(?:[-_ ]?(?:set|data|images|imgs|audio|\d{4}))?"
)


def shared_folders(names: Sequence[str]) -> str:
    """The folders that all names begin with, with a slash at the end, or nothing."""
    levels = zip(*(name.split("/")[:-1] for name in names), strict=False)
    return "".join(f"{level[0]}/" for level in takewhile(lambda level: len(set(level)) == 1, levels))


def part_of(folder: str) -> str | None:
    """The part that a folder of that name holds, such as "train"; None of any other."""
    match = _PART.fullmatch(folder.lower())
    return None if match is None else match[1]


def training(names: list[str], place: str, notes: list[str], noun: str) -> tuple[list[str], tuple[str, ...]]:
    """The names in the part to train on, and how the names of the other parts begin.

    Folders called train, test, val and the like are parts, and no classes; of those without train the largest is taken.
    """
    shared = shared_folders(names)
    tops = Counter(name[len(shared) :].split("/")[0] for name in names if "/" in name[len(shared) :])
    parts = [top for top in tops if part_of(top)]
    trains = sorted(top for top in parts if part_of(top) in TRAIN)
    if not parts or (len(parts) < len(tops) and (not trains or len(parts) < 2)):
        return _nested(names, shared, place, notes, noun)
    if len(parts) == 1 and not trains:
        return names, ()
    taken = trains[0] if trains else max(parts, key=tops.__getitem__)
    others, loose = sorted(set(tops) - {taken}), len(names) - sum(tops.values())
    if others:
        notes.append(
            f"{place}: the {tops[taken]:,} {noun} in {taken!r} are taken; those in {' and '.join(map(repr, others))} "
            f"({len(names) - loose - tops[taken]:,}) can be held out with --heldout {place}/{shared}{others[0]}"
        )
    if loose:
        notes.append(f"{place}: {loose:,} {noun} beside these folders are left out")
    left = tuple(f"{shared}{other}/" for other in others)
    return [name for name in names if name.startswith(f"{shared}{taken}/")], left


def _nested(
    names: list[str], shared: str, place: str, notes: list[str], noun: str
) -> tuple[list[str], tuple[str, ...]]:
    """The same where every class folder has such parts within."""
    inner = {parts[1] for name in names if len(parts := name[len(shared) :].split("/")) > 2}
    flat = any(name[len(shared) :].count("/") < 2 for name in names)
    if flat or len(inner) < 2 or not all(map(part_of, inner)) or not any(part_of(part) in TRAIN for part in inner):
        return names, ()
    kept = [name for name in names if part_of(name[len(shared) :].split("/")[1]) in TRAIN]
    others = sorted(part for part in inner if part_of(part) not in TRAIN)
    notes.append(
        f"{place}: the {len(kept):,} {noun} in the folders train of each class are taken; {len(names) - len(kept):,} "
        f"in {' and '.join(map(repr, others))} are left out"
    )
    left = {"/".join(name.split("/")[: shared.count("/") + 2]) + "/" for name in set(names) - set(kept)}
    return kept, tuple(sorted(left))


def training_files(names: list[str], place: str, notes: list[str], reachable: bool) -> list[str]:
    """The names of the files to train on where files are the parts (train.txt and wiki.valid.txt); else all.

    reachable: whether one of the files alone can be named as data, as in a folder.
    """
    parts = {name: part_of(PurePosixPath(_PACKED.sub("", name)).stem) for name in names}
    taken = [name for name in names if parts[name] in TRAIN]
    others = [name for name in names if parts[name] not in (*TRAIN, None)]
    if not taken or not others:
        return names
    how = f"can be held out with --heldout {place}/{others[0]}" if reachable else "can be held out once unpacked"
    notes.append(f"{place}: {' and '.join(map(repr, taken))} is taken; {' and '.join(map(repr, others))} {how}")
    if rest := len(names) - len(taken) - len(others):
        notes.append(f"{place}: {rest:,} files beside these are left out")
    return taken

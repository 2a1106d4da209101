"""Which files of a folder or archive are taken, and their labels: parts such as train and test, class folders, lists
that lie with the files, and a line on every file that is not read.

Knows names of files and tables; never how images or audio are read.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.csv

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io import reading
from gankit.io.archives import AUDIO_SUFFIXES, IMAGE_SUFFIXES, Collection
from gankit.io.foreign import SUFFIXES as FOREIGN
from gankit.io.parts import TRAIN, part_of, shared_folders, training
from gankit.io.records import Origin, Records
from gankit.kinds.images.labels import Labelled, composed, first_rows, labels_of_list, path_column, plain_name

_FOLD = re.compile(r"(?:fold|part|shard|chunk|batch)[-_ ]?\d+", re.IGNORECASE)
_PIECE = re.compile(rf"\d{{3,}}|{_FOLD.pattern}", re.IGNORECASE)
_LISTS = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson", ".txt")
_STYLEGAN = "dataset.json"
_LIKELY = re.compile("label|class|meta|attr", re.IGNORECASE)
_MOST_LISTS = 64
_SHOWN = 4


@dataclass(frozen=True)
class Sought:
    """The files that are taken. noun: in messages. suffixes: they are known by. strict: whether lists must fit.

    part: whether lists may name others, too.
    """

    noun: str
    suffixes: tuple[str, ...]
    strict: bool
    part: bool = False

    def among(self, names: Sequence[str]) -> list[str]:
        """Those of the names that have such a suffix."""
        return [name for name in names if name.lower().endswith(self.suffixes)]


def labelled(
    files: Collection, sought: Sought, config: TrainConfig, notes: list[str], lists: bool = True
) -> tuple[Labelled, bool]:
    """The files that are taken, with their labels, and whether these are the names of folders.

    A list belongs to the folder it lies in: it names the files in and below it, or, where there are none, all.
    lists: whether folders and lists may give labels. notes: what is taken as label and from where; what is not read.
    """
    found = sought.among(files.names)
    names, left = training(found, files.name, notes, sought.noun)
    listing = _lists_in([name for name in files.names if not name.startswith(left)])
    mentioned = {*found, *listing}
    result, classes = Labelled(names, None), False
    if lists:
        told: list[str] = []
        folders = _by_folders(names, told, files.name, sought.noun)
        tops = [] if folders is None else folders.column("label").unique().drop_null().to_pylist()
        stylegan = any(_base(name) == _STYLEGAN and b'"labels"' in files.read(name) for name in listing)
        pieces = stylegan or all(map(_PIECE.fullmatch, tops))
        if folders is None or pieces:
            result, mentioned = _by_lists(files, names, found, listing, sought, config, notes)
        if folders is not None and result.labels is None and not stylegan:
            if all(map(_FOLD.fullmatch, tops)):
                notes.append(f"{files.name}: the folders ({_shown(tops)}) are taken for parts of the data, not classes")
            else:
                result, classes = Labelled(names, folders), True
                notes.extend(told)
                notes.append(f"{files.name}: label is the name of the folder ({_shown(tops)})")
            if listing and not pieces:
                _note_passed_over(files, names, listing, sought, config, notes)
        if result.labels is None and not listing:
            result = _by_lists_above(files, names, sought, config, notes) or result
    _note_unread([n for n in files.names if n not in mentioned and not n.startswith(left)], files.name, sought, notes)
    return result, classes


def _note_passed_over(
    files: Collection, names: list[str], listing: list[str], sought: Sought, config: TrainConfig, notes: list[str]
) -> None:
    """One line on what lists say of files whose labels are the names of folders."""
    try:
        found, _ = _by_lists(files, names, names, listing, sought, config, [])
    except DataError:
        found = Labelled([], None)
    says = "gives them no labels"
    if found.labels is not None:
        says = f"names {len(found.names):,} of {len(names):,} {sought.noun} ({_shown(found.labels.column_names)})"
    notes.append(
        f"{files.name}: the labels are the folders' names; {_shown(listing)} {says}, and is not used. Give a list "
        "itself to take its columns as labels."
    )


def _by_lists_above(
    files: Collection, names: list[str], sought: Sought, config: TrainConfig, notes: list[str]
) -> Labelled | None:
    """The labels by lists that lie beside a folder of one part (train, test); None without such."""
    above = files.above()
    if above is None or part_of(_base(above[1][:-1])) is None:
        return None
    whole, prefix = above
    train, at = part_of(_base(prefix[:-1])) in TRAIN, prefix.count("/") - 1
    listing = [n for n in whole.names if n.count("/") == at and n.startswith(prefix[: -len(_base(prefix[:-1])) - 1])]
    listing = [name for name in _lists_in(listing) if not _is_of(name, train=not train)]
    inside, told = [prefix + name for name in names], list[str]()
    try:
        found, _ = _by_lists(whole, inside, inside, listing, replace(sought, part=True), config, told)
    except DataError:
        return None
    if found.labels is None:
        return None
    notes.extend(told)
    return Labelled([name.removeprefix(prefix) for name in found.names], found.labels)


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f", … ({len(names):,})" if len(names) > _SHOWN else "")


def _by_folders(names: Sequence[str], notes: list[str], place: str, noun: str) -> pa.Table | None:
    """Labels by the folder that a file lies in: the first one below those that all files share."""
    shared = shared_folders(names)
    inside = [name.removeprefix(shared) for name in names]
    tops = [composed(name.split("/")[0]) if "/" in name else None for name in inside]
    if len(set(tops) - {None}) < 2:
        return None
    if loose := tops.count(None):
        notes.append(f"{place}: {loose:,} {noun} lie in no class folder, and have no label")
    if any(name.count("/") > 1 for name in inside):
        notes.append(f"{place}: folders within a class folder are not told apart")
    return pa.table({"label": pa.array(tops, pa.string())})


def _lists_in(names: Sequence[str]) -> list[str]:
    """Files that may list others, those in deeper folders first: of a suffix of which there are not too many."""
    likely = [name for name in names if name.lower().endswith(_LISTS) or _base(name) == _STYLEGAN]
    times = Counter(PurePosixPath(name).suffix.lower() for name in likely)
    kept = [name for name in likely if times[PurePosixPath(name).suffix.lower()] <= _MOST_LISTS]
    return sorted(kept, key=lambda name: -name.count("/"))


class _Files:
    """Names of files by what a list may call them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._exact = {plain_name(name): name for name in names}
        self._ends = defaultdict[str, list[str]](list)
        for name in self._exact:
            self._ends[_base(name).casefold()].append(name)

    def find(self, folder: str, value: str) -> list[str]:
        """The files that a list in that folder may mean: one that is there by that name, or those that end alike,
        if need be in other capitals.
        """
        value = plain_name(value)
        if folder + value in self._exact:
            return [self._exact[folder + value]]
        folded = [
            (name, _alike(name.casefold(), value.casefold())) for name in self._ends.get(_base(value).casefold(), ())
        ]
        ends = [((num, _alike(name, value)), name) for name, num in folded if num > 1 or "/" not in value]
        ends = [(nums, name) for nums, name in ends if name.startswith(folder)] or ends
        most = max((nums for nums, _ in ends), default=(0, 0))
        return [self._exact[name] for nums, name in ends if nums == most]


def _alike(name: str, value: str) -> int:
    """How many last parts of two paths are the same."""
    pairs = zip(reversed(name.split("/")), reversed(value.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@dataclass(frozen=True)
class _Rows:
    """What one list says of the files.

    files: row -> its file. gone: names in it of files that are not there. numbers: number -> file, where numbers stand
    before the names. bare: row -> name, where names lack their suffix.
    """

    name: str
    table: pa.Table
    origin: Origin
    files: dict[int, str]
    gone: list[str]
    numbers: dict[str, str]
    bare: dict[int, str]


def _by_lists(
    files: Collection, names: list[str], found: list[str], listing: list[str], sought: Sought, config: TrainConfig,
    notes: list[str],
) -> tuple[Labelled, set[str]]:  # fmt: skip
    """The labels that lists give, those of equal columns together; and the names of all that notes speak of."""
    known, every, mentioned, place = _Files(names), _Files(found), set(found), files.name
    trains = len(names) < len(found) or any(_is_of(name, train=True) for name in listing)
    read: list[_Rows] = []
    for name in listing:
        if trains and _is_of(name, train=False):
            notes.append(f"{place}: no labels are taken from {name}, which is of another part by its name")
            mentioned.add(name)
            continue
        data = files.read(name)
        try:
            rows = _rows_of(data, name, known, every, sought, config) if data.strip() else None
            if rows is not None and not rows.files:
                raise DataError(f"{_gone(rows, place, sought)}. Put them beside it, or correct the list.")
        except DataError as error:
            if name.lower().endswith(".txt"):
                continue
            if len(listing) == 1 and sought.strict:
                raise
            notes.append(f"{place}: no labels are taken from {name}: {error}")
        else:
            if rows is not None:
                read.append(rows)
        mentioned.add(name)
    groups: dict[tuple[str, ...], list[_Rows]] = {}
    for rows in _by_numbers(read):
        groups.setdefault(tuple(rows.table.column_names), []).append(rows)
    chosen = None
    ordered = sorted(groups.values(), key=lambda group: (-len(_named(group)), not _LIKELY.search(_base(group[0].name))))
    for group in ordered:
        said, num = _shown([rows.name for rows in group]), len(_named(group))
        if chosen is not None:
            why = "others are taken"
        elif not group[0].table.num_columns:
            why = "it has no column beside the names"
        elif 2 * num < len(names):
            why = "most have none by it (give the list itself to take those alone)"
        else:
            chosen = _joined(group, names, sought, config, notes, place)
            why = "none of its columns is a label"
            chosen = chosen if chosen.labels is not None else None
            if chosen is not None:
                continue
        notes.append(f"{place}: no labels are taken from {said}, naming {num:,} of {len(names):,} {sought.noun}: {why}")
    return chosen or Labelled(names, None), mentioned


def _by_numbers(lists: Sequence[_Rows]) -> list[_Rows]:
    """The lists; one that says of numbers what another says of files (1 bird, 1 a.jpg) is of those files: that a file
    is called 1.jpg, too, says less.
    """
    numbers = {number: file for rows in lists for number, file in rows.numbers.items()}

    def meant(rows: _Rows) -> _Rows:
        if not rows.bare or not set(rows.bare.values()) <= numbers.keys():
            return rows
        return replace(rows, files={row: numbers[number] for row, number in rows.bare.items()}, gone=[])

    return list(map(meant, lists))


def _is_of(name: str, train: bool) -> bool:
    """Whether a list's name says that it is of the part to train on, or of another."""
    words = [part_of(word) for word in re.split(r"[^A-Za-z]+", PurePosixPath(name).stem)]
    return any(word is not None and (word in TRAIN) == train for word in words)


def _named(group: Sequence[_Rows]) -> set[str]:
    return {name for rows in group for name in rows.files.values()}


def _joined(
    group: Sequence[_Rows], names: list[str], sought: Sought, config: TrainConfig, notes: list[str], place: str
) -> Labelled:
    """The files that lists of equal columns name, in their order, and their labels."""
    taken, tables, told = list[str](), [], list[str]()
    for rows in group:
        before = set(taken)
        once = first_rows(rows.files, told, f"{place}/{rows.name}", sought.noun)
        kept = {row: name for row, name in once.items() if name not in before}
        taken += kept.values()
        tables.append(rows.table.take(pa.array(list(kept), pa.int64())))
        if rows.gone:
            if sought.strict:
                raise DataError(
                    f"{place}/{rows.name}: {_gone(rows, place, sought)}. Put them beside it, correct the list, or "
                    "leave off --strict, which skips them."
                )
            told.append(f"{place}/{rows.name}: {_gone(rows, place, sought)}; they are skipped (--strict refuses them)")
    table = pa.concat_tables(tables, promote_options="permissive")
    lists = _shown([rows.name for rows in group])
    labels = labels_of_list(table, group[0].origin, config, told, f"{place}/{lists}")
    if labels is not None:
        notes.append(f"{place}: labels ({_shown(labels.column_names)}) taken from {lists}")
        notes.extend(told)
        if unlisted := len(set(names) - set(taken)):
            notes.append(f"{place}: {unlisted:,} {sought.noun} that {lists} does not list are left out")
    return Labelled(taken, labels)


def _gone(rows: _Rows, place: str, sought: Sought) -> str:
    some = ", ".join(map(repr, rows.gone[:_SHOWN])) + (", …" if len(rows.gone) > _SHOWN else "")
    return f"{len(rows.gone):,} {sought.noun} that it names are not there: {some}"


def _rows_of(data: bytes, name: str, known: _Files, every: _Files, sought: Sought, config: TrainConfig) -> _Rows:
    records = _records(data, _base(name), config)
    folder = name[: -len(_base(name))]
    find = partial(every.find, folder)
    column, _, suffix = path_column(records, find, [""], name, sought.suffixes, sought.noun)
    rows, gone, bare = dict[int, str](), list[str](), dict[int, str]()
    table = records.table.drop_columns([column])
    for row, value in enumerate(records.table.column(column).cast(pa.string()).to_pylist()):
        if value is None or not value.strip():
            continue
        if suffix:
            bare[row] = value.strip()
        may_be = known.find(folder, value.strip() + suffix)
        if len(may_be) > 1:
            (cells,) = table.slice(row, 1).to_pylist()
            told = {text for key, cell in cells.items() for text in (str(cell), f"{key}{cell}")}
            may_be = [one for one in may_be if told & set(one.split("/")[:-1])] or may_be
        if len(may_be) > 1:
            raise DataError(f"{value!r} in it may mean {may_be[0]} or {may_be[1]}. Write the folders, too.")
        if may_be:
            rows[row] = may_be[0]
        elif not sought.part and not every.find(folder, value.strip() + suffix):
            gone.append(value)
    before = records.table.column_names[: records.table.column_names.index(column)]
    numbers = _numbers(table.column(before[0]), rows) if before and not suffix else {}
    return _Rows(name, table, records.origin, rows, gone, numbers, bare)


def _numbers(column: pa.ChunkedArray, files: Mapping[int, str]) -> dict[str, str]:
    """Number -> file, where each file has a number of its own."""
    cells = column.cast(pa.string()).take(pa.array(list(files), pa.int64())).to_pylist()
    own = len(set(cells)) == len(cells) and all(cell is not None and cell.isdigit() for cell in cells)
    return dict(zip(cells, files.values(), strict=True)) if own else {}


def _records(data: bytes, name: str, config: TrainConfig) -> Records:
    """A list's records: dataset.json of StyleGAN's tools, text in columns that blanks part, or as any table."""
    if name == _STYLEGAN:
        return _stylegan(data, name)
    head = data[:4096].split(b"\n", 3)[:3]
    if name.lower().endswith(".txt") and not any(sign in b"".join(head) for sign in (b",", b"\t", b";")):
        return _in_blanks(data.decode("utf-8-sig", "replace"), name)
    found = reading.read_bytes(data, name, config, [])
    return replace(found, table=found.table.rename_columns([composed(n.strip()) for n in found.table.column_names]))


def _stylegan(data: bytes, name: str) -> Records:
    try:
        labels = json.loads(data)["labels"]
        pairs = list(labels.items() if isinstance(labels, Mapping) else labels or ())
        cells = [cell if isinstance(cell, list) else [cell] for _, cell in pairs]
        if cells and len(cells[0]) > 1 and all(sorted(cell) == [0] * (len(cell) - 1) + [1] for cell in cells):
            cells = [[max(range(len(cell)), key=cell.__getitem__)] for cell in cells]
        columns = {"file": [str(file) for file, _ in pairs]}
        columns |= {f"label{i}": list(of) for i, of in enumerate(zip(*cells, strict=True))}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"it is no list of StyleGAN's tools ({type(error).__name__}). Correct or remove it.") from error
    if not pairs:
        raise DataError("its labels are empty.")
    if len(columns) == 2:
        columns["label"] = columns.pop("label0")
    return Records(pa.table(columns), Origin("json", name=name))


def _in_blanks(text: str, name: str) -> Records:
    """Rows of words, as CelebA's lists have them: perhaps below their number and all names but one."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if lines and len(lines[0]) == 1 and lines[0][0].isdigit():
        del lines[0]
    width = len(lines[-1]) if lines else 0
    if width < 2 or any(len(line) != width for line in lines[1:]):
        raise DataError(f"{name} has no rows of as many words.")
    heads = ["file", *(f"label{i}" for i in range(1, width))] if width > 2 else ["file", "label"]
    if len(lines[0]) == width - 1:
        heads = ["file", *lines.pop(0)]
    elif len(set(lines[0])) == width and "." in lines[-1][0] and "." not in lines[0][0]:
        heads = lines.pop(0)
    if not lines or len(lines[0]) != width or not len(heads) == len(set(heads)) == width:
        raise DataError(f"{name} has no rows of as many words.")
    columns = map(list, zip(*lines, strict=True))
    return Records(pa.table(dict(zip(heads, columns, strict=True))), Origin("csv", name=name))


def _note_unread(names: Sequence[str], place: str, sought: Sought, notes: list[str]) -> None:
    """One line on the files that nothing else speaks of."""
    kinds = Counter(PurePosixPath(name).suffix.lower() or "no suffix" for name in names)
    if not kinds:
        return
    told = []
    for kind, times in kinds.most_common(8):
        hint = ""
        if kind in FOREIGN:
            hint = f" ({FOREIGN[kind].remedy[0].lower()}{FOREIGN[kind].remedy[1:]})"
        elif kind in AUDIO_SUFFIXES:
            hint = " (--kind audio takes these instead)"
        elif kind in IMAGE_SUFFIXES:
            hint = " (--kind image takes these instead)"
        told.append(f"{times:,} {kind}{hint}")
    notes.append(f"{place}: {len(names):,} files are not read: {', '.join(told)}{', …' if len(kinds) > 8 else ''}")

"""Labels of recordings: by a pattern of their names, by the folders they lie in, or by a list beside them.

Knows names and tables; never sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import reading
from gankit.kinds.audio.files import AUDIO_SUFFIXES, is_audio
from gankit.kinds.audio.options import AudioOptions
from gankit.kinds.images import labels as picturelists

LIST = "labels.csv"
"""The list that stands beside recordings that were written with labels: a column `file`, and the labels."""

_FIELD = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SKIPPED = "_"


def stem(name: str) -> str:
    """A recording's name without folders and suffix.

    >>> stem("recordings/7_theo_12.wav")
    '7_theo_12'
    """
    last = name.rsplit("/", 1)[-1]
    return next((last[: -len(s)] for s in AUDIO_SUFFIXES if last.lower().endswith(s)), last)


def compiled(pattern: str) -> tuple[re.Pattern[str], list[str]]:
    """What `--pattern` means: a regular expression for stems, and the names of the labels in it.

    Every `{name}` is as few characters as fit, at least one; `{_}` is left out.

    Raises:
        OptionError: it names no label, or one twice.
    """
    names = [n for n in _FIELD.findall(pattern) if n != _SKIPPED]
    if not names or len(set(names)) < len(names):
        raise OptionError(
            f"--pattern {pattern!r} must name labels in braces, each once, such as '{{digit}}_{{speaker}}_{{_}}' for "
            "7_theo_12.wav ({_} is left out)."
        )
    parts = _FIELD.split(pattern)
    texts = [
        re.escape(p) if i % 2 == 0 else "(?:.+?)" if p == _SKIPPED else f"(?P<{p}>.+?)" for i, p in enumerate(parts)
    ]
    return re.compile("".join(texts)), names


def by_pattern(names: Sequence[str], pattern: str, place: str) -> pa.Table:
    """The labels in the names of recordings, one row a name.

    Raises:
        OptionError: a name does not fit.
    """
    expression, labels = compiled(pattern)
    found = [expression.fullmatch(stem(name)) for name in names]
    odd = [name for name, match in zip(names, found, strict=True) if match is None]
    if odd:
        raise OptionError(
            f"{place}: {len(odd):,} of {len(names):,} names do not fit --pattern {pattern!r}, such as {odd[0]!r}. "
            "Change the pattern, or take those files out."
        )
    return pa.table({label: pa.array([m.group(label) for m in found if m is not None]) for label in labels})


def seem_patterned(names: Sequence[str]) -> str | None:
    """A pattern that the names seem to have: as many parts in all, one of them of few values; None if none."""
    for sign in ("_", "-"):
        parts = [stem(name).split(sign) for name in names]
        if len(parts[0]) < 2 or any(len(p) != len(parts[0]) for p in parts) or len(parts[0]) > 6:
            continue
        few = [1 < len(set(column)) <= len(names) // 2 for column in zip(*parts, strict=True)]
        if any(few):
            fields = [f"{{label{i}}}" if is_few else "{_}" for i, is_few in enumerate(few)]
            return sign.join(fields)
    return None


def labels_for(
    names: Sequence[str], all_names: Sequence[str], read_file: Callable[[str], bytes], config: TrainConfig,
    notes: list[str], place: str,
) -> tuple[list[str], pa.Table | None, bool]:  # fmt: skip
    """The recordings to take, their labels, and whether these are folders.

    names: of the recordings. all_names: of all files that lie with them; read_file: the bytes of one of them.
    """
    own = config.own(AudioOptions)
    if own.pattern is not None:
        return list(names), by_pattern(names, own.pattern, place), False
    found = picturelists.from_folders(names, place, notes, "recordings")
    if found.labels is not None:
        return found.names, found.labels, True
    listed = next((name for name in all_names if name.rsplit("/", 1)[-1] == LIST), None)
    if listed is not None:
        table = reading.read_bytes(read_file(listed), LIST, TrainConfig(), []).table
        labels = _listed(table, found.names, listed.rpartition("/")[0], f"{place}/{listed}")
        notes.append(f"{place}: labels ({', '.join(labels.column_names)}) taken from {listed}")
        return found.names, labels, False
    pattern = seem_patterned(found.names)
    if pattern is not None:
        notes.append(
            f"{place}: names such as {found.names[0].rsplit('/', 1)[-1]} seem to hold labels; --pattern '{pattern}' "
            "takes them ({_} is left out; name them as you like)"
        )
    return found.names, None, False


def _listed(table: pa.Table, names: Sequence[str], folder: str, place: str) -> pa.Table:
    column = next(
        (n for n in table.column_names if any(map(is_audio, map(str, table.column(n).to_pylist()[:20])))), None
    )
    if column is None or table.num_columns < 2:
        raise DataError(f"{place}: it must have a column of names of recordings, and labels. Correct it, or remove it.")
    base = folder + "/" if folder else ""
    rows = {base + str(value): row for row, value in enumerate(table.column(column).to_pylist())}
    unlisted = [name for name in names if name not in rows]
    if unlisted:
        raise DataError(f"{place}: it does not list {unlisted[0]!r}. Add its line, or remove the list.")
    return table.drop_columns([column]).take(pa.array([rows[name] for name in names]))

"""Many pictures of any sizes and kinds to one array: headers first, then decoding with many threads.

Knows how a picture is opened and what is wanted; never where files lie or what labels they have.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, TypeVar

from gankit.config import TrainConfig
from gankit.data.picturesizes import (
    DEEP,
    Header,
    UnreadablePicture,
    Wanted,
    decoded,
    header_of,
    is_transparent,
    opened,
    quiet,
    size_of,
)
from gankit.data.picturestore import Pixels, chunks, compacted, finished, fits_in_memory, room_for
from gankit.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

CHANNELS = {"grey": 1, "rgb": 3, "rgba": 4}
"""What `--channels` means."""

_AT_ONCE = 4096
_A_TASK = 32
_THREADS = 16
_SHOWN = 20

_DARK = 32

T = TypeVar("T")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Source:
    """One picture that is still to be decoded. name: for messages. open: its bytes, or an image of Pillow."""

    name: str
    open: Callable[[], IO[bytes] | Image.Image]


def decode_all(
    sources: Sequence[Source],
    config: TrainConfig,
    notes: list[str],
    place: str,
    least: int = 2,
    known: int | None = None,
) -> tuple[Pixels, list[int]]:
    """All pictures as uint8 [K, H, W, C], and which of the sources they are (ascending).

    config: `size`, `fit`, `resample`, `channels` and `strict` are obeyed. notes: a line for each decision. place: where
    the pictures come from, for messages. least: how many there must be. known: their channels, where they are known to
    have the same.

    Raises:
        DataError: too few can be read, with `strict` one cannot, or their sizes differ and no size was asked for.
    """
    size = size_of(config)
    with quiet(), ThreadPoolExecutor(_num_threads()) as pool:
        found = list(_mapped(pool, _looked_at, sources))
        faults = {row: reason for row, reason in enumerate(found) if isinstance(reason, str)}
        headers = {row: header for row, header in enumerate(found) if isinstance(header, Header)}
        _check_faults(faults, sources, replace(config, strict=False), place, least)  # decoding may find more
        sizes = Counter((header.width, header.height) for header in headers.values())
        if size is None and len(sizes) > 1:
            raise _mixed_sizes(sizes, place)
        channels = CHANNELS.get(config.channels) or known or _channels(pool, headers, sources)
        target = size or next(iter(sizes))
        wanted = Wanted(size, config.fit, config.resample, channels)
        rows = list(headers)
        x = room_for((len(rows), target[1], target[0], channels))

        def fill(task: tuple[int, int]) -> str | None:
            slot, row = task
            try:
                with opened(sources[row].open()) as image:
                    pixels = decoded(image, wanted)
            except UnreadablePicture as error:
                return str(error)
            except (OSError, MemoryError, ValueError) as error:
                return _reason(error)
            if pixels.shape != x.shape[1:]:
                return f"it is {pixels.shape[1]} x {pixels.shape[0]} when decoded, unlike the others"
            x[slot] = pixels
            return None

        late = dict(zip(rows, _mapped(pool, fill, list(enumerate(rows))), strict=True))
    faults.update({row: reason for row, reason in late.items() if reason is not None})
    _check_faults(faults, sources, config, place, least)
    slots = [slot for slot, row in enumerate(rows) if late[row] is None]
    x = compacted(x, slots)
    kept = [rows[slot] for slot in slots]
    if config.channels == "auto" and known is None and channels == 3 and _is_grey(x):
        x = x[..., :1].copy()
        notes.append(f"{place}: saved in colour, but all greys: taken as grey (--channels rgb changes it)")
    _say(notes, place, [headers[row] for row in kept], faults, sources, size, config, x)
    return finished(x), kept


def _num_threads() -> int:
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    return min(_THREADS, cores)


def _mapped(pool: ThreadPoolExecutor, work: Callable[[T], Result], items: Sequence[T]) -> Iterator[Result]:
    """`pool.map`, some pictures a task and a few thousand at a time.

    Small pictures take less time than handing over a task, and a million tasks in waiting take a gigabyte.
    """

    def some(part: Sequence[T]) -> list[Result]:
        return [work(item) for item in part]

    size = max(1, min(_A_TASK, len(items) // 64))
    for start in range(0, len(items), _AT_ONCE):
        end = min(start + _AT_ONCE, len(items))
        for results in pool.map(some, [items[i : min(i + size, end)] for i in range(start, end, size)]):
            yield from results


def _looked_at(source: Source) -> Header | str:
    try:
        with opened(source.open()) as image:
            return header_of(image)
    except UnreadablePicture as error:
        return str(error)
    except (OSError, MemoryError, ValueError) as error:
        return _reason(error)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    text = error.strerror if isinstance(error, OSError) else None
    return text or (str(error).splitlines() or [type(error).__name__])[0][:80]


def _check_faults(
    faults: dict[int, str], sources: Sequence[Source], config: TrainConfig, place: str, least: int
) -> None:
    left = len(sources) - len(faults)
    told = _told(faults, sources)
    if faults and config.strict:
        raise DataError(
            f"{place}: {len(faults):,} of {len(sources):,} pictures cannot be read: {told}. Mend or remove them, or "
            "leave off --strict, which skips them."
        )
    if left == 0 and faults:
        raise DataError(f"{place}: none of {len(sources):,} pictures can be read: {told}. Mend them, or bring others.")
    if left < least:
        why = f" ({len(faults):,} more cannot be read: {told})" if faults else ""
        raise too_few(left, place, why)


def too_few(num: int, place: str, why: str = "") -> DataError:
    """The error for one picture, or none, where many are needed."""
    return DataError(
        f"{place} gives {'one picture' if num == 1 else f'{num} pictures'}{why}. Learning needs at least 2 (one to "
        "learn from, one held out), and some hundreds to learn well. Give more."
    )


def _told(faults: dict[int, str], sources: Sequence[Source]) -> str:
    shown = "; ".join(f"{sources[row].name!r} ({reason})" for row, reason in sorted(faults.items())[:_SHOWN])
    return shown + ("; …" if len(faults) > _SHOWN else "")


def _channels(pool: ThreadPoolExecutor, headers: dict[int, Header], sources: Sequence[Source]) -> int:
    """4 if any picture lets something through, else 3 if any has colour, else 1."""
    doubtful = [sources[row] for row, header in headers.items() if header.alpha]
    for start in range(0, len(doubtful), 64):
        if any(pool.map(_shows_through, doubtful[start : start + 64])):
            return 4
    return 3 if any(header.colour for header in headers.values()) else 1


def _shows_through(source: Source) -> bool:
    try:
        with opened(source.open()) as image:
            return is_transparent(image)
    except (UnreadablePicture, OSError, MemoryError, ValueError):
        return False  # it is told of when it is decoded


def _is_grey(x: Pixels) -> bool:
    """Whether three channels are equal everywhere; ends at the first chunk where they are not."""
    if not fits_in_memory(x.nbytes):
        return False
    parts = [slice(0, 16), *chunks(len(x), x[:1].nbytes)]
    return all((x[part] == x[part][..., :1]).all() for part in parts)


def _mixed_sizes(sizes: Counter[tuple[int, int]], place: str) -> DataError:
    shown = ", ".join(f"{w} x {h} ({times:,})" for (w, h), times in sizes.most_common(4))
    shorter = sorted(min(size) for size in sizes.elements())
    # Nine tenths of the pictures need not be enlarged; 256 is what a machine without a GPU can still bear.
    fitting = shorter[len(shorter) // 10]
    proposed = max(4, min(256, 1 << (fitting.bit_length() - 1)))
    return DataError(
        f"{place}: {sizes.total():,} pictures have {len(sizes):,} different sizes (width x height): {shown}"
        f"{', …' if len(sizes) > 4 else ''}. Bring them to one with --size {proposed} (--fit says how: crop, pad or "
        "stretch)."
    )


def _say(
    notes: list[str],
    place: str,
    headers: Sequence[Header],
    faults: dict[int, str],
    sources: Sequence[Source],
    size: tuple[int, int] | None,
    config: TrainConfig,
    x: Pixels,
) -> None:
    if faults:
        notes.append(
            f"{place}: {len(faults):,} of {len(sources):,} pictures cannot be read and are skipped: "
            f"{_told(faults, sources)}; --strict refuses them"
        )
    deep = [slot for slot, header in enumerate(headers) if DEEP in header.remarks]
    if deep and (most := max(int(x[slot].max()) for slot in deep)) < _DARK:
        notes.append(
            f"{place}: the lightest pixel of those of 16 bits is {most} of 255 after scaling. If they hold 10 or 12 "
            "bits, scale their values to 65,535 first, or few levels of grey are left."
        )
    for remark, times in Counter(remark for header in headers for remark in header.remarks).most_common():
        notes.append(f"{place}: {times:,} of {len(headers):,} pictures are {remark}")
    lost = sum(header.alpha for header in headers) if x.shape[3] < 4 and config.channels != "auto" else 0
    if lost:
        notes.append(
            f"{place}: {lost:,} pictures may be transparent, and are laid over white (--channels rgba keeps it)"
        )
    coloured = sum(header.colour for header in headers)
    if x.shape[3] == 1 and coloured and config.channels == "grey":
        notes.append(f"{place}: {coloured:,} pictures in colour made grey (.299 red, .587 green, .114 blue)")
    elif config.channels == "auto" and 0 < coloured < len(headers) and x.shape[3] >= 3:
        notes.append(f"{place}: {len(headers) - coloured:,} grey pictures among colour taken as rgb (--channels grey)")
    if size is not None:
        _say_size(notes, place, headers, size, config)


def _say_size(
    notes: list[str], place: str, headers: Sequence[Header], size: tuple[int, int], config: TrainConfig
) -> None:
    changed = [header for header in headers if (header.width, header.height) != size]
    if not changed:
        return
    how = {
        "crop": "the longer side cut at the centre",
        "pad": "with black borders",
        "stretch": "without regard to their shape",
    }[config.fit]
    other = any(header.width * size[1] != header.height * size[0] for header in changed)
    smaller = sum(header.width < size[0] or header.height < size[1] for header in changed)
    notes.append(
        f"{place}: {len(changed):,} of {len(headers):,} pictures brought to {size[0]} x {size[1]} by the "
        f"{config.resample} filter{', ' + how if other else ''}{f'; {smaller:,} of them enlarged' if smaller else ''}"
        f" (--size, {'--fit, ' if other else ''}--resample)"
    )

"""Windows of series, and which of them train and which are held out: none of the one overlaps one of the other.

Knows where series begin and end; never what is in them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gankit.errors import DataError

Ints = npt.NDArray[np.int64]

MOST_BLOCKS = 5
"""A series gives its held-out part in at most so many pieces."""

WIDE = 4
"""And in more than one only if each is so many windows long."""

GOLDEN = (5**0.5 - 1) / 2
"""From one part of a series to the next a held-out piece moves on by so much of the room that it has there: its places
are as far from each other as can be, so that of five years not every summer is held out."""


def windows_of(begins: Ints, lengths: Ints, window: int, stride: int) -> Ints:
    """Where the windows of series begin, int64 [K]; series shorter than a window have none."""
    counts = np.maximum((lengths - window) // stride + 1, 0)
    first = np.cumsum(counts) - counts
    within = np.arange(int(counts.sum())) - np.repeat(first, counts)
    found: Ints = np.repeat(begins, counts) + within * stride
    return found


def split_in_time(
    begins: Ints, lengths: Ints, window: int, stride: int, fraction: float, heldout_stride: int | None = None
) -> tuple[Ints, Ints]:
    """Where the training windows begin and where the held-out ones do: no step is in both.

    Of each series that is two windows long at least, about `fraction` of the steps is held out: its last ones, or,
    where they make several pieces of `WIDE` windows, up to `MOST_BLOCKS` pieces, one in each of as many equal parts of
    it, at another place in each. So both see the whole course of a series that drifts, and no season is held out every
    year; with the end alone held out, the two would not be alike, and nothing could be told from their difference.
    Windows across an edge are in neither part.

    heldout_stride: from one held-out window to the next, where that is not `stride`.

    Raises:
        DataError: no series is long enough for two windows that do not overlap.
    """
    train, heldout = [], []
    for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
        pieces = _pieces(length, window, fraction)
        edges = [begin, *(begin + edge for piece in pieces for edge in piece), begin + length]
        sides = np.array(edges, dtype=np.int64)
        sizes = np.diff(sides)
        # training, held out, training, …
        train.append(windows_of(sides[:-1:2], sizes[::2], window, stride))
        heldout.append(windows_of(sides[1:-1:2], sizes[1::2], window, heldout_stride or stride))
    found = np.concatenate(train), np.concatenate(heldout)
    if not len(found[0]) or not len(found[1]):
        raise DataError(
            f"the longest series has {int(lengths.max()):,} steps, and one part to learn from and one to judge by need "
            f"two windows of {window}. Take shorter ones with --window, or bring what judges with --heldout FILE."
        )
    return found


def _pieces(length: int, window: int, fraction: float) -> list[tuple[int, int]]:
    """The held-out pieces [begin, end) of a series; none where it is too short."""
    if length < 2 * window:
        return []
    total = int(np.clip(round(fraction * length), window, length - window))
    count = int(np.clip(total // (WIDE * window), 1, MOST_BLOCKS))
    if count == 1 or length - total < 2 * count * window:
        return [(length - total, length)]
    parts = np.arange(count)
    places = (0.25 + GOLDEN * parts) % 1.0  # the first and the last of up to five leave the ends to learn from
    first = np.floor(parts * length / count + places * (length - total) / count).astype(np.int64)
    return [(int(begin), int(begin) + total // count) for begin in first]


def covered(begins: Ints, lengths: Ints | int, num_steps: int) -> npt.NDArray[np.bool_]:
    """[num_steps]: the steps that belong to some record."""
    change = np.zeros(num_steps + 1, dtype=np.int64)
    np.add.at(change, begins, 1)
    np.add.at(change, begins + lengths, -1)
    return np.asarray(np.cumsum(change[:-1]) > 0)

"""A sample of series, and its channels as columns of numbers on the scale of the training part.

Knows plain arrays with names; never files, times or how series were made. A category becomes a column a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gankit.errors import DataError

MOST_LEVELS = 12
"""Levels of a category that become columns, the most frequent ones."""

MOST_COLUMNS = 64
"""Columns that are looked at."""


@dataclass(frozen=True)
class SeriesSample:
    """Series of one form.

    x: [N, T, C] float64, NaN in gaps and behind a series' end; a category channel holds numbers of its levels.
    lengths: [N] int, at most T. names: of the channels. levels: of each category channel, by its name; the others are
    numbers. labels: [N] texts, numbers or None, the class that a series has or was asked for; None without classes.
    """

    x: np.ndarray
    lengths: np.ndarray
    names: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Sequence[Any] | np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.x.ndim != 3 or self.x.shape[1] < 1 or self.x.shape[2] != len(self.names):
            raise DataError(
                f"series: expected an array [N, T, {len(self.names)}], a channel a name. Got {list(self.x.shape)}."
            )
        if len(self.lengths) != len(self.x) or (self.labels is not None and len(self.labels) != len(self.x)):
            raise DataError(f"series: expected a length (and a label, if any) for each of {len(self.x)} series.")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the number channels."""
        return tuple(name for name in self.names if name not in self.levels)

    def take(self, rows: np.ndarray) -> SeriesSample:
        """The series at these rows."""
        labels = None if self.labels is None else [self.labels[i] for i in rows]
        return replace(self, x=self.x[rows], lengths=self.lengths[rows], labels=labels)

    def inside(self) -> np.ndarray:
        """[N, T] bool: the steps before a series' end."""
        return np.asarray(np.arange(self.x.shape[1]) < self.lengths[:, None])


def aligned(*samples: SeriesSample) -> tuple[SeriesSample, ...]:
    """The samples with one list of levels for each category, and as many steps as the longest.

    Raises:
        DataError: a sample has other channels than the first.
    """
    first = samples[0]
    for other in samples[1:]:
        if other.names != first.names or set(other.levels) != set(first.levels):
            raise DataError(
                f"the series to compare have different channels: {', '.join(first.names)} and "
                f"{', '.join(other.names)}. Give series with the same channels of the same kinds."
            )
    steps = max(s.x.shape[1] for s in samples)
    levels = {name: tuple(dict.fromkeys(level for s in samples for level in s.levels[name])) for name in first.levels}
    return tuple(_recoded(s, levels, steps) for s in samples)


def _recoded(sample: SeriesSample, levels: Mapping[str, tuple[str, ...]], steps: int) -> SeriesSample:
    x = sample.x
    if x.shape[1] < steps:
        x = np.pad(x, ((0, 0), (0, steps - x.shape[1]), (0, 0)), constant_values=np.nan)
    for c, name in enumerate(sample.names):
        if name in levels and sample.levels[name] != levels[name][: len(sample.levels[name])]:
            table = np.array([levels[name].index(level) for level in sample.levels[name]] + [np.nan])
            x = x.copy() if x is sample.x else x
            x[:, :, c] = table[np.where(np.isnan(x[:, :, c]), len(table) - 1, x[:, :, c]).astype(np.int64)]
    return replace(sample, x=x, levels=dict(levels))


@dataclass(frozen=True)
class Columns:
    """How channels become columns of numbers.

    names: of the columns, for people; channels: the number of each column's channel; codes: of its level, -1 for a
    number; centre, width: mean and standard deviation of a number on the training part (0 and 1 for a level);
    low, high: its range on real series, on that scale. channel_names: of all channels.
    """

    names: tuple[str, ...]
    channels: tuple[int, ...]
    codes: tuple[int, ...]
    centre: np.ndarray
    width: np.ndarray
    low: np.ndarray
    high: np.ndarray
    channel_names: tuple[str, ...]

    @classmethod
    def fit(cls, train: SeriesSample, heldout: SeriesSample) -> Columns:
        """Columns for these samples: scaled by the training part, with ranges of both."""
        names: list[str] = []
        channels: list[int] = []
        codes: list[int] = []
        for c, name in enumerate(train.names):
            if name not in train.levels:
                names, channels, codes = [*names, name], [*channels, c], [*codes, -1]
                continue
            known = train.x[:, :, c]
            counts = np.bincount(known[~np.isnan(known)].astype(np.int64), minlength=len(train.levels[name]))
            for k in np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS]).tolist():
                names, channels, codes = (
                    [*names, f"{name} = {train.levels[name][k]}"],
                    [*channels, c],
                    [*codes, k],
                )
        names, channels, codes = names[:MOST_COLUMNS], channels[:MOST_COLUMNS], codes[:MOST_COLUMNS]
        size = len(names)
        bare = cls(
            tuple(names), tuple(channels), tuple(codes), np.zeros(size), np.ones(size), np.zeros(size), np.ones(size),
            train.names,
        )  # fmt: skip
        centre, width = np.zeros(size), np.ones(size)
        for d in [d for d, code in enumerate(codes) if code < 0]:
            known = train.x[:, :, channels[d]]
            known = known[np.isfinite(known)]
            if len(known):
                spread = float(known.std())
                # the rounding of a constant is no spread
                constant = spread <= 1e-12 * max(1.0, float(np.abs(known).max()))
                centre[d], width[d] = known.mean(), 1.0 if constant else spread
        scaled = replace(bare, centre=centre, width=width)
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        for sample in (train, heldout):
            z = scaled(sample).reshape(-1, size)
            present = np.isfinite(z)
            low = np.minimum(low, np.where(present, z, np.inf).min(0, initial=np.inf))
            high = np.maximum(high, np.where(present, z, -np.inf).max(0, initial=-np.inf))
        known_range = low <= high
        return replace(scaled, low=np.where(known_range, low, 0.0), high=np.where(known_range, high, 1.0))

    @property
    def numbers(self) -> np.ndarray:
        """The places of the columns of number channels."""
        return np.flatnonzero(np.array(self.codes) < 0)

    def __call__(self, sample: SeriesSample) -> np.ndarray:
        """[N, T, D] float32: the columns on the training part's scale; NaN in gaps and behind the end."""
        x = sample.x[:, :, list(self.channels)]
        out = (x - self.centre) / self.width
        for d, code in enumerate(self.codes):
            if code >= 0:
                out[:, :, d] = np.where(np.isnan(x[:, :, d]), np.nan, x[:, :, d] == code)
        return np.asarray(out.astype(np.float32))

    def back(self, z: np.ndarray, levels: Mapping[str, tuple[str, ...]]) -> np.ndarray:
        """Columns [N, T, D] as channels [N, T, C]: the likeliest level of a category; NaN for channels without one."""
        out = np.full((*z.shape[:2], len(self.channel_names)), np.nan)
        for c, name in enumerate(self.channel_names):
            mine = [d for d, channel in enumerate(self.channels) if channel == c]
            if name in levels and mine:
                found = np.array([self.codes[d] for d in mine], float)[np.argmax(z[:, :, mine], 2)]
                out[:, :, c] = np.where(np.isnan(z[:, :, mine[0]]), np.nan, found)
            elif mine:
                out[:, :, c] = z[:, :, mine[0]] * self.width[mine[0]] + self.centre[mine[0]]
        return out


def bridged(z: np.ndarray) -> np.ndarray:
    """z [N, T, D] with gaps (NaN) bridged by straight lines, held level at both ends; 0 where all is missing."""
    gaps = np.isnan(z)
    if not gaps.any():
        return z
    steps = z.shape[1]
    place = np.broadcast_to(np.arange(steps)[:, None], z.shape)
    before = np.maximum.accumulate(np.where(gaps, -1, place), axis=1)
    after = np.minimum.accumulate(np.where(gaps, steps, place)[:, ::-1], axis=1)[:, ::-1]
    first, last = np.where(before < 0, after, before), np.where(after >= steps, before, after)
    left = np.take_along_axis(z, np.clip(first, 0, steps - 1), 1)
    right = np.take_along_axis(z, np.clip(last, 0, steps - 1), 1)
    share = np.clip((place - first) / np.maximum(last - first, 1), 0, 1)
    out = np.where(first >= steps, 0.0, left + share * (right - left))
    return np.where(gaps, out, z).astype(z.dtype)


def shrunk(z: np.ndarray, most: int) -> np.ndarray:
    """z [N, T, D] averaged over boxes of steps to at most `most` steps; what fills no box is left out."""
    box = -(-z.shape[1] // most)
    if box == 1:
        return z
    steps = max(1, z.shape[1] // box)
    whole = z[:, : steps * box].reshape(len(z), steps, min(box, z.shape[1]), z.shape[2])
    return np.asarray(whole.mean(2))


def overlap(x: np.ndarray, most: int = 60) -> int:
    """How many rows on a series first shares no step with a series: 1 for series that stand for themselves.

    Windows cut from one series with a stride of s share their steps with the T / s - 1 windows that follow; rows like
    these say less than as many independent ones, and errors must be reckoned from runs of them.

    x: [N, T, C], windows in their order.
    """
    steps, some = x.shape[1], x[:most]
    if len(some) < 2:
        return 1
    for stride in range(1, steps):
        ahead, behind = some[:-1, stride:], some[1:, :-stride]
        same = ((ahead == behind) | (np.isnan(ahead) & np.isnan(behind))).all((1, 2))
        moved = ~np.isnan(ahead).all((1, 2)) & (np.ptp(np.nan_to_num(some[:-1]), axis=1) > 0).any(1)
        if (same & moved).mean() > 0.5:
            return int(-(-steps // stride))
    return 1

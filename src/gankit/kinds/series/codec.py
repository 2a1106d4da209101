"""Series to tensors' numbers and back: channels of numbers on a common scale, categories, gaps and ends, a step a row.

Knows parsed columns and where records begin and end; never files, times, torch or networks.

A record becomes T steps, T the longest training record. One step has, in this order: the numbers of all number channels
(one continuous block), their scales where records have scales of their own, and one-of-K blocks: whether a cell is
missing or one of the numbers that stand very often (for channels that have such cells in training), the categories and
the channels of few numbers, and whether the record still goes on (where lengths differ). What stands in gaps and behind
the end is made up so that nothing sticks out: gaps are bridged by straight lines, and behind the end the last value
stays. Channels that jump from step to step are coded by the normal scores of their ranks (`Channel`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from gankit.columns.codec import Codec
from gankit.columns.matching import Label
from gankit.columns.quantiles import alone
from gankit.columns.relations.rules import Rules
from gankit.columns.schema import Column, Schema, Values
from gankit.columns.splitting import covered
from gankit.kinds.series.records import Floats, Ints, SeriesSet, bridged
from gankit.randomness import numpy_generator
from gankit.spec import Block, Spec
from gankit.stored import FloatOrNaN, Size, Stored

Scale = Literal["auto", "channel", "record"]

MAX_LEVELS = 256
"""Above so many levels the rare ones of a category share the last cell, which decodes to the most frequent of them."""

HEAVY = 10.0  # a channel with a number further than so many standard deviations from the mean is coded by its asinh
ROUGH = 0.05  # a channel is rough where its last two steps leave more than this share of the next one's variance open
MOST_KNOTS = 256  # of the scale of a rough channel
OFTEN = 0.02  # a least or largest number in more than this share of the steps is where the scale of the others ends
FEW_NUMBERS, LEAST_STEPS = 20, 20
"""A channel of so many different numbers at most, each in so many steps on average, is a category if it jumps."""
SKIPPED = 0.05  # a channel jumps where a larger share of its changes passes over a number, but for fast smooth ones
MOST_COUNTED = 100_000  # steps in which it is looked for such numbers
MOST_ATOMS, LEAST_ATOM, ATOM_RATIO = 3, 0.02, 4.0
"""So many numbers at most, each in that share of the steps and so many times as frequent as the others, are atoms."""
OFTEN_ENOUGH = 10  # numbers that stand in so many steps on average are all that there are
LARGEST_SCORE, CLOSEST = 4.0, 1e-3  # where normal scores are cut; how far points of the scale are apart, about
APART = 10.0  # records have scales of their own where the 90th percentile of their widths is so many times the 10th
MOST_LOOKED_AT = 2000  # records, about, in which it is looked for rough channels
ENDED, GOING = 0, 1  # codes of the block that says whether a record still goes on


@dataclass(frozen=True)
class Channel(Stored):
    """How the numbers of one column are coded: y = (f(x - centre) - mean) / deviation.

    f(v) = v, or asinh(v / bend) where `bend` > 0: nearly straight up to the bend and logarithmic beyond, for heavy
    tails. With `knots` it is f(x) in its place, a line through points (number, score): the normal scores of the ranks,
    for rough channels. Of noise the distribution is nearly all there is to learn, and normal noise is there from the
    start (`networks/principal.py`); a smooth channel would lose its straightness. With `only_knots` no other numbers
    are made than those of the knots: of few different ones that all stand in many steps, others would give a fake away.

    name: of the column.
    low, high: the range of training, to which decoded numbers are cut.
    num_markers: the missing markers that the block beside the number tells apart.
    atoms: numbers that stand so often, such as zeros and caps, that the block has a cell for each; the rest of the
        coding is that of the others.
    gaps: the channel before this one that was always missing together with it, whose block holds for both; "" = none.
    """

    name: str
    low: FloatOrNaN
    high: FloatOrNaN
    centre: float
    bend: float
    mean: float
    deviation: float
    num_markers: int
    knots: tuple[tuple[float, float], ...] = ()
    only_knots: bool = False
    atoms: tuple[float, ...] = ()
    gaps: str = ""

    @property
    def size(self) -> int:
        """Cells of the block beside the number: the number itself, markers, atoms; 1 = there is no such block."""
        return 1 if self.gaps else 1 + self.num_markers + len(self.atoms)

    @classmethod
    def fit(cls, name: str, x: Floats, num_markers: int, rough: bool = False) -> Channel:
        """The coding for training numbers x [M], NaN where missing."""
        x = x[np.isfinite(x)]
        if not len(x):
            return cls(name, np.nan, np.nan, 0.0, 0.0, 0.0, 1.0, num_markers)
        low, high = float(x.min()), float(x.max())
        if rough and len(knots := _knots(x)) > 1:
            scores = np.interp(x, *np.transpose(knots))
            few = bool(np.isin(x, [value for value, _ in knots]).all() and len(x) >= OFTEN_ENOUGH * len(knots))
            return cls(name, low, high, 0.0, 0.0, float(scores.mean()), float(scores.std()), num_markers, knots, few)
        centre = float(np.median(x))
        moved = x - centre
        deviation, bend = float(moved.std()), 0.0
        if deviation > 0 and np.abs(moved - moved.mean()).max() > HEAVY * deviation:
            bend = float(np.subtract(*np.quantile(moved, [0.75, 0.25]))) / 1.35 or deviation
            moved = np.arcsinh(moved / bend)
            deviation = float(moved.std())
        if not deviation > 0 or low == high:
            return cls(name, low, high, centre, 0.0, 0.0, 1.0, num_markers)
        return cls(name, low, high, centre, bend, float(moved.mean()), deviation, num_markers)

    def encode(self, x: Floats) -> Floats:
        """Numbers to the common scale; those outside the range of training go to its ends."""
        if np.isnan(self.low):
            return np.zeros_like(x)
        moved = np.clip(x, self.low, self.high) - self.centre
        moved = np.interp(moved, *np.transpose(self.knots)) if self.knots else moved
        moved = np.arcsinh(moved / self.bend) if self.bend else moved
        return (moved - self.mean) / self.deviation

    def decode(self, y: Floats) -> Floats:
        """Back, cut to the range of training."""
        moved = y * self.deviation + self.mean
        if self.knots:
            values, scores = np.transpose(self.knots)
            if self.only_knots:
                return np.asarray(values[np.searchsorted((scores[1:] + scores[:-1]) / 2, moved)])
            return np.asarray(np.interp(moved, scores, values))
        # beyond the range sinh would overflow
        moved = self.bend * np.sinh(np.clip(moved, -700, 700)) if self.bend else moved
        return np.clip(moved + self.centre, self.low, self.high)


def _knots(x: Floats) -> tuple[tuple[float, float], ...]:
    """Points (number, normal score of its rank) of rising numbers and scores for x [M], none of them missing.

    A number that stands in several steps has the score of their middle rank; the smallest and the largest one, where
    they are frequent, that of the rank next to the others, so that what is made beyond falls on them.
    """
    from scipy.special import ndtri

    values, counts = np.unique(x, return_counts=True)
    ends = np.cumsum(counts) / len(x)
    ranks = ends - counts / (2 * len(x))
    if counts[0] > OFTEN * len(x):
        ranks[0] = ends[0]
    if counts[-1] > OFTEN * len(x):
        ranks[-1] = ends[-1] - counts[-1] / len(x)
    scores = np.clip(ndtri(ranks), -LARGEST_SCORE, LARGEST_SCORE)
    if len(values) > MOST_KNOTS:
        wanted = np.searchsorted(ranks, np.linspace(0, 1, MOST_KNOTS))
        kept = np.unique([0, *np.minimum(wanted, len(values) - 1), len(values) - 1])
        values, scores = values[kept], scores[kept]
    # points closer than that would not be told apart in float32
    apart = np.unique(np.floor(scores / CLOSEST), return_index=True)[1]
    apart[-1] = len(values) - 1
    return tuple(zip(values[apart].tolist(), scores[apart].tolist(), strict=True))


def _frequent(x: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """All different numbers of x [M], NaN where missing, if they are few and stand in many steps each, else (); and
    those that are much more frequent than all others or repeat far from them, () where none are or all are few.
    """
    x = x[np.isfinite(x)]
    some = x if len(x) <= MOST_COUNTED else x[numpy_generator(0, "frequent").integers(0, len(x), MOST_COUNTED)]
    values, counts = np.unique(some, return_counts=True)
    if len(values) <= FEW_NUMBERS:
        different = np.unique(x)
        if len(different) <= FEW_NUMBERS and len(x) >= LEAST_STEPS * len(different):
            return tuple(different.tolist()), ()
    order = np.argsort(-counts, kind="stable")[: MOST_ATOMS + 1]
    most, least = counts[order], max(LEAST_ATOM * len(some), LEAST_STEPS)
    falls = np.flatnonzero((most[:-1] >= ATOM_RATIO * most[1:]) & (most[:-1] >= least))
    found = values[order[: falls[-1] + 1]] if len(falls) else values[:0]
    far = np.flatnonzero(alone(values, counts)) if len(values) > FEW_NUMBERS else order[:0]
    far = far[np.argsort(-counts[far], kind="stable")[:MOST_ATOMS]]
    return (), tuple(dict.fromkeys([*found.tolist(), *values[far].tolist()]))


def _jumps(codes: Ints, rough: bool) -> bool:
    """Whether numbers change as categories do, with no regard to their order; smooth stairs are learned as numbers.

    codes: [n, T] which of the numbers, ascending, stands in each step; -1 where missing. rough: whether `is_rough`.
    """
    if np.bincount(codes[codes >= 0]).max(initial=0) >= (codes >= 0).sum() / 2:  # a state that is left now and then
        return True
    known = (codes[:, 1:] >= 0) & (codes[:, :-1] >= 0)
    passed = np.abs(np.diff(codes, axis=1))[known]
    changes = passed[passed > 0]
    return bool((changes > 1).sum() > SKIPPED * len(changes) and (rough or len(changes) < len(passed) / 2))


def is_rough(x: Floats) -> bool:
    """Whether the next step of a channel is open, given two: x [n, T] of n records, NaN where missing.

    By least squares over all records, x[t] on 1, x[t - 1] and x[t - 2].
    """
    if x.shape[1] < 3:
        return False
    after, last, before = x[:, 2:].ravel(), x[:, 1:-1].ravel(), x[:, :-2].ravel()
    known = np.isfinite(after) & np.isfinite(last) & np.isfinite(before)
    if known.sum() < 10 or not after[known].std() > 0:
        return False
    given = np.stack([np.ones(int(known.sum())), last[known], before[known]], 1)
    left = after[known] - given @ np.linalg.lstsq(given, after[known], rcond=None)[0]
    return bool(left.var() > ROUGH * after[known].var())


@dataclass(frozen=True)
class Level(Stored):
    """How one category, or a channel of few numbers, is coded: cells for its levels and, in their order, for its
    missing markers.

    cells: [levels] the cell of each level. levels: [K] the level that each cell decodes to.
    numbers: what the levels stand for, ascending; empty for a category.
    """

    name: str
    cells: tuple[int, ...]
    levels: tuple[int, ...]
    num_markers: int
    numbers: tuple[float, ...] = ()

    @classmethod
    def fit(cls, name: str, codes: Ints, num_markers: int, numbers: tuple[float, ...] = ()) -> Level:
        """The cells for training codes [M], -1 where missing: one for each level that occurs."""
        counts = np.bincount(codes[codes >= 0])
        order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
        cells = np.zeros(len(counts), dtype=np.int64)
        cells[order] = np.minimum(np.arange(len(order)), MAX_LEVELS - 1)
        return cls(name, tuple(cells.tolist()), tuple(order[:MAX_LEVELS].tolist()), num_markers, numbers)

    @property
    def size(self) -> int:
        """All cells (at least one)."""
        return max(1, len(self.levels) + self.num_markers)

    def encode(self, values: Values) -> Ints:
        """Cells [M]; a level that training did not show goes to the most frequent one, as does an unknown gap."""
        codes = _nearest(self.numbers, _present(values)) if self.numbers else values.data.astype(np.int64)
        missing = values.missing.astype(np.int64)
        known = (codes >= 0) & (codes < len(self.cells))
        cells = np.where(known, np.asarray([*self.cells, 0])[np.where(known, codes, -1)], 0)
        marked = np.minimum(missing, self.num_markers)
        return np.where(marked > 0, len(self.levels) + marked - 1, cells)

    def decode(self, cells: Ints) -> Values:
        """Values of cells [M]."""
        missing = np.maximum(cells - len(self.levels) + 1, 0) if self.num_markers else np.zeros_like(cells)
        codes = np.asarray([*self.levels, -1])[np.where(missing > 0, -1, np.minimum(cells, len(self.levels)))]
        if self.numbers:
            return Values(np.asarray([*self.numbers, np.nan])[codes], missing.astype(np.int8))
        return Values(codes.astype(np.int32), missing.astype(np.int8))


def _nearest(numbers: Sequence[float], x: Floats) -> Ints:
    """Which of the ascending numbers [K] is nearest to each of x [M]; -1 where that is NaN."""
    among = np.asarray(numbers)
    return np.where(np.isnan(x), -1, np.searchsorted((among[1:] + among[:-1]) / 2, x))


@dataclass(frozen=True)
class RecordScale(Stored):
    """The scales that a channel's records have of their own, as two further channels that are constant in time.

    With a record's middle m = (max + min) / 2 and half-range h = (max - min) / 2 (Lin et al. 2020,
    DoppelGANger), the channel is (x - m) / h in [-1, 1], and m and log h, on the common scale, stand beside it.
    Decoding takes their mean over time.

    middle, width: the coding of m and of log h.
    least: what h is at least taken for.
    """

    middle: Channel
    width: Channel
    least: float


class SeriesCodec(Codec[SeriesSet]):
    """The codec of kind "series".

    Args:
        names: of the columns that are coded, in order.
        channels: the number channels.
        levels: the categories and the channels of few numbers.
        scales: for each number channel; empty where channels have one scale for all records.
        num_steps: T.
        shortest: the length of the shortest training record; T where all are equally long.
        rules: what holds between the channels of every step.

    Attributes:
        spec: a sequence.
    """

    def __init__(
        self,
        names: Sequence[str],
        channels: Sequence[Channel],
        levels: Sequence[Level],
        scales: Sequence[RecordScale],
        num_steps: Size,
        shortest: Size,
        rules: Rules = Rules.NONE,
    ) -> None:
        self.rules = rules
        self.names, self.channels, self.levels = tuple(names), tuple(channels), tuple(levels)
        self.scales, self.num_steps, self.shortest = tuple(scales), num_steps, shortest
        self.num_numbers = len(self.channels) + 2 * len(self.scales)
        sizes = [c.size for c in self.channels if c.size > 1] + [v.size for v in self.levels]
        sizes += [2] if self.ends else []
        numbers = (Block("continuous", self.num_numbers),) if self.num_numbers else ()
        blocks = (*numbers, *(Block("categorical", size) for size in sizes))
        self.spec = Spec("sequence", (num_steps, self.num_numbers + sum(sizes)), blocks)

    @property
    def ends(self) -> bool:
        """Whether records are of different lengths."""
        return self.shortest < self.num_steps

    @property
    def by_step(self) -> SeriesCodec | None:
        """The codec of records of one step each, where the numbers of a step depend on no other one: no gaps are to be
        bridged, and no record has scales or an end of its own.
        """
        if self.scales or self.ends or any(c.size > 1 or c.gaps for c in self.channels):
            return None
        return SeriesCodec(self.names, self.channels, self.levels, (), 1, 1, self.rules)

    @classmethod
    def fit(
        cls,
        columns: Sequence[Column],
        records: SeriesSet,
        scale: Scale = "auto",
        plain: Collection[str] = (),
        rules: Rules = Rules.NONE,
    ) -> Self:
        """The codec for training records.

        Args:
            columns: those that are modelled; numbers and datetimes become channels.
            records: each of one step at least; they may overlap. Only their own steps are looked at.
            scale: "channel", one scale for all records; "record", for each its own; "auto", the latter where the
                half-ranges of records are very different (`APART`) in most channels.
            plain: channels that have no one-of-K blocks for their numbers, however few or frequent these are.
            rules: what holds between the channels of every step.
        """
        columns, values = rules.columns(columns), rules.reduce(records.cells)
        begins, lengths = records.begins, records.lengths
        assert len(begins) and int(lengths.min()) >= 1, "records have steps"
        used = covered(begins, lengths, len(values[columns[0].name].data))
        some = begins[:: -(-len(begins) // MOST_LOOKED_AT), None] + np.arange(int(lengths.min()))
        few: dict[str, tuple[float, ...]] = {}
        atoms: dict[str, tuple[float, ...]] = {}
        for column in columns:
            if column.type == "number" and column.name not in plain:
                x = _present(values[column.name])
                found, atoms[column.name] = _frequent(x[used])
                jumping = len(found) > 1 and _jumps(_nearest(found, x[some]), is_rough(x[some]))
                few[column.name] = found if jumping else ()
        numbers = [c for c in columns if c.type != "category" and not few.get(c.name)]
        open_x = {c.name: _without(_present(values[c.name]), atoms.get(c.name, ())) for c in numbers}
        ranges = [_ranges(open_x[c.name], begins, lengths) for c in numbers]
        if scale == "auto":
            apart = [_apart(half) for _, half in ranges]
            scale = "record" if apart and 2 * sum(apart) > len(apart) else "channel"
        channels: list[Channel] = []
        levels: list[Level] = []
        for column in columns:
            name, cells = column.name, values[column.name]
            markers = len(column.markers) if (cells.missing[used] > 0).any() else 0
            if column.type == "category":
                levels.append(Level.fit(name, cells.data[used].astype(np.int64), markers))
            elif few.get(name):
                levels.append(Level.fit(name, _nearest(few[name], _present(cells)[used]), markers, few[name]))
            else:
                x = open_x[name]
                rough = scale == "channel" and is_rough(x[some])
                own = atoms.get(name, ())
                together = (c.name for c in channels if markers and not own and c.num_markers and not c.gaps)
                gaps = next((n for n in together if (values[n].missing == cells.missing)[used].all()), "")
                channels.append(replace(Channel.fit(name, x[used], markers, rough), atoms=own, gaps=gaps))
        scales = [_record_scale(c.name, *r) for c, r in zip(numbers, ranges, strict=True)] if scale == "record" else []
        names = [column.name for column in columns]
        return cls(names, channels, levels, scales, int(lengths.max()), int(lengths.min()), rules)

    part, by_order = "channel", True

    def labels(self, schema: Schema) -> list[Label]:
        """See `Codec.labels`."""
        found: list[Label] = [(channel.name, "") for channel in self.channels]
        found += [(c.name, what) for c in self.channels[: len(self.scales)] for what in ("middle", "width")]
        for channel in (c for c in self.channels if c.size > 1):
            found += [(channel.name, ("beside", place)) for place in range(1 + channel.num_markers)]
            found += [(channel.name, ("atom", atom)) for atom in channel.atoms]
        for level in self.levels:
            column = schema.column(level.name)
            found += [(level.name, (level.numbers or column.levels)[k]) for k in level.levels]
            found += [(level.name, ("missing", column.markers[k])) for k in range(level.num_markers)]
            found += [(level.name, "")] * (level.size > len(level.levels) + level.num_markers)
        return [*found, *((("", code) for code in (ENDED, GOING)) if self.ends else ())]

    def encode(self, records: SeriesSet) -> npt.NDArray[np.float32]:
        """See `Codec.encode`: [N, T, compact numbers of a step] float32; steps beyond T are left out."""
        values, begins = self.rules.reduce(records.cells), records.begins
        lengths = np.minimum(records.lengths, self.num_steps)
        steps = np.arange(self.num_steps)
        # [N, T]: the step that stands in each place, behind the end the last one
        rows = begins[:, None] + np.minimum(steps, lengths[:, None] - 1)
        inside = steps < lengths[:, None]
        coded = np.empty((len(begins), self.num_steps, self.spec.compact_dim // self.num_steps), dtype=np.float32)
        beside = count(self.num_numbers)
        for i, channel in enumerate(self.channels):
            cells = values[channel.name]
            own = _present(cells)
            x = np.clip(_without(own, channel.atoms)[rows], channel.low, channel.high)
            if self.scales:
                at = len(self.channels) + 2 * i
                x, *codes = _own_scale(self.scales[i], x)
                coded[:, :, at : at + 2] = np.stack(codes, 1)[:, None]
            else:
                x = channel.encode(x)
            coded[:, :, i] = bridged(x[:, :, None])[:, :, 0]
            if channel.size > 1:
                code = np.minimum(cells.missing, channel.num_markers)
                if channel.num_markers:
                    code[np.isnan(cells.data) & (cells.missing == 0)] = 1
                for place, atom in enumerate(channel.atoms, 1 + channel.num_markers):
                    code[own == atom] = place
                coded[:, :, next(beside)] = code[rows]
        for level in self.levels:
            coded[:, :, next(beside)] = level.encode(values[level.name])[rows]
        if self.ends:
            coded[:, :, next(beside)] = np.where(inside, GOING, ENDED)
        return coded

    def decode(self, compact: npt.NDArray[Any]) -> SeriesSet:
        """See `Codec.decode`: from [N, T, compact numbers of a step], the steps of all records one after another.

        A record ends before its first step that does not go on, but is no shorter than the shortest one of training.
        """
        lengths = np.full(len(compact), self.num_steps, dtype=np.int64)
        if self.ends:
            stopped = np.cumsum(compact[:, :, -1] < GOING, axis=1) > 0
            lengths = np.maximum((~stopped).sum(1), self.shortest).astype(np.int64)
        inside = np.arange(self.num_steps) < lengths[:, None]
        found: dict[str, Values] = {}
        beside = count(self.num_numbers)
        for i, channel in enumerate(self.channels):
            y = compact[:, :, i].astype(np.float64)
            if self.scales:
                mine, at = self.scales[i], len(self.channels) + 2 * i
                means = compact[:, :, at : at + 2].mean(1, dtype=np.float64)
                middle, half = mine.middle.decode(means[:, 0]), np.exp(mine.width.decode(means[:, 1]))
                x = np.clip(middle[:, None] + half[:, None] * np.clip(y, -1, 1), channel.low, channel.high)[inside]
            else:
                x = channel.decode(y[inside])
            missing = found[channel.gaps].missing if channel.gaps else np.zeros(len(x), dtype=np.int8)
            if channel.size > 1:
                code = compact[:, :, next(beside)][inside].astype(np.int8)
                for place, atom in enumerate(channel.atoms, 1 + channel.num_markers):
                    x = np.where(code == place, atom, x)
                missing = np.where(code <= channel.num_markers, code, 0).astype(np.int8)
            found[channel.name] = Values(np.where(missing > 0, np.nan, x), missing)
        for level in self.levels:
            found[level.name] = level.decode(compact[:, :, next(beside)][inside].astype(np.int64))
        cells = self.rules.restore({name: found[name] for name in self.names})
        return SeriesSet({}, cells, np.cumsum(lengths) - lengths, lengths)


def _present(values: Values) -> Floats:
    """[M] the numbers, NaN where missing."""
    return np.where(values.missing > 0, np.nan, values.data)


def _without(x: Floats, atoms: tuple[float, ...]) -> Floats:
    """x [M] with NaN in the place of atoms."""
    return np.where(np.isin(x, atoms), np.nan, x) if atoms else x


def _ranges(x: Floats, begins: Ints, lengths: Ints) -> tuple[Floats, Floats]:
    """The middle and the half-range of each record, [N]; NaN where all is missing."""
    edges = np.stack([begins, begins + lengths], 1).ravel()
    last = np.append(x, np.nan)  # an index past the end for the last record
    low, high = np.fmin.reduceat(last, edges)[::2], np.fmax.reduceat(last, edges)[::2]
    return (low + high) / 2, (high - low) / 2


def _apart(half: Floats) -> bool:
    """Whether half-ranges [N] are so different that records have scales of their own."""
    known = half[half > 0]
    if len(known) < 20:
        return False
    narrow, wide = np.quantile(known, [0.1, 0.9])
    return bool(wide > APART * narrow)


def _record_scale(name: str, middle: Floats, half: Floats) -> RecordScale:
    positive = half[half > 0]
    least = float(positive.min()) if len(positive) else 1.0
    widths = np.log(np.maximum(half, least))
    return RecordScale(Channel.fit(name, middle, 0), Channel.fit(name, widths, 0), least)


def _own_scale(scale: RecordScale, x: Floats) -> tuple[Floats, Floats, Floats]:
    """x [N, T] on the scale of each record, and the coded middles and widths [N]."""
    empty = np.isnan(x).all(1, keepdims=True)
    known = np.where(empty, 0.0, x)
    low, high = np.nanmin(known, axis=1), np.nanmax(known, axis=1)
    middle, half = (low + high) / 2, np.maximum((high - low) / 2, scale.least)
    # what decoding will take them for, so that the numbers come back
    middle_code, width_code = scale.middle.encode(middle), scale.width.encode(np.log(half))
    middle, half = scale.middle.decode(middle_code), np.exp(scale.width.decode(width_code))
    return np.clip((x - middle[:, None]) / half[:, None], -1.0, 1.0), middle_code, width_code

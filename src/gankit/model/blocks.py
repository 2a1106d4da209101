"""Rows in blocks: row i of seed s comes from block i // size, always computed whole, so that it never changes.

Knows generators and limits; never files, codecs or the loop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from gankit.errors import OptionError
from gankit.randomness import GOLDEN, key

if TYPE_CHECKING:
    from torch import Tensor

    from gankit.columns.codec import Given, TableCodec
    from gankit.columns.conditions import Restriction
    from gankit.networks.base import ColumnGenerator, Generator, SymbolGenerator
    from gankit.spec import Spec


BLOCK_ROWS = 8192
"""Rows of a block of numbers, vectors or tables, in models of before."""

NEW_ROWS = 256
"""Those of new models, so that few rows cost little; as many as `BLOCK_ROWS` are made together."""

MOST_CELLS, LEAST_ROWS = 2**24, 64
"""Rows of new models of wide records make blocks of that many numbers at the most, as far as that leaves some rows."""

MOST_AT_ONCE = 8
"""Blocks that are made side by side: each takes some tens of MB, and one writer must keep up with them."""

MOST_IMAGES, LEAST_IMAGES, BLOCK_NUMBERS = 256, 4, 2**20
"""Images of a block: as many as have that many numbers together, within bounds."""

MOST_SEQUENCES, LEAST_SEQUENCES = 1024, 16
"""Sequences of a block: as many as have `BLOCK_NUMBERS` compact numbers together, within bounds."""

REDRAWN_ROWS = 1024
"""Rows of a block of a table that are drawn again for those that were not accepted; of small blocks an eighth."""

FEWEST_TRIED, LEAST_ACCEPTED = 65_536, 0.001
"""Records that are drawn before it is given up, at the least, and the share that must be accepted."""

LEAST_TEMPERATURE = 1e-30
"""Below that float32 divides to infinities; the likeliest symbol is chosen long before."""

FAR = 2**40
"""How far the numbers of blocks that are drawn again are apart."""

Made = TypeVar("Made")

Block = tuple[np.ndarray, np.ndarray]
"""The given columns, compact [rows, K], and what G made, compact [rows, C], [rows, T, C] or [rows, H, W, C] uint8."""

Blocks = Callable[[Sequence[int]], Block]
"""From the numbers of blocks to them, one after the other. A row does not depend on which are made together."""

Together = Callable[[Callable[["Tensor"], "Tensor"], "Tensor"], "Tensor"]
"""Makes rows from z, perhaps with those of others who ask at the same time."""


def rows_for(spec: Spec) -> int | None:
    """Rows of a block for a new model of such records, where they are not as many as they were from the beginning."""
    rows = 1 << (MOST_CELLS // spec.dim).bit_length() >> 1
    return int(np.clip(rows, LEAST_ROWS, NEW_ROWS)) if spec.form == "vector" else None


def block_rows(spec: Spec, own: int | None = None) -> int:
    """Rows of a block of such records. own: that of the model's plan."""
    if spec.form == "vector":
        return own or BLOCK_ROWS
    if spec.form == "sequence":
        return int(np.clip(1 << (BLOCK_NUMBERS // spec.compact_dim).bit_length() >> 1, LEAST_SEQUENCES, MOST_SEQUENCES))
    return int(np.clip(1 << (BLOCK_NUMBERS // spec.dim).bit_length() >> 1, LEAST_IMAGES, MOST_IMAGES))


def every_cell(spec: Spec) -> np.ndarray:
    """A few compact records in which each block of a spec takes each of its cells, and numbers are 0."""
    if spec.form == "image":
        return np.zeros((1, *spec.shape[1:], spec.shape[0]), dtype=np.uint8)
    steps = spec.shape[0] if spec.form == "sequence" else 1
    rows = -(-max((block.size for block in spec.blocks if block.type != "continuous"), default=1) // steps)
    cell = np.arange(rows * steps)[:, None]
    parts = [0 * cell.repeat(b.size, 1) if b.type == "continuous" else cell % b.size + 0.5 for b in spec.blocks]
    made = np.concatenate(parts, axis=1)
    return made.reshape(rows, steps, -1) if spec.form == "sequence" else made


@dataclass(frozen=True)
class Draws:
    """What the rows of a block of a one-shot generator are made from.

    z: [rows, num_latents]. u: [rows, num_uniforms]. c: [rows, K], or None.
    known: the given columns, compact [rows, K']. places: [rows, number of blocks], positions inside cells.
    """

    z: Tensor
    u: Tensor
    c: Tensor | None
    known: np.ndarray
    places: Tensor


Draw = Callable[[int], Draws]
"""From a block's number to its draws."""


def side_by_side(make: Callable[[int], Made], indices: range) -> Iterator[Made]:
    """`make` of each index in order, as many at a time as torch has threads (at most `MOST_AT_ONCE`), each on one.

    Blocks side by side use the cores better than one block whose every layer is divided (benchmarks/tables.md), and a
    row does not depend on how many threads there are.
    """
    import torch

    threads = torch.get_num_threads()
    workers = min(threads, len(indices), MOST_AT_ONCE)
    with ThreadPoolExecutor(workers, "block", torch.set_num_threads, (1,)) as pool:
        try:
            waiting: deque[Future[Made]] = deque()
            for index in indices:
                waiting.append(pool.submit(make, index))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)  # threads that begin later take the number that was set last


def shares(given: Given, limits: Mapping[int, Restriction]) -> np.ndarray:
    """How often each combination of `given` is to be drawn under the limits, [M], of sum 1.

    Raises:
        OptionError: training showed none that they allow.
    """
    weight = given.counts.copy()
    for i, limit in limits.items():
        weight *= limit.weight[given.codes[:, i]]
    if not weight.sum() > 0:
        raise OptionError("training showed no record with this combination of conditions. Ask for fewer.")
    return np.asarray(weight / weight.sum())


def one_shot_draws(
    generator: Generator, spec: Spec, given: Given | None, limits: Mapping[int, Restriction], seed: int, rows: int
) -> Draw:
    """From a block's number to its draws of `rows` rows: c from the combinations seen in training, those that obey."""
    import torch

    from gankit.networks.blocks import expand
    from gankit.randomness import torch_generator

    weight = np.ones(0) if given is None else shares(given, limits)

    def draw(index: int) -> Draws:
        draws = torch_generator(seed, "sample", index)
        z = torch.randn(rows, generator.num_latents, generator=draws)
        u = torch.rand(rows, generator.num_uniforms, generator=draws)
        places = torch.rand(rows, len(spec.blocks), generator=draws, dtype=torch.float64)
        c: Tensor | None = None
        known = np.zeros((rows, 0))
        if given is not None:
            pick = torch.rand(rows, generator=draws, dtype=torch.float64).numpy()
            inside = torch.rand(rows, len(given.codec.fields), generator=draws, dtype=torch.float64).numpy()
            codes = given.codes[np.minimum(np.searchsorted(weight.cumsum(), pick, side="right"), len(weight) - 1)]
            known = codes + inside * (1 - 1e-9)
            for i, limit in limits.items():
                known[:, i] = limit.place(known[:, i])
            c = expand(given.codec.spec, torch.from_numpy(codes.astype(np.float32)))
        return Draws(z, u, c, known, places)

    return draw


def one_shot_blocks(generator: Generator, spec: Spec, draw: Draw, truncation: float) -> Blocks:
    """One-shot generators: a whole block of their draws at once.

    truncation: how much of the spread of z, or of w where G has one, is kept; 1 = all.
    """
    import torch

    from gankit.networks.blocks import collapse

    def block(index: int) -> Block:
        drawn = draw(index)
        with torch.no_grad():
            x = truncated(generator, drawn.z, drawn.u, drawn.c, truncation)
        return drawn.known, collapse(spec, x, drawn.places).numpy()

    return one_by_one(block)


def one_by_one(make: Callable[[int], Block]) -> Blocks:
    """Blocks that are each made alone."""

    def blocks(indices: Sequence[int]) -> Block:
        if len(indices) == 1:
            return make(indices[0])
        known, made = zip(*map(make, indices), strict=True)
        return np.concatenate(known), np.concatenate(made)

    return blocks


def truncated(generator: Generator, z: Tensor, u: Tensor, c: Tensor | None, truncation: float) -> Tensor:
    """Fakes [B, *shape] with less spread: w pulled towards its mean (Karras et al. 2019, appendix B), or z scaled."""
    if truncation == 1:
        return generator(z, u, c)  # type: ignore[no-any-return]  # Module returns Any
    if (styled := generator.styled) is not None:
        w = styled.styles(z, c)
        return styled.synthesise(styled.mean_style + truncation * (w - styled.mean_style), u)
    return generator(truncation * z, u, c)  # type: ignore[no-any-return]  # Module returns Any


def column_blocks(
    generator: ColumnGenerator,
    codec: TableCodec,
    limits: Mapping[int, Restriction],
    seed: int,
    rows: int = BLOCK_ROWS,
    together: Together | None = None,
) -> Blocks:
    """Generators that go column by column: blocks restricted exactly; what training never showed is never made.

    rows: of a block; rows of blocks of another size are others. together: what makes the rows of several callers.
    """
    import torch

    from gankit.randomness import torch_generator

    allowed = {i: torch.from_numpy(limit.weight.astype(np.float32)) for i, limit in limits.items()}
    seen = {i: torch.from_numpy((f.counts > 0).astype(np.float32)) for i, f in enumerate(codec.fields)}
    masks = {i: mask for i, mask in seen.items() if i not in allowed and not bool(mask.all())}
    size = (rows, generator.num_candidates * len(allowed) + 1) if generator.needs_candidates(allowed) else None

    def made(z: Tensor, uniforms: Tensor | None = None) -> Tensor:
        return generator.generate(z, allowed, uniforms, masks)

    def block(indices: Sequence[int]) -> Block:
        draws = [torch_generator(seed, "sample", index) for index in indices]
        z = torch.cat([torch.randn(generator.num_latents, rows, generator=one).T for one in draws])
        if generator.num_members > 1:
            z[:, -1] = torch.cat([_chooser(seed, index, rows) for index in indices])
        uniforms = None
        if size is not None:
            more = [torch_generator(seed, "candidates", index) for index in indices]
            uniforms = torch.cat([torch.rand(size, generator=one, dtype=torch.float64) for one in more])
        found = together(made, z) if together is not None and not limits else made(z, uniforms)
        compact: np.ndarray = found.numpy()
        for i, limit in limits.items():
            compact[:, i] = limit.place(compact[:, i])
        return np.zeros((len(z), 0)), compact

    return block


def _chooser(seed: int, index: int, rows: int) -> Tensor:
    """The number of z that says which member of an ensemble makes a row, [rows] float32, of a block: the same for
    `NEW_ROWS` rows, which then cost no more than those of one network, and evenly spread over such parts.
    """
    import torch

    parts = index * -(-rows // NEW_ROWS) + np.arange(rows) // NEW_ROWS
    places = (key(seed, "member") % 2**20 / 2**20 + GOLDEN * parts) % 1.0
    chooser: Tensor = torch.special.ndtri(torch.from_numpy(places)).clamp(-6, 6).float()
    return chooser


def obeying(
    make: Blocks, remake: Blocks, accept: Callable[[np.ndarray, np.ndarray], np.ndarray], end: int, rows: int
) -> Blocks:
    """Blocks of `rows` in which every record before the `end`-th is accepted: what is not is taken from further draws
    of the same block, in order.

    remake: the blocks of further draws, which may be smaller. accept: from the given columns and what G made, both
    compact, to [rows] bool.
    """

    def blocks(indices: Sequence[int]) -> Block:
        known, made = make(indices)
        good = accept(known, made)
        known, made = known.copy(), made.copy()
        tried, found, attempt, ahead = len(good), int(good.sum()), 1, 1
        while True:
            parts = [slice(k * rows, (k + 1) * rows) for k in range(len(indices))]
            lacking = [
                (i, p) for i, p in zip(indices, parts, strict=True) if not good[p][: max(end - i * rows, 0)].all()
            ]
            if not lacking:
                return known, made
            if tried >= FEWEST_TRIED and found < LEAST_ACCEPTED * tried:
                break
            again, more = remake([i + (attempt + k) * FAR for i, _ in lacking for k in range(ahead)])
            taken = accept(again, more)
            tried, found = tried + len(more), found + int(taken.sum())
            size = len(more) // len(lacking)
            for place, (_, part) in enumerate(lacking):
                drawn = place * size + np.flatnonzero(taken[place * size : (place + 1) * size])
                left = part.start + np.flatnonzero(~good[part])[: len(drawn)]
                known[left], made[left] = again[drawn[: len(left)]], more[drawn[: len(left)]]
                good[left] = True
            # where few are accepted, several draws are made together
            attempt, ahead = attempt + ahead, min(2 * ahead, max(1, BLOCK_ROWS * ahead // len(more)))
        share = f"{found / tried:.2%}" if found else "none"
        raise OptionError(
            f"of {tried:,} samples drawn, {share} keep the conditions and the rules of the data. Ask for less narrow "
            "conditions, or for columns that no rule makes from others (gankit inspect lists the rules)."
        )

    return blocks


class Kept(Protocol):
    """Blocks that were made before, by what they are."""

    def get(self, key: Hashable) -> Block | None:
        """The block, if it is remembered."""

    def put(self, key: Hashable, block: Block) -> None:
        """Remembers a block, which is not written to any more."""


def remembering(making: Callable[[], Blocks], kept: Kept, which: Hashable, rows: int) -> Blocks:
    """Blocks of `rows`, those that are remembered and the others. which: what they are of, beside their number.

    making: gives what makes them, if any is to be made.
    """

    def blocks(indices: Sequence[int]) -> Block:
        found = {index: block for index in indices if (block := kept.get((which, index))) is not None}
        if new := [index for index in indices if index not in found]:
            known, made = making()(new)
            for place, index in enumerate(new):
                part = slice(place * rows, (place + 1) * rows)
                found[index] = known[part].copy(), made[part].copy()
                kept.put((which, index), found[index])
        parts = [found[index] for index in indices]
        return np.concatenate([known for known, _ in parts]), np.concatenate([made for _, made in parts])

    return blocks


def symbol_blocks(
    generator: SymbolGenerator,
    draw: Draw,
    prefix: Sequence[int],
    never: np.ndarray,
    temperature: float,
) -> Blocks:
    """Generators that go symbol by symbol.

    prefix: codes that every record begins with. never: [T, K] bool, codes that are never made at a step.
    temperature: below 1, likelier symbols become likelier still.
    """
    import torch

    begin = torch.tensor(prefix, dtype=torch.int64)
    temperature = max(temperature, LEAST_TEMPERATURE)
    forbidden = torch.from_numpy(never)

    def block(index: int) -> Block:
        drawn = draw(index)
        codes = generator.generate(drawn.z, drawn.u, drawn.c, begin if len(begin) else None, temperature, forbidden)
        return drawn.known, codes.unsqueeze(2).numpy().astype(np.int32)

    return one_by_one(block)

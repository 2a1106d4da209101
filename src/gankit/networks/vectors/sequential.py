"""The default pair for tables: a generator that decides one block after the other, and the residual discriminator.

Knows Spec and tensors; never columns, files or kinds of data.

G is a deterministic map from z to a record, a triangular transport (Knothe-Rosenblatt): block t is drawn from
softmax(logits_t(blocks decided so far)) by inverse CDF at Phi(z_t), so that coordinate t of z, and nothing else,
decides it. What is left over of Phi(z_t) inside its cell is uniform again and becomes the position in the cell.

Every block has its own small network; all of them see the embeddings of the blocks that are decided, masked. Trained
under random orders (Uria et al. 2014; Hoogeboom et al. 2022, "Autoregressive Diffusion Models"), G knows every
conditional distribution of some blocks given others, and not only those of its own order: that is what makes exact
conditions on any block possible after training (`generate`), without rejection.

Cells of a number are in order, and neighbours are alike: their embeddings and their logits are each a free number
plus a few cosines over the order, so that what one cell teaches its neighbours learn too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks.base import BLOCKS, NUMBERS, Axes, Axis, ColumnGenerator, Networks, Pair, Task
from gankit.networks.blocks import cell_at
from gankit.spec import Spec

FIXED_ORDER_SHARE = 0.5
"""Share of a likelihood batch in G's own order; the rest is in random orders (measured: benchmarks/tables.md)."""

NUM_WAVES = 8
"""Cosines over the order of a number's cells. 8 of 8 and 16 was the better, and far better than none
(benchmarks/tables.md)."""

NUM_CANDIDATES = 32
"""Draws among which one is chosen by weight where several blocks are restricted to sets (`generate`)."""

SIZE_BITS = 2
"""Beginnings are gathered in sizes whose binary form has so many leading digits, and zeros behind."""

LEAST_TOGETHER = 8
"""Beginnings are filled up to as many: of fewer rows a product may be summed in another order, and a row would then
depend on how many beginnings the others have (below 4 on some processors)."""

MOST_KEYS = 64
"""Equal beginnings are found in a table of keys where there are at most so many a row (benchmarks/scale.md)."""

SMALLEST = 1e-12

DROPOUT = ((2_000, 0.3), (20_000, 0.1), (float("inf"), 0.0))
"""Below so many training rows, that share of G's hidden units is dropped (benchmarks/tables.md)."""

COUNTED = 1 << 20
"""Training rows that are counted at a time: all may not fit in memory."""


class SequentialGenerator(ColumnGenerator):
    """G for vectors of one-of-K blocks; z has a number for each block.

    Args:
        spec: a vector without continuous blocks.
        width, depth: hidden units, and hidden layers, of each block's network.
        num_latents: numbers of z: one a block.
        embedding: numbers that stand for a decided block.

    Attributes:
        multiply_in: the type in which inner layers are multiplied: bfloat16 is several times faster where the processor
            has it, and as good (benchmarks/tables.md). Weights and heads stay float32.
        dropout: share of hidden units that are dropped while learning by likelihood, in [0, 1).
    """

    num_candidates = NUM_CANDIDATES

    def __init__(self, spec: Spec, width: int, depth: int, num_latents: int, embedding: int) -> None:
        super().__init__()
        assert all(b.type != "continuous" for b in spec.blocks), "a sequential generator makes one-of-K blocks only"
        assert num_latents == len(spec.blocks), "z has a number for each block"
        self.spec, self.condition, self.num_latents = spec, None, num_latents
        self.sizes = [b.size for b in spec.blocks]
        self.num_blocks = self.num_order_uniforms = len(self.sizes)
        self.embedding = embedding
        self.width, self.depth, self.dropout = width, depth, 0.0
        blocks, total, inputs = self.num_blocks, sum(self.sizes), self.num_blocks * (embedding + 1)
        self.embed = nn.Parameter(0.3 * torch.randn(total, embedding))
        # inputs: all embeddings, then all marks "is decided"
        self.first_weight = nn.Parameter(torch.randn(blocks, inputs, width) * math.sqrt(2 / inputs))
        self.first_bias = nn.Parameter(torch.zeros(blocks, 1, width))
        self.weights = nn.ParameterList(
            nn.Parameter(torch.randn(blocks, width, width) * 0.5 / math.sqrt(width)) for _ in range(depth - 1)
        )
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(blocks, 1, width)) for _ in range(depth - 1))
        self.head_weight = nn.Parameter(torch.zeros(total, width))
        self.head_bias = nn.Parameter(torch.zeros(total))
        self.embed_waves = nn.Parameter(0.3 * torch.randn(blocks, NUM_WAVES, embedding))
        self.head_waves = nn.Parameter(torch.zeros(blocks, NUM_WAVES, width))
        for t, (part, block) in enumerate(zip(torch.split(self.embed.detach(), self.sizes), spec.blocks, strict=True)):
            if block.ordered:
                part *= 0.3  # a view: the waves give the rest
            self.register_buffer(f"waves{t}", waves_of(block.ordered, block.size), persistent=False)
        self.register_buffer("offsets", torch.tensor(spec.offsets[:-1]), persistent=False)

    def axes(self) -> Axes:
        """See `Network.axes`."""
        own = Axis(((self.embedding,),))  # fewer where there are many blocks
        hidden = [f"{name}.{layer}" for name in ("weights", "biases") for layer in range(self.depth - 1)]
        return {
            "embed": {0: NUMBERS, 1: own},
            "embed_waves": {0: BLOCKS, 2: own},
            "first_weight": {0: BLOCKS, 1: Axis((("blocks", self.embedding), ("blocks",)), enters=True)},
            "head_weight": {0: NUMBERS},
            "head_bias": {0: NUMBERS},
            **{name: {0: BLOCKS} for name in ("first_bias", "head_waves", *hidden)},
        }

    @property
    def num_dropout_uniforms(self) -> int:
        """See `ColumnGenerator`."""
        return self.depth * self.width if self.dropout else 0

    def start_from(self, x: Tensor) -> None:
        """Sets the heads to the marginals of training records, so that G starts as independent columns, and `dropout`.

        Args:
            x: [N, num_blocks] compact records.
        """
        self.dropout = next(share for rows, share in DROPOUT if len(x) < rows)
        with torch.no_grad():
            biases = list(self._head_biases())
            total = [torch.zeros(size, dtype=torch.float64) for size in self.sizes]
            for begin in range(0, len(x), COUNTED):
                part = x[begin : begin + COUNTED]
                for t, counts in enumerate(total):
                    counts += torch.bincount(part[:, t].long(), minlength=len(counts)).cpu()
            for bias, counts in zip(biases, total, strict=True):
                bias.copy_(((counts + 0.1) / (counts + 0.1).sum()).log())

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`: hard choices going forward, the gradient of the softmax going back."""
        embedded: list[Tensor] = []
        chosen: list[Tensor] = []
        for t, part in enumerate(self._parts()):
            before = torch.cat(embedded, 1) if embedded else None
            logits = part.logits(before, list(range(t)), len(z))
            soft = logits.softmax(1)
            code, _ = _inverse_cdf(_weights(logits.detach(), None).cumsum(1), torch.special.ndtr(z[:, t].double()))
            hard = F.one_hot(code, self.sizes[t]).to(soft.dtype)
            choice = hard + soft - soft.detach()
            chosen.append(choice)
            embedded.append(choice @ part.embedding)
        return torch.cat(chosen, 1)

    def likelihood_loss(self, x: Tensor, c: Tensor | None, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """See `ColumnGenerator.likelihood_loss`: the chain rule under an order drawn for each record."""
        return self.nats(x, u, dropout).mean()

    def nats(self, x: Tensor, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """[B]: the negative log-likelihood of each record; see `likelihood_loss`."""
        code = x.long()
        nats = torch.zeros(len(x), device=x.device)
        for t, logits in enumerate(self.cell_logits(x, u, dropout)):
            nats = nats + F.cross_entropy(logits, code[:, t], reduction="none")
        return nats

    def cell_logits(self, x: Tensor, u: Tensor, dropout: Tensor | None = None) -> list[Tensor]:
        """See `ColumnGenerator.cell_logits`."""
        embedded = self.embedded(x)
        rank = u.clone()
        own = torch.arange(self.num_blocks, dtype=u.dtype, device=u.device)
        rank[: int(len(u) * FIXED_ORDER_SHARE)] = own
        return self._logits(embedded, rank, dropout)

    def embedded(self, x: Tensor) -> Tensor:
        """[B, F, E] for compact records [B, F], of which the whole part is the cell."""
        return torch.cat(self._embeddings())[x.long() + self.get_buffer("offsets")]

    def embedded_of(self, x: Sequence[Tensor]) -> Tensor:
        """The same of records that are given as one-hots, a tensor [B, K] a block; they may carry gradients."""
        return torch.stack([part @ embedding for part, embedding in zip(x, self._embeddings(), strict=True)], 1)

    def cell_logits_of(self, x: Sequence[Tensor], rank: Tensor) -> list[Tensor]:
        """The same of records that are given as one-hots, a tensor [B, K] a block; they may carry gradients.

        rank: [B, F], by which the blocks of each record are in order.
        """
        return self._logits(self.embedded_of(x), rank, None)

    def cell_logits_given_others(
        self, embedded: Tensor, known: Tensor, c: Tensor | None = None, which: Sequence[int] | None = None
    ) -> list[Tensor]:
        """For blocks [B, K] the logits of their cells, given those of the others that are known.

        embedded: [B, F, E], of the records' cells. known: [B, F], 1 or 0. c: [n, B, width] or None, what enters the
        first layers beside them. which: the n blocks; None = all.
        """
        blocks = range(self.num_blocks) if which is None else which
        count, numbers = len(blocks), self.num_blocks * self.embedding
        at = torch.tensor(blocks, device=embedded.device)
        weights = self.first_weight if which is None else self.first_weight[at]
        weights = weights.to(self.multiply_in)
        others = (at.unsqueeze(1) != torch.arange(self.num_blocks, device=at.device)).to(weights.dtype)  # [n, F]
        own = weights[:, :numbers].view(count, self.num_blocks, self.embedding, -1) * others[:, :, None, None]
        marks = weights[:, numbers:] * others.unsqueeze(2)  # [n, F, H]
        joined = torch.cat([own.flatten(1, 2), marks], 1).transpose(0, 1).flatten(1)  # -> [F * E + F, n * H]
        seen = torch.cat([(embedded * known.unsqueeze(2)).flatten(1), known], 1).to(joined.dtype)
        h = (seen @ joined).view(len(seen), count, -1).transpose(0, 1)  # -> [n, B, H]
        h = h + (self.first_bias if which is None else self.first_bias[at]).to(h.dtype)
        return self._behind(h if c is None else h + c.to(h.dtype), [], blocks)

    def _logits(self, embedded: Tensor, rank: Tensor, dropout: Tensor | None) -> list[Tensor]:
        """For each block [B, K] its logits, given those [B, F, E] of a smaller rank [B, F]."""
        # [F, B, F]: is source s before target t?
        known = (rank.unsqueeze(0) < rank.T.unsqueeze(2)).to(self.multiply_in)
        sources = (embedded.to(self.multiply_in).unsqueeze(0) * known.unsqueeze(3)).flatten(2)
        inputs = torch.cat([sources, known], 2)  # [F, B, F * E + F]
        # one mask a layer serves all blocks: their networks share nothing behind the embeddings
        kept = [] if dropout is None else [d >= self.dropout for d in dropout.chunk(self.depth, 1)]
        masks = [(k / (1 - self.dropout)).to(self.multiply_in) for k in kept]
        return self._behind(_affine(self.first_bias, inputs, self.first_weight), masks, range(self.num_blocks))

    def _behind(self, first: Tensor, masks: Sequence[Tensor], blocks: Sequence[int]) -> list[Tensor]:
        """For n blocks [B, K] their logits, of their first layers [n, B, H]; masks: [B, H] of dropout, each layer's."""
        h = F.silu(first)
        if masks:
            h = h * masks[0]
        for layer, pair in enumerate(zip(self.weights, self.biases, strict=True), 1):
            weight, bias = pair if len(blocks) == self.num_blocks else (p[torch.tensor(blocks)] for p in pair)
            inner = F.silu(_affine(bias, h, weight))
            h = h + (inner * masks[layer] if masks else inner)
        heads, biases = self._heads(), self._head_biases()
        return [torch.addmm(biases[t], inner, heads[t].T) for t, inner in zip(blocks, h.float().unbind(0), strict=True)]

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        allowed: Mapping[int, Tensor],
        candidate_uniforms: Tensor | None = None,
        masks: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """See `ColumnGenerator.generate`.

        Restricted blocks come first, each drawn from its conditional distribution times the weight of its cells, so
        every record obeys. Where two or more blocks are restricted to more than one cell, the first of them would not
        know of the others; `NUM_CANDIDATES` draws of all restricted blocks are made and one is taken with probability
        proportional to how likely the later restrictions were (sampling importance resampling, Rubin 1988).
        """
        place = torch.special.ndtr(z.double()).clamp(SMALLEST, 1 - SMALLEST)
        never = {**(masks or {}), **allowed}
        restricted = _first_known(allowed)
        sequence = [*restricted, *(t for t in range(self.num_blocks) if t not in allowed)]
        result = torch.zeros(len(z), self.num_blocks, dtype=torch.float64, device=z.device)
        parts = self._parts()
        begun = _Begun(len(z), self.num_blocks, z.device)
        begin = 0
        if self.needs_candidates(allowed):
            assert candidate_uniforms is not None
            begin = len(allowed)
            result = self._choose_candidates(parts, allowed, candidate_uniforms, len(z))
            for t in restricted:
                begun.add(result[:, t].long(), parts[t].rounded)
        for s, t in list(enumerate(sequence))[begin:]:
            logits = parts[t].logits(begun.embedded, sequence[:s], begun.count)
            upto = _weights(logits, never.get(t)).cumsum(1)
            code, position = _inverse_cdf(begun.spread(upto), place[:, t])
            result[:, t] = code + position
            begun.add(code, parts[t].rounded)
        return result

    def needs_candidates(self, allowed: Mapping[int, Tensor]) -> bool:
        """See `ColumnGenerator.needs_candidates`."""
        return sum(int((weight > 0).sum()) > 1 for weight in allowed.values()) >= 2

    @torch.no_grad()
    def fill(
        self, code: Tensor, known: Tensor, uniforms: Tensor, allowed: Mapping[int, Tensor], order: Sequence[int]
    ) -> Tensor:
        """See `ColumnGenerator.fill`."""
        parts, known, place = self._parts(), known.clone(), uniforms.clamp(SMALLEST, 1 - SMALLEST)
        embedded = torch.stack([part.rounded[code[:, t]] for t, part in enumerate(parts)], 1)  # [B, F, E]
        result = code.double() + place
        for t in order:
            here = known[:, t].clone()
            if bool(here.all()):
                continue
            logits = parts[t].logits_given(embedded, known)
            drawn, position = _inverse_cdf(_weights(logits, allowed.get(t)).cumsum(1), place[:, t])
            result[:, t] = torch.where(here, result[:, t], drawn + position)
            embedded[:, t] = torch.where(here.unsqueeze(1), embedded[:, t], parts[t].rounded[drawn])
            known[:, t] = True
        return result

    @torch.no_grad()
    def log_probabilities(self, code: Tensor, rank: Tensor, blocks: Sequence[int]) -> Tensor:
        """See `ColumnGenerator.log_probabilities`."""
        parts = self._parts()
        embedded = torch.stack([part.rounded[code[:, t]] for t, part in enumerate(parts)], 1)  # [B, F, E]
        found = [
            parts[t]
            .logits_given(embedded, rank < rank[:, t : t + 1])
            .double()
            .log_softmax(1)
            .gather(1, code[:, t : t + 1])
            for t in blocks
        ]
        return torch.cat(found, 1)

    def _embeddings(self) -> list[Tensor]:
        """For each block [K, E]: what stands for its cells."""
        return self._with_waves(self.embed, self.embed_waves)

    def _heads(self) -> list[Tensor]:
        """For each block [K, H]: the weights from the last hidden layer to its logits."""
        return self._with_waves(self.head_weight, self.head_waves)

    def _head_biases(self) -> list[Tensor]:
        return list(torch.split(self.head_bias, self.sizes))

    def _with_waves(self, own: Tensor, waves: Tensor) -> list[Tensor]:
        # split and unbind go back as one copy each; slices would each fill the whole with zeros
        pairs = zip(torch.split(own, self.sizes), waves.unbind(0), strict=True)
        return [
            mine + self.get_buffer(f"waves{t}") @ wave if self.spec.blocks[t].ordered else mine
            for t, (mine, wave) in enumerate(pairs)
        ]

    def _parts(self) -> list[_Part]:
        """The small network of each block."""
        kind = self.multiply_in
        firsts = zip(self.first_weight.to(kind).unbind(0), self.first_bias.unbind(0), strict=True)
        hidden = [
            list(zip(w.to(kind).unbind(0), b.unbind(0), strict=True))
            for w, b in zip(self.weights, self.biases, strict=True)
        ]
        heads = zip(self._heads(), self._head_biases(), self._embeddings(), strict=True)
        return [
            _Part(weight, bias, [layer[t] for layer in hidden], head, head_bias, embedding)
            for t, ((weight, bias), (head, head_bias, embedding)) in enumerate(zip(firsts, heads, strict=True))
        ]

    @torch.no_grad()
    def log_mass(self, allowed: Mapping[int, Tensor], uniforms: Tensor) -> float:
        """The log-probability of the restrictions of `generate` together, by the mean over n draws; exact for any n
        where at most one block is restricted to more than one cell.

        uniforms: [n, number of restricted blocks] float64 in (0, 1).
        """
        _, log_weight = self._candidates(self._parts(), allowed, uniforms)
        return float(log_weight.logsumexp(0)) - math.log(len(uniforms))

    def _choose_candidates(
        self, parts: Sequence[_Part], allowed: Mapping[int, Tensor], uniforms: Tensor, num_rows: int
    ) -> Tensor:
        """The restricted blocks, [B, num_blocks] float64 with zeros elsewhere; see `generate`."""
        many = uniforms[:, :-1].reshape(num_rows * NUM_CANDIDATES, len(allowed)).double()
        drawn, log_weight = self._candidates(parts, allowed, many)
        share = log_weight.view(num_rows, NUM_CANDIDATES).softmax(1)
        pick, _ = _inverse_cdf(share.cumsum(1), uniforms[:, -1].double())
        return drawn.view(num_rows, NUM_CANDIDATES, -1)[torch.arange(num_rows, device=pick.device), pick]

    def _candidates(
        self, parts: Sequence[_Part], allowed: Mapping[int, Tensor], uniforms: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draws of the restricted blocks, [n, num_blocks] float64 with zeros elsewhere, and the logarithms [n] of how
        likely what is allowed was at each, given those before it.
        """
        drawn = uniforms.new_zeros(len(uniforms), self.num_blocks)
        log_weight = uniforms.new_zeros(len(uniforms))
        embedded, sequence = self.embed.new_zeros(len(uniforms), 0), _first_known(allowed)
        for s, t in enumerate(sequence):
            logits = parts[t].logits(embedded, sequence[:s], len(uniforms))
            upto = _weights(logits, allowed[t]).cumsum(1)
            code, position = _inverse_cdf(upto, uniforms[:, s])
            log_weight += upto[:, -1].double().log() - _weights(logits, None).sum(1).double().log()
            drawn[:, t] = code + position
            embedded = torch.cat([embedded, parts[t].embedding[code]], 1)
        return drawn, log_weight


@dataclass(frozen=True)
class _Part:
    """The network of one block: its weights, as views of the generator's.

    first_weight: [F * E + F, H]: from all embeddings and all marks "is decided"; first_bias: [1, H].
    hidden: (weight [H, H], bias [1, H]) a layer. head: [K, H]; head_bias: [K]. embedding: [K, E].
    Inner layers are computed in the first weight's type, the head in float32.
    """

    first_weight: Tensor
    first_bias: Tensor
    hidden: list[tuple[Tensor, Tensor]]
    head: Tensor
    head_bias: Tensor
    embedding: Tensor

    @property
    def rounded(self) -> Tensor:
        """[K, E]: the embeddings in the type that inner layers are computed in."""
        return self.embedding.to(self.first_weight.dtype)

    def logits(self, embedded: Tensor | None, decided: Sequence[int], num_rows: int) -> Tensor:
        """Logits [B, K] given the embeddings [B, n * E] of the n blocks `decided`, in that order."""
        h = self.first_bias.to(self.first_weight.dtype).expand(num_rows, -1)
        if embedded is not None and decided:
            size = self.embedding.shape[1]
            blocks = len(self.first_weight) // (size + 1)
            # a slice where blocks are in order, which is not copied
            ordered = list(decided) == list(range(len(decided)))
            index = slice(len(decided)) if ordered else torch.tensor(decided, device=embedded.device)
            weight = self.first_weight[: blocks * size].view(blocks, size, -1)[index].flatten(0, 1)
            marks = self.first_weight[blocks * size :][index].sum(0)
            h = _affine(self.first_bias + marks, embedded.to(weight.dtype), weight)
        return self._behind(h)

    def logits_given(self, embedded: Tensor, known: Tensor) -> Tensor:
        """Logits [B, K] given the embeddings [B, F, E] of those blocks that are `known` [B, F] bool."""
        marks = known.to(self.first_weight.dtype)
        inputs = torch.cat([(embedded.to(marks.dtype) * marks.unsqueeze(2)).flatten(1), marks], 1)
        return self._behind(_affine(self.first_bias, inputs, self.first_weight))

    def _behind(self, h: Tensor) -> Tensor:
        h = F.silu(h)
        for weight, bias in self.hidden:
            h = h + F.silu(_affine(bias, h, weight))
        return torch.addmm(self.head_bias, h.float(), self.head.T)


def _first_known(allowed: Mapping[int, Tensor]) -> list[int]:
    """Restricted blocks: those that are known outright, then those of several cells."""
    return sorted(allowed, key=lambda t: int((allowed[t] > 0).sum()) != 1)


def embedding_for(blocks: int) -> int:
    """Numbers that stand for a block's cell, where a record has so many blocks."""
    return max(4, min(16, 512 // blocks))


def _affine(bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """bias + x @ weight in the type of x (its products are summed in float32 whatever the type)."""
    bias, weight = bias.to(x.dtype), weight.to(x.dtype)
    return torch.baddbmm(bias, x, weight) if x.dim() == 3 else torch.addmm(bias, x, weight)


def waves_of(ordered: int, size: int) -> Tensor:
    """[size, NUM_WAVES]: sqrt(2) cos(pi p (k + 1/2) / ordered) for the cells k in order (the DCT-II basis), else 0."""
    at = torch.device("cpu")  # also where a model file is checked on "meta", which takes longer
    places = (torch.arange(ordered, device=at).unsqueeze(1) + 0.5) / max(ordered, 1)
    waves = torch.zeros(size, NUM_WAVES, device=at)
    waves[:ordered] = math.sqrt(2) * torch.cos(math.pi * places * torch.arange(1, NUM_WAVES + 1, device=at))
    return waves


class _Begun:
    """Records of which some blocks are decided, equal beginnings held once: blocks of few cells repeat much.

    embedded: [count, n * E] embeddings of the n blocks decided so far, one row a beginning; None for n = 0.
    """

    def __init__(self, num_rows: int, num_blocks: int, device: torch.device) -> None:
        self.num_rows, self.num_blocks, self.count = num_rows, num_blocks, 1
        self.embedded: Tensor | None = None
        self._room: Tensor | None = None  # [num_rows, num_blocks * E], of which `embedded` is the first part
        # which beginning a row has; None once every row stands for itself
        self.of_row: Tensor | None = torch.zeros(num_rows, dtype=torch.int64, device=device)

    def spread(self, x: Tensor) -> Tensor:
        """[count, K] of the beginnings to [num_rows, K] of the rows."""
        return x if self.of_row is None else x.index_select(0, self.of_row)

    def add(self, code: Tensor, embedding: Tensor) -> None:
        """Appends a block: its codes [num_rows] and the embeddings [K, E] of its cells."""
        new = embedding.index_select(0, code) if self.of_row is None else None
        if self.of_row is not None:
            beginnings, of_row = _distinct(self.of_row * len(embedding) + code, self.count * len(embedding))
            if 2 * len(beginnings) > self.num_rows:
                new = embedding.index_select(0, code)
                self._room = new.new_empty(self.num_rows, self.num_blocks * new.shape[1])
                if self.embedded is not None:
                    self._room[:, : self.embedded.shape[1]] = self.embedded.index_select(0, self.of_row)
                self.of_row, self.count = None, self.num_rows
        if new is not None:
            assert self._room is not None
            known = 0 if self.embedded is None else self.embedded.shape[1]
            self._room[:, known : known + new.shape[1]] = new
            self.embedded = self._room[:, : known + new.shape[1]]
            return
        # Filled up to one of few sizes: for every size that is new oneDNN compiles and keeps code, which took a part of
        # the time and, over a million rows, hundreds of MB.
        step = 1 << max(len(beginnings).bit_length() - SIZE_BITS, 0)
        beginnings = F.pad(beginnings, (0, max(-len(beginnings) % step, LEAST_TOGETHER - len(beginnings))))
        before = None if self.embedded is None else self.embedded.index_select(0, beginnings // len(embedding))
        self.of_row, self.count = of_row, len(beginnings)
        new = embedding.index_select(0, beginnings % len(embedding))
        self.embedded = new if before is None else torch.cat([before, new], 1)


def _distinct(keys: Tensor, end: int) -> tuple[Tensor, Tensor]:
    """`torch.unique` with its inverse, of int64 [N] in [0, end): without sorting where a table of all keys is small."""
    if end > MOST_KEYS * len(keys):
        distinct, place = torch.unique(keys, return_inverse=True)
        return distinct, place
    there = torch.zeros(end, dtype=torch.bool, device=keys.device)
    there[keys] = True
    found = there.nonzero().squeeze(1)
    place = torch.empty(end, dtype=torch.int64, device=keys.device)
    place[found] = torch.arange(len(found), device=keys.device)
    return found, place[keys]


def _weights(logits: Tensor, allowed: Tensor | None) -> Tensor:
    """exp(logits) [B, K] up to a factor a row, times what is allowed [K] of each cell."""
    weights = (logits - logits.amax(1, keepdim=True)).exp_()
    # A tiny floor keeps a restriction obeyed where G gives the allowed cells no mass at all.
    return weights if allowed is None else weights.add_(SMALLEST).mul_(allowed)


def _inverse_cdf(upto: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """The cell in which `place` of the whole weight falls, and where inside it.

    Args:
        upto: [B, K], rising sums of weights, of any positive total.
        place: [B] float64 in (0, 1).

    Returns:
        code [B] int64, of positive weight; position [B] float64 in [0, 1).
    """
    code, at = cell_at(upto, place)
    upper = upto.gather(1, code).squeeze(1).double()
    lower = upto.gather(1, (code - 1).clamp_(min=0)).squeeze(1).double()
    code = code.squeeze(1)
    lower = torch.where(code > 0, lower, torch.zeros_like(lower))
    position = ((at.squeeze(1).double() - lower) / (upper - lower)).clamp_(0.0, 1 - 1e-9)
    return code, position


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` 128, `depth` 2 where they are None; embeddings of 16 numbers, fewer where there are many blocks."""
    assert condition is None, "a sequential generator needs no condition: any block can be given"
    from gankit.networks.vectors.columns import SequentialDiscriminator

    blocks = len(spec.blocks)
    pair = [SequentialGenerator(spec, width or 128, depth or 2, blocks, embedding_for(blocks)) for _ in range(2)]
    return pair[0], SequentialDiscriminator(pair[1:])


def _recipe(task: Task) -> dict[str, Any]:
    # benchmarks/tables.md
    if task.penalty == "wgan-gp":
        raise OptionError("--penalty wgan-gp: this D judges choices, between which there is nothing. Use r1r2.")
    game = {"loss": "nonsaturating", "penalty_weight": 0.2, "learning_rate": 2e-3}
    if task.warmup == 0:  # the game alone
        return {**game, "penalty_weight": 2.0, "generator_rate": 0.5, "ema_half_life": float(task.rows)}
    return {
        **game,
        "warmup": 0.9,
        "warmup_batch": task.batch or min(max(task.rows // 50, 16), 512),
        "warmup_keeps_last": not task.judged_by_likelihood,
        "d_warmup": 0.04,
        "likelihood_weight": 0.1,
        "generator_rate": 0.03,
        "ema_half_life": 10.0 * task.rows,
    }


def _joined(pairs: Sequence[Any]) -> Networks:
    from gankit.networks.vectors.columns import SequentialDiscriminator
    from gankit.networks.vectors.ensemble import Ensemble

    judges = [judge for _, discriminator in pairs for judge in discriminator.all]
    return Ensemble([generator for generator, _ in pairs]), SequentialDiscriminator(judges)


PAIR = Pair(
    "sequential", ("choices",), _build, recipe=_recipe, bfloat16=("vector",), likelihood=True, takes_condition=False,
    most_blocks=400, joined=_joined, unused={"latents": "the sequential network takes one number of z a column"},
)  # fmt: skip

"""The pair for texts: a recurrent generator of symbols and a discriminator with several windows on them.

Knows Spec and tensors; never columns, files or kinds of data.

G: symbol t is drawn from softmax(logits_t(symbols before, z, c)) by inverse CDF at u_t, so the same draws give the same
text, whether it is wanted as one-hots with a gradient (`forward`) or as codes alone (`generate`). Going back, every
choice carries the gradient of its softmax (straight through: Bengio et al. 2013), as in the Gumbel-softmax (Jang et
al. 2017) but for the noise, which is in the choice alone; what a symbol does to the symbols after it carries none:
states are computed again from the chosen symbols, all steps of a text in one pass.

Code 0 ends a text; a text that has ended goes on with 0. Since no text goes on behind a 0, the embedding of code 0
stands for "nothing yet" before the first symbol.

The gated recurrent unit is twice as fast as torch's on the CPU. Texts of different length are packed: all first
symbols, then all second ones, and so on, the longest text first, so that step t is made for the first `sizes[t]` texts
only. The gradient of the weights is one product at the end in place of one a step.

D: convolutions of several widths over symbols, one head each. Each head embeds the symbols by itself (RelGAN, Nie et
al. 2019, section 2.3, has several embedded representations of a text for the same reason: more ways of being told
apart), sees them through its own window, and gives a logit; D's logit is their mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import NUMBERS, Axes, DifferentiatedDiscriminator, Networks, Pair, SymbolGenerator, Task
from gankit.networks.blocks import cell_at
from gankit.networks.layers import SLOPE, add_condition
from gankit.spec import Spec

# --- a recurrent unit over packed texts -------------------------------------------------------------------------------

GROUP = 16
"""Numbers of texts a step are filled up to multiples of it: for every size that is new oneDNN compiles code."""


@dataclass(frozen=True)
class Packing:
    """Where the symbols of B texts of different length stand when they are packed.

    order: [B] int64, the texts from the longest to the shortest.
    sizes: how many of them take part in each step; never more than before.
    rows, steps: [S] int64, the text and the step of each packed symbol.
    real: [S] bool; False for symbols behind the end of their text, by which a step is filled up.
    """

    order: Tensor
    sizes: tuple[int, ...]
    rows: Tensor
    steps: Tensor
    real: Tensor

    @classmethod
    def of(cls, lengths: Tensor, most: int) -> Packing:
        """The packing of texts of `lengths` [B] int64, each from 1 to `most`.

        Elsewhere than on a CPU every step takes all texts: to learn their lengths would make the device wait.
        """
        if lengths.device.type != "cpu":
            return cls.unsorted(lengths, most)
        ordered, order = lengths.sort(descending=True, stable=True)
        longest = int(ordered[0])
        counts = (ordered.unsqueeze(0) > torch.arange(longest, device=lengths.device).unsqueeze(1)).sum(1)  # [T]
        counts = (-(-counts // GROUP) * GROUP).clamp_max(len(lengths))
        sizes = tuple(counts.tolist())
        places = torch.cat([torch.arange(n, device=lengths.device) for n in sizes])
        steps = torch.repeat_interleave(torch.arange(longest, device=lengths.device), counts)
        rows = order[places]
        return cls(order, sizes, rows, steps, steps < lengths[rows])

    @classmethod
    def unsorted(cls, lengths: Tensor, most: int) -> Packing:
        """The packing in which every text takes part in all of `most` steps."""
        every, each = (torch.arange(n, device=lengths.device) for n in (len(lengths), most))
        rows, steps = every.repeat(most), each.repeat_interleave(len(lengths))
        return cls(every, (len(lengths),) * most, rows, steps, steps < lengths[rows])


class GatedUnit(nn.Module):
    """One layer of a gated recurrent unit (Cho et al. 2014), the form with the reset gate behind the product.

        r = sigmoid(W_r x + U_r h + b_r), s = sigmoid(W_s x + U_s h + b_s)
        n = tanh(W_n x + b_n + r (U_n h + d)),  h' = (1 - s) n + s h

    Args:
        inputs: numbers of x.
        width: numbers of h.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        reach = 1 / math.sqrt(width)
        self.from_input = nn.Parameter(torch.empty(3 * width, inputs).uniform_(-reach, reach))
        self.from_state = nn.Parameter(torch.empty(3 * width, width).uniform_(-reach, reach))
        self.bias = nn.Parameter(torch.empty(3 * width).uniform_(-reach, reach))
        self.new_bias = nn.Parameter(torch.empty(width).uniform_(-reach, reach))

    def gates(self, x: Tensor, multiply_in: torch.dtype) -> Tensor:
        """What the input adds to the gates: [S, inputs] -> [S, 3 * width], in the type of x."""
        return (x.to(multiply_in) @ self.from_input.to(multiply_in).T).to(x.dtype) + self.bias

    def through(self, gates: Tensor, h: Tensor, sizes: tuple[int, ...], multiply_in: torch.dtype) -> Tensor:
        """States after every step.

        Args:
            gates: [S, 3 * width], packed by `sizes`.
            h: [B, width], the states before the first step, in the packing's order.
            sizes: texts of each step.
            multiply_in: the type of the products.

        Returns:
            [S, width] float32, packed.
        """
        # torch leaves apply untyped
        states: Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]
            gates, h, self.from_state.to(multiply_in), self.new_bias, sizes
        )
        return states

    def step(self, gates: Tensor, h: Tensor, multiply_in: torch.dtype) -> Tensor:
        """One step without gradients: gates [n, 3 * width], h [n, width] -> [n, width]."""
        return _step(gates, h, self.from_state.to(multiply_in), self.new_bias)[0]


def _step(gates: Tensor, h: Tensor, weight: Tensor, new_bias: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """h' and what its derivative needs: r, s, n and U_n h + d."""
    width = h.shape[1]
    own = (h.to(weight.dtype) @ weight.T).to(h.dtype)
    both = torch.sigmoid(gates[:, : 2 * width] + own[:, : 2 * width])
    reset, stay = both[:, :width], both[:, width:]
    inner = own[:, 2 * width :] + new_bias
    new = torch.tanh(torch.addcmul(gates[:, 2 * width :], reset, inner))
    return torch.lerp(new, h, stay), reset, stay, new, inner


class _Recurrence(torch.autograd.Function):
    """All steps of a `GatedUnit`; its derivative is written out (once differentiable)."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, h: Tensor, weight: Tensor, new_bias: Tensor, sizes: tuple[int, ...]) -> Tensor:
        """gates [S, 3H], h [B, H], weight [3H, H], new_bias [H] -> states [S, H]."""
        first, kept = h, []
        states, begin = [], 0
        for size in sizes:
            before = h[:size]
            h, *rest = _step(gates[begin : begin + size], before, weight, new_bias)
            states.append(h)
            kept.append((before, *rest))
            begin += size
        ctx.kept, ctx.sizes, ctx.batch = kept, sizes, len(first)
        ctx.save_for_backward(weight)
        return torch.cat(states)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """grad [S, H] -> gradients of gates, h, weight and new_bias."""
        (weight,) = ctx.saved_tensors
        width, end = grad.shape[1], len(grad)
        to_gates = grad.new_empty(end, 3 * width)  # of the pre-activations as the input sees them
        to_inner = torch.empty_like(grad)  # of U_n h + d
        back = grad.new_zeros(0, width)
        for (before, reset, stay, new, inner), size in zip(reversed(ctx.kept), reversed(ctx.sizes), strict=True):
            begin = end - size
            dh = grad[begin:end].clone()
            dh[: len(back)] += back
            at = to_gates[begin:end]
            new_slope = dh * (1 - stay) * (1 - new * new)
            at[:, 2 * width :] = new_slope
            at[:, :width] = new_slope * inner * reset * (1 - reset)
            at[:, width : 2 * width] = dh * (before - new) * stay * (1 - stay)
            torch.mul(new_slope, reset, out=to_inner[begin:end])
            own = torch.cat([at[:, : 2 * width], to_inner[begin:end]], 1)
            back = torch.addcmul((own.to(weight.dtype) @ weight).to(grad.dtype), dh, stay)
            end = begin
        before_all = torch.cat([kept[0] for kept in ctx.kept]).to(weight.dtype)
        own_all = torch.cat([to_gates[:, : 2 * width], to_inner], 1).to(weight.dtype)
        whole = grad.new_zeros(ctx.batch, width)
        whole[: len(back)] = back
        return to_gates, whole, own_all.T @ before_all, to_inner.sum(0), None


# --- the generator ----------------------------------------------------------------------------------------------------

FIRST_SPREAD = 0.1
"""Standard deviation of what z adds to the inputs before training, beside embeddings of `EMBEDDING_SPREAD`."""

EMBEDDING_SPREAD = 0.3

DROPPED_AT = 0.75
"""Texts that have ended are put aside in `generate` when no more than this share of those at hand goes on."""

SMALLEST = 1e-6

DROPOUT = ((10_000, 0.3), (100_000, 0.2), (500_000, 0.1), (float("inf"), 0.0))
"""Below so many symbols in all training texts, that share of G's numbers is dropped while it learns by likelihood."""


class SymbolsGenerator(SymbolGenerator):
    """G for sequences of one one-of-K block: texts.

    z is added to the input of every step and sets the first state.

    Args:
        spec: a sequence of one categorical block; code 0 ends a text.
        width, depth: numbers of the state of each recurrent layer; layers.
        embedding: numbers that stand for a symbol, at the input and, the same, at the output.

    Attributes:
        dropout: share of the numbers that are dropped while learning by likelihood, in [0, 1): of the inputs and of
            every layer's output, the same ones at every step of a text (Gal and Ghahramani 2016).
        gradient_temperature: of the softmax whose gradient a choice carries.
    """

    def __init__(
        self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int, embedding: int
    ) -> None:
        super().__init__()
        assert spec.form == "sequence" and [b.type for b in spec.blocks] == ["categorical"], "one block of symbols"
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        self.num_steps, self.num_symbols = spec.shape
        self.num_uniforms, self.num_order_uniforms = self.num_steps, num_latents
        self.width, self.depth, self.size = width, depth, embedding
        self.dropout, self.gradient_temperature = 0.0, 1.0
        self.embed = nn.Parameter(EMBEDDING_SPREAD * torch.randn(self.num_symbols, embedding))
        self.from_latent = nn.Linear(num_latents, embedding, bias=False)
        nn.init.normal_(self.from_latent.weight, std=FIRST_SPREAD / num_latents**0.5)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, embedding, bias=False)
        self.first_states = nn.Linear(embedding, depth * width)
        self.layers = nn.ModuleList(GatedUnit(embedding if k == 0 else width, width) for k in range(depth))
        self.to_embedding = nn.Linear(width, embedding)
        self.head_bias = nn.Parameter(torch.zeros(self.num_symbols))

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {"embed": {0: NUMBERS}, "head_bias": {0: NUMBERS}}

    @property
    def num_dropout_uniforms(self) -> int:
        """See `SymbolGenerator`."""
        return self.size + self.depth * self.width if self.dropout else 0

    def start_from(self, x: Tensor) -> None:
        """Sets the head's bias to how often each symbol stands in training texts, their ends included, and `dropout`.

        Args:
            x: [N, T, 1] or [N, T] codes.
        """
        codes = self._codes(x)
        num_symbols = int((x > 0).sum())
        self.dropout = next(share for symbols, share in DROPOUT if num_symbols < symbols)
        counts = torch.bincount(codes[_inside(codes)], minlength=self.num_symbols) + 0.1
        with torch.no_grad():
            self.head_bias.copy_((counts / counts.sum()).log())

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`: one-hots [B, T, K] of the texts that `generate` gives for the same draws."""
        codes = self.generate(z, u, c)
        if not torch.is_grad_enabled():
            return F.one_hot(codes, self.num_symbols).float()
        packing = Packing.of(_inside(codes).sum(1), codes.shape[1])
        logits = self._logits(codes, self._context(z, c), packing, None)
        # torch leaves apply untyped
        x: Tensor = _StraightThrough.apply(  # type: ignore[no-untyped-call]
            logits, codes, packing, self.gradient_temperature
        )
        return x

    def likelihood_loss(self, x: Tensor, c: Tensor | None, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """See `LikelihoodGenerator.likelihood_loss`, for texts [B, T, 1] or [B, T], their ends included.

        z is not known for a real text: it is drawn, z = Phi^-1(u), and the mean over z of -log p(text | z) is an upper
        bound of the text's own -log p (Jensen), so that z stays what G starts from in the game.
        """
        codes = self._codes(x)
        context = self._context(torch.special.ndtri(u.clamp(SMALLEST, 1 - SMALLEST)), c)
        packing = Packing.of(_inside(codes).sum(1), codes.shape[1])
        logits = self._logits(codes, context, packing, dropout)
        targets = codes[packing.rows, packing.steps].masked_fill(~packing.real, -1)
        return F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum") / len(codes)

    @torch.no_grad()
    def log_probabilities(self, x: Tensor, c: Tensor | None, z: Tensor | None = None) -> Tensor:
        """Log-probability of every symbol of given texts, in nats: their sum over t is that of the text.

        Args:
            x: [B, T, 1] or [B, T] codes.
            c: [B, condition.dim] float32, or None.
            z: [B, num_latents] float32; None = zeros, the middle of all z.

        Returns:
            [B, T] float32, at most 0; exactly 0 behind the end of a text.
        """
        codes = self._codes(x)
        context = self._context(self.embed.new_zeros(len(codes), self.num_latents) if z is None else z, c)
        packing = Packing.of(_inside(codes).sum(1), codes.shape[1])
        logits = self._logits(codes, context, packing, None)
        chosen = logits.log_softmax(1).gather(1, codes[packing.rows, packing.steps].unsqueeze(1)).squeeze(1)
        result = chosen.new_zeros(codes.shape)
        result[packing.rows, packing.steps] = chosen.masked_fill(~packing.real, 0.0)
        return result

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        u: Tensor,
        c: Tensor | None,
        prefix: Tensor | None = None,
        temperature: float = 1.0,
        forbidden: Tensor | None = None,
    ) -> Tensor:
        """See `SymbolGenerator.generate`; texts that have ended cost nothing any more."""
        context = self._context(z, c)
        states = self._first_states(context)
        codes = torch.zeros(len(z), self.num_steps, dtype=torch.int64, device=z.device)
        rows = torch.arange(len(z), device=z.device)
        last, going = torch.zeros_like(rows), torch.ones_like(rows, dtype=torch.bool)
        bars = None if forbidden is None else forbidden.expand(self.num_steps, self.num_symbols)
        first, *further = self._units()
        # the gates of the first layer depend on symbol and z: two parts, both known before the first step
        of_symbol = first.gates(self.embed, self.multiply_in)
        of_text = first.gates(context, self.multiply_in) - first.bias
        for t in range(self.num_steps):
            h = states[0] = first.step(of_symbol[last] + of_text, states[0], self.multiply_in)
            for k, unit in enumerate(further, 1):
                h = states[k] = unit.step(unit.gates(h, self.multiply_in), states[k], self.multiply_in)
            if prefix is not None and t < len(prefix):
                code = prefix[t].expand(len(rows))
            else:
                logits = self._head(h) / temperature
                if bars is not None:
                    logits = logits.masked_fill(bars[t], float("-inf"))
                code = _choose(logits, u[rows, t])
            last = code * going
            codes[rows, t] = last
            going = last != 0
            if z.device.type != "cpu":  # which would wait for the number that goes on
                continue
            left = -(-int(going.sum()) // GROUP) * GROUP
            if left == 0:
                break
            if left <= DROPPED_AT * len(rows):
                kept = going.to(torch.uint8).argsort(descending=True, stable=True)[:left]
                rows, last, going, of_text = rows[kept], last[kept], going[kept], of_text[kept]
                states = [h[kept] for h in states]
        return codes

    def _codes(self, x: Tensor) -> Tensor:
        """[B, T, 1] or [B, T] numbers -> [B, T] int64, with 0 behind the end."""
        codes = x.reshape(len(x), self.num_steps).long()
        return codes * _inside(codes)

    def _context(self, z: Tensor, c: Tensor | None) -> Tensor:
        """What z and c add to the input of every step: [B, embedding]."""
        return add_condition(self.from_latent(z), self.from_condition, c)

    def _first_states(self, context: Tensor) -> list[Tensor]:
        """For each layer the state before the first symbol, [B, width]."""
        return list(torch.tanh(self.first_states(context)).chunk(self.depth, 1))

    def _units(self) -> Iterator[GatedUnit]:
        for layer in self.layers:
            assert isinstance(layer, GatedUnit)
            yield layer

    def _logits(self, codes: Tensor, context: Tensor, packing: Packing, dropout: Tensor | None) -> Tensor:
        """Logits [S, K], packed, of every symbol given those before it."""
        before = F.pad(codes, (1, -1))  # [B, T] -> [B, T]: the symbol before, 0 = nothing yet
        # index_select, since the gradient of indexing is slow on the CPU
        x = self.embed.index_select(0, before[packing.rows, packing.steps]) + context.index_select(0, packing.rows)
        sizes = [self.size, *[self.width] * self.depth]
        masks: list[Tensor | None] = [None] * len(sizes)
        if dropout is not None:
            masks = [(part >= self.dropout) / (1 - self.dropout) for part in torch.split(dropout, sizes, 1)]
        x = _dropped(x, masks[0], packing)
        for unit, h, mask in zip(self._units(), self._first_states(context), masks[1:], strict=True):
            gates = unit.gates(x, self.multiply_in)
            x = unit.through(gates, h.index_select(0, packing.order), packing.sizes, self.multiply_in)
            x = _dropped(x, mask, packing)
        return self._head(x)

    def _head(self, h: Tensor) -> Tensor:
        """Logits [n, K] of states [n, width]; symbols leave by the embeddings they came in by (Press and Wolf 2017)."""
        out = self.to_embedding(h).to(self.multiply_in) @ self.embed.to(self.multiply_in).T
        logits: Tensor = out.float() + self.head_bias
        return logits


def _dropped(x: Tensor, mask: Tensor | None, packing: Packing) -> Tensor:
    """x [S, n] times the mask [B, n] of its text."""
    return x if mask is None else x * mask.index_select(0, packing.rows)


def _inside(codes: Tensor) -> Tensor:
    """[B, T] bool: the symbols of each text up to the first 0, that one included."""
    ended = (codes == 0).cumsum(1)
    return ended - (codes == 0).long() == 0


def _choose(logits: Tensor, place: Tensor) -> Tensor:
    """Codes [n] in whose share of softmax(logits [n, K]) the places [n] in [0, 1) fall."""
    return cell_at(logits.softmax(1).cumsum(1), place)[0].squeeze(1)


class _StraightThrough(torch.autograd.Function):
    """One-hots of given codes whose gradient goes to the softmax they were drawn from."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, codes: Tensor, packing: Packing, temperature: float) -> Tensor:
        """logits [S, K] packed, codes [B, T] -> [B, T, K]."""
        ctx.save_for_backward((logits / temperature).softmax(1))
        ctx.packing, ctx.temperature = packing, temperature
        return F.one_hot(codes, logits.shape[1]).to(logits.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """grad [B, T, K] -> that of the logits [S, K]; what stands behind the end of a text has none."""
        (soft,) = ctx.saved_tensors
        packing: Packing = ctx.packing
        grad = grad[packing.rows, packing.steps] * packing.real.unsqueeze(1)  # [B, T, K] -> [S, K]
        through = soft * (grad - (soft * grad).sum(1, keepdim=True)) / ctx.temperature
        return through, None, None, None


# --- the discriminator ------------------------------------------------------------------------------------------------

WINDOWS = ((2, 1), (3, 1), (5, 1), (5, 4))
"""Taps and their distance of each head's first convolution; the second one has three taps at the same distance."""


class _Convolution(nn.Module):
    """Windows of `taps` places, `distance` apart, times a matrix; behind the ends of a text stand zeros.

    A product of matrices, since oneDNN would compile a convolution anew for every length.
    """

    def __init__(self, inputs: int, outputs: int, taps: int, distance: int) -> None:
        super().__init__()
        self.places = [distance * (k - taps // 2) for k in range(taps)]
        self.linear = nn.Linear(taps * inputs, outputs)

    def forward(self, h: Tensor) -> Tensor:
        """[B, L, inputs] -> [B, L, outputs]."""
        length, before = h.shape[1], -self.places[0]
        padded = F.pad(h, (0, 0, before, max(self.places[-1], 0)))
        result: Tensor = self.linear(torch.cat([padded[:, before + p : before + p + length] for p in self.places], 2))
        return result


class _Head(nn.Module):
    """One window on a text: two convolutions, and the largest, the mean and the sum of what they find."""

    def __init__(self, inputs: int, width: int, taps: int, distance: int, condition: Spec | None) -> None:
        super().__init__()
        self.first = _Convolution(inputs, width, taps, distance)
        self.second = _Convolution(width, width, 3, distance)
        self.logit = nn.Linear(3 * width, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, 3 * width, bias=False)

    def forward(self, e: Tensor, inside: Tensor, c: Tensor | None, longest: int) -> Tensor:
        """Embeddings [B, L, inputs], inside [B, L, 1] in {0, 1} -> logits [B]."""
        h = F.leaky_relu(self.first(e), SLOPE) * inside
        h = (h + F.leaky_relu(self.second(h), SLOPE)) * inside
        total = h.sum(1)
        found = torch.cat(
            [h.masked_fill(inside == 0, float("-inf")).amax(1), total / inside.sum(1), total / longest], 1
        )  # [B, 3 * width]
        weights = add_condition(self.logit.weight, self.projection, c)  # Miyato and Koyama 2018, eq. 4
        logits: Tensor = (found * weights).sum(1) + self.logit.bias
        return logits


class SymbolsDiscriminator(DifferentiatedDiscriminator):
    """D for sequences of one one-of-K block: texts.

    What stands behind the first end symbol of a text is not looked at: there every record has zeros.

    Args:
        spec: a sequence of one categorical block; code 0 ends a text.
        width: numbers of each head's layers.
        embedding: numbers that stand for a symbol, in each head.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, embedding: int) -> None:
        super().__init__()
        assert spec.form == "sequence" and [b.type for b in spec.blocks] == ["categorical"], "one block of symbols"
        self.spec, self.condition = spec, condition
        self.num_steps, num_symbols = spec.shape
        self.embed = nn.Parameter(torch.randn(num_symbols, len(WINDOWS) * embedding))
        self.from_condition = None if condition is None else nn.Linear(condition.dim, len(WINDOWS) * embedding)
        self.heads = nn.ModuleList(_Head(embedding, width, taps, distance, condition) for taps, distance in WINDOWS)

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {"embed": {0: NUMBERS}}

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        x, inside = self._up_to_the_end(x)
        return self._logits_of(x @ self.embed, inside, c)

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`: without the gradient [B, T, K] itself.

        With e = x W the gradient to x is that to e times W^T, so its squared norm is g (W^T W) g^T: a matrix of the
        embeddings in place of K numbers a symbol.
        """
        x, inside = self._up_to_the_end(x.detach())
        e = x @ self.embed
        # a leaf of its own: its gradient stops here and flows on through e below
        logits = self._logits_of(e, inside, c)
        (slope,) = torch.autograd.grad(logits.sum(), e, create_graph=True)
        gram = self.embed.T @ self.embed
        return logits, ((slope @ gram) * slope).sum((1, 2))

    def _up_to_the_end(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The part of x [B, T, K] up to the longest text's end [B, L, K], and where each text goes on [B, L, 1].

        Elsewhere than on a CPU, which need not wait for the length, it is the whole.
        """
        ends = x[:, :, 0].detach() > 0.5
        inside = ends.cumsum(1) - ends.long() == 0
        longest = int(inside.sum(1).max()) if x.device.type == "cpu" else x.shape[1]
        return x[:, :longest], inside[:, :longest].unsqueeze(2).to(x.dtype)

    def _logits_of(self, e: Tensor, inside: Tensor, c: Tensor | None) -> Tensor:
        """Logits [B] of embedded symbols [B, L, E]."""
        if self.from_condition is not None:
            e = e + self.from_condition(c).unsqueeze(1)
        parts = (e * inside).chunk(len(WINDOWS), 2)
        logits = [head(part, inside, c, self.num_steps) for head, part in zip(self.heads, parts, strict=True)]
        return torch.stack(logits).mean(0)


# --- the pair ---------------------------------------------------------------------------------------------------------


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` 256 and `depth` 1 where they are None."""
    width = width or 256
    generator = SymbolsGenerator(spec, condition, width, depth or 1, num_latents, embedding=max(4, width // 2))
    return generator, SymbolsDiscriminator(spec, condition, 64, 16)


def _recipe(task: Task) -> dict[str, Any]:
    """A warm-up by likelihood, then a careful game (benchmarks/texts.md)."""
    batch = task.batch or min(max(task.rows // 16, 8), 64)
    return {
        "batch": batch,
        "warmup": 0.94,
        "warmup_batch": batch,
        "warmup_keeps_last": True,
        "keeps_warmed": True,
        "d_warmup": 0.02,
        "likelihood_weight": 0.1,
        "generator_rate": 0.1,
        "gap_target": 0.1,
        "ema_half_life": float(min(max(task.rows, 1_000), 10_000)),
    }


PAIR = Pair("symbols", ("symbols",), _build, recipe=_recipe, bfloat16=("sequence",), likelihood=True)

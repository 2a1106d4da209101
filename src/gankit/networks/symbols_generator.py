"""A generator of texts: symbol after symbol by a recurrent network that starts from z and c.

Knows Spec and tensors; never columns, files or kinds of data.

Symbol t is drawn from softmax(logits_t(symbols before, z, c)) by inverse CDF at u_t, so the same draws give the same
text, whether it is wanted as one-hots with a gradient (`forward`) or as codes alone (`generate`). Going back, every
choice carries the gradient of its softmax (straight through: Bengio et al. 2013), as in the Gumbel-softmax (Jang et
al. 2017) but for the noise, which is in the choice alone; what a symbol does to the symbols after it carries none:
states are computed again from the chosen symbols, all steps of a text in one pass.

Code 0 ends a text; a text that has ended goes on with 0. Since no text goes on behind a 0, the embedding of code 0
stands for "nothing yet" before the first symbol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import LikelihoodGenerator
from gankit.networks.symbols_recurrence import GROUP, GatedUnit, Packing
from gankit.spec import Spec

FIRST_SPREAD = 0.1
"""Standard deviation of what z adds to the inputs before training, beside embeddings of `EMBEDDING_SPREAD`."""

EMBEDDING_SPREAD = 0.3

DROPPED_AT = 0.75
"""Texts that have ended are put aside in `generate` when no more than this share of those at hand goes on."""

SMALLEST = 1e-6


class SymbolsGenerator(LikelihoodGenerator):
    """G for sequences of one one-of-K block: texts.

    Args:
        spec: a sequence of one categorical block; code 0 ends a text.
        condition: the spec of c, or None.
        width: numbers of the state of each recurrent layer.
        depth: recurrent layers.
        num_latents: numbers of z, which is added to the input of every step and sets the first state.
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
        assert spec.form == "sequence" and [b.kind for b in spec.blocks] == ["categorical"], "one block of symbols"
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        self.num_steps, self.num_symbols = spec.shape
        self.num_uniforms, self.num_order_uniforms = self.num_steps, num_latents
        self.width, self.depth, self.size = width, depth, embedding
        self.multiply_in = torch.float32
        self.dropout, self.gradient_temperature = 0.0, 1.0
        self.embed = nn.Parameter(EMBEDDING_SPREAD * torch.randn(self.num_symbols, embedding))
        self.from_latent = nn.Linear(num_latents, embedding, bias=False)
        nn.init.normal_(self.from_latent.weight, std=FIRST_SPREAD / num_latents**0.5)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, embedding, bias=False)
        self.first_states = nn.Linear(embedding, depth * width)
        self.layers = nn.ModuleList(GatedUnit(embedding if k == 0 else width, width) for k in range(depth))
        self.to_embedding = nn.Linear(width, embedding)
        self.head_bias = nn.Parameter(torch.zeros(self.num_symbols))

    @property
    def num_dropout_uniforms(self) -> int:
        """See `LikelihoodGenerator`."""
        return self.size + self.depth * self.width if self.dropout else 0

    def start_from(self, x: Tensor) -> None:
        """Sets the head's bias to how often each symbol stands in training texts, their ends included.

        Args:
            x: [N, T, 1] or [N, T] codes.
        """
        codes = self._codes(x)
        counts = torch.bincount(codes[_inside(codes)], minlength=self.num_symbols) + 0.1
        with torch.no_grad():
            self.head_bias.copy_((counts / counts.sum()).log())

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`: one-hots [B, T, K] of the texts that `generate` gives for the same draws."""
        codes = self.generate(z, u, c)
        packing = Packing.of(_lengths(codes))
        if not torch.is_grad_enabled():
            return F.one_hot(codes, self.num_symbols).float()
        logits = self._logits(codes, self._told(z, c), packing, None)
        # torch leaves apply untyped
        x: Tensor = _StraightThrough.apply(  # type: ignore[no-untyped-call]
            logits, codes, packing, self.gradient_temperature
        )
        return x

    def likelihood_loss(self, x: Tensor, c: Tensor | None, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Mean negative log-likelihood of texts, their ends included, in nats a text.

        z is not known for a real text: it is drawn, z = Phi^-1(u), and the mean over z of -log p(text | z) is an upper
        bound of the text's own -log p (Jensen), so that z stays what G is started from in the game.

        Args:
            x: [B, T, 1] or [B, T] codes.
            c: [B, condition.dim] float32, or None.
            u: [B, num_latents] float32, uniform in (0, 1).
            dropout: [B, num_dropout_uniforms] float32, uniform in (0, 1), or None = no dropout.
        """
        codes = self._codes(x)
        told = self._told(torch.special.ndtri(u.clamp(SMALLEST, 1 - SMALLEST)), c)
        packing = Packing.of(_lengths(codes))
        logits = self._logits(codes, told, packing, dropout)
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
        told = self._told(self.embed.new_zeros(len(codes), self.num_latents) if z is None else z, c)
        packing = Packing.of(_lengths(codes))
        logits = self._logits(codes, told, packing, None)
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
        """Codes of texts, without gradients; texts that have ended cost nothing any more.

        Args:
            z: [B, num_latents] float32, standard normal.
            u: [B, T] float32, uniform in [0, 1): u[:, t] decides symbol t, whatever the prefix.
            c: [B, condition.dim] float32, or None.
            prefix: [P] int64, P <= T: the symbols that every text begins with; it goes on from there.
            temperature: logits are divided by it; below 1 likelier symbols become likelier still.
            forbidden: [K] bool, or [T, K] bool for each step: symbols that are never chosen. At least one stays.

        Returns:
            [B, T] int64.
        """
        told = self._told(z, c)
        states = self._first_states(told)
        codes = torch.zeros(len(z), self.num_steps, dtype=torch.int64, device=z.device)
        rows = torch.arange(len(z), device=z.device)
        last, going = torch.zeros_like(rows), torch.ones_like(rows, dtype=torch.bool)
        bars = None if forbidden is None else forbidden.expand(self.num_steps, self.num_symbols)
        first, *further = self._units()
        # the gates of the first layer hang on symbol and z: two parts, both known before the first step
        of_symbol, of_text = first.gates(self.embed, self.multiply_in), first.gates(told, self.multiply_in) - first.bias
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

    def _told(self, z: Tensor, c: Tensor | None) -> Tensor:
        """What every step is told of z and c: [B, embedding]."""
        told: Tensor = self.from_latent(z)
        return told if self.from_condition is None else told + self.from_condition(c)

    def _first_states(self, told: Tensor) -> list[Tensor]:
        """For each layer the state before the first symbol, [B, width]."""
        return list(torch.tanh(self.first_states(told)).chunk(self.depth, 1))

    def _units(self) -> Iterator[GatedUnit]:
        for layer in self.layers:
            assert isinstance(layer, GatedUnit)
            yield layer

    def _logits(self, codes: Tensor, told: Tensor, packing: Packing, dropout: Tensor | None) -> Tensor:
        """Logits [S, K], packed, of every symbol given those before it."""
        before = F.pad(codes, (1, -1))  # [B, T] -> [B, T]: the symbol before, 0 = nothing yet
        # index_select, since the gradient of indexing is slow on the CPU
        x = self.embed.index_select(0, before[packing.rows, packing.steps]) + told.index_select(0, packing.rows)
        sizes = [self.size, *[self.width] * self.depth]
        masks: list[Tensor | None] = [None] * len(sizes)
        if dropout is not None:
            masks = [(part >= self.dropout) / (1 - self.dropout) for part in torch.split(dropout, sizes, 1)]
        x = _dropped(x, masks[0], packing)
        for unit, h, mask in zip(self._units(), self._first_states(told), masks[1:], strict=True):
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


def _lengths(codes: Tensor) -> Tensor:
    """[B] int64: symbols of each text, its end included; T where it has no end."""
    return _inside(codes).sum(1)


def _choose(logits: Tensor, place: Tensor) -> Tensor:
    """Codes [n] in whose share of softmax(logits [n, K]) the places [n] in [0, 1) fall."""
    upto = logits.softmax(1).cumsum(1)
    total = upto[:, -1:]
    # Rounding must not reach the total itself, or the code would be past the last one that has weight.
    at = (place.unsqueeze(1) * total).minimum(torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(upto, at, right=True).squeeze(1)


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

"""Several generators in place of one, each trained on batches of its own: an ensemble, whose distribution is the mean
of theirs (Lakshminarayanan et al. 2017).

Knows generators and tensors; never columns, files or kinds of data.

What one network learns by heart of its training records another learns otherwise, and the mean is nearer to the
distribution that the records are from than any of them: benchmarks/tables.md. It costs nothing when samples are drawn,
since each record is made by one member: the last number of z says by which. Conditions stay exact: the member is then
drawn from its distribution given the condition, by Bayes' rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gankit.networks.base import Axes, Axis, ColumnGenerator, Network
from gankit.networks.blocks import cell_at
from gankit.networks.vectors.sequential import SMALLEST, SequentialGenerator
from gankit.randomness import torch_generator

NUM_TRIED = 1024
"""Draws by which it is found how likely a member takes several restrictions together to be."""


class Members(Network):
    """Networks of one shape, of which one learns at each step of the training.

    Args:
        members: of the same spec and sizes.
    """

    def __init__(self, members: Sequence[SequentialGenerator]) -> None:
        super().__init__()
        self.members, self.turn = nn.ModuleList(members), 0
        self.spec, self.condition = members[0].spec, None

    @property
    def all(self) -> list[SequentialGenerator]:
        """The members."""
        return list(self.members)  # type: ignore[arg-type]  # nothing else is put there

    def axes(self) -> Axes:
        """See `Network.axes`."""
        found: dict[str, Mapping[int, Axis]] = {}
        for place, member in enumerate(self.all):
            found |= {f"members.{place}.{name}": axes for name, axes in member.axes().items()}
        return found

    def take_turn(self, step: int) -> None:
        """See `Network.take_turn`."""
        self.turn = step % len(self.members)


class Ensemble(Members, ColumnGenerator):
    """See the module's docstring.

    While training, a batch is one member's: that of the step. In evaluation mode z says by which member a record is
    made.
    """

    def __init__(self, members: Sequence[SequentialGenerator]) -> None:
        super().__init__(members)
        first = members[0]
        self.num_members, self.num_latents = len(members), first.num_latents + 1
        self.num_order_uniforms, self.num_candidates = first.num_order_uniforms, first.num_candidates

    @property
    def num_dropout_uniforms(self) -> int:
        """See `LikelihoodGenerator`."""
        return self.all[0].num_dropout_uniforms

    def start_from(self, x: Tensor) -> None:
        """See `LikelihoodGenerator.start_from`."""
        for member in self.all:
            member.start_from(x)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        if self.training:
            made: Tensor = self.all[self.turn](z[:, :-1], u, c)
            return made
        weights = z.new_full((len(self.members),), 1 / len(self.members)).double()
        return self._each(z, weights, z.new_zeros(len(z), self.spec.dim), lambda m, rows: m(z[rows, :-1], u[rows], c))

    def nats(self, x: Tensor, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """See `SequentialGenerator.nats`: of the member whose turn it is; in evaluation mode of all together."""
        if self.training:
            return self.all[self.turn].nats(x, u, dropout)
        found = torch.stack([member.nats(x, u) for member in self.all])
        return math.log(len(self.members)) - (-found).logsumexp(0)

    def cell_logits(self, x: Tensor, u: Tensor, dropout: Tensor | None = None) -> list[Tensor]:
        """See `ColumnGenerator.cell_logits`: of the member whose turn it is."""
        return self.all[self.turn].cell_logits(x, u, dropout)

    def likelihood_loss(self, x: Tensor, c: Tensor | None, u: Tensor, dropout: Tensor | None = None) -> Tensor:
        """See `LikelihoodGenerator.likelihood_loss`."""
        return self.nats(x, u, dropout).mean()

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        allowed: Mapping[int, Tensor],
        candidate_uniforms: Tensor | None = None,
        masks: Mapping[int, Tensor] | None = None,
    ) -> Tensor:
        """See `ColumnGenerator.generate`."""
        uniforms = torch.rand(
            NUM_TRIED if self.needs_candidates(allowed) else 1, len(allowed), dtype=torch.float64,
            generator=torch_generator(0, "members"),
        ).to(z.device)  # fmt: skip
        logs = [member.log_mass(allowed, uniforms) for member in self.all] if allowed else [0.0] * len(self.members)
        weights = torch.tensor(logs, dtype=torch.float64, device=z.device).softmax(0)
        made = z.new_zeros(len(z), len(self.spec.blocks), dtype=torch.float64)

        def of(member: SequentialGenerator, rows: Tensor) -> Tensor:
            candidates = None if candidate_uniforms is None else candidate_uniforms[rows]
            return member.generate(z[rows, :-1], allowed, candidates, masks)

        return self._each(z, weights, made, of)

    def needs_candidates(self, allowed: Mapping[int, Tensor]) -> bool:
        """See `ColumnGenerator.needs_candidates`."""
        return self.all[0].needs_candidates(allowed)

    @torch.no_grad()
    def fill(
        self, code: Tensor, known: Tensor, uniforms: Tensor, allowed: Mapping[int, Tensor], order: Sequence[int]
    ) -> Tensor:
        """See `ColumnGenerator.fill`. Every member fills every record, so that none depends on the others."""
        blocks = range(self.all[0].num_blocks)
        rank = torch.arange(len(blocks), dtype=torch.float64, device=code.device).expand(code.shape)
        logs = self._logs(code, rank.masked_fill(~known, math.inf), blocks).masked_fill(~known, 0.0).sum(2)
        choice, _ = cell_at(logs.T.softmax(1).cumsum(1), uniforms[:, -1].clamp(SMALLEST, 1 - SMALLEST))
        filled = torch.stack([m.fill(code, known, uniforms[:, :-1], allowed, order) for m in self.all], 1)
        return filled[torch.arange(len(code), device=code.device), choice.squeeze(1)]

    @torch.no_grad()
    def log_probabilities(self, code: Tensor, rank: Tensor, blocks: Sequence[int]) -> Tensor:
        """See `ColumnGenerator.log_probabilities`: weighted by how likely each member took what stood before."""
        every = [t for t in range(code.shape[1]) if t in set(blocks) or bool((rank[:, t] < math.inf).any())]
        logs = self._logs(code, rank, every)  # [M, B, n]
        ranks = rank[:, every]
        before = (ranks.unsqueeze(1) < ranks.unsqueeze(2)).double()  # [B, n, n]: is the second before the first?
        given = torch.einsum("mbs,bts->mbt", logs, before)
        found = (given + logs).logsumexp(0) - given.logsumexp(0)
        return found[:, [every.index(t) for t in blocks]]

    def _logs(self, code: Tensor, rank: Tensor, blocks: Sequence[int]) -> Tensor:
        """[M, B, n]: see `log_probabilities`, of each member."""
        return torch.stack([member.log_probabilities(code, rank, blocks) for member in self.all])

    def _each(self, z: Tensor, weights: Tensor, made: Tensor, make: Callable[[Any, Tensor], Tensor]) -> Tensor:
        """What the members make of their rows, put into `made`. weights: [M] float64, how often each is chosen."""
        place = torch.special.ndtr(z[:, -1].double()).clamp(SMALLEST, 1 - SMALLEST)
        choice, _ = cell_at(weights.cumsum(0).expand(len(z), -1).contiguous(), place)
        for index, member in enumerate(self.all):
            rows = (choice.squeeze(1) == index).nonzero().squeeze(1)
            if len(rows):
                made = made.index_copy(0, rows, make(member, rows))
        return made

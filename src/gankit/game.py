"""The state of an adversarial game: two networks, their optimisers, the averaged G, and one step of each phase.

Knows generators, discriminators, losses and tensors; never codecs, files, terminals or clocks.

Every draw comes from a generator keyed by (seed, purpose, step, roll-backs), so a game is its tensors plus a few
numbers: `state_tensors` and `state_json` hold all that an exact resume needs.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gankit.errors import ModelError
from gankit.losses import (
    LOSSES,
    PENALTIES,
    PenaltyDraws,
    PenaltyMethod,
    discriminator_turn,
)
from gankit.networks.base import Discriminator, Generator, LikelihoodGenerator
from gankit.randomness import torch_generator

Phase = Literal["likelihood", "discriminator", "game"]


@dataclass(frozen=True)
class GameConfig:
    """How a game is played; every length is counted in real samples shown.

    total_samples: length of the whole training.
    loss, penalty, penalty_method: keys of LOSSES and PENALTIES; "exact" or "finite".
    penalty_weight: gamma; None lets it follow D's gap (penalties that allow it) or takes the paper's.
    gap_target: the E[D(x)] - E[D(G)] that gamma is steered to.
    gap_speed: largest relative change of gamma per look.
    first_weight: where the steered gamma starts.
    learning_rate, final_learning_rate: Adam's rate at the start and, as a share of it, at the end (cosine).
    generator_rate: G's learning rate as a multiple of D's.
    beta1, beta2: Adam's decay rates in the game.
    batch: real samples of a step of D.
    d_steps: steps of D for each of G.
    ema_half_life: of the averaged G, in samples; never more than a tenth of what was played so far.
    warmup: share of the samples in which G alone learns by likelihood (for G that can).
    warmup_learning_rate, warmup_batch: Adam's rate at the start of that share, and its real samples of a step.
    warmup_keeps_last: whether the warm-up runs its course and its last G begins the game, whatever the metric (a
        two-sample test is too coarse to choose there); else it ends when the metric no longer improves, and its best G
        begins.
    d_warmup: share of the samples, after the warm-up, in which D alone learns.
    likelihood_weight: weight of G's likelihood loss during the game.
    evaluations: how often the held-out metric is taken.
    early_stop, patience: stop after that many evaluations in a row without a better metric.
    steps_per_look: steps between two looks (Progress, penalty controller, check for infinities, roll-back point).
    max_rollbacks: how often a game that became infinite is rolled back before it is given up.
    seed: of every draw.
    """

    total_samples: int
    loss: str = "relativistic"
    penalty: str = "r1r2"
    penalty_method: PenaltyMethod = "exact"
    penalty_weight: float | None = None
    gap_target: float = 0.1
    gap_speed: float = 0.05
    first_weight: float = 1.0
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.02
    generator_rate: float = 1.0
    beta1: float = 0.0
    beta2: float = 0.99
    batch: int = 256
    d_steps: int = 1
    ema_half_life: float = 20_000.0
    warmup: float = 0.0
    warmup_learning_rate: float = 2e-3
    warmup_batch: int = 1024
    warmup_keeps_last: bool = False
    d_warmup: float = 0.0
    likelihood_weight: float = 0.0
    evaluations: int = 20
    early_stop: bool = True
    patience: int = 8
    steps_per_look: int = 25
    max_rollbacks: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        assert self.loss in LOSSES and self.penalty in PENALTIES, (self.loss, self.penalty)
        assert self.total_samples > 0 and self.batch > 0 and self.d_steps > 0 and self.steps_per_look > 0
        assert 0 <= self.warmup + self.d_warmup <= 1


@dataclass(frozen=True)
class Batches:
    """Real records as the game takes them.

    x: [N, *spec.shape] float32, or any [N, ...] tensor that `expand` makes into it (codes in place of one-hots).
    c: [N, condition.dim] float32, or None.
    expand: from rows of `x` to records [B, *spec.shape] float32; None where they are that already.
    """

    x: Tensor
    c: Tensor | None = None
    expand: Callable[[Tensor], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Records [B, *spec.shape] and conditions at `rows` [B] int64."""
        x, c = self.rows(rows)
        return x if self.expand is None else self.expand(x), c

    def rows(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """What `x` holds at `rows` [B] int64, not expanded, and conditions."""
        return self.x.index_select(0, rows), None if self.c is None else self.c.index_select(0, rows)


class Game:
    """Two networks at play. `step` moves it one step; `state_tensors` and `state_json` are all there is to it.

    Args:
        generator: G.
        discriminator: D, on the same device.
        config: how it is played.

    Attributes:
        average: the exponential moving average of G, the one that is evaluated, kept and sampled from.
        step, samples: steps taken and real samples shown.
        weight: the penalty's weight as it is now.
        rollbacks: how often the game was rolled back.
        best: the averaged G with the best held-out metric, as name -> tensor; None before the first evaluation.
        history: one entry per evaluation, plain JSON values.
        stopped_early: whether it ended because nothing improved.
        skipped: samples of the warm-up that were not needed.
    """

    def __init__(self, generator: Generator, discriminator: Discriminator, config: GameConfig) -> None:
        self.config = config
        self.generator = generator
        self.discriminator = discriminator
        self.average = copy.deepcopy(generator).requires_grad_(False).eval()
        self.device = next(generator.parameters()).device
        self._g_params = list(generator.parameters())
        self._d_params = list(discriminator.parameters())
        self._g_optimiser = _adam(self._g_params, config)
        self._d_optimiser = _adam(self._d_params, config)
        penalty = PENALTIES[config.penalty]
        steered = config.penalty_weight is None and penalty.adaptive
        self.steers_weight = steered
        self.weight = config.first_weight if steered else penalty.default_weight
        if config.penalty_weight is not None:
            self.weight = config.penalty_weight
        self.step = 0
        self.samples = 0
        self.rollbacks = 0
        self.best: dict[str, Tensor] | None = None
        self.best_metric: float | None = None
        self.best_samples = 0
        self.evaluations_since_best = 0
        self.stopped_early = False
        self.history: list[dict[str, Any]] = []
        self.skipped = 0
        self._order: tuple[int, Tensor] | None = None
        self.totals = _Totals(self.device)

    # --- what to do now -------------------------------------------------------------------------------------------

    @property
    def behind(self) -> int:
        """Samples of the training that are behind: those shown, and those of the warm-up that were skipped."""
        return self.samples + self.skipped

    @property
    def done(self) -> float:
        """Share of the training that is behind, in [0, 1]."""
        return min(1.0, self.behind / self.config.total_samples)

    @property
    def warmup(self) -> float:
        """Share of the samples in which G alone learns by likelihood; 0 where it cannot."""
        return self.config.warmup if isinstance(self.generator, LikelihoodGenerator) else 0.0

    def end_warmup(self) -> None:
        """Skips what is left of the warm-up and goes on with the best G so far."""
        self.skipped = max(0, math.ceil(self.warmup * self.config.total_samples) - self.samples)
        self.evaluations_since_best = 0
        if self.best is not None:
            self.generator.load_state_dict(self.best)
            self.average.load_state_dict(self.best)

    @property
    def phase(self) -> Phase:
        """What the next step is: G's likelihood, D alone, or the game."""
        if self.done < self.warmup:
            return "likelihood"
        return "discriminator" if self.done < self.warmup + self.config.d_warmup else "game"

    @property
    def finished(self) -> bool:
        """Whether nothing is left to play."""
        return self.stopped_early or self.done >= 1.0

    def learning_rate(self) -> float:
        """Adam's learning rate now: a half cosine over the phase, halved by each roll-back."""
        config = self.config
        warmup = self.warmup
        if self.phase == "likelihood":
            start, through = config.warmup_learning_rate, self.done / warmup
        else:
            start, through = config.learning_rate, (self.done - warmup) / max(1 - warmup, 1e-9)
        low = config.final_learning_rate
        return start * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * through))) * 0.5**self.rollbacks

    # --- one step of each phase -----------------------------------------------------------------------------------

    def play_step(self, train: Batches) -> None:
        """One step of the phase the game is in."""
        rate, phase, before = self.learning_rate(), self.phase, self.samples
        if phase == "likelihood":
            self._likelihood_step(train, rate)
        else:
            self._adversarial_step(train, rate, generator_moves=phase == "game")
        self._move_average(self.samples - before)
        self.step += 1

    def _likelihood_step(self, train: Batches, rate: float) -> None:
        assert isinstance(self.generator, LikelihoodGenerator)
        x, c = train.rows(self._next_rows(train, self.config.warmup_batch))
        x, c = x.to(self.device), None if c is None else c.to(self.device)
        u = self.rand(torch_generator(*self._key("likelihood")), len(x), self.generator.num_order_uniforms)
        loss = self.generator.likelihood_loss(x, c, u, self._likelihood_dropout(len(x)))
        # momentum as usual: it is the adversary that makes an old gradient a wrong one
        self._descend(self._g_optimiser, self._g_params, loss, rate, betas=(0.9, self.config.beta2))
        self.totals.add(g_loss=loss)

    def _adversarial_step(self, train: Batches, rate: float, generator_moves: bool) -> None:
        config, loss, penalty = self.config, LOSSES[self.config.loss], PENALTIES[self.config.penalty]
        for k in range(config.d_steps):
            rows = self._next_rows(train, config.batch)
            real, c = train.take(rows)
            real, c = real.to(self.device), None if c is None else c.to(self.device)
            draws = torch_generator(*self._key("step", k))
            z = self.randn(draws, len(real), self.generator.num_latents)
            u = self.rand(draws, len(real), self.generator.num_uniforms)
            # the last fakes serve D and then G, so that G runs once per step
            with torch.set_grad_enabled(generator_moves and k == config.d_steps - 1):
                fake = self.generator(z, u, c)
            played = discriminator_turn(
                self.discriminator, loss, penalty, config.penalty_method, real, fake, c,
                self._dropout(draws, 2 * len(real)), self._penalty_draws(draws, real),
            )  # fmt: skip
            total = played.loss if not penalty.places else played.loss + self.weight * played.penalty
            self._descend(self._d_optimiser, self._d_params, total, rate)
            gap = played.real_logits.detach().mean() - played.fake_logits.detach().mean()
            self.totals.add(d_loss=played.loss, penalty=played.penalty, gap=gap)
        if not generator_moves:
            return
        dropout = self._dropout(draws, 2 * len(real))
        with torch.no_grad():
            real_logits = self.discriminator(real, c, None if dropout is None else dropout[: len(real)])
        fake_logits = self.discriminator(fake, c, None if dropout is None else dropout[len(real) :])
        g_loss = loss.generator(real_logits, fake_logits)
        total = g_loss
        if config.likelihood_weight and isinstance(self.generator, LikelihoodGenerator):
            order = self.rand(draws, len(real), self.generator.num_order_uniforms)
            nll = self.generator.likelihood_loss(
                train.rows(rows)[0].to(self.device), c, order, self._likelihood_dropout(len(real))
            )
            total = g_loss + config.likelihood_weight * nll
        self._descend(self._g_optimiser, self._g_params, total, rate * config.generator_rate)
        self.totals.add(g_loss=g_loss)

    def _descend(
        self,
        optimiser: torch.optim.Adam,
        params: list[nn.Parameter],
        loss: Tensor,
        rate: float,
        betas: tuple[float, float] | None = None,
    ) -> None:
        """One step of Adam; asking for these gradients alone spares those of the other network's weights."""
        gradients = torch.autograd.grad(loss, params, allow_unused=True)
        for parameter, gradient in zip(params, gradients, strict=True):
            parameter.grad = gradient
        optimiser.param_groups[0]["lr"] = rate
        optimiser.param_groups[0]["betas"] = betas or (self.config.beta1, self.config.beta2)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    @torch.no_grad()
    def _move_average(self, shown: int) -> None:
        """EMA: average <- average + (1 - 2^(-samples shown / half-life)) (G - average)."""
        half_life = min(self.config.ema_half_life, 0.1 * max(self.samples, 1))
        towards = 1 - 0.5 ** (shown / half_life)
        torch._foreach_lerp_(list[Tensor](self.average.parameters()), list[Tensor](self._g_params), towards)
        for mine, its in zip(self.average.buffers(), self.generator.buffers(), strict=True):
            mine.copy_(its)

    # --- draws ----------------------------------------------------------------------------------------------------

    def _key(self, purpose: str, *numbers: int) -> tuple[Any, ...]:
        """The key of a draw; roll-backs are in it, so that what led to an infinity is not repeated."""
        return (self.config.seed, purpose, self.step, self.rollbacks, *numbers)

    def randn(self, generator: torch.Generator, *shape: int) -> Tensor:
        """Standard normal numbers, drawn on the CPU so that they are the same for every device."""
        return torch.randn(shape, generator=generator).to(self.device, non_blocking=True)

    def rand(self, generator: torch.Generator, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), drawn on the CPU."""
        return torch.rand(shape, generator=generator).to(self.device, non_blocking=True)

    def _dropout(self, generator: torch.Generator, rows: int) -> Tensor | None:
        count = self.discriminator.num_uniforms
        return self.rand(generator, rows, count) if count else None

    def _likelihood_dropout(self, rows: int) -> Tensor | None:
        assert isinstance(self.generator, LikelihoodGenerator)
        count = self.generator.num_dropout_uniforms
        return self.rand(torch_generator(*self._key("likelihood dropout")), rows, count) if count else None

    def _penalty_draws(self, generator: torch.Generator, real: Tensor) -> PenaltyDraws:
        places = PENALTIES[self.config.penalty].places
        between = directions = None
        if "between" in places:
            between = self.rand(generator, len(real), *[1] * (real.dim() - 1))
        if places and self.config.penalty_method == "finite":
            directions = self.randn(generator, len(real) * len(places), *real.shape[1:])
        return PenaltyDraws(between, directions)

    def _next_rows(self, train: Batches, batch: int) -> Tensor:
        """Rows of the next records of the epoch's permutation; what fills no batch waits for another epoch."""
        size = min(batch, len(train))
        epoch, position = divmod(self.samples // size, len(train) // size)
        if self._order is None or self._order[0] != epoch:
            draws = torch_generator(self.config.seed, "order", epoch)
            self._order = (epoch, torch.randperm(len(train), generator=draws).to(train.x.device))
        self.samples += size
        return self._order[1][position * size : (position + 1) * size]

    def sample(self, generator: Generator, count: int, purpose: str, c: Tensor | None) -> Tensor:
        """Fakes [count, *shape] of `generator` without gradients, keyed by (seed, purpose)."""
        draws = torch_generator(self.config.seed, purpose)
        with torch.no_grad():
            z = self.randn(draws, count, generator.num_latents)
            return generator(z, self.rand(draws, count, generator.num_uniforms), c)  # type: ignore[no-any-return]

    # --- the penalty's weight -------------------------------------------------------------------------------------

    def steer_weight(self, gap: float) -> None:
        """Gamma <- gamma exp(speed clip(log(gap / target), -1, 1)): up where D is too sure, down where it is too tame.

        No constant fits all data: about .1 was the gap of the best gamma on tables, .4 where it was too small, .04
        where it was too large; the same gamma let D run away on longer records.
        """
        if not self.steers_weight:
            return
        error = math.log(max(gap, 1e-6) / self.config.gap_target)
        self.weight *= math.exp(self.config.gap_speed * max(-1.0, min(1.0, error)))
        self.weight = min(max(self.weight, 1e-6), 1e6)

    # --- state ----------------------------------------------------------------------------------------------------

    def best_generator(self) -> Generator:
        """The averaged G with the best held-out metric; the latest one where there was no metric."""
        if self.best is None:
            return self.average
        generator = copy.deepcopy(self.average)
        generator.load_state_dict(self.best)
        return generator

    def state_tensors(self) -> dict[str, Tensor]:
        """Every tensor of the game, by name; those of the live networks, not copies."""
        tensors: dict[str, Tensor] = {}
        for title, module in self._modules():
            tensors |= {f"{title}.{name}": t.detach() for name, t in module.state_dict().items()}
        for title, network, optimiser in self._optimisers():
            for name, parameter in network.named_parameters():
                for key, value in optimiser.state.get(parameter, {}).items():
                    tensors[f"adam.{title}.{key}.{name}"] = value
        if self.best is not None:
            tensors |= {f"best.{name}": t for name, t in self.best.items()}
        return tensors

    def state_json(self) -> dict[str, Any]:
        """Everything else, as plain JSON values."""
        return {name: copy.deepcopy(getattr(self, name)) for name in _NUMBERS}

    def load_state(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Put the game where `state_tensors` and `state_json` were taken.

        Raises:
            ModelError: a tensor is missing, left over or of another shape: the state is of another game.
        """
        expected = {name for name in self.state_tensors() if not name.startswith(("adam.", "best."))}
        found = {name for name in tensors if not name.startswith(("adam.", "best."))}
        if expected != found or any(n not in numbers for n in _NUMBERS):
            odd = sorted(expected ^ found)[:3]
            raise ModelError(
                f"the checkpoint belongs to other networks: it differs in {', '.join(odd) or 'its numbers'}. "
                "Resume with the settings the run was started with, or start a new run."
            )

        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}

        try:
            for title, module in self._modules():
                module.load_state_dict(part(f"{title}."))
        except RuntimeError as error:
            raise ModelError(
                "the checkpoint belongs to networks of another size. Resume with the settings the run was started "
                f"with, or start a new run. ({str(error).splitlines()[-1].strip()})"
            ) from error
        for title, network, optimiser in self._optimisers():
            optimiser.state.clear()
            for key in ("step", "exp_avg", "exp_avg_sq"):
                for name, value in part(f"adam.{title}.{key}.").items():
                    parameter = network.get_parameter(name)
                    where = self.device if key != "step" or self.device.type == "cuda" else torch.device("cpu")
                    optimiser.state[parameter][key] = value.to(where, copy=True)
        for name in _NUMBERS:
            setattr(self, name, copy.deepcopy(numbers[name]))
        best = part("best.")
        self.best = {name: t.to(self.device, copy=True) for name, t in best.items()} if best else None
        self._order = None
        self.totals.clear()

    def _modules(self) -> tuple[tuple[str, nn.Module], ...]:
        return ("generator", self.generator), ("average", self.average), ("d", self.discriminator)

    def _optimisers(self) -> tuple[tuple[str, nn.Module, torch.optim.Adam], ...]:
        return ("generator", self.generator, self._g_optimiser), ("d", self.discriminator, self._d_optimiser)


_NUMBERS = (
    "step", "samples", "skipped", "weight", "rollbacks", "best_metric", "best_samples", "evaluations_since_best",
    "stopped_early", "history",
)  # fmt: skip


def _adam(params: list[nn.Parameter], config: GameConfig) -> torch.optim.Adam:
    fused = params[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(params, lr=config.learning_rate, betas=(config.beta1, config.beta2), fused=fused)


class _Totals:
    """Sums of what the steps since the last look gave, kept on the device so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.clear()

    def clear(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, **values: Tensor) -> None:
        for name, value in values.items():
            value = value.detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """The means since the last look; waits for the device."""
        names = list(self._sums)
        if not names:
            return {}
        values = torch.stack([self._sums[n] for n in names]).tolist()
        means = {n: v / self._counts[n] for n, v in zip(names, values, strict=True)}
        self.clear()
        return means

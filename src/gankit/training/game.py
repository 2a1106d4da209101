"""The state of an adversarial game: two networks, their optimisers, the averaged G, batches of real records, and one
step of each phase.

Knows generators, discriminators, losses and tensors; never codecs, files, terminals or clocks.

Every draw comes from a generator keyed by (seed, purpose, step, roll-backs), so a game is its tensors plus a few
numbers: `state_tensors` and `state_json` hold all that an exact resume needs.
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import ModelError
from gankit.networks.base import (
    ChoiceDiscriminator,
    ChoiceGenerator,
    ColumnDiscriminator,
    ColumnGenerator,
    Discriminator,
    Generator,
)
from gankit.networks.execution import compiled
from gankit.randomness import torch_generator
from gankit.ranks import current
from gankit.stored import FloatOrNaN, StoredError, Whole, of_type
from gankit.training.augment import AUGMENTATIONS
from gankit.training.augment.ada import speed_for, steer
from gankit.training.augment.changes import mirrored_by_chance
from gankit.training.losses import (
    LOSSES,
    PENALTIES,
    Cells,
    PenaltyDraws,
    cells_loss,
    cells_turn,
    differentiates_twice,
    discriminator_turn,
)
from gankit.training.order import Order
from gankit.training.plan import Descent, GameConfig, Phase, Totals

NUM_READERS = 4
"""Threads that read: a disk serves several requests sooner at once than one after another."""

RELEASED = 1 << 16
"""Rows of a mapped file after which its pages are let go: each may have been another page."""

AT_ONCE = 256
"""Records that networks are shown together outside the game's steps."""

MOST_JUDGED = 32
"""Blocks of a record that D judges at a step, where it judges each given all others: the cost would grow with their
number squared."""

ALL_KNOWN = 0.5
"""Share of records whose blocks are judged given all others; of the rest a random part is known, down to none. D then
sees how often each cell comes, whatever the others are: without it G leaves out kinds (benchmarks/tables.md)."""

MEMORY_SPEED = 0.25
"""Share of a new measurement in the running means that steer the augmentation: one of some records is noisy."""

_CHANGING = ("optimiser.", "best.", "warmed.")
"""Beginnings of the names of tensors that a game has only after a while."""


CellsPlayer = Callable[[int, Tensor, Tensor | None, int], Callable[[], Cells]]
"""(number of D's step, compact real records, c, size of the whole batch) -> what gives the logits of both players, D as
it is then; G plays once."""


class Judged(TypedDict):
    """Of an evaluation: see `loop.Scores`."""

    memorised: FloatOrNaN
    memorised_significant: bool


class Evaluated(TypedDict):
    """An evaluation in the history of a game, as far as the game goes on from it."""

    behind: Whole
    scores: Judged | None


class Numbers(TypedDict):
    """What a checkpoint holds of a game beside tensors."""

    step: Whole
    samples: Whole
    skipped: Whole
    weight: float
    rollbacks: Whole
    best_metric: FloatOrNaN | None
    best_samples: Whole
    evaluations_since_best: Whole
    stopped_early: bool
    history: list[Evaluated]
    strength: float
    memory: tuple[FloatOrNaN, FloatOrNaN]
    length: tuple[Whole, float, Whole]


@dataclass(frozen=True)
class Batches:
    """Real records as the game takes them.

    x: [N, *spec.shape] float32, or any [N, ...] tensor that `expand` makes into it (codes in place of one-hots, bytes
        of images). It may lie on another device than the networks, or in a file that is mapped into memory.
    c: [N, condition.dim] float32, or None; or codes that `expand_c` makes into it.
    expand: from rows of `x` to records [B, *spec.shape] float32; None where they are that already.
    part: [M] int64, the rows of `x` that these records are; None = all. `c` has a row for each of them.
    ahead: reads the rows of the next step while this one is played, where `x` is a file; None where it is memory.
    """

    x: Tensor
    c: Tensor | None = None
    expand: Callable[[Tensor], Tensor] | None = None
    part: Tensor | None = None
    ahead: Ahead | None = None
    expand_c: Callable[[Tensor], Tensor] | None = None

    def __len__(self) -> int:
        return len(self.x if self.part is None else self.part)

    def take(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Records [B, *spec.shape] and conditions at `rows` [B] int64, on the device."""
        x, c = self.rows(rows)
        x, c = x.to(device, non_blocking=True), None if c is None else c.to(device, non_blocking=True)
        return x if self.expand is None else self.expand(x), c

    def rows(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """What `x` holds at `rows` [B] int64, not expanded, and conditions."""
        where = self._where(rows)
        c = None if self.c is None else self.c.index_select(0, rows.to(self.c.device))
        x = self.x.index_select(0, where) if self.ahead is None else self.ahead.take(self.x, where)
        x = x.float() if x.dtype == torch.int16 else x
        return x, c if c is None or self.expand_c is None else self.expand_c(c)

    def expect(self, rows: Tensor) -> None:
        """Says that `rows` [B] int64 will be asked for next."""
        if self.ahead is not None:
            self.ahead.expect(self.x, self._where(rows))

    def _where(self, rows: Tensor) -> Tensor:
        return rows if self.part is None else self.part.index_select(0, rows)


class Ahead:
    """Reads rows of a tensor that is mapped from a file, in threads of its own. What is read is the same without it.

    release: lets go of the pages of the file that were read, so that they do not count as the process's memory.
    """

    def __init__(self, release: Callable[[], object] | None = None) -> None:
        self._release, self._taken = release, 0
        self._pool = ThreadPoolExecutor(NUM_READERS, thread_name_prefix="gankit-reader")
        self._expected: deque[tuple[Tensor, list[Future[Tensor]]]] = deque(maxlen=2)  # this step's rows and the next's

    def expect(self, x: Tensor, where: Tensor) -> None:
        """Begins to read the rows `where` [B] int64 of x; of what was expected before, the latest is remembered."""
        parts = [self._pool.submit(x.index_select, 0, part) for part in where.chunk(NUM_READERS)]
        self._expected.append((where, parts))

    def take(self, x: Tensor, where: Tensor) -> Tensor:
        """The rows `where` [B] of x: those that were expected, or read now."""
        self._taken += len(where)
        if self._release is not None and self._taken >= RELEASED:
            self._release()
            self._taken = 0
        for place, (expected, parts) in enumerate(self._expected):
            if torch.equal(expected, where):
                del self._expected[place]
                return torch.cat([part.result() for part in parts])
        return x.index_select(0, where)


@dataclass(frozen=True)
class Turn:
    """What D was shown in the last of its steps, and what G needs of it.

    train, rows: where the real records are from. z, u, c: noise and condition of the fakes.
    real, shown: records [B, *shape] and fakes as D saw them. real_logits, fake_logits: D's [B], before it moved.
    draws: the generator of the step.
    """

    train: Batches
    rows: Tensor
    z: Tensor
    u: Tensor
    c: Tensor | None
    real: Tensor
    shown: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    draws: torch.Generator


class Game:
    """Two networks at play. `step` moves it one step; `state_tensors` and `state_json` are all there is to it.

    Args:
        generator: G.
        discriminator: D, on the same device.
        config: how it is played.

    Attributes:
        average: the exponential moving average of G, the one that is evaluated, kept and sampled from.
        step, samples: steps taken and real samples shown.
        weight: the penalty's weight as it is now, but for `final_weight`.
        strength: of the augmentation.
        memory: running means of E[D(training)] - E[D(held-out)] and of E[D(training)] - E[D(fake)].
        rollbacks: how often the game was rolled back.
        best: the averaged G with the best held-out metric, as name -> tensor; None before the first evaluation.
        warmed: the averaged G that began the game, where `keeps_warmed` asks for it; None before.
        history: one entry per evaluation, plain JSON values.
        stopped_early: whether it ended because nothing improved.
        skipped: samples of the warm-up that were not needed.
        length: (samples, share) that were behind when the length was last planned, and the samples at its end.
    """

    def __init__(self, generator: Generator, discriminator: Discriminator, config: GameConfig) -> None:
        self.config, self.generator, self.discriminator = config, generator, discriminator
        self.ranks, self._block = current(), max(generator.mixes, discriminator.mixes)
        self._stepped = (generator, discriminator)
        self.average = copy.deepcopy(generator).requires_grad_(False).eval()
        self.device = next(generator.parameters()).device
        self._descents = {"generator": Descent(generator, config), "d": Descent(discriminator, config)}
        self._augment = None if config.augmentation == "none" else AUGMENTATIONS[config.augmentation]()
        penalty = PENALTIES[config.penalty]
        self.steers_weight = config.penalty_weight is None and penalty.adaptive
        self.weight = config.first_weight if self.steers_weight else penalty.default_weight
        if config.penalty_weight is not None:
            self.weight = config.penalty_weight
        self.strength = 0.0 if self._augment is None else self._augment.first_strength
        if config.augmentation_strength is not None:
            self.strength = config.augmentation_strength
        self.memory = [0.0, 0.0]
        self.step = self.samples = self.skipped = self.rollbacks = self.best_samples = self.evaluations_since_best = 0
        self.length: Sequence[Any] = [0, 0.0, config.total_samples]
        self.best: dict[str, Tensor] | None = None
        self.warmed: dict[str, Tensor] | None = None
        self.best_metric: float | None = None
        self.stopped_early = False
        self.history: list[dict[str, Any]] = []
        self._order: Order | None = None
        self._first_uniform = 0.0
        self.totals = Totals()

    def compile(self, backend: str = "inductor") -> None:
        """From here on adversarial steps go through `torch.compile`, but for what is differentiated twice.

        The numbers differ by rounding. The first step takes minutes; it raises what the compiler raises.

        Args:
            backend: of `torch.compile`.
        """
        self._stepped = compiled(self.generator, self.discriminator, backend)

    def uncompile(self) -> None:
        """From here on steps go without `torch.compile` again."""
        self._stepped = (self.generator, self.discriminator)

    # --- what to do now -------------------------------------------------------------------------------------------

    @property
    def behind(self) -> int:
        """Samples of the training that are behind: those shown, and those of the warm-up that were skipped."""
        return self.samples + self.skipped

    @property
    def done(self) -> float:
        """Share of the training that is behind, in [0, 1]; phases and rates follow it."""
        return self.done_at(self.behind)

    def done_at(self, behind: int) -> float:
        """The share when so many samples, no fewer than at the last plan, are behind."""
        begin, share, end = self.length
        return 1.0 if behind >= end else share + (1 - share) * (behind - begin) / (end - begin)

    def plan(self, end: int, share: float | None = None) -> None:
        """Spreads what is left of the training over the samples up to `end`.

        share: of the training that counts as behind from here on; None = what is, so that all goes on without a jump.
        """
        self.length = [self.behind, self.done if share is None else share, max(end, self.behind)]

    @property
    def warmup(self) -> float:
        """Share of the samples in which G alone learns by likelihood; 0 where it cannot."""
        return 0.0 if self.generator.likelihood is None else self.config.warmup

    def end_warmup(self) -> None:
        """Skips what is left of the warm-up and goes on with the best G so far."""
        begin, share, end = self.length
        self.skipped = max(0, math.ceil(begin + (self.warmup - share) / (1 - share) * (end - begin)) - self.samples)
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
        """The learning rate now: a half cosine over the phase, or that of 2014; halved by each roll-back."""
        config = self.config
        if config.optimiser == "sgd":
            return max(config.learning_rate / config.rate_decay**self.step, config.least_rate) * 0.5**self.rollbacks
        warmup = self.warmup
        if self.phase == "likelihood":
            start, through = config.warmup_learning_rate, self.done / warmup
        else:
            start, through = config.learning_rate, config.through(warmup, self.done)
        low = config.final_learning_rate
        return start * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * through))) * 0.5**self.rollbacks

    # --- one step of each phase -----------------------------------------------------------------------------------

    def play_step(self, train: Batches) -> None:
        """One step of the phase the game is in."""
        rate, phase, before = self.learning_rate(), self.phase, self.samples
        self._take_turn()
        if self.config.keeps_warmed and self.warmed is None and self.warmup and phase != "likelihood":
            self.warmed = {name: t.detach().clone() for name, t in self.average.state_dict().items()}
        if phase == "likelihood":
            self._likelihood_step(train, rate)
        elif (play := self._cells_player()) is not None:
            self._cells_step(train, rate, play, generator_moves=phase == "game")
        else:
            self._adversarial_step(train, rate, generator_moves=phase == "game")
        self._move_average(self.samples - before)
        self.step += 1

    def play_turn(self, train: Batches, *, d_moves: bool = True, g_moves: bool = True) -> Turn:
        """A step of the game of whole records in which D, G or both move, and what was on the table. With both it is
        `play_step`, but for pairs that play a game for every column.
        """
        before = self.samples
        self._take_turn()
        turn = self._adversarial_step(train, self.learning_rate(), g_moves, d_moves)
        self._move_average(self.samples - before)
        self.step += 1
        return turn

    def _likelihood_step(self, train: Batches, rate: float) -> None:
        likelihood = self.generator.likelihood
        assert likelihood is not None
        rows, whole = self._next_rows(train, self.config.warmup_batch)
        x, c = train.rows(rows)
        x, c = x.to(self.device), None if c is None else c.to(self.device)
        u = self._mine(self.rand(torch_generator(*self._key("likelihood")), whole, likelihood.num_order_uniforms))
        loss = likelihood.likelihood_loss(x, c, u, self._likelihood_dropout(whole))
        # momentum as usual: it is the adversary that makes an old gradient a wrong one
        descent = self._descents["generator"]
        gradients = descent.gradients(loss)
        self._note_norm(g_gradient=gradients)
        descent.step(gradients, rate, betas=(0.9, self.config.beta2))
        self.totals.add(g_loss=loss)

    def _cells_player(self) -> CellsPlayer | None:
        """How the networks play a game for every block; None where they play one of whole records."""
        if (chain := self.generator.by_column) is not None and (judge := self.discriminator.by_column) is not None:
            return partial(self._play_columns, chain, judge)
        if (maker := self.generator.by_choice) is not None and (judges := self.discriminator.by_choice) is not None:
            return partial(self._play_choices, maker, judges)
        return None

    def _play_columns(
        self, chain: ColumnGenerator, judge: ColumnDiscriminator, k: int, x: Tensor, c: Tensor | None, whole: int
    ) -> Callable[[], Cells]:
        """After the beginnings of real records, which are those of its fakes."""
        u = self._mine(self.rand(torch_generator(*self._key("order", k)), whole, chain.num_order_uniforms))
        made = chain.cell_logits(x, u, self._likelihood_dropout(whole))

        def judged() -> Cells:
            cells = judge.cell_logits(x, u)
            return Cells(x, made, cells, cells)

        return judged

    def _play_choices(
        self, maker: ChoiceGenerator, judge: ChoiceDiscriminator, k: int, x: Tensor, c: Tensor | None, whole: int
    ) -> Callable[[], Cells]:
        """Beside the other cells of whole fakes; of many blocks some are judged, other ones at each step."""
        draws = torch_generator(*self._key("step", k))
        z, u = (self._mine(numbers) for numbers in self._noise(draws, whole))
        logits, fake = maker.choices(z, u, c)
        which, made, mine = None, logits, x
        if len(logits) > MOST_JUDGED:
            which = torch.randperm(len(logits), generator=draws)[:MOST_JUDGED].tolist()
            made, mine = [logits[t] for t in which], x[:, which]
        both, c_both = torch.cat([x.long(), fake]), None if c is None else torch.cat([c, c])
        chances = self._mine(self.rand(draws, 2 * whole, 1 + len(logits)), 2)  # the first: how many blocks are known
        known = (chances[:, 1:] * (1 - ALL_KNOWN) < chances[:, :1]).float()

        def judged() -> Cells:
            cells = [of_cell.chunk(2) for of_cell in judge.cells_given_others(both, known, c_both, which)]
            return Cells(mine, made, [real for real, _ in cells], [of_fake for _, of_fake in cells], 1 / len(made))

        return judged

    def _cells_step(self, train: Batches, rate: float, play: CellsPlayer, generator_moves: bool) -> None:
        """A step of a game for every block; see `cells_turn`."""
        config, loss = self.config, LOSSES[self.config.loss]
        g, d, penalty = self._descents["generator"], self._descents["d"], PENALTIES[config.penalty]
        for k in range(config.d_steps):
            rows, whole = self._next_rows(train, config.batch)
            x, c = train.rows(rows)
            x, c = x.to(self.device), None if c is None else c.to(self.device)
            with torch.set_grad_enabled(generator_moves and k == config.d_steps - 1):
                judged = play(k, x, c, whole)
            played = cells_turn(loss, penalty, judged())
            gradients = d.gradients(played.loss + self.penalty_weight() * played.penalty)
            self._note_norm(d_gradient=gradients)
            d.step(gradients, rate, **self._settings())
            gap = (played.real_logits - played.fake_logits).mean()
            self.totals.add(d_loss=played.loss, gap=gap, penalty=played.penalty)
        if not generator_moves:
            return
        with torch.no_grad():
            cells = judged()
        total = g_loss = cells_loss(loss, cells)
        if config.likelihood_weight and self.generator.likelihood is not None:
            parts = zip(cells.made, x.long().unbind(1), strict=True)
            total = total + config.likelihood_weight * sum(F.cross_entropy(logits, code) for logits, code in parts)
        gradients = g.gradients(total)
        self._note_norm(g_gradient=gradients)
        g.step(gradients, rate * config.generator_rate, **self._settings())
        self.totals.add(g_loss=g_loss)

    def _take_turn(self) -> None:
        for network in (self.generator, self.discriminator):
            network.take_turn(self.step)

    def _adversarial_step(
        self, train: Batches, rate: float, generator_moves: bool, discriminator_moves: bool = True
    ) -> Turn:
        config, loss, method = self.config, LOSSES[self.config.loss], self.config.penalty_method
        pays = self.step % config.penalty_every == 0
        penalty = PENALTIES[config.penalty if pays else "none"]
        weight = self.penalty_weight() * config.penalty_every
        g, d = self._descents["generator"], self._descents["d"]
        judging = self.discriminator if differentiates_twice(self.discriminator, penalty, method) else self._stepped[1]
        for k in range(config.d_steps):
            rows, whole = self._next_rows(train, config.batch)
            real, c = train.take(rows, self.device)
            if config.mirror:
                chances = self.rand(torch_generator(*self._key("mirror", k)), whole)
                real = mirrored_by_chance(real, self._mine(chances))
            draws = torch_generator(*self._key("step", k))
            z, u = (self._mine(numbers) for numbers in self._noise(draws, whole))
            # the last fakes serve D and then G, so that G runs once per step
            with self._knowing_noise(), torch.set_grad_enabled(generator_moves and k == config.d_steps - 1):
                fake = self._stepped[0](z, u, c)
                shown = self._augmented(fake, draws, whole)
            real = self._augmented(real, draws, whole)
            dropout = self._dropout(draws, 2 * whole)
            penalty_draws = self._penalty_draws(draws, real, whole)
            played = discriminator_turn(judging, loss, penalty, method, real, shown, c, dropout, penalty_draws)
            d_gradients = d.gradients(played.loss + weight * played.penalty if penalty.places else played.loss)
            logits = played.real_logits.detach(), played.fake_logits.detach()
            turn = Turn(train, rows, z, u, c, real, shown, *logits, draws)
            if config.at_once and generator_moves:
                g_gradients = g.gradients(self._generator_loss(turn, dropout))
            self._note_norm(d_gradient=d_gradients)
            if discriminator_moves:
                d.step(d_gradients, rate, **self._settings())
            self.totals.add(d_loss=played.loss, gap=logits[0].mean() - logits[1].mean())
            if pays:
                self.totals.add(penalty=played.penalty)
        if not generator_moves:
            return turn
        if not config.at_once:
            g_gradients = g.gradients(self._generator_loss(turn, self._dropout(draws, 2 * whole)))
        self._note_norm(g_gradient=g_gradients)
        g.step(g_gradients, rate * config.generator_rate, **self._settings())
        return turn

    def _note_norm(self, **gradients: Sequence[Tensor | None]) -> None:
        """Takes note of the Euclidean norm of all gradients of a network, at the last step before a progress update."""
        if (self.step + 1) % self.config.steps_per_look:
            return
        for name, of in gradients.items():
            norms = torch._foreach_norm([g for g in of if g is not None])
            self.totals.add(**{name: torch.stack([n.float() for n in norms]).norm()})

    def _generator_loss(self, turn: Turn, dropout: Tensor | None) -> Tensor:
        """What G goes down, by D as it is now; dropout [2B, D's num_uniforms] for real and fake."""
        config, loss, c, real_logits = self.config, LOSSES[self.config.loss], turn.c, turn.real_logits
        half, discriminator = len(turn.real), self._stepped[1]
        if loss.pairs and not config.at_once:  # those of D after its step
            with torch.no_grad():
                real_logits = discriminator.places(turn.real, c, None if dropout is None else dropout[:half])
        fake_logits = discriminator.places(turn.shown, c, None if dropout is None else dropout[half:])
        total = g_loss = loss.generator(real_logits, fake_logits)
        if config.likelihood_weight and (likelihood := self.generator.likelihood) is not None:
            whole = half * self.ranks.world
            order = self._mine(self.rand(turn.draws, whole, likelihood.num_order_uniforms))
            x = turn.train.rows(turn.rows)[0].to(self.device)
            total = g_loss + config.likelihood_weight * likelihood.likelihood_loss(
                x, c, order, self._likelihood_dropout(whole)
            )
        if config.path_length_weight and self.step % config.path_length_every == 0:
            total = total + self._path_length_loss(turn.z, turn.u, c)
        self.totals.add(g_loss=g_loss)
        return total

    def _path_length_loss(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """The path length regulariser on half the batch, as the paper's code takes it (Karras et al. 2020, appendix B).

        It moves G in the same step as its loss does, where theirs takes a step of its own.
        """
        styled = self.generator.styled
        assert styled is not None
        half = max(1, len(z) // 2)
        whole = half * self.ranks.world
        directions = self.randn(torch_generator(*self._key("path length")), whole, *self.generator.spec.shape)
        directions = self.ranks.share(directions, min(self._block, half))
        with self._knowing_noise():
            loss = styled.path_length_loss(z[:half], u[:half], None if c is None else c[:half], directions)
        return self.config.path_length_weight * self.config.path_length_every * loss

    @contextmanager
    def _knowing_noise(self) -> Iterator[None]:
        """Within it a G with styles knows what `_noise` drew first."""
        styled = self.generator.styled
        if styled is None:
            yield
            return
        styled.first_uniform = self._first_uniform
        try:
            yield
        finally:
            styled.first_uniform = None

    def _settings(self) -> dict[str, float | tuple[float, float]]:
        """Adam's decay rates now, or the momentum of 2014."""
        config = self.config
        if config.optimiser == "sgd":
            grown = min(1.0, self.samples / config.momentum_samples)
            return {"momentum": config.momentum + (config.final_momentum - config.momentum) * grown}
        if config.first_beta2 is None:
            return {"betas": (config.beta1, config.beta2)}
        return {"betas": (config.beta1, config.beta2 + (config.first_beta2 - config.beta2) * self._falling())}

    def penalty_weight(self) -> float:
        """The penalty's weight now."""
        low = 1.0 if self.steers_weight else self.config.final_weight
        return self.weight * (low + (1 - low) * self._falling())

    def _falling(self) -> float:
        """From 1 to 0 over the adversarial phases, a half cosine."""
        return 0.5 * (1 + math.cos(math.pi * self.config.through(self.warmup, self.done)))

    @torch.no_grad()
    def _move_average(self, shown: int) -> None:
        """EMA: average <- average + (1 - 2^(-samples shown / half-life)) (G - average)."""
        half_life = min(self.config.ema_half_life, 0.1 * max(self.samples, 1))
        towards = 1 - 0.5 ** (shown / half_life) if half_life else 1.0
        torch._foreach_lerp_(list[Tensor](self.average.parameters()), list(self.generator.parameters()), towards)
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

    def _noise(self, draws: torch.Generator, rows: int) -> tuple[Tensor, Tensor]:
        """z and u of G."""
        z = self.randn(draws, rows, self.generator.num_latents)
        u = torch.rand((rows, self.generator.num_uniforms), generator=draws)
        self._first_uniform = float(u[0, 0]) if u.numel() else 0.0
        return z, u.to(self.device, non_blocking=True)

    def _dropout(self, generator: torch.Generator, rows: int) -> Tensor | None:
        count = self.discriminator.num_uniforms
        return self._mine(self.rand(generator, rows, count), 2) if count else None

    def _likelihood_dropout(self, rows: int) -> Tensor | None:
        assert self.generator.likelihood is not None
        count = self.generator.likelihood.num_dropout_uniforms
        return self._mine(self.rand(torch_generator(*self._key("likelihood dropout")), rows, count)) if count else None

    def _mine(self, x: Tensor, parts: int = 1) -> Tensor:
        """The process's own rows of what was drawn for the whole batch, or for so many batches, one after the other."""
        return self.ranks.share(x, self._block, parts)

    def _penalty_draws(self, generator: torch.Generator, real: Tensor, whole: int) -> PenaltyDraws:
        places = PENALTIES[self.config.penalty].places
        between = directions = None
        if "between" in places:
            between = self._mine(self.rand(generator, whole, *[1] * (real.dim() - 1)))
        if places and self.config.penalty_method == "finite":
            directions = self._mine(self.randn(generator, whole * len(places), *real.shape[1:]), len(places))
        return PenaltyDraws(between, directions)

    def _next_rows(self, train: Batches, batch: int) -> tuple[Tensor, int]:
        """The process's own rows of the next records of the epoch's permutation, and how many all have together.

        What fills no batch waits for another epoch.
        """
        size = min(batch, len(train))
        epoch, position = divmod(self.samples // size, len(train) // size)
        if self._order is None or len(self._order) != len(train):
            self._order = Order(len(train), self.config.seed)
        self.samples += size
        two = self._order.rows(epoch, position * size, (position + 2) * size).to(train.x.device)
        if len(two) == 2 * size:
            train.expect(self._mine(two[size:]))
        return self._mine(two[:size]), size

    def sample(self, generator: Generator, count: int, purpose: str, c: Tensor | None) -> Tensor:
        """Fakes [count, *shape] of `generator` without gradients, keyed by (seed, purpose)."""
        draws = torch_generator(self.config.seed, purpose)
        z, u = self._noise(draws, count)
        with torch.no_grad():
            return torch.cat([generator(z[p], u[p], None if c is None else c[p]) for p in _parts(count)])

    def logits(self, x: Tensor, c: Tensor | None) -> Tensor:
        """D's logits [n] on records [n, *shape], without gradients or dropout."""
        with torch.no_grad():
            return torch.cat([self.discriminator(x[p], None if c is None else c[p]) for p in _parts(len(x))])

    # --- augmentation ---------------------------------------------------------------------------------------------

    def _augmented(self, x: Tensor, draws: torch.Generator, whole: int | None = None) -> Tensor:
        """What D is shown of x [B, C, H, W], this process's records of a batch of `whole`; None = x is the batch."""
        if self._augment is None or self.strength == 0:
            return x
        shape = (x.shape[1], x.shape[2], x.shape[3])
        drawn = self._augment.draw(draws, whole or len(x), shape, self.strength, self.device)
        if whole is not None and self.ranks.world > 1:
            drawn = drawn.of_rows(self._mine(torch.arange(whole, device=self.device)))
        if self.generator.spec.blocks:  # channels are no colours, but say which one
            drawn = replace(drawn, colours=None, contrasts=None)
        return self._augment.apply(x, drawn)

    def steer_augmentation(self, train: Batches, heldout: Batches, samples: int) -> None:
        """Moves the strength towards where D's overfitting, measured on held-out records, is as large as wanted.

        Args:
            train, heldout: records that train, and records that train nothing.
            samples: shown since the last update.
        """
        if self._augment is None or self.config.augmentation_strength is not None or not self._augment.steered:
            return
        draws = torch_generator(*self._key("memory"))
        count = min(len(heldout), len(train), AT_ONCE)
        means = []
        c: Tensor | None = None
        for records in (heldout, train):
            rows = torch.randint(len(records), (count,), generator=draws)
            x, c = records.take(rows.to(records.x.device), self.device)
            means.append(float(self.logits(self._augmented(x, draws), c).mean()))
        z, u = self._noise(draws, count)
        with torch.no_grad():
            fake = float(self.logits(self._augmented(self.generator(z, u, c), draws), c).mean())
        for i, value in enumerate((means[1] - means[0], means[1] - fake)):
            self.memory[i] += MEMORY_SPEED * (value - self.memory[i])
        memorised = self.memory[0] / self.memory[1] if self.memory[1] > 0 else 0.0
        speed = speed_for(self.length[2])
        strength = steer(self.strength, memorised, samples, self.config.augmentation_target, speed)
        self.strength, self.memory = self.ranks.agreed((strength, self.memory))

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
        return self.average if self.best is None else self._with(self.best)

    def warmed_generator(self) -> Generator | None:
        """The averaged G that began the game; None where it was not kept."""
        return None if self.warmed is None else self._with(self.warmed)

    def _with(self, weights: Mapping[str, Tensor]) -> Generator:
        generator = copy.deepcopy(self.average)
        generator.load_state_dict(weights)
        return generator

    def state_tensors(self) -> dict[str, Tensor]:
        """Every tensor of the game, by name; those of the live networks, not copies."""
        tensors: dict[str, Tensor] = {}
        for title, module in self._modules():
            tensors |= {f"{title}.{name}": t.detach() for name, t in module.state_dict().items()}
        for title, descent in self._descents.items():
            tensors |= {f"optimiser.{title}.{name}": t for name, t in descent.state_tensors().items()}
        for title, kept in (("best", self.best), ("warmed", self.warmed)):
            tensors |= {f"{title}.{name}": t for name, t in (kept or {}).items()}
        return tensors

    def state_json(self) -> dict[str, Any]:
        """Everything else, as plain JSON values."""
        return {name: copy.deepcopy(getattr(self, name)) for name in Numbers.__annotations__}

    def load_state(self, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
        """Put the game where `state_tensors` and `state_json` were taken.

        Raises:
            ModelError: a tensor is missing, left over or of another shape: the state is of another game.
        """
        numbers = {"length": self.length, **numbers}  # states of before lengths were planned anew have none
        expected = {name for name in self.state_tensors() if not name.startswith(_CHANGING)}
        found = {name for name in tensors if not name.startswith(_CHANGING)}
        if expected != found:
            odd = ", ".join(name[:80] for name in sorted(expected ^ found)[:3])
            raise ModelError(
                f"the checkpoint belongs to other networks: it differs in {odd}. Resume with the settings the run was "
                "started with, or start a new run."
            )
        try:
            stated: Numbers = of_type(Numbers, copy.deepcopy(dict(numbers)))
            if not 0 <= stated["length"][1] <= 1:
                raise StoredError("is no share", ".length[1]")
        except StoredError as error:
            raise ModelError(f"the checkpoint is damaged: {error}. Start a new run.") from error

        def part(prefix: str) -> dict[str, Tensor]:
            return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}

        try:
            for title, module in self._modules():
                module.load_state_dict(part(f"{title}."))
            for title, descent in self._descents.items():
                descent.load_state(part(f"optimiser.{title}."), self.device)
            for prefix in ("best.", "warmed."):
                if kept := part(prefix):
                    copy.deepcopy(self.average).load_state_dict(kept)
        except RuntimeError as error:
            raise ModelError(
                "the checkpoint belongs to networks of another size. Resume with the settings the run was started "
                f"with, or start a new run. ({str(error).splitlines()[-1].strip()})"
            ) from error
        for name in Numbers.__annotations__:
            setattr(self, name, stated[name])  # type: ignore[literal-required]  # a key of it
        self.memory = [*stated["memory"]]
        self.length = [*stated["length"]]

        def copied(prefix: str) -> dict[str, Tensor] | None:
            return {name: t.to(self.device, copy=True) for name, t in part(prefix).items()} or None

        self.best, self.warmed = copied("best."), copied("warmed.")
        self.totals.clear()

    def _modules(self) -> tuple[tuple[str, nn.Module], ...]:
        return ("generator", self.generator), ("average", self.average), ("d", self.discriminator)


def _parts(count: int) -> list[slice]:
    return [slice(i, i + AT_ONCE) for i in range(0, count, AT_ONCE)]

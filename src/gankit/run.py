"""One training run: the networks and the plan of the game for the data, the judge, and the model at the end.

Knows prepared data, networks, the game and metrics; never files' formats, terminals or the loop's inside.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gankit import __version__
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.game import Batches, Game, GameConfig
from gankit.metrics.two_sample import quick_c2st
from gankit.model import Given, NetworkPlan
from gankit.model.model import Model
from gankit.networks import Generator, LikelihoodGenerator
from gankit.networks.compact import expand
from gankit.networks.sequential import SequentialGenerator
from gankit.options import parse_duration, parse_samples
from gankit.preparation import Prepared
from gankit.randomness import torch_generator
from gankit.training import samples_for_budget, seconds_per_sample

if TYPE_CHECKING:
    from gankit.checkpoint import RunFolder

DEFAULT_BUDGET = "5m"
JUDGED_ROWS = 5000
"""Held-out records, and as many fakes, that the held-out metric looks at."""

FEW_ROWS = 1000
"""Below so many held-out records a two-sample test cannot choose among checkpoints; the likelihood does it."""

MAX_EPOCHS = 30
"""Longer than that a sequential G learns its training rows by heart (benchmarks/tables.md)."""

DROPOUT = ((2_000, 0.3), (20_000, 0.1), (float("inf"), 0.0))
"""Below so many training rows, that share of a sequential G's hidden units is dropped (benchmarks/tables.md)."""

JUDGING_SHARE = 0.2
"""At most this share of a time budget goes into evaluations, if three of them fit into it."""

SMALL_PARAMETERS = 3_000_000
"""Networks of fewer parameters are trained on one thread of the CPU: two gain a fifth on an idle machine and lose most
of their time waiting for each other on a busy one (benchmarks/tables.md)."""

WRITING_S = 2.0
"""What is kept back of a time budget for writing the model."""


@dataclass(frozen=True)
class Run:
    """A run that can be played: `game` over `train`, judged on `heldout` by `judge`."""

    prepared: Prepared
    config: TrainConfig
    plan: NetworkPlan
    game: Game
    train: Batches
    heldout: Batches
    judge: Callable[[Generator], float]
    metric: str

    @classmethod
    def start(cls, prepared: Prepared, config: TrainConfig, total_samples: int | None = None) -> Run:
        """A run at its first step; `total_samples` None = long enough to be timed."""
        device = _device(config.device)
        if prepared.network == "sequential" and config.latents is not None:
            raise OptionError("--latents: the sequential network takes one number of z a column. Leave it out.")
        latents = config.latents or 100
        precision = _precision(config.precision, prepared.network, device)
        plan = NetworkPlan(prepared.network, config.width, config.depth, latents, precision)
        condition = None if prepared.given is None else prepared.given.spec
        generator, discriminator = plan.build(prepared.codec.spec, condition, config.seed)
        if isinstance(generator, SequentialGenerator):
            generator.dropout = next(share for rows, share in DROPOUT if prepared.num_train < rows)
        train, heldout = _batches(prepared, prepared.train), _batches(prepared, prepared.heldout)
        if isinstance(generator, LikelihoodGenerator):
            generator.start_from(train.x)
        game = Game(generator.to(device), discriminator.to(device), plan_game(prepared, config, total_samples or 10**9))
        judge, metric = _judge(prepared, config, plan, game, heldout)
        return cls(prepared, config, plan, game, train, heldout, judge, metric)

    @contextmanager
    def threads(self) -> Iterator[None]:
        """Within it torch uses as many threads as the networks are worth; what was set before comes back."""
        before = torch.get_num_threads()
        if sum(t.numel() for t in self.game.generator.parameters()) < SMALL_PARAMETERS:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def save(self, folder: RunFolder) -> None:
        """Saves the state at this step boundary."""
        folder.save_checkpoint(self.game.step, self.game.state_tensors(), self.game.state_json())

    def model(self) -> Model:
        """The model of the best averaged G so far; the same bytes whether or not the run was interrupted."""
        p, game = self.prepared, self.game
        card = {
            "name": p.origin.name,
            "kind": p.kind,
            "version": __version__,
            "columns": [{"name": c.name, "kind": c.kind} for c in p.schema.columns],
            "given": list(self.config.given),
            "rows": {"train": p.num_train, "heldout": p.num_heldout},
            "data_hash": p.data_hash,
            "network": self.plan.name,
            "precision": self.plan.precision,
            "parameters": sum(t.numel() for t in game.generator.parameters()),
            "latents": game.generator.num_latents,
            "samples": game.samples,
            "steps": game.step,
            "epochs": round(game.samples / max(p.num_train, 1), 2),
            "stopped_early": game.stopped_early,
            "metric": {"name": self.metric, "value": game.best_metric, "samples": game.best_samples},
            "options": self.config.to_json(),
        }
        return _model(p, self.plan, game.best_generator().to("cpu"), card, _in_one_order(game.history), self.figure())

    def figure(self) -> dict[str, Any] | None:
        """For one number: D over a grid and where G takes z, as in figure 1 of the paper of 2014."""
        if self.prepared.kind != "number" or self.prepared.given is not None:
            return None
        from gankit.evaluation import figure_of_one_number

        return figure_of_one_number(self.game.best_generator(), self.game.discriminator, self.prepared)


def plan_game(prepared: Prepared, config: TrainConfig, total_samples: int) -> GameConfig:
    """The one table of what follows from the data's size and form; what the user set goes before it."""
    rows = prepared.num_train
    likelihood = prepared.network == "sequential"
    batch = config.batch or int(np.clip(rows // 8, 16, 256))
    plan = GameConfig(
        total_samples=total_samples,
        loss=config.loss or "relativistic",
        penalty=config.penalty or "r1r2",
        penalty_method=config.penalty_method,  # type: ignore[arg-type]  # one of the two by the option's choices
        penalty_weight=config.penalty_weight,
        batch=batch,
        d_steps=config.d_steps,
        evaluations=config.evaluations,
        early_stop=config.early_stop,
        seed=config.seed,
    )
    if likelihood:
        # benchmarks/tables.md
        plan = replace(
            plan,
            warmup=0.9,
            warmup_batch=config.batch or int(np.clip(rows // 50, 16, 512)),
            warmup_keeps_last=prepared.num_heldout >= FEW_ROWS,
            d_warmup=0.04,
            likelihood_weight=0.1,
            generator_rate=0.03,
            gap_target=0.02,
            ema_half_life=10.0 * rows,
        )
    if prepared.kind in ("number", "vector"):
        # benchmarks/modes.md: few numbers want a fast G and a penalty that gives way
        plan = replace(plan, learning_rate=3e-3, first_weight=0.1, gap_target=0.02)
    changes: dict[str, Any] = {}
    if config.learning_rate is not None:
        changes |= {"learning_rate": config.learning_rate, "warmup_learning_rate": config.learning_rate}
    if config.ema_half_life is not None:
        changes["ema_half_life"] = config.ema_half_life
    if config.warmup is not None:
        if not likelihood and config.warmup:
            raise OptionError(f"--warmup is for --network sequential, and this is {prepared.network}. Leave it out.")
        changes["warmup"] = config.warmup
        changes["d_warmup"] = min(plan.d_warmup, 1 - config.warmup)
    return replace(plan, **changes)


def length_of(run: Run, config: TrainConfig, spent_s: float, notes: list[str]) -> tuple[int, int]:
    """Real samples to show and evaluations: as asked for, or what a time budget holds by a few timed steps.

    Args:
        run: at its start; it is not moved.
        config: what the user asked for.
        spent_s: what was spent before.
        notes: the decision is appended.
    """
    if config.samples is not None:
        return parse_samples(config.samples), config.evaluations
    budget = config.budget or DEFAULT_BUDGET
    budget_s = parse_duration(budget)
    began = time.monotonic()
    per_sample = seconds_per_sample(run.game, run.train)
    timed = time.monotonic()
    run.judge(run.game.average)
    judged_s = time.monotonic() - timed
    affordable = int(JUDGING_SHARE * budget_s / max(judged_s, 1e-9))
    plan = replace(run.game.config, evaluations=int(np.clip(affordable, 3, config.evaluations)))
    spent_s += time.monotonic() - began + WRITING_S
    total = samples_for_budget(budget_s, spent_s, per_sample, judged_s, plan)
    epochs = total / max(run.prepared.num_train, 1)
    if config.early_stop and run.game.warmup and epochs > MAX_EPOCHS:
        total, epochs = MAX_EPOCHS * run.prepared.num_train, MAX_EPOCHS
        why = f"more teaches a table of {run.prepared.num_train:,} rows little; --no-early-stop takes all of {budget}"
    else:
        why = f"as many as fit in {budget}. Another: --budget"
    notes.append(
        f"length: {total:,} samples ({epochs:.1f} epochs): {why}. "
        f"The same again: --samples {total} --evaluations {plan.evaluations}"
    )
    return total, plan.evaluations


def _batches(prepared: Prepared, values: Any) -> Batches:
    spec = prepared.codec.spec
    continuous = all(b.kind == "continuous" for b in spec.blocks)
    compact = prepared.codec.encode(values)
    # Networks see cells, not places inside them; in float32 a place just below 1 would round up to the next cell.
    x = torch.from_numpy((compact if continuous else np.floor(compact)).astype(np.float32))
    c = None
    if prepared.given is not None:
        codes = torch.from_numpy(np.floor(prepared.given.encode(values)).astype(np.float32))
        c = expand(prepared.given.spec, codes)
    return Batches(x, c, None if continuous else (lambda rows: expand(spec, rows)))


def _judge(
    prepared: Prepared, config: TrainConfig, plan: NetworkPlan, game: Game, heldout: Batches
) -> tuple[Callable[[Generator], float], str]:
    """The held-out metric: a two-sample test by trees on decoded fakes, or with few records the likelihood."""
    if isinstance(game.generator, LikelihoodGenerator) and len(heldout) < FEW_ROWS:
        return _likelihood_judge(game, heldout, config.seed), "held-out log-likelihood"
    schema = prepared.schema
    real = prepared.sample(prepared.heldout)
    count = min(max(real.num_rows, 500), JUDGED_ROWS)

    def judge(generator: Generator) -> float:
        where = next(generator.parameters()).device
        model = _model(prepared, plan, generator.to("cpu"), {}, (), None)
        fakes = [schema.parse(batch) for batch in model.sample_batches(count, seed=_judge_seed(config.seed))]
        generator.to(where)
        parts = [prepared.sample(values) for values in fakes]
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        return float(quick_c2st(real, replace(parts[0], columns=columns), config.seed, max_rows=count).value)

    return judge, "two-sample test by trees (1 = cannot be told from held-out records)"


def _likelihood_judge(game: Game, heldout: Batches, seed: int) -> Callable[[Generator], float]:
    rows = heldout.x[:JUDGED_ROWS]

    def judge(generator: Generator) -> float:
        assert isinstance(generator, LikelihoodGenerator)
        x = rows.to(game.device)
        total = 0.0
        for k in range(4):
            u = torch.rand(len(x), generator.num_order_uniforms, generator=torch_generator(seed, "judge", k))
            with torch.no_grad():
                total -= float(generator.likelihood_loss(x, None, u.to(game.device)))
        return total / 4

    return judge


def _judge_seed(seed: int) -> int:
    """Fakes for choosing checkpoints are other ones than those of the user's seeds."""
    return -1 - abs(seed)


def _model(
    prepared: Prepared, plan: NetworkPlan, generator: Generator, card: dict[str, Any], history: Any, figure: Any
) -> Model:
    given = None
    if prepared.given is not None:
        codes = np.floor(prepared.given.encode(prepared.train)).astype(np.int64)
        unique, counts = np.unique(codes, axis=0, return_counts=True)
        given = Given(prepared.given, unique, counts.astype(np.float64))
    return Model(
        prepared.kind, prepared.schema, prepared.origin, prepared.codec, given, plan, generator, card,
        tuple(history), figure, prepared,
    )  # fmt: skip


def _precision(asked: str, network: str, device: torch.device) -> str:
    """What was asked for; auto = bfloat16 where the network can use it and the hardware multiplies in it."""
    if network != "sequential":
        if asked == "bfloat16":
            raise OptionError(f"--precision bfloat16 is for --network sequential, and this is {network}. Leave it out.")
        return "float32"
    if asked != "auto":
        return asked
    has = torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "cpu" and _cpu_has_bfloat16()
    return "bfloat16" if has else "float32"


def _cpu_has_bfloat16() -> bool:
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(asked and asked())


def _in_one_order(history: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The history with its keys sorted: after a resume they come in another order."""
    return tuple(json.loads(json.dumps(history, sort_keys=True)))


def _device(name: str) -> torch.device:
    """The device asked for; auto = CUDA, then MPS, then the CPU."""
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if (name == "cuda" and not torch.cuda.is_available()) or (name == "mps" and not has_mps):
        raise OptionError(f"--device {name}: this machine has none, or this torch cannot use it. Use --device cpu.")
    return torch.device(name)

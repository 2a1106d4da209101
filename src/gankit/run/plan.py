"""How a game is played for the data's kind, size and shape, for how long, and what evaluates it while it runs.

Knows prepared data, networks and the options; never files or terminals.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gankit.budget import WRITING_S, Budget
from gankit.config import TrainConfig
from gankit.errors import DependencyError, OptionError
from gankit.kinds.base import Evidence, Prepared
from gankit.kinds.options import AugmentOptions
from gankit.model import Given, NetworkPlan
from gankit.model.model import Model
from gankit.networks import NETWORKS
from gankit.networks.base import Generator, Task
from gankit.randomness import torch_generator
from gankit.ranks import current
from gankit.run.pace import Pace, Planner
from gankit.training.game import Batches, Game
from gankit.training.loop import Interval, samples_for_budget, seconds_per_sample
from gankit.training.losses import LOSSES
from gankit.training.plan import GameConfig

if TYPE_CHECKING:
    from gankit.run.run import Run

MOST_LIKELIHOOD = 5000
"""Held-out records whose likelihood is taken."""

LIKELIHOOD_GROUPS, STUDENT_9 = 10, 2.2622
"""Groups of these records, from whose spread the interval is, and the 97.5% point of Student's t of 9 degrees."""

MAX_EPOCHS = 30
"""Longer than that a sequential G memorises its training rows (benchmarks/tables.md)."""

EPOCHS_OF_MEMBER, MOST_MEMBERS, LEAST_ENSEMBLED = 20, 4, 2_000
"""Epochs after which a member of an ensemble knows enough, members that are worth their time, and training rows from
which there are several (benchmarks/tables.md)."""

LOOK_PIXELS = 256 * 256
"""Above so many pixels Progress comes after fewer steps: a step then takes seconds, and a stop waits for it."""

Evaluator = Callable[[Generator], float | Interval]
"""From a generator to its held-out metric, of which more is better, alone or with its interval."""


def held_out_evaluator(
    prepared: Prepared[Any, Any], plan: NetworkPlan, game: Game, heldout: Batches, config: TrainConfig,
    evidence: Evidence | None,
) -> tuple[Evaluator, str]:  # fmt: skip
    """The held-out metric and its name: the kind's own, or with few records the likelihood, where G has one."""
    if game.generator.likelihood is not None and len(heldout) < prepared.kind.few_heldout:
        return _likelihood_evaluator(game, heldout, config.seed), "held-out log-likelihood"
    # fakes for choosing checkpoints are other ones than those of the user's seeds
    metric = prepared.kind.held_out_metric(prepared, config, evidence, -1 - abs(config.seed))

    def evaluate(generator: Generator) -> float | Interval:
        where = next(generator.parameters()).device
        value = metric.value(model_of(prepared, plan, generator.to("cpu"), {}))
        generator.to(where)
        return value

    return evaluate, metric.name


def _likelihood_evaluator(game: Game, heldout: Batches, seed: int) -> Evaluator:
    rows = heldout.x[:MOST_LIKELIHOOD]

    def evaluate(generator: Generator) -> Interval:
        likelihood, x = generator.likelihood, rows.to(game.device)
        assert likelihood is not None
        shape, found = (len(x), likelihood.num_order_uniforms), []
        orders = [torch.rand(shape, generator=torch_generator(seed, "judge", k)).to(game.device) for k in range(4)]
        groups = torch.arange(len(x), device=game.device).tensor_split(min(LIKELIHOOD_GROUPS, max(len(x) // 2, 1)))
        for group in groups:
            with torch.no_grad():
                found.append(-sum(float(likelihood.likelihood_loss(x[group], None, u[group])) for u in orders) / 4)
        value = math.fsum(each * len(group) for each, group in zip(found, groups, strict=True)) / len(x)
        half = STUDENT_9 * stdev(found) / math.sqrt(len(found)) if len(found) == LIKELIHOOD_GROUPS else math.nan
        return value, value - half, value + half

    return evaluate


def model_of(
    prepared: Prepared[Any, Any], plan: NetworkPlan, generator: Generator, card: dict[str, Any], history: Any = (),
    figure: Any = None,
) -> Model:  # fmt: skip
    """The model of a generator, with its training data at hand."""
    given = None if prepared.given is None else Given(prepared.given, *prepared.combinations)
    return Model(
        prepared.kind.name, prepared.schema, prepared.origin, prepared.codec, given, plan, generator, card,
        tuple(history), figure, prepared,
    )  # fmt: skip


def plan_game(prepared: Prepared[Any, Any], config: TrainConfig, total_samples: int) -> GameConfig:
    """How the game is played: the pair's recipe, what follows from the kind of data, and before both what the user set.

    Raises:
        OptionError: an option that the pair cannot obey.
    """
    pair, rows = NETWORKS[prepared.network], prepared.num_train
    task = Task(
        prepared.codec.spec, rows, config.batch, config.penalty, config.warmup,
        judged_by_likelihood=prepared.num_heldout < prepared.kind.few_heldout,
        mean_square=prepared.kind.mean_square(prepared),
    )  # fmt: skip
    fields: dict[str, Any] = {"batch": int(np.clip(rows // 8, 16, 256)), **pair.recipe(task), **prepared.kind.recipe}
    augment = config.own(AugmentOptions).augment
    if task.spec.form == "image":  # what follows from their number and size, where the recipe does not say it
        _, height, width = task.spec.shape
        automatic = prepared.kind.augmentation if pair.augmented else "none"
        fields = {
            "ema_half_life": float(np.clip(2 * task.rows, 5_000, 50_000)),
            "steps_per_look": max(1, min(25, 25 * LOOK_PIXELS // (height * width))),
            "augmentation": automatic,
            "mirror": config.of_kinds.get("mirror") == "on",
        } | fields
        if augment != "auto":
            fields["augmentation"] = augment
    elif augment not in ("auto", "none"):
        raise OptionError(
            f"--augment {augment} is for images and spectrograms, and network {pair.name} learns raw samples. "
            "Leave it out."
        )
    if config.warmup and not pair.likelihood:
        able = " and ".join(name for name, other in NETWORKS.items() if other.likelihood)
        raise OptionError(f"--warmup is for the networks {able}, and this is {pair.name}. Leave it out.")
    if config.warmup is not None:
        fields |= {"warmup": config.warmup, "d_warmup": min(fields.get("d_warmup", 0.0), 1 - config.warmup)}
    if config.loss is not None and config.loss not in LOSSES:
        raise DependencyError(f"there is no loss {config.loss} here. Install the package that it comes with.")
    asked = {
        "loss": config.loss, "penalty": config.penalty, "penalty_weight": config.penalty_weight, "batch": config.batch,
        "learning_rate": config.learning_rate, "warmup_learning_rate": config.learning_rate,
        "ema_half_life": config.ema_half_life, "generator_rate": config.generator_rate,
    }  # fmt: skip
    fields |= {name: value for name, value in asked.items() if value is not None}
    if task.spec.form == "image":
        fields["batch"] = min(fields["batch"], max(4, rows // 4))
    return GameConfig(
        total_samples=total_samples,
        penalty_method=config.penalty_method,  # type: ignore[arg-type]  # one of the two by the option's choices
        d_steps=config.d_steps,
        evaluations=config.evaluations,
        early_stop=config.early_stop,
        seed=config.seed,
        **fields,
    )


def members_for(prepared: Prepared[Any, Any], config: TrainConfig, total_samples: int, notes: list[str]) -> int | None:
    """The members of an ensemble: what was asked for, or as many as so many samples teach; None = there are none.

    notes: the decision is appended.
    """
    if config.members is not None or (most := _most_members(prepared, config)) == 1:
        return config.members
    members = int(np.clip(total_samples // (EPOCHS_OF_MEMBER * prepared.num_train), 1, most))
    if members > 1:
        notes.append(f"network: an ensemble of {members}, which take turns in learning. Override with --members")
    return members


def _most_members(prepared: Prepared[Any, Any], config: TrainConfig) -> int:
    pair = NETWORKS[prepared.network]
    able = pair.joined is not None and config.warmup != 0 and config.from_ is None
    return config.members or (MOST_MEMBERS if able and prepared.num_train >= LEAST_ENSEMBLED else 1)


def length_of(run: Run, config: TrainConfig, spent_s: float, notes: list[str]) -> tuple[int, int, Planner]:
    """Real samples to show and evaluations: as asked for, or what a time budget holds by a few timed steps of `run`,
    which is not moved; and what keeps such a budget.

    config: what the user asked for. spent_s: seconds that were spent before. notes: the decision is appended.
    """
    budget = Budget.of(config)
    if budget.seconds is None:
        assert budget.samples is not None
        return budget.samples, config.evaluations, Planner(budget.plans)
    began = time.monotonic()
    per_sample = seconds_per_sample(run.game, run.train, within_s=budget.timing_s)
    timed = time.monotonic()
    run.evaluate(run.game.average)
    evaluated_s = time.monotonic() - timed
    plan = replace(run.game.config, evaluations=budget.evaluations(evaluated_s, config.evaluations))
    spent_s += time.monotonic() - began
    total = samples_for_budget(budget.seconds, spent_s + WRITING_S, per_sample, evaluated_s, plan)
    most_epochs = max(MAX_EPOCHS, EPOCHS_OF_MEMBER * _most_members(run.prepared, config))
    most = most_epochs * run.prepared.num_train if config.early_stop and run.game.warmup else None
    pace = Pace(
        budget.seconds, spent_s, {str(phase): cost_s for phase, cost_s in per_sample.items()}, evaluated_s, most
    )
    epochs = total / max(run.prepared.num_train, 1)
    if most is not None and total > most:
        total, epochs = most, most_epochs
        why = f"more teaches {run.prepared.num_train:,} records little; --no-early-stop takes all of {budget.text}"
    else:
        why = f"as many as fit in {budget.text}, planned anew where the speed changes. Override with --budget"
    notes.append(
        f"length: {total:,} samples ({epochs:.1f} epochs): {why}. "
        f"Reproduce with --samples {total} --evaluations {plan.evaluations}"
        + ("" if config.threads is None else f" --threads {config.threads}")
        + (" --compile on" if config.compile == "on" else "")
        + ("" if config.network == "auto" else f" --network {config.network}")
    )
    return *current().agreed((total, plan.evaluations)), pace

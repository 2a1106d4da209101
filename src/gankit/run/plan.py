"""The one place that says how a game is played for the data's kind, size and shape, and for how long.

Knows prepared data, options and the game's settings; never files or the loop's inside.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.config import DEFAULT_BUDGET, TrainConfig
from gankit.errors import OptionError
from gankit.kinds.base import Prepared
from gankit.kinds.options import AugmentOptions
from gankit.kinds.refusing import UNAUGMENTED
from gankit.options import parse_duration, parse_samples
from gankit.run.audio import wave_plan
from gankit.run.series_plan import series_plan
from gankit.run.texts import text_plan
from gankit.training.loop import samples_for_budget, seconds_per_sample
from gankit.training.plan import GameConfig

if TYPE_CHECKING:
    from gankit.run.run import Run


MAX_EPOCHS = 30
"""Longer than that a sequential G learns its training rows by heart (benchmarks/tables.md)."""

WARMED_UP = ("sequential", "symbols")
"""Networks whose G has a likelihood."""

JUDGING_SHARE = 0.2
"""At most this share of a time budget goes into evaluations, if three of them fit into it."""

BUSY = 0.2
"""If more of the processor than that goes to others while steps are timed, a line says so."""

WRITING_S = 2.0
"""What is kept back of a time budget for writing the model."""


def plan_game(prepared: Prepared[Any, Any], config: TrainConfig, total_samples: int) -> GameConfig:
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
            warmup_keeps_last=prepared.num_heldout >= prepared.kind.few_heldout,
            d_warmup=0.04,
            likelihood_weight=0.1,
            generator_rate=0.03,
            gap_target=0.02,
            ema_half_life=10.0 * rows,
        )
    if prepared.codec.spec.form == "image":
        plan = _picture_plan(prepared, config, plan)
    if prepared.network == "wave":
        plan = wave_plan(prepared, config, plan)
    if prepared.kind.name == "text":
        plan = text_plan(prepared, config, plan)
    if prepared.kind.name == "series":
        row = series_plan(prepared.network, rows)
        if config.batch is not None:
            row["batch"] = config.batch
        plan = replace(plan, **row)
    if prepared.kind.name in ("number", "vector"):
        # benchmarks/modes.md: few numbers want a fast G and a penalty that gives way
        plan = replace(plan, learning_rate=3e-3, first_weight=0.01, gap_target=0.02)
    changes: dict[str, Any] = {}
    if config.learning_rate is not None:
        changes |= {"learning_rate": config.learning_rate, "warmup_learning_rate": config.learning_rate}
    if config.ema_half_life is not None:
        changes["ema_half_life"] = config.ema_half_life
    if config.warmup is not None:
        if prepared.network not in WARMED_UP and config.warmup:
            networks = " and ".join(WARMED_UP)
            raise OptionError(f"--warmup is for the networks {networks}, and this is {prepared.network}. Leave it out.")
        changes["warmup"] = config.warmup
        changes["d_warmup"] = min(plan.d_warmup, 1 - config.warmup)
    return replace(plan, **changes)


PICTURE_PLANS: dict[str, dict[str, Any]] = {
    # benchmarks/pictures_networks.md
    "strided": {"batch": 32, "learning_rate": 2e-3, "gap_target": 0.15},
    # Huang et al. 2025, appendix: their CIFAR-10 configuration
    "residual": {
        "batch": 64, "learning_rate": 2e-4, "final_learning_rate": 0.25, "first_beta2": 0.9, "gap_target": 0.15,
    },
    # Radford et al. 2016, section 3
    "dcgan": {
        "batch": 128, "loss": "nonsaturating", "penalty": "none", "learning_rate": 2e-4, "final_learning_rate": 1.0,
        "beta1": 0.5, "beta2": 0.999,
    },
    # Karras et al. 2020, appendix B; their weight of R1 follows the resolution (Karras et al. 2020b, appendix)
    "stylegan2": {
        "batch": 32, "loss": "nonsaturating", "penalty": "r1", "penalty_every": 16, "learning_rate": 2e-3,
        "final_learning_rate": 1.0, "path_length_weight": 2.0, "path_length_every": 4, "ema_half_life": 10_000.0,
    },
}  # fmt: skip
"""How the games of pictures are played, by network; what is not named stands in `GameConfig`."""

MEASURED_PIXELS = 28 * 28
"""Of the pictures that the strided pair's settings were found on (MNIST): from there the penalty starts in proportion
to the numbers of a picture, and the learning rate falls with the side (benchmarks/pictures.md)."""

LOOK_PIXELS, LOOK_PIXELS_STYLES = 256 * 256, 64 * 64
"""Above so many pixels (StyleGAN2: the second) looks come after fewer steps, for a step then takes seconds, and a stop,
a checkpoint and the progress wait for a look."""

SMALL_SIDE, SMALL_WEIGHT = 32, 0.01
"""For pictures up to so many pixels a side StyleGAN2 goes without path lengths, and R1 has this weight (its CIFAR-10
configuration: Karras et al. 2020b)."""


def _picture_plan(prepared: Prepared[Any, Any], config: TrainConfig, plan: GameConfig) -> GameConfig:
    """The plan for pictures: the network's own row of the table, and what follows from their number and size."""
    _, height, width = prepared.codec.spec.shape
    row = dict(PICTURE_PLANS.get(prepared.network, {}))
    if prepared.network in ("dense2014", "conv2014"):
        row = _plan_of_2014(prepared)
    if config.penalty is not None and config.penalty != row.get("penalty", "r1r2"):
        row = {name: value for name, value in row.items() if name not in ("penalty_weight", "final_weight")}
    asked = {
        "loss": config.loss, "penalty": config.penalty, "penalty_weight": config.penalty_weight, "batch": config.batch,
    }  # fmt: skip
    row |= {name: value for name, value in asked.items() if value is not None}
    row["batch"] = min(row["batch"], max(4, prepared.num_train // 4))
    row.setdefault("ema_half_life", float(np.clip(2 * prepared.num_train, 5_000, 50_000)))
    if prepared.network in ("strided", "residual"):
        # the gradient's squared norm is a sum over the numbers of a picture; 1 fits MNIST (benchmarks/pictures.md)
        row["first_weight"] = prepared.codec.spec.dim / MEASURED_PIXELS
    if prepared.network == "strided":
        row["learning_rate"] *= min(1.0, math.sqrt(MEASURED_PIXELS / (height * width)))
    if prepared.network == "stylegan2":
        if config.penalty_weight is None and row["penalty"] != "none":
            # gamma = 0.0002 pixels / batch (Karras et al. 2020b, their automatic configuration)
            small = height * width <= SMALL_SIDE**2
            row["penalty_weight"] = SMALL_WEIGHT if small else 0.0002 * height * width / row["batch"]
        if height * width <= SMALL_SIDE**2:
            row["path_length_weight"] = 0.0
    usual = "spectral" if prepared.kind.name == "audio" else "ada"
    most = LOOK_PIXELS_STYLES if prepared.network == "stylegan2" else LOOK_PIXELS
    row["steps_per_look"] = max(1, min(plan.steps_per_look, plan.steps_per_look * most // (height * width)))
    automatic = "none" if prepared.network in UNAUGMENTED else usual
    augment = config.own(AugmentOptions).augment
    row["augmentation"] = automatic if augment == "auto" else augment
    return replace(plan, **row, mirror=config.of_kinds.get("mirror") == "on")


def _plan_of_2014(prepared: Prepared[Any, Any]) -> dict[str, Any]:
    """The schedule of the paper of 2014, as its configuration files have it."""
    from gankit.networks.vectors.dense2014 import schedule2014

    found = schedule2014(prepared.network, prepared.codec.spec)
    return {
        "loss": found.loss, "penalty": found.penalty, "optimiser": "sgd", "batch": found.batch,
        "learning_rate": found.discriminator_rate, "generator_rate": found.learning_rate / found.discriminator_rate,
        "rate_decay": found.rate_decay, "least_rate": found.smallest_rate, "max_column_norm": found.max_column_norm,
        "momentum": found.momentum, "final_momentum": found.final_momentum,
        "momentum_samples": found.momentum_epochs * prepared.num_train, "ema_half_life": 0.0,
        "at_once": found.at_once,
    }  # fmt: skip


def default_latents(prepared: Prepared[Any, Any]) -> int:
    """Numbers of z where the user named none: 100 as in 2014, 512 for StyleGAN2."""
    return 512 if prepared.network == "stylegan2" else 100


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
    began, worked = time.monotonic(), time.process_time()
    per_sample = seconds_per_sample(run.game, run.train)
    timed = time.monotonic()
    busy = 1 - (time.process_time() - worked) / max(timed - began, 1e-9)
    run.judge(run.game.average)
    judged_s = time.monotonic() - timed
    affordable = int(JUDGING_SHARE * budget_s / max(judged_s, 1e-9))
    plan = replace(run.game.config, evaluations=int(np.clip(affordable, 3, config.evaluations)))
    spent_s += time.monotonic() - began + WRITING_S
    total = samples_for_budget(budget_s, spent_s, per_sample, judged_s, plan)
    epochs = total / max(run.prepared.num_train, 1)
    if config.early_stop and run.game.warmup and epochs > MAX_EPOCHS:
        total, epochs = MAX_EPOCHS * run.prepared.num_train, MAX_EPOCHS
        why = f"more teaches {run.prepared.num_train:,} records little; --no-early-stop takes all of {budget}"
    else:
        why = f"as many as fit in {budget}. Another: --budget"
    notes.append(
        f"length: {total:,} samples ({epochs:.1f} epochs): {why}. "
        f"The same again: --samples {total} --evaluations {plan.evaluations}"
        + ("" if config.threads is None else f" --threads {config.threads}")
        + (" --compile on" if config.compile == "on" else "")
    )
    if run.game.device.type == "cpu" and busy > BUSY:
        notes.append(
            f"other programs took {busy:.0%} of the processor while the length was worked out; should they end, the "
            f"training ends before {budget} are over. A set length: --samples"
        )
    return total, plan.evaluations

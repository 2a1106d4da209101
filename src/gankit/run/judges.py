"""The held-out metric of a run, applied to generators: what chooses its checkpoints and may stop it.

Knows prepared data, models and the metric that a kind hands over; never the loop or its settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from gankit.config import TrainConfig
from gankit.kinds.base import Evidence, Prepared
from gankit.model import Given, NetworkPlan
from gankit.model.model import Model
from gankit.networks.base import Generator
from gankit.randomness import torch_generator
from gankit.training.batches import Batches
from gankit.training.game import Game

MOST_LIKELIHOOD = 5000
"""Held-out records whose likelihood is taken."""

Judge = Callable[[Generator], float]


def judge_of(
    prepared: Prepared[Any, Any],
    config: TrainConfig,
    plan: NetworkPlan,
    game: Game,
    heldout: Batches,
    evidence: Evidence | None,
) -> tuple[Judge, str]:
    """The held-out metric and its name: the kind's own, or with few records the likelihood, where G has one."""
    if game.generator.likelihood is not None and len(heldout) < prepared.kind.few_heldout:
        return _likelihood_judge(game, heldout, config.seed), "held-out log-likelihood"
    # fakes for choosing checkpoints are other ones than those of the user's seeds
    metric = prepared.kind.held_out_metric(prepared, config, evidence, -1 - abs(config.seed))

    def judge(generator: Generator) -> float:
        where = next(generator.parameters()).device
        value = metric.value(model_of(prepared, plan, generator.to("cpu"), {}, (), None))
        generator.to(where)
        return value

    return judge, metric.name


def _likelihood_judge(game: Game, heldout: Batches, seed: int) -> Callable[[Generator], float]:
    rows = heldout.x[:MOST_LIKELIHOOD]

    def judge(generator: Generator) -> float:
        likelihood = generator.likelihood
        assert likelihood is not None
        x = rows.to(game.device)
        total = 0.0
        for k in range(4):
            u = torch.rand(len(x), likelihood.num_order_uniforms, generator=torch_generator(seed, "judge", k))
            with torch.no_grad():
                total -= float(likelihood.likelihood_loss(x, None, u.to(game.device)))
        return total / 4

    return judge


def model_of(
    prepared: Prepared[Any, Any],
    plan: NetworkPlan,
    generator: Generator,
    card: dict[str, Any],
    history: Any,
    figure: Any,
) -> Model:
    """The model of a generator, with its training data at hand."""
    given = None
    if prepared.given is not None:
        given = Given(prepared.given, *prepared.combinations)
    return Model(
        prepared.kind.name, prepared.schema, prepared.origin, prepared.codec, given, plan, generator, card,
        tuple(history), figure, prepared,
    )  # fmt: skip

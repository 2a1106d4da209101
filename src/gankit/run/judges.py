"""The held-out metric of a run: what chooses its checkpoints and may stop it. Larger is better.

Knows prepared data, models and metrics; never the loop or its settings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from gankit.config import TrainConfig
from gankit.kinds.audio.codec import SOUND, WaveCodec
from gankit.kinds.images.perception import Perception
from gankit.kinds.prepared import Prepared, SeriesPart
from gankit.kinds.series.judge import METRIC as SERIES_METRIC
from gankit.kinds.series.judge import series_judge
from gankit.metrics.two_sample import quick_c2st
from gankit.model import Given, NetworkPlan
from gankit.model.model import Model
from gankit.networks import Generator, LikelihoodGenerator
from gankit.randomness import numpy_generator, torch_generator
from gankit.run.texts import METRIC, text_judge
from gankit.training.batches import Batches
from gankit.training.game import Game

JUDGED_ROWS = 5000
"""Held-out records, and as many fakes, that the held-out metric looks at."""

JUDGED_PIXELS = 2**22
"""Pictures are judged by at most so many pixels together, but not by fewer than `LEAST_JUDGED`."""

LEAST_JUDGED = 256

FEW_ROWS = 1000
"""Below so many held-out records a two-sample test cannot choose among checkpoints; the likelihood does it."""

Judge = Callable[[Generator], float]


def judge_of(
    prepared: Prepared,
    config: TrainConfig,
    plan: NetworkPlan,
    game: Game,
    heldout: Batches,
    perception: Perception | None,
) -> tuple[Judge, str]:
    """The held-out metric and its name: of pictures and series, minus a Frechet distance; of texts, minus the
    divergence of n-grams; of tables a two-sample test by trees on decoded fakes, or with few records the likelihood.
    """
    if prepared.kind == "text":

        def made(generator: Generator) -> Model:
            return model_of(prepared, plan, generator, {}, (), None)

        return text_judge(prepared, made, config.seed, _judge_seed(config.seed)), METRIC
    if perception is not None:
        return _picture_judge(prepared, config, plan, perception), f"minus the Frechet distance ({perception.name})"
    if isinstance(prepared.heldout_part, SeriesPart):

        def of(generator: Generator) -> Model:
            return model_of(prepared, plan, generator, {}, (), None)

        return series_judge(prepared, of, config.seed, _judge_seed(config.seed)), SERIES_METRIC
    if isinstance(game.generator, LikelihoodGenerator) and len(heldout) < FEW_ROWS:
        return _likelihood_judge(game, heldout, config.seed), "held-out log-likelihood"
    schema = prepared.schema
    real = prepared.sample(prepared.heldout)
    count = min(max(real.num_rows, 500), JUDGED_ROWS)

    def judge(generator: Generator) -> float:
        where = next(generator.parameters()).device
        model = model_of(prepared, plan, generator.to("cpu"), {}, (), None)
        fakes = [schema.parse(batch) for batch in model.sample_batches(count, seed=_judge_seed(config.seed))]
        generator.to(where)
        parts = [prepared.sample(values) for values in fakes]
        columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
        return float(quick_c2st(real, replace(parts[0], columns=columns), config.seed, max_rows=count).value)

    return judge, "two-sample test by trees (1 = cannot be told from held-out records)"


def _picture_judge(prepared: Prepared, config: TrainConfig, plan: NetworkPlan, perception: Perception) -> Judge:
    from gankit.kinds.images.metrics.distances import held_out_metric

    assert prepared.heldout_pictures is not None
    _, height, width, _ = prepared.heldout_pictures.whole.x.shape
    count = int(np.clip(JUDGED_PIXELS // (height * width), LEAST_JUDGED, JUDGED_ROWS))
    real = prepared.heldout_pictures.some(count, numpy_generator(config.seed, "judged"))
    distance = held_out_metric(perception.features, real)

    def judge(generator: Generator) -> float:
        where = next(generator.parameters()).device
        model = model_of(prepared, plan, generator.to("cpu"), {}, (), None)
        fakes = pictures_made(model, max(count, LEAST_JUDGED), _judge_seed(config.seed))
        generator.to(where)
        return distance(fakes)

    return judge


def pictures_made(model: Model, count: int, seed: int) -> np.ndarray:
    """The first fakes of a seed as pictures [count, H, W, C] uint8; of recordings how loud they are, before they are
    turned into sound, which takes as long as making them.
    """
    made, codec = model.made(count, seed), model.codec
    return codec.look(codec.decode(made)[SOUND].data) if isinstance(codec, WaveCodec) else made


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


def model_of(
    prepared: Prepared, plan: NetworkPlan, generator: Generator, card: dict[str, Any], history: Any, figure: Any
) -> Model:
    """The model of a generator, with its training data at hand."""
    given = None
    if prepared.given is not None:
        codes = np.floor(prepared.given.encode(prepared.train)).astype(np.int64)
        unique, counts = np.unique(codes, axis=0, return_counts=True)
        given = Given(prepared.given, unique, counts.astype(np.float64))
    return Model(
        prepared.kind, prepared.schema, prepared.origin, prepared.codec, given, plan, generator, card,
        tuple(history), figure, prepared,
    )  # fmt: skip

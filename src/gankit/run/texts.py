"""How a game of texts is played, and what chooses its checkpoints.

Knows prepared texts, options, the game's settings and n-grams; never files or the loop's inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gankit.columns.cells import Values
from gankit.config import TrainConfig
from gankit.kinds.prepared import Prepared
from gankit.kinds.texts.codec import TEXT, TextCodec
from gankit.kinds.texts.metrics.grams import text_quick
from gankit.kinds.texts.records import column_of, cut
from gankit.model.blocks import Draws
from gankit.model.model import Model
from gankit.model.symbols import symbol_blocks
from gankit.networks.sequences.symbols import SymbolsGenerator
from gankit.training.plan import GameConfig

JUDGED_TEXTS = 3000
"""Held-out texts, and as many fakes, that the held-out metric looks at; not fewer fakes than `LEAST_JUDGED`."""

LEAST_JUDGED = 500

LOOKED_AT = 24
"""Fakes that are kept at every evaluation."""

METRIC = "minus the n-gram divergence from held-out texts"

DROPOUT = ((10_000, 0.3), (100_000, 0.2), (500_000, 0.1), (float("inf"), 0.0))
"""Below so many symbols in all training texts, that share of G's numbers is dropped while it learns by likelihood."""


def text_dropout(num_symbols: int) -> float:
    """The share that is dropped."""
    return next(share for symbols, share in DROPOUT if num_symbols < symbols)


def text_plan(prepared: Prepared, config: TrainConfig, plan: GameConfig) -> GameConfig:
    """The plan for texts: a warm-up by likelihood, then a careful game (benchmarks/texts.md)."""
    rows = prepared.num_train
    batch = config.batch or int(np.clip(rows // 16, 8, 64))
    return replace(
        plan,
        batch=batch,
        warmup=0.94,
        warmup_batch=batch,
        warmup_keeps_last=True,
        keeps_warmed=True,
        d_warmup=0.02,
        likelihood_weight=0.1,
        generator_rate=0.1,
        gap_target=0.1,
        ema_half_life=float(np.clip(rows, 1_000, 10_000)),
    )


def text_judge(
    prepared: Prepared, model_of: Callable[[Any], Model], seed: int, fake_seed: int
) -> Callable[[Any], float]:
    """The held-out metric of texts: minus the divergence of n-grams, those of each label for themselves.

    Args:
        prepared: the data.
        model_of: from a generator to a model of it.
        seed: of the choice of held-out texts. fake_seed: of the fakes.
    """
    codec = prepared.codec
    assert isinstance(codec, TextCodec)
    labels = [] if prepared.given is None else [f.name for f in prepared.given.fields]
    labels = [name for name in labels if prepared.schema.column(name).kind == "category"][:1]
    real = _units(prepared.heldout, codec.unit, labels)[: 4 * JUDGED_TEXTS]
    count = int(np.clip(len(real), LEAST_JUDGED, JUDGED_TEXTS))

    def judge(generator: Any) -> float:
        where = next(generator.parameters()).device
        model = model_of(generator.to("cpu"))
        fakes: list[Sequence[str]] = []
        for table in model.sample_batches(count, seed=fake_seed):
            texts = np.array(table.column(column_of(prepared.origin)).to_pylist(), dtype=object)
            values = {TEXT: Values(texts, np.zeros(len(texts), np.int8))}
            if labels:
                values |= {name: prepared.schema.column(name).parse(table.column(name)) for name in labels}
            fakes += _units(values, codec.unit, labels)
        generator.to(where)
        return text_quick(real, fakes, seed, max_texts=JUDGED_TEXTS)

    return judge


def _units(values: Mapping[str, Values], unit: str, labels: Sequence[str]) -> list[Sequence[str]]:
    """The units of texts, each marked with its text's label, so that n-grams of different labels are different."""
    cuts = [cut(text, unit) for text in values[TEXT].data]
    if not labels:
        return list(cuts)
    codes = values[labels[0]].data.astype(np.int64).tolist()
    return [[f"{code}\0{symbol}" for symbol in text] for code, text in zip(codes, cuts, strict=True)]


def text_look(model: Model, seed: int) -> list[str]:
    """The first fakes of a seed. Only they are made, not their whole block, so that `sample` may give others."""
    assert isinstance(model.codec, TextCodec) and isinstance(model.generator, SymbolsGenerator)
    draw = model.draws(seed)

    def few(index: int) -> Draws:
        whole = draw(index)
        c = None if whole.c is None else whole.c[:LOOKED_AT]
        return Draws(whole.z[:LOOKED_AT], whole.u[:LOOKED_AT], c, whole.known[:LOOKED_AT], whole.places[:LOOKED_AT])

    _, made = symbol_blocks(model.generator.eval(), model.codec, few, "", 1.0)(0)
    found: list[str] = model.codec.decode(made)[TEXT].data.tolist()
    return found

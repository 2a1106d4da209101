"""Short games of every network, as one process plays them or as several do: `python games_of_ranks.py FILE`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gankit import ranks
from gankit.networks import NETWORKS, build
from gankit.networks.backbones import LIBRARY
from gankit.networks.base import RecordType, Task
from gankit.networks.blocks import expand
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

CONDITION = Spec("vector", (3,), (Block("categorical", 3),))
MIXED = (Block("categorical", 3), Block("continuous", 2), Block("binned", 4))
SPECS: dict[RecordType, Spec] = {
    "choices": Spec("vector", (8,), (Block("categorical", 3), Block("binned", 5))),
    "vector": Spec("vector", (9,), MIXED),
    "image": Spec("image", (3, 16, 16)),
    "sequence": Spec("sequence", (12, 9), MIXED),
    "symbols": Spec("sequence", (8, 6), (Block("categorical", 6),)),
    "signal": Spec("sequence", (64, 1), (Block("continuous", 1),)),
}
WIDER = Spec("vector", (18,), (Block("categorical", 3), Block("binned", 15)))
"""Choices that are enough for D to judge each given the others."""

ROWS, BATCH, STEPS = 96, 32, 3
VARIANTS: dict[str, dict[str, Any]] = {
    "residual finite": {"penalty_method": "finite", "d_steps": 2},
    "residual wgan-gp": {"loss": "wasserstein", "penalty": "wgan-gp"},
    "strided augmented": {"augmentation": "ada", "augmentation_strength": 0.7, "mirror": True},
    "strided steered": {"augmentation": "ada"},
    "sequential anchored": {"likelihood_weight": 0.5},
    "residual choices": {"d_steps": 2},
}
"""What is changed of a network's own recipe, in further games of it; "choices": of `WIDER` records."""

TITLES = [t for t in [*NETWORKS, *VARIANTS] if not NETWORKS[t.split()[0]].pretrained or find_spec(LIBRARY)]


def records(spec: Spec) -> Tensor:
    """`ROWS` random records."""
    draws = torch.Generator().manual_seed(0)
    if spec.form == "image":
        return expand(spec, torch.randint(256, (ROWS, *spec.shape[1:], spec.shape[0]), generator=draws).byte())
    steps = spec.shape[:-1] if spec.form == "sequence" else ()
    parts = []
    for block in spec.blocks:
        if block.type == "continuous":
            parts.append(torch.randn(ROWS, *steps, block.size, generator=draws).clamp(-0.9, 0.9))
        else:
            parts.append(torch.randint(block.size, (ROWS, *steps, 1), generator=draws) + 0.5)
    return torch.cat(parts, -1).float()


def games(titles: Sequence[str] = TITLES) -> Iterator[tuple[str, Game, Batches]]:
    """A game of each network, a few steps long, and of each variant."""
    for title in titles:
        name = title.split()[0]
        pair = NETWORKS[name]
        spec = WIDER if title.endswith("choices") else SPECS[pair.makes[0]]
        condition = CONDITION if pair.takes_condition else None
        sizes = {} if name == "conv2014" else {"width": 8}
        generator, discriminator = build(name, spec, condition, **sizes)
        x = records(spec)
        if generator.likelihood is not None:
            generator.likelihood.start_from(x)
        expanded = x if spec.form == "image" else expand(spec, x)
        for network in (generator, discriminator):
            if network.starts_from_records:
                network.start_from_records(expanded)
        recipe = pair.recipe(Task(spec, ROWS)) | VARIANTS.get(title, {})
        warmup = {"warmup": 0.5, "warmup_batch": BATCH} if generator.likelihood is not None else {"warmup": 0.0}
        total = STEPS * BATCH * recipe.get("d_steps", 1) * (2 if generator.likelihood is not None else 1)
        config = GameConfig(total, **(recipe | warmup | {"batch": BATCH, "d_warmup": 0.0}))
        # plain descent: Adam's first steps are as long where a gradient is rounding alone as where it is not
        config = replace(config, steps_per_look=STEPS, path_length_every=2, optimiser="sgd", learning_rate=0.01)
        c = None if condition is None else torch.eye(3)[torch.arange(ROWS) % 3]
        batches = Batches(x, c, None if spec.form == "image" else lambda rows, spec=spec: expand(spec, rows))
        yield title, Game(generator, discriminator, config), batches


def play(titles: Sequence[str] = TITLES) -> dict[str, dict[str, Tensor]]:
    """Every game to its end: its tensors, and what its steps gave."""
    found = {}
    for title, game, batches in games(titles):
        game.length = [0, 0.0, game.config.total_samples]
        while not game.finished:
            game.play_step(batches)
        means = game.totals.take()
        game.steer_augmentation(batches, batches, BATCH)
        numbers = torch.tensor([*means.values(), game.strength])
        found[title] = {**{name: t.clone() for name, t in game.state_tensors().items()}, "numbers": numbers}
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    ranks.join()
    torch.save(play(), Path(sys.argv[1]) / f"{os.environ['RANK']}.pt")

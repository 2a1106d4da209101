"""One training run: networks, game, held-out metric, and the model at the end.

Knows prepared data, networks, the game and metrics; never files' formats, terminals or the loop's inside.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gankit import __version__
from gankit.config import TrainConfig
from gankit.errors import ModelError
from gankit.io.rooms import released
from gankit.kinds.base import Dataset, Evidence, Prepared
from gankit.model import NetworkPlan
from gankit.model.blocks import rows_for
from gankit.model.model import Model
from gankit.networks import NETWORKS
from gankit.networks.base import Generator
from gankit.networks.blocks import expand
from gankit.networks.execution import threads
from gankit.ranks import current
from gankit.run.machine import device_of, precision_of
from gankit.run.plan import Evaluator, held_out_evaluator, model_of, plan_game
from gankit.training.game import AT_ONCE, Ahead, Batches, Game
from gankit.training.losses import LOSSES

if TYPE_CHECKING:
    from gankit.run.beginning import Beginning
    from gankit.run.pace import Planner
    from gankit.run.previews import Previews

MOST_LOOKED_AT = 5_000
"""Training records, about, that networks are shown before the game."""

CENTRED = 512
"""Training records, and as many fakes, in whose middle D's zero is looked for."""

SMALL_PARAMETERS = 3_000_000
"""Networks of fewer parameters are trained on one thread of the CPU: two gain a fifth on an idle machine and lose most
of their time waiting for each other on a busy one (benchmarks/tables.md)."""


@dataclass(frozen=True)
class Run:
    """A run that can be played: `game` over `train`; `evaluate` gives the `metric` of a generator on `heldout`."""

    prepared: Prepared[Any, Any]
    config: TrainConfig
    plan: NetworkPlan
    game: Game
    train: Batches
    heldout: Batches
    evaluate: Evaluator
    metric: str
    perception: Evidence | None = None

    @classmethod
    def start(
        cls, prepared: Prepared[Any, Any], config: TrainConfig, total_samples: int | None, perception: Evidence | None,
        kept: Mapping[str, torch.Tensor] | None = None, beginning: Beginning | None = None,
    ) -> Run:  # fmt: skip
        """A run at its first step; `total_samples` None = long enough to be timed. `perception`: of images.

        kept: the tensors that its game will go on from, which must be of its networks.
        beginning: the networks that it begins with.

        Raises:
            ModelError: they are of others.
        """
        device = device_of(config.device)
        pair = NETWORKS[prepared.network]
        pair.refuse({"latents": config.latents})
        latents = config.latents or pair.latents
        ranks = current()
        precision = ranks.agreed(precision_of(config.precision, pair, prepared.codec.spec.form, device))
        members = config.members if (config.members or 1) > 1 else None
        plan = NetworkPlan(
            prepared.network, config.width or pair.width(prepared.codec.spec), config.depth, latents, precision,
            rows_for(prepared.codec.spec), members,
        )  # fmt: skip
        condition = None if prepared.given is None else prepared.given.spec
        if kept is None:
            generator, discriminator = plan.build(prepared.codec.spec, condition, config.seed)
        else:
            own = {name[10:]: tensor for name, tensor in kept.items() if name.startswith("generator.")}
            try:
                generator, discriminator = plan.build_for(own, prepared.codec.spec, condition, config.seed)
            except ValueError as error:
                raise ModelError(
                    f"the checkpoint belongs to other networks: {error}. Resume with the settings the run was started "
                    "with, or start a new run."
                ) from error
        train, heldout = _batches(prepared, prepared.train, device), _batches(prepared, prepared.heldout, device)
        if (likelihood := generator.likelihood) is not None:
            likelihood.start_from(train.x)
        for network in (generator, discriminator):
            if network.starts_from_records:
                rows = torch.arange(0, len(train), max(1, len(train) // MOST_LOOKED_AT))
                network.start_from_records(train.take(rows.to(train.x.device), torch.device("cpu"))[0])
        if beginning is not None:
            beginning.put_into((generator, discriminator), config.width, prepared)
        planned = plan_game(prepared, config, total_samples or 10**9)
        if ranks.world > 1:
            block, warms = max(generator.mixes, discriminator.mixes), planned.warmup and likelihood is not None
            planned = replace(planned, warmup_batch=ranks.multiple(planned.warmup_batch, block))
            if config.batch is None:
                planned = replace(planned, batch=ranks.multiple(planned.batch, block))
            for n in (planned.batch, planned.warmup_batch) if warms else (planned.batch,):
                ranks.check_batch(min(n, len(train)), block)
        game = Game(generator.to(device), discriminator.to(device), planned)
        if config.compile == "on":
            game.compile()
        evaluate, metric = held_out_evaluator(prepared, plan, game, heldout, config, perception)
        return cls(prepared, config, plan, game, train, heldout, evaluate, metric, perception)

    def settled(self, config: TrainConfig, total_samples: int) -> Run:
        """The same run at its first step, with the length and the options that were found out by timing it.

        config: as it was, but for `evaluations` and what only says how steps are computed.
        """
        assert self.game.step == 0
        self.game.config = replace(self.game.config, total_samples=total_samples, evaluations=config.evaluations)
        self.game.plan(total_samples)
        return replace(self, config=config)

    def threads(self) -> AbstractContextManager[None]:
        """Within it torch uses as many threads as were asked for, or as the networks are worth."""
        small = sum(t.numel() for t in self.game.generator.parameters()) < SMALL_PARAMETERS
        alone = self.config.threads is None and small and self.prepared.codec.spec.form != "image"
        return threads(1 if alone else self.config.threads)

    def save(self, previews: Previews, planner: Planner) -> None:
        """Saves the state at this step boundary to the folder of the previews."""
        state = {**self.game.state_json(), "planner": planner.state(), "previews": previews.state()}
        previews.folder.save_checkpoint(self.game.step, self.game.state_tensors(), state)

    def card(self, value: float | None, samples: int) -> dict[str, Any]:
        """What a model of this run is, as plain JSON; value: of its held-out metric, after so many samples."""
        p, game = self.prepared, self.game
        card = {
            "name": p.origin.name,
            "kind": p.kind.name,
            "version": __version__,
            "columns": p.kind.columns(p),
            "given": list(p.given_names),
            "rows": {"train": p.num_train, "heldout": p.num_heldout},
            "data_hash": p.data_hash,
            "network": self.plan.name,
            "precision": self.plan.precision,
            "size": list(p.codec.spec.shape),
            "parameters": sum(t.numel() for t in game.generator.parameters()),
            "latents": game.generator.num_latents,
            "samples": game.samples,
            "steps": game.step,
            "epochs": round(game.samples / max(p.num_train, 1), 2),
            "stopped_early": game.stopped_early,
            "metric": {"name": self.metric, "value": value, "samples": samples},
            "options": {name: value for name, value in self.config.to_json().items() if name != "log"},
        }
        if p.codec.kept:
            card["rules"] = p.codec.kept
        return card

    def model(self) -> Model:
        """The model of the best averaged G so far; the same bytes whether or not the run was interrupted."""
        p, game = self.prepared, self.game
        history = json.loads(json.dumps(game.history, sort_keys=True))  # after a resume keys come in another order
        generator = game.best_generator().to("cpu")
        figure = self.figure(generator)
        drawn = figure and {name: values.tolist() for name, values in figure.items()}
        card = self.card(game.best_metric, game.best_samples)
        model = model_of(p, self.plan, generator, card, history, drawn)
        opponent = copy.deepcopy(game.discriminator).to("cpu").eval()
        return replace(model, perception=self.perception, baseline=self.baseline(), opponent=opponent)

    def baseline(self) -> Model | None:
        """A model of G as it began the game, after its warm-up by likelihood, where that was kept."""
        generator = self.game.warmed_generator()
        if generator is None:
            return None
        card = {"samples": math.ceil(self.game.warmup * self.game.length[2])}
        return model_of(self.prepared, self.plan, generator.to("cpu"), card)

    def figure(self, generator: Generator) -> dict[str, np.ndarray] | None:
        """D over a grid, and where `generator` takes noise, of one- and two-dimensional numbers (see `Kind.surface`);
        D's scores "d" in [0, 1] as `Loss.believed` has them.
        """
        game, p = self.game, self.prepared
        found = p.kind.surface(generator, game.discriminator, p)
        if found is None:
            return None
        count = min(CENTRED, len(self.train))
        x, c = self.train.take(torch.arange(count, device=self.train.x.device), game.device)
        sides = x, game.sample(game.average, count, "centred", c)
        real, fake = (game.logits(side, c).double().cpu() for side in sides)
        d = LOSSES[game.config.loss].believed(torch.from_numpy(found["d"]), real, fake)
        return {**found, "d": d.numpy()}

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.game.step

    def sample(self, n: int, seed: int, where: Mapping[str, Any] | None) -> Any:
        """See `Progress.sample`."""
        average = copy.deepcopy(self.game.average).to("cpu")
        return model_of(self.prepared, self.plan, average, {}).sample(n, seed, 0, where)

    def discriminator(self, x: Any) -> np.ndarray:
        """See `Progress.discriminator`."""
        p = self.prepared
        batches = _batches(p, p.kind.like(x, p, self.config), self.game.device)
        rows = torch.arange(len(batches), device=batches.x.device)
        parts = [self.game.logits(*batches.take(some, self.game.device)) for some in torch.split(rows, AT_ONCE)]
        return torch.cat(parts).cpu().double().numpy()


def _batches(prepared: Prepared[Any, Any], part: Dataset, device: torch.device) -> Batches:
    """Compact numbers where they fit best: whole on the GPU, in memory, or in the file that they are mapped from."""
    spec, coded = prepared.codec.spec, prepared.kind.coded(prepared, part)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")  # nothing writes to them
        x = torch.from_numpy(coded.x)
    rows = None if coded.rows is None else torch.from_numpy(coded.rows)
    if (
        rows is not None
        and spec.form == "image"
        and device.type == "cuda"
        and x.numel() < 0.25 * torch.cuda.get_device_properties(device).total_memory
    ):
        x, rows = x.to(device), rows.to(device)
    ahead = Ahead(released(coded.x)) if isinstance(coded.x, np.memmap) and x.device.type == "cpu" else None

    def expanded(taken: torch.Tensor) -> torch.Tensor:
        return expand(spec, taken) if coded.scale == 1 else taken.float() * coded.scale

    if (given := prepared.given) is None:
        return Batches(x, None, expanded, rows, ahead)
    codes = np.floor(given.encode(part.values)).astype(np.float32) if coded.given is None else coded.given
    return Batches(x, torch.from_numpy(codes), expanded, rows, ahead, partial(expand, given.spec))

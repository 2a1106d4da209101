"""One training run: networks, game, judge, and the model at the end.

Knows prepared data, networks, the game and metrics; never files' formats, terminals or the loop's inside.
"""

from __future__ import annotations

import copy
import json
import math
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gankit import __version__
from gankit.columns.cells import Values
from gankit.columns.codec import TableCodec
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds.audio.codec import WaveCodec
from gankit.kinds.images.perception import Perception
from gankit.kinds.numbers.codec import VectorCodec
from gankit.kinds.prepared import PicturePart, Prepared, SeriesPart, SoundPart
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.judge import series_look
from gankit.kinds.texts.codec import TextCodec
from gankit.kinds.texts.records import column_of
from gankit.model import NetworkPlan
from gankit.model.model import Model
from gankit.networks import Generator, LikelihoodGenerator, StartsFromRecords
from gankit.networks.blocks import expand
from gankit.networks.execution import threads
from gankit.networks.sequences.symbols import SymbolsGenerator
from gankit.networks.vectors.sequential import SequentialGenerator
from gankit.run.judges import judge_of, model_of, pictures_made
from gankit.run.machine import device_of, precision_of
from gankit.run.plan import default_latents, plan_game
from gankit.run.texts import text_dropout, text_look
from gankit.training.batches import Ahead, Batches
from gankit.training.game import Game

if TYPE_CHECKING:
    from gankit.run.folder import RunFolder

DROPOUT = ((2_000, 0.3), (20_000, 0.1), (float("inf"), 0.0))
"""Below so many training rows, that share of a sequential G's hidden units is dropped (benchmarks/tables.md)."""

MOST_LOOKED_AT = 5_000
"""Training records, about, that networks are shown before the game."""

LOOK_SEED = -1_000_003
"""Of the fakes that are kept over the training, other ones than those of the user's seeds."""

SMALL_PARAMETERS = 3_000_000
"""Networks of fewer parameters are trained on one thread of the CPU: two gain a fifth on an idle machine and lose most
of their time waiting for each other on a busy one (benchmarks/tables.md)."""


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
    perception: Perception | None = None

    @classmethod
    def start(
        cls,
        prepared: Prepared,
        config: TrainConfig,
        total_samples: int | None = None,
        perception: Perception | None = None,
    ) -> Run:
        """A run at its first step; `total_samples` None = long enough to be timed. `perception`: of pictures."""
        device = device_of(config.device)
        if prepared.network == "sequential" and config.latents is not None:
            raise OptionError("--latents: the sequential network takes one number of z a column. Leave it out.")
        latents = config.latents or default_latents(prepared)
        precision = precision_of(config.precision, prepared.network, prepared.codec.spec.form, device)
        plan = NetworkPlan(prepared.network, config.width, config.depth, latents, precision)
        condition = None if prepared.given is None else prepared.given.spec
        generator, discriminator = plan.build(prepared.codec.spec, condition, config.seed)
        if isinstance(generator, SequentialGenerator):
            generator.dropout = next(share for rows, share in DROPOUT if prepared.num_train < rows)
        train, heldout = _batches(prepared, device, False), _batches(prepared, device, True)
        if isinstance(generator, SymbolsGenerator):
            generator.dropout = text_dropout(int((train.x > 0).sum()))
        if isinstance(generator, LikelihoodGenerator):
            generator.start_from(train.x)
        for network in (generator, discriminator):
            if isinstance(network, StartsFromRecords):
                rows = torch.arange(0, len(train), max(1, len(train) // MOST_LOOKED_AT))
                network.start_from(train.take(rows.to(train.x.device), torch.device("cpu"))[0])
        game = Game(generator.to(device), discriminator.to(device), plan_game(prepared, config, total_samples or 10**9))
        if config.compile == "on":
            game.compile()
        judge, metric = judge_of(prepared, config, plan, game, heldout, perception)
        return cls(prepared, config, plan, game, train, heldout, judge, metric, perception)

    def threads(self) -> AbstractContextManager[None]:
        """Within it torch uses as many threads as were asked for, or as the networks are worth."""
        number = self.config.threads
        small = sum(t.numel() for t in self.game.generator.parameters()) < SMALL_PARAMETERS
        if number is None and small and self.prepared.codec.spec.form != "image":
            number = 1
        return threads(number)

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
            "columns": [*_texts(p), *({"name": c.name, "kind": c.kind} for c in p.schema.columns)],
            "given": _given_names(p, self.config),
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
            "metric": {"name": self.metric, "value": game.best_metric, "samples": game.best_samples},
            "options": self.config.to_json(),
        }
        model = model_of(
            p, self.plan, game.best_generator().to("cpu"), card, _in_one_order(game.history), self.figure()
        )
        return replace(model, perception=self.perception, rival=self.rival())

    def rival(self) -> Model | None:
        """A model of G as it began the game, after its warm-up by likelihood, where that was kept."""
        generator = self.game.warmed_generator()
        if generator is None:
            return None
        card = {"samples": math.ceil(self.game.warmup * self.game.config.total_samples)}
        return model_of(self.prepared, self.plan, generator.to("cpu"), card, (), None)

    def look(self, count: int = 48) -> np.ndarray | list[str] | None:
        """The same fakes at every evaluation, of the averaged G as it is: pictures [n, H, W, C] uint8 (of recordings:
        of their loudness), series [n, T, C] float32, or texts; None for other kinds.
        """
        if self.prepared.kind not in ("image", "audio", "series", "text"):
            return None
        average = copy.deepcopy(self.game.average).to("cpu")
        model = model_of(self.prepared, self.plan, average, {}, (), None)
        if self.prepared.kind == "text":
            return text_look(model, LOOK_SEED)
        if self.prepared.kind == "series":
            return series_look(model, self.prepared, count, LOOK_SEED)
        return pictures_made(model, count, LOOK_SEED)

    def figure(self) -> dict[str, Any] | None:
        """For one number: D over a grid and where G takes z, as in figure 1 of the paper of 2014."""
        if self.prepared.kind != "number" or self.prepared.given is not None:
            return None
        from gankit.kinds.tables.evaluation import figure_of_one_number

        return figure_of_one_number(self.game.best_generator(), self.game.discriminator, self.prepared)


def _batches(prepared: Prepared, device: torch.device, heldout: bool) -> Batches:
    spec, values = prepared.codec.spec, prepared.heldout if heldout else prepared.train
    part = prepared.heldout_part if heldout else prepared.part
    if isinstance(part, SoundPart) and isinstance(prepared.codec, WaveCodec):
        return _sound_batches(prepared, values, part)
    if isinstance(part, PicturePart):
        return _picture_batches(prepared, values, part, device)
    if isinstance(part, SeriesPart):
        assert isinstance(prepared.codec, SeriesCodec)
        steps = torch.from_numpy(prepared.codec.encode(part.values, part.begins, part.lengths))
        return Batches(steps, _conditions(prepared, values), lambda rows: expand(spec, rows))
    if isinstance(prepared.codec, TextCodec):
        symbols = torch.from_numpy(prepared.codec.encode(values))
        return Batches(symbols, _conditions(prepared, values), lambda rows: expand(spec, rows))
    assert isinstance(prepared.codec, TableCodec | VectorCodec)
    continuous = all(b.kind == "continuous" for b in spec.blocks)
    compact = prepared.codec.encode(values)
    # Networks see cells, not places inside them; in float32 a place just below 1 would round up to the next cell.
    x = torch.from_numpy((compact if continuous else np.floor(compact)).astype(np.float32))
    return Batches(x, _conditions(prepared, values), None if continuous else (lambda rows: expand(spec, rows)))


def _picture_batches(
    prepared: Prepared, values: Mapping[str, Values], part: PicturePart, device: torch.device
) -> Batches:
    """Bytes where they fit best: on the GPU as a whole, in memory, or in the file that they are mapped from."""
    spec = prepared.codec.spec
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*not writable.*")  # nothing writes to them
        x = torch.from_numpy(part.whole.x)
    rows = torch.from_numpy(part.rows)
    if device.type == "cuda" and x.numel() < 0.25 * torch.cuda.get_device_properties(device).total_memory:
        x, rows = x.to(device), rows.to(device)
    ahead = Ahead() if isinstance(part.whole.x, np.memmap) and x.device.type == "cpu" else None
    return Batches(x, _conditions(prepared, values), lambda part: expand(spec, part), rows, ahead)


def _sound_batches(prepared: Prepared, values: Mapping[str, Values], part: SoundPart) -> Batches:
    """Samples as they are, two bytes each, made into numbers in [-1, 1] as they are taken."""
    x, rows = torch.from_numpy(part.recordings.x), torch.from_numpy(part.rows)
    return Batches(x, _conditions(prepared, values), lambda taken: taken.float() / 32768, rows)


def _conditions(prepared: Prepared, values: Mapping[str, Values]) -> torch.Tensor | None:
    if prepared.given is None:
        return None
    codes = torch.from_numpy(np.floor(prepared.given.encode(values)).astype(np.float32))
    return expand(prepared.given.spec, codes)


def _texts(prepared: Prepared) -> list[dict[str, str]]:
    """The column of texts, where there is one: it is none of the schema's."""
    return [{"name": column_of(prepared.origin), "kind": "text"}] if prepared.kind == "text" else []


def _given_names(prepared: Prepared, config: TrainConfig) -> list[str]:
    """The given columns; labels of pictures, recordings, series and texts are given by themselves."""
    if prepared.kind not in ("image", "audio", "series", "text"):
        return list(config.given)
    return [] if prepared.given is None else [field.name for field in prepared.given.fields]


def _in_one_order(history: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The history with its keys sorted: after a resume they come in another order."""
    return tuple(json.loads(json.dumps(history, sort_keys=True)))

"""The adversarial game: one loop that reads top to bottom, yields Progress and prints nothing.

Knows G, D, losses, tensors and the held-out metric it is handed; never codecs, files or terminals. The clock is read
for display alone (speed, time left): no number of the game depends on it.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from gankit.errors import DivergedError, ModelError
from gankit.networks.base import Generator
from gankit.randomness import numpy_generator
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES
from gankit.training.order import WHOLE
from gankit.training.plan import GameConfig, Phase

TIMING_S = 10.0
"""Seconds that timing a phase may take before the length is set, where steps are slow."""

UNSETTLED = 0.5
"""In that first share of the game an evaluation without a better metric does not count towards an early stop: while the
learning rate is high the metric goes up and down, and most of what is gained is gained when it falls."""

Interval = tuple[float, float, float]
"""A held-out metric and the ends of its 95% interval."""

Evaluate = Callable[[Generator], float | Interval]
"""Takes the averaged G, gives the held-out metric, alone or with its interval: larger is better."""

SCORED, LEAST_SCORED, SCORED_NUMBERS = 2048, 64, 2**24
"""Records of each kind that D scores at an evaluation; fewer where they have many numbers, but not fewer than 64."""


@dataclass(frozen=True)
class Scores:
    """How D sees training records, held-out records and fakes at an evaluation.

    mean_train, mean_heldout, mean_fake: mean logits.
    recall_train, recall_heldout, recall_fake: shares that D calls real (on fakes: its mistakes).
    precision_train, precision_heldout: of what D calls real, the share that is, fakes against as many records.
    accuracy_train, accuracy_heldout: share of right calls, fakes against as many records.
    memorised: (mean_train - mean_heldout) / (mean_train - mean_fake): 0 = D knows the training records no better than
        others, 1 = held-out records look like fakes to it (r_v of Karras et al. 2020, eq. 1).
    memorised_significant: whether that difference is over three standard errors.
    """

    mean_train: float
    mean_heldout: float
    mean_fake: float
    recall_train: float
    recall_heldout: float
    recall_fake: float
    precision_train: float
    precision_heldout: float
    accuracy_train: float
    accuracy_heldout: float
    memorised: float
    memorised_significant: bool


class View(Protocol):
    """What a progress update can be asked for beside its numbers, of a training at `step`."""

    @property
    def step(self) -> int:
        """Steps taken by now."""

    def sample(self, n: int, seed: int, where: Mapping[str, Any] | None) -> Any:
        """See `Progress.sample`."""

    def discriminator(self, x: Any) -> np.ndarray:
        """See `Progress.discriminator`."""


@dataclass(frozen=True)
class Progress:
    """A progress update of the game.

    step: steps taken.
    samples, total_samples: real samples shown, and the length of the training.
    epoch: times the training data was shown.
    phase: what the steps were: "likelihood", "discriminator" or "game".
    d_loss, g_loss, penalty, gap: means since the last update; penalty without its weight; gap = E[D(x)] - E[D(G)].
        g_loss is G's likelihood loss in nats in the phase "likelihood". None where the phase has no such number.
    d_gradient, g_gradient: Euclidean norms of the gradients of D and of G at the last step; None where none was due.
    weight: the penalty's weight (gamma).
    strength: of the augmentation, 0 where there is none.
    learning_rate: Adam's, now.
    scores: D's view of train, held-out and fakes; None between evaluations.
    metric: the held-out metric of the averaged G, larger is better; None between evaluations, without one, or where the
        fakes could not be judged.
    metric_low, metric_high: its 95% interval; None where the metric has none.
    best_metric, best_samples: the best so far and when it was.
    alarms: what seems wrong, and what to do about it.
    rolled_back: whether the steps since the last update were undone.
    finished: whether this is the last update.
    samples_per_second, seconds_left: for display only.
    """

    step: int
    samples: int
    total_samples: int
    epoch: float
    phase: Phase
    d_loss: float | None
    g_loss: float | None
    penalty: float | None
    gap: float | None
    weight: float
    strength: float
    learning_rate: float
    scores: Scores | None
    metric: float | None
    best_metric: float | None
    best_samples: int
    alarms: tuple[str, ...]
    rolled_back: bool
    finished: bool
    samples_per_second: float
    seconds_left: float
    d_gradient: float | None = None
    g_gradient: float | None = None
    metric_low: float | None = None
    metric_high: float | None = None

    _view = None  # no field: what is logged and compared are the numbers

    def sample(self, n: int, seed: int = 0, where: Mapping[str, Any] | None = None) -> Any:
        """`n` synthetic samples of the averaged G as it is at this update, as `Model.sample` gives them.

        Raises:
            ModelError: the training has gone on since; it has no codec (`play` was called without a run).
        """
        return self._seen().sample(n, seed, where)

    def discriminator(self, x: Any) -> np.ndarray:
        """How real D takes records to be, at this update: logits [n] float64, larger is more real.

        x: records in a form that the training data could have come in. Of a loss with a threshold (minimax,
            non-saturating, hinge: 0; least squares: 1/2) D calls those above it real; others tell differences alone.

        Raises:
            ModelError: as for `sample`. DataError, OptionError: the records are not of the data's kind.
        """
        return self._seen().discriminator(x)

    def show(self, view: View) -> None:
        """Lets this update be asked for samples and scores of a training."""
        object.__setattr__(self, "_view", view)

    def _seen(self) -> View:
        view: View | None = self._view
        if view is None:
            raise ModelError("this game knows tensors alone. Sample from game.average, and score with game.logits.")
        if view.step != self.step:
            raise ModelError(
                f"the training has gone on to step {view.step}, and this update is of step {self.step}. Sample from an "
                "update before the next is taken."
            )
        return view


def play(game: Game, train: Batches, heldout: Batches, evaluate: Evaluate | None = None) -> Iterator[Progress]:
    """Play the game to its end, one Progress every `steps_per_look` steps.

    At every Progress the game stands at a step boundary where its state can be saved and from where a resumed game goes
    on to the same bits; to stop, stop iterating. A game that was loaded goes on from where it was.

    Args:
        game: the networks, their optimisers and the config.
        train: the real records, [N, *shape] with N >= 1.
        heldout: records that never train anything; they feed D's scores.
        evaluate: gives the held-out metric; without it no checkpoint is better than the last.

    Raises:
        DivergedError: losses or weights stayed infinite or NaN after the last roll-back. The game then stands at its
            last good state.
    """
    config = game.config
    clock, good = _Clock(), _snapshot(game)
    while not game.finished:
        clock.start(game.samples)
        since = game.samples
        while True:
            phase, rate = game.phase, game.learning_rate()
            game.play_step(train)
            warmed = phase == "likelihood" and game.phase != "likelihood"
            if warmed or game.finished or game.step % config.steps_per_look == 0:
                break
        means = game.totals.take()
        scores: Scores | None = None
        metric: float | None = None
        low: float | None = None
        high: float | None = None
        alarms: tuple[str, ...] = ()
        rolled_back = not _is_finite(game, means)
        if rolled_back:
            _roll_back(game, good)
            means, alarms = {}, (_NOT_FINITE,)
        else:
            if phase == "game":
                game.steer_weight(means["gap"])
                game.steer_augmentation(train, heldout, game.samples - since)
            if warmed or _is_due(game):
                if phase != "likelihood":
                    scores, alarms = _score(game, train, heldout)
                if evaluate is not None and phase != "discriminator":
                    judged = game.ranks.by_first(lambda: evaluate(game.average))
                    metric, *ends = judged if isinstance(judged, tuple) else (judged, None, None)
                    low, high = (end if end is not None and math.isfinite(end) else None for end in ends)
                    alarms += _keep_best(game, metric, low, phase)
                    metric = metric if math.isfinite(metric) else None
                game.history.append(
                    {
                        "samples": game.samples,
                        "behind": game.behind,
                        "phase": phase,
                        "loss_d": means.get("d_loss"),
                        "loss_g": means.get("g_loss"),
                        "gap": means.get("gap"),
                        "weight": game.penalty_weight(),
                        "strength": game.strength,
                        "metric": metric,
                        "scores": scores and asdict(scores),
                        "alarms": list(alarms),
                    }
                )
            if warmed and game.phase != "likelihood":
                game.end_warmup()
            clock.stop(game.samples)
        good = _snapshot(game)
        yield Progress(
            step=game.step,
            samples=game.samples,
            total_samples=game.length[2],
            epoch=game.samples / len(train),
            phase=phase,
            d_loss=means.get("d_loss"),
            g_loss=means.get("g_loss"),
            penalty=means.get("penalty"),
            gap=means.get("gap"),
            weight=game.penalty_weight(),
            strength=game.strength,
            learning_rate=rate,
            scores=scores,
            metric=metric,
            best_metric=game.best_metric,
            best_samples=game.best_samples,
            alarms=alarms,
            rolled_back=rolled_back,
            finished=game.finished,
            samples_per_second=clock.per_second,
            d_gradient=means.get("d_gradient"),
            g_gradient=means.get("g_gradient"),
            metric_low=low,
            metric_high=high,
            seconds_left=0.0 if game.finished else clock.seconds_left(game.length[2] - game.behind),
        )
        good[1]["length"] = game.length  # which may have been planned anew meanwhile


# --- evaluations ----------------------------------------------------------------------------------------------------


def _is_due(game: Game) -> bool:
    """Whether the update is the first one after another of the `evaluations` equal parts, or the last of all."""
    parts, (begin, _, total) = max(game.config.evaluations, 1), game.length
    before = game.history[-1]["behind"] if game.history else 0
    if begin == 0:
        return game.finished or game.behind * parts // total > before * parts // total
    return game.finished or int(game.done * parts + 1e-9) > int(game.done_at(max(before, begin)) * parts + 1e-9)


def _keep_best(game: Game, metric: float, low: float | None, phase: Phase) -> tuple[str, ...]:
    """Keep the averaged G if it is the best so far; end the game if nothing has improved for long enough.

    What a warm-up that ran its course has reached is given up for what is surely better alone, of which `low`, the end
    of the metric's interval, is more: the largest of several noisy figures is no evidence.
    """
    forced = phase == "likelihood" and game.config.warmup_keeps_last
    warmed = [entry["samples"] for entry in game.history if entry["phase"] == "likelihood"]
    surely = metric if low is None or not game.config.warmup_keeps_last or game.best_samples not in warmed else low
    if math.isfinite(metric) and (forced or game.best_metric is None or surely > game.best_metric):
        game.best_metric, game.best_samples, game.evaluations_since_best = metric, game.samples, 0
        game.best = {name: t.detach().clone() for name, t in game.average.state_dict().items()}
        return ()
    if phase == "likelihood" or game.config.through(game.warmup, game.done) >= UNSETTLED:
        game.evaluations_since_best += 1
    if game.config.early_stop and game.evaluations_since_best >= game.config.patience and not game.finished:
        if phase == "likelihood":
            game.end_warmup()
        else:
            game.stopped_early = True
    if not math.isfinite(metric):
        return (f"the held-out metric is {metric}: the fakes of this evaluation could not be judged.",)
    return ()


def _score(game: Game, train: Batches, heldout: Batches) -> tuple[Scores, tuple[str, ...]]:
    """D's scores on training records, held-out records and fakes, and the alarms they raise."""
    rows = numpy_generator(game.config.seed, "looked at")
    most = min(SCORED, max(LEAST_SCORED, SCORED_NUMBERS // game.generator.spec.dim))
    count = min(most, len(train), len(heldout))

    def some(records: Batches) -> tuple[Tensor, Tensor | None]:
        many = len(records) > WHOLE  # of which no permutation is made
        some = rows.choice(len(records), count, replace=False) if many else rows.permutation(len(records))[:count]
        chosen = torch.from_numpy(some).to(records.x.device)
        return records.take(chosen, game.device)

    (x_train, c_train), (x_heldout, c_heldout) = some(train), some(heldout)
    fake = game.sample(game.generator, count, "looked at", c_train)
    shown = game.sample(game.average, count, "looked at", c_train)
    on_train, on_heldout = game.logits(x_train, c_train), game.logits(x_heldout, c_heldout)
    on_fake = game.logits(fake, c_train)
    scores = d_scores(on_train, on_heldout, on_fake, LOSSES[game.config.loss].threshold)
    alarms = _memory_alarm(game, scores) + collapse_alarm(x_train, shown)
    scores, alarms = game.ranks.agreed((scores, alarms))
    if game.done >= 0.5 and scores.accuracy_heldout > 0.95:
        alarms += (
            "D tells fakes from held-out records almost always: G does not keep up. Train for longer (--budget), widen "
            "the networks (--width), or raise --penalty-weight.",
        )
    return scores, alarms


def d_scores(train: Tensor, heldout: Tensor, fake: Tensor, threshold: float | None) -> Scores:
    """D's scores from its logits [n] on training records, held-out records and fakes.

    threshold: the logit above which D calls a record real; None for the middle of its means on train and on fakes.
    """
    train, heldout, fake = train.double(), heldout.double(), fake.double()
    mean_train, mean_heldout, mean_fake = (float(v.mean()) for v in (train, heldout, fake))
    line = (mean_train + mean_fake) / 2 if threshold is None else threshold
    called_train, called_heldout, called_fake = (float((v > line).double().mean()) for v in (train, heldout, fake))
    error = math.sqrt(sum(float(v.var(correction=0)) / len(v) for v in (train, heldout)))
    return Scores(
        mean_train=mean_train,
        mean_heldout=mean_heldout,
        mean_fake=mean_fake,
        recall_train=called_train,
        recall_heldout=called_heldout,
        recall_fake=called_fake,
        precision_train=called_train / max(called_train + called_fake, 1e-12),
        precision_heldout=called_heldout / max(called_heldout + called_fake, 1e-12),
        accuracy_train=(called_train + 1 - called_fake) / 2,
        accuracy_heldout=(called_heldout + 1 - called_fake) / 2,
        memorised=(mean_train - mean_heldout) / (mean_train - mean_fake) if mean_train > mean_fake else 0.0,
        memorised_significant=mean_train - mean_heldout > 3 * error,
    )


def _memory_alarm(game: Game, scores: Scores) -> tuple[str, ...]:
    """A gap between training and held-out records that was wide at the last evaluation too."""
    before, now = game.history[-1]["scores"] if game.history else None, asdict(scores)
    if before is None or not all(s["memorised"] > 0.5 and s["memorised_significant"] for s in (before, now)):
        return ()
    return (
        "D has memorised the training records: it scores held-out records "
        f"{100 * min(scores.memorised, 1):.0f}% of the way down to fakes. Train for less long (--samples), narrow the "
        "networks (--width), raise --penalty-weight, or bring more data.",
    )


def collapse_alarm(real: Tensor, fake: Tensor) -> tuple[str, ...]:
    """Fakes [n, *shape] far less varied than as many real records, in their spread or by repeating themselves."""
    real, fake = real.flatten(1).double(), fake.flatten(1).double()
    spread, its = real.std(0, correction=0), fake.std(0, correction=0)
    varied = spread > 1e-3 * spread.max().clamp_min(1e-12)
    ratio = float((its[varied] / spread[varied]).clamp_max(1).mean()) if bool(varied.any()) else 1.0
    remedy = "Lower --learning-rate, raise --penalty-weight, or use a larger --batch."
    if ratio < 0.3:
        return (f"G has collapsed: its fakes spread {100 * ratio:.0f}% as widely as the real records. {remedy}",)
    repeats = [1 - len(torch.unique(_fingerprint(v))) / len(v) for v in (real, fake)]
    if repeats[1] > repeats[0] + 0.25:
        return (
            f"G repeats itself: {100 * repeats[1]:.0f}% of its fakes are repetitions ({100 * repeats[0]:.0f}% of as "
            f"many real records). {remedy}",
        )
    return ()


def _fingerprint(x: Tensor) -> Tensor:
    """[n, D] -> [n] float64: equal for equal rows, almost surely different for others."""
    along = torch.from_numpy(numpy_generator(0, "fingerprint").standard_normal(x.shape[1])).to(x.device)
    # a sum in a fixed order for every row, which a matrix product does not guarantee
    return (x * along).sum(1)


# --- infinities -----------------------------------------------------------------------------------------------------

_NOT_FINITE = (
    "the game became infinite or NaN: its last steps were undone, and it goes on from the last good state with half "
    "the learning rate. If this happens again, lower --learning-rate or raise --penalty-weight."
)

_Snapshot = tuple[dict[str, Tensor], dict[str, object]]


def _snapshot(game: Game) -> _Snapshot:
    """A copy of the state to roll back to."""
    return {name: t.clone() for name, t in game.state_tensors().items()}, game.state_json()


def _is_finite(game: Game, means: dict[str, float]) -> bool:
    """Whether the losses and every number of the state are finite; an infinite Adam moment would freeze G unseen."""
    if not all(math.isfinite(v) for v in means.values()):
        return False
    norms = torch._foreach_norm([t for t in game.state_tensors().values() if t.is_floating_point()])
    return bool(torch.stack([n.to(game.device) for n in norms]).isfinite().all())


def _roll_back(game: Game, good: _Snapshot) -> None:
    """Put the game back to its last good state, with other draws and half the learning rate from here on."""
    game.load_state(*good)
    game.rollbacks += 1
    if game.rollbacks > game.config.max_rollbacks:
        raise DivergedError(
            f"training became infinite or NaN {game.rollbacks} times, the last time after {game.samples} samples, and "
            "was stopped at its last good state. Lower --learning-rate, raise --penalty-weight, or look for extreme "
            "values in the data."
        )


# --- length and speed -----------------------------------------------------------------------------------------------


def seconds_per_sample(game: Game, train: Batches, steps: int = 20, within_s: float = TIMING_S) -> dict[Phase, float]:
    """How long a sample takes in each phase of `game`, from the median of `steps` timed steps, or of as many as
    `within_s` allows: at least one after a first one.

    The game itself is not moved, so that its draws and weights do not depend on having been timed.
    """
    found: dict[Phase, float] = {}
    state = _snapshot(game)
    starts: list[tuple[Phase, float]] = [("likelihood", 0.0)] if game.warmup > 0 else []
    starts += [("game", 0.5 * (1 + game.config.warmup + game.config.d_warmup))]
    try:
        for phase, share in starts:
            game.load_state(*state)
            game.length, game.skipped, game.samples = [0, 0.0, 10**9], 0, int(share * 10**9)
            times: list[float] = []
            spent_s = 0.0
            while len(times) < steps + 3 and (len(times) < 2 or game.ranks.agreed(spent_s) < within_s):
                before, start = game.samples, time.perf_counter()
                game.play_step(train)
                game.totals.take()
                took_s = time.perf_counter() - start
                spent_s += took_s
                times.append(took_s / (game.samples - before))
            found[phase] = statistics.median_high(times[min(3, len(times) - 1) :])
    finally:
        game.load_state(*state)
    return game.ranks.agreed(found)


def samples_for_budget(
    budget_s: float, spent_s: float, per_sample_s: dict[Phase, float], evaluation_s: float, config: GameConfig
) -> int:
    """How many real samples can be shown in what is left of a time budget; at least one step.

    Worked out at the start, and recorded: the game itself never reads a clock.

    Args:
        budget_s: the budget in seconds.
        spent_s: what reading, encoding and timing have taken, and what writing will take.
        per_sample_s: seconds per sample and phase, from `seconds_per_sample`.
        evaluation_s: seconds of one evaluation.
        config: of the game; its warm-up shares the time.
    """
    left = max(0.0, budget_s - spent_s - evaluation_s * config.evaluations)
    warmup = config.warmup if "likelihood" in per_sample_s else 0.0
    average = warmup * per_sample_s.get("likelihood", 0.0) + (1 - warmup) * per_sample_s["game"]
    return max(int(left / average), config.batch * config.d_steps)


class _Clock:
    """Samples per second over the recent updates."""

    def __init__(self) -> None:
        self.per_second = 0.0
        self._from: tuple[int, float] = (0, 0.0)

    def start(self, samples: int) -> None:
        self._from = (samples, time.monotonic())

    def stop(self, samples: int) -> None:
        speed = (samples - self._from[0]) / max(time.monotonic() - self._from[1], 1e-9)
        self.per_second = speed if self.per_second == 0.0 else 0.9 * self.per_second + 0.1 * speed

    def seconds_left(self, samples: int) -> float:
        return max(0, samples) / self.per_second if self.per_second else math.inf

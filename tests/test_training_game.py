"""The game: what it learns, what it counts, what it draws, and how it goes on after every kind of accident."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gankit.errors import DivergedError, ModelError
from gankit.networks import build
from gankit.networks.base import Discriminator, Generator
from gankit.run.folder import RunFolder
from gankit.spec import Block, Spec
from gankit.training import loop as training
from gankit.training.game import Batches, Game
from gankit.training.loop import Progress, d_scores, play, samples_for_budget, seconds_per_sample
from gankit.training.losses import LOSSES, PENALTIES
from gankit.training.plan import GameConfig

MIXED = Spec("vector", (4,), (Block("categorical", 3), Block("continuous", 1)))
GIVEN = Spec("vector", (2,), (Block("categorical", 2),))
QUICK = GameConfig(total_samples=32 * 40, batch=32, steps_per_look=5, evaluations=4, early_stop=False)


def records(count: int, seed: int = 0, condition: bool = False) -> Batches:
    """A category, a number that hangs on it, and as the condition whether the number is above zero."""
    rng = np.random.default_rng(seed)
    code = rng.choice(3, p=[0.6, 0.3, 0.1], size=count)
    number = (code - 0.5 + 0.5 * rng.standard_normal(count)).astype(np.float32)
    x = torch.from_numpy(np.concatenate([np.eye(3, dtype=np.float32)[code], number[:, None]], 1))
    return Batches(x, torch.eye(2)[torch.from_numpy((number > 0).astype(np.int64))] if condition else None)


TRAIN, HELDOUT = records(500), records(200, 1)


def a_game(config: GameConfig = QUICK, name: str = "residual", condition: bool = False, **sizes: int) -> Game:
    sizes = {"width": 16, "depth": 1, "num_latents": 5} | sizes
    return Game(*build(name, MIXED, GIVEN if condition else None, **sizes, seed=config.seed), config)


def same_state(a: Game, b: Game) -> bool:
    first, second = a.state_tensors(), b.state_tensors()
    return set(first) == set(second) and all(torch.equal(first[n], second[n]) for n in first)


# --- counting and progress -------------------------------------------------------------------------------------------


def test_a_game_ends_when_its_samples_are_shown_and_says_so() -> None:
    game = a_game()
    looks = list(play(game, TRAIN, HELDOUT))
    assert [p.samples for p in looks] == [32 * 5 * k for k in range(1, 9)]
    assert [p.finished for p in looks] == [False] * 7 + [True]
    assert looks[-1].samples == looks[-1].total_samples == game.samples == 1280
    assert looks[-1].epoch == 1280 / 500
    assert all((p.phase == "game" and p.alarms == ()) or p.scores for p in looks)
    assert [p.scores is not None for p in looks] == [False, True] * 4


def test_samples_are_counted_by_what_the_discriminator_is_shown() -> None:
    game = a_game(dataclasses.replace(QUICK, d_steps=3))
    game.play_step(TRAIN)
    assert game.samples == 96 and game.step == 1


def test_an_epoch_shows_every_record_once() -> None:
    shown = []

    def expand(rows: Tensor) -> Tensor:
        shown.append(rows[:, 0])
        return TRAIN.x[: len(rows)]

    game = a_game()
    for _ in range(6):
        game.play_step(Batches(torch.arange(96.0).view(96, 1), expand=expand))
    first, second = torch.cat(shown[:3]), torch.cat(shown[3:])
    assert torch.equal(first.sort().values, torch.arange(96.0)) and not torch.equal(first, torch.arange(96.0))
    assert torch.equal(second.sort().values, torch.arange(96.0)) and not torch.equal(second, first)


def test_fewer_records_than_a_batch_make_the_batch_smaller() -> None:
    game = a_game()
    list(play(game, records(7), records(3, 1)))
    assert game.samples >= QUICK.total_samples and game.step == math.ceil(QUICK.total_samples / 7)


def test_one_record_is_enough_not_to_fail() -> None:
    assert list(play(a_game(dataclasses.replace(QUICK, total_samples=20)), records(1), records(1)))[-1].finished


def test_records_may_be_kept_small_and_expanded_by_the_batch() -> None:
    def expand(rows: Tensor) -> Tensor:
        return torch.cat([nn.functional.one_hot(rows[:, 0].long(), 3).float(), rows[:, 1:]], 1)

    small = Batches(torch.cat([TRAIN.x[:, :3].argmax(1, keepdim=True).float(), TRAIN.x[:, 3:]], 1), expand=expand)
    whole, compact = a_game(), a_game()
    list(play(whole, TRAIN, HELDOUT))
    list(play(compact, small, HELDOUT))
    assert same_state(whole, compact)


@pytest.mark.parametrize("name", ["residual", "dense2014"])
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_plays_with_every_pair(loss: str, name: str) -> None:
    config = dataclasses.replace(QUICK, loss=loss, total_samples=320)
    last = list(play(a_game(config, name), TRAIN, HELDOUT))[-1]
    assert last.finished and last.d_loss is not None and math.isfinite(last.d_loss) and not last.rolled_back


@pytest.mark.parametrize("method", ["exact", "finite"])
@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty_plays_by_both_methods_with_dropout_and_conditions(penalty: str, method: Any) -> None:
    config = dataclasses.replace(QUICK, penalty=penalty, penalty_method=method, total_samples=320)
    train, heldout = records(500, condition=True), records(200, 1, condition=True)
    for name in ("residual", "dense2014"):
        last = list(play(a_game(config, name, condition=True), train, heldout))[-1]
        assert last.penalty is not None and math.isfinite(last.penalty) and (last.penalty > 0) == (penalty != "none")


# --- it learns -------------------------------------------------------------------------------------------------------


def test_a_short_game_learns_shares_and_the_number_that_hangs_on_them() -> None:
    config = GameConfig(total_samples=64 * 700, batch=64, learning_rate=3e-3, seed=1)
    game = a_game(config, width=32, num_latents=8)
    list(play(game, records(4000), HELDOUT))
    fake = game.sample(game.best_generator(), 4000, "test", None)
    shares = fake[:, :3].mean(0)
    assert torch.allclose(shares, torch.tensor([0.6, 0.3, 0.1]), atol=0.05)
    means = [float(fake[fake[:, k] == 1, 3].mean()) for k in range(3)]
    assert means == pytest.approx([-0.5, 0.5, 1.5], abs=0.25)


def test_the_averaged_generator_follows_its_formula() -> None:
    game = a_game(dataclasses.replace(QUICK, ema_half_life=100.0))
    wanted = [p.detach().clone() for p in game.average.parameters()]
    for _ in range(3):
        game.play_step(TRAIN)
        towards = 1 - 0.5 ** (32 / min(100.0, 0.1 * game.samples))
        wanted = [a + towards * (p.detach() - a) for a, p in zip(wanted, game.generator.parameters(), strict=True)]
    for a, b in zip(wanted, game.average.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_the_learning_rate_falls_along_a_half_cosine() -> None:
    game = a_game(dataclasses.replace(QUICK, learning_rate=1.0, final_learning_rate=0.1))
    rates = []
    for share in (0.0, 0.5, 1.0):
        game.samples = int(share * QUICK.total_samples)
        rates.append(game.learning_rate())
    assert rates == pytest.approx([1.0, 0.55, 0.1])


# --- randomness ------------------------------------------------------------------------------------------------------


def test_the_global_random_states_are_neither_read_nor_changed() -> None:
    torch.manual_seed(1)
    np.random.seed(1)
    before = torch.random.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
    first = a_game(name="dense2014")
    list(play(first, TRAIN, HELDOUT, lambda g: 0.0))
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # type: ignore[index]
    torch.manual_seed(2)
    second = a_game(name="dense2014")
    list(play(second, TRAIN, HELDOUT, lambda g: 0.0))
    assert same_state(first, second)


def test_another_seed_is_another_game() -> None:
    first, second = a_game(), a_game(dataclasses.replace(QUICK, seed=1))
    for game in (first, second):
        list(play(game, TRAIN, HELDOUT))
    assert not same_state(first, second)


# --- resume ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["residual", "dense2014"])
@pytest.mark.parametrize("looks", [1, 3, 7])
def test_a_game_that_is_saved_and_loaded_goes_on_to_the_same_bits(tmp_path: Path, looks: int, name: str) -> None:
    def judge(generator: Generator) -> float:
        return float(next(generator.parameters()).detach().sum())

    whole = a_game(name=name)
    wanted = [p for p in play(whole, TRAIN, HELDOUT, judge)]

    stopped = a_game(name=name)
    for count, p in enumerate(play(stopped, TRAIN, HELDOUT, judge), 1):
        if count == looks:
            run = RunFolder.create(tmp_path / "run", {})
            run.save_checkpoint(p.step, stopped.state_tensors(), stopped.state_json())
            break
    resumed = a_game(name=name)
    saved = run.load_checkpoint()
    resumed.load_state(saved.tensors, saved.state)
    rest = list(play(resumed, TRAIN, HELDOUT, judge))

    def numbers(p: Progress) -> Progress:
        return dataclasses.replace(p, samples_per_second=0.0, seconds_left=0.0)

    assert [numbers(p) for p in rest] == [numbers(p) for p in wanted[looks:]]
    assert same_state(whole, resumed) and whole.state_json() == resumed.state_json()


def test_a_state_of_other_networks_is_refused() -> None:
    saved = a_game()
    with pytest.raises(ModelError, match=r"another size.*Resume with the settings"):
        a_game(width=8).load_state(saved.state_tensors(), saved.state_json())
    with pytest.raises(ModelError, match=r"other networks.*Resume with the settings"):
        a_game(depth=2).load_state(saved.state_tensors(), saved.state_json())


def test_a_finished_game_has_nothing_left_to_play() -> None:
    game = a_game()
    list(play(game, TRAIN, HELDOUT))
    assert list(play(game, TRAIN, HELDOUT)) == []


# --- choosing and stopping -------------------------------------------------------------------------------------------


def scripted(values: list[float]) -> Callable[[Generator], float]:
    left = iter(values)
    return lambda generator: next(left)


def test_the_best_averaged_generator_is_kept() -> None:
    game = a_game()
    kept: list[dict[str, Tensor]] = []
    for p in play(game, TRAIN, HELDOUT, scripted([0.1, 0.4, 0.3, 0.2])):
        if p.metric is not None:
            kept.append({n: t.clone() for n, t in game.average.state_dict().items()})
    assert game.best_metric == 0.4 and game.best_samples == 640
    best = game.best_generator().state_dict()
    assert all(torch.equal(best[n], kept[1][n]) for n in best)
    assert not all(torch.equal(best[n], kept[3][n]) for n in best)


def test_training_stops_when_nothing_improves_for_the_patience_and_only_then() -> None:
    config = dataclasses.replace(QUICK, early_stop=True, patience=2, evaluations=8)
    looks = list(play(a_game(config), TRAIN, HELDOUT, scripted([0.1, 0.0, 0.2, 0.1, 0.1, 9.0, 9.0, 9.0])))
    assert [p.metric for p in looks] == [0.1, 0.0, 0.2, 0.1, 0.1]
    assert looks[-1].finished and looks[-1].best_metric == 0.2
    patient = dataclasses.replace(config, early_stop=False)
    assert len(list(play(a_game(patient), TRAIN, HELDOUT, scripted([0.5] + [0.0] * 7)))) == 8


def test_a_metric_that_is_no_number_is_no_improvement_and_is_said() -> None:
    looks = list(play(a_game(), TRAIN, HELDOUT, scripted([math.nan, 0.1, math.nan, math.inf])))
    said = [p.alarms for p in looks if p.scores is not None]
    assert [any("could not be judged" in a for a in alarms) for alarms in said] == [True, False, True, True]
    assert looks[-1].best_metric == 0.1


# --- the penalty's weight --------------------------------------------------------------------------------------------


def test_the_weight_rises_where_the_gap_is_wide_and_falls_where_it_is_narrow() -> None:
    config = dataclasses.replace(QUICK, gap_target=0.1, gap_speed=0.2, first_weight=2.0)
    game = a_game(config)
    game.steer_weight(0.1)
    assert game.weight == pytest.approx(2.0)
    game.steer_weight(0.1 * math.exp(0.5))
    assert game.weight == pytest.approx(2.0 * math.exp(0.2 * 0.5))
    game.weight = 2.0
    game.steer_weight(100.0)
    assert game.weight == pytest.approx(2.0 * math.exp(0.2))
    game.weight = 2.0
    game.steer_weight(-1.0)
    assert game.weight == pytest.approx(2.0 * math.exp(-0.2))


@pytest.mark.parametrize("weight", [None, 0.7])
def test_a_given_weight_is_kept_and_the_papers_weight_is_taken_where_nothing_steers(weight: float | None) -> None:
    for penalty in ("r1r2", "wgan-gp"):
        game = a_game(dataclasses.replace(QUICK, penalty=penalty, penalty_weight=weight))
        list(play(game, TRAIN, HELDOUT))
        if weight is None and penalty == "r1r2":
            assert game.weight != QUICK.first_weight
        else:
            assert game.weight == (weight or 10.0)


# --- alarms ----------------------------------------------------------------------------------------------------------


def test_the_discriminators_scores_are_those_of_the_confusion_table() -> None:
    train, heldout = torch.tensor([3.0, 1.0, 1.0, -1.0]), torch.tensor([1.0, -1.0])
    fake = torch.tensor([1.0, -2.0, -2.0, -3.0])
    s = d_scores(train, heldout, fake, threshold=0.0)
    assert (s.recall_train, s.recall_heldout, s.recall_fake) == (0.75, 0.5, 0.25)
    assert (s.precision_train, s.precision_heldout) == (0.75, 0.5 / 0.75)
    assert (s.accuracy_train, s.accuracy_heldout) == (0.75, 0.625)
    assert (s.mean_train, s.mean_heldout, s.mean_fake) == (1.0, 0.0, -1.5)
    assert s.memorised == pytest.approx((1.0 - 0.0) / (1.0 + 1.5)) and not s.memorised_significant


def test_without_a_fixed_zero_the_middle_of_the_means_divides_real_from_fake() -> None:
    s = d_scores(torch.tensor([11.0, 11.0]), torch.tensor([9.9, 10.1]), torch.tensor([9.0, 9.0]), threshold=None)
    assert (s.recall_train, s.recall_heldout, s.recall_fake) == (1.0, 0.5, 0.0)


def test_memorising_raises_an_alarm_with_a_remedy() -> None:
    # 24 random points of 40 numbers: nothing can be learned but the points themselves
    spec = Spec("vector", (40,), (Block("continuous", 40),))
    rng = np.random.default_rng(0)
    train, heldout = (Batches(torch.from_numpy(rng.standard_normal((24, 40)).astype(np.float32))) for _ in range(2))
    config = GameConfig(total_samples=24 * 400, batch=24, penalty_weight=0.01, evaluations=10, early_stop=False)
    game = Game(*build("residual", spec, width=64, depth=1, num_latents=2), config)
    alarms = [a for p in play(game, train, heldout) for a in p.alarms]
    assert any("memorised" in a and "--width" in a for a in alarms)
    assert game.history[-1]["scores"]["accuracy_train"] > game.history[-1]["scores"]["accuracy_heldout"]


class Stuck(Generator):
    """Makes one record, or (`spread` > 0) a few that are spread like the real ones."""

    def __init__(self, few: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents, self.num_uniforms = MIXED, None, 1, 0
        self.rows = nn.Parameter(TRAIN.x[:few].clone())

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        return self.rows[(z[:, 0].abs() * 1000).long() % len(self.rows)]


@pytest.mark.parametrize(("few", "word"), [(1, "has collapsed"), (20, "repeats itself")])
def test_collapse_raises_an_alarm_with_a_remedy(few: int, word: str) -> None:
    _, discriminator = build("residual", MIXED, width=16, depth=1)
    config = dataclasses.replace(QUICK, learning_rate=1e-9, total_samples=320)
    looks = list(play(Game(Stuck(few), discriminator, config), TRAIN, HELDOUT))
    assert any(word in a and "--batch" in a for p in looks for a in p.alarms)


def test_a_healthy_game_raises_no_alarm_about_collapse() -> None:
    alarms = [a for p in play(a_game(), TRAIN, HELDOUT) for a in p.alarms]
    assert not any("collapsed" in a or "repeats" in a for a in alarms)


# --- infinities ------------------------------------------------------------------------------------------------------


class Trap(Discriminator):
    """A D whose logits turn NaN for a while: `sprung` tells, from the number of its passes, when."""

    def __init__(self, sprung: Callable[[int], bool]) -> None:
        super().__init__()
        self.spec, self.condition, self.sprung, self.passes = MIXED, None, sprung, 0
        self.linear = nn.Linear(4, 1)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        self.passes += 1
        factor = math.nan if self.sprung(self.passes) else 1.0
        logits: Tensor = self.linear(x).squeeze(1) * factor
        return logits


def test_a_nan_is_undone_and_the_game_goes_on_with_half_the_rate_and_other_draws() -> None:
    generator, _ = build("residual", MIXED, width=16, depth=1, num_latents=5)
    game = Game(generator, Trap(lambda n: n == 20), QUICK)
    looks = list(play(game, TRAIN, HELDOUT))
    bad = [i for i, p in enumerate(looks) if p.rolled_back]
    assert bad == [1] and "half the learning rate" in looks[1].alarms[0]
    assert looks[1].samples == looks[0].samples and looks[-1].samples == QUICK.total_samples
    assert looks[2].learning_rate == pytest.approx(looks[1].learning_rate / 2)
    assert game.rollbacks == 1
    assert all(t.isfinite().all() for t in game.state_tensors().values())


def test_a_game_that_stays_nan_ends_with_an_error_at_its_last_good_state() -> None:
    generator, _ = build("residual", MIXED, width=16, depth=1, num_latents=5)
    game = Game(generator, Trap(lambda n: n > 20), QUICK)
    looks = []
    with pytest.raises(DivergedError, match=r"5 times, the last time after 160 samples.*--learning-rate"):
        for p in play(game, TRAIN, HELDOUT):
            looks.append(p)
            if not p.rolled_back:
                good = {n: t.clone() for n, t in game.state_tensors().items()}
    assert [p.rolled_back for p in looks] == [False, True, True, True, True]
    assert all(torch.equal(good[n], t) for n, t in game.state_tensors().items())


def test_an_infinite_moment_of_adam_is_noticed_though_weights_and_losses_are_finite() -> None:
    game = a_game()
    looks = play(game, TRAIN, HELDOUT)
    next(looks)
    game.state_tensors()["optimiser.generator.exp_avg_sq.head.weight"].fill_(math.inf)
    assert next(looks).rolled_back
    assert all(t.isfinite().all() for t in game.state_tensors().values())


# --- length ----------------------------------------------------------------------------------------------------------


def test_a_budget_becomes_the_samples_that_fit_into_it() -> None:
    config = GameConfig(total_samples=1, evaluations=10, batch=100)
    assert samples_for_budget(100.0, 20.0, {"game": 1e-4}, 2.0, config) == 600_000
    config = dataclasses.replace(config, warmup=0.25)
    # 60 s = n (.25 * 1e-4 + .75 * 2e-4)
    assert samples_for_budget(100.0, 20.0, {"likelihood": 1e-4, "game": 2e-4}, 2.0, config) == pytest.approx(
        342_857, abs=1
    )
    assert samples_for_budget(1.0, 20.0, {"game": 1e-4}, 2.0, config) == 100


def test_slow_steps_are_timed_for_seconds_not_for_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 4.0  # each look: a step between two of them takes four seconds
        return now[0]

    monkeypatch.setattr(training.time, "perf_counter", clock)
    assert seconds_per_sample(a_game(), TRAIN, steps=20) == {"game": pytest.approx(4.0 / 32)}
    assert now[0] < 30
    now[0] = 0.0
    seconds_per_sample(a_game(), TRAIN, steps=20, within_s=0.5)
    assert now[0] == 16.0, "two steps: the least that tell something"


def test_timing_a_game_does_not_move_it() -> None:
    timed, untimed = a_game(), a_game()
    found = seconds_per_sample(timed, TRAIN, steps=3)
    assert set(found) == {"game"} and 0 < found["game"] < 1
    for game in (timed, untimed):
        list(play(game, TRAIN, HELDOUT))
    assert same_state(timed, untimed)

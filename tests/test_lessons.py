"""A game moved a step at a time: what is seen of it, what goes wrong on purpose, and the script that plays the same."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gankit.config import TrainConfig
from gankit.errors import DataError, GankitError, OptionError
from gankit.lessons.lesson import FORMULAS, Lesson
from gankit.lessons.script import command, script, snippet
from gankit.lessons.settings import LOSSES, PENALTIES, Settings
from gankit.training.losses import LOSSES as ALL_LOSSES
from gankit.training.losses import PENALTIES as ALL_PENALTIES
from gankit.web.lessons import SHOWS, Lessons
from gankit.web.starting.builtin import DRAWN

BELLS = np.round(np.concatenate([np.random.default_rng(0).normal(m, 0.5, 300) for m in (-2, 2)]), 4)
PAIRS = np.random.default_rng(1).normal(size=(300, 2))


def lessons() -> Lessons:
    return Lessons(lambda name: Path("/nowhere") / name)


def test_settings_offer_every_loss_and_penalty_and_refuse_what_cannot_be() -> None:
    assert set(LOSSES) == set(ALL_LOSSES) == set(FORMULAS) and set(PENALTIES) == set(ALL_PENALTIES)
    assert Settings.of({"loss": "hinge", "batch": 16}).batch == 16
    for wrong in ({"loss": "x"}, {"batch": 1}, {"batch": 16.5}, {"batch": True}, {"d_rate": "1"}, {"speed": 3}):
        with pytest.raises(OptionError):
            Settings.of(wrong)


def test_a_step_of_one_player_moves_that_one_alone() -> None:
    lesson = Lesson(BELLS, Settings())
    for who, moves in (("d", "D"), ("g", "G"), ("both", "DG")):
        turn = lesson.step(who)
        moved = {entry["layer"][0] for entry in turn["moved"] if entry["by"] > 0}
        assert moved == set(moves), who
        assert (turn["g_formula"] is None) == (who == "d")
    assert turn["step"] == 3 and turn["samples"] == 3 * 64
    shapes = {t["name"]: t["shape"] for t in turn["tensors"]}
    assert shapes == {"z": [64, 1], "x_fake": [64, 1], "x_real": [64, 1], "D(x_real)": [64], "D(x_fake)": [64]}


def test_steps_are_those_of_a_training() -> None:
    """Steps of both are `Game.play_step`, to the bit."""
    one, other = Lesson(BELLS, Settings(d_steps=2)), Lesson(BELLS, Settings(d_steps=2))
    one.step("both", 5)
    for _ in range(5):
        other.game.play_step(other.train)
    for name, tensor in one.game.state_tensors().items():
        assert torch.equal(tensor, other.game.state_tensors()[name]), name


@pytest.mark.parametrize("loss", LOSSES)
def test_formulas_hold_the_numbers_of_the_step(loss: str) -> None:
    turn = Lesson(BELLS, Settings(loss=loss)).step()
    text = turn["d_formula"].split(" = ")
    assert sum(float(v) for v in text[-2].split(" + ")) == pytest.approx(float(text[-1]), abs=0.002)
    assert float(text[-1]) == pytest.approx(turn["d_loss"], abs=0.001)
    assert float(turn["g_formula"].split(" = ")[-1]) == pytest.approx(turn["g_loss"], abs=0.001)


def test_the_picture_of_one_number_is_the_first_figure_of_2014() -> None:
    lesson = Lesson(BELLS * 10 + 100, Settings())
    lesson.step("both", 60)
    picture = lesson.picture()
    x, edges = np.array(picture["x"]), np.array(picture["edges"])
    assert x[0] < 60 and x[-1] > 140, "in the unit of the data"
    widths = np.diff(edges)
    for density in ("p", "q"):
        assert float((np.array(picture[density]) * widths).sum()) == pytest.approx(1, abs=0.02)
    p, q, best = (np.array(picture[name]) for name in ("p", "q", "d_star"))
    np.testing.assert_allclose(best[p + q > 0], (p / (p + q + 1e-300))[p + q > 0], atol=1e-9)
    assert all(0 <= v <= 1 for v in picture["d"]) and len(picture["z"]) == len(picture["x_of_z"]) == 40
    assert sorted(picture["z"]) == picture["z"]


def test_arrows_point_to_where_d_takes_records_to_be_more_real() -> None:
    lesson = Lesson(BELLS, Settings(latents=4))
    lesson.step("d", 150)
    before, after = (np.array(ends)[:, None] for ends in np.array(lesson.picture()["arrows"]).T)
    coded = [torch.from_numpy(((v - lesson.mean) / lesson.spread).astype(np.float32)) for v in (before, after)]
    rises = lesson.game.logits(coded[1], None) - lesson.game.logits(coded[0], None)
    assert float((rises > 0).double().mean()) > 0.8


def test_the_picture_of_pairs_has_the_surface_and_the_warped_grid_and_more_columns_are_projected() -> None:
    lesson = Lesson(PAIRS, Settings())
    lesson.step("both", 3)
    picture = lesson.picture()
    assert np.array(picture["d"]).shape == (40, 40) and np.array(picture["warped"]).shape == (18, 41, 2)
    assert np.array(picture["arrows"]).shape == (48, 2, 2) and not picture["projected"]
    wide = Lesson(np.random.default_rng(0).normal(size=(100, 5)), Settings())
    assert wide.dim == 2 and wide.picture()["projected"]


@pytest.mark.parametrize("data", [[1.0] * 20, [1.0, 2.0], ["a"] * 20, [np.nan] * 20, np.zeros((3, 3, 3)), [1e300] * 20])
def test_what_cannot_be_learned_is_refused_in_a_sentence(data: Any) -> None:
    with pytest.raises(DataError):
        Lesson(data, Settings())


@pytest.mark.parametrize(
    "settings",
    [
        Settings(), Settings(loss="minimax", penalty="none"), Settings(loss="relativistic", penalty="r1r2", latents=5),
        Settings(loss="leastsquares", penalty="r2", records=60, d_steps=2),
        Settings(loss="wasserstein", penalty="wgan-gp", weight=10.0),
        Settings(loss="hinge", width=16, depth=2, seed=3),
    ],
)  # fmt: skip
def test_the_script_plays_the_same_game(settings: Settings, tmp_path: Path) -> None:
    x = PAIRS if settings.seed % 2 or settings.d_steps == 2 else BELLS  # each script takes seconds: torch is imported
    lesson = Lesson(x, settings)
    dim = lesson.dim
    (tmp_path / "data.txt").write_text("".join(" ".join(f"{v:.10g}" for v in row) + "\n" for row in lesson.x))
    text = script(settings, dim, 4)
    assert len(text.splitlines()) <= 75 and "gankit" not in text
    (tmp_path / "gan.py").write_text(text)
    ran = subprocess.run([sys.executable, "gan.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    printed = [[float(v) for v in line.split()] for line in ran.stdout.splitlines()]
    for step in (1, 2, 3):
        turn = lesson.step()
        assert printed[step - 1][0] == step
        if settings.d_steps == 1:  # of several the script prints the last loss and the lesson the mean
            assert printed[step - 1][1] == pytest.approx(turn["d_loss"], abs=2e-3)
        assert printed[step - 1][2] == pytest.approx(turn["g_loss"], abs=3e-3)
    assert np.loadtxt(tmp_path / "synthetic.txt", ndmin=2).shape == (1000, dim)


def test_commands_name_options_that_there_are() -> None:
    settings = Settings(latents=3)
    words = command(settings, 50_000).split()
    flags = dict(zip(words[3::2], words[4::2], strict=True))
    names = {name.removeprefix("--").replace("-", "_") for name in flags}
    assert names <= {field.name for field in fields(TrainConfig)}
    compile(snippet(settings, 50_000), "snippet", "exec")


@pytest.mark.parametrize("name", list(DRAWN))
def test_built_in_data_is_the_same_for_everybody(name: str) -> None:
    found = lessons().open({"data": {"builtin": name}, "moves": [["both", 2]]})
    again = lessons().open({"data": {"builtin": name}, "moves": [["both", 2]]})
    assert found["picture"] == again["picture"] and found["turn"] == again["turn"]
    assert found["fed"] == f"[64, {found['dim']}]"


@pytest.mark.parametrize("show", SHOWS, ids=[show["name"] for show in SHOWS])
def test_what_goes_wrong_on_purpose_does_and_its_cure_cures(show: dict[str, Any]) -> None:
    opened = lessons()
    wrong = opened.open({"data": {"builtin": show["data"]}, "settings": show["settings"], "moves": show["moves"]})
    expected = "collapse" if show["name"] == "underfitting" else show["name"]
    assert wrong["picture"]["caption"] == expected
    cured = opened.open({"data": {"builtin": show["data"]}, "settings": {**show["settings"], **show["cure"]},
                         "moves": [["both", 300]]})  # fmt: skip
    assert cured["picture"]["caption"] in ("even", "learning")


def test_a_lesson_that_is_opened_again_has_the_curves_on_the_way_there() -> None:
    """In as many points as a chart takes, and where it is brought is where single requests lead."""
    opened = lessons()
    moves = [["both", 330], ["d", 30]]
    found = opened.open({"data": {"builtin": "bells"}, "settings": {"batch": 8}, "moves": moves})
    steps = [point["step"] for point in found["history"]]
    assert steps[0] == 0 and steps[-1] == 360 and steps == sorted(set(steps)) and len(steps) < 100
    assert found["history"][0]["d_loss"] is None and found["history"][-1]["g_loss"] is None
    assert found["history"][-1]["d_loss"] == found["turn"]["d_loss"]
    other = opened.open({"data": {"builtin": "bells"}, "settings": {"batch": 8}})
    for who, count in moves:
        at_once = opened.step(other["id"], {"who": who, "count": count})
    assert at_once["picture"] == found["picture"] and at_once["turn"] == found["turn"]
    assert found["picture"]["distance"] == found["history"][-1]["distance"]


def test_the_same_lesson_twice_is_two_lessons() -> None:
    opened = lessons()
    ids = [opened.open({"data": {"builtin": "bells"}})["id"] for _ in range(14)]
    assert len(set(ids)) == 14
    opened.step(ids[-1], {"count": 2})
    assert opened.step(ids[-2], {})["picture"]["step"] == 1


@pytest.mark.parametrize("x", [BELLS, PAIRS], ids=["numbers", "pairs"])
def test_the_distance_falls_to_that_of_training_records_as_g_learns(x: np.ndarray) -> None:
    lesson = Lesson(x, Settings(width=16))
    before = lesson.distance()
    lesson.step("both", 300)
    after = lesson.distance()
    assert after["real"] == before["real"] < after["fake"] < before["fake"]


def test_lessons_are_opened_moved_and_forgotten() -> None:
    opened = lessons()
    about = opened.about()
    assert {entry["name"]: entry["dim"] for entry in about["data"]}["ring"] == 2
    first = opened.open({"data": {"numbers": BELLS.tolist()}, "settings": {"seed": 2}})
    moved = opened.step(first["id"], {"who": "d", "count": 3})
    assert moved["picture"]["step"] == 3 and moved["turn"]["who"] == "d"
    items = opened.round(first["id"], {"count": 40, "seed": 1})["items"]
    assert len(items) == 40 and {item["real"] for item in items} == {True, False}
    assert items == opened.round(first["id"], {"count": 40, "seed": 1})["items"]
    assert "torch" in opened.script(first["id"], 100) and opened.data(first["id"]).count("\n") == len(BELLS)
    assert opened.commands(first["id"])["command"].startswith("gankit train")
    for _ in range(12):
        opened.open({"data": {"builtin": "bells"}})
    for wrong in (
        lambda: opened.step(first["id"], {}), lambda: opened.open({"data": {"builtin": "x"}}),
        lambda: opened.open({"moves": [["both", 10**6]]}), lambda: opened.open({"moves": "x"}),
        lambda: opened.open({"settings": {"batch": "x"}}), lambda: opened.open({"data": {"numbers": "x"}}),
    ):  # fmt: skip
        with pytest.raises(GankitError):
            wrong()

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from results import named, result, score
from scipy.stats import spearmanr
from scipy.stats.contingency import association

from gankit.kinds.tables.figure import draw_figure, figure_1d, figure_words
from gankit.kinds.tables.metrics.metrics import BASELINES, METRICS, NOUN
from gankit.kinds.tables.metrics.sample import Sample
from gankit.kinds.tables.panels import associations, cells, lookalikes, panels
from gankit.metrics.metric import Direction, Metric
from gankit.report.curves import _phase_words, chosen, curves, flat, overfit_share, reading, still_learning, training
from gankit.report.drawing import Pen, cut, distances, draw, heat_maps, short
from gankit.report.page import strip


def texts(svg: str) -> list[str]:
    return [t.text or "" for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("text")]


def test_text_from_the_data_enters_a_image_escaped_and_never_as_mathematics() -> None:
    def paint(figure: Any, pen: Pen) -> None:
        figure.text(0.1, 0.5, pen.text("<b>$x^2$ & 日本", 30))

    svg = draw(paint, size=(3, 1), name="t", alt="a < b")
    assert texts(svg) == ["<b>$x^2$ & 日本"]
    assert "<b>" not in svg and "a &lt; b" in svg


def test_the_same_image_twice_is_the_same_text() -> None:
    def paint(figure: Any, pen: Pen) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [2, 3])

    assert draw(paint, size=(2, 1), name="p", alt="") == draw(paint, size=(2, 1), name="p", alt="")


def test_drawing_leaves_matplotlibs_settings_as_they_were() -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    draw(lambda figure, pen: None, size=(1, 1), name="n", alt="")
    assert dict(matplotlib.rcParams) == before


def test_long_texts_are_cut_in_the_middle() -> None:
    assert cut("abcdefghij", 5) == "ab…ij" and cut("abc", 5) == "abc" and cut("a\nb", 5) == "a b"


@given(st.text(), st.integers(2, 30))
def test_a_cut_text_is_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(cut(text, limit)) <= limit and cut(text, limit).isprintable()


def test_cells_surround_each_value_of_a_coarse_grid() -> None:
    assert cells(np.array([2.0, 2.5, 4.0]), 3).tolist() == [1.75, 2.25, 2.75, 3.25, 3.75, 4.25]


def test_cells_of_integers_hold_equally_many_integers() -> None:
    edges = cells(np.repeat(np.arange(100.0), 100), 10_000)
    assert len(set(np.diff(edges))) == 1 and np.diff(edges)[0] == round(np.diff(edges)[0])


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e300, 1e300)), st.integers(1, 60))
def test_cells_always_rise(values: np.ndarray, rows: int) -> None:
    edges = cells(values, rows)
    assert len(edges) >= 2 and (np.diff(edges) >= 0).all() and edges[0] < edges[-1]


def two_columns(number: np.ndarray, codes: np.ndarray, levels: tuple[str, ...]) -> Sample:
    return Sample({"n": number, "c": codes.astype(np.int32)}, {"n": "number", "c": "category"}, {"c": levels})


def test_the_worst_column_comes_first_and_a_dominant_value_is_told_in_words() -> None:
    number = np.concatenate([np.zeros(80), np.arange(1.0, 21.0)])
    sample = two_columns(number, np.zeros(100), ("a",))
    entries = [
        {
            "column": "c",
            "kind": "category",
            "levels": ["a"],
            "num_levels": 1,
            "real": [1.0],
            "fake": [1.0],
            "other": {"real": 0.0, "fake": 0.0},
            "missing": {"real": 0.0, "fake": 0.1},
        },
        {"column": "n", "kind": "number"},
    ]
    out = panels(entries, {"n": 0.9, "c": 1.0}, sample, sample)
    assert [p.title for p in out] == ["n", "c"]
    assert out[0].remarks == (
        "Left out of the image: the value 0, in 80.0 % of the real rows and 80.0 % of the synthetic ones.",
    )
    assert out[1].remarks == ("Missing: real 0 %, fake 10.0 %.",)
    assert [p.title for p in panels(entries, {"n": 0.9, "c": 1.0}, sample, sample, most=1)] == ["n"]


def test_fakes_outside_the_real_range_are_named() -> None:
    real = two_columns(np.linspace(0, 1, 100), np.zeros(100), ("a",))
    fake = two_columns(np.linspace(0, 2, 100), np.zeros(100), ("a",))
    (panel,) = panels([{"column": "n", "kind": "number"}], {}, real, fake)
    assert panel.remarks == ("50.0 % of the synthetic rows lie outside the range of the held-out rows, 0 to 1.",)


@pytest.mark.parametrize("values", [np.full(5, np.nan), np.zeros(5), np.array([1e300, -1e300, 0.0])])
def test_columns_without_a_spread_are_drawn_all_the_same(values: np.ndarray) -> None:
    sample = Sample({"n": values.astype(float)}, {"n": "number"})
    assert len(panels([{"column": "n", "kind": "number"}], {}, sample, sample)) == 1


def test_more_levels_than_fit_are_summed_up() -> None:
    entry = {
        "column": "c",
        "kind": "category",
        "levels": [str(i) for i in range(24)],
        "num_levels": 30,
        "real": [0.04] * 24,
        "fake": [0.03] * 24,
        "other": {"real": 0.04, "fake": 0.28},
    }
    sample = two_columns(np.zeros(1), np.zeros(1), ("a",))
    (panel,) = panels([entry], {}, sample, sample)
    assert panel.body.count('<div class="bar real"') == 9
    shares = f"{100 * (16 * 0.04 + 0.04):.1f} | {100 * (16 * 0.03 + 0.28):.1f} %"
    assert panel.body.endswith(f'<td class="n">{shares}</td></tr></tbody></table>') and ">22 more</th>" in panel.body


def test_dates_are_drawn_as_dates() -> None:
    days = 86400.0 * np.arange(0, 3650, 5)
    sample = Sample({"n": days}, {"n": "number"})
    (panel,) = panels([{"column": "n", "kind": "number"}], {}, sample, sample, dates={"n"})
    assert any(re.fullmatch(r"19[78]\d", t) for t in texts(panel.body))


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(0.0, 1.0, "0"), (12000.0, 4000.0, "12k"), (3.5e6, 5e5, "3.5M"), (0.25, 0.05, "0.25"), (2014.0, 2.0, "2014")],
)
def test_axis_labels_are_short(value: float, step: float, text: str) -> None:
    assert short(value, step) == text


KINDS: Any = {"a": "number", "b": "number", "c": "category", "d": "category"}


def random_sample(seed: int, rows: int = 500) -> Sample:
    generator = np.random.default_rng(seed)
    a = generator.normal(size=rows)
    b = a + generator.normal(size=rows)
    c = (a > 0).astype(np.int32)
    d = np.where(generator.random(rows) < 0.8, c, 1 - c).astype(np.int32)
    return Sample({"a": a, "b": b, "c": c, "d": d}, KINDS, {"c": ("0", "1"), "d": ("0", "1")})


def test_associations_agree_with_scipy_and_with_the_definition_of_eta() -> None:
    sample = random_sample(0)
    found = associations(sample, sample.names)
    a, b, c, d = sample.columns.values()
    assert found[0, 1] == pytest.approx(spearmanr(a, b).statistic)
    n = len(a)
    table = np.histogram2d(c, d, 2)[0].astype(int)
    v = association(table, method="cramer")
    corrected = np.sqrt(max(0.0, v**2 - 1 / (n - 1)) / (2 - 1 / (n - 1) - 1))  # Bergsma 2013 for a 2 x 2 table
    assert found[2, 3] == pytest.approx(corrected)
    ranks = np.argsort(np.argsort(a)) + 1.0
    eta = np.sqrt(
        1
        - sum(((ranks[c == k] - ranks[c == k].mean()) ** 2).sum() for k in (0, 1)) / ((ranks - ranks.mean()) ** 2).sum()
    )
    assert found[0, 2] == pytest.approx(eta)
    assert np.array_equal(found, found.T) and (np.diag(found) == 1).all()


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.float64, (12, 2), elements=st.one_of(st.floats(-5, 5), st.just(float("nan")))),
    arrays(np.int32, (12, 2), elements=st.integers(-1, 2)),
)
def test_associations_are_always_between_minus_one_and_one(numbers: np.ndarray, codes: np.ndarray) -> None:
    levels = ("x", "y", "z")
    sample = Sample(
        {"a": numbers[:, 0].copy(), "b": numbers[:, 1].copy(), "c": codes[:, 0].copy(), "d": codes[:, 1].copy()},
        KINDS,
        {"c": levels, "d": levels},
    )
    found = associations(sample, sample.names)
    assert np.isfinite(found).all() and (np.abs(found) <= 1).all()


def test_heat_maps_say_their_largest_difference() -> None:
    sample = random_sample(0)
    real = associations(sample, sample.names)
    fake = np.eye(4)
    maps = heat_maps(real, fake, sample.names, NOUN)
    assert [m.title for m in maps] == ["Real rows", "Synthetic rows", "Synthetic minus real rows"]
    largest = np.abs(real - fake).max()
    assert f"the largest is {largest:.2f}" in maps[2].body


def test_the_figure_of_2014_holds_densities_that_add_up_to_one() -> None:
    generator = np.random.default_rng(0)
    grid = np.linspace(-6, 6, 61)
    out = figure_1d(
        generator.normal(size=500),
        np.append(generator.normal(size=500), np.nan),
        grid,
        np.full(61, 0.5),
        np.linspace(-2, 2, 9),
        np.linspace(-2, 2, 9),
    )
    for name in ("p_data", "p_g"):
        assert sum(out[name]) * (grid[1] - grid[0]) == pytest.approx(1)
    assert "D(x) lies 0.000 from ½" in figure_words(out)
    assert {"p_data (real)", "p_g (fake)", "D(x)", "z", "x"} <= set(texts(draw_figure(out)))


def test_few_values_are_counted_in_few_cells() -> None:
    grid, z = np.linspace(0, 1, 240), np.array([0.0])
    few, many = (
        figure_1d(np.linspace(0, 1, n) ** 2, np.linspace(0, 1, n), grid, grid, z, z)["p_data"] for n in (100, 100_000)
    )
    assert len(set(few)) <= 10 and len(set(many)) >= 80


def test_equal_samples_share_their_whole_area_and_separate_ones_none() -> None:
    grid = np.linspace(0, 10, 101)
    d, z = np.where(grid < 5, 1.0, 0.0), np.array([0.0])
    same = figure_1d(np.array([2.0, 8.0]), np.array([2.0, 8.0]), grid, d, z, z)
    apart = figure_1d(np.array([2.0, 3.0]), np.array([8.0, 9.0]), grid, d, z, z)
    assert figure_words(same).startswith("The two densities share 100 % of their area")
    assert figure_words(apart).startswith("The two densities share 0 % of their area, and D(x) lies 0.500 from ½")


def history(memorised: float, metric: list[float]) -> list[dict[str, Any]]:
    scores = {"mean_train": 1.0, "mean_heldout": 1.0 - 2.0 * memorised, "mean_fake": -1.0}
    return [{"samples": 1000 * (i + 1), "metric": m, "scores": scores} for i, m in enumerate(metric)]


def read(rows: list[dict[str, Any]]) -> str:
    return " ".join(reading(rows, {}, training(rows, copied=False, behind=False, records="rows")))


def test_overfitting_is_read_from_the_gap_between_training_and_held_out_rows() -> None:
    assert overfit_share(flat(history(0.4, [0.1]))) == pytest.approx(0.4)
    over, fine = (read(history(m, [0.1, 0.2])) for m in (0.4, 0.05))
    assert "overfitting" in over and "40.0 %" in over and "--samples" in over
    assert "scores training and held-out rows alike" in fine and "5.0 %" in fine


def test_a_gap_that_is_not_significant_is_no_overfitting() -> None:
    rows = history(0.4, [0.1, 0.2])
    rows[-1]["scores"] = {**rows[-1]["scores"], "memorised_significant": False}
    assert "overfitting" not in read(rows)


def test_underfitting_is_read_from_what_the_last_fifth_brought() -> None:
    rising, level = [0.1 * i for i in range(11)], [0.0, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert still_learning(flat(history(0, rising))) == pytest.approx(0.2)
    assert still_learning(flat(history(0, level))) == 0.0
    assert "a longer training (--budget or --samples) would help" in read(history(0, rising))
    assert "would bring little" in read(history(0, level))


def test_the_chosen_checkpoint_is_marked_in_every_curve() -> None:
    rows = history(0, [0.1, 0.9, 0.5])
    assert chosen(flat(rows), {}) == 2000.0 and chosen(flat(rows), {"chosen_samples": 3000}) == 3000.0
    drawn = curves(rows, {})
    assert [t for t, _ in drawn] == ["Held-out metric", "D’s mean logit"]
    assert all("chosen checkpoint" in texts(svg) for _, svg in drawn)
    assert "The model is the checkpoint at 2,000 samples, where the held-out metric was 0.900." in read(rows)


def test_a_history_without_points_gives_no_curves() -> None:
    assert curves([], {}) == [] and read([]) == ""
    assert curves([{"samples": 5, "metric": None, "scores": None}], {}) == []


def test_strips_put_better_to_the_right_whichever_way_the_metric_counts() -> None:
    def place(direction: Direction, fake: float, best: float) -> float:
        metric: Metric[Any] = Metric("t", lambda inputs, who: None, "pairs", "m", best=best, direction=direction)
        drawn = strip(result(metric, fake, best, {"independent": 0.5}), BASELINES, NOUN)
        found = re.search(r'circle class="fake" cx="([\d.]+)"', drawn)
        assert found
        return float(found[1])

    assert place("higher", 0.9, 1.0) > place("higher", 0.7, 1.0)
    assert place("lower", 0.1, 0.0) > place("lower", 0.3, 0.0)
    assert place("near", 1.1, 1.0) == place("near", 0.9, 1.0)


def test_a_strip_without_a_figure_is_empty() -> None:
    assert strip(result(METRICS[0], score(None), 0.9, {}), BASELINES, NOUN) == ""


def test_lookalikes_mark_equal_values_and_suspicious_distances() -> None:
    worst = [
        {
            "fake": {"a": 1.0, "b": "x", "t": 0.0},
            "train": {"a": 1.0, "b": "y", "t": None},
            "distance_train": 0.01,
            "distance_heldout": 0.3,
        }
    ]
    (found,) = lookalikes(worst, dates={"t"})
    same = '<span class="same">1</span>'
    assert found.rows == (("a", same, same), ("b", "x", "y"), ("t", "1970-01-01", "missing"))
    assert found.folded.startswith("Number 1: 1 of 3 columns equal") and found.folded.endswith("much nearer")


def test_distances_are_drawn_when_they_were_kept() -> None:
    near = named(METRICS, "copies_near")
    assert distances({"copies_near": result(near, 0.5, 0.5, {}, distance={"train_median": 0.1})}, NOUN) == []
    kept = {"edges": [0.0, 0.1, 0.2], "fake": [0.5, 0.5], "heldout": [0.4, 0.6]}
    (drawn,) = distances({"copies_near": result(near, 0.5, 0.5, {}, distance=kept)}, NOUN)
    assert drawn.title == "Distance to training: near copies"
    assert "distance to the nearest training row (0: a copy)" in texts(drawn.body)


@pytest.mark.parametrize(("in_game", "mark", "kept"), [(0.875, 90, "before"), (0.945, 100, "after")])
def test_the_reading_tells_what_the_likelihood_and_what_the_game_did(in_game: float, mark: int, kept: str) -> None:
    phases = (("likelihood", 45, 0.8), ("likelihood", 90, 0.925), ("game", 95, 0.85), ("game", 100, in_game))
    rows = [{"phase": phase, "samples": at, "metric": value} for phase, at, value in phases]
    said = " ".join(_phase_words(flat(rows), {"metric": "two-sample test", "chosen_samples": mark}))
    assert "G had a two-sample test of 0.925;" in said and f"it reached {in_game}." in said
    assert f"The model is G as it was {kept} the game." in said


def test_a_reading_of_one_phase_compares_none() -> None:
    for phase in ("likelihood", "game"):
        rows = [{"phase": phase, "samples": at, "metric": 0.5 + at / 1000} for at in (10, 20, 30)]
        assert "Before the game" not in read(rows)

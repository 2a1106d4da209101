"""Missing cells filled from a model's own conditionals, records scored by its likelihood, and as many of each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gankit
from gankit import DataError, OptionError
from gankit.columns.quantiles import Cells
from gankit.columns.relations.formulas import parse_comparison
from gankit.model.model import Model
from gankit.randomness import numpy_generator


def discrete(rows: int = 3000) -> pd.DataFrame:
    """a uniform on 4; b = a or a + 1 or, seldom, 5; c = (a + noise) mod 3."""
    g = numpy_generator(0, "discrete")
    a = g.integers(0, 4, rows)
    b = np.where(g.random(rows) < 0.1, 5, a + (g.random(rows) < 0.3))
    c = (a + (g.random(rows) < 0.2)) % 3
    return pd.DataFrame({k: [f"{k}{x}" for x in v] for k, v in {"a": a, "b": b, "c": c}.items()})


def trips(rows: int = 1000) -> pd.DataFrame:
    """Total = fare + tip, end after start, the code tells the city, one of three tariffs."""
    g = numpy_generator(0, "trips")
    fare = np.round(g.gamma(4.0, 5.0, rows) + 3, 2)
    card = g.random(rows) < 0.6
    tip = np.where(card, np.round(fare * g.choice([0.1, 0.15, 0.2, 0.25], rows), 2), 0.0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(g.integers(0, 60 * 24 * 90, rows), "min")
    code = g.integers(0, 6, rows)
    tariff = g.integers(0, 3, rows)
    return pd.DataFrame(
        {
            "fare": fare,
            "tip": tip,
            "total": np.round(fare + tip, 2),
            "paid": np.where(card, "card", "cash"),
            "start": start,
            "end": start + pd.to_timedelta((fare * 2 + g.integers(1, 20, rows)).astype(int), "min"),
            "code": [f"k{x}" for x in code],
            "city": [("Oslo", "Lima", "Kyoto")[x // 2] for x in code],
            **{f"tariff {k}": (tariff == k).astype(int) for k in range(3)},
        }
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return gankit.train(discrete(), samples="40k", evaluations=1, verbose=False)


@pytest.fixture(scope="module")
def ruled() -> Model:
    return gankit.train(trips(), samples="15k", width=64, evaluations=1, verbose=False)


def with_gaps(frame: pd.DataFrame, share: float, seed: int = 1) -> pd.DataFrame:
    g = numpy_generator(seed, "gaps")
    return pd.DataFrame({name: frame[name].mask(g.random(len(frame)) < share) for name in frame})


KNOWN = [{"a": "a1"}, {"b": "b2"}, {"c": "c1"}, {"b": "b5", "c": "c0"}, {"a": "a2", "c": "c2"}, {}]


@pytest.fixture(scope="module")
def sample(model: Model) -> pd.DataFrame:
    """So many rows of the model that their frequencies are its probabilities."""
    return model.sample(100_000, seed=5)  # type: ignore[no-any-return]


@pytest.mark.parametrize("known", KNOWN, ids=str)
def test_missing_cells_follow_the_models_own_conditional(
    model: Model, sample: pd.DataFrame, known: dict[str, str]
) -> None:
    filled = model.complete(pd.DataFrame({name: [known.get(name)] * 4000 for name in "abc"}))
    for name, value in known.items():
        assert (filled[name] == value).all()
        sample = sample[sample[name] == value]
    names = [name for name in "abc" if name not in known]
    counted, made = (frame.value_counts(names, normalize=True) for frame in (sample, filled))
    distance = counted.subtract(made, fill_value=0).abs().sum() / 2
    assert distance < 0.06, f"total variation {distance:.3f} of {len(sample)} rows"


def test_the_likelihood_is_the_frequency_of_a_record_in_the_models_samples(model: Model, sample: pd.DataFrame) -> None:
    counted = sample.value_counts(["a", "b", "c"], normalize=True)
    chance = np.exp(model.log_likelihood(counted.index.to_frame(index=False)))
    assert chance.sum() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(chance, counted.to_numpy(), atol=0.006)


def test_the_likelihood_without_a_cell_is_the_sum_over_its_values(model: Model) -> None:
    whole = pd.DataFrame({"a": ["a1"] * 5, "b": [f"b{k}" for k in (0, 1, 2, 3, 5)], "c": ["c1"] * 5})
    some = pd.DataFrame({"a": ["a1"], "b": [None], "c": ["c1"]})
    every = np.exp(model.log_likelihood(whole)).sum()
    assert every == pytest.approx(float(np.exp(model.log_likelihood(some)[0])), abs=0.02)


def test_cells_are_as_wide_as_a_density_inside_them_needs() -> None:
    x = numpy_generator(0, "x").normal(size=4000)
    cells = Cells.fit(x)
    mass = np.diff(cells.edges) / cells.widths  # of a histogram, held against the normal density
    middle = (cells.uppers[:-1] + cells.lowers[1:]) / 2
    of_normal = np.exp(-(((middle[:-1] + middle[1:]) / 2) ** 2) / 2) / np.sqrt(2 * np.pi)
    assert np.abs(mass[1:-1] - of_normal).mean() < 0.05
    assert Cells.fit(np.repeat([1.0, 2.0, 7.0], 50)).widths.tolist() == [1, 1, 1]
    assert Cells.fit(np.arange(1000.0).repeat(3)).widths.sum() == 1000


def test_numbers_count_by_their_density(ruled: Model) -> None:
    rows = trips(300)
    likely = ruled.log_likelihood(rows)
    assert np.isfinite(likely).all()
    rows["fare"], rows["total"] = rows["fare"] + 40, rows["total"] + 40
    assert ruled.log_likelihood(rows).mean() < likely.mean() - 1


def check(frame: pd.DataFrame) -> None:
    assert not frame.isna().any().any()
    np.testing.assert_allclose(frame["total"], frame["fare"] + frame["tip"], atol=0.006)
    assert (frame["end"] > frame["start"]).all()
    assert [("Oslo", "Lima", "Kyoto")[int(code[1]) // 2] for code in frame["code"]] == frame["city"].tolist()
    assert (frame[[f"tariff {k}" for k in range(3)]].astype(int).sum(axis=1) == 1).all()


@pytest.mark.parametrize("share", [0.15, 0.8])
def test_filled_rows_keep_the_rules_and_known_cells_stay_as_they_are(ruled: Model, share: float) -> None:
    rows = with_gaps(trips().head(300), share)
    rows.index = pd.Index([f"r{k}" for k in range(300)])
    filled = ruled.complete(rows)
    check(filled)
    assert filled.index.equals(rows.index) and list(filled) == list(rows)
    for name in rows:
        there = rows[name].notna()
        assert (filled[name][there] == rows[name][there]).all()
        assert filled[name].dtype == rows[name].dtype


@pytest.mark.parametrize("lost", [["fare", "total"], ["tip"], ["start"], ["city"], ["tariff 0", "tariff 2"]], ids=str)
def test_what_known_cells_tell_is_told_and_the_rest_is_plausible(ruled: Model, lost: list[str]) -> None:
    rows = trips().head(200)
    gaps = rows.copy()
    for name in lost:
        gaps[name] = rows[name].mask(np.arange(len(rows)) % 20 > 0)
    filled = ruled.complete(gaps)
    check(filled)
    if lost in (["tip"], ["city"]):  # total - fare, and the city of the code
        assert filled[lost[0]].tolist() == rows[lost[0]].tolist()
    if lost == ["start"]:
        assert (filled["end"] - filled["start"]).max() <= (trips()["end"] - trips()["start"]).max()


def test_where_rules_make_known_columns_from_missing_ones_candidates_are_weighed(ruled: Model) -> None:
    """Held against rows of the model whose total is about the same."""
    near = ruled.sample(20_000, seed=3)
    near = near[near["total"].between(24, 26)]
    gaps = pd.DataFrame({"total": np.linspace(24, 26, 800).round(2)})
    filled = ruled.complete(gaps)
    check(filled)
    assert len(near) > 500
    assert filled["tip"].mean() == pytest.approx(near["tip"].mean(), abs=0.35)
    assert (filled["tip"] == 0).mean() == pytest.approx((near["tip"] == 0).mean(), abs=0.1)


def test_a_row_is_filled_the_same_whatever_stands_beside_it(ruled: Model) -> None:
    rows = with_gaps(trips().head(40), 0.4)
    alone, whole = ruled.complete(rows.head(5), seed=7), ruled.complete(rows, seed=7)
    pd.testing.assert_frame_equal(alone, whole.head(5))
    others = rows.copy()
    others.iloc[20:] = trips().iloc[100:120].to_numpy()
    pd.testing.assert_frame_equal(ruled.complete(others.astype(rows.dtypes), seed=7).head(20), whole.head(20))
    assert not ruled.complete(rows, seed=8).equals(whole)


def test_every_form_comes_back_as_it_came(model: Model, tmp_path: Path) -> None:
    frame = with_gaps(discrete(60), 0.3)
    filled = model.complete(frame)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    assert model.complete(table).equals(pa.Table.from_pandas(filled, preserve_index=False).cast(table.schema))
    assert model.complete(pl.from_arrow(table)).rows() == [tuple(row) for row in filled.to_numpy().tolist()]
    assert model.complete(table.to_pylist()) == filled.to_dict("records")
    assert model.complete(table.to_pydict()) == filled.to_dict("list")
    frame.to_csv(tmp_path / "gaps.csv", index=False)
    assert model.complete(tmp_path / "gaps.csv").equals(filled)
    coded = frame.head(20).astype({"b": "category"})
    assert model.complete(coded)["b"].astype("str").tolist() == filled["b"].head(20).tolist()
    untouched = discrete(10)
    assert model.complete(untouched).equals(untouched)


def test_times_of_a_zone_are_local_ones_to_a_model_without_zones(ruled: Model) -> None:
    frame = trips().head(30)
    gaps = frame.assign(start=frame["start"].where(frame.index % 2 == 0))

    def zoned(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{name: rows[name].dt.tz_localize("Asia/Tokyo") for name in ("start", "end")})

    assert np.array_equal(ruled.log_likelihood(zoned(frame)), ruled.log_likelihood(frame))
    filled = ruled.complete(zoned(gaps))["start"]
    assert filled.dt.tz_localize(None).tolist() == ruled.complete(gaps)["start"].tolist()


def test_a_column_that_is_not_there_is_filled_whole_and_comes_last(model: Model, ruled: Model) -> None:
    filled = model.complete(discrete(300)[["c", "b"]])
    assert list(filled) == ["c", "b", "a"] and filled["a"].isin(["a0", "a1", "a2", "a3"]).all()
    empty = model.complete(pd.DataFrame({"a": [None, None], "b": [np.nan, np.nan]}))
    assert empty["b"].str.match("b[0-5]").all()
    check(ruled.complete(trips(50)[["end", "city", "paid"]]))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"a": ["a9"]}, "column 'a', row 1: the category 'a9' is not known"),
        ({"a": ["a1"], "aa": ["a1"]}, "the model has no column 'aa'. Did you mean 'a'"),
        ([["a1", "b1"]], "the model has no column 'c0' and 1 more"),
        (pd.DataFrame({"a": []}), "no records"),
        (7, "cannot be read"),
    ],
    ids=str,
)
def test_records_that_are_not_the_models_are_refused(model: Model, rows: Any, said: str) -> None:
    with pytest.raises((DataError, OptionError), match=said):
        model.complete(rows)
    with pytest.raises((DataError, OptionError), match=said):
        model.log_likelihood(rows)


def test_known_cells_that_no_row_can_have_are_refused_with_the_row_and_the_rule(ruled: Model) -> None:
    rows = trips().head(3)
    rows["tariff 0"], rows["tariff 1"], rows["tariff 2"] = [1, 1, 0], [0, 1, 1], [0.0, np.nan, np.nan]
    with pytest.raises(OptionError, match=r"row 2: of 512 draws of 'tariff 2' none keeps the rule 'one of `tariff 0`"):
        ruled.complete(rows)


def test_numbers_that_do_not_fit_the_type_of_a_column_are_refused(ruled: Model) -> None:
    rows = trips().head(4).drop(columns=["tip", "total"])
    rows["fare"] = pd.array([5, None, 9, None], dtype="Int64")
    with pytest.raises(DataError, match=r"column 'fare' is of type int64, which cannot hold .* Give it as double"):
        ruled.complete(rows)


@pytest.mark.parametrize("does", ["complete", "log_likelihood"])
def test_a_network_without_conditionals_refuses(does: str) -> None:
    x = numpy_generator(0, "x").normal(size=(200, 2))
    plain = gankit.train(x, samples="400", evaluations=1, verbose=False)
    with pytest.raises(OptionError, match=r"this is a residual model of records. Train one with --kind table"):
        getattr(plain, does)(x)


def test_a_formula_is_solved_for_each_column_where_that_is_one_number() -> None:
    values = {"a": np.array([2.0, 3.0]), "b": np.array([5.0, 0.0]), "c": np.array([7.0, 2.0])}
    for text in ("a + b * c", "(a - b) / c", "c - (b - a)", "(a + b) in hours", "a * 2 - c"):
        tree = parse_comparison(text, "abc")[0][0]
        wanted = tree.evaluate(values)
        for name in tree.names:
            found = tree.solve(name, wanted, {k: v for k, v in values.items() if k != name})
            assert np.allclose(found, values[name]) or (name == "c" and np.isnan(found[1])), (text, name)
    odd = parse_comparison("max(a, b) + a", "ab")[0][0]
    assert all(np.isnan(odd.solve(name, np.ones(2), values)).all() for name in "ab")


def test_classes_are_balanced_and_rows_are_those_of_sample(model: Model) -> None:
    made = model.balanced(11, by="b", seed=4)
    counts = made["b"].value_counts()
    assert set(counts.index) == {f"b{k}" for k in range(6)} and counts.max() - counts.min() <= 1 and len(made) == 11
    for row in (0, 5, 10):
        same = model.sample(1, seed=4, offset=row, where={"b": made["b"][row]})
        assert same.iloc[0].tolist() == made.iloc[row].tolist()
    stated = model.balanced({"a1": 7, "a3": 2, "a0|a2": 3}, by="a", where={"c": ["c1", "c2"]})
    assert stated["a"][:9].tolist() == ["a1"] * 7 + ["a3"] * 2 and set(stated["a"][9:]) <= {"a0", "a2"}
    assert set(stated["c"]) <= {"c1", "c2"} and len(model.balanced(0, by="a")) == 0
    assert model.balanced(4, by="a", format="arrow").column("a").to_pylist() == model.balanced(4, by="a")["a"].tolist()


def test_identifiers_stay_different_from_class_to_class(tmp_path: Path) -> None:
    rows = [{"id": k + 1, "kind": "xyz"[k % 3], "size": k % 3} for k in range(300)]
    small = gankit.train(rows, samples="400", evaluations=1, verbose=False)
    made = small.balanced(30, by="kind")
    assert len({row["id"] for row in made}) == 30


@pytest.mark.parametrize(
    ("n", "options", "said"),
    [
        (5, {"by": "fare"}, "'fare' is no column of classes .* Those of classes are: .*paid.* Of a range say how many"),
        (5, {"by": "none"}, "'none' is no column of classes"),
        (-1, {"by": "paid"}, "n must be a whole number, 0 or more, or a dict of them. Got -1"),
        (5, {"by": "paid", "where": {"paid": "card"}}, "'paid' is balanced, and no further condition"),
        ({"gold": 3}, {"by": "paid"}, "column 'paid' has no value 'gold'"),
        ({"gold": 0}, {"by": "paid"}, "column 'paid' has no value 'gold'"),
        ({"card": "x"}, {"by": "paid"}, "n must be a whole number"),
        ({"card": 10**15}, {"by": "paid"}, "n=1,000,000,000,000,000: so many records do not fit in memory"),
        (10**15, {"by": "paid"}, "n=1,000,000,000,000,000: so many records do not fit in memory"),
        (5, {"by": ["paid"]}, r"by must be a text. Got \['paid'\]"),
    ],
    ids=str,
)
def test_classes_that_cannot_be_balanced_are_refused(ruled: Model, n: Any, options: Any, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        ruled.balanced(n, **options)
    assert ruled.balanced({"<20": 2, "20..30": 3}, by="fare")["fare"].lt(20).sum() == 2

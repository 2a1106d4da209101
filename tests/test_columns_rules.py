"""Rules between columns: found where there are any, none where there are none, kept by every row that a codec makes."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gankit.columns.codec import TableCodec
from gankit.columns.column import Values
from gankit.columns.conditions import obeying
from gankit.columns.inference import infer
from gankit.columns.relations.finding import find_rules
from gankit.columns.relations.formulas import Formula, parse_comparison
from gankit.columns.relations.rules import Rules
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.io.records import Origin, Records

ROWS = 1200
BEGIN = datetime(2023, 1, 1)


def draws() -> np.random.Generator:
    return np.random.default_rng(7)


def days(numbers: Any, clock: bool = False) -> list[str]:
    return [
        (BEGIN + timedelta(seconds=float(n))).strftime("%Y-%m-%d %H:%M:%S" if clock else "%Y-%m-%d") for n in numbers
    ]


def trips() -> dict[str, list[Any]]:
    """A table with a rule of every sort."""
    g = draws()
    start = g.integers(0, 365 * 86400, ROWS)
    lasts = np.rint(g.lognormal(6.5, 0.6, ROWS)) + 60
    fare, tip, tolls = (np.round(g.gamma(2.0, scale, ROWS), 2) for scale in (8.0, 1.5, 0.7))
    people, price = g.integers(1, 7, ROWS), np.round(g.gamma(3.0, 4.0, ROWS), 2)
    zone = g.integers(0, 20, ROWS)
    paid, code = g.integers(0, 3, ROWS), g.choice(["sale", "refund", "gift"], ROWS, p=[0.7, 0.2, 0.1])
    amount = np.round(g.gamma(2.0, 30.0, ROWS), 2) * np.where(code == "refund", -1, 1)
    absent = g.random(ROWS) < 0.2
    left = np.where(absent, None, np.round(g.normal(20, 3, ROWS), 1))  # type: ignore[call-overload]
    right = np.where(absent, None, np.round(g.normal(5, 3, ROWS), 1))  # type: ignore[call-overload]
    low = np.round(g.normal(100, 20, ROWS), 2)
    first, last, high = (low + np.round(g.exponential(1, ROWS), 2) for _ in range(3))
    high = np.maximum(np.maximum(first, last), high)
    return {
        "pickup": days(start, clock=True),
        "dropoff": days(start + lasts, clock=True),
        "seconds": lasts.astype(int).tolist(),
        "fare": fare.tolist(),
        "tip": tip.tolist(),
        "tolls": tolls.tolist(),
        "total": np.round(fare + tip + tolls, 2).tolist(),
        "people": people.tolist(),
        "price": price.tolist(),
        "sum": np.round(people * price, 2).tolist(),
        "zone": [f"zone {z}" for z in zone],
        "town": [f"town {z % 5}" for z in zone],
        "pay_cash": (paid == 0).astype(int).tolist(),
        "pay_card": (paid == 1).astype(int).tolist(),
        "pay_app": (paid == 2).astype(int).tolist(),
        "kind": code.tolist(),
        "amount": np.round(amount, 2).tolist(),
        "left": left.tolist(),
        "right": right.tolist(),
        "low": np.round(low, 2).tolist(),
        "first": np.round(first, 2).tolist(),
        "last": np.round(last, 2).tolist(),
        "high": np.round(high, 2).tolist(),
        "tariff": (g.integers(1, 40, ROWS) * 5 / 100).round(2).tolist(),
    }


FOUND = {
    "total = fare + tip + tolls",
    "seconds = (dropoff - pickup) in seconds",
    "sum = people * price",
    "zone -> town",
    "one of pay_cash, pay_card, pay_app",
    "pickup < dropoff",
    "low <= first",
    "low <= last",
    "first <= high",
    "last <= high",
    "sign of amount by kind",
    "left, right missing together",
    "tariff in steps of 0.05",
}


def parsed(cells: dict[str, list[Any]]) -> tuple[Schema, dict[str, Values]]:
    records = Records(pa.table(cells), Origin("arrow"))
    schema = infer(records, TrainConfig(), notes=[])
    return schema, schema.parse(records.table)


def ruled(cells: dict[str, list[Any]], **options: Any) -> tuple[Schema, dict[str, Values], Rules]:
    """Schema, values and rules; the last fifth of the rows is held out."""
    schema, values = parsed(cells)
    num = len(next(iter(values.values())).data)
    train, heldout = (
        {name: cells.take(rows) for name, cells in values.items()}
        for rows in (np.arange(num * 4 // 5), np.arange(num * 4 // 5, num))
    )
    return schema, values, find_rules(schema.modelled, train, heldout, **options)


def texts(rules: Rules) -> set[str]:
    return {rule.text for rule in rules.rules}


def anything(codec: TableCodec, count: int = 3000) -> np.ndarray:
    """Compact rows whose cells have nothing to do with each other: what no G makes, and a codec must stand."""
    g = draws()
    return np.stack([g.random(count) * f.size * (1 - 1e-9) for f in codec.fields], axis=1)


def test_every_sort_of_rule_is_found_and_no_other() -> None:
    _, _, rules = ruled(trips())
    assert texts(rules) == FOUND
    assert not rules.redrawn


def test_columns_that_have_nothing_to_do_with_each_other_have_no_rules() -> None:
    g = draws()
    cells: dict[str, list[Any]] = {f"n{i}": np.round(g.normal(i, 1 + i, ROWS), 2).tolist() for i in range(6)}
    cells |= {f"k{i}": g.integers(0, 3 + i, ROWS).tolist() for i in range(4)}
    cells |= {f"c{i}": g.choice(list("abcdef")[: i + 2], ROWS).tolist() for i in range(4)}
    cells |= {"flag": (g.random(ROWS) < 0.01).astype(int).tolist(), "day": days(g.integers(0, 700, ROWS) * 86400)}
    assert not texts(ruled(cells)[2])


def test_what_a_held_out_row_breaks_is_no_rule() -> None:
    cells = trips()
    cells["total"][-1] += 1.0
    cells["town"][-2] = "town 9"
    cells["dropoff"][-3] = cells["pickup"][-3]
    left = texts(ruled(cells)[2])
    assert not left & {"total = fare + tip + tolls", "zone -> town", "pickup < dropoff"}
    assert "sum = people * price" in left


def test_every_row_comes_back_and_every_row_keeps_the_rules() -> None:
    schema, values, rules = ruled(trips())
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    assert len(codec.fields) == len(schema.modelled) - 6  # 3 equations, a lookup, and three switches as one
    back = rules.restore(rules.reduce(values))
    assert list(back) == [column.name for column in schema.modelled]
    for name, cells in values.items():
        np.testing.assert_array_equal(back[name].missing, cells.missing)
        np.testing.assert_allclose(back[name].data, cells.data, rtol=1e-12, atol=1e-6, err_msg=name)
    made = codec.decode(anything(codec))
    for rule in rules.rules:
        assert rule.holds(made).all(), rule.text
    written = schema.parse(schema.format(made, 3000))
    for rule in rules.rules:
        assert rule.holds(written).all(), rule.text


def test_rules_survive_json() -> None:
    schema, values, rules = ruled(trips(), stated=["tip <= total * 2"])
    again = Rules.from_json(json.loads(json.dumps(rules.to_json())))
    assert again == rules
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    twin = TableCodec.from_json(json.loads(json.dumps(codec.to_json())))
    rows = anything(codec, 200)
    for name, cells in codec.decode(rows).items():
        np.testing.assert_array_equal(twin.decode(rows)[name].data, cells.data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("total = fare + tip + tolls", "total = fare + tip + tolls"),
        ("fare + tip + tolls = total", "total = fare + tip + tolls"),
        ("dropoff > pickup", "pickup < dropoff"),
        ("low <= min(first, last)", "low <= first"),
        ("max(first, last) <= high", "last <= high"),
        ("low <= first <= high", "first <= high"),
        ("seconds = dropoff - pickup", "seconds = (dropoff - pickup) in seconds"),
        ("dropoff = pickup + seconds", "seconds = (dropoff - pickup) in seconds"),
        ("zone->town", "zone -> town"),
        ("one of pay_cash, pay_card, pay_app", "one of pay_cash, pay_card, pay_app"),
        ("left, right missing together", "left, right missing together"),
        ("sign of amount by kind", "sign of amount by kind"),
        ("tariff in steps of 0.05", "tariff in steps of 0.05"),
        ("tip + fare <= total", "tip + fare <= total"),
        ("day(pickup) <= dropoff", "day(pickup) <= dropoff"),
    ],
)
def test_a_rule_can_be_stated(text: str, said: str) -> None:
    schema, values, rules = ruled(trips(), stated=[text], without=["all"])
    assert said in texts(rules)
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    rows = anything(codec, 1000)
    accept = codec.acceptance(schema, {})
    made = codec.decode(rows if accept is None else rows[accept(rows, None)])
    assert all(rule.holds(made).all() for rule in rules.rules)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("fare <= tip", "rows ("),
        ("total = fare + tip", "break it"),
        ("town -> zone", "break it"),
        ("total = fare + tipp", "no column 'tipp'"),
        ("total fare", "was not expected"),
        ("total", "expected a sign"),
        ("zone < town", "is a category"),
        ("one of fare, tip", "not of two values"),
        ("tariff in steps of many", "expected a step"),
        ("sign of tip by zone", ""),
    ],
)
def test_a_stated_rule_that_does_not_hold_is_refused_in_words(text: str, why: str) -> None:
    with pytest.raises(OptionError, match=r"--rule") as caught:
        ruled(trips(), stated=[text])
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (["total = fare + tip + tolls", "total = tolls + tip + fare"], "makes 'total' already"),
        (["total = fare + tip + tolls", "fare = total - tip - tolls"], "would make itself"),
        (["town = zone"], "is a category"),
    ],
)
def test_stated_rules_that_make_one_column_twice_are_refused(stated: list[str], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        ruled(trips(), stated=stated)
    with pytest.raises(OptionError, match="'town' is given"):
        ruled(trips(), stated=["zone -> town"], fixed=["town"])


def test_rules_can_be_left_out_by_text_by_column_and_all_at_once() -> None:
    cells = trips()
    assert not texts(ruled(cells, without=["all"])[2])
    left = texts(ruled(cells, without=["zone -> town", "total", "pickup<dropoff"])[2])
    assert left == FOUND - {"zone -> town", "total = fare + tip + tolls", "pickup < dropoff"}


def test_what_is_stated_of_computed_columns_is_kept_too() -> None:
    cells = trips()
    cells["rest"] = np.round(np.array(cells["total"]) - np.array(cells["fare"]), 2).tolist()
    keep = np.array(cells["rest"]) <= np.array(cells["fare"])
    cells = {name: np.array(x, dtype=object)[keep].tolist() for name, x in cells.items()}
    schema, values, rules = ruled({k: cells[k] for k in ("fare", "total", "rest")}, stated=["rest <= fare"])
    assert len(rules.targets) >= 1 and "rest <= fare" in texts(rules)
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    rows, accept = anything(codec), codec.acceptance(schema, {})
    made = codec.decode(rows if accept is None else rows[accept(rows, None)])
    assert all(rule.holds(made).all() for rule in rules.rules) and len(made["fare"].data) > 100


def test_columns_that_are_given_are_not_made_from_others() -> None:
    _, _, rules = ruled(trips(), fixed=["town", "dropoff", "total"])
    assert not rules.targets & {"town", "dropoff", "total"}
    assert "pickup < dropoff" in texts(rules)  # coded from the other end


def test_a_counter_stays_inside_its_sequence() -> None:
    g = draws()
    lengths = g.integers(5, 60, 40)
    unit = np.repeat(np.arange(40), lengths)
    cycle = np.concatenate([np.arange(1, n + 1) for n in lengths])
    order = g.permutation(len(unit))
    cells = {"unit": unit[order].tolist(), "cycle": cycle[order].tolist(), "x": g.normal(size=len(unit)).tolist()}
    schema, values, rules = ruled(cells)
    assert texts(rules) == texts(ruled(cells, stated=["cycle counts within unit"])[2]) == {"cycle counts within unit"}
    back = rules.restore(rules.reduce(values))
    np.testing.assert_array_equal(back["cycle"].data, values["cycle"].data)
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    made = codec.decode(anything(codec))
    assert (made["cycle"].data >= 1).all() and (made["cycle"].data <= lengths[made["unit"].data.astype(int)]).all()
    cells["cycle"][3] += 1
    assert not texts(ruled(cells)[2])


def test_what_is_missing_is_missing_where_the_data_has_it_so() -> None:
    g = draws()
    a, b = np.round(g.gamma(2, 5, ROWS), 2), np.round(g.gamma(2, 5, ROWS), 2)
    lost = g.random(ROWS) < 0.1
    total = np.where(lost | (g.random(ROWS) < 0.1), None, np.round(a + b, 2))  # type: ignore[call-overload]
    _, values, rules = ruled(
        {"a": np.where(lost, None, a).tolist(), "b": b.tolist(), "t": total.tolist()}  # type: ignore[call-overload]
    )
    assert texts(rules) == {"t = a + b"}
    back = rules.restore(rules.reduce(values))
    np.testing.assert_array_equal(back["t"].missing, values["t"].missing)
    np.testing.assert_allclose(back["t"].data, values["t"].data, equal_nan=True)


def test_a_date_and_a_time_are_compared_by_the_day() -> None:
    g = draws()
    due = g.integers(0, 300, ROWS)
    late = np.where(g.random(ROWS) < 0.7, 0, g.integers(0, 4, ROWS))
    handed = (due - late) * 86400 + g.integers(8 * 3600, 86399, ROWS)
    schema, values, rules = ruled({"handed": days(handed, clock=True), "due": days(due * 86400)})
    assert texts(rules) == {"day(handed) <= due"}
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    made = codec.decode(anything(codec))
    assert (np.floor(made["handed"].data / 86400) * 86400 <= made["due"].data).all()


WHERE: list[dict[str, Any]] = [
    {"town": "town 3"},
    {"town": "town 3", "zone": "zone 8|zone 3"},
    {"pay_card": 1},
    {"pay_card": 0, "pay_cash": 0},
    {"dropoff": ">=2023-11-01"},
    {"dropoff": "2023-05-01..2023-05-31", "pickup": "<2023-05-10"},
    {"total": "20..40"},
    {"sum": ">=60"},
    {"seconds": "<=600"},
    {"amount": "<0"},
    {"high": "100..110"},
    {"right": None},
]


@pytest.mark.parametrize("where", WHERE, ids=str)
def test_conditions_on_columns_that_are_made_from_others_narrow_what_is_drawn(where: dict[str, Any]) -> None:
    schema, values, rules = ruled(trips())
    codec = TableCodec.fit(schema.modelled, values, rules=rules)
    limits, obey = codec.restrictions(schema, where), obeying(schema, where)
    compact = codec.encode(values)
    inside = np.ones(len(compact), dtype=bool)
    for i, limit in limits.items():
        inside &= limit.weight[compact[:, i].astype(int)] > 0
    wanted = obey(values)
    assert wanted.any() and inside[wanted].all()  # nothing that obeys is ruled out
    accept = codec.acceptance(schema, where)
    if accept is not None:
        np.testing.assert_array_equal(accept(compact, None), obey(codec.decode(compact)))
    share = wanted[inside].mean()
    assert share > 0.02, f"only {share:.1%} of the rows that are drawn obey"


@pytest.mark.parametrize(
    "where",
    [{"total": "5000"}, {"total": "20.001"}, {"town": "town 3", "zone": "zone 4"}, {"pay_card": 1, "pay_cash": 1}],
    ids=str,
)
def test_a_condition_that_no_row_can_obey_is_refused(where: dict[str, Any]) -> None:
    schema, values, rules = ruled(trips())
    with pytest.raises(OptionError, match="no record can satisfy"):
        TableCodec.fit(schema.modelled, values, rules=rules).restrictions(schema, where)


def test_formulas_are_written_as_they_are_read() -> None:
    names = ["a", "b", "c d", "e-f", "g", "in"]
    for text in [
        "a - (b - g)",
        "a * (b + 2) / g",
        "(a - b) in days",
        "max(a, `c d`) - `e-f`",
        "floor((a - g) in hours)",
    ]:
        (tree,), signs = parse_comparison(text, names)
        assert str(tree) == text and not signs
    assert str(parse_comparison("c d - e-f", names)[0][0]) == "`c d` - `e-f`"
    assert str(Formula.sum([(-1.0, "a"), (1.0, "b"), (2.0, "g")], -3.0)) == "b + 2 * g - a - 3"


@pytest.mark.parametrize("text", ["x = floor(`day`) + max(`max`, day(`day`))", "x = day(y) - `in`"])
def test_columns_named_like_functions_are_written_so_that_they_are_read_again(text: str) -> None:
    formulas, _ = parse_comparison(text, ["x", "y", "day", "max", "in"])
    again, _ = parse_comparison(f"{formulas[0]} = {formulas[1]}", ["x", "y", "day", "max", "in"])
    assert again == formulas

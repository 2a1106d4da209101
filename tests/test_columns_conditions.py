"""What a condition on a number or a date means: equality within half a grain, strict bounds, days, own notations."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gankit.columns.codec import TableCodec
from gankit.columns.inference import infer
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.io.formats import FORMATS
from gankit.io.records import Origin, Records


def table(cells: dict[str, list[Any]]) -> Records:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    return FORMATS["csv"].read(text.getvalue().encode(), "t.csv", Origin("csv"), TrainConfig(), [])


def made(records: Records | pa.Table, where: dict[str, Any], count: int = 4000) -> list[Any]:
    """The cells of the one column that `where` names, of records drawn under it, as they are written."""
    if isinstance(records, pa.Table):
        records = Records(records, Origin("arrow"))
    schema = infer(records, TrainConfig(), notes=[])
    values = schema.parse(records.table)
    modelled = [schema.column(name) for name in values]
    codec = TableCodec.fit(modelled, values)
    (name,) = where
    at = [field.name for field in codec.fields].index(name)
    limit = codec.restrictions(schema, where)[at]
    draws = np.random.default_rng(0)
    chance = limit.weight * codec.fields[at].counts
    cells = draws.choice(len(chance), count, p=chance / chance.sum()) + draws.random(count)
    # Both ends of every allowed stretch too, where a bound would leak first.
    edges = np.concatenate([np.flatnonzero(chance) + part for part in (0.0, 1 - 1e-9)])
    coded = codec.encode(values)[:1].repeat(count + len(edges), 0)
    coded[:, at] = limit.place(np.concatenate([cells, edges]))
    return list(schema.format(codec.decode(coded), len(coded), first_row=0, seed=0).column(name).to_pylist())


MONEY = {"x": [f"{n / 20:.2f}" for n in range(-2000, 2000, 3)]}
WHOLE = {"x": [f"-{n}.0" for n in range(100)]}
GERMAN = {"x": [f"{n // 1000}.{n % 1000:03d},50" for n in range(1100, 9000, 7)]}
DAYS = {"x": [f"{d:02d}.{m:02d}.2021" for m in range(1, 13) for d in range(1, 29)]}
TIMES = [f"2021-{m:02d}-{d:02d} {h:02d}:{d + m:02d}" for m in range(1, 13) for d in range(1, 29) for h in (0, 9, 23)]
MINUTES = {"x": TIMES, "y": ["a", "b"] * (len(TIMES) // 2)}
OFFSET = {"x": [f"{text.replace(' ', 'T')}:00+02:00" for text in TIMES]}


@pytest.mark.parametrize("equal", ["-50", "-50.0", -50, -50.0])
def test_a_number_among_mostly_different_ones_can_be_asked_for(equal: Any) -> None:
    assert set(made(table(WHOLE), {"x": equal})) == {"-50.0"}


@given(st.integers(-1900, 1900), st.sampled_from([">", "<", ">=", "<=", "="]))
def test_bounds_on_a_grid_are_kept_to_the_step(step: int, sign: str) -> None:
    where = {"x": f"{'' if sign == '=' else sign}{step / 20}"}
    try:
        found = {round(float(cell) * 20) for cell in made(table(MONEY), where, 200)}
    except OptionError as error:
        assert sign == "=" and "training showed none" in str(error)
        return
    assert all({">": n > step, "<": n < step, ">=": n >= step, "<=": n <= step, "=": n == step}[sign] for n in found)


def test_a_strict_bound_leaves_its_edge_out_and_the_other_keeps_it() -> None:
    assert max(map(float, made(table(WHOLE), {"x": "<-50"}))) == -51
    assert min(map(float, made(table(WHOLE), {"x": ">-50"}))) == -49
    assert min(map(float, made(table(WHOLE), {"x": ">=-50"}))) == -50
    assert set(made(table(WHOLE), {"x": (-52, -50)})) == {"-52.0", "-51.0", "-50.0"}


def test_numbers_are_understood_in_the_columns_own_notation_before_the_plain_one() -> None:
    assert "1.9" < max(made(table(GERMAN), {"x": "<=2.000,00"})) <= "2.000,00"
    assert "1.9" < max(made(table(GERMAN), {"x": "<2000"})) < "2.000,00"


@pytest.mark.parametrize("day", ["2021-03-05", "05.03.2021", date(2021, 3, 5), "05.03.2021..2021-03-05"])
def test_dates_are_understood_in_the_columns_own_notation(day: Any) -> None:
    assert set(made(table(DAYS), {"x": day})) == {"05.03.2021"}


def test_bounds_on_days_are_kept() -> None:
    def latest(where: str) -> str:
        return max(".".join(reversed(cell.split("."))) for cell in made(table(DAYS), {"x": where}))

    assert latest("<05.03.2021") <= "2021.03.04" and latest("<=05.03.2021") == "2021.03.05"


@pytest.mark.parametrize("day", ["2021-03-05", date(2021, 3, 5), (date(2021, 3, 5), date(2021, 3, 5))])
@pytest.mark.parametrize("cells", [MINUTES, OFFSET])
def test_a_day_is_its_whole_day_in_the_zone_of_the_column(cells: dict[str, list[Any]], day: Any) -> None:
    found = made(table(cells), {"x": day})
    assert {cell[:10] for cell in found} == {"2021-03-05"} and len({cell[11:13] for cell in found}) > 3
    after = min(cell for cell in made(table(cells), {"x": ">2021-03-05"}))
    assert after[:10] == "2021-03-06"
    assert max(cell for cell in made(table(cells), {"x": "<2021-03-05"}))[:10] == "2021-03-04"


def test_an_instant_is_one_instant_in_any_notation() -> None:
    assert set(made(table(MINUTES), {"x": "2021-03-05 09:08"})) == {"2021-03-05 09:08"}
    assert set(made(table(MINUTES), {"x": datetime(2021, 3, 5, 9, 8)})) == {"2021-03-05 09:08"}
    assert set(made(table(OFFSET), {"x": datetime(2021, 3, 5, 7, 8, tzinfo=UTC)})) == {"2021-03-05T09:08:00+02:00"}


def test_timestamps_of_a_named_zone_have_days_of_that_zone() -> None:
    hours = [datetime(2021, 3, 1 + n // 24, n % 24, tzinfo=UTC) for n in range(24 * 20)]
    records = pa.table({"x": pa.array(hours, pa.timestamp("s", "America/New_York"))})
    found = made(records, {"x": "2021-03-14"})  # the clocks go forward: 23 hours
    assert {str(cell)[:10] for cell in found} == {"2021-03-14"} and len(set(found)) == 23


def test_numbers_without_a_step_are_refused_one_by_one_with_the_true_reason() -> None:
    draws = np.random.default_rng(1)
    records = pa.table({"x": draws.normal(size=500)})
    with pytest.raises(OptionError, match=r"no common step.*give a range.*Training showed"):
        made(records, {"x": 0.5})
    slack = 1e-12  # of the quantile function's rounding
    assert all(0.4 - slack <= cell <= 0.6 + slack for cell in made(records, {"x": "0.4..0.6"}))


@pytest.mark.parametrize(
    ("cells", "where", "says"),
    [
        (DAYS, "soon", "expected a date like 2016-01-31 or as the column has it"),
        (DAYS, "2021-02-31", "expected a date"),
        (DAYS, "06.03.2021..05.03.2021", "above the upper one"),
        (WHOLE, "many", "expected a number"),
        (WHOLE, "7", "training showed none"),
    ],
)
def test_what_cannot_be_is_refused_in_words(cells: dict[str, list[Any]], where: str, says: str) -> None:
    with pytest.raises(OptionError, match=says):
        made(table(cells), {"x": where})


def test_dates_written_as_digits_are_conditions_in_that_form() -> None:
    days = [20210101 + 100 * (i % 12) + i % 28 for i in range(60)]
    records = pa.table({"d": days, "y": [i % 3 for i in range(60)]})
    for value in (20210202, "20210202", "2021-02-02", date(2021, 2, 2)):
        assert set(made(records, {"d": value})) == {20210202}
    assert {cell // 100 for cell in made(records, {"d": ">=20211101"})} == {202111, 202112}
    assert {cell // 100 for cell in made(records, {"d": (20210301, 20210331)})} == {202103}

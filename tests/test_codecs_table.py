"""Cells, tables and vectors: round trips, marginals, and what may never be made."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gankit.columns.codec import TableCodec
from gankit.columns.inference import infer
from gankit.columns.quantiles import Cells
from gankit.columns.schema import Column, Schema, Values
from gankit.config import TrainConfig
from gankit.io.reading import read
from gankit.kinds.tables.codec import VectorCodec
from gankit.randomness import numpy_generator

floats = arrays.arrays(
    np.float64, st.integers(1, 300), elements=st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda v: round(v, 3))
)


def draws(cells: Cells, count: int, seed: int = 0) -> np.ndarray:
    """Values at uniform places of the mass axis: what a G that knows the marginal makes."""
    mass = numpy_generator(seed, "draws").random(count)
    cell = np.searchsorted(cells.edges, mass, side="right") - 1
    cell = np.clip(cell, 0, cells.num_cells - 1)
    width = np.diff(cells.edges)[cell]
    return cells.decode(cell + np.clip((mass - cells.edges[cell]) / width, 0, 1 - 1e-9))


@given(floats)
@settings(max_examples=60, deadline=None)
def test_a_value_comes_back_from_its_cell(x: np.ndarray) -> None:
    cells = Cells.fit(x)
    coded = cells.encode(x)
    assert ((coded >= 0) & (coded < cells.num_cells)).all()
    back = cells.decode(coded)
    # Decoding stays in the cell, so that a second coding gives the same cell.
    np.testing.assert_array_equal(cells.encode(back).astype(int), coded.astype(int))
    assert back.min() >= x.min() and back.max() <= x.max()


@given(floats)
@settings(max_examples=40, deadline=None)
def test_json_keeps_every_bit_of_the_cells(x: np.ndarray) -> None:
    cells = Cells.fit(x)
    again = Cells.from_json(cells.to_json())
    coded = cells.encode(x)
    np.testing.assert_array_equal(again.encode(x), coded)
    np.testing.assert_array_equal(again.decode(coded), cells.decode(coded))


def test_discrete_values_are_drawn_with_their_frequencies_and_nothing_between() -> None:
    x = np.repeat([0.0, 1.0, 2.5, 99.0], [600, 300, 80, 20])
    cells = Cells.fit(x)
    values, counts = np.unique(draws(cells, 100_000), return_counts=True)
    assert values.tolist() == [0.0, 1.0, 2.5, 99.0]
    np.testing.assert_allclose(counts / 100_000, [0.6, 0.3, 0.08, 0.02], atol=0.006)


def test_zeros_and_caps_among_continuous_values_stay_atoms() -> None:
    g = numpy_generator(0, "atoms")
    x = np.concatenate([np.zeros(3000), np.minimum(g.exponential(10, 7000), 25.0)])
    cells = Cells.fit(x)
    made = draws(cells, 50_000)
    assert abs((made == 0).mean() - 0.3) < 0.01
    assert abs((made == 25.0).mean() - (x == 25.0).mean()) < 0.01
    from scipy.stats import ks_2samp

    assert ks_2samp(made, x).statistic < 0.02


NEVER = 253402214400.0  # 9999-12-31


@pytest.mark.parametrize(
    ("value", "times", "low", "high"),
    [(0.0, 9, 120, 5000), (1e9, 3, 0, 5000), (NEVER, 5, 1.4e9, 1.7e9), (-9999.0, 4, -60, 60), (1e9, 1, 0, 5000)],
)
def test_what_is_far_from_all_others_is_never_smeared(value: float, times: int, low: float, high: float) -> None:
    g = numpy_generator(4, "far")
    for count in (500, 3000, 20_000):
        x = np.concatenate([np.full(times, value), g.uniform(low, high, count)])
        cells = Cells.fit(x)
        assert not cells.discrete
        made = draws(cells, 200_000)
        assert (((made >= low) & (made <= high)) | (made == value)).all()
        assert abs((made == value).mean() - times / len(x)) < 5e-4
        alone = (cells.lowers == value) & (cells.uppers == value)
        assert alone.any() or times < 3
        coded = cells.encode(x)
        np.testing.assert_allclose(cells.encode(cells.decode(coded)), coded, rtol=0, atol=1e-6)


def test_clusters_and_several_far_values_keep_their_gaps() -> None:
    g = numpy_generator(5, "clusters")
    x = np.concatenate([g.uniform(0, 5000, 3000), 1e9 + g.uniform(0, 50, 20), np.repeat([7e9, 8e9, 9e9], 4)])
    made = draws(Cells.fit(x), 200_000)
    inside = (made <= 5000) | ((made >= 1e9) & (made <= 1e9 + 50)) | np.isin(made, [7e9, 8e9, 9e9])
    assert inside.all()


@pytest.mark.parametrize("name", ["normal", "exponential", "lognormal"])
def test_a_tail_that_thins_out_has_no_gaps(name: str) -> None:
    x = getattr(numpy_generator(6, name), name)(size=20_000)
    cells = Cells.fit(x)
    assert 128 <= cells.num_cells <= 132  # some are cut since values spread over them
    assert len(cells.knot_value) == 8 * cells.num_cells


def test_a_vector_codec_makes_nothing_in_wide_gaps() -> None:
    g = numpy_generator(7, "vector")
    x = np.concatenate([np.zeros(30), g.uniform(120, 5000, 3000), np.full(4, 1e9)])
    column = Column("x", "number", pa.float64())
    codec = VectorCodec.fit([column], {"x": Values(x, np.zeros(len(x), np.int8))})
    made = codec.decode(g.normal(size=(100_000, 1)))["x"].data
    assert ((made == 0) | ((made >= 120) & (made <= 5000)) | (made == 1e9)).all()
    assert abs((made == 0).mean() - 30 / len(x)) < 2e-3


def test_a_continuous_column_is_drawn_between_its_training_values() -> None:
    x = numpy_generator(1, "normal").normal(size=5000)
    made = draws(Cells.fit(x), 5000)
    assert np.isin(made, x).mean() < 0.2
    from scipy.stats import ks_2samp

    assert ks_2samp(made, x).pvalue > 0.01


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.5, 0.5), (-np.inf, 0.3), (2.0, np.inf)])
def test_a_share_of_cells_holds_exactly_the_values_inside(low: float, high: float) -> None:
    x = np.round(numpy_generator(2, "share").normal(size=4000), 1)
    cells = Cells.fit(x)
    weight, begin, end = cells.share(low, high)
    mass = (weight * np.diff(cells.edges)).sum()
    assert abs(mass - ((x >= low) & (x <= high)).mean()) < 1e-9
    for k in np.flatnonzero(weight):
        made = cells.decode(k + begin[k] + np.linspace(0.001, 0.999, 9) * (end[k] - begin[k]))
        assert ((made >= low) & (made <= high)).all()


ROWS = 400


def example(tmp_path, rows: int = ROWS) -> tuple[Schema, dict]:
    g = numpy_generator(3, "example")
    lines = ["age,job,gain,when,until"]
    for i in range(rows):
        day = int(g.integers(0, 300))
        later = day + int(g.integers(0, 40))
        gain = "?" if i % 7 == 0 else str(int(g.integers(0, 3)) * 1000)
        job = ["clerk", "smith", "", "cook"][int(g.integers(0, 4))]
        date = [np.datetime_as_string(np.datetime64("2015-01-01") + d) for d in (day, later)]
        lines.append(f"{int(g.integers(17, 90))},{job},{gain},{date[0]},{date[1]}")
    file = tmp_path / "example.csv"
    file.write_text("\n".join(lines) + "\n")
    records = read(file, TrainConfig(), notes=[])
    schema = infer(records, TrainConfig(), notes=[])
    return schema, schema.parse(records.table)


def test_rows_come_back_from_a_table_codec(tmp_path) -> None:
    schema, values = example(tmp_path)
    codec = TableCodec.fit(schema.modelled, values)
    compact = codec.encode(values)
    assert compact.shape == (ROWS, codec.spec.compact_dim)
    back = codec.decode(compact)
    for name, found in values.items():
        np.testing.assert_array_equal(back[name].missing, found.missing)
        if schema.column(name).type == "category":
            np.testing.assert_array_equal(back[name].data, found.data)
        else:
            again = codec.encode(back)
            np.testing.assert_array_equal(again.astype(int), compact.astype(int))


def test_a_table_codec_survives_json(tmp_path) -> None:
    schema, values = example(tmp_path)
    codec = TableCodec.fit(schema.modelled, values)
    again = TableCodec.from_json(codec.to_json())
    assert again.spec == codec.spec and again.ordered == codec.ordered
    np.testing.assert_array_equal(again.encode(values), codec.encode(values))


def test_models_of_before_keep_the_order_of_dates(tmp_path) -> None:
    schema, values = example(tmp_path)
    codec = TableCodec.fit(schema.modelled, values)
    names = [f.name for f in codec.fields]
    value = {**codec.to_json(), "ordered": [[names.index("when"), names.index("until")]]}
    codec = TableCodec.from_json(value)
    g = numpy_generator(4, "any")
    compact = np.stack([g.random(500) * f.size * (1 - 1e-9) for f in codec.fields], axis=1)
    made = codec.decode(compact)
    assert (made["when"].data <= made["until"].data).all()
    for name in ("when", "until"):
        seen = values[name].data
        assert made[name].data.min() >= seen.min() and made[name].data.max() <= seen.max()


def test_numbers_become_standard_normal_and_come_back() -> None:
    x = numpy_generator(5, "vector").exponential(3.0, (2000, 2))
    records = read(x, TrainConfig(), notes=[])
    schema = infer(records, TrainConfig(), notes=[])
    values = schema.parse(records.table)
    codec = VectorCodec.fit(schema.modelled, values)
    coded = codec.encode(values)
    np.testing.assert_allclose(coded.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(coded.std(0), 1, atol=0.05)
    back = codec.decode(coded)
    for i, name in enumerate(("x0", "x1")):
        np.testing.assert_allclose(np.sort(back[name].data), np.sort(x[:, i]), rtol=0.05, atol=0.05)


def test_held_out_cells_that_training_never_showed_are_coded_all_the_same(tmp_path) -> None:
    file = tmp_path / "few.csv"
    file.write_text("a,b\n" + "".join(f"{i % 7},{'xyz'[i % 3]}\n" for i in range(60)))
    records = read(file, TrainConfig(), notes=[])
    schema = infer(records, TrainConfig(), notes=[])
    codec = TableCodec.fit(schema.modelled, schema.parse(records.table))
    other = tmp_path / "other.csv"
    other.write_text("a,b\n,w\n100,x\n-3,\n")
    coded = codec.encode(schema.parse(read(other, TrainConfig(), notes=[]).table))
    sizes = [f.size for f in codec.fields]
    assert np.isfinite(coded).all() and (coded >= 0).all() and (coded < sizes).all()


def test_heavy_tails_have_finer_cells_so_that_columns_go_together_there_too() -> None:
    g = numpy_generator(6, "tails")
    both = g.normal(size=(16_000, 2)) @ np.linalg.cholesky([[1.0, 0.8], [0.8, 1.0]]).T
    x, y = np.exp(0.7 * both).T
    cells = [Cells.fit(v) for v in (x, y)]
    assert all(128 < c.num_cells < 150 for c in cells)
    # all that a generator of cells can know: which cell, and nothing of where in it
    again = [
        c.decode(np.floor(c.encode(v)) + g.random(len(v)) * (1 - 1e-9)) for c, v in zip(cells, (x, y), strict=True)
    ]
    assert np.corrcoef(*again)[0, 1] > np.corrcoef(x, y)[0, 1] - 0.03
    assert Cells.fit(g.random(16_000)).num_cells == 128  # where there are no tails no cell is cut

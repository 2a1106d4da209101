"""Series to numbers and back: round trips, gaps, ends, own scales, and what may never be made."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gankit.columns.column import Column
from gankit.columns.relations.finding import find_rules
from gankit.columns.schema import Values
from gankit.kinds.series.codec import ENDED, GOING, MAX_LEVELS, Channel, SeriesCodec, _frequent, is_rough
from gankit.kinds.series.records import SeriesSet
from gankit.randomness import numpy_generator
from gankit.spec import Block


def number(name: str, markers: tuple[str | None, ...] = ()) -> Column:
    return Column(name, "number", pa.float64(), markers=markers)


def category(name: str, levels: int, markers: tuple[str | None, ...] = ()) -> Column:
    return Column(name, "category", pa.string(), markers=markers, levels=tuple(f"level {i}" for i in range(levels)))


def cells(data: object, missing: object = None) -> Values:
    found = np.asarray(data)
    return Values(found, np.zeros(len(found), np.int8) if missing is None else np.asarray(missing, np.int8))


def part(values: dict[str, Values], begins: np.ndarray, lengths: np.ndarray) -> SeriesSet:
    return SeriesSet({}, values, begins, lengths)


def same(codec: SeriesCodec, values: dict[str, Values], begins: np.ndarray, lengths: np.ndarray) -> None:
    """Decoding what was coded gives the steps of the records one after another."""
    coded = codec.encode(part(values, begins, lengths))
    assert coded.dtype == np.float32 and coded.size == len(begins) * codec.spec.compact_dim
    assert coded.shape[:2] == (len(begins), codec.spec.shape[0]) and np.isfinite(coded).all()
    decoded = codec.decode(coded)
    back, found = decoded.cells, decoded.lengths
    np.testing.assert_array_equal(found, lengths)
    rows = np.concatenate([np.arange(b, b + n) for b, n in zip(begins, lengths, strict=True)])
    assert list(back) == list(values)
    for name, its in values.items():
        np.testing.assert_array_equal(back[name].missing, its.missing[rows])
        if its.data.dtype.kind == "i":
            np.testing.assert_array_equal(back[name].data, its.data[rows])
            assert back[name].data.dtype == np.int32
        else:
            span = np.nanmax(its.data, initial=0) - np.nanmin(its.data, initial=0)
            np.testing.assert_allclose(back[name].data, its.data[rows], rtol=0, atol=1e-6 * span)


@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
    gaps=st.floats(0, 1),
    scale=st.sampled_from(["auto", "channel"]),
    alike=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_records_come_back_with_their_gaps_categories_and_lengths(
    lengths: list[int], seed: int, gaps: float, scale: str, alike: bool
) -> None:
    draws = numpy_generator(seed, "series")
    sizes = np.asarray(lengths if not alike else [lengths[0]] * len(lengths))
    begins = np.cumsum(sizes) - sizes
    steps = int(sizes.sum())
    missing = np.where(draws.random(steps) < gaps, draws.integers(1, 3, steps), 0)
    x = np.where(missing > 0, np.nan, draws.normal(5, 3, steps))
    codes = np.where(missing > 0, -1, draws.integers(0, 4, steps)).astype(np.int32)
    columns = [category("c", 4, ("NA", None)), number("a"), number("b", ("NA", None))]
    values = {"c": cells(codes, missing), "a": cells(draws.normal(0, 1e-3, steps)), "b": cells(x, missing)}
    codec = SeriesCodec.fit(columns, part(values, begins, sizes), scale)  # type: ignore[arg-type]
    assert codec.ends == (sizes.min() < sizes.max())
    same(codec, values, begins, sizes)
    again = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json(), allow_nan=False)))
    assert again.to_json() == codec.to_json() and again.spec == codec.spec
    coded = codec.encode(part(values, begins, sizes))
    np.testing.assert_array_equal(again.encode(part(values, begins, sizes)), coded)
    for name, its in codec.decode(coded).cells.items():
        np.testing.assert_array_equal(again.decode(coded).cells[name].data, its.data)


@given(seed=st.integers(0, 1000), spread=st.floats(0.01, 4))
@settings(max_examples=40, deadline=None)
def test_records_with_scales_of_their_own_come_back(seed: int, spread: float) -> None:
    draws = numpy_generator(seed, "scales")
    size = np.exp(draws.normal(0, spread, (30, 1)))
    x = (size * draws.normal(0, 1, (30, 7)) + 3 * size).ravel()
    begins, lengths = np.arange(30) * 7, np.full(30, 7)
    codec = SeriesCodec.fit([number("a")], part({"a": cells(x)}, begins, lengths), "record")
    coded = codec.encode(part({"a": cells(x)}, begins, lengths))
    assert coded.shape == (30, 7, 3) and np.abs(coded[:, :, 0]).max() <= 1
    np.testing.assert_allclose(coded[:, :, 0].max(1), 1, atol=1e-5)
    np.testing.assert_allclose(coded[:, :, 0].min(1), -1, atol=1e-5)
    assert (coded[:, :, 1:] == coded[:, :1, 1:]).all(), "the scale of a record is constant in time"
    back = codec.decode(coded).cells["a"].data.reshape(30, 7)
    # the middle is a float32 beside others a thousand times as large
    np.testing.assert_allclose(back, x.reshape(30, 7), rtol=0, atol=1e-5 * np.ptp(x))


def test_scales_of_their_own_are_chosen_where_records_differ_in_scale() -> None:
    draws = numpy_generator(1, "choice")
    begins, lengths = np.arange(200) * 10, np.full(200, 10)
    alike = draws.normal(0, 1, (200, 10))
    apart = np.exp(draws.normal(0, 2, (200, 1))) * alike
    assert not SeriesCodec.fit([number("a")], part({"a": cells(alike.ravel())}, begins, lengths)).scales
    assert SeriesCodec.fit([number("a")], part({"a": cells(apart.ravel())}, begins, lengths)).scales


def test_numbers_are_on_one_scale_and_never_leave_the_range_of_training() -> None:
    draws = numpy_generator(2, "range")
    data = np.r_[draws.normal(1e6, 10, 500), draws.normal(0, 1, 500)]
    values = {"a": cells(data[:500]), "b": cells(np.exp(3 * data[500:]))}
    begins, lengths = np.arange(50) * 10, np.full(50, 10)
    codec = SeriesCodec.fit([number("a"), number("b")], part(values, begins, lengths), "channel")
    coded = codec.encode(part(values, begins, lengths))
    np.testing.assert_allclose(coded.std((0, 1)), 1, rtol=1e-3)
    np.testing.assert_allclose(coded.mean((0, 1)), 0, atol=1e-3)
    tail = values["b"].data
    assert (tail.max() - tail.mean()) / tail.std() > 10 and np.abs(coded).max() < 7, "a heavy tail is brought in"
    wild = np.full((2, 10, 2), 1e9, np.float32) * np.array([1, -1])[:, None, None]
    for name, its in codec.decode(wild).cells.items():
        assert its.data.max() == values[name].data.max() and its.data.min() == values[name].data.min()


def test_codecs_see_the_given_records_alone() -> None:
    data = np.r_[np.linspace(0, 1, 20), np.full(20, 1e6)]
    codec = SeriesCodec.fit([number("a")], part({"a": cells(data)}, np.array([0, 5]), np.array([15, 15])))
    assert (codec.channels[0].low, codec.channels[0].high) == (0.0, 1.0)
    back = codec.decode(codec.encode(part({"a": cells(data)}, np.array([20]), np.array([15])))).cells
    np.testing.assert_array_equal(back["a"].data, np.ones(15))


def test_gaps_are_bridged_by_straight_lines_and_ends_held() -> None:
    nan = np.nan
    data = np.array([nan, 2.0, nan, nan, 8.0, nan, 1.0, 3.0, 5.0])
    missing = np.isnan(data).astype(np.int8)
    begins, lengths = np.array([0, 6]), np.array([6, 3])
    codec = SeriesCodec.fit([number("a", (None,))], part({"a": cells(data, missing)}, begins, lengths))
    assert codec.spec.blocks == (Block("continuous", 1), Block("categorical", 2), Block("categorical", 2))
    assert codec.spec.shape == (6, 5) and codec.spec.compact_dim == 18
    coded = codec.encode(part({"a": cells(data, missing)}, begins, lengths))
    channel = codec.channels[0]
    drawn = channel.decode(coded[:, :, 0].astype(np.float64))
    np.testing.assert_allclose(drawn, [[2, 2, 4, 6, 8, 8], [1, 3, 5, 5, 5, 5]], atol=1e-5)
    np.testing.assert_array_equal(coded[:, :, 1], [[1, 0, 0 + 1, 1, 0, 1], [0] * 6])
    np.testing.assert_array_equal(coded[:, :, 2], [[GOING] * 6, [GOING] * 3 + [ENDED] * 3])


def test_a_record_ends_at_its_first_end_but_is_not_shorter_than_training_shows() -> None:
    codec = SeriesCodec.fit([number("a")], part({"a": cells(np.arange(9.0))}, np.array([0, 3]), np.array([3, 6])))
    compact = np.zeros((3, 6, 2), np.float32)
    compact[0, :, 1] = [1, 1, 1, 1, 0, 1]
    compact[1, :, 1] = [0, 1, 1, 1, 1, 1]
    compact[2, :, 1] = 1
    made = codec.decode(compact)
    assert made.lengths.tolist() == [4, 3, 6] and len(made.cells["a"].data) == 13


def test_a_channel_that_is_constant_or_missing_in_training_stays_so() -> None:
    values = {"a": cells(np.full(8, 3.7)), "b": cells(np.full(8, np.nan), np.ones(8, np.int8))}
    begins, lengths = np.array([0, 4]), np.array([4, 4])
    for scale in ("channel", "record"):
        codec = SeriesCodec.fit([number("a"), number("b", ("",))], part(values, begins, lengths), scale)  # type: ignore[arg-type]
        codec = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json(), allow_nan=False)))
        same(codec, values, begins, lengths)
        compact = numpy_generator(0, "wild").normal(size=(5, 4, codec.spec.compact_dim // 4)).astype(np.float32)
        compact[:, :, -1] = 1
        decoded = codec.decode(compact).cells
        assert (decoded["a"].data == 3.7).all() and np.isnan(decoded["b"].data).all()


def test_rare_levels_share_a_cell_and_unknown_ones_go_to_the_most_frequent() -> None:
    codes = np.r_[np.full(50, 7), np.arange(MAX_LEVELS + 40)].astype(np.int32)
    begins, lengths = np.arange(len(codes) // 2) * 2, np.full(len(codes) // 2, 2)
    column = category("c", MAX_LEVELS + 50)
    codec = SeriesCodec.fit([column], part({"c": cells(codes)}, begins, lengths))
    assert codec.spec.blocks == (Block("categorical", MAX_LEVELS),)
    back = codec.decode(codec.encode(part({"c": cells(codes)}, begins, lengths))).cells
    np.testing.assert_array_equal(back["c"].data[: 50 + MAX_LEVELS - 2], codes[: 50 + MAX_LEVELS - 2])
    strange = cells(np.array([-1, MAX_LEVELS + 49], np.int32))
    back = codec.decode(codec.encode(part({"c": strange}, np.array([0]), np.array([2])))).cells
    assert back["c"].data.tolist() == [7, 7]


@pytest.mark.parametrize("scale", ["channel", "record"])
def test_gaps_that_training_did_not_show_do_no_harm(scale: str) -> None:
    values = {"a": cells(np.arange(8.0)), "c": cells(np.arange(8) % 2)}
    begins, lengths = np.array([0, 4]), np.array([4, 4])
    codec = SeriesCodec.fit([number("a"), category("c", 2)], part(values, begins, lengths), scale)  # type: ignore[arg-type]
    holes = {"a": cells([0.0, np.nan, 2.0, np.nan], [0, 0, 0, 1]), "c": cells(np.array([0, -1, 1, 1]))}
    back = codec.decode(codec.encode(part(holes, np.array([0]), np.array([4])))).cells
    np.testing.assert_allclose(back["a"].data, [0, 1, 2, 2], atol=1e-5)
    assert back["c"].data.tolist() == [0, 0, 1, 1] and not back["a"].missing.any()


# --- rough channels -------------------------------------------------------------------------------------------------


def windows_of(x: np.ndarray) -> tuple[dict[str, Values], np.ndarray, np.ndarray]:
    """x [M] as windows of 12 steps, one step apart."""
    begins = np.arange(len(x) - 12)
    return {"x": cells(x)}, begins, np.full(len(begins), 12)


@pytest.mark.parametrize("low", [0.0, -5.0])
def test_noise_becomes_normal_and_a_frequent_smallest_number_the_end_of_its_scale(low: float) -> None:
    draws = numpy_generator(0, "noise")
    x = np.maximum(draws.exponential(size=4000) - 0.5, 0) + low  # two fifths stand at the smallest number
    values, begins, lengths = windows_of(x)
    codec = SeriesCodec.fit([number("x")], part(values, begins, lengths), plain=["x"])
    coded = codec.encode(part(values, begins, lengths))[:, :, 0]
    (channel,) = codec.channels
    scores = coded * channel.deviation + channel.mean
    for share in (0.5, 0.7, 0.9, 0.99):  # above the smallest number they are those of a normal distribution
        quantile = {0.5: 0.0, 0.7: 0.5244, 0.9: 1.2816, 0.99: 2.3263}[share]
        assert abs(np.quantile(scores, share) - quantile) < 0.05
    at_end = float((x == low).mean())
    assert 0.35 < at_end < 0.45
    assert abs(float(scores.min()) - np.quantile(draws.standard_normal(100_000), at_end)) < 0.02
    same(codec, values, begins, lengths)
    again = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json())))
    np.testing.assert_array_equal(again.encode(part(values, begins, lengths))[:, :, 0], coded)


def test_normal_noise_of_any_size_decodes_to_the_distribution_of_a_rough_channel() -> None:
    draws = numpy_generator(1, "noise")
    x = np.round(draws.uniform(0, 50, 3000) ** 2 / 50, 1)
    channel = Channel.fit("x", x, 0, rough=True)
    made = channel.decode(draws.standard_normal(20_000) * 1.0)
    for share in (0.01, 0.25, 0.5, 0.75, 0.99):
        assert abs(np.quantile(made, share) - np.quantile(x, share)) < 1.0
    assert made.min() >= x.min() and made.max() <= x.max()


def test_of_few_numbers_that_jump_no_others_are_made() -> None:
    draws = numpy_generator(0, "noise")
    x = draws.choice([0.0, 10.0, 20.0, 50.0], 2000, p=[0.7, 0.1, 0.1, 0.1])
    channel = Channel.fit("x", x, 0, rough=True)
    np.testing.assert_array_equal(channel.decode(channel.encode(x)), x)
    noise = (draws.standard_normal(5000) - channel.mean) / channel.deviation
    made = channel.decode(noise)
    assert set(made) == set(x) and abs(float((made == 0).mean()) - 0.7) < 0.05
    assert not Channel.fit("x", draws.standard_normal(2000), 0, rough=True).only_knots


def test_smooth_channels_stay_straight() -> None:
    steps = np.arange(12)
    phases = numpy_generator(0, "phases").uniform(0, 6, (300, 1))
    smooth, noise = np.sin(0.4 * steps + phases), numpy_generator(0, "noise").standard_normal((300, 12))
    assert not is_rough(smooth) and is_rough(noise) and not is_rough(noise.cumsum(1) * 0.1 + phases)
    assert not is_rough(noise[:, :2]) and not is_rough(np.full((9, 12), 2.0)) and not is_rough(np.full((9, 12), np.nan))
    gaps = np.where(noise > 1, np.nan, smooth)
    assert not is_rough(gaps)
    values, begins, lengths = {"x": cells(smooth.ravel())}, np.arange(300) * 12, np.full(300, 12)
    (channel,) = SeriesCodec.fit([number("x")], part(values, begins, lengths)).channels
    assert channel.knots == ()


def test_rare_numbers_far_apart_come_back_from_a_rough_channel() -> None:
    draws = numpy_generator(2, "noise")
    x = draws.choice([0.0, 1.0, 2.0], 5000)
    x[[7, 800]] = [1000.0, 400.0]
    values, begins, lengths = windows_of(x)
    same(SeriesCodec.fit([number("x")], part(values, begins, lengths)), values, begins, lengths)


# --- channels of few numbers, and numbers that stand very often -------------------------------------------------------


@pytest.mark.parametrize("scale", ["channel", "record"])
def test_a_channel_of_few_numbers_is_one_of_k_and_stays_a_number(scale: str) -> None:
    draws = numpy_generator(3, "few")
    x = draws.choice([0.0, 10.0, 25.0, -5.0], 600, p=[0.7, 0.1, 0.1, 0.1])
    missing = (draws.random(600) < 0.1).astype(np.int8)
    values = {"x": cells(np.where(missing, np.nan, x), missing), "y": cells(draws.normal(size=600))}
    begins, lengths = np.arange(50) * 12, np.full(50, 12)
    columns = [number("x", ("NA",)), number("y")]
    codec = SeriesCodec.fit(columns, part(values, begins, lengths), scale)  # type: ignore[arg-type]
    assert [block for block in codec.spec.blocks if block.type == "categorical"] == [Block("categorical", 5)]
    assert codec.num_numbers == (1 if scale == "channel" else 3)
    same(codec, values, begins, lengths)
    again = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.to_json() == codec.to_json()
    same(again, values, begins, lengths)
    near = cells([11.0, 1e9, -1e9, np.nan])  # of a held-out part: the nearest one, and for an unknown gap the commonest
    rest = {"x": near, "y": cells(np.zeros(4))}
    back = codec.decode(codec.encode(part(rest, np.array([0]), np.array([4])))).cells["x"]
    assert back.data[:4].tolist() == [10.0, 25.0, -5.0, 0.0]


@pytest.mark.parametrize("scale", ["channel", "record"])
@pytest.mark.parametrize("atoms", [(0.0,), (0.0, 100.0), (50.0,)], ids=str)
def test_numbers_that_stand_very_often_are_made_exactly_wherever_they_lie(scale: str, atoms: tuple[float, ...]) -> None:
    draws = numpy_generator(4, "atoms")
    x = np.where(draws.random(1200) < 0.5, draws.choice(atoms, 1200), draws.uniform(0, 100, 1200))
    missing = (draws.random(1200) < 0.1).astype(np.int8)
    values = {"x": cells(np.where(missing, np.nan, x), missing)}
    begins, lengths = np.arange(100) * 12, np.full(100, 12)
    codec = SeriesCodec.fit([number("x", ("NA",))], part(values, begins, lengths), scale)  # type: ignore[arg-type]
    assert sorted(codec.channels[0].atoms) == list(atoms)
    assert codec.spec.blocks[1:] == (Block("categorical", 2 + len(atoms)),)
    same(codec, values, begins, lengths)
    again = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json())))
    assert again.to_json() == codec.to_json()
    compact = codec.encode(part(values, begins, lengths))
    compact[:, :, 0] = draws.normal(size=compact.shape[:2])  # whatever the number beside it is
    made = codec.decode(compact).cells["x"]
    np.testing.assert_array_equal(made.missing, missing)
    for atom in atoms:
        assert (made.data[x == atom][missing[x == atom] == 0] == atom).all()


def test_many_numbers_and_those_that_are_said_to_be_plain_have_no_cells_of_their_own() -> None:
    draws = numpy_generator(5, "plain")
    lattice = np.round(draws.normal(100, 20, 1000))  # of neighbours that are as frequent none stands out
    few = draws.choice([0.0, 1.0], 1000)
    begins, lengths = np.arange(80) * 12, np.full(80, 12)
    wide = part({"x": cells(draws.normal(size=1000)), "y": cells(lattice)}, begins, lengths)
    assert SeriesCodec.fit([number("x"), number("y")], wide).spec.blocks == (Block("continuous", 2),)
    both = part({"x": cells(few), "y": cells(np.arange(1000.0))}, begins, lengths)
    assert SeriesCodec.fit([number("x"), number("y")], both).spec.blocks[1:] == (Block("categorical", 2),)
    plain = SeriesCodec.fit([number("x"), number("y")], both, plain=["x"])
    assert plain.spec.blocks == (Block("continuous", 2),)


def test_of_very_long_series_a_part_is_looked_at_for_frequent_numbers() -> None:
    draws = numpy_generator(9, "long")
    x = np.where(draws.random(300_000) < 0.9, 0.0, draws.integers(1, 19, 300_000) * 1.0)
    assert _frequent(x) == (tuple(float(v) for v in range(19)), ())
    x[:2000] = np.arange(2000) / 7  # few in the part that is looked at, or nearly so, and many in all
    assert _frequent(x) == ((), (0.0,))


def test_smooth_stairs_of_few_numbers_are_learned_as_numbers_and_states_as_categories() -> None:
    draws = numpy_generator(8, "stairs")
    phase = draws.uniform(0, 6, (200, 1))
    begins, lengths = np.arange(200) * 12, np.full(200, 12)

    def block(x: np.ndarray) -> str:
        x = np.broadcast_to(x, (200, 12)).astype(np.float64)
        return SeriesCodec.fit([number("x")], part({"x": cells(x.ravel())}, begins, lengths)).spec.blocks[0].type

    for levels in (2, 3, 10):
        assert block(np.round(levels * np.sin(0.3 * np.arange(12) + phase))) == "continuous"
    before, after = draws.integers(0, 4, (2, 200, 1))
    for x in (
        draws.integers(0, 2, (200, 12)),
        draws.integers(0, 9, (200, 12)),
        np.where(np.arange(12) < 6, before, after),
    ):
        assert block(x) == "categorical"


def test_codecs_that_were_written_without_cells_for_numbers_are_read() -> None:
    values, begins, lengths = windows_of(numpy_generator(6, "old").normal(size=200))
    values |= {"c": cells(np.arange(200) % 3)}
    codec = SeriesCodec.fit([number("x"), category("c", 3)], part(values, begins, lengths))
    old = json.loads(json.dumps(codec.to_json()))
    for entry in (*old["channels"], *old["levels"]):
        entry.pop("atoms", None)
        entry.pop("numbers", None)
    assert SeriesCodec.from_json(old).to_json() == codec.to_json()


def test_a_value_and_its_date_that_are_missing_together_stay_together() -> None:
    draws = numpy_generator(7, "together")
    missing = (draws.random(240) < 0.3).astype(np.int8)
    names = ("value", "date", "other")
    gaps = {"value": missing, "date": missing, "other": 1 - missing}
    values = {n: cells(np.where(gaps[n] > 0, np.nan, draws.normal(size=240)), gaps[n]) for n in names}
    columns = [number("value", ("NA",)), Column("date", "datetime", pa.timestamp("s"), ("",)), number("other", (None,))]
    begins, lengths = np.arange(20) * 12, np.full(20, 12)
    codec = SeriesCodec.fit(columns, part(values, begins, lengths))
    assert [c.gaps for c in codec.channels] == ["", "value", ""]
    same(codec, values, begins, lengths)
    compact = codec.encode(part(values, begins, lengths))
    compact[:, :, 3:] = draws.integers(0, 2, (20, 12, 2))
    made = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json()))).decode(compact).cells
    np.testing.assert_array_equal(made["value"].missing, made["date"].missing)
    assert (made["value"].missing != made["other"].missing).any()


def test_a_number_that_stands_for_missing_far_from_all_others_is_an_atom() -> None:
    g = numpy_generator(8, "sentinel")
    x = np.where(g.random(4000) < 0.01, -9999.0, g.normal(20, 3, 4000))
    values, begins = {"x": cells(x)}, np.arange(0, 4000, 20)
    codec = SeriesCodec.fit([number("x")], part(values, begins, np.full(200, 20)))
    assert codec.channels[0].atoms == (-9999.0,)
    noise = g.normal(0, 1, (300, 20, codec.spec.compact_dim // 20)).astype(np.float32)
    noise[:, :, 1] = g.random((300, 20)) < 0.01
    made = codec.decode(noise).cells["x"].data
    assert set(made[made < 0]) == {-9999.0} and made[made >= 0].min() >= x[x > 0].min()


@pytest.mark.parametrize("scale", ["channel", "record"])
def test_every_step_keeps_the_rules_of_its_channels(scale: str) -> None:
    g = numpy_generator(3, "rules")
    close = np.round(100 + g.normal(size=2400).cumsum(), 2)
    opened = np.round(close + g.normal(0, 0.3, 2400), 2)
    prices = {"open": opened, "close": close}
    prices["high"] = np.round(np.maximum(opened, close) + np.maximum(g.exponential(0.3, 2400) - 0.05, 0), 2)
    prices["low"] = np.round(np.minimum(opened, close) - np.maximum(g.exponential(0.3, 2400) - 0.05, 0), 2)
    prices["spread"] = np.round(prices["high"] - prices["low"], 2)
    values = {name: cells(x) for name, x in prices.items()}
    columns = [
        Column(name, "number", pa.float64(), decimals=2, grain=0.01, low=float(x.min()), high=float(x.max()))
        for name, x in prices.items()
    ]
    parts = [{name: v.take(rows) for name, v in values.items()} for rows in (np.arange(1920), np.arange(1920, 2400))]
    rules = find_rules(columns, *parts, apart=24)
    assert {rule.text for rule in rules.rules} == {
        "spread = high - low", "low <= open", "low <= close", "open <= high", "close <= high",
    }  # fmt: skip
    begins = np.arange(0, 2376, 8)
    codec = SeriesCodec.fit(
        columns,
        part(values, begins, np.full(len(begins), 24)),
        scale=scale,
        rules=rules,  # type: ignore[arg-type]
    )
    assert len(codec.channels) == 4
    same(codec, values, begins, np.full(len(begins), 24))
    again = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json())))
    noise = g.normal(0, 1.5, (40, 24, codec.spec.compact_dim // 24)).astype(np.float32)
    made = codec.decode(noise).cells
    assert list(made) == list(prices) and all(rule.holds(made).all() for rule in rules.rules)
    for name, v in again.decode(noise).cells.items():
        np.testing.assert_array_equal(v.data, made[name].data)

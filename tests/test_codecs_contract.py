"""What every codec keeps: records come back, JSON gives the same codec, and compatible codecs have one spec."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gankit.columns.codec import Codec, TableCodec
from gankit.columns.column import Column, Values
from gankit.kinds.audio.codec import SOUND, SpectrogramCodec, WaveCodec, sound_values
from gankit.kinds.images.kind import IMAGE, ImageCodec
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.records import SeriesSet
from gankit.kinds.tables.codec import VectorCodec
from gankit.kinds.texts.records import TEXT, TextCodec
from gankit.randomness import numpy_generator

Example = tuple[Codec[Any], Any]
DRAWS = numpy_generator(0, "codecs")


def column(data: Any) -> Values:
    found = np.asarray(data)
    return Values(found, np.zeros(len(found), np.int8))


NUMBERS = tuple(Column(name, "number", pa.float64()) for name in "ab")
LEVELS = (Column("c", "category", pa.string(), levels=("x", "y", "z")),)


def table(levels: int = 3) -> Example:
    values = {"a": column(DRAWS.normal(size=90)), "c": column((np.arange(90) % levels).astype(np.int32))}
    return TableCodec.fit((NUMBERS[0], replace(LEVELS[0], levels=LEVELS[0].levels[:levels])), values), values


def vector(num: int = 2) -> Example:
    values = {c.name: column(DRAWS.normal(size=90)) for c in NUMBERS[:num]}
    return VectorCodec.fit(NUMBERS[:num], values), values


def images(side: int = 8) -> Example:
    values = {IMAGE: column(DRAWS.integers(0, 256, (5, side, 6, 3), np.uint8))}
    return ImageCodec.fit((), values), values


def series(length: int = 6) -> Example:
    lengths = np.array([length, length - 2, length])
    cells = {
        "a": column(DRAWS.normal(size=lengths.sum())),
        "c": column((np.arange(lengths.sum()) % 3).astype(np.int32)),
    }
    part = SeriesSet({}, cells, np.cumsum(lengths) - lengths, lengths)
    return SeriesCodec.fit((NUMBERS[0], *LEVELS), part), part


def texts(more: str = "b") -> Example:
    found = np.empty(3, object)
    found[:] = ["abba", "ab" + more, "c"]
    return TextCodec.fit((), {TEXT: column(found)}, "character"), {TEXT: column(found)}


def waves(length: int = 64) -> Example:
    values = sound_values(DRAWS.integers(-9000, 9000, (4, length, 2)).astype(np.int16), np.full(4, length))
    return WaveCodec.fit((), values, 400), values


def spectrograms(length: int = 512) -> Example:
    t = np.arange(length) * np.array([[200.0], [300.0], [440.0]]) / 8000
    values = sound_values((9000 * np.sin(2 * np.pi * t)).astype(np.int16)[:, :, None], np.full(3, length))
    return SpectrogramCodec.fit((), values, 8000), values


EXAMPLES: list[Callable[..., Example]] = [table, vector, images, series, texts, waves, spectrograms]


def parsed(records: Any) -> Mapping[str, Values]:
    return records.cells if isinstance(records, SeriesSet) else records


@pytest.mark.parametrize("make", EXAMPLES)
def test_records_come_back(make: Callable[..., Example]) -> None:
    codec, records = make()
    compact = codec.encode(records)
    made = codec.decode(compact)
    assert type(made) is type(records) and set(parsed(made)) == set(parsed(records))
    if isinstance(records, SeriesSet):
        np.testing.assert_array_equal(made.lengths, records.lengths)
    if codec.spec.form != "image":
        assert compact.size == len(compact) * codec.spec.compact_dim
    for name, its in parsed(records).items():
        back = parsed(made)[name]
        np.testing.assert_array_equal(back.missing, its.missing)
        if name == SOUND and isinstance(codec, SpectrogramCodec):  # a spectrogram keeps loudness, not phases
            assert back.data.shape == its.data.shape
        elif its.data.dtype.kind == "f":
            np.testing.assert_allclose(back.data, its.data, atol=0.1)  # quantiles are kept by knots
        else:
            np.testing.assert_array_equal(back.data, its.data)


@pytest.mark.parametrize("make", EXAMPLES)
def test_a_codec_is_the_same_after_json(make: Callable[..., Example]) -> None:
    codec, records = make()
    again = type(codec).from_json(json.loads(json.dumps(codec.to_json(), allow_nan=False)))
    assert type(again) is type(codec) and again.spec == codec.spec and again.to_json() == codec.to_json()
    np.testing.assert_array_equal(again.encode(records), codec.encode(records))

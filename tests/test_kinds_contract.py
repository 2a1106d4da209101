"""What every kind of data must do, asked of all that there are and of one from another package."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from extension import installed

import gankit
from gankit.config import TrainConfig
from gankit.errors import InterruptedRun, OptionError, OutputError
from gankit.io.probe import Probe
from gankit.kinds import KINDS, options_by_kind, prepare
from gankit.options import Option, options_of
from gankit.run.folder import RunFolder

SMALL: dict[str, Any] = {"samples": "2k", "evaluations": 2, "threads": 1, "seed": 1}


@dataclass(frozen=True)
class Example:
    """A source of a kind, and what makes a training on it short."""

    source: Any
    options: dict[str, Any]


@cache
def example(kind: str) -> Example:
    draws = np.random.default_rng(0)
    if kind == "image":
        grey = np.repeat(draws.integers(0, 200, (90, 1, 1)), 64, 1).reshape(90, 8, 8)
        return Example((grey + draws.integers(0, 50, (90, 8, 8))).astype(np.uint8), {"width": 4})
    if kind == "audio":
        waves = np.sin(np.arange(1000) / draws.uniform(2, 8, (60, 1))) * 0.5
        return Example(waves.astype(np.float32), {"rate": 2000, "width": 4})
    if kind == "series":
        steps = draws.normal(size=(120, 10, 2)).cumsum(1)
        return Example(steps, {"batch": 16})
    if kind == "text":
        parts = ("ka", "lo", "mi", "ne")
        return Example(
            ["".join(draws.choice(parts, draws.integers(2, 4))) + "s" for _ in range(160)],
            {"width": 16, "unit": "character"},
        )
    if kind == "number":
        return Example(draws.normal(size=120).tolist(), {"width": 16})
    if kind == "vector":
        return Example(draws.normal(size=(120, 3)), {"width": 16})
    if kind == "table":
        return Example({"a": draws.normal(size=160), "b": draws.choice(["x", "y", "z"], 160).tolist()}, {"width": 16})
    assert kind == "points", f"no example of kind {kind}"
    return Example(draws.normal(size=(120, 5, 3)) * draws.uniform(0.5, 2, (120, 1, 1)), {"width": 16})


OWN = list(KINDS.own)
EVERY = [*OWN, "points"]
ROWS = ("number", "vector", "table", "points")
"""Kinds that look at the source alone: `--kind` says which is asked at all."""

SLOW = ("image", "audio", "series")


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch, installed(tmp_path_factory.mktemp("package"), monkeypatch):
        assert sorted(KINDS) == sorted(EVERY)
        yield
    trained.cache_clear()


def config(kind: str, **more: Any) -> TrainConfig:
    named = {name: value for name, value in example(kind).options.items() if name != "width"}
    return TrainConfig(**{"seed": 1, **named, **more})


@cache
def trained(kind: str) -> gankit.Model:
    return gankit.train(example(kind).source, **SMALL, **example(kind).options)


def content(value: Any) -> str:
    """A hash of records in any form."""
    if isinstance(value, tuple | list) and any(isinstance(part, np.ndarray) for part in value):
        return ",".join(map(content, value))
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest() + str(value.shape)
    return repr(value.to_pylist() if hasattr(value, "to_pylist") else value)


def kinds(*slow: str) -> Any:
    marked = [pytest.param(kind, marks=pytest.mark.slow) if kind in slow else kind for kind in EVERY]
    return pytest.mark.parametrize("kind", marked)


@kinds()
def test_its_own_source_is_recognised_by_it_before_all_others(kind: str) -> None:
    probe = Probe(example(kind).source)
    asked = ["points", *OWN]
    assert next(name for name in asked if KINDS[name].recognises(probe, config(kind))) == kind
    assert prepare(example(kind).source, config(kind), []).kind is KINDS[kind]


@kinds()
def test_it_takes_no_source_of_a_kind_that_is_asked_before_it(kind: str) -> None:
    order = ["points", *OWN]
    for later in order[order.index(kind) + 1 :]:
        assert not KINDS[kind].recognises(Probe(example(later).source), config(later)), f"{kind} takes {later}"
    for other in set(order) - {kind, "table"}:
        assert not KINDS[kind].recognises(Probe(example(kind).source), TrainConfig(kind=other)) or kind in ROWS


@kinds()
def test_records_are_coded_and_decoded_and_the_codec_comes_back_from_its_json(kind: str) -> None:
    prepared = prepare(example(kind).source, config(kind), [])
    coded = KINDS[kind].coded(prepared, prepared.train)
    rows = np.arange(len(prepared.train)) if coded.rows is None else coded.rows
    assert len(rows) == len(prepared.train)
    assert [len(chunk) for chunk in prepared.train.chunks(7)][:2] == [7, 7]
    assert sum(map(len, prepared.train.chunks(7))) == len(prepared.train)
    x = coded.x[rows[:6]]
    again = KINDS[kind].codec.from_json(json.loads(json.dumps(prepared.codec.to_json())))
    assert again.spec == prepared.codec.spec
    if coded.scale == 1:
        first, second = prepared.codec.decode(x), again.decode(x)
        assert repr(first) == repr(second)


@kinds(*SLOW)
def test_a_training_gives_a_model_that_is_saved_loaded_and_sampled_row_by_row(kind: str, tmp_path: Path) -> None:
    model = trained(kind)
    assert model.kind == kind and model.card["samples"] > 0
    assert set(vars(config(kind).own(KINDS[kind].options.train))) <= set(model.card["options"])
    model.save(tmp_path / "model.safetensors")
    again = gankit.load(tmp_path / "model.safetensors")
    assert content(again.sample(9, seed=3)) == content(model.sample(9, seed=3))
    assert content(again.sample(4, seed=3, offset=5)) == content(
        again.of.join(list(again.sample_batches(4, 3, 5)), again.origin)
    )
    assert gankit.inspect(tmp_path / "model.safetensors")["kind"] == kind


@kinds(*SLOW)
def test_row_i_is_row_i(kind: str) -> None:
    model = trained(kind)
    whole, part = model.sample(9, seed=3), model.sample(4, seed=3, offset=5)
    if isinstance(whole, dict):
        assert all(content(whole[name][5:]) == content(part[name]) for name in whole)
    else:
        assert content(whole[5:]) == content(part)


@kinds(*SLOW, "text", "table", "vector")
def test_fakes_are_written_read_back_and_reported_on(kind: str, tmp_path: Path) -> None:
    model = trained(kind)
    suffix = model.of.suffix(model.origin)
    file = tmp_path / (f"fakes.{suffix}" if suffix else "fakes")
    model.write(file, 60)
    report = gankit.evaluate(model, fake=str(file), fast=True)
    report.save(tmp_path / "report")
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<html" in page and report.json["evaluation"]["metrics"]
    json.dumps(report.json, allow_nan=False)


class Pipe(io.RawIOBase):
    """A stream that can only be written to, as standard output in a pipe."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.data += bytes(data)
        return memoryview(data).nbytes


def members(data: bytes) -> Any:
    """Of an archive its members and what they hold, for a pipe's has its lengths elsewhere; else the bytes."""
    if not data.startswith(b"PK"):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@kinds(*SLOW)
def test_every_format_goes_to_a_stream_as_to_a_file(kind: str, tmp_path: Path) -> None:
    model, written = trained(kind), 0
    assert set(model.of.formats) and all(name == f.name for name, f in model.of.formats.items())
    for name, form in model.of.formats.items():
        assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", form.media_type)
        count, file, stream = 1 if name == "wav" else 5, tmp_path / f"fakes.{name}", Pipe()
        try:
            model.write(file, count, seed=2, offset=3)
        except OutputError:  # as a list of numbers in .npy with names
            with pytest.raises(OutputError):
                model.write(stream, count, seed=2, offset=3, format=name)
            continue
        model.write(stream, count, seed=2, offset=3, format=name)
        assert members(bytes(stream.data)) == members(file.read_bytes()), name
        written += 1
    assert written
    with pytest.raises(OutputError, match=f"{next(iter(model.of.formats))}.*'nothing' was named"):
        model.write(Pipe(), 5, format="nothing")


@kinds(*SLOW)
def test_what_can_be_asked_for_is_stated_and_can_be_asked_for(kind: str) -> None:
    model = trained(kind)
    for condition in model.of.conditions(model):
        if condition.type == "levels":
            made = model.sample(3, where={condition.name: condition.levels[0]})[condition.name]
            assert made == [condition.levels[0]] * 3
        elif condition.type == "range":
            middle = (condition.low + condition.high) / 2  # type: ignore[operator]  # a range has both
            made = model.sample(3, where={condition.name: (middle, condition.high)})[condition.name]
            assert all(middle <= value <= condition.high for value in made)  # type: ignore[operator]
        else:
            assert condition.type == "prefix" and all(t.startswith("ka") for t in model.sample(3, prefix="ka"))
    stated = {c.name: c.type for c in model.of.conditions(model)}
    assert stated == {"table": {"a": "range", "b": "levels"}, "text": {"prefix": "prefix"}}.get(kind, {})


@kinds(*SLOW)
def test_a_stopped_training_goes_on_to_the_same_model(kind: str, tmp_path: Path) -> None:
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    options: dict[str, Any] = {**SMALL, **example(kind).options}
    try:
        gankit.train(example(kind).source, out=tmp_path / "run", should_stop=stop, **options)
    except InterruptedRun:
        pass
    else:
        pytest.fail("it was not stopped")
    model = gankit.resume(tmp_path / "run", example(kind).source)
    pairs = zip(model.generator.state_dict().values(), trained(kind).generator.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    judged = [entry for entry in RunFolder(tmp_path / "run").read_log() if entry.get("metric") is not None]
    assert judged
    if kind in KINDS and KINDS[kind].__module__.startswith("gankit."):  # an extension's metric may have no interval
        assert all(entry["metric_low"] <= entry["metric"] <= entry["metric_high"] for entry in judged)
        assert any(entry["metric_low"] < entry["metric_high"] for entry in judged)


def other_value(option: Option) -> Any:
    """A value that is not the default."""
    if option.choices:
        value = next(choice for choice in option.choices if choice != option.default)
    else:
        value = {str: "x", int: 7, float: 0.5, bool: True}[option.scalar]
    return (value,) if option.many else value


@kinds()
@pytest.mark.parametrize("command", ["train", "sample", "evaluate"])
def test_options_of_other_kinds_are_refused_by_name(kind: str, command: Any) -> None:
    from gankit.kinds import options_for

    mine = {option.name for option in options_of(getattr(KINDS[kind].options, command))}
    for other, options in options_by_kind(command).items():
        for option in options_of(options):
            if option.name not in mine:
                with pytest.raises(
                    OptionError, match=rf"^{option.flag} is for .*{KINDS[other].described}.*Leave it out"
                ):
                    options_for(KINDS[kind], command, {option.name: other_value(option)}, "this data is none")
                options_for(KINDS[kind], command, {option.name: option.default}, "this data is none")
    with pytest.raises(OptionError, match="there is no option 'nowhere'"):
        options_for(KINDS[kind], command, {"nowhere": 1}, "this data is none")

"""Trainings that begin with the networks of another model: `--from`."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

import gankit
from gankit.config import TrainConfig
from gankit.errors import GankitError, InterruptedRun, OptionError
from gankit.kinds import prepare
from gankit.kinds.audio.codec import SpectrogramCodec, sound_values
from gankit.networks import build
from gankit.networks.base import Networks
from gankit.networks.transfer import shapes_of, take_over, width_for
from gankit.run.beginning import Beginning
from gankit.run.run import Run
from gankit.spec import Block, Match, Spec

SMALL: dict[str, Any] = {"batch": 16, "evaluations": 2, "early_stop": False, "verbose": False}


def digits(count: int = 200, size: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """[count, size, size] uint8, size being a multiple of 8, and their classes."""
    found = load_digits()
    x = (found.images[:count] * 15.9).astype(np.uint8).repeat(size // 8, 1).repeat(size // 8, 2)
    return x, found.target[:count].astype(np.int64)


def classes(count: int | None) -> Spec | None:
    return None if count is None else Spec("vector", (count,), (Block("categorical", count),))


def taken(name: str, size: int, condition: int | None, own: int | None, same: bool = False) -> tuple[Any, ...]:
    """A pair for images of `size` and classes, begun as one of 32 pixels: shares, and the states of all networks."""
    spec, theirs = Spec("image", (3, size, size)), build(name, Spec("image", (3, 32, 32)), classes(condition), seed=1)

    def of(width: int | None) -> Networks:
        return build(name, spec, classes(own), width=width)

    width = width_for(of, theirs[0].state_dict(), None)
    networks = of(width)
    fresh = [{k: t.clone() for k, t in n.state_dict().items()} for n in networks]
    shares = []
    for which in (0, 1):
        shapes = shapes_of(lambda c: build(name, spec, c, width=width), which)
        records, given = (Match.of_places(range(n), range(n), n) for n in (3, own or 0))
        conditions = given if same else None
        shares.append(take_over(networks[which], theirs[which], shapes, records, conditions, backwards=which == 1))
    return shares, fresh, [n.state_dict() for n in networks], [n.state_dict() for n in theirs]


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("name", ["strided", "stylegan2", "residual", "projected"])
def test_the_same_networks_are_taken_over_whole_and_those_of_another_size_in_large_part(name: str) -> None:
    shares, _, own, theirs = taken(name, 32, 10, 10, same=True)
    assert shares == [1, 1] and equal(own[0], theirs[0]) and equal(own[1], theirs[1])
    for size in (64, 16):
        shares, *_ = taken(name, size, 10, 10, same=True)
        assert min(shares) > 0.3, (size, shares)


def test_layers_are_counted_from_the_smallest_maps_on() -> None:
    _, _, own, theirs = taken("strided", 64, None, None)
    assert torch.equal(own[0]["doublings.0.weight"], theirs[0]["doublings.0.weight"])
    assert torch.equal(own[1]["chain.convolutions.4.weight"], theirs[1]["chain.convolutions.3.weight"])


@pytest.mark.parametrize(("before", "after"), [(10, 10), (10, 3), (None, 3), (10, None)])
def test_what_belongs_to_other_classes_begins_anew(before: int | None, after: int | None) -> None:
    for name in ("strided", "projected"):
        shares, fresh, own, theirs = taken(name, 32, before, after)
        assert min(shares) > 0.5
        for which in (0, 1):
            for key, tensor in own[which].items():
                other = theirs[which].get(key)
                if other is not None and after is not None and ("style" in key or "classes" in key):
                    assert torch.equal(tensor, fresh[which][key]), key
    first, other = own[1]["judges.0.last.weight"], theirs[1]["judges.0.last.weight"]
    assert torch.equal(first[:1], other[:1]) and torch.equal(first[1:], fresh[1]["judges.0.last.weight"][1:])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "digits"
    gankit.train(digits(), out=out, samples="640", width=8, latents=20, **SMALL)
    return out


def test_a_training_begins_with_the_networks_of_a_run(model: Path) -> None:
    notes: list[str] = []
    x, y = digits(size=16)
    begun = gankit.train((x, y % 3), from_=str(model), samples=32, on_note=notes.append, **SMALL)
    assert (begun.plan.name, begun.plan.num_latents, begun.plan.width) == ("strided", 20, 4)
    assert any(f"begins as {model} was left" in note and "of G" in note for note in notes)
    again = gankit.train(digits(), from_=str(model), samples=16, learning_rate=1e-9, on_note=notes.append, **SMALL)
    assert "100% of G and 100% of D" in " ".join(notes)
    kept = gankit.load(model).generator.state_dict()
    assert all(torch.allclose(tensor, kept[k], atol=1e-6) for k, tensor in again.generator.state_dict().items())
    alone = gankit.train(x, from_=str(model / "model.safetensors"), samples=32, on_note=notes.append, **SMALL)
    assert "0% of D" in " ".join(notes) and alone.card["given"] == []


def test_it_is_resumed_without_the_model_to_the_same_bytes(model: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(model, moved)
    options: dict[str, Any] = {**SMALL, "from_": str(moved), "samples": "880"}
    looks: list[object] = []
    gankit.train(digits(), out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            digits(), out=tmp_path / "cut", on_progress=looks.append, should_stop=lambda: len(looks) >= 1, **options
        )
    shutil.rmtree(moved)
    gankit.resume(tmp_path / "cut", digits(), verbose=False)
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert models[0] == models[1]


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (np.arange(90.0), {}, "it is a model of kind image, and this is kind number"),
        (np.zeros((40, 8, 8, 3), np.uint8), {}, "have 1 channels, and these have 3"),
        (digits(40)[0], {"latents": 7}, "its latents is 20, and --latents 7 asks for another"),
        (digits(40)[0], {"network": "residual"}, "its network is strided"),
        (digits(40)[0], {"from_": "nowhere"}, "there is no model at nowhere"),
        (digits(40)[0], {"width": 33}, "of its generator fits"),
    ],
)
def test_what_cannot_be_begun_with_is_refused_in_words(
    model: Path, source: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(GankitError, match=said):
        gankit.train(source, **{"from_": str(model), "samples": 32, **SMALL, **options})


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on last year's table."""
    out = tmp_path_factory.mktemp("runs") / "people"
    gankit.train(
        table(400, 0), out=out, samples="16k", width=32, batch=64, evaluations=2, early_stop=False, verbose=False
    )
    return out


def table(rows: int, seed: int, cities: str = "ABC") -> pd.DataFrame:
    """Ages, the pay that follows from them, cities and, of these alone, whether one is a member."""
    draws = np.random.default_rng(seed)
    age, city = draws.integers(18, 90, rows), draws.choice(list(cities), rows)
    member = np.where(draws.random(rows) < 0.9, city == "A", city != "A")
    pay = np.round(1000 + 40 * age + 20 * draws.normal(size=rows))
    return pd.DataFrame({"age": age, "pay": pay, "city": city, "member": np.where(member, "yes", "no")})


def started(source: Any, model: Path | str, **options: Any) -> tuple[Run, Run, list[str]]:
    """A run at its first step that begins as a model was left, the same from nothing, and what is said."""
    notes: list[str] = []
    config = TrainConfig(from_=str(model), samples="64", **options)
    prepared = prepare(source, config, [])
    beginning = Beginning.of(str(model))
    alone = Run.start(prepared, replace(config, width=beginning.model.plan.width), 64, None)
    config = beginning.fitted(prepared, config, notes)
    return Run.start(prepared, config, 64, None, beginning=beginning), alone, notes


def cells_of(run: Any) -> dict[tuple[str, Any], int]:
    """Where each cell of a table stands in its record, by column and level (of numbers: by its place)."""
    codec, schema = run.codec, run.schema
    labels = [label for field in codec.fields for label in field.labels(schema.column(field.name))]
    return {label: place for place, label in enumerate(labels)}


def test_a_table_begins_as_last_years_model_whatever_the_order_of_its_columns(people: Path) -> None:
    frame = table(500, 1, "ABD")
    frame = frame[["member", "city", "age"]].assign(pet=np.random.default_rng(2).choice(["cat", "dog"], 500))
    run, alone, notes = started(frame, people)
    (note,) = notes
    assert f"begins as {people} was left" in note
    assert "kept: 3 of 4 columns; new: column 'pet', 1 level of 'city'; left: column 'pay', 1 level of 'city'" in note
    model = gankit.load(people)
    (own, its), fresh = (net.state_dict() for net in (run.game.generator, model.generator)), alone.game.generator
    here, there = cells_of(run.prepared), cells_of(model)
    for label in [("city", "A"), ("city", "B"), ("member", "yes"), ("member", "no")]:
        for key in ("embed", "head_weight"):
            assert torch.equal(own[key][here[label]], its[key][there[label]]), label
    for label in [("city", "D"), ("pet", "cat"), ("pet", "dog")]:
        assert torch.equal(own["embed"][here[label]], fresh.state_dict()["embed"][here[label]])
    places = [[field.name for field in of.codec.fields] for of in (run.prepared, model)]
    for name in ("member", "city", "age"):
        a, b = (names.index(name) for names in places)
        for key in ("first_bias", "weights.0", "biases.0", "embed_waves", "head_waves"):
            assert torch.equal(own[key][a], its[key][b]), (name, key)
    pet = places[0].index("pet")
    width = run.game.generator.embedding  # type: ignore[union-attr]
    rows = [*range(pet * width, (pet + 1) * width), 4 * width + pet]
    assert all(not own["first_weight"][block][rows].any() for block in range(4) if block != pet)


def test_the_same_table_begins_with_every_number_of_the_model(people: Path) -> None:
    run, _, notes = started(table(400, 0)[["member", "pay", "city", "age"]], people)
    assert "100% of G and 100% of D are taken over, the rest is new; kept: 4 columns" in notes[0]
    own, its = run.game.generator.state_dict(), gankit.load(people).generator.state_dict()
    assert sum(float(t.double().sum()) for t in own.values()) == pytest.approx(
        sum(float(t.double().sum()) for t in its.values()), abs=0.05
    )


def test_what_begins_as_last_years_model_is_ahead_of_what_begins_from_nothing(people: Path) -> None:
    run, alone, _ = started(table(400, 3), people)
    ahead, behind = (of.evaluate(of.game.average) for of in (run, alone))
    assert ahead[0] > behind[0] + 0.5  # type: ignore[index]


def test_a_table_is_resumed_without_the_model_to_the_same_bytes(people: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(people, moved)
    source = table(200, 4)[["city", "age", "pay"]]
    options: dict[str, Any] = {"from_": str(moved), "samples": "1600", **SMALL}
    looks: list[object] = []
    gankit.train(source, out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            source, out=tmp_path / "cut", on_progress=looks.append, should_stop=lambda: len(looks) >= 1, **options
        )
    shutil.rmtree(moved)
    assert json.loads((tmp_path / "cut/config.json").read_text())["options"]["from_"] == str(moved)
    model = gankit.resume(tmp_path / "cut", source, verbose=False)
    assert model.card["options"]["from_"] == str(moved)
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert models[0] == models[1]


def test_texts_begin_by_their_characters_and_series_by_their_channels(tmp_path: Path) -> None:
    few: dict[str, Any] = {"samples": 64, **SMALL}
    words = [f"{a}{b}a" for a in "bcdf" for b in "aeiou" for _ in range(4)]
    gankit.train(words, kind="text", width=16, **few).save(tmp_path / "words.safetensors")
    new = [word.replace("f", "gg") for word in words]
    run, _, notes = started(new, tmp_path / "words.safetensors", kind="text")
    assert "kept: 8 of 9 characters; new: character 'g'; left: character 'f'" in notes[0]
    codec, its = run.prepared.codec, gankit.load(tmp_path / "words.safetensors")
    own, theirs = run.game.generator.state_dict()["embed"], its.generator.state_dict()["embed"]
    for symbol in "abcdeiou":
        at, was = (of.symbols.index(symbol) + 2 for of in (codec, its.codec))
        assert torch.equal(own[at], theirs[was])
    with pytest.raises(OptionError, match="no character of its data is among these"):
        started(["жук", "щи"] * 20, tmp_path / "words.safetensors", kind="text")
    with pytest.raises(OptionError, match="trained on texts as character, and these are word"):
        started([" ".join(word) for word in words], tmp_path / "words.safetensors", kind="text", unit="word")

    steps = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 2)).cumsum(0), columns=["a", "b"])
    series: dict[str, Any] = {"kind": "series", "window": 8}
    gankit.train(steps, **series, **few).save(tmp_path / "series.safetensors")
    _, _, notes = started(steps[["b", "a"]], tmp_path / "series.safetensors", **series)
    assert "100% of G" in notes[0] and "kept: 2 channels" in notes[0]
    _, _, notes = started(steps.set_axis(["x", "y"], axis=1), tmp_path / "series.safetensors", **series)
    assert "kept: 2 channels, by their order" in notes[0]
    _, _, notes = started(steps.assign(c=1.0 + steps["a"] ** 2), tmp_path / "series.safetensors", **series)
    assert "kept: 2 of 3 channels; new: channel 'c'" in notes[0]
    with pytest.raises(OptionError, match="no channel of its data is among these"):
        started(steps.set_axis(["x", "y"], axis=1).assign(z=steps["a"] ** 2), tmp_path / "series.safetensors", **series)


def test_audio_clips_begin_as_those_of_their_rate_and_channels_alone() -> None:
    def codec(rate: int, channels: int) -> SpectrogramCodec:
        x = np.random.default_rng(0).integers(-9000, 9000, (3, 2048, channels)).astype(np.int16)
        return SpectrogramCodec.fit((), sound_values(x, np.full(3, 2048)), rate)

    assert codec(8000, 1).unlike(codec(8000, 1)) is None
    assert codec(16000, 1).unlike(codec(8000, 1)) == (
        "its audio clips have 8,000 samples a second, and these 16,000. Give --rate 8000"
    )
    assert "have 2 channels, and these 1" in str(codec(8000, 1).unlike(codec(8000, 2)))


def test_classes_of_other_images_keep_what_they_have_in_common(model: Path) -> None:
    x, y = digits()
    notes: list[str] = []
    config, beginning = TrainConfig(from_=str(model), samples="64"), Beginning.of(str(model))
    prepared = prepare((x[y > 2], y[y > 2] + 2), config, [])
    config = beginning.fitted(prepared, config, notes)
    assert "kept: 1 column; new: 2 levels of 'label'; left: 5 levels of 'label'" in notes[0]
    assert prepared.given is not None
    networks = build("strided", prepared.codec.spec, prepared.given.spec, width=config.width, num_latents=20)
    key, its = "from_condition.weight", beginning.model
    fresh = networks[0].state_dict()[key].clone()
    beginning.put_into(networks, config.width, prepared)
    own, theirs = networks[0].state_dict()[key], its.generator.state_dict()[key]
    levels = [of.column("label").levels for of in (prepared.schema, its.schema)]
    for place, level in enumerate(levels[0]):
        was = theirs[:, levels[1].index(level)] if level in levels[1] else fresh[:, place]
        assert torch.equal(own[:, place], was)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"network": "residual"}, "its network is sequential, and --network residual asks for another"),
        ({"depth": 5}, "its depth is that of its networks, and --depth 5 asks for another"),
    ],
)
def test_a_table_of_other_networks_or_columns_is_refused(people: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        gankit.train(table(90, 1), from_=str(people), samples=64, verbose=False, **options)
    with pytest.raises(OptionError, match="no column of its data is among these"):
        gankit.train(table(90, 1).add_suffix("_"), from_=str(people), samples=64, verbose=False)

"""How games are planned: every pair, kind and size against the values of a version that was measured."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds import KINDS
from gankit.kinds.audio.files import ClipSet
from gankit.kinds.base import Prepared
from gankit.networks import NETWORKS
from gankit.networks.base import Task
from gankit.run import machine
from gankit.run.machine import precision_of
from gankit.run.plan import plan_game
from gankit.spec import Block, Spec
from gankit.training.plan import GameConfig

EXPECTED: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "plans.json").read_text("utf-8"))
"""By a case's name: the fields of `GameConfig` that differ from its defaults, or why the case is refused."""

SPECS = {
    "number": Spec("vector", (1,), (Block("continuous", 1),)),
    "vector": Spec("vector", (20,), (Block("continuous", 20),)),
    "table": Spec("vector", (12,), (Block("categorical", 3), Block("binned", 7, 5), Block("categorical", 2))),
    "digits": Spec("image", (1, 28, 28)),
    "photos": Spec("image", (3, 32, 32)),
    "wide": Spec("image", (3, 48, 64)),
    "large": Spec("image", (3, 300, 300)),
    "spectrogram": Spec("image", (1, 64, 128)),
    "signal": Spec("sequence", (8192, 1), (Block("continuous", 1),)),
    "series": Spec("sequence", (24, 3), (Block("continuous", 3),)),
    "text": Spec("sequence", (12, 9), (Block("categorical", 9),)),
}
IMAGES = ("conv2014", "dcgan", "dense2014", "residual", "strided", "stylegan2")
PAIRS = {
    ("number", "number"): ("residual", "dense2014"),
    ("vector", "vector"): ("residual", "dense2014"),
    ("table", "table"): ("residual", "dense2014", "sequential"),
    ("image", "digits"): IMAGES,
    ("image", "photos"): IMAGES,
    ("image", "wide"): IMAGES,
    ("image", "large"): IMAGES,
    ("audio", "spectrogram"): IMAGES,
    ("audio", "signal"): ("wave",),
    ("series", "series"): ("attention", "dense2014", "principal", "recurrent", "residual", "temporal"),
    ("text", "text"): ("symbols",),
}
ROWS = ((40, 10), (3000, 600), (60_000, 10_000))
OPTIONS: list[dict[str, Any]] = [
    {},
    {"batch": 48},
    {"loss": "hinge", "penalty": "r1"},
    {"penalty": "none"},
    {"penalty_weight": 3.0},
    {"learning_rate": 0.01, "ema_half_life": 77.0},
    {"warmup": 0.3},
    {"batch": 500, "penalty": "wgan-gp"},
    {"augment": "diffaugment", "mirror": "on"},
    {"augment": "none", "d_steps": 3, "evaluations": 7, "seed": 5, "early_stop": False, "penalty_method": "finite"},
]
WITH_OPTIONS = {"residual number", "sequential table", "strided digits", "dense2014 digits", "stylegan2 wide"} | {
    "principal series", "symbols text", "wave signal",
}  # fmt: skip
FORMS = {name: spec.form for name, spec in SPECS.items()}


def cases() -> Iterator[tuple[str, str, str, str, int, int, dict[str, Any]]]:
    for (kind, spec), networks in PAIRS.items():
        for network in networks:
            for rows, heldout in ROWS:
                for place, options in enumerate(OPTIONS):
                    if "augment" in options and FORMS[spec] != "image" and kind != "audio":
                        continue  # refused when the data is read
                    if place and (rows != 3000 or f"{network} {spec}" not in WITH_OPTIONS):
                        continue
                    yield f"{network} {kind} {spec} {rows} {place}", kind, spec, network, rows, heldout, options


def prepared(kind: str, spec: str, network: str, rows: int, heldout: int) -> Prepared[Any, Any]:
    train = None
    if spec == "signal":
        samples = (np.arange(rows * 16).reshape(rows, 16, 1) * 37 % 20_001 - 10_000).astype(np.int16)
        train = ClipSet({}, cast(Any, None), np.arange(rows), cast(Any, SimpleNamespace(x=samples)))
    found = SimpleNamespace(
        kind=KINDS[kind], network=network, num_train=rows, num_heldout=heldout, train=train,
        codec=SimpleNamespace(spec=SPECS[spec]),
    )  # fmt: skip
    return cast("Prepared[Any, Any]", found)


def planned(kind: str, spec: str, network: str, rows: int, heldout: int, options: dict[str, Any]) -> Any:
    plain = dataclasses.asdict(GameConfig(total_samples=1000))
    try:
        found = plan_game(prepared(kind, spec, network, rows, heldout), TrainConfig(**options), 1000)
    except OptionError as error:
        return f"refused: {error}"
    return {name: value for name, value in dataclasses.asdict(found).items() if value != plain[name]}


def test_every_plan_is_the_one_that_was_measured() -> None:
    found = {name: planned(*case) for name, *case in cases()}
    assert found.keys() == EXPECTED["plans"].keys()
    assert {name: value for name, value in found.items() if value != EXPECTED["plans"][name]} == {}


def test_pairs_have_the_latents_that_they_were_measured_with() -> None:
    assert {name: NETWORKS[name].latents for name in EXPECTED["latents"]} == EXPECTED["latents"]


def test_a_processor_without_bfloat16_is_not_asked_how_fast_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    machine.multiplies_sooner_in_bfloat16.cache_clear()
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False, raising=False)
    monkeypatch.setattr(torch, "mm", lambda *_: pytest.fail("it was timed"))
    assert not machine.multiplies_sooner_in_bfloat16()
    machine.multiplies_sooner_in_bfloat16.cache_clear()


@pytest.mark.parametrize("slower", [True, False])
def test_a_product_is_timed_in_both_types(monkeypatch: pytest.MonkeyPatch, slower: bool) -> None:
    clock, product = {"s": 0.0}, torch.mm

    def multiplied(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        clock["s"] += 3.0 if (a.dtype == torch.bfloat16) == slower else 1.0
        return product(a, b)

    machine.multiplies_sooner_in_bfloat16.cache_clear()
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr(machine.time, "perf_counter", lambda: clock["s"])
    monkeypatch.setattr(torch, "mm", multiplied)
    assert machine.multiplies_sooner_in_bfloat16() is not slower
    machine.multiplies_sooner_in_bfloat16.cache_clear()


@pytest.mark.parametrize("has", [True, False])
def test_pairs_multiply_in_the_type_that_they_were_measured_with(monkeypatch: pytest.MonkeyPatch, has: bool) -> None:
    monkeypatch.setattr(machine, "multiplies_sooner_in_bfloat16", lambda: has)
    for case, expected in EXPECTED["precision"].items():
        name, form, asked, hardware = case.split()
        if hardware != str(has):
            continue
        try:
            found = precision_of(asked, NETWORKS[name], form, torch.device("cpu"))  # type: ignore[arg-type]  # a form
        except OptionError as error:
            found = f"refused: {error}"
        assert found == expected, case


@pytest.mark.parametrize("name", NETWORKS)
def test_recipes_name_fields_of_the_game_and_nothing_else(name: str) -> None:
    pair = NETWORKS[name]
    made = [spec for spec in SPECS.values() if pair.refusal(spec) is None]
    assert made
    for spec in made:
        assert pair.recipe(Task(spec, 100)).keys() <= {field.name for field in dataclasses.fields(GameConfig)}

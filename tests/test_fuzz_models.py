"""Damaged model files of every kind: taken, or refused in one sentence, whatever stands in their JSON."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import struct
import tempfile
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fuzzing import _NUMBERS as NUMBERS
from fuzzing import _VALUES as VALUES
from fuzzing import Target, hunt
from safetensors.torch import load as load_tensors

import gankit
from gankit.config import TrainConfig
from gankit.errors import GankitError, InterruptedRun, ModelError
from gankit.kinds import prepare
from gankit.kinds.images.features import perceive
from gankit.model import blocks
from gankit.model.files import _digest
from gankit.run.folder import EVIDENCE_NAME, RunFolder
from gankit.run.pace import Pace
from gankit.run.previews import Previews
from gankit.run.run import Run
from gankit.training.loop import play

SMALL = {"samples": "64", "evaluations": 1, "width": 8}


def people() -> pd.DataFrame:
    """A table in which every sort of column and of rule occurs."""
    n, draws = 120, np.random.default_rng(0)
    begin, nights = draws.integers(0, 300, n), draws.integers(1, 9, n)
    day = pd.Timestamp("2020-01-01")
    city, smoker = draws.choice(["Bern", "Basel", "Ulm"], n), draws.choice(["yes", "no"], n)
    price, low = np.round(draws.lognormal(4, 1, n), 2), np.round(draws.random(n), 2)
    return pd.DataFrame(
        {
            "code": [f"AB-{i:05d}" for i in draws.permutation(90_000)[:n]],
            "checkin": (day + pd.to_timedelta(begin, unit="D")).strftime("%d.%m.%Y"),
            "checkout": day + pd.to_timedelta(begin + nights, unit="D"),
            "nights": nights,
            "city": city,
            "zip": pd.Series(city).map({"Bern": "3000", "Basel": "4000", "Ulm": "89073"}),
            "total": price,
            "net": np.round(price / 1.2, 2),
            "income": np.where(draws.random(n) < 0.2, np.nan, draws.normal(size=n)),
            "smoker": smoker,
            "low": low,
            "high": np.round(low + draws.random(n), 2),
            "balance": np.where(smoker == "yes", 1, -1) * np.round(draws.random(n) + 0.1, 3),
            "one": (city == "Bern").astype(int),
            "two": (city == "Basel").astype(int),
            "three": (city == "Ulm").astype(int),
            "note": "x",
        }
    )


def orders() -> pd.DataFrame:
    """A table with the other rules: one of several, missing together, counted, in steps, and said by the user."""
    draws = np.random.default_rng(6)
    lines = draws.integers(1, 6, 60)
    n = lines.sum()
    which, lost = draws.integers(0, 3, n), draws.random(n) < 0.2
    first, second = draws.integers(1, 50, n) * 5.0, draws.normal(size=n).round(3)
    return pd.DataFrame(
        {
            **{name: (which == i).astype(int) for i, name in enumerate(["red", "green", "blue"])},
            "order": np.repeat(np.arange(60), lines),
            "line": np.concatenate([np.arange(k) + 1 for k in lines]),
            "first": np.where(lost, np.nan, first),
            "second": np.where(lost, np.nan, second),
        }
    )


def visits() -> pd.DataFrame:
    """Series of different lengths, with a category, few numbers, gaps and a rule."""
    draws, parts = np.random.default_rng(1), []
    for who, steps in enumerate(draws.integers(5, 9, 30)):
        hb, dose = np.round(draws.normal(size=steps).cumsum(), 2), draws.choice([0.0, 1.0, 5.0], steps)
        gap = np.where(draws.random(steps) < 0.2, np.nan, draws.normal(size=steps))
        days = pd.date_range("2020-01-01", periods=steps).strftime("%Y-%m-%d")
        cells = {"who": who, "day": days, "hb": hb, "dose": dose, "ward": draws.choice(["A", "B"], steps), "gap": gap}
        parts.append(pd.DataFrame(cells).assign(sum=hb + dose))
    return pd.concat(parts)


def hours() -> pd.DataFrame:
    times = pd.date_range("2021-03-01", periods=480, freq="h")
    return pd.DataFrame({"t": times, "mw": np.random.default_rng(2).normal(100, 5, 480).round(1)})


def images(colours: int) -> np.ndarray:
    return (np.random.default_rng(3).integers(0, colours, (40, 8, 8, 1)) * (255 // (colours - 1))).astype(np.uint8)


def clips() -> np.ndarray:
    return np.random.default_rng(4).normal(0, 0.1, (40, 256)).astype(np.float32)


MADE: dict[str, tuple[Any, dict[str, Any]]] = {
    "table": (people, {}),
    "conditional table": (people, {"given": ("city", "nights"), "network": "residual", "depth": 1}),
    "orders": (orders, {"rule": ("first + second >= second",)}),
    "series": (visits, {"kind": "series", "entity": "who", "time": "day"}),
    "windows": (hours, {"kind": "series", "time": "t", "calendar": ("hour",)}),
    "texts": (lambda: ["a cat sat", "the dog ran", "a red mat", "on a hill"] * 10, {"kind": "text"}),
    "numbers": (lambda: np.random.default_rng(5).normal(size=100), {}),
    "vectors": (lambda: np.random.default_rng(5).normal(size=(100, 3)), {}),
    "images": (partial(images, 200), {"kind": "image"}),
    "palette": (partial(images, 3), {"kind": "image", "network": "stylegan2"}),
    "audio": (clips, {"kind": "audio", "rate": 4000}),
    "waves": (clips, {"kind": "audio", "rate": 4000, "network": "wave"}),
}


@cache
def run_of(name: str) -> tuple[Run, bytes]:
    """A run at its first step, and the file of its model."""
    source, options = MADE[name]
    config = TrainConfig(**{**SMALL, **options})
    prepared = prepare(source(), config, [])
    config = config.completed(prepared.kind.options.train)
    if config.network == "auto" and prepared.network in ("symbols", "principal", "strided", "temporal"):
        config = config.with_options(width=None)
    run = Run.start(prepared, config, 64, prepared.kind.evidence(prepared, config, []))
    with tempfile.TemporaryDirectory() as folder:
        run.model().save(Path(folder) / "model.safetensors")
        return run, (Path(folder) / "model.safetensors").read_bytes()


def opened(content: bytes) -> tuple[dict[str, Any], bytes]:
    """What stands in the header of a file, its JSON and its tensors, and the bytes behind it."""
    (length,) = struct.unpack_from("<Q", content)
    tensors = json.loads(content[8 : 8 + length])
    metadata = tensors.pop("__metadata__")
    inner = {key: json.loads(metadata.pop(key)) for key in ("gankit", "state") if key in metadata}
    return {"json": inner, "other": metadata, "tensors": tensors}, content[8 + length :]


def closed(header: dict[str, Any], data: bytes) -> bytes:
    """The file again, with a checksum that fits as far as there can be one."""
    metadata = {**header["other"], **{key: dumps(value) for key, value in header["json"].items()}}
    metadata.pop("sha256", None)
    tensors = header["tensors"] if isinstance(header["tensors"], dict) else {"": header["tensors"]}

    def file() -> bytes:
        text = dumps({"__metadata__": metadata, **tensors}).encode("utf-8", "surrogatepass")
        return struct.pack("<Q", len(text)) + text + data

    try:
        metadata["sha256"] = _digest(load_tensors(file()), metadata)
    except Exception:  # then there can be none
        metadata["sha256"] = ""
    return file()


def dumps(value: Any) -> str:
    """JSON of a value however deep: brackets of an empty nest are written one by one."""
    try:
        return json.dumps(value)
    except RecursionError:
        return "[" * 100_000 + "]" * 100_000


def one_place(value: Any, draws: random.Random) -> Any:
    """Damage at one place or two, found by going down from the top, so that long lists do not take it all."""
    value = json.loads(json.dumps(value))
    for _ in range(draws.choice((1, 1, 1, 2))):
        holder = value["tensors" if draws.random() < 0.1 else "json"]
        while keys := list(holder) if isinstance(holder, dict) else list(range(len(holder))):
            key = draws.choice(keys)
            inner = holder[key]
            if isinstance(inner, dict | list) and inner and draws.random() < 0.97:
                holder = inner
                continue
            change = draws.randrange(8)
            if change == 0:
                del holder[key]
            elif change == 1 and isinstance(holder, dict):
                holder[f"{key}x"] = holder.pop(key)
            elif change == 2 and isinstance(holder, list):
                holder += [inner] * draws.choice((1, 3, 1000))
            elif change in (3, 4, 5) and type(inner) in (int, float):
                holder[key] = draws.choice((*NUMBERS, -1, 0.5, -inner, inner + 1, inner * 2, 1e308))
            elif change in (3, 4, 5) and isinstance(inner, str):
                holder[key] = draws.choice(("", inner * 2, inner[:-1], inner[1:], "\0", "x" * 100_000, "\ud800"))
            elif change in (3, 4) and isinstance(inner, bool):
                holder[key] = not inner
            else:
                holder[key] = draws.choice(VALUES)()
            break
    return value


def used(content: bytes, folder: Path) -> None:
    """Looks into a model, and lets it make a few records in the user's form and as a file."""
    # small blocks; in the child process that tries it, which nothing else shares
    blocks.BLOCK_ROWS, blocks.MOST_IMAGES, blocks.MOST_SEQUENCES, blocks.LEAST_SEQUENCES = 16, 4, 16, 4
    path = folder / "model.safetensors"
    path.write_bytes(content)
    dumps(gankit.inspect(path))
    model = gankit.load(path)
    model.sample(3)
    formats = {"text": "txt", "image": "zip", "audio": "zip"}
    model.write(folder / ("out." + formats.get(model.kind, "csv")), 3)


def target(name: str) -> Target:
    return Target(
        make=lambda: opened(run_of(name)[1])[0],
        wrap=lambda header: closed(header, opened(run_of(name)[1])[1]),
        use=used,
        change=one_place,
    )


@cache
def folder_of(name: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What stands in the JSON of a run folder's files, and the tensors in them."""
    folder = Path(tempfile.mkdtemp())
    source, options = MADE[name]
    data = folder / "data.npz"
    np.savez(data, **({"x": source()} if "kind" not in options else {"x": source(), "y": np.arange(len(source())) % 2}))
    config = TrainConfig(**{**SMALL, **options})
    prepared = prepare(str(data), config, [])
    config = config.completed(prepared.kind.options.train)
    evidence = perceive(prepared, 0, samples=64) if "kind" in options else None
    run = Run.start(prepared, config, 64, evidence)
    entry = {"options": config.to_json(), "source": str(data), "data_hash": prepared.data_hash, "notes": ["kind: x"]}
    made = RunFolder.create(folder / "run", {**entry, "total_samples": 64})
    made.save_evidence(evidence)
    game = play(run.game, run.train, run.heldout, run.evaluate)
    next(game)
    run.save(Previews(run, made), Pace(60.0, 1.0, {"game": 1e-4}, 0.1))
    parts, bytes_of = {"config": json.loads(made.config_path.read_text()), "log": [{"step": 0}, {"step": 10**6}]}, {}
    for path in (made.checkpoints()[-1][1], made.path / EVIDENCE_NAME):
        if path.exists():
            parts[path.name], bytes_of[path.name] = opened(path.read_bytes())
    return parts, bytes_of


def resumed(parts: dict[str, Any], folder: Path, name: str) -> None:
    """Goes on with a run until it says how far it is, and looks into its model."""
    (folder / "config.json").write_text(dumps(parts["config"]))
    log = parts["log"] if isinstance(parts["log"], list) else [parts["log"]]
    (folder / "log.jsonl").write_text("".join(dumps(line) + "\n" for line in log))
    for file, content in folder_of(name)[1].items():
        path = folder / file if file == EVIDENCE_NAME else folder / "checkpoints" / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(closed(parts[file], content))
    RunFolder(folder).previews.mkdir(exist_ok=True)
    with contextlib.suppress(InterruptedRun):
        gankit.resume(folder, should_stop=lambda: True, verbose=False)


def one_file(parts: dict[str, Any], draws: random.Random) -> dict[str, Any]:
    """Damage in one of the files."""
    file = draws.choice(list(parts))
    if file in ("config", "log"):
        return {**parts, file: one_place({"json": parts[file], "tensors": parts[file]}, draws)["json"]}
    return {**parts, file: one_place(parts[file], draws)}


def run_target(name: str) -> Target:
    return Target(make=lambda: folder_of(name)[0], use=partial(resumed, name=name), change=one_file)


TARGETS = {name: target(name) for name in MADE}
TARGETS |= {f"run of {name}": run_target(name) for name in ("numbers", "images")}


@pytest.mark.parametrize(
    ("name", "file", "place", "value", "why"),
    [
        ("numbers", "config", ("notes",), [None, ["kind: x"], "kind: "], "damaged"),
        ("numbers", "config", ("notes",), 5, "damaged"),
        ("images", EVIDENCE_NAME, ("json", "gankit", "label"), None, "damaged: label is missing"),
        ("images", EVIDENCE_NAME, ("json", "gankit", "classifier", "num_classes"), 3, "cannot be used"),
    ],
)
def test_a_changed_run_is_refused_by_name(
    name: str, file: str, place: tuple[str, ...], value: Any, why: str, tmp_path: Path
) -> None:
    parts = copy.deepcopy(folder_of(name)[0])
    holder = parts[file]
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    if value is None:
        del holder[place[-1]]
    with pytest.raises(ModelError, match=why) as error:
        resumed(parts, tmp_path, name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("option", ["network", "loss", "format", "penalty", "precision", "device", "kind"])
def test_a_run_of_choices_that_are_not_there_is_refused(option: str, tmp_path: Path) -> None:
    parts = copy.deepcopy(folder_of("numbers")[0])
    parts["config"]["options"][option] = "uto"
    with pytest.raises(GankitError, match="uto"):
        resumed(parts, tmp_path, "numbers")


@pytest.mark.parametrize(("name", "changed"), [("texts", "origin"), ("numbers", "codec")])
def test_a_model_without_its_columns_is_refused(name: str, changed: str, tmp_path: Path) -> None:
    header = copy.deepcopy(opened(run_of(name)[1])[0])
    stated = header["json"]["gankit"][changed]
    if changed == "origin":
        stated["details"]["texts"]["column"] = "other"
    else:
        stated |= {"names": [], "cells": []}
    path = tmp_path / "model.safetensors"
    path.write_bytes(closed(header, opened(run_of(name)[1])[1]))
    with pytest.raises(ModelError, match="damaged"):
        gankit.load(path)


@pytest.mark.slow
def test_damaged_models_and_runs_are_refused_in_one_sentence() -> None:
    faults, tried = hunt("test_fuzz_models", range(8))
    assert tried == 8 * len(TARGETS) and faults == []

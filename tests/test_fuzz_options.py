"""Options, conditions and Python arguments drawn at random end in a result or in one sentence, never in anything else.
`benchmarks/fuzz.py -m test_fuzz_options` runs the same for longer.
"""

from __future__ import annotations

import contextlib
import functools
import io
import random
import tempfile
import wave
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fuzzing import Fault, Target, attempt

import gankit
from gankit.cli import run
from gankit.model import Model
from gankit.randomness import numpy_generator
from gankit.run.options import kind_options, read_toml, train_options

SHORT = {"samples": "20", "batch": 4, "evaluations": 1, "early_stop": False, "width": 4, "compile": "off"}

TEXTS = (
    "", " ", "x", "0", "-1", "1.5", "1e999", "nan", "inf", "9" * 40, "auto", "none", "a=b", "=", "age=number",
    "city=number", "age=", "Oslo", "..", "|", ">=", "é", "e\u0301", "\u202e", "\U0001f600", "\ud800", "a\0b", "\n",
    "'", '"',
    "'\"'", "\\", "[", "(", "a" * 300, "x/" * 2000, "city -> age", "age = age + 1", "((age", "0..1", "2020-02-30",
)  # fmt: skip
SIGNS = ("=", ">=", "<=", ">", "<", "", "==", "=>", "!=", "..", "|")
NAMES = ("age", "city", "x", "since", "label", "", "é", "agee", "a" * 50)


@functools.cache
def place() -> Path:
    """A folder with a small file of every kind of data."""
    folder, draws = Path(tempfile.mkdtemp(prefix="gankit-fuzz-")), numpy_generator(0, "fuzz options")
    cities, days = np.array(["Oslo", "Lima", "e\u0301"]), pd.date_range("2020-01-01", periods=40)
    columns = {"age": draws.integers(18, 80, 40), "city": draws.choice(cities, 40), "x": draws.normal(size=40)}
    pd.DataFrame({**columns, "since": days}).to_csv(folder / "table.csv", index=False)
    np.save(folder / "numbers.npy", draws.normal(size=40))
    np.save(folder / "series.npy", draws.normal(size=(40, 8, 2)).cumsum(1))
    np.save(folder / "images.npy", draws.integers(0, 255, (40, 8, 8), dtype=np.uint8))
    (folder / "texts.txt").write_text("\n".join("".join(draws.choice(list("abc "), 9)) for _ in range(40)), "utf-8")
    (folder / "sounds").mkdir()
    for i in range(6):
        with wave.open(str(folder / "sounds" / f"{i}.wav"), "wb") as file:
            file.setparams((1, 2, 4000, 0, "NONE", ""))
            file.writeframes(draws.integers(-9000, 9000, 2000, dtype=np.int16).tobytes())
    return folder


SOURCES = ("table.csv", "numbers.npy", "series.npy", "images.npy", "texts.txt", "sounds")


@functools.cache
def model(kind: str) -> Model:
    more: dict[str, dict[str, Any]] = {
        "images.npy": {"network": "dcgan"},
        "given": {"given": ["city"], "network": "residual"},
    }
    source = place() / ("table.csv" if kind == "given" else kind)
    return gankit.train(source, out=place() / f"run-{kind}", **{**SHORT, **more.get(kind, {})})


MODELS = ("table.csv", "given", "numbers.npy", "texts.txt", "images.npy")


def drawn_text(draws: random.Random) -> str:
    if draws.random() < 0.6:
        return draws.choice(TEXTS)
    return "".join(draws.choice((*TEXTS[:30], *SIGNS, *"0123456789.-+eE:TZ' ")) for _ in range(draws.randrange(6)))


def drawn_flags(_: Any, draws: random.Random) -> list[str]:
    """A command line of a command that trains, samples, measures or inspects."""
    command = draws.choice(("train", "train", "train", "sample", "evaluate", "inspect", "export"))
    if command == "train":
        line = ["train", str(place() / draws.choice(SOURCES)), "-o", "run"]
        options, chosen = [o for o in train_options() if o.name not in ("budget", "samples")], dict[str, Any](SHORT)
        chosen["evaluations"], chosen["network"] = (
            "1",
            draws.choice(("residual", "dcgan", "strided", "auto", "sequential")),
        )
    else:
        line = [command, str(place() / f"run-{draws.choice(MODELS)}")]
        options = kind_options(command) if command in ("sample", "evaluate") else []
        chosen = {"num_rows": "20"} if command in ("sample", "evaluate") else {}
        line += ["-o", draws.choice(("out", "out.csv", "out.onnx", "\0", "a/b/c", drawn_text(draws)))]
        if command == "sample":
            chosen |= draws.choice(
                ({}, {"seed": drawn_text(draws)}, {"offset": drawn_text(draws)}, {"format": drawn_text(draws)})
            )
        if command == "inspect":
            line = line[:2]
    for option in draws.sample(options, min(len(options), draws.randrange(4))):
        value = draws.choice(option.choices) if option.choices and draws.random() < 0.6 else drawn_text(draws)
        chosen[option.name] = option.default is False if option.scalar is bool and draws.random() < 0.8 else value
    for name, value in chosen.items():
        flag = name.replace("_", "-")
        line += ["--no-" + flag if value is False else "--" + flag] + ([] if isinstance(value, bool) else [str(value)])
    return line


def flags(line: list[str], folder: Path) -> None:
    """The command ends with a user error or none."""
    if line[0] != "train":
        model(Path(line[1]).name.removeprefix("run-"))
    said = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = run(line)
    if code not in (0, 2, 3):
        said.flush()
        raise RuntimeError(f"exit {code}: {line[2:]}: {said.buffer.getvalue().decode()[-200:]}")


def drawn_conditions(_: Any, draws: random.Random) -> Any:
    """Conditions as they are typed."""
    kind = draws.choice(("table.csv", "given", "images.npy"))
    texts = [
        draws.choice((*NAMES[:4], *NAMES)) + draws.choice(SIGNS) + drawn_text(draws)
        for _ in range(draws.randrange(1, 4))
    ]
    return kind, texts


def conditions(given: tuple[str, list[str]], folder: Path) -> None:
    model(given[0]).sample(2, where=gankit.parse_where(given[1]))


VALUES: tuple[Any, ...] = (
    None, 5, -1, 1.5, True, "x", "", b"x", [], (), {}, {"a": 1}, {1: 2}, object(), np.array([]), np.array([1.0, 2.0]),
    float("nan"), float("inf"), 10**30, -(10**30), "a\0b", "x" * 4000, ["a\0b"], [None], "\ud800", range(3),
    pd.DataFrame(), 1j, Path("/"), Path("x" * 4000), np.float32(1), np.int64(3), 1e-300, {"age": np.array([])},
    {"city": [np.array([])]},
    {"age": "\ud800"}, {"x": (1, 2, 3)}, {"since": 1e300}, {"age": 10**400}, {"since": -(10**30)}, {"x": {}},
)  # fmt: skip
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "sample": ("n", "seed", "offset", "where", "temperature", "prefix", "truncation", "zzz"),
    "write": ("path", "n", "seed", "format", "where"),
    "save": ("path",), "made": ("n", "seed"), "conditions": ("where",), "load": ("path",), "inspect": ("path",),
    "resume": ("run", "source", "on_note"),
    "evaluate": ("model", "real", "fake", "seed", "num_rows", "records", "valid"),
    "parse_where": ("texts",), "train": ("source", "out", "config", "overwrite", "on_progress", "should_stop", "zzz"),
    "follow": ("source", "network", "given", "column", "missing", "heldout", "batch", "rule", "kind", "penalty_weight",
               "seed"),
}  # fmt: skip


def drawn_call(_: Any, draws: random.Random) -> Any:
    """A function, a model, and an argument of a value that it may not have."""
    name = draws.choice([*ARGUMENTS])
    return name, draws.choice(MODELS), draws.choice(ARGUMENTS[name]), draws.choice(VALUES)


def call(given: tuple[str, str, str, Any], folder: Path) -> None:
    name, kind, argument, value = given
    numbers = numpy_generator(0, "fuzz numbers").normal(size=30)
    usual: dict[str, dict[str, Any]] = {
        "sample": {"n": 2}, "write": {"path": "out.csv", "n": 2}, "save": {"path": "m"}, "made": {"n": 2},
        "resume": {"run": place() / "run-numbers.npy"}, "train": {"source": numbers, **SHORT},
        "evaluate": {"model": model("numbers.npy"), "num_rows": 20, "real": numbers},
        "follow": {"source": place() / "table.csv", **SHORT},
    }  # fmt: skip
    of = model(kind) if hasattr(Model, name) else gankit
    with contextlib.chdir(folder):
        found = getattr(of, name)(**{**usual.get(name, {}), argument: value})
        if name == "follow":
            next(found)


TARGETS = {
    "flags": Target(
        lambda: ["train", str(place() / "table.csv"), "--samples", "20", "-o", "run"], flags, change=drawn_flags
    ),
    "conditions": Target(lambda: ("table.csv", ["age>=20"]), conditions, change=drawn_conditions),
    "arguments": Target(lambda: ("sample", "table.csv", "seed", 5), call, change=drawn_call),
}


def faults(name: str, numbers: range) -> list[Fault]:
    found = (attempt(TARGETS[name], name, number) for number in numbers)
    return [fault for fault in found if fault is not None and not fault.what.startswith("slow")]


def test_random_options_end_in_a_result_or_a_sentence() -> None:
    assert faults("flags", range(40)) == []


def test_random_conditions_end_in_a_result_or_a_sentence() -> None:
    assert faults("conditions", range(200)) == []


def test_random_arguments_end_in_a_result_or_a_sentence() -> None:
    assert faults("arguments", range(100)) == []


def test_a_path_that_no_file_can_have_is_refused() -> None:
    for wrong in ("x" * 4000, "a\0b", Path("y" * 4000), "\ud800"):
        for function in (gankit.load, gankit.inspect, gankit.resume, gankit.train):
            with pytest.raises(gankit.GankitError, match=r"too long|no path"):
                function(wrong)


def test_an_empty_path_is_not_the_folder_at_hand() -> None:
    for function in (gankit.load, gankit.inspect, gankit.resume, gankit.train):
        with pytest.raises(gankit.OptionError, match="Got an empty text"):
            function("")


def test_options_in_a_file_that_is_nested_or_endless_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000 + "]" * 5000)
    for file, why in (("deep.toml", "too deeply"), ("/dev/zero", "larger than"), (".", "Is a directory")):
        with pytest.raises(gankit.OptionError, match=why):
            read_toml(tmp_path / file)


def test_values_of_several_lines_are_quoted_in_one(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2]})
    for call in (lambda: gankit.load(table), lambda: model("texts.txt").sample(1, where=table)):
        with pytest.raises(gankit.OptionError, match="Got") as error:
            call()
        assert "\n" not in str(error.value)
    for value in (np.array([]), np.array([1, 2]), table):
        with pytest.raises(gankit.OptionError, match="train: penalty must be"):
            gankit.train(place() / "numbers.npy", out=tmp_path, penalty=value)


def test_one_held_out_record_is_enough_to_train(tmp_path: Path) -> None:
    np.save(tmp_path / "one.npy", np.array([0.5]))
    trained = gankit.train(place() / "numbers.npy", out=tmp_path / "run", heldout=str(tmp_path / "one.npy"), **SHORT)
    assert trained.history[-1]["metric"] is None


def test_the_least_temperature_takes_the_likeliest_symbols() -> None:
    text = model("texts.txt")
    assert text.sample(3, temperature=5e-324) == text.sample(3, temperature=1e-12)

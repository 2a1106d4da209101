"""Objects as JSON and back: what cannot stand there is refused with its place."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from test_fuzz_models import closed, opened

import gankit
from gankit.errors import ModelError
from gankit.stored import Count, FloatOrNaN, Stored, StoredError, made, of_type, parse


@dataclass(frozen=True)
class Leaf(Stored):
    NAMES = {"sort": "kind"}  # noqa: RUF012
    LATER = ("more",)

    sort: Literal["a", "b"]
    numbers: npt.NDArray[np.float64]
    low: FloatOrNaN = 0.0
    more: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.numbers) > 3:
            raise ValueError("it has more than 3 numbers")


@dataclass(frozen=True)
class Tree(Stored):
    leaves: tuple[Leaf, ...]
    depth: Count | None
    pairs: tuple[tuple[float, int], ...] = ()


LEAF = {"kind": "a", "numbers": [1, 2.5]}


def test_what_was_stored_comes_back() -> None:
    tree = Tree((Leaf("a", np.array([1.0, 2.0]), math.nan, ("x",)), Leaf("b", np.zeros(0))), None, ((1.5, 2),))
    value = json.loads(json.dumps(tree.to_json(), allow_nan=False))
    assert value["leaves"][0] == {"kind": "a", "numbers": [1.0, 2.0], "low": None, "more": ["x"]}
    assert "more" not in value["leaves"][1]
    again = Tree.from_json(value)
    assert again.to_json() == tree.to_json() and math.isnan(again.leaves[0].low)


def test_a_key_that_files_of_before_lack_has_its_default() -> None:
    assert Tree.from_json({"leaves": [LEAF], "depth": 1, "unknown": 5}).leaves[0].more == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([], "its JSON is not an object"),
        ({"leaves": {}, "depth": 1}, "leaves is not a list"),
        ({"leaves": []}, "depth is missing"),
        ({"leaves": [], "depth": -1}, "depth is not from 0 to 2147483647"),
        ({"leaves": [], "depth": True}, "depth is not a whole number"),
        ({"leaves": [LEAF, {**LEAF, "kind": "c"}], "depth": 1}, "leaves[1].kind is none of 'a', 'b'"),
        ({"leaves": [{**LEAF, "kind": []}], "depth": 1}, "leaves[0].kind is none of 'a', 'b'"),
        ({"leaves": [{**LEAF, "numbers": ["x"]}], "depth": 1}, "leaves[0].numbers is not a list of numbers"),
        ({"leaves": [{**LEAF, "numbers": [1e400]}], "depth": 1}, "leaves[0].numbers is not a list of numbers"),
        ({"leaves": [{**LEAF, "numbers": [[1], 2]}], "depth": 1}, "leaves[0].numbers is not a list of numbers"),
        ({"leaves": [{**LEAF, "more": "text"}], "depth": 1}, "leaves[0].more is not a list of texts"),
        ({"leaves": [{**LEAF, "more": ["text", 1]}], "depth": 1}, "leaves[0].more is not a list of texts"),
        ({"leaves": [LEAF], "depth": 1, "pairs": [[1, 2, 3]]}, "pairs[0] is not a list of 2 values"),
        ({"leaves": [LEAF], "depth": 1, "pairs": [[1, 2.0]]}, "pairs[0][1] is not a whole number"),
        (
            {"leaves": [{**LEAF, "numbers": [1, 2, 3, 4]}], "depth": 1},
            "leaves[0] does not go together: it has more than 3 numbers",
        ),
    ],
)
def test_what_cannot_be_is_named_by_its_place(value: Any, text: str) -> None:
    with pytest.raises(StoredError) as caught:
        made(Tree, value)
    assert str(caught.value) == text


def test_a_dict_with_types_keeps_what_has_none() -> None:
    class Some(TypedDict):
        n: int

    assert of_type(Some, {"n": 1, "other": "x"}) == {"n": 1, "other": "x"}
    with pytest.raises(StoredError, match=r"^n is missing$"):
        of_type(Some, {})


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 60 + "]" * 60, "1" * 30, '"\\ud800"', b"\xff", "{", "[1,]"])
def test_texts_beyond_all_use_are_refused(text: str | bytes) -> None:
    with pytest.raises(StoredError):
        parse(text)


def test_characters_of_two_halves_are_read() -> None:
    assert parse('"\\ud83d\\ude00"') == "\U0001f600"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    draws = np.random.default_rng(0)
    table = pd.DataFrame({"city": draws.choice(["Bern", "Ulm"], 80), "age": draws.integers(18, 90, 80)})
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    gankit.train(table, samples="128", width=8, evaluations=1).save(path)
    return path.read_bytes()


def refused(content: bytes, path: Path) -> str:
    (path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError) as caught:
        gankit.load(path / "model.safetensors")
    return str(caught.value)


@pytest.mark.parametrize(
    ("place", "value", "text"),
    [
        (("schema", "columns", 0, "levels"), "Bern", "schema.columns[0].levels is not a list of texts."),
        (("schema", "columns", 0, "levels"), ["Bern"], "its columns and their codes do not go together"),
        (("codec", "fields", 0, "counts"), [1.0], "codec.fields[0] does not go together: it has"),
        (("plan", "depth"), 30_000, "its networks are larger than its tensors."),
        (("plan", "width"), 2_000, "its networks are larger than its tensors."),
        (("plan", "depth"), 7, "its networks have a tensor"),
        (("kind",), "people", "kind is none of image,"),
        (("card",), [], "card is not an object."),
        (("history",), None, "history is not a list."),
    ],
)
def test_a_changed_model_is_refused_when_it_is_loaded(
    model: bytes, tmp_path: Path, place: tuple[Any, ...], value: Any, text: str
) -> None:
    parts, data = opened(model)
    holder = parts["json"]["gankit"]
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = value
    found = refused(closed(parts, data), tmp_path)
    assert "is damaged, or was not written by gankit: " in found and text in found


def test_tensors_of_other_networks_are_refused(model: bytes, tmp_path: Path) -> None:
    parts, data = opened(model)
    name = next(iter(parts["tensors"]))
    parts["tensors"]["another"] = parts["tensors"].pop(name)
    assert "its networks have" in refused(closed(parts, data), tmp_path)


def test_a_header_that_is_no_header_is_refused(tmp_path: Path) -> None:
    for text in (b"null", b"[" * 50_000, b'{"__metadata__": 5}', b'{"__metadata__": {"gankit": "[]"}}', b'{"a": 1}'):
        refused(struct.pack("<Q", len(text)) + text, tmp_path)

"""Labels of records: which are conditions, which are left out, and what a held-out part may have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from image_examples import PLAIN, fill, noise

import gankit
from gankit.columns.rows import write
from gankit.columns.splitting import understand_labels
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.records import Origin
from gankit.kinds import prepare
from gankit.kinds.audio.files import encode_wav


def classes_of(source: object, **options: object) -> tuple[tuple[str, ...], str]:
    notes: list[str] = []
    prepared = prepare(source, TrainConfig(**options), notes)  # type: ignore[arg-type]
    return prepared.schema.column("label").levels, "\n".join(notes)


def test_folders_called_as_missing_values_are_classes(tmp_path: Path) -> None:
    names = [f"{label}/{i}.png" for label in ("EU", "NA", "none") for i in range(8)]
    levels, said = classes_of(fill(tmp_path, names, noise(24)))
    assert levels == ("EU", "NA", "none") and "label (3 classes)" in said
    model = gankit.train(tmp_path, samples=64, width=4)
    (batch,) = model.sample_batches(4, seed=0, where={"label": "NA"})
    assert batch.labels["label"].to_pylist() == ["NA"] * 4
    with pytest.raises(OptionError, match="where must be a dict"):
        model.sample(4, where="label=NA", seed=0)


def test_labels_that_are_nearly_all_different_are_left_out(tmp_path: Path) -> None:
    names = [f"person {i}/{j}.png" for i in range(30) for j in range(1 + (i < 5))]
    notes: list[str] = []
    prepared = prepare(fill(tmp_path, names, noise(35)), PLAIN, notes)
    assert prepared.schema.modelled == ()
    assert any("labels left out: label (30 different values)" in note for note in notes)
    assert len(classes_of(tmp_path, column=("label=category",))[0]) == 30


def test_a_label_that_is_always_the_same_is_left_out() -> None:
    _, schema = understand_labels(pa.table({"label": ["a"] * 9}), PLAIN, notes := [], "images")
    assert schema.modelled == () and notes == [
        "labels left out: label (always the same). Take them with --given NAME --column NAME=category."
    ]


def test_a_column_of_a_list_can_be_dropped_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(12)], noise(12))
    lines = [f"{i}.png,{['a', 'b'][i % 2]},{['x', 'y'][i % 2]}" for i in range(12)]
    (tmp_path / "list.csv").write_text("\n".join(["file,mood,hair", *lines]))
    prepared = prepare(tmp_path / "list.csv", TrainConfig(column=("hair=drop",)), [])
    assert [column.name for column in prepared.schema.modelled] == ["mood"]
    with pytest.raises(OptionError, match="no column 'beard'"):
        prepare(tmp_path / "list.csv", TrainConfig(column=("beard=drop",)), [])


def test_a_mistyped_label_is_refused_whatever_it_is_to_be() -> None:
    source = noise(12), np.array(["a", "b"] * 6)
    for kind in ("drop", "text", "category"):
        with pytest.raises(OptionError, match="no column 'labl'"):
            prepare(source, TrainConfig(column=(f"labl={kind}",)), [])
    prepared = prepare(source, TrainConfig(column=("label=drop",)), [])
    assert prepared.schema.modelled == ()


def test_held_out_images_of_unknown_classes_are_left_out(tmp_path: Path) -> None:
    train = [f"train/{label}/{i}.png" for label in "ab" for i in range(8)]
    test = [f"test/{label}/{i}.png" for label in "abc" for i in range(4)]
    fill(tmp_path, [*train, *test], noise(28))
    notes: list[str] = []
    prepared = prepare(tmp_path, TrainConfig(heldout=str(tmp_path / "test")), notes)
    assert len(prepared.heldout) == 8
    assert any("4 of its 12 images are without a class that training knows" in note for note in notes)
    fill(tmp_path, [f"plain/{i}.png" for i in range(8)], noise(8))
    plain = {"heldout": str(tmp_path / "plain")}
    with pytest.raises(DataError, match=r"its images have no labels.*--given none"):
        prepare(tmp_path / "train", TrainConfig(**plain), [])
    prepare(tmp_path / "train", TrainConfig(**plain, given=("none",)), [])
    fill(tmp_path, [f"strange/{label}/{i}.png" for label in "cd" for i in range(4)], noise(8))
    with pytest.raises(DataError, match="none of its 8 images has a label"):
        prepare(tmp_path / "train", TrainConfig(heldout=str(tmp_path / "strange")), [])


def test_what_lies_beside_class_folders_does_not_end_an_evaluation(tmp_path: Path) -> None:
    names = [*[f"{label}/{i}.png" for label in "ab" for i in range(20)], "loose.png", "stray.png"]
    fill(tmp_path / "data", names, noise(42))
    model = gankit.train(tmp_path / "data", samples=64, width=4, out=tmp_path / "run")
    notes: list[str] = []
    gankit.evaluate(model, n=20, on_note=notes.append)
    assert any("have no class that the model knows" in note for note in notes)
    fill(tmp_path / "other", [f"{label}/{i}.png" for label in "abc" for i in range(6)], noise(18))
    gankit.evaluate(model, real=tmp_path / "other", n=20)


def test_large_images_are_told_of() -> None:
    for side, size, told in ((1000, None, True), (1000, "64", False), (64, None, False)):
        notes: list[str] = []
        prepare(np.zeros((4, side, side, 1), np.uint8), TrainConfig(size=size), notes)
        assert any("--size 256" in note for note in notes) == told


def test_options_of_tables_are_refused() -> None:
    with pytest.raises(OptionError, match="--target is for tables"):
        prepare(np.zeros((9, 8, 8), np.uint8), TrainConfig(target="x"), [])
    with pytest.raises(OptionError, match="spectral is for audio clips"):
        prepare(noise(9), TrainConfig(augment="spectral"), [])


@pytest.mark.parametrize(
    ("column", "storage"), [((), pa.int64()), (("class=category",), pa.string())], ids=["found", "said"]
)
def test_classes_that_are_whole_numbers_stay_so_unless_the_user_calls_them_categories(
    column: tuple[str, ...], storage: pa.DataType
) -> None:
    labels = pa.table({"class": pa.array(["1", "2", "2", "3"] * 10)})
    _, schema = understand_labels(labels, TrainConfig(column=column), [], "series")
    assert schema.column("class").storage == storage


@pytest.mark.parametrize(
    ("option", "data"),
    [
        ({"delimiter": ";"}, "x.parquet"),
        ({"encoding": "cp1252"}, "frame"),
        ({"skip_bad_lines": True}, "x.jsonl"),
        ({"xpath": "//row"}, "x.csv"),
        ({"format": "csv"}, "frame"),
        ({"header": "no"}, "clips"),
        ({"skip_bad_lines": True}, "images"),
        ({"missing": ("zzz",)}, "clips"),
        ({"missing": ("zzz",)}, "images"),
    ],
)
def test_options_that_data_cannot_obey_are_refused_by_name(
    tmp_path: Path, option: dict[str, object], data: str
) -> None:
    """What they say of reading files and of labels, here of data that have neither."""
    frame = pa.table({"a": list(range(40)), "b": ["x", "y"] * 20})
    fill(tmp_path / "images", [f"{k}.png" for k in range(8)], noise(8))
    for k in range(4 if data == "clips" else 0):
        (tmp_path / "clips").mkdir(exist_ok=True)
        (tmp_path / "clips" / f"{k}.wav").write_bytes(encode_wav(np.arange(400, dtype=np.int16)[:, None] * 9, 8000))
    if data.startswith("x"):
        write(iter([frame]), tmp_path / data, Origin("csv"))
    source = frame if data == "frame" else tmp_path / data
    prepare(source, TrainConfig(), [])
    with pytest.raises(OptionError, match=f"--{next(iter(option)).replace('_', '-')} "):
        prepare(source, TrainConfig(**option), [])  # type: ignore[arg-type]


def test_folders_are_missing_labels_where_the_user_says_so(tmp_path: Path) -> None:
    names = [f"{label}/{i}.png" for label in ("a", "b", "NA", "unknown") for i in range(8)]
    levels, _ = classes_of(fill(tmp_path, names, noise(32)), missing=("unknown",))
    assert levels == ("NA", "a", "b")

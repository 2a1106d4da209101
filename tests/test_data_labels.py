"""Labels of files in folders and archives: which list belongs to which files, what are parts and what are classes."""

from __future__ import annotations

import json
import shutil
import unicodedata
from pathlib import Path

import audio_examples
import pytest
from image_examples import PLAIN, fill, noise

from gankit.columns.conditions import _codes
from gankit.columns.schema import Column
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds import prepare
from gankit.kinds.audio.reading import holds_audio, read_clips
from gankit.kinds.images.labels import plain_name
from gankit.kinds.images.reading import holds_images, read_images


def read(folder: Path) -> tuple[dict[str, dict[str, object]], str]:
    """Name of each image -> its labels; and all notes."""
    notes: list[str] = []
    images = read_images(folder, PLAIN, notes)
    rows = [{}] * len(images) if images.labels is None else images.labels.to_pylist()
    return dict(zip(images.names, rows, strict=True)), "\n".join(notes)


def test_a_list_belongs_to_the_folder_it_lies_in(tmp_path: Path) -> None:
    fill(tmp_path, [f"{part}/{i}.png" for part in ("test", "train") for i in range(8)], noise(16))
    for part, first in (("train", "a"), ("test", "b")):
        lines = [f"{i}.png,{'ab'[(i + (first == 'b')) % 2]}" for i in range(8)]
        (tmp_path / part / "_classes.csv").write_text("\n".join(["filename, mood", *lines]))
    labels, said = read(tmp_path)
    assert labels == {f"train/{i}.png": {"mood": "ab"[i % 2]} for i in range(8)}
    assert "labels (mood) taken from train/_classes.csv" in said and "test/_classes.csv" not in said


def test_lists_of_several_folders_are_put_together(tmp_path: Path) -> None:
    fill(tmp_path, [f"part{part}/{i}.png" for part in range(2) for i in range(4)], noise(8))
    for part in range(2):
        text = "file_name,mood\n" + "".join(f"{i}.png,{'ab'[(i + part) % 2]}\n" for i in range(4))
        (tmp_path / f"part{part}" / "metadata.csv").write_text(text)
    assert read(tmp_path)[0] == {f"part{p}/{i}.png": {"mood": "ab"[(i + p) % 2]} for p in range(2) for i in range(4)}


def test_a_list_of_another_part_beside_the_folders_is_not_taken(tmp_path: Path) -> None:
    fill(tmp_path, [f"{part}/{i}.png" for part in ("test", "train") for i in range(6)], noise(12))
    for part, turn in (("train", 0), ("test", 1)):
        text = "id,mood\n" + "".join(f"{i}.png,{'ab'[(i + turn) % 2]}\n" for i in range(6))
        (tmp_path / f"{part}.csv").write_text(text)
    labels, said = read(tmp_path)
    assert labels == {f"train/{i}.png": {"mood": "ab"[i % 2]} for i in range(6)}
    assert "no labels are taken from test.csv, which is of another part" in said


@pytest.mark.parametrize(
    ("parts", "taken", "label"),
    [
        (("train", "valid", "test"), "train", None),
        (("valid", "test"), "valid", None),
        (("training_set", "test_set", "more"), "training_set", None),
        (("train", "bus", "car"), None, "train"),
    ],
)
def test_parts_of_the_data_are_no_classes(
    tmp_path: Path, parts: tuple[str, ...], taken: str | None, label: str | None
) -> None:
    names = [f"{part}/{i}.png" for row, part in enumerate(parts) for i in range(5 - row)]
    labels, said = read(fill(tmp_path, names, noise(len(names))))
    if taken is None:
        assert len(labels) == len(names) and labels["train/0.png"] == {"label": label}
        assert "label is the name of the folder (bus, car, train)" in said
    else:
        assert list(labels) == [name for name in names if name.startswith(taken + "/")]
        assert set(map(len, labels.values())) == {0} and f"({len(names) - len(labels)})" in said


def test_folds_without_a_list_are_no_classes(tmp_path: Path) -> None:
    fill(tmp_path, [f"fold{fold}/{i}.png" for fold in range(1, 4) for i in range(4)], noise(12))
    labels, said = read(tmp_path)
    assert len(labels) == 12 and not any(labels.values())
    assert "the folders (fold1, fold2, fold3) are taken for parts of the data, not classes" in said


def test_parts_within_class_folders_are_no_classes(tmp_path: Path) -> None:
    names = [f"{label}/{part}/{i}.png" for label in "ab" for part in ("test", "train") for i in range(3)]
    labels, said = read(fill(tmp_path, names, noise(12)))
    assert labels == {name: {"label": name[0]} for name in names if "/train/" in name}
    assert "6 in 'test' are left out" in said


@pytest.mark.parametrize("form", ["./{}", ".\\pics\\{}", "pics\\{}", "data/pics/{}", "NFD"])
def test_names_in_lists_may_be_written_in_other_ways(tmp_path: Path, form: str) -> None:
    names = [f"pics/größe {i}.png" for i in range(4)]
    fill(tmp_path, names, noise(4))
    bare = [name[5:] for name in names]
    cells = [unicodedata.normalize("NFD", name) if form == "NFD" else form.format(name) for name in bare]
    lines = "".join(f"{cell},{'ab'[row % 2]}\n" for row, cell in enumerate(cells))
    (tmp_path / "metadata.csv").write_text("file_name,mood\n" + lines, encoding="utf-8")
    labels, _ = read(tmp_path)
    assert labels == {name: {"mood": "ab"[row % 2]} for row, name in enumerate(names)}
    if not form.startswith("data"):
        assert read_images(tmp_path / "metadata.csv", PLAIN, []).labels is not None
    assert plain_name("a\\.\\b.png") == "a/b.png"


def test_a_list_that_is_the_data_finds_names_in_other_capitals_too(tmp_path: Path) -> None:
    fill(tmp_path, [f"Faces/{name}.PNG" for name in ("a", "A", "b", "c")], noise(4))
    (tmp_path / "list.csv").write_text("file,mood\nfaces/b.png,x\nFaces/A.PNG,y\nfaces/C.PNG,x\nfaces/a.png,y\n")
    labels, said = read(tmp_path / "list.csv")
    assert labels == {"Faces/b.PNG": {"mood": "x"}, "Faces/A.PNG": {"mood": "y"}, "Faces/c.PNG": {"mood": "x"}}
    assert "1 of 4 images that its column 'file' names are not there: 'faces/a.png'" in said
    audio_examples.by_class(tmp_path / "s", 6)
    names = sorted(path.relative_to(tmp_path / "s").as_posix() for path in (tmp_path / "s").rglob("*.wav"))
    rows = "".join(f"{name.upper()},{'xy'[k % 2]}\n" for k, name in enumerate(names))
    (tmp_path / "s" / "list.csv").write_text("file,mood\n" + rows)
    assert list(read_clips(tmp_path / "s" / "list.csv", TrainConfig(), []).names) == names


def test_names_in_other_capitals_are_found_and_exact_ones_come_first(tmp_path: Path) -> None:
    fill(tmp_path, [f"in/{name}{i}.png" for i in range(4) for name in "xX"], noise(8))
    rows = [f"{name}{i}.PNG,{'a' if name == 'x' else 'b'}" for i in range(4) for name in "xX"]
    (tmp_path / "labels.csv").write_text("\n".join(["file,mood", *rows]).replace(".PNG", ".png"))
    expected = {f"in/{name}{i}.png": {"mood": "a" if name == "x" else "b"} for i in range(4) for name in "xX"}
    assert read(tmp_path)[0] == expected
    fill(tmp_path / "other", [f"x{i}.png" for i in range(4)], noise(4))
    text = "file,mood\n" + "".join(f"X{i}.PNG,{'ab'[i % 2]}\n" for i in range(4))
    (tmp_path / "other" / "labels.csv").write_text(text)
    assert read(tmp_path / "other")[0] == {f"x{i}.png": {"mood": "ab"[i % 2]} for i in range(4)}


@pytest.mark.parametrize("itself", [False, True])
def test_an_image_that_a_list_names_twice_is_taken_once(tmp_path: Path, itself: bool) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(6)], noise(6))
    rows = [f"{i}.png,{'ab'[i % 2]}\n" for i in range(6)]
    (tmp_path / "labels.csv").write_text("file,mood\n" + "".join(rows) + "0.png,b\n3.png,b\n")
    labels, said = read(tmp_path / "labels.csv" if itself else tmp_path)
    assert labels == {f"{i}.png": {"mood": "ab"[i % 2]} for i in range(6)}
    assert "2 rows name images again that rows before them name; they are left out" in said


def test_a_list_of_numbers_is_of_the_files_that_have_these_in_another_list(tmp_path: Path) -> None:
    fill(tmp_path / "images", [f"{i}.png" for i in range(6)], noise(6))
    (tmp_path / "images.txt").write_text("".join(f"{i + 1} {i}.png\n" for i in range(6)))
    (tmp_path / "image_class_labels.txt").write_text("".join(f"{i + 1} {i % 2}\n" for i in range(6)))
    assert {name: row["label"] for name, row in read(tmp_path)[0].items()} == {
        f"images/{i}.png": i % 2 for i in range(6)
    }


def test_names_that_may_mean_several_files_give_no_labels(tmp_path: Path) -> None:
    fill(tmp_path, [f"{part}/{i}.png" for part in ("00000", "00001") for i in range(4)], noise(8))
    (tmp_path / "labels.csv").write_text("file,mood\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(4)))
    labels, said = read(tmp_path)
    assert "'0.png' in it may mean 00000/0.png or 00001/0.png. Write the folders, too." in said
    assert all("mood" not in row for row in labels.values())


@pytest.mark.parametrize(
    "text", ["file Male Male Old\n0.png 1 -1\n1.png 1 1\n", "Male\n", "2\n", "Male Old\n0.png 1 1\n2"]
)
def test_lists_of_blanks_whose_names_do_not_fit_are_counted_as_not_read(tmp_path: Path, text: str) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(6)], noise(6))
    (tmp_path / "list_attr.txt").write_text(text)
    labels, said = read(tmp_path)
    assert len(labels) == 6 and not any(labels.values()) and "1 files are not read: 1 .txt" in said


def test_types_of_labels_that_are_not_there_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(6)], noise(6))
    with pytest.raises(OptionError, match=r"--column mood=category: these images have no labels"):
        prepare(str(tmp_path), TrainConfig(column=("mood=category",)), [])


def test_values_are_found_in_any_normal_form() -> None:
    column = Column("label", "category", "string", levels=("Größe", "Tiefe"))
    assert _codes(column, unicodedata.normalize("NFD", "größe")) == [0]


def test_the_list_of_stylegan_tools_gives_labels_and_its_folders_do_not(tmp_path: Path) -> None:
    names = [f"0000{i % 2}/img{i}.png" for i in range(8)]
    fill(tmp_path, names, noise(8))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": [[name, i // 4] for i, name in enumerate(names)]}))
    labels, said = read(tmp_path)
    assert {name: int(str(row["label"])) for name, row in labels.items()} == {n: i // 4 for i, n in enumerate(names)}
    assert "labels (label) taken from dataset.json" in said
    one_hot = [[name, [int(i < 4), int(i >= 4)]] for i, name in enumerate(names)]
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": one_hot}))
    assert read(tmp_path)[0] == labels
    (tmp_path / "dataset.json").write_text('{"labels": null}')
    labels, said = read(tmp_path)
    assert (
        set(map(len, labels.values())) == {0} and "no labels are taken from dataset.json: its labels are empty" in said
    )


def test_lists_in_columns_of_blanks_are_read(tmp_path: Path) -> None:
    fill(tmp_path, [f"img/{i:06}.jpg" for i in range(6)], noise(6))
    rows = [f"{i:06}.jpg {1 - i % 2 * 2:2}  {1 - i // 3 * 2:2}" for i in range(6)]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["6", "Male Smiling ", *rows]))
    (tmp_path / "README.txt").write_text("Some images.\nNothing else")
    labels, said = read(tmp_path)
    assert [(str(r["Male"]), str(r["Smiling"])) for r in labels.values()][:2] == [("1", "1"), ("-1", "1")]
    assert "taken from list_attr_celeba.txt" in said and "1 files are not read: 1 .txt" in said


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "meta/sounds.csv"])
def test_lists_give_labels_to_audio_as_to_images(tmp_path: Path, name: str) -> None:
    sounds, pitches = audio_examples.tones(8)
    audio_examples.fill(tmp_path, sounds, [f"audio/fold{i % 2 + 1}/{i // 2}.wav" for i in range(8)])
    rows = [{"file_name": f"{i // 2}.wav", "fold": i % 2 + 1, "classID": i % 2, "class": pitches[i]} for i in range(8)]
    lines = [json.dumps(row) for row in rows]
    if name.endswith(".csv"):
        lines = [",".join(rows[0]), *[",".join(map(str, row.values())) for row in rows]]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("\n".join(lines))
    notes: list[str] = []
    clips = read_clips(tmp_path, PLAIN, notes)
    assert clips.labels is not None and clips.labels.column_names == ["class"]
    assert clips.labels.column("class").to_pylist() == [pitches[int(n[10]) - 1] for n in clips.names]
    said = "\n".join(notes)
    assert f"labels (class) taken from {name}" in said and "fold (a part of the data)" in said


def test_what_is_not_read_is_counted(tmp_path: Path) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(4)], noise(4))
    for name in ("a.HEIC", "b.heic", "c.wav", "notes.md"):
        (tmp_path / name).write_bytes(b"x")
    said = read(tmp_path)[1]
    assert "4 files are not read: 2 .heic (convert to .png or .jpg), 1 .wav (--kind audio takes these" in said


def test_a_list_of_few_images_does_not_leave_out_the_others(tmp_path: Path) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(9)], noise(9))
    (tmp_path / "labels.csv").write_text("file,mood\n0.png,a\n1.png,b\n2.png,a\n")
    (tmp_path / "more.csv").write_text("file,age\n" + "".join(f"{i}.png,{20 + i % 2}\n" for i in range(8)))
    labels, said = read(tmp_path)
    assert len(labels) == 8 and labels["1.png"] == {"age": 21}
    assert "no labels are taken from labels.csv, naming 3 of 9 images: others are taken" in said
    (tmp_path / "more.csv").unlink()
    labels, said = read(tmp_path)
    assert len(labels) == 9 and "naming 3 of 9 images: most have none by it" in said


def test_a_list_that_names_what_is_gone_is_refused_if_it_must_fit(tmp_path: Path) -> None:
    fill(tmp_path, [f"{i}.png" for i in range(4)], noise(4))
    (tmp_path / "labels.csv").write_text("file,mood\n" + "".join(f"{i}.png,{'ab'[i % 2]}\n" for i in range(5)))
    with pytest.raises(DataError, match=r"labels.csv: 1 images that it names are not there: '4.png'.*--strict"):
        read_images(tmp_path, TrainConfig(strict=True), [])


@pytest.mark.parametrize("packed", [False, True])
def test_a_part_alone_takes_the_labels_of_the_list_beside_it(tmp_path: Path, packed: bool) -> None:
    root = tmp_path / "data"
    fill(root, [f"{part}/{i}.png" for part in ("train", "test") for i in range(8)], noise(16))
    lines = [f"{part}/{i}.png,{'ab'[(i + (part == 'test')) % 2]}" for part in ("train", "test") for i in range(8)]
    (root / "labels.csv").write_text("\n".join(["file,mood", *lines]))
    whole: Path | str = root
    if packed:
        whole = shutil.make_archive(str(root), "zip", tmp_path, "data") + "/data"
    labels, said = read(f"{whole}/test")
    assert labels == {f"{i}.png": {"mood": "ab"[(i + 1) % 2]} for i in range(8)}
    assert "labels (mood) taken from" in said and "not there" not in said


def test_a_list_beside_class_folders_is_counted_and_not_used(tmp_path: Path) -> None:
    names = [f"{'xy'[i % 2]}/{i}.png" for i in range(8)]
    fill(tmp_path, names, noise(8))
    (tmp_path / "more.csv").write_text(
        "file,mood\n" + "".join(f"{n},{'ab'[i // 4]}\n" for i, n in enumerate(names[:6]))
    )
    labels, said = read(tmp_path)
    assert labels["x/0.png"] == {"label": "x"} and "more.csv names 6 of 8 images (mood), and is not used" in said


def test_a_list_of_audio_files_as_input_is_read_as_audio(tmp_path: Path) -> None:
    folder = audio_examples.by_class(tmp_path, 6)
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.wav"))][::-1]
    lines = [f"{name},{'ab'[i % 2]}" for i, name in enumerate(names[:5])]
    (folder / "list.csv").write_text("\n".join(["file,mood", *lines, "gone.wav,a"]))
    assert holds_audio(folder / "list.csv", PLAIN) and not holds_images(folder / "list.csv", PLAIN)
    notes: list[str] = []
    clips = read_clips(folder / "list.csv", PLAIN, notes)
    assert clips.labels is not None and clips.labels.to_pydict() == {"mood": ["a", "b", "a", "b", "a"]}
    assert (
        list(clips.names) == names[:5] and "1 of 6 audio clips that its column 'file' names are not there" in notes[0]
    )
    with pytest.raises(DataError, match=r"audio clips .* are not there"):
        read_clips(folder / "list.csv", TrainConfig(strict=True), notes)

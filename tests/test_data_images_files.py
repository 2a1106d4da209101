"""Images in folders, archives and lists: what is found, in which order, with which labels."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_examples import PLAIN, encoded, fill, noise, tarred, zipped

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.archives import natural
from gankit.kinds import prepare
from gankit.kinds.images.reading import holds_images, read_images


def test_names_sort_as_people_sort_them() -> None:
    assert sorted(["10.png", "b/1.png", "2.png", "a10/1", "a2/1", "02.png"], key=natural) == [
        "02.png", "2.png", "10.png", "a2/1", "a10/1", "b/1.png",
    ]  # fmt: skip


def test_a_flat_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    x = noise(3)
    images = read_images(fill(tmp_path, ["10.png", "2.png", "1.PNG"], x), PLAIN, [])
    assert images.names == ("1.PNG", "2.png", "10.png")
    assert np.array_equal(images.x, x[[2, 1, 0]])
    assert images.labels is None and images.origin.format == "folder"


@pytest.mark.parametrize("deeper", ["", "more/"])
def test_folders_are_classes(tmp_path: Path, deeper: str) -> None:
    x = noise(4)
    notes: list[str] = []
    names = [f"cat/{deeper}1.png", "cat/2.png", "dog/1.png", f"dog/{deeper}2.png"]
    images = read_images(fill(tmp_path / "pets", names, x), PLAIN, notes)
    assert images.labels is not None
    assert images.labels.to_pydict() == {"label": ["cat", "cat", "dog", "dog"]}
    assert sorted(map(bytes, images.x)) == sorted(map(bytes, x))
    assert any("not told apart" in note for note in notes) == bool(deeper)


def test_folders_that_all_images_share_are_no_class(tmp_path: Path) -> None:
    inside = [f"data/images/{label}/{i}.png" for label in ("a", "b") for i in range(2)]
    labels = read_images(zipped(tmp_path / "pets.zip", inside, noise(4)), PLAIN, []).labels
    assert labels is not None and labels["label"].to_pylist() == ["a", "a", "b", "b"]
    assert read_images(fill(tmp_path / "one", ["all/1.png", "all/2.png"], noise(2)), PLAIN, []).labels is None


def test_train_and_test_are_no_classes_and_the_test_part_can_be_held_out(tmp_path: Path) -> None:
    names = [f"pets/{part}/{label}/{i}.png" for part in ("train", "test") for label in ("a", "b") for i in range(2)]
    x, notes = noise(8), list[str]()
    archive = zipped(tmp_path / "pets.zip", names, x)
    images = read_images(archive, PLAIN, notes)
    assert len(images) == 4 and images.labels is not None
    assert images.labels["label"].to_pylist() == ["a", "a", "b", "b"]
    assert f"--heldout {archive}/pets/test" in notes[0]
    heldout = read_images(f"{archive}/pets/test", PLAIN, [])
    assert np.array_equal(heldout.x, x[4:]) and heldout.labels is not None
    assert holds_images(f"{archive}/pets/test", PLAIN)
    with pytest.raises(DataError, match="no folder 'pets/tset'"):
        read_images(f"{archive}/pets/tset", PLAIN, [])


def test_images_beside_class_folders_have_no_label(tmp_path: Path) -> None:
    notes: list[str] = []
    images = read_images(fill(tmp_path, ["a/1.png", "a/2.png", "b/1.png", "b/2.png", "x.png"], noise(5)), PLAIN, notes)
    assert images.labels is not None and images.labels["label"].null_count == 1
    assert any("no class folder" in note for note in notes)


def test_hidden_files_are_passed_over(tmp_path: Path) -> None:
    names = ["1.png", "2.png", ".3.png", "__MACOSX/4.png", ".hidden/5.png"]
    folder = fill(tmp_path / "f", names, noise(5))
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "Thumbs.db").write_bytes(b"x")
    assert read_images(folder, PLAIN, []).names == ("1.png", "2.png")
    assert read_images(zipped(tmp_path / "f.zip", names, noise(5)), PLAIN, []).names == ("1.png", "2.png")


def test_circles_of_links_end(tmp_path: Path) -> None:
    fill(tmp_path, ["a/1.png", "b/2.png"], noise(2))
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    notes: list[str] = []
    images = read_images(tmp_path, PLAIN, notes)
    assert len(images) == 2
    assert any("'gone.png' (there is no such file)" in note for note in notes)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"])
def test_tar_archives_are_read(tmp_path: Path, suffix: str) -> None:
    x = noise(4)
    path = tarred(tmp_path / f"pets{suffix}", ["./b/1.png", "./a/2.png", "./a/10.png", "./b/2.png"], x)
    assert holds_images(path, PLAIN)
    images = read_images(path, PLAIN, [])
    assert images.names == ("a/2.png", "a/10.png", "b/1.png", "b/2.png")
    assert np.array_equal(images.x, x[[1, 2, 0, 3]])
    assert images.origin.format == "tar" and images.origin.name == "pets"


def test_names_that_leave_an_archive_write_nothing(tmp_path: Path) -> None:
    inside = tmp_path / "deep" / "er"
    inside.mkdir(parents=True)
    path = zipped(inside / "evil.zip", ["../../out.png", "/abs/out.png", "C:\\out.png"], noise(3))
    assert len(read_images(path, PLAIN, [])) == 3
    tar = tarred(inside / "evil.tar", ["../../out.png", "/abs/out.png"], noise(2))
    assert len(read_images(tar, PLAIN, [])) == 2
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["evil.tar", "evil.zip"]


def test_grey_and_colour_and_transparency_choose_the_channels(tmp_path: Path) -> None:
    grey, colour = noise(2, channels=1), noise(1, channels=3)
    assert read_images(fill(tmp_path / "g", ["1.png", "2.png"], grey), PLAIN, []).x.shape[3] == 1
    fill(tmp_path / "c", ["1.png", "2.png"], grey)
    notes: list[str] = []
    mixed = read_images(fill(tmp_path / "c", ["3.png"], colour), PLAIN, notes)
    assert np.array_equal(mixed.x[:2], np.repeat(grey, 3, axis=3)) and np.array_equal(mixed.x[2], colour[0])
    assert any("2 grey images among colour" in note for note in notes)
    opaque = np.concatenate([noise(2), np.full((2, 6, 5, 1), 255, np.uint8)], axis=3)
    assert np.array_equal(read_images(fill(tmp_path / "o", ["1.png", "2.png"], opaque), PLAIN, []).x, opaque[..., :3])
    clear = opaque.copy()
    clear[1, 0, 0, 3] = 254
    assert np.array_equal(read_images(fill(tmp_path / "t", ["1.png", "2.png"], clear), PLAIN, []).x, clear)
    greys_in_colour = np.repeat(grey, 3, axis=3)
    notes = []
    found = read_images(fill(tmp_path / "rgb", ["1.png", "2.png"], greys_in_colour), PLAIN, notes)
    assert np.array_equal(found.x, grey) and "--channels rgb" in notes[0]
    kept = read_images(tmp_path / "rgb", TrainConfig(channels="rgb"), [])
    assert np.array_equal(kept.x, greys_in_colour)


# --- lists --------------------------------------------------------------------------------------------------------


def listed(folder: Path, text: str, name: str = "list.csv") -> Path:
    fill(folder / "faces", [f"{i}.png" for i in range(40)], noise(40))
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(line: str) -> str:
    """Forty lines of a list, from a template with i, s (a category), n (a number) and t (a text of its own)."""
    return "".join(
        line.format(i=i, s=["glad", "sad"][i % 2], n=20 + i % 7, t=f"a face with the number {i}, seen {'x' * (i % 5)}")
        + "\n"
        for i in range(40)
    )


def test_a_list_gives_images_and_several_labels(tmp_path: Path) -> None:
    path = listed(tmp_path, "mood,file,age\n" + rows("{s},faces/{i}.png,{n}"))
    assert holds_images(path, PLAIN)
    images = read_images(path, PLAIN, [])
    assert images.origin.format == "list" and images.names[3] == "faces/3.png"
    assert np.array_equal(images.x, noise(40)) and images.labels is not None
    assert images.labels.column_names == ["mood", "age"]
    assert images.labels["mood"].to_pylist()[:3] == ["glad", "sad", "glad"]
    assert images.labels.schema.field("age").type == pa.int64()


@pytest.mark.parametrize("cell", ["{i}.png", "{i}"])
def test_names_in_a_folder_beside_the_list_and_without_suffix_are_found(tmp_path: Path, cell: str) -> None:
    path = listed(tmp_path, "id,mood\n" + rows(cell + ",{s}"))
    images = read_images(path, PLAIN, [])
    assert images.names[39] == "faces/39.png" and np.array_equal(images.x, noise(40))


def test_a_list_in_parquet_keeps_its_types(tmp_path: Path) -> None:
    listed(tmp_path, "")
    path = tmp_path / "list.parquet"
    names, ages = [f"faces/{i}.png" for i in range(40)], pa.array([20 + i % 7 for i in range(40)], pa.int16())
    pq.write_table(pa.table({"path": names, "age": ages}), path)
    assert holds_images(path, PLAIN)
    labels = read_images(path, PLAIN, []).labels
    assert labels is not None and labels.schema.field("age").type == pa.int16()


@pytest.mark.parametrize("form", ["struct", "plain"])
def test_images_inside_a_parquet_file_are_read(tmp_path: Path, form: str) -> None:
    x = noise(20)
    files = [encoded(one) for one in x]
    held = [{"bytes": one, "path": f"{i}.png"} for i, one in enumerate(files)] if form == "struct" else files
    pq.write_table(pa.table({"image": held, "label": pa.array([i % 2 for i in range(20)])}), tmp_path / "a.parquet")
    assert holds_images(tmp_path / "a.parquet", PLAIN)
    images = read_images(tmp_path / "a.parquet", PLAIN, [])
    assert np.array_equal(images.x, x) and images.labels is not None
    assert images.labels.to_pydict() == {"label": [0, 1] * 10}
    assert images.names[1] == ("1.png" if form == "struct" else "row 2")
    pq.write_table(pa.table({"key": [b"abc", b"def"], "n": [1, 2]}), tmp_path / "b.parquet")
    assert not holds_images(tmp_path / "b.parquet", PLAIN)


def test_a_list_in_json_lines_is_read(tmp_path: Path) -> None:
    path = listed(tmp_path, rows('{{"file_name": "faces/{i}.png", "mood": "{s}"}}'), "metadata.jsonl")
    assert holds_images(path, PLAIN)
    images = read_images(path, PLAIN, [])
    assert np.array_equal(images.x, noise(40)) and images.labels is not None
    assert images.labels["mood"].to_pylist()[:2] == ["glad", "sad"]


def test_a_list_of_paths_and_words_has_no_labels(tmp_path: Path) -> None:
    assert read_images(listed(tmp_path, "file,words\n" + rows('faces/{i}.png,"{t}"')), PLAIN, []).labels is None
    assert read_images(listed(tmp_path, "file\n" + rows("faces/{i}.png")), PLAIN, []).labels is None


def test_a_label_that_is_always_the_same_is_kept(tmp_path: Path) -> None:
    labels = read_images(listed(tmp_path, "file,mood\n" + rows("faces/{i}.png,glad")), PLAIN, []).labels
    assert labels is not None and set(labels["mood"].to_pylist()) == {"glad"}


def test_free_text_in_a_list_is_no_label(tmp_path: Path) -> None:
    notes: list[str] = []
    images = read_images(listed(tmp_path, "file,mood,words\n" + rows('faces/{i}.png,{s},"{t}"')), PLAIN, notes)
    assert images.labels is not None and images.labels.column_names == ["mood"]
    assert any("words" in note and "left out" in note for note in notes)


def test_a_list_inside_a_folder_or_zip_gives_labels(tmp_path: Path) -> None:
    x = noise(6)
    folder = fill(tmp_path / "faces", [f"{i}.png" for i in range(6)], x)
    text = "file_name,age\n" + "".join(f"{i}.png,{30 + i % 2}\n" for i in (5, 3, 1, 0))
    (folder / "metadata.csv").write_text(text)
    notes: list[str] = []
    images = read_images(folder, PLAIN, notes)
    assert np.array_equal(images.x, x[[5, 3, 1, 0]]) and images.labels is not None
    assert images.labels.to_pydict() == {"age": [31, 31, 31, 30]}
    assert any("2 images that metadata.csv does not list" in note for note in notes)
    archive = zipped(tmp_path / "faces.zip", [f"in/{i}.png" for i in range(6)], x)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("in/labels.csv", text)
    again = read_images(archive, PLAIN, [])
    assert np.array_equal(again.x, images.x) and again.labels == images.labels


def test_a_list_that_names_missing_files_skips_or_refuses_them(tmp_path: Path) -> None:
    path = listed(tmp_path, "file,mood\n" + rows("faces/{i}.png,{s}") + "faces/gone.png,sad\nfaces/lost.png,sad\n")
    notes: list[str] = []
    images = read_images(path, PLAIN, notes)
    assert len(images) == 40 and images.labels is not None and images.labels.num_rows == 40
    assert any("2 of 42" in note and "gone.png" in note and "--strict" in note for note in notes)
    with pytest.raises(DataError, match=r"2 of 42 .*'faces/gone.png', 'faces/lost.png'"):
        read_images(path, TrainConfig(strict=True), [])
    path.write_text("file,mood\n" + rows("nowhere/{i}.png,{s}"))
    assert holds_images(path, PLAIN)
    with pytest.raises(DataError, match=r"40 of 40 images that its column 'file' names are not there.*--kind table"):
        read_images(path, PLAIN, [])


def test_a_table_that_describes_images_which_are_elsewhere_is_a_table(tmp_path: Path) -> None:
    path = listed(tmp_path, "file,mood,age\n" + rows("nowhere/{i}.png,{s},{i}"))
    assert not holds_images(path, PLAIN)
    lines = ["file,mood,age", *[f"nowhere/{i}.png,glad,{i}" for i in range(30)], "faces/3.png,sad,4"]
    path.write_text("\n".join(lines))
    assert holds_images(path, PLAIN)
    for line in ("{i},{s},{n},nowhere/{i}.png", "{i},nowhere/{i}.png,{s},{n}", "nowhere/{i}.png;{s};{n}"):
        path.write_text("a,b,c,d\n" + rows(line))
        assert not holds_images(path, PLAIN), line
    for line in ("nowhere/{i}.png,{s}", "nowhere/{i}.png", "{s};nowhere/{i}.png"):
        path.write_text("a,b\n" + rows(line))
        assert holds_images(path, PLAIN), line


def test_a_list_without_a_line_of_names_keeps_its_first_image(tmp_path: Path) -> None:
    path = listed(tmp_path, rows("faces/{i}.png"), "list.txt")
    images = read_images(path, PLAIN, [])
    assert len(images) == 40 and images.names[0] == "faces/0.png"


def test_lists_that_give_no_labels_are_told_of(tmp_path: Path) -> None:
    fill(tmp_path / "flat", ["1.png", "2.png"], noise(2))
    (tmp_path / "flat" / "labels.csv").write_text("file,mood\nelsewhere/1.png,glad\nelsewhere/2.png,sad\n")
    notes: list[str] = []
    assert read_images(tmp_path / "flat", PLAIN, notes).labels is None
    assert any("no labels are taken from labels.csv" in note for note in notes)
    fill(tmp_path / "deep", ["a/1.png", "b/2.png"], noise(2))
    (tmp_path / "deep" / "more.csv").write_text("file,mood\na/1.png,glad\nb/2.png,sad\n")
    labels = read_images(tmp_path / "deep", PLAIN, notes).labels
    assert labels is not None and labels.column_names == ["label"]
    assert any("more.csv " in note and "is not used" in note for note in notes)


def test_a_list_of_one_image_is_refused_in_words(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png"], noise(1))
    (tmp_path / "list.csv").write_text("file,mood\n1.png,glad\n")
    with pytest.raises(DataError, match="gives one image"):
        read_images(tmp_path / "list.csv", PLAIN, [])


def test_the_runs_of_trainings_are_no_data(tmp_path: Path) -> None:
    fill(tmp_path, ["a/1.png", "a/2.png", "b/3.png", "runs/data-1/looks/1.png"], noise(4))
    (tmp_path / "runs" / "data-1" / "config.json").write_text("{}")
    assert len(read_images(tmp_path, PLAIN, [])) == 4  # a folder of settings may be anyone's
    (tmp_path / "runs" / "data-1" / "log.jsonl").write_text("")
    images = read_images(tmp_path, PLAIN, [])
    assert len(images) == 3 and images.labels is not None
    assert set(images.labels["label"].to_pylist()) == {"a", "b"}


@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_a_zip_is_skipped(tmp_path: Path, packing: int) -> None:
    path, x = tmp_path / "x.zip", noise(5, 30, 30)
    with zipfile.ZipFile(path, "w", packing) as archive:
        for i, pixels in enumerate(x):
            archive.writestr(f"{i}.png", encoded(pixels))
        damaged = archive.getinfo("2.png")
    data = bytearray(path.read_bytes())
    middle = damaged.header_offset + 40 + damaged.compress_size // 2
    data[middle : middle + 20] = bytes(20)
    path.write_bytes(data)
    notes: list[str] = []
    assert np.array_equal(read_images(path, PLAIN, notes).x, x[[0, 1, 3, 4]])
    assert any("1 of 5 images cannot be read and are skipped: '2.png'" in note for note in notes)
    with pytest.raises(DataError, match=r"1 of 5 .*'2.png'"):
        read_images(path, TrainConfig(strict=True), [])


def test_a_damaged_list_in_a_zip_is_an_error(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip", ["1.png", "2.png"], noise(2))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.csv", "file,mood\n1.png,glad\n2.png,sad\n")
        listed_at = archive.getinfo("labels.csv").header_offset
    data = bytearray(path.read_bytes())
    data[listed_at + 45 : listed_at + 50] = b"wrong"
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x.zip/labels.csv cannot be read: damaged in the zip"):
        read_images(path, PLAIN, [])


def test_links_in_a_tar_are_followed(tmp_path: Path) -> None:
    x = noise(2)
    fill(tmp_path / "data", ["a/1.png", "a/2.png"], x)
    (tmp_path / "data" / "b").mkdir()
    (tmp_path / "data" / "b" / "3.png").hardlink_to(tmp_path / "data" / "a" / "1.png")
    (tmp_path / "data" / "b" / "4.png").symlink_to("../a/2.png")
    (tmp_path / "data" / "b" / "round.png").symlink_to("round.png")
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        archive.add(tmp_path / "data", "data")
    with tarfile.open(tmp_path / "x.tar", "a") as archive:
        for i in range(3000):  # a long circle ends soon
            link = tarfile.TarInfo(f"data/c/{i}.png")
            link.type, link.linkname = tarfile.SYMTYPE, f"{(i + 1) % 3000}.png"
            archive.addfile(link)
    images = read_images(tmp_path / "x.tar", PLAIN, [])
    assert [name.removeprefix("data/") for name in images.names] == ["a/1.png", "a/2.png", "b/3.png", "b/4.png"]
    assert np.array_equal(images.x, x[[0, 1, 0, 1]])


@pytest.mark.parametrize("names", [["1.heic", "2.heic"], ["1.docx"], []])
def test_a_folder_of_other_things_is_refused_with_what_it_holds(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    assert not holds_images(tmp_path, PLAIN)
    with pytest.raises(DataError, match="heic is not read" if names == ["1.heic", "2.heic"] else "folder"):
        prepare(tmp_path, PLAIN, [])


def test_zips_of_zips_and_encrypted_ones_are_refused_in_words(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", ["1.png", "2.png"], noise(2))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.write(tmp_path / "a.zip", "a.zip")
    with pytest.raises(DataError, match=r"holds no arrays: it is an archive of '1.png'.*Unpack it"):
        prepare(tmp_path / "b.zip", PLAIN, [])
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="is encrypted"):
        prepare(tmp_path / "a.zip", PLAIN, [])


def test_digits_as_labels_are_not_taken_for_names_of_images(tmp_path: Path) -> None:
    for line, title in (("faces/{i}.png,", "file,digit\n"), ("{i},", "id,digit\n"), ("{i}.png,", "name,digit\n")):
        digits = "".join(line.format(i=i) + f"{i % 10}\n" for i in range(40))
        images = read_images(listed(tmp_path, title + digits + line.format(i=77) + "3\n"), PLAIN, [])
        assert len(images) == 40 and images.labels is not None and images.labels.column_names == ["digit"]
    other_way_round = "digit,id\n" + "".join(f"{i % 10},{i}\n" for i in range(40))
    labels = read_images(listed(tmp_path, other_way_round), PLAIN, []).labels
    assert labels is not None and labels.column_names == ["digit"]


def test_a_column_that_is_asked_for_and_missing_is_refused(tmp_path: Path) -> None:
    path = listed(tmp_path, "file,mood\n" + rows("faces/{i}.png,{s}"))
    with pytest.raises(OptionError, match=r"no column 'mod' of labels\. Did you mean 'mood'"):
        read_images(path, TrainConfig(given=("mod",)), [])


# --- what is no image -------------------------------------------------------------------------------------------


def test_tables_do_not_look_like_images(tmp_path: Path, small_table: Path) -> None:
    assert not holds_images(small_table, PLAIN)
    assert not holds_images(tmp_path, PLAIN)
    assert not holds_images(tmp_path / "missing.zip", PLAIN)
    assert not holds_images("-", PLAIN)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 and then nothing")
    assert not holds_images(broken, PLAIN)
    for source in (None, 3, [], [1, 2], {"a": [1]}, {"x": np.zeros(3)}, ([1], [2]), pa.table({"a": [1]}), object()):
        assert not holds_images(source, PLAIN)
    with zipfile.ZipFile(tmp_path / "table.zip", "w") as archive:
        archive.write(small_table, "people.csv")
    assert not holds_images(tmp_path / "table.zip", PLAIN)


def test_the_kind_that_was_asked_for_decides(tmp_path: Path, small_table: Path) -> None:
    fill(tmp_path, ["1.png", "2.png"], noise(2))
    assert holds_images(tmp_path, PLAIN)
    assert holds_images(tmp_path / "1.png", PLAIN)
    assert not holds_images(tmp_path, TrainConfig(kind="table"))
    assert holds_images(small_table, TrainConfig(kind="image"))


def test_options_of_tables_are_refused_for_folders(tmp_path: Path) -> None:
    fill(tmp_path, ["1.png", "2.png"], noise(2))
    for options in (
        {"delimiter": ";"},
        {"encoding": "latin-1"},
        {"xpath": "//a"},
        {"header": "yes"},
        {"format": "csv"},
    ):
        with pytest.raises(OptionError, match=f"--{next(iter(options))} does not hold"):
            read_images(tmp_path, TrainConfig(**options), [])  # type: ignore[arg-type]

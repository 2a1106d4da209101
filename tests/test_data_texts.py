"""Texts: which data is some, how it is read from every form, what is skipped or refused, and how it is written."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_examples import SYLLABLES, names_folder, sentences, words

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, OutputError
from gankit.kinds import KINDS, prepare
from gankit.kinds.texts.files import holds_texts, read_texts, write_texts
from gankit.kinds.texts.records import TextCodec, cut, fits, text_hash, text_table, to_text_object, unit_of

AUTO, TEXT = TrainConfig(), TrainConfig(kind="text")
MANY = words("Aba", 200) + words("Obo", 200)


def lines(path: Path, texts: list[str], encoding: str = "utf-8", end: str = "\n") -> Path:
    path.write_bytes("".join(text + end for text in texts).encode(encoding))
    return path


# --- is it texts? -----------------------------------------------------------------------------------------------------

SOME = sentences(80) + words("Obo", 80)

TABLES = {
    "numbers": [str(i * 1.5) for i in range(50)],
    "two columns": [f"{w},{i}" for i, w in enumerate(words("Obo", 50))],
    "tabs": [f"{w}\t{i}" for i, w in enumerate(words("Obo", 50))],
    "classes": ["yes", "no", "perhaps"] * 30,
    "dates": [f"2020-01-{1 + i % 28:02d}" for i in range(60)],
    "blanks": [f"{i} {i / 7:.3f} {i * i}" for i in range(50)],
    "blanks and classes": [f"{i / 7:.3f} {i * i} setosa red" for i in range(50)],
    "json": [f'{{"a": {i}}}' for i in range(30)],
}


@pytest.mark.parametrize("suffix", [".txt", ".smi", ""])
def test_lines_of_free_text_are_texts(suffix: str, tmp_path: Path) -> None:
    assert holds_texts(lines(tmp_path / f"data{suffix}", SOME), AUTO)


@pytest.mark.parametrize("what", sorted(TABLES))
def test_lines_that_are_a_table_are_none(what: str, tmp_path: Path) -> None:
    assert not holds_texts(lines(tmp_path / "data.txt", TABLES[what]), AUTO)


def test_texts_with_commas_are_texts(tmp_path: Path) -> None:
    texts = [", ".join(sentences(1 + i % 3, seed=i)) for i in range(60)]
    assert holds_texts(lines(tmp_path / "data.txt", texts), AUTO)


def test_sentences_that_come_again_are_texts(tmp_path: Path) -> None:
    assert holds_texts(lines(tmp_path / "data.txt", sentences(60) * 4), AUTO)


def test_the_user_has_the_last_word(tmp_path: Path) -> None:
    path = lines(tmp_path / "data.txt", TABLES["classes"])
    assert holds_texts(path, TEXT) and holds_texts(path, TrainConfig(unit="word"))
    assert not holds_texts(lines(tmp_path / "other.txt", SOME), TrainConfig(kind="table"))


def test_a_list_of_many_texts_is_texts_and_one_of_few_classes_is_a_table() -> None:
    assert prepare(MANY, AUTO, []).kind.name == "text"
    assert prepare(["red", "green", "blue"] * 20, AUTO, []).kind.name == "table"


def test_a_table_of_one_column_of_free_text_is_texts(tmp_path: Path) -> None:
    path = lines(tmp_path / "names.csv", ["name", *MANY])
    prepared = prepare(path, AUTO, [])
    assert prepared.kind.name == "text" and prepared.num_train + prepared.num_heldout == len(MANY)


# --- every form -------------------------------------------------------------------------------------------------------


def files_archive(path: Path, form: str) -> Path:
    folder = names_folder(path / "names")
    target = path / f"names.{form}"
    if form == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"names/{file.name}")
    else:
        with tarfile.open(target, "w:gz") as tar:
            tar.add(folder, "names")
    return target


@pytest.mark.parametrize("form", ["folder", "zip", "tar.gz"])
def test_a_file_a_class_gives_the_label(form: str, tmp_path: Path) -> None:
    path = names_folder(tmp_path / "names") if form == "folder" else files_archive(tmp_path, form)
    assert holds_texts(path, AUTO)
    texts = read_texts(path, AUTO, [])
    assert texts.labels is not None and set(texts.labels.column("label").to_pylist()) == {"Aba", "Obo"}
    by_label = {
        k: [t for t, v in zip(texts.texts, texts.labels.column("label").to_pylist(), strict=True) if v == k]
        for k in SYLLABLES
    }
    assert by_label["Obo"] == words("Obo", 150)


@pytest.mark.parametrize("compression", ["gz", "zip"])
def test_packed_lines_are_read(compression: str, tmp_path: Path) -> None:
    data = "\n".join(MANY).encode()
    path = tmp_path / f"names.txt.{compression}"
    if compression == "gz":
        path.write_bytes(gzip.compress(data))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("names.txt", data)
    assert holds_texts(path, AUTO)
    assert list(read_texts(path, AUTO, []).texts) == MANY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_the_encoding_is_found_and_kept(encoding: str, tmp_path: Path) -> None:
    texts = ["Ångström", "naïve façade", "Müller", "plain"]
    path = lines(tmp_path / "data.txt", texts, encoding, end="\r\n")
    found = read_texts(path, TEXT, [])
    assert list(found.texts) == texts
    write_texts([text_table(found.texts, None, found.origin)], tmp_path / "again.txt", found.origin)
    assert (tmp_path / "again.txt").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_long_file_of_utf_16_is_texts_to_the_first_line(encoding: str, tmp_path: Path) -> None:
    texts = sentences(1500)  # of which a character that has the byte of a line end, U+0A05, begins the last in the head
    texts = [*texts[:700], *("\u0a05" * 20 + f" {text}" for text in texts[700:])]
    path = lines(tmp_path / "data.txt", texts, encoding, end="\r\n")
    assert path.stat().st_size > 1 << 16 and holds_texts(path, AUTO)
    found = read_texts(path, AUTO, [])
    assert list(found.texts) == texts
    write_texts([text_table(found.texts, None, found.origin)], tmp_path / "again.txt", found.origin)
    assert (tmp_path / "again.txt").read_bytes() == path.read_bytes()


def test_a_line_may_hold_what_other_readers_take_for_its_end(tmp_path: Path) -> None:
    texts = ["one\u2028two", "three\x0cfour", "five\u0085six"]
    assert list(read_texts(lines(tmp_path / "data.txt", texts), TEXT, []).texts) == texts


def table_of(texts: list[str]) -> pa.Table:
    return pa.table({"id": range(len(texts)), "said": texts, "mood": ["glad", "sad"] * (len(texts) // 2)})


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_a_column_of_a_table_is_texts_and_the_others_are_labels(form: str, tmp_path: Path) -> None:
    texts = sentences(60)
    path = tmp_path / f"data.{form}"
    if form == "parquet":
        pq.write_table(table_of(texts), path)
    else:
        from gankit.columns.rows import write
        from gankit.io.records import Origin

        write([table_of(texts)], path, Origin(form))
    notes: list[str] = []
    found = read_texts(path, TEXT, notes)
    assert list(found.texts) == texts and found.labels is not None
    assert found.labels.column_names == ["id", "mood"] and any("'said'" in note for note in notes)
    assert list(read_texts(path, TrainConfig(text_column="mood"), []).texts) == ["glad", "sad"] * 30


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = "\n".join(MANY).encode()

    class Piped:
        buffer = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]  # a BytesIO is a raw stream in all but name

    monkeypatch.setattr(sys, "stdin", Piped)
    assert holds_texts("-", AUTO)
    assert list(read_texts("-", AUTO, []).texts) == MANY


def test_objects_come_back_as_they_came() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"mood": ["glad", "sad"] * 30, "said": sentences(60)})
    for source in (MANY, frame, frame["said"], frame[["said"]]):
        found = read_texts(source, TEXT, [])
        again = to_text_object(text_table(found.texts, found.labels, found.origin), found.origin)
        assert type(again) is type(source)
        assert again == source if isinstance(source, list) else again.equals(source)


def test_the_hash_is_that_of_texts_and_labels(tmp_path: Path) -> None:
    same = [read_texts(source, TEXT, []) for source in (lines(tmp_path / "a.txt", MANY), tmp_path / "a.txt")]
    assert text_hash(same[0]) == text_hash(same[1])
    assert text_hash(read_texts(lines(tmp_path / "b.txt", MANY[1:]), TEXT, [])) != text_hash(same[0])


# --- molecules, sequences, phrases, documents -------------------------------------------------------------------------

MOLECULES = [
    f"{'C' * (1 + i % 13)}{('(=O)O', 'c1ccccc1O', '(C)N', '1CCCCC1')[i % 4]}{'N' * (i // 40)}" for i in range(80)
]


@pytest.mark.parametrize("mark", [" ", "\t"])
@pytest.mark.parametrize("suffix", [".smi", ".txt"])
def test_names_behind_molecules_are_left_out(mark: str, suffix: str, tmp_path: Path) -> None:
    path, notes = lines(tmp_path / f"m{suffix}", [f"{m}{mark}CHEMBL{i}" for i, m in enumerate(MOLECULES)]), list[str]()
    if (mark, suffix) == ("\t", ".txt"):
        path.write_text("\n".join(f"{m}{mark}CHEMBL{i}" for i, m in enumerate(MOLECULES)))
    assert list(read_texts(path, AUTO, notes).texts) == MOLECULES
    assert prepare(path, AUTO, []).codec.unit == "smiles"
    assert len(notes) == 1 and "('CHEMBL0', …) is taken for their names and left out" in notes[0]
    assert read_texts(path, TrainConfig(unit="character"), []).texts[0] == f"{MOLECULES[0]}{mark}CHEMBL0"


def test_molecules_with_numbers_are_a_table_unless_the_suffix_says_more(tmp_path: Path) -> None:
    rows = [f"{m}\t{i / 7:.2f}" for i, m in enumerate(MOLECULES)]
    assert not holds_texts(lines(tmp_path / "m.txt", rows), AUTO)
    assert holds_texts(lines(tmp_path / "m.smi", rows), AUTO)


FASTA = ">a one\r\nACDEF\r\nGHI\r\n>b two\r\nKLM\r\n>c one\r\nNPQRS\r\nTVWYA\r\nC\r\n"


@pytest.mark.parametrize("name", ["p.fasta", "p.fa", "p.txt", "p.fasta.gz"])
def test_fasta_is_a_record_a_sequence_and_comes_back_as_fasta(name: str, tmp_path: Path) -> None:
    path, notes = tmp_path / name, list[str]()
    path.write_bytes(gzip.compress(FASTA.encode()) if name.endswith(".gz") else FASTA.encode())
    assert holds_texts(path, AUTO)
    found = read_texts(path, AUTO, notes)
    assert found.texts == ("ACDEFGHI", "KLM", "NPQRSTVWYAC")
    assert found.labels is not None and found.labels.column("label").to_pylist() == ["one", "two", "one"]
    assert notes == [
        f"{name}: names of sequences ('a one', …) are left out; label is what stands behind them ('one', …)"
    ]
    table = text_table(found.texts, found.labels, found.origin)
    write_texts([table.slice(0, 1), table.slice(1)], tmp_path / "again.fasta", found.origin)
    want = FASTA.replace("a one", "synthetic_1 one").replace("b two", "synthetic_2 two")
    assert (tmp_path / "again.fasta").read_bytes().decode() == want.replace("c one", "synthetic_3 one")


def test_fasta_of_names_alone_has_no_labels_and_what_is_none_is_refused(tmp_path: Path) -> None:
    path = lines(tmp_path / "p.fa", [line for i in range(30) for line in (f">p|{i}", "ACDEFGHIKL"[i % 5 :])])
    prepared = prepare(path, TrainConfig(given=("none",)), [])
    assert prepared.origin.format == "fasta" and prepared.num_train == 24
    with pytest.raises(DataError, match=r"line 1: expected '>' and a name, found 'ACDE'"):
        prepare(lines(tmp_path / "q.fa", ["ACDE", ">q", "ACDE"]), AUTO, [])
    quoted = lines(tmp_path / "mail.txt", [line for text in sentences(60) for line in (f"> {text}", text)])
    assert holds_texts(quoted, AUTO) and len(read_texts(quoted, AUTO, [])) == 120


def test_words_with_blanks_do_not_go_into_fasta(tmp_path: Path) -> None:
    found = read_texts(["one two", "three"], TEXT, [])
    with pytest.raises(OutputError, match="FASTA holds sequences"):
        write_texts([text_table(found.texts, None, found.origin)], tmp_path / "x.fasta", found.origin)


def test_last_and_first_names_are_one_text(tmp_path: Path) -> None:
    path, notes = (
        lines(tmp_path / "n.txt", [f"{a}, {b}" for a, b in zip(MANY, [*MANY[9:], *MANY[:9]], strict=True)]),
        [],
    )
    assert prepare(path, AUTO, notes).kind.name == "text" and "--kind table takes columns" in notes[0]
    few = lines(tmp_path / "f.txt", [f"{name}, {('Ann', 'Bob', 'Eve')[i % 3]}" for i, name in enumerate(MANY)])
    assert holds_texts(few, AUTO), "most first names are taken for a category, and the last names would be left out"
    assert not holds_texts(lines(tmp_path / "t.txt", [f"{a}, {i}" for i, a in enumerate(MANY)]), AUTO)
    with pytest.raises(DataError, match=r"nothing to learn.*Free texts are learned by --kind text\."):
        prepare(path, TrainConfig(kind="table"), [])


def test_one_long_line_is_one_text_and_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text(". ".join(sentences(60)))
    with pytest.raises(DataError, match=r"is one line of [\d,]+ characters: one text.*Write each text on a line"):
        prepare(path, AUTO, [])
    path.write_text(sentences(1)[0])
    with pytest.raises(DataError, match=r"training needs at least 2 texts"):
        prepare(path, AUTO, [])
    path.write_text(" ".join(map(str, range(500))))
    assert not holds_texts(path, AUTO)


def documents(folder: Path, count: int, classes: tuple[str, ...] = ("",), encoding: str = "utf-8") -> list[str]:
    found = []
    for row in range(count):
        file = folder / classes[row % len(classes)] / f"recipe{row}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = "\n".join(sentences(2 + row % 3, seed=row))
        file.write_bytes((text + "\n").encode(encoding))
        found.append(text)
    return found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_many_files_of_few_lines_are_a_text_each(encoding: str, tmp_path: Path) -> None:
    texts, notes = documents(tmp_path / "r", 30, encoding=encoding), list[str]()
    found = read_texts(tmp_path / "r", AUTO, notes)
    assert list(found.texts) == texts and found.labels is None
    assert any("each file is one text (30 files, 90 lines); --text-per line takes each line" in note for note in notes)
    table = text_table(found.texts, None, found.origin)
    for name in ("again", "again.zip"):
        write_texts([table.slice(0, 9), table.slice(9)], tmp_path / name, found.origin)
        again = read_texts(tmp_path / name, AUTO, [])
        assert again.texts == found.texts and again.origin.encoding == encoding
    assert (tmp_path / "again" / "000003.txt").read_bytes() == (tmp_path / "r" / "recipe3.txt").read_bytes()
    per_line = read_texts(tmp_path / "r", TrainConfig(text_per="line"), [])
    assert len(per_line) == 90 and per_line.labels is not None


def test_documents_take_the_names_of_their_folders_for_labels(tmp_path: Path) -> None:
    texts = documents(tmp_path / "r", 30, ("glad", "sad"))
    found = read_texts(tmp_path / "r", AUTO, [])
    assert found.labels is not None and set(found.texts) == set(texts)
    write_texts([text_table(found.texts, found.labels, found.origin)], tmp_path / "again", found.origin)
    again = read_texts(tmp_path / "again", AUTO, [])
    assert again.texts == found.texts and again.labels == found.labels


def test_folders_of_markdown_are_documents_and_those_of_fasta_sequences(tmp_path: Path) -> None:
    (tmp_path / "md").mkdir()
    (tmp_path / "fa").mkdir()
    for row in range(8):
        (tmp_path / "md" / f"{row}.md").write_text(f"# Title {row}\n\nSome words.\n")
        (tmp_path / "fa" / f"{row}.fasta").write_text(f">a{row}\nACGT\nAC{'ACGT'[row % 4]}\n>b{row} x\nTTTT\n")
    assert prepare(tmp_path / "md", TrainConfig(), []).kind.name == "text"
    assert read_texts(tmp_path / "md", AUTO, []).texts == tuple(f"# Title {row}\n\nSome words." for row in range(8))
    assert prepare(tmp_path / "fa", TrainConfig(), notes := []).kind.name == "text"
    found = read_texts(tmp_path / "fa", AUTO, [])
    assert found.texts[:4] == ("ACGTACA", "TTTT", "ACGTACC", "TTTT") and len(found) == 16
    assert sum("the sequences in 8 FASTA files" in note for note in notes) == 1
    (tmp_path / "fa" / "x.txt").write_text("one line\n")
    assert read_texts(tmp_path / "fa", AUTO, notes).texts == found.texts and any("1 other files" in n for n in notes)


@pytest.mark.parametrize("packed", [False, True])
def test_parts_of_texts_are_no_classes_and_never_mixed(tmp_path: Path, packed: bool) -> None:
    for part, mark in (("train", "a"), ("test", "b")):
        for mood in ("glad", "sad"):
            (tmp_path / "data" / part / mood).mkdir(parents=True)
            for i in range(12):
                (tmp_path / "data" / part / mood / f"{i}.txt").write_text(f"the {mark} {mood} dog {i}\n")
    source = tmp_path / "data"
    if packed:
        source = Path(shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path / "data"))
    found, notes = read_texts(source, AUTO, said := []), "".join(said)
    assert found.labels is not None and len(found) == 24 and not any(" b " in text for text in found.texts)
    assert [text.split()[2] for text in found.texts] == found.labels.column("label").to_pylist()
    assert (
        f"the 24 files in 'train' are taken; those in 'test' (24) can be held out with --heldout {source}/test" in notes
    )
    assert all(" b " in text for text in read_texts(source / "test", AUTO, []).texts)


@pytest.mark.parametrize("name", ["{}.txt", "wiki.{}.txt", "ptb-{}.txt"])
def test_files_that_are_parts_are_no_classes(tmp_path: Path, name: str) -> None:
    for part in ("train", "valid", "test"):
        (tmp_path / name.format(part)).write_text("".join(f"the {part} dog sings {i}\n" for i in range(9)))
    (tmp_path / "README.txt").write_text("about these\n")
    found = read_texts(tmp_path, AUTO, notes := [])
    assert found.labels is None and len(found) == 9 and all(" train " in text for text in found.texts)
    assert f"can be held out with --heldout {tmp_path / name.format('test')}" in notes[0]
    assert "1 files beside these are left out" in notes[1]


def test_a_file_beside_class_folders_does_not_take_the_labels_away(tmp_path: Path) -> None:
    documents(tmp_path, 30, ("glad", "sad"))
    (tmp_path / "README.txt").write_text("about these\n")
    found = read_texts(tmp_path, AUTO, notes := [])
    assert found.labels is not None and len(found) == 30 and "about these" not in found.texts
    assert any("1 files beside the folders are left out: README.txt" in note for note in notes)


def test_few_files_are_lines_unless_the_user_says_otherwise(tmp_path: Path) -> None:
    texts, notes = documents(tmp_path / "r", 5), list[str]()
    assert len(read_texts(tmp_path / "r", AUTO, notes)) == 14 and "--text-per file takes each file" in notes[0]
    assert list(read_texts(tmp_path / "r", TrainConfig(text_per="file"), []).texts) == texts
    with pytest.raises(OptionError, match=r"--text-per file is for folders and archives of \.txt files"):
        prepare(MANY, TrainConfig(kind="text", text_per="file"), [])


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_a_json_list_of_texts_is_texts(tmp_path: Path, suffix: str) -> None:
    texts = sentences(60)
    path = tmp_path / f"x.{suffix}"
    path.write_text(json.dumps(texts) if suffix == "json" else "\n".join(map(json.dumps, texts)))
    prepared = prepare(path, AUTO, notes := [])
    assert prepared.kind.name == "text" and any("a list of texts; written as objects" in note for note in notes)
    assert list(read_texts(path, TEXT, []).texts) == texts


@pytest.mark.parametrize("form", ["csv", "json", "jsonl", "parquet"])
def test_line_breaks_in_cells_come_back(form: str, tmp_path: Path) -> None:
    from gankit.columns.rows import write
    from gankit.io.records import Origin

    texts = [f"{a}\n\u00a0{b}" for a, b in zip(sentences(40), sentences(40, seed=9), strict=True)]
    write([pa.table({"said": texts})], tmp_path / f"data.{form}", Origin(form))
    found = read_texts(tmp_path / f"data.{form}", TEXT, [])
    assert list(found.texts) == texts
    write_texts([text_table(found.texts, None, found.origin)], tmp_path / f"again.{form}", found.origin)
    assert (tmp_path / f"again.{form}").read_bytes() == (tmp_path / f"data.{form}").read_bytes()
    pipe = KINDS["text"].pipe_format(found.origin)
    assert pipe == (form if form != "parquet" else "csv")
    assert KINDS["text"].pipe_format(read_texts(texts, TEXT, []).origin) == "csv", "lines hold no such texts"


# --- units ------------------------------------------------------------------------------------------------------------


def test_sentences_are_read_word_by_word_and_the_rest_by_characters() -> None:
    assert unit_of(sentences(100)) == "word"
    assert unit_of(MANY) == unit_of(["ACGT" * 9] * 50) == unit_of(["Bo", "Cos", "Fin"] * 50) == "character"
    assert unit_of([f"u{i} v{i} w{i} x{i}" for i in range(99)]) == "character", "words that come once teach nothing"


def test_molecules_are_known_and_read_atom_by_atom() -> None:
    molecules = ["CC(=O)Oc1ccccc1C(=O)O", "C[C@@H](N)C(=O)O", "BrC1CCC(Cl)CC1"]
    assert unit_of(molecules * 20) == "smiles"
    assert cut(molecules[1], "smiles") == ["C", "[C@@H]", "(", "N", ")", "C", "(", "=", "O", ")", "O"]
    assert cut("BrC%12Cl", "smiles") == ["Br", "C", "%12", "Cl"]
    wrong = [
        ["C(C1", "CN-12(", "C1CC"] * 20,  # branches and rings that do not end
        ["123-456(7)7", "(1)-2-3-1-2-3"] * 20,  # no atoms
        ["CC", "CO", "CCN"] * 20,  # no rings or branches: names could be so
    ]
    assert [unit_of(texts) for texts in wrong] == ["character"] * 3


@given(st.text(alphabet="CNOclBr[]@H()=%123 ", max_size=30))
def test_whatever_is_no_symbol_of_an_alphabet_is_cut_too(text: str) -> None:
    for unit in ("smiles", "dna", "C Cl Br B 12"):
        assert "".join(cut(text, unit)) == text
        assert fits(text, unit) == all(fits(symbol, unit) for symbol in cut(text, unit))


def test_a_fixed_alphabet_is_obeyed_and_what_has_other_symbols_is_told() -> None:
    notes: list[str] = []
    prepared = prepare(["A1B12", "B12B12", "A1A1A1", "oops"] * 9, TrainConfig(alphabet="A1 B12"), notes)
    assert isinstance(prepared.codec, TextCodec) and prepared.kind.name == "text"
    assert set(prepared.codec.symbols) == {"A1", "B12"} and prepared.codec.num_steps == 3
    assert prepared.num_train + prepared.num_heldout == 27
    assert any("9 of 36 texts are not made of the alphabet A1 B12 alone ('oops', " in note for note in notes)
    genes = prepare(["ACGT", "acgn", "GAT-ACA"] * 9, TrainConfig(unit="dna"), [])
    assert genes.num_train + genes.num_heldout == 27
    letters = prepare(["ab", "ba", "aab"] * 9, TrainConfig(alphabet="ab"), [])
    assert isinstance(letters.codec, TextCodec) and letters.codec.unit == "a b"


def test_a_fixed_alphabet_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match=r"36 of 36 texts are not made of dna alone .*--unit character"):
        prepare(["hello", "world"] * 18, TrainConfig(unit="dna"), [])
    with pytest.raises(DataError, match=r"1 of 19 texts .* or leave off --strict"):
        prepare([*["ACGT", "TTTT"] * 9, "who?"], TrainConfig(unit="dna", strict=True), [])
    with pytest.raises(OptionError, match="--unit and --alphabet both say"):
        prepare(["ab"] * 9, TrainConfig(unit="dna", alphabet="ab"), [])
    with pytest.raises(OptionError, match="an alphabet has two symbols at least"):
        prepare(["aa"] * 9, TrainConfig(alphabet="a"), [])


# --- bad input --------------------------------------------------------------------------------------------------------


def test_empty_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    notes: list[str] = []
    found = read_texts(lines(tmp_path / "data.txt", ["one", "", "  ", "two"]), TEXT, notes)
    assert list(found.texts) == ["one", "two"] and notes == ["data.txt: 2 empty lines skipped"]


def test_missing_cells_take_their_labels_along() -> None:
    notes: list[str] = []
    table = pa.table({"said": ["yes", None, "n/a", "no"], "mood": ["a", "b", "c", "d"]})
    found = read_texts(table, TrainConfig(text_column="said", missing=("n/a",)), notes)
    assert list(found.texts) == ["yes", "no"] and found.labels is not None
    assert found.labels.column("mood").to_pylist() == ["a", "d"] and "2 empty cells skipped" in notes[-1]


@pytest.mark.parametrize("content", ["", "\n\n  \n"])
def test_a_file_without_texts_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text(content)
    with pytest.raises(DataError, match=r"is empty \(0 bytes\)|holds no text, only empty lines"):
        prepare(tmp_path / "data.txt", TEXT, [])


def test_one_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"at least 2 texts .* Got 1\."):
        prepare(lines(tmp_path / "data.txt", ["hello"]), TEXT, [])


def test_texts_of_one_symbol_are_learned() -> None:
    prepared = prepare(["a", "aa", "aaa"] * 20, TEXT, [])
    assert prepared.codec.spec.shape == (3, 3), "an end, a place for rare symbols, and the one"


def test_an_alphabet_of_20_000_signs_is_refused_by_its_size() -> None:
    signs = [chr(0x4E00 + i) for i in range(20_000)]
    texts = ["".join(signs[i : i + 10]) for i in range(0, 20_000, 10)]
    with pytest.raises(DataError, match=r"different characters, and the 5,000 most frequent ones are only \d+%"):
        prepare(texts, TEXT, [])


def test_a_few_rare_signs_are_said_and_never_learned() -> None:
    rare = [chr(0x4E00 + i) for i in range(7_000)]
    texts = ["the same and the same again" + sign for sign in rare]
    notes: list[str] = []
    prepared = prepare(texts, TrainConfig(kind="text", unit="character"), notes)
    assert prepared.codec.spec.shape[1] == 5_002
    assert any("most frequent ones are learned" in note for note in notes)


def test_long_texts_are_left_out_and_nothing_but_long_ones_refused() -> None:
    notes: list[str] = []
    prepared = prepare([*MANY, "a" * 300], TEXT, notes)
    assert prepared.num_train + prepared.num_heldout == len(MANY)
    assert any("more than 256 characters and are left out" in note for note in notes)
    with pytest.raises(DataError, match="this kind is for short ones"):
        prepare([word * 100 for word in MANY], TEXT, [])


def test_a_column_that_is_not_there_or_is_no_text_is_refused() -> None:
    table = table_of(sentences(20))
    with pytest.raises(OptionError, match=r"no such column. Did you mean 'said'"):
        read_texts(table, TrainConfig(text_column="siad"), [])
    with pytest.raises(OptionError, match="its cells are int64"):
        read_texts(table, TrainConfig(text_column="id"), [])
    with pytest.raises(DataError, match="no column holds free text"):
        read_texts(pa.table({"a": [1, 2], "b": [3, 4]}), TEXT, [])


def test_options_of_other_kinds_are_refused() -> None:
    with pytest.raises(OptionError, match="--size is for images"):
        prepare(MANY, TrainConfig(kind="text", size="8"), [])
    with pytest.raises(OptionError, match="makes images, and these are texts"):
        prepare(MANY, TrainConfig(kind="text", network="strided"), [])
    with pytest.raises(OptionError, match="--target is for tables"):
        prepare(MANY, TrainConfig(kind="text", target="x"), [])
    with pytest.raises(OptionError, match="--given who: the labels are mood"):
        prepare(table_of(sentences(20)).drop_columns(["id"]), TrainConfig(text_column="said", given=("who",)), [])
    with pytest.raises(OptionError, match="these texts have no labels"):
        prepare(MANY, TrainConfig(kind="text", given=("label",)), [])


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text("x")
    with pytest.raises(DataError, match=r"holds no \.txt files"):
        read_texts(tmp_path, TEXT, [])


# --- writing ----------------------------------------------------------------------------------------------------------


def labelled(tmp_path: Path) -> tuple[Any, Any]:
    found = read_texts(names_folder(tmp_path / "names"), AUTO, [])
    return text_table(found.texts, found.labels, found.origin), found.origin


def test_a_folder_is_written_as_it_was_read(tmp_path: Path) -> None:
    table, origin = labelled(tmp_path)
    assert write_texts([table.slice(0, 100), table.slice(100)], tmp_path / "again", origin) == table.num_rows
    for language in SYLLABLES:
        written, read = (tmp_path / folder / f"{language}.txt" for folder in ("again", "names"))
        assert written.read_bytes() == read.read_bytes()
    write_texts([table.slice(0, 10)], tmp_path / "again", origin)
    assert len(read_texts(tmp_path / "again", TEXT, [])) == 10, "its own folder is replaced"


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    table, origin = labelled(tmp_path)
    before = sorted(file.read_bytes() for file in (tmp_path / "names").iterdir())
    with pytest.raises(OutputError, match="files that gankit did not write"):
        write_texts([table], tmp_path / "names", origin)
    assert before == sorted(file.read_bytes() for file in (tmp_path / "names").iterdir())


def test_lines_have_no_place_for_labels_but_those_of_one_label_do(tmp_path: Path) -> None:
    table, origin = labelled(tmp_path)
    with pytest.raises(OutputError, match="these texts have labels"):
        write_texts([table], tmp_path / "all.txt", origin)
    assert not (tmp_path / "all.txt").exists()
    write_texts([table.slice(0, 20)], tmp_path / "some.txt", origin)
    assert (tmp_path / "some.txt").read_text("utf-8").split() == words("Aba", 20)


def test_a_text_of_several_lines_does_not_go_into_lines(tmp_path: Path) -> None:
    found = read_texts(["one", "two\nthree"], TEXT, [])
    table = text_table(found.texts, None, found.origin)
    with pytest.raises(OutputError, match="some texts have several lines"):
        write_texts([table], tmp_path / "data.txt", found.origin)
    write_texts([table], tmp_path / "data.jsonl", found.origin)
    assert read_texts(tmp_path / "data.jsonl", TEXT, []).texts == ("one", "two\nthree")


def test_texts_without_labels_are_no_folder(tmp_path: Path) -> None:
    found = read_texts(MANY, TEXT, [])
    with pytest.raises(OutputError, match=r"these texts have no labels. Write '.*fakes\.txt'"):
        write_texts([text_table(found.texts, None, found.origin)], tmp_path / "fakes", found.origin)


def test_real_names_are_a_folder_of_18_languages(shared_data: Path) -> None:
    notes: list[str] = []
    prepared = prepare(shared_data / "text" / "names", AUTO, notes)
    assert prepared.kind.name == "text" and prepared.given is not None
    assert len(prepared.schema.column("label").levels) == 18
    assert np.isclose(prepared.num_heldout / (prepared.num_train + prepared.num_heldout), 0.2, atol=0.01)
    assert any("conditioned on it" in note for note in notes)

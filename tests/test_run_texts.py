"""Texts from end to end: train, sample, continue, keep, resume, evaluate; in Python and on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from text_examples import SYLLABLES, names_folder, sentences, words

import gankit
from gankit.cli import run
from gankit.config import TrainConfig
from gankit.errors import InterruptedRun, OptionError
from gankit.kinds.texts.files import read_texts

SMALL = {"width": 24, "batch": 16, "evaluations": 2, "early_stop": False, "latents": 8}
NAMES = words("Aba", 300)


@pytest.fixture(scope="module")
def plain() -> gankit.Model:
    return gankit.train(NAMES, samples="3k", **SMALL)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of names of two languages."""
    folder = tmp_path_factory.mktemp("names")
    gankit.train(names_folder(folder / "data", 300), out=folder / "run", samples="8k", **{**SMALL, "width": 64})
    return folder / "run"


# --- rows -------------------------------------------------------------------------------------------------------------


def test_row_i_of_a_seed_is_the_same_however_it_is_asked_for(plain: gankit.Model, tmp_path: Path) -> None:
    whole = plain.sample(9, seed=3)
    assert isinstance(whole, list) and len(set(whole)) > 1 and all(map(str.strip, whole))
    assert plain.sample(4, seed=3, offset=5) == whole[5:] and plain.sample(9, seed=4) != whole
    far = plain.sample(3, seed=3, offset=1023)
    assert far == plain.sample(1026, seed=3)[1023:], "over the edge of a block"
    plain.save(tmp_path / "model.safetensors")
    assert gankit.load(tmp_path / "model.safetensors").sample(9, seed=3) == whole


def test_nothing_is_written_that_training_never_showed(plain: gankit.Model) -> None:
    texts = plain.sample(500)
    assert set("".join(texts)) <= set("".join(NAMES))
    assert min(map(len, texts)) >= min(map(len, NAMES)) and max(map(len, texts)) <= max(map(len, NAMES))


def test_every_text_goes_on_from_the_beginning_that_is_given(plain: gankit.Model) -> None:
    texts = plain.sample(40, seed=1, prefix="Ka")
    assert all(text.startswith("Ka") for text in texts) and len(set(texts)) > 1
    with pytest.raises(OptionError, match="--prefix 'Kx': the training texts have no character 'x'"):
        plain.sample(1, prefix="Kx")
    with pytest.raises(OptionError, match=r"the longest text has 8\. Make it shorter"):
        plain.sample(1, prefix="Kakakakakaka")


def test_a_low_temperature_makes_texts_more_usual(plain: gankit.Model) -> None:
    assert len(set(plain.sample(300, temperature=0.2))) < 0.5 * len(set(plain.sample(300)))
    with pytest.raises(OptionError, match="--temperature 0: it must be above 0"):
        plain.sample(1, temperature=0.0)


def test_beginnings_and_temperatures_are_for_texts_alone() -> None:
    model = gankit.train([float(i) for i in range(60)], samples="64", width=8, batch=16, evaluations=1)
    with pytest.raises(OptionError, match="--prefix is for texts"):
        model.sample(1, prefix="1")
    with pytest.raises(OptionError, match="--temperature is for texts"):
        model.sample(1, temperature=0.5)
    with pytest.raises(OptionError, match="--valid is for texts"):
        gankit.evaluate(model, valid="x")


# --- the game ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("warmup", [0.5, 0.0])
def test_a_run_that_was_stopped_ends_in_the_same_bytes(warmup: float, tmp_path: Path) -> None:
    options = {**SMALL, "samples": "960", "warmup": warmup}
    looks = []
    gankit.train(NAMES, out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            NAMES, out=tmp_path / "cut", on_progress=looks.append, should_stop=lambda: len(looks) >= 2, **options
        )
    gankit.resume(tmp_path / "cut", NAMES)
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert models[0] == models[1]
    before = [tmp_path / run / "likelihood.safetensors" for run in ("whole", "cut")]
    assert before[0].exists() == (warmup > 0)
    assert not warmup or before[0].read_bytes() == before[1].read_bytes(), "G before the game is kept through a stop"
    phases = {json.loads(line).get("phase") for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()}
    assert ("likelihood" in phases) == (warmup > 0) and "game" in phases


def test_the_warm_up_learns_syllables(trained: Path) -> None:
    texts = gankit.load(trained).sample(200, where={"label": "Obo"})
    syllables = "|".join(SYLLABLES["Obo"])
    whole = sum(re.fullmatch(f"({syllables})+", text.lower()) is not None for text in texts["text"])
    assert whole > 60, "of 200 random texts of these signs, none would be"
    assert set(texts["label"]) == {"Obo"}


def test_labels_are_conditions_by_themselves_and_can_be_left_out(trained: Path) -> None:
    assert gankit.load(trained).card["given"] == ["label"]
    texts, labels = (gankit.load(trained).sample(100)[name].tolist() for name in ("text", "label"))
    own = {language: set("".join(SYLLABLES[language])) for language in SYLLABLES}
    right = sum(set(text.lower()) <= own[label] for text, label in zip(texts, labels, strict=True))
    assert right > 80 and set(labels) == set(SYLLABLES)
    model = gankit.train(trained.parent / "data", given=("none",), samples="200", **SMALL)
    assert isinstance(model.sample(3), list)
    with pytest.raises(OptionError, match=r"cannot satisfy a condition on 'label'\. It was trained without"):
        model.sample(1, where={"label": "Obo"})


def test_sentences_are_made_of_words() -> None:
    model = gankit.train(sentences(300), samples="2k", **SMALL)
    known = set(" ".join(sentences(300)).split())
    assert {word for text in model.sample(50, prefix="a red") for word in text.split()} <= known
    with pytest.raises(OptionError, match="have no word 'blue'"):
        model.sample(1, prefix="a blue")


def test_a_frame_comes_out_as_a_frame() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"said": sentences(200), "mood": ["glad", "sad"] * 100})
    model = gankit.train(frame, text_column="said", samples="320", **SMALL)
    made = model.sample(6, where={"mood": "sad"})
    assert list(made.columns) == ["said", "mood"] and set(made["mood"]) == {"sad"}
    assert made.dtypes.equals(frame.dtypes)


@pytest.mark.parametrize("texts", [["a", "aa", "aaa"] * 20, ["same"] * 30, ["x"] * 8, ["ACGT", "TTGA", "CCCC"] * 20])
def test_the_smallest_alphabets_are_learned(texts: list[str]) -> None:
    model = gankit.train(texts, kind="text", samples="200", **SMALL)
    made = model.sample(20)
    assert set("".join(made)) <= set("".join(texts))
    assert {len(text) for text in made} <= set(range(min(map(len, texts)), max(map(len, texts)) + 1))


# --- files and the report ---------------------------------------------------------------------------------------------


def test_the_command_line_takes_texts_from_data_to_report(trained: Path, tmp_path: Path) -> None:
    assert run(["sample", str(trained), "-n", "50", "-o", str(tmp_path / "made")]) == 0
    again = read_texts(tmp_path / "made", TrainConfig(kind="text"), [])
    assert len(again) == 50 and {file.name for file in (tmp_path / "made").glob("*.txt")} == {"Aba.txt", "Obo.txt"}
    assert run(["sample", str(trained), "-n", "5", "--where", "label=Aba", "-o", str(tmp_path / "aba.txt")]) == 0
    assert len((tmp_path / "aba.txt").read_text("utf-8").splitlines()) == 5
    assert run(["evaluate", str(trained), "-n", "300", "--valid", "[A-Z][a-z]*"]) == 0
    report = json.loads((trained / "report" / "report.json").read_text("utf-8"))
    assert {"valid", "ngrams", "agreement", "novelty"} <= set(report["evaluation"]["metrics"])
    assert (trained / "report" / "fakes.jsonl").exists()
    page = (trained / "report" / "report.html").read_text("utf-8")
    assert "The same latents after so many real samples" in page, "previews over the training"
    rows = report["evaluation"]["likelihood"]["rows"]
    assert [row["temperature"] for row in rows] == [None, 1.0, 0.9, 0.8, 0.7]
    assert rows[4]["uniqueness"] < rows[1]["uniqueness"], "a low temperature makes texts less varied"
    assert "The likelihood baseline" in page


def test_a_sample_goes_to_standard_output_as_the_data_came(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sample", str(trained), "-n", "3", "--prefix", "K", "--temperature", "0.5"]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "text,label" and len(rest) == 3 and all(line.startswith("K") for line in rest)
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    options = ["--samples", "160", "--width", "16", "--evaluations", "1", "-q"]
    assert run(["train", str(tmp_path / "names.txt"), "-o", str(tmp_path / "run"), *options]) == 0
    capsys.readouterr()
    assert run(["sample", str(tmp_path / "run"), "-n", "3"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_model_alone_is_judged_by_texts_that_are_brought(trained: Path, tmp_path: Path) -> None:
    model = gankit.load(trained / "model.safetensors")
    report = gankit.evaluate(model, trained.parent / "data", n=200, valid=str.isalpha)
    assert "valid" in report.json["evaluation"]["metrics"]
    assert not any(v["family"] == "copies" for v in report.json["evaluation"]["metrics"].values())
    with pytest.raises(OptionError, match="no regular expression"):
        gankit.evaluate(model, trained.parent / "data", valid="(")
    with pytest.raises(OptionError, match="does not know its data any more"):
        gankit.evaluate(model)
    (tmp_path / "few.txt").write_text("one\ntwo\n")
    with pytest.raises(OptionError, match="too few to evaluate on"):
        gankit.evaluate(model, tmp_path / "few.txt")


@pytest.mark.parametrize("content", ["", "hello\n", "\n\n"])
def test_bad_input_ends_with_one_sentence_and_code_2(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.txt").write_text(content)
    assert run(["train", str(tmp_path / "data.txt"), "--kind", "text", "-o", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err.strip()
    assert (len(said.splitlines()) == 1 and "Give" in said) or "needs at least 2 texts" in said
    assert not (tmp_path / "run").exists()


def test_what_makes_no_sense_for_texts_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = {
        "their models are not exported": ["export", str(trained), "-o", str(tmp_path / "x.onnx")],
        "interpolate is for models of images": ["interpolate", str(trained), "--rows", "1,2", "-o", "x.gif"],
        "truncation is for images and audio clips, and this model": [
            "sample",
            str(trained),
            "-n",
            "1",
            "--truncation",
            ".5",
        ],
        "tells no format": ["sample", str(trained), "-n", "1", "-o", str(tmp_path / "x.png")],
        "for which lines have no place": ["sample", str(trained), "-n", "90", "-o", str(tmp_path / "x.txt")],
    }
    for said, command in commands.items():
        assert run(command) == 2
        assert said in capsys.readouterr().err
    assert gankit.inspect(trained)["columns"] == [
        {"name": "text", "kind": "text"},
        {"name": "label", "kind": "category"},
    ]

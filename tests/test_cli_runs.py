"""The commands on real runs: a small table is learned once, then sampled, judged, interrupted, resumed and damaged."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_cli_commands import SRC, gankit_command, imported_by

from gankit.cli import run

pytestmark = pytest.mark.slow

SHORT = ("--samples", "2k", "--evaluations", "1", "--seed", "5")


@dataclass
class Done:
    """What a command left."""

    stdout: str
    stderr: str


class Here:
    """Runs commands in this process, in the folder `cwd`; most of a process of its own would be the import of torch."""

    def __init__(self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capfd, self._monkeypatch = capfd, monkeypatch

    def __call__(self, *arguments: str, cwd: Path, code: int = 0) -> Done:
        self._monkeypatch.chdir(cwd)
        self._capfd.readouterr()
        found = run(list(arguments))
        said = self._capfd.readouterr()
        assert found == code, f"exit code {found}\n{said.out}\n{said.err}"
        return Done(said.out, said.err)


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    return Here(capfd, monkeypatch)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_table: Path) -> Path:
    """A folder with people.csv and a finished run in runs/people-1."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "people.csv").write_bytes(small_table.read_bytes())
    done = gankit_command("train", "people.csv", *SHORT, cwd=folder)
    (folder / "train.out").write_text(done.stdout)
    (folder / "train.err").write_text(done.stderr)
    return folder


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_run_folder_is_named_after_the_data_and_holds_the_model(place: Path) -> None:
    assert (place / "runs" / "people-1" / "model.safetensors").is_file()
    assert "runs/people-1" in (place / "train.out").read_text()


def test_decisions_and_progress_are_said_on_standard_error_alone(place: Path) -> None:
    said = (place / "train.err").read_text()
    assert "D calls real: train" in said
    assert "metric" in said
    assert len((place / "train.out").read_text().splitlines()) == 3


def test_samples_go_to_standard_output_as_the_data_came(here: Here, place: Path) -> None:
    done = here("sample", "runs/people-1", "-n", "30", cwd=place)
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "age,city,income,member,since"
    rows = rows_of(done.stdout)
    assert len(rows) == 30
    assert {row["city"] for row in rows} <= {"Oslo", "Lima", "Kyoto"}
    assert {row["member"] for row in rows} <= {"yes", "no"}
    assert all(18 <= int(row["age"]) < 80 for row in rows)


def test_no_rows_are_a_header(here: Here, place: Path) -> None:
    assert here("sample", "runs/people-1", "-n", "0", cwd=place).stdout == "age,city,income,member,since\n"


def test_an_offset_gives_the_same_rows(here: Here, place: Path) -> None:
    whole = here("sample", "runs/people-1", "-n", "50", "--seed", "3", cwd=place).stdout.splitlines()
    part = here("sample", "runs/people-1", "-n", "20", "--seed", "3", "--offset", "17", cwd=place)
    assert part.stdout.splitlines()[1:] == whole[18:38]


def test_every_row_obeys_the_conditions(here: Here, place: Path) -> None:
    done = here("sample", "runs/people-1", "-n", "200", "--where", "city=Lima", "--where", "age=30..40", cwd=place)
    rows = rows_of(done.stdout)
    assert len(rows) == 200
    assert {row["city"] for row in rows} == {"Lima"}
    assert all(30 <= int(row["age"]) <= 40 for row in rows)


@pytest.mark.parametrize("name", ["f.csv", "f.tsv", "f.csv.gz", "f.parquet", "f.arrow", "f.jsonl", "f.xml"])
def test_a_file_is_written_in_the_format_of_its_suffix(here: Here, place: Path, tmp_path: Path, name: str) -> None:
    done = here("sample", "runs/people-1", "-n", "25", "-o", str(tmp_path / name), "--json", cwd=place)
    assert json.loads(done.stdout)["num_rows"] == 25
    assert [p.name for p in tmp_path.iterdir()] == [name]
    if name.endswith(".jsonl"):
        assert len((tmp_path / name).read_text().splitlines()) == 25
    if name.endswith(".parquet"):
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(tmp_path / name)
        assert table.num_rows == 25
        assert table.column_names == ["age", "city", "income", "member", "since"]


def test_an_unknown_suffix_is_refused_and_nothing_is_written(here: Here, place: Path, tmp_path: Path) -> None:
    done = here("sample", "runs/people-1", "-n", "5", "-o", str(tmp_path / "fakes.docx"), cwd=place, code=2)
    assert "docx" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("ctiy=Oslo", "'city'"),
        ("city=Osol", "Oslo"),
        ("age", "COL=VALUE"),
        ("age=40..30", "age"),
        ("age=old", "age"),
    ],
)
def test_a_condition_that_cannot_be_is_one_sentence(here: Here, place: Path, condition: str, message: str) -> None:
    done = here("sample", "runs/people-1", "-n", "5", "--where", condition, cwd=place, code=2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_closed_pipe_ends_quietly(place: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gankit", "sample", "runs/people-1", "-n", "1000000"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "age,city,income,member,since\n"
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(60), said) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device without space")
def test_no_space_left_is_one_sentence(place: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gankit", "sample", "runs/people-1", "-n", "2000"],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(SRC)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert "no space left" in done.stderr.lower()
    assert len(done.stderr.splitlines()) == 1


def test_evaluate_leaves_the_report_and_the_fakes_it_judged(here: Here, place: Path) -> None:
    done = here("evaluate", "runs/people-1", "-o", "judged", "--json", cwd=place)
    result = json.loads(done.stdout)
    assert Path(result["report"]) == Path("judged/report.html")
    page = (place / "judged" / "report.html").read_bytes()
    assert 10_000 < len(page) < 2_000_000
    figures = json.loads((place / "judged" / "report.json").read_text())
    assert figures
    assert (place / "judged" / "fakes.csv").read_text().startswith("age,city,income,member,since\n")


def test_evaluate_judges_a_file_of_fakes(here: Here, place: Path) -> None:
    here("sample", "runs/people-1", "-n", "100", "-o", "made.csv", cwd=place)
    done = here("evaluate", "runs/people-1", "--fake", "made.csv", "-o", "judged-file", cwd=place)
    assert "judged-file/report.html" in done.stdout
    assert not (place / "judged-file" / "fakes.csv").exists()


def test_a_report_shows_training_records_only_if_it_may(here: Here, place: Path) -> None:
    for flags, folder in (((), "open"), (("--no-records",), "closed")):
        here("evaluate", "runs/people-1", "--fake", "people.csv", "-o", folder, *flags, cwd=place)
    pages = {folder: (place / folder / "report.html").read_text() for folder in ("open", "closed")}
    figures = {f: json.loads((place / f / "report.json").read_text()) for f in pages}
    figures = {f: found["evaluation"]["metrics"] for f, found in figures.items()}
    assert figures["open"]["copies_exact"]["fake"]["details"]["examples"]
    for name in ("copies_exact", "copies_near"):
        details = figures["closed"][name]["fake"]["details"]
        assert not {"examples", "worst"} & set(details)
        assert details["rows"] == figures["open"][name]["fake"]["details"]["rows"]
    assert "left out of this report" in pages["closed"] and "left out of this report" not in pages["open"]


def test_inspect_says_what_the_model_is_and_imports_nothing_heavy(
    here: Here, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = json.loads(here("inspect", "runs/people-1", "--json", cwd=place).stdout)
    assert "people" in json.dumps(card)
    text = here("inspect", "runs/people-1/model.safetensors", cwd=place).stdout
    assert all(name in text for name in ("age", "city", "income", "table"))
    monkeypatch.chdir(place)
    assert imported_by(["inspect", "runs/people-1"]) == []


def test_machines_can_follow_a_training(here: Here, place: Path) -> None:
    done = here("train", "people.csv", *SHORT, "-o", "followed", "--json", cwd=place)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert {event["event"] for event in events} <= {"note", "progress", "alarm"}
    looks = [event for event in events if event["event"] == "progress"]
    assert looks[-1]["finished"] is True
    assert any(look["scores"] for look in looks)
    assert json.loads(done.stdout)["run"] == "followed"


# --- stopping and going on ----------------------------------------------------------------------------------------


LONGER = ("--samples", "16k", "--no-early-stop", "--evaluations", "1", "--batch", "64", "--json")


def stopped_run(place: Path, out: Path, number: signal.Signals) -> list[str]:
    """Trains, sends the signal after the first progress, checks how it ended; gives the lines of standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gankit", "train", "people.csv", *LONGER, "-o", str(out)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while '"progress"' not in (line := process.stderr.readline()):
        assert line, "it ended before it showed any progress"
    process.send_signal(number)
    printed, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert printed == ""
    assert '"finished": true' not in err, "the signal came too late to test anything"
    return err.splitlines()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_saves_and_says_how_to_go_on(place: Path, tmp_path: Path, number: signal.Signals) -> None:
    last = json.loads(stopped_run(place, tmp_path / "cut", number)[-1])
    assert last["exit_code"] == 130
    assert f"gankit train -o {tmp_path / 'cut'} --resume" in last["text"]
    assert any((tmp_path / "cut" / "checkpoints").iterdir())


def test_a_stopped_run_that_is_resumed_ends_in_the_same_model(here: Here, place: Path, tmp_path: Path) -> None:
    stopped_run(place, tmp_path / "cut", signal.SIGINT)
    here("train", "-o", str(tmp_path / "cut"), "--resume", cwd=place)
    here("train", "people.csv", *LONGER, "-o", str(tmp_path / "whole"), cwd=place)
    rows = [here("sample", str(tmp_path / name), "-n", "50", cwd=place).stdout for name in ("whole", "cut")]
    assert rows[0] == rows[1]


def test_a_signal_before_the_training_ends_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "gankit", "train", "-", "-o", "run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        stdin=read,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.write(write, b"a")
    deadline = time.monotonic() + 120
    while any(fcntl.ioctl(read, termios.FIONREAD, bytes(4))):  # bytes that it has not read yet
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    # now it waits for the rest, which never comes
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    os.close(read)
    os.close(write)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_overwrite_with_data_that_cannot_be_read_keeps_the_old_run(here: Here, place: Path) -> None:
    (place / "empty.csv").write_text("")
    before = (place / "runs" / "people-1" / "model.safetensors").read_bytes()
    here("train", "empty.csv", "-o", "runs/people-1", "--overwrite", cwd=place, code=2)
    assert (place / "runs" / "people-1" / "model.safetensors").read_bytes() == before


def test_overwrite_replaces_a_run(here: Here, place: Path) -> None:
    here("train", "people.csv", *SHORT, "-o", "again", cwd=place)
    here("train", "people.csv", "--samples", "1k", "--seed", "9", "-o", "again", "--overwrite", cwd=place)
    card = here("inspect", "again", cwd=place).stdout
    assert "seed: 9" in card
    assert sorted(p.name for p in place.iterdir() if "again" in p.name) == ["again"]


def test_overwrite_never_removes_a_folder_that_is_no_run(here: Here, place: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    done = here("train", "people.csv", *SHORT, "-o", str(tmp_path), "--overwrite", cwd=place, code=2)
    assert "not a run" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


# --- bad input ----------------------------------------------------------------------------------------------------

BAD_DATA: dict[str, bytes] = {
    "empty": b"",
    "header only": b"age,city\n",
    "one row": b"age,city\n31,Oslo\n",
    "all missing": b"age,city\n" + b",\n" * 50,
    "names twice": b"age,age\n" + b"31,32\n" * 50,
    "infinities": b"age,city\n" + b"31,Oslo\n32,Lima\n" * 50 + b"-inf,Lima\n",
    "too wide": b"\n".join(b",".join(b"%d.5" % (i * j % 97) for i in range(10_000)) for j in range(5)),
    "ragged": b"age,city\n" + b"31,Oslo\n" * 50 + b"32,Lima,7,8\n" + b"31,Oslo\n" * 50,
    "binary": bytes(range(256)) * 40,
}


@pytest.mark.parametrize("name", list(BAD_DATA))
def test_bad_data_is_one_clear_sentence_and_leaves_nothing(here: Here, name: str, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(BAD_DATA[name])
    done = here("train", "data.csv", *SHORT, "--quiet", cwd=tmp_path, code=2)
    assert done.stderr.startswith("gankit: 'data.csv'")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["data.csv"]


def test_one_row_and_all_missing_are_called_what_they_are(here: Here, tmp_path: Path) -> None:
    for name, words in (("one row", "at least 2 rows"), ("all missing", "every cell is missing")):
        (tmp_path / "data.csv").write_bytes(BAD_DATA[name])
        assert words in here("train", "data.csv", *SHORT, cwd=tmp_path, code=2).stderr


def test_a_process_that_refuses_a_small_file_ends_with_2_and_does_not_abort(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_bytes(BAD_DATA["header only"])
    for _ in range(2):
        done = gankit_command("train", "data.csv", *SHORT, cwd=tmp_path, code=2)
        assert len(done.stderr.splitlines()) == 1, done.stderr


def test_data_that_is_not_there_or_a_folder_is_named(here: Here, tmp_path: Path) -> None:
    assert "nowhere.csv" in here("train", "nowhere.csv", cwd=tmp_path, code=2).stderr
    (tmp_path / "folder").mkdir()
    assert "folder" in here("train", "folder", cwd=tmp_path, code=2).stderr
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_model_that_was_cut_short_is_refused(here: Here, place: Path, tmp_path: Path, share: float) -> None:
    content = (place / "runs" / "people-1" / "model.safetensors").read_bytes()
    (tmp_path / "m.safetensors").write_bytes(content[: int(share * len(content))])
    for arguments in (["sample", "m.safetensors", "-n", "5"], ["inspect", "m.safetensors"]):
        done = here(*arguments, cwd=tmp_path, code=2)
        assert "m.safetensors" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.6, 0.99])
def test_a_model_with_a_flipped_bit_is_refused(here: Here, place: Path, tmp_path: Path, share: float) -> None:
    content = bytearray((place / "runs" / "people-1" / "model.safetensors").read_bytes())
    content[int(share * len(content))] ^= 0x10
    (tmp_path / "m.safetensors").write_bytes(content)
    done = here("sample", "m.safetensors", "-n", "5", cwd=tmp_path, code=2)
    assert "m.safetensors" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_model_from_a_newer_version_is_refused(here: Here, place: Path, tmp_path: Path) -> None:
    content = (place / "runs" / "people-1" / "model.safetensors").read_bytes()
    # One digit of the version that stands in the header's JSON text, so that its length stays.
    newer = content.replace(b'\\"format\\": 2', b'\\"format\\": 9', 1)
    assert newer != content
    (tmp_path / "m.safetensors").write_bytes(newer)
    for arguments in (["sample", "m.safetensors", "-n", "5"], ["inspect", "m.safetensors"]):
        assert "newer" in here(*arguments, cwd=tmp_path, code=2).stderr


@pytest.mark.parametrize("command", [["sample", "-n", "5"], ["evaluate"], ["inspect"]], ids=lambda c: c[0])
def test_a_model_that_is_not_there_is_named(here: Here, tmp_path: Path, command: list[str]) -> None:
    done = here(command[0], "nowhere", *command[1:], cwd=tmp_path, code=2)
    assert "nowhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []

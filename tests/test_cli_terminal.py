"""How the commands speak, held against texts written by hand."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gankit import voice as speaking
from gankit.cli import run
from gankit.cli.terminal import outline
from gankit.errors import DataError
from gankit.training.loop import Progress, Scores
from gankit.voice import Voice, count, duration, progress_line, to_json

SCORES = Scores(0.4, 0.3, -0.2, 0.61, 0.58, 0.39, 0.6, 0.6, 0.6, 0.6, 0.17, False)
LOOK = Progress(
    step=100, samples=25_600, total_samples=1_000_000, epoch=1.5, phase="game", d_loss=0.65, g_loss=0.72, penalty=0.1,
    gap=0.12, weight=1.0, strength=0.0, learning_rate=1e-3, scores=None, metric=None, best_metric=None, best_samples=0,
    alarms=(), rolled_back=False, finished=False, samples_per_second=31_234.0, seconds_left=31.2,
)  # fmt: skip
EVALUATION = dataclasses.replace(LOOK, scores=SCORES, metric=0.412, best_metric=0.433)


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "80")
    return screen


def test_a_progress_line_says_how_far_how_well_how_fast_and_how_long() -> None:
    assert progress_line(LOOK, EVALUATION) == (
        "game 3% 25.6k/1M  31.2k/s 31s left  D 0.650  G 0.720  held-out metric 0.412 (best 0.433)  "
        "D calls real: train 61% held-out 58% fake 39%"
    )


def test_a_progress_line_leaves_out_what_is_not_known_yet() -> None:
    look = dataclasses.replace(LOOK, d_loss=None, phase="likelihood", seconds_left=math.inf)
    assert progress_line(look) == "likelihood 3% 25.6k/1M  31.2k/s  G 0.720"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (90000, "25h00m")],
)
def test_durations_are_rounded_to_what_a_person_reads(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (999, "999"), (1000, "1k"), (12_345, "12.3k"), (5e9, "5G")])
def test_counts_are_short(number: float, text: str) -> None:
    assert count(number) == text


def test_a_training_off_a_terminal_is_told_in_a_dozen_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(speaking.time, "monotonic", lambda: now)
    voice = Voice()
    for done in range(1, 1001):
        now += 1.0
        look = EVALUATION if done % 50 == 0 else LOOK
        voice.progress(dataclasses.replace(look, samples=done * 1000, finished=done == 1000))
    lines = capsys.readouterr().err.splitlines()
    assert 9 <= len(lines) <= 12
    assert "\r" not in "".join(lines)
    assert "100%" in lines[-1] and "held-out metric" in lines[-1]


def test_json_has_a_line_for_every_evaluation(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice(as_json=True)
    for look in (LOOK, LOOK, EVALUATION, LOOK, EVALUATION):
        voice.progress(look)
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_notebook_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bar:
        n, texts, closed = 0, list[str](), False

        def set_description_str(self, text: str, refresh: bool) -> None:
            self.texts.append(text)

        def update(self, more: int) -> None:
            self.n += more

        def close(self) -> None:
            self.closed = True

    bar = Bar()
    monkeypatch.setattr(speaking, "is_notebook", lambda: True)
    monkeypatch.setattr("tqdm.auto.tqdm", lambda **_: bar)
    voice = Voice()
    voice.progress(EVALUATION)
    voice.progress(dataclasses.replace(EVALUATION, samples=1_000_000, finished=True))
    voice.end_progress()
    assert bar.n == 1_000_000 and bar.closed
    assert "held-out metric 0.412" in bar.texts[0]


def test_a_terminal_has_one_live_line_no_wider_than_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)
    voice = Voice()
    voice.progress(EVALUATION)
    voice.progress(dataclasses.replace(LOOK, finished=True))
    voice.note("done")
    text = screen.getvalue()
    assert text.endswith("\ndone\n")
    assert text.count("\n") == 2
    drawn = text.split("\n")[0].split("\r")[1:]
    assert len(drawn) == 2
    assert all(len(line) <= 79 for line in drawn)


def test_a_shorter_live_line_covers_the_longer_one_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "200")
    voice = Voice()
    voice.progress(EVALUATION)
    voice.progress(dataclasses.replace(EVALUATION, scores=dataclasses.replace(SCORES), d_loss=None, g_loss=None))
    first, second = screen.getvalue().split("\r")[1:]
    assert len(second) == len(first)
    assert second.rstrip() != second


def test_quiet_leaves_out_notes_and_progress_but_not_alarms_and_results(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice(quiet=True)
    voice.note("a decision")
    voice.progress(dataclasses.replace(EVALUATION, alarms=("G has collapsed",)))
    voice.result({"file": "x.csv"}, "10 rows in x.csv")
    said = capsys.readouterr()
    assert said.err == "warning: G has collapsed\n"
    assert said.out == "10 rows in x.csv\n"


def test_an_alarm_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice()
    for _ in range(3):
        voice.progress(dataclasses.replace(LOOK, alarms=("G has collapsed",)))
    assert capsys.readouterr().err.count("collapsed") == 1


def test_machines_get_one_object_a_line_on_stderr_and_one_result_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    voice = Voice(as_json=True)
    voice.note("a decision")
    voice.progress(dataclasses.replace(EVALUATION, seconds_left=math.inf))
    voice.error(DataError("data.csv: is empty."))
    voice.result({"score": float("nan"), "rows": 3}, "never shown")
    said = capsys.readouterr()
    events: list[dict[str, Any]] = [json.loads(line) for line in said.err.splitlines()]
    assert [event["event"] for event in events] == ["note", "progress", "error"]
    assert events[1]["scores"]["recall_fake"] == 0.39
    assert events[1]["seconds_left"] is None
    assert events[2] == {"event": "error", "kind": "DataError", "exit_code": 2, "text": "data.csv: is empty."}
    assert json.loads(said.out) == {"score": None, "rows": 3}


def test_signs_that_steer_a_terminal_are_never_printed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "a\x1b]0;owned\x07\x9b31m\u202eb\r\nc"
    for as_json in (False, True):
        voice = Voice(as_json=as_json)
        voice.note(f"label is {evil}")
        voice.error(DataError(f"column {evil} is free text"))
        voice.result({"name": evil}, f"columns: {evil}")
        said = capsys.readouterr()
        shown = (said.out + said.err).replace("\n", "")
        assert shown.isprintable() and "a\\" in shown
        assert len(said.err.splitlines()) == 2, "a note and an error are a line each"
        if as_json:
            assert json.loads(said.out) == {"name": evil}
    screen = on_terminal(monkeypatch)
    Voice().progress(dataclasses.replace(LOOK, phase="ga\x1b[2Jme"))
    assert screen.getvalue().startswith("\r") and " ga\\x1b[2Jme 3%" in screen.getvalue()


def test_names_in_files_and_arguments_are_shown_without_such_signs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    names = [f"m{i:03d}{'abcdefghij'[i % 10]}ing" for i in range(200)]
    (tmp_path / "t.csv").write_bytes(("\x1b[31mred\u202e,o" + "x" * 5000 + "\n").encode())
    with (tmp_path / "t.csv").open("a") as file:
        file.writelines(f"{name} is free,text {name[::-1]}\n" for name in names)
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr("a\x1b[2J.he\x1b[1mic", b"x")
        archive.writestr("b\x1b[2J.heic", b"x")
    for arguments in (
        ["train", str(tmp_path / "t.csv"), "-o", str(tmp_path / "run")],
        ["train", str(tmp_path / "t.csv"), "--kind", "table", "--column", "re\x1b[1md=number"],
        ["train", str(tmp_path / "z.zip")],
        ["train", str(tmp_path / "gone\x1b[31m.csv")],
        ["train", "--no\x1b[31msuch"],
    ):
        assert run(arguments) == 2
        said = capsys.readouterr()
        assert (said.out + said.err).replace("\n", "").isprintable() and 10 < len(said.err) < 2200, said.err


def test_what_json_cannot_say_becomes_null() -> None:
    assert to_json({"a": [1.5, math.inf, {"b": math.nan}]}) == '{"a": [1.5, null, {"b": null}]}'


def test_an_outline_shows_nested_values_as_indented_lines() -> None:
    value = {"kind": "table", "scores": {"shape": 0.98765}, "columns": [{"name": "age", "type": "number"}], "given": []}
    assert outline(value).splitlines() == [
        "kind: table",
        "scores:",
        "  shape: 0.9877",
        "columns:",
        "  - name age, type number",
        "given: none",
    ]

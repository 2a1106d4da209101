"""The commands as a person types them: help, mistakes, exit codes, and how quickly they answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import gankit
from gankit.cli import run
from gankit.cli.train import free_folder, replacing
from gankit.errors import DataError, OptionError
from gankit.run.stopping import interruptible
from gankit.voice import Voice

SRC = Path(gankit.__file__).parent.parent
HEAVY = ("torch", "pyarrow", "sklearn", "matplotlib", "scipy", "PIL", "pandas", "polars")


def gankit_command(*arguments: str, cwd: Path | None = None, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Runs `gankit ARGUMENTS` in a process of its own and checks its exit code."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "gankit", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def imported_by(arguments: list[str]) -> list[str]:
    """The heavy libraries that the command line has imported after it ran."""
    script = (
        "import sys, json; from gankit.cli import run; code = run(json.loads(sys.argv[1]));"
        f"print('heavy:', *[m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("heavy:")]
    return line.split()[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["sample", "--help"],
        ["trian"],
        ["train"],
        ["train", "x.csv", "--loss", "hing"],
        ["train", "x.csv", "--width", "0"],
        ["train", "x.csv", "--budget", "five"],
        ["train", "x.csv", "--samples", "2k", "--budget", "5m"],
        ["train", "--resume"],
        ["train", "x.csv", "--config", "nowhere.toml"],
        ["sample", "nowhere", "-n", "-1"],
        ["evaluate", "nowhere", "--fake", "x.csv", "-n", "5"],
    ],
    ids=" ".join,
)
def test_help_and_mistakes_in_arguments_import_nothing_heavy(arguments: list[str]) -> None:
    assert imported_by(arguments) == []


def test_importing_gankit_imports_nothing_heavy() -> None:
    script = f"import sys, gankit; dir(gankit); print(*[m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(SRC)}, capture_output=True, text=True
    )
    assert done.stdout.split() == [], done.stderr


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = gankit_command("--help").stdout
    assert all(f"\n  {name} " in text for name in ("train", "sample", "evaluate", "inspect"))
    assert "Exit codes: 0" in text
    assert "\n  gankit train titanic.csv --budget 5m\n  gankit sample runs/titanic-1 -n 1000 -o" in text


def test_version_is_the_packages() -> None:
    assert gankit_command("--version").stdout == f"gankit, version {gankit.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian", "x.csv"], "Did you mean 'train'?"),
        (["train", "x.csv", "--bugdet", "5m"], "'--budget'"),
        (["train", "x.csv", "--loss", "hing"], "'hinge'"),
        (["train"], "Missing argument 'DATA'"),
        (["train", "x.csv", "--width", "0"], "width must be at least 1; got 0."),
        (["train", "x.csv", "--budget", "five"], "budget must be a time like 90s, 5m or 2h; got 'five'."),
        (["train", "x.csv", "--samples", "many"], "samples must be a number like 60k or 2M; got 'many'."),
        (["train", "x.csv", "--samples", "2k", "--budget", "5m"], "samples, budget and epochs all set the length."),
        (["train", "--resume"], "gankit train -o RUN --resume"),
        (["train", "-o", "run", "--resume", "--overwrite"], "Give one of them"),
        (["train", "-o", "run", "--resume", "--loss", "hinge"], "--loss cannot be changed"),
        (["sample", "model"], "Missing option '-n'"),
        (["evaluate", "model", "--fake", "f.csv", "-n", "10"], "Give one of them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_in_arguments_is_one_sentence_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = gankit_command(*arguments, cwd=tmp_path, code=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_mistake_in_arguments_is_json_for_machines() -> None:
    done = gankit_command("train", "--json", code=2)
    said = json.loads(done.stderr)
    assert said["event"] == "error"
    assert said["exit_code"] == 2
    assert "Missing argument 'DATA'" in said["text"]


def test_a_toml_file_with_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "options.toml").write_text("bugdet = '5m'\n")
    done = gankit_command("train", "x.csv", "--config", "options.toml", cwd=tmp_path, code=2)
    assert done.stderr == "gankit: options.toml: there is no option 'bugdet'. Did you mean 'budget'?\n"


def test_a_folder_that_exists_is_never_trained_into(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    done = gankit_command("train", "x.csv", "-o", "run", cwd=tmp_path, code=2)
    assert "--resume" in done.stderr and "--overwrite" in done.stderr
    assert [p.name for p in tmp_path.rglob("*")] == ["run", "thesis.txt"]


def test_the_default_folder_is_named_after_the_data_and_is_free(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert free_folder("data/adult.csv.gz", runs) == runs / "adult-1"
    (runs / "adult-1").mkdir(parents=True)
    assert free_folder("data/adult.csv.gz", runs) == runs / "adult-2"
    assert free_folder("-", runs) == runs / "stdin-1"
    assert free_folder(".hidden", runs) == runs / "data-1"


def test_the_public_names_are_all_there_and_no_others() -> None:
    for name in gankit.__all__:
        assert getattr(gankit, name) is not None, name
    with pytest.raises(AttributeError, match="has no attribute 'fit'; it has DataError"):
        gankit.fit  # noqa: B018  # the access is the test


def test_a_fault_of_gankit_shows_its_traceback_and_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(path: Path) -> dict[str, object]:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("gankit.model.inspect", broken)
    assert run(["inspect", "model"]) == 1
    said = capsys.readouterr()
    assert "ZeroDivisionError: a fault" in said.err
    assert "Please report" in said.err
    assert said.out == ""


def test_a_stop_outside_of_training_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(path: Path) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr("gankit.model.inspect", stopped)
    assert run(["inspect", "model"]) == 130
    assert capsys.readouterr().err.strip() == "stopped."


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_for_a_stop_and_the_second_ends_at_once(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []
    monkeypatch.setattr("gankit.run.stopping.os._exit", ended.append)
    before = signal.getsignal(number)
    with interruptible(Voice().note, exits=True) as interruption:
        assert not interruption.asked()
        signal.raise_signal(number)
        assert interruption.asked()
        assert ended == []
        signal.raise_signal(number)
        assert ended == [130]
    assert signal.getsignal(number) is before
    assert "press again" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_first_step_ends_like_ctrl_c(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible(Voice().note, exits=True):
        signal.raise_signal(number)


def test_a_stop_before_the_first_step_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def stopped(data: str, *, out: Path, **others: object) -> None:
        out.mkdir()
        (out / "config.json").write_text("{}")
        raise KeyboardInterrupt

    monkeypatch.setattr("gankit.run.api.train", stopped)
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert run(["train", str(tmp_path / "x.csv"), "-o", str(tmp_path / "run")]) == 130
    said = capsys.readouterr().err
    assert said == f"gankit: stopped before the first step. Go on with: gankit train -o {tmp_path / 'run'} --resume\n"


def test_a_run_that_was_to_be_replaced_comes_back_when_nothing_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    with pytest.raises(DataError), replacing(tmp_path / "run"):
        assert not (tmp_path / "run").exists()
        raise DataError("the data cannot be read")
    assert [p.name for p in tmp_path.rglob("*")] == ["run", "config.json"]


def test_a_run_is_replaced_by_the_one_that_takes_its_place(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").write_text("{}")
    with replacing(tmp_path / "run"):
        (tmp_path / "run").mkdir()
    assert [p.name for p in tmp_path.rglob("*")] == ["run"]


def test_a_folder_that_is_no_run_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(OptionError, match="not a run"), replacing(tmp_path / "thesis"):
        pass
    assert (tmp_path / "thesis").is_dir()

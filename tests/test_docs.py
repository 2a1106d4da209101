"""The docs say what is true: every name is described, every table is current, every example and command runs."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import numpy as np
import pytest

import gankit
from gankit.cli import cli, run
from gankit.kinds.images.metrics.metrics import METRICS as OF_IMAGES
from gankit.kinds.series.metrics.metrics import METRICS as OF_SERIES
from gankit.kinds.tables.metrics.metrics import METRICS as OF_TABLES
from gankit.kinds.texts.metrics.metrics import METRICS as OF_TEXTS
from gankit.run.options import train_options

ROOT = Path(__file__).resolve().parent.parent
DOCS = {path.name: path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("README*.md"))} | {
    path.relative_to(ROOT / "docs").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs").rglob("*.md"))
}
MODULES = [m.name for m in pkgutil.walk_packages(gankit.__path__, "gankit.") if not m.name.endswith("__main__")]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_flags_are_up_to_date() -> None:
    current = script("docs").rewritten(DOCS["cli.md"])
    assert DOCS["cli.md"] == current, "out of date; run: python scripts/docs.py"


def test_the_docs_table_has_a_row_for_each_option_of_its_group() -> None:
    table = script("docs").options_table("game")
    assert len(table.splitlines()[2:]) == sum(o.group == "game" for o in train_options())
    assert "| `--d-steps N` | `1` |" in table


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_command_and_flag_is_in_the_docs(command: str) -> None:
    assert f"## {command}" in DOCS["cli.md"]
    params = cli.commands[command].get_params(click.Context(cli.commands[command]))
    flags = [flag for p in params for flag in p.opts if flag.startswith("--")]
    assert [flag for flag in flags if not re.search(rf"{flag}\b", DOCS["cli.md"])] == []


@pytest.mark.parametrize(
    ("option", "page"), [("kind", "data.md"), ("network", "game.md"), ("loss", "game.md"), ("penalty", "game.md")]
)
def test_every_choice_is_explained(option: str, page: str) -> None:
    (choices,) = [o.choices for o in train_options() if o.name == option]
    missing = [choice for choice in choices if choice != "auto" and f"`{choice}`" not in DOCS[page]]
    assert missing == []


def test_the_choices_are_the_ones_that_there_are() -> None:
    from gankit.kinds import KINDS
    from gankit.networks import NETWORKS
    from gankit.training.augment import AUGMENTATIONS
    from gankit.training.losses import LOSSES, PENALTIES

    choices = {o.name: set(o.choices) - {"auto"} for o in train_options()}
    assert choices["kind"] == set(KINDS)
    assert choices["network"] == set(NETWORKS)
    assert choices["loss"] == set(LOSSES)
    assert choices["penalty"] == set(PENALTIES)
    assert choices["augment"] == {"none", *AUGMENTATIONS}


def test_every_metric_is_explained() -> None:
    from gankit.kinds.tables.metrics.metrics import METRICS
    from gankit.kinds.texts.metrics.metrics import METRICS as TEXTS

    series = {f"{stem}_{n}" for stem in ("ngrams", "bleu", "backward_bleu", "self_bleu") for n in range(1, 6)}
    plain = [m.name for m in TEXTS if m.name not in series]
    assert [name for name in [*(m.name for m in METRICS), *plain] if f"`{name}`" not in DOCS["report.md"]] == []


def test_every_metric_of_series_is_explained() -> None:
    from gankit.kinds.series.metrics.metrics import METRICS

    part = DOCS["report.md"].split("## Metrics of series", 1)[1].split("\n## ", 1)[0]
    assert [m.name for m in METRICS if f"| `{m.name}` |" not in part] == []


def test_every_public_name_is_in_the_python_page() -> None:
    names = [name for name in gankit.__all__ if not name.startswith("_")]
    assert [name for name in names if not re.search(rf"\b{name}\b", DOCS["python.md"])] == []


def test_every_exit_code_of_an_error_is_documented() -> None:
    from gankit import errors

    codes = {
        value.exit_code
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.GankitError)
    }
    table = DOCS["cli.md"].split("## Exit codes", 1)[1]
    assert [code for code in codes if f"| {code} |" not in table] == []


def test_links_between_pages_lead_somewhere() -> None:
    wrong = []
    for name, text in DOCS.items():
        folder = ROOT if name.startswith("README") else (ROOT / "docs" / name).parent
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if "://" not in target and not (folder / target).exists():
                wrong.append(f"{name}: {target}")
    assert wrong == []


METRICS = {"tables": OF_TABLES, "images": OF_IMAGES, "series": OF_SERIES, "texts": OF_TEXTS}

HOUSE_WORDS = (
    r"\b(pictures?|recordings?|by heart|dear(er)?|contestants?|rivals?|brought to|crowd|walks?|foretells?|drawn again"
    r"|judged?|obey(s|ed|ing)?|asked for|by itself|by themselves|usefulness|seldom|found out|in place of|anew)\b"
)
"""What the field has other words for."""


def prose() -> Iterator[tuple[str, str]]:
    """The pages without their code, what every command says with --help, and the words of every metric."""
    for name in sorted(DOCS.keys() - {"architecture.md"}):
        yield name, re.sub(r"^```.*?^```|`[^`\n]*`", "", DOCS[name], flags=re.DOTALL | re.MULTILINE)
    for name, command in {"": cli, **cli.commands}.items():
        yield f"gankit {name} --help", command.get_help(click.Context(command))
    for kind, metrics in METRICS.items():
        told = [(m.title, m.noun, m.meaning, m.question, m.good, m.bad, m.remedy) for m in metrics]
        yield f"metrics of {kind}", "\n".join(text for texts in told for text in texts)


@pytest.mark.parametrize(("place", "text"), list(prose()), ids=lambda value: value[:30])
def test_docs_and_help_use_the_terms_of_the_field(place: str, text: str) -> None:
    assert [found[0] for found in re.finditer(HOUSE_WORDS, text, re.IGNORECASE)] == []


@pytest.mark.parametrize("page", [name for name in DOCS if ".zh-Hant." in name])
def test_a_translation_has_the_code_of_its_original(page: str) -> None:
    fenced = {name: re.findall(r"^```.*?^```$", DOCS[name], re.DOTALL | re.MULTILINE) for name in DOCS}
    original = fenced[page.replace(".zh-Hant", "")]
    assert len(original) > 5
    assert fenced[page] == original


def test_the_table_of_modules_is_the_file_tree() -> None:
    package = ROOT / "src" / "gankit"
    rooms = {p.stem for p in package.iterdir()} - {"__pycache__", "py", "__init__", "__main__"}
    table = DOCS["architecture.md"].split("## Modules\n", 1)[1].split("\n## ", 1)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == rooms


TRAINS = {"gankit.run.api"}


@pytest.mark.parametrize("name", [pytest.param(m, marks=pytest.mark.slow) if m in TRAINS else m for m in MODULES])
def test_examples_in_docstrings_run(name: str) -> None:
    failures, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failures == 0


# --- examples and commands of the pages, on small data ------------------------------------------------------------


def small(text: str) -> str:
    """The same example, with lengths that end within seconds."""
    text = re.sub(r'(budget|samples)="\w+"', 'samples="400"', text)
    text = re.sub(r"--resume --(budget|samples) \w+", "--resume --samples 800", text)
    text = re.sub(r"--budget \w+|--samples \d+[kM]|--epochs 1\b", "--samples 400", text)
    text = re.sub(r"^(gankit train (?!.*--samples)(?!.*--resume).*)$", r"\1 --samples 400", text)
    text = re.sub(r"^(gankit train (?!.*--resume).*)$", r"\1 --evaluations 2", text)
    text = re.sub(r"^(gankit evaluate (?!.*--fast).*)$", r"\1 --fast", text)
    text = text.replace("--network stylegan2", "--network stylegan2 --width 8 --depth 2")
    return text.replace("100_000", "20_000")


def fenced(page: str) -> Iterator[tuple[str, str]]:
    """The language of every fenced block of a page ("" where it names none), and the block."""
    parts = re.split(r"^```(.*)\n", DOCS[page], flags=re.MULTILINE)
    # text, language, block, "", text, language, block, "", …
    yield from zip(parts[1::4], parts[2::4], strict=False)


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in that language."""
    return [block for name, block in fenced(page) if name == language]


def commands(block: str) -> Iterator[str]:
    """Every `gankit …` and `python …` line of a block that can be typed as it stands."""
    for line in block.splitlines():
        if re.match("gankit |python -c|python scripts/", line) and not re.search(PLACEHOLDERS, line):
            yield small(line)


def run_as_typed(line: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Runs a command of a page in the current folder, and looks whether it leaves what it says."""
    if line.startswith("python "):
        line = line.replace("scripts/", f"{ROOT.as_posix()}/scripts/")
        subprocess.run([sys.executable, *shlex.split(line)[1:]], check=True, cwd=folder)
        return
    # Of a pipe the part before it: what the reader does is not ours.
    arguments = shlex.split(line.split("|")[0])[1:]
    assert run(arguments) == 0, f"$ {line}\n{capfd.readouterr().err}"
    if "-o" in arguments:
        out = Path(arguments[arguments.index("-o") + 1])
        assert out.is_file() or any(out.iterdir()), line


PLACEHOLDERS = r"\b(DATA|MODEL|RUN|COMMAND)\b"


def test_every_command_can_be_pasted() -> None:
    """Nothing but the command stands in its line, and nothing that a shell would not understand."""
    lines = [(page, line) for page in DOCS for block in blocks(page, "") for line in block.splitlines()]
    typed = [(page, line) for page, line in lines if re.match("(gankit|pip|python|scripts/\\w+) ?", line)]
    assert len(typed) > 60
    wrong = [(page, line) for page, line in typed if re.search(r"\s{2}|^\$| #|…|\.\.\.(?!\S)", line)]
    assert [(page, line) for page, line in wrong if not re.search(PLACEHOLDERS, line)] == []


@pytest.fixture
def workplace(tmp_path: Path, small_table: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the data files that the pages speak of, in which examples run."""
    text = small_table.read_text()
    (tmp_path / "people.csv").write_text(text)
    (tmp_path / "test.csv").write_text(text)
    (tmp_path / "data").mkdir()
    script("demo_data").write_titanic(tmp_path / "data" / "titanic.csv")
    write_photos(tmp_path / "photos")
    write_texts(tmp_path)
    hours = [f"2024-04-{1 + i // 24:02d} {i % 24:02d}:00,{i % 24 + i % 5}" for i in range(200)]
    (tmp_path / "load.csv").write_text("\n".join(["when,load", *hours]) + "\n")
    write_sounds(tmp_path / "digits")
    write_sounds(tmp_path / "clips")
    write_series(tmp_path)
    # A length like those of `small`: the classifier of labels was most of a short training on images or clips.
    monkeypatch.setattr("gankit.budget.LEAST_CLASSIFIER_SAMPLES", 1000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_photos(folder: Path) -> None:
    """Forty small images of two classes: dark ones and light ones."""
    from PIL import Image

    draws = np.random.default_rng(0)
    for number in range(40):
        kind = ("cat", "dog")[number % 2]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        pixels = draws.integers(0, 90, (20, 24, 3)) + 150 * (number % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / kind / f"{number}.png")


def write_digits(folder: Path) -> None:
    """Small images of threes, sevens and eights, and three more beside their folder."""
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    for number, (pixels, digit) in enumerate(zip(found.images[:160], found.target[:160], strict=True)):
        if digit in (3, 7, 8):
            (folder / str(digit)).mkdir(parents=True, exist_ok=True)
            Image.fromarray((15 * pixels).astype(np.uint8)).save(folder / str(digit) / f"{number}.png")
    for name in ("my-seven", "one", "two"):
        Image.fromarray((15 * found.images[7]).astype(np.uint8)).save(folder.parent / f"{name}.png")


def write_series(folder: Path) -> None:
    """Visits of patients in two arms, hours of weather, and a file as the UCR archive has them."""
    draws = np.random.default_rng(0)
    lines = ["patient,arm,day,pressure"]
    for patient in range(40):
        level = 120 + 15 * (patient % 2)
        for day in range(8):
            lines.append(f"{patient},{'ab'[patient % 2]},2024-05-{1 + day:02d},{level + draws.normal(0, 5):.1f}")
    (folder / "visits.csv").write_text("\n".join(lines) + "\n")
    hours = [f"2024-{6 + i // 720:02d}-{1 + i // 24 % 30:02d} {i % 24:02d}:00,{i % 24 + i // 72}" for i in range(1440)]
    (folder / "weather.csv").write_text("\n".join(["hour,heat", *hours]) + "\n")
    waves = [np.sin(np.arange(20) * (0.2 + 0.1 * (n % 4))) + 0.1 * draws.normal(size=20) for n in range(60)]
    rows = ["\t".join([str(1 + n % 4), *(f"{v:.4f}" for v in wave)]) for n, wave in enumerate(waves)]
    (folder / "Trace_TRAIN.tsv").write_text("\n".join(rows) + "\n")


def write_sounds(folder: Path) -> None:
    """Tones whose names say digit, speaker and take."""
    from gankit.kinds.audio.files import encode_wav

    folder.mkdir()
    draws = np.random.default_rng(0)
    for number in range(48):
        digit, speaker = number % 2 * 7, ("theo", "ann")[number // 2 % 2]
        size = int(draws.integers(64, 129))
        tone = 9000 * np.sin((0.3 + digit / 7) * np.arange(size) + 6 * draws.random())
        (folder / f"{digit}_{speaker}_{number}.wav").write_bytes(encode_wav(tone.astype(np.int16)[:, None], 500))


def write_texts(folder: Path) -> None:
    """Names of two languages, a file each, and sentences."""
    draws = np.random.default_rng(0)
    (folder / "names").mkdir()
    for label, syllables in {"Greek": ("kou", "ris", "pa", "nos"), "Dutch": ("van", "der", "brug", "hof")}.items():
        names = ["".join(draws.choice(syllables, 3)).title() for _ in range(60)]
        (folder / "names" / f"{label}.txt").write_text("\n".join(names) + "\n")
    sentences = [f"a {draws.choice(['man', 'dog'])} sees a {draws.choice(['cat', 'car', 'hat'])}" for _ in range(80)]
    (folder / "sentences.txt").write_text("\n".join(sentences) + "\n")


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "first-gan.md", "python.md", "own-parts.md", "tracking.md"])
def test_python_examples_of_a_page_run(page: str, workplace: Path) -> None:
    names: dict[str, object] = {}
    (workplace / "bumps.csv").write_text(
        "x\n" + "\n".join(f"{v:.6f}" for v in np.random.default_rng(0).normal(size=9000))
    )
    for number, block in enumerate(blocks(page, "python")):
        exec(compile(small(block), f"{page}, example {number + 1}", "exec"), names)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", ["README.md", "first-gan.md", "cli.md", "texts.md", "audio.md", "series.md", "images.md"]
)
def test_commands_of_a_page_run(page: str, workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    typed = [line for block in blocks(page, "") for line in commands(block)]
    assert len(typed) >= 5
    if page == "images.md":  # of whose digits no sounds are meant
        shutil.rmtree(workplace / "digits")
        write_digits(workplace / "digits")
    for line in typed:
        if page != "images.md" or not line.startswith("gankit export "):  # which test_cli_latents runs
            run_as_typed(line, workplace, capfd)


@pytest.mark.slow
@pytest.mark.parametrize("page", [name for name in DOCS if name.startswith("tutorials/")])
def test_a_tutorial_runs_from_top_to_bottom(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In an empty folder: its first block makes the data, and every block finds what those before it left."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for number, (language, block) in enumerate(fenced(page)):
        if language == "python":
            exec(compile(small(block), f"{page}, block {number + 1}", "exec"), names)
        for line in commands(block) if language == "" else ():
            run_as_typed(line, tmp_path, capfd)


@pytest.mark.parametrize("file", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda file: file.name)
def test_benchmarks_import_what_there_is(file: Path) -> None:
    imports = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
    missing = []
    for found in imports:
        if (found.module or "").split(".")[0] == "gankit":
            module = importlib.import_module(str(found.module))
            inside = {m.name for m in pkgutil.iter_modules(getattr(module, "__path__", []))}
            missing += [
                f"{found.module}.{n.name}" for n in found.names if not hasattr(module, n.name) | (n.name in inside)
            ]
    assert missing == []


def test_advice_names_flags_and_kinds_that_there_are() -> None:
    from gankit.cli import cli
    from gankit.kinds import KINDS

    context = click.Context(cli)
    known = {"--version", "--upgrade", "--rcfile", "--logdir"}
    for command in cli.commands.values():
        known |= {flag for p in command.get_params(context) for flag in (*p.opts, *p.secondary_opts)}
    wrong = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        said = {flag for flag in re.findall(r"(?<![\w(-])--[a-z][a-z-]*[a-z](?![\w:-])", text) if flag not in known}
        kinds = {kind for kind in re.findall(r"--kind ([a-z]+)", text) if kind not in (*KINDS, "auto")}
        wrong += [f"{path.name}: {word}" for word in sorted(said | kinds)]
    assert wrong == []

"""Ten first hours with gankit, each from an empty folder to a result, as new users live them: on the shell, in
Python, and in a notebook.

What is held: that the job gets done, what stands on the terminal (short, and no data in it), and that a mistake is
answered in one sentence.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

import gankit

SRC = Path(gankit.__file__).parent.parent
MOST_LINES = 20
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SRC), "OMP_NUM_THREADS": "1"}


class Shell:
    """A terminal in a folder: `gankit ARGUMENTS`, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.out = self.err = ""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "gankit", *arguments],
            cwd=self.folder,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, line: str, code: int = 0) -> list[str]:
        """Types `gankit LINE` and gives the lines of standard output."""
        process = self.start(*line.split())
        self.out, self.err = process.communicate(timeout=120)
        assert process.returncode == code, f"exit code {process.returncode}\n{self.out}\n{self.err}"
        return self.out.splitlines()

    def train(self, line: str) -> str:
        """Trains, holds that it took few lines, and gives them."""
        where, *commands = self("train " + line)
        assert where.startswith("The model is in ") and where.endswith(". Next:")
        assert [command.split()[:2] for command in commands] == [["gankit", "sample"], ["gankit", "evaluate"]]
        assert 3 <= len(self.err.splitlines()) <= MOST_LINES, self.err
        assert all(len(said) < 300 for said in self.err.splitlines()), self.err
        return self.err

    def mistake(self, line: str) -> str:
        """Types a mistake and gives the one sentence that answers it."""
        assert self(line, code=2) == []
        (sentence,) = self.err.splitlines()
        assert sentence.startswith("gankit: ")
        return sentence[len("gankit: ") :]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    assert not list(tmp_path.iterdir())
    return Shell(tmp_path)


def shop_frame(rows: int = 240) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, rows)
    frame = pd.DataFrame({"age": age, "city": rng.choice(["Oslo", "Lima", "Rome"], rows)})
    frame["income"] = (100.0 * age + rng.normal(0, 500, rows)).round(2)
    frame["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D")
    return frame


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A shell in a folder with people.csv and a run that was trained on it, `people`."""
    shell = Shell(tmp_path_factory.mktemp("shop"))
    shop_frame().to_csv(shell.folder / "people.csv", index=False)
    shell.train("people.csv -o people --samples 1k")
    return shell


def test_hour_1_a_csv_file_is_learned_sampled_and_judged(shop: Shell) -> None:
    lines = shop.err.splitlines()
    assert lines[0] == "kind: table (4 columns, 240 records). Override with --kind."
    assert "100%" in lines[-1]
    header, *rows = shop("sample people -n 5 --seed 7")
    assert header == "age,city,income,since"
    assert len(rows) == 5
    shop("sample people -n 2k -o fakes.csv --where age=30..40")
    fakes = pd.read_csv(shop.folder / "fakes.csv", parse_dates=["since"])
    assert len(fakes) == 2000 and fakes["age"].between(30, 40).all()
    assert list(fakes.columns) == list(shop_frame().columns) and set(fakes["city"]) <= {"Oslo", "Lima", "Rome"}

    said = shop("evaluate people --fast")
    assert len(said) <= 12 and len(shop.err.splitlines()) <= MOST_LINES
    page = re.search(r"\S+/report\.html", said[-1])
    assert page is not None
    assert (shop.folder / page[0]).read_text().startswith("<!DOCTYPE html>")
    assert json.loads((shop.folder / page[0]).with_suffix(".json").read_text())["evaluation"]["metrics"]["shape"]


def test_hour_2_the_numbers_of_an_article_and_the_gan_of_2014(shell: Shell) -> None:
    numbers = np.random.default_rng(0).normal(4, 1.25, 500)
    (shell.folder / "numbers.txt").write_text("".join(f"{number:.3f}\n" for number in numbers))
    said = shell.train("numbers.txt --network dense2014 -o gan --samples 1k --evaluations 2")
    assert "kind: number (1 column, 500 records)" in said
    inspected = shell("inspect gan")
    assert "network: dense2014" in inspected and "samples: 1000" in inspected and len(inspected) < 50

    first = shell.train("-o gan --resume --samples 500").splitlines()[0]
    assert first.startswith("extended by 500 samples")
    assert "samples: 1500" in shell("inspect gan")
    fakes = np.array(shell("sample gan -n 300"), float)
    assert fakes.shape == (300,) and -5 < fakes.mean() < 13


def test_hour_3_images_in_folders_and_a_grid_of_one_class(shell: Shell) -> None:
    rng = np.random.default_rng(0)
    for label, colour in (("cat", (230, 120, 30)), ("dog", (30, 90, 230))):
        (shell.folder / "photos" / label).mkdir(parents=True)
        for number in range(24):
            pixels = np.full((8, 8, 3), 40, np.uint8)
            row, column = rng.integers(0, 4, 2)
            pixels[row : row + 4, column : column + 4] = colour
            Image.fromarray(pixels).save(shell.folder / "photos" / label / f"{number}.png")
    said = shell.train("photos --samples 200")
    assert "label is the name of the folder (cat, dog)" in said and "48 images of 8 x 8, RGB" in said
    assert shell("sample runs/photos-1 -n 16 -o grid.png --where label=cat") == ["16 images in grid.png"]
    with Image.open(shell.folder / "grid.png") as grid:
        assert grid.mode == "RGB" and min(grid.size) >= 32


def test_hour_4_a_table_of_a_database_becomes_a_spreadsheet(shell: Shell) -> None:
    frame = shop_frame(150)
    with sqlite3.connect(shell.folder / "shop.db") as database:
        frame.reset_index(names="id").to_sql("people", database, index=False)
        database.execute("create table notes (text)")
    database.close()
    assert shell.mistake("train shop.db") == "shop.db has 2 tables ('notes', 'people'). Name one: shop.db/NAME"
    assert "column 'id'" in shell.train("shop.db/people -o shop --samples 500")
    assert shell("sample shop -n 20 -o fakes.xlsx") == ["20 records in fakes.xlsx"]
    sheet = pd.read_excel(shell.folder / "fakes.xlsx", engine="calamine")
    assert list(sheet.columns) == ["id", *frame.columns] and len(sheet) == 20
    assert not set(sheet["id"]) & set(range(150))


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("train people.csv --lr 0.1", "No such option: --lr. The learning rate is --learning-rate."),
        ("train people.csv --cuda", "No such option: --cuda. A GPU is used where there is one; --device cpu or cuda"),
        ("train people.csv --network lstm", "For series there are recurrent and temporal, for texts symbols."),
        ("train peple.csv", "peple.csv: there is no such file."),
        ("train people", "people is a run, not data. Go on with it: gankit train -o people --resume"),
        ("train people --resume", "--resume needs the run to go on with: gankit train -o people --resume"),
        ("train people.csv -o people", "Go on with it (--resume), replace it (--overwrite), or name another"),
        ("sample people -n lots", "it must be a number like 60k or 2M; got 'lots'."),
        ("sample people", "Missing option '-n' / '--num-rows'."),
        ("smaple people", "No such command 'smaple'. Did you mean 'sample'?"),
        ("sample people -n 3 --where town=Oslo", "there is no column 'town'. Columns: age, city, income, since."),
    ],
)
def test_hour_5_a_mistake_is_answered_in_one_sentence(shop: Shell, line: str, answer: str) -> None:
    assert answer in shop.mistake(line)


def test_hour_5_a_training_is_stopped_and_goes_on(shop: Shell) -> None:
    process = shop.start("train", "people.csv", "-o", "long", "--samples", "4k", "--evaluations", "4")
    assert process.stderr is not None
    said = ""
    while "%" not in said:  # it has begun
        said = process.stderr.readline()
        assert said
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and out == ""
    assert "Traceback" not in err
    assert re.search(r"gankit: stopped after [\d,]+ samples; .*Go on with: gankit train -o long --resume\n$", err)
    assert len(gankit.load(shop.folder / "long").sample(3)) == 3
    shop("train -o long --resume")
    assert "100%" in shop.err.splitlines()[-1] and len(shop.err.splitlines()) <= MOST_LINES


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return shop_frame()


@pytest.fixture(scope="module")
def model(frame: pd.DataFrame) -> gankit.Model:
    return gankit.train(frame, samples="1k", verbose=False)


def test_hour_6_a_frame_comes_back_as_a_frame_and_is_judged(model: gankit.Model, frame: pd.DataFrame) -> None:
    fakes = model.sample(300, seed=1)
    assert list(fakes.columns) == list(frame.columns) and list(fakes.dtypes) == list(frame.dtypes)
    assert fakes["age"].between(18, 79).all()
    assert (model.sample(50, where={"city": "Rome"})["city"] == "Rome").all()
    report = gankit.evaluate(model, fast=True, verbose=False)
    table = report.to_frame()
    assert {"fake", "real", "text"} <= set(table.columns) and "shape" in table.index
    assert len(repr(model)) < 400 and len(repr(report)) < 400
    for wrong, answer in (
        (lambda: model.sample(3, where="age > 30"), "where"),
        (lambda: gankit.train(frame, lr=0.1), "The learning rate is --learning-rate"),
        (lambda: gankit.train("nowhere.csv"), "there is no file 'nowhere.csv'"),
        (lambda: gankit.load("nowhere"), "there is no model at nowhere"),
    ):
        with pytest.raises(gankit.GankitError, match=answer):
            wrong()


def test_hour_7_a_training_is_followed_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.random.default_rng(0).normal([0.0, 5.0], [1.0, 2.0], size=(300, 2))
    training = gankit.follow(x, samples="20k", verbose=False)
    losses = []
    for progress in training:
        losses.append(progress.g_loss)
        if progress.metric is not None:
            break
    fakes = training.model.sample(100)
    assert losses and fakes.shape == (100, 2) and np.isfinite(fakes).all()

    notes, seen = list[str](), list[float]()
    model = gankit.train(
        x,
        samples="1k",
        out=tmp_path / "run",
        on_note=notes.append,
        on_progress=lambda progress: seen.append(progress.samples / progress.total_samples),
    )
    assert capsys.readouterr() == ("", "")
    assert notes and seen == sorted(seen) and seen[-1] >= 1
    assert isinstance(model.generator, nn.Module)
    longer = gankit.resume(tmp_path / "run", x, samples="1k", verbose=False)
    assert longer.card["samples"] > model.card["samples"]
    model.save(tmp_path / "numbers.safetensors")
    assert (gankit.load(tmp_path / "numbers.safetensors").sample(5) == model.sample(5)).all()


class Exponential:
    """A loss of one's own."""

    def discriminator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return torch.exp(-real.clamp(-3, 3)).mean() + torch.exp(fake.clamp(-3, 3)).mean()

    def generator(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        return torch.exp(-fake.clamp(-3, 3)).mean()


class Line(gankit.Generator):
    """A generator of one's own."""

    def __init__(self, spec: Any, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents, self.num_uniforms = spec, None, num_latents, 0
        self.layers = nn.Sequential(nn.Linear(num_latents, 16), nn.ReLU(), nn.Linear(16, spec.dim))

    def forward(self, z: torch.Tensor, u: Any, c: Any) -> torch.Tensor:
        return self.layers(z)


class Critic(gankit.Discriminator):
    """A discriminator of one's own."""

    def __init__(self, spec: Any) -> None:
        super().__init__()
        self.spec, self.condition = spec, None
        self.layers = nn.Sequential(nn.Linear(spec.dim, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    def forward(self, x: torch.Tensor, c: Any, u: Any = None) -> torch.Tensor:
        return self.layers(x).squeeze(1)


def test_hour_8_a_loss_and_networks_of_ones_own(tmp_path: Path) -> None:
    pair = gankit.Pair(
        name="hour",
        makes=("vector",),
        builder=lambda spec, condition, width, depth, num_latents: (Line(spec, num_latents), Critic(spec)),
    )
    x = torch.randn(300, generator=torch.Generator().manual_seed(0)) * 3 + 20
    model = gankit.train(x, network=pair, loss=Exponential(), samples="1k", verbose=False)
    model.save(tmp_path / "hour.safetensors")
    again = gankit.load(tmp_path / "hour.safetensors", network=pair)
    assert np.array_equal(again.sample(20), model.sample(20))
    script = f"import gankit; gankit.load({str(tmp_path / 'hour.safetensors')!r})"
    done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "'hour'" in done.stderr.splitlines()[-1] and "network=" in done.stderr
    with pytest.raises(gankit.GankitError, match="discriminator"):
        gankit.train(x, loss=object(), samples="1k", verbose=False)


CELLS = """
import numpy as np, pandas as pd, gankit
rng = np.random.default_rng(0)
frame = pd.DataFrame({"pay": rng.normal(2000, 300, 200).round(2), "city": rng.choice(["Oslo", "Rome"], 200)})
frame.loc[0, "pay"] = 917351.25
---
model = gankit.train(frame, samples="1k")
---
model
---
model.sample(3)
---
report = gankit.evaluate(model, fast=True)
---
report
---
report.to_frame().head(3)
---
gankit.train(frame, lr=0.1)
"""


def test_hour_9_a_notebook_shows_a_bar_and_tables_and_no_data(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    path = tmp_path / "hour.ipynb"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c.strip()) for c in CELLS.split("---")])
    nbformat.write(book, path)
    done = subprocess.run(  # in a process of its own, as with `jupyter execute`
        [
            sys.executable,
            "-c",
            "import nbclient.cli; nbclient.cli.main()",
            "--allow-errors",
            "--inplace",
            "--timeout=100",
            path.name,
        ],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    _, trained, model, sample, judged, report, figures, mistake = nbformat.read(path, 4).cells

    said = "".join(output["text"] for output in trained.outputs)
    assert "kind: table (2 columns, 200 records)" in said and "█|" in said and "100%" in said
    assert "Warning" not in said and len(re.split(r"[\r\n]+", said)) <= MOST_LINES
    assert len("".join(output["text"] for output in judged.outputs).splitlines()) <= 4
    for cell, shown in ((model, "gankit.Model"), (sample, "Oslo"), (report, "gankit.Report"), (figures, "shape")):
        (output,) = cell.outputs
        assert shown in output["data"]["text/html"] and len(output["data"]["text/html"]) < 20_000
        assert len(output["data"]["text/plain"]) < 1500
        assert "917351" not in json.dumps(output)
    assert mistake.outputs[-1]["evalue"].endswith("The learning rate is --learning-rate.")


def test_hour_10_series_and_texts(shell: Shell) -> None:
    rng, hours = np.random.default_rng(0), np.arange(400)
    load = pd.DataFrame({"time": pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, "h")})
    load["load"] = (100 + 20 * np.sin(hours / 24 * 2 * np.pi) + rng.normal(0, 2, 400)).round(1)
    load.to_csv(shell.folder / "load.csv", index=False)
    said = shell.train("load.csv --kind series --window 12 --samples 500 -o load")
    assert "1 channel, 400 steps, windows of 12" in said
    header, *rows = shell("sample load -n 2")
    assert header == "series,time,load" and len(rows) == 24
    notes = list[str]()
    report = gankit.evaluate(shell.folder / "load", fast=True, on_note=notes.append)
    assert "discriminative" not in report.figures() and any("left out of a fast report" in note for note in notes)

    names = [
        stem + end for stem in ("olaf", "sven", "inge", "astrid", "paolo", "maria") for end in ("", "a", "o", "in")
    ]
    fakes = gankit.train(5 * names, kind="text", samples="600", verbose=False).sample(6, prefix="a")
    assert len(fakes) == 6 and all(isinstance(fake, str) and fake.startswith("a") for fake in fakes)

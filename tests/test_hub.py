"""Models on the Hugging Face Hub: what is pushed and what comes back, with the real library and a server of our own."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hub_stub import READER, WRITER, Hub, Repo, stub
from latent_models import image_model

import gankit
from gankit.cli import run
from gankit.errors import DependencyError, ModelError, OptionError, OutputError
from gankit.io.hub import HubFile
from gankit.randomness import numpy_generator

pytest.importorskip("huggingface_hub", reason="the package huggingface_hub is not installed")

SIDES = ("fake", "ceiling")
LIBRARY = ("huggingface_hub", "hf_xet")


def unloaded() -> None:
    """The library reads its variables when it is imported."""
    if (utils := sys.modules.get("huggingface_hub.utils")) is not None:
        utils.close_session()
    for name in [name for name in sys.modules if name.split(".")[0] in LIBRARY]:
        del sys.modules[name]


@dataclass
class Place:
    """The hub, a folder with runs/people and people.csv, and what ends the server."""

    hub: Hub
    folder: Path
    stop: Callable[[], None]
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def set(self, **variables: str | None) -> None:
        for name, value in variables.items():
            self.monkeypatch.delenv(name, False) if value is None else self.monkeypatch.setenv(name, value)
        unloaded()

    def says(self, line: str, code: int = 0) -> str:
        """What a command says: its results, or all that it says to standard error."""
        got = run(shlex.split(line))
        found = self.capfd.readouterr()
        assert got == code, found.err
        return found.err if code else found.out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """people.csv, with identifiers, and runs/people with a report that shows rows of it."""
    folder, rng = tmp_path_factory.mktemp("made"), numpy_generator(0, "test people")
    people = {
        "person": [f"P-{int(rng.integers(10**7)):07d}" for _ in range(80)],
        "city": rng.choice(["Oslo", "Lima|<b>", "Kyoto"], 80),
        "income": np.round(rng.normal(1000, 100, 80), 2),
    }
    pd.DataFrame(people).to_csv(folder / "people.csv", index=False)
    own: Any = {"samples": "500", "evaluations": 1, "verbose": False, "previews": "0"}
    gankit.train(folder / "people.csv", out=folder / "runs" / "people", **own)
    report = gankit.evaluate(folder / "runs" / "people", fast=True, n=40, verbose=False)
    report.save(folder / "runs" / "people" / "report" / "report.html")
    return folder


@pytest.fixture
def place(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Place]:
    with ExitStack() as stack:
        server = stack.enter_context(ExitStack())
        hub = server.enter_context(stub())
        found = Place(hub, made, server.close, monkeypatch, capfd)
        found.set(
            HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hf"), HF_TOKEN=WRITER, HF_HUB_DISABLE_XET="1",
            HF_HUB_OFFLINE=None, HF_HUB_DISABLE_IMPLICIT_TOKEN=None, HF_HUB_CACHE=None,
        )  # fmt: skip
        monkeypatch.chdir(made)
        yield found
        unloaded()


def content_of(folder: Path) -> dict[str, bytes]:
    return {"model.safetensors": (folder / "runs" / "people" / "model.safetensors").read_bytes()}


def test_a_pushed_model_comes_back_the_same_and_its_card_has_the_figures_of_the_report(place: Place) -> None:
    line = "push runs/people hf://anna/people --report runs/people/report --private --licence CC-BY-4.0 --message first"
    said = json.loads(place.says(f"{line} --json"))
    repo = place.hub.repos["anna/people"]
    (files,) = repo.commits.values()
    assert repo.private and repo.messages == ["first"]
    assert sorted(files) == sorted(said["files"]) == ["README.md", "model.safetensors", "report.json"]
    assert files["model.safetensors"] == content_of(place.folder)["model.safetensors"]
    rows = place.says("sample hf://anna/people -n 20 --seed 3")
    assert rows == place.says("sample runs/people -n 20 --seed 3")

    from huggingface_hub import ModelCard

    card = ModelCard(files["README.md"].decode())
    assert (card.data.library_name, card.data.license) == ("gankit", "cc-by-4.0")
    assert {"gankit", "table", "sequential"} <= set(card.data.tags)
    report = json.loads((place.folder / "runs" / "people" / "report" / "report.json").read_text())
    metrics, results = report["evaluation"]["metrics"], {r.metric_name: r for r in card.data.eval_results}
    both = [v for v in report["verdicts"] if None not in (metrics[v["metric"]][side]["value"] for side in SIDES)]
    assert len(both) > 8
    for verdict in both:
        measured = metrics[verdict["metric"]]
        result = results[verdict["title"]]
        assert result.metric_value == pytest.approx(measured["fake"]["value"], rel=1e-3)
        assert result.metric_args["ceiling"] == pytest.approx(measured["ceiling"]["value"], rel=1e-3)
        row = next(line for line in card.text.splitlines() if line.startswith(f"| {verdict['title']} |"))
        assert f"| {measured['fake']['value']:.3f} (" in row and f"| {measured['ceiling']['value']:.3f} (" in row
    assert "training rows were copied" in card.text and "no proof of privacy" in card.text
    assert "The data: CC-BY-4.0" in card.text
    kept = json.loads(files["report.json"])["evaluation"]["metrics"]
    assert kept["shape"]["baselines"]["copula"]["value"] == metrics["shape"]["baselines"]["copula"]["value"]


def test_nothing_that_is_pushed_holds_a_row_and_what_the_model_holds_is_said(place: Place, tmp_path: Path) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    report = place.folder / "runs" / "people" / "report" / "report.json"
    place.says(f"push runs/people anna/people --report {report} --dry-run {out} --quiet")
    people = pd.read_csv("people.csv", dtype=str)
    shown = {file.name: file.read_bytes() for file in out.iterdir()}
    assert any(income in report.read_text() for income in people.income), "the report itself shows rows"
    for text in [*people.person, *people.city + "," + people.income]:
        assert not [name for name, content in shown.items() if text.encode() in content]
    for income in people.income:
        assert not [name for name in ("README.md", "report.json") if income.encode() in shown[name]]
    assert place.hub.asked == [] and len(shown) == 3
    told: list[str] = []
    done = gankit.push("runs/people", "anna/people", dry_run=again, on_note=told.append)
    assert told == [*done.notes]
    assert any("holds no records" in n and "names of the categories of city" in n for n in done.notes), done.notes
    assert done.url is None and sorted(p.name for p in again.iterdir()) == ["README.md", "model.safetensors"]
    assert "| Column shapes |" in (again / "README.md").read_text(), "the report of the run goes into the card"


def test_a_model_without_a_report_has_its_held_out_metric_and_names_are_no_markup(place: Place) -> None:
    model = gankit.load("runs/people/model.safetensors")
    model.card["name"] = "a|b <script>\n# c: `d`"
    done = gankit.push(model, "anna/people", licence="Ask Anna, please", message="of an object")
    assert any("no report" in note for note in done.notes)
    assert gankit.load(done.address).card["name"] == model.card["name"]
    text = place.hub.repos["anna/people"].commits[done.address.partition("@")[2]]["README.md"].decode()

    from huggingface_hub import ModelCard

    data = ModelCard(text).data
    assert (data.license, data.license_name) == ("other", "ask-anna-please")
    (result,) = data.eval_results
    assert result.metric_name == model.card["metric"]["name"] and result.dataset_name == "a|b <script>\n# c: `d`"
    assert "<script>" not in text.split("---", 2)[2] and r"a\|b \<script\> \# c: \`d\`" in text


def test_an_address_names_a_revision_and_a_file(place: Place) -> None:
    first = gankit.push("runs/people", "anna/people")
    changed = gankit.load("runs/people")
    changed.card["name"] = "second"
    gankit.push(changed, "anna/people")
    place.hub.repos["anna/people"].commit({"previews/000.safetensors": content_of(place.folder)["model.safetensors"]})
    assert gankit.inspect("hf://anna/people")["name"] == "second"
    assert gankit.inspect(first.address)["name"] == "people"
    assert gankit.inspect("hf://anna/people/previews/000.safetensors")["name"] == "people"
    assert gankit.load("hf://anna/people@main/previews/000.safetensors").card["name"] == "people"
    assert HubFile.parse("hf://models/a/b@refs/pr/3/c/d.x") == HubFile("a/b", "refs/pr/3", "c/d.x")
    assert HubFile.parse("hf://a/b@feature%2Fx").revision == "feature/x"


def test_every_command_takes_an_address(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.hub.repos["anna/people"] = Repo(False)
    place.hub.repos["anna/people"].commit(content_of(place.folder))
    file = tmp_path / "digits.safetensors"
    image_model("strided").save(file)
    place.hub.repos["anna/digits"] = Repo(False)
    place.hub.repos["anna/digits"].commit({"model.safetensors": file.read_bytes()})
    monkeypatch.chdir(tmp_path)
    place.says(f"evaluate hf://anna/people --real {place.folder}/people.csv --fast -n 20")
    assert (tmp_path / "people-report" / "report.json").is_file()
    place.says("export hf://anna/digits -o digits.pt2")
    place.says("interpolate hf://anna/digits -o digits.png")

    from gankit.run.beginning import Beginning
    from gankit.serve.store import named

    assert Beginning.of("hf://anna/digits").model.plan.name == "strided"
    files = named(["hf://anna/people", "hf://anna/digits@main/model.safetensors"])
    assert [*files] == ["people", "model"]
    assert files["people"].read_bytes() == content_of(place.folder)["model.safetensors"]
    with pytest.raises(OptionError, match="hf://anna/people is a model file without its data"):
        gankit.evaluate("hf://anna/people", verbose=False)


def test_what_was_loaded_once_is_there_offline_and_where_the_hub_is_not_reachable(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.hub.repos["anna/people"] = Repo(False)
    place.hub.repos["anna/people"].commit(content_of(place.folder))
    rows = place.says("sample hf://anna/people -n 5")
    place.set(HF_HUB_OFFLINE="1")
    place.hub.asked.clear()
    assert place.says("sample hf://anna/people -n 5") == rows and place.hub.asked == []
    said = place.says("inspect hf://anna/other", code=2)
    assert "HF_HUB_OFFLINE is set" in said and "hf://anna/other" in said
    assert "HF_HUB_OFFLINE" in place.says("push runs/people anna/people", code=2)
    place.set(HF_HUB_OFFLINE=None)
    place.stop()
    assert place.says("sample hf://anna/people -n 5") == rows
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    for line in ("inspect hf://anna/other", "push runs/people anna/people"):
        said = place.says(line, code=2)
        assert f"({place.hub.url}) cannot be reached" in said and len(said.strip().splitlines()) == 1, said
    assert sum(waited) < 10  # seconds between tries


def test_a_cache_that_somebody_else_prepared_is_enough(place: Place, tmp_path: Path) -> None:
    content = content_of(place.folder)["model.safetensors"]
    folder, number = tmp_path / "hf" / "hub" / "models--anna--people", 40 * "7"
    (folder / "snapshots" / number).mkdir(parents=True)
    (folder / "blobs").mkdir()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(number)
    blob = folder / "blobs" / hashlib.sha256(content).hexdigest()
    blob.write_bytes(content)
    (folder / "snapshots" / number / "model.safetensors").symlink_to(blob)
    place.set(HF_HUB_OFFLINE="1")
    assert gankit.load("hf://anna/people").sample(3).equals(gankit.load("runs/people").sample(3))
    assert place.hub.asked == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("inspect hf://anna/none", "no repository anna/none"),
        ("sample hf://anna/people@v9 -n 1", "no branch, tag or commit 'v9'"),
        ("inspect hf://anna/empty", "anna/empty holds no model.safetensors"),
        ("inspect hf://anna/people/other.safetensors", "holds no other.safetensors"),
        ("inspect hf://anna/foreign", "not a gankit model"),
        ("sample hf://anna/damaged -n 1", "checksum does not fit"),
        ("inspect hf://anna", "Expected hf://owner/name"),
        ("inspect hf://datasets/anna/people", "that is no model"),
        ("inspect hf://anna/people/../x", "Expected hf://owner/name"),
        ("serve hf://anna/none", "no repository anna/none"),
        ("push runs/people anna", "Expected owner/name"),
        ("push runs/none anna/people", "no model at runs/none"),
        ("push damaged.safetensors anna/people", "checksum does not fit"),
        ("push runs/people anna/people --private", "exists and is public"),
        ("push runs/people anna/people --report people.csv", "no report of gankit"),
        ("push runs/people anna/people --report missing.json", "missing.json cannot be read"),
        ("push runs/people anna/people --report other.json", "another model"),
        ("push runs/people anna/people --report list.json", "no report of gankit"),
        ("push runs/people anna/people --dry-run runs", "Name a new or an empty folder"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(line: str, words: str, place: Place, tmp_path: Path) -> None:
    good = content_of(place.folder)["model.safetensors"]
    damaged = good[:-1] + bytes([good[-1] ^ 1])
    contents = {"people": good, "damaged": damaged, "foreign": b"\x02\0\0\0\0\0\0\0{}"}
    for name, content in contents.items():
        place.hub.repos[f"anna/{name}"] = Repo(False)
        place.hub.repos[f"anna/{name}"].commit({"model.safetensors": content})
    place.hub.repos["anna/empty"] = Repo(False)
    place.hub.repos["anna/empty"].commit({"README.md": b"nothing"})
    (tmp_path / "runs").mkdir()
    shutil.copytree(place.folder / "runs" / "people", tmp_path / "runs" / "people")
    shutil.copy(place.folder / "people.csv", tmp_path)
    (tmp_path / "damaged.safetensors").write_bytes(damaged)
    report = json.loads((place.folder / "runs" / "people" / "report" / "report.json").read_text())
    report["card"]["data_hash"] = "of others"
    (tmp_path / "other.json").write_text(json.dumps(report))
    (tmp_path / "list.json").write_text("[1]")
    place.monkeypatch.chdir(tmp_path)
    before = {name: len(repo.commits) for name, repo in place.hub.repos.items()}
    said = place.says(line, code=2)
    assert words in said and "Traceback" not in said and len(said.strip().splitlines()) == 1, said
    assert {name: len(repo.commits) for name, repo in place.hub.repos.items()} == before


@pytest.mark.parametrize(
    ("token", "words"),
    [(None, "log in with"), ("hf_wrong", "the token may not"), (READER, "the token may not")],
)
def test_without_a_token_that_may_write_nothing_is_pushed(token: str | None, words: str, place: Place) -> None:
    place.set(HF_TOKEN=token)
    with pytest.raises(OutputError, match=words) as error:
        gankit.push("runs/people", "anna/people")
    assert token is None or token not in str(error.value)
    assert place.hub.repos == {}


def test_a_private_model_is_for_who_has_the_token(place: Place) -> None:
    gankit.push("runs/people", "anna/people", private=True)
    place.set(HF_TOKEN=None)
    with pytest.raises(ModelError, match="or it is private"):
        gankit.load("hf://anna/people")


def test_a_missing_package_is_named(place: Place, tmp_path: Path) -> None:
    place.monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DependencyError, match=r"pip install 'gankit\[hub\]'"):
        gankit.load("hf://anna/people")
    with pytest.raises(DependencyError, match=r"gankit\[hub\]"):
        gankit.push("runs/people", "anna/people")
    gankit.push("runs/people", "anna/people", dry_run=tmp_path / "out")  # which needs none

"""The model card: the README of a model's repository, filled from what the model file and its report say.

Knows models, figures of reports and Markdown; never records, nor what the report's details say of them: they may show
records, and figures do not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from gankit.errors import visible
from gankit.report import numbers
from gankit.report.summary import limits
from gankit.report.verdict import COPYING, levels
from gankit.stored import Stored

if TYPE_CHECKING:
    from gankit.model.model import Model

_NAMES = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsl-1.0 c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-
sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gfdl gpl gpl-2.0 gpl-3.0 isc lgpl lgpl-2.1 lgpl-3.0
mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 openrail osl-3.0 pddl postgresql unknown unlicense wtfpl zlib
"""
LICENCES = frozenset(_NAMES.split())
"""The names of licences that the Hub knows and data may have; others are shown as "other"."""

_MOST_COLUMNS = 40
_MARKS = re.compile(r"([\\`*_\[\]#|~<>&$])")


class _Score(TypedDict):
    value: float | None
    low: float | None
    high: float | None


class _Measured(TypedDict):
    family: str
    best: float
    direction: str
    fake: _Score
    ceiling: _Score | None
    baselines: dict[str, _Score]


class _Rows(TypedDict):
    train: int
    heldout: int
    fake: int
    compared: int
    against: int


class _Evaluation(TypedDict):
    seed: int
    rows: _Rows
    metrics: dict[str, _Measured]


class _Verdict(TypedDict):
    metric: str
    title: str
    level: str


class _Light(TypedDict):
    light: str
    level: str
    text: str


class _Finding(TypedDict):
    subject: str
    text: str


@dataclass(frozen=True)
class Figures(Stored):
    """What of a report.json goes into a card: figures and sentences that are made of figures alone."""

    score: float | None
    lights: tuple[_Light, ...]
    verdicts: tuple[_Verdict, ...]
    findings: tuple[_Finding, ...]
    evaluation: _Evaluation
    card: dict[str, Any]

    def is_on(self, card: Mapping[str, Any]) -> bool:
        """Whether it is the report on the model with this card."""
        same = ("kind", "data_hash", "network", "parameters", "samples", "steps")
        return all(self.card.get(name) == card.get(name) for name in same)

    def to_json(self) -> dict[str, Any]:
        """As in report.json, without details, texts and the model's card."""
        of_score = tuple(_Score.__annotations__)
        metrics = {}
        for name, m in self.evaluation["metrics"].items():
            sides: Any = {"fake": m["fake"], "ceiling": m["ceiling"], **m["baselines"]}
            bare = {who: score and {key: score[key] for key in of_score} for who, score in sides.items()}
            facts = {"family": m["family"], "best": m["best"], "direction": m["direction"]}
            ends = {"fake": bare.pop("fake"), "ceiling": bare.pop("ceiling")}
            metrics[name] = {**facts, **ends, "baselines": bare}
        rows = {key: self.evaluation["rows"][key] for key in _Rows.__annotations__}  # type: ignore[literal-required]
        return {
            "score": self.score,
            "lights": [{key: light[key] for key in ("light", "level", "text")} for light in self.lights],
            "verdicts": [{key: v[key] for key in ("metric", "title", "level")} for v in self.verdicts],
            "evaluation": {"seed": self.evaluation["seed"], "rows": rows, "metrics": metrics},
        }


def model_card(model: Model, repo: str, figures: Figures | None, licence: str | None) -> str:
    """The README.md of a model's repository: YAML that the Hub reads, then Markdown.

    figures: of the report on the model; None: the card has its held-out metric alone. licence: of the data, as told.
    """
    card, many = model.card, model.of.noun.many
    parts = [
        f"# {_plain(repo.rpartition('/')[2])}",
        f"A generative adversarial network that generates synthetic {many}, trained on “{_plain(card['name'])}” with "
        f"gankit {_plain(card['version'])}.",
        _table(["", ""], [[name, _plain(text)] for name, text in _facts(model).items()]),
        "## Use",
        f"```\npip install 'gankit[hub]'\ngankit sample hf://{repo} -n 1000 -o {_file(model)}\n```",
        f'```python\nimport gankit\n\nmodel = gankit.load("hf://{repo}")\nsamples = model.sample(1000, seed=0)\n```',
        "The file holds no code, and nothing is unpickled.",
        "## How good the samples are",
        *(_held_out(model) if figures is None else _measured(figures, model)),
        "## Copies of training records",
        *_copies(figures, model),
        "## Limits",
        f"- The model knows the {numbers.count(card['rows']['train'])} training {many} and nothing beyond them: what "
        "they lack or over-represent, samples lack or over-represent too.\n"
        f"- {limits(model.of.noun)} The training was not differentially private.\n"
        f"- {_holds(model)}",
        "## Licence",
        f"The data: {_plain(licence)}, as stated by who published this model."
        if licence
        else "The licence of the data was not stated. Ask who published this model before you use it.",
    ]
    return "\n".join(["---", *_front(model, repo, figures, licence), "---", "", "\n\n".join(parts), ""])


def holds(model: Model) -> str:
    """What of its data a model file tells whoever can read it, in a sentence without marks."""
    schema = model.schema.columns
    levels = [c.name for c in schema if c.type == "category" and c.levels]
    ranges = [c.name for c in schema if c.type in ("number", "datetime")]
    told = [f"the names of the categories of {_some(levels)}"] if levels else []
    told += [f"the ranges and quantiles of {_some(ranges)}"] if ranges else []
    told += ["and what else its codec needs"]
    return f"the model holds no {model.of.noun.many}, but {'; '.join(told)}. Whoever has the file can read them."


def _some(names: list[str]) -> str:
    return numbers.listed(names if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"])


def _holds(model: Model) -> str:
    text = _plain(holds(model))
    return text[:1].upper() + text[1:]


def _facts(model: Model) -> dict[str, str]:
    """What the model is, a name and a few words each."""
    card = model.card
    columns = [f"{c['name']} ({c['kind']})" for c in card["columns"][:_MOST_COLUMNS]]
    more = len(card["columns"]) - len(columns)
    told = {**model.facts(), "columns": ", ".join([*columns, *([f"{more} more"] if more > 0 else [])])}
    told["size"] = " x ".join(map(str, card["size"])) if model.of.has_places else ""
    told["held out"] = model.of.noun.count(card["rows"]["heldout"])
    return {name: text for name, text in told.items() if text}


def _held_out(model: Model) -> list[str]:
    metric = model.card["metric"]
    known = "" if metric["value"] is None else f": {_plain(str(metric['name']))} {numbers.score(metric['value'])}"
    return [f"There is no report beside this model. The metric on held-out records that chose it{known}."]


def _measured(figures: Figures, model: Model) -> list[str]:
    """The score, the lights, and every metric beside its ceiling."""
    noun, rows = model.of.noun, figures.evaluation["rows"]
    words: dict[str, str] = {str(level): word for level, word in levels(noun).items()}
    said = (
        []
        if figures.score is None
        else [f"Score: {figures.score:.0f} of 100 (0: naive baselines, 100: real {noun.many})."]
    )
    said += [
        f"- {_plain(light['light'])}: {_plain(light['level'])}. {_plain(light['text'])}" for light in figures.lights
    ]
    lines = []
    for verdict, m in _told(figures):
        real = "–" if m["ceiling"] is None else _figure(m["ceiling"])
        lines.append([_plain(verdict["title"]), _figure(m["fake"]), real, words.get(verdict["level"], "")])
    about = (
        f"{numbers.count(rows['compared'])} synthetic {noun.many} against {numbers.count(rows['against'])} held-out "
        f"real ones that trained nothing, with 95 % intervals. Ceiling: the same figure of real {noun.many}."
    )
    head = ["Metric", f"Synthetic {noun.many}", f"Real {noun.many} (the ceiling)", "Level"]
    return ["\n".join(said), about, _table(head, lines)]


def _told(figures: Figures) -> Iterator[tuple[_Verdict, _Measured]]:
    """The metrics that have a figure, in the order of the report."""
    for verdict in figures.verdicts:
        measured = figures.evaluation["metrics"].get(verdict["metric"])
        if measured is not None and measured["fake"]["value"] is not None:
            yield verdict, measured


def _copies(figures: Figures | None, model: Model) -> list[str]:
    found = [] if figures is None else [f["text"] for f in figures.findings if f["subject"] == COPYING]
    return [f"{_plain(found[0])}." if found else f"Whether training {model.of.noun.many} were copied was not tested."]


def _file(model: Model) -> str:
    """A file of samples; a folder where one of such records has no suffix."""
    suffix = model.of.suffix(model.origin)
    return f"synthetic.{suffix}" if suffix else "synthetic"


def _figure(score: _Score) -> str:
    return numbers.with_interval(score["value"], score["low"], score["high"])


def _front(model: Model, repo: str, figures: Figures | None, licence: str | None) -> Iterator[str]:
    """The lines of the YAML at the top. JSON is YAML, and quotes whatever a name may hold."""
    yield "library_name: gankit"
    if licence and licence.lower() in LICENCES:
        yield f"license: {licence.lower()}"
    elif licence:
        yield "license: other"
        yield f"license_name: {json.dumps(_slug(licence))}"
    yield "tags:"
    yield from (f"- {_slug(tag)}" for tag in ("gankit", "gan", "synthetic-data", model.kind, model.plan.name))
    results = _results(model, figures)
    if results:
        name, card = repo.rpartition("/")[2], model.card
        task = {"type": "synthetic-data", "name": f"Generation of {model.of.noun.many}"}
        data = {"type": _slug(card["name"]), "name": visible(card["name"])}
        entry = {"name": name, "results": [{"task": task, "dataset": data, "metrics": results}]}
        yield f"model-index: {json.dumps([entry], ensure_ascii=False)}"


def _results(model: Model, figures: Figures | None) -> list[dict[str, Any]]:
    """The metrics of the model index."""
    if figures is None:
        metric = model.card["metric"]
        name = visible(str(metric["name"]))
        return (
            [] if metric["value"] is None else [{"type": _slug(name), "name": name, "value": _rounded(metric["value"])}]
        )
    found = []
    for verdict, m in _told(figures):
        entry = {
            "type": _slug(verdict["metric"]),
            "name": visible(verdict["title"]),
            "value": _rounded(m["fake"]["value"]),
        }
        real = m["ceiling"] and m["ceiling"]["value"]
        found.append(
            entry if real is None else {**entry, "args": {"ceiling": _rounded(real), "best": _rounded(m["best"])}}
        )
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _slug(text: str) -> str:
    """As the Hub's tags are: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "data"


def _plain(text: str) -> str:
    """A text of others as it is, in one line of Markdown."""
    return _MARKS.sub(r"\\\1", re.sub(r"\s+", " ", visible(text)))


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])

"""The report: words, pictures and figures put together, and written to disk as a page and as JSON.

Knows metrics' JSON, samples and a model's card; never networks or the loop. Nothing half-written is ever seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.errors import OutputError
from gankit.metrics.score import plain
from gankit.report.standing import compared_rows, standing
from gankit.report.summary import summary
from gankit.report.words import verdict, words_of

if TYPE_CHECKING:
    from gankit.metrics.sample import Sample

MAX_BYTES = 2_000_000


@dataclass(frozen=True)
class Report:
    """An account of how good fakes are.

    json: {"summary": [...], "verdicts": [{"metric", "title", "level", "text"}], "evaluation", "card", "history",
        "figure_1d", "notes"}, plain JSON values. level: real, close, fair, weak, open (too few rows) or none (not
        computed).
    html: the page, self-contained.
    verdicts: the summary's sentences, then a verdict for each metric, as plain text.
    """

    json: dict[str, Any]
    html: str
    verdicts: list[str]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page and the JSON: `x.html` and, beside it, `x.json`; in a folder `report.html` and `report.json`.

        Folders that are missing are made. Each file is replaced as a whole or not at all.

        Raises:
            OutputError: the path has another suffix, or cannot be written.
        """
        page = Path(path)
        if page.suffix == "" or page.is_dir():
            page = page / "report.html"
        if page.suffix.lower() not in (".html", ".htm"):
            raise OutputError(
                f"report {str(path)!r}: expected a name that ends in .html or a folder, found the suffix "
                f"{page.suffix!r}. Save it as {page.with_suffix('.html').name!r}."
            )
        text = json.dumps(self.json, ensure_ascii=False, allow_nan=False, indent=1)
        _write_all({page.with_suffix(".json"): text, page: self.html})


def build(
    evaluation: Mapping[str, Any],
    train: Sample,
    heldout: Sample,
    fake: Sample,
    *,
    card: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    figure_1d: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
    records: bool = True,
) -> Report:
    """The report on `fake`.

    Args:
        evaluation: what `gankit.kinds.tables.metrics.evaluation.evaluate_samples` gave for these samples.
        train, heldout, fake: the samples.
        card: what the model is, as plain JSON. Used by name: `name`, `columns` (entries with `name` and `type`, so that
            datetimes are shown as dates), `metric` (what the history's metric is called), `chosen_samples`,
            `gankit_version`; all of it is shown.
        history: one mapping an evaluation of the training: `samples`, `metric` (larger is better), `loss_g`, `loss_d`,
            `alarms`, and D's `scores` as in `gankit.training.loop.Scores`; what is missing is not drawn.
        figure_1d: of `gankit.report.figure1.figure_1d`, for one-dimensional data.
        notes: further remarks for the reader, one sentence each.
        records: whether records of the data may be shown: the training rows that fakes look like. Without them the page
            and the JSON can be passed on further; the shares of single columns and cells stay.
    """
    from gankit.metrics.sample import align
    from gankit.report.page import Content, page

    _, heldout, fake = align(train, heldout, fake)
    card, history = plain(dict(card)), plain([dict(h) for h in history])
    if not records:
        evaluation, notes = without_records(evaluation), [*notes, LEFT_OUT]
    metrics = evaluation["metrics"]
    places = {name: standing(entry, compared_rows(evaluation)) for name, entry in metrics.items()}
    verdicts = {name: verdict(name, entry, places[name]) for name, entry in metrics.items()}
    sentences = summary(evaluation, places, history)
    content = Content(evaluation, places, verdicts, sentences, heldout, fake, card, history, figure_1d, notes)
    html = page(content)
    for most in (24, 12, 4):  # fewer pictures, should names or levels be so long that the page grows too large
        if len(html.encode()) > MAX_BYTES:
            html = page(content, most_panels=most)
    value = {
        "summary": sentences,
        "verdicts": [
            {"metric": m, "title": words_of(m, metrics[m]).title, "level": places[m].level, "text": verdicts[m]}
            for m in metrics
        ],
        "evaluation": evaluation,
        "card": card,
        "history": history,
        "figure_1d": figure_1d,
        "notes": list(notes),
    }
    return Report(plain(value), html, [*sentences, *verdicts.values()])


LEFT_OUT = "Records of the training data, and the fakes that look most like them, were left out of this report."
_RECORDS = ("worst", "examples")


def without_records(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation without the records that the tests for copies name, and without the fakes that look like them."""

    def bare(score: Any) -> Any:
        if not isinstance(score, Mapping) or not isinstance(score.get("details"), Mapping):
            return score
        return {**score, "details": {k: v for k, v in score["details"].items() if k not in _RECORDS}}

    metrics = {}
    for name, entry in evaluation["metrics"].items():
        if entry.get("family") == "copies":
            baselines = {k: bare(v) for k, v in (entry.get("baselines") or {}).items()}
            entry = {
                **entry,
                "fake": bare(entry["fake"]),
                "ceiling": bare(entry.get("ceiling")),
                "baselines": baselines,
            }
        metrics[name] = entry
    return {**evaluation, "metrics": metrics}


def _write_all(texts: Mapping[Path, str]) -> None:
    """Writes the files under temporary names first, so that a full disk leaves what was there before untouched."""
    written: list[tuple[Path, Path]] = []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            written.append((temporary, path))
            with open(temporary, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        for temporary, path in written:
            os.replace(temporary, path)
    except OSError as error:
        for temporary, _ in written:
            with suppress(OSError):
                temporary.unlink()
        where = next(iter(texts)).parent
        raise OutputError(
            f"the report cannot be written to {str(where)!r}: {error.strerror or error}. "
            "Free some space or choose another place with -o."
        ) from error

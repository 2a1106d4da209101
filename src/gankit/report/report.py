"""The report: summary, verdicts and sections put together, and written to disk as a page and as JSON.

Knows evaluations, a kind's sections and a model's card; never a kind of data, networks or the loop. Nothing
half-written is ever seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gankit.errors import OutputError
from gankit.metrics.score import plain
from gankit.report import curves
from gankit.report.page import Content, page
from gankit.report.section import Sections
from gankit.report.summary import summary
from gankit.report.verdict import verdicts

MAX_BYTES = 2_000_000
_SCALES = (0.6, 0.3, 0.1, 0.0)


@dataclass(frozen=True)
class Report:
    """An account of how good fakes are.

    json: {"summary": [...], "verdicts": [{"metric", "title", "level", "text"}], "evaluation" (see
        `gankit.metrics.evaluate`), "card", "history", "notes"} and what the kind adds, plain JSON values. level: real,
        close, fair, weak, open (too few records) or none (not computed).
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
    sections: Sections[Any],
    *,
    card: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    notes: Sequence[str] = (),
) -> Report:
    """The report on the fakes that the sections show.

    Args:
        sections: the evaluation, and what the kind of data adds to its report.
        card: what the model is, as plain JSON. Used by name: `name`, `metric` (what the history's metric is called),
            `chosen_samples`, `gankit_version`; all of it is shown.
        history: one mapping an evaluation of the training: `samples`, `metric` (larger is better), `loss_g`, `loss_d`,
            `alarms`, and D's `scores` as in `gankit.training.Scores`; what is missing is not drawn.
        notes: further remarks for the reader, one sentence each.

    Returns:
        The report; its page stays under `MAX_BYTES` by showing less.
    """
    card, history = plain(dict(card)), plain([dict(h) for h in history])
    sections = replace(sections, chosen=curves.chosen(curves.flat(history), card))
    if not sections.records:
        many = sections.noun.many
        left_out = (
            f"Real {many}, and the fakes that look most like training {many}, were left out of this report. The other "
            "fakes are shown: look at them before you pass the page on."
        )
        notes = [*notes, sections.left_out or left_out]
        sections = replace(sections, evaluation=sections.without_records())
    said = verdicts(sections.evaluation, sections.noun, sections.baselines, lucky=sections.lucky)
    sentences = summary(sections, said, history)
    content = Content(sections, said, sentences, card, history, notes)
    html = page(content)
    for scale in _SCALES:  # less of everything, should records or names be so long that the page grows too large
        if len(html.encode()) > MAX_BYTES:
            html = page(replace(content, sections=replace(sections, scale=scale)))
    value = {
        "summary": sentences,
        "verdicts": [
            {"metric": m, "title": v.result.metric.title, "level": v.level, "text": v.text} for m, v in said.items()
        ],
        "evaluation": sections.evaluation.to_json(),
        "card": card,
        "history": history,
        **sections.appendix(),
        "notes": list(notes),
    }
    return Report(plain(value), html, [*sentences, *(v.text for v in said.values())])


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

"""From a model of texts to its report: fakes through a file and back, real texts beside them, metrics, the page.

Knows models, data, metrics and the report; never the loop.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gankit.columns.cells import Values
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds.base import Dataset, Prepared
from gankit.kinds.texts.codec import TEXT, TextCodec
from gankit.kinds.texts.files import read_texts
from gankit.kinds.texts.metrics.evaluation import evaluate_texts
from gankit.kinds.texts.records import Texts, column_of, cut, join
from gankit.kinds.texts.report.report import text_report
from gankit.kinds.texts.rivals import compared
from gankit.model.model import Model
from gankit.randomness import numpy_generator
from gankit.report.report import Report

LOOKS_NAME = "looks"
"""The folder in a run folder that holds fakes of the same z over the training."""

Valid = Callable[[str], bool]


@dataclass(frozen=True)
class _Part:
    """Texts, and their labels as texts (None where one is not known), or no labels."""

    texts: list[str]
    labels: list[str | None] | None


def report_on_texts(
    model: Model,
    run: Path | None,
    prepared: Prepared[Dataset, Any] | None,
    real: Any,
    fake: Any,
    *,
    seed: int,
    num_rows: int,
    records: bool,
    note: Callable[[str], None],
    valid: str | Valid | None = None,
) -> Report:
    """The report on a model of texts; see `gankit.evaluate`.

    run: its run folder, if it has one. prepared: the data it was trained on, if that is at hand.
    valid: says of a text whether it is valid, or a regular expression that matches the whole of a valid text.
    """
    rule = _rule(valid)
    codec = model.codec
    assert isinstance(codec, TextCodec)
    tokenise = partial(cut, unit=codec.unit)
    notes: list[str] = []
    label = _label_of(model)
    train, heldout = _real_parts(model, label, prepared, real, notes)
    fakes = _fakes_through_a_file(model, label, num_rows, seed) if fake is None else _read(model, label, fake, notes)
    for text in notes:
        note(text)
    note(f"measuring {len(fakes.texts):,} fakes against {len(heldout.texts):,} held-out texts …")
    sides = (train, heldout, fakes)
    evaluation = evaluate_texts(
        train.texts,
        heldout.texts,
        fakes.texts,
        tokenise=tokenise,
        join=partial(join, unit=codec.unit),
        labels=None if label is None else (train.labels, heldout.labels, fakes.labels),
        valid=rule,
        seed=seed,
    )
    rival = model.rival
    if rival is not None:
        note("comparing with G before the game …")
        evaluation["likelihood"] = compared(
            rival, *(side.texts for side in sides), tokenise=tokenise, valid=rule, seed=seed
        )
    if prepared is None:
        kept = {k: v for k, v in evaluation["metrics"].items() if v["family"] != "copies" and k != "novelty"}
        evaluation = {**evaluation, "metrics": kept}
    card = {**model.card, "gankit_version": model.card["version"], "chosen_samples": model.card["metric"]["samples"]}
    card["metric"] = model.card["metric"]["name"]
    return text_report(
        evaluation, *(side.texts for side in sides), tokenise=tokenise,
        labels=None if label is None else {"fake": fakes.labels, "heldout": heldout.labels},
        card=card, history=list(model.history), progress=[] if run is None else read_looks(run), notes=notes,
        records=records,
    )  # fmt: skip


def _rule(valid: str | Valid | None) -> Valid | None:
    if not isinstance(valid, str):
        return valid
    try:
        pattern = re.compile(valid)
    except re.error as error:
        raise OptionError(f"--valid {valid!r} is no regular expression: {error}. Correct it.") from error
    return lambda text: pattern.fullmatch(text) is not None


def _label_of(model: Model) -> str | None:
    """The label by which texts are told apart: the first given one that is a category."""
    fields = [] if model.given is None else model.given.codec.fields
    return next((f.name for f in fields if model.schema.column(f.name).type == "category"), None)


def _real_parts(
    model: Model, label: str | None, prepared: Prepared[Dataset, Any] | None, real: Any, notes: list[str]
) -> tuple[_Part, _Part]:
    if prepared is not None:
        train = _of(model, label, prepared.train.values)
        return train, _of(model, label, prepared.heldout.values) if real is None else _read(model, label, real, notes)
    if real is None:
        raise OptionError("this model does not know its data any more. Give held-out texts: --real, or real=...")
    whole = _read(model, label, real, notes)
    if len(whole.texts) < 4:
        raise OptionError(f"{len(whole.texts)} real texts are too few to judge by. Bring at least 4, better thousands.")
    order = numpy_generator(0, "halves").permutation(len(whole.texts))
    notes.append(
        "the training texts are not at hand: one half of the real texts stands in for them in the ceiling, and copies "
        "cannot be told."
    )
    first, second = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    return _some(whole, first), _some(whole, second)


def _some(part: _Part, rows: np.ndarray) -> _Part:
    labels = None if part.labels is None else [part.labels[row] for row in rows.tolist()]
    return _Part([part.texts[row] for row in rows.tolist()], labels)


def _of(model: Model, label: str | None, values: Any) -> _Part:
    return _Part(values[TEXT].data.tolist(), None if label is None else _levels(model, label, values[label]))


def _levels(model: Model, label: str, values: Values) -> list[str | None]:
    """The levels of a label's parsed cells, as texts."""
    names = [str(level) for level in model.schema.column(label).levels]
    codes = np.where(values.missing > 0, -1, values.data).astype(np.int64)
    return [names[code] if code >= 0 else None for code in codes.tolist()]


def _read(model: Model, label: str | None, source: Any, notes: list[str]) -> _Part:
    """Texts from wherever they are."""
    texts = source if isinstance(source, Texts) else _texts(model, source, notes)
    labels = None
    if label is not None and texts.labels is not None and label in texts.labels.column_names:
        labels = _levels(model, label, model.schema.column(label).parse(texts.labels.column(label)))
    return _Part(list(texts.texts), labels)


def _texts(model: Model, source: Any, notes: list[str]) -> Texts:
    """Read as the model's data was: the same column of a table, in the same dialect."""
    origin = model.origin
    config = TrainConfig(kind="text")
    if isinstance(source, str | Path) and Path(source).suffix.lower() in (".csv", ".tsv"):
        own = origin.format == Path(source).suffix.lower()[1:]
        config = TrainConfig(
            kind="text", delimiter=origin.delimiter if own else None, header="yes" if not own or origin.header else "no"
        )
    return read_texts(source, config, notes, column=column_of(origin))


def _fakes_through_a_file(model: Model, label: str | None, count: int, seed: int) -> _Part:
    """`count` fakes, written to a file and read back: what is judged is what the user gets."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"fakes.{model.of.suffix(model.origin)}"
        model.write(file, count, seed)
        return _read(model, label, file, [])


# --- looks over the training ------------------------------------------------------------------------------------------


def read_looks(run: Path) -> list[tuple[int, list[str]]]:
    """(samples, fakes) of every look that was kept, in order."""
    files = sorted((run / LOOKS_NAME).glob("*.json"))
    return [(int(file.stem), json.loads(file.read_text("utf-8"))) for file in files]

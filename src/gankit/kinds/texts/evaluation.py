"""From a model of texts to its report: fakes through a file and back, real texts beside them, metrics, the page.

Knows data, metrics and the report, and a model as what makes texts; never networks or the loop.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from gankit.kinds.texts.metrics.classifiers import Tokenise
from gankit.kinds.texts.metrics.inputs import TextInputs, Valid
from gankit.kinds.texts.metrics.metrics import METRICS, evaluate_texts
from gankit.kinds.texts.records import Texts, column_of, cut, join
from gankit.kinds.texts.report.sections import TextSections
from gankit.metrics.evaluate import FAKE
from gankit.metrics.score import plain
from gankit.randomness import numpy_generator
from gankit.report.report import Report, build

LOOKS_NAME = "looks"
"""The folder in a run folder that holds fakes of the same z over the training."""

COMPARED = 2000
"""Texts of each that are compared with those of G before adversarial training, at most."""

TEMPERATURES = (1.0, 0.9, 0.8, 0.7)
"""Of the likelihood baseline: G before adversarial training."""

COMPARED_METRICS = ("valid", "ngrams", "bleu_2", "bleu_5", "self_bleu_5", "backward_bleu_5", "uniqueness", "novelty")


@dataclass(frozen=True)
class _Part:
    """Texts, and their labels as texts (None where one is not known), or no labels."""

    texts: list[str]
    labels: list[str | None] | None


def report_on_texts(
    model: Any,
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
    codec: TextCodec = model.codec
    tokenise = partial(cut, unit=codec.unit)
    notes: list[str] = []
    label = _label_of(model)
    train, heldout = _real_parts(model, label, prepared, real, notes)
    fakes = _fakes_through_a_file(model, label, num_rows, seed) if fake is None else _read(model, label, fake, notes)
    for text in notes:
        note(text)
    note(f"measuring {len(fakes.texts):,} synthetic texts against {len(heldout.texts):,} held-out texts …")
    texts = (train.texts, heldout.texts, fakes.texts)
    labels = None if label is None else (train.labels, heldout.labels, fakes.labels)
    evaluation = evaluate_texts(
        *texts, tokenise=tokenise, join=partial(join, unit=codec.unit), labels=labels, valid=rule, seed=seed
    )
    before = model.rival
    if before is not None:
        note("comparing with G before adversarial training …")

        def sample(count: int, temperature: float) -> list[str]:
            batches = before.sample_batches(count, seed=seed, temperature=temperature)
            return [text for table in batches for text in table.column(column_of(before.origin)).to_pylist()]

        rows = likelihood_baseline(*texts, sample, tokenise=tokenise, valid=rule, seed=seed)
        likelihood = {"samples": before.card["samples"], "rows": rows}
        evaluation = replace(evaluation, facts=replace(evaluation.facts, likelihood=likelihood))
    if prepared is None:
        evaluation = evaluation.without_training()
    card = {**model.card, "gankit_version": model.card["version"], "chosen_samples": model.card["metric"]["samples"]}
    card["metric"] = model.card["metric"]["name"]
    sections = TextSections(
        evaluation=evaluation, train=train.texts, heldout=heldout.texts, fake=fakes.texts, tokenise=tokenise,
        labels=None if label is None else {"fake": fakes.labels, "heldout": heldout.labels},
        progress=[] if run is None else read_looks(run), records=records,
    )  # fmt: skip
    return build(sections, card=card, history=list(model.history), notes=notes)


def likelihood_baseline(
    train: Sequence[str],
    heldout: Sequence[str],
    fake: Sequence[str],
    before: Callable[[int, float], Sequence[str]],
    *,
    tokenise: Tokenise,
    valid: Valid | None,
    seed: int,
) -> list[dict[str, Any]]:
    """The metrics of the fakes, and of as many texts of G before adversarial training at several temperatures.

    before: (how many, temperature) -> its texts.

    Returns:
        [{"temperature": None for the fakes, metric: value, ...}], against the same held-out texts.
    """
    count = min(len(fake), COMPARED)

    def row(temperature: float | None, texts: Sequence[str]) -> dict[str, Any]:
        inputs = TextInputs(
            train, heldout, texts, tokenise=tokenise, valid=valid, seed=seed, max_texts=COMPARED, baselines=()
        )
        scores = {m.name: m.function(inputs, FAKE) for m in METRICS if m.name in COMPARED_METRICS}
        return {"temperature": temperature, **{name: plain(s.value) for name, s in scores.items() if s is not None}}

    return [row(None, fake[:count]), *(row(t, before(count, t)) for t in TEMPERATURES)]


def _rule(valid: str | Valid | None) -> Valid | None:
    if not isinstance(valid, str):
        return valid
    try:
        pattern = re.compile(valid)
    except re.error as error:
        raise OptionError(f"--valid {valid!r} is no regular expression: {error}. Correct it.") from error
    return lambda text: pattern.fullmatch(text) is not None


def _label_of(model: Any) -> str | None:
    """The label by which texts are told apart: the first given one that is a category."""
    fields = [] if model.given is None else model.given.codec.fields
    return next((f.name for f in fields if model.schema.column(f.name).type == "category"), None)


def _real_parts(
    model: Any, label: str | None, prepared: Prepared[Dataset, Any] | None, real: Any, notes: list[str]
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


def _of(model: Any, label: str | None, values: Any) -> _Part:
    return _Part(values[TEXT].data.tolist(), None if label is None else _levels(model, label, values[label]))


def _levels(model: Any, label: str, values: Values) -> list[str | None]:
    """The levels of a label's parsed cells, as texts."""
    names = [str(level) for level in model.schema.column(label).levels]
    codes = np.where(values.missing > 0, -1, values.data).astype(np.int64)
    return [names[code] if code >= 0 else None for code in codes.tolist()]


def _read(model: Any, label: str | None, source: Any, notes: list[str]) -> _Part:
    """Texts from wherever they are."""
    texts = source if isinstance(source, Texts) else _texts(model, source, notes)
    labels = None
    if label is not None and texts.labels is not None and label in texts.labels.column_names:
        labels = _levels(model, label, model.schema.column(label).parse(texts.labels.column(label)))
    return _Part(list(texts.texts), labels)


def _texts(model: Any, source: Any, notes: list[str]) -> Texts:
    """Read as the model's data was: the same column of a table, in the same dialect."""
    origin = model.origin
    config = TrainConfig(kind="text")
    if isinstance(source, str | Path) and Path(source).suffix.lower() in (".csv", ".tsv"):
        own = origin.format == Path(source).suffix.lower()[1:]
        config = TrainConfig(
            kind="text", delimiter=origin.delimiter if own else None, header="yes" if not own or origin.header else "no"
        )
    return read_texts(source, config, notes, column=column_of(origin))


def _fakes_through_a_file(model: Any, label: str | None, count: int, seed: int) -> _Part:
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

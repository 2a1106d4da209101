"""How fake texts are evaluated and reported, beside those of G before adversarial training.

Knows texts, metrics and sections, and G before the game as what makes texts; never models but by what `Subject` names,
or the loop.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gankit.columns.column import Values
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds.assessment import Assessment, Note, Parts, Subject, kept_files
from gankit.kinds.base import Dataset, Notes, Prepared
from gankit.kinds.texts.files import read_texts
from gankit.kinds.texts.metrics.inputs import NOUN, TextFacts, TextInputs, Valid
from gankit.kinds.texts.metrics.metrics import METRICS, evaluate_texts
from gankit.kinds.texts.records import TEXT, Texts, column_of, cut, join
from gankit.kinds.texts.report import LIKELIHOOD_HEADS, TextSections
from gankit.metrics.evaluate import FAKE, Evaluation
from gankit.metrics.metric import plain

COMPARED, TEMPERATURES = 2000, (1.0, 0.9, 0.8, 0.7)
"""Texts of each that are compared with those of G before adversarial training, at most, and its temperatures."""


@dataclass(frozen=True)
class Part:
    """Texts, and their labels as texts (None where one is not known), or no labels."""

    texts: list[str]
    labels: list[str | None] | None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> Part:
        """The texts at these places."""
        labels = None if self.labels is None else [self.labels[row] for row in rows]
        return Part([self.texts[row] for row in rows], labels)


class TextAssessment(Assessment[Part]):
    """How fake texts are evaluated.

    valid: says of a text whether it is valid, or a regular expression that matches the whole of a valid text.
    """

    noun = NOUN

    def __init__(
        self, model: Subject, prepared: Prepared[Any, Any] | None, notes: Notes, note: Note, valid: str | Valid | None
    ) -> None:
        super().__init__(model, prepared, notes, note)
        self.valid, self.tokenise = _rule(valid), partial(cut, unit=model.codec.unit)

    def own(self, part: Dataset, heldout: bool) -> Part:
        """See `Assessment.own`."""
        label, values = self.label, part.values
        return Part(values[TEXT].data.tolist(), None if label is None else self._levels(label, values[label]))

    def read(self, source: Any, fake: bool, notes: Notes) -> Part:
        """See `Assessment.read`."""
        texts = source if isinstance(source, Texts) else self._texts(source, notes)
        label, labels = self.label, None
        if label is not None and texts.labels is not None and label in texts.labels.column_names:
            labels = self._levels(label, self.model.schema.column(label).parse(texts.labels.column(label)))
        return Part(list(texts.texts), labels)

    def _levels(self, label: str, values: Values) -> list[str | None]:
        """The levels of a label's parsed cells, as texts."""
        names = [str(level) for level in self.model.schema.column(label).levels]
        codes = np.where(values.missing > 0, -1, values.data).astype(np.int64)
        return [names[code] if code >= 0 else None for code in codes.tolist()]

    def _texts(self, source: Any, notes: Notes) -> Texts:
        """Read as the model's data was: the same column of a table, in the same dialect."""
        origin = self.model.origin
        config = TrainConfig(kind="text", text_per="file" if origin.details.get("per_file") else "line")
        if isinstance(source, str | Path) and Path(source).suffix.lower() in (".csv", ".tsv"):
            own = origin.format == Path(source).suffix.lower()[1:]
            delimiter, header = origin.delimiter if own else None, "yes" if not own or origin.header else "no"
            config = TrainConfig(kind="text", delimiter=delimiter, header=header)
        return read_texts(source, config, notes, column=column_of(origin))

    def evaluate(self, parts: Parts[Part], seed: int) -> Evaluation[TextFacts]:
        """See `Assessment.evaluate`: the metrics, and where G began with likelihood those of G before the game."""
        texts = (parts.train.texts, parts.heldout.texts, parts.fake.texts)
        labels = None if self.label is None else (parts.train.labels, parts.heldout.labels, parts.fake.labels)
        shared: dict[str, Any] = {"tokenise": self.tokenise, "valid": self.valid, "seed": seed}
        joined = partial(join, unit=self.model.codec.unit)
        evaluation, before = evaluate_texts(*texts, join=joined, labels=labels, **shared), self.model.baseline
        if before is None:
            return evaluation
        self.note("comparing with G before adversarial training …")

        def sample(count: int, temperature: float) -> list[str]:
            batches = before.sample_batches(count, seed=seed, temperature=temperature)
            return [text for table in batches for text in table.column(column_of(before.origin)).to_pylist()]

        likelihood = {"samples": before.card["samples"], "rows": likelihood_baseline(*texts, sample, **shared)}
        return replace(evaluation, facts=replace(evaluation.facts, likelihood=likelihood))

    def sections(self, parts: Parts[Part], **shared: Any) -> TextSections:
        """See `Assessment.sections`."""
        labels = None if self.label is None else {"fake": parts.fake.labels, "heldout": parts.heldout.labels}
        texts = {side: part.texts for side, part in parts._asdict().items()}
        return TextSections(**texts, tokenise=self.tokenise, labels=labels, **shared)

    def previews(self, folder: Path, heldout: Part) -> list[tuple[int, list[str]]]:
        """See `Assessment.previews`."""
        return [(samples, json.loads(file.read_text("utf-8"))) for samples, file in kept_files(folder, ".json")]


def likelihood_baseline(
    train: Sequence[str], heldout: Sequence[str], fake: Sequence[str], before: Callable[[int, float], Sequence[str]],
    **options: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """The metrics of the fakes, and of as many texts of G before adversarial training at several temperatures.

    before: (how many, temperature) -> its texts. options: of `TextInputs`.

    Returns:
        [{"temperature": None for the fakes, metric: value, ...}], against the same held-out texts.
    """
    count = min(len(fake), COMPARED)

    def row(temperature: float | None, texts: Sequence[str]) -> dict[str, Any]:
        inputs = TextInputs(train, heldout, texts, max_texts=COMPARED, baselines=(), **options)
        scores = {m.name: m.function(inputs, FAKE) for m in METRICS if m.name in LIKELIHOOD_HEADS}
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

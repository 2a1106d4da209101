"""From a model to its report, for every kind: real records, fakes through a file and back, all metrics, the page.

Knows models by what `Subject` names, prepared data, evaluations and sections; never a single kind, or the loop.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.io.records import Origin
from gankit.kinds.base import Dataset, Kind, Notes, Prepared
from gankit.metrics.evaluate import Evaluation
from gankit.metrics.metric import Noun
from gankit.options import check_options
from gankit.randomness import numpy_generator
from gankit.report.page import Report, build
from gankit.report.section import Sections

Note = Callable[[str], None]

FAST = 500
"""Records of each part that a fast report looks at."""


class Subject(Protocol):
    """What an evaluation may know of a model: its kind (`of`), columns, card, history, and what its records are
    measured by; see `gankit.model.model.Model`.
    """

    of: Kind[Any, Any]
    schema: Schema
    origin: Origin
    codec: Any
    given: Any
    card: dict[str, Any]
    history: Sequence[Mapping[str, Any]]
    figure: Mapping[str, Any] | None
    perception: Any
    baseline: Any

    def write(self, path: str | Path, n: int, seed: int = 0) -> None:
        """Writes the first `n` records of a seed to a file."""


class Records(Protocol):
    """The records of one part as the metrics of a kind take them."""

    def __len__(self) -> int: ...

    def take(self, rows: Any) -> Any:
        """The records at these places."""


P = TypeVar("P", bound=Records)


class Parts(NamedTuple, Generic[P]):
    """The records of an evaluation."""

    train: P
    heldout: P
    fake: P


class Assessment(ABC, Generic[P]):
    """How the fakes of one model are evaluated; a kind gives one, `assess` asks it.

    Attributes:
        noun: what the records are called in texts. least: real records, at the least, where they are all there is.
        model: whose fakes. prepared: the data it was trained on, if that is at hand.
        notes: for the reader of the report. note: says at once what takes time.
        options: that the model was trained with. fast: whether what takes minutes is left out.
    """

    noun: Noun
    least: int = 4
    fast: bool = False

    def __init__(self, model: Subject, prepared: Prepared[Any, Any] | None, notes: Notes, note: Note) -> None:
        self.model, self.prepared, self.notes, self.note = model, prepared, notes, note
        self.options = TrainConfig.from_json(model.card["options"])
        check_options(self.options, "the model's options")

    @abstractmethod
    def own(self, part: Dataset, heldout: bool) -> P:
        """The records of a part of the data that the model was trained on; asked of the training part first."""

    @abstractmethod
    def read(self, source: Any, fake: bool, notes: Notes) -> P:
        """Records from wherever they are, in the model's form; notes: for what was decided."""

    @abstractmethod
    def evaluate(self, parts: Parts[P], seed: int) -> Evaluation[Any]:
        """All metrics."""

    @abstractmethod
    def sections(self, parts: Parts[P], **shared: Any) -> Sections[Any]:
        """What the report shows; shared: the fields `evaluation`, `progress` and `records` of `Sections`."""

    def fakes(self, file: Path) -> P:
        """Fakes of this model, read back from a file."""
        return self.read(file, True, [])

    def suffix(self) -> str:
        """The suffix of that file."""
        return self.model.of.suffix(self.model.origin)

    def halves(self, whole: P) -> tuple[P, P]:
        """One half of the real records, which stands in for training ones, and the other."""
        halves = np.split(numpy_generator(0, "halves").permutation(len(whole)), [len(whole) // 2])
        return whole.take(np.sort(halves[0])), whole.take(np.sort(halves[1]))

    def halved(self, train: P) -> None:
        """Takes note of the half that stands in for training records."""

    def previews(self, folder: Path, heldout: P) -> list[tuple[int, Any]]:
        """(samples, fakes of the same latents) that were kept over the training, in order."""
        return []

    def remarks(self, parts: Parts[P]) -> list[str]:
        """What the reader should know of the records before they are measured."""
        return []

    def doubts(self, parts: Parts[P], evaluation: Evaluation[Any]) -> list[str]:
        """Why the figures may say less than they seem to."""
        return []

    def card(self) -> dict[str, Any]:
        """The card of the model as a report takes it."""
        card, metric = self.model.card, self.model.card["metric"]
        own = {"gankit_version": card["version"], "chosen_samples": metric["samples"], "metric": metric["name"]}
        return {**card, **own}

    @property
    def label(self) -> str | None:
        """The label by which records are told apart: the first given one that is a category."""
        fields = [] if self.model.given is None else self.model.given.codec.fields
        return next((f.name for f in fields if self.model.schema.column(f.name).type == "category"), None)


def kept_files(folder: Path, suffix: str) -> list[tuple[int, Path]]:
    """(samples, file) of every preview that was kept over a training, in order."""
    found = (file for file in folder.glob(f"*{suffix}") if file.stem.isdigit())
    return sorted((int(file.stem), file) for file in found)


def assess(
    assessment: Assessment[P], real: Any, fake: Any, previews: Path | None, *, num_fakes: int, seed: int, records: bool,
    fast: bool = False,
) -> Report:  # fmt: skip
    """The report on a model; see `gankit.evaluate`.

    previews: the folder with fakes that were kept over the training, if there is one. fast: on `FAST` records a part.

    Raises:
        OptionError: there are no real records to compare with, or too few. DataError: records cannot be read.
    """
    assessment.fast = fast
    train, heldout = _real(assessment, real)
    if fake is None:
        with tempfile.TemporaryDirectory() as folder:  # what is judged is what the user gets
            file = Path(folder) / f"fakes.{assessment.suffix()}"
            assessment.model.write(file, num_fakes, seed)
            fakes = assessment.fakes(file)
    else:
        fakes = assessment.read(fake, True, assessment.notes)
    parts, many = Parts(train, heldout, fakes), assessment.noun.many
    if fast and max(map(len, parts)) > FAST:
        parts = Parts(*(_some(part, seed) for part in parts))
        assessment.notes.append(
            f"measured on at most {FAST:,} {many} of each part, which is rough; without fast, on all of them"
        )
    assessment.notes += assessment.remarks(parts)
    for text in assessment.notes:
        assessment.note(text)
    assessment.note(f"measuring {len(parts.fake):,} synthetic {many} against {len(parts.heldout):,} held-out ones …")
    evaluation = assessment.evaluate(parts, seed)
    for text in assessment.doubts(parts, evaluation):
        assessment.notes.append(text)
        assessment.note(text)
    if assessment.prepared is None:
        evaluation = evaluation.without_training()
    progress = [] if previews is None else assessment.previews(previews, heldout)
    sections = assessment.sections(parts, evaluation=evaluation, progress=progress, records=records)
    return build(sections, card=assessment.card(), history=list(assessment.model.history), notes=assessment.notes)


def _some(part: P, seed: int) -> P:
    """At most `FAST` of the records, in their order."""
    if len(part) <= FAST:
        return part
    some: P = part.take(np.sort(numpy_generator(seed, "fast report").permutation(len(part))[:FAST]))
    return some


def _real(assessment: Assessment[P], real: Any) -> tuple[P, P]:
    """The training part and the held-out part."""
    many, prepared = assessment.noun.many, assessment.prepared
    if prepared is not None:
        train = assessment.own(prepared.train, False)
        if real is None:
            return train, assessment.own(prepared.heldout, True)
        return train, assessment.read(real, False, assessment.notes)
    if real is None:
        raise OptionError(f"this model does not know its data any more. Give held-out {many}: --real, or real=...")
    whole = assessment.read(real, False, assessment.notes)
    if len(whole) < assessment.least:
        raise OptionError(
            f"{len(whole)} real {many} are too few to evaluate on. Bring at least {assessment.least}, better thousands."
        )
    assessment.notes.append(
        f"the training {many} are not at hand: one half of the real {many} stands in for them in the ceiling, and "
        "copies cannot be told."
    )
    train, heldout = assessment.halves(whole)
    assessment.halved(train)
    return train, heldout

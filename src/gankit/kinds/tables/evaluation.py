"""How fakes of rows are evaluated and reported.

Knows rows, samples, metrics and sections; never models but by what `Subject` names, or the loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.columns.schema import Schema
from gankit.errors import OptionError, nearest
from gankit.kinds.assessment import Assessment, Note, Parts, Subject
from gankit.kinds.base import Dataset, Notes, Prepared
from gankit.kinds.tables.figure import figure_1d
from gankit.kinds.tables.metrics.metrics import TableFacts, evaluate_rows
from gankit.kinds.tables.metrics.sample import Sample, align
from gankit.kinds.tables.options import TableOptions
from gankit.kinds.tables.preparing import rows_like, sample_of, values_of
from gankit.kinds.tables.sections import TableSections
from gankit.metrics.evaluate import Evaluation
from gankit.metrics.metric import Noun


class TableAssessment(Assessment[Sample]):
    """How fakes of numbers, vectors or rows of a table are evaluated."""

    noun = Noun("record", "records")
    least = 2

    def __init__(
        self, model: Subject, prepared: Prepared[Any, Any] | None, notes: Notes, note: Note, target: str | None
    ) -> None:
        super().__init__(model, prepared, notes, note)
        self.target = target or self.options.own(TableOptions).target
        modelled = [column.name for column in model.schema.modelled]
        if target is not None and target not in modelled:
            raise OptionError(f"--target {target}: no such column is modelled. {nearest(target, modelled)}")

    def own(self, part: Dataset, heldout: bool) -> Sample:
        """See `Assessment.own`."""
        return sample_of(self.model.schema, part.values)

    def read(self, source: Any, fake: bool, notes: Notes) -> Sample:
        """See `Assessment.read`."""
        return sample_from(self.model.schema, source)

    def suffix(self) -> str:
        """See `Assessment.suffix`: data frames keep their types."""
        return "parquet" if self.model.origin.format in ("pandas", "polars", "pyarrow") else super().suffix()

    def evaluate(self, parts: Parts[Sample], seed: int) -> Evaluation[TableFacts]:
        """See `Assessment.evaluate`."""
        given = [name for name in self.options.given if name in parts.heldout.columns]
        own = self.model.codec.rules
        rules = (lambda rows: own.shares(values_of(self.model.schema, rows))) if len(own) else None
        return evaluate_rows(
            parts.train, parts.heldout, parts.fake, target=self.target, given=given, rules=rules, seed=seed
        )

    def sections(self, parts: Parts[Sample], **shared: Any) -> TableSections:
        """See `Assessment.sections`."""
        _, real, fake = align(parts.train, parts.heldout, parts.fake)
        figure = self.model.figure
        if figure is not None and "grid" in figure:
            name = parts.heldout.names[0]
            drawn = {key: np.asarray(value) for key, value in figure.items()}
            figure = figure_1d(parts.heldout.columns[name], parts.fake.columns[name], **drawn)
        return TableSections(real=real, fake=fake, figure=figure, **shared)

    def card(self) -> dict[str, Any]:
        """See `Assessment.card`."""
        card = super().card()
        return {**card, "columns": [{"name": c["name"], "type": c["kind"]} for c in card["columns"]]}


def sample_from(schema: Schema, source: Any) -> Sample:
    """Rows from wherever they are, as a sample of these columns.

    Raises:
        DataError: they cannot be read. OptionError: a column is missing.
    """
    return sample_of(schema, rows_like(source, schema).values)

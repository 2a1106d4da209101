"""How fakes of rows are evaluated and reported, and the figure of G and D for one number.

Knows rows, samples, metrics and sections; never models but by what `Subject` names, or the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.columns.column import Values
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError, nearest
from gankit.io.reading import read
from gankit.kinds.assessment import Assessment, Note, Parts, Subject
from gankit.kinds.base import Dataset, Notes, Prepared
from gankit.kinds.tables.metrics.metrics import TableFacts, evaluate_rows
from gankit.kinds.tables.metrics.sample import Sample, align
from gankit.kinds.tables.options import TableOptions
from gankit.kinds.tables.panels import figure_1d
from gankit.kinds.tables.preparing import sample_of, values_of
from gankit.kinds.tables.sections import TableSections
from gankit.metrics.evaluate import Evaluation
from gankit.metrics.metric import Noun
from gankit.randomness import torch_generator

if TYPE_CHECKING:
    from gankit.networks.base import Discriminator, Generator

GRID, LINES = 240, 40
"""Points of the grid over which D is drawn for one-dimensional data, and lines from z to x in that figure."""


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
        figure = None
        if self.model.figure is not None:
            name = parts.heldout.names[0]
            drawn = {key: np.asarray(value) for key, value in self.model.figure.items()}
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
    table = read(source, TrainConfig(), notes=[]).table
    if missing := [c.source for c in schema.modelled if c.source not in table.column_names]:
        raise OptionError(
            f"the records to evaluate lack the column {missing[0]!r}. They must have the model's columns."
        )
    return sample_of(schema, schema.parse(table))


def figure_of_one_number(
    generator: Generator, discriminator: Discriminator, prepared: Prepared[Dataset, Any]
) -> dict[str, Any]:
    """D over a grid of x and the lines from z to x, for one-dimensional data.

    z has many numbers and the image one: z is shown by its projection on the direction along which G moves most
    (least squares of x on z).

    Returns:
        grid [GRID], d [GRID] in [0, 1], z [LINES], x_of_z [LINES]; lists of floats.
    """
    import torch

    name = prepared.schema.modelled[0].name
    real = prepared.train.values[name].data
    low, high = np.quantile(real, [0.001, 0.999])
    margin = 0.05 * max(high - low, 1e-9)
    grid = np.linspace(low - margin, high + margin, GRID)
    where = next(discriminator.parameters()).device
    coded = prepared.codec.encode({name: Values(grid, np.zeros(GRID, np.int8))})
    draws = torch_generator(prepared.num_train, "figure")
    z = torch.randn(4096, generator.num_latents, generator=draws)
    u = torch.rand(4096, generator.num_uniforms, generator=draws)
    with torch.no_grad():
        d = discriminator(torch.from_numpy(coded.astype(np.float32)).to(where), None).sigmoid().cpu().double().numpy()
        x = generator.to("cpu")(z, u, None).double().numpy()
    direction = np.linalg.lstsq(z.double().numpy(), x[:, 0] - x[:, 0].mean(), rcond=None)[0]
    direction /= max(float(np.linalg.norm(direction)), 1e-12)
    along = z.double().numpy() @ direction
    made = prepared.codec.decode(x)[name].data
    shown = np.argsort(along)[np.linspace(40, 4055, LINES).astype(int)]
    return {"grid": grid.tolist(), "d": d.tolist(), "z": along[shown].tolist(), "x_of_z": made[shown].tolist()}

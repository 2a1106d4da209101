"""From a model of tables to its report: fakes through a file and back, real records beside them, all metrics, the page.

Knows models, data, metrics and the report; never the loop.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.rows import write
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.io.origin import Records
from gankit.io.reading import read
from gankit.kinds.base import Dataset, Prepared
from gankit.kinds.tables.metrics.metrics import evaluate_rows
from gankit.kinds.tables.options import TableOptions
from gankit.kinds.tables.preparing import sample_of
from gankit.kinds.tables.report.figure1d import figure_1d
from gankit.kinds.tables.report.sections import TableSections, date_columns
from gankit.metrics.sample import Sample, align
from gankit.model.model import Model
from gankit.randomness import numpy_generator
from gankit.report.report import Report, build

if TYPE_CHECKING:
    from gankit.networks import Discriminator, Generator

Note = Callable[[str], None]

GRID = 240
"""Points of the grid over which D is drawn for one-dimensional data."""

LINES = 40
"""Lines from z to x in that figure."""


def report_on_rows(
    model: Model,
    run: Path | None,
    prepared: Prepared[Dataset, Any] | None,
    real: Any,
    fake: Any,
    *,
    seed: int,
    num_rows: int,
    records: bool,
    note: Note,
) -> Report:
    """The report on a model of numbers, vectors or rows of a table; see `gankit.evaluate`.

    run: its run folder, if it has one. prepared: the data it was trained on, if that is at hand.
    """
    notes: list[str] = []
    train, heldout = _real_samples(model, prepared, real, notes)
    if fake is None:
        fake_sample = _fakes_through_a_file(model, num_rows, seed)
    else:
        fake_sample = _sample_from(model.schema, fake)
    for text in notes:
        note(text)
    note(f"measuring {fake_sample.num_rows:,} fakes against {heldout.num_rows:,} held-out records …")
    options = TrainConfig.from_json(model.card["options"])
    known = set(heldout.columns)
    evaluation = evaluate_rows(
        train,
        heldout,
        fake_sample,
        target=options.own(TableOptions).target,
        given=[name for name in options.given if name in known],
        seed=seed,
    )
    if prepared is None:
        evaluation = evaluation.without_training()
    figure = None
    if model.figure is not None:
        name = next(iter(heldout.columns))
        figure = figure_1d(
            heldout.columns[name], fake_sample.columns[name], **{k: np.asarray(v) for k, v in model.figure.items()}
        )
    card = {**model.card, "gankit_version": model.card["version"], "chosen_samples": model.card["metric"]["samples"]}
    card["columns"] = [{"name": c["name"], "type": c["kind"]} for c in card["columns"]]
    card["metric"] = model.card["metric"]["name"]
    _, real_rows, fake_rows = align(train, heldout, fake_sample)
    sections = TableSections(
        evaluation=evaluation, real=real_rows, fake=fake_rows, dates=date_columns(card), figure=figure, records=records
    )
    return build(sections, card=card, history=list(model.history), notes=notes)


def figure_of_one_number(
    generator: Generator, discriminator: Discriminator, prepared: Prepared[Dataset, Any]
) -> dict[str, Any]:
    """D over a grid of x and the lines from z to x, for one-dimensional data.

    z has many numbers and the picture one: z is shown by its projection on the direction along which G moves most
    (least squares of x on z).

    Returns:
        grid [GRID], d [GRID] in [0, 1], z [LINES], x_of_z [LINES]; lists of floats.
    """
    import torch

    from gankit.randomness import torch_generator

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


def _real_samples(
    model: Model, prepared: Prepared[Dataset, Any] | None, real: Any, notes: list[str]
) -> tuple[Sample, Sample]:
    """The training part and the held-out part."""
    if real is None:
        if prepared is None:
            raise OptionError("this model does not know its data any more. Give held-out records: real=...")
        return sample_of(prepared.schema, prepared.train.values), sample_of(prepared.schema, prepared.heldout.values)
    heldout = _sample_from(model.schema, real)
    if prepared is not None:
        return sample_of(prepared.schema, prepared.train.values), heldout
    if heldout.num_rows < 2:
        raise OptionError(
            f"{heldout.num_rows} real records are too few to judge by. Bring at least 2, better thousands."
        )
    order = numpy_generator(0, "halves").permutation(heldout.num_rows)
    half = heldout.num_rows // 2
    notes.append(
        "the training records are not at hand: one half of the real records stands in for them in the ceiling, and "
        "copies cannot be told."
    )
    return heldout.take(order[:half]), heldout.take(order[half:])


def _fakes_through_a_file(model: Model, count: int, seed: int) -> Sample:
    """`count` fakes, written in the user's own format and read back: what is judged is what the user gets."""
    origin = model.origin
    suffix = {
        "tsv": ".tsv",
        "jsonl": ".jsonl",
        "json": ".json",
        "xml": ".xml",
        "parquet": ".parquet",
        "arrow": ".arrow",
    }
    typed = origin.format in ("pandas", "polars", "pyarrow")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / ("fakes" + (".parquet" if typed else suffix.get(origin.format, ".csv")))
        write(model.sample_batches(count, seed=seed), file, origin)
        return _sample_from(model.schema, file)


def _sample_from(schema: Schema, source: Any) -> Sample:
    records: Records = read(source, TrainConfig(), notes=[])
    missing = [c.name for c in schema.modelled if c.name not in records.table.column_names]
    if missing:
        raise OptionError(f"the records to judge lack the column {missing[0]!r}. They must have the model's columns.")
    return sample_of(schema, schema.parse(records.table))

"""From a model of tables to its report: fakes through a file and back, real records beside them, all metrics, the page.

Knows models, data, metrics and the report; never the loop.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.config import TrainConfig
from gankit.data import Records, Schema, read, write
from gankit.errors import ModelError, OptionError
from gankit.metrics.evaluation import evaluate_samples
from gankit.metrics.sample import Sample
from gankit.model import load
from gankit.model.model import Model
from gankit.preparation import Prepared, prepare, sample_of
from gankit.report import Report, build, figure_1d

if TYPE_CHECKING:
    from gankit.networks import Discriminator, Generator

Note = Callable[[str], None]

LEAST_FAKES = 1000
"""Fakes that are made where nobody says how many and there are fewer held-out records."""

MOST_PICTURES = 10_000
"""Fake pictures that are made where nobody says how many: the protocols of the metrics take as many at the most."""
GRID = 240
"""Points of the grid over which D is drawn for one-dimensional data."""

LINES = 40
"""Lines from z to x in that figure."""


def report_on(
    model: Any,
    real: Any,
    fake: Any,
    seed: int,
    num_rows: int | None,
    note: Note,
    *,
    features: str = "auto",
    records: bool = True,
) -> Report:
    """See `gankit.evaluate`."""
    notes: list[str] = []
    run: Path | None = None
    if isinstance(model, Model):
        loaded, prepared = model, model.prepared
    else:
        loaded = load(model)
        prepared = _prepared_of(Path(model), loaded, need=real is None)
        run = Path(model) if Path(model).is_dir() else None
    if loaded.kind == "image":
        from gankit.evaluation.pictures import report_on_pictures

        return report_on_pictures(
            loaded, run, prepared, real, fake, seed=seed, num_rows=num_rows or num_fakes(loaded), features=features,
            records=records, note=note,
        )  # fmt: skip
    if features != "auto":
        raise OptionError(
            f"--features {features} is for pictures, and this model is of kind {loaded.kind}. Leave it out."
        )
    train, heldout = _real_samples(loaded, prepared, real, notes)
    if fake is None:
        count = num_rows or num_fakes(loaded)
        fake_sample = _fakes_through_a_file(loaded, count, seed)
    else:
        fake_sample = _sample_from(loaded.schema, fake)
    for text in notes:
        note(text)
    note(f"measuring {fake_sample.num_rows:,} fakes against {heldout.num_rows:,} held-out records …")
    options = TrainConfig.from_json(loaded.card["options"])
    known = set(heldout.columns)
    evaluation = evaluate_samples(
        train,
        heldout,
        fake_sample,
        target=options.target,
        given=[name for name in options.given if name in known],
        seed=seed,
    )
    if prepared is None:
        _leave_out_copies(evaluation, notes)
    figure = None
    if loaded.figure is not None:
        name = next(iter(heldout.columns))
        figure = figure_1d(
            heldout.columns[name], fake_sample.columns[name], **{k: np.asarray(v) for k, v in loaded.figure.items()}
        )
    card = {**loaded.card, "gankit_version": loaded.card["version"], "chosen_samples": loaded.card["metric"]["samples"]}
    card["columns"] = [{"name": c["name"], "type": c["kind"]} for c in card["columns"]]
    card["metric"] = loaded.card["metric"]["name"]
    return build(
        evaluation,
        train,
        heldout,
        fake_sample,
        card=card,
        history=list(loaded.history),
        figure_1d=figure,
        notes=notes,
        records=records,
    )


def num_fakes(model: Model) -> int:
    """Fakes that are judged where nobody says how many: as many as held-out records, within bounds."""
    least = max(int(model.card["rows"]["heldout"]), LEAST_FAKES)
    return min(least, MOST_PICTURES) if model.kind == "image" else least


def figure_of_one_number(generator: Generator, discriminator: Discriminator, prepared: Prepared) -> dict[str, Any]:
    """D over a grid of x and the lines from z to x, for one-dimensional data.

    z has many numbers and the picture one: z is shown by its projection on the direction along which G moves most
    (least squares of x on z).

    Returns:
        grid [GRID], d [GRID] in [0, 1], z [LINES], x_of_z [LINES]; lists of floats.
    """
    import torch

    from gankit.randomness import torch_generator

    name = prepared.schema.modelled[0].name
    real = prepared.train[name].data
    low, high = np.quantile(real, [0.001, 0.999])
    margin = 0.05 * max(high - low, 1e-9)
    grid = np.linspace(low - margin, high + margin, GRID)
    where = next(discriminator.parameters()).device
    coded = prepared.codec.encode({name: type(prepared.train[name])(grid, np.zeros(GRID, np.int8))})
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


def _prepared_of(path: Path, model: Model, need: bool) -> Prepared | None:
    """The data that a run was trained on, read again; None for a lone model file."""
    from gankit.checkpoint import RunFolder

    if not path.is_dir():
        if need:
            raise OptionError(
                f"{path} is a model file without its data. Say what to judge by: --real FILE, or give its run folder."
            )
        return None
    entry = RunFolder.open(path).config()
    if entry["source"] is None:
        if need:
            raise OptionError(f"{path} was trained on data that was no file. Say what to judge by: --real FILE.")
        return None
    prepared = prepare(entry["source"], TrainConfig.from_json(entry["options"]), [])
    if prepared.data_hash != entry["data_hash"]:
        raise ModelError(
            f"{entry['source']} is not what {path} was trained on any more (its content differs), so that its held-out "
            "part is not known. Say what to judge by: --real FILE."
        )
    return prepared


def _real_samples(model: Model, prepared: Prepared | None, real: Any, notes: list[str]) -> tuple[Sample, Sample]:
    """The training part and the held-out part."""
    if real is None:
        if prepared is None:
            raise OptionError("this model does not know its data any more. Give held-out records: real=...")
        return prepared.sample(prepared.train), prepared.sample(prepared.heldout)
    heldout = _sample_from(model.schema, real)
    if prepared is not None:
        return prepared.sample(prepared.train), heldout
    if heldout.num_rows < 2:
        raise OptionError(
            f"{heldout.num_rows} real records are too few to judge by. Bring at least 2, better thousands."
        )
    order = np.random.default_rng(0).permutation(heldout.num_rows)
    half = heldout.num_rows // 2
    notes.append(
        "the training records are not at hand: one half of the real records stands in for them in the ceiling, and "
        "copies cannot be told."
    )
    return heldout.take(order[:half]), heldout.take(order[half:])


def _leave_out_copies(evaluation: dict[str, Any], notes: list[str]) -> None:
    evaluation["metrics"] = {k: v for k, v in evaluation["metrics"].items() if v["family"] != "copies"}


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

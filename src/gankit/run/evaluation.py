"""Who reports on which kind of records, and what all of them need: the model, its run, the data it was trained on.

Knows models, run folders and the explicit table of kinds; never how a kind is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gankit.config import TrainConfig
from gankit.errors import ModelError, OptionError
from gankit.kinds.audio.evaluation import report_on_audio
from gankit.kinds.images.evaluation import report_on_pictures
from gankit.kinds.prepare import prepare
from gankit.kinds.prepared import Prepared
from gankit.kinds.series.evaluation import report_on_series
from gankit.kinds.tables.evaluation import report_on_rows
from gankit.kinds.texts.evaluation import report_on_texts
from gankit.model import load
from gankit.model.model import Model
from gankit.report.report import Report

Note = Callable[[str], None]

LEAST_FAKES = 1000
"""Fakes that are made where nobody says how many and there are fewer held-out records."""

MOST_FAKES = {"image": 10_000, "audio": 2_000, "series": 5_000}
"""Fakes that are made at the most where nobody says how many: the protocols of a kind's metrics take no more."""

REPORTS: dict[str, Callable[..., Report]] = {
    "number": report_on_rows,
    "vector": report_on_rows,
    "table": report_on_rows,
    "image": report_on_pictures,
    "series": report_on_series,
    "text": report_on_texts,
    "audio": report_on_audio,
}
"""Who reports on records of each kind."""

FEATURED = ("image", "audio")
"""Kinds whose distances may be measured in features of the user's choice."""

RULED = ("text",)
"""Kinds of which the user can say what is valid."""


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
    valid: str | Callable[[str], bool] | None = None,
) -> Report:
    """See `gankit.evaluate`."""
    if num_rows is not None and num_rows < 2:
        raise OptionError(f"{num_rows} fakes are too few to judge by. Make at least 2, better thousands.")
    run: Path | None = None
    if isinstance(model, Model):
        loaded, prepared = model, model.prepared
    else:
        loaded = load(model)
        prepared = _prepared_of(Path(model), loaded, need=real is None)
        run = Path(model) if Path(model).is_dir() else None
    options: dict[str, Any] = {}
    if loaded.kind in FEATURED:
        options["features"] = features
    elif features != "auto":
        raise OptionError(
            f"--features {features} is for pictures, and this model is of kind {loaded.kind}. Leave it out."
        )
    if loaded.kind in RULED:
        options["valid"] = valid
    elif valid is not None:
        raise OptionError(f"--valid is for texts, and this model is of kind {loaded.kind}. Leave it out.")
    count = num_rows or num_fakes(loaded)
    return REPORTS[loaded.kind](
        loaded, run, prepared, real, fake, seed=seed, num_rows=count, records=records, note=note, **options
    )


def num_fakes(model: Model) -> int:
    """Fakes that are judged where nobody says how many: as many as held-out records, within bounds."""
    least = max(int(model.card["rows"]["heldout"]), LEAST_FAKES)
    return min(least, MOST_FAKES.get(model.kind, least))


def _prepared_of(path: Path, model: Model, need: bool) -> Prepared | None:
    """The data that a run was trained on, read again; None for a lone model file."""
    from gankit.run.folder import RunFolder

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

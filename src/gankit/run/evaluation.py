"""Who reports on which kind of records, and what all of them need: the model, its run, the data it was trained on.

Knows models, run folders and the explicit table of kinds; never how a kind is measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from gankit.config import TrainConfig
from gankit.errors import ModelError, OptionError
from gankit.kinds import options_for, prepare
from gankit.kinds.assessment import assess
from gankit.kinds.base import Prepared
from gankit.model import load
from gankit.model.model import Model
from gankit.report.page import Report
from gankit.run.folder import PREVIEWS_NAME, RunFolder, kept_rival

Note = Callable[[str], None]

LEAST_FAKES = 1000
"""Fakes that are made where nobody says how many and there are fewer held-out records."""


def report_on(
    model: Any,
    real: Any,
    fake: Any,
    seed: int,
    num_rows: int | None,
    note: Note,
    records: bool,
    options: Mapping[str, Any],
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
        if Path(model).is_dir():
            run = Path(model)
            kept = None if prepared is None else RunFolder.open(run).load_evidence(prepared)
            loaded = replace(loaded, perception=kept, rival=kept_rival(run))
    kind = loaded.of
    asked = options_for(kind, "evaluate", options, f"this model is of kind {kind.name}")
    assessment = kind.assessment(loaded, prepared, [], note, **vars(asked))
    return assess(
        assessment, real, fake, None if run is None else run / PREVIEWS_NAME, num_fakes=num_rows or num_fakes(loaded),
        seed=seed, records=records,
    )  # fmt: skip


def num_fakes(model: Model) -> int:
    """Fakes that are judged where nobody says how many: as many as held-out records, within bounds."""
    least = max(int(model.card["rows"]["heldout"]), LEAST_FAKES)
    return min(least, model.of.most_fakes or least)


def _prepared_of(path: Path, model: Model, need: bool) -> Prepared[Any, Any] | None:
    """The data that a run was trained on, read again; None for a lone model file."""
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

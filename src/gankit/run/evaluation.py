"""The public function evaluate: a model, its run and the data it was trained on, handed to the kind's assessment.

Knows models, run folders and kinds; never how a kind is measured.
"""

from __future__ import annotations

from collections.abc import Callable
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
from gankit.run.folder import PREVIEWS_NAME, RunFolder

LEAST_FAKES = 1000
"""Fakes that are made where nobody says how many and there are fewer held-out records."""


def evaluate(
    model: Model | str | Path, real: Any = None, *, fake: Any = None, seed: int = 0, num_rows: int | None = None,
    records: bool = True, on_note: Callable[[str], None] | None = None, **options: Any,
) -> Report:  # fmt: skip
    """Measures how good a model's fakes are, on fakes read back from their file.

    Args:
        model: a model, a model file or a run folder.
        real: held-out records that trained nothing; without them the run's own held-out part.
        fake: fakes in any readable form; without them `num_rows` are made (as many as held-out ones, at least 1000).
        seed: of the fakes and of the measurements.
        records: show the training records that fakes lie nearest to; False where the report goes to people who must
            not see the data.
        options: those of the kind of data. Images and audio clips: `features`, what distances are measured in: "auto"
            (a classifier of the labels, or a fixed network where there are none), "fixed", or "inception" (the FID's).
            Texts: `valid`, a function that says of one whether it is valid, or a regular expression that matches the
            whole of a valid one.

    Returns:
        The report: `save`, `json`, `html`, `verdicts`.

    Raises:
        GankitError: see `errors`; the text says what to do.
    """
    if num_rows is not None and num_rows < 2:
        raise OptionError(f"{num_rows} fakes are too few to judge by. Make at least 2, better thousands.")
    run: RunFolder | None = None
    if isinstance(model, Model):
        loaded, prepared = model, model.prepared
    else:
        loaded = load(model)
        prepared = _prepared_of(Path(model), need=real is None)
        if Path(model).is_dir():
            run = RunFolder.open(Path(model))
            kept = None if prepared is None else run.load_evidence(prepared)
            loaded = replace(loaded, perception=kept, baseline=run.load_baseline())
    kind = loaded.of
    asked = options_for(kind, "evaluate", options, f"this model is of kind {kind.name}")
    assessment = kind.assessment(loaded, prepared, [], on_note or (lambda text: None), **vars(asked))
    previews, count = None if run is None else run.path / PREVIEWS_NAME, num_rows or num_fakes(loaded)
    return assess(assessment, real, fake, previews, num_fakes=count, seed=seed, records=records)


def num_fakes(model: Model) -> int:
    """Fakes that are judged where nobody says how many: as many as held-out records, within bounds."""
    least = max(int(model.card["rows"]["heldout"]), LEAST_FAKES)
    return min(least, model.of.most_fakes or least)


def _prepared_of(path: Path, need: bool) -> Prepared[Any, Any] | None:
    """The data that a run was trained on, read again; None for a lone model file."""
    entry: dict[str, Any] = RunFolder.open(path).config() if path.is_dir() else {"source": None}
    if entry["source"] is None:
        if need and path.is_dir():
            raise OptionError(f"{path} was trained on data that was no file. Say what to judge by: --real FILE.")
        if need:
            raise OptionError(
                f"{path} is a model file without its data. Say what to judge by: --real FILE, or give its run folder."
            )
        return None
    prepared = prepare(entry["source"], TrainConfig.from_json(entry["options"]), [])
    if prepared.data_hash != entry["data_hash"]:
        raise ModelError(
            f"{entry['source']} is not what {path} was trained on any more (its content differs), so that its held-out "
            "part is not known. Say what to judge by: --real FILE."
        )
    return prepared

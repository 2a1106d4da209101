"""From a model of recordings to its report: fakes through a file and back, heard as spectrograms, metrics, the page.

Knows models, recordings, features, metrics and the report; never the loop.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gankit.config import TrainConfig
from gankit.kinds.audio.codec import AudioCodec
from gankit.kinds.audio.players import players
from gankit.kinds.audio.preparing import brought_to
from gankit.kinds.audio.records import ClipSet, Recordings
from gankit.kinds.base import Prepared
from gankit.kinds.images.evaluation import Part, classes_of, judged, real_parts
from gankit.metrics.metric import Noun
from gankit.model.model import Model
from gankit.report.report import Report
from gankit.report.section import Section

TO_HEAR = "The first fakes of each class, none chosen, and held-out recordings where they may be shown."

BY_SPECTROGRAMS = (
    "This model makes recordings. Each was measured by its spectrogram: how loud it is, time to the right and pitch "
    "upwards."
)


def report_on_audio(
    model: Model,
    run: Path | None,
    prepared: Prepared[ClipSet, Any] | None,
    real: Any,
    fake: Any,
    *,
    seed: int,
    num_rows: int,
    features: str,
    records: bool,
    note: Callable[[str], None],
) -> Report:
    """The report on a model of recordings; see `gankit.evaluate`.

    run: its run folder, if it has one. prepared: the data it was trained on, if that is at hand.
    """
    notes: list[str] = []
    codec = model.codec
    assert isinstance(codec, AudioCodec)
    heard: list[Recordings] = []

    def part(label: str | None, source: Any) -> Part:
        found = source if isinstance(source, Recordings) else _read(model, source, notes)
        heard.append(found)
        return Part(codec.look(found.x), classes_of(model, label, found.labels))

    train, heldout, perception = real_parts(model, run, prepared, real, notes, part, "recordings")
    beside = heard[0] if heard else _heldout_sounds(prepared)
    sounds = (
        _fakes_through_a_file(model, num_rows, seed) if fake is None else _read(model, fake, notes, as_they_are=True)
    )
    fakes = part(perception.label, sounds)
    tables = players(
        sounds, fakes.classes, beside if records else None, heldout.classes if len(beside) == len(heldout.x) else None,
        perception.levels,
    )  # fmt: skip
    listen = Section("listen", "Listen", [TO_HEAR], tables=tables)
    return judged(
        model, run, prepared, (train, heldout, fakes), perception, "recordings",
        seed=seed, features=features, records=records, notes=notes, note=note,
        first=[listen], opening=BY_SPECTROGRAMS, noun=Noun("spectrogram", "spectrograms"),
    )  # fmt: skip


def _read(model: Model, source: Any, notes: list[str], as_they_are: bool = False) -> Recordings:
    """Recordings from wherever they are, in the model's rate, length and channels."""
    codec = model.codec
    assert isinstance(codec, AudioCodec)
    options = TrainConfig.from_json(model.card["options"]).with_options(cut="cut" in model.origin.details)
    return brought_to(source, options, codec.spectrum.rate, codec.spectrum.length, codec.channels, notes, as_they_are)


def _heldout_sounds(prepared: Prepared[ClipSet, Any] | None) -> Recordings:
    assert prepared is not None
    return prepared.heldout.sounds()


def _fakes_through_a_file(model: Model, count: int, seed: int) -> Recordings:
    """`count` fakes, written to a file and read back: what is judged is what the user gets."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fakes.npz"
        model.write(file, count, seed)
        return _read(model, file, [], as_they_are=True)

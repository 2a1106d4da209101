"""The run folder: config, append-only log, checkpoints, the model; nothing half-written is ever seen.

Knows files, named tensors and plain JSON values; never networks, codecs, data or the loop.

    RUN/config.json                         written once
    RUN/log.jsonl                           one line per event, only ever appended to
    RUN/checkpoints/step-000001200.safetensors   tensors; in its metadata the rest of the state and a checksum of both
    RUN/model.safetensors                   the model
    RUN/speed.jsonl                         how fast it went, a line an update: what depends on the machine
    RUN/previews/                           what is kept to be looked at (see `gankit.run.previews`)
    RUN/trackers.json                       the run's ids in the trackers of --log
    RUN/pid                                 the process that plays, while one does
    RUN/stop                                put there by whoever wants it to stop at its next update
"""

from __future__ import annotations

import json
import math
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from gankit.config import TrainConfig
from gankit.errors import ModelError, OptionError, OutputError, reason
from gankit.io.atomic import cannot_write, write_atomically
from gankit.kinds import KINDS, options_by_kind
from gankit.kinds.base import Evidence, Prepared
from gankit.kinds.options import NO_RULES_OF_BEFORE
from gankit.model import load
from gankit.model.files import FORMAT_VERSION, NewerVersionError, check_version, read_safetensors, write_safetensors
from gankit.model.model import Model
from gankit.options import check_options
from gankit.stored import LARGEST, Stored, StoredError, of_type, parse

if TYPE_CHECKING:
    from torch import Tensor


EVIDENCE_NAME = "perception.safetensors"
"""The file in a run folder that keeps what the records are measured by."""

PREVIEWS_NAME, OLD_PREVIEWS_NAME = "previews", "looks"
"""The folder in a run folder that holds fakes of the same z over the training."""

PID_NAME, STOP_NAME, SPEED_NAME, TRACKERS_NAME = "pid", "stop", "speed.jsonl", "trackers.json"
"""Files in a run folder: who plays, whether it is to stop, how fast it went, and its ids in trackers."""

BASELINE_NAME = "likelihood.safetensors"
"""The file in a run folder with the model of G before the game, which texts are compared with."""

_BEFORE: Mapping[str, Any] = {"no_rule": [*NO_RULES_OF_BEFORE], "integers": "number", "text_per": "line"}
"""What runs of before did where they say nothing of an option: no rules, no classes of numbers, a text a line."""

_OWN_CHOICES = ("format", "header", "penalty", "penalty_method", "precision", "compile", "device")
"""Options whose choices no other package adds to."""

KEPT = 2
"""Checkpoints that are kept: the last good one, and one to fall back to."""


@dataclass(frozen=True)
class Entry(Stored):
    """What config.json says of a run.

    source: the file of the data, None where it was none. data_hash: of its content. total_samples: the length.
    """

    options: dict[str, Any]
    source: str | None
    data_hash: str
    total_samples: Annotated[int, range(1, LARGEST)]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if "\0" in (self.source or ""):
            raise ValueError("its source is no path")

    @property
    def config(self) -> TrainConfig:
        """The options."""
        return TrainConfig.from_json(self.options)


@dataclass(frozen=True)
class Checkpoint:
    """A state that was saved at `step`: `tensors` by name, on the CPU, and `state`, plain JSON values.

    notes: what was found damaged and passed over on the way to it, in the user's words.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]
    notes: tuple[str, ...] = ()


class RunFolder:
    """A run folder that exists. `RunFolder.create` makes one, `RunFolder.open` takes one that is there.

    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as place:
    ...     run = RunFolder.create(Path(place) / "run", {"seed": 7})
    ...     run.save_checkpoint(25, {"w": torch.ones(2)}, {"samples": 6400})
    ...     run.load_checkpoint().state
    {'samples': 6400}
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_path = path / "config.json"
        self.log_path = path / "log.jsonl"
        self.model_path = path / "model.safetensors"
        self.checkpoints_path = path / "checkpoints"

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any]) -> RunFolder:
        """A new run folder with its config.

        Raises:
            OutputError: there is a run already, `path` is a file, or it cannot be written.
        """
        run = cls(path)
        if run.config_path.exists():
            raise OutputError(
                f"{path} already holds a run. Go on with it by --resume, or choose another folder with -o."
            )
        if path.exists() and not path.is_dir():
            raise OutputError(f"{path} is a file, not a folder. Choose another folder with -o.")
        content = {"format_version": FORMAT_VERSION, **config}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        write_atomically(run.config_path, text.encode(errors="backslashreplace"))  # a path may have bytes of no text
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The run folder at `path`.

        Raises:
            ModelError: there is none, its config is damaged, or it is from a newer version.
        """
        run = cls(path)
        run.config()
        return run

    def config(self) -> dict[str, Any]:
        """The config as it was given to `create`.

        Raises:
            ModelError: missing, damaged, or from a newer version.
        """
        try:
            config = parse(self.config_path.read_text(encoding="utf-8"), halves=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelError(
                f"{self.path} is not a run folder: it has no config.json. Give the folder that train -o wrote to."
            ) from error
        except (OSError, ValueError) as error:
            raise ModelError(f"{self.config_path} is damaged ({error}). Start the run anew.") from error
        if not isinstance(config, dict):
            raise ModelError(f"{self.config_path} is damaged: it holds no options. Start the run anew.")
        version = config.pop("format_version", None)
        check_version(version, self.config_path)
        _complete(config, version)
        return config

    def entry(self) -> Entry:
        """What the config says, checked.

        Raises:
            ModelError: as `config`, or a value cannot be.
        """
        try:
            entry = Entry.from_json(self.config())
            check_options(entry.config, "options", _OWN_CHOICES)
        except (StoredError, OptionError) as error:
            raise ModelError(f"{self.config_path} is damaged: {str(error).rstrip('.')}. Start the run anew.") from error
        return entry

    def is_untouched(self) -> bool:
        """Whether the run was made and never begun: no checkpoint, no event, no model."""
        return not (self.checkpoints() or self.log_path.exists() or self.model_path.exists())

    def save_evidence(self, evidence: Evidence | None) -> None:
        """Keeps what the records are measured by, where there is something to keep."""
        if evidence is not None:
            tensors, numbers = evidence.state()
            write_safetensors(self.path / EVIDENCE_NAME, tensors, {"gankit": json.dumps(numbers)})

    def load_evidence(self, prepared: Prepared[Any, Any]) -> Evidence | None:
        """What `save_evidence` kept; None where there was nothing.

        Raises:
            ModelError: the file is damaged.
        """
        if not (self.path / EVIDENCE_NAME).exists():
            return None
        path = self.path / EVIDENCE_NAME
        tensors, metadata = read_safetensors(path)
        try:
            numbers = of_type(dict[str, Any], parse(metadata.get("gankit", "")))
            return prepared.kind.load_evidence(tensors, numbers, prepared)
        except StoredError as error:
            raise ModelError(f"{path} is damaged: {error}. Start the run anew.") from error

    def log(self, event: Mapping[str, Any]) -> None:
        """Appends one event, a line of JSON. `event["step"]` tells where it belongs when a run is resumed.

        Raises:
            OutputError: it cannot be written.
        """
        self._append(self.log_path, event)

    def _append(self, path: Path, event: Mapping[str, Any]) -> None:
        line = (json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n").encode()
        try:
            with open(path, "ab") as file:
                file.write(line)
        except OSError as error:
            raise cannot_write(path, error) from error

    def read_log(self) -> list[dict[str, Any]]:
        """All events; a last line that was cut off by a crash, and whatever else is no JSON, is left out."""
        content = self.log_path.read_bytes() if self.log_path.exists() else b""
        events = []
        for line in content.split(b"\n"):
            with suppress(ValueError):
                events.append(parse(line))
        return [event for event in events if isinstance(event, dict)]

    def cut_log(self, step: int) -> None:
        """Drops every event after `step` and every broken line, so that a resumed run writes nothing twice."""
        steps = ((event, event.get("step", 0)) for event in self.read_log())
        kept = [event for event, at in steps if isinstance(at, int | float) and at <= step]
        write_atomically(self.log_path, "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in kept).encode())

    def checkpoints(self) -> list[tuple[int, Path]]:
        """(step, path) of every checkpoint, oldest first."""
        found = [(path.stem.removeprefix("step-"), path) for path in self.checkpoints_path.glob("step-*.safetensors")]
        return sorted((int(number), path) for number, path in found if number.isdigit())

    def save_checkpoint(self, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Saves the state at `step`, whole or not at all, and drops all but the last `KEPT`.

        tensors: by name, of any device. state: plain JSON values; floats keep every bit.

        Raises:
            OutputError: it cannot be written; earlier checkpoints are untouched.
        """
        text = json.dumps(state, ensure_ascii=False, sort_keys=True)
        path = self.checkpoints_path / f"step-{step:09d}.safetensors"
        write_safetensors(path, tensors, {"format_version": str(FORMAT_VERSION), "state": text})
        for _, old in self.checkpoints()[:-KEPT]:
            old.unlink(missing_ok=True)

    def load_checkpoint(self) -> Checkpoint:
        """The newest checkpoint that is whole; damaged ones are passed over with a note.

        Raises:
            ModelError: there is none, all are damaged, or it is from a newer version.
        """
        found = self.checkpoints()
        if not found:
            raise ModelError(f"{self.path} has no checkpoint yet. Start the run anew.")
        notes: list[str] = []
        for step, path in reversed(found):
            try:
                tensors, metadata = read_safetensors(path)
                state = of_type(dict[str, Any], parse(metadata.get("state", "")))
                return Checkpoint(step, tensors, state, tuple(notes))
            except NewerVersionError:
                raise
            except (ModelError, StoredError):
                notes.append(f"{path} is damaged; the one before it is used.")
        raise ModelError(f"every checkpoint of {self.path} is damaged: {found[-1][1]} and older. Start the run anew.")

    @property
    def previews(self) -> Path:
        """Where previews are kept: `previews`, or `looks` in a run folder of before that name."""
        old = self.path / OLD_PREVIEWS_NAME
        return old if old.is_dir() else self.path / PREVIEWS_NAME

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Within it the folder says which process plays; a wish to stop that was left from before is forgotten."""
        pid = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "begun": process_begun(os.getpid())})
        write_atomically(self.path / PID_NAME, (pid + "\n").encode())
        (self.path / STOP_NAME).unlink(missing_ok=True)
        try:
            yield
        finally:
            for name in (PID_NAME, STOP_NAME):
                (self.path / name).unlink(missing_ok=True)

    def wants_stop(self) -> bool:
        """Whether somebody put a file named `stop` into the folder."""
        return (self.path / STOP_NAME).exists()

    def note_speed(self, samples: int, samples_per_second: float, seconds_left: float) -> None:
        """Appends how fast the training is to speed.jsonl.

        Raises:
            OutputError: it cannot be written.
        """
        left = round(seconds_left, 1) if math.isfinite(seconds_left) else None
        entry = {"samples": samples, "samples_per_second": round(samples_per_second, 1), "seconds_left": left}
        self._append(self.path / SPEED_NAME, entry)

    def keep_trackers(self, ids: Mapping[str, str]) -> None:
        """Keeps the run's ids in trackers, by the texts of --log."""
        write_atomically(self.path / TRACKERS_NAME, (json.dumps(ids, ensure_ascii=False, indent=1) + "\n").encode())

    def trackers(self) -> dict[str, str]:
        """What `keep_trackers` kept.

        Raises:
            ModelError: the file is damaged.
        """
        path = self.path / TRACKERS_NAME
        try:
            found: dict[str, str] = of_type(dict[str, str], parse(path.read_text("utf-8")) if path.exists() else {})
        except (OSError, ValueError, StoredError) as error:
            raise ModelError(f"{path} is damaged ({reason(error)}). Remove it: the trackers begin anew.") from error
        return found

    def save_baseline(self, model: Model) -> None:
        """Keeps the model of G before the game, if `model` has one."""
        if model.baseline is not None:
            model.baseline.save(self.path / BASELINE_NAME)

    def load_baseline(self) -> Model | None:
        """The model of G before the game, where it was kept."""
        path = self.path / BASELINE_NAME
        return load(path) if path.exists() else None


def process_begun(pid: int) -> int | None:
    """When a process began, in the system's ticks since it was started; None where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _complete(config: dict[str, Any], version: int) -> None:
    """Gives the options of a run of before, of a format `version`, what they meant, and takes away those that are for
    other kinds of data than that of the run, which its notes or options name: all had all of them once.
    """
    options = config.get("options")
    notes = config.get("notes")
    said = re.findall(r"(?m)^kind: (\S+)", "\n".join(map(str, notes)) if isinstance(notes, list) else "")
    if not isinstance(options, dict) or (name := str(said[0] if said else options.get("kind"))) not in KINDS:
        return
    own = {f.name for f in fields(KINDS[name].options.train)}
    for other in {f.name for kind in options_by_kind("train").values() for f in fields(kind)} - own:
        options.pop(other, None)
    for option, value in _BEFORE.items():
        if option in own and (option != "no_rule" or version == 1):
            options.setdefault(option, value)

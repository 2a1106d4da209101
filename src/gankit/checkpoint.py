"""The run folder: config, append-only log, checkpoints, the model; nothing half-written is ever seen.

Knows files, named tensors and plain JSON values; never networks, codecs, data or the loop.

    RUN/config.json                         written once
    RUN/log.jsonl                           one line per event, only ever appended to
    RUN/checkpoints/step-000001200.safetensors   tensors; in its metadata the rest of the state and a checksum of both
    RUN/model.safetensors                   the model
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.errors import ModelError, OutputError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1
KEPT = 2
"""Checkpoints that are kept: the last good one, and one to fall back to."""


class NewerVersionError(ModelError):
    """A file is from a newer gankit than this one."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: temporary name beside it, flush to disk, rename; folders are made.

    Raises:
        OutputError: no space, no permission, …; what was at `path` before is untouched and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file whole or not at all, with a checksum of everything in it in its metadata.

    Args:
        path: where.
        tensors: by name, of any device; no two may share memory.
        metadata: texts; "sha256" is added.

    Raises:
        OutputError: as `write_atomically`.
    """
    from safetensors.torch import save

    on_cpu = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    content = save(on_cpu, {**metadata, "sha256": _digest(on_cpu, metadata)})
    # safetensors orders the metadata anew in every process; the same content is to give the same bytes
    (length,) = struct.unpack_from("<Q", content)
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # the tensors stay aligned
    write_atomically(path, struct.pack("<Q", len(text)) + text + content[8 + length :])


def read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata that `write_safetensors` wrote, checked against their checksum.

    Raises:
        ModelError: the file is missing, cut off or changed, or its "format_version" (if it has one) is newer.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    again = "Take a whole copy of it, or train again."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        (length,) = struct.unpack_from("<Q", content)
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        digest = metadata.pop("sha256")
        version = metadata.get("format_version")
    except (struct.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is damaged or was not written by gankit. {again}") from error
    if version is not None:
        # before the tensors are looked at: a newer version may keep them in a way this one cannot read
        _check_version(int(version) if str(version).isdigit() else version, path)
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{path} is damaged: its tensors cannot be read. {again}") from error
    if _digest(tensors, metadata) != digest:
        raise ModelError(f"{path} is damaged: its checksum does not fit. {again}")
    return tensors, metadata


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 over the metadata and over every tensor's name, type, shape and bytes."""
    from torch import uint8

    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"|{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.reshape(-1).view(uint8).numpy().data)
    return digest.hexdigest()


def _cannot_write(path: Path, error: OSError) -> OutputError:
    """The user's words for what the system says."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"cannot write {path}: no space left on the device. Free some and go on with --resume.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"cannot write {path}: {error.strerror}. Choose another folder with -o.")
    return OutputError(f"cannot write {path}: {error.strerror or error}.")


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Checkpoint:
    """A state that was saved: `tensors` by name, on the CPU; `state` plain JSON values; the `step` it was saved at.

    notes: what was found damaged and passed over on the way to it, in the user's words.
    """

    step: int
    tensors: dict[str, Tensor]
    state: dict[str, Any]
    notes: tuple[str, ...] = ()


class RunFolder:
    """A run folder that exists. `RunFolder.create` makes one, `RunFolder.open` takes one that is there.

    Example:
        >>> import tempfile, torch
        >>> place = tempfile.TemporaryDirectory()
        >>> run = RunFolder.create(Path(place.name) / "run", {"seed": 7})
        >>> run.log({"step": 25, "gap": 0.1})
        >>> run.save_checkpoint(25, {"w": torch.ones(2)}, {"samples": 6400})
        >>> run.load_checkpoint().state
        {'samples': 6400}
        >>> place.cleanup()
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
        write_atomically(run.config_path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
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

    # --- config ---------------------------------------------------------------------------------------------------

    def config(self) -> dict[str, Any]:
        """The config as it was given to `create`.

        Raises:
            ModelError: missing, damaged, or from a newer version.
        """
        try:
            config = json.loads(self.config_path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise ModelError(
                f"{self.path} is not a run folder: it has no config.json. Give the folder that train -o wrote to."
            ) from error
        except (OSError, ValueError) as error:
            raise ModelError(f"{self.config_path} is damaged ({error}). Start the run anew.") from error
        if not isinstance(config, dict):
            raise ModelError(f"{self.config_path} is damaged: it holds no options. Start the run anew.")
        _check_version(config.pop("format_version", None), self.config_path)
        return config

    def is_untouched(self) -> bool:
        """Whether the run was made and never begun: no checkpoint, no event, no model."""
        return not (self.checkpoints() or self.log_path.exists() or self.model_path.exists())

    # --- log ------------------------------------------------------------------------------------------------------

    def log(self, event: Mapping[str, Any]) -> None:
        """Append one event, a line of JSON. `event["step"]` tells where it belongs when a run is resumed.

        Raises:
            OutputError: it cannot be written.
        """
        line = (json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n").encode()
        try:
            with open(self.log_path, "ab") as file:
                file.write(line)
        except OSError as error:
            raise _cannot_write(self.log_path, error) from error

    def read_log(self) -> list[dict[str, Any]]:
        """All events; a last line that was cut off by a crash, and whatever else is no JSON, is left out."""
        try:
            content = self.log_path.read_bytes()
        except FileNotFoundError:
            return []
        return [event for line in content.split(b"\n") if isinstance(event := _parse(line), dict)]

    def cut_log(self, step: int) -> None:
        """Drop every event after `step` and every broken line, so that a resumed run writes nothing twice."""
        kept = [event for event in self.read_log() if event.get("step", 0) <= step]
        write_atomically(self.log_path, "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in kept).encode())

    # --- checkpoints ----------------------------------------------------------------------------------------------

    def checkpoints(self) -> list[tuple[int, Path]]:
        """(step, path) of every checkpoint, oldest first."""
        found = []
        for path in self.checkpoints_path.glob("step-*.safetensors"):
            number = path.stem[len("step-") :]
            if number.isdigit():
                found.append((int(number), path))
        return sorted(found)

    def save_checkpoint(self, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Save a state, whole or not at all, and drop all but the last KEPT.

        Args:
            step: the step the state stands at.
            tensors: by name, of any device.
            state: plain JSON values; floats keep every bit.

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
        notes = []
        for step, path in reversed(found):
            try:
                tensors, metadata = read_safetensors(path)
            except NewerVersionError:
                raise
            except ModelError:
                notes.append(f"{path} is damaged; the one before it is used.")
                continue
            return Checkpoint(step, tensors, json.loads(metadata["state"]), tuple(notes))
        raise ModelError(f"every checkpoint of {self.path} is damaged: {found[-1][1]} and older. Start the run anew.")


def _check_version(version: object, path: Path) -> None:
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"{path} is damaged: it names no format version. Start the run anew.")
    if version > FORMAT_VERSION:
        raise NewerVersionError(
            f"{path} was written by a newer gankit (format {version}; this one reads up to {FORMAT_VERSION}). "
            "Upgrade with: pip install --upgrade gankit"
        )


def _parse(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None

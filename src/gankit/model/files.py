"""Model files: what is in them, read without importing torch, and the model in them.

Knows the layout of the file; never D, optimisers or the loop.

A model file is a safetensors file: the generator's tensors, and in the header's metadata one JSON text under the key
"gankit" that holds everything else. `inspect` reads the header alone and imports no torch.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.errors import ModelError
from gankit.model.plan import Given, NetworkPlan

if TYPE_CHECKING:
    from gankit.model.model import Model

FORMAT = 1
"""Version of the model file's layout; files of a larger one are refused."""

MODEL_NAME = "model.safetensors"


def load(path: str | Path) -> Model:
    """The model in a model file, or in a run folder (its best one).

    Raises:
        ModelError: no model there, damaged, or from a newer version.
    """
    from gankit.columns.schema import Schema
    from gankit.io.origin import Origin
    from gankit.kinds import KINDS
    from gankit.model.model import Model
    from gankit.model.tensors import read_safetensors

    file = _model_file(path)
    header = _read_header(file)
    try:
        plan = NetworkPlan(**header["plan"])
        codec = KINDS[header["kind"]].load_codec(header["codec"])
        given = None if header["given"] is None else Given.from_json(header["given"])
        generator, _ = plan.build(codec.spec, None if given is None else given.codec.spec)
        generator.load_state_dict(read_safetensors(file)[0])
        schema, origin = Schema.from_json(header["schema"]), Origin.from_json(header["origin"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"{file} is damaged: {str(error).splitlines()[0]}. Take another copy of it, or train anew."
        ) from error
    return Model(
        header["kind"],
        schema,
        origin,
        codec,
        given,
        plan,
        generator.eval(),
        header["card"],
        tuple(header["history"]),
        header["figure"],
    )


def inspect(path: str | Path) -> dict[str, Any]:
    """What a model file or a run folder holds: kind, columns, networks, training, scores. Imports no torch.

    Raises:
        ModelError: no model there, damaged, or from a newer version.
    """
    file = _model_file(path)
    return {"file": str(file), "bytes": file.stat().st_size, **_read_header(file)["card"]}


def _model_file(path: str | Path) -> Path:
    file = Path(path)
    if file.is_dir():
        file = file / MODEL_NAME
        if not file.exists():
            raise ModelError(
                f"{path} holds no {MODEL_NAME} yet. If it is a run that was stopped, go on with it: "
                f"gankit train -o {path} --resume"
            )
    if not file.exists():
        raise ModelError(f"there is no model at {path}. Name a model file or the folder of a run.")
    return file


def _read_header(file: Path) -> dict[str, Any]:
    """The JSON in a model file's header; checks that the file is whole."""
    damaged = f"{file} is not a gankit model, or damaged: "
    try:
        with open(file, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
            if length + 8 > size:
                raise ModelError(damaged + "its header is cut off. Take another copy of it, or train anew.")
            entries = json.loads(stream.read(length))
        metadata = entries.pop("__metadata__")
        header: dict[str, Any] = json.loads(metadata["gankit"])
        ends = [entry["data_offsets"][1] for entry in entries.values()]
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise ModelError(damaged + "its header cannot be read. Take another copy of it, or train anew.") from error
    if header.get("format", 0) > FORMAT:
        raise ModelError(
            f"{file} was written by a newer gankit ({header.get('card', {}).get('version', 'unknown')}). "
            "Update gankit to use it."
        )
    if length + 8 + max(ends, default=0) != size:
        raise ModelError(damaged + "it is cut off or has been added to. Take another copy of it, or train anew.")
    return header

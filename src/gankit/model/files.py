"""Files of named tensors, and model files: what is in them, read without importing torch, the model in them, and how
its generator is built again.

Knows safetensors files and the layout of a model file; never discriminators, optimisers or the loop.

A model file is a safetensors file with a checksum of everything in it, written whole or not at all: the generator's
tensors, and in the header's metadata one JSON text under the key "gankit" that holds everything else. `inspect` reads
the header alone and imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.arguments import path_of
from gankit.errors import ModelError, OptionError
from gankit.io.atomic import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from gankit.columns.codec import TableCodec
    from gankit.model.model import Model
    from gankit.networks.base import Discriminator, Generator, Pair
    from gankit.spec import Spec


FORMAT, FORMAT_VERSION = 2, 2
"""Versions of the layouts of model files, and of run folders and checkpoints; files of a larger one are refused."""

MODEL_NAME = "model.safetensors"
"""The file of the model in a run folder."""

_AGAIN = "Take another copy of it, or train anew."


@dataclass(frozen=True)
class NetworkPlan:
    """How to build the generator again: a name of NETWORKS, its sizes (None = the family's default), and the type that
    its inner layers multiply in ("float32" or "bfloat16").
    """

    name: str
    width: int | None
    depth: int | None
    num_latents: int
    precision: str = "float32"

    def build(self, spec: Spec, condition: Spec | None, seed: int = 0) -> tuple[Generator, Discriminator]:
        """A fresh pair on the CPU.

        Raises:
            OptionError: the networks are not for such records, or not of these sizes.
        """
        import torch

        from gankit.networks import build

        sizes: dict[str, Any] = {"width": self.width, "depth": self.depth, "num_latents": self.num_latents}
        generator, discriminator = build(self.name, spec, condition, **sizes, seed=seed)
        if self.precision == "bfloat16":
            generator.multiply_in = discriminator.multiply_in = torch.bfloat16
        return generator, discriminator


@dataclass(frozen=True)
class Given:
    """The given columns of a conditional generator that takes a condition c.

    codec: of the given columns.
    codes: [M, columns] int64, the combinations of cells that training showed; counts: [M] how often.
    """

    codec: TableCodec
    codes: np.ndarray
    counts: np.ndarray

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"codec": self.codec.to_json(), "codes": self.codes.tolist(), "counts": self.counts.tolist()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Given:
        """What `to_json` wrote."""
        import numpy as np

        from gankit.columns.codec import TableCodec

        codec = TableCodec.from_json(value["codec"])
        codes = np.asarray(value["codes"], dtype=np.int64).reshape(-1, len(codec.fields))
        return cls(codec, codes, np.asarray(value["counts"], dtype=np.float64))


class NewerVersionError(ModelError):
    """A file is from a newer gankit than this one."""


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes a safetensors file whole or not at all, with a checksum of everything in it in its metadata.

    tensors: by name, of any device; no two may share memory. metadata: texts; "sha256" is added.

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
    from safetensors import torch as files

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
        check_version(int(version) if str(version).isdigit() else version, path)
    try:
        tensors = files.load(content)
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


def check_version(version: object, path: Path) -> None:
    """Refuses a file without a format version, or of a newer one.

    Raises:
        ModelError: it names none. NewerVersionError: it is newer than `FORMAT_VERSION`.
    """
    if not isinstance(version, int) or version < 1:
        raise ModelError(f"{path} is damaged: it names no format version. Start the run anew.")
    if version > FORMAT_VERSION:
        raise NewerVersionError(
            f"{path} was written by a newer gankit (format {version}; this one reads up to {FORMAT_VERSION}). "
            "Upgrade with: pip install --upgrade gankit"
        )


def load(path: str | Path, network: Pair | None = None) -> Model:
    """The model in a model file, or in a run folder (its best one).

    network: the pair of networks that made it, where it is none of gankit's or of a package's.

    Raises:
        ModelError: no model there, damaged, or from a newer version.
    """
    from gankit.columns.schema import Schema
    from gankit.io.records import Origin
    from gankit.kinds import KINDS
    from gankit.model.model import Model
    from gankit.networks import NETWORKS

    file = _model_file(path)
    header = _read_header(file)
    if network is not None:
        NETWORKS.add(network.name, network)
    if (name := header.get("plan", {}).get("name")) not in NETWORKS:
        raise ModelError(
            f"{file} was made by the network {name!r}, which gankit does not have. Give it, as in "
            "gankit.load(path, network=MY_PAIR), or install the package that it comes from."
        )
    try:
        plan = NetworkPlan(**header["plan"])
        codec = KINDS[header["kind"]].load_codec(header["codec"])
        given = None if header["given"] is None else Given.from_json(header["given"])
        generator, _ = plan.build(codec.spec, None if given is None else given.codec.spec)
        generator.load_state_dict(read_safetensors(file)[0])
        schema, origin = Schema.from_json(header["schema"]), Origin.from_json(header["origin"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"{file} is damaged: {str(error).splitlines()[0]}. {_AGAIN}") from error
    known = {"card": header["card"], "history": tuple(header["history"]), "figure": header["figure"]}
    known["run"] = Path(path) if Path(path).is_dir() else None
    return Model(header["kind"], schema, origin, codec, given, plan, generator.eval(), **known)


def inspect(path: str | Path) -> dict[str, Any]:
    """What a model file or a run folder holds: kind, columns, networks, training, scores. Imports no torch.

    Raises:
        ModelError: no model there, damaged, or from a newer version. OptionError: a model, which has it as `card`.
    """
    if isinstance(card := getattr(path, "card", None), dict):
        raise OptionError(
            f"inspect takes a path; this model has what it would tell in model.card ({len(card)} entries)."
        )
    file = _model_file(path)
    return {"file": str(file), "bytes": file.stat().st_size, **_read_header(file)["card"]}


def _model_file(path: str | Path) -> Path:
    file = path_of(path, "the model")
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
                raise ModelError(damaged + f"its header is cut off. {_AGAIN}")
            entries = json.loads(stream.read(length))
        metadata = entries.pop("__metadata__")
        header: dict[str, Any] = json.loads(metadata["gankit"])
        ends = [entry["data_offsets"][1] for entry in entries.values()]
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(damaged + f"its header cannot be read. {_AGAIN}") from error
    if header.get("format", 0) > FORMAT:
        raise ModelError(
            f"{file} was written by a newer gankit ({header.get('card', {}).get('version', 'unknown')}). "
            "Update gankit to use it."
        )
    if length + 8 + max(ends, default=0) != size:
        raise ModelError(damaged + f"it is cut off or has been added to. {_AGAIN}")
    return header

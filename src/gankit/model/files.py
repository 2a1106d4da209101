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
import math
import os
import struct
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from gankit.arguments import path_of
from gankit.errors import ModelError, OptionError
from gankit.io.atomic import write_atomically
from gankit.io.hub import fetched, is_on_hub
from gankit.stored import Count, Stored, StoredError, inside, of_type, parse

if TYPE_CHECKING:
    from torch import Tensor

    from gankit.model.model import Model
    from gankit.networks.base import Discriminator, Generator, Pair
    from gankit.spec import Spec


FORMAT, FORMAT_VERSION = 2, 2
"""Versions of the layouts of model files, and of run folders and checkpoints; files of a larger one are refused."""

Precision = Literal["float32", "bfloat16"]

MODEL_NAME = "model.safetensors"
"""The file of the model in a run folder."""

_AGAIN = "Take another copy of it, or train anew."


class _Tensor(TypedDict):
    """What the header of a safetensors file says of a tensor."""

    data_offsets: tuple[int, int]


class Rows(TypedDict):
    """Training and held-out records."""

    train: int
    heldout: int


class Metric(TypedDict):
    """What chose the checkpoint, and after how many samples."""

    name: Any
    samples: int | None


class Card(TypedDict, total=False):
    """What a model is and how it came about, as far as it is not only shown."""

    version: str
    kind: str
    name: str
    columns: list[dict[str, str]]
    rows: Rows
    size: list[int]
    samples: int
    metric: Metric
    options: dict[str, Any]


@dataclass(frozen=True)
class Header(Stored):
    """The JSON in a model file, of which `schema`, `origin`, `codec` and `given` are not looked into as yet."""

    kind: str
    schema: dict[str, Any]
    origin: dict[str, Any]
    codec: dict[str, Any]
    given: dict[str, Any] | None
    plan: NetworkPlan
    card: Card
    history: tuple[dict[str, Any], ...]
    figure: dict[str, Any] | None


@dataclass(frozen=True)
class NetworkPlan(Stored):
    """How to build the generator again: a name of NETWORKS, its sizes (None = the family's default), and the type that
    its inner layers multiply in ("float32" or "bfloat16").

    block: rows of records without steps or pixels that are drawn together; None = 8,192, as in files of before.
    members: networks of the ensemble that G is; None = G is one network.
    """

    LATER = ("block", "members")

    name: str
    width: Count | None
    depth: Count | None
    num_latents: Count
    precision: Precision = "float32"
    block: Count | None = None
    members: Count | None = None

    def build(self, spec: Spec, condition: Spec | None, seed: int = 0) -> tuple[Generator, Discriminator]:
        """A fresh pair on the CPU.

        Raises:
            OptionError: the networks are not for such records, or not of these sizes.
        """
        import torch

        from gankit.networks import build
        from gankit.networks.base import Network

        generator, discriminator = build(
            self.name, spec, condition, width=self.width, depth=self.depth, num_latents=self.num_latents,
            members=self.members, seed=seed,
        )  # fmt: skip
        if self.precision == "bfloat16":
            for part in (*generator.modules(), *discriminator.modules()):
                if isinstance(part, Network):
                    part.multiply_in = torch.bfloat16
        return generator, discriminator

    def build_for(
        self, tensors: Mapping[str, Tensor], spec: Spec, condition: Spec | None, seed: int = 0
    ) -> tuple[Generator, Discriminator]:
        """As `build`, for a generator that is to hold `tensors`: others are refused before they take memory or time.

        Raises:
            ValueError: says what does not fit.
        """
        # a network without weights, on "meta", would do; but torch imports its compiler for that (benchmarks/scale.md)
        most, longest = max(64, len(tensors)), max(2**16, *(t.numel() for t in tensors.values()))
        deep = max(self.depth or 0, self.members or 0)
        if deep > most or max(self.width or 0, self.num_latents, spec.dim // 2**10) > longest:
            raise ValueError(_TOO_LARGE)
        with _at_most(2**23 + 16 * sum(t.numel() for t in tensors.values())):
            networks = self.build(spec, condition, seed)
        expected = networks[0].state_dict()
        for name in sorted(expected.keys() ^ tensors.keys()):
            raise ValueError(f"its networks have {'no tensor' if name in tensors else 'a tensor'} {name[:80]}")
        for name, tensor in tensors.items():
            if tensor.shape != expected[name].shape or tensor.dtype != expected[name].dtype:
                raise ValueError(f"the tensor {name[:80]} does not fit its networks")
        return networks


_TOO_LARGE = "its networks are larger than its tensors"


def _at_most(numbers: int) -> AbstractContextManager[Any]:
    """A context in which tensors of no more numbers in all are made: a ValueError before those that would be more."""
    import torch
    from torch.overrides import TorchFunctionMode

    makers = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.full, torch.eye)

    class AtMost(TorchFunctionMode):
        left = numbers

        def __torch_function__(self, made: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if made in makers and args:
                shape = args[0] if isinstance(args[0], tuple | list) else args  # empty((2, 3)), empty(2, 3)
                self.left -= math.prod(size for size in shape if isinstance(size, int))
                if self.left < 0:
                    raise ValueError(_TOO_LARGE)
            return made(*args, **(kwargs or {}))

    return AtMost()


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
        metadata = of_type(dict[str, str], parse(content[8 : 8 + length])["__metadata__"])
        digest = metadata.pop("sha256")
        version = metadata.get("format_version")
    except (struct.error, ValueError, KeyError, TypeError) as error:
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
    """The model in a model file, in a run folder (its best one), or on the Hugging Face Hub.

    path: of the file or folder; hf://owner/name[@revision][/file] is downloaded into the cache of huggingface_hub.
    network: the pair of networks that made it, where it is none of gankit's or of a package's.

    Raises:
        ModelError: no model there, damaged, or from a newer version.
    """
    from gankit.columns.codec import Given
    from gankit.columns.schema import Schema
    from gankit.io.records import Origin
    from gankit.kinds import KINDS
    from gankit.model.model import Model
    from gankit.networks import NETWORKS

    file = model_file(path)
    header = _read_header(file)
    if network is not None:
        NETWORKS.add(network.name, network)
    if header.plan.name not in NETWORKS:
        raise ModelError(
            f"{file} was made by the network {header.plan.name!r}, which gankit does not have. Give it, as in "
            "gankit.load(path, network=MY_PAIR), or install the package that it comes from."
        )
    tensors, _ = read_safetensors(file)
    try:
        if header.kind not in KINDS:
            raise StoredError(f"is none of {', '.join(KINDS)}", ".kind")
        schema, origin = inside(".schema", Schema, header.schema), inside(".origin", Origin, header.origin)
        codec = inside(".codec", KINDS[header.kind].codec, header.codec)
        given = inside(".given", Given | None, header.given)
        plan, condition = header.plan, None if given is None else given.codec.spec
        generator, _ = plan.build_for(tensors, codec.spec, condition)
        generator.load_state_dict(tensors)
    except (ValueError, RuntimeError, OptionError) as error:
        raise _damaged(file, str(error)) from error
    known: Any = {"card": header.card, "history": header.history, "figure": header.figure}
    known["run"] = file.parent if not is_on_hub(path) and Path(path).is_dir() else None
    model = Model(header.kind, schema, origin, codec, given, plan, generator.eval(), **known)
    try:
        model.check()
    except Exception as error:  # whatever it is, it comes of the file
        why = f"its columns and their codes do not go together ({type(error).__name__}: {error})"
        raise _damaged(file, why) from error
    return model


def _damaged(file: Path, why: str) -> ModelError:
    return ModelError(f"{file} is damaged, or was not written by gankit: {why[:300].rstrip('.')}. {_AGAIN}")


def load_discriminator(run: Path | None, plan: NetworkPlan, spec: Spec, condition: Spec | None) -> Discriminator:
    """D of the newest checkpoint in a run folder.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    for path in sorted((run / "checkpoints").glob("step-*.safetensors") if run else (), reverse=True):
        tensors = {name[2:]: t for name, t in read_safetensors(path)[0].items() if name.startswith("d.")}
        _, discriminator = plan.build(spec, condition)
        try:
            discriminator.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelError(f"{path} holds another D than gankit builds: of an older version, or damaged.") from error
        return discriminator.eval()
    raise ModelError("a model file holds G alone; D is in the checkpoints of a run folder. Load that.")


def inspect(path: str | Path) -> dict[str, Any]:
    """What a model file, a run folder or hf://owner/name holds: kind, columns, networks, training, scores.

    Imports no torch.

    Raises:
        ModelError: no model there, damaged, or from a newer version. OptionError: a model, which has it as `card`.
    """
    if isinstance(card := getattr(path, "card", None), dict):
        raise OptionError(
            f"inspect takes a path; this model has what it would tell in model.card ({len(card)} entries)."
        )
    file = model_file(path)
    return {"file": str(file), "bytes": file.stat().st_size, **_read_header(file).card}


def report_folder(path: Path) -> Path:
    """Where the report on a model file, or on a run, is written unless another place is named."""
    return path / "report" if path.is_dir() else path.with_name(path.stem + "-report")


def model_file(path: str | Path) -> Path:
    """The file of the model that a path or an address names.

    Raises:
        ModelError: there is none.
    """
    if isinstance(path, str) and is_on_hub(path):
        return fetched(path, MODEL_NAME)
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


def _read_header(file: Path) -> Header:
    """The JSON in a model file's header; checks that the file is whole."""
    damaged = f"{file} is not a gankit model, or damaged: "
    try:
        with open(file, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            start = stream.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
            if length + 8 > size:
                raise ModelError(damaged + f"its header is cut off. {_AGAIN}")
            entries = of_type(dict[str, Any], parse(stream.read(length)))
        metadata = of_type(dict[str, str], entries.pop("__metadata__"))
        header = of_type(dict[str, Any], parse(metadata["gankit"]))
        ends = [tensor["data_offsets"][1] for tensor in of_type(dict[str, _Tensor], entries).values()]
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError) as error:
        raise ModelError(damaged + f"its header cannot be read. {_AGAIN}") from error
    version = header.get("format", 0)
    if type(version) is int and version > FORMAT:
        card = header.get("card")
        by = card.get("version") if isinstance(card, dict) else None
        raise ModelError(f"{file} was written by a newer gankit ({str(by)[:20]}). Update gankit to use it.")
    if length + 8 + max(ends, default=0) != size:
        raise ModelError(damaged + f"it is cut off or has been added to. {_AGAIN}")
    try:
        return Header.from_json(header)
    except StoredError as error:
        raise _damaged(file, str(error)) from error

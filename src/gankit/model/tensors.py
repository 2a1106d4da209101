"""Files of named tensors: safetensors with a checksum of everything in them, written whole or not at all.

Knows files, named tensors and texts; never networks, codecs, data or the loop.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gankit.errors import ModelError
from gankit.io.atomic import write_atomically

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1
"""Version of the layout of run folders and checkpoints; files of a larger one are refused."""


class NewerVersionError(ModelError):
    """A file is from a newer gankit than this one."""


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
        check_version(int(version) if str(version).isdigit() else version, path)
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

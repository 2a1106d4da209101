"""What the machine has: the device, and the type that inner layers multiply in.

Knows torch's devices and the names of networks; never data or games.
"""

from __future__ import annotations

import torch

from gankit.errors import OptionError

WITHOUT_BFLOAT16 = ("dense2014", "residual")
"""Networks of vectors that know float32 alone; those of images all know bfloat16."""


def precision_of(asked: str, network: str, kind: str, device: torch.device) -> str:
    """What was asked for; auto = bfloat16 where the network can use it and the hardware multiplies in it."""
    if kind != "image" and network in WITHOUT_BFLOAT16:
        if asked == "bfloat16":
            raise OptionError(f"--precision bfloat16: network {network} of kind {kind} cannot use it. Leave it out.")
        return "float32"
    if asked != "auto":
        return asked
    has = torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "cpu" and _cpu_has_bfloat16()
    return "bfloat16" if has else "float32"


def _cpu_has_bfloat16() -> bool:
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return bool(asked and asked())


def device_of(name: str) -> torch.device:
    """The device asked for; auto = CUDA, then MPS, then the CPU."""
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if (name == "cuda" and not torch.cuda.is_available()) or (name == "mps" and not has_mps):
        raise OptionError(f"--device {name}: this machine has none, or this torch cannot use it. Use --device cpu.")
    return torch.device(name)

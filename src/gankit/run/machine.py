"""What the machine has: the device, and the type that inner layers multiply in.

Knows torch's devices, options and what networks state; never games.
"""

from __future__ import annotations

from typing import Any

import torch

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds.base import Prepared
from gankit.networks.base import Pair
from gankit.networks.execution import threads_that_pay
from gankit.spec import Form


def precision_of(asked: str, pair: Pair, form: Form, device: torch.device) -> str:
    """What was asked for; auto = bfloat16 where the networks can use it, gain by it, and the hardware has it.

    Raises:
        OptionError: bfloat16 was asked for, and they cannot use it.
    """
    if form not in pair.bfloat16:
        if asked == "bfloat16":
            raise OptionError(f"--precision bfloat16: network {pair.name} for a {form} cannot use it. Leave it out.")
        return "float32"
    if asked != "auto":
        return asked
    if not pair.bfloat16_by_default:
        return "float32"
    has = torch.cuda.is_bf16_supported() if device.type == "cuda" else device.type == "cpu" and _cpu_has_bfloat16()
    return "bfloat16" if has else "float32"


def threads_for(prepared: Prepared[Any, Any], config: TrainConfig, notes: list[str]) -> int | None:
    """Threads for a training: those asked for; for images as many as pay off now; None where the networks decide."""
    if config.threads is not None or not prepared.kind.measures_threads:
        return config.threads
    most, paying = torch.get_num_threads(), threads_that_pay()
    if paying < most:
        notes.append(
            f"threads: 1 of {most}, since other programs keep this machine busy and more would wait for each other. "
            f"Override with --threads {most}"
        )
    return paying


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

"""What the machine has: the device, the type that inner layers multiply in, and whether compiling the networks pays.

Knows devices and seconds per sample; never data or files.
"""

from __future__ import annotations

import os
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from gankit.budget import Budget
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds.base import Prepared
from gankit.model.files import Precision
from gankit.networks.base import Pair
from gankit.networks.execution import threads_that_pay
from gankit.ranks import current
from gankit.spec import Form
from gankit.training.loop import seconds_per_sample

if TYPE_CHECKING:
    from gankit.run.run import Run

PAYS = 0.95
"""A compiled step that takes more than that share of a plain one is no gain worth other code."""

MULTIPLIED, TRIES, SOONER = (4096, 128), 8, 0.8
"""The matrix whose product is timed in both types, how often, and the share of float32's time that is clearly less."""

FAILURES = (RuntimeError, ImportError, OSError)
"""What the compiler raises, and what it calls."""


def compile_for(run: Run, config: TrainConfig, notes: list[str]) -> str:
    """As asked for, "on" or "off", or what pays by a few steps timed with and without; the game is where it was.

    config: what the user asked for. notes: what was measured is appended.

    Raises:
        OptionError: it was asked for, and cannot be done here.
    """
    if config.compile == "off" or (config.compile == "auto" and not Budget.of(config).tries_compiling):
        return "off"
    run.game.uncompile()
    plain = compiled = seconds_per_sample(run.game, run.train)["game"]
    began = time.monotonic()
    try:
        run.game.compile()
        seconds_per_sample(run.game, run.train)
        stall_s = time.monotonic() - began
        compiled = seconds_per_sample(run.game, run.train)["game"]
    except FAILURES as error:
        cannot, words = "torch.compile cannot compile these networks here", _words(error)
        if config.compile == "on":
            raise OptionError(f"--compile on: {cannot}. Leave it out. ({words})") from error
        run.game.uncompile()
        notes.append(f"compile: off, for {cannot} ({words})")
        return "off"
    decided = "on" if config.compile == "on" or compiled < PAYS * plain else "off"
    if decided == "off":
        run.game.uncompile()
    notes.append(
        f"compile: {decided}; a compiled step takes {compiled / plain:.2f} of the time of a plain one, and finding out "
        f"took {stall_s:.0f} s. Override with --compile {'off' if decided == 'on' else 'on'}"
    )
    return decided


def still_compiles(run: Run, notes: list[str]) -> None:
    """Tries the steps of a run that goes on, which is not moved; where they cannot be compiled, it goes on without.

    notes: what was found is appended.
    """
    if run.config.compile != "on" or run.game.finished:
        return
    try:
        seconds_per_sample(run.game, run.train, 1)
    except FAILURES as error:
        run.game.uncompile()
        notes.append(
            "compile: off from here on, for torch.compile cannot compile these networks on this machine; the model "
            f"will differ in rounding ({_words(error)})"
        )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def precision_of(asked: str, pair: Pair, form: Form, device: torch.device) -> Precision:
    """What was asked for; auto = bfloat16 where the networks can use it, gain by it, and the hardware has it.

    Raises:
        OptionError: bfloat16 was asked for, and they cannot use it.
    """
    if form not in pair.bfloat16:
        if asked == "bfloat16":
            raise OptionError(f"--precision bfloat16: network {pair.name} for a {form} cannot use it. Leave it out.")
        return "float32"
    if asked == "bfloat16":
        return "bfloat16"
    if asked == "float32" or not pair.bfloat16_by_default:
        return "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    return "bfloat16" if device.type == "cpu" and multiplies_sooner_in_bfloat16() else "float32"


def threads_for(prepared: Prepared[Any, Any], config: TrainConfig, notes: list[str]) -> int | None:
    """Threads for a training: those asked for; for images as many as pay off now; None where the networks decide."""
    if config.threads is not None or not prepared.kind.measures_threads:
        return config.threads
    most, paying = torch.get_num_threads(), threads_that_pay()
    if paying < most:
        notes.append(f"threads: 1 of {most}, since this machine is busy. Override with --threads {most}")
    return paying


@cache
def multiplies_sooner_in_bfloat16() -> bool:
    """Whether this processor multiplies matrices clearly sooner in bfloat16: with matrix units several times so, with
    its vector instructions alone up to twice as slowly (benchmarks/tables.md). Decided by timing, .1 s.
    """
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if not (asked and asked()):
        return False
    x, weight = torch.ones(*MULTIPLIED), torch.ones(MULTIPLIED[1], MULTIPLIED[1])
    took_s: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
    for _ in range(TRIES):  # by turns, since the machine may be busy; the first of each prepares
        for dtype, times in took_s.items():
            a, b = x.to(dtype), weight.to(dtype)
            begun = time.perf_counter()
            torch.mm(a, b)
            times.append(time.perf_counter() - begun)
    plain, short = (min(times) for times in took_s.values())
    return short < SOONER * plain


def device_of(name: str) -> torch.device:
    """The device asked for; auto = CUDA, then MPS, then the CPU. Of several processes each takes a GPU of its own.

    Raises:
        OptionError: there is none.
    """
    shared = current().world > 1
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps and not shared else "cpu"
    if (name == "cuda" and not torch.cuda.is_available()) or (name == "mps" and not has_mps):
        raise OptionError(f"--device {name}: this machine has none, or this torch cannot use it. Use --device cpu.")
    if name == "mps" and shared:
        raise OptionError("--device mps: several processes cannot share it. Use --device cpu, or one process.")
    if name == "cuda" and shared:
        return _own_gpu()
    return torch.device(name)


def _own_gpu() -> torch.device:
    """The GPU with this process's number among those of its machine."""
    number, count = int(os.environ.get("LOCAL_RANK", "0") or 0), torch.cuda.device_count()
    if number >= count:
        raise OptionError(
            f"there are more processes here than GPUs ({count}). Start {count} on this machine, or use --device cpu."
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number)

"""What a GPU gives: speed and memory of steps, and two trainings from nothing; a script of about ten minutes.

    python benchmarks/gpu.py [--out gpu.md] [--folder ../shared/data]
    python benchmarks/gpu.py --device cpu --seconds 2 --cases strided table --train 10s   # that it runs

Steps: the strided pair at 32 pixels, StyleGAN2 at 256 and at 1024, and the pair of tables in its likelihood phase and
in the game, on random records, each with its own recipe, in float32 and in bfloat16; strided and table also through
torch.compile (the first step, which compiles, is counted apart). The time of a step is the median over `--seconds` of
them, each waited for; StyleGAN2's steps with a penalty are averaged in by their share. Beside StyleGAN2 at 1024 stands
the published figure of one A100: 90.4 seconds per 1000 images (StyleGAN2-ADA's README).

Trainings (`--train`, the budget of CIFAR-10, 5m; Adult takes what it takes): rows of Adult from nothing to a model, and
CIFAR-10 by class; their seconds, samples and held-out metric. Prints a JSON line each, and writes a table to `--out`.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

import gankit
from gankit.networks import NETWORKS, build
from gankit.networks.base import Task
from gankit.networks.blocks import expand
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

ROWS = 512
ADULT = (2, 7, 16, 9, 7, 15, 6, 5, 2, 42, 74, 92, 99, 90)
"""Cells of blocks about as Adult has them."""

SPECS = {
    "strided": Spec("image", (3, 32, 32)),
    "stylegan2 256": Spec("image", (3, 256, 256)),
    "stylegan2 1024": Spec("image", (3, 1024, 1024)),
    "table": Spec("vector", (sum(ADULT),), tuple(Block("categorical", n) for n in ADULT)),
}
COMPILED = ("strided", "table")
PUBLISHED = {"stylegan2 1024": 90.4}


def game(case: str, device: torch.device, precision: torch.dtype) -> tuple[Game, Batches]:
    """The game of a case, on random records."""
    spec, name = SPECS[case], {"table": "sequential"}.get(case, case.split()[0])
    generator, discriminator = build(name, spec)
    generator.multiply_in = discriminator.multiply_in = precision
    rows = ROWS if spec.dim < 10**6 else 64
    draws = torch.Generator().manual_seed(0)
    if spec.form == "image":
        x = torch.randint(256, (rows, *spec.shape[1:], spec.shape[0]), generator=draws, dtype=torch.uint8)
    else:
        x = torch.stack([torch.randint(n, (8 * rows,), generator=draws) + 0.5 for n in ADULT], 1)
    if generator.likelihood is not None:
        generator.likelihood.start_from(x)
    recipe = NETWORKS[name].recipe(Task(spec, 50_000))
    played = Game(generator.to(device), discriminator.to(device), GameConfig(10**9, **recipe))
    return played, Batches(x.to(device), None, lambda taken: expand(spec, taken))


def timed(played: Game, batches: Batches, seconds: float) -> tuple[float, float]:
    """Seconds a sample, and those of the first step, of the phase the game is in."""

    def step() -> tuple[float, int]:
        before, start = played.samples, time.perf_counter()
        played.play_step(batches)
        played.totals.take()  # waits for the device
        return time.perf_counter() - start, played.samples - before

    first = step()[0]
    every = played.config.penalty_every
    kinds: dict[bool, list[float]] = {True: [], False: []}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not all(kinds[pays] for pays in ((True, False) if every > 1 else (True,))):
        pays = played.step % every == 0
        took, samples = step()
        kinds[pays].append(took / samples)
    with_penalty = statistics.median(kinds[True])
    plain = statistics.median(kinds[False]) if kinds[False] else with_penalty
    return with_penalty / every + plain * (1 - 1 / every), first


def steps(case: str, device: torch.device, seconds: float) -> Iterator[dict[str, Any]]:
    """Lines of a case: float32 and bfloat16, plain and compiled."""
    name = {"table": "sequential"}.get(case, case.split()[0])
    forms = NETWORKS[name].bfloat16
    precisions = [torch.float32, *([torch.bfloat16] if SPECS[case].form in forms else [])]
    for precision in precisions:
        for compiled in (False, True) if case in COMPILED else (False,):
            played, batches = game(case, device, precision)
            if compiled:
                played.compile()
            if device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            for phase, share in (("likelihood", 0.0), ("game", 0.9)) if played.warmup else (("game", 0.9),):
                played.length, played.samples = [0, 0.0, 10**9], int(share * 10**9)
                try:
                    per_sample, first = timed(played, batches, seconds)
                except (RuntimeError, torch.OutOfMemoryError) as error:
                    yield {"case": case, "phase": phase, "failed": str(error).splitlines()[0][:120]}
                    continue
                yield {
                    "case": case, "phase": phase, "precision": str(precision).removeprefix("torch."),
                    "compiled": compiled, "batch": played.config.batch, "samples_per_s": round(1 / per_sample, 1),
                    "s_per_1000": round(1000 * per_sample, 3), "first_step_s": round(first, 2),
                    "gb": round(torch.cuda.max_memory_allocated() / 2**30, 2) if device.type == "cuda" else None,
                }  # fmt: skip


def trainings(folder: Path, device: str, budget: str) -> Iterator[dict[str, Any]]:
    """Adult by its default length, and CIFAR-10 by class for a budget."""
    own: dict[str, Any] = {"device": device, "verbose": False}
    for title, source, options in (
        ("Adult from nothing", folder / "tables" / "adult_train.csv", {"samples": "2M"}),
        (f"CIFAR-10 by class, {budget}", folder / "cifar10" / "cifar10_jpeg_25000.tar.gz", {"budget": budget}),
    ):
        if not source.exists():
            yield {"training": title, "failed": f"{source} is not here"}
            continue
        start = time.perf_counter()
        place = source / "train" if source.suffix == ".gz" else source
        card = gankit.train(place, **options, **own).card
        seconds = round(time.perf_counter() - start, 1)
        yield {
            "training": title, "seconds": seconds, "samples": card["samples"], "precision": card["precision"],
            "metric": card["metric"]["name"], "value": card["metric"]["value"],
        }  # fmt: skip


def table(lines: list[dict[str, Any]], machine: str) -> str:
    """The lines as Markdown."""
    head = "| steps | phase | type | compiled | batch | samples a second | s per 1000 | first step, s | GB |"
    rows = [f"# Steps and trainings on a GPU\n\n{machine}\n", head, "|" + "---|" * 9]
    for line in lines:
        if "samples_per_s" in line:
            beside = f" (published: {PUBLISHED[line['case']]})" if line["case"] in PUBLISHED else ""
            rows.append(
                f"| {line['case']} | {line['phase']} | {line['precision']} | {'yes' if line['compiled'] else 'no'} | "
                f"{line['batch']} | {line['samples_per_s']:,} | {line['s_per_1000']}{beside} | "
                f"{line['first_step_s']} | {line['gb'] or ''} |"
            )
    rows += ["\n| training | seconds | samples | held-out metric |", "|---|---|---|---|"]
    for line in lines:
        if "training" in line and "failed" not in line:
            rows.append(f"| {line['training']} | {line['seconds']} | {line['samples']:,} | {line['value']:.4g} |")
    rows += [f"\nFailed: {line}" for line in lines if "failed" in line]
    return "\n".join(rows) + "\n"


def main() -> None:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=8.0, help="of timed steps, a line")
    parser.add_argument("--cases", nargs="*", default=list(SPECS), choices=list(SPECS))
    parser.add_argument("--train", default="5m", help="budget of CIFAR-10; 0 leaves the trainings out")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    device = torch.device(asked.device)
    named = torch.cuda.get_device_name() if device.type == "cuda" else platform.machine()
    lines = []
    for case in asked.cases:
        for line in steps(case, device, asked.seconds):
            lines.append(line)
            print(json.dumps(line), flush=True)
    if asked.train != "0":
        for line in trainings(asked.folder, asked.device, asked.train):
            lines.append(line)
            print(json.dumps(line), flush=True)
    if asked.out is not None:
        asked.out.write_text(table(lines, f"{named}, PyTorch {torch.__version__}."))


if __name__ == "__main__":
    main()

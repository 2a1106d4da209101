"""Seconds that users wait: of `train` before its first step, and of `evaluate`, in two source trees side by side.

    python benchmarks/start_time.py adult_train.csv --before OLD/src --after NEW/src

Each figure is taken in a fresh process with one thread, imports included, the two trees in turn; each round begins with
the other one. Processor seconds are the ones to compare where other programs keep the machine busy. The first step is
told by `should_stop`, which is asked once before it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

BEGIN = "begin"
QUESTIONS = {
    "samples": "train before the first step, --samples",
    "budget": "train before the first step, --budget 5m",
    "evaluate": "evaluate of a run folder, 5,000 rows",
}
LENGTH = "100k"
"""Samples of the model that is evaluated."""


class FirstStep(Exception):
    """Raised where the first step would be taken."""


def before_first_step(data: str, length: dict[str, str]) -> None:
    import gankit

    def reached() -> bool:
        raise FirstStep

    with tempfile.TemporaryDirectory() as folder:
        try:
            gankit.train(data, out=Path(folder, "run"), threads=1, should_stop=reached, **length)  # type: ignore[arg-type]
        except FirstStep:
            return
    raise AssertionError("train never asked whether to stop")


def answer(question: str, data: str, run: str) -> None:
    """What a child process does; prints the seconds it took, of the clock and of the processor."""
    begun, worked = time.perf_counter(), time.process_time()
    if question == BEGIN:
        import gankit

        gankit.train(data, out=run, threads=1, samples=LENGTH, evaluations=1)
    elif question == "evaluate":
        import gankit

        gankit.evaluate(run, n=5000)
    else:
        before_first_step(data, {"budget": "5m"} if question == "budget" else {"samples": LENGTH})
    print(json.dumps([time.perf_counter() - begun, time.process_time() - worked]))


def ask(question: str, source: Path, data: str, run: Path) -> list[float]:
    """[seconds of the clock, of the processor] in a fresh process that imports from `source`."""
    one = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    environment = {**os.environ, **one, "PYTHONPATH": str(source), "MPLBACKEND": "agg"}
    command = [sys.executable, __file__, data, "--child", question, "--run", str(run)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds: list[float] = json.loads(done.stdout.splitlines()[-1])
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a table, such as Adult's training part")
    parser.add_argument("--before", type=Path, metavar="PATH/src")
    parser.add_argument("--after", type=Path, metavar="PATH/src")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=list(QUESTIONS), default=list(QUESTIONS))
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        answer(given.child, given.data, given.run)
        return
    if given.before is None or given.after is None:
        parser.error("both --before and --after are needed")
    data = str(Path(given.data).resolve())
    trees = {"before": given.before.resolve(), "after": given.after.resolve()}
    for path in trees.values():
        if not (path / "gankit" / "__init__.py").exists():
            parser.error(f"{path} holds no gankit; name the folder src")
    taken: dict[tuple[str, str], list[list[float]]] = {(q, tree): [] for q in given.only for tree in trees}
    with tempfile.TemporaryDirectory() as folder:
        runs = {tree: Path(folder, tree) for tree in trees}
        if "evaluate" in given.only:
            for tree, source in trees.items():
                ask(BEGIN, source, data, runs[tree])
        for turn in range(given.rounds):
            for question in given.only:
                for tree in list(trees)[:: -1 if turn % 2 else 1]:
                    seconds = ask(question, trees[tree], data, runs[tree])
                    taken[question, tree].append(seconds)
                    said = f"{seconds[0]:.2f} s, {seconds[1]:.2f} s of the processor"
                    print(f"round {turn + 1}: {QUESTIONS[question]}: {tree} {said}", file=sys.stderr, flush=True)

    print("| what | before, s | after, s | ratio | processor before, s | after, s | ratio |")
    print("|---" * 7 + "|")
    for question in given.only:
        cells: list[Any] = []
        for kind in (0, 1):
            old, new = (statistics.median(s[kind] for s in taken[question, tree]) for tree in trees)
            cells += [f"{old:.2f}", f"{new:.2f}", f"{new / old:.2f}"]
        print(f"| {QUESTIONS[question]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

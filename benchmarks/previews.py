"""What previews cost: the same run with and without them, in processor time, one JSON line a pair.

    python benchmarks/previews.py [--data DATA ...] [--repeats 3]

Each run is made in a process of its own, the two of a pair one after the other. `ratio` is that of their processor
times, which moves by some hundredths with what else the machine does; `inside` is the processor time within the
previews' own code as a share of the rest of the same run, which does not. DATA: `numbers`, `vectors`, `table`, `walks`
(series), `digits` (images), `names` (texts), `tones` (audio), all made or shipped with scikit-learn, or a file;
`=SAMPLES` behind any of them is its length, as in adult.csv=500k.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

SAMPLES = {
    "numbers": "1M",
    "vectors": "1M",
    "table": "200k",
    "walks": "60k",
    "digits": "20k",
    "names": "80k",
    "tones": "10k",
}


def data(name: str) -> Any:
    """A data set by its name."""
    draws = np.random.default_rng(0)
    if name == "numbers":
        return np.concatenate([draws.normal(-2, 0.5, 5000), draws.normal(2, 0.5, 5000)])
    if name == "vectors":
        angle = draws.uniform(0, 7, 10_000)
        return np.stack([np.cos(angle), np.sin(angle)], 1) + draws.normal(0, 0.1, (10_000, 2))
    if name == "digits":
        from sklearn.datasets import load_digits

        return np.pad((load_digits().images * 15).astype(np.uint8), [(0, 0), (4, 4), (4, 4)]).repeat(2, 1).repeat(2, 2)
    if name == "table":
        import pandas as pd

        age = draws.integers(18, 80, 10_000)
        pay = np.round(np.exp(draws.normal(7, 0.5, 10_000)) * (1 + age / 80), 2)
        town = draws.choice(["north", "south", "east", "west"], 10_000, p=[0.4, 0.3, 0.2, 0.1])
        owner = np.where(draws.random(10_000) < age / 90, "yes", "no")
        return pd.DataFrame(
            {"age": age, "pay": pay, "town": town, "owner": owner, "years": age - draws.integers(0, 18)}
        )
    if name == "tones":
        time = np.arange(8000) / 16_000
        pitch, fade = draws.uniform(200, 900, (200, 1)), draws.uniform(2, 9, (200, 1))
        return np.sin(2 * np.pi * pitch * time) * np.exp(-fade * time)
    if name == "walks":
        return draws.normal(size=(2000, 24, 3)).cumsum(1)
    if name == "names":
        parts = ["ka", "lo", "mi", "ne", "sta", "ri", "on", "del"]
        return ["".join(draws.choice(parts, draws.integers(2, 5))) for _ in range(3000)]
    return name


def one(name: str, samples: str, previews: str, out: str) -> None:
    """A training, in this process; prints its processor time and what it kept."""
    import gankit
    from gankit.run.previews import Previews

    spent = [0.0]

    def timed(method: Any) -> Any:
        def inside(*arguments: Any) -> None:
            begin = time.process_time()
            method(*arguments)
            spent[0] += time.process_time() - begin

        return inside

    Previews.start, Previews.watch = timed(Previews.start), timed(Previews.watch)  # type: ignore[method-assign]
    said: dict[str, dict[str, Any]] = {"names": {"kind": "text"}, "tones": {"kind": "audio", "rate": 16_000}}
    before = resource.getrusage(resource.RUSAGE_SELF)
    gankit.train(
        data(name),
        out=Path(out) / "run",
        samples=samples,
        previews=previews,
        early_stop=False,
        verbose=False,
        **said.get(name, {}),
    )
    after = resource.getrusage(resource.RUSAGE_SELF)
    files = list((Path(out) / "run" / "previews").glob("0*"))
    print(
        json.dumps(
            {
                "seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                "inside": spent[0],
                "steps": len({file.name[:12] for file in files}),
                "mb": round(sum(file.stat().st_size for file in files) / 1e6, 1),
            }
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=list(SAMPLES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(*asked.one)
        return
    for entry in asked.data:
        name, _, length = entry.partition("=")
        ratios, inside, kept = [], [], {}
        for _ in range(asked.repeats):
            seconds = {}
            for previews in ("0", "50MB"):
                with tempfile.TemporaryDirectory() as out:
                    command = [sys.executable, __file__, "--one", name, length or SAMPLES[name], previews, out]
                    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                kept = json.loads(printed.splitlines()[-1])
                seconds[previews] = kept["seconds"]
            ratios.append(seconds["50MB"] / seconds["0"])
            inside.append(kept["inside"] / (kept["seconds"] - kept["inside"]))
        row = {"data": Path(name).stem, "samples": length or SAMPLES[name], "seconds": round(seconds["0"], 1)}
        spread = {"ratio": round(median(ratios), 3), "from": round(min(ratios), 3), "to": round(max(ratios), 3)}
        spread["inside"] = round(median(inside), 4)
        print(json.dumps({**row, **spread, "kept_steps": kept["steps"], "kept_mb": kept["mb"]}), flush=True)


if __name__ == "__main__":
    main()

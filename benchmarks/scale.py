"""What tables of many rows or columns cost: seconds and memory of training, sampling and evaluating, each a process of
its own.

    python benchmarks/scale.py ROWS COLUMNS [--format parquet] [--memory 2GB] [--samples 200k] [--series]
    python benchmarks/scale.py --cost [--cost-rows 10k 100k 1M] [--cost-columns 12 100 500]

Makes a table of a hidden group, on which all other columns depend in turn: a category of 5, a whole number of 18 to 90,
an amount with cents and a log-normal law, a day, one of 700 places, a normal number, a boolean; or with --series a long
series, a minute a row, of walks, cycles and states. Prints a JSON line
each: the most memory that the process had (its own, and with the pages of files that it mapped), and seconds.

--cost prints how the processor time of each phase grows: with the rows of tables of 12 columns, and with the columns of
tables of 20,000 rows. An exponent of 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

AT_ONCE = 500_000
PHASES = ("prepare", "game", "likelihood", "sample", "evaluate")
FEW_COLUMNS, FEW_ROWS = 12, 20_000
STEPS, BRIEF = 12, "4k"
"""Steps of training that are timed, and samples of the model that is sampled from and evaluated."""


def table(num: int, columns: int, rng: np.random.Generator) -> pa.Table:
    """So many rows of so many columns."""
    g = rng.integers(0, 5, num)
    found: dict[str, Any] = {}
    for k in range(columns):
        match k % 7:
            case 0:
                cells = pa.DictionaryArray.from_arrays(
                    pa.array(np.where(rng.random(num) < 0.7, g, rng.integers(0, 5, num)).astype(np.int8)),
                    pa.array(["north", "south", "east", "west", "centre"]),
                ).cast(pa.string())
            case 1:
                cells = pa.array(rng.integers(18, 60, num) + 6 * g)
            case 2:
                cells = pa.array(np.round(np.exp(rng.normal(5 + 0.5 * g, 0.7)), 2))
            case 3:
                cells = pa.array(
                    (np.datetime64("2015-01-01") + rng.integers(0, 900, num) + 500 * g).astype("datetime64[D]")
                )
            case 4:
                cells = pa.array((rng.zipf(1.5, num) + 40 * g) % 700).cast(pa.string())
            case 5:
                cells = pa.array(rng.normal(g, 1.0).astype(np.float32))
            case _:
                cells = pa.array(rng.random(num) < 0.1 * (1 + g))
        found[f"c{k}"] = cells
    return pa.table(found)


def series(begin: int, num: int, columns: int, rng: np.random.Generator) -> pa.Table:
    """So many minutes of one series from a minute on: walks that are drawn back, cycles with noise, and states."""
    minutes = np.arange(begin, begin + num)
    found: dict[str, Any] = {"when": pa.array(np.datetime64("1990-01-01", "s") + minutes.astype("timedelta64[m]"))}
    for k in range(columns - 1):
        cycle = np.sin(2 * np.pi * minutes / (60.0 * (k + 2)))
        match k % 3:
            case 0:
                noise = rng.normal(size=num + 100)
                total = np.cumsum(noise)
                cells = pa.array(np.round(total[100:] - total[:-100] + 5 * cycle, 3))
            case 1:
                cells = pa.array(np.round(20 + 10 * cycle + rng.normal(size=num), 1))
            case _:
                states = np.array(["idle", "low", "high"])
                cells = pa.array(states[np.digitize(cycle, (-0.3, 0.4))])
        found[f"c{k}"] = cells
    return pa.table(found)


def write(path: Path, rows: int, columns: int, is_series: bool = False) -> None:
    """Writes the table, a part at a time."""
    rng, writer = np.random.default_rng(0), None
    for begin in range(0, rows, AT_ONCE):
        num = min(AT_ONCE, rows - begin)
        part = series(begin, num, columns, rng) if is_series else table(num, columns, rng)
        if writer is None:
            writer = (
                pacsv.CSVWriter(path, part.schema) if path.suffix == ".csv" else pq.ParquetWriter(path, part.schema)
            )
        writer.write_table(part)
    assert writer is not None
    writer.close()


def measured(command: list[str]) -> dict[str, Any]:
    """Runs a command; its seconds and the most memory it had, in GB."""
    began, most = time.monotonic(), {"RssAnon": 0, "VmRSS": 0}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen([sys.executable, "-m", "gankit", *command], stdout=said, stderr=subprocess.STDOUT)
        while process.poll() is None:
            try:
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            except OSError:
                break
            for line in lines:
                name, _, value = line.partition(":")
                if name in most:
                    most[name] = max(most[name], int(value.split()[0]))
            time.sleep(0.05)
        if process.wait():
            said.seek(0)
            raise SystemExit(said.read()[-2000:])
    return {
        "seconds": round(time.monotonic() - began, 1),
        "own_gb": round(most["RssAnon"] / 2**20, 2),
        "with_files_gb": round(most["VmRSS"] / 2**20, 2),
    }


def phase(name: str, data: Path, run: Path, rows: int) -> dict[str, float]:
    """Processor seconds of phases, and the most memory of this process, in which they alone ran."""
    import gankit
    from gankit.config import TrainConfig
    from gankit.kinds import prepare
    from gankit.run.run import Run

    found = {}
    began = time.process_time()
    if name == "prepare":
        prepare(data, TrainConfig(), [])
        found["prepare"] = time.process_time() - began
    elif name == "train":
        playing = Run.start(prepare(data, TrainConfig(), []), TrainConfig(), None, None)
        game, batches = playing.game, playing.train
        with playing.threads():
            for part in ("likelihood", "game"):
                game.length = [0, 0.0, 10**9]
                game.samples = 0 if part == "likelihood" else 10**9 // 2
                spent = []
                for _ in range(STEPS):
                    before, began = game.samples, time.process_time()
                    game.play_step(batches)
                    spent.append((time.process_time() - began) / (game.samples - before))
                found[part] = sorted(spent)[len(spent) // 2] * 1e6
    elif name == "sample":
        model = gankit.load(run)
        began = time.process_time()
        model.write(run / "fakes.parquet", rows)
        found["sample"] = time.process_time() - began
    else:
        gankit.evaluate(run, verbose=False)
        found["evaluate"] = time.process_time() - began
    return {**found, "own_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20}


def cost(out: Path, rows: list[int], columns: list[int]) -> None:
    """Prints what each phase costs against rows and against columns, as Markdown."""
    for axis, sizes in (("rows", [(n, FEW_COLUMNS) for n in rows]), ("columns", [(FEW_ROWS, n) for n in columns])):
        found = []
        for size in sizes:
            data, run = out / f"{size[0]}x{size[1]}.parquet", out / f"{size[0]}x{size[1]}_cost"
            if not data.exists():
                write(data, *size)
            measured(["train", str(data), "-o", str(run), "--overwrite", "--samples", BRIEF])
            line: dict[str, float] = {}
            for name in ("prepare", "train", "sample", "evaluate"):
                command = [sys.executable, __file__, str(size[0]), str(size[1]), "--phase", name, "--out", str(out)]
                said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                own = json.loads(said.splitlines()[-1])
                line |= {**own, f"{name}_gb": own["own_gb"]}
            found.append(line)
            print(json.dumps({"rows": size[0], "columns": size[1], **line}), file=sys.stderr, flush=True)
        heads = [f"{rows:,} x {columns}" for rows, columns in sizes]
        print(f"\n| phase | {' | '.join(heads)} | exponent of {axis} |\n|---|{'---|' * (len(heads) + 1)}")
        grown = math.log(sizes[-1][axis == "columns"] / sizes[-2][axis == "columns"])
        units = {"game": "us a sample", "likelihood": "us a sample"}
        for part in PHASES:
            exponent = math.log(found[-1][part] / found[-2][part]) / grown
            shown = " | ".join(f"{line[part]:,.{0 if line[part] >= 100 else 1}f}" for line in found)
            print(f"| {part}, {units.get(part, 's')} | {shown} | {exponent:.2f} |", flush=True)
        for name in ("prepare", "train", "sample", "evaluate"):
            shown = " | ".join(f"{line[name + '_gb']:.2f}" for line in found)
            print(f"| {name}, GB | {shown} | |", flush=True)


def _number(text: str) -> int:
    return int(float(text.lower().replace("k", "e3").replace("m", "e6")))


def main() -> None:
    """Makes the table, and measures the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=_number, nargs="?")
    parser.add_argument("columns", type=int, nargs="?")
    parser.add_argument("--series", action="store_true", help="a long series in place of a table")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--cost-rows", nargs="+", type=_number, default=[10_000, 100_000, 1_000_000], metavar="ROWS")
    parser.add_argument("--cost-columns", nargs="+", type=int, default=[12, 100, 500], metavar="COLUMNS")
    parser.add_argument("--phase", help=argparse.SUPPRESS)
    parser.add_argument("--format", default="parquet", choices=("parquet", "csv"))
    parser.add_argument("--memory", default=None)
    parser.add_argument("--samples", default="200k")
    parser.add_argument("--steps", nargs="+", default=["train"], choices=("train", "sample", "evaluate"))
    parser.add_argument("--out", type=Path, default=Path("scale"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.cost:
        cost(asked.out, asked.cost_rows, asked.cost_columns)
        return
    if asked.columns is None:
        parser.error("say how many rows and columns, or --cost")
    data = asked.out / f"{asked.rows}x{asked.columns}{'_series' * asked.series}.{asked.format}"
    if not data.exists():
        write(data, asked.rows, asked.columns, asked.series)
    if asked.phase:
        print(json.dumps(phase(asked.phase, data, asked.out / f"{data.stem}_cost", asked.rows)))
        return
    run = asked.out / f"{data.stem}_{asked.format}_{asked.memory}"
    memory = ["--memory", asked.memory] if asked.memory else []
    kind = ["--kind", "series"] if asked.series else []
    commands = {
        "train": ["train", str(data), "-o", str(run), "--overwrite", "--samples", asked.samples, *memory, *kind],
        "sample": ["sample", str(run), "-n", str(asked.rows), "-o", str(asked.out / "fakes.parquet")],
        "evaluate": ["evaluate", str(run)],
    }
    size = {"rows": asked.rows, "columns": asked.columns, "format": asked.format, "memory": asked.memory}
    size["kind"] = "series" if asked.series else "table"
    for step in asked.steps:
        print(
            json.dumps(
                {**size, "file_gb": round(data.stat().st_size / 2**30, 2), "step": step, **measured(commands[step])}
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()

"""What tables of many rows or columns cost: seconds and memory of training, sampling and evaluating, each a process of
its own.

    python benchmarks/scale.py ROWS COLUMNS [--format parquet] [--memory 2GB] [--samples 200k] [--steps train sample]

Makes a table of a hidden group, on which all other columns depend in turn: a category of 5, a whole number of 18 to 90,
an amount with cents and a log-normal law, a day, one of 700 places, a normal number, a boolean. Prints a JSON line
each: the most memory that the process had (its own, and with the pages of files that it mapped), and seconds.
"""

from __future__ import annotations

import argparse
import json
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


def write(path: Path, rows: int, columns: int) -> None:
    """Writes the table, a part at a time."""
    rng, writer = np.random.default_rng(0), None
    for begin in range(0, rows, AT_ONCE):
        part = table(min(AT_ONCE, rows - begin), columns, rng)
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


def main() -> None:
    """Makes the table, and measures the commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=lambda text: int(float(text)))
    parser.add_argument("columns", type=int)
    parser.add_argument("--format", default="parquet", choices=("parquet", "csv"))
    parser.add_argument("--memory", default=None)
    parser.add_argument("--samples", default="200k")
    parser.add_argument("--steps", nargs="+", default=["train"], choices=("train", "sample", "evaluate"))
    parser.add_argument("--out", type=Path, default=Path("scale"))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    data = asked.out / f"{asked.rows}x{asked.columns}.{asked.format}"
    if not data.exists():
        write(data, asked.rows, asked.columns)
    run = asked.out / f"{data.stem}_{asked.format}_{asked.memory}"
    memory = ["--memory", asked.memory] if asked.memory else []
    commands = {
        "train": ["train", str(data), "-o", str(run), "--overwrite", "--samples", asked.samples, *memory],
        "sample": ["sample", str(run), "-n", str(asked.rows), "-o", str(asked.out / "fakes.parquet")],
        "evaluate": ["evaluate", str(run)],
    }
    size = {"rows": asked.rows, "columns": asked.columns, "format": asked.format, "memory": asked.memory}
    for step in asked.steps:
        print(
            json.dumps(
                {**size, "file_gb": round(data.stat().st_size / 2**30, 2), "step": step, **measured(commands[step])}
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()

"""How long N rows take from a model to a Parquet file, and how much memory; and how long 100 rows take. One JSON line.

python benchmarks/sampling.py MODEL N OUT.parquet

100 rows are taken of 20 seeds, on one thread, with the blocks of the model and, in turn, with those of 8,192 rows that
models had before (`NetworkPlan.block`): medians, in milliseconds of the processor.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any


def few(model: Any) -> dict[int, float]:
    """Milliseconds of the processor for 100 rows, by the rows of a block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    models = model, replace(model, plan=replace(model.plan, block=None))
    took: dict[int, list[float]] = {one.block: [] for one in models}
    for seed in range(20):
        for one in models:
            began = time.process_time()
            one.sample(100, seed=seed)
            took[one.block].append(1000 * (time.process_time() - began))
    torch.set_num_threads(before)
    return {block: round(statistics.median(ms), 1) for block, ms in took.items()}


def main() -> None:
    """Loads the model, writes the rows, prints the figures."""
    model, count, out = sys.argv[1:]
    began = time.monotonic()
    from gankit.columns.rows import write
    from gankit.model import load

    loaded = load(model)
    ready = time.monotonic()
    rows = write(loaded.sample_batches(int(count)), out, loaded.origin)
    done = time.monotonic()
    print(
        json.dumps(
            {
                "rows": rows,
                "load_s": round(ready - began, 2),
                "sample_and_write_s": round(done - ready, 2),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
                "file_mb": round(Path(out).stat().st_size / 1e6, 1),
                "ms_of_100_rows": few(loaded),
            }
        )
    )


if __name__ == "__main__":
    main()

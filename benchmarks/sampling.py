"""How long N rows take from a model to a Parquet file, and how much memory. One JSON line.

python benchmarks/sampling.py MODEL N OUT.parquet
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path


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
            }
        )
    )


if __name__ == "__main__":
    main()

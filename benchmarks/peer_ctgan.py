"""CTGAN at its defaults on a table, for comparison; run it in an environment of its own with `ctgan` installed.

    python benchmarks/peer_ctgan.py TRAIN.csv FAKE.csv [--epochs 300] [--sample-rows N]

Prints one JSON line: seconds to train, seconds to sample, peak memory. Columns of texts and of at most 20 integers are
given as discrete, as its guide says; missing cells of a text column are a level "?" and of a number the column's mean.
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import pandas as pd


def main() -> None:
    """Trains, samples as many rows as were trained on, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("fake")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--sample-rows", type=int)
    arguments = parser.parse_args()
    from ctgan import CTGAN

    table = pd.read_csv(arguments.train)
    discrete = []
    for name in table:
        number = pd.api.types.is_numeric_dtype(table[name])
        if not number or (pd.api.types.is_integer_dtype(table[name]) and table[name].nunique() <= 20):
            discrete.append(name)
        table[name] = table[name].fillna(table[name].mean() if number else "?")
    began = time.monotonic()
    model = CTGAN(epochs=arguments.epochs)
    model.fit(table, discrete)
    trained = time.monotonic()
    fake = model.sample(arguments.sample_rows or len(table))
    sampled = time.monotonic()
    if arguments.fake.endswith(".parquet"):
        fake.to_parquet(arguments.fake)
    else:
        fake.to_csv(arguments.fake, index=False)
    print(
        json.dumps(
            {
                "epochs": arguments.epochs,
                "train_s": round(trained - began, 1),
                "sample_s": round(sampled - trained, 1),
                "write_s": round(time.monotonic() - sampled, 1),
                "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            }
        )
    )


if __name__ == "__main__":
    main()

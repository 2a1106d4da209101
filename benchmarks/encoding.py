"""How long a table takes from a DataFrame to the tensor that networks see: codec fitted and applied, in seconds.

    python benchmarks/encoding.py TRAIN.csv [--runs 5]

The median of the runs, on one thread, as one JSON line. `types`: what the columns are found to be, and their cells as
numbers; `fit` and `transform`: gankit's codec. Where `ctgan` is installed its DataTransformer (which is told what the
columns are) is fitted and applied by turns with it, in the same process: columns of texts and of at most 20 integers
are discrete, missing cells a level "?" or the column's mean, as in `peer_ctgan.py`. Results: benchmarks/tables.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import time
from collections.abc import Iterator

import pandas as pd
import torch

from gankit.columns.codec import TableCodec
from gankit.columns.inference import infer
from gankit.io.reading import read


def ours(table: pd.DataFrame) -> Iterator[tuple[str, float]]:
    began = time.perf_counter()
    records = read(table)
    schema = infer(records)
    values = schema.parse(records.table)
    yield "gankit_types_s", time.perf_counter() - began
    began = time.perf_counter()
    codec = TableCodec.fit(schema.modelled, values)
    yield "gankit_fit_s", time.perf_counter() - began
    began = time.perf_counter()
    encoded = codec.encode(values)
    yield "gankit_transform_s", time.perf_counter() - began
    assert len(encoded) == len(table)


def theirs(table: pd.DataFrame) -> Iterator[tuple[str, float]]:
    from ctgan.data_transformer import DataTransformer

    table, discrete = table.copy(), []
    for name in table:
        number = pd.api.types.is_numeric_dtype(table[name])
        if not number or (pd.api.types.is_integer_dtype(table[name]) and table[name].nunique() <= 20):
            discrete.append(name)
        table[name] = table[name].fillna(table[name].mean() if number else "?")
    transformer = DataTransformer()
    began = time.perf_counter()
    transformer.fit(table, discrete)
    yield "ctgan_fit_s", time.perf_counter() - began
    began = time.perf_counter()
    encoded = transformer.transform(table)
    yield "ctgan_transform_s", time.perf_counter() - began
    assert len(encoded) == len(table)


def main() -> None:
    """Times both by turns and prints the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    table = pd.read_csv(arguments.train)
    sides = [ours, theirs] if importlib.util.find_spec("ctgan") else [ours]
    found: dict[str, list[float]] = {}
    for _ in range(arguments.runs):
        for side in sides:
            for name, seconds in side(table):
                found.setdefault(name, []).append(seconds)
    medians = {name: round(statistics.median(seconds), 3) for name, seconds in found.items()}
    print(json.dumps({"rows": len(table), "columns": table.shape[1], "runs": arguments.runs, **medians}))


if __name__ == "__main__":
    main()

"""Are rows made under a condition true to the data? One JSON line a condition.

    python benchmarks/conditions.py MODEL TEST.csv "income=>50K" "age=30..40 & sex=Female" ...

For each condition: the share of fakes that obey; and how far fakes made under it are from the test rows that obey
(two-sample test by trees, 1 = cannot be told; mean distance of the marginals, 1 = equal), beside rows made without a
condition of which only those that obey are kept: what endless rejection would give.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pyarrow as pa

from gankit.io.reading import read
from gankit.kinds.tables.metrics.classifiers import c2st_trees
from gankit.kinds.tables.metrics.distributions import shape
from gankit.kinds.tables.metrics.sample import Sample, align
from gankit.kinds.tables.preparing import sample_of
from gankit.model import load, parse_where
from gankit.model.model import Model


def fakes(model: Model, count: int, where: dict[str, str]) -> Sample:
    """`count` fakes under a condition."""
    table = pa.concat_tables(list(model.sample_batches(count, seed=1, where=where)))
    return sample_of(model.schema, model.schema.parse(table))


def rows_that_obey(sample: Sample, where: dict[str, str]) -> Sample:
    """The rows of a sample that obey."""
    keep = np.ones(sample.num_rows, dtype=bool)
    for name, text in where.items():
        values = sample.columns[name]
        if sample.kinds[name] == "category":
            keep &= values == sample.levels[name].index(text)
        else:
            low, high = (float(edge) for edge in (text.split("..") if ".." in text else (text, text)))
            keep &= (values >= low) & (values <= high)
    return sample.take(keep)


def main() -> None:
    """Prints a line a condition."""
    model, test_file, *conditions = sys.argv[1:]
    loaded = load(model)
    test = sample_of(loaded.schema, loaded.schema.parse(read(test_file).table))
    free = fakes(loaded, 300_000, {})
    for text in conditions:
        where = parse_where([part.strip() for part in text.split("&")])
        real = rows_that_obey(test, where)
        made = fakes(loaded, max(2 * real.num_rows, 1000), where)
        row: dict[str, object] = {
            "where": text,
            "test_rows": real.num_rows,
            "obey": rows_that_obey(made, where).num_rows / made.num_rows,
        }
        kept = rows_that_obey(free, where)
        for title, sample in (("conditional", made), ("rejection", kept)):
            left, right = align(real, sample.subsample(real.num_rows, np.random.default_rng(0)))
            row[title] = {m.__name__: round(m(left, right, seed=0).value, 4) for m in (c2st_trees, shape)}
        row["rejection_rows"] = kept.num_rows
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

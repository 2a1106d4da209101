"""Training rows of a table that does not fit in memory: read a batch at a time, checked, coded, and kept in a file.

Knows tables, codecs and rules; never torch, networks or the loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from gankit.columns.codec import Codec, TableCodec
from gankit.columns.column import Values
from gankit.columns.relations.rules import Rules
from gankit.columns.rows import MOST_STRANGE, Beyond, parsed_at, unknown_rows
from gankit.columns.schema import Schema
from gankit.io.rooms import unnamed_file
from gankit.kinds.base import Coded, Dataset


@dataclass(frozen=True, repr=False)
class StoredRows(Dataset):
    """Training rows of which `values` are some, and `coded` all."""

    coded: Coded

    @property
    def total(self) -> int:
        """See `Dataset.total`."""
        return len(self.coded.x)

    def take(self, rows: np.ndarray) -> Dataset:  # type: ignore[override]  # of which some are no longer all
        """See `Dataset.take`: some of the rows that `values` are."""
        return Dataset({name: v.take(rows) for name, v in self.values.items()})


@dataclass(frozen=True)
class Strange:
    """What a look at all rows found that the first ones did not show.

    rows: with cells that no column knows (at most `MOST_STRANGE`), and places [M] int64, which they are.
    rules: that some rows break, and how many.
    """

    rows: pa.Table | None
    places: np.ndarray
    rules: Mapping[str, int]


def stored(
    beyond: Beyond, schema: Schema, train: Mapping[str, Values], heldout: np.ndarray,
    codec: Codec[Mapping[str, Values]], given: TableCodec | None, rules: Rules,
) -> StoredRows | Strange:  # fmt: skip
    """All rows but the held-out ones, coded in a file of the temporary folder; or what is wrong with them.

    train: some of them, parsed. heldout: [M] int64, ascending, which rows are held out.

    Raises:
        DataError: a cell is of another type than its column, a file has changed, or there is no room on disk.
    """
    continuous = all(block.type == "continuous" for block in codec.spec.blocks)
    dtype = np.dtype(np.float32 if continuous else np.int16)
    num_rows = beyond.some.num_rows - len(heldout)
    widths = codec.spec.compact_dim, 0 if given is None else given.spec.compact_dim
    num_bytes = num_rows * (widths[0] * dtype.itemsize + 2 * widths[1])
    broken, strange, places = Counter[str](), list[pa.Table](), list[np.ndarray]()
    size = (num_bytes, "the coded rows", "Bring fewer rows")
    with unnamed_file(*size) as file, unnamed_file(*size) as beside:
        end = 0
        for chunk in beyond.large.chunks():
            first, end = end, end + len(chunk)
            values = parsed_at(schema, chunk, first)
            if len(rules):
                shares, _ = rules.shares(values)
                broken.update({text: round(share * len(chunk)) for text, share in shares.items() if share > 0})
            unknown = unknown_rows(schema, values)
            if len(unknown):
                strange.append(chunk.take(unknown[:MOST_STRANGE]))
                places.append(unknown[:MOST_STRANGE] + first)
                if sum(map(len, places)) >= MOST_STRANGE:
                    break
            if strange or broken:
                continue  # nothing that is coded now will be used
            kept = np.ones(len(chunk), dtype=bool)
            own = heldout[np.searchsorted(heldout, first) : np.searchsorted(heldout, end)]
            kept[own - first] = False
            file.write(_codes(codec, values, dtype)[kept].tobytes())
            if given is not None:
                beside.write(_codes(given, values, np.dtype(np.int16))[kept].tobytes())
        if strange or broken:
            rows = pa.concat_tables(strange).combine_chunks() if strange else None
            return Strange(rows, np.concatenate([*places, np.zeros(0, np.int64)]), broken)
        file.flush()
        beside.flush()
        x = np.memmap(file, dtype, "r", shape=(num_rows, widths[0]))
        c = None if given is None else np.memmap(beside, np.int16, "r", shape=(num_rows, widths[1]))
        return StoredRows(train, Coded(x, given=c))


def _codes(codec: Codec[Mapping[str, Values]], values: Mapping[str, Values], dtype: np.dtype) -> np.ndarray:
    """Compact rows [N, D]: networks see cells, not places inside them."""
    compact = codec.encode(values)
    return (np.floor(compact) if dtype.kind == "i" else compact).astype(dtype)

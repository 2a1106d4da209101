"""Samples as a Ray Data dataset, made by tasks all over a cluster.

Knows Ray and models; never how a record is made. `pip install 'gankit[ray]'`; the tasks need gankit on every node.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow import parquet

from gankit.arguments import checked
from gankit.errors import DependencyError, OptionError
from gankit.model import load
from gankit.model.model import Model

PART = 65_536
"""Records of a task, about, where nobody says how many parts."""


@checked
def dataset(
    model: str | Path | Model, n: int, *, seed: int = 0, where: Mapping[str, Any] | None = None,
    parts: int | None = None, **options: Any,
) -> Any:  # fmt: skip
    """`n` records as a `ray.data.Dataset`; nothing is made before they are asked for.

    They are those of `Model.sample` with the same seed, whatever the cluster and the number of parts; blocks come as
    they are ready, in order where `DataContext.get_current().execution_options.preserve_order` is set. The columns
    are those of the Parquet file that `Model.write` writes (of series: a row a step); of images and audio clips those
    of its .npz file, `x` and where there are labels `y`.

    Args:
        model: a model, a model file or a run folder; its bytes travel to the tasks, so that they need no common disk.
        n: how many records, >= 0.
        seed, where, options: as in `Model.sample`; the form is the dataset's.
        parts: tasks that make them; None = one for each 65,536 records.

    Raises:
        DependencyError: Ray is not installed. ModelError, OptionError: as `load` and `Model.sample` raise them.
    """
    try:
        import ray
    except ImportError as error:
        raise DependencyError("a dataset of Ray needs Ray Data: pip install 'gankit[ray]'") from error
    if n < 0 or (parts is not None and parts < 1):
        raise OptionError(f"a dataset has 0 records or more, and 1 part or more; these are {n} and {parts}.")
    loaded = model if isinstance(model, Model) else load(model)
    loaded.sample(0, seed, 0, where, **options)  # what it cannot obey is refused here and not in a task
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        loaded.save(file)
        content = ray.put(file.read_bytes())
    count = parts or max(1, -(-n // PART))
    items = [dict(zip(("first", "rows"), loaded.part(n, i, count), strict=True)) for i in range(count)]

    def make(batch: Mapping[str, np.ndarray]) -> Iterator[Any]:
        own = _loaded(ray.get(content))
        for first, rows in zip(batch["first"].tolist(), batch["rows"].tolist(), strict=True):
            yield _batch(own, rows, seed, first, where, options)

    return ray.data.from_items(items, override_num_blocks=count).map_batches(make, batch_size=1)


@lru_cache(maxsize=2)
def _loaded(content: bytes) -> Model:
    """A model from the bytes of its file, once a process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        file.write_bytes(content)
        return load(file)


def _batch(model: Model, rows: int, seed: int, first: int, where: Mapping[str, Any] | None, options: Any) -> Any:
    """Some records as a batch of Ray's: an Arrow table, or arrays by name."""
    stream, form = io.BytesIO(), "parquet" if "parquet" in model.of.formats else "npz"
    model.write(stream, rows, seed, first, where, form, **options)
    stream.seek(0)
    if form == "parquet":
        return parquet.read_table(stream)
    with np.load(stream) as arrays:
        return {name: values for name in arrays if (values := arrays[name]).ndim and len(values) == rows}


__all__ = ["dataset"]

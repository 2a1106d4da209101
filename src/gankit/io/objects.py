"""Objects of libraries that hold data: PyTorch's tensors and datasets, Hugging Face's datasets, as arrays and tables.

Knows how such objects are asked for what they hold; imports none of these libraries, and never knows what it means.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.errors import DataError


def plain_object(source: Any) -> Any:
    """An object of a library as plain data; other objects as they are.

    A tensor becomes an array; an array of arrays or images (also in a pair with labels) a list; a dataset of PyTorch's
    an array or, where its items are pairs, a pair with labels (rows become columns, with one of labels); one of
    Hugging Face's an Arrow table.

    Raises:
        DataError: a dataset that has no length, or is empty.
    """
    source = (_listed(source[0]), source[1]) if type(source) is tuple and len(source) == 2 else _listed(source)
    classes = {f"{c.__module__}.{c.__qualname__}" for c in type(source).__mro__}
    if "torch.Tensor" in classes:
        return _array(source)
    if "torch.utils.data.dataset.Dataset" in classes:
        return _of_items(source)
    if "datasets.arrow_dataset.Dataset" in classes:
        return _of_hugging_face(source)
    if "datasets.dataset_dict.DatasetDict" in classes:
        parts = ", ".join(map(repr, source))
        raise DataError(f"this is a dictionary of datasets ({parts}). Give one of them, and another as heldout=.")
    return source


def _listed(source: Any) -> Any:
    """An array of arrays or images as a list of them; anything else as it is."""
    if not isinstance(source, np.ndarray) or source.dtype != object or source.ndim != 1 or not len(source):
        return source
    first = source[0]
    return list(source) if hasattr(first, "__array_interface__") and not np.isscalar(first) else source


def _of_hugging_face(source: Any) -> Any:
    """An Arrow table; where a column holds images, these as a list, in a pair with the first column of classes."""
    kinds = {name: type(feature).__name__ for name, feature in source.features.items()}
    image = next((name for name, kind in kinds.items() if kind == "Image"), None)
    if image is None:
        return source.with_format("arrow")[:]
    images, label = list(source[image]), next((name for name, kind in kinds.items() if kind == "ClassLabel"), None)
    return images if label is None else (images, [source.features[label].names[code] for code in source[label]])


def _of_items(source: Any) -> Any:
    """Every item of a dataset of PyTorch's that has a length."""
    try:
        count = len(source)
    except TypeError:
        count = 0
    if not count:
        raise DataError("a PyTorch dataset must have a length, and items. Give one that is indexed, or an array.")
    items = [source[place] for place in range(count)]
    if not isinstance(items[0], tuple | list):
        return _stacked(items)
    columns = [_stacked(column) for column in zip(*items, strict=True)]
    if len(columns) == 1:
        return columns[0]
    x, labels = columns[:2]
    if isinstance(x, np.ndarray) and x.ndim < 3:  # rows, of which the label is one more column
        rows = x.reshape(len(x), -1)
        return {**{f"x{place}": rows[:, place] for place in range(rows.shape[1])}, "label": labels}
    return x, labels


def _stacked(items: Any) -> Any:
    """Items of one shape as one array, others as a list."""
    arrays = [_array(item) for item in items]
    if not all(isinstance(one, np.ndarray | np.generic | int | float) for one in arrays):
        return arrays
    return np.stack(arrays) if len({np.shape(one) for one in arrays}) == 1 else arrays


def _array(value: Any) -> Any:
    return value.detach().cpu().numpy() if type(value).__module__.split(".")[0] == "torch" else value

"""The real records that a fake of a preview lies nearest to: one that trained the model, and one that was held out.

Knows previews, the data of a run where it is still at hand, and distances; never single kinds, nor models:
records are compared in the form in which they are shown.
"""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import DataError, GankitError
from gankit.io.pixels import png
from gankit.kinds import prepare
from gankit.kinds.base import Dataset, Prepared
from gankit.run.folder import RunFolder
from gankit.web.folders.previews import about_of, form_of, preview
from gankit.web.folders.runs import NotFoundError
from gankit.web.plain import listed
from gankit.web.records.nearness import SPACES, Space

MOST_KEPT = 2
"""Runs whose records stay in memory."""

MOST_RECORDS, MOST_NUMBERS = 50_000, 40_000_000
"""Records of each part that are compared, and numbers of all of them; of more every so many are."""

_CHUNK = 2048


@dataclass(frozen=True)
class _Part:
    """Real records as they are shown: `records` in a form, of so many that there are; rows: their numbers."""

    records: Any
    rows: np.ndarray
    total: int


class Neighbours:
    """Nearest real records; the data of the runs that were asked about last is kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[str, Space, dict[str, _Part]]] = OrderedDict()
        self._lock = threading.Lock()

    def nearest(self, run: Path, samples: int, index: int) -> dict[str, Any]:
        """Of "train" and "heldout" the record next to the fake `index` of the preview at so many samples: its distance,
        in the unit of "measure", its row, and how many records there are and were compared.

        Raises:
            NotFoundError: there is no such fake, or the data is not at hand any more.
        """
        form = form_of(run, about_of(run))
        if form is None:
            raise NotFoundError("this run has no previews.")
        shown = preview(run, samples)
        _, space, parts = self._data(run, form)
        fake = _fake(shown, parts["train"].records, index)
        found: dict[str, Any] = {"form": form, "measure": space.measure}
        for name, part in parts.items():
            distances = space.distances(fake, part.records)
            at = int(np.argmin(distances))
            found[name] = {
                "distance": float(f"{distances[at]:.5g}"),
                "row": int(part.rows[at]),
                "of": part.total,
                "compared": len(part.rows),
                "record": _shown(form, part.records, at),
            }
        return found

    def _data(self, run: Path, form: str) -> tuple[str, Space, dict[str, _Part]]:
        """The data of a run, read again where it is not kept."""
        with self._lock:
            try:
                entry = RunFolder(run).entry()
                if run in self._kept and self._kept[run][0] == entry.data_hash:
                    self._kept.move_to_end(run)
                    return self._kept[run]
                if entry.source is None:
                    raise NotFoundError("this run was trained on data that was no file, which is not at hand any more.")
                prepared = prepare(entry.source, entry.config, [])
            except NotFoundError:
                raise
            except GankitError as error:
                raise NotFoundError(f"the data of this run is not at hand any more: {error}") from None
            if prepared.data_hash != entry.data_hash:
                raise NotFoundError(f"{Path(entry.source).name} is not what this run was trained on any more.")
            parts = {"train": _part(prepared, prepared.train), "heldout": _part(prepared, prepared.heldout)}
            self._kept[run] = (entry.data_hash, SPACES[form](parts["train"].records), parts)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return self._kept[run]


def _part(prepared: Prepared[Any, Any], part: Dataset) -> _Part:
    """The records of a part as they are shown, a chunk after the other, since a preview may hold few at a time."""
    most = min(MOST_RECORDS, max(MOST_NUMBERS // max(prepared.codec.spec.dim, 1), 1))
    rows = np.arange(0, len(part), max(-(-len(part) // most), 1))
    shown = [records for chunk in _chunks(rows) for records in _previewed(prepared, part, chunk)]
    return _Part(_joined(shown), rows, len(part))


def _chunks(rows: np.ndarray) -> Iterator[np.ndarray]:
    yield from (rows[begin : begin + _CHUNK] for begin in range(0, len(rows), _CHUNK))


def _previewed(prepared: Prepared[Any, Any], part: Dataset, rows: np.ndarray) -> Iterator[Any]:
    """Some records of a part as held-out ones are shown."""
    taken: Any = replace(prepared, heldout=part.take(rows))
    found = prepared.kind.preview_real(taken, len(rows))
    if found is None:
        raise NotFoundError("records of this kind have no preview.")
    if len(found.records) == len(rows):
        yield found.records
        return
    if len(rows) < 2:
        raise DataError("a record of the data cannot be shown.")
    for half in np.array_split(rows, 2):
        yield from _previewed(prepared, part, half)


def _joined(shown: list[Any]) -> Any:
    if isinstance(shown[0], np.ndarray):
        return np.concatenate(shown)
    if isinstance(shown[0], list):
        return [text for part in shown for text in part]
    import pyarrow as pa

    return pa.concat_tables(shown)


def _fake(found: bytes | Mapping[str, Any], real: Any, index: int) -> Any:
    """One record of a preview, as real ones are."""
    try:
        if isinstance(found, bytes):
            return _tile(found, real.shape[1:3], index)
        if "x" in found:
            return np.array(found["x"][index], np.float64)
        if "texts" in found:
            return found["texts"][index]
        return dict(zip(found["columns"], found["rows"][index], strict=True))
    except (IndexError, ValueError):
        raise NotFoundError(f"there is no record {index} in this preview.") from None


def _tile(content: bytes, size: tuple[int, int], index: int) -> np.ndarray:
    """An image of a sheet: uint8 [H, W, C]. size: of an image."""
    from PIL import Image

    sheet = np.asarray(Image.open(io.BytesIO(content), formats=["PNG"]))
    sheet = sheet[..., None] if sheet.ndim == 2 else sheet
    height, width = size
    columns = max((sheet.shape[1] + 1) // (width + 1), 1)
    top, left = index // columns * (height + 1), index % columns * (width + 1)
    tile = sheet[top : top + height, left : left + width]
    if tile.shape[:2] != (height, width):
        raise IndexError(index)
    return tile


def _shown(form: str, records: Any, at: int) -> Any:
    """One record as previews are sent; an image as an address of data."""
    if form == "grid":
        return f"data:image/png;base64,{base64.b64encode(png(records[at])).decode()}"
    if isinstance(records, np.ndarray):
        return {"x": [listed(records[at])]}
    if isinstance(records, list):
        return {"texts": [records[at]]}
    cells = [None if (cell := column[at].as_py()) is None else str(cell) for column in records.columns]
    return {"columns": records.column_names, "rows": [cells]}

"""The previews of a run: which there are, and each of them as a PNG file or as plain JSON.

Knows the files in a run's folder of previews; never models, nor what a preview shows. Nothing is unpickled.
"""

from __future__ import annotations

import io
import os
import re
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gankit.stored import of_type, parse
from gankit.web.folders.runs import ABOUT, NotFoundError, within
from gankit.web.plain import listed

FOLDERS = ("previews", "looks")
"""Where previews are; the second in runs of before that name."""

REAL = "real"
"""The name of the held-out records beside the fakes."""

MOST_BYTES = 64 << 20
"""Larger files are no previews."""

_SUFFIX = {"grid": "png", "lines": "npy", "texts": "json", "rows": "json", "scatter": "npy"}
_OF_BEFORE = {"png": "grid", "npy": "lines", "json": "texts"}  # forms of runs that do not say which they have
_NAME = re.compile(r"(\d{12})\.(png|npy|json|safetensors|surface\.npz)")


def folder_of(run: Path) -> Path:
    """The folder of a run's previews, which need not be there."""
    places = [within(run, name) for name in FOLDERS]
    return next((place for place in places if place.is_dir()), places[0])


def about_of(run: Path) -> dict[str, Any]:
    """What about.json says; {} where there is none, or it cannot be read."""
    with suppress(OSError, ValueError, NotFoundError):
        found = parse(within(folder_of(run), ABOUT).read_bytes())
        return found if isinstance(found, dict) else {}
    return {}


def _files(run: Path) -> dict[int, set[str]]:
    """The suffixes of what there is for every number of samples, in order."""
    found: dict[int, set[str]] = {}
    with suppress(OSError), os.scandir(folder_of(run)) as entries:
        for entry in entries:
            if name := _NAME.fullmatch(entry.name):
                found.setdefault(int(name[1]), set()).add(name[2])
    return {samples: found[samples] for samples in sorted(found)}


def form_of(run: Path, about: Mapping[str, Any]) -> str | None:
    """The form of the previews, None where there are none."""
    if (form := about.get("form")) in _SUFFIX:
        return str(form)
    suffixes = next((kept for kept in _files(run).values() if kept & _OF_BEFORE.keys()), set[str]())
    return next((form for suffix, form in _OF_BEFORE.items() if suffix in suffixes), None)


def newest(run: Path) -> int | None:
    """The samples of the newest preview."""
    kept = [samples for samples, suffixes in _files(run).items() if suffixes & _OF_BEFORE.keys()]
    return kept[-1] if kept else None


def listing(run: Path, best: int | None) -> dict[str, Any]:
    """Every preview of a run; best: the samples of the best model, as the log has it."""
    about, files = about_of(run), _files(run)
    form = form_of(run, about)
    suffix = _SUFFIX.get(form or "", "")
    steps = [
        {"samples": samples, "model": "safetensors" in kept, "surface": "surface.npz" in kept}
        for samples, kept in files.items()
        if suffix in kept
    ]
    real = bool(suffix) and (folder_of(run) / f"{REAL}.{suffix}").is_file()
    count = about.get("count")
    count = count if isinstance(count, int) else None
    return {"form": form, "count": count, "steps": steps, "real": real, "best": best, "version": version(run)}


def version(run: Path) -> int:
    """A number that is another one where the run was made anew under its name, for addresses that are kept for ever."""
    with suppress(OSError):
        return (run / "config.json").stat().st_mtime_ns // 1_000_000
    return 0


def model_at(run: Path, samples: int) -> Path:
    """The model that was kept beside a preview.

    Raises:
        NotFoundError: none was.
    """
    path = within(folder_of(run), f"{samples:012d}.safetensors")
    if not path.is_file():
        raise NotFoundError(
            f"no model was kept at {samples:,} samples. Choose a step that has one, or the best model of the run."
        )
    return path


def preview(run: Path, which: int | str) -> bytes | dict[str, Any]:
    """A preview: the bytes of a PNG file, or plain JSON. which: its samples, or "real".

    Raises:
        NotFoundError: there is none, or it cannot be read.
    """
    form = form_of(run, about_of(run))
    name = which if isinstance(which, str) else f"{which:012d}"
    content = _content(run, f"{name}.{_SUFFIX.get(form or '', 'png')}")
    if form in (None, "grid"):
        return content
    try:
        return _as_json(str(form), content)
    except (ValueError, KeyError, TypeError, EOFError, OverflowError) as error:
        raise NotFoundError(f"the preview at {which} cannot be read ({error}); look at another.") from None


def surface(run: Path, samples: int) -> dict[str, Any]:
    """D over a grid, as plain JSON, at a number of samples.

    Raises:
        NotFoundError: there is none, or it cannot be read.
    """
    content = _content(run, f"{samples:012d}.surface.npz")
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: listed(_numbers(arrays[name]), 4) for name in arrays.files}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise NotFoundError(f"the surface of D at {samples:,} samples cannot be read ({error}).") from None


def _content(run: Path, name: str) -> bytes:
    path = within(folder_of(run), name)
    try:
        if path.stat().st_size <= MOST_BYTES:
            return path.read_bytes()
        why = "it is too large"
    except OSError as error:
        why = "it is not there" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
    raise NotFoundError(f"there is no preview {name.partition('.')[0].lstrip('0') or '0'} of this run: {why}.")


def _as_json(form: str, content: bytes) -> dict[str, Any]:
    if form in ("lines", "scatter"):
        x = _numbers(np.load(io.BytesIO(content), allow_pickle=False))
        if x.ndim != (3 if form == "lines" else 2):
            raise ValueError(f"it has {x.ndim} axes")
        return {"x": listed(x)}
    found = parse(content)
    if form == "texts":
        return {"texts": [str(text) for text in found]}
    cells = [[None if cell is None else str(cell) for cell in row] for row in found["rows"]]
    broken = {str(rule): float(share) for rule, share in found.get("broken", {}).items()}
    told = {"columns": [str(name) for name in found["columns"]], "rows": cells, "broken": broken}
    numbers = of_type(dict[str, list[float | None]], found.get("numbers", {}))
    return told | ({"numbers": numbers} if numbers else {})


def _numbers(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind not in "fiub":
        raise ValueError("it holds no numbers")
    return x

"""What a run keeps to be looked at: fakes of the same z at many steps, held-out records beside them, D over numbers,
and the averaged G of many steps as a model file.

    RUN/previews/about.json                    what is shown: kind, form, columns, shape, numbers of records
    RUN/previews/real.EXT                      held-out records
    RUN/previews/000000012345.EXT              fakes after so many real samples; 0: before the first step
    RUN/previews/000000012345.surface.npz      D over a grid, of one- and two-dimensional numbers
    RUN/previews/000000012345.safetensors      G of that step: a model, as `gankit.load` takes it

EXT is png (a sheet of images), npy (series, numbers), or json (texts, rows). Knows runs and files; never single kinds.
"""

from __future__ import annotations

import copy
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from gankit.errors import ModelError
from gankit.io.atomic import whole_file, write_atomically
from gankit.io.pixels import grid, png
from gankit.options import parse_bytes
from gankit.run.plan import model_of
from gankit.stored import StoredError, Whole, of_type

if TYPE_CHECKING:
    from gankit.kinds.base import Preview
    from gankit.model.model import Model
    from gankit.run.folder import RunFolder
    from gankit.run.run import Run
    from gankit.training.loop import Progress

COUNT, SEED = 48, -1_000_003
"""Records of a preview, at the most, where a kind does not know better, and their seed, which is none of users'."""

PARTS, LEAST_STEPS = 100, 200
"""A preview is kept at every evaluation, and between them at the first update after another of so many equal parts of
the training, or twice as many samples as the one before, but not before so many more steps: making one costs as much as
one to three steps do (benchmarks/previews.md)."""

SUFFIXES: Mapping[str, str] = {"grid": ".png", "lines": ".npy", "scatter": ".npy", "texts": ".json", "rows": ".json"}
"""Of the file of a preview, by its form."""


class Kept(TypedDict):
    """What a checkpoint holds: how many previews there have been, and (number, samples) of those that are left."""

    next: Whole
    kept: list[tuple[Whole, Whole]]


class Previews:
    """Keeps the previews of a run within its disk space.

    Of all that were made those are kept whose number is a multiple of a power of two, the least with which they fit,
    and the first, the best and the last; the same for the models of G, which are larger. So what is kept follows from
    the training alone, and a resumed run ends with the same files.

    folder: of the run.
    """

    def __init__(self, run: Run, folder: RunFolder) -> None:
        self.folder, self._run, self._folder = folder, run, folder.previews
        self._space = parse_bytes(run.config.previews)
        self._next, self._kept = 0, list[tuple[int, int]]()
        self._sizes: tuple[int, int] | None = None

    def start(self) -> None:
        """Keeps what there is before the first step: what is shown, held-out records, and fakes of an untrained G."""
        if not self._space or self._next:
            return
        run, p = self._run, self._run.prepared
        model = model_now(run)
        made = preview_of(run, model)
        if made is None:
            self._space = 0
            return
        about = {
            "version": 1, "kind": p.kind.name, "form": made.form, "noun": [p.kind.noun.one, p.kind.noun.many],
            "columns": p.kind.columns(p), "shape": list(p.codec.spec.shape),
            "condition": 0 if p.given is None else p.given.spec.dim, "given": list(p.given_names),
            "records": {"train": p.num_train, "heldout": p.num_heldout}, "metric": run.metric, "count": COUNT,
            "seed": SEED,
        }  # fmt: skip
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / "about.json", (json.dumps(about, ensure_ascii=False, indent=1) + "\n").encode())
        if (real := p.kind.preview_real(p, COUNT)) is not None:
            write_preview(self._folder / "real", real)
        self._keep(0, model, made)

    def watch(self, progress: Progress) -> Preview | None:
        """Keeps a preview of this update where one is due, and gives it."""
        if not self._space or not self._next or not self._is_due(progress):
            return None
        model = model_now(self._run)
        if (made := preview_of(self._run, model)) is not None:
            self._keep(progress.samples, model, made)
        return made

    def state(self) -> Kept:
        """Plain JSON, which `load_state` takes back."""
        return {"next": self._next, "kept": [(number, samples) for number, samples in self._kept]}

    def load_state(self, state: Any, samples: int) -> None:
        """Goes on from what `state` gave, of a run that stands at so many samples: what was kept later goes.

        Raises:
            ModelError: it is something else.
        """
        if state is None:  # of a run of before: what it has is not counted
            self._next = 1
            return
        try:
            stated = of_type(Kept, state)
        except StoredError as error:
            raise ModelError(f"the checkpoint is damaged: previews.{error}. Start a new run.") from error
        self._next, self._kept = stated["next"], [*stated["kept"]]
        for file in self._folder.glob("[0-9]*"):
            name = file.name.partition(".")[0]
            if name.isdigit() and int(name) > samples:
                file.unlink(missing_ok=True)

    def _is_due(self, progress: Progress) -> bool:
        if progress.metric is not None or progress.scores is not None or progress.finished:
            return True
        last, now = self._kept[-1][1] if self._kept else 0, progress.samples
        part, config = progress.total_samples / PARTS, self._run.game.config
        return now - last >= LEAST_STEPS * config.batch * config.d_steps and (
            int(now / part) > int(last / part) or now >= 2 * last
        )

    def _keep(self, samples: int, model: Model, preview: Preview) -> None:
        self._folder.mkdir(exist_ok=True)
        name = self._folder / f"{samples:012d}"
        if (figure := self._run.figure(model.generator)) is not None:
            stream = io.BytesIO()
            np.savez_compressed(stream, **figure)  # type: ignore[arg-type]  # NumPy's stub takes arrays
            write_atomically(name.with_suffix(".surface.npz"), stream.getvalue())
        write_preview(name, preview)  # after what is drawn with it, for a page may be looking
        model.save(name.with_suffix(".safetensors"))
        if self._kept and self._kept[-1][1] == samples:  # its last update came twice
            self._kept.pop()
        self._kept.append((self._next, samples))
        self._next += 1
        self._thin()

    def _thin(self) -> None:
        """Removes what has no place any more."""
        whole, models = self._allowed()
        best, last = self._run.game.best_samples, self._kept[-1][0]
        left = []
        for number, samples in self._kept:
            always = number in (0, last) or samples == best
            name = self._folder / f"{samples:012d}"
            if not (always or number % models == 0):
                name.with_suffix(".safetensors").unlink(missing_ok=True)
            if always or number % whole == 0:
                left.append((number, samples))
                continue
            for file in self._folder.glob(f"{samples:012d}.*"):
                file.unlink(missing_ok=True)
        self._kept = left

    def _allowed(self) -> tuple[int, int]:
        """The powers of two of which the numbers of previews and of models are multiples."""
        if self._sizes is None:  # of the first, which stay, so that a resumed run counts with the same
            zero = f"{0:012d}."
            sizes = {file: file.stat().st_size for file in self._folder.glob(f"{zero}*")}
            model = sum(size for file, size in sizes.items() if file.suffix == ".safetensors")
            real = sum(file.stat().st_size for file in self._folder.glob("real.*"))
            self._sizes = (max(sum(sizes.values()) - model, real, 1), max(model, 1))
        preview, model = self._sizes
        whole = _stride(self._next, self._space // 2 // preview)
        spent = -(-self._next // whole) * preview
        return whole, max(whole, _stride(self._next, (self._space - spent) // model))


def model_now(run: Run) -> Model:
    """The averaged G of a run as it is."""
    card = run.card(None, run.game.samples)
    return model_of(run.prepared, run.plan, copy.deepcopy(run.game.average).to("cpu"), card)


def preview_of(run: Run, model: Model) -> Preview | None:
    """Fakes of it of the same latents as ever."""
    return run.prepared.kind.preview(model, run.prepared, COUNT, SEED)


def write_preview(name: Path, preview: Preview) -> None:
    """Writes records that are shown to a file that people can open; `name` is without its suffix."""
    path = name.with_suffix(SUFFIXES[preview.form])
    if preview.form == "grid":
        write_atomically(path, png(grid(preview.records)))
    elif preview.form in ("lines", "scatter"):
        with whole_file(path) as file:
            np.save(file, preview.records, allow_pickle=False)
    else:
        records: Any = preview.records
        if preview.form == "rows":
            columns = [column.to_pylist() for column in records.columns]
            cells = [[None if cell is None else str(cell) for cell in row] for row in zip(*columns, strict=True)]
            numbers = {name: [_plain(v) for v in column.tolist()] for name, column in preview.numbers.items()}
            records = {"columns": records.column_names, "rows": cells, "broken": dict(preview.broken)}
            records |= {"numbers": numbers} if numbers else {}
        write_atomically(path, (json.dumps(records, ensure_ascii=False, indent=None) + "\n").encode())


def _plain(value: float) -> float | None:
    """A number of JSON."""
    return float(f"{value:.12g}") if math.isfinite(value) else None


def _stride(made: int, allowed: int) -> int:
    """The least power of two with which at most `allowed` of `made` numbers are multiples of it; at least 1 is."""
    stride = 1
    while -(-made // stride) > max(allowed, 1):
        stride *= 2
    return stride

"""Samples of a run's models: of the best one, or of one that was kept beside a preview; as a file to download.

Knows models, what they can be asked for, and how much may be asked; never how samples are made. A model is loaded when
it is first asked for, on one thread of low priority, so that a training beside it does not wait.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from gankit.arguments import shown, whole_of
from gankit.errors import OptionError
from gankit.model import MODEL_NAME, load
from gankit.model.model import Model
from gankit.web.folders.previews import about_of, model_at
from gankit.web.folders.runs import NotFoundError, within

MOST_MODELS = 2
"""Models that stay in memory."""

MOST_IMAGES, MOST_ROWS, MOST_NUMBERS = 1000, 100_000, 50_000_000
"""Images, other records, and numbers of all together that can be asked for at once."""

IN_MEMORY = 8 << 20
"""Bytes of a file of samples that are kept in memory; what is longer goes to a temporary file."""

_ASKED = ("at", "n", "seed", "where", "format")
_AS_WHERE = ("levels", "range")  # types of conditions that go into `where`; others are options of `sample`


class Models:
    """Models of run folders, the last ones that were asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Model] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, run: Path, at: Any = "best") -> Model:
        """The best model of a run, or the one that was kept at so many samples.

        Raises:
            NotFoundError: none was. OptionError: `at` is neither. ModelError: it is damaged.
        """
        if at != "best" and (not isinstance(at, int) or isinstance(at, bool) or at < 0):
            raise OptionError(f'"at" must be "best" or a number of samples. Got {shown(at)}.')
        path = within(run, MODEL_NAME) if at == "best" else model_at(run, at)
        try:
            status = path.stat()
        except OSError:
            raise NotFoundError("this run has no model yet: it is written at the first evaluation.") from None
        key = (str(path), status.st_mtime_ns, status.st_size)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = load(path)
                while len(self._kept) > MOST_MODELS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


def conditions(model: Model) -> dict[str, Any]:
    """What samples of a model can be asked for, and the formats in which they can be downloaded."""
    times = {column.name for column in model.schema.columns if column.type == "datetime"}
    asked = [
        {"name": c.name, "type": c.type, "levels": list(c.levels), "low": c.low, "high": c.high, "missing": c.missing,
         "time": c.name in times}
        for c in model.of.conditions(model)
    ]  # fmt: skip
    return {"conditions": asked, "formats": list(model.of.formats), "most": most_of(model)}


def most_of(model: Model) -> int:
    """How many records can be asked for at once."""
    spec = model.codec.spec
    return MOST_IMAGES if spec.form == "image" else max(min(MOST_ROWS, MOST_NUMBERS // max(spec.dim, 1)), 1)


def sample(model: Model, name: str, asked: Mapping[str, Any]) -> tuple[IO[bytes], str, str]:
    """A file of samples, at its beginning, with its media type and a name for it.

    name: of the run. asked: "n", "seed", "where" and "format", as the page sends them.

    Raises:
        OptionError: something cannot be asked for.
    """
    for key in asked:
        if key not in _ASKED:
            raise OptionError(f"{shown(key)} cannot be asked for; there are {', '.join(_ASKED)}.")
    n, seed, most = whole_of(asked, "n", 100), whole_of(asked, "seed", 0), most_of(model)
    if not 1 <= n <= most:
        raise OptionError(f"{n:,} is none of 1 to {most:,} {model.of.noun.many}. More are made by: gankit sample")
    formats = model.of.formats
    format = asked.get("format") or model.of.stream_format(model.origin)
    if format not in formats:
        raise OptionError(f"format must be one of {', '.join(formats)}. Got {shown(format)}.")
    given = asked.get("where") or {}
    if not isinstance(given, dict):
        raise OptionError(f'"where" must be an object of names and values. Got {shown(given)}.')
    other = {c.name for c in model.of.conditions(model) if c.type not in _AS_WHERE}
    where = {key: value for key, value in given.items() if key not in other and value not in ("", [])}
    options = {key: value for key, value in given.items() if key in other and value != ""}
    # the caller closes it; a response does that when it is sent
    file = cast(IO[bytes], tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
    try:
        with one_thread():
            model.write(file, n, seed, where=where or None, format=format, **options)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    at = "" if asked.get("at", "best") == "best" else f"-at-{asked['at']}"
    return file, formats[format].media_type, f"{name.rpartition('/')[2]}{at}-seed-{seed}.{format}"


def clip(model: Model, run: Path, index: int) -> bytes:
    """A preview's record as a WAV file, made again by the model that was kept beside it.

    Raises:
        NotFoundError: such records are no sounds, or there are not so many.
    """
    wav, about = model.of.formats.get("wav"), about_of(run)
    count = about.get("count")
    if wav is None or not 0 <= index < (count if isinstance(count, int) else 0):
        raise NotFoundError(f"there is no sound {index} in this preview.")
    seed = about.get("seed")
    stream = io.BytesIO()
    with one_thread():
        model.write(stream, 1, seed if isinstance(seed, int) else 0, offset=index, format="wav")
    return stream.getvalue()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it networks run on one thread, of low priority where the system can do that."""
    from gankit.networks.execution import threads

    with suppress(OSError, AttributeError):
        if sys.platform == "linux":  # where a thread has a priority of its own
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    with threads(1):
        yield

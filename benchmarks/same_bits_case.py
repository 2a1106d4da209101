"""What `same_bits.py` records: digests of values, files and models, and one case with its steps."""

from __future__ import annotations

import hashlib
import io
import json
import os
import runpy
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

# --- what is written down of a value, a file, a model -----------------------------------------------------------------

FEW = 50
"""Lists of so many plain values are kept as they are."""


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def of_array(x: np.ndarray) -> dict[str, Any]:
    """Bytes, type and shape; the mean size of the numbers tells how far apart two arrays are that differ."""
    if x.dtype == object:
        return {"dtype": "object", "shape": list(x.shape), "values": of_value(x.reshape(-1).tolist())}
    entry = {"dtype": str(x.dtype), "shape": list(x.shape), "sha256": sha(np.ascontiguousarray(x).tobytes())}
    if x.dtype.kind in "fiu" and x.size:
        entry["mean_size"] = float(np.abs(x.astype(np.float64)).mean())
    return entry


def of_table(table: Any) -> dict[str, Any]:
    """An Arrow table: its schema, every column, and the whole as an IPC stream in one chunk."""
    import pyarrow as pa

    table = table.combine_chunks()

    def stream(part: Any) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, part.schema) as writer:
            writer.write_table(part)
        return sink.getvalue().to_pybytes()

    return {
        "schema": str(table.schema),
        "rows": table.num_rows,
        "sha256": sha(stream(table)),
        "columns": {name: sha(stream(table.select([name]))) for name in table.column_names},
    }


def of_value(value: Any) -> Any:
    """Samples in the user's own form, as JSON that differs if a bit does."""
    if isinstance(value, np.ndarray):
        return of_array(value)
    if isinstance(value, dict):
        return {str(name): of_value(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        if all(isinstance(part, (str, int, float, bool, type(None))) for part in value):
            if len(value) <= FEW:
                return list(value)
            return {"length": len(value), "sha256": sha(json.dumps(value).encode()), "first": list(value[:3])}
        return {"is": type(value).__name__, "parts": [of_value(part) for part in value]}
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    library = type(value).__module__.split(".")[0]
    if library == "pandas":
        import pandas as pd
        import pyarrow as pa

        frame = value.to_frame() if isinstance(value, pd.Series) else value
        types = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
        return {"is": type(value).__name__, "dtypes": types, **of_table(pa.Table.from_pandas(frame))}
    if library == "polars":
        frame = value.to_frame() if type(value).__name__ == "Series" else value
        return {"is": type(value).__name__, **of_table(frame.to_arrow())}
    if library == "pyarrow":
        return {"is": type(value).__name__, **of_table(value)}
    if library == "PIL":
        return {"is": "PIL", "mode": value.mode, "size": list(value.size), "sha256": sha(value.tobytes())}
    raise TypeError(f"same_bits knows no way to write down {type(value)}")


def of_path(path: Path) -> Any:
    """The bytes of a file, or of every file of a folder by its name in there."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return {file.relative_to(path).as_posix(): sha(file.read_bytes()) for file in files}
    return sha(path.read_bytes())


def of_model_file(path: Path) -> dict[str, Any]:
    """A safetensors file, read by hand: each tensor, all of them, the JSON of the header, the whole file."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<Q", content)
    entries = json.loads(content[8 : 8 + length])
    metadata = entries.pop("__metadata__")
    tensors, whole = {}, hashlib.sha256()
    for name in sorted(entries):
        entry = entries[name]
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        part = content[begin:end]
        tensors[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "sha256": sha(part)}
        if entry["dtype"] == "F32" and part:
            tensors[name]["mean_size"] = float(np.abs(np.frombuffer(part, "<f4").astype(np.float64)).mean())
        whole.update(f"|{name}|{entry['dtype']}|{entry['shape']}|".encode() + part)
    header = {key: json.loads(text) if text[:1] in "{[" else text for key, text in metadata.items()}
    checksum = header.pop("sha256", None)
    return {
        "tensors_sha256": whole.hexdigest(), "file_sha256": sha(content), "checksum": checksum,
        "header": header.get("gankit", header), "tensors": tensors,
    }  # fmt: skip


SENTENCES = ("summary", "notes", "title", "meaning", "reason", "alarms", "question", "advice", "remedy")
"""Fields of JSON that hold sentences for people."""

CLOCKED = ("seconds", "samples_per_second", "seconds_left")
"""Fields that hold times, which differ from run to run."""


def split(value: Any, words: dict[str, Any], path: str = "") -> Any:
    """The value without times, and with its sentences moved to `words` by their path."""
    if isinstance(value, dict):
        kept = {}
        for name, part in value.items():
            at = f"{path}/{name}"
            is_time = name in CLOCKED and isinstance(part, float) and "/options" not in path
            is_verdict = name == "text" and path.startswith("/verdicts")
            is_metric = isinstance(part, str) and at.endswith(("card/metric", "/metric/name", "evaluation/features"))
            if is_time:
                continue
            if name in SENTENCES or is_verdict or is_metric:
                if part not in (None, [], {}, ""):
                    words[at] = part
                continue
            kept[name] = split(part, words, at)
        return kept
    if isinstance(value, (list, tuple)):
        return [split(part, words, f"{path}/{_name_of(part, row)}") for row, part in enumerate(value)]
    return value


def _name_of(part: Any, row: int) -> str:
    return part["metric"] if isinstance(part, dict) and isinstance(part.get("metric"), str) else str(row)


# --- a case -----------------------------------------------------------------------------------------------------------


class Case:
    """What is recorded of one case; every step goes on its own, and an exception in it is recorded as its text."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.words: dict[str, Any] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.found.setdefault("errors", {})[name] = type(error).__name__
            self.words[f"errors/{name}"] = [str(error), *traceback.format_exc().splitlines()]

    def put(self, path: str, value: Any) -> None:
        """Records a value at a path of names with / between them."""
        *folders, name = path.split("/")
        place = self.found
        for folder in folders:
            place = place.setdefault(folder, {})
        words: dict[str, Any] = {}
        place[name] = split(value, words)
        self.words |= {f"{path}{at}": text for at, text in words.items()}

    def train(self, source: Any, *, stop: bool = False, where: str = "run", **options: Any) -> Any:
        """Trains with a run folder, and records the notes, the log and the model; `stop`: once more with a stop."""
        import gankit

        base = {"samples": "3k", "evaluations": 3, "threads": 1, "early_stop": False}
        options = {**base, **options}
        notes: list[str] = []
        model = gankit.train(source, out=where, on_note=notes.append, **options)
        self.words[f"{where}/notes"] = notes
        self.put(f"{where}/log", read_log(Path(where)))
        model.save(f"{where}.safetensors")
        self.put(f"{where}/model", of_model_file(Path(f"{where}.safetensors")))
        self.put(f"{where}/model_of_run_sha256", sha(Path(where, "model.safetensors").read_bytes()))
        self.put(f"{where}/files", sorted(p.relative_to(where).as_posix() for p in Path(where).rglob("*")))
        if stop:
            with self.step(f"{where} stopped"):
                self.stop(source, f"{where}-stopped", options)
        return model

    def stop(self, source: Any, where: str, options: dict[str, Any]) -> None:
        """The same training, stopped in the middle and resumed."""
        import gankit

        middle = [False]

        def watch(progress: Any) -> None:
            middle[0] = progress.samples >= progress.total_samples / 2

        stopped = False
        try:
            gankit.train(source, out=where, on_progress=watch, should_stop=lambda: middle[0], **options)
        except gankit.InterruptedRun:
            stopped = True
        model = gankit.resume(where, None if isinstance(source, str) else source)
        model.save(f"{where}.safetensors")
        self.put(f"{where}/was_stopped", stopped)
        self.put(f"{where}/log_sha256", sha(json.dumps(split(read_log(Path(where)), {})).encode()))
        self.put(f"{where}/file_sha256", sha(Path(f"{where}.safetensors").read_bytes()))

    def sample(self, model: Any, n: int = 12, **wheres: dict[str, Any]) -> None:
        """Samples of two seeds, from an offset, and by each keyword as further arguments of `sample`."""
        asked: dict[str, dict[str, Any]] = {
            "seed 0": {}, "seed 7 offset 5": {"seed": 7, "offset": 5}, "none": {"n": 0}, **wheres,
        }  # fmt: skip
        for name, arguments in asked.items():
            with self.step(f"sample {name}"):
                self.put(f"samples/{name}", of_value(model.sample(**{"n": n, **arguments})))

    def write(self, model: Any, *names: str, n: int = 6, **arguments: Any) -> None:
        """The bytes of what `write` writes to each of these names."""
        Path("written").mkdir(exist_ok=True)
        for name in names:
            with self.step(f"write {name}"):
                model.write(Path("written", name), n, 3, **arguments)
                self.put(f"written/{name}", of_path(Path("written", name)))

    def evaluate(self, model: Any, real: Any = None, *, name: str = "report", **options: Any) -> None:
        """The whole content of the report, but for times and sentences."""
        import gankit

        with self.step(name):
            notes: list[str] = []
            report = gankit.evaluate(model, real, on_note=notes.append, **{"n": 200, **options})
            self.words[f"{name}/notes of evaluate"] = notes
            report.save(f"{name}.html")
            saved = json.loads(Path(f"{name}.json").read_text("utf-8"))
            saved["verdicts"] = {verdict["metric"]: verdict for verdict in saved["verdicts"]}
            self.put(name, saved)

    def reload(self, where: str = "run", n: int = 12) -> Any:
        """The model as it is loaded from its file: records what it samples, and the file it saves."""
        import gankit

        model = gankit.load(f"{where}.safetensors")
        with self.step("reload"):
            self.put("loaded/samples", of_value(model.sample(n)))
            model.save("again.safetensors")
            self.put("loaded/file_sha256", sha(Path("again.safetensors").read_bytes()))
            self.put("loaded/inspect", {k: v for k, v in gankit.inspect("run").items() if k != "file"})
        return model

    def command(self, name: str, *arguments: str, until: Callable[[], bool] | None = None, heard: bool = True) -> None:
        """Runs a command in a process of its own, and records its exit status.

        until: Ctrl-C as soon as it says True. heard: whether standard error is recorded too; progress tells the time.
        """
        process = os.fork()
        if process == 0:
            _become_command(arguments, Path(f"{name}.out"), Path(f"{name}.err"))
        while until is not None:
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                break
            if until():
                os.kill(process, signal.SIGINT)
                until = None
            time.sleep(0.002)
        else:
            _, status = os.waitpid(process, 0)
        self.put(f"commands/{name}/exit", os.waitstatus_to_exitcode(status))
        if heard:
            self.words[f"commands/{name}/stderr"] = Path(f"{name}.err").read_text("utf-8").splitlines()

    def printed(self, name: str) -> str:
        return Path(f"{name}.out").read_text("utf-8")


def _become_command(arguments: Sequence[str], out: Path, err: Path) -> None:
    """Turns this process into `python -m gankit ARGUMENTS`, without importing everything anew."""
    code = 70
    try:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb"), encoding="utf-8", write_through=True)
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb"), encoding="utf-8", write_through=True)
        sys.argv = ["gankit", *arguments]
        try:
            runpy.run_module("gankit", run_name="__main__")
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def read_log(run: Path) -> list[Any]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]

"""Whether two source trees give the same bits: models, samples, reports, logs and written files of every kind of data.

    PYTHONPATH=OLD/src python benchmarks/same_bits.py record before.json
    PYTHONPATH=NEW/src python benchmarks/same_bits.py record after.json --only 'table*' images
    python benchmarks/same_bits.py compare before.json after.json --ignore '*/header/card/version'

`record` trains small models through the public names and the command line alone, on data that it makes itself, with one
thread. Each case runs in a process and a folder of its own; an exception is recorded, and the rest goes on. `compare`
ends with 1 where anything differs. Sentences for people (notes, summaries, verdicts, alarms) are counted apart and fail
nothing, unless --strict-notes is given. The same machine and libraries give the same bits; others may not.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import json
import math
import os
import pkgutil
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"  # before NumPy is imported
os.environ["MPLBACKEND"] = "agg"

import numpy as np  # noqa: E402
from same_bits_case import Case, of_array, of_model_file, of_path, of_value, read_log, sha  # noqa: E402
from same_bits_data import (  # noqa: E402
    SYLLABLES,
    digits,
    load_table,
    names,
    photos,
    rows,
    sentences,
    to_csv,
    tones,
    visits,
    waves,
)

# --- the cases --------------------------------------------------------------------------------------------------------

TABLES = ("out.csv", "out.tsv", "out.csv.gz", "out.jsonl", "out.json", "out.xml", "out.parquet", "out.arrow")


def number(case: Case) -> None:
    draws = np.random.default_rng(0)
    x = np.where(draws.random(400) < 0.3, draws.normal(-3, 0.5, 400), draws.normal(2, 1, 400))
    model = case.train(x, samples="4k", stop=True)
    case.sample(model)
    case.write(model, "out.csv", "out.npy", "out.npz", "out.parquet")
    case.reload()
    case.evaluate(model)


def number_lists(case: Case) -> None:
    values = np.random.default_rng(1).poisson(3, 300).tolist()
    model = case.train(values, samples="1k", network="dense2014", width=64)
    case.sample(model)


def losses(case: Case) -> None:
    import gankit

    x = np.random.default_rng(2).normal(size=(200, 2))
    settings: dict[str, dict[str, Any]] = {
        loss: {"loss": loss}
        for loss in ("minimax", "nonsaturating", "leastsquares", "hinge", "wasserstein", "relativistic")
    }
    settings |= {f"penalty {p}": {"penalty": p} for p in ("none", "r1", "r2", "wgan-gp")}
    settings |= {
        "finite": {"penalty_method": "finite"}, "weight": {"penalty_weight": 0.5}, "d_steps": {"d_steps": 2},
        "rates": {"learning_rate": 1e-3, "ema_half_life": 500.0, "batch": 20}, "seed": {"seed": 5},
        "sizes": {"width": 24, "depth": 1, "latents": 7},
    }  # fmt: skip
    for name, options in settings.items():
        with case.step(name):
            model = gankit.train(x, samples="800", evaluations=1, threads=1, **options)
            model.save("model.safetensors")
            case.put(name, of_model_file(Path("model.safetensors"))["tensors_sha256"])
            case.put(f"samples/{name}", of_value(model.sample(4)))


def vector(case: Case) -> None:
    draws = np.random.default_rng(3)
    z = draws.normal(size=(500, 2)).astype(np.float32)
    x = np.stack([z[:, 0], z[:, 1] ** 2, z.sum(1)], 1)
    model = case.train(x, samples="4k", stop=True)
    case.sample(model)
    case.write(model, "out.csv", "out.npy", "out.npz", "out.jsonl")
    case.reload()
    case.evaluate(model)


def table(case: Case) -> None:
    source = to_csv(rows(), "people.csv")
    model = case.train(source, samples="6k", missing=("?",), target="rich", stop=True)
    conditions = {"city": "Oslo", "age": "30..40"}
    case.sample(
        model, 20, city={"where": {"city": "Oslo"}}, ages={"where": {"age": "30..40", "rich": ">2k"}},
        dates={"where": {"begun": ">=2021-06-01"}}, lists={"where": {"city": ["Lima", "Pune"]}},
    )  # fmt: skip
    case.write(model, *TABLES)
    case.write(model, "where.csv", where=conditions, offset=4)
    case.reload()
    case.evaluate(model)
    case.put("batches", [of_value(batch) for batch in model.sample_batches(3000, 2)])


def table_lone(case: Case) -> None:
    import gankit

    source, test = to_csv(rows(400), "people.csv"), to_csv(rows(300, 1), "test.csv")
    case.train(source, samples="2k", missing=("?",))
    model = gankit.load("run.safetensors")
    model.write("fakes.csv", 200, 5)
    case.evaluate(model, test)
    case.evaluate("run.safetensors", test, name="fakes", fake="fakes.csv", seed=3, records=False)


def table_given(case: Case) -> None:
    source = to_csv(rows(500), "people.csv")
    model = case.train(
        source, given=("city", "age"), column=("gain=category", "id=drop", "member=category"), seed=2, samples="3k"
    )
    case.sample(model, where={"where": {"city": "Lima", "age": "20..45"}}, pay={"where": {"pay": "<1000"}})


def table_residual(case: Case) -> None:
    source = to_csv(rows(500), "people.csv")
    model = case.train(source, network="residual", given=("member",), missing=("?",), stop=True)
    case.sample(model, member={"where": {"member": "yes"}})
    case.reload()
    case.evaluate(model, seed=2)


def table_frames(case: Case) -> None:
    import pandas as pd
    import polars as pl

    columns = rows(400)
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(columns["city"]),
            "age": pd.array([None if a == "?" else int(a) for a in columns["age"]], "Int64"),
            "pay": np.array(columns["pay"], dtype=np.float64),
            "member": np.array(columns["member"]) == "yes",
            "begun": pd.to_datetime(columns["begun"], format="%d.%m.%Y"),
        }
    )
    case.sample(case.train(frame, samples="2k"))
    case.put("polars", of_value(case.train(pl.from_pandas(frame), where="polars", samples="2k", warmup=0.5).sample(8)))
    case.put("arrow", of_value(case.train(_arrow(columns), where="arrow", samples="2k").sample(8)))


def _arrow(columns: dict[str, list[Any]]) -> Any:
    import pyarrow as pa

    return pa.table({"city": columns["city"], "pay": pa.array(map(float, columns["pay"])), "member": columns["member"]})


def images(case: Case) -> None:
    x, y = digits()
    np.savez("digits.npz", x=x, y=y)
    model = case.train("digits.npz", samples="3k", stop=True)
    case.sample(model, label={"where": {"label": "7"}}, truncated={"truncation": 0.7})
    case.write(model, "out.npz", "out.npy", "out.zip", "out.png", "folder")
    case.reload()
    case.evaluate(model)
    test_x, test_y = digits(900)
    np.savez("test.npz", x=test_x[500:], y=test_y[500:])
    case.evaluate("run.safetensors", "test.npz", name="lone", features="fixed")


def images_unlabelled(case: Case) -> None:
    folder = photos("photos")
    model = case.train(folder, samples="2k", size="8", fit="pad", augment="diffaugment", mirror="on", stop=True)
    case.sample(model)
    case.write(model, "out.npz", "out.zip", "folder")
    case.evaluate(model)


def images_object(case: Case) -> None:
    x, y = digits(300)
    model = case.train((x.astype(np.float32) / 255, [f"d{label}" for label in y]), samples="1k", given=("none",))
    case.sample(model)


def _images_by(network: str, size: int, **options: Any) -> Callable[[Case], None]:
    def train(case: Case) -> None:
        x, y = digits(300, size)
        np.savez("digits.npz", x=x, y=y)
        model = case.train("digits.npz", network=network, **{"samples": "1k", "evaluations": 2, **options})
        case.sample(model, label={"where": {"label": "3"}})
        case.reload()

    return train


def latents(case: Case) -> None:
    x, y = digits(300, 16)
    np.savez("digits.npz", x=x, y=y)
    case.train("digits.npz", network="stylegan2", width=8, depth=2, samples="1k", evaluations=1)
    case.write(importlib.import_module("gankit").load("run"), "one")
    run = ("run", "--seed", "3")
    asked = {
        "walk": ("interpolate", *run, "-o", "walk.npz", "--rows", "0,3,1", "--frames", "4"),
        "walk_w": ("interpolate", *run, "-o", "walk_w.npz", "--space", "w", "--loop", "--where", "label=3"),
        "film": ("interpolate", *run, "-o", "film.gif", "--through", "label=4", "--through", "label=1"),
        "mix": ("mix", *run, "-o", "mix.png", "--rows", "0,1", "--columns", "2,3"),
        "project": ("project", "run", "real.png", "-o", "project", "--steps", "20"),
    }
    from PIL import Image

    Image.fromarray(x[7]).save("real.png")
    for name, arguments in asked.items():
        with case.step(name):
            case.command(name, *arguments)
            out = Path(arguments[arguments.index("-o") + 1])
            case.put(f"latents/{name}", of_path(out))
    with case.step("onnx"):
        case.command("export", "export", "run", "-o", "model.onnx")
        case.put("latents/onnx", _onnx("model.onnx"))


def _onnx(path: str) -> dict[str, Any]:
    """What an exported generator makes of fixed inputs; its file's text names places in the code."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    draws = np.random.default_rng(4)
    inputs = {}
    for entry in session.get_inputs():
        shape = [size if isinstance(size, int) else 2 for size in entry.shape]
        inputs[entry.name] = draws.normal(size=shape).astype(np.float32 if "float" in entry.type else np.int64)
    outputs = session.run(None, inputs)
    names = [entry.name for entry in session.get_outputs()]
    metadata = session.get_modelmeta().custom_metadata_map
    return {
        "inputs": {name: list(x.shape) for name, x in inputs.items()},
        "outputs": {name: of_array(x) for name, x in zip(names, outputs, strict=True)},
        "metadata": {k: json.loads(v) if v[:1] in "{[" else v for k, v in metadata.items()},
    }


def series(case: Case) -> None:
    source = to_csv(load_table(), "load.csv")
    model = case.train(source, kind="series", window=8, stop=True)
    case.sample(model)
    case.write(model, "out.csv", "out.parquet", "out.jsonl", "out.tsv")
    case.reload()
    case.evaluate(model)


def series_calendar(case: Case) -> None:
    source = to_csv(load_table(), "load.csv")
    model = case.train(source, kind="series", window=6, calendar=("hour", "weekday"))
    case.sample(model, hour={"where": {"hour": "7"}})
    case.write(model, "out.csv")


def series_entities(case: Case) -> None:
    model = case.train(visits("visits.csv"), entity="patient", time="day", network="temporal")
    case.sample(model, arm={"where": {"arm": "b"}})
    case.write(model, "out.csv", "out.parquet")
    case.reload()


def series_arrays(case: Case) -> None:
    x, y = waves()
    model = case.train((x, y), stop=True)
    case.sample(model, label={"where": {"label": "fast"}})
    case.write(model, "out.npz", "out.csv", "out.ts")


def series_reports(case: Case) -> None:
    model = case.train(visits("visits.csv"), entity="patient", time="day", where="visits", samples="1k")
    case.evaluate(model, name="report of visits")
    x, y = waves(240)
    case.train((x[:160], y[:160]), samples="1k")
    np.savez("test.npz", x=x[160:], label=np.array(y[160:]))
    case.evaluate("run.safetensors", "test.npz", name="lone")


def series_files(case: Case) -> None:
    x, y = waves(100)
    classes = [1 + (name == "fast") for name in y]
    np.savetxt("Waves_TRAIN.tsv", np.column_stack([classes, x[:, :, 0]]), ["%d", *["%.5f"] * x.shape[1]], "\t")
    model = case.train("Waves_TRAIN.tsv", samples="1k")
    case.sample(model, label={"where": {"class": "2"}})
    case.write(model, "out.tsv", "out.ts", "out.csv")
    case.write(model, "again.ts", n=60)
    case.put("ts", of_value(case.train("written/again.ts", where="ts", samples="1k").sample(5)))
    parts = [part[: 8 + row % 9] for row, part in enumerate(x)]
    case.put("list", of_value(case.train(parts, where="list", samples="1k").sample(5)))


def _series_by(network: str, **options: Any) -> Callable[[Case], None]:
    def train(case: Case) -> None:
        model = case.train(waves(120, 8), network=network, **{"samples": "1k", "evaluations": 2, **options})
        case.sample(model)
        case.reload()

    return train


def texts(case: Case) -> None:
    Path("names").mkdir()
    for language in SYLLABLES:
        Path("names", f"{language}.txt").write_text("\n".join(names(language, 200)) + "\n", "utf-8")
    model = case.train("names", samples="4k", stop=True)
    case.sample(
        model, 20, label={"where": {"label": "Aba"}}, prefix={"prefix": "K"}, cool={"temperature": 0.7},
        both={"where": {"label": "Obo"}, "prefix": "St", "temperature": 1.2},
    )  # fmt: skip
    case.write(model, "out.csv", "out.jsonl", "out.parquet", "folder")
    case.reload()
    case.evaluate("run", valid="[A-Z][a-z]+")


def texts_words(case: Case) -> None:
    Path("sentences.txt").write_text("\n".join(sentences(300)) + "\n", "utf-8")
    model = case.train("sentences.txt", unit="word", samples="2k")
    case.sample(model, prefix={"prefix": "a red"})
    case.write(model, "out.txt", "out.jsonl")
    case.evaluate(model)
    Path("test.txt").write_text("\n".join(sentences(400)[300:]) + "\n", "utf-8")
    case.evaluate("run.safetensors", "test.txt", name="lone")


def texts_lists(case: Case) -> None:
    draws = np.random.default_rng(10)
    codes = ["".join(draws.choice(list("ACGT"), draws.integers(6, 12))) for _ in range(300)]
    model = case.train(codes, unit="dna", samples="1k", warmup=0.5)
    case.sample(model)
    columns = {"name": names("Aba", 120) + names("Obo", 120), "label": ["Aba"] * 120 + ["Obo"] * 120}
    to_csv(columns, "names.csv")
    model = case.train("names.csv", where="table", kind="text", text_column="name", samples="1k", warmup=0.0)
    case.put("table_samples", of_value(model.sample(8, where={"label": "Obo"})))


def audio(case: Case) -> None:
    model = case.train(tones("tones"), pattern="{pitch}_{speaker}_{_}", samples="2k", evaluations=2)
    case.sample(model, 6, low={"where": {"pitch": "low"}, "n": 3})
    case.write(model, "out.npz", "out.zip", "folder")
    case.write(model, "out.wav", n=1)
    case.reload(n=6)
    case.evaluate(model, n=100)


def audio_stopped(case: Case) -> None:
    case.train(tones("tones", 60), pattern="{pitch}_{_}_{_}", samples="1k", stop=True)


def audio_wave(case: Case) -> None:
    draws = np.random.default_rng(11)
    times = np.arange(512) / 2000
    pitch = 150 * 2 ** draws.uniform(0, 2, (120, 1))
    x = np.sin(2 * np.pi * (pitch * times + draws.random((120, 1)))).astype(np.float32) * 0.5
    model = case.train(x, rate=2000, network="wave", samples="1k", evaluations=2, width=8)
    case.sample(model, 5)
    case.reload(n=5)
    case.evaluate(model, n=60)


def command_line(case: Case) -> None:
    source = to_csv(rows(500), "people.csv")
    options = ("--samples", "6k", "--evaluations", "3", "--threads", "1", "--missing", "?", "--no-early-stop")
    with case.step("train"):
        case.command("train", "train", source, "-o", "whole", *options, heard=False)
        case.put("whole/model", of_model_file(Path("whole/model.safetensors")))
        case.put("whole/log", read_log(Path("whole")))
    with case.step("stop"):
        log = Path("run/log.jsonl")
        ready = lambda: log.exists() and len(log.read_bytes().splitlines()) >= 3  # noqa: E731
        case.command("stop", "train", source, "-o", "run", *options, until=ready, heard=False)
        case.put("stopped_before_the_end", not Path("run/model.safetensors").exists())
        case.command("resume", "train", "-o", "run", "--resume", heard=False)
        case.put("resumed/model_sha256", sha(Path("run/model.safetensors").read_bytes()))
        case.put("resumed/log", read_log(Path("run")))
    with case.step("sample"):
        case.command("sample", "sample", "run", "-n", "30", "--seed", "7", "--where", "age=30..40", "--offset", "3")
        case.put("sampled", case.printed("sample").splitlines())
        case.command("none", "sample", "run", "-n", "30", "--where", "height=3")
    with case.step("evaluate"):
        case.command("evaluate", "evaluate", "run", "-n", "200", "--json", "-q")
        case.put("report", json.loads(Path("run/report/report.json").read_text("utf-8")))
        case.put("fakes", of_path(Path("run/report/fakes.csv")))
        case.put("report_files", sorted(path.name for path in Path("run/report").iterdir()))
        printed = json.loads(case.printed("evaluate"))
        case.put("printed_fields", sorted(printed))
    with case.step("real"):
        test = to_csv(rows(300, 1), "test.csv")
        case.command("real", "evaluate", "run/model.safetensors", "--real", test, "-n", "200", "-o", "verdict")
        case.put("lone", json.loads(Path("verdict/report.json").read_text("utf-8")))
    with case.step("inspect"):
        case.command("inspect", "inspect", "run", "--json")
        case.put("inspected", json.loads(case.printed("inspect")))


CASES: dict[str, Callable[[Case], None]] = {
    "number": number,
    "number_lists": number_lists,
    "losses": losses,
    "vector": vector,
    "table": table,
    "table_lone": table_lone,
    "table_given": table_given,
    "table_residual": table_residual,
    "table_frames": table_frames,
    "images": images,
    "images_unlabelled": images_unlabelled,
    "images_object": images_object,
    "images_residual": _images_by("residual", 8, width=16),
    "images_dcgan": _images_by("dcgan", 16, width=8),
    "images_stylegan2": _images_by("stylegan2", 16, width=8, depth=2),
    "images_dense2014": _images_by("dense2014", 8),
    "images_conv2014": _images_by("conv2014", 16, width=16),
    "latents": latents,
    "series": series,
    "series_calendar": series_calendar,
    "series_entities": series_entities,
    "series_arrays": series_arrays,
    "series_files": series_files,
    "series_temporal": _series_by("temporal", width=16),
    "series_recurrent": _series_by("recurrent", width=16),
    "series_attention": _series_by("attention", width=16),
    "series_residual": _series_by("residual", width=32),
    "texts": texts,
    "texts_words": texts_words,
    "texts_lists": texts_lists,
    "audio": audio,
    "audio_wave": audio_wave,
    "command_line": command_line,
    "audio_stopped": audio_stopped,
    "series_reports": series_reports,
}

SLOW = ("audio_stopped", "series_reports")
"""Cases that are left out unless --slow or --only names them: networks that only judge are trained for minutes."""


# --- record -----------------------------------------------------------------------------------------------------------


def run_case(name: str) -> dict[str, Any]:
    """The case's record, made by a process of its own in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        result, work = Path(folder, "result.json"), Path(folder, "work")
        work.mkdir()
        process = os.fork()
        if process == 0:
            case, begun = Case(), time.process_time()
            try:
                os.chdir(work)
                with case.step("case"):
                    CASES[name](case)
                text = json.dumps({"found": case.found, "words": case.words}, sort_keys=True)
                text = text.replace(json.dumps(os.path.realpath(folder))[1:-1], "FOLDER").replace(folder, "FOLDER")
                spent = os.times()
                seconds = round(time.process_time() - begun + spent.children_user + spent.children_system, 1)
                result.write_text(json.dumps({**json.loads(text), "seconds": seconds}), "utf-8")
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(0)
        _, status = os.waitpid(process, 0)
        if not result.exists():
            error = f"the process ended with {os.waitstatus_to_exitcode(status)} and left no record"
            return {"found": {"errors": {"case": error}}, "words": {}, "seconds": 0.0}
        return json.loads(result.read_text("utf-8"))


def import_all() -> str:
    """Imports every module of gankit once, so that no case pays for it; gives the folder of its source."""
    import torch

    import gankit

    for name in ("pandas", "PIL.Image", "pyarrow.parquet", "scipy.stats", "sklearn.ensemble", "torch._dynamo"):
        importlib.import_module(name)
    torch.set_num_threads(1)
    for module in pkgutil.walk_packages(gankit.__path__, "gankit."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except Exception as error:
                print(f"{module.name}: {type(error).__name__}: {error}", file=sys.stderr)
    return str(Path(gankit.__file__).resolve().parent)


def record(out: Path, only: Sequence[str], slow: bool) -> int:
    usual = [name for name in CASES if slow or name not in SLOW]
    chosen = [name for name in CASES if any(fnmatch.fnmatch(name, pattern) for pattern in only)] if only else usual
    if not chosen:
        print(f"no case is called so; there are {', '.join(CASES)}", file=sys.stderr)
        return 2
    source = import_all()
    modules = (importlib.import_module(name) for name in ("numpy", "scipy", "sklearn", "torch", "pyarrow"))
    libraries = {module.__name__: module.__version__ for module in modules}
    cases: dict[str, Any] = {}
    failed = 0
    for name in chosen:
        cases[name] = run_case(name)
        errors = cases[name]["found"].get("errors", {})
        failed += bool(errors)
        print(f"{name:20} {cases[name]['seconds']:6.1f} s", flush=True)
        for step, error in errors.items():
            print(f"    {step}: {error}: {cases[name]['words'].get(f'errors/{step}', [''])[0]}", flush=True)
        document = {"source": source, "only": list(only), "libraries": libraries, "cases": cases}
        out.write_text(json.dumps(document, indent=1), "utf-8")
    total = sum(case["seconds"] for case in cases.values())
    print(f"{len(cases)} cases of {source} in {total:.0f} s of processor time: {out}; {failed} with errors")
    return 0


# --- compare ----------------------------------------------------------------------------------------------------------

ABSENT = "(absent)"
NUMBER = re.compile(r"\d[\d,.]*")


def differences(a: Any, b: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Every place where two JSON values differ: (path, before, after)."""
    if isinstance(a, dict) and isinstance(b, dict):
        for name in [*a, *(name for name in b if name not in a)]:
            yield from differences(a.get(name, ABSENT), b.get(name, ABSENT), f"{path}/{name}")
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            yield f"{path}/length", len(a), len(b)
        for row, (x, y) in enumerate(zip(a, b, strict=False)):
            yield from differences(x, y, f"{path}/{row}")
    elif isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return
    elif isinstance(a, bool) != isinstance(b, bool) or a != b:
        yield path, a, b


def shown(value: Any, most: int = 160) -> str:
    text = value if value == ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} signs)"


def said(a: Any, b: Any) -> str:
    text = f"{shown(a)} -> {shown(b)}"
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in (a, b)):
        text += f"  (relative {abs(a - b) / max(abs(a), abs(b)):.2g})"
    return text


def compare(before: Path, after: Path, ignored: Sequence[str], strict_notes: bool, show_notes: bool, most: int) -> int:
    a, b = (json.loads(path.read_text("utf-8")) for path in (before, after))
    print(f"before: {a['source']}\nafter:  {b['source']}")
    for name, version, other in differences(a["libraries"], b["libraries"]):
        print(f"other libraries, so that bits may differ for that alone: {name[1:]} {version} -> {other}")
    total = worded = skipped = compared = 0
    for name in [*a["cases"], *(name for name in b["cases"] if name not in a["cases"])]:
        if name not in a["cases"] or name not in b["cases"]:
            part = a if name not in a["cases"] else b
            if not part["only"] and name not in SLOW:
                print(f"{name}: not in {'before' if part is a else 'after'}")
                total += 1
            continue
        x, y = a["cases"][name], b["cases"][name]
        found = [(f"{name}{path}", v, w) for path, v, w in differences(x["found"], y["found"])]
        kept = [d for d in found if not any(fnmatch.fnmatch(d[0], pattern) for pattern in ignored)]
        words = list(differences(x["words"], y["words"]))
        numbers = sum(NUMBER.findall(shown(v, 10**9)) != NUMBER.findall(shown(w, 10**9)) for _, v, w in words)
        compared += 1
        skipped, total, worded = skipped + len(found) - len(kept), total + len(kept), worded + len(words)
        same = "same bits" if not kept else f"{len(kept)} differences"
        notes = f"; {len(words)} lines of words differ, {numbers} in their numbers too" if words else ""
        print(f"{name}: {same}{notes}")
        for step, error in y["found"].get("errors", {}).items():
            print(f"    error in {step}: {error}: {y['words'].get(f'errors/{step}', [''])[0]}")
        for path, v, w in kept[: most or None]:
            print(f"    {path}: {said(v, w)}")
        if most and len(kept) > most:
            print(f"    and {len(kept) - most} more")
        if show_notes:
            for path, v, w in words:
                print(f"    words {path}:\n      - {shown(v, 400)}\n      + {shown(w, 400)}")
    ignoring = f", {skipped} ignored" if skipped else ""
    print(f"{compared} cases compared: {total} differences{ignoring}; {worded} lines of words")
    return int(not compared or bool(total) or (strict_notes and bool(worded)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    clip = commands.add_parser("record", help="train, sample, evaluate, write; record what came of it")
    clip.add_argument("out", type=Path)
    cases = f"cases, or patterns of their names: {', '.join(CASES)}"
    clip.add_argument("--only", nargs="+", default=[], metavar="NAME", help=cases)
    clip.add_argument("--slow", action="store_true", help=f"also {', '.join(SLOW)}")
    comparing = commands.add_parser("compare", help="print every difference; exit with 1 if there is one")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    may = "paths that may differ, such as '*/header/card/*'; may be repeated"
    comparing.add_argument("--ignore", action="append", default=[], metavar="PATTERN", help=may)
    comparing.add_argument("--strict-notes", action="store_true", help="sentences that differ fail too")
    comparing.add_argument("--show-notes", action="store_true", help="print sentences that differ")
    comparing.add_argument("--most", type=int, default=0, metavar="N", help="differences shown of a case (all)")
    given = parser.parse_args()
    if given.command == "record":
        return record(given.out, given.only, given.slow)
    return compare(given.before, given.after, given.ignore, given.strict_notes, given.show_notes, given.most)


if __name__ == "__main__":
    sys.exit(main())

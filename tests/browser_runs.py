"""Run folders of every form of preview, written by hand, for the tests of the page in a browser."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from web_examples import append, evaluation, image_previews, plays, update, written_run

from gankit.randomness import numpy_generator

BAD_NAME = "<img src=x onerror=alert(1)>"
BAD_TEXTS = [
    "</script><script>alert(2)</script>",
    "<svg onload=alert(3)>",
    "{n} ${alert(4)} &lt;b&gt;",
    "\u202etxet",
    "",
]
STEPS = [0, 500, 1000, 1500, 2000]


def written(folder: Path, **options: Any) -> Path:
    """A run that has ended, with an evaluation at each step, an alarm and a roll-back."""
    rows = [evaluation(at // 100, at / 1e4 - (at == 2000)) for at in STEPS[1:-1]]
    alarm = "D has won: it calls 99% of fakes fake. Lower --learning-rate."
    run = written_run(folder, *rows, **options)
    append(run, update(16, alarms=[alarm]), update(17, rolled_back=True), evaluation(20, 0.1, alarms=[alarm]))
    append(run, {"step": 20, "event": "finished", "seconds": 1.0})
    return run


def previews(run: Path, form: str, kind: str, records: Iterable[Any], **more: Any) -> Path:
    """Previews of the steps and the held-out records, of one form; gives their folder."""
    folder = run / "previews"
    folder.mkdir()
    about = {"version": 1, "kind": kind, "form": form, "noun": ["record", "records"], "columns": [], "count": 5}
    about |= {"condition": 0, "records": {"train": 80, "heldout": 20}, "metric": "likeness", "seed": 1}
    (folder / "about.json").write_text(json.dumps(about | more))
    for name, record in zip([*(f"{at:012d}" for at in STEPS), "real"], records, strict=True):
        if isinstance(record, np.ndarray):
            np.save(folder / f"{name}.npy", record.astype(np.float32))
        else:
            (folder / f"{name}.json").write_text(json.dumps(record))
    return folder


def all_forms(home: Path) -> dict[str, Path]:
    """A run of each form by name; one plays, and one cannot be read."""
    random = numpy_generator(0, "forms")
    runs = {name: written(home / name) for name in ("bells", "plane", "waves", "texts", BAD_NAME)}
    for seed in (1, 2):
        runs[f"digits-{seed}"] = written(home / f"digits-{seed}", seed=seed)
        image_previews(runs[f"digits-{seed}"], STEPS)
    column = {"name": "x", "kind": "number"}
    folder = previews(
        runs["bells"], "scatter", "number", random.normal(size=(6, 200, 1)), shape=[1], columns=[column], count=200
    )
    grid = np.linspace(-3, 3, 50)
    for at in STEPS:
        d, z = 1 / (1 + np.exp(grid - at / 1000)), np.linspace(-2, 2, 30)
        np.savez(folder / f"{at:012d}.surface.npz", grid=grid, d=d, z=z, x_of_z=z * (1 + at / 1000))
    previews(runs["plane"], "scatter", "vector", random.normal(size=(6, 200, 2)), shape=[2], count=200)
    previews(runs["waves"], "lines", "series", random.normal(size=(6, 5, 20, 2)), shape=[20, 2])
    texts = [[f"{text} {at}" if text else "" for text in BAD_TEXTS] for at in range(6)]
    previews(runs["texts"], "texts", "text", texts)
    names = ["age", BAD_NAME, *BAD_TEXTS[:2], "a very long name of a column " * 4, "pay"]
    rows = [
        {
            "columns": names,
            "rows": [
                [str(i + at), BAD_TEXTS[i % 3], None, "<b>x</b>", "x" * 300, str(random.normal())] for i in range(30)
            ],
        }
        for at in range(6)
    ]
    columns = [{"name": name, "kind": "number" if name in ("age", "pay") else "category"} for name in names]
    previews(runs[BAD_NAME], "rows", "table", rows, columns=columns, metric=BAD_NAME)
    append(runs[BAD_NAME], update(21, alarms=[f"{BAD_TEXTS[0]}. {BAD_NAME}"]))
    config = json.loads((runs[BAD_NAME] / "config.json").read_text())
    config |= {"source": f"/data/{BAD_NAME}.csv", "notes": [f"kind: table. {BAD_TEXTS[0]}"]}
    (runs[BAD_NAME] / "config.json").write_text(json.dumps(config))
    runs["drums"] = written(home / "drums")
    image_previews(runs["drums"], STEPS, side=32)
    about = json.loads((runs["drums"] / "previews" / "about.json").read_text()) | {"kind": "audio"}
    (runs["drums"] / "previews" / "about.json").write_text(json.dumps(about))
    for at in STEPS:
        (runs["drums"] / "previews" / f"{at:012d}.safetensors").touch()
    runs["playing"] = written_run(home / "playing", update(1))
    plays(runs["playing"])
    written_run(home / "torn", update(1))
    (home / "torn" / "config.json").write_text('{"format_version": 999}')
    return runs


def silence() -> bytes:
    """A sound of four seconds."""
    with io.BytesIO() as file:
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(bytes(2 * 4 * 8000))
        return file.getvalue()


def long_run(folder: Path, updates: int = 10_000, kept: int = 500) -> Path:
    """A run of many updates and previews."""
    total = 100 * updates
    rows = [
        (evaluation(i, i / total) if i % 100 == 0 else update(i)) | {"total_samples": total} for i in range(updates)
    ]
    run = written_run(folder, *rows)
    image_previews(run, [total * i // kept for i in range(kept)])
    return run

"""Pictures, and evaluations of them in the layout of `gankit.metrics`, for the tests of the report on pictures.

The figures of `evaluation` are given, not measured: the report is what is tested. Nearest pictures are measured, between
pixels. To look at a page: `python tests/report_picture_example.py mnist page.html` (or cifar10, faces, small).
"""

from __future__ import annotations

import gzip
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gankit.report import Report, build_pictures

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def score(value: float | None, half: float | None = 0.01, best: float = 1.0, **details: Any) -> dict[str, Any]:
    low, high = (None, None) if value is None or half is None else (value - half, value + half)
    return {"value": value, "low": low, "high": high, "best": best, "details": details}


def metric(
    family: str,
    fake: float | dict[str, Any] | None,
    ceiling: float | None,
    *,
    noise: float = 0.0,
    mean: float = 0.0,
    bootstrap: float | None = None,
    half: float = 0.01,
    direction: str = "higher",
    best: float = 1.0,
    rows_needed: int | None = None,
) -> dict[str, Any]:
    return {
        "meaning": "what it means",
        "family": family,
        "best": best,
        "direction": direction,
        "fake": fake if isinstance(fake, dict) else score(fake, half, best),
        "ceiling": None if ceiling is None else score(ceiling, half, best),
        "baselines": {
            "noise": score(noise, half, best),
            "mean": score(mean, half, best),
            "bootstrap": score(ceiling if bootstrap is None else bootstrap, half, best),
        },
        "rows_needed": rows_needed,
        "seconds": 0.1,
    }


def nearest(queries: np.ndarray, among: np.ndarray) -> tuple[list[int], list[float]]:
    """For each query the row of `among` that is nearest in pixels, and its distance."""
    a, b = (x.reshape(len(x), -1).astype(np.float32) / 255 for x in (queries, among))
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T
    index = squared.argmin(1)
    return index.tolist(), np.sqrt(np.maximum(squared[np.arange(len(a)), index], 0)).tolist()


def evaluation(
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    *,
    names: Sequence[str] = (),
    shown: int = 40,
    confusion: bool = True,
) -> dict[str, Any]:
    rows_train, to_train = nearest(fake[:shown], train)
    rows_heldout, to_heldout = nearest(fake[:shown], heldout)
    metrics = {
        "frechet": metric("distance", 2.1, 0.1, noise=410, mean=250, half=0.05, direction="lower", best=0.0),
        "kernel_distance": metric("distance", 0.02, -0.001, noise=3.0, mean=2.0, direction="lower", best=0.0),
        "precision": metric("fidelity", 0.80, 0.95),
        "recall": metric("fidelity", 0.93, 0.94),
        "density": metric("fidelity", 0.85, 1.0, direction="near"),
        "coverage": metric("fidelity", 0.90, 0.97),
        "copies": metric(
            "copies",
            score(0.501, 0.02, 0.5, closer=int(0.501 * len(fake)), rows=len(fake), three_sample={"z": 0.3, "p": 0.38}),
            0.5,
            direction="near",
            best=0.5,
        ),
        "copies_exact": metric(
            "copies",
            score(0.0, 0.0, 0.0, copies=0, rows=len(fake), heldout_share=0.0),
            0.0,
            half=0.0,
            direction="lower",
            best=0.0,
        ),
        "usefulness": metric("usefulness", score(0.93, 0.01, 1.0, test_rows=len(heldout)), 0.97, noise=0.1, mean=0.1),
        "parzen": metric("history", 223.0, 239.0, noise=-900.0, mean=-50.0, half=4.0, best=math.inf),
    }
    metrics["parzen"]["best"] = None
    k = len(names)
    out: dict[str, Any] = {
        "seed": 0,
        "rows": {
            "train": len(train),
            "heldout": len(heldout),
            "fake": len(fake),
            "compared": len(fake),
            "against": len(heldout),
        },
        "given": ["label"] if k else [],
        "notes": ["A note of the evaluation."],
        "features": "64 features of a classifier trained on the labels of the training pictures, resized by Lanczos",
        "metrics": metrics,
        "per_class": [],
        "classifier": None,
        "pictures": {
            "shown": list(range(min(shown, len(fake)))),
            "nearest_train": rows_train,
            "nearest_heldout": rows_heldout,
            "distance_train": to_train,
            "distance_heldout": to_heldout,
        },
    }
    if k:
        seen = 97 * np.eye(k, dtype=int) + (np.arange(k)[:, None] * 3 + np.arange(k)) % 5
        metrics["class_entropy"] = metric("classes", 0.99, 0.999, half=0.001)
        metrics["class_agreement"] = metric("classes", 0.96, 0.985, noise=1 / k, mean=1 / k)
        if confusion:
            metrics["class_agreement"]["fake"]["details"] = {"confusion": seen.T.tolist()}
        out["per_class"] = [
            {
                "class": n,
                "real_share": 1 / k,
                "fake_share": (1 + 0.1 * math.sin(i)) / k,
                "right": 0.96 - 0.03 * (i % 3),
                "precision": 0.8,
                "recall": 0.9,
                "frechet": 4.0 + i,
            }
            for i, n in enumerate(names)
        ]
        out["classifier"] = {"accuracy": 0.985, "precision": 0.985, "recall": 0.984, "confusion": seen.tolist()}
    return out


def made_up_history(seed: int = 0) -> list[dict[str, Any]]:
    """A plausible training: minus a distance that falls from hundreds to two. Not measured."""
    draws = np.random.default_rng(seed)
    return [
        {
            "samples": 25_000 * i,
            "metric": -(2.0 + 300 * math.exp(-0.45 * i)) * (1 + 0.05 * draws.normal()),
            "loss_d": 1.2 - 0.01 * i,
            "loss_g": 0.7 + 0.015 * i,
            "alarms": [],
            "scores": {"mean_train": 0.2 + 0.01 * i, "mean_heldout": 0.2 + 0.008 * i, "mean_fake": -0.3},
        }
        for i in range(1, 21)
    ]


def small(num: int, shape: tuple[int, int, int] = (8, 8, 1), seed: int = 0) -> np.ndarray:
    """Blobs of a random place and colour: [num, *shape] uint8."""
    draws = np.random.default_rng(seed)
    height, width, channels = shape
    y, x = np.mgrid[0:height, 0:width][:, None]
    centre = draws.uniform(0.25, 0.75, (2, num, 1, 1))
    blob = np.exp(-(((y / height - centre[0]) ** 2 + (x / width - centre[1]) ** 2) / 0.05))
    colour = draws.uniform(0.4, 1.0, (num, 1, 1, channels))
    return np.rint(255 * blob[..., None] * colour).astype(np.uint8)


def noisy(pictures: np.ndarray, amount: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, pictures.shape)
    return np.rint((1 - amount) * pictures + amount * noise).astype(np.uint8)


def report(
    real: np.ndarray, fake: np.ndarray, *, labels: dict[str, Any] | None = None, card: dict[str, Any], **more: Any
) -> Report:
    """The report on `fake`, the last fifth of `real` held out, with samples over the training that lose their noise."""
    cut = len(real) - len(real) // 5
    train, heldout = real[:cut], real[cut:]
    found = evaluation(train, heldout, fake, names=(labels or {}).get("names", ()))
    steps = [(25_000 * i, noisy(fake[:10], 1 / i)) for i in range(1, 21)]
    card = {"metric": "minus Fréchet distance", "gankit_version": "0.2.0", **card}
    history = made_up_history()
    return build_pictures(
        found, train, heldout, fake, labels=labels, card=card, history=history, progress=steps, **more
    )


def idx(name: str) -> np.ndarray:
    with gzip.open(DATA / "mnist" / name) as file:
        data = file.read()
    rank = data[3]
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def mnist(**more: Any) -> Report:
    """Test digits as the data; other digits, some of them copies and some of them noisy, as fakes."""
    x, y = idx("t10k-images-idx3-ubyte.gz")[..., None], idx("t10k-labels-idx1-ubyte.gz").astype(int)
    fake, of_fakes = x[6000:7000].copy(), y[6000:7000]
    fake[::3] = noisy(fake[::3], 0.4)
    fake[[5, 17]] = x[[11, 12]]
    labels = {"fake": of_fakes, "heldout": y[4000:5000], "names": [str(i) for i in range(10)]}
    return report(x[:5000], fake, labels=labels, card={"name": "mnist", "kind": "image"}, **more)


def cifar10(**more: Any) -> Report:
    data = np.load(DATA / "cifar10" / "cifar10_first4000.npz")
    x, y = data["x"], data["y"].astype(int)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    labels = {"fake": y[3000:], "heldout": y[2400:3000], "names": names}
    return report(x[:3000], noisy(x[3000:], 0.2), labels=labels, card={"name": "cifar10"}, **more)


def faces(**more: Any) -> Report:
    from PIL import Image

    x = np.stack(
        [np.asarray(Image.open(p).convert("RGB")) for p in sorted((DATA / "faces_fewshot_256").glob("*.png"))]
    )
    return report(x[:110], noisy(x[110:], 0.1), card={"name": "faces"}, **more)


def main() -> None:
    what, out = sys.argv[1:3]
    more = {"records": False} if "no-records" in sys.argv else {}
    makers = {
        "mnist": mnist,
        "cifar10": cifar10,
        "faces": faces,
        "small": lambda **m: report(small(200), small(60, seed=1), card={"name": "blobs"}, **m),
    }
    makers[what](**more).save(out)


if __name__ == "__main__":
    main()

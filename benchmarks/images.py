"""Trains on images and scores the fakes against images that trained nothing: one JSON line a run.

    python benchmarks/images.py --data mnist --budget 20m --scorer "PYTHON SCORER/image.py"
    python benchmarks/images.py --data olivetti cats_dogs --samples 60k --seeds 0 1 2 --set augment=none --grid GRIDS

Data: `mnist` (official split), `cifar10` (25,000 JPEGs, its train and test folders), `olivetti` (every tenth face is
kept for the test), `cats_dogs` and `faces` at --size (every fifth), from --folder; `digits` (8 x 8, every fifth) ships
with scikit-learn. Each run: train with the defaults and whatever --set changes, make as many fakes as --fakes says, and
score them with the project's own metrics, or with --scorer by an independent program that takes TRAIN TEST FAKE as
.npz with x and y. --grid keeps a grid of fakes; --keep a folder with everything. --curve N scores N moments of the run
on the way to its end as well, from the averaged G as each of them had it; what that costs is not part of the budget.
"""

from __future__ import annotations

import argparse
import copy
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

Labelled = tuple[np.ndarray, np.ndarray]


def images(name: str, folder: Path, size: int) -> tuple[Labelled, Labelled]:
    """Training and test images, uint8 [N, H, W(, C)], and their classes."""
    from gankit.config import TrainConfig
    from gankit.kinds.images.reading import read_images

    def read(path: Path, **options: object) -> Labelled:
        found = read_images(path, TrainConfig(**options), [])
        x = found.x[..., 0] if found.x.shape[3] == 1 else found.x
        if found.labels is None:
            return np.array(x), np.zeros(len(x), np.int64)
        return np.array(x), np.unique(found.labels.column(0).to_pylist(), return_inverse=True)[1]

    def cut(whole: Labelled, every: int) -> tuple[Labelled, Labelled]:
        x, y = whole
        test = np.arange(len(x)) % every == 0
        return (x[~test], y[~test]), (x[test], y[test])

    if name == "mnist":
        return tuple(read(folder / "mnist" / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k"))
    if name == "cifar10":
        archive = folder / "cifar10" / "cifar10_jpeg_25000.tar.gz"
        return tuple(read(archive / part) for part in ("train", "test"))
    if name == "olivetti":
        return cut(read(folder / "olivetti" / "olivetti_faces.npz"), 10)
    if name == "digits":
        from sklearn.datasets import load_digits

        found = load_digits()
        return cut(((found.images * 15.9).astype(np.uint8), found.target), 5)
    return cut(read(folder / {"cats_dogs": "cats_dogs", "faces": "faces_fewshot_256"}[name], size=str(size)), 5)


def run(name: str, seed: int, arguments: argparse.Namespace) -> dict[str, object]:
    """One training, its fakes and their scores."""
    import gankit

    (x, y), (x_test, y_test) = images(name, arguments.folder, arguments.size)
    if arguments.few:
        kept = np.sort(np.random.default_rng(seed).permutation(len(x))[: arguments.few])
        x, y = x[kept], y[kept]
    options = dict(text.split("=", 1) for text in arguments.set)
    typed = {
        k: json.loads(v) if v[0] in "0123456789tf[" and k not in ("samples", "budget", "size") else v
        for k, v in options.items()
    }
    typed |= {"samples": arguments.samples} if arguments.samples else {"budget": arguments.budget or "5m"}
    began = time.monotonic()
    source = x if len(np.unique(y)) < 2 or arguments.unlabelled else (x, y)
    with tempfile.TemporaryDirectory() as temporary:
        moments = Moments(Path(temporary), arguments.progress) if arguments.curve else None
        model = gankit.train(
            source, seed=seed, **typed, out=moments.folder if moments else None,
            on_progress=moments or (_spoken if arguments.progress else None),
        )  # fmt: skip
        seconds = time.monotonic() - began
        points = moments.models(model, arguments.curve) if moments else []
    row: dict[str, object] = {"data": name, "seed": seed, "set": " ".join(arguments.set), "train_s": round(seconds, 1)}
    row |= {key: model.card[key] for key in ("network", "samples", "epochs", "steps")}
    row["chosen"] = model.card["metric"]["samples"]
    row["strength"] = round(model.history[-1]["strength"], 3)
    fakes = _fakes(model, arguments.fakes, seed)
    if arguments.grid:
        from gankit.kinds.images.records import Images, write_images

        arguments.grid.mkdir(parents=True, exist_ok=True)
        file = arguments.grid / f"{name}-{seed}{'-' + '-'.join(arguments.set) if arguments.set else ''}.png"
        write_images([Images(fakes[:100], None, model.origin)], file, model.origin)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(arguments.keep or temporary)
        place.mkdir(parents=True, exist_ok=True)
        files = [place / f"{name}-{seed}-{part}.npz" for part in ("train", "test", "fake")]
        np.savez(files[0], x=x, y=y)
        np.savez(files[1], x=x_test, y=y_test)
        np.savez(files[2], x=fakes[..., 0] if fakes.shape[3] == 1 else fakes)
        if arguments.keep:
            model.save(place / f"{name}-{seed}.safetensors")

        def scored(found: np.ndarray) -> dict[str, float]:
            if not arguments.scorer:
                return own(model, x, x_test, found)
            np.savez(files[2], x=found[..., 0] if found.shape[3] == 1 else found)
            command = [*shlex.split(arguments.scorer), *map(str, files)]
            return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

        for samples, seconds, then in points:
            score = scored(_fakes(then, arguments.fakes, seed))
            print(json.dumps({"at": samples, "train_s": round(seconds, 1), **score}), flush=True)
        row |= scored(fakes)
    return row


class Moments:
    """The weights of the averaged G as each evaluation of a run left them, kept in a folder."""

    def __init__(self, place: Path, spoken: bool) -> None:
        self.folder, self._spoken, self._began = place / "run", spoken, time.monotonic()
        self._kept: list[tuple[int, float, Path]] = []

    def __call__(self, progress: Any) -> None:
        if self._spoken:
            _spoken(progress)
        if progress.metric is not None:
            file = self.folder.parent / f"{progress.samples}.safetensors"
            shutil.copy(max((self.folder / "checkpoints").glob("*.safetensors")), file)
            self._kept.append((progress.samples, time.monotonic() - self._began, file))

    def models(self, model: Any, count: int) -> list[tuple[int, float, object]]:
        """`count` evenly spaced moments before the last: samples, seconds since the start, the model as it was."""
        from gankit.model.files import read_safetensors

        found = []
        for index in np.linspace(0, len(self._kept) - 1, count + 1)[:-1].astype(int):
            samples, seconds, file = self._kept[index]
            tensors = read_safetensors(file)[0]
            then = copy.deepcopy(model)
            then.generator.load_state_dict(
                {key.removeprefix("average."): t for key, t in tensors.items() if key.startswith("average.")}
            )
            found.append((samples, seconds, then))
        return found


def _fakes(model: Any, count: int, seed: int) -> np.ndarray:
    return np.concatenate([batch.x for batch in model.sample_batches(count, seed=seed)])


def own(model: Any, x: np.ndarray, x_test: np.ndarray, fakes: np.ndarray) -> dict[str, float]:
    """The project's own figures; the test images trained nothing."""
    from gankit.kinds.images.metrics.metrics import evaluate_images

    def full(a: np.ndarray) -> np.ndarray:
        return a if a.ndim == 4 else a[..., None]

    found = evaluate_images(full(x), full(x_test), fakes, features=model.perception.features)
    values = {name: result.fake.value for name, result in found.results.items()}
    return {name: round(value, 4) for name, value in values.items() if value and np.isfinite(value)}


def _spoken(progress: Any) -> None:
    if progress.metric is not None:
        fields = ("samples", "gap", "weight", "strength", "metric", "samples_per_second")
        print({name: getattr(progress, name) for name in fields}, file=sys.stderr, flush=True)


def main() -> None:
    """Runs every combination of data and seed, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--budget")
    parser.add_argument("--samples")
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE")
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"))
    parser.add_argument("--size", type=int, default=64, help="pixels a side of cats_dogs and faces")
    parser.add_argument("--fakes", type=int, default=10_000)
    parser.add_argument("--few", type=int, default=0, metavar="N", help="train on N of the training images alone")
    parser.add_argument("--unlabelled", action="store_true", help="leave the classes out")
    parser.add_argument("--scorer")
    parser.add_argument("--curve", type=int, default=0, metavar="N", help="moments before the end to score as well")
    parser.add_argument("--grid", type=Path, help="folder for a grid of fakes a run")
    parser.add_argument("--keep", help="folder to keep the files and the model in")
    parser.add_argument("--progress", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.data:
        for seed in arguments.seeds:
            print(json.dumps(run(name, seed, arguments)), flush=True)


if __name__ == "__main__":
    sys.exit(main())

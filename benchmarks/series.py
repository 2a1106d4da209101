"""Series by the command line: train, sample and score as a user would.

    python benchmarks/series.py DATA [--budget 10m | --samples 400k] [--seed 0] [--all] [--option NAME=VALUE ...]

DATA is `stock` or `energy` (files of ../shared/data/series), `sines` (10,000 windows of 24 steps of 5 sines, as in
TimeGAN's protocol) or the path of a UCR file *_TRAIN.tsv. Runs `gankit train DATA` and `gankit sample` in a folder of
its own, as many fakes as there are training windows, and prints one line of a Markdown table.

Windows are scored by ../shared/score/series.py against all windows, those that gankit held out too. With --all the data
is also the held-out file (--heldout), so that all windows train, as in TimeGAN's protocol.

For UCR files it is the accuracy on the TEST file of 1-nearest-neighbour classifiers taught by ten fakes a training
series, and by the TRAIN file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from series_networks import Scorer, load, neighbours

COMMAND = [sys.executable, "-m", "gankit"]


def prepared(name: str, folder: Path, own: Path) -> tuple[Path, list[str], np.ndarray]:
    """The file to train on, options of `gankit train`, and its windows [N, T, C]."""
    if name == "sines":
        x = load(name, folder).x
        np.savez(own / "sines.npz", x=x)
        return own / "sines.npz", ["--kind", "series"], x
    if name in ("stock", "energy"):
        path = folder / {"stock": "stock_data.csv", "energy": "energydata_complete.zip"}[name]
        return path, ["--kind", "series"], load(name, folder).x
    return Path(name), ["--kind", "series"], load(name, folder).x


def run(command: list[str]) -> str:
    """What a command prints; its failure is ours."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def main() -> None:
    """Train, sample, score, and print a line of a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--budget")
    parser.add_argument("--samples")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--option", nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/series"))
    parser.add_argument("--scorer", type=Path, default=Path("../shared/score/series.py"))
    a = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        own = Path(temporary)
        path, options, real = prepared(a.data, a.folder, own)
        length = ["--samples", a.samples] if a.samples else ["--budget", a.budget or "10m"]
        options += [*length, "--seed", a.seed, *(["--heldout", str(path)] if a.all else [])]
        options += [f"--{option}" for option in a.option]
        began = time.monotonic()
        said = run([*COMMAND, "train", str(path), "-o", str(own / "run"), *options])
        spent = time.monotonic() - began
        learned = int(next(v for v in said.split("; ") if " to learn from" in v).split()[0].replace(",", ""))
        times = 10 if path.suffix == ".tsv" else 1
        run([*COMMAND, "sample", str(own / "run"), "-n", str(times * learned), "-o", str(own / "fakes.npz")])
        fakes = np.load(own / "fakes.npz")
        shown = said.rsplit("game 100%", 1)[-1].split()[0] if "game 100%" in said else "stopped early"
        if path.suffix == ".tsv":
            scores = _classes(path, real, fakes, learned)
        else:
            scores = Scorer(a.scorer).scores(real, fakes["x"].astype(float), a.runs, True)
        cells = [Path(a.data).stem, " ".join(options[2:]), shown, f"{spent:.0f}", str(learned), *scores.values()]
        print("| " + " | ".join(cells).replace(str(path), "DATA") + " |", flush=True)


def _classes(path: Path, real: np.ndarray, fakes: np.lib.npyio.NpzFile, learned: int) -> dict[str, str]:
    train = np.loadtxt(path)
    test = np.loadtxt(path.with_name(path.name.replace("TRAIN", "TEST")))
    x = fakes["x"].reshape(len(fakes["x"]), -1)
    found = neighbours(x, fakes["class"].astype(int), test[:, 1:], test[:, 0].astype(int))
    known = neighbours(real[:, :, 0], train[:, 0].astype(int), test[:, 1:], test[:, 0].astype(int))
    return {"fakes": f"{found:.3f}", "real": f"{known:.3f}", "share": f"{found / known:.3f}"}


if __name__ == "__main__":
    main()

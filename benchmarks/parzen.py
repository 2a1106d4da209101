"""The dense GAN of 2014 on MNIST by its own protocol: the Parzen log-likelihood of table 1, and a grid of digits.

    python benchmarks/parzen.py --samples 10M --grid digits.png [--network dense2014] [--run FOLDER]

With --run the run is kept in that folder, and what was interrupted is gone on with, with the settings it was started
with; --average keeps a running average of G beside it, of that half-life in samples, and takes it in its place, as the
paper did not. --look trains nothing: it measures G as it is and its average in the latest checkpoint of --run.
--d-first lets D move before G, as in algorithm 1 of the paper, and not at once, as in its code.

The first 50,000 training digits train, the other 10,000 validate: they choose the checkpoint (by the project's own
metric) and sigma. No labels. 10,000 fakes; the mean log-likelihood of the 10,000 test digits. The paper has 225 +- 2.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def main() -> None:
    """Trains, measures, prints one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data"))
    parser.add_argument("--network", default="dense2014")
    parser.add_argument("--samples", default="2M")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grid", type=Path)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--average", type=float, default=0.0)
    parser.add_argument("--d-first", action="store_true")
    parser.add_argument("--look", action="store_true")
    arguments = parser.parse_args()

    from images import images

    import gankit
    from gankit.kinds.images.metrics.neighbours import parzen
    from gankit.kinds.images.records import Images, write_images
    from gankit.networks import NETWORKS

    (x, _), (test, _) = images("mnist", arguments.folder, 28)
    if arguments.look:
        look(arguments.run, arguments.network, x[50_000:, ..., None], test[..., None])
        return
    if arguments.d_first:
        published = NETWORKS[arguments.network]
        NETWORKS[arguments.network] = dataclasses.replace(
            published, recipe=lambda task: {**published.recipe(task), "at_once": False}
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if arguments.run is None else arguments.run.parent
        validation = (folder / "validation.npy").absolute()
        np.save(validation, x[50_000:])
        began = time.monotonic()
        if arguments.run is not None and arguments.run.exists():
            model = gankit.resume(arguments.run, x[:50_000], on_progress=_spoken)
        else:
            model = gankit.train(
                x[:50_000], network=arguments.network, samples=arguments.samples, heldout=str(validation),
                seed=arguments.seed, early_stop=False, on_progress=_spoken, out=arguments.run,
                ema_half_life=arguments.average,
            )  # fmt: skip
    fakes = np.concatenate([batch.x for batch in model.sample_batches(10_000, seed=arguments.seed)])
    score = parzen(fakes, x[50_000:, ..., None], test[..., None])
    if arguments.grid:
        write_images([Images(fakes[:100], None, model.origin)], arguments.grid, model.origin)
    row = {"network": arguments.network, "seed": arguments.seed, "samples": model.card["samples"]}
    row |= {"chosen": model.card["metric"]["samples"], "train_s": round(time.monotonic() - began)}
    row |= {"log_likelihood": round(score.value, 2), "error": round(score.details["error"], 2)}
    print(json.dumps({**row, "sigma": round(score.details["sigma"], 3)}), flush=True)


def look(run: Path, network: str, validation: np.ndarray, test: np.ndarray) -> None:
    """Measures the two generators of a run's latest checkpoint, and prints a JSON line each."""
    import torch

    from gankit.kinds.images.metrics.neighbours import parzen
    from gankit.model.files import read_safetensors
    from gankit.networks import build
    from gankit.networks.blocks import collapse
    from gankit.spec import Spec

    file = max((run / "checkpoints").glob("*.safetensors"))
    tensors = read_safetensors(file)[0]
    generator, _ = build(network, Spec("image", (1, 28, 28)))
    z = torch.randn(10_000, generator.num_latents, generator=torch.Generator().manual_seed(0))
    for name in ("generator", "average"):
        weights = {key[len(name) + 1 :]: t for key, t in tensors.items() if key.startswith(f"{name}.")}
        generator.load_state_dict(weights)
        with torch.no_grad():
            x = torch.cat([generator(part, part[:, :0], None) for part in z.split(500)])
        score = parzen(collapse(generator.spec, x, x.new_zeros(0)).numpy(), validation, test)
        row = {"checkpoint": file.stem, "of": name, "log_likelihood": round(score.value, 2)}
        print(json.dumps(row | {key: round(score.details[key], 3) for key in ("error", "sigma")}), flush=True)


def _spoken(progress: Any) -> None:
    if progress.metric is not None:
        fields = ("samples", "d_loss", "g_loss", "metric", "samples_per_second")
        print({name: getattr(progress, name) for name in fields}, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

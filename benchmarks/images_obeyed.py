"""How often a model of images gives the class it is asked for, as the scorer's classifier sees it.

    python benchmarks/images_obeyed.py MODEL SCORER/image.py CACHE TEST.npz [--count 1000] [--seed 0]

MODEL, TEST.npz (x, y) and CACHE (the scorer's classifier) are what `images.py --keep` and its --scorer with --cache
left. Asks for --count images of every class, as `--where label=CLASS` does, and prints a JSON line: the share that is
seen as asked for, by class and altogether, and the same of the test images.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
from pathlib import Path

import numpy as np
import torch

import gankit


def main() -> None:
    """Samples, classifies, prints."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("model", "scorer", "cache", "test"):
        ask.add_argument(name, type=Path)
    ask.add_argument("--count", type=int, default=1000)
    ask.add_argument("--seed", type=int, default=0)
    asked = ask.parse_args()
    spec = importlib.util.spec_from_file_location("image", asked.scorer)
    assert spec is not None and spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    model = gankit.load(asked.model)
    x, y = scorer.load(asked.test)
    net = scorer.Net(x.shape[1], int(y.max()) + 1)
    net.load_state_dict(torch.load(asked.cache, weights_only=True))
    net.eval()

    def seen(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([net.head(net.body(part)) for part in images.split(500)]).argmax(1)

    (field,) = model.given.codec.fields
    fakes = []
    for k in range(int(y.max()) + 1):
        batches = model.sample_batches(asked.count, seed=asked.seed, where={field.name: str(k)})
        made = torch.from_numpy(np.concatenate([batch.x for batch in batches])).permute(0, 3, 1, 2).float() / 127.5 - 1
        fakes.append(round((seen(made) == k).float().mean().item(), 3))
    real = seen(x)
    row = {"fakes": fakes, "all fakes": round(float(np.mean(fakes)), 4)}
    row["test"] = [round((real[y == k] == k).float().mean().item(), 3) for k in range(int(y.max()) + 1)]
    print(json.dumps({**row, "all test": round((real == y).float().mean().item(), 4)}))


if __name__ == "__main__":
    main()

"""The SNGAN of mimicry (pure PyTorch) on 32 x 32 pictures, for comparison: its networks, its steps, our minutes.

    python benchmarks/peer_mimicry.py CHECKOUT TRAIN.npz FAKE.npz --minutes 30 [--seed 0] [--n-dis 5]
        [--width 256 128] [--fakes 10000]

CHECKOUT is a clone of kwotsin/mimicry; of it only `nets` and `modules` are imported, for the rest needs torchvision.
Settings as its example has them: batch 64, Adam(2e-4, 0, .9), five steps of D for one of G, rates falling linearly to 0
at the end of the minutes; --width makes G and D narrower than their 256 and 128. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
import types
from pathlib import Path

import numpy as np
import torch


class Unlogged:
    """Takes what a step of mimicry wants to log."""

    def add_metric(self, *_: object, **__: object) -> None:
        """Forgets it."""


def main() -> None:
    """Trains for the minutes, samples, writes the fakes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("train")
    parser.add_argument("fake")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fakes", type=int, default=10_000)
    parser.add_argument("--n-dis", type=int, default=5)
    parser.add_argument("--width", type=int, nargs=2, default=[256, 128], metavar=("G", "D"))
    arguments = parser.parse_args()
    for name in ("torch_mimicry", "torch_mimicry.nets"):  # whose own __init__ import torchvision
        package = types.ModuleType(name)
        package.__path__ = [str(arguments.checkout / name.replace(".", "/"))]
        sys.modules[name] = package
    sngan = importlib.import_module("torch_mimicry.nets.sngan")

    torch.manual_seed(arguments.seed)
    x = torch.from_numpy(np.load(arguments.train)["x"]).permute(0, 3, 1, 2).contiguous()
    g, d = sngan.SNGANGenerator32(ngf=arguments.width[0]), sngan.SNGANDiscriminator32(ndf=arguments.width[1])
    optimisers = [torch.optim.Adam(net.parameters(), 2e-4, betas=(0.0, 0.9)) for net in (g, d)]
    shown = steps = 0
    log, began, length = Unlogged(), time.monotonic(), arguments.minutes * 60
    while (passed := time.monotonic() - began) < length:
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 2e-4 * (1 - passed / length)
        for turn in range(arguments.n_dis):
            batch = x[torch.randint(len(x), (64,))].float() / 127.5 - 1
            if turn == 0:
                g.train_step(real_batch=(batch, None), netD=d, optG=optimisers[0], log_data=log, device=g.device)
            d.train_step(real_batch=(batch, None), netG=g, optD=optimisers[1], log_data=log, device=d.device)
            shown += len(batch)
        steps += 1
    g.eval()
    with torch.no_grad():
        fakes = torch.cat([g.generate_images(min(250, arguments.fakes - i)) for i in range(0, arguments.fakes, 250)])
    made = ((fakes + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    np.savez(arguments.fake, x=made)
    row = {"steps": steps, "samples": shown, "train_s": round(time.monotonic() - began, 1), "n_dis": arguments.n_dis}
    row["width"] = arguments.width
    print(json.dumps(row))


if __name__ == "__main__":
    main()

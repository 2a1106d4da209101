"""The GANs of mimicry (pure PyTorch) on 32 x 32 images, for comparison: its networks, its steps, our minutes.

    python benchmarks/peer_mimicry.py CHECKOUT TRAIN.npz FAKE.npz --minutes 30 [--seed 0] [--n-dis 5]
        [--width 256 128] [--fakes 10000] [--by-class] [--curve 5]

CHECKOUT is a clone of kwotsin/mimicry; of it only `nets` and `modules` are imported, for the rest needs torchvision.
Settings as its example has them: batch 64, Adam(2e-4, 0, .9), five steps of D for one of G, rates falling linearly to 0
at the end of the minutes; --width makes G and D narrower than their 256 and 128. Its SNGAN, or with --by-class its
cGAN with projection, which takes y of TRAIN. With --curve N fakes of N moments before the end are written too, to
FAKE.1.npz and so on; their making does not count. Prints one JSON line.
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
    parser.add_argument("--by-class", action="store_true")
    parser.add_argument("--curve", type=int, default=0, metavar="N")
    arguments = parser.parse_args()
    # the own __init__ of these import torchvision
    for name in ("torch_mimicry", "torch_mimicry.nets", "torch_mimicry.nets.cgan_pd"):
        package = types.ModuleType(name)
        package.__path__ = [str(arguments.checkout / name.replace(".", "/"))]
        sys.modules[name] = package

    torch.manual_seed(arguments.seed)
    data = np.load(arguments.train)
    x, y = torch.from_numpy(data["x"]).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(data["y"])
    g, d = networks(arguments, int(y.max()) + 1)
    optimisers = [torch.optim.Adam(net.parameters(), 2e-4, betas=(0.0, 0.9)) for net in (g, d)]
    shown = steps = 0
    at: list[int] = []
    log, began, length = Unlogged(), time.monotonic(), arguments.minutes * 60
    while (passed := time.monotonic() - began) < length:
        if passed > length * (len(at) + 1) / (arguments.curve + 1):
            at.append(shown)
            write(g, arguments.fakes, Path(arguments.fake).with_suffix(f".{len(at)}.npz"))
            began += time.monotonic() - began - passed
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 2e-4 * (1 - passed / length)
        for turn in range(arguments.n_dis):
            chosen = torch.randint(len(x), (64,))
            batch = x[chosen].float() / 127.5 - 1, y[chosen]
            if turn == 0:
                g.train_step(real_batch=batch, netD=d, optG=optimisers[0], log_data=log, device=g.device)
            d.train_step(real_batch=batch, netG=g, optD=optimisers[1], log_data=log, device=d.device)
            shown += 64
        steps += 1
    row = {"steps": steps, "samples": shown, "train_s": round(time.monotonic() - began, 1), "n_dis": arguments.n_dis}
    write(g, arguments.fakes, Path(arguments.fake))
    print(json.dumps({**row, "width": arguments.width, "curve_at": at}))


def networks(arguments: argparse.Namespace, classes: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    """G and D for 32 x 32."""
    g, d = ({"ngf": arguments.width[0]}, {"ndf": arguments.width[1]})
    if arguments.by_class:
        found = importlib.import_module("torch_mimicry.nets.cgan_pd.cgan_pd_32")
        return found.CGANPDGenerator32(classes, **g), found.CGANPDDiscriminator32(classes, **d)
    found = importlib.import_module("torch_mimicry.nets.sngan")
    return found.SNGANGenerator32(**g), found.SNGANDiscriminator32(**d)


def write(g: torch.nn.Module, count: int, file: Path) -> None:
    """Writes fakes, classes drawn evenly; G is in training mode again after it."""
    g.eval()
    with torch.no_grad():
        fakes = torch.cat([g.generate_images(min(250, count - i)) for i in range(0, count, 250)])
    g.train()
    np.savez(file, x=((fakes + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy())


if __name__ == "__main__":
    main()

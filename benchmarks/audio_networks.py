"""Spoken digits as spectrograms or as raw samples at equal processor time, heard by a classifier of real audio clips.

    OMP_NUM_THREADS=1 python benchmarks/audio_networks.py strided NAME=VALUE ... --seconds 110
    OMP_NUM_THREADS=1 python benchmarks/audio_networks.py wave --seconds 110
    OMP_NUM_THREADS=1 python benchmarks/audio_networks.py codec
    OMP_NUM_THREADS=1 python benchmarks/audio_networks.py --fakes FILE.npz

Reads ../shared/data/fsdd_clips.zip (digit_speaker_take.wav; takes 0 to 4 are the test part). The listener is two
small convolutional networks, of the digit and of the speaker, trained on takes 5 to 49 alone; it sees log-mel
spectrograms of other frames and bands than the codec's, made by SciPy, with the loudest cell of each taken as 0. It
trains once and is kept in `--cache`.

A network (of spectrograms, or `wave`) is trained on nine tenths of takes 5 to 49 by digit for as many steps as
`--seconds` of processor time hold, measured at the start, and prints a line of a Markdown table: steps, seconds of
processor time, the share of 1,000 fakes in which the asked digit is heard, that of the worst digit, Frechet distances
to the test part in the listener's two last layers, the speakers heard, and the course of D's gap and of gamma.
NAME=VALUE sets fields of `GameConfig`, or width, depth and num_latents. `codec` prints what is heard in test
audio clips after a way through the spectrogram and back. --fakes judges a file that `gankit sample -o FILE.npz` wrote.
--test judges the test part itself.
"""

from __future__ import annotations

import argparse
import ast
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.signal import stft
from torch import Tensor, nn

from gankit.config import TrainConfig
from gankit.kinds.audio.codec import LENGTH, SOUND, SpectrogramCodec, WaveCodec, sound_values
from gankit.kinds.audio.files import Clips
from gankit.kinds.audio.reading import read_clips
from gankit.networks import build
from gankit.networks.blocks import collapse, expand
from gankit.randomness import torch_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.plan import GameConfig

RATE, LONGEST, DIGITS, FAKES = 8000, 8192, 10, 1000
BANDS, FRAME, HOP, FLOOR = 40, 256, 64, -70.0


def mel_looks(x: np.ndarray) -> Tensor:
    """[N, T, 1] int16 -> [N, 1, BANDS, frames] float32, about -1 to 1, 0 dB the loudest cell of each."""
    mel = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    f = np.linspace(0, RATE / 2, FRAME // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    weights = np.maximum(
        0, np.minimum((f - low) / np.maximum(middle - low, 32), (high - f) / np.maximum(high - middle, 32))
    )
    out = []
    for part in np.array_split(x[:, :, 0] / 32768, max(1, len(x) // 200)):
        _, _, z = stft(part, RATE, nperseg=FRAME, noverlap=FRAME - HOP)
        level = 20 * np.log10(weights @ np.abs(z) + 1e-7)
        level -= level.max((1, 2), keepdims=True)
        out.append(np.maximum(level, FLOOR) / (-FLOOR / 2) + 1)
    return torch.from_numpy(np.concatenate(out)).float()[:, None]


def listener(classes: int) -> nn.Sequential:
    """A small classifier of `mel_looks`."""
    layers: list[nn.Module] = []
    for before, after, stride in ((1, 24, 2), (24, 48, 2), (48, 96, 2), (96, 96, 1)):
        layers += [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((1, 4)), nn.Flatten(), nn.Dropout(0.3), nn.Linear(384, classes))


def taught(x: Tensor, y: Tensor, classes: int, epochs: int = 12, batch: int = 64) -> nn.Sequential:
    """A listener trained on x, each batch moved in time by up to 8 frames."""
    torch.manual_seed(0)
    net, steps = listener(classes), epochs * (len(x) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch)[: len(x) // batch]:
            moved = torch.roll(x[rows], int(torch.randint(-8, 9, (1,))), 3)
            loss = nn.functional.cross_entropy(net(moved), y[rows], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
    return net.eval()


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """The Frechet distance of two sets [N, F] as normal distributions."""
    first, second = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.maximum(np.linalg.eigvals(first @ second).real, 0)).sum()
    return float(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first) + np.trace(second) - 2 * root)


class Ears:
    """Two listeners, and what they hear in the test part."""

    def __init__(self, train: Clips, test: Clips, cache: Path) -> None:
        x = mel_looks(train.x)
        self.names = {"digit": [str(d) for d in range(DIGITS)], "speaker": sorted(set(column(train, "speaker")))}
        self.nets, self.real = {}, {}
        for label, names in self.names.items():
            file = cache.with_suffix(f".{label}.pt")
            if not file.exists():
                wanted = torch.tensor([names.index(v) for v in column(train, label)])
                torch.save(taught(x, wanted, len(names)).state_dict(), file)
            self.nets[label] = listener(len(names))
            self.nets[label].load_state_dict(torch.load(file, weights_only=True))
            self.nets[label].eval()
            self.real[label] = self.features(label, mel_looks(test.x))

    def features(self, label: str, x: Tensor) -> np.ndarray:
        """The layer before the last one, [N, 384]."""
        with torch.no_grad():
            return torch.cat([self.nets[label][:-2](part) for part in x.split(200)]).numpy()

    def heard(self, x: np.ndarray, wanted: np.ndarray) -> dict[str, Any]:
        """Of audio clips [N, T, 1] int16 and the digits [N] that were asked for."""
        looks = mel_looks(x)
        with torch.no_grad():
            digit = torch.cat([self.nets["digit"](p) for p in looks.split(200)]).argmax(1).numpy()
            speaker = torch.cat([self.nets["speaker"](p) for p in looks.split(200)]).argmax(1).numpy()
        shares = [(digit[wanted == k] == k).mean() for k in np.unique(wanted)]
        distances = {name: frechet(self.features(name, looks), self.real[name]) for name in self.nets}
        counts = np.bincount(speaker, minlength=len(self.names["speaker"])) / len(speaker)
        return {
            "heard": f"{(digit == wanted).mean():.3f}",
            "worst": f"{min(shares):.2f}",
            **{f"frechet {name}": f"{value:.1f}" for name, value in distances.items()},
            "speakers": " ".join(f"{share:.2f}" for share in counts),
        }


def column(clips: Clips, name: str) -> list[str]:
    """The values of a label."""
    assert clips.labels is not None
    return [str(value) for value in clips.labels.column(name).to_pylist()]


def parts(path: Path) -> tuple[Clips, Clips]:
    """Takes 5 to 49, and takes 0 to 4."""
    whole = read_clips(path, TrainConfig(pattern="{digit}_{speaker}_{take}", seconds=LONGEST / RATE), [])
    test = np.array([int(take) < 5 for take in column(whole, "take")])
    return whole.take(np.flatnonzero(~test)), whole.take(np.flatnonzero(test))


def row(cells: list[Any]) -> None:
    """A line of a Markdown table."""
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def trial(a: argparse.Namespace, train: Clips, ears: Ears) -> None:
    """Trains, makes fakes, and prints what is heard in them."""
    kind = WaveCodec if a.network == "wave" else SpectrogramCodec
    codec = kind.fit((), sound_values(train.x, train.lengths), RATE)
    x = torch.from_numpy(train.x if kind is WaveCodec else codec.look(train.x))
    digits = torch.tensor([int(d) for d in column(train, "digit")])
    c, held = torch.eye(DIGITS)[digits], torch.arange(len(x)) % 10 == 0

    def numbers(rows: Tensor) -> Tensor:
        return rows.float() / 32768 if kind is WaveCodec else expand(codec.spec, rows)

    chosen = {name: _value(text) for name, text in (pair.split("=", 1) for pair in a.set)}
    sizes = {name: chosen.pop(name) for name in ("width", "depth", "num_latents") if name in chosen}
    rate = 2e-3 if kind is WaveCodec else 2e-3 * (784 / codec.spec.dim) ** 0.5
    fixed: dict[str, Any] = {
        "batch": 32, "learning_rate": rate, "evaluations": 1, "early_stop": False, "gap_target": 0.15,
        "first_weight": codec.spec.dim / 784, "ema_half_life": 20_000.0,
        "augmentation": "none" if kind is WaveCodec else "spectral", **chosen,
    }  # fmt: skip
    labels = Spec("vector", (DIGITS,), (Block("categorical", DIGITS),))
    real, heldout = Batches(x[~held], c[~held], numbers), Batches(x[held], c[held], numbers)

    def new_game(total: int) -> Game:
        pair = build(a.network, codec.spec, labels, **sizes)
        for network in pair:
            network.multiply_in = torch.bfloat16
        return Game(*pair, GameConfig(total_samples=total, **fixed))

    timed, times = new_game(10**9), []
    for _ in range(25):
        start = time.process_time()
        timed.play_step(real)
        times.append(time.process_time() - start)
    game = new_game(int(a.seconds / sorted(times[5:])[10]) * fixed["batch"])
    start = time.process_time()
    course = [(p.gap, p.weight) for p in play(game, real, heldout)]
    spent = time.process_time() - start
    wanted = np.arange(FAKES) % DIGITS
    z = torch.randn(FAKES, game.generator.num_latents, generator=torch_generator(0, "fakes"))
    made = []
    for some in torch.arange(FAKES).split(100):
        with torch.no_grad():
            u = torch.zeros(len(some), game.generator.num_uniforms)
            fake = game.average.eval()(z[some], u, torch.eye(DIGITS)[wanted[some]])
        made.append(codec.decode(collapse(codec.spec, fake, torch.zeros(len(some), 1)).numpy())[SOUND].data)
    looks = [course[int(share * (len(course) - 1))] for share in (0.05, 0.25, 0.5, 1.0)]
    gaps = " ".join(f"{gap:.2f}/{weight:.2g}" for gap, weight in looks)
    found = ears.heard(np.concatenate(made), wanted)
    row([" ".join([a.network, *a.set]), game.step, f"{spent:.0f}", *found.values(), gaps])


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", nargs="?", default="strided")
    parser.add_argument("set", nargs="*", help="NAME=VALUE")
    parser.add_argument("--seconds", type=float, default=110.0)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/fsdd_clips.zip"))
    parser.add_argument("--cache", type=Path, default=Path("listener"))
    parser.add_argument("--fakes", type=Path)
    parser.add_argument("--test", action="store_true")
    a = parser.parse_intermixed_args()
    torch.set_num_threads(1)
    train, test = parts(a.data)
    ears = Ears(train, test, a.cache)
    digits = np.array([int(d) for d in column(test, "digit")])
    if a.test:
        row(["test audio clips", *ears.heard(test.x, digits).values()])
    elif a.fakes is not None:
        fakes = read_clips(a.fakes, TrainConfig(seconds=LONGEST / RATE), [], least=1, as_they_are=True)
        row([a.fakes.name, *ears.heard(fakes.x, np.array([int(d) for d in column(fakes, "digit")])).values()])
    elif a.network == "codec":
        codec = SpectrogramCodec.fit((), sound_values(train.x, train.lengths), RATE)
        values = codec.decode(codec.look(test.x))
        error = np.abs(values[LENGTH].data - test.lengths)
        row(
            ["codec", *ears.heard(values[SOUND].data, digits).values(), f"length off by {np.median(error):.0f} samples"]
        )
    else:
        trial(a, train, ears)


if __name__ == "__main__":
    main()

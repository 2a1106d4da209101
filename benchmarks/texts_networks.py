"""How well the pair for texts learns names by language, molecules (SMILES) and captions, with and without the game.

    OMP_NUM_THREADS=1 python benchmarks/texts_networks.py --data zinc --samples 500k
    OMP_NUM_THREADS=1 python benchmarks/texts_networks.py --data names --samples 300k --warmup 1.0

It needs the texts of benchmarks/README.md (`--folder`, by default ../shared/data/text); the share of SMILES that RDKit
reads is told where RDKit is installed. Results: benchmarks/texts.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from gankit.networks.base import Generator
from gankit.networks.sequences.symbols import PAIR, SymbolsGenerator
from gankit.options import parse_samples
from gankit.randomness import numpy_generator, torch_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.plan import GameConfig

LONGEST_GRAM = 4
JUDGED = 2000
"""Texts of an evaluation; the table at the end is made from as many as there are held-out texts."""

BLOCK = 256
"""Texts that are sampled together."""

Text = tuple[int, tuple[str, ...]]
"""A label and the symbols of a text."""


def read(data: str, folder: Path) -> tuple[list[Text], list[Text]]:
    """Training and held-out texts; labels are languages for names, else 0."""
    if data == "names":
        files = sorted((folder / "names").glob("*.txt"))
        lines = [(k, tuple(line)) for k, f in enumerate(files) for line in f.read_text("utf-8").split("\n") if line]
        order = numpy_generator(0, "split").permutation(len(lines))
        cut = len(lines) // 10
        return [lines[i] for i in order[cut:]], [lines[i] for i in order[:cut]]
    names = {"zinc": ("zinc_smiles_24k.txt", "zinc_smiles_test_5k.txt")}
    names["coco"] = ("image_coco_train.txt", "image_coco_test.txt")
    cut_up: Callable[[str], list[str]] = str.split if data == "coco" else list
    both = [(folder / f).read_text("utf-8").split("\n") for f in names[data]]
    train, heldout = ([(0, tuple(cut_up(line))) for line in lines if line.strip()] for lines in both)
    return train, heldout


class Alphabet:
    """Symbols to codes 1, 2, ... and back; code 0 ends a text."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self.symbols = ["", *sorted({s for _, text in texts for s in text})]
        self.code = {s: k for k, s in enumerate(self.symbols) if k}
        self.longest = max(len(text) for _, text in texts)

    def encode(self, texts: Sequence[Text]) -> Tensor:
        """[N, T, 1] int32; what is too long is cut, symbols that training never had are left out."""
        x = torch.zeros(len(texts), self.longest, 1, dtype=torch.int32)
        for i, (_, text) in enumerate(texts):
            codes = [self.code[s] for s in text if s in self.code][: self.longest]
            x[i, : len(codes), 0] = torch.tensor(codes, dtype=torch.int32)
        return x

    def decode(self, codes: Tensor, labels: Sequence[int]) -> list[Text]:
        """Texts of codes [N, T]."""
        rows = codes.tolist()
        return [(k, tuple(self.symbols[s] for s in row if s)) for k, row in zip(labels, rows, strict=True)]


def grams(texts: Sequence[Text], n: int) -> Counter[tuple[object, ...]]:
    """Counts of runs of n symbols, begin and end included, each together with the label of its text."""
    found: Counter[tuple[object, ...]] = Counter()
    for label, text in texts:
        whole = ("<", *text, ">")
        found.update((label, *whole[i : i + n]) for i in range(len(whole) - n + 1))
    return found


def divergence(a: Sequence[Text], b: Sequence[Text], n: int) -> float:
    """Jensen-Shannon divergence of the runs of n symbols of two lists of texts, in bits: 0 alike, 1 nothing shared."""
    left, right = grams(a, n), grams(b, n)
    p, q = (np.array([v[g] for g in left | right], float) for v in (left, right))
    p, q = p / p.sum(), q / q.sum()
    middle = (p + q) / 2

    def bits(p: np.ndarray) -> float:
        at = p > 0
        return float((p[at] * np.log2(p[at] / middle[at])).sum())

    return (bits(p) + bits(q)) / 2


def brackets_hold(smiles: str) -> bool:
    """Whether brackets are balanced and every ring number is opened and closed."""
    depth, inside, rings = 0, False, Counter[str]()
    for sign in smiles:
        if sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign in "[]":
            if inside == (sign == "["):
                return False
            inside = sign == "["
        elif sign.isdigit() and not inside:
            rings[sign] += 1
        if depth < 0:
            return False
    return depth == 0 and not inside and all(n % 2 == 0 for n in rings.values()) and bool(smiles)


def readable(smiles: Sequence[str]) -> float | None:
    """Share that RDKit reads as a molecule; None without RDKit."""
    try:
        from rdkit import Chem, RDLogger
    except ImportError:
        return None
    RDLogger.DisableLog("rdApp.*")
    return float(np.mean([bool(s) and Chem.MolFromSmiles(s) is not None for s in smiles]))


def measure(data: str, fakes: Sequence[Text], train: Sequence[Text], heldout: Sequence[Text]) -> dict[str, float]:
    """What is told of a sample."""
    seen = set(train)
    found = {f"js{n}": divergence(fakes, heldout, n) for n in range(1, LONGEST_GRAM + 1)}
    found["unique"] = len(set(fakes)) / len(fakes)
    found["new"] = float(np.mean([t not in seen for t in fakes]))
    if data == "zinc":
        strings = ["".join(text) for _, text in fakes]
        found["brackets"] = float(np.mean([brackets_hold(s) for s in strings]))
        share = readable(strings)
        if share is not None:
            found["valid"] = share
    return {name: round(value, 4) for name, value in found.items()}


def trigram(train: Sequence[Text], labels: Sequence[int], longest: int) -> list[Text]:
    """Texts of a trigram model of each label's training texts, as many as labels."""
    draws = numpy_generator(0, "trigram")
    after: dict[tuple[object, ...], Counter[str]] = {}
    for label, text in train:
        whole = ("<", "<", *text, ">")
        for i in range(2, len(whole)):
            after.setdefault((label, *whole[i - 2 : i]), Counter())[whole[i]] += 1
    tables = {k: (list(v), np.cumsum(list(v.values()))) for k, v in after.items()}
    made = []
    for label in labels:
        text = ["<", "<"]
        while len(text) < longest + 2:
            symbols, upto = tables[(label, *text[-2:])]
            symbol = symbols[int(np.searchsorted(upto, draws.random() * upto[-1], side="right"))]
            if symbol == ">":
                break
            text.append(symbol)
        made.append((label, tuple(text[2:])))
    return made


def sample(generator: Generator, alphabet: Alphabet, labels: Sequence[int], c: Tensor | None, t: float) -> list[Text]:
    """A text for each label; c [N, K] says the same to G."""
    assert isinstance(generator, SymbolsGenerator)
    parts = []
    for i in range(0, len(labels), BLOCK):
        draws = torch_generator(0, "sample", i)
        z = torch.randn(BLOCK, generator.num_latents, generator=draws)
        u = torch.rand(BLOCK, generator.num_uniforms, generator=draws)
        rows = min(BLOCK, len(labels) - i)
        part = None if c is None else c[i : i + rows]
        parts.append(generator.generate(z[:rows], u[:rows], part, temperature=t))
    return alphabet.decode(torch.cat(parts), labels)


def perplexity(generator: Generator, batches: Batches) -> float:
    """Nats a symbol of held-out texts."""
    assert isinstance(generator, SymbolsGenerator)
    nats, count = 0.0, 0
    for i in range(0, len(batches), BLOCK):
        rows = torch.arange(i, min(i + BLOCK, len(batches)))
        x, c = batches.rows(rows)
        found = generator.log_probabilities(x, c)
        nats -= float(found.sum())
        count += int((x > 0).sum()) + len(x)
    return nats / count


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--data", choices=("names", "zinc", "coco"), default="zinc")
    ask.add_argument("--folder", type=Path, default=Path("../shared/data/text"))
    ask.add_argument("--samples", type=parse_samples, default=parse_samples("300k"))
    ask.add_argument("--width", type=int, default=256)
    ask.add_argument("--depth", type=int, default=1)
    ask.add_argument("--dropout", type=float, default=0.0)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--evaluations", type=int, default=8)
    ask.add_argument("--game", type=json.loads, default={}, help="settings of GameConfig, as JSON")
    ask.add_argument("--begin", type=Path, help="weights of G to begin with")
    ask.add_argument("--keep", type=Path, help="where to keep the weights of the averaged G")
    ask.add_argument("--gradient-temperature", type=float, default=1.0)
    ask.add_argument("--temperatures", type=float, nargs="*", default=[1.0])
    told = ask.parse_args()
    torch.set_num_threads(1)

    train, heldout = read(told.data, told.folder)
    alphabet = Alphabet(train)
    spec = Spec("sequence", (alphabet.longest, len(alphabet.symbols)), (Block("categorical", len(alphabet.symbols)),))
    kinds = 1 + max(label for label, _ in train)
    condition = Spec("vector", (kinds,), (Block("categorical", kinds),)) if kinds > 1 else None

    def batches(texts: Sequence[Text]) -> Batches:
        c = torch.eye(kinds)[[label for label, _ in texts]] if condition else None
        ones = torch.eye(len(alphabet.symbols))
        return Batches(alphabet.encode(texts), c, lambda x: ones[x.squeeze(2).long()])

    real, unseen = batches(train), batches(heldout)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(told.seed)
        generator, discriminator = PAIR.builder(spec, condition, told.width, told.depth, 100)
    generator.multiply_in = discriminator.multiply_in = torch.bfloat16
    generator.start_from(real.x)
    generator.dropout, generator.gradient_temperature = told.dropout, told.gradient_temperature
    if told.begin:
        generator.load_state_dict(load_file(told.begin))
    config = GameConfig(total_samples=told.samples, seed=told.seed, evaluations=told.evaluations, **told.game)
    game = Game(generator, discriminator, config)

    def judge(generator: Generator) -> float:
        labels = [label for label, _ in heldout[:JUDGED]]
        fakes = sample(generator, alphabet, labels, None if unseen.c is None else unseen.c[:JUDGED], 1.0)
        return -float(np.mean([divergence(fakes, heldout[:JUDGED], n) for n in range(1, LONGEST_GRAM + 1)]))

    began = time.process_time()
    for look in play(game, real, unseen, judge):
        if look.metric is not None or look.scores is not None:
            numbers = (look.g_loss, look.d_loss, look.gap, look.weight, look.metric)
            said = " ".join("-" if v is None else f"{v:.4f}" for v in numbers)
            nats = perplexity(game.average, unseen)
            print(
                f"{time.process_time() - began:6.0f} s {look.samples:8} {look.phase[:4]} {said} {nats:.4f}", flush=True
            )
            for alarm in look.alarms:
                print("   !", alarm)
    spent = time.process_time() - began
    if told.keep:
        save_file(dict(game.average.state_dict()), told.keep)
    labels = [label for label, _ in heldout]
    rows = {}
    if not told.begin:
        real_ones = [train[i] for i in numpy_generator(0, "ceiling").permutation(len(train))[: len(heldout)]]
        rows["training texts"] = measure(told.data, real_ones, train, heldout)
        rows["trigram"] = measure(told.data, trigram(train, labels, alphabet.longest), train, heldout)
    which = {"last": game.average} | ({"best": game.best_generator()} if game.best is not None else {})
    for name, made in which.items():
        for t in told.temperatures:
            fakes = sample(made, alphabet, labels, unseen.c, t)
            rows[f"{name}, temperature {t:g}"] = measure(told.data, fakes, train, heldout)
            rows[f"{name}, temperature {t:g}"]["nats"] = round(perplexity(made, unseen), 4)
    print(json.dumps({"cpu_s": round(spent), "steps": game.step} | rows, indent=1))
    joint = " " if told.data == "coco" else ""
    for _, text in fakes[:8]:
        print("  ", joint.join(text))


if __name__ == "__main__":
    main()

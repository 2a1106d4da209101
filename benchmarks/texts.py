"""What a model of texts reaches on a test file that nobody used: n-grams, BLEU, variety, novelty, valid SMILES.

    python benchmarks/texts.py runs/captions ../shared/data/text/image_coco_test.txt --temperatures 1 .9 .8

Texts of the model, and of G before adversarial training (`likelihood.safetensors`), at each temperature. BLEU takes up
to 10,000 test texts as references. The share of valid SMILES is told (`--smiles`) where RDKit is installed. Results:
texts.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gankit.config import TrainConfig
from gankit.kinds import prepare
from gankit.kinds.texts.files import read_texts
from gankit.kinds.texts.metrics.metrics import evaluate_texts
from gankit.kinds.texts.records import TEXT, TextCodec, column_of, cut
from gankit.model import load
from gankit.run.folder import RunFolder

FIGURES = ("valid", "ngrams", "bleu_2", "bleu_5", "self_bleu_5", "backward_bleu_5", "uniqueness", "novelty")


def smiles_rule() -> Callable[[str], bool] | None:
    """Whether RDKit reads a text as a molecule; None without RDKit."""
    try:
        from rdkit import Chem, RDLogger
    except ImportError:
        return None
    RDLogger.DisableLog("rdApp.*")
    return lambda text: bool(text) and Chem.MolFromSmiles(text) is not None


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("run", type=Path)
    ask.add_argument("test", type=Path)
    ask.add_argument("--temperatures", type=float, nargs="*", default=[1.0])
    ask.add_argument("--count", type=int, default=5000)
    ask.add_argument("--smiles", action="store_true", help="texts are molecules")
    told = ask.parse_args()
    model = load(told.run)
    assert isinstance(model.codec, TextCodec)
    entry = json.loads((told.run / "config.json").read_text("utf-8"))
    train = prepare(entry["source"], TrainConfig.from_json(entry["options"]), []).train.values[TEXT].data.tolist()
    test = list(read_texts(told.test, TrainConfig(kind="text"), []).texts)
    judged = partial(
        evaluate_texts, train, test, tokenise=partial(cut, unit=model.codec.unit), max_texts=10_000, num_shown=0,
        valid=smiles_rule() if told.smiles else None, only=FIGURES,
    )  # fmt: skip
    rows = {}
    for name, one in {"model": model, "before adversarial training": RunFolder(told.run).load_baseline()}.items():
        for temperature in told.temperatures if one is not None else ():
            batches = one.sample_batches(told.count, temperature=temperature)
            texts = [text for table in batches for text in table.column(column_of(one.origin)).to_pylist()]
            found = judged(texts).results
            rows[f"{name}, {temperature:g}"] = {m: round(result.fake.value, 4) for m, result in found.items()}
            ceiling = {m: result.ceiling and round(result.ceiling.value, 4) for m, result in found.items()}
            trigram = {m: round(result.baselines["trigram"].value, 4) for m, result in found.items()}
    rows |= {"training texts": ceiling, "trigram model": trigram}
    for name, row in rows.items():
        print(name, json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

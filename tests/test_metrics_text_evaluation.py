from __future__ import annotations

import json
import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from results import named

from gankit.errors import DataError
from gankit.kinds.texts.metrics import metrics
from gankit.kinds.texts.metrics.fidelity import RARE
from gankit.kinds.texts.metrics.grams import quick_divergence
from gankit.kinds.texts.metrics.inputs import ngram_texts

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "text"
LABELLED = ("agreement", "usefulness")
NAMES = tuple(metric.name for metric in metrics.METRICS)
SOME = ("valid", "ngrams", "bleu_2", "backward_bleu_2", "self_bleu_2", "uniqueness", "lengths")
ASKED = {
    "fresh": NAMES,
    "copied": ("novelty", "copies_exact", "copies_near"),
    "collapsed": SOME,
    "noise": (*SOME, "judge"),
}


def numbers(num: int, seed: int) -> tuple[list[str], list[str]]:
    """Numbers in Roman and in Arabic signs, of 1 to 999, and the name of their signs."""
    draws = np.random.default_rng(seed)
    ones, tens, hundreds = (
        ["", *[p.translate(str.maketrans("IVX", s)) for p in ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"]]]
        for s in ("IVX", "XLC", "CDM")
    )
    texts, labels = [], []
    for value in draws.integers(1, 1000, num).tolist():
        roman = draws.random() < 0.5
        texts.append(hundreds[value // 100] + tens[value // 10 % 10] + ones[value % 10] if roman else f"no. {value}")
        labels.append("roman" if roman else "arabic")
    return texts, labels


@cache
def found(kind: str = "fresh") -> dict[str, Any]:
    train, heldout, fake = (numbers(n, seed) for n, seed in ((500, 0), (250, 1), (250, 2)))
    texts = list(fake[0])
    if kind == "copied":
        texts = train[0][:250]
    if kind == "collapsed":
        texts = [texts[i % 4] for i in range(250)]
    if kind == "noise":
        texts = ["".join(t) for t in ngram_texts(train[0], 1, 250, 0)]
    return evaluate_texts(
        train[0],
        heldout[0],
        texts,
        tokenise=list,
        labels=(train[1], heldout[1], fake[1]),
        valid=lambda t: re.fullmatch(r"no\. [1-9]\d{0,2}|[IVXLCDM]+", t) is not None,
        seed=3,
        only=ASKED[kind],
    )


def evaluate_texts(*args: Any, **options: Any) -> dict[str, Any]:
    return metrics.evaluate_texts(*args, **options).to_json()


def value(result: dict[str, Any], metric: str, who: str = "fake") -> float:
    entry = result["metrics"][metric]
    score = entry[who] if who in entry else entry["baselines"][who]
    return float(score["value"])


def test_every_metric_is_computed_and_the_whole_is_plain_json() -> None:
    result = found()
    assert list(result["metrics"]) == list(NAMES)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["rows"] == {"train": 500, "heldout": 250, "fake": 250, "compared": 250, "against": 250}
    for name, entry in result["metrics"].items():
        assert entry["fake"]["value"] is not None or name == "rare_symbols", name
        assert entry["ceiling"]["best"] == entry["fake"]["best"]
        expected = set() if name in LABELLED else {"unigram", "trigram", "shuffled", "bootstrap"}
        assert set(entry["baselines"]) == ({"bootstrap"} if name.startswith("copies") else expected)
    assert result["units"] == {"symbols": 21, "characters": True, "called": "characters", "longest": 12}
    assert sum(result["lengths"]["real"]) == pytest.approx(1)


def test_fresh_real_texts_in_the_place_of_fakes_stand_at_the_ceiling() -> None:
    result = found()
    for name, entry in result["metrics"].items():
        score, ceiling = entry["fake"], entry["ceiling"]
        if score["low"] is not None and score["value"] is not None and name not in ("symbols", "rare_symbols"):
            half = (score["high"] - score["low"] + ceiling["high"] - ceiling["low"]) / 2
            assert abs(score["value"] - ceiling["value"]) <= 2 * half + 0.02, name
    assert value(result, "valid") == 1.0 and value(result, "agreement") > 0.95 and value(result, "usefulness") > 0.95


def test_each_failure_is_seen_by_the_figure_that_is_for_it() -> None:
    fresh, copied, collapsed, noise = (found(k) for k in ("fresh", "copied", "collapsed", "noise"))
    assert value(copied, "novelty") == 0 and value(copied, "copies_exact") == 1
    assert value(copied, "copies_near") > 0.6 > value(fresh, "copies_near")
    assert value(collapsed, "uniqueness") == 4 / 250 and value(collapsed, "self_bleu_2") > 0.99
    assert value(collapsed, "backward_bleu_2") < value(fresh, "backward_bleu_2") - 0.1
    assert value(collapsed, "ngrams") > value(fresh, "ngrams") + 0.2
    for name in ("valid", "bleu_2", "judge"):
        assert value(noise, name) < value(fresh, name) - 0.2, name
    for name in ("ngrams", "lengths"):
        assert value(noise, name) > value(fresh, name) + 0.05, name
    for result in (fresh, collapsed):
        assert (
            value(result, "ngrams", "unigram") > value(result, "ngrams", "trigram") > value(result, "ngrams", "ceiling")
        )


def test_rows_that_are_named_are_rows_of_what_was_given() -> None:
    copied = found("copied")
    train = numbers(500, 0)[0]
    fake = train[:250]
    pairs = copied["metrics"]["copies_exact"]["fake"]["details"]["pairs"] + [
        p for p in copied["texts"]["copied"] if p["distance_train"] == 0
    ]
    assert pairs and all(fake[p["fake"]] == train[p["train"]] for p in pairs)
    shown = copied["texts"]
    assert shown["shown"] == list(range(48)) and shown["distance_train"] == [0.0] * 48
    assert all(train[n] == fake[i] for i, n in zip(shown["shown"], shown["nearest_train"], strict=True))
    noise = found("noise")
    assert noise["texts"]["invalid"] == sorted(noise["texts"]["invalid"]) and len(noise["texts"]["invalid"]) > 10
    assert found()["texts"]["invalid"] == []


def test_labels_have_figures_of_their_own() -> None:
    result = found()
    labels = numbers(250, 2)[1]
    by_class = {c["class"]: c for c in result["per_class"]}
    assert list(by_class) == ["arabic", "roman"]
    assert by_class["roman"]["fake_texts"] == labels.count("roman")
    for entry in by_class.values():
        assert entry["agreement"] > 0.95 and abs(entry["ngrams"] - entry["ngrams_real"]) < 0.1
    assert all(labels[i] == name for name, rows in result["texts"]["by_class"].items() for i in rows)
    assert result["classifier"]["accuracy"] > 0.95 and result["classifier"]["texts"] == 250


def test_labels_may_be_numbers_or_missing_and_must_fit() -> None:
    texts = [*["ab", "cd"] * 20]
    labels = [0, 1] * 20
    missing = [None if i < 4 else v for i, v in enumerate(labels)]
    result = evaluate_texts(texts, texts, texts, tokenise=list, labels=(labels, np.array(labels), missing))
    assert [(c["class"], c["fake_texts"]) for c in result["per_class"]] == [("0", 18), ("1", 18)]
    assert result["metrics"]["agreement"]["fake"]["details"]["rows"] == 36
    with pytest.raises(DataError, match=r"fake labels: expected one a text, 40\. Got 3"):
        evaluate_texts(texts, texts, texts, tokenise=list, labels=(labels, labels, [1, 2, 3]))
    none = evaluate_texts(texts, texts, texts, tokenise=list)
    assert not set(LABELLED) & set(none["metrics"]) and none["classifier"] is None and none["per_class"] == []
    assert "valid" not in none["metrics"]


def test_the_same_seed_gives_the_same_figures() -> None:
    def bare(result: dict[str, Any]) -> dict[str, Any]:
        metrics = {k: {a: b for a, b in v.items() if a != "seconds"} for k, v in result["metrics"].items()}
        return {**result, "metrics": metrics}

    parts = [numbers(60, seed)[0] for seed in (0, 1, 2)]
    once, again, other = (evaluate_texts(*parts, tokenise=list, seed=s, num_shown=5) for s in (0, 0, 1))
    assert bare(once) == bare(again) != bare(other)


@pytest.mark.parametrize(
    "texts",
    [["", ""], ["a", "a"], ["", "a", "bb" * 400], ["\x00\n", "日本", "👩‍👩‍👧", "e\u0301"]],
    ids=["empty", "equal", "lengths", "signs"],
)
def test_odd_texts_give_figures_or_reasons(texts: list[str]) -> None:
    result = evaluate_texts(texts, texts[::-1], texts, tokenise=list, valid=lambda t: t == "")
    json.dumps(result, allow_nan=False)
    for name, entry in result["metrics"].items():
        assert entry["fake"]["value"] is not None or entry["fake"]["details"]["reason"], name


def test_too_few_texts_are_refused_and_fewer_fakes_are_said() -> None:
    with pytest.raises(DataError, match="the synthetic texts: expected at least 2 texts to compare, found 1"):
        evaluate_texts(["a", "b"], ["a", "b"], ["a"], tokenise=list)
    parts = [numbers(n, s)[0] for n, s in ((30, 0), (40, 1), (50, 2))]
    result = evaluate_texts(*parts, tokenise=list, max_texts=35)
    assert result["rows"]["compared"] == 30 and result["rows"]["against"] == 35
    assert "30 of 50 synthetic texts were compared, as many as training texts." in result["notes"]
    assert "35 of 40 held-out texts were compared." in result["notes"]


def test_a_held_out_part_of_other_texts_is_noticed() -> None:
    texts, labels = numbers(1200, 0)
    train, other = ([t for t, v in zip(texts, labels, strict=True) if v == k] for k in ("roman", "arabic"))
    notes = evaluate_texts(train, other, train[:300], tokenise=list, only=("judge",))["notes"]
    assert any("the training part and the held-out part differ" in n.lower() for n in notes)
    assert not any("differ" in n for n in found()["notes"])


def test_words_are_joined_by_blanks_for_the_plain_methods() -> None:
    texts = [f"the {a} {b}" for a in ("cat", "dog", "cow") for b in ("sits", "runs", "eats", "sleeps")]
    words = {w for t in texts for w in t.split()}
    seen: list[str] = []

    def valid(text: str) -> bool:
        seen.append(text)
        return set(text.split(" ")) <= words

    result = evaluate_texts(texts, texts, texts, tokenise=str.split, valid=valid, only=("valid", "ngrams"))
    assert value(result, "valid") == 1 and value(result, "valid", "trigram") == 1
    assert result["units"]["called"] == "words"
    assert not result["units"]["characters"] and all("  " not in t and t == t.strip() for t in seen)
    given = evaluate_texts(texts, texts, texts, tokenise=str.split, join="-".join, valid=valid, only=("valid",))
    assert value(given, "valid", "trigram") < 0.5


def test_rare_means_less_than_one_text_in_a_hundred() -> None:
    assert RARE == 0.01 and "1%" in named(metrics.METRICS, "rare_symbols").meaning


# --- real data --------------------------------------------------------------------------------------------------------


def captions() -> tuple[list[str], list[str]]:
    paths = [DATA / f"image_coco_{part}.txt" for part in ("train", "test")]
    if not all(p.exists() for p in paths):
        pytest.skip("the captions are not there")
    lines = [line for p in paths for line in p.read_text(encoding="utf-8").splitlines()]
    order = np.random.default_rng(0).permutation(len(lines))
    return [lines[i] for i in order[:5000]], [lines[i] for i in order[5000:7000]]


def test_the_quick_figure_of_two_thousand_captions_takes_less_than_a_second() -> None:
    train, heldout = captions()
    real, fresh = ([t.split() for t in part] for part in (heldout, train[:2000]))
    start = time.process_time()
    best = quick_divergence(real, fresh, 0)[0]
    assert time.process_time() - start < 1
    assert quick_divergence(real, fresh[:20] * 100, 0)[0] < best - 0.05
    assert quick_divergence(real, ngram_texts(fresh, 1, 2000, 0), 0)[0] < best - 0.05


def test_figures_of_names_say_what_is_known_of_them() -> None:
    paths = sorted((DATA / "names").glob("*.txt"))
    if not paths:
        pytest.skip("the names are not there")
    pairs = [(n, p.stem) for p in paths for n in p.read_text(encoding="utf-8").split("\n") if n]
    order = np.random.default_rng(0).permutation(len(pairs))[:3000]
    texts, labels = zip(*[pairs[i] for i in order], strict=True)
    parts = [texts[a:b] for a, b in ((0, 1000), (1000, 2000), (2000, 3000))]
    given = [labels[a:b] for a, b in ((0, 1000), (1000, 2000), (2000, 3000))]
    asked = ("ngrams", "bleu_2", "agreement", "judge")
    result = evaluate_texts(*parts, tokenise=list, labels=tuple(given), only=asked)
    assert value(result, "ngrams", "trigram") > value(result, "ngrams") + 0.01
    assert 0.5 < value(result, "agreement") < 0.95 and value(result, "judge") > 0.8

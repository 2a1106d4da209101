from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from gankit.kinds.texts.metrics.fidelity import (
    LONGEST,
    Features,
    References,
    bleu_each,
    bleu_score,
    c2st,
    copies_near,
    head,
    learn,
    marked,
    novelty,
    self_bleu_each,
    symbols,
    uniqueness,
    usefulness,
    validity,
)
from gankit.kinds.texts.metrics.grams import (
    ORDERS,
    code,
    divergence,
    divergences,
    excess,
    grams,
    jensen_shannon,
    quick_divergence,
)
from gankit.kinds.texts.metrics.inputs import NgramModel, bootstrap, ngram_texts, shuffled
from gankit.metrics.classification import agreement, confusion_figures
from gankit.metrics.distances import lengths
from gankit.metrics.nearness import repeats

TEXTS = st.lists(st.text("abc", max_size=7), min_size=1, max_size=8)


def table(texts: list[str], n: int, marks: bool = False) -> list[Counter[str]]:
    """The n-grams of each text, counted one by one; marks are written < and >."""
    padded = [f"<{t}>" if marks else t for t in texts]
    found = [Counter(t[i : i + n] for i in range(len(t) - n + 1)) for t in padded]
    return [Counter({g: c for g, c in t.items() if n > 1 or g not in "<>"}) for t in found]


# --- n-grams ----------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(TEXTS, TEXTS, st.booleans())
def test_n_grams_are_those_counted_one_by_one(first: list[str], second: list[str], marks: bool) -> None:
    vocabulary: dict[str, int] = {}
    coded = [code(texts, vocabulary) for texts in (first, second)]
    letters = {number: unit for unit, number in vocabulary.items()} | {0: "<", 1: ">"}
    for n, (tables, names) in enumerate(grams(coded, 4, marks=marks), 1):
        for texts, found in zip((first, second), tables, strict=True):
            again = [Counter[str]() for _ in texts]
            for t, g, c in zip(found.text, found.gram, found.count, strict=True):
                again[t]["".join(letters.get(u, "") for u in names[g].tolist())] = int(c)
            assert again == table(texts, n, marks)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_the_divergence_is_that_of_scipy_averaged_over_orders(first: list[str], second: list[str]) -> None:
    wanted = []
    for n in (1, 2, 3, 4):
        p, q = (sum(table(t, n, True), Counter[str]()) for t in (first, second))
        known = sorted({*p, *q})
        if not p or not q:
            wanted.append(float(bool(p) or bool(q)))
        else:
            wanted.append(jensenshannon([p[g] for g in known], [q[g] for g in known], base=2) ** 2)
    vocabulary: dict[str, int] = {}
    sides = [code([list(x) for x in side], vocabulary) for side in (first, second)]
    assert divergences(sides, len(ORDERS))[0] == pytest.approx(np.mean(wanted), abs=1e-9)


def test_the_divergence_of_known_shares_by_hand() -> None:
    # P = (1/2, 1/2, 0), Q = (0, 1/2, 1/2): M = (1/4, 1/2, 1/4), H(M) = 1.5 bits, H(P) = H(Q) = 1 bit.
    assert jensen_shannon(np.array([1, 1, 0]), np.array([0, 7, 7])) == pytest.approx(0.5)


def test_the_interval_of_the_divergence_covers_fresh_texts_and_details_name_each_order() -> None:
    draws = np.random.default_rng(0)
    texts = ["".join(draws.choice(list("abcd"), 6)) for _ in range(400)]
    coded = [code(part, {"a": 2, "b": 3, "c": 4, "d": 5}) for part in (texts[:200], texts[200:])]
    tables = [found for found, _ in grams(coded, 2, marks=True)]
    score = divergence([t[0] for t in tables], [t[1] for t in tables], seed=3)
    assert score.low is not None and score.high is not None and score.low < score.value < score.high
    assert score.value == pytest.approx(np.mean(score.details["orders"]))
    empty = [found for found, _ in grams([coded[0], code([], {})], 2, marks=True)]
    assert math.isnan(divergence([t[0] for t in empty], [t[1] for t in empty]).value)


def test_the_n_grams_that_differ_most_are_named_and_rare_ones_are_not() -> None:
    vocabulary: dict[str, int] = {}
    coded = [code(texts, vocabulary) for texts in (["ab"] * 10 + ["z"], ["ac"] * 10)]
    ((tables, names), *_) = grams(coded, 1, marks=True)
    found = excess(tables[0], tables[1], names, ["", "", *vocabulary])
    assert {tuple(f["units"]) for f in found[:2]} == {("b",), ("c",)}
    assert found[0]["real"] + found[0]["fake"] == pytest.approx(10 / 21, abs=0.05) and ["z"] not in [
        f["units"] for f in found
    ]


# --- the quick figure -------------------------------------------------------------------------------------------------


def grammar(num: int, seed: int) -> list[list[str]]:
    """Texts of a small grammar, about 12 words each."""
    draws = np.random.default_rng(seed)
    nouns, verbs = [f"noun{i}" for i in range(60)], [f"verb{i}" for i in range(20)]
    out = []
    for _ in range(num):
        text = []
        for _ in range(int(draws.integers(2, 4))):
            k = int(draws.zipf(1.6)) % 60
            text += ["the", nouns[k], verbs[(7 * k + int(draws.integers(3))) % 20], "on"]
        out.append([*text, "end"])
    return out


def test_few_perfect_texts_and_noisy_texts_both_score_below_fresh_real_ones() -> None:
    real, fresh = grammar(1000, 0), grammar(1000, 1)
    collapsed = fresh[:5] * 200
    draws = np.random.default_rng(2)
    words = sorted({w for t in real for w in t})
    noisy = [[w if draws.random() > 0.2 else words[int(draws.integers(len(words)))] for w in t] for t in fresh]
    best = quick_divergence(real, fresh, 0)[0]
    assert -1 <= quick_divergence(real, collapsed, 0)[0] < best - 0.1
    assert -1 <= quick_divergence(real, noisy, 0)[0] < best - 0.1
    assert best < 0 and quick_divergence(real, fresh, 0)[0] == best
    assert quick_divergence(real, [], 0)[0] == -1.0 and quick_divergence(real, real, 0)[0] == pytest.approx(0, abs=1e-9)


def test_more_noise_scores_lower_step_by_step() -> None:
    real, fresh = grammar(500, 0), grammar(500, 1)
    words = sorted({w for t in real for w in t})
    found = []
    for share in (0.0, 0.1, 0.3, 0.9):
        draws = np.random.default_rng(3)
        noisy = [[w if draws.random() > share else words[int(draws.integers(len(words)))] for w in t] for t in fresh]
        found.append(quick_divergence(real, noisy, 0)[0])
    assert found == sorted(found, reverse=True)


def test_the_interval_of_the_quick_figure_covers_what_other_texts_give() -> None:
    found = [quick_divergence(grammar(100, 2 * i), grammar(100, 2 * i + 1), 0) for i in range(30)]
    middle = float(np.mean([value for value, _, _ in found]))
    assert all(low <= value <= high <= 0 for value, low, high in found)
    assert sum(low <= middle <= high for _, low, high in found) >= 25  # of 30 at .95; below has a chance of .003
    assert np.mean([high - low for _, low, high in found]) < 8 * np.std([value for value, _, _ in found])


# --- BLEU -------------------------------------------------------------------------------------------------------------


def bleu_by_hand(text: str, references: list[str], most: int) -> list[float]:
    """As NLTK's sentence_bleu with smoothing method 1 has it, written out for one text."""
    logs, out = [], []
    nearest = min((len(r) for r in references), key=lambda n: (abs(n - len(text)), n))
    penalty = 0.0 if not text else min(1.0, math.exp(1 - nearest / len(text)))
    for n in range(1, most + 1):
        counts = table([text], n)[0]
        limit = {g: max(t[g] for t in table(references, n)) for g in counts}
        matched = sum(min(c, limit[g]) for g, c in counts.items())
        if n == 1 and not matched:
            return [0.0] * most
        logs.append(math.log((matched or 0.1) / max(1, sum(counts.values()))))
        out.append(penalty * math.exp(sum(logs) / n))
    return out


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_bleu_of_every_text_is_that_of_its_definition(texts: list[str], references: list[str]) -> None:
    vocabulary: dict[str, int] = {}
    coded = [code(t, vocabulary) for t in (texts, references)]
    tables = [found for found, _ in grams(coded, 5, marks=False)]
    found = bleu_each([t[0] for t in tables], [t[1] for t in tables], coded[0].lengths, coded[1].lengths)
    assert found.T.tolist() == [pytest.approx(bleu_by_hand(t, references, 5)) for t in texts]


@settings(deadline=None)
@given(st.lists(st.text("abc", max_size=7), min_size=2, max_size=8))
def test_self_bleu_leaves_the_text_itself_out_but_not_its_equals(texts: list[str]) -> None:
    coded = code(texts, {})
    tables = [found[0] for found, _ in grams([coded], 5, marks=False)]
    wanted = [bleu_by_hand(t, texts[:i] + texts[i + 1 :], 5) for i, t in enumerate(texts)]
    assert self_bleu_each(tables, coded.lengths).T.tolist() == [pytest.approx(w) for w in wanted]


def test_bleu_of_papineni_clips_repeated_words() -> None:
    # The example of Papineni et al. (2002): seven times "the" has a modified unigram precision of 2/7.
    vocabulary: dict[str, int] = {}
    texts, references = [["the"] * 7], [t.split() for t in ("the cat is on the mat", "there is a cat on the mat")]
    coded = [code(t, vocabulary) for t in (texts, references)]
    ((a, b), _) = grams(coded, 1, marks=False)[0]
    assert bleu_each([a], [b], coded[0].lengths, coded[1].lengths)[0, 0] == pytest.approx(2 / 7)


def test_the_first_texts_alone_have_the_bleu_of_a_smaller_set() -> None:
    texts = ["abca", "bcab", "aab", "ccc", "abcabc"]
    coded = code(texts, {})
    tables = [found[0] for found, _ in grams([coded], 3, marks=False)]
    small = code(texts[:3], {})
    wanted = self_bleu_each([found[0] for found, _ in grams([small], 3, marks=False)], small.lengths)
    assert self_bleu_each([head(t, 3) for t in tables], coded.lengths[:3]) == pytest.approx(wanted)
    score = bleu_score(wanted[2], best=0.0, fast=0.5)
    assert score.value == pytest.approx(wanted[2].mean()) and score.details["references_500"] == 0.5
    assert math.isnan(bleu_score(wanted[2][:1], best=0.0).value)


# --- plain methods ----------------------------------------------------------------------------------------------------


def probability(model: NgramModel, history: str, unit: str | None) -> float:
    """P(unit | history) by the formula in the docstring of the model; unit None: the end of the text."""
    wanted, padded = "\0end" if unit is None else unit, ("\0begin",) * (model.order - 1) + tuple(history)
    value = 0.0
    for k in range(model.order):
        seen = model.after.get(padded[len(padded) - k :])
        if seen is None:
            break
        different = len(set(seen)) if k else 0
        value = (seen.count(wanted) + different * value) / (len(seen) + different)
    return value


def test_the_n_gram_model_has_the_probabilities_of_witten_and_bell() -> None:
    model = NgramModel(["ab", "ac", "a"], 2)
    # Units: a 3, b 1, c 1, end 3, of 8. After a: b, c and end, once each; 3 of 3 different.
    assert probability(model, "", "a") == pytest.approx((3 + 1 * 3 / 8) / (3 + 1))
    assert probability(model, "a", "b") == pytest.approx((1 + 3 * 1 / 8) / 6)
    assert probability(model, "a", None) == pytest.approx((1 + 3 * 3 / 8) / 6)
    assert probability(model, "zz", "c") == pytest.approx(1 / 8)
    for history in ("", "a", "b", "z"):
        assert sum(probability(model, history, u) for u in ("a", "b", "c", None)) == pytest.approx(1)


def test_texts_of_the_model_have_its_probabilities() -> None:
    texts = ["ab", "ac", "a", "ab", "cab"]
    model = NgramModel(texts, 3)
    drawn = Counter("".join(t) for t in model.sample(20_000, np.random.default_rng(0)))

    for text in ("a", "ab", "ac", "cab", "b"):
        p = math.prod(probability(model, text[:i], u) for i, u in enumerate(text))
        p *= probability(model, text, None) if len(text) < model.longest else 1.0
        assert drawn[text] / 20_000 == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000) + 1e-9)
    assert max(map(len, drawn)) <= 3


def test_a_model_of_no_texts_and_of_empty_ones_gives_empty_texts() -> None:
    assert NgramModel([], 3).sample(2, np.random.default_rng(0)) == [[], []]
    assert NgramModel(["", ""], 2).sample(2, np.random.default_rng(0)) == [[], []]


def test_baselines_are_of_training_units_and_the_same_for_the_same_seed() -> None:
    texts = ["abc", "bca", "aab"]
    mixed = shuffled(texts, 50, 1)
    assert {"".join(sorted(t)) for t in mixed} <= {"abc", "aab"} and mixed == shuffled(texts, 50, 1)
    assert ngram_texts(texts, 1, 20, 0) == ngram_texts(texts, 1, 20, 0) != ngram_texts(texts, 1, 20, 1)
    rows = bootstrap(3, 100, 0)
    assert rows.shape == (100,) and set(rows.tolist()) == {0, 1, 2}


# --- edit distances and copies ----------------------------------------------------------------------------------------


def levenshtein(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        above, row = row, [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@settings(deadline=None)
@given(st.text("abc", max_size=9), st.lists(st.text("abc", max_size=9), min_size=1, max_size=9))
def test_edit_distances_are_those_of_the_table(text: str, others: list[str]) -> None:
    vocabulary: dict[str, int] = {}
    references, query = References(code(others, vocabulary)), code([text], vocabulary)
    assert references.distances(query)[0].tolist() == [levenshtein(text, o) for o in others]
    rows, distances = references.nearest(query)
    relative = [levenshtein(text, o) / max(len(text), len(o), 1) for o in others]
    assert distances[0] == pytest.approx(min(relative)) and relative[rows[0]] == min(relative)


@pytest.mark.parametrize("length", [63, 64, 65, 127, 128, 129, 200, 256])
def test_edit_distances_hold_where_texts_fill_whole_words_of_bits(length: int) -> None:
    draws = np.random.default_rng(length)
    texts = ["".join(draws.choice(list("ab"), n)) for n in (length, length + 1, 60, 64, 130, 250, 0)]
    vocabulary: dict[str, int] = {}
    coded = code(texts, vocabulary)
    query = coded.take(np.array([0]))
    assert References(coded).distances(query)[0].tolist() == [levenshtein(texts[0], t[:LONGEST]) for t in texts]


def test_longer_texts_are_seen_up_to_a_length() -> None:
    vocabulary: dict[str, int] = {}
    coded = code(["a" * LONGEST + "b" * 9, "a" * LONGEST + "c"], vocabulary)
    assert References(coded).distances(coded.take(np.array([1]))).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="no texts"):
        References(code([], {}))


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_marked_pieces_put_together_are_the_texts(a: str, b: str) -> None:
    pieces = marked(list(a), list(b))
    assert ["".join(u for _, units in side for u in units) for side in pieces] == [a, b]
    equal = ["".join(u for differs, units in side if not differs for u in units) for side in pieces]
    assert equal[0] == equal[1]
    if a == b:
        assert not any(differs for side in pieces for differs, _ in side)


def test_copies_are_counted_and_named_and_honest_texts_are_not_accused() -> None:
    draws = np.random.default_rng(0)
    texts = ["".join(draws.choice(list("abcdefgh"), 12)) for _ in range(600)]
    train, heldout, honest = texts[:200], texts[200:400], texts[400:]
    near = [t[:5] + "z" + t[6:] for t in train[:100]]
    exact = repeats(train, heldout, [*near, train[7], train[7]], "texts")
    assert exact.details["copies"] == 2 and exact.details["unique_copied"] == 1 and exact.details["heldout_share"] == 0
    assert exact.details["pairs"] == [{"fake": 100, "train": 7}, {"fake": 101, "train": 7}]
    vocabulary: dict[str, int] = {}
    members, others, good, bad = (code(t, vocabulary) for t in (train, heldout, honest, near))
    among = References(members), References(others)
    _, usual = among[0].nearest(others)
    fair, caught = (copies_near(*among, fake, usual) for fake in (good, bad))
    assert fair.low is not None and fair.high is not None and fair.low < 0.5 < fair.high
    assert fair.details["three_sample"]["p"] > 0.001
    assert caught.value == 1.0 and caught.details["three_sample"]["p"] < 1e-10
    pair = caught.details["pairs"][0]
    assert pair["fake"] == pair["train"] and pair["distance_train"] == pytest.approx(1 / 12)
    assert sum(caught.details["distance"]["fake"]) == pytest.approx(1)
    assert math.isnan(repeats([], heldout, near, "texts").value)
    assert math.isnan(copies_near(*among, bad.take(np.array([0])), usual).value)


# --- shares -----------------------------------------------------------------------------------------------------------


def test_shares_of_valid_new_and_different_texts_are_counted() -> None:
    texts = ["ab", "a1", "ab", "zz"]
    valid = validity(texts, str.isalpha)
    assert valid.value == 0.75 and valid.details["wrong"] == [1]
    assert novelty(texts, {"ab"}).value == 0.5
    unique = uniqueness(texts)
    assert unique.value == 0.75 and unique.details["most_frequent"] == 0.5
    assert all(math.isnan(s.value) for s in (validity([], str.isalpha), novelty([], set()), uniqueness([])))


@settings(deadline=None)
@given(*[st.lists(st.integers(0, 12), min_size=1, max_size=30)] * 2)
def test_the_distance_of_lengths_is_that_of_kolmogorov_and_smirnov(a: list[int], b: list[int]) -> None:
    wanted = max(abs(np.mean(np.array(a) <= k) - np.mean(np.array(b) <= k)) for k in range(13))
    assert lengths(np.array(a), np.array(b)).value == pytest.approx(wanted)


def test_symbols_that_never_occur_are_named_the_most_frequent_first() -> None:
    vocabulary: dict[str, int] = {}
    real, fake = code(["ab"] * 300 + ["ac"] * 100 + ["d", "e"], vocabulary), code(["aad"] * 9, vocabulary)
    names = ["", "", *vocabulary]
    every, rare = (symbols(fake, real, names, rare=r) for r in (False, True))
    assert every.value == 2 / 5 and [m["unit"] for m in every.details["missed"]] == ["b", "c", "e"]
    assert rare.value == 1 / 2 and rare.details["missed"] == [{"unit": "e", "texts": 1}]
    assert math.isnan(symbols(fake, code(["ab"], vocabulary), names, rare=True).value)


# --- judges -----------------------------------------------------------------------------------------------------------


def test_the_judge_finds_shuffled_words_and_not_fresh_ones() -> None:
    texts = [" ".join(t) for t in grammar(360, 0)]
    rows = Features(str.split, True)
    real, fresh = rows(texts[:180]), rows(texts[180:])
    wrong = rows([" ".join(t) for t in shuffled([t.split() for t in texts[180:]], 180, 0)])
    good, bad = c2st(real, fresh, seed=1), c2st(real, wrong, seed=1)
    assert good.details["auc_low"] < 0.56 and good.value > 0.7
    assert bad.details["auc"] > 0.95 and bad.value < 0.1 and bad.details["accuracy"] > 0.85
    assert bad.details["precision"] > 0.8 and bad.details["recall"] > 0.8
    assert math.isnan(c2st(real[:3], fresh[:3]).value)


def test_precision_and_recall_of_the_judge_are_those_of_calling_texts_real() -> None:
    rows = Features(list, False)
    found = c2st(rows(["aaaa"] * 30), rows(["bbbb"] * 20))
    assert found.details == {
        "auc": 1.0,
        "auc_low": 1.0,
        "auc_high": 1.0,
        "accuracy": 1.0,
        "precision": 1.0,
        "recall": 1.0,
        "folds": 3,
        "rows": 20,
    }
    assert found.value == 0.0


def test_a_classifier_learns_labels_and_fakes_with_wrong_labels_teach_none() -> None:
    draws = np.random.default_rng(0)
    y = draws.integers(0, 3, 300)
    texts = ["".join(draws.choice(list(["abx", "cdx", "efx"][k]), 8)) for k in y]
    x = Features(list, False)(texts)
    seen = learn(x[:200], y[:200], 4)(x[200:])
    assert (seen == y[200:]).mean() > 0.95 and 3 not in seen
    names = ["a", "c", "e", "none"]
    right, wrong = (usefulness(x[:200], v, x[200:], y[200:], names) for v in (y[:200], (y[:200] + 1) % 3))
    assert right.value > 0.95 and wrong.value < 0.1 and right.details["test_rows"] == 100
    obeyed = agreement(y[200:], seen, len(names), "texts")
    assert obeyed.value == right.value and np.sum(obeyed.details["confusion"]) == 100
    figures = confusion_figures(np.array([0, 0, 1]), np.array([0, 1, 1]), ["a", "b"], "texts")
    assert figures["accuracy"] == pytest.approx(2 / 3) and figures["texts"] == 3 and "images" not in figures
    assert figures["classes"][0] == {"class": "a", "texts": 2, "precision": 1.0, "recall": 0.5}
    assert (learn(x[:9], np.zeros(9, int), 2)(x) == 0).all()
    assert math.isnan(usefulness(x[:9], np.zeros(9, int), x, y, names).value)

"""What holds in every text: brackets that are closed and symbols that come in twos, found and kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import gankit
from gankit.kinds.texts.balance import LEAST_TEXTS, Balance


def written(count: int, seed: int = 0) -> list[str]:
    """Words of letters with brackets that are closed, stars in twos, and every now and then a lonely dash."""
    draws = np.random.default_rng(seed)

    def part(depth: int) -> str:
        letters = "".join(draws.choice(list("abcd"), draws.integers(1, 4)))
        if depth < 2 and draws.random() < 0.6:
            letters += f"({part(depth + 1)})"
        return letters + ("-" if draws.random() < 0.2 else "")

    return [f"*{part(0)}*" if draws.random() < 0.5 else part(0) for _ in range(count)]


def broken(text: str) -> bool:
    depth = 0
    for sign in text:
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if depth < 0:
            return True
    return depth != 0 or text.count("*") % 2 == 1


def test_what_holds_in_all_texts_is_found_and_what_fails_in_one_is_not() -> None:
    codes = np.zeros((4 * LEAST_TEXTS, 6), np.int16)
    codes[:, 0], codes[:, 1], codes[:, 2], codes[:, 3] = 2, 3, 4, 4  # 2 is closed by 3, 4 comes in twos
    codes[::2, 4] = 5
    found = Balance.of(codes, codes[:3], 6)
    assert found == Balance(((2, 3),), (4,))
    assert Balance.of(codes, np.array([[3, 2, 4, 4, 0, 0]], np.int16), 6) == Balance((), (4,)), "closed before opened"
    assert Balance.of(codes, np.array([[2, 3, 4, 0, 0, 0]], np.int16), 6) == Balance(((2, 3),), ())
    one = codes.copy()
    one[7, 3] = 0
    assert Balance.of(one, codes[:3], 6) == Balance(((2, 3),), ())
    assert not Balance.of(codes[: LEAST_TEXTS - 1], codes[:3], 6), "too few texts to believe in it"


def test_which_texts_keep_it() -> None:
    codes = np.array([[2, 5, 3, 0], [2, 2, 3, 0], [3, 2, 0, 0], [4, 5, 4, 0], [4, 5, 5, 0], [0, 0, 0, 0]], np.int16)
    assert Balance(((2, 3),), (4,)).kept(codes).tolist() == [True, False, False, True, False, True]


@pytest.fixture(scope="module")
def model() -> gankit.Model:
    return gankit.train(written(1500), kind="text", samples="6k", seed=1, verbose=False)


def test_every_sample_keeps_the_rules_and_rows_stay_where_they_are(model: gankit.Model, tmp_path: Path) -> None:
    assert model.card["rules"] == ["( is closed by )", "* comes in twos"]
    texts = model.sample(3000, seed=3)
    assert not any(map(broken, texts))
    assert texts[700:1300] == model.sample(600, seed=3, offset=700)
    assert all(text.startswith("a(") for text in model.sample(50, prefix="a("))
    model.save(tmp_path / "m.safetensors")
    assert gankit.load(tmp_path / "m.safetensors").sample(20, seed=3) == texts[:20]


def test_without_the_rules_the_same_network_breaks_them(model: gankit.Model) -> None:
    free = gankit.train(written(1500), kind="text", samples="6k", seed=1, no_rule="all", verbose=False)
    assert "rules" not in free.card
    texts = free.sample(3000, seed=3)
    assert sum(map(broken, texts)) > 100
    kept = [text for text in texts if not broken(text)]
    assert len(set(kept) & set(model.sample(3000, seed=3))) > len(set(kept)) // 2, "those that keep them are the same"


def test_one_rule_can_be_left_out_and_an_unknown_one_is_refused() -> None:
    one = gankit.train(written(600), kind="text", samples="1k", no_rule="* comes in twos", verbose=False)
    assert one.card["rules"] == ["( is closed by )"]
    with pytest.raises(
        gankit.OptionError, match=r"no such rule was found. There are: . is closed by ., . comes in twos"
    ):
        gankit.train(written(600), kind="text", samples="1k", no_rule="x comes in twos", verbose=False)


def test_a_beginning_that_no_text_can_keep_is_refused_and_says_why(model: gankit.Model) -> None:
    with pytest.raises(gankit.OptionError, match="the beginning closes what is not open"):
        model.sample(3, prefix="a)")

"""The codec of texts: every text of its alphabet comes back, and what has no code is never written."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gankit.columns.column import Values
from gankit.kinds import KINDS
from gankit.kinds.texts.records import END, RARE, TEXT, TextCodec, cut

texts_of_signs = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), min_size=1)
texts_of_words = st.lists(
    st.lists(st.text("abcé我", min_size=1, max_size=4), min_size=1, max_size=6).map(" ".join), min_size=1
)


def column(texts: list[str]) -> dict[str, Values]:
    data = np.empty(len(texts), dtype=object)
    data[:] = texts
    return {TEXT: Values(data, np.zeros(len(texts), np.int8))}


@given(texts_of_signs)
@settings(max_examples=60, deadline=None)
def test_characters_come_back_as_they_were(texts: list[str]) -> None:
    check(texts, "character")


@given(texts_of_words)
@settings(max_examples=60, deadline=None)
def test_words_come_back_as_they_were(texts: list[str]) -> None:
    check(texts, "word")


def test_line_breaks_and_no_break_spaces_come_back() -> None:
    check(["sun\u00a0: rain\u00a0!", "sun\nrain\n\nwind", "wind\t sun", "sun\r\nrain"], "word")
    assert cut("sun  rain\u00a0!", "word") == ["sun", "rain", "\u00a0", "!"]


def check(texts: list[str], unit: str) -> None:
    codec = TextCodec.fit((), column(texts), unit)
    coded = codec.encode(column(texts))
    assert coded.shape == (len(texts), *codec.spec.shape[:1], 1) and coded.dtype == np.int16
    assert coded.max() < codec.spec.shape[1] and not (coded == RARE).any()
    assert codec.decode(coded)[TEXT].data.tolist() == texts
    again = KINDS["text"].codec.from_json(json.loads(json.dumps(codec.to_json())))
    np.testing.assert_array_equal(again.encode(column(texts)), coded)
    assert again.decode(coded[:, :, 0])[TEXT].data.tolist() == texts


def test_a_frequent_symbol_has_a_small_code() -> None:
    codec = TextCodec.fit((), column(["abbb", "bc"]), "character")
    assert codec.symbols == ("b", "a", "c") and codec.spec.shape == (4, 5)
    assert codec.encode(column(["bc"]))[0, :, 0].tolist() == [2, 4, END, END]


def test_what_training_never_had_is_rare_and_not_written() -> None:
    codec = TextCodec.fit((), column(["ab", "ba"]), "character")
    coded = codec.encode(column(["axb", "z"]))
    assert coded[0, :, 0].tolist() == [2, RARE], "and what is too long is cut"
    assert codec.decode(coded)[TEXT].data.tolist() == ["a", ""]


def test_no_text_is_made_shorter_than_the_shortest() -> None:
    never = TextCodec.fit((), column(["ab", "abcd"]), "character").never
    assert never.shape == (4, 6) and never[:, RARE].all()
    assert never[:, END].tolist() == [True, True, False, False]
    assert not never[:, 2:].any()

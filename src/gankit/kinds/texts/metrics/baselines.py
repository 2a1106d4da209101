"""What plain methods would write: a model of n-grams, the units shuffled, and training texts drawn again.

Knows texts as sequences of units; never networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gankit.randomness import numpy_generator

_BEGIN, _END = "\0begin", "\0end"
_MOST_UNITS = 1_000_000  # of training text that a model of n-grams learns from

Texts = Sequence[Sequence[str]]


class NgramModel:
    """A model of n-grams with the interpolation of Witten & Bell (1991, method C), learned by counting.

    P(u | h) = (c(h, u) + T(h) P(u | h')) / (c(h) + T(h)), with c counts in the training texts, T(h) the number of
    different units seen after h, and h' the history h without its first unit; P(u) = c(u) / c is at the end. Histories
    have order - 1 units, begin marks before the text; the end of a text is a unit.

    texts: sequences of units. order: 1 draws each unit for itself, 3 is a model of trigrams.
    """

    def __init__(self, texts: Texts, order: int) -> None:
        self.order = order
        self.longest = max((len(t) for t in texts), default=0)
        after: dict[tuple[str, ...], list[str]] = {}
        budget = _MOST_UNITS
        for text in texts:
            padded = [*[_BEGIN] * (order - 1), *text, _END]
            for i in range(order - 1, len(padded)):
                for k in range(order):
                    after.setdefault(tuple(padded[i - k : i]), []).append(padded[i])
            budget -= len(text)
            if budget < 0:
                break
        # Every occurrence stands in the list: a uniform draw from it is a draw by the counts.
        self._after = after
        self._different = {h: len(set(units)) for h, units in after.items()}

    def probability(self, history: Sequence[str], unit: str | None) -> float:
        """P(unit | history); unit None: the end of the text. Only the last order - 1 units of the history count."""
        wanted = _END if unit is None else unit
        padded = (*[_BEGIN] * (self.order - 1), *history)
        value = 0.0
        for k in range(self.order):
            h = tuple(padded[len(padded) - k :])
            seen = self._after.get(h)
            if seen is None:
                break
            if k == 0:
                value = seen.count(wanted) / len(seen)
            else:
                value = (seen.count(wanted) + self._different[h] * value) / (len(seen) + self._different[h])
        return value

    def sample(self, num_texts: int, generator: np.random.Generator) -> list[list[str]]:
        """Texts drawn from the model; none is longer than the longest it was learned from."""
        if not self._after:
            return [[] for _ in range(num_texts)]
        uniform = _uniforms(generator)
        out: list[list[str]] = []
        for _ in range(num_texts):
            history: tuple[str, ...] = (_BEGIN,) * (self.order - 1)
            text: list[str] = []
            while len(text) < self.longest:
                unit = self._draw(history, uniform)
                if unit == _END:
                    break
                text.append(unit)
                history = (*history, unit)[1:] if history else ()
            out.append(text)
        return out

    def _draw(self, history: tuple[str, ...], uniform: Iterator[float]) -> str:
        """A unit after the history: of its own with chance c(h) / (c(h) + T(h)), else of a shorter one."""
        for k in range(self.order):
            h = history[k:]
            seen = self._after.get(h)
            if seen is None:
                continue
            last = k == self.order - 1
            if last or next(uniform) * (len(seen) + self._different[h]) < len(seen):
                return seen[int(next(uniform) * len(seen))]
        raise AssertionError("the empty history has been seen")


def _uniforms(generator: np.random.Generator) -> Iterator[float]:
    while True:
        yield from generator.random(4096).tolist()


def shuffled(texts: Texts, num_texts: int, seed: int) -> list[list[str]]:
    """Training texts drawn again, the units of each in random order: right units and lengths, no order at all."""
    generator = numpy_generator(seed, "metrics/texts/shuffled")
    chosen = generator.integers(0, len(texts), num_texts)
    return [[texts[i][k] for k in generator.permutation(len(texts[i]))] for i in chosen]


def bootstrap(num_train: int, num_texts: int, seed: int) -> np.ndarray:
    """Rows of training texts drawn again: [num_texts] int64."""
    return numpy_generator(seed, "metrics/texts/bootstrap").integers(0, num_train, num_texts)


def ngram_texts(texts: Texts, order: int, num_texts: int, seed: int) -> list[list[str]]:
    """Texts of a model of n-grams of that order, learned from these."""
    return NgramModel(texts, order).sample(num_texts, numpy_generator(seed, "metrics/texts/ngram", order))

"""The classifier of the user's labels: it learns, it repeats itself, it is kept as plain tensors."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from gankit.errors import DataError, ModelError, OptionError
from gankit.features import Classifier, train_classifier
from gankit.randomness import numpy_generator


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = numpy_generator(0, "test digits").permutation(len(bunch.target))
    return (bunch.images[order] * 15).astype(np.uint8)[..., None], bunch.target[order]


@pytest.fixture(scope="module")
def classifier(digits: tuple[np.ndarray, np.ndarray]) -> Classifier:
    return train_classifier(digits[0][:1400], digits[1][:1400], 10, seed=0, samples=20_000)


def test_it_reads_digits_it_has_not_seen(classifier: Classifier, digits: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = digits[0][1400:], digits[1][1400:]
    found = classifier.predict(x)
    assert found.shape == (397, 10) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
    assert (found.argmax(1) == y).mean() > 0.96
    assert classifier.features(x).shape == (397, 64) and (classifier.features(x) >= 0).all()


def test_its_features_describe_themselves_honestly(classifier: Classifier) -> None:
    text = classifier.features.describe()
    assert "FID" not in text and "10 classes" in text and "19,968 images" in text and "box filter" in text


def test_two_classes_of_colour_images_that_are_not_square() -> None:
    draws = numpy_generator(1, "test colours")
    x = draws.integers(0, 256, (120, 20, 90, 3), dtype=np.uint8)
    y = np.arange(120) % 2
    x[y == 1, 5:15, 20:60, 0] //= 3
    found = train_classifier(x[:80], y[:80], 2, seed=0, samples=1600)
    assert (found.predict(x[80:]).argmax(1) == y[80:]).mean() > 0.9


def test_the_same_seed_gives_the_same_classifier_and_another_another() -> None:
    x = numpy_generator(2, "test").integers(0, 256, (40, 12, 12, 1), dtype=np.uint8)
    y = np.arange(40) % 3
    before = torch.random.get_rng_state()
    one, same, other = (train_classifier(x, y, 3, seed, samples=200).predict(x) for seed in (1, 1, 2))
    assert (before == torch.random.get_rng_state()).all()
    assert (one == same).all() and not np.allclose(one, other)


def test_a_time_becomes_a_number_of_samples_that_repeats_it() -> None:
    x = numpy_generator(2, "test").integers(0, 256, (200, 8, 8, 1), dtype=np.uint8)
    y = np.arange(200) % 2
    timed = train_classifier(x, y, 2, 0, max_seconds=0.2)
    assert 0 < timed.samples <= 20_096  # what would be shown without a limit, rounded to batches
    again = train_classifier(x, y, 2, 0, samples=timed.samples)
    assert (timed.predict(x) == again.predict(x)).all()


def test_its_state_is_tensors_and_json_and_makes_the_same_classifier(
    classifier: Classifier, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    tensors, config = classifier.state()
    again = Classifier.from_state(load(save(tensors)), json.loads(json.dumps(config)))
    x = digits[0][:50]
    assert (again.predict(x) == classifier.predict(x)).all()
    assert (again.features(x) == classifier.features(x)).all() and again.samples == classifier.samples


def test_a_damaged_state_is_refused(classifier: Classifier) -> None:
    tensors, config = classifier.state()
    for wrong in (
        {**config, "num_classes": 7},
        {k: v for k, v in config.items() if k != "size"},
        {**config, "size": []},
    ):
        with pytest.raises(ModelError, match="stored classifier"):
            Classifier.from_state(tensors, wrong)


@pytest.mark.parametrize(
    ("x", "y", "k", "words"),
    [
        (np.zeros((4, 8, 8), np.uint8), np.zeros(4, int), 2, "uint8 array"),
        (np.zeros((4, 8, 8, 1), np.uint8), np.zeros(4, int), 1, "at least 2 classes"),
        (np.zeros((4, 8, 8, 1), np.uint8), np.zeros(3, int), 2, "one an image"),
        (np.zeros((4, 8, 8, 1), np.uint8), np.zeros(4), 2, "whole numbers"),
        (np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 2, 0]), 2, "image 2: must be in 0 .. 1. Got 2"),
    ],
)
def test_what_cannot_be_learned_from_is_refused(x: np.ndarray, y: np.ndarray, k: int, words: str) -> None:
    with pytest.raises(DataError, match=words):
        train_classifier(x, y, k, 0)


def test_lengths_are_obeyed_or_refused() -> None:
    x, y = np.zeros((4, 8, 8, 1), np.uint8), np.array([0, 1, 0, 1])
    with pytest.raises(OptionError, match="twice"):
        train_classifier(x, y, 2, 0, samples=10, max_seconds=1)
    with pytest.raises(OptionError, match="above 0"):
        train_classifier(x, y, 2, 0, samples=0)
    assert train_classifier(x, y, 2, 0, samples=12).samples == 12


def test_images_of_another_size_are_refused(classifier: Classifier) -> None:
    with pytest.raises(DataError, match=r"9 x 8 pixels.*8 x 8"):
        classifier.predict(np.zeros((2, 9, 8, 1), np.uint8))

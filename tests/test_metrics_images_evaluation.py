"""The evaluation of images: its layout, ceilings and baselines, on the digits that scikit-learn ships."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gankit.errors import DataError
from gankit.kinds.images.metrics.metrics import METRICS
from gankit.kinds.images.metrics.metrics import evaluate_images as evaluate
from gankit.randomness import numpy_generator

DOCS = Path(__file__).resolve().parent.parent / "docs" / "report.md"
NAMES = [str(k) for k in range(10)]


class Thumbnails:
    """Features without torch: pixels of the digits."""

    def describe(self) -> str:
        return "the pixels themselves"

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1)[:, ::2].astype(np.float32) / 16


def learn(x: np.ndarray, y: np.ndarray, num_classes: int, seed: int) -> Any:
    """A classifier by nearest class mean."""
    means = np.stack([x[y == k].mean(0).ravel() if (y == k).any() else np.full(64, 1e9) for k in range(num_classes)])

    def predict(new: np.ndarray) -> np.ndarray:
        gap = ((new.reshape(len(new), 1, -1).astype(float) - means) ** 2).sum(2)
        return np.eye(num_classes)[gap.argmin(1)]

    return predict


def evaluate_images(
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    *,
    train_labels: Any = None,
    heldout_labels: Any = None,
    fake_labels: Any = None,
    **options: Any,
) -> dict[str, Any]:
    """The evaluation as report.json has it."""
    labels = (train_labels, heldout_labels, fake_labels)
    return evaluate(train, heldout, fake, labels=labels, **options).to_json()


@pytest.fixture(scope="module")
def digits() -> dict[str, np.ndarray]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    order = numpy_generator(0, "test digits").permutation(len(bunch.target))
    x = (bunch.images[order] * 15).astype(np.uint8)[..., None]
    y = bunch.target[order]
    return {
        "train": x[:800], "heldout": x[800:1300], "fake": x[1300:],
        "train_labels": y[:800], "heldout_labels": y[800:1300], "fake_labels": y[1300:],
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(digits: dict[str, np.ndarray]) -> dict[str, Any]:
    classify = learn(digits["train"], digits["train_labels"], 10, 0)
    return evaluate_images(**digits, features=Thumbnails(), classify=classify, learn=learn, class_names=NAMES)


def test_every_metric_is_there_with_ceiling_and_baselines(found: dict[str, Any]) -> None:
    assert list(found["metrics"]) == [m.name for m in METRICS]
    for name, entry in found["metrics"].items():
        assert set(entry) == {
            "meaning", "family", "best", "direction", "distance", "fake", "ceiling", "baselines", "rows_needed",
            "seconds",
        }  # fmt: skip
        assert entry["fake"]["value"] is not None and entry["ceiling"]["value"] is not None, name
        assert entry["fake"]["best"] == entry["best"]
    for name in ("frechet", "kernel", "precision", "recall", "density", "coverage", "parzen"):
        assert set(found["metrics"][name]["baselines"]) == {"noise", "mean", "bootstrap"}


def test_it_is_plain_json(found: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_fresh_real_images_reach_the_ceiling_and_the_plain_makers_do_not(found: dict[str, Any]) -> None:
    m = found["metrics"]
    for name in ("precision", "recall", "coverage"):
        fake, ceiling = m[name]["fake"], m[name]["ceiling"]
        assert fake["value"] == pytest.approx(ceiling["value"], abs=0.06)
        assert m[name]["baselines"]["noise"]["value"] < 0.1
    assert (
        m["frechet"]["fake"]["value"]
        < 2 * m["frechet"]["ceiling"]["value"]
        < m["frechet"]["baselines"]["mean"]["value"]
    )
    assert m["agreement"]["fake"]["value"] > 0.85 and m["usefulness"]["fake"]["value"] > 0.85
    assert m["classes"]["fake"]["value"] == pytest.approx(m["classes"]["best"], abs=0.01)


def test_only_the_bootstrap_copies(found: dict[str, Any]) -> None:
    m = found["metrics"]
    assert m["copies_exact"]["baselines"]["bootstrap"]["value"] == 1.0
    assert m["copies_exact"]["fake"]["value"] == 0.0
    assert m["copies_pixels"]["baselines"]["bootstrap"]["value"] > 0.9 > 0.1 > m["copies_pixels"]["fake"]["value"]
    near = m["copies_near"]["fake"]
    assert near["low"] < 0.5 < near["high"]


def test_copied_fakes_are_named_by_their_rows(digits: dict[str, np.ndarray]) -> None:
    changed = {**digits, "fake": digits["fake"].copy()}
    changed["fake"][[11, 40]] = digits["train"][[7, 99]]
    found = evaluate_images(**changed, features=Thumbnails(), only=["copies_exact", "copies_near"])
    assert set(found["metrics"]) == {"copies_exact", "copies_near"}
    pairs = found["metrics"]["copies_exact"]["fake"]["details"]["pairs"]
    assert {(p["fake"], p["train"]) for p in pairs} == {(11, 7), (40, 99)}
    images = found["pictures"]
    assert images["shown"][11] == 11 and images["nearest_train"][11] == 7 and images["distance_train"][11] == 0
    assert images["nearest_train"][40] == 99
    for pair in images["copied"]:
        gap = changed["fake"][pair["fake"]].astype(float) - changed["train"][pair["train"]]
        assert np.sqrt((gap**2).sum()) == pytest.approx(pair["distance_train"])


def test_images_to_draw_are_rows_of_what_was_given(found: dict[str, Any], digits: dict[str, np.ndarray]) -> None:
    images = found["pictures"]
    fake, heldout = digits["fake"], digits["heldout"]
    gap = fake[5].astype(float) - heldout[images["nearest_heldout"][5]]
    every = np.sqrt(((fake[5].astype(float) - heldout) ** 2).sum((1, 2, 3)))
    assert np.sqrt((gap**2).sum()) == pytest.approx(every.min()) == pytest.approx(images["distance_heldout"][5])
    assert all(digits["fake_labels"][row] == 3 for row in images["by_class"]["3"])
    assert len(images["typical"]) == len(images["worst"]) == 16


def test_the_classifier_and_each_class_are_reported(found: dict[str, Any]) -> None:
    judge = found["classifier"]
    assert judge["pictures"] == 500 and judge["accuracy"] > 0.85 and len(judge["confusion"]) == 10
    assert [c["class"] for c in found["per_class"]] == NAMES
    assert all(c["agreement"] > 0.6 and c["frechet"] is not None for c in found["per_class"])
    assert found["metrics"]["agreement"]["ceiling"]["value"] == pytest.approx(judge["accuracy"])


def test_same_arguments_give_the_same_figures_and_another_seed_others(digits: dict[str, np.ndarray]) -> None:
    def run(seed: int) -> dict[str, Any]:
        found = evaluate_images(
            **digits, features=Thumbnails(), seed=seed, max_images=300, only=["frechet", "precision"]
        )
        for entry in found["metrics"].values():
            entry.pop("seconds")
        return found

    assert run(1) == run(1) != run(2)


def test_without_labels_what_needs_them_is_left_out_and_said(digits: dict[str, np.ndarray]) -> None:
    bare = {k: v for k, v in digits.items() if not k.endswith("labels")}
    found = evaluate_images(**bare, features=Thumbnails())
    assert {"classes", "agreement", "usefulness"}.isdisjoint(found["metrics"])
    assert found["per_class"] == [] and found["classifier"] is None and found["pictures"]["by_class"] == {}
    assert any("classifier" in note for note in found["notes"])


def test_mirror_images_of_training_images_are_copies_only_where_training_showed_them(
    digits: dict[str, np.ndarray],
) -> None:
    copied = digits["train"][:400]
    names = [name for name in (m.name for m in METRICS) if name.startswith("copies")]

    def shares(fake: np.ndarray, mirrored: bool) -> dict[str, float]:
        found = evaluate_images(
            digits["train"], digits["heldout"], fake, features=Thumbnails(), only=names, mirrored=mirrored
        )
        values = {name: entry["fake"]["value"] for name, entry in found["metrics"].items()}
        # mirrored digits are mostly too far from all others for a share that lies nearer to training ones
        return {name: 0.5 if value is None else value for name, value in values.items()}

    straight, blind, seeing = shares(copied, False), shares(copied[:, :, ::-1], False), shares(copied[:, :, ::-1], True)
    assert len(names) == 4 and straight["copies_exact"] == seeing["copies_exact"] == 1
    for name in names:
        assert blind[name] < straight[name] - 0.15 and seeing[name] == pytest.approx(straight[name], abs=0.06), name


def test_images_that_were_not_copied_are_not_accused_by_their_mirror_images(digits: dict[str, np.ndarray]) -> None:
    bare = {k: v for k, v in digits.items() if not k.endswith("labels")}
    found = evaluate_images(**bare, features=Thumbnails(), mirrored=True, only=["copies_near", "copies_exact"])
    near = found["metrics"]["copies_near"]["fake"]
    assert near["low"] < 0.5 < near["high"] and found["metrics"]["copies_exact"]["fake"]["value"] == 0


def test_few_images_are_told_and_nothing_breaks() -> None:
    x = numpy_generator(3, "test few").integers(0, 256, (10, 8, 8, 1), dtype=np.uint8)
    found = evaluate_images(x[:4], x[4:7], x[7:], features=Thumbnails())
    assert found["metrics"]["precision"]["fake"]["value"] is None
    assert any("too few" in note for note in found["notes"])
    assert any("fewer images than features" in note for note in found["notes"])
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fake": np.zeros((5, 9, 8, 1), np.uint8)}, r"\[8, 8, 1\].*\[9, 8, 1\]"),
        ({"fake": np.zeros((1, 8, 8, 1), np.uint8)}, "at least 2 images"),
        ({"fake": np.zeros((5, 8, 8, 1), np.float32)}, "uint8"),
        ({"heldout_labels": np.zeros(3, int)}, "held-out labels"),
        ({"class_names": ["a"]}, "1 names, and there are 10 classes"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    digits: dict[str, np.ndarray], change: dict[str, Any], words: str
) -> None:
    given = {k: v for k, v in digits.items() if k != "fake_labels"} | change
    with pytest.raises(DataError, match=words):
        evaluate_images(**given, features=Thumbnails())


def test_every_metric_of_images_is_explained_in_the_docs() -> None:
    section = DOCS.read_text(encoding="utf-8").split("## Metrics of images", 1)[1].split("\n## ", 1)[0]
    assert [m.name for m in METRICS if f"`{m.name}`" not in section] == []

"""The estimator keeps scikit-learn's contract, and what it gives is in the form of what it was given."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from gankit import DataError, OptionError
from gankit.sklearn import GANSampler, TabularGAN

TINY: dict[str, Any] = {"evaluations": 1, "batch": 32, "width": 8, "depth": 1, "previews": "0"}

EXPECTED: dict[str, str] = {}
"""Checks of scikit-learn that do not apply, and why; all do."""


def tiny(**settings: Any) -> GANSampler:
    return GANSampler(**{"samples": 64, "random_state": 0, "options": TINY, **settings})


CHECKS = [
    pytest.param(estimator, check, id=check.func.__name__)
    for estimator, check in estimator_checks_generator(tiny(), expected_failed_checks=EXPECTED, mark="xfail")
    if check.func.__name__ != "check_array_api_input"  # skips itself without SCIPY_ARRAY_API
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learns_own_check_passes(estimator: GANSampler, check: Any) -> None:
    check(estimator)


IRIS = load_iris(as_frame=True)


@pytest.fixture(scope="module")
def fitted() -> GANSampler:
    """Trained on irises with their class, as a DataFrame and words."""
    names = np.array(["setosa", "versicolor", "virginica"])
    return tiny(samples="12k", options={**TINY, "width": 32}).fit(IRIS.data, names[IRIS.target])


def test_a_data_frame_comes_back_as_one_and_classes_as_they_were(fitted: GANSampler) -> None:
    X, y = fitted.sample(40, random_state=1)
    assert list(X) == list(IRIS.data) == list(fitted.feature_names_in_) and len(X) == len(y) == 40
    assert X.dtypes.equals(IRIS.data.dtypes) and set(y) <= set(fitted.classes_)
    again, _ = fitted.sample(40, random_state=1)
    pd.testing.assert_frame_equal(X, again)
    assert not X.equals(fitted.sample(40)[0])


def test_rows_are_of_the_class_that_they_are_asked_for(fitted: GANSampler) -> None:
    wanted = np.array(["virginica", "setosa"] * 20)
    X = fitted.sample(40, random_state=1, y=wanted)
    length = X["petal length (cm)"].to_numpy()
    assert length[wanted == "setosa"].mean() + 1 < length[wanted == "virginica"].mean()
    assert fitted.sample(9, y="setosa").shape == (9, 4) and len(fitted.sample(0, y="setosa")) == 0


def test_the_right_class_is_more_likely_than_a_wrong_one(fitted: GANSampler) -> None:
    right = np.array(["setosa", "versicolor", "virginica"])[IRIS.target]
    wrong = np.roll(right, 50)
    assert fitted.score(IRIS.data, right) > fitted.score(IRIS.data, wrong) + 1
    assert fitted.score_samples(IRIS.data).mean() == pytest.approx(fitted.score(IRIS.data))


def test_missing_cells_are_filled_in_the_form_of_x(fitted: GANSampler) -> None:
    gaps = IRIS.data.mask(np.arange(600).reshape(150, 4) % 3 == 0)
    filled = fitted.complete(gaps, random_state=0)
    assert list(filled) == list(gaps) and not filled.isna().any().any()
    assert (filled.where(gaps.notna()) == gaps).to_numpy().sum() == gaps.notna().to_numpy().sum()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "U3", "object"])
def test_an_array_comes_back_with_its_dtype(dtype: str) -> None:
    X = np.random.default_rng(0).integers(10, 14, (80, 3)).astype(dtype)
    gan = tiny().fit(X)
    made = gan.sample(7, random_state=0)
    assert made.shape == (7, 3) and made.dtype == X.dtype and set(made.ravel()) <= set(X.ravel())
    assert gan.score_samples(X).shape == (80,)


def test_classes_of_numbers_and_targets_of_numbers_come_back_as_they_were() -> None:
    X = np.random.default_rng(0).normal(size=(90, 2))
    for y in (np.repeat([2.0, 5.0, 9.0], 30), X.sum(1), np.repeat([True, False, True], 30)):
        _, made = tiny().fit(X, y).sample(20, random_state=0)
        assert made.dtype == y.dtype and (len(set(y)) > 3 or set(made) <= set(y))


def test_a_frame_of_polars_comes_back_as_one() -> None:
    X = pl.DataFrame({"y": ["a", "b"] * 40, "size": list(range(80))})
    gan = tiny().fit(X, [0, 1] * 40)
    made, y = gan.sample(5, random_state=0)
    assert isinstance(made, pl.DataFrame) and made.schema == X.schema and set(y) <= {0, 1}


def test_it_is_cloned_set_and_pickled_through_the_bytes_of_its_model(fitted: GANSampler, tmp_path: Path) -> None:
    assert clone(fitted).get_params() == fitted.get_params() and not hasattr(clone(fitted), "model_")
    assert clone(fitted).set_params(samples="9k", budget=None).samples == "9k"
    content = pickle.dumps(fitted)
    assert b"gankit.model" not in content  # its bytes, and no object of it
    back = pickle.loads(content)
    pd.testing.assert_frame_equal(back.sample(20, random_state=3)[0], fitted.sample(20, random_state=3)[0])
    np.testing.assert_array_equal(back.score_samples(IRIS.data), fitted.score_samples(IRIS.data))


def test_it_is_the_last_step_of_a_pipeline() -> None:
    pipe = make_pipeline(StandardScaler(), tiny()).fit(IRIS.data.to_numpy())
    assert pipe.score_samples(IRIS.data.to_numpy()).shape == (150,) and np.isfinite(pipe.score(IRIS.data.to_numpy()))
    assert pipe.named_steps["gansampler"].sample(3).shape == (3, 4)
    assert TabularGAN is GANSampler


def test_what_cannot_be_done_is_refused_in_a_sentence(fitted: GANSampler) -> None:
    with pytest.raises(OptionError, match=r"fit was given no class 'rose'. There are setosa, versicolor, virginica"):
        fitted.sample(3, y="rose")
    with pytest.raises(OptionError, match=r"y must be one class, or one for each of 3 rows. Got 2"):
        fitted.sample(3, y=["setosa", "setosa"])
    with pytest.raises(OptionError, match=r"y must be one class, or one for each of 2 rows. Got 2x1"):
        fitted.sample(2, y=[["setosa"], ["setosa"]])
    with pytest.raises(OptionError, match="fit was given no class 'None'"):
        fitted.sample(2, y=["setosa", None])
    for n in (-1, 2.5):
        with pytest.raises(OptionError, match=f"n_samples must be a whole number, 0 or more. Got {n}"):
            fitted.sample(n, y="setosa")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted.score_samples(IRIS.data.head(2), ["setosa"])
    for own in ({"seed": 3}, {"given": ("x0",)}, {"kind": "image"}):
        with pytest.raises(OptionError, match=f"options: '{next(iter(own))}' is none of these"):
            tiny(options=own).fit(IRIS.data)
    with pytest.raises(OptionError, match=r"random_state must be a whole number, a generator or None. Got 'x'"):
        fitted.sample(3, random_state="x")
    draws = [fitted.sample(2, random_state=make(3))[0] for make in (np.random.RandomState, np.random.default_rng)]
    assert all(len(rows) == 2 for rows in draws)
    X = IRIS.data.to_numpy()
    plain = tiny(network="residual").fit(X)
    with pytest.raises(OptionError, match="only a model of tables by the sequential network scores records"):
        plain.score_samples(X)
    with pytest.raises(OptionError, match="y was not given to fit"):
        plain.score_samples(X, IRIS.target)
    with pytest.raises(OptionError, match="fit was given none"):
        plain.sample(2, y=1)
    with pytest.raises(DataError, match="holds texts and numbers"):
        tiny().fit(np.array([["a", 1], [2, "b"], ["c", 3]], dtype=object))
    with pytest.raises(ValueError, match="X has 3 features, but GANSampler is expecting 4"):
        plain.score_samples(X[:, :3])

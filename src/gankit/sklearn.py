"""A model of tables as an estimator of scikit-learn: fit, score_samples, sample, complete.

Knows scikit-learn's conventions, tables as arrays and DataFrames, and models; never how one is trained or samples.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sklearn.utils.validation as validation
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted

from gankit.errors import DataError, OptionError
from gankit.model import load
from gankit.model.model import Model
from gankit.run.api import train

LEAST_ROWS = 2
"""Rows that a model is trained on at the least: one to learn from, one held out."""

_RECENT = hasattr(validation, "validate_data")
"""Whether this is scikit-learn 1.6 or newer, whose checks and tags are other ones."""


class GANSampler(DensityMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A generative adversarial network of rows of a table, as a density estimator like `KernelDensity`.

    Args:
        samples, budget: how long it trains, as in `gankit.train`: real rows shown to D, or a time; None for both = five
            minutes. given: names of columns that it is conditioned on, where the network takes a condition.
        network: as `--network`. options: further options of `gankit.train`, as in {"batch": 200}.
        random_state: of the training: a whole number, a generator, or None for another training each time.
        verbose: show notes and progress.

    Attributes:
        model_: the `gankit.Model`. n_features_in_, feature_names_in_: of X; the latter for DataFrames.
        classes_: the different values of y, [K], where `fit` was given classes.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> gan = GANSampler(samples="2k", random_state=0).fit(X, y)
        >>> gan.sample(3, random_state=1, y=2).shape, gan.score_samples(X).shape
        ((3, 4), (150,))
    """

    def __init__(
        self, *, samples: str | int | None = None, budget: str | None = None, given: Sequence[str] = (),
        network: str = "auto", options: Mapping[str, Any] | None = None, random_state: Any = None,
        verbose: bool = False,
    ) -> None:  # fmt: skip
        self.samples, self.budget, self.given, self.network = samples, budget, given, network
        self.options, self.random_state, self.verbose = options, random_state, verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Trains on X, a DataFrame or an array [n, D] of numbers or texts, NaN where missing.

        y: [n], classes or numbers: one more column; `sample` and `score_samples` then take it too.

        Raises:
            ValueError: X or y is of no use to scikit-learn. GankitError: see `gankit.errors`.
        """
        X = self._checked(X, reset=True)
        self._dtype: np.dtype[Any] | None = None if hasattr(X, "columns") else X.dtype
        self._names = [*X.columns] if self._dtype is None else []
        self._target, self._has_classes = "", False
        named = [*map(str, X.columns)] if self._dtype is None else [f"x{k}" for k in range(X.shape[1])]
        options: dict[str, Any] = {"kind": "table", "network": self.network, "given": tuple(self.given)}
        if own := [name for name in self.options or {} if name in {*self.get_params(), "kind", "seed"}]:
            raise OptionError(
                f"options: {own[0]!r} is none of these. The kind is always table, the seed is random_state, and what "
                "has a parameter of its own goes there."
            )
        options |= self.options or {}
        if y is not None:
            y = validation.column_or_1d(y, warn=True)
            self._target = next(name for k in range(len(named) + 1) if (name := "y" + "_" * k) not in named)
            self._has_classes = type_of_target(y, input_name="y") in ("binary", "multiclass")
            options["given"] = (*options["given"], self._target)
            if self._has_classes:
                self.classes_ = np.unique(y)
                options["column"] = (*options.get("column", ()), f"{self._target}=category")
        lengths = {"samples": self.samples, "budget": self.budget}
        options |= {name: value for name, value in lengths.items() if value is not None}
        seed = _seed(self.random_state)
        self.model_: Model = train(self._table(X, y), seed=seed, verbose=self.verbose, **options)
        return self

    def score_samples(self, X: Any, y: Any = None) -> npt.NDArray[np.float64]:
        """The log-density of each row, [n]: `Model.log_likelihood`; together with its y, where that is given.

        Raises:
            OptionError: the network has no likelihood: another one than the sequential one.
        """
        check_is_fitted(self)
        return self.model_.log_likelihood(self._table(self._checked(X), y))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`; y is taken into account where `fit` was given one."""
        return float(self.score_samples(X, None if not self._target else y).mean())

    def sample(self, n_samples: int = 1, random_state: Any = None, y: Any = None) -> Any:
        """Synthetic rows, in the form of X; and their y as a second result where `fit` was given one and this is not.

        n_samples: how many, >= 0.
        random_state: a whole number, of which row i never changes; a generator; or None for other rows each time.
        y: the class of all rows, or that of each, [n_samples].

        Raises:
            OptionError: a class that `fit` was not given, or as `Model.sample`.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, int | np.integer) or n_samples < 0:
            raise OptionError(f"n_samples must be a whole number, 0 or more. Got {n_samples!r} instead.")
        seed = _seed(random_state)
        if y is None:
            made = self.model_.sample(n_samples, seed)
            return self._features(made) if not self._target else (self._features(made), self._targets(made))
        if not self._has_classes:
            raise OptionError("y is a condition on classes, and fit was given none. Leave y out.")
        wanted = np.asarray(y) if np.ndim(y) else np.full(n_samples, y)
        if wanted.shape != (n_samples,):
            got = "x".join(map(str, wanted.shape))
            raise OptionError(f"y must be one class, or one for each of {n_samples} rows. Got {got} instead.")
        codes = self._codes(wanted)
        counts = {str(k): int(count) for k, count in enumerate(np.bincount(codes)) if count}
        whole = pa.concat_tables(list(self.model_.balanced_batches(counts, self._target, seed)))
        made = whole.take(pa.array(np.argsort(np.argsort(codes, kind="stable"))))
        return self._features(self.model_.of.join([made], self.model_.origin))

    def complete(self, X: Any, random_state: Any = None) -> Any:
        """X with its missing cells filled, in the same form: `Model.complete`.

        Raises:
            OptionError: as `Model.complete`.
        """
        check_is_fitted(self)
        return self._features(self.model_.complete(self._table(self._checked(X)), _seed(random_state)))

    def _checked(self, X: Any, reset: bool = False) -> Any:
        """X as scikit-learn checks it: a DataFrame as it is, anything else as an array."""
        frame = hasattr(X, "columns") and hasattr(X, "shape")
        least = LEAST_ROWS if reset else 1
        options: dict[str, Any] = {"dtype": None, "ensure_min_samples": least}
        finite = "ensure_all_finite" if _RECENT else "force_all_finite"
        check = validation.validate_data if _RECENT else type(self)._validate_data
        if not frame:
            return check(self, X, reset=reset, **options, **{finite: "allow-nan"})
        check(self, X, reset=reset, **({"skip_check_array": True} if _RECENT else {"cast_to_ndarray": False}))
        return X

    def _table(self, X: Any, y: Any = None) -> Any:
        """What a model is trained on or looks at: X, and y as one more column."""
        if y is not None and not self._target:
            raise OptionError("y was not given to fit, so that this model knows nothing of it. Leave it out.")
        values = None if y is None else validation.column_or_1d(y)
        validation.check_consistent_length(X, values)
        if values is not None and self._has_classes:
            values = self._codes(values)
        if self._dtype is None:
            if values is None:
                return X
            if hasattr(X, "with_columns"):
                import polars

                return X.with_columns(polars.Series(self._target, values))
            return X.assign(**{self._target: values})
        try:
            columns = {f"x{k}": pa.array(X[:, k], from_pandas=True) for k in range(X.shape[1])}
        except pa.ArrowException as error:
            raise DataError("a column of X holds texts and numbers. Make it all texts, or give a DataFrame.") from error
        return pa.table(columns if values is None else {**columns, self._target: pa.array(values)})

    def _codes(self, y: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """Classes as their places in `classes_`, [n].

        Raises:
            OptionError: one that is none of them.
        """
        places = {value: k for k, value in enumerate(self.classes_.tolist())}
        if odd := [value for value in y.tolist() if value not in places]:
            there = ", ".join(map(str, self.classes_))
            raise OptionError(f"y: fit was given no class {str(odd[0])!r}. There are {there}.")
        return np.array([places[value] for value in y.tolist()], dtype=np.int64)

    def _features(self, made: Any) -> Any:
        """The columns of X of a table that a model made, as an array or a DataFrame."""
        if self._dtype is None:
            return made[[name for name in self._names if name in made.columns]]
        columns = [made.column(f"x{k}").to_numpy(zero_copy_only=False) for k in range(self.n_features_in_)]
        return np.stack(columns, axis=1).astype(self._dtype)

    def _targets(self, made: Any) -> npt.NDArray[Any]:
        column = made[self._target]
        codes = np.asarray(column)
        return self.classes_[codes.astype(np.int64)] if self._has_classes else codes

    def __getstate__(self) -> dict[str, Any]:
        """The model as the bytes of its file."""
        state = dict(super().__getstate__())
        if "model_" in state:
            with tempfile.TemporaryDirectory() as folder:
                self.model_.save(file := Path(folder) / "model.safetensors")
                state["model_"] = file.read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """See `__getstate__`."""
        if "model_" in state:
            with tempfile.TemporaryDirectory() as folder:
                (file := Path(folder) / "model.safetensors").write_bytes(state["model_"])
                state = {**state, "model_": load(file)}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn 1.6 and newer ask of it."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        tags.non_deterministic = self.random_state is None
        return tags

    def _more_tags(self) -> dict[str, Any]:
        """What older ones ask of it."""
        return {"allow_nan": True, "X_types": ["2darray", "string", "categorical"]}


TabularGAN = GANSampler


def _seed(random_state: Any) -> int:
    """A seed of a number, a generator of NumPy, or None.

    Raises:
        OptionError: of anything else.
    """
    if random_state is None:
        return secrets.randbelow(2**31)
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    draw = getattr(random_state, "integers", getattr(random_state, "randint", None))
    if draw is None:
        raise OptionError(f"random_state must be a whole number, a generator or None. Got {random_state!r} instead.")
    return int(draw(2**31 - 1))

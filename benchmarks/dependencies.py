"""Where a library could do what is written by hand: both, side by side, in milliseconds and by what comes out.

python benchmarks/dependencies.py            # what stayed by hand, beside the library
python benchmarks/dependencies.py replaced   # what a library took over; with PYTHONPATH=OLD/src, the code before
"""

from __future__ import annotations

import csv
import importlib
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

REPEATS = 5


def median_ms(work: Callable[[], Any]) -> float:
    """The median of several runs after one that does not count."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def module(*names: str) -> Any:
    """The first of these modules that there is: they have moved."""
    for name in names:
        try:
            return importlib.import_module(f"gankit.{name}")
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(names)


def table(rows: int, numbers: int, categories: int, seed: int) -> Any:
    generator = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {}
    for i in range(numbers):
        columns[f"x{i}"] = generator.normal(size=rows)
        columns[f"x{i}"][generator.random(rows) < 0.05] = np.nan
    for i in range(categories):
        columns[f"c{i}"] = np.minimum(generator.zipf(1.5, rows), 40).astype(np.int32) - 1
    levels = {f"c{i}": tuple(f"level {k}" for k in range(40)) for i in range(categories)}
    sample = module("kinds.tables.metrics.sample", "metrics.sample").Sample
    try:
        return sample(columns, {n: "category" if n in levels else "number" for n in columns}, levels)
    except TypeError as error:
        raise SystemExit(f"another layout of samples: {error}") from None


def replaced() -> None:
    cube = module("kinds.tables.metrics.coverage", "kinds.tables.metrics.cube", "metrics.cube").cube
    for rows, numbers, categories in ((1000, 3, 2), (10_000, 6, 8), (10_000, 20, 0), (10_000, 60, 40)):
        real, fake = table(rows, numbers, categories, 0), table(rows, numbers, categories, 1)
        print(
            f"cube, {rows} rows, {numbers + categories} columns: {median_ms(lambda r=real, f=fake: cube(r, f)):.0f} ms"
        )
    distances = module("kinds.texts.metrics.fidelity", "kinds.texts.metrics.distances", "metrics.text_distances")
    coded = module("kinds.texts.metrics.grams", "metrics.text_grams").Coded
    generator = np.random.default_rng(0)
    for count, queries, mean in ((2000, 300, 40), (2000, 1000, 12), (20_000, 48, 40), (2000, 300, 200)):
        lengths = [generator.poisson(mean, n) for n in (count, queries)]
        among, asked = (coded(generator.zipf(1.3, v.sum()).clip(1, 60) + 1, v) for v in lengths)
        took = median_ms(lambda a=among, q=asked: distances.References(a).nearest(q))
        print(f"nearest of {count} texts of {mean} units, {queries} times: {took:.0f} ms")
    nearest = module("kinds.images.metrics.neighbours", "metrics.image_neighbours").nearest
    for count, queries, numbers in ((10_000, 5000, 128), (20_000, 2000, 784)):
        a, b = (generator.normal(size=(n, numbers)).astype(np.float32) for n in (count, queries))
        took = median_ms(lambda a=a, b=b: nearest(b, a))
        print(f"nearest of {count} rows of {numbers} numbers, {queries} times: {took:.0f} ms")


def beside(name: str, ours: Callable[[], Any], library: Callable[[], Any], told: Any = None) -> None:
    """One line: what both take, and how far apart they are."""
    a, b = ours(), library()
    if told is None:
        told = f"differ by {np.nanmax(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))):.1g}"
    print(f"{name}: by hand {median_ms(ours):.3g} ms, library {median_ms(library):.3g} ms; {told}")


def statistics_kept() -> None:
    from scipy import stats
    from scipy.spatial.distance import jensenshannon

    marginals = module("kinds.tables.metrics.distributions", "kinds.tables.metrics.marginals")
    grams = module("kinds.texts.metrics.grams")
    interval = module("metrics.metric", "metrics.score").binomial_interval
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=10_000), generator.normal(size=10_000) + 0.1
    beside(
        "binomial interval, scipy binomtest",
        lambda: interval(30, 5000),
        lambda: stats.binomtest(30, 5000).proportion_ci(),
    )
    beside(
        "Kolmogorov-Smirnov of 10,000, scipy ks_2samp",
        lambda: marginals.kolmogorov_distance(a, b),
        lambda: stats.ks_2samp(a, b, method="asymp").statistic,
    )
    z = module("metrics.nearness").mann_whitney_z
    beside(
        "z of Mann and Whitney of 10,000, scipy mannwhitneyu",
        lambda: abs(z(a, b)),
        lambda: stats.norm.isf(stats.mannwhitneyu(a, b, use_continuity=False, method="asymptotic").pvalue / 2),
    )
    p, q = generator.poisson(3, 100_000), generator.poisson(3, 100_000)
    beside("Jensen-Shannon of 100,000, scipy", lambda: grams.jensen_shannon(p, q), lambda: jensenshannon(p, q, 2) ** 2)


def neighbours_kept() -> None:
    from sklearn.metrics.pairwise import euclidean_distances, polynomial_kernel
    from sklearn.neighbors import NearestNeighbors

    near = module("kinds.tables.metrics.neighbours", "metrics.neighbours")
    reference, fake = table(10_000, 6, 8, 0), table(5000, 6, 8, 1)
    space = near.Space(reference)
    among, asked = space.place(reference), space.place(fake)

    def library() -> Any:
        model = NearestNeighbors(n_neighbors=8, algorithm="brute").fit(among.euclid)
        rows = model.kneighbors(asked.euclid, return_distance=False)
        again = near.gower(asked.take(np.repeat(np.arange(5000), 8)), among.take(rows.ravel())).reshape(rows.shape)
        return np.take_along_axis(rows, np.lexsort((rows, again), axis=1)[:, :1], 1)

    beside("nearest rows of a table, scikit-learn", lambda: near.nearest(asked, among)[1], library)
    images = module("kinds.images.metrics.neighbours")
    generator = np.random.default_rng(0)
    x, y = (generator.normal(size=(n, 128)).astype(np.float32) for n in (10_000, 5000))
    model = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(x)
    beside(
        "nearest images in 128 features, scikit-learn",
        lambda: images.nearest(y, x).rows[:, 0],
        lambda: model.kneighbors(y)[1][:, 0],
    )
    beside(
        "distances of 5,000 to 10,000, scikit-learn",
        lambda: images.squared_distances(y, x),
        lambda: euclidean_distances(y, x, squared=True),
    )
    sums = module("metrics.distances", "kinds.images.metrics.distances")._kernel_sums
    u, v = x[:4000].astype(np.float64), y[:4000].astype(np.float64)
    beside(
        "sums of a kernel of 4,000, scikit-learn",
        lambda: sums(u, v)[0],
        lambda: polynomial_kernel(u, v, 3, coef0=1).sum(1),
    )


def frechet_kept() -> None:
    from scipy.linalg import sqrtm

    distances = module("metrics.distances", "kinds.images.metrics.distances")
    generator = np.random.default_rng(0)
    for rows in (2000, 100):
        a, b = (distances.moments(generator.normal(size=(rows, 256)) + k) for k in (0, 0.1))

        def library(a: Any = a, b: Any = b) -> float:
            first, second = a.root.T @ a.root, b.root.T @ b.root
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                root = sqrtm(first @ second)
            gap = a.mean - b.mean
            return float(gap @ gap + np.trace(first + second - 2 * root.real))

        beside(
            f"Frechet distance of {rows} x 256, scipy sqrtm", lambda a=a, b=b: distances.frechet_between(a, b), library
        )


def signals_kept() -> None:
    from scipy.signal import ShortTimeFFT, welch

    spectrum = module("kinds.audio.codec", "kinds.audio.spectrum").Spectrum.of(16_000, 16_384)
    sound = np.random.default_rng(0).normal(size=16_384).astype(np.float32)
    library = ShortTimeFFT(spectrum._taper, spectrum.hop, 16_000)
    beside(
        "frames of a second, scipy ShortTimeFFT",
        lambda: spectrum.transform(sound),
        lambda: library.stft(sound),
        "other frames at the ends, complex128",
    )
    beside(
        "and back",
        lambda: spectrum.signal(spectrum.transform(sound)),
        lambda: library.istft(library.stft(sound), k1=16_384),
    )
    sums = module("kinds.series.metrics.distances", "kinds.series.metrics.sums")
    v = np.random.default_rng(0).normal(size=(500, 200, 3)).astype(np.float32)
    beside(
        "spectra of 500 series, scipy welch",
        lambda: sums.spectra(v, np.full(500, 200), np.arange(500) % 50),
        lambda: welch(v, nperseg=200, axis=1),
        "welch takes one length and no gaps",
    )


def texts_kept() -> None:
    from sklearn.feature_extraction.text import CountVectorizer

    grams = module("kinds.texts.metrics.grams")
    generator = np.random.default_rng(0)
    texts = ["".join(generator.choice(list("abcdefghij"), n)) for n in generator.poisson(20, 5000)]

    def ours() -> int:
        return sum(t[0].num_grams for t, _ in grams.grams([grams.code(texts, {})], 4, marks=False)) - 2

    def library() -> int:
        return CountVectorizer(analyzer="char", ngram_range=(1, 4), lowercase=False).fit_transform(texts).shape[1]

    beside("n-grams of 5,000 texts, scikit-learn CountVectorizer", ours, library)


DELIMITED = {
    "a,b\n1,2\n3,4\n": ",",
    "name;price\nx;1,50\ny;2,75\n": ";",
    "1,5;2,5\n3,5;4,5\n": ";",
    "a\tb c\n1\tx y\n2\tz w\n": "\t",
    "a|b\n1|2\n": "|",
    "time value\n0 1.5\n1 2.5\n": " ",
    "12:30:01,5\n12:31:02,6\n": ",",
    "word\napple\nbanana\n": ",",
    "name\nJohn Smith\nMary Jane\n": ",",
    "hello there\nhow are you\nfine\n": ",",
}
"""Texts and their delimiters; a comma also where there is one column."""


def csv_kept() -> None:
    find = module("io.formats.csv", "data.csvfile")._find_delimiter
    for name, delimiter in (
        ("by hand", lambda t: find(t, True, "", None)),
        ("csv.Sniffer", lambda t: csv.Sniffer().sniff(t).delimiter),
    ):
        right = 0
        for text, wanted in DELIMITED.items():
            try:
                right += delimiter(text) == wanted
            except csv.Error:
                continue
        print(f"delimiters, {name}: {right} of {len(DELIMITED)} right")


if __name__ == "__main__":
    if sys.argv[1:] == ["replaced"]:
        replaced()
    else:
        for part in (statistics_kept, neighbours_kept, frechet_kept, signals_kept, texts_kept, csv_kept):
            part()

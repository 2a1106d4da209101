"""What all tests share: where real data may be, and a small table of every kind of column."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gankit.randomness import numpy_generator

ROOT = Path(__file__).resolve().parent.parent

# The same examples for everyone, so that a change is judged by what it changes. A search at random, now and then:
# HYPOTHESIS_PROFILE=search scripts/test. No test hangs on how long it takes.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("same", derandomize=True, **UNTIMED)
settings.register_profile("search", derandomize=False, **UNTIMED)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


LONG = (ROOT / "tests" / "long.txt").read_text(encoding="utf-8").split("\n")
"""Lines that name tests, see there."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks those of `LONG`, a test a line, as `long` and `slow`; a line that names none is an error."""
    left = {line for line in LONG if line and not line.startswith("#")}
    files = {item.path.name for item in items}
    for item in items:
        name = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
        for line in (name, name.split("[")[0], item.path.name):
            if line in LONG:
                item.add_marker("long")
                item.add_marker("slow")
                left.discard(line)
    unknown = [line for line in left if line.split("::")[0] in files]
    if unknown and len(items) > len(LONG):  # else only some tests were asked for
        raise pytest.UsageError(f"tests/long.txt names tests that there are not: {', '.join(sorted(unknown))}")


@pytest.fixture(autouse=True)
def no_parts_of_others() -> Iterator[None]:
    """Forgets the losses and networks that a test has added."""
    yield
    for module, table in (("gankit.networks", "NETWORKS"), ("gankit.training.losses", "LOSSES")):
        if module in sys.modules:
            getattr(sys.modules[module], table)._added.clear()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the project; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data beside the project (../shared/data) is not here")
    return folder


@pytest.fixture(scope="session")
def small_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of 400 rows with numbers, a decimal, a category, a boolean, dates and missing cells."""
    rng = numpy_generator(0, "test table")
    path = tmp_path_factory.mktemp("data") / "people.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["age", "city", "income", "member", "since"])
        for _ in range(400):
            age = int(rng.integers(18, 80))
            city = str(rng.choice(["Oslo", "Lima", "Kyoto"], p=[0.5, 0.3, 0.2]))
            income = "" if rng.random() < 0.1 else f"{100 * age + 500 * rng.standard_normal():.2f}"
            since = f"20{int(rng.integers(10, 24)):02d}-0{int(rng.integers(1, 10))}-1{int(rng.integers(0, 10))}"
            writer.writerow([age, city, income, "yes" if rng.random() < 0.4 else "no", since])
    return path

"""The page on clusters: its blocks run, as far as one machine can run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import gankit

PAGE = (Path(__file__).parents[1] / "docs" / "clusters.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def block(language: str, word: str) -> str:
    (found,) = [text for name, text in BLOCKS if name == language and word in text]
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_table: Path) -> Path:
    """A folder with the run that the page speaks of."""
    folder = tmp_path_factory.mktemp("clusters")
    gankit.train(small_table, out=folder / "runs" / "people", samples="400", verbose=False)
    return folder


@pytest.fixture(scope="module")
def whole(place: Path) -> pa.Table:
    """The sample that all parts are of, as its Parquet file has it."""
    gankit.load(place / "runs" / "people").write(place / "whole.parquet", 1000)
    return parquet.read_table(place / "whole.parquet")


def test_an_array_of_jobs_makes_the_whole(place: Path, whole: pa.Table) -> None:
    script = place / "job.sh"
    script.write_text(block("bash", "SLURM").replace("gankit sample", f"{sys.executable} -m gankit sample"))
    own = {**os.environ, "PYTHONPATH": str(Path(gankit.__file__).parents[1])}
    for part in range(2):
        variables = {"SLURM_ARRAY_TASK_ID": str(part), "SLURM_ARRAY_TASK_COUNT": "2"}
        subprocess.run(["bash", script], cwd=place, env=own | variables, check=True)
    parts = [parquet.read_table(place / f"part-{part}.parquet") for part in range(2)]
    assert pa.concat_tables(parts).equals(whole)


def test_the_function_for_spark_makes_the_whole(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    names: dict[str, Any] = {}
    exec(block("python", "make_rows"), names)
    numbers = range(names["PARTS"])
    tasks = [iter([pd.DataFrame({"id": [n for n in numbers if n % 3 == task]})]) for task in range(3)]
    made = pd.concat([frame for task in tasks for frame in names["make_rows"](task)])
    expected = gankit.load("runs/people").sample(names["NUM_ROWS"], format="pandas")
    columns = list(expected.columns)
    assert sorted(map(str, made[columns].to_numpy().tolist())) == sorted(map(str, expected.to_numpy().tolist()))


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_ray_makes_the_whole_on_two_workers(place: Path, whole: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="the extra is not installed: pip install 'gankit[ray]'")
    pytest.importorskip("ray.data")
    monkeypatch.chdir(place)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(gankit.__file__).parents[1]))
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=200 * 2**20)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars, context.execution_options.preserve_order = False, True
        exec(block("python", "gankit.ray"), {})
        assert sum(parquet.read_table(file).num_rows for file in place.glob("synthetic/*")) == 1000

        from gankit.ray import dataset

        found = dataset("runs/people", 1000, parts=3)
        table = pa.concat_tables(ray.get(found.to_arrow_refs()))
        assert table.cast(whole.schema).equals(whole)
        pixels = np.arange(60, dtype=np.uint8)[:, None, None] % 7 * np.full((8, 8), 30, np.uint8)
        images = gankit.train(pixels, samples="64", width=4, verbose=False)
        batch = dataset(images, 5, seed=2, parts=2).take_batch(5)
        assert (batch["x"].reshape(5, 8, 8) == images.sample(5, seed=2).reshape(5, 8, 8)).all()
    finally:
        ray.shutdown()


def test_what_a_model_cannot_obey_is_refused_before_any_task(place: Path) -> None:
    pytest.importorskip("ray", reason="the extra is not installed: pip install 'gankit[ray]'")
    from gankit.ray import dataset

    with pytest.raises(gankit.OptionError, match="nothere"):
        dataset(place / "runs" / "people", 10, where={"nothere": 1})
    with pytest.raises(gankit.OptionError, match="1 part or more"):
        dataset(place / "runs" / "people", 10, parts=0)
    with pytest.raises(gankit.ModelError):
        dataset(place / "nothing", 10)

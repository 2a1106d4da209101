"""The notebooks of the docs run from the first cell to the last."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST_BYTES = 20_000


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_an_error(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    book = tmp_path / path.name
    book.write_bytes(path.read_bytes())
    plain = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # figures as in a notebook
    environment = {**plain, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    command = "import nbclient.cli; nbclient.cli.main()"  # in a process of its own, as with `jupyter execute`
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", command, "--inplace", "--timeout=100", book.name],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    cells = [cell for cell in json.loads(book.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells) and sum(bool(cell["outputs"]) for cell in cells) > 3
    said = "".join(str(cell["outputs"]) for cell in cells)
    assert not re.search(r"Warning\b", said), said


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_linked(path: Path) -> None:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert path.stat().st_size < MOST_BYTES
    assert f"docs/notebooks/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        assert "://" in target or (path.parent / target).exists(), target


def test_there_is_one_for_tables_images_series_and_the_steps_of_a_gan() -> None:
    assert {path.stem for path in NOTEBOOKS} >= {"tables", "images", "series", "step-by-step"}

"""The package of docs/extending.md, installed into a folder, and a process-wide clean-up of what gankit knows of it."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "extending.md").read_text(encoding="utf-8")
MODULE = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.M | re.S)[0]
ENTRY_POINTS = {
    group: dict(line.replace('"', "").split(" = ") for line in lines.strip().splitlines())
    for group, lines in re.findall(r'^\[project\.entry-points\."([\w.]+)"\]\n((?:[^`\n].*\n)+)', PAGE, flags=re.M)
}


@contextmanager
def installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, module: str = MODULE, name: str = "gankit_points"
) -> Iterator[None]:
    """A package with one module and the entry points of the page; forgotten at the end."""
    from gankit.kinds import KINDS
    from gankit.networks import NETWORKS
    from gankit.training.losses import LOSSES

    (folder / f"{name}.py").write_text(module, encoding="utf-8")
    about = folder / "gankit_points-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: gankit-points\nVersion: 1.0\n")
    groups = "".join(f"[{g}]\n" + "".join(f"{k} = {v}\n" for k, v in e.items()) for g, e in ENTRY_POINTS.items())
    (about / "entry_points.txt").write_text(groups.replace("gankit_points", name))
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()
    tables = (KINDS, NETWORKS, LOSSES)
    for table in tables:
        table.forget()
    try:
        yield
    finally:
        monkeypatch.undo()
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        for table in tables:
            table.forget()

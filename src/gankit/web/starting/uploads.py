"""Data that is given to the page: uploads, built-in sets, and the file that it was started on.

Knows files and what a look at them found; never how data is read, and never what is trained on it. What was uploaded is
read, never run.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from gankit.arguments import shown
from gankit.errors import DataError, GankitError, OutputError
from gankit.io.atomic import complaints
from gankit.run.folder import RunFolder
from gankit.stored import StoredError, of_type, parse
from gankit.web.folders.runs import UPLOADS, NotFoundError, Runs, within
from gankit.web.starting.builtin import available, file_of

MOST_UPLOAD = 2 << 30
"""Bytes of an upload."""

UNDERSTOOD_S = 120.0
"""Seconds that a look at data may take."""

KEPT_S = 7 * 86_400.0
"""Seconds for which an upload that no run was made of is kept."""

OFFERED = "offered"
"""The id of the file that the page was started on."""

_ID = re.compile(r"[0-9a-f]{16}")


class Uploads:
    """What can be learned from, each by its id. offered: a file of data that the page offers to start with."""

    def __init__(self, runs: Runs, offered: Path | None = None) -> None:
        self._runs, self._offered = runs, offered

    def about(self) -> dict[str, Any]:
        """The built-in sets, and the file that is offered."""
        offered = None if self._offered is None else {"id": OFFERED, "name": self._offered.name}
        return {"builtin": available(), "offered": offered}

    def folder(self) -> Path:
        """The folder of uploads, made where it is not there.

        Raises:
            OutputError: new runs have no place here.
        """
        if (home := self._runs.home) is None:
            raise OutputError("new runs have no place here: this page shows one run. Start it on a folder of runs.")
        with complaints(home):
            (home / UPLOADS).mkdir(parents=True, exist_ok=True)
        return home / UPLOADS

    async def receive(self, name: str, chunks: AsyncIterator[bytes]) -> str:
        """Keeps an upload under a safe name, streamed to disk; its id.

        Raises:
            OutputError: there is no space, or it is too large. DataError: it is empty.
        """
        made, size = secrets.token_hex(8), 0
        folder = self.folder() / made
        with complaints(folder):
            folder.mkdir()
        path = folder / safe_name(name)
        try:
            with complaints(path), path.open("xb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > MOST_UPLOAD:
                        raise OutputError(f"{path.name} is too large to upload. Give its path to: gankit train")
                    await asyncio.to_thread(file.write, chunk)
            if not size:
                raise DataError(f"{path.name} is empty. Choose a file with records.")
        except BaseException:
            with suppress(OSError):
                path.unlink(missing_ok=True)
                folder.rmdir()
            raise
        return made

    def tidy(self) -> None:
        """Deletes uploads and words of trainings that are older than `KEPT_S` and belong to no run of this folder."""
        old = [path for path in self._kept() if _is_old(path)]
        if not old:
            return
        runs, used = self._runs.all(), set[Path]()
        for path in runs.values():
            try:
                used.add(Path(RunFolder(path).entry().source or "").parent)
            except GankitError:
                return  # what cannot be read may be a run of any of them
        for path in old:
            with suppress(OSError):
                if path.is_dir() and path not in used:
                    shutil.rmtree(path)
                elif path.suffix and path.stem not in runs:
                    path.unlink()

    def _kept(self) -> list[Path]:
        """Uploads, and files beside them that are written while data is looked at or a training starts."""
        with suppress(OSError):
            if self._runs.home is not None:
                inside = [path for path in (self._runs.home / UPLOADS).iterdir() if not path.is_symlink()]
                return [p for p in inside if _ID.fullmatch(p.name) or p.suffix in (".log", ".json")]
        return []

    def find(self, data: str) -> Path:
        """The file of an upload, of a built-in set, or the one that is offered.

        Raises:
            NotFoundError: there is none.
        """
        if data == OFFERED and self._offered is not None:
            return self._offered
        if data in [b["name"] for b in available()]:
            return file_of(data, self.folder())
        if _ID.fullmatch(data):
            folder = within(self.folder(), data)
            for path in folder.iterdir() if folder.is_dir() else ():
                return within(folder, path.name)
        raise NotFoundError(f"there is no data {shown(data)} here. Upload it again.")

    async def understood(self, data: str) -> dict[str, Any]:
        """What gankit makes of data, by a process of its own.

        Raises:
            NotFoundError: there is none. DataError: it cannot be learned from, or takes too long to look at.
        """
        path = await asyncio.to_thread(self.find, data)
        out = self.folder() / f"{secrets.token_hex(8)}.json"
        words = [sys.executable, "-m", "gankit.web.starting.understanding", str(path), str(out)]
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*words, stdin=quiet, stdout=quiet, stderr=quiet)
        try:
            await asyncio.wait_for(process.wait(), UNDERSTOOD_S)
            found = of_type(dict[str, Any], parse(out.read_bytes()))
        except TimeoutError:
            how = f"it takes longer than {UNDERSTOOD_S:.0f} s to look at. Start it by: gankit train {path.name}"
            raise DataError(f"{path.name}: {how}") from None
        except (OSError, StoredError):
            raise DataError(f"{path.name} could not be looked at. Try it with: gankit train {path.name}") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            out.unlink(missing_ok=True)
        if "error" in found:
            raise DataError(str(found["error"]).replace(str(path), path.name))
        return {"id": data, "name": path.name, **found}


def _is_old(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_mtime < time.time() - KEPT_S
    return False


def safe_name(name: str) -> str:
    r"""A name of a file or folder that leads nowhere and hides nothing, of what a browser or a person says.

    >>> safe_name("../../etc/pass wd.csv"), safe_name("..."), safe_name("C:\\data\\Größe.csv")
    ('pass_wd.csv', 'data', 'Größe.csv')
    """
    last = re.split(r"[/\\]", name)[-1]
    clean = re.sub(r"[^\w.+-]+", "_", last).lstrip(".-_+")[-100:].lstrip(".-_+").rstrip("._")
    return clean or "data"

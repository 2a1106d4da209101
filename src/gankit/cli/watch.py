"""`gankit watch`: the live page of runs, or one run in a file to send on.

Knows run folders and the page's server; never how anything is read or shown.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import click

from gankit.arguments import path_of
from gankit.cli.flags import PATH
from gankit.cli.terminal import speaking
from gankit.errors import DataError, DependencyError, OptionError
from gankit.voice import Voice

RUNS = "runs"
"""The folder of runs that is shown where nobody names one; new runs go there."""


@click.command("watch", short_help="Show runs in the browser, while they train and afterwards.")
@click.argument("source", required=False, metavar="[RUNS | DATA]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port; 0: any free one.  [8400, or the next free one]",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=False,
    metavar="ADDRESS",
    help="Address to listen on. Others than this machine's own need the token in the printed address.  [127.0.0.1]",
)
@click.option("--browser/--no-browser", default=True, show_default=False, help="Open the page in a browser.  [on]")
@click.option("--save", type=PATH, metavar="FILE", help="Write one run as a single HTML file instead, to send on.")
@speaking
def command(voice: Voice, source: str | None, port: int | None, host: str, browser: bool, save: Path | None) -> None:
    """Show RUNS in the browser: a run folder, or a folder of them [runs].

    The page only reads the folders: training never waits for it. It can start new runs and stop running ones. DATA, a
    file or folder of data, is offered for a new run. Ctrl-C ends the server; trainings go on.
    """
    place = Path(RUNS) if source is None else path_of(source, "RUNS | DATA")
    if source is not None and not place.exists() and place != Path(RUNS):
        raise DataError(f"{source}: there is no such run, folder or file. Check the path, or leave it out for {RUNS}/.")
    if save is not None:
        _save(voice, place, save)
        return
    from gankit.web.folders.runs import Runs
    from gankit.web.serving import serve

    is_data = _is_data(place)
    runs = Runs([Path(RUNS) if is_data else place])

    def said(address: str, opens: bool) -> None:
        found = len(runs.all())
        what = (
            f"{found} {'run' if found == 1 else 'runs'} in {runs.roots[0]}"
            if found
            else f"no runs in {runs.roots[0]} yet"
        )
        voice.note(f"{what}. Ctrl-C ends the page; trainings go on.")
        if browser and not opens:
            voice.note("there is no browser here. Open the address in one; from another machine through: ssh -L")
        voice.result({"address": address, "runs": found}, f"gankit watch: {address}")

    serve(runs, host=host, port=port, offered=place.absolute() if is_data else None, browser=browser, said=said)


@contextmanager
def beside(voice: Voice, run: Path) -> Iterator[None]:
    """Shows a run that begins within it: a server as a process of its own, which a Ctrl-C of the training leaves alone.

    On a terminal it goes on after the run, until Ctrl-C.

    Raises:
        DependencyError: what the server needs is not installed, or it could not begin.
    """
    from gankit.web.serving import has_browser, required

    required()
    run.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "gankit", "watch", str(run.parent), "--no-browser", "--json"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True) as server:
        try:
            assert server.stdout is not None
            told = server.stdout.readline()
            if not told:
                raise DependencyError("the page of --watch could not begin. Start it by itself: gankit watch")
            address = f"{json.loads(told)['address']}run/{quote(run.name)}"
            voice.note(f"watch it: {address}")
            if has_browser():
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            yield
            if sys.stderr.isatty():
                voice.note(f"{address} stays open until Ctrl-C")
                with suppress(KeyboardInterrupt):
                    server.wait()
        finally:
            server.terminate()


def _save(voice: Voice, run: Path, target: Path) -> None:
    from gankit.io.atomic import write_atomically
    from gankit.web.folders.runs import CONFIG, Runs
    from gankit.web.replay import replay

    if not (run / CONFIG).is_file():
        raise OptionError(
            f"--save writes one run, and {run} is none. Name its folder: gankit watch runs/NAME --save FILE"
        )
    runs = Runs([run])
    ((name, path),) = runs.all().items()
    content = replay(name, path, runs)
    write_atomically(target, content)
    voice.result({"file": str(target), "bytes": len(content)}, f"the replay is in {target}, {len(content):,} bytes.")


def _is_data(place: Path) -> bool:
    """Whether a path is data and no runs: a file, or a folder with something in it and no run."""
    from gankit.web.folders.runs import Runs

    if not place.is_dir():
        return place.exists()
    return any(not entry.name.startswith(".") for entry in place.iterdir()) and not Runs([place]).all()

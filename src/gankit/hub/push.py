"""A model to a repository of the Hugging Face Hub: its file, a model card and, where asked, the report's figures.

Knows model files, reports and the Hub; never records: none is read, and none is uploaded.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.arguments import checked, path_of
from gankit.errors import ModelError, OptionError, OutputError
from gankit.hub.card import Figures, holds, model_card
from gankit.io.atomic import write_atomically
from gankit.io.hub import check_repo, is_on_hub, uploaded
from gankit.model import MODEL_NAME, load
from gankit.model.files import model_file, report_folder
from gankit.stored import StoredError, parse

if TYPE_CHECKING:
    from gankit.model.model import Model
    from gankit.report.page import Report

REPORT_NAME = "report.json"

_PATHS = ("heldout", "from_")
"""Options of a training that may name files of the machine it ran on."""


@dataclass(frozen=True)
class Pushed:
    """What was uploaded, or written by a dry run.

    address: of the model, for `gankit.load`; of this very commit unless nothing was uploaded. url: of the commit; None
    after a dry run. files: their names. notes: what whoever uploads a model should know, a sentence each.
    """

    address: str
    url: str | None
    files: tuple[str, ...]
    notes: tuple[str, ...]


@checked
def push(
    model: Model | str | Path, repo: str, *, report: Report | str | Path | None = None, private: bool = False,
    licence: str | None = None, message: str | None = None, dry_run: str | Path | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Pushed:  # fmt: skip
    """Uploads a model to a repository of the Hugging Face Hub: the model file and a model card; never records.

    Args:
        model: a model, a model file or a run folder.
        repo: owner/name; it is made where it is not there yet.
        report: a report, a report.json or a folder with one: the card has its figures, and they are uploaded as
            report.json. Without it the card has those of the report that `gankit evaluate` wrote for the model, if any.
        private: whether a repository that is made is for its owner alone.
        licence: of the data, as in "cc-by-4.0"; the card says so.
        message: of the commit.
        dry_run: an empty or new folder to write the files to instead; nothing is uploaded.
        on_note: called with each of the notes before anything is uploaded.

    Raises:
        GankitError: no such model or report, a report on another model, no token, a repository that may not be written.
    """
    from gankit.model.model import Model

    name = check_repo(repo)
    loaded, path = (model, model.run) if isinstance(model, Model) else (load(model), model)
    figures, notes = _figures(report, path, loaded)
    notes.append(holds(loaded))
    for option in _PATHS:
        if named := loaded.card.get("options", {}).get(option):
            notes.append(f"the model's options name {named}, and are uploaded with it.")

    def told() -> None:
        if on_note is not None:
            for note in notes:
                on_note(note)

    with tempfile.TemporaryDirectory() as folder:
        if isinstance(model, Model):
            file = Path(folder) / MODEL_NAME
            loaded.save(file)
        else:
            file = model_file(model)
        card = model_card(loaded, name, figures, licence).encode()
        files: dict[str, bytes | Path] = {MODEL_NAME: file, "README.md": card}
        if report is not None:
            assert figures is not None
            files[REPORT_NAME] = json.dumps(figures.to_json(), ensure_ascii=False, indent=1).encode()
        if dry_run is not None:
            _write(path_of(dry_run, "dry_run"), files, told)
            return Pushed(f"hf://{name}", None, tuple(files), tuple(notes))
        message = message or f"Model of gankit {loaded.card['version']}"
        done = uploaded(name, files, private=private, message=message, told=told)
    return Pushed(done.address, done.url, tuple(files), tuple(notes))


def _figures(given: Any, path: str | Path | None, model: Model) -> tuple[Figures | None, list[str]]:
    """The figures of the report that is given or else stands beside the model, and notes on it."""
    if given is not None:
        named, content = "report", getattr(given, "json", None)
        if content is None:
            file = path_of(given, "report")
            named, file = str(given), file / REPORT_NAME if file.is_dir() else file
            content = _read(file)
        try:
            found = Figures.from_json(content)
        except StoredError as error:
            raise OptionError(
                f"{named} is no report of gankit: {error}. Give a report.json of gankit evaluate."
            ) from error
        if not found.is_on(model.card):
            raise OptionError(f"{named} is a report on another model. Evaluate this one: gankit evaluate.")
        return found, []
    folder = None if path is None or is_on_hub(path) else report_folder(Path(path))
    if folder is not None and (folder / REPORT_NAME).is_file():
        try:
            return _figures(folder, None, model)
        except OptionError as error:
            return None, [f"left out: {error}"]
    return None, [
        "there is no report on this model: the card has its held-out metric alone. gankit evaluate makes one."
    ]


def _read(file: Path) -> Any:
    try:
        return parse(file.read_bytes())
    except OSError as error:
        raise OptionError(f"{file} cannot be read: {error.strerror}. Give a report.json of gankit evaluate.") from error
    except StoredError as error:
        raise OptionError(f"{file} is no report of gankit: {error}. Give a report.json of gankit evaluate.") from error


def _write(folder: Path, files: Mapping[str, bytes | Path], told: Callable[[], None]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is there and holds something. Name a new or an empty folder.")
    told()
    for name, content in files.items():
        write_atomically(folder / name, content if isinstance(content, bytes) else _bytes(content))


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}.") from error

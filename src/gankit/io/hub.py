"""Files in repositories of the Hugging Face Hub: hf://owner/name[@revision][/file] as a file here, and files from here
as a commit there.

Knows addresses, the library huggingface_hub (its cache, its token, HF_ENDPOINT, HF_HUB_OFFLINE) and its errors; never
what is in the files. Importing it costs nothing.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from gankit.errors import DependencyError, GankitError, ModelError, OptionError, OutputError, reason

_REPO = r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*"
_ADDRESS = re.compile(rf"hf://(?:models/)?({_REPO})(?:@(refs/\w+/[^/@]+|[^/@]+))?(?:/(.+))?", re.ASCII)
_EXPECTED = "Expected hf://owner/name, hf://owner/name@revision or hf://owner/name/file"
_LOG_IN = "log in with `hf auth login`, or set HF_TOKEN"


@dataclass(frozen=True)
class HubFile:
    """A file on the Hub. revision: a branch, tag or commit, None = the newest; file: None = the usual one."""

    repo: str
    revision: str | None = None
    file: str | None = None

    @property
    def name(self) -> str:
        """What the model may be called: the file's name without its suffix, or that of the repository."""
        return self.repo.split("/")[1] if self.file is None else Path(self.file).stem

    @classmethod
    def parse(cls, address: str) -> HubFile:
        """What an address names.

        Raises:
            OptionError: it is none.

        >>> HubFile.parse("hf://anna/people@v1/previews/000000012345.safetensors")
        HubFile(repo='anna/people', revision='v1', file='previews/000000012345.safetensors')
        """
        found = _ADDRESS.fullmatch(address)
        if found is None or (found[3] and ".." in found[3].split("/")):
            raise OptionError(f"{address}: no address of a model on the Hugging Face Hub. {_EXPECTED}.")
        if found[1].startswith(("datasets/", "spaces/")):
            raise OptionError(f"{address}: that is no model. {_EXPECTED}.")
        return cls(found[1], None if found[2] is None else unquote(found[2]), found[3])


def is_on_hub(source: Any) -> bool:
    """Whether something is meant as an address on the Hub.

    >>> is_on_hub("hf://anna/people"), is_on_hub("runs/people")
    (True, False)
    """
    return isinstance(source, str) and source.startswith("hf://")


def fetched(address: str, usual: str) -> Path:
    """The file of an address, in the cache of huggingface_hub: downloaded where the one there is not of that revision,
    or from there alone where the Hub cannot be reached.

    usual: the name of the file where the address has none.

    Raises:
        OptionError: it is no address. DependencyError: huggingface_hub is not installed. ModelError: there is no such
            repository, revision or file, or the Hub cannot be reached and the cache does not have it.
    """
    from gankit import __version__

    asked = HubFile.parse(address)
    hub, name = _library(f"{address} needs"), asked.file or usual
    maker: Any = {"library_name": "gankit", "library_version": __version__}
    place: Any = {"repo_id": asked.repo, "filename": name, "revision": asked.revision}
    with _in_words(address, asked, name, ModelError), _quietly():
        cached_only = False
        try:  # asked once: a download that begins without it tries for half a minute
            hub.get_hf_file_metadata(hub.hf_hub_url(**place), timeout=10, **maker)
        except Exception as error:
            cached_only = _is_unreachable(error)
            if not cached_only:
                raise
            try:
                return Path(hub.hf_hub_download(**place, local_files_only=True, **maker))
            except hub.errors.LocalEntryNotFoundError:
                raise error from None
        return Path(hub.hf_hub_download(**place, **maker))


@dataclass(frozen=True)
class Commit:
    """What was written to a repository. address: of the files as they are in it."""

    address: str
    url: str


def uploaded(
    repo: str, files: Mapping[str, bytes | Path], *, private: bool, message: str, told: Callable[[], None]
) -> Commit:
    """Writes files to a repository of models in one commit; the repository is made where it is not there yet.

    files: by their names there: contents, or the files here. private: a repository that is made is for its owner alone.
    told: called when they may be written, before they are.

    Raises:
        DependencyError: huggingface_hub is not installed. OutputError: there is no token, or one that may not write
            there, the Hub cannot be reached, or the repository exists and is public although `private` is asked for.
    """
    from gankit import __version__

    hub = _library("gankit push needs")
    asked = HubFile.parse(f"hf://{repo}")
    api = hub.HfApi(library_name="gankit", library_version=__version__)
    with _in_words(repo, asked, "", OutputError), _quietly():
        if hub.get_token() is None:
            raise OutputError(f"{repo}: to write to the Hugging Face Hub, {_LOG_IN}.")
        try:
            exists = api.repo_info(repo)
        except hub.errors.RepositoryNotFoundError:
            api.create_repo(repo, private=private or None)
        else:
            if private and not exists.private:
                raise OutputError(
                    f"{repo} exists and is public; --private is for repositories that are made. Leave it out."
                )
        told()
        operations = [hub.CommitOperationAdd(name, content) for name, content in files.items()]
        done = api.create_commit(repo, operations, commit_message=message)
    return Commit(f"hf://{repo}@{done.oid}", done.commit_url)


def check_repo(repo: str) -> str:
    """The name of a repository; hf:// before it is left out.

    Raises:
        OptionError: it is no name of one.
    """
    name = repo.removeprefix("hf://")
    if not re.fullmatch(_REPO, name, re.ASCII) or "--" in name or ".." in name or len(name) > 96:
        raise OptionError(
            f"{repo}: no name of a repository. Expected owner/name, of letters, digits, '-', '_' and '.'."
        )
    return name


def _library(what: str) -> Any:
    """The package huggingface_hub."""
    try:
        hub = import_module("huggingface_hub")
        import_module("huggingface_hub.errors")
    except ImportError:
        raise DependencyError(
            f"{what} the package huggingface_hub, which is not installed: pip install 'gankit[hub]'"
        ) from None
    return hub


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the library's own bars of progress, which know nothing of --quiet, and what its parts deprecate."""
    utils: Any = import_module("huggingface_hub.utils")
    shown = not (os.environ.get("HF_HUB_DISABLE_PROGRESS_BARS") or utils.are_progress_bars_disabled())
    if shown:
        utils.disable_progress_bars()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        if shown:
            utils.enable_progress_bars()


def _is_unreachable(error: BaseException | None) -> bool:
    """Whether the Hub did not answer, or must not be asked."""
    while error is not None:
        if (answer := getattr(error, "response", None)) is not None:
            return bool(answer.status_code >= 500)
        # by its name: the library's client is httpx in one version and httpx2 in another
        if {"TransportError", "OfflineModeIsEnabled"} & {parent.__name__ for parent in type(error).__mro__}:
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _in_words(place: str, asked: HubFile, name: str, kind: type[GankitError]) -> Iterator[None]:
    """Turns what the library raises into one sentence of an error of `kind`; stands around its calls alone."""
    constants: Any = import_module("huggingface_hub.constants")
    errors: Any = import_module("huggingface_hub.errors")
    try:
        yield
    except GankitError:
        raise
    except errors.GatedRepoError as error:
        raise kind(f"{place}: {asked.repo} is gated. Ask for access on its page, and {_LOG_IN}.") from error
    except errors.RepositoryNotFoundError as error:
        hidden = f"or it is private and this token, if there is one, may not read it. Check the name, or {_LOG_IN}"
        raise kind(f"{place}: there is no repository {asked.repo} on {constants.ENDPOINT}, {hidden}.") from error
    except errors.RevisionNotFoundError as error:
        raise kind(f"{place}: {asked.repo} has no branch, tag or commit {asked.revision!r}. Check the name.") from error
    except errors.HFValidationError as error:
        raise OptionError(f"{place}: no name of a repository ({reason(error)}).") from error
    except Exception as error:
        # the library raises errors of its own, of its HTTP client, of the system and of its part in Rust
        if _is_unreachable(error):
            here = "the cache does not have it" if kind is ModelError else "nothing was written"
            if constants.HF_HUB_OFFLINE:
                raise kind(
                    f"{place}: HF_HUB_OFFLINE is set, and {here}. Unset it, or give a file that is here."
                ) from error
            raise kind(
                f"{place}: the Hugging Face Hub ({constants.ENDPOINT}) cannot be reached, and {here}. Check the "
                "connection and HF_ENDPOINT."
            ) from error
        if isinstance(error, errors.EntryNotFoundError):
            raise kind(
                f"{place}: {asked.repo} holds no {name}, so it is no model of gankit, or its file has another name. "
                f"Name it: hf://{asked.repo}/FILE."
            ) from error
        # a RuntimeError says which file it was, and its cause what
        cause = (error.__cause__ if isinstance(error, RuntimeError) else None) or error
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status in (401, 403):
            raise kind(f"{place}: the token may not do this (status {status}). To use another, {_LOG_IN}.") from error
        what = "this could not be done" if status is None else "the Hugging Face Hub refused this"
        raise kind(f"{place}: {what}: {reason(cause)}.") from error

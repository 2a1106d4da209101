"""Reading pictures: which sources hold some, and from any of them to `Pictures`.

Knows every source by the module that reads it; never torch or networks.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.data import picturearrays, picturebatches, picturelists, reading
from gankit.data.origin import Origin
from gankit.data.picturedecoding import Source, decode_all, too_few
from gankit.data.picturefiles import (
    Collection,
    archive_and_part,
    collection_at,
    is_picture,
    is_tar,
    is_zip,
    natural,
    walk,
)
from gankit.data.pictureforms import (
    labels_of,
)
from gankit.data.picturematlab import read_mat
from gankit.data.pictureobjects import Reader, from_picture_object, object_holds_pictures, pictures_of_array
from gankit.data.pictures import Pictures
from gankit.data.picturesizes import size_of
from gankit.data.textfile import load, strip_suffixes
from gankit.errors import DataError, OptionError

_LOOKED_AT = 20_000
_ARRAYS = (".npz", ".npy")
_SUFFIXES = (
    ".gz",
    ".bz2",
    ".xz",
    ".zip",
    ".tar",
    ".tbz2",
    ".txz",
    ".tgz",
    ".mat",
    ".bin",
    *_ARRAYS,
    *picturelists.LIST_SUFFIXES,
)


def looks_like_pictures(source: Any, config: TrainConfig) -> bool:
    """Whether `--kind auto` means pictures: by the kinds of files, the heads of arrays, or the types of objects.

    Never raises: what cannot be read is left to the readers of tables, whose texts say what is wrong.
    """
    if config.kind != "auto":
        return config.kind == "image"
    try:
        if isinstance(source, str | Path):
            return str(source) != "-" and _path_holds_pictures(Path(source), config)
        return object_holds_pictures(source)
    except Exception:
        # Whatever is wrong with it, these are no pictures that can be seen at a glance.
        return False


def _path_holds_pictures(path: Path, config: TrainConfig) -> bool:
    if path.is_dir():
        return _folder_holds_pictures(path)
    within = None if path.is_file() else archive_and_part(path)
    if within is not None:
        path = within[0]
    suffix = path.suffix.lower()
    if not path.is_file():
        return False
    if is_picture(path.name):
        return True
    if suffix in _ARRAYS:
        return picturearrays.npz_seems_pictures(path)
    if suffix == ".mat":
        return True  # nothing else is read from these: whatever is wrong, their reader says it
    if is_zip(path) or is_tar(path):
        return _archive_holds_pictures(path)
    if picturearrays.idx_shape(path) is not None:
        return True  # the same
    if picturebatches.is_batch(path):
        return True
    if config.text_column is not None:
        return False
    listing = strip_suffixes(path.name.lower(), (".gz",)).endswith(picturelists.LIST_SUFFIXES)
    return listing and config.format in (None, "csv", "tsv", "parquet") and picturelists.head_names_pictures(path)


def _folder_holds_pictures(path: Path) -> bool:
    names = []
    for name in walk(path):
        if is_picture(name):
            return True
        names.append(name)
        if len(names) > _LOOKED_AT:
            break
    return bool(picturebatches.batches_in(names)) or bool(_idx_files(path, names))


def _archive_holds_pictures(path: Path) -> bool:
    if is_tar(path):
        import tarfile

        with tarfile.open(path) as archive:
            for _ in range(_LOOKED_AT):
                member = archive.next()
                if member is None:
                    break
                if member.isreg() and is_picture(member.name) and "/." not in f"/{member.name.removeprefix('./')}":
                    return True
        return picturebatches.tar_has_batches(path)
    files = collection_at(path)
    assert files is not None
    try:
        return any(map(is_picture, files.names)) or bool(picturebatches.batches_in(files.names))
    finally:
        files.close()


# --- reading ------------------------------------------------------------------------------------------------------


def read_pictures(source: Any, config: TrainConfig, notes: list[str], *, least: int = 2) -> Pictures:
    """Pictures of one size from files or Python objects, with their labels.

    source: a path to a folder (flat, or a folder a class), a zip or tar archive, a folder in an archive
        (`faces.zip/train`), .npz, .npy, IDX, CIFAR's batches, .mat, or a list (CSV, Parquet, JSON) with a column of
        paths; an array [N, H, W] or [N, H, W, C], a list of Pillow's images or of arrays [H, W, C], or a pair of any of
        these and labels [N].
    config: `size`, `fit`, `resample`, `channels` and `strict`; for lists also those of text files.
    notes: one line is appended for every decision that was not obvious.
    least: fewer pictures than that are refused.

    Raises:
        DataError: there are no pictures, too few, of many sizes without `size`, or damaged. OptionError: an option does
        not fit.
    """
    size_of(config)
    reader = Reader(config, notes, least)
    if isinstance(source, str | Path):
        pictures = _from_path(Path(source), reader)
    else:
        _refuse_text_options(config, "a Python object")
        pictures = from_picture_object(source, reader)
    if len(pictures) < least:
        raise too_few(len(pictures), _shown(source))
    picturelists.say_lonely_classes(pictures.labels, _shown(source), notes)
    return pictures


def _shown(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else f"the {type(source).__name__}"


def _refuse_text_options(config: TrainConfig, what: str) -> None:
    for name in ("format", "delimiter", "encoding", "xpath"):
        if getattr(config, name) is not None:
            raise OptionError(f"--{name} is for tables and lists, and {what} is neither. Leave it off.")
    if config.header != "auto":
        raise OptionError(f"--header is for tables and lists, and {what} is neither. Leave it off.")


def _from_path(path: Path, reader: Reader) -> Pictures:
    files = collection_at(path, members=True)
    if files is not None:
        _refuse_text_options(reader.config, f"a {files.form}")
        try:
            return _from_collection(files, path, reader)
        finally:
            files.close()
    within = None if path.is_file() else archive_and_part(path)
    if within is not None and within[0].suffix.lower() in _ARRAYS:
        return _from_numpy(within[0], within[1], reader)
    if not path.is_file() or path.stat().st_size == 0:
        load(path)  # raises, in the words for files that are not there or empty
    suffix = path.suffix.lower()
    if is_picture(path.name):
        place = str(path)
        x, _ = decode_all([_file(path, path.name)], reader.config, reader.notes, place, reader.least)
        return Pictures(x, None, Origin("folder", name=path.stem), (path.name,))
    if suffix in _ARRAYS or reader.config.format in ("npy", "npz"):
        return _from_numpy(path, "", reader)
    if picturearrays.idx_shape(path) is not None:
        _refuse_text_options(reader.config, "an IDX file")
        return _from_found(picturearrays.found_in_idx(path), path, "idx", reader)
    if suffix == ".mat" or picturebatches.is_batch(path):
        _refuse_text_options(reader.config, f"a {'.mat file' if suffix == '.mat' else 'batch of CIFAR'}")
        if suffix == ".mat":
            return _from_found(read_mat(path.read_bytes(), str(path), reader.notes), path, "mat", reader)
        beside = collection_at(path.parent)
        assert beside is not None
        return _from_batches(beside, [path.name], path, reader)
    return _from_list_file(path, reader)


def _file(path: Path, name: str) -> Source:
    def opened() -> IO[bytes]:
        return path.open("rb")

    return Source(name, opened)


def _origin(format: str, path: Path, details: Mapping[str, Any] | None = None) -> Origin:
    return Origin(format, name=strip_suffixes(path.name, _SUFFIXES) or "pictures", details=dict(details or {}))


# --- files of pictures --------------------------------------------------------------------------------------------


def _from_collection(files: Collection, path: Path, reader: Reader) -> Pictures:
    if files.chosen is not None and not picturebatches.batches_in([files.chosen]):
        raise DataError(
            f"{str(path)!r} is one file in an archive, of which only batches of CIFAR are read alone. Give the folder "
            "it lies in, or unpack it."
        )
    batches = [files.chosen] if files.chosen else picturebatches.batches_in(files.names)
    if batches and (files.chosen or not any(map(is_picture, files.names))):
        return _from_batches(files, batches, path, reader)
    idx = _idx_files(path, files.names) if files.form == "folder" else []
    if idx and not any(map(is_picture, files.names)):
        return _from_idx_folder(path, idx, reader)
    names = files.pictures()
    labelled = picturelists.from_folders(names, files.name, reader.notes)
    classes = labelled.labels is not None
    lists = _lists_beside(files, names)
    if not classes:
        labelled = _listed_inside(files, labelled, lists, reader)
    elif lists:
        reader.notes.append(
            f"{files.name}: the labels are the folders' names; {', '.join(lists[:4])} is not read. Give a list itself "
            "to take its columns as labels."
        )
    sources = [Source(name, partial(files.open, name)) for name in labelled.names]
    x, kept = decode_all(sources, reader.config, reader.notes, files.name, reader.least)
    labels = None if labelled.labels is None else labelled.labels.take(pa.array(kept))
    kept_names = tuple(labelled.names[row] for row in kept)
    return Pictures(x, labels, _origin(files.form, path, {"classes": classes}), kept_names)


def _lists_beside(files: Collection, names: Sequence[str]) -> list[str]:
    """The names of lists at the top of a collection of pictures, or beside the first of them."""
    places = ("", names[0].rpartition("/")[0])
    suffixes = (".csv", ".tsv", ".parquet", ".jsonl")
    return [name for name in files.names if name.lower().endswith(suffixes) and name.rpartition("/")[0] in places]


def _listed_inside(
    files: Collection, found: picturelists.Labelled, lists: Sequence[str], reader: Reader
) -> picturelists.Labelled:
    """The labels that one of the lists in a flat folder or archive gives to the pictures in it, if there is one."""
    known = set(found.names)
    for name in lists:
        data = files.read(name)
        if not data.strip():
            continue
        bases = ["", *{n.rpartition("/")[0] + "/" for n in found.names if "/" in n}]
        try:
            records = reading.read_bytes(data, name.rpartition("/")[2], reader.config, [])
            notes: list[str] = []
            listed = picturelists.from_list(
                records, known.__contains__, bases, reader.config, notes, f"{files.name}/{name}"
            )
        except DataError as error:
            if len(lists) == 1 and reader.config.strict:
                raise
            reader.notes.append(f"{files.name}: no labels are taken from {name}: {error}")
            continue
        if listed.labels is None:
            continue
        reader.notes.append(f"{files.name}: labels ({', '.join(listed.labels.column_names)}) taken from {name}")
        reader.notes.extend(notes)
        unlisted = len(known - set(listed.names))
        if unlisted:
            reader.notes.append(f"{files.name}: {unlisted:,} pictures that {name} does not list are left out")
        return listed
    return found


def _bytes_in(column: pa.ChunkedArray, row: int) -> IO[bytes]:
    return io.BytesIO(column[row].as_py() or b"")


def _from_list_file(path: Path, reader: Reader) -> Pictures:
    notes: list[str] = []
    records = reading.read(path, reader.config, notes=notes)
    if reader.config.header == "auto" and any(map(is_picture, records.table.column_names)):
        # what was taken for the names of the columns are a picture and its labels
        records = reading.read(path, replace(reader.config, header="no"), notes=(notes := []))
    reader.notes.extend(notes)
    held = picturelists.within_list(records, reader.config, reader.notes, str(path))
    if held is not None:
        column, names, labels = held
        sources = [Source(name, partial(_bytes_in, column, row)) for row, name in enumerate(names)]
        x, kept = decode_all(sources, reader.config, reader.notes, str(path), reader.least)
        labels = None if labels is None else labels.take(pa.array(kept))
        return Pictures(x, labels, _origin("list", path), tuple(names[row] for row in kept))
    exists, bases = picturelists.beside(path)
    listed = picturelists.from_list(records, exists, bases, reader.config, reader.notes, str(path))
    sources = [_file(path.parent / name, name) for name in listed.names]
    x, kept = decode_all(sources, reader.config, reader.notes, str(path), reader.least)
    labels = None if listed.labels is None else listed.labels.take(pa.array(kept))
    return Pictures(x, labels, _origin("list", path), tuple(listed.names[row] for row in kept))


# --- files of arrays ----------------------------------------------------------------------------------------------


def _from_numpy(path: Path, part: str, reader: Reader) -> Pictures:
    if reader.config.format not in (None, "npy", "npz"):
        _refuse_text_options(reader.config, "a file of arrays")
    try:
        found = picturearrays.read_numpy(path, part, reader.notes)
    except DataError:
        raise
    except Exception as error:
        # NumPy and zipfile raise nearly anything on damaged headers.
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{str(path)!r} is damaged or no NumPy file: {text}. Take another copy of it.") from error
    return _from_found(found, path, "npz" if found.key else "npy", reader)


def _from_found(found: picturearrays.Found, path: Path, format: str, reader: Reader) -> Pictures:
    place = str(path)
    x, form, kept = pictures_of_array(found.x, place, reader)
    details: dict[str, Any] = {"array": form.to_json(), "key": found.key or "x"}
    labels = None
    if found.labels:
        labels, details["labels"] = labels_of(found.labels, place)
        labels = labels if kept is None else labels.take(pa.array(kept))
    return Pictures(x, labels, _origin(format, path, details))


def _idx_files(folder: Path, names: Sequence[str]) -> list[Path]:
    """The IDX files of pictures in a folder."""
    likely = [name for name in names if "ubyte" in name.lower() or "idx" in name.lower()]
    return [folder / name for name in likely if len(picturearrays.idx_shape(folder / name) or ()) >= 3]


def _from_idx_folder(folder: Path, found: list[Path], reader: Reader) -> Pictures:
    found = sorted(found, key=lambda path: ("train" not in path.name.lower(), natural(path.name)))
    if len(found) > 1:
        reader.notes.append(
            f"{folder}: the pictures in {found[0].name} are taken; --heldout {found[1]} holds out others"
        )
    return _from_found(picturearrays.found_in_idx(found[0]), found[0], "idx", reader)


def _from_batches(files: Collection, batches: Sequence[str], path: Path, reader: Reader) -> Pictures:
    array, columns = picturebatches.read_batches(files, batches, reader.notes)
    x, form, kept = pictures_of_array(array, str(path), reader)
    labels = pa.table({name: pa.array(values) for name, values in columns.items()}) if columns else None
    labels = labels if labels is None or kept is None else labels.take(pa.array(kept))
    return Pictures(x, labels, _origin("cifar", path, {"array": form.to_json(), "key": "x"}))

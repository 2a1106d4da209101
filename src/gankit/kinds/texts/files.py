"""Texts in files: which sources hold some, from any of them to `Texts`, and back to lines, tables and a file a class.

Knows files of lines, folders and tables; never torch, networks or what texts are made of.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from gankit.columns.inference import FEW_LEVELS, text_column
from gankit.columns.rows import records_of, write
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, OutputError, nearest
from gankit.io.archives import PACKED, Collection, decode, strip_suffixes, unpack
from gankit.io.atomic import MARKER, complaints, whole_folder
from gankit.io.foreign import refuse_foreign
from gankit.io.formats import FORMATS, GUESSED, LINE_SUFFIXES, SUFFIXES
from gankit.io.formats.lines import TEXT_COLUMN, LinesSink, split_lines, whole_lines
from gankit.io.parts import shared_folders, training, training_files
from gankit.io.probe import HEAD, Probe, probed
from gankit.io.reading import stem_of
from gankit.io.records import Origin, Records, is_text, joined
from gankit.io.words import number_of
from gankit.io.writing import FileForm, write_files
from gankit.kinds.texts.options import TextOptions
from gankit.kinds.texts.records import FILES, LABEL_COLUMN, LINES, SENTENCE, SEQUENCES, Texts, column_of, named, unit_of

_DELIMITERS = (",", "\t", ";", "|")
_NEARLY = 0.9  # of so many lines alike a table is made
_MOLECULES = (".smi", ".smiles")
_MARKUP = (".md", ".markdown", ".rst")
_SEQUENCES = tuple(suffix for suffix, name in GUESSED.items() if name == SEQUENCES)
LONG_LINE = 256  # a text of more characters alone is taken for texts that stand in one line
DOCUMENTS, FEW_LINES = 20, 20
"""From so many files on, of so few lines each, every file is taken for one text."""


def holds_texts(source: Any, config: TrainConfig) -> bool:
    """Whether the data is texts: it was said, or it is a folder of .txt files, or a file of lines that are no table.

    Never raises: what cannot be read is left to the readers of tables, whose texts say what is wrong.
    """
    own = config.own(TextOptions)
    if config.kind != "auto":
        return config.kind == "text"
    if (
        own.unit != "auto"
        or own.alphabet is not None
        or own.text_column is not None
        or config.format in (LINES, SEQUENCES)
    ):
        return True
    if config.format is not None or config.delimiter is not None or config.header != "auto" or config.xpath is not None:
        return False
    try:
        with probed(source) as probe:
            return _probe_holds_texts(probe)
    except (OSError, DataError, EOFError, zlib.error):
        return False


def is_one_column_of_texts(records: Records, config: TrainConfig) -> bool:
    """Whether a table is nothing but one column of free text, of which nobody said what it is."""
    (name, *others) = records.table.column_names
    return not others and not config.column and _is_free_text(name, records.table.column(name), config)


def _probe_holds_texts(probe: Probe) -> bool:
    if probe.path is None:
        return _lines_are_texts(probe.head, whole=False)
    files = probe.files
    if files is not None:
        found = _text_files(files)
        if len(found) == 1 and not probe.is_folder:
            with files.open(found[0]) as stream:
                return _lines_are_texts(stream.read(HEAD), whole=False)
        return len(found) > (not probe.is_folder) and 2 * len(found) > len(files.names)
    suffix = Path(strip_suffixes(probe.file_name.lower(), PACKED[:-1])).suffix
    if suffix not in (*GUESSED, "") or probe.file is None or probe.part:
        return False
    return suffix in _SEQUENCES or _lines_are_texts(probe.plain_head, len(probe.plain_head) < HEAD, suffix)


def _lines_are_texts(head: bytes, whole: bool, suffix: str = "") -> bool:
    """Whether the first bytes of a file are lines of free text: no JSON, no table, no numbers, no classes."""
    if FORMATS[SEQUENCES].begins(head):
        return True
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<"):
        return False
    text, _ = decode(head if whole else whole_lines(head), "the data", None, [])
    lines = [line for line in split_lines(text.decode("utf-8", "ignore"))[0] if line.strip()]
    if len(lines) == 1:  # which is refused as such
        words = lines[0].split()
        worded = 2 * sum(number_of(word.strip(",;|")) is None for word in words) > len(words)
        if suffix in LINE_SUFFIXES and not any(mark in lines[0] for mark in _DELIMITERS):
            return worded
        return worded and len(lines[0]) > LONG_LINE and len(words) > 20
    if _are_named_molecules(lines, suffix):
        lines = [line.split()[0] for line in lines]
    if len(lines) < 2 or _is_delimited(lines[:1000]):
        return False
    if len(set(lines)) > FEW_LEVELS and 2 * sum(len(line.split()) >= SENTENCE for line in lines) > len(lines):
        return True
    return _is_free_text(TEXT_COLUMN, pa.chunked_array([pa.array(lines, pa.string())]), TrainConfig())


def _is_delimited(lines: Sequence[str]) -> bool:
    """Whether lines are rows of a table: all with as many delimiters, or with numbers in a column between blanks."""
    counts = ({line.count(mark) for line in lines} for mark in _DELIMITERS)
    if any(len(found) == 1 and found != {0} for found in counts):
        return not _are_phrases(lines)
    return any(_have_numbers([re.split(gap, line.strip()) for line in lines]) for gap in (r"\s+", " {2,}"))


def _have_numbers(rows: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all rows have as many fields, several, and one of these is nearly always a number."""
    fields, times = Counter(map(len, rows)).most_common(1)[0]
    if fields == 1 or times < _NEARLY * len(rows):
        return False
    alike = [row for row in rows if len(row) == fields]
    return any(sum(number_of(row[k]) is not None for row in alike) >= _NEARLY * len(alike) for k in range(fields))


def _are_phrases(lines: Sequence[str]) -> bool:
    """Whether lines have commas and blanks between words (Smith, Anna), of which a table would leave some out."""
    if any(line.count(",") != line.count(", ") or "," not in line for line in lines):
        return False
    columns = zip(*(line.split(", ") for line in lines), strict=False)
    types = {text_column("", pa.array(cells), None, (), []).type for cells in columns}
    return "text" in types and types <= {"text", "category", "constant"}


def _are_named_molecules(lines: Sequence[str], suffix: str) -> bool:
    """Whether lines are molecules, nearly each with a name (`CCO CHEMBL545`); with such a suffix, any with one."""
    parts = [line.split(None, 1) for line in lines[:1000] if line.strip()]
    names = [part[1] for part in parts if len(part) == 2]
    if suffix not in _MOLECULES:
        numbers = sum(number_of(name) is not None for name in names)
        if len(names) < _NEARLY * len(parts) or 2 * numbers > len(names) or any("\t" in name for name in names):
            return False
    return bool(names) and unit_of([part[0] for part in parts]) == "smiles"


def _is_free_text(name: str, column: pa.ChunkedArray, config: TrainConfig) -> bool:
    if not is_text(column.type):
        return False
    try:
        return text_column(name, joined(column), None, config.missing, []).type == "text"
    except DataError:
        return False


def _text_files(files: Collection) -> list[str]:
    """The files of texts: those of lines, of markup or of sequences, whichever are the most."""
    names = [(name, name.lower().removesuffix(".gz")) for name in files.names]
    every = ([name for name, plain in names if plain.endswith(some)] for some in (LINE_SUFFIXES, _MARKUP, _SEQUENCES))
    return max(every, key=len)


def read_texts(source: Any, config: TrainConfig, notes: list[str], *, column: str | None = None) -> Texts:
    """Texts from a file of lines, from a file a class, from a column of a table or from a Python object.

    source: a path to a file of lines (perhaps compressed), to a folder or an archive of such files, to a table; "-" for
        standard input; a stream; a list of texts; a DataFrame or whatever else `read` takes.
    config: `text_column`, `encoding`, `format`, `missing` and the options of tables are obeyed.
    notes: one line is appended for every decision that was not obvious.
    column: of a table, if there is one of that name and `text_column` does not say otherwise.

    Raises:
        DataError: it cannot be read, or holds no text. OptionError: an option does not fit.
    """
    with probed(source) as probe:
        files = probe.files
        if files is not None and (probe.is_folder or len(_text_files(files)) > 1):
            return _of_files(files, config, notes)
        if probe.is_bytes and not probe.is_sqlite:
            name = "standard input" if probe.file_name == "-" else probe.file_name
            data, inner, compression = unpack(probe.data(), probe.file_name)
            refuse_foreign(name, data)
            suffix = Path(inner).suffix.lower()
            if config.format is None and (FORMATS[SEQUENCES].begins(data) or suffix in _SEQUENCES):
                config = replace(config, format=SEQUENCES)
            if _is_lines(inner, data, config):
                origin = Origin(LINES, name=stem_of(probe.file_name), compression=compression)
                lines, origin = _lines(data, name, origin, config, notes)
                lines = _without_names(lines, suffix, name, config, notes)
                if config.kind == "auto" and _are_phrases(lines[:1000]):
                    notes.append(f"{name}: each line is one text, with its commas; --kind table takes columns")
                origin = named(origin, TEXT_COLUMN, [TEXT_COLUMN])
                return _without_empty(lines, None, origin, config, notes, name, "line")
            if config.format == SEQUENCES:
                column = TEXT_COLUMN
        records, said = records_of(probe, config)
        notes += said
        return texts_of_records(records, config, notes, column)


def _is_lines(name: str, data: bytes, config: TrainConfig) -> bool:
    """Whether these bytes, which are texts, are lines rather than a table."""
    if config.format is not None:
        return config.format == LINES
    if config.own(TextOptions).text_column is not None or config.delimiter is not None or config.header != "auto":
        return False
    if name == "-":
        return data[:4] != b"PAR1" and data.lstrip()[:1] != b"{"
    suffix = Path(name).suffix.lower()
    return suffix in (*LINE_SUFFIXES, "") or suffix not in SUFFIXES


def _without_names(lines: list[str], suffix: str, name: str, config: TrainConfig, notes: list[str]) -> list[str]:
    """The lines; of molecules with names the molecules alone."""
    own = config.own(TextOptions)
    if own.alphabet is not None or own.unit not in ("auto", "smiles") or not _are_named_molecules(lines, suffix):
        return lines
    shown = next(part[1] for line in lines if len(part := line.split(None, 1)) == 2)[:40]
    notes.append(
        f"{name}: what stands behind the molecules ({shown!r}, …) is taken for their names and left out; --unit "
        "character keeps whole lines"
    )
    return [(line.split(None, 1) or [""])[0] for line in lines]


def _of_files(files: Collection, config: TrainConfig, notes: list[str]) -> Texts:
    """The lines of all text files, each with its file's name, or its folder's, as label."""
    found = _text_files(files)
    if not found:
        raise DataError(f"the {files.form} {files.name!r} holds no .txt files. Give one with a .txt file a class.")
    if left := len(files.names) - len(found):
        notes.append(f"{files.name}: {left} other files than {Path(found[0]).suffix} left out")
    found, _ = training(found, files.name, notes, "files")
    found = training_files(found, files.name, notes, files.form == "folder")
    start = len(shared_folders(found))
    loose = [name for name in found if "/" not in name[start:]]
    if 0 < 2 * len(loose) < len(found):  # such as a README beside class folders
        notes.append(f"{files.name}: {len(loose):,} files beside the folders are left out: {loose[0]}, …")
        found = [name for name in found if name not in set(loose)]
    origins, read = list[Origin](), dict[str, list[str]]()
    suffix = Path(strip_suffixes(found[0].lower(), PACKED)).suffix
    if sequences := suffix in _SEQUENCES:
        notes.append(f"{files.name}: the sequences in {len(found):,} FASTA files, without their names, are a text each")
    said = [] if sequences else notes
    for name in found:
        if data := unpack(files.read(name), name)[0]:
            read[name], origin = _lines(data, name, Origin(FILES), config, said, SEQUENCES if sequences else LINES)
            origins.append(origin)
    if not read:
        raise DataError(f"the {files.form} {files.name!r} holds only empty files of texts. Give files with texts.")
    encoding = origins[0].encoding if len({origin.encoding for origin in origins}) == 1 else "utf-8"
    origin = replace(origins[0], name=Path(files.name).name.split(".")[0] or "data", encoding=encoding)
    per, num_lines = config.own(TextOptions).text_per, sum(map(len, read.values()))
    short = len(read) >= DOCUMENTS and num_lines <= FEW_LINES * len(read)
    whole = per == "file" or (per == "auto" and (suffix in _MARKUP or (short and not sequences)))
    labels = _labels_of([*read], whole)
    classes = len(set(labels)) > 1
    if per == "auto" and len(read) > 1 and not sequences:
        this, other = ("file", "line") if whole else ("line", "file")
        notes.append(
            f"{files.name}: each {this} is one text ({len(read):,} files, {num_lines:,} lines); --text-per {other} "
            f"takes each {other} as one" + (", and its file's name as label" if whole and not classes else "")
        )
    if whole:
        origin = replace(origin, details={**origin.details, "per_file": True, "classes": classes})
        texts = ["\n".join(lines).rstrip("\n") for lines in read.values()]
    else:
        texts = [line for lines in read.values() for line in lines]
        labels = [label for label, lines in zip(labels, read.values(), strict=True) for _ in lines]
    table = pa.table({LABEL_COLUMN: labels}) if classes else None
    order = [TEXT_COLUMN, LABEL_COLUMN] if classes else [TEXT_COLUMN]
    what = "file" if whole else "line"
    return _without_empty(texts, table, named(origin, TEXT_COLUMN, order), config, notes, files.name, what)


def _labels_of(names: Sequence[str], whole: bool) -> list[str]:
    """The label of each file: its folder, where all are in one of several, else its own name (none of a whole text)."""
    parts = [name.split("/") for name in names]
    while all(len(part) > 1 for part in parts) and len({part[0] for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    if all(len(part) > 1 for part in parts):
        return [part[0] for part in parts]
    return [] if whole else [Path(strip_suffixes(part[-1], (".gz",))).stem for part in parts]


def _lines(
    data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str], format: str = LINES
) -> tuple[list[str], Origin]:
    """The lines of a file (of a format of sequences these), and the origin with its encoding and how its lines end."""
    found = FORMATS[format].read(data, name, origin, config, notes)
    return found.table.column(TEXT_COLUMN).to_pylist(), found.origin


def texts_of_records(records: Records, config: TrainConfig, notes: list[str], name: str | None = None) -> Texts:
    """The texts in one column of a table, that of this name if there is one; the others are their labels.

    Raises:
        DataError: no column holds texts. OptionError: there is no column of the name asked for.
    """
    table = records.table
    if name is None or config.own(TextOptions).text_column is not None or name not in table.column_names:
        name = _column(table, config, notes)
    column = joined(table.column(name))
    texts = column.cast(pa.string()).to_pylist()
    labels = table.drop_columns([name]) if table.num_columns > 1 else None
    origin = named(records.origin, name, table.column_names)
    return _without_empty(texts, labels, origin, config, notes, f"column {name!r}", "cell")


def _column(table: pa.Table, config: TrainConfig, notes: list[str]) -> str:
    own = config.own(TextOptions)
    names: list[str] = table.column_names
    if (asked := own.text_column) is not None:
        if asked not in names:
            raise OptionError(f"--text-column {asked}: there is no such column. {nearest(asked, names)}")
        if not is_text(kind := table.column(asked).type):
            raise OptionError(f"--text-column {asked}: its cells are {kind}. Name a column of texts.")
        return asked
    worded = [name for name in names if is_text(table.column(name).type)]
    free = [name for name in worded if _is_free_text(name, table.column(name), config)]
    if not free and len(worded) == 1:
        return worded[0]
    if not free:
        raise DataError(f"no column holds free text: {', '.join(names[:6])}. Name the one to learn with --text-column.")
    first = {name: table.column(name).cast(pa.string()).slice(0, 5000).to_pylist() for name in free}
    found = max(free, key=lambda name: sum(len(text or "") for text in first[name]))
    if len(names) > 1:
        notes.append(f"texts: column {found!r}. Override with --text-column.")
    return found


def _without_empty(
    texts: Sequence[str | None], labels: pa.Table | None, origin: Origin, config: TrainConfig, notes: list[str],
    name: str, what: str,
) -> Texts:  # fmt: skip
    """The texts that are not empty (nor a word that means missing), once it is sure that there are some."""
    lost = {"", *config.missing}
    kept = [row for row, text in enumerate(texts) if text is not None and text.strip() and text not in lost]
    if not kept:
        raise DataError(f"{name} holds no text, only empty {what}s. Give data with texts.")
    if what == "line" and len(kept) == 1 and (size := len(texts[kept[0]] or "")) > LONG_LINE:
        raise DataError(
            f"{name} is one line of {size:,} characters: one text, of which nothing can be learned. Write each text on "
            r"a line of its own; sentences, say, with GNU sed: sed 's/\([.!?]\) */\1\n/g' FILE > lines.txt"
        )
    if skipped := len(texts) - len(kept):
        notes.append(f"{name}: {skipped:,} empty {what}{'s' if skipped > 1 else ''} skipped")
        labels = None if labels is None else labels.take(pa.array(kept))
    found = tuple(str(texts[row]) for row in kept)
    if any("\n" in text or "\r" in text for text in found):  # no lines can hold these
        origin = replace(origin, details={**origin.details, "texts": {**origin.details["texts"], "broken": True}})
    return Texts(found, labels, origin)


@dataclass(frozen=True)
class _Documents:
    """Texts that are files of their own, of a table of texts."""

    table: pa.Table
    origin: Origin

    @property
    def labels(self) -> pa.Table | None:
        """Their labels, one row a text, or None."""
        labels = self.table.drop_columns([column_of(self.origin)])
        return labels if labels.num_columns else None

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def files(self) -> Iterator[bytes]:
        """The bytes of each file."""
        for text in self.table.column(column_of(self.origin)).to_pylist():
            yield (text + "\n").replace("\n", self.origin.newline).encode(self.origin.encoding)


_DOCUMENTS = FileForm("texts", ".txt", _Documents.files, {}, "a folder, .zip")


def write_texts(
    batches: Iterable[pa.Table], path: str | Path, origin: Origin, *, format: str | None = None, first_row: int = 0
) -> int:
    """Writes tables of texts, one after the other, and returns how many texts.

    path: without a suffix, or an existing folder: a folder of .txt files, one a label, or one a text where they came so
        (then also `.zip`); else as for `write`. It appears under its name when it is whole.

    Raises:
        OutputError: as for `write`; or a folder for texts without labels, or with several, or with files of others.
    """
    target = Path(path)
    many = target.is_dir() or target.suffix == "" or (target.suffix == ".zip" and not Path(target.stem).suffix)
    if origin.details.get("per_file") and format is None and path != "-" and many:
        return write_files((_Documents(table, origin) for table in batches), target, _DOCUMENTS, origin, first_row)
    if path == "-" or format is not None or (target.suffix and not target.is_dir()):
        return write(batches, path, origin, format=format)
    with complaints(target), whole_folder(target, r"[^/]*\.txt") as folder:
        total = _files_of_labels(batches, folder, origin, target)
        (folder / MARKER).write_text(json.dumps({"texts": total}) + "\n", "utf-8")
        return total


def _files_of_labels(batches: Iterable[pa.Table], folder: Path, origin: Origin, target: Path) -> int:
    total = 0
    sinks: dict[str, LinesSink] = {}
    with ExitStack() as opened:
        for table in batches:
            labels = [name for name in table.column_names if name != column_of(origin)]
            if len(labels) != 1:
                found = f"{len(labels)} labels ({', '.join(labels)})" if labels else "no labels"
                better = f"{target}{'.csv' if labels else '.txt'}"
                raise OutputError(
                    f"{str(target)!r}: a folder holds a file a label, and these texts have {found}. Write {better!r}."
                )
            cells = table.column(labels[0]).cast(pa.string()).to_pylist()
            for label in dict.fromkeys(cells):
                if label not in sinks:
                    file = opened.enter_context((folder / _file_name(label, sinks)).open("wb"))
                    sinks[label] = LinesSink(file, origin, str(target))
                    sinks[label].begin(table)
                sinks[label].write(table.filter(pa.array([cell == label for cell in cells])))
            total += table.num_rows
    return total


def _file_name(label: str | None, others: Iterable[str]) -> str:
    """The name of a label's file, such that reading the folder gives the label back where a file's name can hold it."""
    plain = re.sub(r"[/\\\x00-\x1f]", "_", "missing" if label is None else label).strip() or "_"
    plain = f"_{plain}" if plain.startswith(".") else plain
    return f"{plain}.txt" if plain == label else f"{plain} {len(list(others))}.txt"

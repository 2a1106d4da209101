"""ARFF, the format of Weka and OpenML: attributes with their types, dense and sparse records.

Knows its lines; never what columns mean.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.archives import decode
from gankit.io.formats.base import Format, Sink, large, texts_of
from gankit.io.formats.lines import split_lines
from gankit.io.records import Origin, Records, content_of, is_text

_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_ATTRIBUTE = re.compile(rf"@attribute\s+({_QUOTED}|[^\s{{]+)\s*(.+)", re.IGNORECASE)
_VALUE = re.compile(rf"\s*({_QUOTED}|[^,'\"]*[^,]*?)\s*(?:,|$)")
_PAIR = re.compile(rf"\s*(\d+)\s+({_QUOTED}|[^,]*?)\s*(?:,|$)")
_INSIDE = re.compile(rf"\{{((?:{_QUOTED}|[^}}'\"])*)\}}")
_KIND = re.compile(rf"(?:\{{(?:{_QUOTED}|[^}}'\"])*\}}|{_QUOTED}|[^%'\"])*")
_WEIGHT = re.compile(r",\s*\{[^{},]*\}\s*$")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_DATES = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def _bare(value: str) -> str:
    """A value without its quotes and escapes."""
    if len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
        value = value[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), value) if "\\" in value else value


def _values(line: str) -> list[str]:
    """The values of a dense record."""
    if "'" not in line and '"' not in line:
        return [value.strip() for value in line.split(",")]
    found, end = [], 0
    while end < len(line):
        match = _VALUE.match(line, end)
        assert match is not None
        found.append(_bare(match[1]))
        end = match.end()
    return [*found, ""] if line.endswith(",") else found


def _levels(kind: str) -> list[str] | None:
    """The declared levels of a nominal attribute; None of others."""
    return _values(kind.strip()[1:-1]) if kind.startswith("{") else None


def _meaning(kind: str) -> str | None:
    """What a column is, as `--column` says it; None: as its cells look."""
    if kind.startswith("{"):
        return "category"
    if not re.match("date", kind, re.IGNORECASE):
        return None
    form = _bare(kind[4:].strip()) or "yyyy-MM-dd'T'HH:mm:ss"
    written = re.sub(r"'([^']*)'|([a-zA-Z])\2*", lambda found: found[1] or _DATES.get(found[0], "\0"), form)
    return None if "\0" in written else f"datetime:{written}"


class _ArffSink(Sink):
    """ARFF, with the attributes that the data came with; else numbers, booleans and texts."""

    def begin(self, first: pa.Table) -> None:
        known: Mapping[str, str] = self.origin.details.get("attributes", {})
        lines = [f"@relation {_written(self.origin.part or self.origin.name)}", ""]
        for field in first.schema:
            kind = field.type
            own = "{true,false}" if pa.types.is_boolean(kind) else "string" if is_text(kind) else "numeric"
            own = "string" if pa.types.is_temporal(kind) else own
            lines.append(f"@attribute {_written(field.name)} {known.get(field.name, own)}")
        self.stream.write("\n".join([*lines, "", "@data", ""]).encode())

    def write(self, batch: pa.Table) -> None:
        if batch.num_rows:
            cells = [_cells(column) for column in batch.columns]
            lines = pc.binary_join_element_wise(*cells, ",").cast(pa.large_string())
            self.stream.write(content_of(pc.binary_join_element_wise(lines, large("\n"), large(""))))


def _written(text: str) -> str:
    return str(_cells(pa.chunked_array([[text]], pa.string()))[0].as_py())


def _cells(column: pa.ChunkedArray) -> pa.Array:
    """Values as they are written, ? for missing ones."""
    texts = texts_of(column)
    if pa.types.is_floating(column.type):
        texts = pc.if_else(pc.is_finite(column.combine_chunks()), texts, None)
    odd = pc.match_substring_regex(texts, r"[\s,{}%'\"\\]|^$|^\?.")
    if pc.any(odd).as_py():
        quoted = pc.replace_substring_regex(texts, r"(['\\])", r"\\\1")
        for sign, code in (("\n", r"\n"), ("\t", r"\t"), ("\r", r"\r")):
            quoted = pc.replace_substring(quoted, sign, code)
        texts = pc.if_else(odd, pc.binary_join_element_wise("'", quoted, "'", ""), texts)
    return texts.fill_null("?")


class Arff(Format):
    """ARFF; nominal attributes are categories, dates have their declared format."""

    name, media_type = "arff", "text/x-arff"
    suffixes = (".arff",)
    magic = (b"@relation",)
    is_text = has_types = True
    obeys = ("encoding",)
    sink = _ArffSink

    def begins(self, data: bytes) -> bool:
        """See `Format.begins`: after comments."""
        return re.match(rb"\xef?\xbb?\xbf?(\s*%[^\n]*\n)*\s*@relation\s", data[: 1 << 16], re.IGNORECASE) is not None

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: columns of texts."""
        text, _ = decode(data, name, config.encoding, notes)
        lines = iter(enumerate(split_lines(text.decode("utf-8"))[0], 1))
        kinds, relation = _header(lines, name)
        rows, defaults = list[Sequence[str]](), [(_levels(kind) or ["0"])[0] for kind in kinds.values()]
        for number, line in lines:
            line = line.strip()
            if not line or line.startswith("%"):
                continue
            sparse = line.startswith("{")
            values = _sparse(line, defaults, name, number) if sparse else _values(_WEIGHT.sub("", line))
            if len(values) != len(kinds):
                found = f"expected {len(kinds)} values, found {len(values)}"
                raise DataError(f"{name!r}, line {number}: {found}. Correct or remove this line.")
            rows.append(values)
        cells = zip(*rows, strict=True) if rows else itertools.repeat(())
        columns = {key: pa.array(column, pa.string()) for key, column in zip(kinds, cells, strict=False)}
        several = [key for key, column in columns.items() if len(column.filter(pc.not_equal(column, "?")).unique()) > 1]
        meanings = {key: meaning for key in several if (meaning := _meaning(kinds[key]))}
        details = {"attributes": kinds, "types": meanings}
        return Records(pa.table(columns), replace(origin, part=relation, details=details))


def _header(lines: Any, name: str) -> tuple[dict[str, str], str]:
    """What is declared of each attribute, and the name of the relation."""
    kinds, relation = dict[str, str](), ""
    for number, line in lines:
        line = line.strip()
        lower = line.lower()
        if lower.startswith("@data"):
            return kinds, relation
        if lower.startswith("@relation"):
            relation = _bare(line[9:].strip())
        elif lower.startswith("@attribute"):
            found = _ATTRIBUTE.match(line)
            if found is None or found[2].lower().startswith("relational") or (key := _bare(found[1])) in kinds:
                wrong = "expected @attribute NAME TYPE, each name once, and no relational one"
                raise DataError(f"{name!r}, line {number}: {wrong}, found {line[:60]!r}. Correct it there.")
            kind = _KIND.match(found[2])  # without a comment behind it
            kinds[key] = kind[0].strip() if kind else found[2]
    raise DataError(f"{name!r} has no line @data, after which records stand. Take another copy.")


def _sparse(line: str, defaults: list[str], name: str, number: int) -> list[str]:
    """A record of which only values other than 0, or the first level, are given."""
    values, inside = list(defaults), _INSIDE.match(line)
    pairs = list(_PAIR.finditer(inside[1])) if inside else []
    rest = inside and _PAIR.sub("", inside[1]).strip()
    if inside is None or rest or any(int(pair[1]) >= len(values) for pair in pairs):
        wrong = f"expected {{PLACE VALUE, …}} with places up to {len(values) - 1}"
        raise DataError(f"{name!r}, line {number}: {wrong}, found {line[:60]!r}. Correct it there.")
    for pair in pairs:
        values[int(pair[1])] = _bare(pair[2])
    return values

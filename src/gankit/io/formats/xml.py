"""XML records: elements that an XPath chooses; their attributes and the leaves below them become columns of texts.

Knows XML trees; never what columns mean. Entities, document types and the network are off.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from queue import Empty, Queue
from typing import IO, Any

import pyarrow as pa
from lxml import etree

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, OutputError, reason
from gankit.io.archives import decode
from gankit.io.formats.base import Format, Sink, texts_of
from gankit.io.records import Origin, Records

MOST_SECONDS = 60
"""An XPath may take."""

Fields = dict[str, list[str]]


def _read(data: bytes, name: str, xpath: str | None, notes: list[str]) -> tuple[pa.Table, dict[str, Any]]:
    """The table of texts (null where a record has no such element), and the tags that write it again.

    Returns the table and {"root", "record": tags, "fields": column -> path of tags, an attribute as "@name"}.

    Raises:
        DataError: damaged XML, entities, no records. OptionError: the XPath is wrong or chooses no elements.
    """
    safe = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    parser = etree.XMLParser(**safe, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, MemoryError) as error:
        raise DataError(f"{name!r} is no well-formed XML: {reason(error)}. Correct it there.") from error
    document = root.getroottree().docinfo
    if document.internalDTD is not None and any(True for _ in document.internalDTD.iterentities()):
        raise DataError(f"{name!r} declares entities, which are not read. Replace them by their text.")
    elements = _chosen(root, name, xpath, notes)
    fields, rows, repeated = _cells(elements)
    if not fields:
        records = f"the {len(elements)} records <{_local(elements[0].tag)}>"
        raise DataError(f"{name!r}: {records} hold nothing. Choose others with --xpath.")
    if repeated:
        notes.append(
            f"{name}: {', '.join(sorted(repeated)[:5])} occur several times in a record; the first of each is taken"
        )
    columns = {column: pa.array([row.get(column) for row in rows], pa.string()) for column in fields}
    details = {"root": root.tag, "record": elements[0].tag, "fields": fields}
    return pa.table(columns), details


def _chosen(root: Any, name: str, xpath: str | None, notes: list[str]) -> list[Any]:
    if xpath is not None:
        try:
            found = _found(root, xpath)
        except etree.XPathError as error:
            raise OptionError(f"the XPath {xpath!r} is not possible: {error}. Try //record or /root/record.") from error
        if not isinstance(found, list) or not found or not all(isinstance(item, etree._Element) for item in found):
            tags = Counter(_local(item.tag) for item in root.iter() if isinstance(item.tag, str))
            shown = ", ".join(f"{tag} ({count})" for tag, count in tags.most_common(6))
            raise OptionError(f"the XPath {xpath!r} chooses no elements of {name!r}. It has {shown}.")
        return found
    level = [root]
    while level:
        children = [child for element in level for child in element if isinstance(child.tag, str)]
        tags = Counter(child.tag for child in children)
        if tags and (most := tags.most_common(1)[0])[1] > 1:
            same = [child for child in children if child.tag == most[0]]
            notes.append(f"{name}: records are the {len(same):,} elements <{_local(most[0])}>; --xpath chooses others")
            return same
        level = children
    raise DataError(f"{name!r} has no element that repeats. Choose the records with --xpath.")


def _found(root: Any, xpath: str) -> Any:
    """What an XPath finds. libxml2 cannot be interrupted, and some take the square of the elements, or worse.

    Raises:
        etree.XPathError: it is wrong. OptionError: it takes too long.
    """
    spaces = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    done: Queue[Any] = Queue()

    def look() -> None:
        try:
            done.put(etree.XPath(xpath, namespaces=spaces, regexp=False)(root.getroottree()))
        except etree.XPathError as error:
            done.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        found = done.get(timeout=MOST_SECONDS)
    except Empty:
        raise OptionError(
            f"the XPath {xpath!r} takes more than {MOST_SECONDS} seconds. Name the records by their path alone, such "
            "as /root/record."
        ) from None
    if isinstance(found, etree.XPathError):
        raise found
    return found


def _cells(elements: list[Any]) -> tuple[Fields, list[dict[str, str]], set[str]]:
    """Columns in order of appearance (column -> path), the cells of each record, and columns that a record repeats."""
    names: dict[tuple[str, ...], str] = {}
    rows: list[dict[str, str]] = []
    repeated: set[str] = set()
    for element in elements:
        row: dict[str, str] = {}
        for path, text in _leaves(element, ()):
            if path not in names:
                names[path] = _name_for(path, set(names.values()))
            if names[path] in row:
                repeated.add(names[path])
            row.setdefault(names[path], text)
        rows.append(row)
    return {column: list(path) for path, column in names.items()}, rows, repeated


def _name_for(path: tuple[str, ...], taken: set[str]) -> str:
    plain = "/".join(_local(part.removeprefix("@")) for part in path) or "text"
    marked = "/".join(("@" if part[0] == "@" else "") + _local(part.removeprefix("@")) for part in path)
    choices = itertools.chain((plain, marked), (f"{plain}_{number}" for number in itertools.count(2)))
    return next(choice for choice in choices if choice not in taken)


def _leaves(element: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for attribute, text in element.attrib.items():
        yield (*path, "@" + attribute), text
    children = [child for child in element if isinstance(child.tag, str)]
    for child in children:
        yield from _leaves(child, (*path, child.tag))
    own = (element.text or "").strip() if children or not path else (element.text or "")
    if not children and (path or own) and not (own == "" and element.attrib):
        yield path, own


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _element_of(row: Mapping[str, str | None], details: Mapping[str, Any]) -> Any:
    """The element of one record: column -> text, null where the element is not there."""
    record = etree.Element(details["record"])
    made: dict[tuple[str, ...], Any] = {(): record}
    fields: Mapping[str, list[str]] = details["fields"]
    for column, text in row.items():
        if text is None:
            continue
        path = fields[column] if column in fields else [_tag_from(column)]
        tags = tuple(path[:-1] if path and path[-1][0] == "@" else path)
        for depth in range(1, len(tags) + 1):
            if tags[:depth] not in made:
                made[tags[:depth]] = etree.SubElement(made[tags[: depth - 1]], tags[depth - 1])
        if len(tags) < len(path):
            made[tags].set(path[-1][1:], text)
        else:
            made[tags].text = text
    return record


def _tag_from(column: str) -> str:
    """A column's name as a tag: what XML does not allow becomes an underscore."""
    tag = "".join(sign if sign.isalnum() or sign in "_-." else "_" for sign in column)
    return tag if tag and (tag[0].isalpha() or tag[0] == "_") else "_" + tag


class _XmlSink(Sink):
    """XML, with the tags that the data came in, or <records>, <record> and one element a column."""

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        super().__init__(stream, origin, name, row)
        self._open = contextlib.ExitStack()

    def begin(self, first: pa.Table) -> None:
        plain = {"root": "records", "record": "record", "fields": {}}
        self._details = self.origin.details if "fields" in self.origin.details else plain
        self._writer = self._open.enter_context(etree.xmlfile(self.stream, encoding="utf-8"))
        self._writer.write_declaration()
        self._open.enter_context(self._writer.element(self._details["root"]))
        self._writer.write("\n")

    def write(self, table: pa.Table) -> None:
        columns = [texts_of(column).to_pylist() for column in table.columns]
        for cells in zip(*columns, strict=True):
            try:
                element = _element_of(dict(zip(table.column_names, cells, strict=True)), self._details)
            except ValueError as error:
                raise OutputError(f"a record cannot be written as XML: {error}. Write another format.") from error
            self._writer.write(element)
            self._writer.write("\n")

    def close(self) -> None:
        self._open.close()

    def release(self) -> None:
        with contextlib.suppress(OSError, ValueError, SyntaxError):
            self._open.close()


class Xml(Format):
    """XML, an element a record."""

    name, media_type = "xml", "application/xml"
    suffixes = (".xml",)
    magic = (b"<",)
    is_text = True
    obeys = ("encoding", "xpath")
    sink = _XmlSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`."""
        if config.encoding is not None:
            data, _ = decode(data, name, config.encoding, notes)
        table, details = _read(data, name, config.xpath, notes)
        return Records(table, replace(origin, details=details))

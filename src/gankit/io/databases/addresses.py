"""Addresses of databases as texts: which texts are one, and how they are shown and kept without their passwords.

Knows their form only; importing it costs nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SQLITE = b"SQLite format 3\0"
"""How a SQLite file begins."""

_ADDRESS = re.compile(r"([a-z][a-z0-9]+)(?:\+[a-z0-9_]+)?://", re.IGNORECASE)
_OF_FILES = ("http", "https", "ftp", "ftps", "sftp", "ssh", "file", "s3", "gs", "gcs", "az", "abfs", "hdfs", "hf")
_SECRET = re.compile(r"([?&][^=&]*(?:pass|pwd|secret|token|odbc_connect)[^=&]*=)[^&]*", re.IGNORECASE)


def is_address(source: Any) -> bool:
    """Whether a source is the address of a database."""
    found = _ADDRESS.match(source) if isinstance(source, str) else None
    return found is not None and found[1].lower() not in _OF_FILES


def masked(address: str, mark: str = ":***") -> str:
    """An address without its passwords. mark: what stands in place of one before the host."""
    head, sign, query = address.partition("?")
    if "@" not in head and re.match(r"[\w+]+://[^:/]+:(?!\d+(/|$))", head):  # the password has a question mark
        head, sign, query = address, "", ""
    return re.sub(r"(://[^:/]*):.*@", rf"\1{mark}@", head) + _SECRET.sub(r"\1***", sign + query)


def lasting(address: str) -> str:
    """An address as a run folder keeps it: without password, with the whole path of a SQLite file."""
    head, sign, query = masked(address, "").partition("?")
    kind, _, path = head.partition(":///")
    if kind.lower().startswith("sqlite") and path and path != ":memory:" and not path.startswith("file:"):
        head = f"{kind}:///{Path(path).resolve()}"
    return head + sign + query


def name_of(address: str) -> str:
    """The name of the table in an address, or of the database."""
    head, _, query = masked(address).partition("?")
    table = re.search(r"(?:^|&)table=([^&]*)", query)
    return re.sub(r"\W+", "_", table[1] if table else Path(head.partition("://")[2]).stem) or "data"

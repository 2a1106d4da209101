"""Databases: a table or the rows of a query, from any address that SQLAlchemy knows or a SQLite file, in batches.

Knows addresses, tables and the values that drivers give; never what columns mean. No text of it shows a password.
"""

from __future__ import annotations

import json
import re
import sqlite3
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from gankit.errors import DataError, DependencyError, OptionError, nearest
from gankit.io.databases.addresses import masked
from gankit.io.records import Origin, Records

if TYPE_CHECKING:
    import sqlalchemy as sa

_MYSQL = ("pymysql", "mysqldb", "mysqlconnector")
_DRIVERS = {
    "postgresql": ("psycopg", "psycopg2", "pg8000"), "mysql": _MYSQL, "mariadb": _MYSQL,
    "oracle": ("oracledb", "cx_oracle"), "mssql": ("pyodbc", "pymssql"),
}  # fmt: skip
"""Drivers of a database, in the order in which they are tried."""

_WAITING = ("psycopg", "psycopg2", "mysqldb", "pymysql")  # drivers that know connect_timeout
_PATIENCE_S = 20
_ROWS = 1 << 14
_OWN = ("information_schema", "performance_schema", "mysql", "sys", "pg_catalog", "pg_toast")
_PLAIN = (bool, int, float, str, bytes, Decimal, date, datetime, time, timedelta)


def read_address(address: str, notes: list[str]) -> Records:
    """Records of an address, such as `postgresql://user@host/name?table=orders`, or `?query=select ...`.

    Raises:
        DataError: there is no such database or table, it cannot be read, or several tables are there and none is named.
        DependencyError: SQLAlchemy or the driver of the database is not installed. OptionError: a table and a query.
    """
    shown = masked(address)
    sqlalchemy = _library()
    head, sign, arguments = re.sub("^postgres(?=[+:])", "postgresql", address).partition("?")
    try:
        url = sqlalchemy.make_url(head.replace("@", "%40", head.count("@") - 1) + sign + arguments)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        how = "Write it like postgresql://user@host/name?table=NAME, in a password %40 for @ and %3F for ?"
        raise DataError(f"{shown} is no address of a database. {how}.") from None
    query = dict(url.query)
    table, statement = (_one(query.pop(key, None)) for key in ("table", "query"))
    if table and statement:
        raise OptionError(f"{shown}: both a table and a query are named. Leave one out.")
    how = f"Name one: {shown.partition('?')[0]}?table=NAME"
    return _read(url.set(query=query), table, statement, shown, how, notes)


def read_sqlite(path: Path, table: str, notes: list[str]) -> Records:
    """Records of a SQLite file. table: its name; empty for the only one.

    Raises: as `read_address`.
    """
    url = _library().URL.create("sqlite", database=str(path))
    return _read(url, table or None, None, str(path), f"Name one: {path}/NAME", notes)


def _library() -> Any:
    try:
        import sqlalchemy
    except ImportError:
        raise DependencyError("databases need SQLAlchemy: pip install 'gankit[sql]'") from None
    return sqlalchemy


def _one(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value[-1])


def _read(url: sa.URL, table: str | None, statement: str | None, shown: str, how: str, notes: list[str]) -> Records:
    import sqlalchemy as sa

    with _sentences(shown, str(url.password or "")), warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # types that it does not know come as they are
        engine = _engine(url, shown)
        try:
            with engine.connect() as connection:
                booleans: set[str] = set()
                if statement:
                    chosen: Any = sa.text(statement.replace(":", r"\:"))
                else:
                    inspector = sa.inspect(connection)
                    schema, table = _table(inspector, table, shown, how, notes)
                    columns = inspector.get_columns(table, schema)
                    booleans = {column["name"] for column in columns if isinstance(column["type"], sa.Boolean)}
                    chosen = sa.select(sa.text("*")).select_from(sa.table(table, schema=schema))
                lazily = connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
                found = _table_of(lazily.execute(chosen), booleans)
        finally:
            engine.dispose()
    return Records(found, Origin("sql", name=table or "query", part=table or ""))


def _engine(url: sa.URL, shown: str) -> sa.Engine:
    """What connects to an address, with the driver that it names, or the first one that is installed."""
    import sqlalchemy as sa

    kind, _, driver = url.drivername.partition("+")
    if kind == "sqlite" and url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        path = Path(url.database)
        if not path.is_file():  # else an empty one would be made
            raise DataError(f"there is no file {url.database!r}. Check the path; sqlite:////… is one from the root.")
        if not driver and not url.query:
            place = f"{path.resolve().as_uri()}?mode=ro"
            return sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(place, uri=True))
    names = [url.drivername] if driver else [f"{kind}+{name}" for name in _DRIVERS.get(kind, ())] or [kind]
    for name in names:
        waits = name.partition("+")[2] in _WAITING and "connect_timeout" not in url.query
        try:
            return sa.create_engine(
                url.set(drivername=name), connect_args={"connect_timeout": _PATIENCE_S} if waits else {}
            )
        except ModuleNotFoundError as error:
            missing = str(error.name)
    first = missing if driver or kind not in _DRIVERS else _DRIVERS[kind][0]
    raise DependencyError(f"{shown}: the driver of this database is not installed: pip install {first}") from None


def _table(inspector: Any, wanted: str | None, shown: str, how: str, notes: list[str]) -> tuple[str | None, str]:
    """The schema (None: the usual one) and the name of the table that is wanted, or of the only one.

    Raises:
        DataError: there is no such table; or none is named, and there are several or none.
    """
    if wanted is not None:
        schema, _, name = wanted.rpartition(".")
        if inspector.has_table(wanted):
            return None, wanted
        if schema and inspector.has_table(name, schema):
            return schema, name
    tables, views = inspector.get_table_names(), inspector.get_view_names()
    every = [*tables, *views]
    for schema in inspector.get_schema_names() if wanted or not every else ():
        if schema not in (*_OWN, inspector.default_schema_name):
            every += [f"{schema}.{name}" for name in inspector.get_table_names(schema)]
    if wanted is not None:
        raise DataError(f"{shown} has no table {wanted!r}. {nearest(wanted, every)}")
    if len(every) == 1 or len(tables) == 1:
        if len(every) > 1:
            notes.append(f"{shown}: the table {tables[0]!r} is read, not the views. {how}")
        schema, _, name = every[0].rpartition(".") if not tables and not views else ("", "", every[0])
        return schema or None, name
    listed = ", ".join(map(repr, every[:20])) + (", …" if len(every) > 20 else "")
    raise DataError(f"{shown} has {len(every)} tables ({listed}). {how}" if every else f"{shown} has no tables.")


def _table_of(result: Any, booleans: set[str]) -> pa.Table:
    """The rows of a result, fetched in batches. booleans: columns whose 0 and 1 are false and true."""
    names = list(result.keys())
    parts: list[list[pa.Array]] = [[] for _ in names]
    for rows in result.partitions(_ROWS):
        for place, cells in enumerate(zip(*rows, strict=True)):
            parts[place].append(_array(cells))
    columns = [_column(arrays, name in booleans) for name, arrays in zip(names, parts, strict=True)]
    return pa.Table.from_arrays(columns, names=names)


def _array(cells: Sequence[Any]) -> pa.Array:
    """A driver's values as a column: numbers and times as such, what has parts as JSON, all else as texts."""
    kinds = set(map(type, cells)) - {type(None)}
    if kinds <= set(_PLAIN) and (len(kinds) < 2 or kinds <= {int, float}):
        try:
            return pa.array(cells)
        except (pa.ArrowException, OverflowError):  # whole numbers of over 64 bits, NaN among decimals
            pass
    return pa.array([cell if cell is None else _text(cell) for cell in cells], pa.string())


def _text(cell: Any) -> str:
    if isinstance(cell, dict | list | tuple):
        return json.dumps(cell, ensure_ascii=False, default=str)
    if isinstance(cell, bytes | memoryview):
        return bytes(cell).hex()
    return str(cell)


def _column(arrays: list[pa.Array], boolean: bool) -> pa.ChunkedArray:
    """The batches of a column in one type."""
    kinds = {array.type for array in arrays} - {pa.null()}
    if len(kinds) > 1:
        decimals = [kind for kind in kinds if pa.types.is_decimal(kind)]
        if len(decimals) == len(kinds):
            scale = max(kind.scale for kind in decimals)
            whole = max(kind.precision - kind.scale for kind in decimals)
            kinds = {pa.decimal128(min(scale + whole, 38), scale) if scale + whole <= 38 else pa.float64()}
        else:
            kinds = {pa.float64() if kinds == {pa.int64(), pa.float64()} else pa.string()}
    kind = kinds.pop() if kinds else pa.null()
    column = pa.chunked_array([array.cast(kind) for array in arrays], kind)
    if boolean and pa.types.is_integer(kind) and pc.all(pc.is_in(column, pa.array([0, 1, None]))).as_py():
        return column.cast(pa.bool_())
    return column


@contextmanager
def _sentences(shown: str, password: str) -> Iterator[None]:
    """Turns what SQLAlchemy and drivers raise into one sentence.

    Raises:
        DataError: in place of their errors.
    """
    import sqlalchemy as sa

    try:
        yield
    except sa.exc.NoSuchModuleError:
        raise DataError(
            f"{shown}: SQLAlchemy knows no such database. Install its dialect, or download the data as a file."
        ) from None
    except (sa.exc.SQLAlchemyError, OSError, ValueError, ArithmeticError) as error:
        text = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
        why = text.splitlines()[0].rstrip(".")
        why = why.replace(password, "***") if password else why
        raise DataError(f"{shown}: {why}. Check the address, its user and what it names.") from None

"""Databases: SQLite files, addresses, a PostgreSQL server; what cannot be read, and passwords that stay hidden."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pytest

from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, OptionError
from gankit.io.databases import tables as databases
from gankit.io.databases.addresses import SQLITE, is_address, lasting, masked, name_of
from gankit.io.reading import read
from gankit.kinds import prepare

sa = pytest.importorskip("sqlalchemy")

SECRET = "geh3im"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite file with one table."""
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as base:
        base.execute("create table orders (id integer primary key, day date, ok boolean, price numeric, note text)")
        rows = [(i, f"2022-01-{1 + i % 28:02}", i % 2, 1.25 * i if i % 5 else None, "ab"[i % 2]) for i in range(60)]
        base.executemany("insert into orders values (?,?,?,?,?)", rows)
    base.close()
    return path


def also(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as base:
        for statement in statements:
            base.execute(statement)
    base.close()


def test_the_only_table_of_a_sqlite_file_is_read_with_its_types(shop: Path) -> None:
    records = read(shop)
    assert records.table.schema.types == [pa.int64(), pa.string(), pa.bool_(), pa.float64(), pa.string()]
    assert records.table.slice(1, 1).to_pylist() == [
        {"id": 1, "day": "2022-01-02", "ok": True, "price": 1.25, "note": "b"}
    ]
    assert records.table.column("price").null_count == 12
    prepared = prepare(shop, TrainConfig(), [])
    types = {c.name: c.type for c in prepared.schema.columns}
    assert types == {
        "id": "identifier", "day": "datetime", "ok": "category", "price": "number", "note": "category"
    }  # fmt: skip
    assert prepared.origin.name == "orders"


def test_of_several_tables_one_is_named_by_path_or_address(shop: Path) -> None:
    also(shop, "create view dear as select id from orders where price > 50")
    notes: list[str] = []
    assert read(shop, notes=notes).origin.part == "orders" and "not the views" in notes[0]
    also(shop, 'create table "Other ones" (a)', 'insert into "Other ones" values (1)')
    with pytest.raises(DataError, match=r"has 3 tables \('Other ones', 'orders', 'dear'\)\. Name one: .*shop\.db/NAME"):
        read(shop)
    assert read(shop / "Other ones").table.to_pydict() == {"a": [1]}
    assert read(f"sqlite:///{shop}?table=dear").table.column_names == ["id"]
    statement = "select note as n, count(*) as k from orders where note <> ':b' and note like 'a%' group by 1"
    assert read(f"sqlite:///{shop}?query={quote(statement)}").table.to_pydict() == {"n": ["a"], "k": [30]}
    with pytest.raises(DataError, match=r"has no table 'order'\. Did you mean 'orders'"):
        read(shop / "order")


def test_texts_of_a_table_are_learned(tmp_path: Path) -> None:
    also(tmp_path / "n.db", "create table names (name)", "create table other (a)")
    with sqlite3.connect(tmp_path / "n.db") as base:
        base.executemany("insert into names values (?)", [(f"person {i * 7919 % 1000} xy",) for i in range(60)])
    base.close()
    prepared = prepare(tmp_path / "n.db" / "names", TrainConfig(kind="text"), [])
    assert prepared.kind.name == "text" and len(prepared.train) == 48


def test_batches_of_other_types_become_one_column(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_ROWS", 2)
    also(shop, "create table t (a, b, c)", "insert into t values (null, 1, 'x'), (null, 2, 'y'), (3, 1.5, 7)")
    also(shop, "insert into t values (4, null, null), (null, 9, x'0a0b')")
    assert read(shop / "t").table.to_pydict() == {
        "a": [None, None, 3, 4, None],
        "b": [1.0, 2.0, 1.5, None, 9.0],
        "c": ["x", "y", "7", None, "\n\x0b"],
    }


def test_what_is_wrong_with_an_address_is_said_in_one_sentence(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.db").write_bytes(shop.read_bytes()[:4096])
    (tmp_path / "rubbish.db").write_bytes(SQLITE + b"rubbish" * 100)
    for source, said in [
        (f"sqlite:///{tmp_path}/absent.db?table=x", "there is no file"),
        (f"sqlite:///{shop}?query=selct 1", "syntax error"),
        (str(tmp_path / "cut.db"), "malformed"),
        (str(tmp_path / "rubbish.db"), "not a database"),
        (f"postgresql://u:{SECRET}@127.0.0.1:1/x?table=t", "connection failed"),
        (f"postgresql://u:a@{SECRET}@127.0.0.1:1/x?table=t", "connection failed"),
        (f"postgresql://u:a?{SECRET}@127.0.0.1:1/x?table=t", "connection failed"),
        (f"postgresql://u:{SECRET}@127.0.0.1:port/x?table=t", "no address of a database"),
        (f"nodb://u:{SECRET}@h/x?table=t", "SQLAlchemy knows no such database"),
    ]:
        with pytest.raises(DataError, match=said) as caught:
            read(source)
        assert "\n" not in str(caught.value) and SECRET not in str(caught.value)
    assert not (tmp_path / "absent.db").exists()
    with pytest.raises(DependencyError, match=r"driver of this database is not installed: pip install pymysql") as lack:
        read(f"mysql://u:{SECRET}@h/x?table=t")
    assert SECRET not in str(lack.value)
    with pytest.raises(OptionError, match="both a table and a query"):
        read(f"sqlite:///{shop}?table=orders&query=x")
    with pytest.raises(DataError, match="read from a file only"), shop.open("rb") as stream:
        read(stream)


def test_addresses_are_kept_and_shown_without_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgresql+psycopg://ann:a:b@c@host:5432/db?table=s.t&sslpassword=x&query=select '@'"
    assert masked(address) == "postgresql+psycopg://ann:***@host:5432/db?table=s.t&sslpassword=***&query=select '@'"
    assert "ann@host" in lasting(address) and ":a" not in lasting(address)
    plain = "postgresql://host:5432/db?query=select '@'"
    assert masked(plain) == lasting(plain) == plain
    monkeypatch.chdir(tmp_path)
    assert lasting("sqlite:///x.db?table=t") == f"sqlite:///{tmp_path}/x.db?table=t"
    assert [name_of(a) for a in (address, plain, "sqlite:///a/x.db")] == ["s_t", "db", "x"]
    assert not any(map(is_address, ("https://host/x.csv", "s3://b/x", "x.csv", "C:/x", Path("a"), 3)))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server that listens on a socket, up to the name of the database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    found = str(programs[-1]) if programs else shutil.which("initdb")
    if found is None:
        pytest.skip("no PostgreSQL server is installed")
    user = {"user": "postgres"} if os.getuid() == 0 else {}  # it refuses root
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    try:
        if user:
            shutil.chown(folder, "postgres")
        (folder / "word").write_text(SECRET)
        (folder / "word").chmod(0o644)

        def run(program: str, *arguments: str) -> None:
            command = [str(Path(found).parent / program), "-D", str(folder / "data"), *arguments]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, **user)  # type: ignore[call-overload]
            if done.returncode:
                pytest.skip(f"PostgreSQL does not start: {done.stderr.strip()[-200:]}")

        run(
            "initdb",
            "-U",
            "ann",
            "-A",
            "scram-sha-256",
            f"--pwfile={folder / 'word'}",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-k {folder} -c listen_addresses='' -F", "start")
        try:
            yield f"postgresql://ann:{SECRET}@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    except (LookupError, PermissionError) as error:
        pytest.skip(f"PostgreSQL does not start: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def people(server: str) -> str:
    """The server's address, with some tables behind it."""
    pytest.importorskip("psycopg")
    engine = sa.create_engine(server.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            """create table people (id int primary key, born date, at timestamptz, local timestamp, price numeric(8,2),
               odd numeric, ok boolean, doc json, tags text[], "Name X" text, u uuid, took interval)""",
            """insert into people select i, date '2022-01-01' + i % 300,
               timestamptz '2022-03-01 12:00+00' + i * interval '1 hour',
               timestamp '2022-03-01 12:00' + i * interval '1 min',
               i * 1.25, case when i % 2 = 0 then 1.5 else 2 end, i % 3 = 0, json_build_object('a', i % 4),
               array['x', 'y'], case when i % 7 > 0 then 'n' || i % 5 end, gen_random_uuid(), i * interval '1 s'
               from generate_series(1, 400) i""",
            "create schema other",
            "create table other.t as select * from people limit 30",
        ):
            connection.execute(sa.text(statement))
    engine.dispose()
    return server


def test_a_table_of_postgresql_comes_with_its_types(people: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_ROWS", 64)
    table = read(f"{people}&table=people").table
    assert table.num_rows == 400 and table.column_names[:2] == ["id", "born"]
    types = dict(zip(table.column_names, map(str, table.schema.types), strict=True))
    assert types["born"] == "date32[day]" and types["at"].startswith("timestamp[us, tz=") and types["ok"] == "bool"
    assert types["local"] == "timestamp[us]" and types["took"].startswith("duration")
    assert types["price"].startswith("decimal128") and types["doc"] == types["tags"] == types["u"] == "string"
    row = table.slice(6, 1).to_pylist()[0]
    assert (row["doc"], row["tags"], row["Name X"]) == ('{"a": 3}', '["x", "y"]', None)
    assert str(row["price"]) == "8.75" and row["at"].isoformat().startswith("2022-03-01T19:00:00")
    kinds = {c.name: c.type for c in prepare(f"{people}&table=people", TrainConfig(), []).schema.columns}
    assert kinds["born"] == kinds["at"] == kinds["local"] == "datetime" and kinds["price"] == kinds["odd"] == "number"
    assert read(f"{people}&table=other.t").table.num_rows == 30
    statement = quote("select id::text as n, '12:30' as t from people where \"Name X\" like 'n%' and id < 10")
    assert read(f"{people}&query={statement}").table.to_pydict()["n"] == ["1", "2", "3", "4", "5", "6", "8", "9"]


def test_a_server_that_refuses_is_quoted_without_the_password(people: str) -> None:
    for address, said in [
        (f"{people}&table=peple", "has no table 'peple'. Did you mean 'people'"),
        (f"{people}&query=select nothing", 'column "nothing" does not exist'),
        (people.replace("/postgres?", "/nowhere?"), 'database "nowhere" does not exist'),
        (people.replace("ann:", "bob:"), "password authentication failed"),
        (people.replace(f":{SECRET}", ":wrong" + SECRET), "password authentication failed"),
        (people.replace("host=/", "host=/nowhere/"), "connection"),
    ]:
        with pytest.raises(DataError, match=said.replace("?", r"\?")) as caught:
            read(address)
        assert "\n" not in str(caught.value) and SECRET not in str(caught.value)


def test_nothing_that_a_run_leaves_has_the_password(people: str, tmp_path: Path) -> None:
    from gankit.run import api

    address, said, run = f"{people}&table=people", list[str](), tmp_path / "run"
    small = {"samples": "200", "column": ("u=drop", "doc=drop"), "width": 8, "depth": 1, "evaluations": 1}
    api.train(address, out=run, heldout=f"{people}&table=other.t", on_note=said.append, **small)
    assert SECRET not in " ".join(said)
    assert all(SECRET.encode() not in file.read_bytes() for file in run.rglob("*") if file.is_file())
    entry = json.loads((run / "config.json").read_text())
    assert entry["source"] == lasting(address) and is_address(entry["source"])

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pyflow_services.sqlite import schema

EXPECTED = Path(__file__).with_name("expected_schema.sql")


def dump(database: sqlite3.Connection) -> str:
    rows = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC, name")
    return "\n\n".join(f"{row[0]};" for row in rows) + "\n"


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    return schema.connect_writer(tmp_path / "flow.db", "normal")


def test_the_migrations_add_up_to_the_schema(database: sqlite3.Connection) -> None:
    found = dump(database)
    database.close()
    assert found == EXPECTED.read_text(encoding="utf-8"), f"if the change is meant, write it to {EXPECTED.name} as well"


def test_each_migration_leads_to_the_next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = schema.migrations()
    path = tmp_path / "flow.db"
    for count in range(1, len(every) + 1):
        monkeypatch.setattr(schema, "migrations", lambda count=count: every[:count])
        database = schema.connect_writer(path, "normal")
        assert database.execute("PRAGMA user_version").fetchone() == (count,)
        found = dump(database)
        database.close()
    assert found == EXPECTED.read_text(encoding="utf-8")


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "flow.db"
    schema.connect_writer(path, "normal").close()
    good = schema.migrations()
    monkeypatch.setattr(schema, "migrations", lambda: (*good, "CREATE TABLE extra (a);\nCREATE TABLE runs (b);\n"))
    with pytest.raises(Exception, match="already exists"):
        schema.connect_writer(path, "normal")
    monkeypatch.undo()
    database = schema.connect_writer(path, "normal")
    found = dump(database)
    database.close()
    assert found == EXPECTED.read_text(encoding="utf-8")


def test_statements_are_split_where_they_end() -> None:
    script = "-- a; comment\nCREATE TABLE a (\n  b TEXT CHECK (b <> ';')\n);\nDROP TABLE a;\n"
    assert schema.split(script) == [
        "-- a; comment\nCREATE TABLE a (\n  b TEXT CHECK (b <> ';')\n);\n",
        "DROP TABLE a;\n",
    ]
    with pytest.raises(RuntimeError, match="ends within a statement"):
        schema.split("CREATE TABLE a (")


@pytest.mark.parametrize("table", ["runs", "run_inputs", "steps", "entries", "steps_archive", "events", "workers"])
def test_columns_hold_what_they_declare(database: sqlite3.Connection, table: str) -> None:
    strict = database.execute("SELECT strict FROM pragma_table_list WHERE name = ?", [table]).fetchone()
    database.close()
    assert strict == (1,)


def insert_step(database: sqlite3.Connection, name: str, **columns: object) -> None:
    values = {"run": 1, "step_name": name, "asked_at": 0, "scheduled_at": 0.0, **columns}
    places = ", ".join("?" * len(values))
    database.execute(f"INSERT INTO steps ({', '.join(values)}) VALUES ({places})", tuple(values.values()))


@pytest.fixture
def with_run(database: sqlite3.Connection) -> sqlite3.Connection:
    database.execute(
        "INSERT INTO runs (id, run_id, workflow, status, created_at, updated_at) VALUES (1, 'a', 'w', 'running', 0, 0)"
    )
    return database


@pytest.mark.parametrize("slot", ["input", "output"])
def test_a_value_is_never_inline_and_by_reference(with_run: sqlite3.Connection, slot: str) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert_step(with_run, "s", **{f"{slot}_inline": "1", f"{slot}_reference": "payloads/1"})
    with_run.close()


def test_a_number_is_given_once_in_a_run(with_run: sqlite3.Connection) -> None:
    insert_step(with_run, "one", seq=1)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert_step(with_run, "two", seq=1)
    insert_step(with_run, "three")
    insert_step(with_run, "four")
    with_run.close()


def test_a_status_that_does_not_exist_is_refused(with_run: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        insert_step(with_run, "s", status="sleeping")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        with_run.execute("UPDATE runs SET status = 'sleeping'")
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        with_run.execute("UPDATE runs SET owner = 'w', status = 'completed'")
    with_run.close()


def test_with_a_run_goes_all_that_belongs_to_it(with_run: sqlite3.Connection) -> None:
    insert_step(with_run, "s")
    with_run.execute("INSERT INTO events (run, generation, type, at) VALUES (1, 1, 'run.created', 0)")
    with_run.execute("INSERT INTO entries VALUES (1, 1, 'cancel', 0)")
    with_run.execute("DELETE FROM runs")
    counts = [with_run.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in ("steps", "events", "entries")]
    with_run.close()
    assert counts == [0, 0, 0]

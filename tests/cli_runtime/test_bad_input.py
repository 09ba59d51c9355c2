"""Whatever is given wrongly is answered by one clear line, the documented exit code, and no traceback."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from runtime_project import ORDER, RuntimeProject

if TYPE_CHECKING:
    from pathlib import Path

# --- input


@pytest.mark.parametrize(
    ("given", "place", "excerpt"),
    [
        ("{item: 1}", "line 1, column 2", ["  {item: 1}", "   ^"]),
        ('{"item": "tea",\n  "count": }', "line 2, column 12", ['  "count": }', "           ^"]),
        ("", "line 1, column 1", []),
    ],
)
def test_invalid_json_is_shown_where_it_breaks_off(
    project: RuntimeProject, given: str, place: str, excerpt: list[str]
) -> None:
    ended = project("start", "order", "--input", given)
    assert ended.code == 2
    assert f"--input is no valid JSON: {place}" in ended.error
    assert ended.err.splitlines()[1 : 1 + len(excerpt)] == excerpt


def test_invalid_json_in_a_file_names_the_file(project: RuntimeProject) -> None:
    (project.root / "bad.json").write_text("[1,")
    ended = project("run", "order", "--input", "@bad.json")
    assert (ended.code, ended.error.startswith("@bad.json is no valid JSON: line 1, column 4")) == (2, True)


def test_input_of_the_wrong_type_is_told_field_by_field(project: RuntimeProject) -> None:
    ended = project("start", "order", "--input", '{"item": 3, "count": "many"}')
    assert (ended.code, ended.out) == (2, "")
    assert ended.error == "workflow 'order': the input is no app.functions.Order:"
    assert [line.split(":")[0] for line in ended.err.splitlines()[1:3]] == ["  item", "  count"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["start", "order"], "workflow 'order' takes input, and none was given"),
        (["run", "failing", "--input", "{}"], "workflow 'failing' takes no input: leave --input out"),
        (
            ["start", "order", "--input", "@nowhere.json"],
            "--input @nowhere.json: the file cannot be read: No such file",
        ),
        (["start", "order", "--input", ORDER, "--run-id", "a\nb"], "'a\\nb' cannot name a run"),
        (["start", "order", "--input", ORDER, "--run-id", ""], "'' cannot name a run"),
        (["run", "failing", "--timeout", "soon"], "--timeout must be seconds"),
        (["worker", "--drain", "-1"], "--drain must be seconds"),
        (["worker", "--concurrency", "0"], "Invalid value for '--concurrency'"),
        (["runs", "--status", "faild"], "--status: no run has the status 'faild'; did you mean 'failed'?"),
        (["runs", "--since", "yesterday"], "--since 'yesterday' is no time"),
        (["runs", "--cursor", "x"], "this is no cursor of a list of runs"),
        (["runs", "--limit", "0"], "Invalid value for '--limit'"),
        (["status", ""], "a run is named by its id, or by the beginning of it"),
        (["status"], "Missing argument 'RUN'"),
        (["runs", "--project", "nowhere"], "'nowhere' is no folder"),
    ],
)
def test_wrong_arguments_end_with_2(project: RuntimeProject, arguments: list[str], message: str) -> None:
    ended = project(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.error


def test_input_that_is_not_utf8_is_refused(project: RuntimeProject) -> None:
    (project.root / "latin.json").write_bytes(b'{"item": "caf\xe9", "count": 1}')
    ended = project("start", "order", "--input", "@latin.json")
    assert (ended.code, ended.error) == (2, "--input: latin.json is not UTF-8")


def test_json_that_is_too_deep_is_refused(project: RuntimeProject) -> None:
    ended = project("start", "order", "--input", "-", stdin="[" * 100_000)
    assert (ended.code, ended.error.startswith("--input cannot be read as JSON")) == (2, True)


def test_a_standard_input_that_is_closed_is_refused(project: RuntimeProject) -> None:
    command = [sys.executable, "-m", "pyflow_cli.main", "start", "order", "--input", "-"]
    script = "import os, sys; os.close(0); os.execv(sys.executable, sys.argv[1:])"
    ended = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=project.root, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (2, "error: --input -: standard input is closed\n")


# --- what does not exist


def test_an_unknown_workflow_ends_with_3_and_the_nearest(project: RuntimeProject) -> None:
    for command in ("start", "run"):
        ended = project(command, "ordr")
        assert (ended.code, ended.error) == (3, "there is no workflow 'ordr'; did you mean 'order'?")


@pytest.mark.parametrize("command", ["status", "cancel", "redrive"])
def test_an_unknown_run_ends_with_3_and_the_nearest(project: RuntimeProject, command: str) -> None:
    empty = project(command, "order-2")
    assert (empty.code, empty.error) == (3, "there is no run 'order-2'")
    assert "there are no runs in this store yet" in empty.err
    project.start("order", "order-1", "--input", ORDER)
    assert project(command, "order-2").error == "there is no run 'order-2'; did you mean 'order-1'?"


# --- stores

STORE_COMMANDS = [["runs"], ["status", "x"], ["start", "order", "--input", ORDER], ["worker"], ["run", "failing"]]


@pytest.mark.parametrize("arguments", STORE_COMMANDS)
def test_a_file_that_is_no_database_ends_with_4(project: RuntimeProject, arguments: list[str]) -> None:
    (project.root / "state.db").write_text("something else" * 100)
    ended = project(*arguments, PYFLOW_STATE="sqlite:///state.db")
    assert (ended.code, "is not a database: name another file" in ended.error) == (4, True)


def test_a_database_of_another_program_ends_with_4(project: RuntimeProject) -> None:
    with sqlite3.connect(project.root / "state.db") as database:
        database.execute("CREATE TABLE other (x)")
    ended = project("runs", PYFLOW_STATE="sqlite:///state.db")
    assert (ended.code, "is a database of another program" in ended.error) == (4, True)


def test_a_newer_schema_ends_with_4(project: RuntimeProject) -> None:
    project("runs")
    with sqlite3.connect(project.root / ".pyflow/state.db") as database:
        database.execute("PRAGMA user_version = 999")
    for arguments in (["runs"], ["run", "failing"]):
        ended = project(*arguments)
        assert (ended.code, "was written by a newer pyflow" in ended.error) == (4, True)


def test_a_missing_folder_of_the_database_is_made(project: RuntimeProject) -> None:
    assert project("runs", PYFLOW_STATE="sqlite:///deep/down/state.db").code == 0
    assert (project.root / "deep/down/state.db").exists()


@pytest.mark.parametrize("arguments", STORE_COMMANDS)
def test_a_folder_that_cannot_be_made_or_written_ends_with_4(project: RuntimeProject, arguments: list[str]) -> None:
    ended = project(*arguments, PYFLOW_STATE="sqlite:///pyproject.toml/state.db")
    assert (ended.code, "pyproject.toml/state.db cannot be opened" in ended.error) == (4, True)


def test_a_full_disk_ends_with_4(project: RuntimeProject) -> None:
    mounted = project.root / "small"
    mounted.mkdir()
    script = 'mount -t tmpfs -o size=400k none small && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], cwd=project.root, check=False).returncode:
        pytest.skip("needs a file system of its own")
    big = '{"item": "' + "x" * 600_000 + '", "count": 1}'
    (project.root / "big.json").write_text(big)
    done = subprocess.run(
        [*command, *project.command("start", "order", "--input", "@big.json")],
        cwd=project.root,
        env={
            "PYFLOW_STATE": "sqlite:///small/state.db",
            "PYFLOW_PAYLOADS": "file:///small/payloads",
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (4, False), done.stderr
    assert "is full" in done.stderr


def test_a_url_that_nothing_serves_ends_with_2(project: RuntimeProject) -> None:
    ended = project("runs", PYFLOW_STATE="sqlight:///state.db")
    assert (ended.code, "did you mean 'sqlite'?" in ended.error) == (2, True)


# --- code of the project


def test_a_syntax_error_is_told_with_its_place(project: RuntimeProject) -> None:
    project.edit("app/workflows.py", "async def order(", "async def order((")
    line = next(
        n for n, text in enumerate((project.root / "app/workflows.py").read_text().splitlines(), 1) if "((" in text
    )
    for arguments in (["start", "order", "--input", ORDER], ["worker", "--once"]):
        ended = project(*arguments)
        assert ended.code == 2
        assert ended.error.startswith(f"app/workflows.py:{line}: SyntaxError: ")


def test_an_exception_at_import_is_told_with_its_place_and_its_traceback_only_on_request(
    project: RuntimeProject,
) -> None:
    project.edit("app/functions.py", "import asyncio", "import asyncio\nraise RuntimeError('not\\ntoday')")
    ended = project("run", "failing")
    assert (ended.code, ended.error) == (2, "app/functions.py:2: RuntimeError: not today")
    assert "Traceback" in project("run", "failing", "--verbose").err


def test_a_module_that_ends_the_process_is_told_like_an_exception(project: RuntimeProject) -> None:
    project.edit("app/functions.py", "import asyncio", "import asyncio\nraise SystemExit('bye')")
    ended = project("run", "failing")
    assert (ended.code, ended.error) == (2, "app/functions.py:2: SystemExit: bye")


def test_two_functions_of_one_name_are_told_with_the_place(project: RuntimeProject) -> None:
    project.edit("app/functions.py", '"orders.charge"', '"orders.price"')
    ended = project("run", "failing")
    assert ended.code == 2
    assert "app/functions.py:" in ended.error
    assert "is wired twice" in ended.error


def test_a_service_factory_that_fails_is_told_as_the_users(project: RuntimeProject) -> None:
    project.edit(
        "app/services.py", "    return Services", "    raise ConnectionError('no database')\n    return Services"
    )
    ended = project("run", "failing")
    assert (ended.code, ended.error) == (2, "app/services.py:13: ConnectionError: no database")


def test_a_missing_service_names_the_function_and_the_service(project: RuntimeProject) -> None:
    project.edit("app/services.py", "folder: Path", "volder: Path")
    # Otherwise the source says it already, and nothing is generated (PF405).
    project.edit("app/services.py", "-> Services", "-> object")
    for arguments in (["worker", "--once"], ["run", "failing"]):
        ended = project(*arguments)
        assert ended.code == 2
        assert "app.functions:charge asks for the service 'folder'" in ended.error
        assert "did you mean 'volder'?" in ended.error


# --- the generated package


def test_without_a_generated_package_generate_is_asked_for(project: RuntimeProject) -> None:
    shutil.rmtree(project.root / "app/pyflow_gen")
    ended = project("run", "failing")
    assert ended.code == 2
    assert ended.error.startswith("there is no generated package 'app.pyflow_gen' in ")
    assert ended.error.endswith(": run `pyflow generate`")


OUT_OF_DATE = "the generated package 'app.pyflow_gen' is out of date: run `pyflow generate`"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("app/workflows.py", '"tax"', '"vat"'),
        ("app/workflows.py", '@wire_workflow("failing")', '@wire_workflow("falling")'),
        ("pyproject.toml", "lease_seconds = 5", "lease_seconds = 6"),
        ("pyproject.toml", "app.services:create_services", "app.services:Services"),
        ("app/pyflow_gen/_project.py", "project: Final = Project(", "project: Final = Project(colour='red',"),
    ],
)
def test_a_generated_package_that_fits_no_more_is_not_used(
    project: RuntimeProject, file: str, old: str, new: str
) -> None:
    project.edit(file, old, new)
    ended = project("run", "failing")
    assert (ended.code, ended.error) == (2, OUT_OF_DATE)


def test_a_module_that_has_gone_makes_the_generated_package_out_of_date(project: RuntimeProject) -> None:
    (project.root / "app/workflows.py").rename(project.root / "app/flows.py")
    ended = project("run", "failing")
    assert (ended.code, ended.error) == (2, OUT_OF_DATE)


def test_an_edit_that_changes_nothing_for_the_running_side_needs_no_generate(project: RuntimeProject) -> None:
    project.edit("app/services.py", "class Services:", "class Services:  # a comment")
    assert project("run", "order", "--input", ORDER).code == 0


def test_a_folder_without_a_project_is_told(tmp_path: Path) -> None:
    ended = RuntimeProject(tmp_path)("runs")
    assert (ended.code, "there is no pyproject.toml in" in ended.error) == (2, True)


def test_help_of_every_command_needs_no_project(tmp_path: Path) -> None:
    for command in ("dev", "worker", "start", "run", "runs", "status", "cancel", "redrive"):
        assert RuntimeProject(tmp_path)(command, "--help").code == 0


def test_the_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom pyflow_cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'libcst', 'jinja2', 'aiosqlite', 'sqlite3', 'pyflow_core.client'} & set(sys.modules)\n"
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

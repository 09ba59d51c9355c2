from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import typer
from conftest import Ended, Pyflow

from pyflow_cli import command, main
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.failure import report
from pyflow_cli.output import Output, one_line
from pyflow_core import errors

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {"libcst", "jinja2", "pydantic", "arq", "asyncio", "rich", "pyflow_core.client", "pyflow_inspector"}


def run_python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_the_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom pyflow_cli.main import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    result = run_python(code)
    assert "Usage: pyflow" in result.stdout
    assert not HEAVY & set(result.stderr.split())


def test_the_help_names_every_command_with_a_summary(pyflow: Pyflow) -> None:
    shown = pyflow("--help")
    assert shown.code == 0
    for name in main.COMMANDS:
        line = next(line for line in shown.out.splitlines() if line.startswith(f"  {name} "))
        assert len(line.split()) > 2


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_the_common_options(pyflow: Pyflow, name: str) -> None:
    shown = pyflow(name, "--help")
    assert shown.code == 0
    assert all(option in shown.out for option in ("--project DIR", "--json", "--quiet", "--verbose", "--no-color"))


def test_without_a_command_the_help_is_shown(pyflow: Pyflow) -> None:
    assert "Usage: pyflow" in pyflow().out


def test_the_version_is_that_of_the_distribution(pyflow: Pyflow) -> None:
    assert pyflow("--version").out.strip().count(".") == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["generat"], "No such command 'generat'"),
        (["generate", "--nope"], "No such option: --nope"),
        (["generate", "extra"], "unexpected extra argument"),
        (["explain"], "Missing argument 'CODE'"),
        (["check", "--fail-on", "often"], "'often' is not one of"),
        (["--project"], "requires an argument"),
    ],
)
def test_wrong_usage_is_one_line_and_a_help(pyflow: Pyflow, arguments: list[str], error: str) -> None:
    ended = pyflow(*arguments)
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.splitlines()
    assert lines[0].startswith("error: ")
    assert error in lines[0]
    assert lines[1].startswith("help: pyflow")
    assert len(lines) == 2


def test_common_options_are_taken_before_the_command_too(pyflow: Pyflow, tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert pyflow("--project", missing, "inspect").err == pyflow("inspect", "--project", missing).err
    assert "is no folder" in pyflow("--project", missing, "inspect").err


Failing = Callable[[BaseException], Ended]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, pyflow: Pyflow) -> Failing:
    """`pyflow explain` ending in an exception."""

    def fail(error: BaseException, *arguments: str) -> Ended:
        from pyflow_cli.commands import explain

        def broken(cli: command.Cli) -> int:
            raise error

        monkeypatch.setattr(explain, "explain", command.command(broken))
        return pyflow("explain", *arguments)

    return fail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.SettingsError("x"), 2),
        (errors.InvalidInputError("x"), 2),
        (errors.UndeclaredResultTypeError("x"), 2),
        (errors.PermissionDeniedError("x"), 1),
        (errors.UnknownRunError("x"), 3),
        (errors.UnknownWorkflowError("x"), 3),
        (errors.StoreUnavailableError("x"), 4),
        (errors.StoreVersionError("x"), 4),
        (errors.RunFailedError("r", "w"), 1),
        (errors.RunCancelledError("r", "w"), 1),
        (errors.RunBlockedError("r", "w"), 1),
        (errors.ResultTimeoutError("r", "w"), 5),
        (errors.DivergenceError("x"), 1),
        (PermissionError(13, "Permission denied", "/x"), 2),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("x"), 70),
        (RecursionError(), 70),
    ],
)
def test_every_failure_has_its_exit_code_and_no_traceback(failing: Failing, error: BaseException, code: int) -> None:
    ended = failing(error)
    assert ended.code == code
    assert "Traceback" not in ended.err
    assert ended.out == ""


def test_every_error_class_has_an_exit_code_that_is_no_bug() -> None:
    pending = [errors.PyflowError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        error = kind.__new__(kind)
        Exception.__init__(error, "x")
        assert report(error, Output(quiet=True)) not in (ExitCode.BUG, ExitCode.DONE)


def test_notes_are_shown_as_help(failing: Failing) -> None:
    error = errors.SettingsError("it is wrong")
    error.add_note("make it right")
    assert failing(error).err == "error: it is wrong\nhelp: make it right\n"


def test_a_bug_says_so_and_shows_its_traceback_on_demand(failing: Failing) -> None:
    error = ZeroDivisionError("by zero")
    assert failing(error).err.startswith("error: this is a bug in pyflow: ZeroDivisionError: by zero\nhelp: ")
    shown = failing(error, "--verbose").err
    assert "Traceback (most recent call last)" in shown
    assert "error: this is a bug in pyflow" in shown


def test_an_exit_code_of_a_command_is_kept(failing: Failing) -> None:
    assert failing(typer.Exit(5)).code == 5


def test_a_message_is_one_line_and_cannot_steer_the_terminal() -> None:
    assert one_line("a\n  b\r\n\x1b[31mc\u202e\x00") == "a b \\x1b[31mc\\u202e\\x00"


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = (
        "import sys\nfrom pyflow_cli import command\nfrom pyflow_cli.output import Output\n"
        "def talk():\n"
        "    while True:\n        sys.stdout.write('x' * 100_000)\n"
        "sys.exit(command.run(talk, Output()))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), error) == (141, b"")


def test_text_that_the_terminal_cannot_show_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.pyflow]\n"ключ" = 1\n', encoding="utf-8")
    code = "from pyflow_cli.main import main\nmain(['inspect'])"
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)}
    result = run_python(code, cwd=tmp_path, env=environment)
    assert result.returncode == 2
    assert "has no key '\\u043a" in result.stderr


def test_quiet_keeps_errors_only(pyflow: Pyflow, project: Path) -> None:
    assert pyflow("generate", "--quiet", "--project", project).err == ""
    assert pyflow("inspect", "nothing", "--quiet", "--project", project).err.startswith("error: ")


def test_an_interrupt_while_modules_are_imported_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from pyflow_cli.entry import main; main()"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")

"""Parameters are converted without a validator for each, and become what Typer would have made of them."""

import gc
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from conftest import Pyflow
from test_cli_main import run_python
from typer.core import TyperCommand
from typer.testing import CliRunner

from pyflow_cli import command
from pyflow_cli.command_group import SparingCommand


class Color(StrEnum):
    RED = "red"
    PALE_BLUE = "pale-blue"


def echo(
    required: str,
    paths: Annotated[list[Path] | None, typer.Argument()] = None,
    *,
    path: Annotated[Path | None, typer.Option("--path")] = None,
    color: Annotated[Color | None, typer.Option("--color")] = None,
    shade: Annotated[Color, typer.Option("--shade")] = Color.RED,
    word: Annotated[str | None, typer.Option("--word")] = None,
    words: Annotated[list[str] | None, typer.Option("--words")] = None,
    number: Annotated[int | None, typer.Option("--number")] = None,
    count: Annotated[int, typer.Option("--count", min=1)] = 3,
    flag: Annotated[bool, typer.Option("--flag")] = False,
    either: Annotated[bool | None, typer.Option("--either/--or")] = None,
) -> None:
    print([required, paths, path, color, shade, word, words, number, count, flag, either])


def _result(kind: type[TyperCommand], arguments: list[str]) -> tuple[int, str]:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command("echo", cls=kind)(echo)
    ended = CliRunner().invoke(app, arguments)
    return ended.exit_code, ended.output


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a"],
        [""],
        ["a", "--help"],
        ["a", "there", "missing", "."],
        ["a", "--path", "there"],
        ["a", "--path", "missing"],
        ["a", "--path", "nul\0"],
        ["a", "--path", ""],
        ["a", "--color", "pale-blue", "--shade", "pale-blue"],
        ["a", "--color", "PALE_BLUE"],
        ["a", "--color", "green"],
        ["a", "--shade", ""],
        ["a", "--word", "w", "--words", "x", "--words", "é\udc80"],
        ["a", "--word", ""],
        ["a", "--number", "7", "--count", "9"],
        ["a", "--number", "seven"],
        ["a", "--count", "0"],
        ["a", "--flag", "--or"],
        ["a", "--word"],
        ["a", "--none"],
    ],
    ids=" ".join,
)
def test_values_are_what_typer_makes_of_them(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("")
    assert _result(SparingCommand, arguments) == _result(TyperCommand, arguments)


FLOW = """
from pyflow_core import wire_workflow
@wire_workflow("flow")
async def flow(*, workflow) -> None:
    await workflow.do("a", lambda: 1)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["check"],
        ["check", "--project", ".", "--format", "json", "--fail-on", "never", "--select", "PF1", "flow.py"],
        ["--project", ".", "inspect", "--format", "json", "--no-color"],
        ["generate", "--quiet"],
        ["explain", "PF101"],
    ],
    ids=" ".join,
)
def test_a_brief_command_imports_no_validators(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pyflow]\n")
    (tmp_path / "flow.py").write_text(FLOW)
    code = (
        "import atexit, sys\nfrom pyflow_cli.main import main\n"
        "atexit.register(lambda: print('pydantic' in sys.modules, file=sys.stderr))\n"
        f"main({arguments!r})"
    )
    ended = run_python(code, cwd=tmp_path)
    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (0, ["False"])


@pytest.mark.parametrize(("decorate", "collects"), [(command.command, True), (command.brief_command, False)])
def test_only_a_brief_command_looks_for_no_cycles(
    decorate: Any, collects: bool, pyflow: Pyflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pyflow_cli.commands import explain

    seen: list[bool] = []

    def look(cli: command.Cli) -> int:
        seen.append(gc.isenabled())
        return 0

    monkeypatch.setattr(explain, "explain", decorate(look))
    assert pyflow("explain").code == 0
    assert (seen, gc.isenabled()) == ([collects], True)


def test_who_watches_looks_for_cycles(monkeypatch: pytest.MonkeyPatch, pyflow: Pyflow, project: Path) -> None:
    from pyflow_cli import source_watch

    def stop(*_: object, **__: object) -> bool:
        raise SystemExit(gc.isenabled() * 9)

    monkeypatch.setattr(source_watch, "regenerate", stop)
    assert pyflow("generate", "--watch", "--project", project).code == 9

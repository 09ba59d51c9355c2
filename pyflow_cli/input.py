"""The input of a run: `--input JSON`, `--input @FILE`, `--input -`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from pyflow_cli.error_block import fail
from pyflow_cli.exit_code import ExitCode
from pyflow_core.errors import InvalidInputError, UsageError

if TYPE_CHECKING:
    from pyflow_cli.output import Output
    from pyflow_core.wiring import WorkflowDefinition

_EXCERPT = 72


def missing_input(definition: WorkflowDefinition) -> UsageError | None:
    """What to say when no input is given; None if the workflow can do without."""
    parameter = definition.signature.data
    if parameter is None or not parameter.required:
        return None
    error = UsageError(f"workflow {definition.name!r} takes input, and none was given")
    error.add_note("give it as --input JSON, --input @FILE, or --input - for standard input")
    return error


def read_input(output: Output, given: str, definition: WorkflowDefinition) -> Any:
    """The data of a workflow from what `--input` was given.

    Raises:
        UsageError: the workflow takes none, or the file cannot be read.
        typer.Exit: the input is no JSON, or not of the declared type; what is wrong has been said.
    """
    name = definition.name
    if definition.signature.data is None:
        raise UsageError(f"workflow {name!r} takes no input: leave --input out")
    text = _text(given)
    _check_json(output, text, given)
    try:
        return definition.signature.data_codec.from_json_input(text)
    except InvalidInputError as error:
        headline, *facts = error.message.splitlines()
        fail(output, ExitCode.USAGE, f"workflow {name!r}: {headline}", [fact.strip() for fact in facts])


def _text(given: str) -> str:
    if given == "-":
        return _decode(_standard_input(), "standard input")
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        return _decode(path.read_bytes(), str(path))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"--input {given}: the file cannot be read: {reason}") from error


def _standard_input() -> bytes:
    # Where the caller has closed it Python has none, whatever the type says.
    stream: TextIO | None = sys.stdin
    if stream is None:
        raise UsageError("--input -: standard input is closed")
    return stream.buffer.read()


def _decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"--input: {where} is not UTF-8") from None


def _check_json(output: Output, text: str, given: str) -> None:
    """Refuse text that is no JSON, and show where it breaks off; pydantic's message has only a column."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        source = {"-": "standard input"}.get(given, given if given.startswith("@") else "--input")
        headline = f"{source} is no valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        fail(output, ExitCode.USAGE, headline, _excerpt(text, error), _quoting_help(text, given))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--input cannot be read as JSON: {error}") from None


def _excerpt(text: str, error: json.JSONDecodeError) -> list[str]:
    lines = text.split("\n")
    line = lines[error.lineno - 1].rstrip("\r") if error.lineno <= len(lines) else ""
    if not line.strip():
        return []
    column = error.colno - 1
    start = max(0, column - _EXCERPT // 2)
    shown = "".join(letter if letter.isprintable() else " " for letter in line[start : start + _EXCERPT])
    # The block strips what stands before and behind, so that the caret is counted from the first letter.
    offset = len(shown) - len(shown.lstrip())
    return [shown.strip(), " " * max(0, column - start - offset) + "^"]


def _quoting_help(text: str, given: str) -> tuple[str, ...]:
    """A shell without quotes eats those of the JSON, which is the usual mistake."""
    if given != "-" and not given.startswith("@") and text[:1] in "{[" and '"' not in text:
        return ("""the shell has taken the quotes away: write --input '{"name": "value"}'""",)
    return ()

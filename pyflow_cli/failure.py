"""From an exception to an exit code and one clear line."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

from pyflow_cli.exit_code import ExitCode
from pyflow_core import errors
from pyflow_core.secret import redacted

if TYPE_CHECKING:
    from pyflow_cli.output import Output

# The first class that fits decides.
_EXIT_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (errors.PermissionDeniedError, ExitCode.NO),
    (errors.UsageError, ExitCode.USAGE),
    (errors.CodecError, ExitCode.USAGE),
    (errors.NotFoundError, ExitCode.NOT_FOUND),
    (errors.PayloadStoreUnavailableError, ExitCode.STORE),
    (errors.PayloadError, ExitCode.NO),
    (errors.StoreError, ExitCode.STORE),
    (errors.ResultTimeoutError, ExitCode.TIMED_OUT),
    (errors.PyflowError, ExitCode.NO),
    (OSError, ExitCode.USAGE),
)


def report(error: Exception, output: Output) -> ExitCode:
    """Say what went wrong, and what to do, and return how the command ends.

    The notes of an exception (`add_note`) are shown as its help. Passwords of URLs are taken out of everything: an
    error may come from a store of a third party.
    """
    if output.verbose:
        sys.stderr.write(redacted("".join(traceback.format_exception(error))))
    code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), ExitCode.BUG)
    if code is ExitCode.BUG:
        helps = () if output.verbose else ("run the same command with --verbose for the traceback",)
        output.error(f"this is a bug in pyflow: {type(error).__name__}: {redacted(str(error))}", helps)
    else:
        output.error(redacted(_message(error)), tuple(map(redacted, getattr(error, "__notes__", ()))))
    return code


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {os.fspath(error.filename)!s}" if error.filename else error.strerror
    return str(error)

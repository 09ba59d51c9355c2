"""What the number says that a command ends with."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `pyflow`, which scripts may rely on."""

    DONE = 0
    NO = 1
    """The answer is no: there are findings, a diff, a failed or cancelled run."""
    USAGE = 2
    """The arguments, the settings or the input are wrong."""
    NOT_FOUND = 3
    """There is no such run or workflow."""
    STORE = 4
    """A store cannot be reached or used."""
    TIMED_OUT = 5
    """Waiting has ended, and the run goes on."""
    BUG = 70
    """Something went wrong that is pyflow's fault."""
    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """Whoever read the output went away, as every other program ends in a pipe."""

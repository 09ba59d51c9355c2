"""Where the command `pyflow` begins: nothing that takes long is imported before Ctrl-C can be answered."""

import sys


def main() -> None:
    """Run the command that the process was started with."""
    try:
        from pyflow_cli.main import main as run_command
    except KeyboardInterrupt:
        sys.exit(130)  # what `ExitCode` calls INTERRUPTED; that module may be what was not yet imported
    run_command()

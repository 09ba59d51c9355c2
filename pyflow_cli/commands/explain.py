"""`pyflow explain`: what a finding means."""

from typing import Annotated

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode


@command
def explain(
    cli: Cli,
    code: Annotated[str, typer.Argument(metavar="CODE", help="Such as PF101 or dynamic-step-name.")],
) -> ExitCode:
    """Say why a finding matters, and what to do."""
    from pyflow_core.errors import UsageError
    from pyflow_core.suggest import did_you_mean
    from pyflow_inspector import RULES

    by_name = {rule.name: rule for rule in RULES.values()}
    rule = RULES.get(code.upper()) or by_name.get(code.lower())
    if rule is None:
        raise UsageError(f"no finding is called {code!r}{did_you_mean(code.upper(), RULES)}")
    if cli.json:
        cli.output.json({"version": 1, "code": rule.code, "name": rule.name, "docs": rule.docs})
    else:
        cli.output.data(f"{rule.code} {rule.name} ({rule.severity})\n\n{rule.docs}")
    return ExitCode.DONE

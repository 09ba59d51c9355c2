"""Commands that are imported when they are asked for."""

import inspect
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from pyflow_cli.parameter import spare_validators

CONTEXT = {"help_option_names": ["-h", "--help"]}


class _Sparing:
    """What parses its parameters without a validator for each."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the parameters from the command line."""
        base: Any = super()
        command: Any = self
        spare_validators(command.get_params(ctx), inspect.unwrap(command.callback).__annotations__)
        rest: list[str] = base.parse_args(ctx, args)
        return rest


class SparingCommand(_Sparing, TyperCommand):
    """A command that has no subcommands."""


class LazyGroup(_Sparing, TyperGroup):
    """The commands `names`, each made of the module of its name in `package` when it is wanted."""

    names: ClassVar[tuple[str, ...]] = ()
    package: ClassVar[str] = ""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the base decides the signature
        """Every name, for the help and for the nearest name of a misspelled one."""
        return list(self.names)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the base decides the signature
        """The command of this name, or None."""
        if cmd_name not in self.names:
            return None
        target = getattr(import_module(f"{self.package}.{cmd_name}"), cmd_name)
        if not isinstance(target, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(cmd_name, cls=SparingCommand, context_settings=CONTEXT)(target)
            target = single
        return typer.main.get_command(target)

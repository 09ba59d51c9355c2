"""Commands that are imported when they are asked for."""

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

CONTEXT = {"help_option_names": ["-h", "--help"]}


class LazyGroup(TyperGroup):
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
            single.command(cmd_name, context_settings=CONTEXT)(target)
            target = single
        return typer.main.get_command(target)

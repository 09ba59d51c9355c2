"""PF409: invalid option."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.errors import InvalidDurationError, InvalidOptionError
from pyflow_core.naming import DYNAMIC
from pyflow_core.options import Backoff, check_options
from pyflow_core.suggest import did_you_mean
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    import libcst as cst

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.folding import Lookup
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.project import Module

_CHECKED = ("description", "inline_max", "retries", "retry_delay", "thread", "timeout")
WIRING_OPTIONS = {
    "rpc": ("context", "func", "inline_max", "middleware", "name", "raises", "retries", "retry_delay", "timeout"),
    "workflow": ("description", "docs", "execution_mode", "func", "middleware", "name", "permissions", "tags"),
}
_MODES = ("remote", "inline")


class InvalidOption(Rule):
    """An option of a step or a wiring has a value that is refused, or there is no such option.

    `retries` is a whole number from 0 on, and counts the executions after the first. `timeout` and `retry_delay` are
    a `timedelta`, seconds, or a text such as `"30s"`, `"1h30m"`, `"7d"`; `retry_delay` may be a `Backoff` too.
    `inline_max` is a number of bytes from 0 to 65536. `execution_mode` is `"remote"` or `"inline"`.

    A wiring is refused when its module is imported, a step when it is reached.
    """

    code = "PF409"
    name = "invalid-option"
    severity = "error"
    valid = (
        Example(
            """
            from datetime import timedelta

            from pyflow_core import Backoff, wire_rpc, wire_workflow

            PATIENCE = "1h30m"

            @wire_rpc("mail.send", retries=3, retry_delay=Backoff(first=1, most=30), timeout=PATIENCE)
            async def send(data: str) -> None: ...

            @wire_workflow("newsletter", execution_mode="inline", tags=["mail"])
            async def newsletter(data: str, *, workflow) -> None:
                await workflow.do("send", "mail.send", data, timeout=timedelta(minutes=2), retries=0)
            """
        ),
        Example(
            """
            import os

            from pyflow_core import wire_rpc

            @wire_rpc("mail.send", retries=int(os.environ.get("RETRIES", "3")), retry_delay=0.5, timeout=None)
            async def send(data: str) -> None: ...
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("mail.send", retries=-1, timeout="30 sec")
            async def send(data: str) -> None: ...

            @wire_workflow("newsletter", execution_mode="local")
            async def newsletter(data: str, *, workflow) -> None:
                await workflow.do("send", "mail.send", data, retries="3", retry_delay=-2, description=7)
            """,
            marks=("-1", '"30 sec"', '"local"', '"3"', "-2", "7"),
        ),
        Example(
            """
            from datetime import timedelta

            from pyflow_core import Backoff, wire_rpc

            @wire_rpc("mail.send", retry=3, retry_delay=Backoff(first=60, most=30), timeout=timedelta(seconds=-5))
            async def send(data: str) -> None: ...
            """,
            marks=("3", "Backoff(first=60, most=30)", "timedelta(seconds=-5)"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Options of wirings and steps that are written as literals."""
        for wired in model.functions:
            wiring = wired.wiring
            if wiring.call is not None:
                lookup = wiring.lookup(model.project)
                yield from self._unknown(wiring.module, wiring.call, WIRING_OPTIONS[wiring.kind], f"wire_{wiring.kind}")
                yield from self._values(wiring.module, wiring.call, lookup)
            for step in wired.facts.steps:
                yield from self._values(step.module, step.call, _lookup(model, step.module))

    def _unknown(self, module: Module, call: cst.Call, known: tuple[str, ...], where: str) -> Iterator[Diagnostic]:
        for arg in call.args:
            if arg.keyword is not None and arg.keyword.value not in known:
                near = did_you_mean(arg.keyword.value, known).removeprefix("; ")
                message = f"{where} has no option {arg.keyword.value!r}"
                yield self.at(module.syntax.span(arg.value), message, near or None)

    def _values(self, module: Module, call: cst.Call, lookup: Lookup) -> Iterator[Diagnostic]:
        for arg in call.args:
            name = arg.keyword.value if arg.keyword is not None else ""
            problem = _problem(name, arg.value, lookup)
            if problem is not None:
                yield self.at(module.syntax.span(arg.value), problem)


def _lookup(model: ProjectModel, module: Module) -> Lookup:
    from pyflow_inspector.constant_value import module_constant

    return lambda node: module_constant(model.project, module, node)


def _problem(name: str, node: cst.BaseExpression, lookup: Lookup) -> str | None:
    """Why a literal is refused as the value of an option; nothing for what is no literal."""
    from pyflow_inspector.option import duration, literal

    if name == "execution_mode":
        value = literal(node, lookup)
        return None if value in (*_MODES, DYNAMIC) else f"execution_mode is {value!r}, not 'remote' or 'inline'"
    if name not in _CHECKED:
        return None
    value = duration(node, lookup) if name in {"retry_delay", "timeout"} else literal(node, lookup)
    if _is_unknown(value):
        return None
    try:
        check_options({name: _checkable(value)}, where=name)
    except (InvalidOptionError, InvalidDurationError) as error:
        return str(error).removeprefix(f"{name}: ")
    return None


def _is_unknown(value: object) -> bool:
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value).values()
        return not all(isinstance(one, int | float) for one in fields)
    return value == DYNAMIC or not isinstance(value, str | int | float | timedelta | None)


def _checkable(value: object) -> object:
    """A value as `check_options` takes it: what was written as a `Backoff` is one."""
    if not isinstance(value, dict):
        return value
    try:
        return Backoff(**cast("dict[str, Any]", value))
    except TypeError:  # a field that it does not have, which type checkers tell
        return Backoff()

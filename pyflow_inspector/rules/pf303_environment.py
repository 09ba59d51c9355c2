"""PF303: environment."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.conduct.vocabulary import find_group
from pyflow_inspector.rules.call_rule import CallRule, conducts
from pyflow_inspector.rules.rule import Example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import Site
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel

_VALUES = frozenset({"os.environ", "os.environb", "sys.argv", "sys.orig_argv", "sys.stdin"})
_ADVICE = 'make it part of the workflow\'s input, or let a step read it: await workflow.do("settings", lambda: {code})'


class Environment(CallRule):
    """Workflow code reads the environment of its process.

    The worker that replays a run may be another process on another machine, with other environment variables, another
    name, another working directory, and after the next deploy all of them may have changed. A branch that was decided
    by a variable may then be decided the other way, against the record.

    Make it part of the workflow's input, or let a step read it, whose result is kept. Services, which are made from
    the environment too, may be used inside of steps only.

    A constant of a module that was read from the environment is just the same, and found as well.
    """

    code = "PF303"
    name = "environment"
    severity = "warning"
    kind = "environment"
    step = "settings"
    because = "a worker that replays may find something else"
    valid = (
        Example(
            """
            import os

            from pyflow_core import wire_workflow

            @wire_workflow("sync")
            async def sync(data: str, *, workflow) -> None:
                region = await workflow.do("region", lambda: os.environ["REGION"])
                if region == "eu":
                    await workflow.do("copy", lambda: None)
            """
        ),
        Example(
            """
            # file: app/settings.py
            import os

            LIMIT = 10
            TOKEN = os.environ.get("TOKEN", "")

            def token() -> str:
                return TOKEN

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app import settings

            @wire_workflow("sync")
            async def sync(data: str, *, workflow) -> None:
                if len(data) > settings.LIMIT:
                    await workflow.do("login", settings.token)
            """
        ),
    )
    invalid = (
        Example(
            """
            import os
            import socket
            import sys

            from pyflow_core import wire_workflow

            @wire_workflow("sync")
            async def sync(data: str, *, workflow) -> None:
                if os.environ["REGION"] == "eu" or os.getenv("FORCE") or "--all" in sys.argv:
                    host = socket.gethostname()
                    await workflow.do("copy", lambda: host)
            """,
            marks=('os.environ["REGION"]', 'os.getenv("FORCE")', "sys.argv", "socket.gethostname()"),
        ),
        Example(
            """
            # file: app/settings.py
            from os import environ

            BETA = environ.get("BETA")

            def is_open() -> bool:
                return "CLOSED" not in environ

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.settings import BETA, is_open

            @wire_workflow("sync")
            async def sync(data: str, *, workflow) -> None:
                if BETA and is_open():
                    await workflow.do("copy", lambda: None)
            """,
            marks=("BETA", "environ"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Calls, and the mappings and constants that need none."""
        yield from super().check(model)
        for conduct in conducts(model):
            for site in conduct.sites(ast.Attribute, ast.Name):
                yield from self._value(conduct, site)

    def _value(self, conduct: Conduct, site: Site) -> Iterator[Diagnostic]:
        node = site.node
        assert isinstance(node, ast.Attribute | ast.Name)
        if not isinstance(node.ctx, ast.Load) or isinstance(site.parent, ast.Attribute):
            return
        thing = conduct.thing(node, site.scope)
        if thing is None:
            return
        if thing.dotted in _VALUES:
            whole = site.parent if isinstance(site.parent, ast.Subscript) and site.parent.value is node else node
            span = site.span_of(whole)
            advice = _ADVICE.format(code=ast.unparse(whole))
            yield self.at(span, f"{thing.dotted} reads the environment: {self.because}", advice)
        elif thing.value and _is_constant(site) and _reads_environment(thing.dotted):
            name = ast.unparse(node)
            text = f"{name} was read from the environment when its module was imported: {self.because}"
            yield self.at(site.span, text, _ADVICE.format(code=name))


def _reads_environment(dotted: str) -> bool:
    group = find_group(dotted)
    return group is not None and group.kind == "environment"


def _is_constant(site: Site) -> bool:
    """Whether a name is bound by a module of the project rather than by a function."""
    root = site.node
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return False
    found = site.scope.only(root.id)
    return site.scope.find(root.id) is None or (found is not None and found[1].how == "import")

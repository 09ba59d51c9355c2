"""PF410: invalid setting."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pyflow_core.naming import DYNAMIC
from pyflow_inspector.rules.rule import Example, Rule
from pyflow_inspector.setting_place import setting_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.project import Project

_TARGET = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*(?:\.[^\W\d]\w*)*)")


class InvalidSetting(Rule):
    """A setting in `[tool.pyflow]` is wrong.

    `services` must be `"module:attribute"`, and the module of this project must define the attribute.
    """

    code = "PF410"
    name = "invalid-setting"
    severity = "error"
    valid = (
        Example(
            """
            # file: app/services.py
            def create_services() -> object:
                return object()
            """,
            services="app.services:create_services",
        ),
    )
    invalid = (
        Example(
            """
            # file: app/services.py
            def create_services() -> object:
                return object()
            # file: pyproject.toml
            [tool.pyflow]
            services = "app.services:create_service"
            """,
            marks=('"app.services:create_service"',),
            services="app.services:create_service",
        ),
        Example(
            """
            # file: app/services.py
            # file: pyproject.toml
            [tool.pyflow]
            services = "app/services.py"
            """,
            marks=('"app/services.py"',),
            services="app/services.py",
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """The service factory, if one is set."""
        settings = model.project.settings
        if settings.services is None:
            return
        problem = _target_problem(model.project, settings.services)
        if problem is not None:
            yield self.of(settings.root, "services", *problem)

    def of(self, root: Path, key: str, message: str, advice: str | None = None) -> Diagnostic:
        """A finding about `key`, at its place in `pyproject.toml`."""
        return self.at(setting_span(root, key), message, advice)


def _target_problem(project: Project, target: str) -> tuple[str, str | None] | None:
    match = _TARGET.fullmatch(target)
    if match is None:
        return f"{target!r} names no function", 'write "module:function"'
    name, attribute = match.groups()
    module = project.module(name)
    if name in project.faults:
        return None
    if module is None:
        return f"there is no module {name!r} in the project", _nearest(name, project.sources)
    if project.defines(module, attribute):
        return None
    return f"module {name!r} has no {attribute!r}", _nearest(attribute, module.table.bindings)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(name, [one for one in known if one != DYNAMIC], n=1)
    return f"did you mean {near[0]!r}?" if near else None

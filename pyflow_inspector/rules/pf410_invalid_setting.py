"""PF410: invalid setting."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pyflow_inspector.rules.rule import Example, ProjectRule
from pyflow_inspector.setting_place import setting_span
from pyflow_inspector.settings import target_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.linked import LinkedProject


class InvalidSetting(ProjectRule):
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

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """The service factory, if one is set."""
        settings = linked.settings
        if settings.services is None:
            return
        problem = _target_problem(linked, settings.services)
        if problem is not None:
            yield self.of(settings.root, "services", *problem)

    def of(self, root: Path, key: str, message: str, advice: str | None = None) -> Diagnostic:
        """A finding about `key`, at its place in `pyproject.toml`."""
        return self.at(setting_span(root, key), message, advice)


def _target_problem(linked: LinkedProject, target: str) -> tuple[str, str | None] | None:
    names = target_names(target)
    if names is None:
        return f"{target!r} names no function", 'write "module:function"'
    module, attribute = names
    if linked.factory is None:
        return f"there is no module {module!r} in the project", _nearest(module, linked.modules)
    if linked.factory.found:
        return None
    return f"module {module!r} has no {attribute!r}", _nearest(attribute, linked.factory.names)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean {near[0]!r}?" if near else None

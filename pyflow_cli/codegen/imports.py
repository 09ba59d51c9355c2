"""The imports of a generated file: merged, without those that nothing uses, in the order that linters ask for."""

from __future__ import annotations

import ast
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyflow_cli.codegen.layout import bracketed, render

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS = re.compile(r"(\d+)")


def used_names(statements: Iterable[ast.AST]) -> set[str]:
    """Every name that the statements read, and those that `__all__` lists."""
    names: set[str] = set()
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                names.add(node.id)
        if _assigns_all(statement):
            names |= {str(node.value) for node in ast.walk(statement) if isinstance(node, ast.Constant)}
    return names


def _assigns_all(statement: ast.AST) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case _:
            return False


@dataclass
class Imports:
    """The imports at the top of a file or of an `if TYPE_CHECKING` block."""

    modules: set[tuple[str, str | None]] = field(default_factory=set[tuple[str, str | None]])
    names: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict[str, set[tuple[str, str | None]]])

    def take(self, statement: ast.stmt) -> bool:
        """Take an import in; anything else is left."""
        match statement:
            case ast.Import(names=aliases):
                self.modules |= {(alias.name, alias.asname) for alias in aliases}
            case ast.ImportFrom(module=module, names=aliases, level=level):
                key = "." * level + (module or "")
                self.names.setdefault(key, set()).update((alias.name, alias.asname) for alias in aliases)
            case _:
                return False
        return True

    @staticmethod
    def is_used(statement: ast.stmt, used: set[str]) -> bool:
        """Whether the statement is no import, or one of whose names is read."""
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            return True
        return any((alias.asname or alias.name.partition(".")[0]) in used for alias in statement.names)

    def render(self, used: set[str] | None, indent: int) -> list[str]:
        """The lines, with a blank line between sections; `used` of None keeps everything."""
        sections: dict[int, list[tuple[tuple[object, ...], str]]] = {}
        for name, alias in self.modules:
            if used is None or (alias or name.partition(".")[0]) in used:
                line = f"import {name} as {alias}" if alias else f"import {name}"
                sections.setdefault(_section(name), []).append(((0, _natural(name), alias or ""), line))
        for module, members in self.names.items():
            kept = {item for item in members if used is None or module == "__future__" or (item[1] or item[0]) in used}
            lines = sections.setdefault(_section(module), [])
            lines += _from_lines(module, kept, indent)
        rendered: list[str] = []
        for section in sorted(key for key, lines in sections.items() if lines):
            rendered += [""] if rendered else []
            for _, text in sorted(sections[section]):
                rendered += [
                    f"{' ' * indent}{line}" if not number else line for number, line in enumerate(text.split("\n"))
                ]
        return rendered


def _from_lines(module: str, members: set[tuple[str, str | None]], indent: int) -> list[tuple[tuple[object, ...], str]]:
    """One line for the names as they are, and one for each that is renamed."""
    plain = sorted((name for name, alias in members if alias is None), key=_member_key)
    order = (1, -_depth(module), _natural(module.lstrip(".")))
    lines: list[tuple[tuple[object, ...], str]] = []
    if plain:
        head = f"from {module} import "
        text = head + ", ".join(plain)
        if indent + len(text) > 88:
            text = render([head, bracketed("(", list(plain), ")", broken=True)], indent)
        lines.append(((*order, _member_key(plain[0]), ""), text))
    for name, alias in members:
        if alias is not None:
            lines.append(((*order, _member_key(name), alias), f"from {module} import {name} as {alias}"))
    return lines


def _depth(module: str) -> int:
    return len(module) - len(module.lstrip("."))


def _section(module: str) -> int:
    """`__future__`, the standard library, installed packages, this package: as sorters tell them apart."""
    if module == "__future__":
        return 0
    if module.startswith("."):
        return 3
    return 1 if module.partition(".")[0] in sys.stdlib_module_names else 2


def _member_key(name: str) -> tuple[int, list[tuple[int, int, str]], str]:
    """Constants, then classes, then the rest."""
    kind = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    return kind, _natural(name), name


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Case does not count, and numbers in a name count as numbers."""
    parts = _DIGITS.split(text.lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]

"""What the names of a module or class stand for, as far as its statements say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Imported:
    """`import module` (without a `name`) or `from module import name`."""

    module: str
    name: str | None
    type_only: bool = False
    """Under `if TYPE_CHECKING:`, so that it does not exist at run time."""
    conditional: bool = False
    """In a branch, beside which another may bind the same name."""


@dataclass(frozen=True, slots=True)
class Defined:
    """`def` or `class`."""

    node: cst.FunctionDef | cst.ClassDef
    conditional: bool = False
    """In a branch, beside which another may bind the same name."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """An assignment; without a `value` where it is not a plain one."""

    value: cst.BaseExpression | None


Binding = Imported | Defined | Assigned


@dataclass
class NameTable:
    """The bindings of one module or class, in source order."""

    bindings: dict[str, list[Binding]] = field(default_factory=dict[str, list[Binding]])
    star_modules: list[str] = field(default_factory=list[str])
    imported_modules: set[str] = field(default_factory=set[str])

    def find(self, name: str) -> Binding | None:
        """What `name` stands for; a name assigned more than once is known, but not its value."""
        bindings = self.bindings.get(name)
        if not bindings:
            return None
        if isinstance(bindings[-1], Assigned) and len(bindings) > 1:
            return Assigned(None)
        return bindings[-1]

    def is_type_only(self, name: str) -> bool:
        """Whether every binding of `name` is an import under `TYPE_CHECKING`."""
        bindings = self.bindings.get(name, [])
        return bool(bindings) and all(isinstance(one, Imported) and one.type_only for one in bindings)

    def imports_module(self, dotted: str) -> bool:
        """Whether an `import` statement names the module `dotted`, or one below it."""
        return any(name == dotted or name.startswith(f"{dotted}.") for name in self.imported_modules)

    def add(self, name: str, binding: Binding) -> None:
        """Note that a statement binds `name`."""
        self.bindings.setdefault(name, []).append(binding)


def build_table(body: Iterable[cst.CSTNode], package: str) -> NameTable:
    """The table of the statements of a module or class; `package` is where relative imports start."""
    table = NameTable()
    _Scan(table, package).block(body, type_only=False)
    return table


class _Scan:
    def __init__(self, table: NameTable, package: str) -> None:
        self._table = table
        self._package = package
        self._depth = 0

    def block(self, statements: Iterable[cst.CSTNode], *, type_only: bool) -> None:
        for statement in statements:
            if isinstance(statement, cst.SimpleStatementLine | cst.SimpleStatementSuite):
                for small in statement.body:
                    self._small(small, type_only=type_only)
            elif isinstance(statement, cst.BaseSmallStatement):  # `if TYPE_CHECKING: import a`
                self._small(statement, type_only=type_only)
            else:
                self._compound(statement, type_only=type_only)

    def _compound(self, statement: cst.CSTNode, *, type_only: bool) -> None:
        if isinstance(statement, cst.FunctionDef | cst.ClassDef):
            self._table.add(statement.name.value, Defined(statement, conditional=self._depth > 0))
            return
        if isinstance(statement, cst.For):
            self._unknown(statement.target)
        if isinstance(statement, cst.With):
            for item in statement.items:
                if item.asname is not None:
                    self._unknown(item.asname.name)
        self._depth += 1
        if isinstance(statement, cst.If):
            self._branches(statement, type_only=type_only)
        else:
            for part in statement_blocks(statement):
                self.block(part, type_only=type_only)
        self._depth -= 1

    def _branches(self, statement: cst.If, *, type_only: bool) -> None:
        branch: cst.If | cst.Else | None = statement
        while branch is not None:
            guarded = isinstance(branch, cst.If) and _is_type_checking(branch.test)
            self.block(branch.body.body, type_only=type_only or guarded)
            branch = branch.orelse if isinstance(branch, cst.If) else None

    def _small(self, statement: cst.CSTNode, *, type_only: bool) -> None:
        if isinstance(statement, cst.Import | cst.ImportFrom):
            for name, imported in read_import(statement, self._package, type_only=type_only):
                if name == "*":
                    self._table.star_modules.append(imported.module)
                else:
                    conditional = self._depth > 0 and not type_only
                    self._table.add(name, replace(imported, conditional=conditional))
            if isinstance(statement, cst.Import):
                self._table.imported_modules.update(dotted_name(alias.name) or "" for alias in statement.names)
        elif isinstance(statement, cst.Assign):
            for target in statement.targets:
                self._assign(target.target, statement.value)
        elif isinstance(statement, cst.AnnAssign):
            self._assign(statement.target, statement.value)
        elif isinstance(statement, cst.AugAssign):
            self._assign(statement.target, None)
        elif isinstance(statement, cst.TypeAlias):
            self._table.add(statement.name.value, Assigned(statement.value))

    def _assign(self, target: cst.CSTNode, value: cst.BaseExpression | None) -> None:
        if isinstance(target, cst.Name):
            self._table.add(target.value, Assigned(value))
            return
        pairs = paired_elements(target, value)
        for one, other in pairs:
            self._assign(one, other)
        if not pairs:
            self._unknown(target)

    def _unknown(self, target: cst.CSTNode) -> None:
        for name in target_names(target):
            self._table.add(name, Assigned(None))


def paired_elements(
    target: cst.CSTNode, value: cst.CSTNode | None
) -> list[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """`a, b = x, y` as two assignments; nothing for the others."""
    if not isinstance(target, cst.Tuple) or not isinstance(value, cst.Tuple):
        return []
    elements = [*target.elements, *value.elements]
    if len(elements) != 2 * len(target.elements) or any(isinstance(one, cst.StarredElement) for one in elements):
        return []
    return [(one.value, other.value) for one, other in zip(target.elements, value.elements, strict=True)]


def read_import(
    statement: cst.Import | cst.ImportFrom, package: str, *, type_only: bool = False
) -> Iterator[tuple[str, Imported]]:
    """The names that an import binds; `"*"` for a star import."""
    if isinstance(statement, cst.Import):
        for alias in statement.names:
            module = dotted_name(alias.name) or ""
            name = _alias(alias)
            yield (name, Imported(module, None, type_only)) if name else _top_package(module, type_only=type_only)
        return
    module = _absolute_module(statement, package)
    if isinstance(statement.names, cst.ImportStar):
        yield "*", Imported(module, None, type_only)
        return
    for alias in statement.names:
        original = dotted_name(alias.name) or ""
        yield _alias(alias) or original, Imported(module, original, type_only)


def _top_package(module: str, *, type_only: bool) -> tuple[str, Imported]:
    top = module.partition(".")[0]
    return top, Imported(top, None, type_only)


def _alias(alias: cst.ImportAlias) -> str | None:
    return dotted_name(alias.asname.name) if alias.asname is not None else None


def _absolute_module(statement: cst.ImportFrom, package: str) -> str:
    written = dotted_name(statement.module) if statement.module is not None else None
    level = len(statement.relative)
    if level == 0:
        return written or ""
    segments = package.split(".") if package else []
    base = segments[: len(segments) - (level - 1)]
    return ".".join([*base, *([written] if written else [])])


def _is_type_checking(test: cst.BaseExpression) -> bool:
    name = dotted_name(test)
    return name is not None and name.rpartition(".")[2] == "TYPE_CHECKING"


def statement_blocks(statement: cst.CSTNode) -> Iterator[Iterable[cst.CSTNode]]:
    """The blocks inside a compound statement, bodies first."""
    suites: list[object] = [getattr(statement, "body", None)]
    for name in ("handlers", "cases"):
        suites.extend(part.body for part in getattr(statement, name, ()))
    suites.extend(getattr(getattr(statement, name, None), "body", None) for name in ("orelse", "finalbody"))
    return (suite.body for suite in suites if isinstance(suite, cst.BaseSuite))


def target_names(target: cst.CSTNode) -> Iterator[str]:
    """The names that an assignment target binds: none for `a.b` and `a[b]`."""
    if isinstance(target, cst.Name):
        yield target.value
    elif isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from target_names(element.value)

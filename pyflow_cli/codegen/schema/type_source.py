"""The modules of a project as far as types need them: which names they bind, and what those stand for."""

from __future__ import annotations

import ast
import builtins
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_MAX_HOPS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for. `node` is missing for what lies outside the project or is not defined plainly."""

    module: str
    name: str
    node: ast.ClassDef | ast.expr | None = None

    @property
    def dotted(self) -> str:
        """`datetime.datetime`, `app.models.User`."""
        return f"{self.module}.{self.name}" if self.module != "builtins" else self.name


@dataclass(slots=True)
class _Module:
    digest: str | None
    imports: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """A name bound by an import: the module, and the name in it, which is empty for the module itself."""
    stars: list[str] = field(default_factory=list[str])
    defined: dict[str, ast.ClassDef | ast.expr | None] = field(
        default_factory=dict[str, "ast.ClassDef | ast.expr | None"]
    )


class TypeSource:
    """The modules below a source folder, each parsed when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[str, _Module] = {}
        self._content: dict[str, tuple[bytes, str] | None] = {}
        self._digests: dict[str, str | None] = {}
        self.asked: set[str] = set()
        """The modules that were asked for since somebody cleared this, whether they are of the project or not."""

    def digest(self, module: str) -> str | None:
        """A digest of the module's file, if it is one of the project."""
        if module not in self._digests:
            content = self._read(module)
            self._digests[module] = None if content is None else hashlib.sha256(content[0]).hexdigest()[:32]
        return self._digests[module]

    def resolve(self, module: str, dotted: str) -> Found | None:
        """What `dotted` stands for in `module`; nothing if it cannot be told."""
        first, *rest = dotted.split(".")
        found = self._find(module, first, _MAX_HOPS) if module else _builtin(first)
        found = found or self._submodule(module, first)
        for name in rest:
            if found is None:
                return None
            found = self.member(found, name)
        return found

    def member(self, found: Found, name: str) -> Found | None:
        """What a module, or a class in it, calls `name`."""
        if found.name == "":
            inner = f"{found.module}.{name}"
            bound = self._find(found.module, name, _MAX_HOPS) if self._read(found.module) is not None else None
            return bound or (Found(inner, "") if self._read(inner) is not None else Found(found.module, name))
        if isinstance(found.node, ast.ClassDef):
            for statement in found.node.body:
                if isinstance(statement, ast.ClassDef) and statement.name == name:
                    return Found(found.module, f"{found.name}.{name}", statement)
        return Found(found.module, f"{found.name}.{name}")

    def _find(self, module: str, name: str, hops: int) -> Found | None:
        table = self._module(module)
        if table.digest is None:
            return Found(module, name)
        if name in table.imports:
            return self._imported(*table.imports[name], hops)
        if name in table.defined:
            return Found(module, name, table.defined[name])
        return self._from_stars(table.stars, name, hops) or _builtin(name)

    def _from_stars(self, stars: Iterable[str], name: str, hops: int) -> Found | None:
        for star in stars:
            found = self._find(star, name, hops - 1) if hops and self._read(star) is not None else None
            if found is not None and found.module != "builtins":
                return found
        return None

    def _imported(self, module: str, name: str, hops: int) -> Found | None:
        if not name:
            return Found(module, "")
        if hops and self._read(module) is not None:
            return self._find(module, name, hops - 1) or self._submodule(module, name)
        return self._submodule(module, name) or Found(module, name)

    def _submodule(self, module: str, name: str) -> Found | None:
        inner = f"{module}.{name}"
        return Found(inner, "") if self._read(inner) is not None else None

    def _read(self, module: str) -> tuple[bytes, str] | None:
        """The bytes of a module's file, and the package that its relative imports count from."""
        self.asked.add(module)
        if module not in self._content:
            place = self._folder.joinpath(*module.split("."))
            files = ((place / "__init__.py", module), (place.with_suffix(".py"), module.rpartition(".")[0]))
            self._content[module] = next((found for file in files if (found := _bytes(*file)) is not None), None)
        return self._content[module]

    def _module(self, name: str) -> _Module:
        content = self._read(name)
        if name not in self._modules:
            self._modules[name] = _table(*content) if content is not None else _Module(None)
        return self._modules[name]


def _builtin(name: str) -> Found | None:
    return Found("builtins", name) if hasattr(builtins, name) else None


def _bytes(path: Path, package: str) -> tuple[bytes, str] | None:
    try:
        return path.read_bytes(), package
    except (OSError, ValueError):
        return None


def _table(content: bytes, package: str) -> _Module:
    module = _Module("")
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return module
    _scan(tree.body, module, package)
    return module


def _scan(body: Iterable[ast.stmt], module: _Module, package: str) -> None:
    for statement in body:
        match statement:
            case ast.Import(names=aliases):
                for alias in aliases:
                    target = alias.name if alias.asname else alias.name.partition(".")[0]
                    module.imports[alias.asname or target] = (target, "")
            case ast.ImportFrom(names=aliases):
                origin = _origin(statement, package)
                for alias in aliases:
                    if alias.name == "*":
                        module.stars.append(origin)
                    else:
                        module.imports[alias.asname or alias.name] = (origin, alias.name)
            case ast.If(body=inner, orelse=other) | ast.Try(body=inner, orelse=other):
                _scan([*inner, *other], module, package)
            case _:
                _define(statement, module)


def _define(statement: ast.stmt, module: _Module) -> None:
    match statement:
        case ast.ClassDef(name=name):
            module.defined[name] = statement
        case (
            ast.Assign(targets=[ast.Name(id=name)], value=value)
            | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
        ):
            # A name that is bound twice may be either.
            module.defined[name] = None if name in module.defined else value
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            module.defined[name] = None
        case _ if type(statement).__name__ == "TypeAlias":  # since Python 3.12
            alias: Any = statement
            module.defined[alias.name.id] = alias.value
        case _:
            pass


def _origin(statement: ast.ImportFrom, package: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - statement.level + 1]
    return ".".join([*base, *([statement.module] if statement.module else [])])

"""The modules of a project, parsed when they are first asked for, and what names in them stand for."""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import libcst as cst

from pyflow_core import __all__ as core_names
from pyflow_inspector.module_table import Assigned, Binding, Defined, Imported, NameTable, build_table
from pyflow_inspector.source_text import SyntaxFault
from pyflow_inspector.syntax import Syntax, parse_source
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceFile, SourceIndex


BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True, eq=False)
class Module:
    """One parsed module of the project."""

    source: SourceFile
    syntax: Syntax

    @property
    def name(self) -> str:
        """The name under which it is imported."""
        return self.source.module

    @property
    def package(self) -> str:
        """The package from which its relative imports count."""
        return self.name if self.source.is_package else self.name.rpartition(".")[0]

    @cached_property
    def table(self) -> NameTable:
        """What its top-level names stand for."""
        return build_table(self.syntax.concrete.body, self.package)

    def class_table(self, node: cst.ClassDef) -> NameTable:
        """What the names in one of its classes stand for."""
        if node not in self._class_tables:
            self._class_tables[node] = build_table(node.body.body, self.name)
        return self._class_tables[node]

    @cached_property
    def _class_tables(self) -> dict[cst.ClassDef, NameTable]:
        return {}

    @cached_property
    def notes(self) -> dict[object, Any]:
        """What has been worked out from this file and no other, for all units that lead here.

        Nothing in it may hold the module: a cycle would keep its trees when the module is let go.
        """
        return {}


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name stands for: a module if `name` is empty, else something in it.

    `definition` is missing for what lies outside the project and for what its module does not define. `owner` is
    the class of a class member.
    """

    module: str
    name: str
    definition: Defined | Assigned | None = None
    owner: Symbol | None = None

    @property
    def path(self) -> str:
        """`"app.models:User"`, the form that metadata uses."""
        return f"{self.module}:{self.name}"

    @property
    def dotted(self) -> str:
        """`"app.models.User"`."""
        return f"{self.module}.{self.name}" if self.name else self.module

    @property
    def function(self) -> cst.FunctionDef | None:
        """The function that it is, if it is one."""
        node = self.definition.node if isinstance(self.definition, Defined) else None
        return node if type(node) is cst.FunctionDef else None  # `isinstance` is slow with libcst's classes

    @property
    def class_node(self) -> cst.ClassDef | None:
        """The class that it is, if it is one."""
        node = self.definition.node if isinstance(self.definition, Defined) else None
        return node if type(node) is cst.ClassDef else None


KEPT_BYTES = 192 * 1024
"""So much source may stay parsed, about a hundred times of it in memory, for the units that are read next."""


class Modules:
    """The modules of a project, parsed when they are asked for; those that were asked for last stay parsed."""

    def __init__(self, index: SourceIndex) -> None:
        self.index = index
        self._parsed: dict[str, Module | SyntaxFault] = {}
        self._kept_bytes = 0

    def parse(self, source: SourceFile) -> Module | SyntaxFault:
        """The module of a file, or why it cannot be read."""
        parsed = self._parsed.pop(source.module, None)
        if parsed is None:
            parsed = _parse(source)
            self._kept_bytes += len(source.data)
        self._parsed[source.module] = parsed  # at the end, as the one that was asked for last
        while self._kept_bytes > KEPT_BYTES and len(self._parsed) > 1:
            oldest = next(iter(self._parsed))
            del self._parsed[oldest]
            self._kept_bytes -= len(self.index.sources[oldest].data)
        return parsed


def _parse(source: SourceFile) -> Module | SyntaxFault:
    try:
        return Module(source, parse_source(source))
    except SyntaxFault as fault:
        return fault


class Project:
    """A project as one unit of it sees it: the answers that need more than one module, and which those were."""

    def __init__(self, settings: InspectorSettings, modules: Modules) -> None:
        self.settings = settings
        self.faults: dict[str, SyntaxFault] = {}
        """The modules that were asked for and cannot be parsed."""
        self.deep_functions: list[SyntaxFault] = []
        """Wired functions that nest too deeply to be followed."""
        self._modules = modules
        self._asked: dict[str, Module | None] = {}
        self._looked_for: set[str] = set()
        self._resolved: dict[tuple[str, str], Symbol | None] = {}
        self._members: dict[tuple[cst.ClassDef, str], Symbol] = {}

    @property
    def dependencies(self) -> dict[str, str | None]:
        """The modules that were asked for, by name, with the digests of their files."""
        return {name: self._modules.index.digest(name) for name in sorted({*self._asked, *self._looked_for})}

    def module(self, name: str) -> Module | None:
        """The module, parsed; nothing if it is not of the project or cannot be read (see `faults`)."""
        if name not in self._asked:
            self._asked[name] = self._parse(name)
        return self._asked[name]

    def file_of(self, name: str) -> str:
        """The file of a module of the project."""
        return self._modules.index.sources[name].file

    def _exists(self, name: str) -> bool:
        """Whether there is a module or package of this name."""
        self._looked_for.add(name)
        return name in self._modules.index.packages

    def _parse(self, name: str) -> Module | None:
        source = self._modules.index.sources.get(name)
        parsed = None if source is None else self._modules.parse(source)
        if isinstance(parsed, SyntaxFault):
            self.faults[name] = parsed
            return None
        return parsed

    def resolve(self, module: Module, dotted: str) -> Symbol | None:
        """What `dotted` stands for at the top level of `module`; nothing for builtins and unknown names."""
        key = module.name, dotted
        if key not in self._resolved:
            self._resolved[key] = self._resolve(module, dotted)
        return self._resolved[key]

    def _resolve(self, module: Module, dotted: str) -> Symbol | None:
        first, *rest = dotted.split(".")
        table = module.table
        if first not in table.bindings and not table.star_modules:
            return None
        symbol = self._named(module, first, frozenset())
        if symbol is None:
            return None
        while rest and not symbol.name and module.table.imports_module(f"{symbol.module}.{rest[0]}"):
            symbol = Symbol(f"{symbol.module}.{rest.pop(0)}", "")  # `import a.b` says that `a.b` is a module
        return self.members(symbol, rest)

    def defines(self, module: Module, dotted: str) -> bool:
        """Whether `module` has a top-level name `dotted`, as far as that can be told."""
        symbol = self.resolve(module, dotted)
        if symbol is None:
            return False
        if symbol.definition is not None or not symbol.name:
            return True
        home = self.module(symbol.module)
        if home is None:
            return True
        owner = symbol.name.rpartition(".")[0]
        parent = self.resolve(home, owner) if owner else None
        return parent is not None and isinstance(parent.definition, Assigned)

    def imported(self, binding: Imported) -> Symbol:
        """What an import statement binds."""
        return self._imported(binding, frozenset())

    def members(self, symbol: Symbol, names: list[str]) -> Symbol:
        """The attribute of an attribute … of `symbol`."""
        for name in names:
            symbol = self._member(symbol, name, frozenset())
        return symbol

    def resolve_node(self, module: Module, node: cst.CSTNode) -> Symbol | None:
        """What a name or a chain of attributes stands for at the top level of `module`."""
        dotted = dotted_name(node)
        return None if dotted is None else self.resolve(module, dotted)

    def defining_module(self, symbol: Symbol) -> Module | None:
        """The parsed module that a symbol lies in."""
        return self.module(symbol.module)

    def class_table(self, symbol: Symbol) -> NameTable:
        """The members that a class of the project defines itself."""
        node = symbol.class_node
        module = self.module(symbol.module)
        assert node is not None
        assert module is not None
        return module.class_table(node)

    def base_symbols(self, symbol: Symbol) -> list[Symbol]:
        """The bases of a class of the project, as far as they can be named."""
        module = self.defining_module(symbol)
        if module is None or symbol.class_node is None:
            return []
        found = [self.resolve_node(module, _without_types(base.value)) for base in symbol.class_node.bases]
        return [base for base in found if base is not None]

    def alternatives(self, module: Module, name: str) -> list[Symbol]:
        """What a top-level name may stand for, where branches define or import it in several ways."""
        bindings = [one for one in module.table.bindings.get(name, ()) if isinstance(one, Defined | Imported)]
        if len(bindings) < 2 or not all(one.conditional for one in bindings):
            return []
        seen = frozenset({(module.name, name)})
        return [self._bound(module, name, one, seen) for one in bindings]

    def _named(self, module: Module, name: str, seen: frozenset[tuple[str, str]]) -> Symbol | None:
        if (module.name, name) in seen:
            return None
        seen |= {(module.name, name)}
        binding = module.table.find(name)
        if binding is None:
            return self._from_stars(module, name, seen)
        return self._bound(module, name, binding, seen)

    def _bound(self, module: Module, name: str, binding: Binding, seen: frozenset[tuple[str, str]]) -> Symbol:
        if isinstance(binding, Imported):
            return self._imported(binding, seen)
        if isinstance(binding, Assigned) and binding.value is not None:
            alias = dotted_name(binding.value)
            target = self._alias(module, alias, seen) if alias is not None else None
            if target is not None:
                return target
        return Symbol(module.name, name, binding)

    def _alias(self, module: Module, dotted: str, seen: frozenset[tuple[str, str]]) -> Symbol | None:
        """`x = y` makes `x` another name of a function, class, module or thing from outside."""
        first, *rest = dotted.split(".")
        target = self._named(module, first, seen)
        if target is None:
            return None
        for name in rest:
            target = self._member(target, name, seen)
        return None if isinstance(target.definition, Assigned) else target

    def _from_stars(self, module: Module, name: str, seen: frozenset[tuple[str, str]]) -> Symbol | None:
        """A name from `import *`; if it lies outside the project there must be only one place to come from."""
        outside: list[str] = []
        for star in module.table.star_modules:
            other = self.module(star)
            found = self._named(other, name, seen) if other is not None else None
            if found is not None:
                return found
            if star == "pyflow_core":
                if name in core_names:
                    return Symbol(star, name)
            elif star not in self._modules.index.sources:
                outside.append(star)
        return Symbol(outside[0], name) if len(outside) == 1 and name not in BUILTINS else None

    def _imported(self, binding: Imported, seen: frozenset[tuple[str, str]]) -> Symbol:
        if binding.name is None:
            return Symbol(binding.module, "")
        return self._member(Symbol(binding.module, ""), binding.name, seen)

    def _member(self, symbol: Symbol, name: str, seen: frozenset[tuple[str, str]]) -> Symbol:
        node = symbol.class_node
        if node is not None:
            if (node, name) not in self._members:
                self._members[node, name] = self._class_member(symbol, name)
            return self._members[node, name]
        if symbol.name:
            return Symbol(symbol.module, f"{symbol.name}.{name}")
        module = self.module(symbol.module)
        found = self._named(module, name, seen) if module is not None else None
        if found is not None:
            return found
        inner = f"{symbol.module}.{name}"
        if self._exists(inner):
            return Symbol(inner, "")
        return Symbol(symbol.module, name)

    def _class_member(self, symbol: Symbol, name: str, depth: int = 0) -> Symbol:
        if symbol.class_node is not None:
            binding = self.class_table(symbol).find(name)
            if isinstance(binding, Defined | Assigned):
                return Symbol(symbol.module, f"{symbol.name}.{name}", binding, symbol)
            for base in self.base_symbols(symbol) if depth < 10 else ():
                inherited = self._class_member(base, name, depth + 1)
                if inherited.definition is not None:
                    return inherited
        return Symbol(symbol.module, f"{symbol.name}.{name}")


def _without_types(node: cst.BaseExpression) -> cst.BaseExpression:
    """`Base` of `Base[str]`."""
    return node.value if type(node) is cst.Subscript else node

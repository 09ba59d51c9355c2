"""Where workflows and RPCs are wired: `wire_workflow` and `wire_rpc`, as decorators and as calls."""

from __future__ import annotations

import ast
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import libcst as cst

from pyflow_inspector.constant_value import module_constant
from pyflow_inspector.folding import Constant, Folded, Lookup, fold
from pyflow_inspector.module_table import Defined, Imported
from pyflow_inspector.option import keyword_argument
from pyflow_inspector.project import Symbol
from pyflow_inspector.tree import cst_children, dotted_name
from pyflow_inspector.wire_function import WIRE_FUNCTIONS

if TYPE_CHECKING:
    from pyflow_inspector.project import Module, Project
    from pyflow_inspector.unit import Kind

Where = Literal["module", "function", "loop", "class"]


@dataclass(frozen=True, eq=False)
class Wiring:
    """One wiring, resolved as far as it can be.

    `call` is missing where the wire function is named but not called. `function` is missing where it cannot be
    found; `function_node` is then what was given, if anything was.
    """

    kind: Kind
    module: Module
    node: cst.CSTNode
    call: cst.Call | None
    place: Where
    name: str | None
    name_node: cst.BaseExpression | None
    function: Symbol | None
    function_node: cst.CSTNode | None

    @property
    def anchor(self) -> cst.CSTNode:
        """The expression to point at: the name if there is one."""
        return self.name_node or self.node

    def lookup(self, project: Project) -> Lookup:
        """How names in the arguments of the wiring are read."""
        return _ModuleLookup(project, self.module)


@dataclass(frozen=True)
class _ModuleLookup:
    project: Project
    module: Module

    def __call__(self, node: cst.BaseExpression) -> Folded:
        return module_constant(self.project, self.module, node)


def wire_kind(symbol: Symbol | None) -> Kind | None:
    """Which of the wire functions a symbol is, if it is one."""
    if symbol is None or symbol.module.partition(".")[0] != "pyflow_core":
        return None
    return WIRE_FUNCTIONS.get(symbol.name)


def find_wirings(project: Project, module: Module) -> list[Wiring]:
    """Every wiring of a module, and every use of a wire function that is none, in source order."""
    finder = _Finder(project, module)
    finder.visit(module.syntax.concrete, "module")
    return sorted(finder.found, key=lambda wiring: _position(module, wiring))


def _position(module: Module, wiring: Wiring) -> tuple[int, int]:
    span = module.syntax.span(wiring.node)
    return span.line, span.column


class _Finder:
    def __init__(self, project: Project, module: Module) -> None:
        self.found: list[Wiring] = []
        self._project = project
        self._module = module
        self._kinds: dict[str, Kind | None] = {}
        self._leads: dict[str, bool] = {}
        self._lines = module.syntax.lines_of(lambda node: self._kind(node) is not None)

    def visit(self, root: cst.CSTNode, place: Where) -> None:
        stack: list[tuple[cst.CSTNode, Where, str]] = [(root, place, "")]
        while stack:
            node, place, scope = stack.pop()
            inside = self._inside(node, place, scope)
            stack.extend((child, *_within(node, child, place, scope)) for child in inside)

    def _inside(self, node: cst.CSTNode, place: Where, scope: str) -> list[cst.CSTNode]:
        """Note what `node` wires; the parts of it in which there may be more."""
        if type(node) in _NAMES and dotted_name(node) is not None:
            return []
        if type(node) is cst.FunctionDef:  # not by `isinstance`, which is slow with libcst's classes
            self._decorated(node, place, scope)
        elif type(node) is cst.Decorator and self._decorator_kind(node):
            return _decorator_arguments(node)
        elif type(node) is cst.Call:
            return self._arguments(node) if self._called(node, place) else cst_children(node)
        elif (type(node) is cst.Assign or type(node) is cst.AnnAssign) and node.value and dotted_name(node.value):
            return []  # `wire = wire_rpc` is an alias, which name resolution follows
        children = self._without_silent_code(node, cst_children(node))
        for child in children:
            named = self._kind(child) or _fetched_kind(child)
            if named is not None:  # a wire function that is merely named
                self.found.append(Wiring(named, self._module, child, None, place, None, None, None, None))
        return children

    def _without_silent_code(self, node: cst.CSTNode, children: list[cst.CSTNode]) -> list[cst.CSTNode]:
        """The parts of a function or class in which a wire function may be named: mostly its decorators only."""
        if type(node) not in _DEFINITIONS:
            return children
        assert isinstance(node, cst.FunctionDef | cst.ClassDef)
        twin = self._module.syntax.twin(node)
        assert isinstance(twin, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if self._is_named(_first_line(twin), twin.end_lineno or twin.lineno):
            if self._is_named(_first_line(twin.body[0]), twin.end_lineno or twin.lineno):
                return children
            return [child for child in children if child is not node.body]
        return []

    def _is_named(self, first: int, last: int) -> bool:
        index = bisect_left(self._lines, first)
        return index < len(self._lines) and self._lines[index] <= last

    def _arguments(self, node: cst.Call) -> list[cst.CSTNode]:
        inner = node.func if isinstance(node.func, cst.Call) else node
        both = [*inner.args, *(node.args if inner is not node else ())]
        return [arg.value for arg in both]

    def _may_lead(self, name: str) -> bool:
        """Whether a wire function may be had by a name: one, or a module in which it may be."""
        if name not in self._leads:
            bindings = self._module.table.bindings.get(name, ())
            symbol = self._project.resolve(self._module, name)
            is_module_or_wire = symbol is not None and (not symbol.name or wire_kind(symbol) is not None)
            self._leads[name] = is_module_or_wire or len(bindings) > 1
        return self._leads[name]

    def _kind(self, node: cst.CSTNode) -> Kind | None:
        root = node
        while type(root) is cst.Attribute:
            root = root.value
        if type(root) is not cst.Name or not self._may_lead(root.value):
            return None
        dotted = dotted_name(node)
        if dotted is None:
            return None
        if dotted not in self._kinds:
            known = wire_kind(self._project.resolve(self._module, dotted))
            self._kinds[dotted] = self._imported_kind(dotted) if known is None else known
        return self._kinds[dotted]

    def _imported_kind(self, name: str) -> Kind | None:
        """Of a name that is imported in one branch and assigned in another."""
        bindings = self._module.table.bindings.get(name, ())
        if len(bindings) < 2:
            return None
        kinds: list[Kind | None] = [
            wire_kind(self._project.imported(one)) for one in bindings if isinstance(one, Imported)
        ]
        return next((kind for kind in kinds if kind is not None), None)

    def _decorator_kind(self, node: cst.Decorator) -> Kind | None:
        inner = node.decorator
        return self._kind(inner.func if isinstance(inner, cst.Call) else inner)

    def _decorated(self, node: cst.FunctionDef, place: Where, scope: str) -> None:
        for decorator in node.decorators:
            kind = self._decorator_kind(decorator)
            if kind is None:
                continue
            function = self._own_function(node, scope)
            if isinstance(decorator.decorator, cst.Call):
                self._add(kind, decorator.decorator, place, function, node)
            else:
                bare = decorator.decorator
                self.found.append(Wiring(kind, self._module, bare, None, place, None, None, function, node))

    def _own_function(self, node: cst.FunctionDef, scope: str) -> Symbol:
        return Symbol(self._module.name, f"{scope}{node.name.value}", Defined(node))

    def _called(self, node: cst.Call, place: Where) -> bool:
        """Note `wire_rpc("a", f)`, `wire_rpc(name="a", func=f)` and `wire_rpc("a")(f)`."""
        kind = self._kind(node.func)
        if kind is not None:
            self._add(kind, node, place, *self._given_function(_positional(node, 1) or keyword_argument(node, "func")))
            return True
        kind = self._kind(node.func.func) if isinstance(node.func, cst.Call) else None
        if kind is None or not isinstance(node.func, cst.Call):
            return False
        self._add(kind, node.func, place, *self._given_function(_positional(node, 0)))
        return True

    def _given_function(self, node: cst.BaseExpression | None) -> tuple[Symbol | None, cst.CSTNode | None]:
        symbol = self._project.resolve_node(self._module, node) if node is not None else None
        return (symbol if symbol is not None and symbol.function is not None else None), node

    def _add(
        self, kind: Kind, call: cst.Call, place: Where, function: Symbol | None, function_node: cst.CSTNode | None
    ) -> None:
        name_node = _positional(call, 0) or keyword_argument(call, "name")
        folded = None if name_node is None else fold(name_node, _ModuleLookup(self._project, self._module))
        value = folded.value if isinstance(folded, Constant) else None
        name = value if isinstance(value, str) else None
        wiring = Wiring(kind, self._module, call, call, place, name, name_node, function, function_node)
        self.found.append(wiring)


def _fetched_kind(node: cst.CSTNode) -> Kind | None:
    """`getattr(module, "wire_rpc")`, and an attribute of what is no name."""
    if type(node) is cst.Attribute and dotted_name(node) is None:
        return WIRE_FUNCTIONS.get(node.attr.value)
    if type(node) is not cst.Call or dotted_name(node.func) != "getattr" or len(node.args) < 2:
        return None
    name = fold(node.args[1].value, lambda _: None)
    return WIRE_FUNCTIONS.get(name.value) if isinstance(name, Constant) and isinstance(name.value, str) else None


def _positional(call: cst.Call, index: int) -> cst.BaseExpression | None:
    given = [arg for arg in call.args if arg.keyword is None]
    if any(arg.star for arg in given[: index + 1]) or index >= len(given):
        return None
    return given[index].value


def _decorator_arguments(node: cst.Decorator) -> list[cst.CSTNode]:
    return [arg.value for arg in node.decorator.args] if isinstance(node.decorator, cst.Call) else []


def _first_line(node: ast.stmt) -> int:
    """That of the first decorator, if there are any."""
    decorators = getattr(node, "decorator_list", ())
    return min([node.lineno, *(int(one.lineno) for one in decorators)])


_NAMES = {cst.Name, cst.Attribute}
_DEFINITIONS = {cst.FunctionDef, cst.ClassDef}
_LOOPS = (cst.For, cst.While, cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp)


def _within(node: cst.CSTNode, child: cst.CSTNode, place: Where, scope: str) -> tuple[Where, str]:
    kind = type(node)
    if kind is cst.FunctionDef or kind is cst.Lambda or kind is cst.ClassDef:
        return _within_definition(node, child, place, scope)
    return ("loop" if kind in _LOOPS and place == "module" else place), scope


def _within_definition(node: cst.CSTNode, child: cst.CSTNode, place: Where, scope: str) -> tuple[Where, str]:
    if isinstance(node, cst.FunctionDef) and child is node.body:
        return "function", f"{scope}{node.name.value}.<locals>."
    if isinstance(node, cst.Lambda) and child is node.body:
        return "function", scope
    if isinstance(node, cst.ClassDef) and child is node.body:
        return ("class" if place == "module" else place), f"{scope}{node.name.value}."
    return place, scope

"""Which names a function binds, and how. As in Python, a name that is bound anywhere in a function is local to it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pyflow_inspector.ast_node import child_nodes

if TYPE_CHECKING:
    from pyflow_inspector.module_table import Imported
    from pyflow_inspector.project import Module, Symbol

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)

_INNER = (*FUNCTIONS, ast.ClassDef)

How = Literal["parameter", "import", "function", "class", "value", "entered", "item", "other"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One place that binds a name.

    `how` tells what `node` is: of a `value` the expression, of what is `entered` the expression after `with`, of an
    `item` what is iterated over, of a function or class its definition.
    """

    how: How
    node: ast.AST | None = None
    annotation: ast.expr | None = None
    imported: Imported | None = None


@dataclass(eq=False)
class Scope:
    """The names of one function, lambda or module; `owner` is the class of a method."""

    module: Module
    node: Function | ast.Module
    parent: Scope | None = None
    owner: Symbol | None = None
    names: dict[str, list[Binding]] = field(default_factory=dict[str, list[Binding]])
    nodes: list[ast.AST] = field(default_factory=list[ast.AST])
    """Everything in it but what lies inside functions and classes in it."""
    global_names: set[str] = field(default_factory=set[str])
    nonlocal_names: set[str] = field(default_factory=set[str])
    given: dict[str, list[tuple[ast.expr, Scope]]] = field(default_factory=dict[str, "list[tuple[ast.expr, Scope]]"])
    """What calls that were followed pass for each parameter, and from where."""

    def find(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """The function around here that binds `name`, and how; nothing if it is a name of the module."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.global_names:
                return None
            if name in scope.names and name not in scope.nonlocal_names:
                return scope, scope.names[name]
            scope = scope.parent
        return None

    def only(self, name: str) -> tuple[Scope, Binding] | None:
        """The same, if there is just one place that binds it."""
        found = self.find(name)
        return (found[0], found[1][0]) if found is not None and len(found[1]) == 1 else None


_Contents = tuple[dict[str, list[Binding]], list[ast.AST], set[str], set[str]]


def make_scope(module: Module, node: Function | ast.Module, parent: Scope | None = None) -> Scope:
    """The scope of a function, lambda or module."""
    known: _Contents | None = module.notes.get(node)
    if known is None:
        scope = _read_scope(module, node)
        known = module.notes[node] = scope.names, scope.nodes, scope.global_names, scope.nonlocal_names
    return Scope(module, node, parent, None, *known)


def _read_scope(module: Module, node: Function | ast.Module) -> Scope:
    scope = Scope(module, node)
    if not isinstance(node, ast.Module):
        for argument in every_parameter(node.args):
            _add(scope, argument.arg, Binding("parameter", annotation=argument.annotation))
    scope.nodes = own_nodes(node)
    for part in scope.nodes:
        _note(scope, part)
    return scope


def every_parameter(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters, `*args` and `**kwargs` too."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [*named, *(arg for arg in (arguments.vararg, arguments.kwarg) if arg is not None)]


def body_of(node: Function | ast.ClassDef | ast.Module) -> list[ast.AST]:
    """The statements of a function or class, or the expression of a lambda."""
    return [node.body] if isinstance(node, ast.Lambda) else [*node.body]


def own_nodes(node: Function | ast.ClassDef | ast.Module) -> list[ast.AST]:
    """Everything in a function or class but what lies inside functions and classes in it."""
    found = body_of(node)
    for part in found:  # which grows
        if not isinstance(part, _INNER):
            found.extend(child_nodes(part))
    return found


def _add(scope: Scope, name: str, binding: Binding) -> None:
    scope.names.setdefault(name, []).append(binding)


def _note(scope: Scope, node: ast.AST) -> None:
    note = _NOTES.get(type(node))
    if note is not None:
        note(scope, node)


def _assign(scope: Scope, node: ast.Assign) -> None:
    for target in node.targets:
        _bind(scope, target, Binding("value", node.value))


def _annotated(scope: Scope, node: ast.AnnAssign) -> None:
    _bind(scope, node.target, Binding("value", node.value, node.annotation))


def _augmented(scope: Scope, node: ast.AugAssign) -> None:
    _bind(scope, node.target, Binding("other"))


def _walrus(scope: Scope, node: ast.NamedExpr) -> None:
    _bind(scope, node.target, Binding("value", node.value))


def _item(scope: Scope, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
    _bind(scope, node.target, Binding("item", node.iter))


def _entered(scope: Scope, node: ast.withitem) -> None:
    if node.optional_vars is not None:
        _bind(scope, node.optional_vars, Binding("entered", node.context_expr))


def _definition(scope: Scope, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
    _add(scope, node.name, Binding("class" if isinstance(node, ast.ClassDef) else "function", node))


def _named(scope: Scope, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
    if node.name is not None:
        _add(scope, node.name, Binding("other"))


def _rest(scope: Scope, node: ast.MatchMapping) -> None:
    if node.rest is not None:
        _add(scope, node.rest, Binding("other"))


def _deleted(scope: Scope, node: ast.Delete) -> None:
    for target in node.targets:
        _bind(scope, target, Binding("other"))


def _global(scope: Scope, node: ast.Global) -> None:
    scope.global_names.update(node.names)


def _nonlocal(scope: Scope, node: ast.Nonlocal) -> None:
    scope.nonlocal_names.update(node.names)


def _import(scope: Scope, node: ast.Import) -> None:
    from pyflow_inspector.module_table import Imported  # rules import this module, and must not import libcst

    for alias in node.names:
        top = alias.name.partition(".")[0]
        name, module = (alias.asname, alias.name) if alias.asname else (top, top)
        _add(scope, name, Binding("import", imported=Imported(module, None)))


def _import_from(scope: Scope, node: ast.ImportFrom) -> None:
    from pyflow_inspector.module_table import Imported  # as above

    module = node.module or ""
    if node.level:
        segments = scope.module.package.split(".") if scope.module.package else []
        base = segments[: len(segments) - (node.level - 1)]
        module = ".".join([*base, *([module] if module else [])])
    for alias in node.names:
        if alias.name != "*":
            _add(scope, alias.asname or alias.name, Binding("import", imported=Imported(module, alias.name)))


def _bind(scope: Scope, target: ast.AST, binding: Binding) -> None:
    """Bind the names of a target; parts of an unpacked value are known by name only."""
    if isinstance(target, ast.Name):
        _add(scope, target.id, binding)
    elif isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            _bind(scope, element, Binding("other"))
    elif isinstance(target, ast.Starred):
        _bind(scope, target.value, Binding("other"))


_NOTES: dict[type[ast.AST], Any] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.NamedExpr: _walrus,
    ast.For: _item,
    ast.AsyncFor: _item,
    ast.comprehension: _item,
    ast.withitem: _entered,
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.ExceptHandler: _named,
    ast.MatchAs: _named,
    ast.MatchStar: _named,
    ast.MatchMapping: _rest,
    ast.Delete: _deleted,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
}

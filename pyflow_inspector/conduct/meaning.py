"""What an expression stands for: a thing of the project or from outside, or a value of a class that is known."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pyflow_inspector.conduct.change import Change, find_changes
from pyflow_inspector.conduct.scope import Binding, Function, Scope, make_scope, own_nodes
from pyflow_inspector.module_table import Assigned
from pyflow_inspector.project import BUILTINS, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import libcst as cst

    from pyflow_inspector.project import Module, Project

MAX_LINKS = 24
"""How many names and attributes are followed from one to the next."""

SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
_CONTAINERS = frozenset(
    {
        "builtins.list", "builtins.dict", "builtins.set", "builtins.bytearray", "collections.deque",
        "collections.defaultdict", "collections.Counter", "collections.OrderedDict", "collections.ChainMap",
        "itertools.count", "itertools.cycle", "typing.List", "typing.Dict", "typing.Set",
    }
)  # fmt: skip
_SETS = {"set", "frozenset", "Set", "FrozenSet", "AbstractSet", "MutableSet"}
_VIEW_METHODS = {"keys", "items"}
_SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
_RETURNS = {
    "asyncio.get_running_loop": "asyncio.AbstractEventLoop",
    "asyncio.get_event_loop": "asyncio.AbstractEventLoop",
    "asyncio.new_event_loop": "asyncio.AbstractEventLoop",
    "pathlib.Path.cwd": "pathlib.Path",
    "pathlib.Path.home": "pathlib.Path",
    "pathlib.Path.joinpath": "pathlib.Path",
    "pathlib.Path.with_suffix": "pathlib.Path",
    "pathlib.Path.with_name": "pathlib.Path",
    "pathlib.Path.parent": "pathlib.Path",
}
"""What well-known functions and attributes give, where their own name does not say it."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A module, class or function, or a `value` of it: of a class an instance, of a function what it returns."""

    symbol: Symbol
    value: bool = False

    @property
    def dotted(self) -> str:
        """`"time.time"`, `"builtins.open"`; of a value the name of what makes it."""
        return self.symbol.dotted


_GLOBAL_CHANGES = object()


def _global_changes(module: Module) -> dict[str, list[tuple[Change, Function]]]:
    """What the functions of a module change, or may change, in its variables, by name."""
    found: dict[str, list[tuple[Change, Function]]] | None = module.notes.get(_GLOBAL_CHANGES)
    if found is None:
        found = module.notes[_GLOBAL_CHANGES] = {}
        for scope in _functions(module):
            for change in find_changes(scope):
                if scope.find(change.name.id) is None and not isinstance(scope.node, ast.Module):
                    found.setdefault(change.name.id, []).append((change, scope.node))
    return found


def _functions(module: Module) -> Iterator[Scope]:
    """All functions of a module, those inside others and inside classes too."""
    inside: list[ast.AST] = [*make_scope(module, module.syntax.abstract).nodes]
    for node in inside:  # which grows
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            scope = make_scope(module, node)
            yield scope
            inside += scope.nodes
        elif isinstance(node, ast.ClassDef):
            inside += own_nodes(node)


def builtin(name: str, *, value: bool = False) -> Thing:
    """A thing that needs no import."""
    return Thing(Symbol("builtins", name), value)


A_SET = builtin("set", value=True)
A_VIEW = builtin("dict_keys", value=True)


class Meaning:
    """Answers for one project; every module is asked once for each name."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._modules: dict[str, Scope] = {}
        self._variables: dict[tuple[str, str], Thing | None] = {}
        self._local: dict[tuple[Scope, str], Thing | None] = {}
        self._changed: dict[tuple[str, str], bool] = {}
        self._top: dict[tuple[str, str], Thing | None] = {}
        self._members: dict[tuple[cst.ClassDef, str], Thing | None] = {}

    def of(self, node: ast.AST | None, scope: Scope, links: int = MAX_LINKS) -> Thing | None:
        """What `node` stands for in `scope`."""
        if node is None or not links:
            return None
        read = self._READERS.get(type(node))
        return _DISPLAYS.get(type(node)) if read is None else read(self, node, scope, links - 1)

    def forget(self) -> None:
        """Answer anew: more has become known of what is passed to functions."""
        self._local.clear()

    def annotated(self, node: ast.expr | None, scope: Scope) -> Thing | None:
        """A value of the class that an annotation names."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                node = ast.parse(node.value, mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None
        if isinstance(node, ast.BinOp):
            return self.annotated(node.left, scope) or self.annotated(node.right, scope)
        if isinstance(node, ast.Subscript):
            base = self.of(node.value, scope)
            if base is not None and base.dotted in {"typing.Optional", "typing.Annotated"}:
                inner = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
                return self.annotated(inner, scope)
            node = node.value
        thing = self.of(node, scope)
        if thing is None or thing.value:
            return None
        return A_SET if _is_set_class(thing.symbol) else Thing(thing.symbol, value=True)

    def global_name(self, name: str, scope: Scope) -> Symbol | None:
        """The variable of a module of the project that `name` is, if it is one."""
        found = scope.find(name)
        if found is None:
            symbol = self._project.resolve(scope.module, name)
        else:
            only = found[1][0] if len(found[1]) == 1 else None
            symbol = self._project.imported(only.imported) if only is not None and only.imported is not None else None
        return symbol if symbol is not None and _is_variable(symbol) else None

    def is_changed(self, symbol: Symbol) -> bool:
        """Whether some function changes a variable of its module."""
        home = self._project.defining_module(symbol)
        if home is None:
            return False
        key = home.name, symbol.name
        if key not in self._changed:
            changes = _global_changes(home).get(symbol.name, ())
            self._changed[key] = any(
                not one.by_call or self.is_container(one.name, make_scope(home, node)) for one, node in changes
            )
        return self._changed[key]

    def is_set(self, node: ast.AST, scope: Scope) -> bool:
        """Whether a value is a set, which has no order of its own."""
        return self.of(node, scope) == A_SET

    def is_container(self, node: ast.AST, scope: Scope) -> bool:
        """Whether a value is one of Python's own collections, which methods such as `append` change."""
        thing = self.of(node, scope)
        return thing is not None and thing.value and thing.dotted in _CONTAINERS

    def module_scope(self, module: Module) -> Scope:
        """The names of a module, as expressions."""
        if module.name not in self._modules:
            self._modules[module.name] = make_scope(module, module.syntax.abstract)
        return self._modules[module.name]

    # --- names

    def _name(self, node: ast.Name, scope: Scope, links: int) -> Thing | None:
        found = scope.find(node.id)
        if found is None or isinstance(found[0].node, ast.Module):
            return self._top_level(node.id, scope.module, links)
        key = found[0], node.id
        if key not in self._local:
            self._local[key] = None  # a name that leads to itself
            self._local[key] = self._local_name(node.id, *found, links)
        return self._local[key]

    def _local_name(self, name: str, home: Scope, bindings: Sequence[Binding], links: int) -> Thing | None:
        if len(bindings) > 1:
            return self._agreed(bindings, home, links)
        return self._bound(name, bindings[0], home, links)

    def _agreed(self, bindings: Sequence[Binding], scope: Scope, links: int) -> Thing | None:
        """A name that is bound more than once is what all its assignments agree on."""
        if any(one.how != "value" for one in bindings):
            return None
        things = {self._bound("", one, scope, links) for one in bindings if one.node is not None}
        return things.pop() if len(things) == 1 else None

    def _bound(self, name: str, binding: Binding, scope: Scope, links: int) -> Thing | None:
        if binding.imported is not None:
            return self._symbol(self._project.imported(binding.imported), links)
        if binding.annotation is not None:
            thing = self.annotated(binding.annotation, scope)
            if thing is not None:
                return thing
        if binding.how == "parameter":
            return self._parameter(name, scope, links)
        return self.of(binding.node, scope, links) if binding.how in {"value", "entered"} else None

    def _parameter(self, name: str, scope: Scope, links: int) -> Thing | None:
        """What the calls that were followed agree on; of a method's first parameter its class."""
        given = {self.of(node, home, links) for node, home in scope.given.get(name, ())}
        if given:
            return given.pop() if len(given) == 1 else None
        is_self = scope.owner is not None and next(iter(scope.names), None) == name
        return Thing(scope.owner, value=True) if is_self and scope.owner is not None else None

    def _top_level(self, name: str, module: Module, links: int) -> Thing | None:
        key = module.name, name
        if key not in self._top:
            self._top[key] = None  # a name that leads to itself
            symbol = self._project.resolve(module, name)
            if symbol is not None:
                self._top[key] = self._symbol(symbol, links)
            elif name in BUILTINS:
                self._top[key] = builtin(name)
        return self._top[key]

    def _symbol(self, symbol: Symbol, links: int) -> Thing | None:
        """A resolved name; a variable of a module stands for the value that it was given."""
        if not _is_variable(symbol):
            return Thing(symbol)
        key = symbol.module, symbol.name
        if key not in self._variables:
            self._variables[key] = None  # a variable that leads to itself
            home = self._project.defining_module(symbol)
            only = None if home is None else self.module_scope(home).only(symbol.name)
            self._variables[key] = None if only is None else self._bound(symbol.name, only[1], only[0], links)
        return self._variables[key]

    # --- attributes, calls, operators

    def _attribute(self, node: ast.Attribute, scope: Scope, links: int) -> Thing | None:
        owner = self.of(node.value, scope, links)
        return None if owner is None else self._member(owner, node.attr)

    def _inner(self, node: ast.Await | ast.NamedExpr | ast.Starred, scope: Scope, links: int) -> Thing | None:
        return self.of(node.value, scope, links)

    def _choice(self, node: ast.IfExp, scope: Scope, links: int) -> Thing | None:
        return self.of(node.body, scope, links) or self.of(node.orelse, scope, links)

    def _member(self, owner: Thing, name: str) -> Thing | None:
        if not owner.value:
            symbol = self._project.members(owner.symbol, [name])
            return self._symbol(symbol, MAX_LINKS) if _is_variable(symbol) and symbol.owner is None else Thing(symbol)
        if owner.symbol.function is not None:
            return None
        symbol = self._project.members(owner.symbol, [name])
        if symbol.function is not None:
            return Thing(symbol)
        node = owner.symbol.class_node
        if node is not None:
            if (node, name) not in self._members:
                self._members[node, name] = self._declared(owner.symbol, name)
            return self._members[node, name]
        known = _RETURNS.get(symbol.dotted)
        return Thing(symbol) if known is None else Thing(_symbol_of(known), value=True)

    def _declared(self, owner: Symbol, name: str, depth: int = 0) -> Thing | None:
        """The type that a class of the project declares for an attribute of its instances."""
        home = self._project.defining_module(owner)
        if owner.class_node is None or home is None or depth > 10:
            return None
        node = home.syntax.twin(owner.class_node)
        assert isinstance(node, ast.ClassDef)
        for statement in node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=found)) if found == name:
                    return self.annotated(statement.annotation, self.module_scope(home))
                case _:
                    pass
        bases = (self._declared(base, name, depth + 1) for base in self._project.base_symbols(owner))
        return next((one for one in bases if one is not None), None)

    def _result(self, node: ast.Call, scope: Scope, links: int) -> Thing | None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _SET_METHODS | _VIEW_METHODS:
            return self._collection_method(node.func, scope, links)
        callee = self.of(node.func, scope, links)
        if callee is None or callee.value:
            return None
        if callee.symbol.function is not None:
            return self._returned(callee.symbol)
        if callee.symbol.module == "builtins":
            return A_SET if callee.symbol.name in _SETS else Thing(callee.symbol, value=True)
        known = _RETURNS.get(callee.dotted)
        return Thing(callee.symbol if known is None else _symbol_of(known), value=True)

    def _collection_method(self, func: ast.Attribute, scope: Scope, links: int) -> Thing | None:
        owner = self.of(func.value, scope, links)
        if func.attr in _VIEW_METHODS:
            is_foreign = owner is not None and owner != builtin("dict", value=True)
            return (
                Thing(Symbol(owner.symbol.module, f"{owner.symbol.name}.{func.attr}"), value=True)
                if is_foreign and owner is not None
                else A_VIEW
            )
        return A_SET if owner == A_SET else None

    def _returned(self, symbol: Symbol) -> Thing | None:
        home = self._project.defining_module(symbol)
        if home is None or symbol.function is None or symbol.function.returns is None:
            return None
        node = home.syntax.twin(symbol.function)
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        return self.annotated(node.returns, self.module_scope(home))

    def _operation(self, node: ast.BinOp, scope: Scope, links: int) -> Thing | None:
        left = self.of(node.left, scope, links)
        if isinstance(node.op, ast.Div):
            return left if left is not None and left.value and left.dotted == "pathlib.Path" else None
        if not isinstance(node.op, SET_OPERATORS):
            return None
        kinds = {left, self.of(node.right, scope, links)}
        return A_SET if kinds & {A_SET, A_VIEW} else None

    _READERS: ClassVar[dict[type[ast.AST], Any]] = {
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Call: _result,
        ast.Await: _inner,
        ast.NamedExpr: _inner,
        ast.Starred: _inner,
        ast.IfExp: _choice,
        ast.BinOp: _operation,
    }


_DISPLAYS: dict[type[ast.AST], Thing] = {
    ast.Set: A_SET,
    ast.SetComp: A_SET,
    ast.Dict: builtin("dict", value=True),
    ast.DictComp: builtin("dict", value=True),
    ast.List: builtin("list", value=True),
    ast.ListComp: builtin("list", value=True),
}


def function_node(module: Module, node: cst.FunctionDef) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The definition of a function, with positions."""
    twin = module.syntax.twin(node)
    assert isinstance(twin, ast.FunctionDef | ast.AsyncFunctionDef)
    return twin


def _is_variable(symbol: Symbol) -> bool:
    return isinstance(symbol.definition, Assigned) and "." not in symbol.name


def _is_set_class(symbol: Symbol) -> bool:
    return symbol.module in {"builtins", "typing", "collections.abc"} and symbol.name in _SETS


def _symbol_of(dotted: str) -> Symbol:
    module, _, name = dotted.partition(".")
    return Symbol(module, name)

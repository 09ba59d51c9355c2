"""The way through all code that belongs to a workflow: its function, the helpers it calls, what its steps run."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyflow_inspector.ast_node import child_nodes
from pyflow_inspector.conduct.meaning import Meaning, Thing, function_node
from pyflow_inspector.conduct.scope import FUNCTIONS, Function, Scope, body_of, make_scope
from pyflow_inspector.conduct.site import CallFact, Site, Stand
from pyflow_inspector.conduct.vocabulary import find_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyflow_inspector.conduct.scope import Binding
    from pyflow_inspector.project import Module, Project, Symbol
    from pyflow_inspector.steps.fact import Facts, FoundStep
    from pyflow_inspector.steps.value import FunctionValue

_Place = tuple[ast.AST, Stand, ast.AST]
"""What a site is made of, once somebody asks for those of its kind."""
_Parts = Iterable[tuple[ast.AST, Stand]]
"""Those of a node that run where it stands, each with its conditions."""

MAX_FUNCTIONS = 2000
"""How many functions are followed for one workflow."""

_OURS = "pyflow_core"
_CONSTRUCTORS = ("__init__", "__post_init__")


@dataclass
class Conduct:
    """Everything that the code of one workflow does."""

    meaning: Meaning
    services: frozenset[str] = frozenset()
    """The parameters of the workflow's function that take services."""
    root: Scope | None = None
    bodies: list[Stand] = field(default_factory=list[Stand])
    """The functions that were walked, each as often as it is run under different conditions."""
    step_calls: dict[ast.AST, FoundStep] = field(default_factory=dict["ast.AST", "FoundStep"])
    invokes: set[ast.AST] = field(default_factory=set[ast.AST])
    helpers: set[ast.AST] = field(default_factory=set[ast.AST])
    """Calls of asynchronous helpers that the walk of steps has followed."""
    targets: dict[ast.AST, Scope] = field(default_factory=dict[ast.AST, Scope])
    """The function that a call leads to, where it was followed."""
    calls: list[CallFact] = field(default_factory=list[CallFact])
    _services: dict[tuple[Scope, str], str | None] = field(default_factory=dict["tuple[Scope, str]", "str | None"])
    _places: dict[type[ast.AST], list[_Place]] = field(default_factory=dict["type[ast.AST]", "list[_Place]"])
    _sites: dict[type[ast.AST], list[Site]] = field(default_factory=dict["type[ast.AST]", "list[Site]"])

    def sites(self, *kinds: type[ast.AST]) -> Iterator[Site]:
        """The places of these kinds outside of step functions."""
        for kind in kinds:
            if kind not in self._sites:
                self._sites[kind] = [Site(*place) for place in self._places.get(kind, ())]
            yield from self._sites[kind]

    def add(self, node: ast.AST, stand: Stand, parent: ast.AST) -> None:
        """Note a place outside of step functions."""
        self._places.setdefault(type(node), []).append((node, stand, parent))

    def thing(self, node: ast.AST | None, scope: Scope) -> Thing | None:
        """What an expression stands for."""
        return self.meaning.of(node, scope)

    def service(self, node: ast.AST, scope: Scope) -> str | None:
        """The service at the root of `db.orders.add`, also where it was passed on to a helper."""
        while isinstance(node, ast.Attribute):
            node = node.value
        found = scope.only(node.id) if isinstance(node, ast.Name) else None
        if found is None or not isinstance(node, ast.Name):
            return None
        key = found[0], node.id
        if key not in self._services:
            self._services[key] = None  # a name that leads to itself
            self._services[key] = self._bound_service(node.id, *found)
        return self._services[key]

    def _bound_service(self, name: str, home: Scope, binding: Binding) -> str | None:
        if binding.how == "value" and binding.node is not None:
            return self.service(binding.node, home)
        if binding.how != "parameter":
            return None
        if home is self.root:
            return name if name in self.services else None
        given = (self.service(value, place) for value, place in home.given.get(name, ()))
        return next((service for service in given if service is not None), None)

    def forget(self) -> None:
        """Answer anew: more has become known of what is passed to functions."""
        self.meaning.forget()
        self._services.clear()


def survey(
    project: Project,
    module: Module,
    node: Function,
    facts: Facts,
    services: frozenset[str],
    around: Iterable[FunctionValue] = (),
) -> Conduct:
    """Walk the function of a workflow and whatever it calls, knowing from `facts` which calls are steps.

    The functions `around` it are its middleware, which is replayed with it.
    """
    conduct = Conduct(Meaning(project), services)
    for step in facts.steps:
        conduct.step_calls.setdefault(step.module.syntax.twin(step.call), step)
    for pending in facts.pending.values():
        twin = pending.module.syntax.twin(pending.call)
        if pending.kind == "invoke":
            conduct.invokes.add(twin)
        elif pending.kind == "helper":
            conduct.helpers.add(twin)
    _Survey(project, conduct).run(module, node, around)
    return conduct


class _Survey:
    def __init__(self, project: Project, conduct: Conduct) -> None:
        self._project = project
        self._conduct = conduct
        self._waiting: deque[Stand] = deque()
        self._met: dict[tuple[ast.AST, bool], Scope] = {}
        self._called: set[ast.AST] = set()
        self._step_functions: dict[ast.AST, FoundStep] = {}
        self._ours = f"{project.settings.package}.", f"{_OURS}."
        self._own = {project.settings.package.partition(".")[0], _OURS}
        for step in conduct.step_calls.values():
            function = step.form.function
            if function is not None:
                self._step_functions[function.module.syntax.twin(function.node)] = step

    def run(self, module: Module, node: Function, around: Iterable[FunctionValue]) -> None:
        self._own.update(one.name.partition(".")[0] for one in (module, *(layer.module for layer in around)))
        self._conduct.root = make_scope(module, node)
        self._met[node, False] = self._conduct.root
        outside = Stand(self._conduct.root)
        self._waiting.append(outside)
        for layer in around:
            function = layer.module.syntax.twin(layer.node)
            if isinstance(function, FUNCTIONS):
                self._enter(layer.module, function, outside, owner=layer.owner)
        while self._waiting and len(self._conduct.bodies) < MAX_FUNCTIONS:
            self._body(self._waiting.popleft())

    # --- one function

    def _body(self, stand: Stand) -> None:
        function = stand.scope.node
        if stand.step is None and function not in self._called:
            stand = replace(stand, step=self._step_functions.get(function))
        self._conduct.bodies.append(stand)
        stack: list[tuple[ast.AST, Stand, ast.AST]] = [(part, stand, function) for part in reversed(body_of(function))]
        while stack:
            node, inside, parent = stack.pop()
            if inside.step is None:
                self._conduct.add(node, inside, parent)
            find = _PARTS.get(type(node))
            if find is None:
                stack += [(part, inside, node) for part in reversed(child_nodes(node))]
            else:
                stack += [(part, where, node) for part, where in reversed([*find(self, node, inside, parent)])]

    # --- what is called and named

    def call(self, node: ast.Call, stand: Stand, parent: ast.AST) -> _Parts:
        """A call, and the way into what it calls."""
        thing = self._conduct.thing(node.func, stand.scope)
        is_outside = thing is not None and self._is_outside(thing)
        group = find_group(thing.dotted) if thing is not None and is_outside else None
        self._conduct.calls.append(CallFact(Site(node, stand, parent), node, thing, is_outside, group))
        self._enter_callee(node, thing, stand)
        yield node.func, _no_argument(stand)
        step = self._conduct.step_calls.get(node)
        inside = stand if step is None or stand.step is not None else replace(stand, argument_of=step)
        for part in (*node.args, *(keyword.value for keyword in node.keywords)):
            if group is None or group.kind != "thread" or not self._is_function(part, stand.scope):
                yield part, inside  # a thread that runs a function holds up nobody

    def _enter_callee(self, node: ast.Call, thing: Thing | None, stand: Stand) -> None:
        nested = self._nested(node.func, stand.scope)
        if nested is not None:
            home, function = nested
            self._called.add(function)
            self._bind(self._enter(home.module, function, stand, parent=home), node, stand.scope, skips=0)
        elif thing is not None and not self._is_foreign(thing, node.func, stand.scope):
            self._enter_symbol(thing.symbol, node, stand)

    def _enter_symbol(self, symbol: Symbol, call: ast.Call, stand: Stand) -> None:
        if symbol.class_node is not None:
            for name in _CONSTRUCTORS:
                member = self._project.members(symbol, [name])
                if member.function is not None:
                    self._enter_symbol(member, call, stand)
            return
        home = self._project.defining_module(symbol)
        if symbol.function is None or home is None:
            return
        function = function_node(home, symbol.function)
        self._called.add(function)
        is_static = any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in function.decorator_list)
        scope = self._enter(home, function, stand, owner=symbol.owner)
        self._bind(scope, call, stand.scope, skips=int(symbol.owner is not None and not is_static))

    def name(self, node: ast.Name, stand: Stand, parent: ast.AST) -> _Parts:
        """A name, which may be that of a function."""
        if isinstance(node.ctx, ast.Load):
            self._mention(node, stand, parent)
        return ()

    def attribute(self, node: ast.Attribute, stand: Stand, parent: ast.AST) -> _Parts:
        """An attribute, which may be a function."""
        if not isinstance(node.ctx, ast.Load):
            return ((node.value, stand),)
        self._mention(node, stand, parent)
        return ((node.value, _no_argument(stand)),)

    def _mention(self, node: ast.Name | ast.Attribute, stand: Stand, parent: ast.AST) -> None:
        """A function that is named without being called: whoever gets it will call it."""
        if isinstance(parent, ast.Call) and parent.func is node:
            return
        if stand.argument_of is not None:
            self._mark(node, stand.scope, stand.argument_of)
        found = self._function(node, stand.scope)
        if found is not None:
            module, function, home, owner = found
            self._enter(module, function, stand, parent=home, owner=owner)

    def _mark(self, node: ast.AST, scope: Scope, step: FoundStep) -> None:
        """Remember the functions that a name among a step's arguments may stand for: the step runs them."""
        found = self._function(node, scope)
        if found is not None:
            self._step_functions.setdefault(found[1], step)
        for part in _assigned_parts(node, scope):
            inner = self._function(part, scope)
            if isinstance(part, ast.Lambda):
                self._step_functions.setdefault(part, step)
            elif inner is not None:
                self._step_functions.setdefault(inner[1], step)

    def _function(self, node: ast.AST, scope: Scope) -> tuple[Module, Function, Scope | None, Symbol | None] | None:
        """The function of the project that a name or attribute stands for."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        nested = self._nested(node, scope)
        if nested is not None:
            return nested[0].module, nested[1], nested[0], None
        thing = self._conduct.thing(node, scope)
        if thing is None or thing.value or thing.symbol.function is None or self._is_foreign(thing, node, scope):
            return None
        home = self._project.defining_module(thing.symbol)
        return None if home is None else (home, function_node(home, thing.symbol.function), None, thing.symbol.owner)

    def _is_function(self, node: ast.AST, scope: Scope) -> bool:
        return isinstance(node, ast.Lambda) or self._function(node, scope) is not None

    def _nested(self, node: ast.AST, scope: Scope) -> tuple[Scope, Function] | None:
        """The function inside a function that a name stands for, and where it is defined."""
        found = scope.only(node.id) if isinstance(node, ast.Name) else None
        if found is None or found[1].how != "function" or not isinstance(found[1].node, FUNCTIONS):
            return None
        return found[0], found[1].node

    def _is_outside(self, thing: Thing) -> bool:
        """Whether it comes from a package that is neither the author's nor ours."""
        module = thing.symbol.module
        return module.partition(".")[0] not in self._own and self._project.module(module) is None

    def _is_foreign(self, thing: Thing, node: ast.AST, scope: Scope) -> bool:
        """Whether it is no code of the author: generated, ours, or that of a service."""
        ours = f"{thing.symbol.module}.".startswith(self._ours)
        return ours or self._conduct.service(node, scope) is not None

    # --- the way into functions

    def _enter(
        self,
        module: Module,
        function: Function,
        stand: Stand,
        *,
        parent: Scope | None = None,
        owner: Symbol | None = None,
    ) -> Scope:
        key = function, stand.step is not None
        scope = self._met.get(key)
        if scope is None:
            scope = self._met[key] = make_scope(module, function, parent)
            scope.owner = owner
            self._waiting.append(replace(stand, scope=scope, argument_of=None))
        return scope

    def _bind(self, scope: Scope, call: ast.Call, home: Scope, *, skips: int) -> None:
        """Note what a call passes for each parameter; after a `*` nothing is known of the positional ones."""
        assert not isinstance(scope.node, ast.Module)
        self._conduct.targets.setdefault(call, scope)
        arguments = scope.node.args
        names = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args)][skips:]
        for name, value in zip(names, call.args, strict=False):
            if isinstance(value, ast.Starred):
                break
            scope.given.setdefault(name, []).append((value, home))
        for keyword in call.keywords:
            if keyword.arg is not None:
                scope.given.setdefault(keyword.arg, []).append((keyword.value, home))
        if call.args or call.keywords:
            self._conduct.forget()

    def function_inside(self, node: ast.Lambda, stand: Stand, _parent: ast.AST) -> _Parts:
        """A lambda: whoever gets it will call it."""
        if stand.argument_of is not None:
            self._step_functions.setdefault(node, stand.argument_of)
        self._enter(stand.scope.module, node, stand, parent=stand.scope)
        return [(part, stand) for part in _defaults(node)]

    def class_inside(self, node: ast.ClassDef, stand: Stand, _parent: ast.AST) -> _Parts:
        """A class inside a function: nobody knows who calls its methods."""
        for part in (*node.decorator_list, *node.bases, *node.body):
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                self._enter(stand.scope.module, part, stand, parent=stand.scope)
            else:
                yield part, stand


def _assigned_parts(node: ast.AST, scope: Scope) -> Iterator[ast.AST]:
    """All parts of the expressions that are assigned to a local name."""
    found = scope.find(node.id) if isinstance(node, ast.Name) else None
    for binding in found[1] if found is not None else ():
        if binding.how == "value" and binding.node is not None:
            yield from ast.walk(binding.node)


# --- the parts of nodes, each with the conditions under which it runs


def _defaults(node: Function) -> list[ast.expr]:
    return [*node.args.defaults, *(default for default in node.args.kw_defaults if default is not None)]


def _no_argument(stand: Stand) -> Stand:
    return replace(stand, argument_of=None) if stand.argument_of else stand


def _definition(
    _survey: _Survey, node: ast.FunctionDef | ast.AsyncFunctionDef, stand: Stand, _parent: ast.AST
) -> _Parts:
    return [(part, stand) for part in (*node.decorator_list, *_defaults(node))]


def _annotated(_survey: _Survey, node: ast.AnnAssign, stand: Stand, _parent: ast.AST) -> _Parts:
    return [(part, stand) for part in (node.target, node.value) if part is not None]


def _try(_survey: _Survey, node: ast.Try | ast.TryStar, stand: Stand, _parent: ast.AST) -> _Parts:
    yield from ((part, stand) for part in (*node.body, *node.handlers, *node.orelse))
    yield from ((part, replace(stand, in_finally=True)) for part in node.finalbody)


def _with(_survey: _Survey, node: ast.With | ast.AsyncWith, stand: Stand, _parent: ast.AST) -> _Parts:
    for item in node.items:
        yield item.context_expr, stand
        if item.optional_vars is not None:
            yield item.optional_vars, stand
    yield from ((part, stand) for part in node.body)


def _loop(_survey: _Survey, node: ast.For | ast.AsyncFor | ast.While, stand: Stand, _parent: ast.AST) -> _Parts:
    repeated = replace(stand, repeated=True)
    if isinstance(node, ast.While):
        yield node.test, repeated
    else:
        yield node.target, stand
        yield node.iter, stand
    yield from ((part, repeated) for part in node.body)
    yield from ((part, stand) for part in node.orelse)


def _comprehension(
    _survey: _Survey,
    node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
    stand: Stand,
    _parent: ast.AST,
) -> _Parts:
    repeated = replace(stand, repeated=True)
    for index, clause in enumerate(node.generators):
        yield clause.iter, stand if index == 0 else repeated
        yield from ((part, repeated) for part in (clause.target, *clause.ifs))
    elements = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
    yield from ((part, repeated) for part in elements)


_PARTS: dict[type[ast.AST], Callable[[_Survey, Any, Stand, ast.AST], _Parts]] = {
    ast.Call: _Survey.call,
    ast.Name: _Survey.name,
    ast.Attribute: _Survey.attribute,
    ast.Lambda: _Survey.function_inside,
    ast.ClassDef: _Survey.class_inside,
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.AnnAssign: _annotated,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _loop,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _comprehension,
    ast.GeneratorExp: _comprehension,
}
"""Of the others all parts run where they stand."""

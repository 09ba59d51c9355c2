"""The walk of one function: state, name lookup, and the way into helpers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.constant_value import symbol_constant
from pyflow_inspector.folding import Constant, Folded, Template, fold
from pyflow_inspector.module_table import Assigned, Defined
from pyflow_inspector.project import BUILTINS, Symbol
from pyflow_inspector.steps import call, expression, manager, misuse, statement
from pyflow_inspector.steps.argument import bind, parameters
from pyflow_inspector.steps.attribute import read_attribute_of
from pyflow_inspector.steps.decoration import decorated
from pyflow_inspector.steps.fact import Facts, Place, Renamed
from pyflow_inspector.steps.liveness import carries_workflow, escaping_text, is_live, reachable_functions
from pyflow_inspector.steps.owner import Annotations
from pyflow_inspector.steps.value import (
    NOTHING,
    STEP_METHODS,
    Context,
    Frame,
    FunctionValue,
    Given,
    Handle,
    Instance,
    Items,
    Proceed,
    Reference,
    Value,
    behind,
    choose,
    join,
    union,
)
from pyflow_inspector.tree import cst_children, dotted_name, walk_cst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyflow_inspector.project import Module, Project

MAX_HELPER_DEPTH = 20
MAX_HELPER_CALLS = 2000

_EVALUATED = (cst.Dict, cst.List, cst.Tuple, cst.Set, cst.IfExp, cst.Lambda, cst.Call)
"""What the value of a module's name is read from, besides constants and other names."""

_HARMLESS = {
    cst.Comparison, cst.ComparisonTarget, cst.UnaryOperation, cst.FormattedString, cst.FormattedStringExpression,
    cst.Assert, cst.Del,
}  # fmt: skip
"""Expressions that look at `workflow` and keep nothing of it."""

Evaluate = dict[type[cst.CSTNode], "Callable[[Walker, cst.CSTNode, Context], Value]"]


class Walker:
    """Walks one wired function and the helpers it reaches, and collects `facts`."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.facts = Facts()
        self.annotations = Annotations(self)
        self.local_classes: dict[cst.ClassDef, Frame] = {}
        """The frames in which classes are defined inside functions."""
        self.changed_attributes: dict[cst.ClassDef, frozenset[str]] = {}
        self.decorations: dict[cst.FunctionDef, Value] = {}
        self.again = False
        """A loop is walked a second time, for what its first turn has left behind."""
        self._calls = 0
        self._used: set[cst.CSTNode] = set()
        self._recursive: set[cst.CSTNode] = set()
        self._root: cst.FunctionDef | None = None
        self._module_values: dict[cst.CSTNode, Value] = {}
        self._frames: list[Frame] = []

    def walk(
        self,
        module: Module,
        label: str,
        node: cst.FunctionDef,
        owners: Sequence[str],
        around: Sequence[FunctionValue] = (),
    ) -> None:
        """Walk a wired function, in which each of `owners` (`workflow`, `rpc`) is found by its name.

        `around` is its middleware, which sees `workflow` as an attribute of what it is called with.
        """
        self._root = node
        self.facts.reached[label] = (module, node)
        frame = self.frame(module, label, node)
        ctx = Context(frame, active=(node,))
        blocks = self.facts.blocks
        blocks.begin("function", module, node, label=label)
        blocks.arm("body")
        for layer in around:
            self._walk_middleware(layer, ctx)
        frame.names = self._parameters(module, node, owners)
        frame.function = FunctionValue(label, module, node, raw=True)
        outer = decorated(self, replace(frame.function, raw=False), Context(frame))
        if isinstance(outer.meaning, FunctionValue) and outer.meaning.node is not node:
            given = [Given(module, cst.Name(name), value, name) for name, value in frame.names.items()]
            positional = [replace(one, keyword=None) if one.value.is_data else one for one in given]
            self.enter(outer.meaning, bind(outer.meaning, positional).values, node, Context(frame))
        if node not in self._used:
            self._run_body(frame, ctx, None)
        blocks.end()

    def _walk_middleware(self, layer: FunctionValue, ctx: Context) -> None:
        assert ctx.frame.node is not None
        module = ctx.frame.module
        call = Value(Instance(None, {"workflow": Value(Handle("workflow"))}))
        given = (Given(module, cst.Name("call"), call), Given(module, cst.Name("proceed"), Value(Proceed())))
        self.enter(layer, bind(layer, given).values, ctx.frame.node, ctx)

    def _parameters(self, module: Module, node: cst.FunctionDef, owners: Sequence[str]) -> dict[str, Value]:
        positional = [*node.params.posonly_params, *node.params.params]
        names: dict[str, Value] = {}
        for param in parameters(node):
            name = param.name.value
            value = self._parameter(module, param, NOTHING)
            if name == "workflow" and name in owners:
                value = Value(Handle("workflow"))
            elif name == "rpc" and name in owners:
                value = Value(Handle("rpc"))
            names[name] = replace(value, is_data=param in positional)
        if "workflow" in owners:
            self._find_renamed(module, node, names)
        return names

    def _find_renamed(self, module: Module, node: cst.FunctionDef, names: dict[str, Value]) -> None:
        """`workflow` or `rpc` under another name: by the annotation, or else by what is called on it."""
        for param in parameters(node):
            name = param.name.value
            is_used = "workflow" not in names and param.annotation is None and _makes_steps(node, name)
            if is_used:
                names[name] = Value(Handle("workflow"))
            owner = names[name].meaning
            if isinstance(owner, Handle) and owner.owner != name:
                self.facts.renamed.append(Renamed(Place(module, param), name, owner.owner))

    # --- evaluation

    def evaluate(self, node: cst.CSTNode, ctx: Context) -> Value:
        """The value of an expression; steps in it are noted on the way."""
        handler = _EXPRESSIONS.get(type(node))
        value = handler(self, node, ctx) if handler is not None else self.evaluate_parts(node, ctx)
        misuse.note_misuse(self, node, ctx)
        return value

    def evaluate_parts(self, node: cst.CSTNode, ctx: Context) -> Value:
        """The steps of all parts of an expression, from which nothing else comes out."""
        return self.evaluate_all(cst_children(node), ctx, lost=type(node) not in _HARMLESS)

    def evaluate_all(self, nodes: Sequence[cst.CSTNode], ctx: Context, *, lost: bool = True) -> Value:
        """The steps of several expressions; `workflow` among them is lost."""
        values = [self.evaluate(node, ctx) for node in nodes]
        if lost:
            for node, value in zip(nodes, values, strict=True):
                self.escape(node, value, ctx)
        return behind(values)

    def call(self, node: cst.CSTNode, callee: Value, given: tuple[Given, ...], ctx: Context) -> Value:
        """What a call gives back."""
        return call.call_value(self, node, callee, given, ctx)

    def attribute(self, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value:
        """What an attribute of a value is."""
        return read_attribute_of(self, owner, name, node, ctx)

    def run(self, body: Sequence[cst.CSTNode], ctx: Context) -> Context | None:
        """Walk statements; gives where what follows them stands, or nothing if nothing can follow."""
        for node in body:
            handler = _STATEMENTS.get(type(node))
            if handler is None:
                self.evaluate(node, ctx)
                continue
            misuse.note_names(self, node, ctx)
            after = handler(self, node, ctx)
            misuse.note_calls(self, node, ctx)
            misuse.note_misuse(self, node, ctx)
            if after is None:
                rest = body[body.index(node) + 1 :]
                if rest:
                    self.run(rest, ctx)
                return None
            ctx = after
        return ctx

    # --- frames

    def frame(
        self,
        module: Module,
        label: str,
        node: cst.FunctionDef | cst.Lambda | None = None,
        parent: Frame | None = None,
    ) -> Frame:
        """A new frame, which lives until `let_go`."""
        frame = Frame(module, label, node, parent)
        self._frames.append(frame)
        return frame

    def let_go(self) -> None:
        """Untie what holds itself, so that the trees go as soon as nobody asks for what was found."""
        for frame in self._frames:
            frame.let_go()
        for step in self.facts.steps:
            step.uses.clear()
        self.facts.blocks.let_go()

    # --- names

    def named(self, node: cst.Name | cst.Attribute, ctx: Context) -> Value | None:
        """The value of a name or a chain of attributes that need no evaluation."""
        dotted = dotted_name(node)
        if dotted is None:
            return None
        first, *rest = dotted.split(".")
        local = ctx.frame.find(first)
        if local is not None and rest:
            owner = local.meaning
            return self.symbol_value(self.project.members(owner, rest)) if isinstance(owner, Symbol) else None
        if local is not None:
            return local
        symbol = self.project.resolve(ctx.frame.module, dotted)
        if symbol is None:
            return NOTHING
        if rest and symbol.definition is None and self._is_attribute_of_value(ctx.frame.module, dotted):
            return None
        found = self.project.alternatives(ctx.frame.module, first) if not rest else []
        return choose(map(self.symbol_value, found)) if found else self.symbol_value(symbol)

    def _is_attribute_of_value(self, module: Module, dotted: str) -> bool:
        """Whether the last name of a chain is an attribute of what a module's name is assigned."""
        owner = self.project.resolve(module, dotted.rpartition(".")[0])
        return owner is not None and isinstance(owner.definition, Assigned) and owner.owner is None

    def is_builtin(self, name: str, ctx: Context) -> bool:
        """Whether a name is that of a builtin, and nothing hides it."""
        if name not in BUILTINS or ctx.frame.find(name) is not None:
            return False
        return self.project.resolve(ctx.frame.module, name) is None

    def symbol_value(self, symbol: Symbol) -> Value:
        """What a resolved name is: a function, a typed reference, a constant, or just itself."""
        prefix = f"{self.project.settings.package}.rpcs."
        if symbol.dotted.startswith(prefix):
            return Value(Reference(symbol.dotted.removeprefix(prefix)))
        module = self.project.defining_module(symbol)
        if module is not None and symbol.name and symbol.owner is None and isinstance(symbol.definition, Defined):
            found = self.project.alternatives(module, symbol.name)
            if found:
                return choose(map(self._one_symbol_value, found))
        return self._one_symbol_value(symbol)

    def _one_symbol_value(self, symbol: Symbol) -> Value:
        module = self.project.defining_module(symbol)
        if symbol.function is not None and module is not None:
            marks = {dotted_name(one.decorator) for one in symbol.function.decorators}
            receiver = Value(symbol.owner) if "classmethod" in marks else None
            return Value(FunctionValue(symbol.path, module, symbol.function, None, receiver, symbol.owner))
        folded = symbol_constant(self.project, symbol)
        if folded is not None:
            return Value(folded)
        assigned = symbol.definition.value if isinstance(symbol.definition, Assigned) else None
        if module is not None and assigned is not None and type(assigned) in _EVALUATED:
            value = self._module_value(module, symbol, assigned)
            if value.meaning is not None:
                return value
        return Value(symbol)

    def _module_value(self, module: Module, symbol: Symbol, node: cst.BaseExpression) -> Value:
        """What is assigned to a name of a module or class."""
        if node not in self._module_values:
            self._module_values[node] = NOTHING  # for one that leads back here
            ctx = Context(self.frame(module, module.name))
            if isinstance(node, cst.Lambda):
                value = Value(FunctionValue(symbol.path, module, node))
            elif isinstance(node, cst.Call) and not self._makes_object(node, ctx):
                value = NOTHING
            else:
                value = self.evaluate(node, ctx)
            self._module_values[node] = Value(value.meaning)
        return self._module_values[node]

    def _makes_object(self, node: cst.Call, ctx: Context) -> bool:
        """Whether a call at the top level only makes something, which is as good as read."""
        inner = node.func.value if isinstance(node.func, cst.Subscript) else node.func
        symbol = self.project.resolve_node(ctx.frame.module, inner)
        if symbol is None:
            return False
        return symbol.class_node is not None or symbol.dotted in {"functools.partial", "types.SimpleNamespace"}

    def fold(self, node: cst.CSTNode, ctx: Context) -> Folded:
        """The constant or template that an expression makes, with local names followed."""

        def lookup(name: cst.BaseExpression) -> Folded:
            if not isinstance(name, cst.Name | cst.Attribute):
                return None
            value = self.named(name, ctx)
            if value is None and dotted_name(name) is not None:
                value = self.evaluate(name, ctx)
            meaning = value.meaning if value is not None else None
            return meaning if isinstance(meaning, Constant | Template) else None

        return fold(node, lookup)

    # --- facts

    def escape(self, node: cst.CSTNode, value: Value, ctx: Context) -> None:
        """Note that `workflow`, or what it can be had from, goes where it cannot be followed."""
        if carries_workflow(value):
            self.facts.escapes.append(Place(ctx.frame.module, node, escaping_text(value)))

    def rebind(self, target: cst.CSTNode, value: Value, ctx: Context) -> bool:
        """Give a local name or an attribute of an object another value; whether that is possible."""
        if isinstance(target, cst.Name):
            return ctx.frame.rebind(target.value, value)
        if isinstance(target, cst.Attribute) and dotted_name(target) is not None:
            owner = self.evaluate(target.value, ctx).meaning
            if isinstance(owner, Instance):
                owner.attributes[target.attr.value] = value
                return True
        return False

    def position(self, node: cst.CSTNode, ctx: Context) -> tuple[int, int]:
        """Where `node` begins in its file."""
        span = ctx.frame.module.syntax.span(node)
        return span.line, span.column

    # --- helpers

    def must_follow(self, function: FunctionValue, arguments: dict[str, Value]) -> bool:
        """Whether a function may make steps: it is nested, or it gets `workflow` or `rpc`."""
        if function.closure is not None:
            return True
        if any(is_live(value) for value in arguments.values()):
            return True
        params = parameters(function.node)
        return any(is_live(self._given_or_default(function, one, arguments.get(one.name.value))) for one in params)

    def enter(
        self, function: FunctionValue, arguments: dict[str, Value] | None, node: cst.CSTNode, ctx: Context
    ) -> Value:
        """Walk a helper as it is called at `node`, and give what it returns; `None` for unknown arguments."""
        self._used.add(function.node)
        if function.node in ctx.active:
            self._recursive.add(function.node)
            self.facts.blocks.leaf("call", ctx.frame.module, node).label = function.label
            return NOTHING
        self._calls += 1
        if len(ctx.active) > MAX_HELPER_DEPTH or self._calls > MAX_HELPER_CALLS:
            self.facts.escapes.append(Place(ctx.frame.module, node, "workflow, through too many helpers,"))
            return NOTHING
        frame = self.frame(function.module, function.label, function.node, function.closure)
        frame.function = function
        frame.names = self._arguments(function, arguments)
        if function.closure is None:
            self.facts.reached[function.label] = (function.module, function.node)
        first_step = len(self.facts.steps)
        value = self._recorded(frame, node, self._inside(frame, node, ctx), ctx)
        if function.node in self._recursive:
            for step in self.facts.steps[first_step:]:
                step.repeated = True
        return value

    def _recorded(self, frame: Frame, node: cst.CSTNode, inside: Context, ctx: Context) -> Value:
        """Walk the body of a helper as a block of its own; a lambda's stands where it is called."""
        if isinstance(frame.node, cst.Lambda):
            return self._run_body(frame, inside, ctx.frame)
        assert frame.node is not None
        blocks = self.facts.blocks
        block = blocks.begin("call", ctx.frame.module, node, label=frame.label)
        blocks.arm("body")
        value = self._run_body(frame, inside, ctx.frame)
        blocks.end()
        block.waits = frame.node.asynchronous is not None
        block.detached = node is frame.node
        return replace(value, blocks=(block,)) if block.waits else value

    def _arguments(self, function: FunctionValue, arguments: dict[str, Value] | None) -> dict[str, Value]:
        """The values of all parameters; without arguments only the receiver and what defaults keep is known."""
        given = bind(function, ()).values if arguments is None else arguments
        names: dict[str, Value] = {}
        for param in parameters(function.node):
            value = self._given_or_default(function, param, given.get(param.name.value))
            is_known = arguments is not None or param.name.value in given or is_live(value)
            names[param.name.value] = value if is_known else self._parameter(function.module, param, NOTHING)
        for star in (function.node.params.star_arg, function.node.params.star_kwarg):
            if isinstance(star, cst.Param):
                names[star.name.value] = NOTHING if arguments is None else given.get(star.name.value, NOTHING)
        return names

    def _given_or_default(self, function: FunctionValue, param: cst.Param, given: Value | None) -> Value:
        value = self._default(function, param) if given is None else given
        return self._parameter(function.module, param, value)

    def folded_return(self, function: FunctionValue, arguments: dict[str, Value]) -> Folded:
        """The text that a function of one `return` gives back: the name of a step, put together in one place."""
        expression = _only_return(function.node)
        if expression is None:
            return None
        frame = self.frame(function.module, function.label, function.node, function.closure)
        frame.names = self._arguments(function, arguments)
        folded = self.fold(expression, Context(frame))
        if folded is not None and function.closure is None:
            self.facts.reached[function.label] = (function.module, function.node)
        return folded

    def enter_unknown(self, function: FunctionValue, node: cst.CSTNode, ctx: Context) -> Value:
        """Walk a function that someone else will call, nobody knows how often."""
        often = replace(ctx, repeated=True)
        found = function if function.raw else decorated(self, function, ctx).meaning
        return self.enter(found if isinstance(found, FunctionValue) else function, None, node, often)

    def mark_run_by_step(self, function: FunctionValue) -> None:
        """A function that a step runs is part of the workflow's code, and needs no walk of its own."""
        self._used.add(function.node)
        if function.closure is None:
            self.facts.reached[function.label] = (function.module, function.node)

    def _inside(self, frame: Frame, node: cst.CSTNode, ctx: Context) -> Context:
        is_own = isinstance(frame.node, cst.Lambda) or frame.node is self._root
        assert frame.node is not None
        return replace(
            ctx,
            frame=frame,
            via=() if frame.node is self._root else ctx.via if is_own else (*ctx.via, frame.label),
            active=(*ctx.active, frame.node),
            order=(*ctx.order, self.position(node, ctx)),
            entry=ctx.entry or (ctx.frame.module, node),
        )

    def _run_body(self, frame: Frame, ctx: Context, outer: Frame | None) -> Value:
        assert frame.node is not None
        if isinstance(frame.node, cst.Lambda):
            frame.returns.append(self.evaluate(frame.node.body, ctx))
        else:
            self.run(frame.node.body.body, ctx)
        self._walk_unused(frame, ctx, outer)
        if frame.yields:
            steps = union([*frame.yields, *frame.returns])
            held = tuple(pending for one in frame.yields for pending in one.pending)
            items = Items(tuple(replace(one, pending=()) for one in frame.yields), exact=False)
            return Value(items, steps, held=held)
        result = NOTHING if not frame.returns else frame.returns[0]
        for value in frame.returns[1:]:
            result = join(result, value)
        return result

    def _walk_unused(self, frame: Frame, ctx: Context, outer: Frame | None) -> None:
        """The nested functions that nobody called; those that went out with a result may still be."""
        unused = [function for function in frame.nested if function.node not in self._used]
        if unused and outer is not None:
            objects = [value for value in frame.names.values() if isinstance(value.meaning, Instance)]
            left = reachable_functions([*frame.returns, *frame.yields, *objects])
            outer.nested.extend(function for function in unused if function.node in left)
            unused = [function for function in unused if function.node not in left]
        for function in unused:
            if function.node not in self._used:
                self.enter(function, None, function.node, replace(ctx, repeated=True, optional=True))

    def _default(self, function: FunctionValue, param: cst.Param) -> Value:
        if param.default is None:
            return NOTHING
        ctx = Context(function.closure or self.frame(function.module, function.label))
        if isinstance(param.default, cst.Name | cst.Attribute):
            return self.evaluate(param.default, ctx)
        return Value(self.fold(param.default, ctx))

    def _parameter(self, module: Module, param: cst.Param, given: Value) -> Value:
        """What a parameter holds: what is passed, else what its annotation says."""
        is_none = isinstance(given.meaning, Constant) and given.meaning.value is None
        if (given.meaning is not None and not is_none) or param.annotation is None:
            return given
        annotation = param.annotation.annotation
        meaning = self.annotations.meaning(module, annotation)
        return replace(given, meaning=meaning or given.meaning, annotation=annotation)


def _makes_steps(node: cst.FunctionDef, name: str) -> bool:
    """Whether `name.do`, or another method that makes steps, is taken in a function."""
    return any(
        isinstance(part, cst.Attribute)
        and part.attr.value in STEP_METHODS
        and isinstance(part.value, cst.Name)
        and part.value.value == name
        for part in walk_cst(node.body)
    )


def _only_return(node: cst.FunctionDef | cst.Lambda) -> cst.BaseExpression | None:
    if isinstance(node, cst.Lambda):
        return node.body
    lines = node.body.body
    if len(lines) == 2 and node.get_docstring() is not None:
        lines = lines[1:]
    if len(lines) != 1 or not isinstance(lines[0], cst.SimpleStatementLine | cst.Return):
        return None
    small = lines[0].body[0] if isinstance(lines[0], cst.SimpleStatementLine) else lines[0]
    return small.value if isinstance(small, cst.Return) else None


_EXPRESSIONS: Evaluate = {**expression.HANDLERS, **call.HANDLERS}
_STATEMENTS = {**statement.HANDLERS, **manager.HANDLERS}

"""The walk of one function: state, name lookup, and the way into helpers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.annotation import refers_to
from pyflow_inspector.constant_value import symbol_constant
from pyflow_inspector.folding import Constant, Folded, Template, fold
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps import call, expression, misuse, statement
from pyflow_inspector.steps.fact import Facts, Place
from pyflow_inspector.steps.value import (
    NOTHING,
    Context,
    Frame,
    FunctionValue,
    Handle,
    Method,
    Reference,
    Value,
    join,
    union,
    waiting,
)
from pyflow_inspector.tree import cst_children, dotted_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyflow_inspector.project import Module, Project

MAX_HELPER_DEPTH = 20
MAX_HELPER_CALLS = 2000

_CONTEXT_NAMES = {"WorkflowContext", "WorkflowPrimitives"}

Evaluate = dict[type[cst.CSTNode], "Callable[[Walker, cst.CSTNode, Context], Value]"]


class Walker:
    """Walks one wired function and the helpers it reaches, and collects `facts`."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.facts = Facts()
        self._calls = 0
        self._used: set[FunctionValue] = set()
        self._recursive: set[cst.CSTNode] = set()

    def walk(self, module: Module, label: str, node: cst.FunctionDef, owners: Sequence[str]) -> None:
        """Walk a wired function, in which each of `owners` (`workflow`, `rpc`) is found by its name."""
        frame = Frame(module, label, node)
        self.facts.reached[label] = (module, node)
        positional = [*node.params.posonly_params, *node.params.params]
        for param in parameters(node):
            name = param.name.value
            value = self._parameter(module, param, NOTHING)
            if name == "workflow" and name in owners:
                value = Value(Handle("workflow"))
            elif name == "rpc" and name in owners:
                value = Value(Handle("rpc"))
            frame.names[name] = replace(value, is_data=param in positional)
        blocks = self.facts.blocks
        blocks.begin("function", module, node, label=label)
        blocks.arm("body")
        self._run_body(frame, Context(frame, active=(node,)))
        blocks.end()

    # --- evaluation

    def evaluate(self, node: cst.CSTNode, ctx: Context) -> Value:
        """The value of an expression; steps in it are noted on the way."""
        handler = _EXPRESSIONS.get(type(node))
        value = handler(self, node, ctx) if handler is not None else self.evaluate_parts(node, ctx)
        misuse.note_misuse(self, node, ctx)
        return value

    def evaluate_parts(self, node: cst.CSTNode, ctx: Context) -> Value:
        """The steps of all parts of an expression."""
        return self.evaluate_all(cst_children(node), ctx)

    def evaluate_all(self, nodes: Sequence[cst.CSTNode], ctx: Context) -> Value:
        """The steps of several expressions."""
        values = [self.evaluate(node, ctx) for node in nodes]
        return Value(steps=union(values), blocks=waiting(values))

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

    # --- names

    def named(self, node: cst.Name | cst.Attribute, ctx: Context) -> Value | None:
        """The value of a name or a chain of attributes that need no evaluation."""
        dotted = dotted_name(node)
        if dotted is None:
            return None
        first, *rest = dotted.split(".")
        local = ctx.frame.find(first)
        if local is not None:
            if not rest:
                return local
            if not isinstance(local.meaning, Symbol):
                return None
            return self.symbol_value(self.project.members(local.meaning, rest))
        symbol = self.project.resolve(ctx.frame.module, dotted)
        return NOTHING if symbol is None else self.symbol_value(symbol)

    def symbol_value(self, symbol: Symbol) -> Value:
        """What a resolved name is: a function, a typed reference, a constant, or just itself."""
        prefix = f"{self.project.settings.package}.rpcs."
        if symbol.dotted.startswith(prefix):
            return Value(Reference(symbol.dotted.removeprefix(prefix)))
        module = self.project.defining_module(symbol)
        if symbol.function is not None and module is not None:
            skips_first = any(dotted_name(d.decorator) == "classmethod" for d in symbol.function.decorators)
            return Value(FunctionValue(symbol.path, module, symbol.function, None, skips_first))
        folded = symbol_constant(self.project, symbol)
        return Value(folded if folded is not None else symbol)

    def fold(self, node: cst.CSTNode, ctx: Context) -> Folded:
        """The constant or template that an expression makes, with local names followed."""

        def lookup(name: cst.BaseExpression) -> Folded:
            value = self.named(name, ctx) if isinstance(name, cst.Name | cst.Attribute) else None
            meaning = value.meaning if value is not None else None
            return meaning if isinstance(meaning, Constant | Template) else None

        return fold(node, lookup)

    # --- facts

    def escape(self, node: cst.CSTNode, value: Value, ctx: Context) -> None:
        """Note that `workflow` or a method of it goes where it cannot be followed."""
        if isinstance(value.meaning, Handle | Method) and value.meaning.owner == "workflow":
            text = "workflow" if isinstance(value.meaning, Handle) else f"workflow.{value.meaning.name}"
            self.facts.escapes.append(Place(ctx.frame.module, node, text))

    def position(self, node: cst.CSTNode, ctx: Context) -> tuple[int, int]:
        """Where `node` begins in its file."""
        span = ctx.frame.module.syntax.span(node)
        return span.line, span.column

    # --- helpers

    def must_follow(self, function: FunctionValue, arguments: dict[str, Value]) -> bool:
        """Whether a function may make steps: it is nested, or it gets `workflow` or `rpc`."""
        if function.closure is not None:
            return True
        params = parameters(function.node)
        values = [self._parameter(function.module, one, arguments.get(one.name.value, NOTHING)) for one in params]
        return any(_is_live(value) for value in values)

    def enter(
        self, function: FunctionValue, arguments: dict[str, Value] | None, node: cst.CSTNode, ctx: Context
    ) -> Value:
        """Walk a helper as it is called at `node`, and give what it returns; `None` for unknown arguments."""
        self._used.add(function)
        if function.node in ctx.active:
            self._recursive.add(function.node)
            self.facts.blocks.leaf("call", ctx.frame.module, node).label = function.label
            return NOTHING
        self._calls += 1
        if len(ctx.active) > MAX_HELPER_DEPTH or self._calls > MAX_HELPER_CALLS:
            self.facts.escapes.append(Place(ctx.frame.module, node, "workflow, through too many helpers,"))
            return NOTHING
        frame = Frame(function.module, function.label, function.node, function.closure)
        for param in parameters(function.node):
            given = NOTHING if arguments is None else arguments.get(param.name.value) or self._default(function, param)
            frame.names[param.name.value] = self._parameter(function.module, param, given)
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
            return self._run_body(frame, inside)
        assert frame.node is not None
        blocks = self.facts.blocks
        block = blocks.begin("call", ctx.frame.module, node, label=frame.label)
        blocks.arm("body")
        value = self._run_body(frame, inside)
        blocks.end()
        block.waits = frame.node.asynchronous is not None
        block.detached = node is frame.node
        return replace(value, blocks=(block,)) if block.waits else value

    def enter_unknown(self, function: FunctionValue, node: cst.CSTNode, ctx: Context) -> Value:
        """Walk a function that someone else will call, nobody knows how often."""
        return self.enter(function, None, node, replace(ctx, repeated=True))

    def mark_run_by_step(self, function: FunctionValue) -> None:
        """A function that a step runs is part of the workflow's code, and needs no walk of its own."""
        self._used.add(function)
        if function.closure is None:
            self.facts.reached[function.label] = (function.module, function.node)

    def _inside(self, frame: Frame, node: cst.CSTNode, ctx: Context) -> Context:
        is_lambda = isinstance(frame.node, cst.Lambda)
        assert frame.node is not None
        return replace(
            ctx,
            frame=frame,
            via=ctx.via if is_lambda else (*ctx.via, frame.label),
            active=(*ctx.active, frame.node),
            order=(*ctx.order, self.position(node, ctx)),
            entry=ctx.entry or (ctx.frame.module, node),
        )

    def _run_body(self, frame: Frame, ctx: Context) -> Value:
        assert frame.node is not None
        if isinstance(frame.node, cst.Lambda):
            frame.returns.append(self.evaluate(frame.node.body, ctx))
        else:
            self.run(frame.node.body.body, ctx)
        for function in frame.nested:
            if function not in self._used:
                self.enter(function, None, function.node, replace(ctx, repeated=True, optional=True))
        result = NOTHING if not frame.returns else frame.returns[0]
        for value in frame.returns[1:]:
            result = join(result, value)
        return result

    def _default(self, function: FunctionValue, param: cst.Param) -> Value:
        if param.default is None:
            return NOTHING
        frame = function.closure or Frame(function.module, function.label)
        return Value(self.fold(param.default, Context(frame)))

    def _parameter(self, module: Module, param: cst.Param, given: Value) -> Value:
        """What a parameter holds: what is passed, else what its annotation says."""
        if given.meaning is not None or param.annotation is None:
            return given
        annotation = param.annotation.annotation
        owner = self.annotated_owner(module, annotation)
        return replace(given, meaning=owner, annotation=annotation)

    def annotated_owner(self, module: Module, annotation: cst.BaseExpression) -> Handle | None:
        """`Handle("workflow")` for `WorkflowContext` and generated `Workflow` types, likewise for `Rpc`."""
        package = self.project.settings.package
        for symbol in refers_to(self.project, module, annotation):
            is_ours = symbol.module.partition(".")[0] == "pyflow_core" and symbol.name in _CONTEXT_NAMES
            is_generated = symbol.module.startswith(f"{package}.")
            if is_ours or (is_generated and symbol.name == "Workflow"):
                return Handle("workflow")
            if is_generated and symbol.name == "Rpc":
                return Handle("rpc")
        return None


def parameters(node: cst.FunctionDef | cst.Lambda) -> list[cst.Param]:
    """The named parameters of a function, `*args` and `**kwargs` left out."""
    return [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]


def _is_live(value: Value) -> bool:
    if isinstance(value.meaning, FunctionValue):
        return value.meaning.closure is not None
    return isinstance(value.meaning, Handle | Method)


_EXPRESSIONS: Evaluate = {**expression.HANDLERS, **call.HANDLERS}
_STATEMENTS = statement.HANDLERS

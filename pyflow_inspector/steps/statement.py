"""Statements: branches and their arms, loops, assignments, nested functions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import libcst as cst

from pyflow_inspector.folding import Constant, Template
from pyflow_inspector.module_table import Defined, paired_elements, read_import, target_names
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.container import element, extended, unpack
from pyflow_inspector.steps.group import hold
from pyflow_inspector.steps.instance import set_attribute
from pyflow_inspector.steps.liveness import is_live
from pyflow_inspector.steps.plain_type import is_plain
from pyflow_inspector.steps.value import (
    Context,
    Entries,
    FunctionValue,
    Instance,
    Items,
    Value,
    is_followed,
    join,
    waiting,
)
from pyflow_inspector.tree import cst_children, walk_cst

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pyflow_inspector.steps.walker import Walker

Names = dict[str, Value]


def _line(walker: Walker, node: cst.SimpleStatementLine | cst.SimpleStatementSuite, ctx: Context) -> Context | None:
    return walker.run(node.body, ctx)


def _expression(walker: Walker, node: cst.Expr, ctx: Context) -> Context:
    for pending in walker.evaluate(node.value, ctx).pending:
        pending.taken = False
    return ctx


def _return(walker: Walker, node: cst.Return, ctx: Context) -> None:
    if node.value is None:
        walker.facts.blocks.leaf("return", ctx.frame.module, node)
        return
    value = walker.evaluate(node.value, ctx)
    walker.facts.blocks.leaf("return", ctx.frame.module, node)
    function = ctx.frame.node
    if isinstance(function, cst.FunctionDef) and function.asynchronous is not None:
        value = _returned(walker, function, value, ctx)
    ctx.frame.returns.append(value)


def _returned(walker: Walker, function: cst.FunctionDef, value: Value, ctx: Context) -> Value:
    """What the caller of an `async` function gets: a coroutine where it expects a result is one that nobody awaits."""
    for pending in value.pending:
        pending.taken = False
    is_wired = len(ctx.active) == 1
    if value.held and (is_wired or _gives_plain(walker, function, ctx)):
        for pending in value.held:
            pending.misused = True
    return replace(value, pending=())


def _gives_plain(walker: Walker, function: cst.FunctionDef, ctx: Context) -> bool:
    returns = function.returns
    return returns is not None and is_plain(walker.project, ctx.frame.module, returns.annotation)


def _raise(walker: Walker, node: cst.Raise, ctx: Context) -> None:
    walker.evaluate_parts(node, ctx)
    walker.facts.blocks.leaf("raise", ctx.frame.module, node)


def _leave_loop(walker: Walker, node: cst.Break | cst.Continue, ctx: Context) -> None:
    walker.facts.blocks.leaf("break" if isinstance(node, cst.Break) else "continue", ctx.frame.module, node)


def _assign(walker: Walker, node: cst.Assign, ctx: Context) -> Context:
    pairs = _pairs(node)
    if pairs:
        values = [walker.evaluate(source, ctx) for _, source in pairs]
        for (name, source), value in zip(pairs, values, strict=True):
            _lay_down(value, source, name)
            bind_target(walker, name, value, source, ctx)
        return ctx
    mark = walker.facts.blocks.mark()
    value = hold(walker, walker.evaluate(node.value, ctx), mark)
    _lay_down(value, node.value, *(target.target for target in node.targets))
    for target in node.targets:
        bind_target(walker, target.target, value, node.value, ctx)
    return ctx


def _lay_down(value: Value, source: cst.CSTNode, *targets: cst.CSTNode) -> None:
    """A value gets a name: until that is read, nobody has taken what must be awaited.

    What goes into an attribute or an item may be taken from anywhere.
    """
    is_named = not any(isinstance(one, cst.Attribute | cst.Subscript) for one in targets)
    if is_named and value.owed and not isinstance(source, cst.Name):
        for pending in value.owed:
            pending.taken = False


def _pairs(node: cst.Assign) -> list[tuple[cst.BaseExpression, cst.BaseExpression]]:
    return paired_elements(node.targets[0].target, node.value) if len(node.targets) == 1 else []


def _annotated_assign(walker: Walker, node: cst.AnnAssign, ctx: Context) -> Context:
    annotation = node.annotation.annotation
    if node.value is None:
        return ctx
    mark = walker.facts.blocks.mark()
    value = hold(walker, walker.evaluate(node.value, ctx), mark)
    if value.meaning is None:
        value = replace(value, meaning=walker.annotations.meaning(ctx.frame.module, annotation))
    value = replace(value, annotation=annotation)
    _lay_down(value, node.value, node.target)
    bind_target(walker, node.target, value, node.value, ctx)
    return ctx


def _augmented_assign(walker: Walker, node: cst.AugAssign, ctx: Context) -> Context:
    value = walker.evaluate(node.value, ctx)
    if isinstance(node.target, cst.Name):
        old = walker.evaluate(node.target, ctx)
        both = extended(old, value)
        if both is None:
            walker.escape(node.value, value, ctx)
        steps, blocks = old.steps | value.steps, waiting((old, value))
        ctx.frame.bind(node.target.value, Value(both, steps, annotation=old.annotation, blocks=blocks))
    else:
        walker.escape(node.value, value, ctx)
        bind_target(walker, node.target, value.plain(), node.value, ctx)
    return ctx


def bind_target(walker: Walker, target: cst.CSTNode, value: Value, source: cst.CSTNode, ctx: Context) -> None:
    """Assign a value to a name, to several, to an attribute, to an item."""
    if isinstance(target, cst.Name):
        if target.value == "_":
            for pending in value.owed:
                pending.misused = True
        if target.value in ctx.frame.global_names:
            walker.escape(source, value, ctx)
        ctx.frame.bind(target.value, value)
    elif isinstance(target, cst.Tuple | cst.List):
        _bind_elements(walker, target, value, source, ctx)
    elif isinstance(target, cst.Attribute):
        _bind_attribute(walker, target, value, source, ctx)
    else:
        _bind_item(walker, target, value, source, ctx)


def _bind_elements(
    walker: Walker, target: cst.Tuple | cst.List, value: Value, source: cst.CSTNode, ctx: Context
) -> None:
    values: Sequence[Value]
    if any(isinstance(item, cst.StarredElement) for item in target.elements):
        walker.escape(source, value, ctx)
        one, rest = replace(value.plain(), pending=value.held), replace(value.plain(), held=value.held)
        values = [rest if isinstance(item, cst.StarredElement) else one for item in target.elements]
    elif len(value.parts) == len(target.elements):
        values = value.parts
    else:
        values = unpack(value, len(target.elements))
    for item, part in zip(target.elements, values, strict=True):
        bind_target(walker, item.value, part, source, ctx)


def _bind_attribute(walker: Walker, target: cst.Attribute, value: Value, source: cst.CSTNode, ctx: Context) -> None:
    owner = walker.evaluate(target.value, ctx)
    objects = [option.meaning for option in owner.options if isinstance(option.meaning, Instance)]
    for one in objects:
        set_attribute(walker, one, target.attr.value, value)
    if not objects:
        walker.escape(source, value, ctx)
    root = root_name(target)
    if root is not None:
        ctx.frame.mix(root, value)


def _bind_item(walker: Walker, target: cst.CSTNode, value: Value, source: cst.CSTNode, ctx: Context) -> None:
    owner = target.value if isinstance(target, cst.Subscript) else target
    held = walker.evaluate(owner, ctx)
    parts = [part for part in cst_children(target) if part is not owner]
    keys = walker.evaluate_all(parts, ctx)
    if is_followed(value.meaning) and isinstance(held.meaning, Entries | Items):
        entries = (
            held.meaning.values if isinstance(held.meaning, Entries) else ((None, one) for one in held.meaning.values)
        )
        grown = Entries((*entries, (None, replace(value, pending=()))))
        if walker.rebind(owner, Value(grown, held.steps | value.steps | keys.steps), ctx):
            return
    walker.escape(source, value, ctx)
    root = root_name(target)
    if root is not None:
        ctx.frame.mix(root, value)


def root_name(node: cst.CSTNode) -> str | None:
    """The name at the root of `a.b[c].d`."""
    while type(node) is cst.Attribute or type(node) is cst.Subscript:
        node = node.value
    return node.value if type(node) is cst.Name else None


def _if(walker: Walker, node: cst.If, ctx: Context) -> Context | None:
    """An `if` with all its `elif`s, as one branching with an arm for each way through."""
    arms = _Arms(node, ctx)
    blocks = walker.facts.blocks
    arms.test(walker, node.test, ctx)
    blocks.begin("branch", ctx.frame.module, node)
    blocks.arm("then", node)
    arms.run(walker, node.body.body)
    branch = node.orelse
    while isinstance(branch, cst.If):
        blocks.test("then", branch)
        arms.test(walker, branch.test, replace(ctx, optional=True))
        blocks.taken()
        arms.run(walker, branch.body.body)
        branch = branch.orelse
    blocks.arm("else")
    arms.run(walker, branch.body.body if branch is not None else ())
    blocks.end()
    return arms.after()


def _match(walker: Walker, node: cst.Match, ctx: Context) -> Context | None:
    subject = walker.evaluate(node.subject, ctx)
    arms = _Arms(node, ctx)
    blocks = walker.facts.blocks
    blocks.begin("match", ctx.frame.module, node, head=node.subject)
    for case in node.cases:
        captured = {name: subject.plain() for name in _captured_names(case.pattern)}
        blocks.test("case", case)
        arms.run(walker, case.body.body, captured, case.guard)
    blocks.end()
    if not any(_catches_all(case) for case in node.cases):
        arms.run(walker, ())
    return arms.after()


def _catches_all(case: cst.MatchCase) -> bool:
    return case.guard is None and isinstance(case.pattern, cst.MatchAs) and case.pattern.pattern is None


def _captured_names(pattern: cst.CSTNode) -> Iterator[str]:
    for child in pattern.children:
        yield from _captured_names(child)
    name = getattr(pattern, "name", None) or getattr(pattern, "rest", None)
    if isinstance(pattern, cst.MatchAs | cst.MatchStar | cst.MatchMapping) and isinstance(name, cst.Name):
        yield name.value


class _Arms:
    """The arms of a branching: each starts from the same names, and their results are joined."""

    def __init__(self, node: cst.CSTNode, ctx: Context) -> None:
        self._node = node
        self._ctx = ctx
        self._before = dict(ctx.frame.names)
        self._count = 0
        self._open: list[tuple[int, Names]] = []

    def test(self, walker: Walker, node: cst.BaseExpression, ctx: Context) -> None:
        """What decides between the arms that follow, and may bind names for them."""
        self._ctx.frame.names = self._before
        walker.evaluate(node, ctx)
        self._before = dict(self._ctx.frame.names)

    def run(
        self,
        walker: Walker,
        body: Iterable[cst.CSTNode],
        captured: Names | None = None,
        guard: cst.CSTNode | None = None,
    ) -> None:
        index = self._count
        self._count += 1
        frame = self._ctx.frame
        frame.names = {**self._before, **(captured or {})}
        inside = replace(self._ctx, optional=True, arms=(*self._ctx.arms, (self._node, frozenset({index}))))
        if guard is not None:
            walker.evaluate(guard, inside)
        walker.facts.blocks.taken()
        if walker.run(tuple(body), inside) is not None:
            self._open.append((index, frame.names))

    def after(self) -> Context | None:
        """Where the code after the branching stands: it cannot follow an arm that returned."""
        frame = self._ctx.frame
        frame.names = join_names([names for _, names in self._open]) if self._open else self._before
        if not self._open:
            return None
        if len(self._open) == self._count:
            return self._ctx
        rest: tuple[cst.CSTNode, frozenset[int]] = (self._node, frozenset(index for index, _ in self._open))
        return replace(self._ctx, arms=(*self._ctx.arms, rest))


def join_names(ways: list[Names]) -> Names:
    """The names after one of several ways has been taken."""
    joined = dict(ways[0])
    for names in ways[1:]:
        for name, value in names.items():
            joined[name] = join(joined[name], value) if name in joined else value
    return joined


def _for(walker: Walker, node: cst.For, ctx: Context) -> Context:
    source = walker.evaluate(node.iter, ctx)
    item = element(source, repeated=ctx.repeated)
    if item.meaning is None:
        walker.escape(node.iter, source, ctx)
    _loop(walker, node, ctx, item, node.target)
    return ctx


def _while(walker: Walker, node: cst.While, ctx: Context) -> Context:
    _loop(walker, node, ctx, None, None)
    return ctx


def _loop(
    walker: Walker, node: cst.For | cst.While, ctx: Context, item: Value | None, target: cst.CSTNode | None
) -> None:
    frame = ctx.frame
    for name in _assigned_names(node.body):
        value = frame.names.get(name)
        if value is not None and all(isinstance(one.meaning, Constant | Template) for one in value.options):
            frame.names[name] = replace(value, meaning=None)
    before = dict(frame.names)
    blocks = walker.facts.blocks
    test = node.test if isinstance(node, cst.While) else None
    blocks.begin("loop", ctx.frame.module, node, head=node.iter if isinstance(node, cst.For) else test)
    blocks.test("body", test)
    _turn(walker, node, ctx, item, target)
    _hand_over(node, before, frame.names)
    frame.names = join_names([frame.names, before])
    if not walker.again and _has_new_sources(before, frame.names):
        walker.again = True
        _turn(walker, node, ctx, item, target)
        walker.again = False
    if node.orelse is not None:
        blocks.arm("else")
        walker.run(node.orelse.body.body, ctx)
    blocks.end()


def _hand_over(node: cst.For | cst.While, before: Names, after: Names) -> None:
    """What one turn of a loop leaves behind may be awaited or handed on in the next."""
    for name, value in after.items():
        known = before[name].pending if name in before else ()
        left = [one for one in value.pending if not one.taken and one not in known]
        if left and any(_is_handed(part, name) for part in walk_cst(node.body)):
            for pending in left:
                pending.taken = True


def _is_handed(node: cst.CSTNode, name: str) -> bool:
    given = [node.expression] if isinstance(node, cst.Await) else [arg.value for arg in getattr(node, "args", ())]
    return any(isinstance(one, cst.Name) and one.value == name for one in given)


def _turn(
    walker: Walker, node: cst.For | cst.While, ctx: Context, item: Value | None, target: cst.CSTNode | None
) -> None:
    inside = replace(ctx, repeated=True)
    if isinstance(node, cst.While):
        walker.evaluate(node.test, inside)
    walker.facts.blocks.taken()
    if target is not None and item is not None:
        bind_target(walker, target, item, target, inside)
    walker.run(node.body.body, inside)


def _has_new_sources(before: Names, after: Names) -> bool:
    """Whether a name that was there now leads to `workflow`, and did not before."""
    return any(is_live(value) and not is_live(before[name]) for name, value in after.items() if name in before)


_TARGETS = {cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.For, cst.NamedExpr}


def _assigned_names(body: cst.CSTNode) -> Iterator[str]:
    for node in walk_cst(body):
        kind = type(node)  # libcst's classes are abstract, and slow to ask with `isinstance`
        if kind in _TARGETS:
            yield from target_names(cast("cst.AssignTarget", node).target)
        elif kind is cst.AsName:
            yield from target_names(cast("cst.AsName", node).name)


def _try(walker: Walker, node: cst.Try | cst.TryStar, ctx: Context) -> Context | None:
    frame = ctx.frame
    before = dict(frame.names)
    blocks = walker.facts.blocks
    blocks.begin("try", ctx.frame.module, node)
    blocks.arm("body")
    completed = walker.run(node.body.body, ctx) is not None
    after_body = frame.names
    ways: list[Names] = []
    handlers: Sequence[cst.ExceptHandler | cst.ExceptStarHandler] = node.handlers
    for index, handler in enumerate(handlers):
        frame.names = join_names([before, after_body])
        inside = replace(ctx, optional=True, arms=(*ctx.arms, (node, frozenset({index}))))
        blocks.arm("except", handler)
        if handler.type is not None:
            walker.evaluate(handler.type, inside)
        if walker.run(handler.body.body, inside) is not None:
            ways.append(frame.names)
    frame.names = after_body
    if node.orelse is not None:
        inside = replace(ctx, arms=(*ctx.arms, (node, frozenset({len(node.handlers)}))))
        blocks.arm("else")
        completed = walker.run(node.orelse.body.body, inside) is not None and completed
    if completed:
        ways.append(frame.names)
    frame.names = join_names(ways) if ways else frame.names
    if node.finalbody is not None:
        blocks.arm("finally")
        ways = ways if walker.run(node.finalbody.body.body, ctx) is not None else []
    blocks.end()
    return ctx if ways else None


def _function(walker: Walker, node: cst.FunctionDef, ctx: Context) -> Context:
    for child in (*node.decorators, *(param.default for param in node.params.params)):
        if child is not None:
            walker.evaluate(child, ctx)
    function = FunctionValue(f"{ctx.frame.label}.{node.name.value}", ctx.frame.module, node, ctx.frame)
    ctx.frame.bind(node.name.value, Value(function))
    ctx.frame.nested.append(function)
    return ctx


def _class(walker: Walker, node: cst.ClassDef, ctx: Context) -> Context:
    """A class inside a function: its methods see the function's names, and nobody knows who calls them."""
    for child in cst_children(node):
        if child is not node.body:
            walker.evaluate_parts(child, ctx)
    name = f"{ctx.frame.label.partition(':')[2]}.{node.name.value}"
    symbol = Symbol(ctx.frame.module.name, name, Defined(node))
    walker.local_classes[node] = ctx.frame
    for statement in node.body.body:
        if isinstance(statement, cst.FunctionDef):
            label = f"{ctx.frame.label}.{node.name.value}.{statement.name.value}"
            receiver = Value(Instance(symbol))
            function = FunctionValue(label, ctx.frame.module, statement, ctx.frame, receiver, symbol)
            ctx.frame.nested.append(function)
        else:
            walker.run([statement], ctx)
    ctx.frame.bind(node.name.value, Value(symbol))
    return ctx


def _import(walker: Walker, node: cst.Import | cst.ImportFrom, ctx: Context) -> Context:
    for name, imported in read_import(node, ctx.frame.module.package):
        if name != "*":
            ctx.frame.bind(name, walker.symbol_value(walker.project.imported(imported)))
    return ctx


def _nonlocal(_walker: Walker, node: cst.Nonlocal, ctx: Context) -> Context:
    ctx.frame.outer_names.update(item.name.value for item in node.names)
    return ctx


def _global(_walker: Walker, node: cst.Global, ctx: Context) -> Context:
    ctx.frame.global_names.update(item.name.value for item in node.names)
    return ctx


HANDLERS: dict[type[cst.CSTNode], Any] = {
    cst.Global: _global,
    cst.SimpleStatementLine: _line,
    cst.SimpleStatementSuite: _line,
    cst.Expr: _expression,
    cst.Return: _return,
    cst.Raise: _raise,
    cst.Break: _leave_loop,
    cst.Continue: _leave_loop,
    cst.Assign: _assign,
    cst.AnnAssign: _annotated_assign,
    cst.AugAssign: _augmented_assign,
    cst.If: _if,
    cst.Match: _match,
    cst.For: _for,
    cst.While: _while,
    cst.Try: _try,
    cst.TryStar: _try,
    cst.FunctionDef: _function,
    cst.ClassDef: _class,
    cst.Import: _import,
    cst.ImportFrom: _import,
    cst.Nonlocal: _nonlocal,
}

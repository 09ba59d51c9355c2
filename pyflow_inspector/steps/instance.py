"""Objects of the project's classes: what their attributes hold, and what their methods are bound to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.module_table import Assigned
from pyflow_inspector.steps.argument import bind
from pyflow_inspector.steps.liveness import hand_out, is_live
from pyflow_inspector.steps.value import (
    FunctionValue,
    Given,
    Instance,
    Member,
    Super,
    Value,
    is_followed,
    join,
    union,
)
from pyflow_inspector.tree import dotted_name, walk_cst

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_inspector.project import Module, Project, Symbol
    from pyflow_inspector.steps.fact import FoundStep
    from pyflow_inspector.steps.value import Context
    from pyflow_inspector.steps.walker import Walker

_MAX_BASES = 10
_PLAIN_BASES = {
    "abc.ABC", "typing.Generic", "typing.Protocol", "typing.NamedTuple", "typing_extensions.Protocol",
    "typing_extensions.NamedTuple", "pydantic.BaseModel", "pydantic.main.BaseModel", "builtins.object",
}  # fmt: skip
"""Bases from outside the project that take the fields of a class as arguments, or nothing at all."""

_CONSTRUCTORS = {"__init__", "__post_init__", "__new__"}


# --- making one


def construct(
    walker: Walker, symbol: Symbol, given: tuple[Given, ...], node: cst.BaseExpression, ctx: Context
) -> Value:
    """An object of a class. Its `__init__` is walked at once if it gets `workflow`, or else when it is asked for."""
    instance = Instance(symbol)
    steps = union(one.value for one in given)
    if find_function(walker, symbol, "__init__") is not None:
        instance.given = given
        if any(is_live(one.value) for one in given):
            _initialise(walker, Value(instance), node, ctx)
    elif _has_plain_bases(walker.project, symbol):
        steps |= _fill(walker, instance, symbol, given, node, ctx)
    else:
        steps |= union(hand_out(walker, one, ctx) for one in given)
    return Value(instance, steps)


def unknown_instance(symbol: Symbol, module: Module, node: cst.BaseExpression, *, holds: bool = False) -> Instance:
    """An object that someone else made: its `__init__` tells by its annotations what it holds."""
    return Instance(symbol, given=(Given(module, node, Value(), star="*"),), holds=holds)


def _initialise(walker: Walker, owner: Value, node: cst.BaseExpression, ctx: Context) -> None:
    instance = owner.meaning
    assert isinstance(instance, Instance)
    given, instance.given = instance.given, None
    function = None if instance.symbol is None else find_function(walker, instance.symbol, "__init__")
    if given is None or function is None:
        return
    function = replace(function, receiver=Value(instance))
    bound = bind(function, given)
    for one in bound.left:
        hand_out(walker, one, ctx)
    walker.enter(function, bound.values, node, ctx)


def _fill(
    walker: Walker,
    instance: Instance,
    symbol: Symbol,
    given: tuple[Given, ...],
    node: cst.BaseExpression,
    ctx: Context,
) -> frozenset[FoundStep]:
    """What a dataclass, a named tuple or a model does with its arguments."""
    names = list(fields(walker.project, symbol))
    left: list[Given] = []
    for one in given:
        name = one.keyword if one.keyword is not None else names.pop(0) if names and not one.star else None
        if name is None or one.star:
            left.append(one)
        else:
            set_attribute(walker, instance, name, one.value)
    steps = union(hand_out(walker, one, ctx) for one in left)
    after = find_function(walker, symbol, "__post_init__")
    if after is not None and is_live(Value(instance)):
        walker.enter(replace(after, receiver=Value(instance)), {}, node, ctx)
    return steps


def _has_plain_bases(project: Project, symbol: Symbol, depth: int = 0) -> bool:
    node = symbol.class_node
    if node is None or depth > _MAX_BASES:
        return False
    bases = project.base_symbols(symbol)
    objects = sum(dotted_name(base.value) == "object" for base in node.bases)
    if len(bases) + objects != len(node.bases):
        return False
    return all(base.dotted in _PLAIN_BASES or _has_plain_bases(project, base, depth + 1) for base in bases)


# --- attributes


def read_instance_attribute(walker: Walker, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value:
    """The attribute of an object: what was assigned, a method, a field by its annotation, a constant of the class."""
    instance = owner.meaning
    assert isinstance(instance, Instance)
    if name in instance.attributes:
        return _with_steps(instance.attributes[name], owner)
    if instance.symbol is None:
        return Value(Member(owner, name), owner.steps)
    function = find_function(walker, instance.symbol, name)
    if function is not None:
        return bound_method(walker, function, owner, node, ctx)
    _initialise(walker, owner, node, ctx)
    if name in instance.attributes:
        return _with_steps(instance.attributes[name], owner)
    return _class_attribute(walker, owner, instance.symbol, name)


def _class_attribute(walker: Walker, owner: Value, symbol: Symbol, name: str) -> Value:
    field = fields(walker.project, symbol).get(name)
    if field is not None:
        module, annotation = field
        meaning = walker.annotations.meaning(module, annotation)
        if meaning is not None:
            return Value(meaning, owner.steps)
    member = walker.project.members(symbol, [name])
    if isinstance(member.definition, Assigned):
        value = walker.symbol_value(member)
        if is_followed(value.meaning) or name not in _changed_attributes(walker, symbol):
            return _with_steps(value, owner)
        return Value(steps=owner.steps)
    return Value(Member(owner, name), owner.steps)


def read_super(walker: Walker, owner: Value, name: str, node: cst.BaseExpression, ctx: Context) -> Value:
    """The attribute of `super()`."""
    above = owner.meaning
    assert isinstance(above, Super)
    for base in walker.project.base_symbols(above.owner):
        function = find_function(walker, base, name)
        if function is not None:
            return bound_method(walker, function, above.receiver, node, ctx)
    return Value(steps=owner.steps)


def set_attribute(walker: Walker, instance: Instance, name: str, value: Value) -> None:
    """Assign to an attribute; a constant that methods change is none."""
    value = replace(value, pending=())
    is_data = not is_followed(value.meaning) and instance.symbol is not None
    if is_data and instance.symbol is not None and name in _changed_attributes(walker, instance.symbol):
        value = value.plain()
    old = instance.attributes.get(name)
    keeps = old is not None and is_followed(old.meaning)
    instance.attributes[name] = join(old, value) if keeps and old is not None else value


def _with_steps(value: Value, owner: Value) -> Value:
    return replace(value, steps=value.steps | owner.steps)


def _changed_attributes(walker: Walker, symbol: Symbol) -> frozenset[str]:
    """The attributes that methods of the class assign to, after the object has been made."""
    node = symbol.class_node
    assert node is not None
    if node not in walker.changed_attributes:
        walker.changed_attributes[node] = frozenset(_assigned_attributes(node))
    changed = walker.changed_attributes[node]
    for base in walker.project.base_symbols(symbol):
        if base.class_node is not None and base.class_node is not node:
            changed |= _changed_attributes(walker, base)
    return changed


def _assigned_attributes(node: cst.ClassDef) -> Iterator[str]:
    for function in node.body.body:
        if isinstance(function, cst.FunctionDef) and function.name.value not in _CONSTRUCTORS:
            for part in walk_cst(function.body):
                target = part.target if type(part) is cst.AugAssign or type(part) is cst.AssignTarget else None
                if type(target) is cst.Attribute:
                    yield target.attr.value


# --- methods


def find_function(walker: Walker, symbol: Symbol, name: str) -> FunctionValue | None:
    """A function in a class or its bases, bound to nothing yet."""
    member = walker.project.members(symbol, [name])
    node = member.function
    module = walker.project.defining_module(member)
    if node is None or module is None or member.owner is None:
        return None
    owner = member.owner.class_node
    closure = walker.local_classes.get(owner) if owner is not None else None
    return FunctionValue(member.path, module, node, closure, owner=member.owner)


def bound_method(
    walker: Walker, function: FunctionValue, owner: Value, node: cst.BaseExpression, ctx: Context
) -> Value:
    """A function of a class, as it is found on an object of it."""
    marks = {_last_name(decorator) for decorator in _decorators(function)}
    if "staticmethod" in marks:
        return Value(function)
    if "classmethod" in marks:
        instance = owner.meaning
        symbol = instance.symbol if isinstance(instance, Instance) else function.owner
        return Value(replace(function, receiver=Value(symbol)))
    bound = Value(replace(function, receiver=owner), owner.steps)
    if marks & {"property", "cached_property"}:
        return replace(walker.call(node, bound, (), ctx), pending=())
    return bound


def _decorators(function: FunctionValue) -> list[cst.BaseExpression]:
    node = function.node
    return [one.decorator for one in node.decorators] if isinstance(node, cst.FunctionDef) else []


def _last_name(decorator: cst.BaseExpression) -> str:
    return (dotted_name(decorator) or "").rpartition(".")[2]


def is_abstract(function: FunctionValue) -> bool:
    """Whether a method only says what a subclass does: its body is empty, or refuses."""
    if isinstance(function.node, cst.Lambda) or function.owner is None:
        return False
    if any(_last_name(one) == "abstractmethod" for one in _decorators(function)):
        return True
    return all(_says_nothing(one) for one in function.node.body.body)


def _says_nothing(statement: cst.CSTNode) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return isinstance(statement, cst.Pass) or _is_mere_text(statement)
    return all(isinstance(one, cst.Pass | cst.Raise) or _is_mere_text(one) for one in statement.body)


def _is_mere_text(statement: cst.CSTNode) -> bool:
    return isinstance(statement, cst.Expr) and isinstance(
        statement.value, cst.Ellipsis | cst.SimpleString | cst.ConcatenatedString
    )


# --- annotations


def fields(project: Project, symbol: Symbol, depth: int = 0) -> dict[str, tuple[Module, cst.BaseExpression]]:
    """The annotated names in a class and its bases, in the order of a dataclass, with their annotations."""
    node = symbol.class_node
    module = project.defining_module(symbol)
    if node is None or module is None or depth > _MAX_BASES:
        return {}
    found: dict[str, tuple[Module, cst.BaseExpression]] = {}
    for base in reversed(project.base_symbols(symbol)):
        found |= fields(project, base, depth + 1)
    for statement in node.body.body:
        for one in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(one, cst.AnnAssign) and isinstance(one.target, cst.Name) and not _is_class_variable(one):
                found[one.target.value] = (module, one.annotation.annotation)
    return found


def _is_class_variable(statement: cst.AnnAssign) -> bool:
    annotation = statement.annotation.annotation
    inner = annotation.value if type(annotation) is cst.Subscript else annotation
    return (dotted_name(inner) or "").rpartition(".")[2] in {"ClassVar", "Final"}


def init_annotations(walker: Walker, symbol: Symbol) -> Iterator[tuple[Module, cst.BaseExpression]]:
    """The annotations of what an object is made with."""
    function = find_function(walker, symbol, "__init__")
    if function is not None:
        for param in (*function.node.params.params, *function.node.params.kwonly_params):
            if param.annotation is not None:
                yield function.module, param.annotation.annotation

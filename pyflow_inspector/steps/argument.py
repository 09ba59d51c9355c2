"""The arguments of a call, and the parameters that they go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.steps.value import Entries, Given, Items, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.value import Context, FunctionValue
    from pyflow_inspector.steps.walker import Walker


def read_given(walker: Walker, node: cst.Call, ctx: Context) -> tuple[Given, ...]:
    """The arguments of a call, in their order; what can be unpacked is."""
    module = ctx.frame.module
    return tuple(one for arg in node.args for one in _unpacked(module, arg, walker.evaluate(arg.value, ctx)))


def _unpacked(module: Module, arg: cst.Arg, value: Value) -> Iterator[Given]:
    meaning = value.meaning
    if arg.star == "*" and isinstance(meaning, Items) and meaning.exact:
        yield from (Given(module, arg.value, item, direct=False) for item in meaning.values)
    elif arg.star == "**" and isinstance(meaning, Entries) and all(isinstance(key, str) for key, _ in meaning.values):
        yield from (Given(module, arg.value, item, str(key), direct=False) for key, item in meaning.values)
    else:
        yield Given(module, arg.value, value, arg.keyword.value if arg.keyword is not None else None, arg.star)


def parameters(node: cst.FunctionDef | cst.Lambda) -> list[cst.Param]:
    """The named parameters of a function, `*args` and `**kwargs` left out."""
    return [*node.params.posonly_params, *node.params.params, *node.params.kwonly_params]


@dataclass(frozen=True)
class Bound:
    """The values of parameters by name, and the arguments that go to none that can be told."""

    values: dict[str, Value]
    left: tuple[Given, ...]


def bind(function: FunctionValue, given: Iterable[Given]) -> Bound:
    """Which argument goes to which parameter, `*args` and `**kwargs` included."""
    params = function.node.params
    binder = _Binder(params, [param.name.value for param in (*params.posonly_params, *params.params)])
    if function.receiver is not None and binder.names:
        binder.values[binder.names.pop(0)] = function.receiver
    for one in given:
        binder.add(one)
    return binder.finish()


class _Binder:
    def __init__(self, params: cst.Parameters, names: list[str]) -> None:
        self.names = names
        self.values: dict[str, Value] = {}
        self._params = params
        self._by_keyword = {param.name.value for param in (*params.params, *params.kwonly_params)}
        self._extra: list[Given] = []
        self._keywords: dict[str, Given] = {}
        self._unknown: list[Given] = []
        """What is unpacked from something that cannot be read."""

    def add(self, one: Given) -> None:
        """The next argument."""
        if one.star:
            self._unknown.append(one)
            if one.star == "*":
                self.names = []
        elif one.keyword is None:
            if self.names:
                self.values[self.names.pop(0)] = one.value
            else:
                self._extra.append(one)
        elif one.keyword in self._by_keyword:
            self.values[one.keyword] = one.value
            self.names = [name for name in self.names if name != one.keyword]
        else:
            self._keywords[one.keyword] = one

    def finish(self) -> Bound:
        """All arguments have come."""
        left = list(self._unknown)
        stars = {one.star for one in self._unknown}
        if isinstance(self._params.star_arg, cst.Param) and "*" not in stars:
            self.values[self._params.star_arg.name.value] = _items(self._extra)
        else:
            left += self._extra
        if self._params.star_kwarg is not None and "**" not in stars:
            self.values[self._params.star_kwarg.name.value] = _entries(self._keywords)
        else:
            left += self._keywords.values()
        return Bound(self.values, tuple(left))


def _items(given: list[Given]) -> Value:
    steps = frozenset(step for one in given for step in one.value.steps)
    return Value(Items(tuple(one.value for one in given)), steps)


def _entries(given: dict[str, Given]) -> Value:
    steps = frozenset(step for one in given.values() for step in one.value.steps)
    return Value(Entries(tuple((name, one.value) for name, one in given.items())), steps)

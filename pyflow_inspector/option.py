"""Options that are written as literals: of steps, of wirings, of documentation."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import libcst as cst

from pyflow_core.duration import parse_duration
from pyflow_core.errors import InvalidDurationError
from pyflow_core.naming import DYNAMIC
from pyflow_inspector.folding import Constant, Lookup, fold
from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from collections.abc import Sequence

EXECUTION_OPTIONS = ("inline_max", "retries", "retry_delay", "thread", "timeout")
_MAX_INTEGER = 2**63 - 1
"""Longer ones are of no use as options, and JSON cannot be sure to carry them."""
_DURATIONS = {"retry_delay", "timeout"}
_BACKOFF_FIELDS = ("first", "most", "factor", "jitter")
_TIMEDELTA_UNITS = {"days", "seconds", "microseconds", "milliseconds", "minutes", "hours", "weeks"}


def keyword_argument(call: cst.Call, name: str) -> cst.BaseExpression | None:
    """The value given as `name=`."""
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return arg.value
    return None


def has_unpacked_keywords(call: cst.Call) -> bool:
    """Whether a call takes options from a mapping (`**options`) that cannot be read."""
    return any(arg.star == "**" for arg in call.args)


def execution_options(call: cst.Call, lookup: Lookup) -> dict[str, Any]:
    """`retries`, `retry_delay`, `timeout` and `inline_max` of a step or wiring, durations in seconds."""
    options: dict[str, Any] = {}
    for name in EXECUTION_OPTIONS:
        value = keyword_argument(call, name)
        if value is not None:
            options[name] = seconds(value, lookup) if name in _DURATIONS else literal(value, lookup)
    return options


def seconds(node: cst.BaseExpression, lookup: Lookup) -> Any:
    """A duration in seconds; as it is written if it is none, `"<dynamic>"` if it cannot be read.

    A `Backoff(...)` becomes a mapping of what is written in it.
    """
    value: object = duration(node, lookup)
    if value == DYNAMIC or not isinstance(value, timedelta | str | int | float):
        return value
    try:
        return parse_duration(value)
    except InvalidDurationError:
        return DYNAMIC if isinstance(value, timedelta) else value


def duration(node: cst.BaseExpression, lookup: Lookup) -> Any:
    """A duration as it is written: a `timedelta`, seconds or a text, a `Backoff(...)` as a mapping."""
    if isinstance(node, cst.Call) and _called_name(node) == "Backoff":
        return _arguments(node, _BACKOFF_FIELDS, lookup)
    value = _timedelta(node, lookup)
    return literal(node, lookup) if value is None else value


def literal(node: cst.BaseExpression, lookup: Lookup) -> Any:
    """A literal as JSON would hold it; `"<dynamic>"` for what cannot be read."""
    if type(node) is cst.List or type(node) is cst.Tuple or type(node) is cst.Set:
        return [literal(item.value, lookup) for item in node.elements]
    if type(node) is cst.Dict:
        return _mapping(node.elements, lookup)
    folded = fold(node, lookup)
    value = folded.value if isinstance(folded, Constant) else DYNAMIC
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        return DYNAMIC
    return value if isinstance(value, str | int | float | None) else DYNAMIC


def text(node: cst.BaseExpression | None, lookup: Lookup) -> str | None:
    """A literal text, `"<dynamic>"` if it is none, nothing for `None`."""
    if node is None:
        return None
    value = literal(node, lookup)
    return value if value is None or isinstance(value, str) else DYNAMIC


def texts(node: cst.BaseExpression | None, lookup: Lookup) -> tuple[str, ...]:
    """A literal list of texts."""
    value: object = [] if node is None else literal(node, lookup)
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return tuple(item if isinstance(item, str) else DYNAMIC for item in items if item is not None)


def documentation(node: cst.BaseExpression | None, lookup: Lookup) -> dict[str, Any]:
    """`docs=WorkflowDocs(...)` as a mapping; empty without one."""
    if not isinstance(node, cst.Call):
        return {}
    docs: dict[str, Any] = {"summary": None, "description": None, "tags": []}
    return {**docs, **_arguments(node, tuple(docs), lookup)}


def _arguments(node: cst.Call, fields: Sequence[str], lookup: Lookup) -> dict[str, Any]:
    """The literal arguments of a constructor, by the names of its fields."""
    positional = [arg.value for arg in node.args if arg.keyword is None and not arg.star]
    values = {name: literal(value, lookup) for name, value in zip(fields, positional, strict=False)}
    return values | {arg.keyword.value: literal(arg.value, lookup) for arg in node.args if arg.keyword is not None}


def _called_name(node: cst.Call) -> str:
    return (dotted_name(node.func) or "").rpartition(".")[2]


def _mapping(elements: Sequence[cst.BaseDictElement], lookup: Lookup) -> Any:
    values: dict[str, Any] = {}
    for element in elements:
        key = literal(element.key, lookup) if isinstance(element, cst.DictElement) else DYNAMIC
        if not isinstance(key, str) or key == DYNAMIC:
            return DYNAMIC
        values[key] = literal(element.value, lookup)
    return values


def _timedelta(node: cst.BaseExpression, lookup: Lookup) -> timedelta | None:
    """`timedelta(...)` with literal arguments."""
    if not isinstance(node, cst.Call) or _called_name(node) != "timedelta":
        return None
    amounts: dict[str, float] = {}
    for arg, unit in zip(node.args, ("days", "seconds", "microseconds"), strict=False):
        folded = fold(arg.value, lookup)
        value = folded.value if isinstance(folded, Constant) else None
        if arg.star or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        amounts[arg.keyword.value if arg.keyword is not None else unit] = value
    try:
        return timedelta(**amounts) if amounts.keys() <= _TIMEDELTA_UNITS else None
    except OverflowError:
        return None

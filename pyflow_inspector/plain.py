"""Dataclasses as JSON would hold them, and back.

The way back is made once for each class from the types of its fields, so that a new field needs no work here.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    Decode = Callable[[Any], Any]

T = TypeVar("T")

_SCALARS = (str, int, float, bool, type(None))


class NotPlainError(Exception):
    """Some data does not have the shape of the class it is said to be of."""


def to_plain(value: object) -> Any:
    """Dataclasses as mappings, tuples as lists, all the way down."""
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in cast("dict[str, object]", value).items()}
    kind: Any = type(value)
    return {name: to_plain(getattr(value, name)) for name in _field_names(kind)}


@cache
def _field_names(kind: Hashable) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cast("Any", kind)))


def from_plain(kind: type[T], value: Any) -> T:
    """The dataclass that `to_plain` made `value` of.

    Raises:
        NotPlainError: `value` is of another shape.
    """
    try:
        return cast("T", _decoder(cast("Any", kind))(value))
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise NotPlainError(f"this is no {kind.__name__}") from error


@cache
def _decoder(kind: Any) -> Decode:
    if is_dataclass(kind):
        return _dataclass_decoder(cast("type", kind))
    if kind is Any:
        return lambda value: value
    arguments = get_args(kind)
    if arguments:
        return _generic_decoder(get_origin(kind), arguments)
    assert kind in _SCALARS, kind
    accepted = (int, float) if kind is float else kind
    return lambda value: _checked(value, accepted)


def _generic_decoder(origin: Any, arguments: tuple[Any, ...]) -> Decode:
    if origin is Literal:
        return lambda value: _one_of(value, arguments)
    if origin in {Union, types.UnionType}:
        return _optional_decoder(arguments)
    item = _decoder(arguments[-1] if origin is dict else arguments[0])
    if origin is dict:
        return lambda value: {key: item(one) for key, one in _checked(value, dict).items()}
    assert (origin, arguments[1:]) == (tuple, (...,)), origin
    return lambda value: tuple([item(one) for one in _checked(value, list)])


def _dataclass_decoder(kind: type) -> Decode:
    hints = get_type_hints(kind)
    decoders = [(name, _decoder(hints[name])) for name in _field_names(kind)]

    def decode(value: Any) -> Any:
        return kind(*[decode_field(value[name]) for name, decode_field in decoders])

    return decode


def _optional_decoder(arguments: tuple[Any, ...]) -> Decode:
    """`X | None`, or several scalars: which of several dataclasses is meant could not be told."""
    others = [one for one in arguments if one is not type(None)]
    if len(others) > 1:
        assert all(one in _SCALARS for one in others), arguments
        return lambda value: _checked(value, arguments)
    decode = _decoder(others[0])
    return lambda value: None if value is None else decode(value)


def _checked(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value


def _one_of(value: Any, allowed: tuple[Any, ...]) -> Any:
    if value not in allowed:
        raise ValueError(value)
    return value

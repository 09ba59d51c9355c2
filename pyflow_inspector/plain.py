"""Dataclasses as JSON would hold them, and back.

A dataclass becomes the list of its fields, which is short and quick to read. Both ways are made once for each class
from the types of its fields, so that a new field needs no work here. Who reads what another version of pyflow wrote,
or what came to harm, gets `NotPlainError` or a wrong object: keep a version and a checksum beside it.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable

    Convert = Callable[[Any], Any]

T = TypeVar("T")

_SCALARS = (str, int, float, bool, type(None))
_Plan = list[tuple[int, "Convert"]]


class NotPlainError(Exception):
    """Some data does not have the shape of the class it is said to be of."""


def to_plain(value: object) -> Any:
    """A dataclass as lists, mappings and scalars, all the way down. What came from JSON is left as it is."""
    return _encoder(cast("Any", type(value)))(value)


def from_plain(kind: type[T], value: Any) -> T:
    """The dataclass that `to_plain` made `value` of, which is used up.

    Raises:
        NotPlainError: `value` is of another shape.
    """
    try:
        return cast("T", _decoder(cast("Any", kind))(value))
    except (TypeError, KeyError, AttributeError, ValueError, IndexError) as error:
        raise NotPlainError(f"this is no {kind.__name__}") from error


# --- one converter for each type; nothing for what is the same on both sides


@cache
def _encoder(kind: Any) -> Convert:
    convert = _converter(kind, _dataclass_encoder)
    assert convert is not None, kind
    return convert


@cache
def _decoder(kind: Any) -> Convert:
    convert = _converter(kind, _dataclass_decoder)
    assert convert is not None, kind
    return convert


def _converter(kind: Any, of_dataclass: Callable[[Any], Convert]) -> Convert | None:
    if is_dataclass(kind):
        return of_dataclass(kind)
    arguments = get_args(kind)
    origin = get_origin(kind)
    if not arguments or origin is Literal:
        assert kind is Any or origin is Literal or kind in _SCALARS, kind
        return None
    if origin in {Union, types.UnionType}:
        return _optional(arguments, of_dataclass)
    item = _converter(arguments[-1] if origin is dict else arguments[0], of_dataclass)
    if origin is dict:
        return None if item is None else lambda value: {key: item(one) for key, one in value.items()}
    assert (origin, arguments[1:]) == (tuple, (...,)), origin
    return tuple if item is None else lambda value: tuple([item(one) for one in value])


def _optional(arguments: tuple[Any, ...], of_dataclass: Callable[[Any], Convert]) -> Convert | None:
    """`X | None`, or several scalars: which of several dataclasses is meant could not be told."""
    others = [one for one in arguments if one is not type(None)]
    converters = [_converter(one, of_dataclass) for one in others]
    if not any(converters):
        return None
    (convert,) = converters
    assert convert is not None
    return lambda value: None if value is None else convert(value)


def _plan(kind: type, of_dataclass: Callable[[Any], Convert]) -> tuple[list[str], _Plan]:
    """The names of the fields, and what to do with which of them."""
    names = [field.name for field in fields(cast("Any", kind))]
    hints = get_type_hints(kind)
    converters = [(index, _converter(hints[name], of_dataclass)) for index, name in enumerate(names)]
    return names, [(index, convert) for index, convert in converters if convert is not None]


@cache
def _dataclass_encoder(kind: type) -> Convert:
    names, plan = _plan(kind, _dataclass_encoder)
    get_all = attrgetter(*names)
    if not plan:
        return get_all if len(names) > 1 else lambda value: (get_all(value),)

    def encode(value: Any) -> Any:
        row = list(get_all(value)) if len(names) > 1 else [get_all(value)]
        for index, convert in plan:
            row[index] = convert(row[index])
        return row

    return encode


@cache
def _dataclass_decoder(kind: type) -> Convert:
    names, plan = _plan(kind, _dataclass_decoder)
    length = len(names)

    def decode(row: Any) -> Any:
        if len(row) != length:
            raise NotPlainError(f"{kind.__name__} has {length} fields")
        for index, convert in plan:
            row[index] = convert(row[index])
        return kind(*row)

    return decode

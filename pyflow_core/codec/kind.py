"""What kind of thing a value is, and what it is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from typing import Any, TypeGuard

# The abstract classes answer slowly, so the usual types are asked for first.
_SETS = frozenset({set, frozenset})
_TEXTS = (str, bytes, bytearray)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether `value` maps keys to values."""
    return type(value) is dict or isinstance(value, Mapping)


def is_set(value: object) -> TypeGuard[AbstractSet[Any]]:
    """Whether `value` is a set or a frozen one."""
    return type(value) in _SETS or isinstance(value, AbstractSet)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether `value` is a list, a tuple or the like, but no text."""
    kind = type(value)
    return kind is list or kind is tuple or (isinstance(value, Sequence) and not isinstance(value, _TEXTS))


def stored_fields(value: object) -> dict[str, Any] | None:
    """The fields of a model or a dataclass by name; `None` for anything else.

    Private attributes and caches are no part of the value.
    """
    model_fields: Mapping[str, object] | None = getattr(type(value), "__pydantic_fields__", None)
    if model_fields is not None:
        extra: Mapping[str, Any] = getattr(value, "__pydantic_extra__", None) or {}
        return {**{name: getattr(value, name, None) for name in model_fields}, **extra}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in fields(value)}
    return None

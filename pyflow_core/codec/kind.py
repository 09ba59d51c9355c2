"""`isinstance` for containers, which tells type checkers that nothing is known about what is inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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

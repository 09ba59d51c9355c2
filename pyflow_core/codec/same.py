"""Whether a value came back from storage as it was."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isnan
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pyflow_core.codec.kind import is_mapping, is_sequence, is_set, stored_fields
from pyflow_core.codec.path import ELEMENT, BadValueError, type_name
from pyflow_core.errors import UnserialisableValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

_SIMPLE = frozenset({str, int, bool, type(None), bytes, UUID, date, timedelta})


def require_same(before: Any, after: Any) -> None:
    """Compare two values and the types of everything inside them.

    `==` alone would take `1` for `1.0` and `True`, an enumeration of text for its text, and calls two times in
    different zones unequal when a clock was turned back between them.

    Raises:
        BadValueError: with the path to the first difference.
    """
    if type(before) is not type(after):
        _allow_promotion(before, after)
    elif type(before) in _SIMPLE:
        _require(before == after)
    elif is_mapping(before):
        _same_mapping(before, after)
    elif is_sequence(before):
        _same_items(before, after)
    elif is_set(before):
        _same_set(before, after)
    else:
        _same_object(before, after)


def _allow_promotion(before: Any, after: Any) -> None:
    # An integer is accepted wherever a float is declared, by type checkers and by us.
    if type(before) is int and type(after) is float and before == after:
        return
    reason = f"it is of type {type_name(before)}, and would come back as {type_name(after)}"
    raise BadValueError(reason + _cure(before, after), UnserialisableValueError)


def _cure(before: object, after: object) -> str:
    if stored_fields(before) is None or stored_fields(after) is None:
        return ""
    if isinstance(before, type(after)):
        return f": declare {type(before).__name__} where it may be one"
    return ": give each of them a `Literal` field to tell them apart"


def _require(same: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not same:
        raise BadValueError("it would come back as another value", UnserialisableValueError)


def _same_at(step: object, before: object, after: Any) -> None:
    kind = type(before)
    if kind in _SIMPLE and kind is type(after) and before == after:
        return  # most values end here
    try:
        require_same(before, after)
    except BadValueError as error:
        error.inside(step)
        raise


def _same_items(before: Sequence[Any], after: Sequence[Any]) -> None:
    _require(len(before) == len(after))
    for index, (left, right) in enumerate(zip(before, after, strict=True)):
        _same_at(index, left, right)


def _same_mapping(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> None:
    _require(len(before) == len(after))
    for (left_key, left), (right_key, right) in zip(before.items(), after.items(), strict=True):
        _same_at(left_key, left_key, right_key)
        _same_at(left_key, left, right)


def _same_set(before: AbstractSet[Any], after: AbstractSet[Any]) -> None:
    twins = {element: element for element in after}
    _require(len(before) == len(twins))
    for element in before:
        _require(element in twins)
        _same_at(ELEMENT, element, twins[element])


def _same_object(before: Any, after: Any) -> None:
    fields_before = stored_fields(before)
    if fields_before is not None:
        fields_after = stored_fields(after) or {}
        for name, field in fields_before.items():
            _same_at(name, field, fields_after.get(name))
        _require(len(fields_before) == len(fields_after))
    elif isinstance(before, datetime | time):
        _require(before.replace(tzinfo=None) == after.replace(tzinfo=None))
        _require(before.utcoffset() == after.utcoffset() and (before.tzinfo is None) == (after.tzinfo is None))
    elif isinstance(before, Decimal):
        _require(str(before) == str(after))
    elif _has_own_equality(before):
        _require(bool(before == after) or (isinstance(before, float) and isnan(before) and isnan(after)))
    else:
        _same_mapping(getattr(before, "__dict__", {}), getattr(after, "__dict__", {}))


def _has_own_equality(value: object) -> bool:
    """Without one, an object is as good as its attributes; a member of an enumeration is as good as itself."""
    default: object = object.__eq__
    return isinstance(value, Enum) or type(value).__eq__ is not default

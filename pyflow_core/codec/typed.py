"""Values of a declared type, by pydantic.

Pydantic's JSON is quick and readable, but it is not made to bring a value back: it writes `null` for NaN, one text for
a date and for text that looks like one, and it drops the fields of a subclass. So a value is decoded again and compared
before its text is given out. That costs little, since the engine needs the decoded value anyway.

Where the comparison fails, the value is written a second way: pydantic takes it apart into Python values, and the
tagged form of undeclared values (`plain.py`) writes those, under the tag `$typed`. Only if that does not come back
either is the value refused, with the path to what would have changed.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.codec.base import Codec
from pyflow_core.codec.canonical import sort_elements
from pyflow_core.codec.json_text import parse_json, write_json
from pyflow_core.codec.kind import is_mapping, is_sequence, is_set, stored_fields
from pyflow_core.codec.path import BadValueError, annotation_name, describe_location, describe_path, type_name
from pyflow_core.codec.plain import TAG_START, TYPED, CarefulTreeWriter, TreeWriter, read_plain, write_plain
from pyflow_core.codec.same import require_same
from pyflow_core.codec.schema import read_traits
from pyflow_core.errors import InvalidInputError, StoredValueError, UnserialisableValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import TypeAdapter, ValidationError

    from pyflow_core.codec.json_text import Tree

_SHOWN_ERRORS = 8
_SHOWN_REASON = 300
_NO_ROOT = object()


class TypedCodec(Codec):
    """The codec of one type that pydantic has a schema for."""

    __slots__ = ("_exact", "_serializer", "_sets", "_validator")

    def __init__(self, annotation: object, adapter: TypeAdapter[Any]) -> None:
        traits = read_traits(adapter.core_schema)
        super().__init__(annotation, text_only=not traits.handles)
        if traits.refusal is not None:
            name = annotation_name(annotation)
            raise UnserialisableValueError(f"values of {name} cannot be stored: {traits.refusal}")
        self._exact = traits.exact
        self._sets = traits.sets
        self._serializer = adapter.serializer
        self._validator = adapter.validator

    def round_trip(self, value: Any) -> tuple[str, Any]:
        """See `Codec`. The text is also what encoding the fresh value would give."""
        problem: Exception | None = None
        try:
            text = self._write(value)
            # What looks like a tag is left to the tagged form, which can tell data from tags.
            if TAG_START not in text:
                fresh = self._validator.validate_json(text, by_alias=False, by_name=True)
                if not (self._exact and fresh == value):
                    require_same(value, fresh)
                # `1` declared as a boolean, say, is `True` from now on.
                return self._write(fresh), fresh
        except Exception as error:  # noqa: BLE001 - validators and serialisers of users raise what they like
            problem = error
        return self._round_trip_tagged(value, problem)

    def decode(self, text: str) -> Any:
        """See `Codec`. Text that was written without a declared type is read as well."""
        try:
            if TAG_START in text:
                return self._read_tagged(text)
            return self._validator.validate_json(text, by_alias=False, by_name=True)
        except StoredValueError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            reason = _describe_failure(error)
            raise StoredValueError(f"a stored {annotation_name(self.annotation)} cannot be read: {reason}") from None

    def from_json_input(self, text: str | bytes) -> Any:
        """See `Codec`."""
        from pydantic import ValidationError

        try:
            return self._validator.validate_json(text, by_alias=True, by_name=True)
        except ValidationError as error:
            lines = _error_lines(error)
        except Exception as error:  # noqa: BLE001 - as above
            lines = [_describe_failure(error)]
        raise InvalidInputError("\n  ".join([f"the input is no {annotation_name(self.annotation)}:", *lines]))

    def _write(self, value: Any) -> str:
        text = self._serializer.to_json(value, by_alias=False, round_trip=True, warnings=False).decode()
        return _sort_sets(text, value) if self._sets else text

    def _read_tagged(self, text: str) -> Any:
        # Parts are no instances, which is all that a strict model takes from Python.
        return self._validator.validate_python(read_plain(text), strict=False, by_alias=False, by_name=True)

    def _round_trip_tagged(self, value: Any, problem: Exception | None) -> tuple[str, Any]:
        try:
            text = self._write_tagged(value)
            fresh = self._read_tagged(text)
            require_same(value, fresh)
        except UnserialisableValueError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            reason = _describe_failure(_more_telling(problem, error), value)
            raise UnserialisableValueError(reason) from None
        return text, fresh

    def _write_tagged(self, value: Any) -> str:
        try:
            parts = self._serializer.to_python(value, mode="python", by_alias=False, round_trip=True, warnings=False)
        except TypeError:  # it makes dictionaries of the models in a set, and cannot put them into one
            parts = value
        return f'{{"{TYPED}":{write_plain(parts, _PartsWriter(), _CarefulPartsWriter(), root=value)}}}'


class _PartsWriter(TreeWriter):
    """Writes what pydantic leaves of a value; the declared type knows what its parts were."""

    def elements(self, tag: str, values: Iterable[Any], depth: int) -> Any:
        if any(stored_fields(value) is not None for value in values):
            return sort_elements(self.element_trees(values, depth + 1))
        return super().elements(tag, values, depth)

    def other(self, value: object, depth: int) -> Any:
        if getattr(value, "__pydantic_root_model__", False):
            return self.write(cast("Any", value).root, depth)
        parts = value if is_mapping(value) else stored_fields(value)
        if parts is not None:
            return self.mapping(parts, depth + 1)
        if is_sequence(value):
            return self.items(value, depth + 1)
        return self.write(_simplify(value), depth)


class _CarefulPartsWriter(CarefulTreeWriter, _PartsWriter):
    pass


# These give the plain value of an instance of a subclass, whatever that overrides.
_EXACT_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    bytes: bytes.__bytes__,
}


def _simplify(value: object) -> Any:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    if isinstance(value, Enum):
        return value.value
    for base, exact in _EXACT_SCALARS.items():
        if isinstance(value, base):
            return exact(value)
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError:
        raise BadValueError(f"{type_name(value)} is not serialisable", UnserialisableValueError) from None


def _sort_sets(text: str, value: Any) -> str:
    """The same text with each set in an order that every process agrees on.

    Pydantic writes a set in the order in which it iterates, so value and JSON are walked side by side.
    """
    return write_json(_sort_beside(value, parse_json(text)))


def _sort_beside(value: Any, tree: Tree) -> Tree:
    if type(tree) is dict:
        return _sort_beside(value.root, tree) if _is_root_model(value) else _sort_fields(value, tree)
    if type(tree) is list:
        return _sort_beside(value.root, tree) if _is_root_model(value) else _sort_items(value, tree)
    return tree


def _is_root_model(value: object) -> bool:
    return getattr(value, "__pydantic_root_model__", False)


def _sort_fields(value: Any, tree: dict[str, Tree]) -> dict[str, Tree]:
    if hasattr(value, "__pydantic_fields__") or not is_mapping(value):
        return {name: _sort_beside(getattr(value, name, None), inner) for name, inner in tree.items()}
    if len(value) != len(tree):
        return tree  # a serialiser of the user's made something else of it
    return {key: _sort_beside(item, tree[key]) for key, item in zip(tree, value.values(), strict=True)}


def _sort_items(value: Any, tree: list[Tree]) -> list[Tree]:
    is_ordered = is_sequence(value)
    if not (is_ordered or is_set(value)) or len(value) != len(tree):
        return tree
    items = [_sort_beside(item, inner) for item, inner in zip(value, tree, strict=True)]
    return items if is_ordered else sort_elements(items)


def _more_telling(first: Exception | None, second: Exception) -> Exception:
    """Of what went wrong in each form, what says most: a place where the value changed, else what a field refused."""
    from pydantic import ValidationError

    if first is None or (isinstance(second, ValidationError | BadValueError) and not isinstance(first, BadValueError)):
        return second
    return first


def _describe_failure(error: Exception, root: Any = _NO_ROOT) -> str:
    from pydantic import ValidationError

    if isinstance(error, BadValueError):
        return error.as_error(root).message
    if isinstance(error, ValidationError):
        return "; ".join(_error_lines(error, root))
    return f"{type(error).__name__}: {error}"[:_SHOWN_REASON]


def _error_lines(error: ValidationError, root: Any = _NO_ROOT) -> list[str]:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [_error_line(detail["loc"], detail["type"], detail["msg"], root) for detail in details[:_SHOWN_ERRORS]]
    hidden = len(details) - len(lines)
    return [*lines, f"and {hidden} more"] if hidden else lines


def _error_line(location: tuple[int | str, ...], kind: str, message: str, root: Any) -> str:
    if root is _NO_ROOT:
        where = describe_location(location)
    elif kind == "missing":
        where = describe_path(root, location, missing=location[-1])
    else:
        where = describe_path(root, location)
    message = message.removeprefix("Value error, ")[:_SHOWN_REASON]
    return f"{where}: {message}" if where else message

"""Values whose type nobody declared: JSON, and tagged scalars and containers.

What JSON knows is written as it is. The rest is an object with one key that starts with `$`: `{"$uuid": "…"}`. An
object of the user's that looks like that is written as pairs (`{"$dict": [["$uuid", "…"]]}`), so every value comes
back as it was, and of the type that it was. Classes of users are refused: to bring them back the type must be known.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from types import AsyncGeneratorType, BuiltinFunctionType, CoroutineType, FunctionType, GeneratorType, MethodType
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from pyflow_core.codec.base import Codec
from pyflow_core.codec.canonical import PAIRS, sort_elements
from pyflow_core.codec.json_text import parse_json, write_json
from pyflow_core.codec.path import ELEMENT, BadValueError, type_name
from pyflow_core.errors import InvalidInputError, StoredValueError, UndeclaredResultTypeError, UnserialisableValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pyflow_core.codec.json_text import Tree

MAX_DEPTH = 180
"""Levels of nesting in stored JSON; its parser stops at 200."""

TYPED = "$typed"
"""The tag around the parts of a typed value."""

TAG_START = '{"$'
"""Where it is not in stored text there is no tag, since a quote inside of text is always escaped."""

_MAX_DIGITS = 4300
_MAX_BITS = 14_000  # of fewer digits than that
_MANY_DIGITS = re.compile(rf"[0-9]{{{_MAX_DIGITS}}}")
_NEVER_VALUES: tuple[type, ...] = (
    *(type, FunctionType, BuiltinFunctionType, MethodType),
    *(CoroutineType, GeneratorType, AsyncGeneratorType),
)
_JUST_TEXT = frozenset({str})
_TOO_DEEP = f"it is nested more than {MAX_DEPTH} levels deep, or contains itself"


class TreeWriter:
    """Turns a value into a tree of what JSON knows."""

    as_is: ClassVar[frozenset[type]] = frozenset({str, int, bool, type(None)})

    def write(self, value: object, depth: int = 0) -> Any:
        """The tree of `value`, which is `depth` levels deep in the stored JSON."""
        kind = type(value)
        if kind in self.as_is:
            return value
        if depth > MAX_DEPTH:
            raise BadValueError(_TOO_DEEP, UnserialisableValueError)
        writer = _WRITERS.get(kind)
        return self.other(value, depth) if writer is None else writer(self, value, depth)

    def items(self, values: Iterable[Any], depth: int) -> list[Any]:
        """The trees of a sequence, whose items are at `depth`."""
        trees: list[Any] = []
        try:
            for value in values:
                trees.append(value if type(value) in self.as_is else self.write(value, depth))  # noqa: PERF401 - its length is the index for the error
        except BadValueError as error:
            error.inside(len(trees))
            raise
        return trees

    def mapping(self, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        """An object, or pairs where an object would not come back as it was."""
        # This must be known before: values written twice on each level would take for ever.
        if not self.has_plain_keys(values) or (len(values) == 1 and next(iter(values)).startswith("$")):
            return {PAIRS: self.pairs(values, depth + 2)}
        trees: dict[str, Any] = {}
        key: Any = None
        try:
            for key, value in values.items():
                trees[key] = value if type(value) in self.as_is else self.write(value, depth)
        except BadValueError as error:
            error.inside(key)
            raise
        return trees

    def pairs(self, values: Mapping[Any, Any], depth: int) -> list[Any]:
        """A list of `[key, value]`."""
        pairs: list[Any] = []
        for key, value in values.items():
            try:
                pairs.append([self.write(key, depth), self.write(value, depth)])
            except BadValueError as error:
                error.inside(key)
                raise
        return pairs

    def elements(self, tag: str, values: Iterable[Any], depth: int) -> Any:
        """A set, in an order that every process agrees on."""
        return {tag: sort_elements(self.element_trees(values, depth + 2))}

    def element_trees(self, values: Iterable[Any], depth: int) -> list[Any]:
        """The trees of a set's elements, which are at `depth`."""
        trees: list[Any] = []
        for value in values:
            try:
                trees.append(self.write(value, depth))
            except BadValueError as error:
                error.inside(ELEMENT)
                raise
        return trees

    def has_plain_keys(self, values: Mapping[Any, Any]) -> bool:
        """Whether all keys may be keys of a JSON object."""
        return _JUST_TEXT.issuperset(map(type, values))

    def other(self, value: object, depth: int) -> Any:  # noqa: ARG002 - for subclasses
        """The tree of a value of any other class."""
        kind = type(value)
        if isinstance(value, _NEVER_VALUES):
            raise BadValueError(f"{type_name(value)} is not serialisable", UnserialisableValueError)
        raise BadValueError(
            f"it is of type {type_name(value)}, which nothing declares, so it could not come back as what it was: "
            f"say `returns={kind.__name__}`, or annotate what the function returns",
            UndeclaredResultTypeError,
        )


class CarefulTreeWriter(TreeWriter):
    """Also tags text with lone surrogates and integers of very many digits, which JSON parsers refuse."""

    as_is = frozenset({bool, type(None)})

    def write(self, value: object, depth: int = 0) -> Any:
        """The tree of `value`, which is `depth` levels deep in the stored JSON."""
        if type(value) is str:
            return value if _is_utf8(value) else {"$str": _base64(value.encode("utf-8", "surrogatepass"))}
        if type(value) is int:
            return value if value.bit_length() < _MAX_BITS else {"$int": hex(value)}
        return super().write(value, depth)

    def has_plain_keys(self, values: Mapping[Any, Any]) -> bool:
        """Whether all keys may be keys of a JSON object."""
        return super().has_plain_keys(values) and all(map(_is_utf8, values))


_WRITER, _CAREFUL_WRITER = TreeWriter(), CarefulTreeWriter()


class PlainCodec(Codec):
    """The codec of values that no type is declared for."""

    __slots__ = ()

    def encode(self, value: Any) -> str:
        """See `Codec`."""
        return write_plain(value, _WRITER, _CAREFUL_WRITER)

    def round_trip(self, value: Any) -> tuple[str, Any]:
        """See `Codec`."""
        text = self.encode(value)
        return text, read_plain(text)

    def decode(self, text: str) -> Any:
        """See `Codec`."""
        return read_plain(text)

    def from_json_input(self, text: str | bytes) -> Any:
        """See `Codec`. Tags are not understood: what looks like one is data."""
        from pydantic_core import from_json

        try:
            return from_json(text, allow_inf_nan=False)
        except ValueError as error:
            raise InvalidInputError(f"the input is no JSON: {error}") from None


def write_plain(value: Any, writer: TreeWriter, careful: TreeWriter, *, root: Any = None) -> str:
    """The stored text of `value`; `careful` is used where the tree of `writer` could not be read back.

    `root` is what errors describe, if `value` are only its parts.

    Raises:
        UnserialisableValueError: naming the path inside the value.
        UndeclaredResultTypeError: for an instance of a class that is not known here.
    """
    try:
        tree = writer.write(value)
        try:
            text = write_json(tree)
        except ValueError:  # lone surrogates
            return write_json(careful.write(value))
        is_safe = len(text) < _MAX_DIGITS or _MANY_DIGITS.search(text) is None
        return text if is_safe else write_json(careful.write(value))
    except BadValueError as error:
        raise error.as_error(value if root is None else root) from None


def read_plain(text: str) -> Any:
    """The value that stored text holds.

    Raises:
        StoredValueError: if it is no JSON, or holds a tag that is unknown or wrongly filled.
    """
    tree = parse_json(text)
    return read_tree(tree) if TAG_START in text else tree


def read_tree(tree: Tree) -> Any:
    """The value of a tree that may hold tags."""
    if type(tree) is list:
        return [read_tree(item) for item in tree]
    if type(tree) is not dict:
        return tree
    if len(tree) == 1:
        (tag,) = tree
        if tag.startswith("$"):
            return _read_tag(tag, tree[tag])
    return {key: read_tree(item) for key, item in tree.items()}


def _read_tag(tag: str, content: Any) -> Any:
    expected, read = _READERS.get(tag, (None, None))
    if read is None:
        raise StoredValueError(f"the stored value has the unknown tag {tag[:40]!r}: a newer pyflow may have written it")
    try:
        if expected is None or type(content) is expected:
            return read(content)
    except (TypeError, ValueError, ArithmeticError):
        pass
    raise StoredValueError(f"the stored value has a tag {tag!r} whose content is wrong")


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _moment(tag: str, value: datetime | time) -> dict[str, str]:
    if value.tzinfo is not None:
        offset = value.utcoffset()
        if offset is None:
            reason = f"the offset of its time zone is unknown without a date ({value.tzinfo})"
            raise BadValueError(reason, UnserialisableValueError)
        if offset.microseconds:  # Python writes `+00:00:00.000001`, and reads it as UTC
            raise BadValueError("its time zone is off by a fraction of a second", UnserialisableValueError)
    return {tag: value.isoformat()}


_WRITERS: dict[type, Callable[[TreeWriter, Any, int], Any]] = {
    list: lambda writer, value, depth: writer.items(value, depth + 1),
    dict: lambda writer, value, depth: writer.mapping(value, depth + 1),
    tuple: lambda writer, value, depth: {"$tuple": writer.items(value, depth + 2)},
    set: lambda writer, value, depth: writer.elements("$set", value, depth),
    frozenset: lambda writer, value, depth: writer.elements("$frozenset", value, depth),
    float: lambda _, value, __: value if isfinite(value) else {"$float": repr(value)},
    datetime: lambda _, value, __: _moment("$datetime", value),
    time: lambda _, value, __: _moment("$time", value),
    date: lambda _, value, __: {"$date": value.isoformat()},
    timedelta: lambda _, value, __: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    UUID: lambda _, value, __: {"$uuid": str(value)},
    Decimal: lambda _, value, __: {"$decimal": str(value)},
    bytes: lambda _, value, __: {"$bytes": _base64(value)},
}

# What the content of each tag must be in JSON, and how it is read.
_READERS: dict[str, tuple[type | None, Callable[[Any], Any]]] = {
    "$float": (str, float),
    "$int": (str, lambda content: int(content, 16)),
    "$str": (str, lambda content: b64decode(content, validate=True).decode("utf-8", "surrogatepass")),
    "$bytes": (str, lambda content: b64decode(content, validate=True)),
    "$datetime": (str, datetime.fromisoformat),
    "$time": (str, time.fromisoformat),
    "$date": (str, date.fromisoformat),
    "$timedelta": (list, lambda content: timedelta(*content)),
    "$uuid": (str, UUID),
    "$decimal": (str, Decimal),
    "$tuple": (list, lambda content: tuple(map(read_tree, content))),
    "$set": (list, lambda content: set(map(read_tree, content))),
    "$frozenset": (list, lambda content: frozenset(map(read_tree, content))),
    PAIRS: (list, lambda content: {read_tree(key): read_tree(value) for key, value in content}),
    # The parts of a typed value, once its type is not declared any more.
    TYPED: (None, read_tree),
}

PLAIN = PlainCodec(object)
"""The codec of values that no type is declared for: JSON and tagged scalars."""

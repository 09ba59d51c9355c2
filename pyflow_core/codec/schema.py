"""What a codec must know about pydantic's schema of a type to write its values both fast and right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyflow_core.codec.kind import is_mapping, is_sequence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# In these a value has one possible type at each place, so `==` tells whether it came back as it was.
_EXACT = frozenset(
    {
        *("none", "bool", "int", "float", "decimal", "str", "bytes", "date", "datetime", "timedelta", "uuid"),
        *("list", "tuple", "set", "frozenset", "dict", "nullable", "default", "enum", "tagged-union"),
        *("model", "model-fields", "model-field", "dataclass", "dataclass-args", "dataclass-field"),
        *("typed-dict", "typed-dict-field", "definitions", "definition-ref"),
    }
)

# How the arms of a union show in JSON. Where no two look alike, a value comes back as the arm that it was.
_JSON_FORMS = {
    "none": "null",
    "bool": "boolean",
    "int": "integer",
    "float": "float",
    "str": "text",
    "literal": "text",
    "list": "array",
    "tuple": "array",
    "model": "object",
    "dataclass": "object",
    "dict": "object",
}

# Under these keys are values of the user's, or things that do not shape the stored text.
_OPAQUE = frozenset({"metadata", "default", "cls", "config", "expected", "members", "ref", "schema_ref"})

# These hold a set, or may make one of something else. (One inside of `Any` would come back as a list, which shows.)
_MAY_HOLD_SETS = ("set", "frozenset", "is-instance", "function-")

_REFUSED = {
    "generator": "it is an iterator, which can be read only once: declare a list",
    "import": "it is imported by its name, and nothing that a store holds may choose what is imported",
}


@dataclass(frozen=True, slots=True)
class SchemaTraits:
    """`exact`: `==` proves a round trip. `sets`: there may be a set, whose order must be settled.

    `handles`: there may be a `Payload` in it. `refusal`: why no value of the type may be stored, if that is so.
    """

    exact: bool
    sets: bool
    handles: bool
    refusal: str | None


def read_traits(schema: object) -> SchemaTraits:
    """The traits of pydantic's core schema. What is not known counts as not exact."""
    kinds = set(_kinds(schema))
    return SchemaTraits(
        exact=kinds <= _EXACT,
        sets=any(kind.startswith(_MAY_HOLD_SETS) for kind in kinds),
        handles="payload" in kinds,
        refusal=next((_REFUSED[kind] for kind in sorted(kinds) if kind in _REFUSED), None),
    )


def _kinds(node: object) -> Iterator[str]:
    if is_mapping(node):
        yield from _own_kind(node)
        for key, inner in node.items():
            if key not in _OPAQUE:
                yield from _kinds(inner)
    elif is_sequence(node):
        for item in node:
            yield from _kinds(item)


def _own_kind(node: Mapping[Any, Any]) -> Iterator[str]:
    kind = node.get("type")
    if isinstance(kind, str) and not _is_plain_literal(node) and not _is_clear_union(node):
        yield kind
    module, name = _function_of(node.get("function"))
    if name == "import_string" and module.startswith("pydantic"):
        yield "import"  # the validator of `ImportString`, the one type that runs what the text names
    if name == "read_payload" and module == "pyflow_core.payload.handle":
        yield "payload"
    config: Mapping[str, object] = node.get("config") or {}
    if "allow" in (node.get("extra_behavior"), config.get("extra_fields_behavior")):
        yield "any"


def _function_of(function: Any) -> tuple[str, str]:
    """The module and the name of a validator's function."""
    if is_mapping(function):
        function = function.get("function")
    return getattr(function, "__module__", None) or "", getattr(function, "__name__", "")


def _is_plain_literal(node: Mapping[Any, Any]) -> bool:
    return node.get("type") == "literal" and all(type(value) is str for value in node["expected"])


def _is_clear_union(node: Mapping[Any, Any]) -> bool:
    if node.get("type") != "union" or node.get("mode") == "left_to_right":
        return False
    forms = [_json_form(choice[0] if isinstance(choice, tuple) else choice) for choice in node["choices"]]
    return None not in forms and len(set(forms)) == len(forms)


def _json_form(choice: Any) -> str | None:
    if choice.get("type") == "literal" and not _is_plain_literal(choice):
        return None
    return _JSON_FORMS.get(choice.get("type"))

"""A JSON Schema as tables for people: one for each object, with its fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMITS = {
    "exclusiveMinimum": "> {}",
    "minimum": "≥ {}",
    "exclusiveMaximum": "< {}",
    "maximum": "≤ {}",
    "multipleOf": "multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} entries",
    "maxProperties": "at most {} entries",
    "pattern": "matches {}",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One field of an object."""

    name: str
    type: str
    is_required: bool
    default: str
    about: str


@dataclass(frozen=True, slots=True)
class TypeTable:
    """A named type: the fields of an object, or else what its values are."""

    name: str
    about: str
    rows: tuple[Row, ...]
    values: str


def type_tables(schema: dict[str, Any]) -> Iterator[TypeTable]:
    """A table for the type itself, then for each that it refers to."""
    definitions: dict[str, dict[str, Any]] = schema.get("$defs", {})
    first = str(schema.get("$ref", "")).rpartition("/")[2]
    for name in sorted(definitions, key=lambda name: (name != first, name)):
        yield _table(name, definitions[name])


def _table(name: str, schema: dict[str, Any]) -> TypeTable:
    required = set(schema.get("required", ()))
    rows = tuple(
        Row(
            field,
            label(item),
            field in required,
            json.dumps(item["default"], ensure_ascii=False) if "default" in item else "",
            item.get("description", ""),
        )
        for field, item in schema.get("properties", {}).items()
    )
    return TypeTable(name, schema.get("description", ""), rows, "" if rows else label(schema))


def label(schema: Any) -> str:
    """What values a schema allows, in a few words."""
    if isinstance(schema, bool) or not set(schema) - {"$comment", "title", "description", "default", "propertyNames"}:
        return "anything"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(label(member) for member in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
    limits = [text.format(schema[word]) for word, text in _LIMITS.items() if word in schema]
    if "prefixItems" in schema:
        limits = []
    return ", ".join([_kind(schema), *limits])


def _kind(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type", "anything"))
    if "prefixItems" in schema:
        return f"[{', '.join(label(item) for item in schema['prefixItems'])}]"
    if kind == "array":
        return f"list of {_member(schema.get('items', {}))}"
    if kind == "object" and schema.get("additionalProperties", True) is not True:
        return f"object of {_member(schema['additionalProperties'])}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _member(schema: Any) -> str:
    text = label(schema)
    return f"({text})" if " | " in text else text

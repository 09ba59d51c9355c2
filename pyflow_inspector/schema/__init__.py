"""The JSON Schema of what `pyflow inspect --format json` prints: package data, made from the classes of the metadata.

`python -m pyflow_inspector.schema` writes it anew.
"""

from __future__ import annotations

import json
import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pyflow_core.metadata import OF_EVERY_NODE, GraphNode, Metadata, RpcMeta

FILE = Path(__file__).with_name("metadata.schema.json")

_SCALARS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_REFINED: dict[str, dict[str, Any]] = {
    "hash": {"pattern": "^sha256:[0-9a-f]{64}$"},
    **{name: {"minimum": 1} for name in ("line", "column", "end_line", "end_column")},
}


def read_schema() -> dict[str, Any]:
    """The schema as it ships."""
    schema: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


def make_schema() -> dict[str, Any]:
    """The schema that fits the classes. No object may have other keys than those it names."""
    definitions: dict[str, Any] = {}
    top = _object(Metadata, definitions)
    _allow_files_alone(definitions["Span"])
    top["properties"]["generated"] = {"type": "string", "description": "Who wrote the file: in `meta.json` only."}
    top["required"].remove("diagnostics")
    top["anyOf"] = [{"required": ["diagnostics"]}, {"required": ["generated"]}]  # a generated file has no findings
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What pyflow knows of a project",
        **top,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _allow_files_alone(span: dict[str, Any]) -> None:
    """In `meta.json` a span says the file and no position."""
    places = [name for name in span["required"] if name != "file"]
    span["required"] = ["file"]
    span["dependentRequired"] = {name: [other for other in places if other != name] for name in places}


def _object(kind: type, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties: dict[str, Any] = {}
    for field in fields(kind):
        name = "async" if (kind, field.name) == (RpcMeta, "is_async") else field.name
        properties[name] = _refined(name, _schema(hints[field.name], definitions))
    required = [name for name in properties if kind is not GraphNode or name in OF_EVERY_NODE]
    return {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _refined(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """With what the name of a field says beyond its type; a keyword of another type than the value's is ignored."""
    return {**schema, **_REFINED.get(name, {})}


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if hint is Any:
        return {}
    return _reference(hint, definitions) if is_dataclass(hint) else _generic(hint, definitions)


def _generic(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in {Union, types.UnionType}:
        return _either([_schema(one, definitions) for one in arguments])
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    assert origin is dict, hint
    return {"type": "object", "additionalProperties": _schema(arguments[1], definitions)}


def _reference(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}  # a class may hold itself
        definitions[name] = _object(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def _either(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if all(list(schema) == ["type"] for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}

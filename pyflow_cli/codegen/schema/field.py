"""What a field of a class says beside its type: default, alias, limits."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pyflow_cli.codegen.schema.scalar import ANNOTATED_TYPES, KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyflow_cli.codegen.schema.type_source import Found, TypeSource

Schema = dict[str, Any]

_LENGTHS = {
    "array": {"minLength": "minItems", "maxLength": "maxItems"},
    "object": {"minLength": "minProperties", "maxLength": "maxProperties"},
}
_FOR: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("exclusiveMinimum", "minimum", "exclusiveMaximum", "maximum", "multipleOf"), frozenset({"integer", "number"})
    ),
    "pattern": frozenset({"string"}),
    "minLength": frozenset({"string", "array", "object"}),
    "maxLength": frozenset({"string", "array", "object"}),
}
"""The types of JSON that a limit is about."""
_FIELD_MAKERS = frozenset({"pydantic.Field", "dataclasses.field", "pydantic.fields.Field"})


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """A field, or what the metadata of an `Annotated` says of one."""

    schema: Schema
    is_required: bool = True
    alias: str | None = None
    limits: tuple[tuple[str, Any], ...] = ()
    default: tuple[Any, ...] = ()
    explicit: bool | None = None
    """What `Required` or `NotRequired` says."""

    def with_totality(self, *, total: bool) -> FieldFacts:
        """The field of a typed dictionary."""
        return replace(self, is_required=total if self.explicit is None else self.explicit)


def read_field(source: TypeSource, module: str, schema: Schema, statement: ast.AnnAssign, wrapper: str) -> FieldFacts:
    """A field with the schema of its type. `wrapper` stands around the type."""
    inner = _annotated_field(source, module, statement.annotation)
    explicit = {"typing.Required": True, "typing.NotRequired": False}.get(wrapper)
    facts = FieldFacts(schema, alias=inner.alias, is_required=inner.is_required, explicit=explicit)
    if statement.value is None:
        return facts

    def find(name: str) -> Found | None:
        return source.resolve(module, name)

    given = read_metadata(find, statement.value)
    if given is None:
        value = _literal(statement.value)
        return replace(facts, schema={**schema, **_default(value)}, is_required=_is_ellipsis(statement.value))
    limited = {**constrain(schema, [given]), **_default(given.default)}
    return replace(facts, schema=limited, is_required=given.is_required, alias=given.alias or facts.alias)


def read_metadata(find: Callable[[str], Found | None], node: ast.expr) -> FieldFacts | None:
    """What `Field(…)`, `field(…)` or a class of `annotated_types` says; nothing if it is none of these."""
    if not isinstance(node, ast.Call):
        return None
    found = find(ast.unparse(node.func))
    name = "" if found is None else found.dotted
    if name in _FIELD_MAKERS:
        return _read_maker(node)
    words = ANNOTATED_TYPES.get(name.removeprefix("annotated_types.")) if name.startswith("annotated_types.") else None
    if words is None:
        return None
    values = zip(words, (_literal(argument) for argument in node.args), strict=False)
    return FieldFacts({}, limits=tuple((word, value[0]) for word, value in values if value))


def _read_maker(node: ast.Call) -> FieldFacts:
    words: Mapping[str, ast.expr] = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
    default = words.get("default", node.args[0] if node.args else None)
    is_required = "default_factory" not in words and (default is None or _is_ellipsis(default))
    limits = [(word, value[0]) for word, item in words.items() if (value := _literal(item)) and word != "default"]
    aliases = [_literal(words[word]) for word in ("validation_alias", "alias") if word in words]
    alias = next((value[0] for value in aliases if value and isinstance(value[0], str)), None)
    value = () if default is None or is_required else _literal(default)
    return FieldFacts({}, is_required, alias, tuple(limits), value)


def _annotated_field(source: TypeSource, module: str, node: ast.expr) -> FieldFacts:
    """What a `Field` in `Annotated[T, Field(…)]` says of the field itself."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
        for item in node.slice.elts[1:]:
            facts = read_metadata(lambda name: source.resolve(module, name), item)
            if facts is not None and (facts.alias or not facts.is_required):
                return facts
    return FieldFacts({})


def constrain(schema: Schema, facts: Sequence[FieldFacts]) -> Schema:
    """The schema with limits; those of a union are those of the members that they can be about."""
    for fact in facts:
        for word, value in fact.limits:
            keyword = KEYWORDS.get(word)
            if keyword is not None and value is not None:
                schema = _limited(schema, keyword, value)
    return schema


def _limited(schema: Schema, keyword: str, value: Any) -> Schema:
    types = _FOR.get(keyword)
    if types is None:
        return {**schema, keyword: value}
    if "anyOf" in schema:
        return {**schema, "anyOf": [_limited(member, keyword, value) for member in schema["anyOf"]]}
    kind = schema.get("type")
    if kind not in types:
        return schema
    return {**schema, _LENGTHS.get(str(kind), {}).get(keyword, keyword): value}


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _literal(node: ast.expr) -> tuple[Any, ...]:
    """The value of a literal that JSON has too, in a tuple; nothing for anything else."""
    try:
        value: Any = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ()
    return (value,) if _is_json(value) else ()


def _is_json(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_json(item) for item in cast("Sequence[Any]", value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in cast("Mapping[Any, Any]", value).items())
    return value is None or isinstance(value, str | bool | int | float)


def _default(value: tuple[Any, ...]) -> Schema:
    return {"default": value[0]} if value else {}

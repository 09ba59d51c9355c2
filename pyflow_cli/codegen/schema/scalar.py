"""The schemas of types that are not of the project, by where they come from."""

from __future__ import annotations

from typing import Any

ANY: dict[str, Any] = {}


def _text(format_: str) -> dict[str, Any]:
    return {"type": "string", "format": format_}


SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "bytes": _text("binary"),
    "object": ANY,
    "typing.Any": ANY,
    "datetime.datetime": _text("date-time"),
    "datetime.date": _text("date"),
    "datetime.time": _text("time"),
    "datetime.timedelta": _text("duration"),
    "uuid.UUID": _text("uuid"),
    "pathlib.Path": _text("path"),
    "decimal.Decimal": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    "pydantic.EmailStr": _text("email"),
    "pydantic.AnyUrl": {"type": "string", "format": "uri", "minLength": 1},
    "pydantic.HttpUrl": {"type": "string", "format": "uri", "minLength": 1, "maxLength": 2083},
    "pydantic.SecretStr": {"type": "string", "format": "password", "writeOnly": True},
    "pydantic.PositiveInt": {"type": "integer", "exclusiveMinimum": 0},
    "pydantic.NegativeInt": {"type": "integer", "exclusiveMaximum": 0},
    "pydantic.NonNegativeInt": {"type": "integer", "minimum": 0},
    "pydantic.NonPositiveInt": {"type": "integer", "maximum": 0},
    "pydantic.PositiveFloat": {"type": "number", "exclusiveMinimum": 0},
    "pydantic.NegativeFloat": {"type": "number", "exclusiveMaximum": 0},
    "pydantic.NonNegativeFloat": {"type": "number", "minimum": 0},
    "pydantic.NonPositiveFloat": {"type": "number", "maximum": 0},
    "pydantic.StrictStr": {"type": "string"},
    "pydantic.StrictInt": {"type": "integer"},
    "pydantic.StrictFloat": {"type": "number"},
    "pydantic.StrictBool": {"type": "boolean"},
}

_ABSTRACT = "collections.abc."
ARRAYS = frozenset(
    {
        *("list", "typing.List", "collections.deque", "typing.Deque", "typing.Sequence", "typing.Iterable"),
        *(f"{_ABSTRACT}{name}" for name in ("Sequence", "MutableSequence", "Iterable", "Collection")),
        *("typing.MutableSequence", "typing.Collection"),
    }
)
SETS = frozenset(
    {
        *("set", "frozenset", "typing.Set", "typing.FrozenSet", "typing.AbstractSet", "typing.MutableSet"),
        *(f"{_ABSTRACT}{name}" for name in ("Set", "MutableSet")),
    }
)
MAPPINGS = frozenset(
    {
        *("dict", "typing.Dict", "typing.Mapping", "typing.MutableMapping", "collections.OrderedDict"),
        *("collections.defaultdict", "typing.DefaultDict", "typing.OrderedDict"),
        *(f"{_ABSTRACT}{name}" for name in ("Mapping", "MutableMapping")),
    }
)
TUPLES = frozenset({"tuple", "typing.Tuple"})
HANDLES = frozenset({"pyflow_core.Payload", "pyflow_core.payload.handle.Payload"})
"""Stand for a value that lies in a payload store."""

TRANSPARENT = frozenset(
    {"typing.Final", "typing.Required", "typing.NotRequired", "typing.ReadOnly", "dataclasses.InitVar"}
)
"""Wrappers that say nothing of the value."""

KEYWORDS: dict[str, str] = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "title": "title",
    "description": "description",
    "min_length": "minLength",
    "max_length": "maxLength",
}
"""What `Field` and its kin may say, and how a schema says it; lengths are of texts, arrays or objects."""

ANNOTATED_TYPES: dict[str, tuple[str, ...]] = {
    "Gt": ("gt",),
    "Ge": ("ge",),
    "Lt": ("lt",),
    "Le": ("le",),
    "MultipleOf": ("multiple_of",),
    "MinLen": ("min_length",),
    "MaxLen": ("max_length",),
    "Len": ("min_length", "max_length"),
}
"""The classes of `annotated_types`, and which of those words their arguments are."""

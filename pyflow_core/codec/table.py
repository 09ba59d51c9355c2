"""Declared types that are tables: frames of pyarrow, pandas and polars, recognised without importing any of them."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from pyflow_core.codec.base import Codec
from pyflow_core.errors import InvalidInputError, StoredValueError, UnserialisableValueError

_EXPORT = "__arrow_c_stream__"
_LIBRARIES = frozenset({"pyarrow", "pandas", "polars"})


class TableCodec(Codec):
    """Stands for the codec of a table type: tables are no JSON, and travel as payloads only."""

    __slots__ = ()

    def __init__(self, annotation: object) -> None:
        super().__init__(annotation, text_only=False)

    @override
    def round_trip(self, value: Any) -> tuple[str, Any]:
        raise UnserialisableValueError(f"{type(value).__name__} is a table, and no part of a JSON value")

    @override
    def decode(self, text: str) -> Any:
        raise StoredValueError("a JSON value was stored, and the code now declares a table")

    @override
    def from_json_input(self, text: str | bytes) -> Any:
        raise InvalidInputError("the input is declared as a table, which JSON cannot give: pass a Payload")


def is_table(value: object) -> bool:
    """Whether a value gives itself as a stream of Arrow batches."""
    return is_table_type(type(value))


def is_table_type(annotation: object) -> bool:
    """Whether a declared type is a table."""
    return isinstance(annotation, type) and hasattr(annotation, _EXPORT) and table_library(annotation) in _LIBRARIES


def table_library(annotation: object) -> str:
    """The top-level module of a type."""
    return str(getattr(annotation, "__module__", "")).partition(".")[0]

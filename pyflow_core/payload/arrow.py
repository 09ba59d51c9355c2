"""Data frames as Arrow: an extra, imported when a table is met and not before."""

from __future__ import annotations

import importlib
from typing import Any, cast

from typing_extensions import override

from pyflow_core.codec.base import Codec
from pyflow_core.errors import InvalidInputError, StoredValueError, UnserialisableValueError
from pyflow_core.payload.extra import require

CONTENT_TYPE = "application/vnd.apache.arrow.stream"
_EXPORT = "__arrow_c_stream__"


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
    """Whether a value gives itself as a stream of Arrow batches: tables of pyarrow, frames of pandas and polars."""
    return hasattr(type(value), _EXPORT) and type(value).__module__.partition(".")[0] in _LIBRARIES


def is_table_type(annotation: object) -> bool:
    """Whether a declared type is a table."""
    return isinstance(annotation, type) and hasattr(annotation, _EXPORT) and _library(annotation) in _LIBRARIES


def write_table(value: object) -> bytes:
    """A table as an Arrow stream.

    Raises:
        MissingExtraError: pyarrow is not installed.
        UnserialisableValueError: it holds what Arrow cannot.
    """
    arrow = _pyarrow()
    try:
        table: Any = arrow.table(value)
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    except (arrow.ArrowException, TypeError, ValueError) as error:
        raise UnserialisableValueError(f"this {type(value).__name__} cannot be written as Arrow: {error}") from None
    return cast("bytes", sink.getvalue().to_pybytes())


def read_table(raw: bytes, annotation: object = None) -> Any:
    """The table that was written, as a pyarrow table or as the frame that is declared.

    Raises:
        MissingExtraError: the library of the declared frame is not installed.
        StoredValueError: the bytes are no Arrow stream, or no table was declared.
    """
    arrow = _pyarrow()
    try:
        table: Any = arrow.ipc.open_stream(raw).read_all()
    except (arrow.ArrowException, OSError) as error:
        raise StoredValueError(f"the stored table cannot be read: {type(error).__name__}") from None
    library = _library(annotation)
    if library == "pandas":
        return table.to_pandas()
    if library == "polars":
        return importlib.import_module("polars").from_arrow(table)
    if annotation is None or annotation is Any or annotation is object or annotation is arrow.Table:
        return table
    raise StoredValueError(f"a table was stored, and the code now declares {getattr(annotation, '__name__', '?')}")


_LIBRARIES = frozenset({"pyarrow", "pandas", "polars"})


def _library(annotation: object) -> str:
    return str(getattr(annotation, "__module__", "")).partition(".")[0]


def _pyarrow() -> Any:
    return require("arrow", "pyarrow", "ipc", what="tables")

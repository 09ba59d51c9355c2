"""Data frames as Arrow: an extra, imported when a table is met and not before."""

from __future__ import annotations

import importlib
from typing import Any, cast

from pyflow_core.codec.table import table_library
from pyflow_core.errors import StoredValueError, UnserialisableValueError
from pyflow_core.payload.extra import require

CONTENT_TYPE = "application/vnd.apache.arrow.stream"


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
    library = table_library(annotation)
    if library == "pandas":
        return table.to_pandas()
    if library == "polars":
        return importlib.import_module("polars").from_arrow(table)
    if annotation is None or annotation is Any or annotation is object or annotation is arrow.Table:
        return table
    raise StoredValueError(f"a table was stored, and the code now declares {getattr(annotation, '__name__', '?')}")


def _pyarrow() -> Any:
    return require("arrow", "pyarrow", "ipc", what="tables")

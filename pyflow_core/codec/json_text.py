"""JSON text and trees of plain Python values."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeAlias, cast

from pyflow_core.errors import StoredValueError

if TYPE_CHECKING:
    from collections.abc import Callable

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | int | float | None"
"""What JSON can hold."""


def parse_json(text: str) -> Tree:
    """The tree that stored text holds.

    Raises:
        StoredValueError: if it is no JSON.
    """
    read, _ = _reader_and_writer()
    try:
        return cast("Tree", read(text))
    except ValueError as error:
        raise StoredValueError(f"the stored value is no JSON: {error}") from None


def write_json(tree: Tree) -> str:
    """The text of a tree, without spaces.

    Raises:
        pydantic_core.PydanticSerializationError: if a text in it has lone surrogates.
    """
    _, write = _reader_and_writer()
    return write(tree).decode()


@cache
def _reader_and_writer() -> tuple[Callable[[str], object], Callable[[object], bytes]]:
    # Pydantic's are three times faster than `json`; they are imported late because pyflow's import must stay quick,
    # and once because even an import that was made before takes half a microsecond.
    from pydantic_core import from_json, to_json

    return from_json, to_json

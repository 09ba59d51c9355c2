"""libcst's parser, without its second look at every node.

Each node that is made asks itself whether it could stand in a program. For who builds trees that is a help; of what the
parser has just read it is known, and it takes a quarter of the time. What is more, the question itself is wrong in
places: it fails over `x if y else(lambda: z)`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Generator

_ask = cst.CSTNode.__post_init__
"""Never what another thread has put there for the time of its own parsing."""


def parse_module(text: str) -> cst.Module:
    """The tree of a file that Python can read.

    Raises:
        libcst.ParserSyntaxError: libcst cannot.
    """
    with _unasked():
        return cst.parse_module(text)


def parse_expression(text: str) -> cst.BaseExpression:
    """The tree of an expression that Python can read.

    Raises:
        libcst.ParserSyntaxError: libcst cannot.
    """
    with _unasked():
        return cst.parse_expression(text)


@contextmanager
def _unasked() -> Generator[None]:
    cst.CSTNode.__post_init__ = _accept  # type: ignore[method-assign, assignment] # libcst has no other way
    try:
        yield
    finally:
        cst.CSTNode.__post_init__ = _ask  # type: ignore[method-assign]


def _accept(_: cst.CSTNode) -> None:
    pass

"""libcst's parser, which need not judge what it has just read.

Each node that is made asks itself whether it could stand in a program. For who builds trees that is a help; for the
parser it takes a quarter of the time, and is wrong in places: it fails over `x if y else(lambda: z)`.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import libcst as cst

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Tree = TypeVar("Tree", cst.Module, cst.BaseExpression)

_judge = cst.CSTNode.__post_init__
"""Never what another thread has put there for the time of its own parsing."""


def parse_module(text: str) -> cst.Module:
    """The tree of a file that Python can read.

    Raises:
        libcst.ParserSyntaxError: libcst cannot.
    """
    return _parse(cst.parse_module, text)


def parse_expression(text: str) -> cst.BaseExpression:
    """The tree of an expression that Python can read.

    Raises:
        libcst.ParserSyntaxError: libcst cannot.
    """
    return _parse(cst.parse_expression, text)


def never_judge() -> None:
    """Take all nodes as they come, for good: only for a process in which nobody else builds trees."""
    cst.CSTNode.__post_init__ = _accept  # type: ignore[method-assign, assignment] # libcst has no other way


def _parse(parse: Callable[[str], Tree], text: str) -> Tree:
    try:
        return parse(text)
    except (cst.CSTValidationError, TypeError):
        with _unjudged():  # not always: whenever a class is changed, Python forgets what it knows of all below it
            return parse(text)


@contextmanager
def _unjudged() -> Generator[None]:
    never_judge()
    try:
        yield
    finally:
        cst.CSTNode.__post_init__ = _judge  # type: ignore[method-assign]


def _accept(_: cst.CSTNode) -> None:
    pass

"""The trees are those that libcst gives, and libcst is left as it was."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import libcst as cst
import pytest

from pyflow_inspector import parser


@pytest.mark.parametrize("name", ["ast", "dataclasses", "asyncio/tasks"])
def test_a_tree_is_the_one_that_libcst_gives(name: str) -> None:
    text = Path(sysconfig.get_path("stdlib"), f"{name}.py").read_text(encoding="utf-8")
    tree = parser.parse_module(text)
    assert tree.deep_equals(cst.parse_module(text))
    assert tree.code == text


def test_an_expression_is_the_one_that_libcst_gives() -> None:
    text = "dict[str, list[int | None]]"
    assert parser.parse_expression(text).deep_equals(cst.parse_expression(text))


def _is_asked() -> bool:
    try:
        cst.Name("")
    except cst.CSTValidationError:
        return True
    return False


def test_who_builds_trees_afterwards_is_told_what_is_wrong_with_them() -> None:
    assert _is_asked()
    parser.parse_module("x = 1\n")
    assert _is_asked()
    with pytest.raises(cst.ParserSyntaxError):
        parser.parse_expression("x = ")
    assert _is_asked()


def test_two_threads_that_parse_at_once_leave_libcst_as_it_was() -> None:
    one, other = parser._unasked(), parser._unasked()
    with one:
        other.__enter__()
        assert not _is_asked()
    other.__exit__(None, None, None)
    assert _is_asked()

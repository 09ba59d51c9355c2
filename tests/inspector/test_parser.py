"""The trees are those that libcst gives, and libcst is left as it was."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import libcst as cst
import pytest

from pyflow_inspector import parser


def test_code_that_libcst_fails_to_judge_is_parsed() -> None:
    text = "x = f if f else(lambda: 1)\n"  # libcst 1.9 does
    assert parser.parse_module(text).code == text
    assert _judges()


@pytest.mark.parametrize("name", ["ast", "dataclasses", "asyncio/tasks"])
def test_a_tree_is_the_one_that_libcst_gives(name: str) -> None:
    text = Path(sysconfig.get_path("stdlib"), f"{name}.py").read_text(encoding="utf-8")
    with parser._unjudged():
        tree = parser.parse_module(text)
    assert tree.deep_equals(cst.parse_module(text))
    assert tree.code == text


def test_an_expression_is_the_one_that_libcst_gives() -> None:
    text = "dict[str, list[int | None]]"
    assert parser.parse_expression(text).deep_equals(cst.parse_expression(text))


def _judges() -> bool:
    try:
        cst.Name("")
    except cst.CSTValidationError:
        return True
    return False


def test_who_builds_trees_afterwards_is_told_what_is_wrong_with_them() -> None:
    with parser._unjudged():
        assert not _judges()
    assert _judges()
    with pytest.raises(cst.ParserSyntaxError), parser._unjudged():
        parser.parse_expression("x = ")
    assert _judges()


def test_two_threads_that_parse_at_once_leave_libcst_as_it_was() -> None:
    one, other = parser._unjudged(), parser._unjudged()
    with one:
        other.__enter__()
        assert not _judges()
    other.__exit__(None, None, None)
    assert _judges()

"""What is left of a comment when codes are taken out of it."""

from __future__ import annotations

import pytest

from pyflow_inspector.ignore_fix import ignore_fix


@pytest.mark.parametrize(
    ("line", "codes", "after"),
    [
        ("x = 1  # pyflow: ignore[PF101]", {"PF101"}, "x = 1"),
        ("x = 1  # pyflow: ignore[PF101, PF102]", {"PF101"}, "x = 1  # pyflow: ignore[PF102]"),
        ("x = 1  # pyflow: ignore[PF101,PF102, PF203]", {"PF102"}, "x = 1  # pyflow: ignore[PF101, PF203]"),
        ("x = 1  # pyflow: ignore[PF101]  # noqa: E501", {"PF101"}, "x = 1  # noqa: E501"),
        ("x = 1  # noqa: E501  # pyflow: ignore[PF101]", {"PF101"}, "x = 1  # noqa: E501"),
        ("x = 1  # pyflow: ignore[PF101] since it is", {"PF101"}, "x = 1  # since it is"),
        ("# pyflow: ignore[PF101]", {"PF101"}, ""),
        ("é = 1  # pyflow: ignore[]", set[str](), "é = 1"),
    ],
)
def test_only_the_codes_without_use_go(line: str, codes: set[str], after: str) -> None:
    fix = ignore_fix("a.py", 7, line, codes)
    assert fix is not None and fix.safe
    ((edit),) = fix.edits
    assert (edit.span.file, edit.span.line, edit.span.end_line) == ("a.py", 7, 7)
    assert line[: edit.span.column - 1] + edit.text + line[edit.span.end_column - 1 :] == after


@pytest.mark.parametrize("line", ["x = 1", "# pyflow: ignore[PF1] # pyflow: ignore[PF2]"])
def test_a_line_that_is_not_understood_is_left_alone(line: str) -> None:
    assert ignore_fix("a.py", 1, line, {"PF1"}) is None

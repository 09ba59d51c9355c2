"""Findings as text, in the form that the documentation shows."""

from __future__ import annotations

from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pyflow_core.metadata import Diagnostic, Fix, Severity
from pyflow_inspector import InspectorSettings, inspect_project, render_text

if TYPE_CHECKING:
    from pathlib import Path


def _finding(
    line: int, column: int, end_line: int, end_column: int, *, advice: str | None = None, severity: Severity = "error"
) -> Diagnostic:
    return Diagnostic("PF999", "some-rule", severity, "is wrong", "a.py", line, column, end_line, end_column, advice)


def _render(root: Path, source: str, finding: Diagnostic) -> str:
    (root / "a.py").write_bytes(source.encode())
    return render_text([finding], root)


def test_a_finding_looks_as_documented(tmp_path: Path) -> None:
    source = "\n" * 19 + dedent(
        """
        from pyflow_core import wire_workflow
        @wire_workflow("flow")
        async def flow(step: str, *, workflow, data=0) -> None:
            await workflow.do(step, "users.create", data)
        """
    )
    (tmp_path / "app").mkdir()
    (tmp_path / "app/flow.py").write_text(source, encoding="utf-8")
    settings = InspectorSettings(root=tmp_path, source=tmp_path, name="x", select=("PF101",))
    text = render_text(inspect_project(settings).diagnostics, tmp_path)
    assert text == dedent(
        """\
        warning[PF101]: step name is dynamic and will not appear in generated documentation
          --> app/flow.py:24:23
           |
        24 |     await workflow.do(step, "users.create", data)
           |                       ^^^^
           = help: add a description, so that runs stay readable:
                   await workflow.do(step, "users.create", data, description="Create users")
        """
    )


@pytest.mark.parametrize(("safe", "option"), [(True, "--fix"), (False, "--unsafe-fixes")])
def test_what_can_be_fixed_says_so(tmp_path: Path, safe: bool, option: str) -> None:
    fix = Fix("mend it", safe, ())
    finding = Diagnostic("PF999", "x", "error", "is wrong", "a.py", 1, 1, 1, 2, "mend this", fix)
    assert _render(tmp_path, "x", finding).splitlines()[-2:] == [
        "  = help: mend this",
        f"  = help: [fixable] `pyflow check {option}` will mend it",
    ]


def test_findings_stand_apart_and_none_is_empty_text(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x\ny\n", encoding="utf-8")
    text = render_text([_finding(1, 1, 1, 2), _finding(2, 1, 2, 2, advice="do\nthis")], tmp_path)
    assert text == dedent(
        """\
        error[PF999]: is wrong
         --> a.py:1:1
          |
        1 | x
          | ^

        error[PF999]: is wrong
         --> a.py:2:1
          |
        2 | y
          | ^
          = help: do
                  this
        """
    )
    assert render_text([], tmp_path) == ""


@pytest.mark.parametrize(
    ("source", "span", "excerpt"),
    [
        ("x = 1", (1, 1, 1, 2), ["1 | x = 1", "  | ^"]),
        ("\tx = 1", (1, 2, 1, 3), ["1 |     x = 1", "  |     ^"]),
        ("a\tx\ty", (1, 3, 1, 6), ["1 | a    x    y", "  |      ^^^^^^"]),
        ("日本 = x", (1, 6, 1, 7), ["1 | 日本 = x", "  |        ^"]),
        ("'日本'", (1, 2, 1, 4), ["1 | '日本'", "  |  ^^^^"]),
        ("e\u0301 = x", (1, 6, 1, 7), ["1 | e\u0301 = x", "  |     ^"]),
        ("x = 1\r\ny = 2\r\n", (2, 1, 2, 2), ["2 | y = 2", "  | ^"]),
        ("a\x0cb\nc", (2, 1, 2, 2), ["2 | c", "  | ^"]),
        ("f(", (1, 3, 1, 4), ["1 | f(", "  |   ^"]),
        ("x", (1, 1, 1, 1), ["1 | x", "  | ^"]),
        ("", (1, 1, 1, 1), ["1 |", "  | ^"]),
    ],
)
def test_carets_stand_under_what_is_meant(
    tmp_path: Path, source: str, span: tuple[int, int, int, int], excerpt: list[str]
) -> None:
    assert _render(tmp_path, source, _finding(*span)).splitlines()[3:] == excerpt


def test_every_line_of_a_longer_finding_is_marked(tmp_path: Path) -> None:
    source = "x = f(\n    1,\n\n    2,\n)  # end\n"
    assert _render(tmp_path, source, _finding(1, 5, 5, 2)).splitlines()[3:] == [
        "1 | x = f(",
        "  |     ^^",
        "2 |     1,",
        "  |     ^^",
        "3 |",
        "4 |     2,",
        "  |     ^^",
        "5 | )  # end",
        "  | ^",
    ]


def test_the_middle_of_a_very_long_finding_is_left_out(tmp_path: Path) -> None:
    source = "f(\n" + "".join(f"    {n},\n" for n in range(2, 100)) + ")\n"
    lines = _render(tmp_path, source, _finding(1, 1, 100, 2)).splitlines()[3:]
    assert [line.partition(" | ")[0].strip() for line in lines if "^" not in line] == ["1", "2", "3", "", "99", "100"]
    assert lines[0] == "  1 | f("
    assert "    | ..." in lines


def test_a_wide_line_is_cut_around_what_is_marked(tmp_path: Path) -> None:
    source = "a" * 500 + "X" + "b" * 500
    code, marks = _render(tmp_path, source, _finding(1, 501, 1, 502)).splitlines()[3:]
    assert len(code) < 180
    assert code.startswith("1 | ...aaa") and code.endswith("bbb...")
    assert code[marks.index("^")] == "X" and marks.count("^") == 1


def test_a_mark_wider_than_the_line_is_cut_too(tmp_path: Path) -> None:
    code, marks = _render(tmp_path, "x" * 1000, _finding(1, 3, 1, 900)).splitlines()[3:]
    assert len(code) < 180 and len(marks) <= len(code)


def test_nothing_in_a_source_or_message_reaches_the_terminal_as_a_command(tmp_path: Path) -> None:
    finding = Diagnostic("PF999", "x", "error", "bad \x1b[31m name", "a.py", 1, 1, 1, 2, "try \x07\u202e this")
    text = _render(tmp_path, "x\x1b]0;title\x07\u202e", finding)
    assert not set(text) & {"\x1b", "\x07", "\u202e"}


@pytest.mark.parametrize("beside", ["", "a", "é", "\t"])
def test_no_control_character_is_shown_whatever_stands_beside_it(tmp_path: Path, beside: str) -> None:
    for code in (*range(9), *range(14, 32), 127, 0x9B, 0x202E, 0xD800):
        finding = replace(_finding(1, 1, 1, 2), message=f"{beside}{chr(code)}{beside}")
        title = _render(tmp_path, "x", finding).splitlines()[0]
        shown = beside.replace("\t", "    ")
        assert title == f"error[PF999]: {shown}\N{REPLACEMENT CHARACTER}{shown}"


def test_without_a_source_there_is_no_excerpt(tmp_path: Path) -> None:
    assert render_text([_finding(3, 1, 3, 2, advice="look")], tmp_path) == (
        "error[PF999]: is wrong\n --> a.py:3:1\n  = help: look\n"
    )
    (tmp_path / "a.py").write_bytes(b"only\n")
    assert "3 |" not in render_text([_finding(3, 1, 3, 2)], tmp_path)


def test_undecodable_sources_are_shown_as_well_as_can_be(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"x = '\xff'\n")
    assert "1 | x = '\ufffd'" in render_text([_finding(1, 6, 1, 7)], tmp_path)


def test_colour_adds_nothing_but_colour(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n", encoding="utf-8")
    finding = _finding(1, 1, 1, 2, advice="a\nb", severity="warning")
    plain = render_text([finding], tmp_path)
    import re

    colored = render_text([finding], tmp_path, color=True)
    assert colored != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain

"""Which findings are shown, and in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Bench

SOURCE = """
from pyflow_core import wire_workflow

@wire_workflow("w")
async def w(data: str, *, workflow) -> None:
    await workflow.do(data, lambda: 1)
    await workflow.do("a b", lambda: 1)
    workflow.do("c", lambda: 1)
"""


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({}, ["PF101", "PF104", "PF203"]),
        ({"select": ("PF1",)}, ["PF101", "PF104"]),
        ({"select": ("PF104", "PF203")}, ["PF104", "PF203"]),
        ({"ignore": ("PF1",)}, ["PF203"]),
        ({"select": ("PF1",), "ignore": ("PF101",)}, ["PF104"]),
    ],
)
def test_codes_and_prefixes_select_findings(bench: Bench, settings: dict[str, Any], codes: list[str]) -> None:
    assert [one.code for one in bench.inspect(SOURCE, **settings).diagnostics] == codes


@pytest.mark.parametrize(
    ("comment", "silenced"),
    [
        ("# pyflow: ignore[PF101]", True),
        ("#pyflow:ignore[PF203, PF101]", True),
        ("# because  # pyflow: ignore[PF101]", True),
        ("# pyflow: ignore[PF102]", False),
        ("# pyflow: ignore", False),
        ("; '# pyflow: ignore[PF101]'", False),
    ],
)
def test_a_comment_on_the_line_silences_the_codes_it_names(bench: Bench, comment: str, silenced: bool) -> None:
    source = SOURCE.replace("await workflow.do(data, lambda: 1)", f"await workflow.do(data, lambda: 1){comment}")
    codes = [one.code for one in bench.inspect(source).diagnostics]
    assert ("PF101" not in codes) is silenced
    assert {"PF104", "PF203"} <= set(codes)


def test_a_comment_on_another_line_silences_nothing(bench: Bench) -> None:
    source = SOURCE.replace("    await workflow.do(data", "    # pyflow: ignore[PF101]\n    await workflow.do(data")
    assert "PF101" in [one.code for one in bench.inspect(source).diagnostics]


def test_either_end_of_a_longer_finding_takes_the_comment(bench: Bench) -> None:
    source = SOURCE.replace('workflow.do("c", lambda: 1)', 'workflow.do(\n"c", lambda: 1)  # pyflow: ignore[PF203]')
    assert "PF203" not in [one.code for one in bench.inspect(source).diagnostics]


def test_findings_come_by_file_line_column_and_code(bench: Bench) -> None:
    files = {"app/b.py": SOURCE, "app/a.py": SOURCE.replace('"w"', '"v"')}
    found = [(one.file, one.line, one.column, one.code) for one in bench.inspect(files).diagnostics]
    assert found == sorted(found)
    assert len(found) == 6


def test_a_helper_of_two_workflows_is_reported_once(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_workflow
        async def helper(w, name): await w.do(name, lambda: 1)
        @wire_workflow("a")
        async def a(data: str, *, workflow) -> None: await helper(workflow, data)
        @wire_workflow("b")
        async def b(data: str, *, workflow) -> None: await helper(workflow, data)
    """
    metadata = bench.inspect(source)
    assert [one.code for one in metadata.diagnostics] == ["PF101"]
    assert [len(workflow.steps) for workflow in metadata.workflows] == [1, 1]

"""Findings as JSON."""

from __future__ import annotations

import json

from pyflow_core.metadata import Diagnostic, Edit, Fix, Span
from pyflow_inspector import render_json


def test_findings_are_the_same_as_in_the_metadata() -> None:
    finding = Diagnostic("PF101", "dynamic-step-name", "warning", "é", "a.py", 1, 2, 3, 4, "help")
    assert json.loads(render_json([finding])) == {
        "version": 1,
        "diagnostics": [
            {
                "code": "PF101", "name": "dynamic-step-name", "severity": "warning", "message": "é", "file": "a.py",
                "line": 1, "column": 2, "end_line": 3, "end_column": 4, "help": "help",
                "fix": None,
            }
        ],
    }  # fmt: skip


def test_a_fix_comes_with_its_edits() -> None:
    fix = Fix("mend it", safe=True, edits=(Edit(Span("a.py", 1, 2, 1, 2), "await "),))
    (one,) = json.loads(render_json([Diagnostic("PF203", "x", "error", "m", "a.py", 1, 2, 3, 4, fix=fix)]))[
        "diagnostics"
    ]
    span = {"file": "a.py", "line": 1, "column": 2, "end_line": 1, "end_column": 2}
    assert one["fix"] == {"description": "mend it", "safe": True, "edits": [{"span": span, "text": "await "}]}


def test_no_findings_are_an_empty_list() -> None:
    assert json.loads(render_json([])) == {"version": 1, "diagnostics": []}

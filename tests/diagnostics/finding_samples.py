"""One set of findings that every format must carry: each severity, several lines, texts that formats trip over."""

from __future__ import annotations

from pyflow_core.metadata import Diagnostic, Edit, Fix, Span

SOURCE = "first = 1\n\tsecond = '日本😀' + x\nthird = call(\n    1,\n)\n"
FILE = "app/fl ow,1:%.py"

FIX = Fix(
    "await [it](now)", safe=True, edits=(Edit(Span(FILE, 3, 9, 3, 9), "await "), Edit(Span(FILE, 5, 1, 5, 2), ""))
)

FINDINGS = (
    Diagnostic("PF101", "dynamic-step-name", "warning", "plain", FILE, 1, 1, 1, 6),
    Diagnostic("PF102", "duplicate-step-name", "error", "50% of: a, b\r\nnext", FILE, 2, 11, 2, 16, "one\ntwo::three"),
    Diagnostic("PF203", "step-not-awaited", "error", "`rows[0](x)` and f'{y}'", FILE, 3, 9, 5, 2, "await it", FIX),
    Diagnostic("PF410", "invalid-setting", "info", "odd \x1b[31m \ud800 \u202e", "pyproject.toml", 1, 1, 1, 2),
)

"""Findings as SARIF 2.1.0, the form in which code hosts and editors take findings of any tool."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pyflow_core.metadata import Span
from pyflow_inspector.render.place import path_from

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic, Fix

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_BASE = "PROJECTROOT"
_LINK = re.compile(r"\[(?=[^\[\]]*\]\()")


def render_sarif(
    diagnostics: Iterable[Diagnostic], root: Path, base: Path, *, version: str, docs: str | None = None
) -> str:
    """One run with all findings, and the rules that have found something; ends with a newline.

    Paths count from `base`, the folder of the repository. `version` is that of pyflow, `docs` the address of its
    documentation, where each rule has a page.
    """
    findings = list(diagnostics)
    codes = sorted({one.code for one in findings})
    driver: dict[str, Any] = {"name": "pyflow", "version": version}
    if docs is not None:
        driver["informationUri"] = docs
    driver["rules"] = [_rule(code, docs) for code in codes]
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_BASE: {"description": {"text": "The folder of the repository."}}},
        "results": [_result(one, codes.index(one.code), path_from(base, root, one.file)) for one in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str, docs: str | None) -> dict[str, Any]:
    from pyflow_inspector.rules import RULES  # all the other forms do without

    rule = RULES[code]
    described: dict[str, Any] = {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": _text(rule.summary.replace("`", ""))},
        "fullDescription": {"text": _text(rule.docs.replace("`", ""))},
        "help": {"text": _text(rule.docs), "markdown": rule.docs},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    if docs is not None:
        described["helpUri"] = f"{docs.rstrip('/')}/reference/rules/{code}/"
    return described


def _result(one: Diagnostic, rule_index: int, path: str) -> dict[str, Any]:
    text = one.message if one.help is None else f"{one.message}\n{one.help}"
    span = Span(one.file, one.line, one.column, one.end_line, one.end_column)
    result = {
        "ruleId": one.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[one.severity],
        "message": {"text": _text(text)},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(path), "region": _region(span)}}],
    }
    if one.fix is not None:
        result["fixes"] = [_fix(one.fix, path)]
    return result


def _fix(fix: Fix, path: str) -> dict[str, Any]:
    """All edits of a fix are in the file of its finding."""
    replacements = [{"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}} for edit in fix.edits]
    change = {"artifactLocation": _artifact(path), "replacements": replacements}
    return {"description": {"text": _text(fix.description)}, "artifactChanges": [change]}


def _artifact(path: str) -> dict[str, str]:
    return {"uri": quote(path), "uriBaseId": _BASE}


def _region(span: Span) -> dict[str, int]:
    """Both count from 1 and leave out the end."""
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _text(text: str) -> str:
    """`[a](b)` in code is no link."""
    return _LINK.sub(r"\\[", text)

"""Every rule accepts its valid examples and refuses its invalid ones, at the places they mark."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyflow_inspector import RULES, InspectorSettings, inspect_project, render_text
from pyflow_inspector.rules import InternalRule

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.rules import Example, Rule


def _cases(kind: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{code}-{number}")
        for code, rule in RULES.items()
        for number, example in enumerate(getattr(rule, kind), start=1)
    ]


def _find(example: Example, root: Path) -> tuple[Diagnostic, ...]:
    for name, text in example.files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    given = {"name": "example", "services": example.services, "package": example.package}
    return inspect_project(InspectorSettings(root=root, source=root, **given)).diagnostics


def _marked(finding: Diagnostic, root: Path) -> str:
    lines = (root / finding.file).read_text(encoding="utf-8").split("\n")
    assert finding.line == finding.end_line
    return lines[finding.line - 1][finding.column - 1 : finding.end_column - 1]


@pytest.mark.parametrize(("rule", "example"), _cases("valid"))
def test_a_rule_accepts_its_valid_examples(rule: Rule, example: Example, tmp_path: Path) -> None:
    found = _find(example, tmp_path)
    assert not found, f"{rule.code}\n{render_text(found, tmp_path)}"


@pytest.mark.parametrize(("rule", "example"), _cases("invalid"))
def test_a_rule_refuses_its_invalid_examples_and_says_where(rule: Rule, example: Example, tmp_path: Path) -> None:
    everything = _find(example, tmp_path)
    assert {one.code for one in everything} == {rule.code, *example.also}, render_text(everything, tmp_path)
    found = [one for one in everything if one.code == rule.code]
    assert tuple(_marked(one, tmp_path) for one in found) == example.marks
    assert {(one.name, one.severity) for one in found} == {(rule.name, rule.severity)}
    fixes = {"safe" if one.fix.safe else "unsafe" for one in found if one.fix is not None}
    assert fixes <= {rule.fixes}
    if rule.fixes is not None and example is rule.invalid[0]:
        assert fixes == {rule.fixes}


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_rule_is_documented_and_has_examples(rule: Rule) -> None:
    assert re.fullmatch(r"PF[1-9]\d\d", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", rule.name)
    assert rule.summary.endswith(".") and len(rule.docs) > len(rule.summary)
    assert rule.valid
    assert bool(rule.invalid) is not isinstance(rule, InternalRule)  # tests/inspector/test_inspect_crashes.py


def test_each_rule_lives_in_a_file_named_after_it() -> None:
    folder = Path(str(__import__("pyflow_inspector.rules").rules.__file__)).parent
    expected = {f"{rule.code.lower()}_{rule.name.replace('-', '_')}.py" for rule in RULES.values()}
    assert {path.name for path in folder.glob("pf*.py")} == expected


def test_names_and_codes_of_rules_are_unique_and_sorted() -> None:
    assert list(RULES) == sorted(RULES)
    assert len({rule.name for rule in RULES.values()}) == len(RULES)

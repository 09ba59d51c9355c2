"""The pages of the rules are what the rules say, and none is missing."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pages import DOCS, ROOT

from pyflow_inspector import RULES

if TYPE_CHECKING:
    from types import ModuleType

HINT = "if this is right: make rules-docs"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rule_pages", ROOT / "website" / "rule_pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rule_pages"] = module
    spec.loader.exec_module(module)
    return module


def test_every_page_is_that_of_its_rule() -> None:
    wanted: dict[Path, str] = _script().pages()
    for path, text in wanted.items():
        assert path.is_file() and path.read_text(encoding="utf-8") == text, HINT
    assert set((DOCS / "reference" / "rules").glob("*.md")) == set(wanted), HINT


def test_the_navigation_lists_every_rule_in_order() -> None:
    text = (ROOT / "website" / "mkdocs.yml").read_text(encoding="utf-8")
    assert _script().navigation(text) == text, HINT
    assert re.findall(r"reference/rules/(PF\d+)\.md", text) == list(RULES)


def test_every_page_shows_what_is_refused_and_what_is_not() -> None:
    for code, rule in RULES.items():
        text = (DOCS / "reference" / "rules" / f"{code}.md").read_text(encoding="utf-8")
        assert rule.summary in text and "## Accepted" in text
        assert ("## Refused" in text) is bool(rule.invalid)


def test_what_help_points_to_exists() -> None:
    from pyflow_inspector.render.as_sarif import render_sarif

    assert "reference/rules/{code}/" in Path(str(sys.modules[render_sarif.__module__].__file__)).read_text()


@pytest.mark.parametrize(
    "name", ["explanation/what-is-followed.md", "explanation/workflow-code.md", "reference/check.md"]
)
def test_a_code_that_a_page_names_leads_to_its_rule(name: str) -> None:
    page = DOCS / name
    prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\[(PF\d{3})\]\(([^)]*)\)", prose)
    assert links
    assert len(links) == len(re.findall(r"\bPF\d{3}\b(?!\.md)", prose))
    for code, target in links:
        assert (page.parent / target).resolve() == DOCS / "reference" / "rules" / f"{code}.md"

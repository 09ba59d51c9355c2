from __future__ import annotations

from audit_app.category import Category
from audit_app.models import Audit, ReportRequest
from audit_app.report import render_markdown, summarise


def audit(name: str, category: Category = Category.PERMISSIVE, **more: object) -> Audit:
    plain = Audit(
        name=name,
        version="1",
        license="MIT",
        category=category,
        source="classifier",
        notes=[],
        files=2,
        bytes=10,
        sha256="",
        missing=0,
        altered=[],
    )
    return plain.model_copy(update=more)


def test_what_is_flagged_comes_gravest_first() -> None:
    summary = summarise(
        [audit("a"), audit("b", Category.UNKNOWN), audit("c", Category.STRONG_COPYLEFT), audit("d", Category.UNKNOWN)]
    )
    assert summary.flagged == ["c", "b", "d"]
    assert summary.by_category == {Category.PERMISSIVE: 1, Category.UNKNOWN: 2, Category.STRONG_COPYLEFT: 1}
    assert (summary.distributions, summary.files, summary.bytes) == (4, 8, 40)


def test_the_report_names_what_to_look_at() -> None:
    audits = [audit("a"), audit("b", Category.STRONG_COPYLEFT, license="GPL-3.0-only", altered=["b.py"])]
    text = render_markdown(ReportRequest(folder="", summary=summarise(audits), audits=audits, nameless=["~ip"]))
    assert "* **b** 1: strong copyleft, GPL-3.0-only" in text
    assert "* **b**: `b.py`" in text
    assert "~ip" in text


def test_text_of_others_stays_text() -> None:
    audits = [audit("a", license="MIT | <b>\nx", notes=["[click](http://x)"])]
    text = render_markdown(ReportRequest(folder="", summary=summarise(audits), audits=audits, nameless=[]))
    assert "| MIT \\| \\<b\\> x |" in text
    assert "\\[click\\]" in text


def test_an_empty_environment_has_an_empty_report() -> None:
    text = render_markdown(ReportRequest(folder="", summary=summarise([]), audits=[], nameless=[]))
    assert "Nothing: every license is permissive." in text

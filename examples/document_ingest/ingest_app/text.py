"""Pages out of documents, and terms out of pages."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ingest_app.models import Page

if TYPE_CHECKING:
    from ingest_app.models import Document

PAGE_LETTERS = 3_000
_TERM = re.compile(r"[^\W\d_][\w-]{1,39}")
_COMMON = """
    a about after all also an and any are as at be been but by can could do does each else for from had has have he
    her his how if in into is it its may more most must no not of on one only or other our out over see she should so
    some such than that the their them then there these they this those to two up was we were what when where which
    while who will with would you your
"""
COMMON = frozenset(_COMMON.split())
"""Words that stand in every text and say nothing of it."""


def split(document: Document) -> list[Page]:
    """The pages of a document, cut between paragraphs where that can be."""
    pages: list[str] = [""]
    for paragraph in document.text.split("\n\n"):
        for start in range(0, len(paragraph), PAGE_LETTERS):
            part = paragraph[start : start + PAGE_LETTERS]
            if pages[-1] and len(pages[-1]) + len(part) > PAGE_LETTERS:
                pages.append("")
            pages[-1] += f"{part}\n\n"
    texts = [text.strip() for text in pages if text.strip()]
    return [Page(source=document.source, title=document.title, number=n, text=t) for n, t in enumerate(texts, 1)]


def terms(text: str) -> Counter[str]:
    """How often each term stands in a text: words in lower case, without those that say nothing."""
    words = (match[0].lower().rstrip("-") for match in _TERM.finditer(text))
    return Counter(word for word in words if word not in COMMON and len(word) > 1)


def excerpt(text: str, wanted: set[str], letters: int = 160) -> str:
    """One line of a text around the first of the terms that stands in it."""
    first = next((match.start() for match in _TERM.finditer(text) if match[0].lower() in wanted), 0)
    start = max(0, first - letters // 3)
    cut = " ".join(text[start : start + letters].split())
    return f"{'…' if start else ''}{cut}{'…' if start + letters < len(text) else ''}"

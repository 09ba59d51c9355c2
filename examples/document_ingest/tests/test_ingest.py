from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from ingest_app import sources, text
from ingest_app.index import Index, NoIndexError
from ingest_app.models import Document, IngestInput, Page, PageTerms, SearchRequest, SearchResult
from ingest_app.pyflow_gen import connect, workflows
from ingest_app.services import Library, Services

if TYPE_CHECKING:
    from pathlib import Path

    from ingest_app.models import IngestOutput

SOME = IngestInput(packages=["pydantic", "jinja2", "typer"], batch_bytes=400_000)


def ingest(folder: Path) -> tuple[IngestOutput, SearchResult, int]:
    """An index of some packages, a search in it, and how many bytes the rows of the run hold in values."""
    services = Services(library=Library(packages=sources.library_root(), indexes=folder))
    urls = {"state": f"sqlite:///{folder}/state.db", "payloads": f"file:///{folder}/payloads"}

    async def scenario() -> tuple[IngestOutput, SearchResult]:
        async with connect(**urls, services=services, worker=True):
            output = await workflows.ingest_documents.run(SOME, timeout=120)
            found = await workflows.search_documents.run(
                SearchRequest(query="validate the fields of a model before they are set"), timeout=60
            )
            return output, found

    output, found = asyncio.run(scenario())
    with closing(sqlite3.connect(folder / "state.db")) as database:
        sql = "SELECT coalesce(sum(length(input_inline)), 0) + coalesce(sum(length(output_inline)), 0) FROM steps"
        (inline,) = database.execute(f"{sql} WHERE step_name <> 'search'").fetchone()
    return output, found, inline


def test_the_documentation_of_packages_is_found_again(tmp_path: Path) -> None:
    output, found, inline = ingest(tmp_path)
    assert output.batches > 2
    assert output.files_bytes > 1_000_000
    assert output.text_bytes > 300_000
    assert output.pages > 100
    best = found.hits[0]
    assert best.source.startswith("pydantic/")
    assert "valid" in best.excerpt.lower()
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    # No page came through the rows of the run.
    assert inline < 2_000 * output.batches


def test_texts_are_read_out_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""About a."""\n\ndef f():\n    """Does f."""\n    x = """no docstring"""\n')
    (tmp_path / "b.html").write_text("<title>B</title><script>var hidden;</script><p>Shown &amp; read</p>")
    (tmp_path / "c.txt").write_text("== Title ==\n\nPlain text")
    (tmp_path / "d.py").write_text("not python at all (")
    (tmp_path / "e.so").write_text("binary")
    catalog = sources.find(tmp_path, [], most_bytes=10_000, batch_bytes=60)
    names = [name for batch in catalog.batches for name in batch]
    assert names == ["a.py", "b.html", "c.txt", "d.py"]
    assert catalog.count == len(catalog.batches) > 1
    texts = {name: found.text for name in names if (found := sources.read(tmp_path, name)) is not None}
    assert texts == {
        "a.py": "About a.\n\nf\nDoes f.",
        "b.html": "B\nShown & read",
        "c.txt": "== Title ==\n\nPlain text",
    }
    read = sources.read(tmp_path, "c.txt")
    assert read is not None
    assert read.title == "Title"
    assert sources.find(tmp_path, [], most_bytes=100, batch_bytes=60).bytes <= 100


def test_a_document_is_cut_between_paragraphs_and_nothing_is_lost() -> None:
    paragraphs = [f"paragraph {n} " + "word " * n for n in range(0, 400, 7)] + ["x" * 7_000]
    document = Document(source="s", title="t", text="\n\n".join(paragraphs))
    pages = text.split(document)
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))
    assert all(len(page.text) <= text.PAGE_LETTERS for page in pages)
    assert sum(text.terms(page.text)["word"] for page in pages) == text.terms(document.text)["word"]
    assert sum(page.text.count("x") for page in pages) == 7_000


def test_terms_are_words_that_say_something() -> None:
    counts = text.terms("The parser parses; the Parser, re-parses naïve 42 a_b")
    assert counts == {"parser": 2, "parses": 1, "re-parses": 1, "naïve": 1, "a_b": 1}


def test_a_batch_that_is_indexed_twice_stands_there_once(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    with pytest.raises(NoIndexError):
        index.search("anything", 10)
    index.create()
    pages = [
        Page(source=f"{n}.txt", title="t", number=1, text=f"common {'rare' if n == 3 else 'word'}") for n in range(5)
    ]
    counted = PageTerms(counts=[dict(text.terms(page.text)) for page in pages])
    first, again = index.add(0, pages, counted), index.add(0, pages, counted)
    assert first == again
    assert [hit.source for hit in index.search("rare", 10)] == ["3.txt"]
    assert len(index.search("common", 10)) == 5
    assert index.search("rare common", 10)[0].source == "3.txt"
    assert index.search("nowhere", 10) == []

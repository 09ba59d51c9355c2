"""The index: a SQLite file with pages, and with the pages of each term. Pages are ranked by BM25."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from ingest_app.models import BatchSummary, Hit
from ingest_app.text import excerpt, terms

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from ingest_app.models import Page, PageTerms

BUSY_SECONDS = 120.0
SATURATION, LENGTH_WEIGHT = 1.2, 0.75
"""k1 and b of BM25."""

_TABLES = """
CREATE TABLE IF NOT EXISTS pages (
    id INTEGER PRIMARY KEY, batch INTEGER NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL,
    number INTEGER NOT NULL, length INTEGER NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS pages_batch ON pages (batch);
CREATE TABLE IF NOT EXISTS postings (
    term TEXT NOT NULL, page INTEGER NOT NULL REFERENCES pages (id) ON DELETE CASCADE, count INTEGER NOT NULL,
    PRIMARY KEY (term, page)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS postings_page ON postings (page);
"""


class NoIndexError(Exception):
    """There is no index in this place yet: run `ingest-documents` first."""


class Index:
    """An index in a file, for any number of processes. Every method blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> None:
        """Make the file new and empty."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(f"DROP TABLE IF EXISTS postings; DROP TABLE IF EXISTS pages; {_TABLES}")

    def add(self, batch: int, pages: list[Page], found: PageTerms) -> BatchSummary:
        """Put in a batch of pages; what there was of this batch before is replaced, so that twice does no harm."""
        with self._open() as database, database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM pages WHERE batch = ?", [batch])
            for page, counts in zip(pages, found.counts, strict=True):
                added = database.execute(
                    "INSERT INTO pages (batch, source, title, number, length, text) VALUES (?, ?, ?, ?, ?, ?)",
                    [batch, page.source, page.title, page.number, sum(counts.values()), page.text],
                )
                rows = [(term, added.lastrowid, count) for term, count in counts.items()]
                database.executemany("INSERT INTO postings (term, page, count) VALUES (?, ?, ?)", rows)
        postings = sum(len(counts) for counts in found.counts)
        return BatchSummary(pages=len(pages), postings=postings, bytes=sum(len(page.text.encode()) for page in pages))

    def search(self, query: str, limit: int) -> list[Hit]:
        """The pages that fit the words of a query best.

        Raises:
            NoIndexError: there is no index.
        """
        if not self._path.is_file():
            raise NoIndexError(f"{self._path.name} is not there: run `ingest-documents` first")
        wanted = set(terms(query))
        with self._open() as database:
            best = sorted(_scores(database, wanted).items(), key=lambda pair: (-pair[1], pair[0]))[:limit]
            return [_hit(database, page, score, wanted) for page, score in best]

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None)) as database:
            database.execute("PRAGMA foreign_keys = ON")
            yield database


def _scores(database: sqlite3.Connection, wanted: set[str]) -> dict[int, float]:
    total, mean = database.execute("SELECT count(*), coalesce(avg(length), 1.0) FROM pages").fetchone()
    scores: dict[int, float] = defaultdict(float)
    for term in sorted(wanted):
        rows = database.execute(
            "SELECT p.page, p.count, pages.length FROM postings AS p JOIN pages ON pages.id = p.page WHERE term = ?",
            [term],
        ).fetchall()
        rarity = math.log(1 + (total - len(rows) + 0.5) / (len(rows) + 0.5))
        for page, count, length in rows:
            damping = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / max(mean, 1.0))
            scores[page] += rarity * count * (SATURATION + 1) / (count + damping)
    return scores


def _hit(database: sqlite3.Connection, page: int, score: float, wanted: set[str]) -> Hit:
    source, title, number, text = database.execute(
        "SELECT source, title, number, text FROM pages WHERE id = ?", [page]
    ).fetchone()
    return Hit(source=source, title=title, number=number, score=round(score, 3), excerpt=excerpt(text, wanted))

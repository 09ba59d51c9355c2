"""What the steps are given and give back. What is large goes from step to step as a `Payload`, by reference."""

from __future__ import annotations

from pydantic import BaseModel, Field
from pyflow_core import Payload


class IngestInput(BaseModel):
    """`index` is the file of the index; a relative one counts from the project.

    `packages` are the folders of site-packages to read; none means all. `most_bytes` ends the search for files early.
    """

    index: str = "index.db"
    packages: list[str] = Field(default_factory=list[str])
    most_bytes: int = 500_000_000
    batch_bytes: int = 4_000_000


class Catalog(BaseModel):
    """The files that are to be read, in batches of about the same size. Paths count from site-packages."""

    batches: list[list[str]]
    count: int
    bytes: int


class ReadRequest(BaseModel):
    catalog: Payload[Catalog]
    batch: int


class Document(BaseModel):
    """The text of a file: all of it, or the docstrings of a module."""

    source: str
    title: str
    text: str


class Page(BaseModel):
    """A part of a document that is as long as a page."""

    source: str
    title: str
    number: int
    text: str


class PageTerms(BaseModel):
    """How often each term stands in each of the pages, in their order."""

    counts: list[dict[str, int]]


class IndexRequest(BaseModel):
    index: str
    batch: int
    pages: Payload[list[Page]]
    terms: Payload[PageTerms]


class BatchSummary(BaseModel):
    pages: int
    postings: int
    bytes: int
    """Of the texts of the pages."""


class IngestOutput(BaseModel):
    index: str
    files_bytes: int
    batches: int
    pages: int
    postings: int
    text_bytes: int


class SearchRequest(BaseModel):
    query: str
    index: str = "index.db"
    limit: int = Field(default=10, ge=1, le=100)


class Hit(BaseModel):
    """A page that fits, the best first. `source` counts from site-packages."""

    source: str
    title: str
    number: int
    score: float
    excerpt: str


class SearchResult(BaseModel):
    hits: list[Hit]

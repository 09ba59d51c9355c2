"""The RPCs: what the steps do. What takes long is done in threads, so that a worker goes on meanwhile."""

from __future__ import annotations

import asyncio

from pyflow_core import Payload, wire_rpc

from ingest_app import sources, text
from ingest_app.models import (
    BatchSummary,
    Catalog,
    Document,
    IndexRequest,
    IngestInput,
    Page,
    PageTerms,
    ReadRequest,
    SearchRequest,
    SearchResult,
)
from ingest_app.services import Library


@wire_rpc("documents.find", context=["count", "bytes"])
def find_documents(data: IngestInput, *, library: Library) -> Catalog:
    """List what there is to read. The workflow needs the number of batches only, which it finds in the context."""
    library.index(data.index).create()
    return sources.find(library.packages, data.packages, data.most_bytes, data.batch_bytes)


@wire_rpc("documents.read", retries=2)
async def read_documents(data: ReadRequest, *, library: Library) -> list[Document]:
    """Read the texts of a batch."""
    names = (await data.catalog.load()).batches[data.batch]
    return await asyncio.to_thread(_read, library, names)


def _read(library: Library, names: list[str]) -> list[Document]:
    found = (sources.read(library.packages, name) for name in names)
    return [document for document in found if document is not None]


@wire_rpc("documents.split")
async def split_documents(data: Payload[list[Document]]) -> list[Page]:
    """Cut documents into pages."""
    return [page for document in await data.load() for page in text.split(document)]


@wire_rpc("documents.terms")
async def extract_terms(data: Payload[list[Page]]) -> PageTerms:
    """Count the terms of each page."""
    pages = await data.load()
    return await asyncio.to_thread(lambda: PageTerms(counts=[dict(text.terms(page.text)) for page in pages]))


@wire_rpc("documents.index", retries=2)
async def index_pages(data: IndexRequest, *, library: Library) -> BatchSummary:
    """Put a batch of pages into the index."""
    pages, terms = await data.pages.load(), await data.terms.load()
    return await asyncio.to_thread(library.index(data.index).add, data.batch, pages, terms)


@wire_rpc("documents.search")
def search_documents(data: SearchRequest, *, library: Library) -> SearchResult:
    """The pages that fit best."""
    return SearchResult(hits=library.index(data.index).search(data.query, data.limit))

"""Ingestion as a workflow: list, then read, split, count and index each batch. No page ever comes through it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import Logger, WorkflowDocs, wire_workflow

from ingest_app.models import (
    BatchSummary,
    Catalog,
    IndexRequest,
    IngestInput,
    IngestOutput,
    ReadRequest,
    SearchRequest,
    SearchResult,
)
from ingest_app.pyflow_gen import rpcs

if TYPE_CHECKING:
    from pyflow_core import Payload

    from ingest_app.pyflow_gen.ingest_documents import Workflow
    from ingest_app.pyflow_gen.search_documents import Workflow as SearchWorkflow


@wire_workflow(
    "ingest-documents",
    description="Makes a searchable index of the documentation of installed packages",
    tags=["documents"],
    docs=WorkflowDocs(
        summary="Ingest documents",
        description="Reads texts and docstrings, splits them into pages, extracts terms, and builds an index.",
        tags=["documents"],
    ),
)
async def ingest_documents(data: IngestInput, *, workflow: Workflow, logger: Logger) -> IngestOutput:
    catalog = await workflow.do("find", rpcs.documents.find(data).lazy(), description="List what there is to read")
    count = int(catalog.context["count"])
    logger.info("reading %s batches", count)
    batches = await asyncio.gather(*(ingest_batch(workflow, data, catalog, number) for number in range(count)))
    return IngestOutput(
        index=data.index,
        files_bytes=int(catalog.context["bytes"]),
        batches=count,
        pages=sum(batch.pages for batch in batches),
        postings=sum(batch.postings for batch in batches),
        text_bytes=sum(batch.bytes for batch in batches),
    )


async def ingest_batch(workflow: Workflow, data: IngestInput, catalog: Payload[Catalog], number: int) -> BatchSummary:
    """Four steps, each of which passes a handle on to the next."""
    documents = await workflow.do(
        f"read-{number}",
        rpcs.documents.read(ReadRequest(catalog=catalog, batch=number)).lazy(),
        description=f"Read the texts of batch {number}",
    )
    pages = await workflow.do(
        f"split-{number}", rpcs.documents.split(documents).lazy(), description="Cut documents into pages"
    )
    terms = await workflow.do(
        f"terms-{number}", rpcs.documents.terms(pages).lazy(), description="Count the terms of each page"
    )
    return await workflow.do(
        f"index-{number}",
        "documents.index",
        IndexRequest(index=data.index, batch=number, pages=pages, terms=terms),
        description="Put the pages into the index",
    )


@wire_workflow("search-documents", description="Searches the index", tags=["documents"])
async def search_documents(data: SearchRequest, *, workflow: SearchWorkflow) -> SearchResult:
    return await workflow.do("search", "documents.search", data, description="Find the pages that fit best")

"""Runs whose values go by reference at every place where a value can stand, and what they have executed."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from pyflow_core import Payload, RpcCall, Step, wire_rpc, wire_workflow
from pyflow_core.project import Project

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

project = Project(name="payload-flow", package="payload_flow_gen", root=Path(os.devnull).parent)

LARGE = 40_000
RUNS = ("a", "b", "c", "d")
PAGES = 3
STAMP = 40
"""As many bytes at the head of a stream say who made it, so that what is made twice is two payloads."""


class Page(BaseModel):
    """`stamp` differs each time that it is made, so that a page that is made twice is two payloads."""

    text: str
    stamp: str = ""


class Book(BaseModel):
    title: str
    text: str


class Index(BaseModel):
    """`file` is a stream that a step has stored beside its result."""

    title: str
    file: Payload[bytes]


class Digest(BaseModel):
    """`text` is the same however often its steps were begun, `pages` and `index` are not."""

    text: str
    lengths: list[int]
    pages: list[Payload[Page]]
    index: Index


def note(name: str, run_id: str) -> None:
    """One line in one write, so that lines of several processes stay whole."""
    with Path(os.environ["PAYLOAD_FLOW_LEDGER"]).open("ab", buffering=0) as file:
        file.write(json.dumps([run_id, name]).encode() + b"\n")


@wire_rpc("pages.load")
async def load(data: str, *, step: Step) -> Page:
    note(step.step_name, step.run_id)
    return Page(text=data * LARGE, stamp=f"{os.getpid()} {step.attempt}")


@wire_rpc("pages.measure")
async def measure(data: Payload[Page], *, step: Step) -> int:
    note(step.step_name, step.run_id)
    return len((await data.load()).text)


@wire_rpc("pages.scan")
async def scan(data: Page, *, step: Step) -> bytes:
    note(step.step_name, step.run_id)
    return data.text.encode()[::-1]


@wire_rpc("pages.index")
async def make_index(data: list[Payload[Page]], *, step: Step) -> Index:
    note(step.step_name, step.run_id)

    async def chunks() -> AsyncGenerator[bytes]:
        yield f"{os.getpid()} {step.attempt}".encode().ljust(STAMP)
        for page in data:
            yield (await page.load()).text.encode()

    return Index(title=step.run_id, file=await step.store(chunks(), name="index.txt", content_type="text/plain"))


@wire_rpc("pages.look")
async def look(data: Index, *, step: Step) -> int:
    note(step.step_name, step.run_id)
    return sum([len(chunk) async for chunk in data.file.open()])


@wire_workflow("digest")
async def digest(data: Book, *, workflow: Any) -> Digest:
    calls = [workflow.do(f"load-{n}", RpcCall[Page]("pages.load", f"{data.title}{n}").lazy()) for n in range(PAGES)]
    pages = await asyncio.gather(*calls)
    lengths = await asyncio.gather(*(workflow.do(f"measure-{n}", "pages.measure", pages[n]) for n in range(PAGES)))

    index = await workflow.do("index", "pages.index", pages)
    lengths.append(await workflow.do("look", "pages.look", index))

    def join() -> str:
        note("join", data.title)
        return data.text.upper()

    joined = await workflow.do("join", join)
    scanned = await workflow.do("scan", "pages.scan", Page(text=joined))
    return Digest(text=joined + scanned.decode(), lengths=lengths, pages=pages, index=index)


def book(run_id: str) -> Book:
    """What a run is started with; its title is the id of the run."""
    return Book(title=run_id, text=run_id * LARGE)


async def is_right(run_id: str, digest: Digest) -> bool:
    """Whether it says what it must, whatever has happened, and whether what it names is there."""
    pages = [await page.load() for page in digest.pages]
    stream = await digest.index.file.load()
    text = "".join(page.text for page in pages)
    return (
        digest.text == run_id.upper() * LARGE + run_id.upper() * LARGE
        and digest.lengths == [*[2 * LARGE] * PAGES, STAMP + len(text)]
        and [page.text for page in pages] == [f"{run_id}{number}" * LARGE for number in range(PAGES)]
        and stream[STAMP:].decode() == text
    )

"""Runs whose values go by reference at every place where a value can stand, and what they have executed."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pyflow_core import Payload, RpcCall, Step, wire_rpc, wire_workflow
from pyflow_core.project import Project

project = Project(name="payload-flow", package="payload_flow_gen", root=Path(os.devnull).parent)

LARGE = 40_000
RUNS = ("a", "b", "c", "d")
PAGES = 3


class Page(BaseModel):
    """`stamp` differs each time that it is made, so that a page that is made twice is two payloads."""

    text: str
    stamp: str = ""


class Book(BaseModel):
    title: str
    text: str


class Digest(BaseModel):
    """`text` is the same however often its steps were begun, `pages` are not."""

    text: str
    lengths: list[int]
    pages: list[Payload[Page]]


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


@wire_workflow("digest")
async def digest(data: Book, *, workflow: Any) -> Digest:
    calls = [workflow.do(f"load-{n}", RpcCall[Page]("pages.load", f"{data.title}{n}").lazy()) for n in range(PAGES)]
    pages = await asyncio.gather(*calls)
    lengths = await asyncio.gather(*(workflow.do(f"measure-{n}", "pages.measure", pages[n]) for n in range(PAGES)))

    def join() -> str:
        note("join", data.title)
        return data.text.upper()

    joined = await workflow.do("join", join)
    scanned = await workflow.do("scan", "pages.scan", Page(text=joined))
    return Digest(text=joined + scanned.decode(), lengths=lengths, pages=pages)


def book(run_id: str) -> Book:
    """What a run is started with; its title is the id of the run."""
    return Book(title=run_id, text=run_id * LARGE)


def expected(run_id: str) -> tuple[str, list[int]]:
    """What its digest says, whatever happens."""
    return run_id.upper() * LARGE + run_id.upper() * LARGE, [2 * LARGE] * PAGES

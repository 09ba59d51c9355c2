"""The answer about a run, as `pyflow status --json` gives it, while every call of the payload store would raise."""

from __future__ import annotations

import json
import re
import time
from typing import Any, NamedTuple

from pyflow_services.memory import MemoryPayloadService
from typing_extensions import override

from pyflow_cli.json_form import status_form
from pyflow_core import wire_workflow
from pyflow_core.errors import PayloadStoreUnavailableError
from pyflow_core.testing import engine
from pyflow_core.wiring import isolated_registry

PARTS = 10
SMALL_PART, LARGE_PART = 100, 10_000_000
"""Bytes of each result of a run: 1 KB or 100 MB in all."""
RUN_ID = "run"


class Status(NamedTuple):
    """`masked` is the answer without sizes and hashes, which depend on the results, and without the worker's name."""

    size: int
    masked: str
    seconds: float
    calls: int


class Closable(MemoryPayloadService):
    """Once it is closed, every call raises and is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False
        self.calls = 0

    @override
    def __getattribute__(self, name: str) -> Any:
        if name in _CALLS and super().__getattribute__("is_closed"):
            self.calls += 1
            raise PayloadStoreUnavailableError("a status asks no payload store")
        return super().__getattribute__(name)


_CALLS = frozenset({"put", "put_file", "get", "get_range", "open_stream", "stat", "objects", "delete", "extend", "now"})


async def measure_status(part: int) -> Status:
    """The status of a run whose steps each gave so many bytes."""
    payloads = Closable()
    with isolated_registry() as registry:

        @wire_workflow("parts")
        async def parts(*, workflow: Any) -> bytes:
            last = b""
            for number in range(PARTS):
                last = await workflow.do(f"part-{number}", lambda number=number: bytes([number]) * part)
            return last

        async with engine(registry=registry, payloads=payloads) as e:
            assert len(await e.run("parts", run_id=RUN_ID)) == part
            payloads.is_closed = True
            text, seconds = await _answer(e)
    masked = re.sub(r"[0-9a-f]{32,64}|\"worker\": \"[^\"]*\"", "", re.sub(r'(\\"bytes\\":)\d+', r"\1", text))
    return Status(len(text.encode()), masked, seconds, payloads.calls)


async def _answer(e: Any) -> tuple[str, float]:
    text, seconds = "", []
    for _ in range(20):
        before = time.perf_counter()
        run = await e.client.get_run(RUN_ID)
        text = json.dumps(status_form(run, await e.client.state.list_steps(RUN_ID)))
        seconds.append(time.perf_counter() - before)
    return text, min(seconds)

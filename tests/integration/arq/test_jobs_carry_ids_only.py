"""What travels through Redis is ids: nothing of what steps are given and give back, however large or small."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import redis
from pyflow_services.arq import ArqQueueService
from typing_extensions import override

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.project import Project, WorkflowPlan
from pyflow_core.wiring import isolated_registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyflow_core.ports.state import Job

pytest_plugins = ["tests.fixtures.valkey"]

MARKER = "qZ7fXw4mK9"
SIZES = {"small": MARKER, "large": MARKER * 5_000}


class Witnessed(ArqQueueService):
    """Notes all that the server holds whenever jobs have been put there."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.seen: set[bytes] = set()
        self.jobs: list[Job] = []

    @override
    async def enqueue(self, jobs: Sequence[Job]) -> None:
        await super().enqueue(jobs)
        self.jobs += jobs
        with redis.Redis.from_url(self._url) as client:
            untyped: Any = client
            for key in untyped.keys("*"):
                held = untyped.zrange(key, 0, -1) if untyped.type(key) == b"zset" else [untyped.get(key)]
                self.seen.update((key, *(value for value in held if value is not None)))


async def carry(url: str, folder: Path) -> Witnessed:
    plan = WorkflowPlan(name="carry", code_hash="hash", steps=("once", "twice"))
    project = Project(name="carried", package="carried_gen", root=folder, workflows=(plan,))
    queue = Witnessed(url)
    await queue.open()
    urls = {"state": f"sqlite:///{folder}/state.db", "payloads": f"file:///{folder}/payloads"}
    async with project.connect(**urls, queue=queue, worker=True) as client:
        assert client.worker is not None
        serving = asyncio.create_task(client.worker.serve())
        for name, text in SIZES.items():
            handle = await client.start("carry", text, run_id=f"run-{name}")
            assert await handle.result(timeout=30) == text
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
    await queue.close()
    return queue


def test_no_job_holds_bytes_of_a_value(valkey_url: str, tmp_path: Path) -> None:
    with isolated_registry():
        tried: list[str] = []

        @wire_rpc("turn", retries=1, retry_delay="0s")
        async def turn(data: str) -> str:
            tried.append(data)
            if len(tried) % 2:
                raise OSError("once each")
            return data[::-1]

        @wire_workflow("carry")
        async def flow(data: str, *, workflow: Any) -> str:
            once: str = await workflow.do("once", "turn", data)
            return await workflow.do("twice", "turn", once)

        queue = asyncio.run(carry(valkey_url, tmp_path))
    assert len(tried) == 8
    steps = {(job.run_id, job.step_name) for job in queue.jobs}
    assert steps >= {(f"run-{name}", step) for name in SIZES for step in (None, "once", "twice")}
    messages = b"\n".join(queue.seen)
    for found in (b"run-small", b"run-large", b"once", b"twice"):
        assert found in messages
    assert MARKER.encode() not in messages
    assert MARKER[::-1].encode() not in messages
    assert max(map(len, queue.seen)) < 500

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from pyflow_core import wire_workflow
from pyflow_core.errors import BlockingInLoopError, NotConnectedError
from pyflow_core.portal import portal
from pyflow_core.project import Project
from pyflow_core.run import BlockingRunHandle
from pyflow_core.wiring import isolated_registry

PROJECT = Project(name="blocking", package="blocking_gen", root=Path.cwd())


def test_code_without_a_loop_connects_starts_and_waits() -> None:
    with isolated_registry() as registry:

        @wire_workflow("double")
        async def double(data: int, *, workflow: Any) -> int:
            return await workflow.do("twice", lambda: data * 2)

        with PROJECT.connect_blocking(state="memory://", worker=True, registry=registry) as client:
            assert PROJECT.client() is client
            handle: BlockingRunHandle[int] = BlockingRunHandle(portal.call(client.start("double", 21)))
            assert handle.result(timeout=30) == 42
            assert handle.status() == "completed"
    with pytest.raises(NotConnectedError):
        PROJECT.client()


def test_the_blocking_client_is_refused_inside_a_running_loop() -> None:
    async def inside() -> None:
        with pytest.raises(BlockingInLoopError), PROJECT.connect_blocking(state="memory://"):
            pass

    asyncio.run(inside())

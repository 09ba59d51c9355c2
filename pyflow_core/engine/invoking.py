"""Bare invokes of one run: called beside it, answered to its execution, neither recorded nor counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.engine.command import Invoke
    from pyflow_core.engine.host import Host
    from pyflow_core.engine.turn import Planner

_PAUSES = (0.1, 0.4, 1.6, 6.4, None)
"""Seconds between the tries of an invoke that a replay waits for."""


class Answer(NamedTuple):
    """What a bare invoke gave."""

    invoke: Invoke
    value: Any
    error: BaseException | None


class Invocations:
    """The invokes of a run. `under_way` are those whose answers are still to come; `answered` is told of each."""

    __slots__ = ("_answered", "_host", "_planner", "under_way")

    def __init__(self, host: Host, planner: Planner, answered: Callable[[Answer], None]) -> None:
        self._host = host
        self._planner = planner
        self._answered = answered
        self.under_way: set[asyncio.Task[None]] = set()

    def start(self, invoke: Invoke) -> None:
        """Call it, beside everything else."""
        task = asyncio.create_task(self._invoke(invoke))
        self.under_way.add(task)
        task.add_done_callback(self.under_way.discard)

    def cancel(self) -> None:
        """Nobody waits for the answers any more."""
        for task in self.under_way:
            task.cancel()

    async def repeat(self, invoke: Invoke) -> Answer:
        """The answer that a replay needs.

        What failed may have given a value when the run was live: it is tried a few times before it is believed.
        """
        for pause in _PAUSES:
            try:
                return Answer(invoke, await self._call(invoke), None)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the RPC raised
                if pause is None:
                    return Answer(invoke, None, error)
                await self._host.clock.sleep(pause)
        raise AssertionError

    async def _invoke(self, invoke: Invoke) -> None:
        try:
            value = await self._call(invoke)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the RPC raised is the workflow's to handle
            self._answered(Answer(invoke, None, error))
        else:
            self._answered(Answer(invoke, value, None))

    async def _call(self, invoke: Invoke) -> Any:
        runtime = self._host.runtime
        with runtime.values.access(self._planner.tenant):
            return await runtime.invoke(invoke.rpc.name, invoke.data)

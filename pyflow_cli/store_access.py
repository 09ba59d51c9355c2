"""The stores without the project's code: what reads and steers runs must work when that cannot be imported."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

from pyflow_cli.error_block import fail
from pyflow_cli.exit_code import ExitCode
from pyflow_core.client import Client
from pyflow_core.clock import SystemClock
from pyflow_core.engine.runtime import Runtime
from pyflow_core.errors import UnknownRunError, UsageError
from pyflow_core.ports.state import RunFilter
from pyflow_core.stores import make_queue, make_state
from pyflow_core.wiring import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyflow_cli.output import Output
    from pyflow_cli.settings import Settings
    from pyflow_core.ports.state import RunRecord, WorkflowStateService

_CANDIDATES = 8
_RECENT = 200


@asynccontextmanager
async def open_stores(settings: Settings, *, with_queue: bool = False) -> AsyncGenerator[Client]:
    """A client that knows no workflow. The queue is opened for what makes work, and left alone by what only reads.

    Raises:
        StoreError, SettingsError
    """
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        state = make_state(settings.state, settings.root, clock)
        stack.push_async_callback(state.close)
        await state.open()
        queue = make_queue(settings.queue, settings.root, clock) if settings.queue and with_queue else None
        if queue is not None:
            stack.push_async_callback(queue.close)
            await queue.open()
        yield Client(state, queue, Runtime(Registry()), clock)


async def find_run(output: Output, state: WorkflowStateService, named: str) -> RunRecord:
    """The run of this id, or the only one whose id begins so.

    Raises:
        UnknownRunError: there is none.
        typer.Exit: there are several, which have been listed.
    """
    if not named:
        raise UsageError("a run is named by its id, or by the beginning of it")
    run = await state.get_run(named)
    if run is not None:
        return run
    found = await state.find_runs(named, _CANDIDATES + 1)
    if len(found) > 1:
        more = ["and more"] if len(found) > _CANDIDATES else []
        headline = f"{named!r} is the beginning of several runs: say more of the id"
        fail(output, ExitCode.USAGE, headline, [*found[:_CANDIDATES], *more])
    run = await state.get_run(found[0]) if found else None
    if run is None:
        raise await _unknown(state, named)
    return run


async def _unknown(state: WorkflowStateService, named: str) -> UnknownRunError:
    recent = [run.run_id for run in (await state.list_runs(RunFilter(limit=_RECENT))).runs]
    near = get_close_matches(named, recent, n=1)
    error = UnknownRunError(f"there is no run {named!r}{f'; did you mean {near[0]!r}?' if near else ''}")
    error.add_note("`pyflow runs` lists the newest" if recent else "there are no runs in this store yet")
    return error

"""Creating a run for `start`, `run` and `dev`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from pyflow_cli.input import missing_input, read_input
from pyflow_core.errors import UsageError
from pyflow_core.references import NO_DATA
from pyflow_core.wiring import current_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_cli.output import Output
    from pyflow_core.client import Client
    from pyflow_core.ports.state import RunRecord


@dataclass(frozen=True)
class StartRequest:
    """A run that is to be created, its input read already.

    `missing_input` is what to say if the run does not exist yet and so needs the input that was not given.
    """

    workflow: str
    data: Any
    run_id: str
    tags: tuple[str, ...] = ()
    missing_input: UsageError | None = None


class StartedRun(NamedTuple):
    """A run, and whether it was created now."""

    run: RunRecord
    created: bool


def read_request(
    output: Output, workflow: str, given: str | None, run_id: str | None, tags: Sequence[str] | None
) -> StartRequest:
    """What the options ask for. The project is loaded already.

    A run that has no id is given one now, so that it can be named whatever happens.

    Raises:
        UnknownWorkflowError: naming the nearest one.
        UsageError: the input cannot be used.
    """
    definition = current_registry().workflow(workflow)
    missing = missing_input(definition) if given is None else None
    if missing is not None and run_id is None:
        raise missing
    data = NO_DATA if given is None else read_input(output, given, definition)
    return StartRequest(workflow, data, uuid4().hex if run_id is None else run_id, tuple(tags or ()), missing)


async def start_run(client: Client, request: StartRequest) -> StartedRun:
    """Create the run, or find the one that has its id.

    Raises:
        UsageError: that one is of another workflow, or there is none and no input for it.
        StoreError, PermissionDeniedError
    """
    missing = request.missing_input
    started = await _create(client, request) if missing is None else await _find(client, request, missing)
    if started.run.workflow != request.workflow:
        raise UsageError(f"run {request.run_id!r} is of workflow {started.run.workflow!r}: choose another --run-id")
    return started


async def _create(client: Client, request: StartRequest) -> StartedRun:
    handle, created = await client.create(request.workflow, request.data, run_id=request.run_id, tags=request.tags)
    return StartedRun(await client.get_run(handle.run_id), created)


async def _find(client: Client, request: StartRequest, missing: UsageError) -> StartedRun:
    run = await client.state.get_run(request.run_id)
    if run is None:
        raise missing
    return StartedRun(run, created=False)

"""Creating a run for `start`, `run` and `dev`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

from pyflow_cli.input import read_input
from pyflow_core.errors import UsageError
from pyflow_core.wiring import current_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_cli.output import Output
    from pyflow_core.client import Client
    from pyflow_core.ports.state import RunRecord


@dataclass(frozen=True)
class StartRequest:
    """A run that is to be created, its input read already."""

    workflow: str
    data: Any
    run_id: str
    tags: tuple[str, ...] = ()


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
    return StartRequest(
        workflow, read_input(output, given, definition), uuid4().hex if run_id is None else run_id, tuple(tags or ())
    )


async def start_run(client: Client, request: StartRequest) -> StartedRun:
    """Create the run, or find the one that has its id.

    Raises:
        UsageError: that one is of another workflow.
        StoreError, PermissionDeniedError
    """
    handle, created = await client.create(request.workflow, request.data, run_id=request.run_id, tags=request.tags)
    run = await client.get_run(handle.run_id)
    if run.workflow != request.workflow:
        raise UsageError(f"run {run.run_id!r} is of workflow {run.workflow!r}: choose another --run-id")
    return StartedRun(run, created)

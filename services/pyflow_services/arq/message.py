"""What travels through Redis: the name of a task and ids, as JSON. Never pickle, which would run what it reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.ports.state import Job

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST_MS = 253_402_300_799_000
"""The end of the year 9999; what lies beyond, arq cannot turn into a date."""


class MalformedMessageError(ValueError):
    """This is no job of pyflow's."""


def serialize(data: dict[str, Any]) -> bytes:
    """A job or a result of arq's as JSON; of results only that there was one, since nobody reads them."""
    if "r" in data:
        data = {**data, "r": repr(data["r"])}
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def deserialize(blob: bytes) -> dict[str, Any]:
    """A job of arq's, every part of it checked: arq trusts their types and would stop its worker over a wrong one.

    Raises:
        MalformedMessageError: it is no such thing; arq logs it and drops the job.
    """
    try:
        data: object = json.loads(blob)
    except (ValueError, RecursionError) as error:
        raise MalformedMessageError(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise MalformedMessageError("not an object")
    message = cast("dict[str, Any]", data)
    if not _is_well_formed(message):
        raise MalformedMessageError("not a job")
    return message


def _is_well_formed(message: dict[str, Any]) -> bool:
    args, enqueued = message.get("a"), message.get("et")
    return (
        isinstance(message.get("f"), str)
        and isinstance(args, list)
        and all(isinstance(arg, str) for arg in cast("list[object]", args))
        and message.get("k") == {}
        and message.get("t") is None
        and type(enqueued) is int
        and 0 <= enqueued <= LATEST_MS
    )


def job_args(job: Job) -> tuple[str, ...]:
    """The ids of a job."""
    return (job.run_id,) if job.step_name is None else (job.run_id, job.step_name)


def read_job(queue: str, task: str, args: Sequence[str]) -> Job:
    """The job of a task's ids.

    Raises:
        MalformedMessageError: these are not the ids of such a task.
    """
    if len(args) == 1 and task.startswith(RUN_TASK):
        return Job(queue, task, args[0])
    if len(args) == 2 and task.startswith(STEP_TASK):
        return Job(queue, task, args[0], args[1])
    raise MalformedMessageError(f"task {task!r} with {len(args)} ids")


RUN_TASK = "workflow.run:"
STEP_TASK = "workflow.step:"

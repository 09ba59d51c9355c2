"""The client: opens the stores, starts runs, and waits for them."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pyflow_core.engine.values import NO_VALUE
from pyflow_core.errors import (
    CodecError,
    InvalidInputError,
    InvalidNameError,
    NotConnectedError,
    PayloadForbiddenError,
    PayloadTooLargeError,
    ResultTimeoutError,
    StoreError,
    UnknownRunError,
)
from pyflow_core.log import NO_WORKER, STORE_TROUBLE, logger
from pyflow_core.middleware import Call, check_permissions
from pyflow_core.naming import is_valid_step_name, orchestrator_queue, run_task
from pyflow_core.payload.key import INPUT
from pyflow_core.payload.writer import Origin
from pyflow_core.ports.state import DEFAULT_TENANT, Envelope, Job, NewRun, RunFilter, RunStatus
from pyflow_core.references import NO_DATA
from pyflow_core.run import RunHandle, settled_error

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pyflow_core.clock import Clock
    from pyflow_core.engine.runtime import Runtime
    from pyflow_core.engine.values import Written
    from pyflow_core.engine.worker import Worker
    from pyflow_core.ports.queue import QueueService
    from pyflow_core.ports.state import CreatedRun, RunPage, RunRecord, Settlement, WorkflowStateService
    from pyflow_core.wiring import ExecutionMode, WorkflowDefinition

_log = logger("pyflow.client")

POLL_SECONDS = 0.5
"""Behind the hints: a caller that waits looks at least so often."""


class Client:
    """Starts runs and reads them. With a worker of its own it also executes them in this process."""

    def __init__(
        self,
        state: WorkflowStateService,
        queue: QueueService | None,
        runtime: Runtime,
        clock: Clock,
        *,
        execution_mode: ExecutionMode | None = None,
        make_worker: Callable[[Client, bool], Awaitable[Worker]] | None = None,
        tenant: str = DEFAULT_TENANT,
    ) -> None:
        self.state = state
        self.queue = queue
        self.runtime = runtime
        self.clock = clock
        self.worker: Worker | None = None
        self._execution_mode = execution_mode
        self._tenant = tenant
        self._make_worker = make_worker
        self._inline: Worker | None = None
        self._waiting: dict[str, set[asyncio.Future[Settlement | None]]] = {}
        self._watcher: asyncio.Task[None] | None = None
        self._hint = asyncio.Event()

    # --- starting

    async def start(
        self,
        workflow: str,
        data: Any = NO_DATA,
        *,
        run_id: str | None = None,
        tags: Sequence[str] = (),
        actor: str | None = None,
    ) -> RunHandle[Any]:
        """Create a run and return its handle; with `run_id`, the same run however often it is called.

        In inline mode the run is driven here, and the handle is that of a settled or blocked run.

        Raises:
            UnknownWorkflowError, InvalidInputError, PermissionDeniedError, StoreError
        """
        handle, _ = await self.create(workflow, data, run_id=run_id, tags=tags, actor=actor)
        return handle

    async def create(
        self,
        workflow: str,
        data: Any = NO_DATA,
        *,
        run_id: str | None = None,
        tags: Sequence[str] = (),
        actor: str | None = None,
    ) -> tuple[RunHandle[Any], bool]:
        """`start`, and whether this call made the run."""
        definition = self.runtime.registry.workflow(workflow)
        run_id = _checked_run_id(run_id)
        await check_permissions(Call("workflow", workflow, data, run_id, actor), definition.permissions)
        written = self._write_input(definition, data)
        inline = (self._execution_mode or definition.execution_mode) == "inline"
        worker = await self._inline_worker() if inline else self.worker
        born_here = worker is not None and (inline or (self.queue is None and worker.works_on(workflow)))
        if worker is not None and born_here and (inline or worker.has_room()):
            try:
                created, recorded = await self._create(
                    definition, run_id, written, tags, actor, claim_for=worker.worker_id
                )
            except StoreError:
                worker.doubt()
                raise
            if created.created:
                await worker.drive_new(created, recorded, self._tenant, actor)
        else:
            created, _ = await self._create(definition, run_id, written, tags, actor)
            if created.created and self.queue is not None:
                await self._enqueue(workflow, run_id)
        handle: RunHandle[Any] = RunHandle(self, workflow, run_id)
        if inline:
            await self._wait(run_id, None)
        return handle, created.created

    def _write_input(self, definition: WorkflowDefinition, data: Any) -> Written:
        parameter = definition.signature.data
        if parameter is None:
            if data is not NO_DATA:
                raise InvalidInputError(f"workflow {definition.name!r} takes no input")
            return NO_VALUE
        if data is NO_DATA:
            if parameter.required:
                raise InvalidInputError(f"workflow {definition.name!r} takes input, and none was given")
            return NO_VALUE
        values = self.runtime.values
        try:
            written = values.write(definition.signature.data_codec, data)
            if written.draft is not None:
                values.check_size(written.draft)
        except (CodecError, PayloadTooLargeError) as error:
            raise InvalidInputError(f"the input of workflow {definition.name!r}: {error.message}") from None
        return written

    async def _create(
        self,
        definition: WorkflowDefinition,
        run_id: str,
        written: Written,
        tags: Sequence[str],
        actor: str | None,
        *,
        claim_for: str | None = None,
    ) -> tuple[CreatedRun, Envelope]:
        """Create a run, its input placed before; and the input as it may be read without a store, if it can be."""
        workflow = definition.name
        new = NewRun(
            run_id,
            workflow,
            written.envelope,
            self.runtime.plan(workflow).code_hash,
            tuple(tags),
            actor,
            self._tenant,
        )
        if written.draft is None:
            return await self.state.create_run(new, claim_for=claim_for), new.input
        values = self.runtime.values
        deposit = values.decide(
            written.draft,
            Origin(workflow, run_id, tenant=self._tenant),
            INPUT,
            kind="input",
            policy=self.runtime.value_policy(workflow, None, None),
        )

        async def write() -> CreatedRun:
            return await self.state.create_run(replace(new, input=deposit.envelope), claim_for=claim_for)

        return await values.commit([deposit], write, waits=False), deposit.at_hand

    def handle(self, workflow: str, run_id: str) -> RunHandle[Any]:
        """The handle of a run that exists already."""
        return RunHandle(self, workflow, run_id)

    async def cancel_run(self, run_id: str) -> RunStatus:
        """Ask a run to stop; its status before.

        Raises:
            UnknownRunError
        """
        status = await self.state.request_cancel(run_id)
        if status is None:
            raise UnknownRunError(f"there is no run {run_id!r}")
        for worker in (self.worker, self._inline):
            driver = worker.driver(run_id) if worker is not None else None
            if driver is not None:
                driver.poke()
        if self.queue is not None and not status.settled:
            await self._enqueue((await self.get_run(run_id)).workflow, run_id)
        return status

    async def wake(self, workflow: str, run_id: str) -> None:
        """Put a run that was made ready by hand on its queue, if there is one outside the store."""
        if self.queue is not None:
            await self._enqueue(workflow, run_id)

    # --- reading

    async def get_run(self, run_id: str) -> RunRecord:
        """One run.

        Raises:
            UnknownRunError
        """
        run = await self.state.get_run(run_id)
        if run is None:
            raise UnknownRunError(f"there is no run {run_id!r}")
        return run

    async def list_runs(
        self,
        *,
        workflow: str | None = None,
        status: RunStatus | str | None = None,
        tag: str | None = None,
        since: float | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> RunPage:
        """Runs, newest first. `since` is in seconds since the epoch."""
        statuses = () if status is None else (RunStatus(status),)
        return await self.state.list_runs(RunFilter(workflow, statuses, tag, since, limit, cursor))

    async def result(self, workflow: str, run_id: str, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """The output of a run; see `RunHandle.result`."""
        settlement = await self._wait(run_id, timeout)
        if settlement is None:
            run = (await self.state.settled([run_id])).get(run_id)
            if run is None:
                raise ResultTimeoutError(run_id, workflow)
        elif settlement.status is RunStatus.COMPLETED:
            return await self._bring(workflow, settlement.output, self._tenant)
        else:
            run = await self.get_run(run_id)
        if run.status is RunStatus.COMPLETED:
            return await self._bring(run.workflow, run.output, run.tenant)
        raise settled_error(run)

    async def _bring(self, workflow: str, output: Envelope, tenant: str) -> Any:
        if tenant != self._tenant:
            raise PayloadForbiddenError(
                f"the run belongs to tenant {tenant!r}, and this connection to {self._tenant!r}"
            )
        codec = self.runtime.registry.workflow(workflow).signature.result_codec
        with self.runtime.values.access(tenant):
            return await self.runtime.values.bring(codec, output, tenant)

    # --- waiting

    def settled(self, run_id: str, settlement: Settlement | None) -> None:
        """Wake whoever waits for a run."""
        for future in self._waiting.pop(run_id, ()):
            if not future.done():
                future.set_result(settlement)

    def left(self, run_id: str) -> None:
        """A run is no longer driven here: whoever waits for it must look at the store."""
        if run_id in self._waiting:
            self._watch()

    async def _wait(self, run_id: str, seconds: float | None) -> Settlement | None:
        """Until the run has settled or is blocked; None if it had before, or the time is up.

        Raises:
            UnknownRunError
        """
        future: asyncio.Future[Settlement | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, set()).add(future)
        try:
            if not self._driven_here(run_id):
                await self._look_once(run_id)
                self._watch()
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            return None
        finally:
            waiting = self._waiting.get(run_id)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[run_id]

    def _driven_here(self, run_id: str) -> bool:
        return any(worker is not None and worker.driver(run_id) for worker in (self.worker, self._inline))

    async def _look_once(self, run_id: str) -> None:
        run = await self.get_run(run_id)
        if run.status.settled or run.status is RunStatus.BLOCKED:
            self.settled(run_id, None)
        elif self.worker is None and self._inline is None and not await self.state.live_workers():
            _log.warning("%s: run %s waits, and no worker is alive: start one with `pyflow worker`", NO_WORKER, run_id)

    def _watch(self) -> None:
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch_store())

    async def _watch_store(self) -> None:
        """Look for the end of awaited runs, whenever a hint says that something has changed."""
        unsubscribe = self.state.subscribe(self._hint.set)
        try:
            while self._waiting:
                self._hint.clear()
                await self._look_at_all()
                await self._next_hint()
        finally:
            unsubscribe()

    async def _look_at_all(self) -> None:
        try:
            settled = await self.state.settled(list(self._waiting))
        except StoreError as error:  # whoever waits goes on waiting: the store may come back
            _log.warning("%s: %s", STORE_TROUBLE, error)
            return
        for run_id in settled:
            self.settled(run_id, None)

    async def _next_hint(self) -> None:
        hint = asyncio.ensure_future(self._hint.wait())
        pause = asyncio.ensure_future(self.clock.pause(POLL_SECONDS))
        try:
            await asyncio.wait((hint, pause), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hint.cancel()
            pause.cancel()

    # --- life

    async def work(self) -> Worker:
        """Execute runs in this process too, from now on; the worker that does it.

        Raises:
            MissingServiceError, StoreError
        """
        worker = self.worker
        if worker is None:
            worker = self.worker = await self._new_worker(inline=False)
            await worker.start()
        return worker

    async def _new_worker(self, *, inline: bool) -> Worker:
        if self._make_worker is None:
            raise NotConnectedError("this client only reads: open a connection of the project to execute runs")
        return await self._make_worker(self, inline)

    async def close(self) -> None:
        """Stop what runs here; callers that still wait are told by cancellation."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        for worker in (self.worker, self._inline):
            if worker is not None:
                await worker.close()

    async def _inline_worker(self) -> Worker:
        if self.worker is not None and self.queue is None:
            return self.worker
        if self._inline is None:
            worker = await self._new_worker(inline=True)
            await worker.start()
            self._inline = worker
        return self._inline

    async def _enqueue(self, workflow: str, run_id: str) -> None:
        if self.queue is None:
            return
        job = Job(orchestrator_queue(workflow), run_task(workflow), run_id)
        await self.queue.enqueue([job])
        await self.state.mark_queued([job])


def _checked_run_id(run_id: str | None) -> str:
    if run_id is None:
        return uuid.uuid4().hex
    if not is_valid_step_name(run_id):
        raise InvalidNameError(f"{run_id!r} cannot name a run: use 1 to 200 characters, no control characters")
    return run_id

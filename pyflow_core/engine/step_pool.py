"""Runs claimed RPC steps, so many of each queue at once."""

from __future__ import annotations

import asyncio
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pyflow_core.context import Step
from pyflow_core.engine.attempt import failed_attempt, was_cancelled
from pyflow_core.engine.error_record import error_info
from pyflow_core.engine.outcome import Result
from pyflow_core.engine.settlement import blocked
from pyflow_core.errors import (
    PayloadContractError,
    PayloadError,
    StaleLeaseError,
    StoredValueError,
    StoreError,
    UnknownRpcError,
    UsageError,
    WorkerLostError,
)
from pyflow_core.log import RUN_BLOCKED, STEP_FAILED, STEP_RETRY, STORE_TROUBLE, logger
from pyflow_core.options import StepPolicy, load_options
from pyflow_core.payload.key import OUTPUT, file_slot
from pyflow_core.payload.writer import Origin
from pyflow_core.ports.state import OMITTED, StepForm, StepResult, StepRetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from pyflow_core.context import StreamStore
    from pyflow_core.engine.host import PoolHost
    from pyflow_core.engine.values import Written
    from pyflow_core.errors import ErrorInfo, PyflowError
    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.handle import Payload
    from pyflow_core.payload.writer import Chunks
    from pyflow_core.ports.state import Envelope, FinishedStep, StepClaim
    from pyflow_core.wiring import RpcDefinition

MAX_DEATHS = 10
"""A step during which so many workers died is taken for what kills them."""

WRITE_AGAIN_SECONDS = 0.5

_log = logger("pyflow.step")

T = TypeVar("T")


class _CannotRunError(Exception):
    """The code of this process cannot run a step: that is no failure of the step."""

    def __init__(self, refusal: PyflowError) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class _Running:
    """A step in hand; `stopped` once its workflow has stopped waiting for it, `over` once its attempt has ended."""

    __slots__ = ("claim", "over", "stopped", "task")

    def __init__(self, claim: StepClaim) -> None:
        self.claim = claim
        self.over = False
        self.stopped = False
        self.task: asyncio.Task[None] | None = None

    def is_stopped(self) -> bool:
        return self.stopped

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


class StepPool:
    """The steps that run in this process. `queues` are glob patterns; `concurrency` counts for each queue."""

    def __init__(self, host: PoolHost, queues: Sequence[str], concurrency: int) -> None:
        self._host = host
        self._patterns = tuple(queues)
        self._concurrency = concurrency
        self._used: dict[str, int] = {}
        self._served: dict[str, bool] = {}
        self._running: dict[tuple[str, str], _Running] = {}
        self._releasing = False

    def serves(self, queue: str) -> bool:
        """Whether this process works on a queue."""
        served = self._served.get(queue)
        if served is None:
            served = self._served[queue] = any(fnmatchcase(queue, pattern) for pattern in self._patterns)
        return served

    def take_slot(self, queue: str) -> bool:
        """Reserve a slot for a step of this queue, if one is free."""
        used = self._used.get(queue, 0)
        if used >= self._concurrency or not self.serves(queue) or self._releasing:
            return False
        self._used[queue] = used + 1
        return True

    def release_slot(self, queue: str) -> None:
        """Give a slot back."""
        self._used[queue] -= 1

    def reserve(self, slots: Mapping[str, int]) -> None:
        """Take free slots of several queues."""
        for queue, count in slots.items():
            self._used[queue] = self._used.get(queue, 0) + count

    def give_back(self, slots: Mapping[str, int]) -> None:
        """Give slots of several queues back."""
        for queue, count in slots.items():
            self._used[queue] -= count

    def free_slots(self, queues: Sequence[str]) -> dict[str, int]:
        """The queues of these that have free slots, and how many."""
        if self._releasing:
            return {}
        free = {queue: self._concurrency - self._used.get(queue, 0) for queue in queues if self.serves(queue)}
        return {queue: count for queue, count in free.items() if count > 0}

    @property
    def claims(self) -> list[StepClaim]:
        """The steps that run now."""
        return [running.claim for running in self._running.values()]

    def holds(self, claim: StepClaim) -> bool:
        """Whether a step is in hand here."""
        return (claim.run_id, claim.step_name) in self._running

    def start(self, claim: StepClaim) -> asyncio.Task[None]:
        """Run a claimed step whose slot is taken already."""
        running = _Running(claim)
        return self._keep(running, self._run(running), self._ended)

    def stop(self, run_id: str, step_name: str) -> None:
        """Ask a step to stop: its coroutine is cancelled, `step.cancelled()` becomes true."""
        running = self._running.get((run_id, step_name))
        # What has ended is being written: its claim is used up, and whoever waits for it is still to be told.
        if running is not None and not running.stopped and not running.over:
            running.stopped = True
            running.cancel()

    async def drain(self, seconds: float) -> None:
        """Let running steps end for so long; then stop them and give them back untried."""
        await self._wait(seconds)
        self._releasing = True
        self.abandon()
        await self._wait(None)

    def abandon(self) -> None:
        """Cancel everything; what can still be given back is."""
        for running in list(self._running.values()):
            running.cancel()

    def finish(self, result: Result) -> None:
        """Write a result whose run is no longer driven here."""
        if result.claim is not None:
            running = _Running(result.claim)
            running.over = True
            self._keep(running, self._write(result.claim, result), self._written)

    async def _wait(self, seconds: float | None) -> None:
        tasks = [running.task for running in self._running.values() if running.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def _keep(
        self, running: _Running, work: Coroutine[Any, Any, None], ended: Callable[[_Running], None]
    ) -> asyncio.Task[None]:
        claim = running.claim
        self._running[claim.run_id, claim.step_name] = running
        running.task = task = asyncio.create_task(work)
        task.add_done_callback(lambda _: ended(running))
        return task

    def _ended(self, running: _Running) -> None:
        self._written(running)
        self.release_slot(running.claim.queue)
        self._host.slot_freed()

    def _written(self, running: _Running) -> None:
        key = (running.claim.run_id, running.claim.step_name)
        if self._running.get(key) is running:
            del self._running[key]

    async def _run(self, running: _Running) -> None:
        host = self._host
        claim = running.claim
        started_at = host.clock.time()
        policy = StepPolicy()
        try:
            if claim.deaths >= MAX_DEATHS:
                raise WorkerLostError(f"{claim.deaths} workers died while they ran step {claim.step_name!r}")  # noqa: TRY301
            definition = self._definition(claim)
            policy = definition.policy(host.runtime.default_policy).with_options(load_options(claim.options))
            options = {**definition.options, **load_options(claim.options)}
            result = await self._attempt(definition, running, policy, options, started_at)
            running.over = True
        except asyncio.CancelledError as error:
            if was_cancelled() and not running.stopped:
                await self._release(claim)
                raise
            await self._failed(running, error, policy, started_at)
        except _CannotRunError as error:
            running.over = True
            await self._refuse(claim, error.refusal)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the step raised
            await self._failed(running, error, policy, started_at)
        else:
            await self._succeeded(claim, result, options, started_at)

    def _definition(self, claim: StepClaim) -> RpcDefinition:
        try:
            return self._host.runtime.registry.rpc(claim.rpc_name)
        except UnknownRpcError as refusal:
            raise _CannotRunError(refusal) from refusal

    async def _data(self, definition: RpcDefinition, claim: StepClaim) -> Any:
        try:
            return await self._host.runtime.data_of(definition.signature, claim.input, claim.tenant)
        except StoredValueError as refusal:
            error = type(refusal)(f"the recorded input of step {claim.step_name!r}: {refusal.message}")
            raise _CannotRunError(error) from refusal

    async def _refuse(self, claim: StepClaim, refusal: PyflowError) -> None:
        """Block the run, as its orchestrator does when it meets the same."""
        host = self._host
        _log.error("%s: run %s: %s: %s", RUN_BLOCKED, claim.run_id, type(refusal).__name__, refusal)
        block = blocked(refusal, host.code_hash(claim.workflow))
        driver = host.driver(claim.run_id)
        refused = await self._persist(lambda: host.state.refuse_step(claim, host.worker_id, block), claim)
        if refused is not None and driver is not None:
            driver.lost()

    async def _attempt(
        self,
        definition: RpcDefinition,
        running: _Running,
        policy: StepPolicy,
        options: Mapping[str, Any],
        started_at: float,
    ) -> Written:
        claim = running.claim
        signature = definition.signature
        runtime = self._host.runtime
        data = await self._data(definition, claim)
        step = Step(
            claim.run_id,
            claim.step_name,
            claim.attempts,
            f"{claim.run_id}/{claim.generation}/{claim.step_name}",
            None if policy.timeout is None else started_at + policy.timeout,
            stops=running.is_stopped,
            streams=self._stream_store(claim),
        )
        with runtime.values.access(claim.tenant):
            call = runtime.call_rpc(definition, data, step)
            value = await (call if policy.timeout is None else runtime.within(policy.timeout, call))
        written = runtime.values.write(signature.result_codec, value, options, options.get("context"))
        if written.draft is not None:
            runtime.values.check_size(written.draft, options)
        return written

    def _stream_store(self, claim: StepClaim) -> StreamStore:
        """What keeps the streams of an attempt, beside its result."""
        values = self._host.runtime.values

        async def store(chunks: Chunks, name: str, content_type: str) -> Payload[bytes]:
            return await values.write_stream(chunks, _origin(claim), file_slot(name), content_type)

        return store

    async def _succeeded(
        self, claim: StepClaim, written: Written, options: Mapping[str, Any], started_at: float
    ) -> None:
        """Place the value if it does not simply stay inline, and pass the result on."""
        if written.draft is None:
            await self._done(claim, written.envelope, None, written.fresh, started_at)
            return
        values = self._host.runtime.values
        try:
            deposit = values.decide(
                written.draft,
                _origin(claim),
                OUTPUT,
                policy=values.policy_of(claim.workflow, claim.queue, options),
                run_inline_bytes=claim.inline_bytes,
            )
            await values.confirm([deposit])
        except (PayloadError, UsageError) as error:  # waiting for the store would not help
            await self._done(claim, OMITTED, error_info(error), None, started_at)
            return
        await self._done(claim, deposit.envelope, None, deposit.fresh, started_at, deposit)

    async def _failed(self, running: _Running, error: BaseException, policy: StepPolicy, started_at: float) -> None:
        claim = running.claim
        running.over = True
        info, delay = failed_attempt(error, policy, claim.attempts)
        if delay is None or running.stopped:
            _log.info("%s: %s of run %s: %s: %s", STEP_FAILED, claim.step_name, claim.run_id, info.type, info.message)
            await self._done(claim, OMITTED, info, None, started_at)
            return
        host = self._host
        due_at = host.clock.time() + delay
        _log.info("%s: %s of run %s in %.1f s: %s", STEP_RETRY, claim.step_name, claim.run_id, delay, info.message)
        driver = host.driver(claim.run_id)
        retry = StepRetry(info, due_at)
        if await self._persist(lambda: host.state.retry_step(claim, host.worker_id, retry), claim):
            if driver is not None:
                driver.unclaimed(claim)
            await host.step_pending(claim, due_at)

    async def _done(
        self,
        claim: StepClaim,
        output: Envelope,
        error: ErrorInfo | None,
        value: Any,
        started_at: float,
        deposit: Deposit | None = None,
    ) -> None:
        host = self._host
        result = StepResult(
            StepForm.RPC,
            claim.step_name,
            claim.epoch,
            claim.attempts,
            output,
            error,
            0,
            None,
            None,
            started_at,
            host.clock.time(),
        )
        driver = host.driver(claim.run_id)
        whole = Result(result, value, claim, deposit=deposit)
        if driver is None or not driver.offer(whole):
            await self._write(claim, whole)

    async def _write(self, claim: StepClaim, whole: Result) -> None:
        """Write a result whose run is not driven here."""
        try:
            finished = await self._persist(partial(self._finish, claim, whole), claim)
        except (PayloadContractError, PayloadError) as error:  # no store will ever take this value
            refused = _refused(whole, error)
            finished = await self._persist(partial(self._finish, claim, refused), claim)
        if finished is not None:
            await self._host.step_written(claim, finished[0].run_owner)

    async def _finish(self, claim: StepClaim, whole: Result) -> FinishedStep:
        host = self._host

        async def write() -> FinishedStep:
            return await host.state.finish_step(claim, host.worker_id, whole.placed().result)

        if whole.deposit is None:
            return await write()
        return await host.runtime.values.commit([whole.deposit], write)

    async def _release(self, claim: StepClaim) -> None:
        host = self._host
        await self._persist(lambda: host.state.release_step(claim, host.worker_id), claim)
        driver = host.driver(claim.run_id)
        if driver is not None:
            driver.unclaimed(claim)

    async def _persist(self, write: Callable[[], Awaitable[T]], claim: StepClaim) -> tuple[T] | None:
        """Write until the store answers, since nobody else takes the step as long as the lease goes on.

        None if the claim is lost, or was used up by an earlier try whose answer did not come.
        """
        while True:
            try:
                return (await write(),)
            except StaleLeaseError:
                return None
            except (PayloadContractError, PayloadError):
                raise
            except StoreError as error:
                _log.warning("%s: step %s of run %s: %s", STORE_TROUBLE, claim.step_name, claim.run_id, error)
            await self._host.clock.sleep(WRITE_AGAIN_SECONDS)


def _refused(whole: Result, error: Exception) -> Result:
    """The failure of a step whose value nobody takes."""
    return whole._replace(result=whole.result._replace(output=OMITTED, error=error_info(error)), deposit=None)


def _origin(claim: StepClaim) -> Origin:
    return Origin(claim.workflow, claim.run_id, claim.step_name, claim.attempts, claim.tenant)

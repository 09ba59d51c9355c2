"""The real engine for tests: on memory, in virtual time, and it can crash.

    async with engine(modules=["app.workflows"], services=Fakes()) as e:
        assert await e.run("onboarding", OnboardingInput(email="a@b")) == ...

While `run`, `result` or `settle` wait, time passes by itself whenever nothing else can happen, so that retries hours
apart take no time. Nothing becomes due while a function of the user's runs: to let an attempt run into its timeout, a
test advances the clock.
"""

from __future__ import annotations

import asyncio
import importlib
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pyflow_core.client import Client
from pyflow_core.engine.values import Values
from pyflow_core.engine.worker import Worker
from pyflow_core.errors import RunError
from pyflow_core.payload.handle import connect_payloads
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.payload.policy import DEFAULT_POLICY
from pyflow_core.ports.state import DEFAULT_TENANT
from pyflow_core.project import WorkflowPlan
from pyflow_core.references import NO_DATA
from pyflow_core.stores import make_payloads, make_state
from pyflow_core.testing.activity import Activity, WatchedRuntime
from pyflow_core.testing.clock import VirtualClock
from pyflow_core.wiring import current_registry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
    from types import ModuleType

    from pyflow_core.ports.payload import PayloadService
    from pyflow_core.ports.state import RunRecord, StepRecord, WorkflowStateService
    from pyflow_core.run import RunHandle
    from pyflow_core.wiring import Registry

T = TypeVar("T")

LOOKS_BEFORE_DUE = 8
"""So often the engine looks at its store in vain before time passes on to what is due next."""

LOOKS_IN_VAIN = 1000
"""After so many with nothing due, a run that is awaited will never end."""


class NothingHappensError(AssertionError):
    """The run that is awaited will never end: no step of it is being worked on, and nothing is due."""


class Engine:
    """A worker and its client. `clock` is its time, `state` and `payloads` are the stores that outlive a `restart`."""

    def __init__(
        self,
        state: WorkflowStateService,
        payloads: PayloadService,
        clock: VirtualClock,
        activity: Activity,
        options: dict[str, Any],
    ) -> None:
        self.clock = clock
        self.state = state
        self.payloads = payloads
        self.client: Client
        self.worker: Worker
        self._activity = activity
        self._watched = activity.around(state)
        self._options = options

    # --- runs

    async def start(
        self,
        workflow: str,
        data: Any = NO_DATA,
        *,
        run_id: str | None = None,
        tags: Sequence[str] = (),
        actor: str | None = None,
    ) -> RunHandle[Any]:
        """Create a run. It is driven whenever the test awaits something; time stands still."""
        return await self.client.start(workflow, data, run_id=run_id, tags=tags, actor=actor)

    async def run(self, workflow: str, data: Any = NO_DATA, *, run_id: str | None = None) -> Any:
        """Start a run and give its output, time passing as needed.

        Raises:
            RunFailedError, RunCancelledError, RunBlockedError
            NothingHappensError: it can never end.
        """
        return await self.result(await self.start(workflow, data, run_id=run_id))

    async def result(self, run: RunHandle[Any] | str) -> Any:
        """The output of a run, time passing as needed. Raises what `run` raises."""
        run_id = run if isinstance(run, str) else run.run_id
        workflow = (await self.client.get_run(run_id)).workflow
        waiting = asyncio.ensure_future(self.client.result(workflow, run_id))
        try:
            await self._let_time_pass(waiting, run_id)
            return await waiting
        finally:
            waiting.cancel()

    async def settle(self, run: RunHandle[Any] | str) -> RunRecord:
        """Let a run end, or be blocked, and give its record."""
        run_id = run if isinstance(run, str) else run.run_id
        with suppress(RunError):
            await self.result(run_id)
        return await self.client.get_run(run_id)

    async def steps(self, run: RunHandle[Any] | str) -> dict[str, StepRecord]:
        """The steps of a run by name, in the order in which they were asked for."""
        run_id = run if isinstance(run, str) else run.run_id
        return {step.step_name: step for step in await self.state.list_steps(run_id)}

    async def idle(self) -> None:
        """Let the engine do all that it can without time passing; functions of the user's may still run."""
        await self._activity.quiet()

    # --- crashes

    async def restart(self, **options: Any) -> None:
        """Crash: the worker and its executions are gone, and a new worker starts on the same state.

        Nothing is drained or given back, as when the process is killed. `options` replace those of `engine`, so that
        the new worker may have other code (`registry`, `code_hash`).
        """
        await self.crash()
        self._options.update(options)
        await self.begin()

    async def crash(self) -> None:
        """Kill the worker; its lease is found dead by the next one."""
        worker_id = self.worker.worker_id
        await self.worker.kill()
        self.clock.on_advance.clear()
        expire: Callable[[str], None] | None = getattr(self.state, "expire", None)
        if expire is not None:
            expire(worker_id)

    async def begin(self) -> None:
        """Start a worker, as `engine` does, and `restart`."""
        options = self._options
        registry: Registry = options["registry"]
        plans: Sequence[WorkflowPlan] = options["plans"] or [
            WorkflowPlan(name=name, code_hash=options["code_hash"]) for name in registry.workflows
        ]
        settings = options["settings"]
        policy = DEFAULT_POLICY.override({**settings, "strict": settings.get("strict_payloads")})
        runtime = WatchedRuntime(
            registry,
            services=options["services"],
            plans=plans,
            settings=settings,
            clock=self.clock,
            values=Values(DataPlanes(self.payloads), self.clock, policy=policy),
        )
        runtime.activity = self._activity
        self.client = Client(self._watched, None, runtime, self.clock, execution_mode=options["execution_mode"])
        self.worker = self.client.worker = Worker(
            self._watched,
            runtime,
            self.clock,
            queues=options["queues"],
            concurrency=options["concurrency"],
            cache_size=options["cache"],
            fused=options["fused"],
            replays=options["replays"],
            settled=self.client.settled,
            left=self.client.left,
        )
        await self.worker.start()
        worker = self.worker
        # Time that a test lets pass is no reason for a lease to expire.
        self.clock.on_advance.append(lambda: self.state.renew(worker.worker_id))

    # --- time

    async def _let_time_pass(self, until: asyncio.Future[Any], run_id: str) -> None:
        activity = self._activity
        in_vain = 0
        until.add_done_callback(lambda _: activity.wake())
        while True:
            await activity.quiet()
            if until.done():
                return
            before = activity.progress
            if not self._move(in_vain):
                await activity.change()
                in_vain = 0
                continue
            await activity.quiet()
            in_vain = in_vain + 1 if activity.progress == before else 0
            if in_vain > LOOKS_IN_VAIN:
                raise NothingHappensError(await self._explain(run_id))

    def _move(self, in_vain: int) -> bool:
        """Let time pass to the next moment at which something may happen; False if only a change can make it so."""
        busy = self._activity.functions > 0
        due, look = self.clock.next_due(), self.clock.next_look()
        may_look = in_vain < LOOKS_BEFORE_DUE or (due is None and not busy)
        if look is not None and may_look and (due is None or look < due):
            self.clock.advance_to(look)
        elif due is not None and not busy:
            self.clock.advance_to(due)
        else:
            return False
        return True

    async def _explain(self, run_id: str) -> str:
        run = await self.client.get_run(run_id)
        waits = [step.step_name for step in await self.state.list_steps(run_id) if step.finished_at is None]
        what = f"its steps {', '.join(waits)} are not worked on" if waits else "it waits for nothing that has a name"
        return f"run {run_id!r} of workflow {run.workflow!r} is {run.status} and will never end: {what}"


@asynccontextmanager
async def engine(
    *,
    modules: Sequence[str | ModuleType] = (),
    registry: Registry | None = None,
    services: Any = None,
    state: WorkflowStateService | Callable[[VirtualClock], WorkflowStateService] | None = None,
    payloads: PayloadService | None = None,
    clock: VirtualClock | None = None,
    fused: bool = True,
    cache: int | None = 1000,
    replays: bool = False,
    queues: Sequence[str] = ("*",),
    concurrency: int = 10,
    execution_mode: Any = None,
    code_hash: str = "",
    plans: Sequence[WorkflowPlan] = (),
    **settings: Any,
) -> AsyncGenerator[Engine]:
    """A running engine.

    Args:
        modules: modules, or their names, whose wiring is to be known; they are imported.
        registry: what is wired, instead of the process's registry.
        services: the object whose attributes are injected by name.
        state: an open service that has `clock` as its clock, or a function that makes one of a clock. Default: memory.
        payloads: an open payload service. Default: memory.
        clock: the time, if the test needs it before the engine exists.
        fused: fused commits; without them the results must be the same.
        cache: how many suspended executions are kept; any number must give the same results.
        replays: replay the run after every step, which must make no difference either.
        queues: glob patterns of the queues to work on.
        concurrency: how many steps of each queue at once.
        execution_mode: `"inline"` or `"remote"` for all workflows, in place of their own.
        code_hash: the hash of the workflows' code, if no plans are given.
        plans: the workflows as they were generated.
        settings: keys of `[tool.pyflow]` such as `retries` or `max_steps`.
    """
    for module in modules:
        if isinstance(module, str):
            importlib.import_module(module)
    clock = clock or VirtualClock()
    options: dict[str, Any] = {
        "registry": registry or current_registry(),
        "services": services,
        "fused": fused,
        "cache": cache,
        "replays": replays,
        "queues": queues,
        "concurrency": concurrency,
        "execution_mode": execution_mode,
        "code_hash": code_hash,
        "plans": plans,
        "settings": settings,
    }
    async with AsyncExitStack() as stack:
        if state is None or callable(state):
            state = make_state("memory://", None, clock) if state is None else state(clock)
            stack.push_async_callback(state.close)
            await state.open()
        payloads = payloads or make_payloads("memory://", None, clock)
        stack.callback(connect_payloads(DataPlanes(payloads, now=clock.time).access(DEFAULT_TENANT)))
        engine = Engine(state, payloads, clock, Activity(), options)
        await engine.begin()
        try:
            yield engine
        finally:
            await engine.worker.kill()
            await engine.client.close()


class BlockingEngine:
    """An engine for tests that are plain functions; a context manager.

    `call` awaits anything of the engine inside: `e.call(e.inner.restart())`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._stack = AsyncExitStack()
        self._runner = asyncio.Runner()
        self.inner: Engine

    def __enter__(self) -> Self:
        self._runner.__enter__()
        try:
            self.inner = self.call(self._stack.enter_async_context(engine(**self._options)))
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.call(self._stack.aclose())
        finally:
            self._runner.close()

    @property
    def clock(self) -> VirtualClock:
        """The engine's time."""
        return self.inner.clock

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something inside the engine's loop."""
        return self._runner.run(work)

    def run(self, workflow: str, data: Any = NO_DATA, *, run_id: str | None = None) -> Any:
        """See `Engine.run`."""
        return self.call(self.inner.run(workflow, data, run_id=run_id))

    def start(self, workflow: str, data: Any = NO_DATA, *, run_id: str | None = None) -> str:
        """Create a run and let the engine do what it can at this moment; the run's id."""

        async def start() -> str:
            handle = await self.inner.start(workflow, data, run_id=run_id)
            await self.inner.idle()
            return handle.run_id

        return self.call(start())

    def result(self, run_id: str) -> Any:
        """See `Engine.result`."""
        return self.call(self.inner.result(run_id))

    def settle(self, run_id: str) -> RunRecord:
        """See `Engine.settle`."""
        return self.call(self.inner.settle(run_id))

    def steps(self, run_id: str) -> dict[str, StepRecord]:
        """See `Engine.steps`."""
        return self.call(self.inner.steps(run_id))

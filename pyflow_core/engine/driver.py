"""Drives one run that this worker owns: feeds its execution, writes what it wants, starts what was written.

A turn is: take the commands, write them in one transaction, then start the local work that was written. Results of
local work come back through the inbox. With fused commits a result is fed before it is written, and what follows from
it waits for the one transaction that writes both; it is checked there that nothing else came between. Without them a
result is written first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from pyflow_core.engine.inline import InlineStep
from pyflow_core.engine.invoking import Invocations
from pyflow_core.engine.outcome import Result
from pyflow_core.engine.placing import Placer
from pyflow_core.engine.replay import Replay, fed
from pyflow_core.engine.settlement import blocked, ended, warn_of_leftovers
from pyflow_core.engine.turn import Planner, Turn
from pyflow_core.engine.unwritten import Unwritten
from pyflow_core.engine.values import RunValues, text_bytes
from pyflow_core.errors import (
    CrashLoopError,
    OvertakenError,
    PayloadCollectedError,
    PayloadContractError,
    PayloadError,
    PyflowError,
    StaleLeaseError,
    StoreError,
    StuckError,
)
from pyflow_core.log import (
    RUN_BLOCKED,
    RUN_LEAKED,
    RUN_RELOADED,
    STORE_TROUBLE,
    logger,
)
from pyflow_core.ports.state import (
    Activation,
    InlineRetry,
    RunStatus,
    Settlement,
    StepClaim,
    StepForm,
    StepStatus,
)

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from pyflow_core.engine.command import Command, Invoke
    from pyflow_core.engine.execution import Execution
    from pyflow_core.engine.host import Host
    from pyflow_core.engine.invoking import Answer
    from pyflow_core.ports.state import Envelope, Numbered, RunClaim, RunHistory
    from pyflow_core.wiring import WorkflowDefinition

MAX_TAKEOVERS = 10
"""So often a run may be taken over from dead owners without getting any further before it is blocked."""

_log = logger("pyflow.run")


class RunDriver:
    """One run in the hands of this worker, from its claim until it parks or settles; a parked one can be resumed."""

    def __init__(self, host: Host, definition: WorkflowDefinition, run_id: str, epoch: int, generation: int) -> None:
        self.host = host
        self.definition = definition
        self.run_id = run_id
        self.epoch = epoch
        self.delivered = 0
        self.settlement: Settlement | None = None
        self._planner = Planner(host, definition, run_id, generation)
        placer = Placer(host, self._planner, definition.name, run_id)
        self._twins = placer.twins
        self._unwritten = Unwritten(host, placer, run_id)
        self._invocations = Invocations(host, self._planner, self._put)
        self._execution: Execution | None = None
        self._carried: list[Command] = []
        self._attempts: dict[str, tuple[int, float]] = {}
        self._inbox: deque[Result | InlineRetry | Answer] = deque()
        self._check = False
        self._waiter: asyncio.Future[None] | None = None
        self._done = False
        self._lost = False

    # --- called by the worker

    async def begin(self, data: Envelope, tenant: str, actor: str | None, started_at: float) -> None:
        """Drive a run that was created just now and claimed at birth; `data` is what was recorded, or its text."""
        self._planner.tenant = tenant
        await self._drive(self._first(data, actor, started_at))

    async def resume(self, claim: RunClaim) -> None:
        """Drive a claimed run: go on where the cached execution parked, or replay its history."""
        self.epoch = claim.epoch
        self._done = False
        self._lost = False
        await self._drive(self._continue(claim))

    def offer(self, result: Result) -> bool:
        """Take the result of a step that ran in this process; False if the run is no longer driven here."""
        if self._done:
            return False
        self._put(result)
        return True

    def claimed(self, claim: StepClaim) -> None:
        """A step of this run was claimed by this process."""
        if not self._done:
            self._planner.open.pop(claim.step_name, None)
            self._planner.local[claim.step_name] = claim

    def unclaimed(self, claim: StepClaim) -> None:
        """A step that ran here is pending again, for another attempt."""
        if not self._done and self._planner.local.pop(claim.step_name, None) is not None:
            self._planner.open[claim.step_name] = claim.queue
            self.poke()

    def holds(self, claim: StepClaim) -> bool:
        """Whether a step of this run is to run here, or ran here and is being written."""
        name = claim.step_name
        return name in self._planner.local or any(one.result.step_name == name for one in self._unwritten.results)

    def poke(self) -> None:
        """Others have added something to the run."""
        self._check = True
        self._wake()

    def lost(self) -> None:
        """Somebody has taken the run away."""
        self._lost = True
        self._wake()

    @property
    def resumable(self) -> bool:
        """Whether the run parked with its execution intact."""
        return self._execution is not None and self.settlement is None

    def retire(self) -> None:
        """Let go of the execution; nothing of it is written or started any more."""
        self._done = True
        execution, self._execution = self._execution, None
        for work in self._planner.local.values():
            if isinstance(work, InlineStep):
                work.cancel()
        self._planner.local.clear()
        self._invocations.cancel()
        if execution is not None and (left := execution.retire()):
            _log.warning("%s: run %s kept %d tasks alive that swallow cancellation", RUN_LEAKED, self.run_id, left)

    # --- the loop

    async def _drive(self, start: Coroutine[Any, Any, None]) -> None:
        try:
            following: Coroutine[Any, Any, None] | None = start
            while following is not None:
                following = await self._until_trouble(following)
        except StaleLeaseError:
            self._hand_over()
            self.retire()
        except asyncio.CancelledError:
            self.retire()
            raise
        except Exception as error:  # noqa: BLE001 - a mistake of ours: the run must not stay owned and silent
            _log.exception("run %s met a mistake of pyflow", self.run_id)
            await self._block(PyflowError(f"a mistake of pyflow: {type(error).__name__}: {error}"))
        finally:
            self._done = True
            self._hand_over()

    async def _until_trouble(self, start: Coroutine[Any, Any, None]) -> Coroutine[Any, Any, None] | None:
        """Drive until the run parks or settles; else what has to be done first before it goes on."""
        try:
            await start
            await self._cycle()
        except StaleLeaseError:
            raise
        except (PayloadContractError, PayloadError) as error:
            return self._after_refused_value(error)
        except OvertakenError as error:
            _log.info("%s: run %s: %s", RUN_RELOADED, self.run_id, error)
            return self._reload()
        except StoreError as error:
            _log.warning("%s: run %s: %s", STORE_TROUBLE, self.run_id, error)
            return self._reload()
        except PyflowError as error:
            return self._block(error)
        return None

    def _after_refused_value(self, error: PayloadContractError | PayloadError) -> Coroutine[Any, Any, None]:
        """Store anew what was collected too early; nothing else will ever be taken, so the run is blocked."""
        if isinstance(error, PayloadCollectedError) and self._unwritten.again(error):
            _log.info("%s: run %s: %s", RUN_RELOADED, self.run_id, error)
            return self._reload()
        self._unwritten.clear()
        return self._block(error)

    async def _cycle(self) -> None:
        """Turn after turn, until the run parks or settles."""
        while self.settlement is None:
            if await self._turn():
                return
            if not self._inbox and not self._check and not self._lost:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
            if self._lost:
                raise StaleLeaseError
            if self._check:
                self._check = False
                await self._catch_up()
            if self._inbox:
                self._take_in()
                if not self.host.fused or self.host.replays:
                    await self._write_first()
                    continue
                if self._unwritten.has_deposits:
                    await self._unwritten.place()
                self._feed_first()

    async def _first(self, recorded: Envelope, actor: str | None, started_at: float) -> None:
        data = await self.host.runtime.data_of(self.definition.signature, recorded, self._planner.tenant)
        self._twins.note(recorded)
        self._planner.inline_bytes = 0 if recorded.reference else text_bytes(recorded.inline)
        self._execution = self.host.runtime.execution(
            self.definition, self.run_id, data, actor=actor, started_at=started_at
        )
        self._execution.start()

    async def _continue(self, claim: RunClaim) -> None:
        if claim.history is None and self._execution is not None:
            await fed(self._execution, claim.fresh, self._values)
            self._note_arrivals(claim)
            return
        self.retire()
        self._done = False
        history = claim.history
        if history is None:
            history = await self._load()
        await self._replay(history)

    def _note_arrivals(self, claim: RunClaim) -> None:
        self._note_ended(claim.fresh)
        if self._execution is not None:
            self.delivered = self._execution.delivered

    async def _replay(self, history: RunHistory) -> None:
        run = history.run
        self._planner.generation = run.generation
        if run.takeovers >= MAX_TAKEOVERS:
            raise CrashLoopError(
                f"the run was taken over {run.takeovers} times from workers that died before it got any further"
            )
        self._planner.tenant = run.tenant
        self._planner.inline_bytes = _inline_bytes(history)
        data = await self.host.runtime.data_of(self.definition.signature, run.input, run.tenant)
        self._twins.note(run.input)
        execution = self._execution = self.host.runtime.execution(
            self.definition, self.run_id, data, actor=run.actor, started_at=run.created_at
        )
        self._attempts = {
            s.step_name: (s.attempts, s.due_at or 0.0) for s in history.steps if s.form is StepForm.INLINE
        }
        unfinished = (StepStatus.PENDING, StepStatus.RUNNING)
        self._planner.open = {
            s.step_name: s.queue or ""
            for s in history.steps
            if s.form is StepForm.RPC and s.status in unfinished and s.step_name not in self._planner.local
        }
        replay = Replay(
            execution,
            history,
            self._answer_now,
            self._values,
            block_changed_input=self.host.runtime.block_changed_input,
        )
        self._carried = await replay.run()
        self.delivered = execution.delivered = max(execution.delivered, run.seq)

    async def _answer_now(self, invokes: list[Invoke]) -> None:
        """Replay waits for these: the workflow asked for its next step only after their answers."""
        execution = self._running()
        for invoke in invokes:
            execution.answer(*await self._invocations.repeat(invoke))

    async def _turn(self) -> bool:
        """Write what the workflow wants and start it; True when the run has parked or settled."""
        unwritten = self._unwritten
        while True:
            turn = self._prepare()
            activation = turn.activation
            if not turn.writes:
                self._start(turn)
                return False
            refers = unwritten.has_deposits or turn.drafts or turn.output is not None
            try:
                if refers:
                    await unwritten.place_turn(turn)
                committed = await self.host.state.commit(activation)
            except OvertakenError:
                self._undo(turn)
                if unwritten.results:
                    raise
                await self._catch_up()
                continue
            except BaseException:
                self._undo(turn)
                unwritten.doubtful += turn.claims
                raise
            self.delivered = activation.delivered + len(unwritten.results)
            if refers:
                unwritten.note_written()
            unwritten.clear()
            self.host.run_written(self, activation)
            if activation.settle is not None:
                self._settle(activation.settle)
                return True
            if committed.parked:
                return True
            self._start(turn)
            if committed.seq == self.delivered:
                return False
            await self._catch_up()

    def _prepare(self) -> Turn:
        execution = self._running()
        activation = Activation(self.run_id, self.epoch, self.host.worker_id, self.delivered)
        turn = Turn(activation)
        self._unwritten.enter(activation)
        commands = execution.take_commands()
        if self._carried:
            commands = [*self._carried, *commands]
            self._carried = []
        if execution.refusal is None and not execution.finished:
            self._planner.plan(commands, turn)
            if not (self._planner.local or turn.inline or turn.invokes or self._invocations.under_way or self._inbox):
                self._plan_park(turn)
        if execution.refusal is not None:
            activation.settle = self._blocked(execution.refusal)
            activation.exact = False
        elif execution.finished:
            activation.settle, turn.output = ended(execution, self.definition, self.host.runtime.values)
            activation.exact = True
        return turn

    def _plan_park(self, turn: Turn) -> None:
        """Nothing runs here: give the run up, unless this process is about to run one of its steps."""
        if self._planner.open:
            turn.activation.park = not self.host.may_hold(set(self._planner.open.values()))
            return
        self._running().condemn(
            StuckError(
                "the workflow waits for something that can never happen: no step, and nothing else that has a "
                "name, is outstanding"
            )
        )

    def _start(self, turn: Turn) -> None:
        for claim in turn.claims:
            self.host.start_step(claim)
        for name in turn.stops:
            self.host.stop_step(self.run_id, name)
        for ask in turn.inline:
            attempts, due_at = self._attempts.pop(ask.step_name, (0, 0.0))
            step = InlineStep(
                self.host.runtime, self.host.clock, ask, attempts, due_at, self._inline_done, self._planner.tenant
            )
            self._planner.local[ask.step_name] = step
            step.start()
        for invoke in turn.invokes:
            self._invocations.start(invoke)

    def _undo(self, turn: Turn) -> None:
        """The turn was not written: what it reserved is given back, what it took is wanted again after a reload."""
        self._planner.undo(turn)
        self._carried = []

    # --- results

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _put(self, item: Result | InlineRetry | Answer) -> None:
        self._inbox.append(item)
        self._wake()

    def _take_in(self) -> None:
        """Take what has come in."""
        inbox, self._inbox = self._inbox, deque()
        for item in inbox:
            if isinstance(item, Result):
                self._planner.ended(item.result.step_name)
                self._unwritten.add(item)
            elif isinstance(item, InlineRetry):
                self._unwritten.retries[item.step_name] = item
            else:
                self._running().answer(*item)

    def _feed_first(self) -> None:
        """Fused commits: results are fed now, each by its own number, and written with what follows from them."""
        execution = self._running()
        for result in self._unwritten.results:
            self._deliver(execution, result)

    def _deliver(self, execution: Execution, result: Result) -> None:
        self._planner.inline_bytes += text_bytes(result.result.output.inline)
        execution.deliver(execution.delivered + 1, result.event())

    async def _write_first(self) -> None:
        """Plain commits: the results are on disk before the workflow sees them."""
        if not self._unwritten.results:
            return
        if self.host.replays:
            await self._reload()
            return
        execution = self._running()
        committed = await self._unwritten.write(self._activation(self.delivered), self._unwritten.results)
        results = self._unwritten.take_results()
        if committed.seq != self.delivered + len(results):
            await self._catch_up()
            return
        for result in results:
            self._deliver(execution, result.placed())
        self.delivered = execution.delivered

    async def _catch_up(self) -> None:
        """Load and feed what others have added."""
        execution = self._running()
        items = await self.host.state.load_after(self.run_id, self.delivered)
        self._note_ended(items)
        self.delivered = await fed(execution, items, self._values)

    def _note_ended(self, items: Iterable[Numbered]) -> None:
        for item in items:
            if item.step is not None:
                self._planner.ended(item.step.step_name)
                self._planner.inline_bytes += text_bytes(item.step.output.inline)

    def _inline_done(self, outcome: Result | InlineRetry | None, step_name: str) -> None:
        if self._done:
            return
        if outcome is None:
            self._planner.local.pop(step_name, None)
            self.poke()
        else:
            self._put(outcome)

    # --- trouble

    async def _reload(self) -> None:
        """Retire the execution, write the results in hand that the store does not have, and replay."""
        self._forget_execution()
        await self._replay(await self._unwritten.save(self._load, self._activation))

    def _forget_execution(self) -> None:
        execution, self._execution = self._execution, None
        self._invocations.cancel()
        if execution is not None:
            execution.retire()

    async def _load(self) -> RunHistory:
        history = await self.host.state.load_run(self.run_id)
        if history is None or history.run.owner != self.host.worker_id or history.run.epoch != self.epoch:
            raise StaleLeaseError
        return history

    async def _block(self, error: PyflowError) -> None:
        activation = self._activation(self.delivered)
        activation.settle = self._blocked(error)
        await self.host.state.commit(activation)
        self.host.run_written(self, activation)
        self._settle(activation.settle)

    def _blocked(self, error: PyflowError) -> Settlement:
        _log.error("%s: run %s: %s: %s", RUN_BLOCKED, self.run_id, type(error).__name__, error)
        return blocked(error, self.host.code_hash(self.definition.name))

    def _settle(self, settlement: Settlement) -> None:
        self.settlement = settlement
        if self._execution is not None and settlement.status is not RunStatus.BLOCKED:
            warn_of_leftovers(self._execution, self.run_id)
        if settlement.status.settled:  # a blocked run still takes the results of its steps
            for name, work in self._planner.local.items():
                if isinstance(work, StepClaim):
                    self.host.stop_step(self.run_id, name)
        self.retire()

    def _hand_over(self) -> None:
        """Results that came too late for this driver are written on their own, if their claims still hold."""
        waiting = [*self._unwritten.take_results(), *(item for item in self._inbox if isinstance(item, Result))]
        self._inbox.clear()
        for result in waiting:
            if result.claim is not None:
                self.host.finish_elsewhere(result)

    def _activation(self, delivered: int) -> Activation:
        return Activation(self.run_id, self.epoch, self.host.worker_id, delivered)

    @property
    def _values(self) -> RunValues:
        return RunValues(self.host.runtime.values, self._planner.tenant, self._twins)

    def _running(self) -> Execution:
        if self._execution is None:
            raise StaleLeaseError
        return self._execution


def _inline_bytes(history: RunHistory) -> int:
    """What a run holds inline."""
    texts = [history.run.input.inline]
    for step in history.steps:
        texts += (step.input.inline, step.output.inline)
    return sum(map(text_bytes, texts))

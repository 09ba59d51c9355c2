"""Replay: feeding a new execution what its run has recorded, and refusing code that no longer fits the record.

Recorded results are delivered by their numbers, each after everything was asked for that had been asked for by then.
A result is never ready at the moment its step is asked for, so a replay takes the same turns as the live run did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.codec import hash_text
from pyflow_core.engine.command import (
    UNDECODED,
    AskInline,
    AskRpc,
    CancelRequested,
    CancelStep,
    Command,
    Event,
    Invoke,
    Nothing,
    StepCompleted,
    StepErrored,
)
from pyflow_core.engine.execution import located
from pyflow_core.errors import CodecError, DivergenceError, PayloadError
from pyflow_core.log import STEP_INPUT_CHANGED, logger
from pyflow_core.payload.handle_codec import PayloadCodec
from pyflow_core.ports.state import OMITTED, EntryType, Numbered, StepForm, StepStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pyflow_core.engine.execution import Execution
    from pyflow_core.engine.values import RunValues
    from pyflow_core.ports.state import RunHistory, StepRecord

_log = logger("pyflow.replay")


class Replay:
    """One replay of a run.

    `answer_invokes` calls RPCs that the workflow invoked bare, and answers them. `values` brings what lies in a payload
    store.
    """

    def __init__(
        self,
        execution: Execution,
        history: RunHistory,
        answer_invokes: Callable[[list[Invoke]], Awaitable[None]],
        values: RunValues,
        *,
        block_changed_input: bool = False,
    ) -> None:
        self._execution = execution
        self._answer_invokes = answer_invokes
        self._values = values
        self._block_changed_input = block_changed_input
        self._to_compare: list[tuple[AskRpc, StepRecord]] = []
        self._recorded = {step.step_name: step for step in history.steps}
        self._numbered = numbered(history)
        # Steps in the order in which they were asked for, as far as numbers tell.
        self._expected = sorted(history.steps, key=lambda step: step.asked_at)
        self._met = 0
        # New RPC steps that the code asks for although the record holds steps that were asked for later.
        self._put_before: list[str] = []
        self._invokes: list[Invoke] = []
        self._invoked: list[str] = []
        self._answered = False
        self._fresh: list[Command] = []

    async def run(self) -> list[Command]:
        """Replay to the end of the record; what the workflow wants that the record does not hold yet.

        A divergence condemns the execution, whose `refusal` says what differs.
        """
        execution = self._execution
        execution.replaying = self._has_gone_on(0)
        execution.start()
        await self._sort_commands()
        for item in self._numbered:
            await self._meet_expected()
            if execution.refusal is not None:
                return []
            execution.replaying = self._has_gone_on(item.seq)
            execution.deliver(item.seq, await event_for(execution, item, self._values))
            await self._sort_commands()
        await self._meet_expected()
        execution.replaying = False
        return [] if execution.refusal is not None else [*self._fresh, *self._invokes]

    def _has_gone_on(self, number: int) -> bool:
        """Whether the record shows that the code after this number has run before."""
        last = self._numbered[-1].seq if self._numbered else 0
        return number < last or (bool(self._expected) and self._expected[-1].asked_at >= number)

    async def _sort_commands(self) -> None:
        self._sort(self._execution.take_commands())
        while self._to_compare:
            await self._compare_inputs(*self._to_compare.pop())

    def _sort(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Invoke):
                self._invokes.append(command)
                self._invoked.append(command.rpc.name)
            elif isinstance(command, CancelStep):
                self._sort_cancel(command)
            else:
                self._sort_ask(command)

    def _sort_cancel(self, command: CancelStep) -> None:
        recorded = self._recorded.get(command.step_name)
        if recorded is None or recorded.status in (StepStatus.PENDING, StepStatus.RUNNING):
            self._fresh.append(command)

    def _sort_ask(self, command: AskRpc | AskInline) -> None:
        recorded = self._recorded.get(command.step_name)
        if recorded is None:
            if isinstance(command, AskRpc) and self._is_early(command):
                self._put_before.append(command.step_name)
            self._fresh.append(command)
            return
        self._compare(command, recorded)
        if isinstance(command, AskInline) and recorded.status is StepStatus.PENDING:
            self._fresh.append(command)

    def _is_early(self, ask: AskRpc) -> bool:
        # Of several bare invokes some may be answered earlier now than when the run was live: then nothing can be told.
        return bool(self._expected) and self._expected[-1].asked_at > ask.asked_at and not self._answered

    async def _meet_expected(self) -> None:
        """Everything that had been asked for by now must have been asked for; bare invokes may hold it back."""
        while missing := self._missing():
            if not self._invokes or self._execution.refusal is not None:
                instead = f"; it asks for {_names(self._put_before)} instead" if self._put_before else ""
                self._diverge(
                    f"this run's history holds the step{'s' if len(missing) > 1 else ''} {_names(missing)}, "
                    f"which the code no longer asks for at this point{instead}"
                )
                return
            invokes, self._invokes = self._invokes, []
            self._answered = True
            await self._answer_invokes(invokes)
            await self._sort_commands()
        if self._put_before:
            self._diverge(
                f"the code asks for {_names(self._put_before)} before {self._expected[-1].step_name!r}, "
                "which this run's history holds without it"
            )

    def _missing(self) -> list[str]:
        execution = self._execution
        while self._met < len(self._expected):
            step = self._expected[self._met]
            if step.asked_at > execution.delivered:
                return []
            if not execution.asked(step.step_name):
                behind = self._expected[self._met :]
                return [
                    s.step_name
                    for s in behind
                    if s.asked_at <= execution.delivered and not execution.asked(s.step_name)
                ]
            self._met += 1
        return []

    def _compare(self, command: AskRpc | AskInline, recorded: StepRecord) -> None:
        name = command.step_name
        form = StepForm.RPC if isinstance(command, AskRpc) else StepForm.INLINE
        if form is not recorded.form:
            self._diverge(f"step {name!r} was recorded as an {recorded.form} step, and the code now makes it {form}")
        elif isinstance(command, AskRpc):
            if command.rpc.name != recorded.rpc_name:
                self._diverge(f"step {name!r} was recorded for RPC {recorded.rpc_name!r}, not {command.rpc.name!r}")
            elif command.sha256 != recorded.input_sha256:
                self._to_compare.append((command, recorded))

    async def _compare_inputs(self, command: AskRpc, recorded: StepRecord) -> None:
        if await self._present_hash(command, recorded) == command.sha256:
            return
        finished = recorded.status in (StepStatus.COMPLETED, StepStatus.FAILED)
        if finished and not self._block_changed_input:
            _log.warning(
                "%s: step %r of run %s was recorded with another input; its recorded result is used",
                STEP_INPUT_CHANGED,
                command.step_name,
                recorded.run_id,
            )
            return
        self._diverge(f"step {command.step_name!r} was asked for with another input than the code gives it now")

    async def _present_hash(self, command: AskRpc, recorded: StepRecord) -> str | None:
        """The hash of the recorded input as the present type reads it: a new field with a default is no change."""
        signature = command.rpc.signature
        try:
            if signature.data is None or recorded.input == OMITTED:
                return hash_text(recorded.input.inline or "null")
            if recorded.input.inline is not None:
                return signature.data_codec.rehash(recorded.input.inline)
            if isinstance(signature.data_codec, PayloadCodec):
                return None  # of a handle the record's hash is that of what it names
            return await self._values.rehash(signature.data_codec, recorded.input)
        except CodecError:
            return None

    def _diverge(self, what: str) -> None:
        cause = (
            f"; a likely cause is the bare rpc.invoke({self._invoked[-1]!r}), whose answer may differ each time"
            if self._invoked
            else "; run it with the code it began with, or re-drive it"
        )
        self._execution.condemn(DivergenceError(f"{what}{cause}"))


def _names(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)


def numbered(history: RunHistory) -> list[Numbered]:
    """Everything with a number, in order."""
    steps = (Numbered(step.seq, step=step) for step in history.steps if step.seq is not None)
    entries = (Numbered(entry.seq, entry=entry) for entry in history.entries)
    return sorted([*steps, *entries], key=lambda item: item.seq)


def event_of(item: Numbered) -> Event:
    """What an execution is told of a numbered row."""
    step = item.step
    if step is not None:
        at = step.finished_at or 0.0
        if step.status is StepStatus.COMPLETED:
            return StepCompleted(step.step_name, step.output.inline, UNDECODED, at)
        if step.status is StepStatus.FAILED and step.error is not None:
            return StepErrored(step.step_name, step.attempts, step.error, at)
        return Nothing(at)
    entry = item.entry
    if entry is not None and entry.type is EntryType.CANCEL:
        return CancelRequested(entry.at)
    return Nothing(0.0)


async def event_for(execution: Execution, item: Numbered, values: RunValues) -> Event:
    """`event_of` with the value at hand, where it lies in a payload store and somebody waits for it."""
    event = event_of(item)
    step = item.step
    if step is None or step.output.reference is None or not isinstance(event, StepCompleted):
        return event
    codec = execution.codec_of(step.step_name)
    if codec is None:
        return Nothing(event.at)
    try:
        return event._replace(value=await values.bring(codec, step.output))
    except (CodecError, PayloadError) as error:
        execution.condemn(located(error, step.step_name))
        return Nothing(event.at)


async def fed(execution: Execution, items: Iterable[Numbered], values: RunValues) -> int:
    """Deliver numbered rows in order; the last number."""
    for item in items:
        execution.deliver(item.seq, await event_for(execution, item, values))
    return execution.delivered

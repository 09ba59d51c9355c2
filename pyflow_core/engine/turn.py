"""One turn of a run: what it writes, and the local work to start once that is written.

Planning reserves: slots for the steps that are born claimed, and names, so that nothing is started twice. `undo` gives
back what the turn had reserved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pyflow_core.engine.command import AskInline, AskRpc, CancelStep
from pyflow_core.engine.inline import InlineStep
from pyflow_core.engine.values import text_bytes
from pyflow_core.options import dump_options
from pyflow_core.ports.state import DEFAULT_TENANT, NewStep, StepClaim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pyflow_core.engine.command import Command, Invoke
    from pyflow_core.engine.host import Host
    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.draft import Draft
    from pyflow_core.ports.state import Activation
    from pyflow_core.wiring import WorkflowDefinition

T = TypeVar("T")


class Turn:
    """What one turn writes, and what is started and stopped after it.

    `drafts` are inputs of steps that are to be placed before it is written, `output` is the run's.

    Most turns hold one thing, and a great many wait for one commit: a list is made when something is put into it.
    """

    __slots__ = ("activation", "asks", "cancels", "claims", "drafts", "inline", "invokes", "output", "stops")

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self.asks: Sequence[NewStep] = ()
        self.cancels: Sequence[str] = ()
        self.claims: Sequence[StepClaim] = ()
        self.inline: Sequence[AskInline] = ()
        self.invokes: Sequence[Invoke] = ()
        self.stops: Sequence[str] = ()
        self.drafts: dict[str, Draft] | None = None
        self.output: Draft | None = None

    def add_draft(self, step_name: str, draft: Draft) -> None:
        """Enter the input of a step that is to be placed."""
        if self.drafts is None:
            self.drafts = {}
        self.drafts[step_name] = draft

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        planned = self.activation
        written = planned.results or planned.asks or planned.retries or planned.cancels
        return bool(written or planned.settle or planned.park)


def _added(items: Sequence[T], item: T) -> list[T]:
    if isinstance(items, list):
        items.append(item)
        return items
    return [item]


class Planner:
    """Turns the commands of an execution into a turn, and knows the steps of its run that have not ended.

    `local` are those in the hands of this process, `open` the queues of those that wait or run elsewhere.
    `inline_bytes` is what the run holds inline of all that its execution has asked with and been fed.
    """

    __slots__ = ("_definition", "_host", "_run_id", "generation", "inline_bytes", "local", "open", "tenant")

    def __init__(self, host: Host, definition: WorkflowDefinition, run_id: str, generation: int) -> None:
        self._host = host
        self._definition = definition
        self._run_id = run_id
        self.generation = generation
        self.tenant = DEFAULT_TENANT
        self.inline_bytes = 0
        self.local: dict[str, InlineStep | StepClaim] = {}
        self.open: dict[str, str] = {}

    def plan(self, commands: Iterable[Command], turn: Turn) -> None:
        """Enter what the workflow wants."""
        for command in commands:
            if isinstance(command, AskInline):
                if command.step_name not in self.local:
                    turn.inline = _added(turn.inline, command)
            elif isinstance(command, AskRpc):
                self._plan_rpc(command, turn)
            elif isinstance(command, CancelStep):
                self._plan_cancel(command.step_name, turn)
            else:
                turn.invokes = _added(turn.invokes, command)
        turn.activation.asks = turn.asks
        turn.activation.cancels = turn.cancels

    def undo(self, turn: Turn) -> None:
        """Give back what the turn had reserved: it was not written."""
        for claim in turn.claims:
            self.local.pop(claim.step_name, None)
            self._host.release_slot(claim.queue)

    def rewrite_claims(self, turn: Turn, inputs: Mapping[str, Deposit]) -> None:
        """Give the claims of a turn the inputs that were placed; text that is at hand need not be read back."""
        turn.claims = [
            claim._replace(input=inputs[claim.step_name].at_hand) if claim.step_name in inputs else claim
            for claim in turn.claims
        ]
        self.local.update((claim.step_name, claim) for claim in turn.claims)

    def ended(self, step_name: str) -> None:
        """A step has ended, wherever it ran: a claim may be older than the driver, or the driver than a claim."""
        self.local.pop(step_name, None)
        self.open.pop(step_name, None)

    def _plan_rpc(self, ask: AskRpc, turn: Turn) -> None:
        name = ask.step_name
        queue = self._host.runtime.plan(self._definition.name).queue_of(name)
        options = dump_options(ask.options) if ask.options else None
        claimed = self._host.take_slot(queue)
        new = NewStep(
            name,
            ask.rpc.name,
            queue,
            ask.options.get("description"),
            options,
            ask.data.envelope,
            ask.sha256,
            ask.asked_at,
            claimed,
            self.inline_bytes,
        )
        if ask.data.draft is not None:
            turn.add_draft(name, ask.data.draft)
        turn.asks = _added(turn.asks, new)
        if claimed:
            claim = StepClaim(
                self._run_id,
                self._definition.name,
                self.generation,
                name,
                ask.rpc.name,
                queue,
                options,
                ask.data.envelope,
                epoch=1,
                attempts=1,
                tenant=self.tenant,
                inline_bytes=self.inline_bytes,
            )
            self.local[name] = claim
            turn.claims = _added(turn.claims, claim)
        else:
            self.open[name] = queue
        self.inline_bytes += text_bytes(ask.data.envelope.inline)

    def _plan_cancel(self, name: str, turn: Turn) -> None:
        if turn.inline:
            turn.inline = [ask for ask in turn.inline if ask.step_name != name]
        work = self.local.get(name)
        if isinstance(work, InlineStep):
            work.cancel()
            return
        if work is not None or name in self.open:
            turn.cancels = _added(turn.cancels, name)
            self.open.pop(name, None)
        if work is not None:
            turn.stops = _added(turn.stops, name)

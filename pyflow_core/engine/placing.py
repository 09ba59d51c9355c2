"""Putting the values of a run where they belong, right before the commit that refers to them.

A crash in between leaves payloads that no row refers to, which collection finds; never a row that refers to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.engine.twin import Twins
from pyflow_core.payload.keeper import again
from pyflow_core.payload.key import INPUT, OUTPUT
from pyflow_core.payload.writer import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_core.engine.host import Host
    from pyflow_core.engine.outcome import Result
    from pyflow_core.engine.turn import Planner, Turn
    from pyflow_core.errors import PayloadCollectedError
    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.draft import Draft
    from pyflow_core.payload.policy import PayloadPolicy
    from pyflow_core.ports.state import NewStep


class Placer:
    """Decides where the values of one run go, and has them stored before a turn that refers to them is written."""

    __slots__ = ("_editions", "_host", "_of_turn", "_planner", "_run_id", "_workflow", "twins")

    def __init__(self, host: Host, planner: Planner, workflow: str, run_id: str) -> None:
        self._host = host
        self._planner = planner
        self._workflow = workflow
        self._run_id = run_id
        self._of_turn: Sequence[Deposit] = ()
        self.twins = Twins()
        # What a workflow asks with is decided anew after a reload: under which name it is not to be stored again.
        self._editions: dict[tuple[str | None, str], int] = {}

    def decided(self, staged: Result) -> Result:
        """A result of which it is decided where its value goes."""
        draft, result = staged.draft, staged.result
        if draft is None:
            return staged
        deposit = self._host.runtime.values.decide(
            draft,
            self._origin(result.step_name, result.attempts),
            OUTPUT,
            policy=self._policy(None, result.options),
            run_inline_bytes=self._planner.inline_bytes,
        )
        return staged._replace(draft=None, deposit=deposit).placed()

    async def place_results(self, staged: Sequence[Result]) -> list[Result]:
        """The results, their values where they belong."""
        await self._host.runtime.values.confirm(deposits_of(staged))
        return [one.placed() for one in staged]

    async def place_turn(self, turn: Turn, staged: Sequence[Result]) -> list[Result]:
        """Place what a turn asks for with, the run's output, and the results that it writes; those results."""
        activation = turn.activation
        drafts = turn.drafts or {}
        inputs = {
            ask.step_name: self._decide_input(ask, drafts[ask.step_name])
            for ask in turn.asks
            if ask.step_name in drafts
        }
        output = None if turn.output is None else self._decide_output(turn.output)
        self._of_turn = [*inputs.values(), *(() if output is None else (output,))]
        beside = deposits_of(staged)
        pairs = self.twins.pair(self._of_turn, beside)
        paired = {id(pair.deposit) for pair in pairs}
        own = [deposit for deposit in self._of_turn if id(deposit) not in paired]
        await self._host.runtime.values.confirm([*own, *beside])
        for pair in pairs:
            pair.settle()
        if inputs:
            self._enter_inputs(turn, inputs)
        if output is not None and activation.settle is not None:
            activation.settle = activation.settle._replace(output=output.envelope)
        placed = [one.placed() for one in staged]
        activation.results = [one.result for one in placed]
        return placed

    def note_written(self, staged: Sequence[Result]) -> None:
        """The turn that was just placed is written, with these results."""
        self.twins.note_written([*self._of_turn, *deposits_of(staged)])

    def again(self, staged: Sequence[Result], error: PayloadCollectedError) -> bool:
        """After a refused turn: what was collected goes under another name; False if it is not this run's."""
        deposits = [*self._of_turn, *deposits_of(staged)]
        helps = again(deposits, error)
        for deposit in self._of_turn:
            self._editions[deposit.origin.step_name, deposit.slot] = deposit.edition
        return helps

    def _decide_output(self, draft: Draft) -> Deposit:
        return self._host.runtime.values.decide(
            draft,
            self._origin(None, 0),
            OUTPUT,
            policy=self._policy(None, None),
            run_inline_bytes=self._planner.inline_bytes,
            edition=self._editions.get((None, OUTPUT), 0),
        )

    def _decide_input(self, ask: NewStep, draft: Draft) -> Deposit:
        deposit = self._host.runtime.values.decide(
            draft,
            self._origin(ask.step_name, 0),
            INPUT,
            kind="input",
            policy=self._policy(ask.queue, None),
            run_inline_bytes=ask.inline_bytes,
            edition=self._editions.get((ask.step_name, INPUT), 0),
        )
        self._planner.inline_bytes += deposit.inline_bytes
        return deposit

    def _enter_inputs(self, turn: Turn, inputs: dict[str, Deposit]) -> None:
        turn.asks = turn.activation.asks = [
            ask._replace(input=inputs[ask.step_name].envelope) if ask.step_name in inputs else ask for ask in turn.asks
        ]
        self._planner.rewrite_claims(turn, inputs)

    def _policy(self, queue: str | None, options: str | None) -> PayloadPolicy:
        return self._host.runtime.value_policy(self._workflow, queue, options)

    def _origin(self, step_name: str | None, attempt: int) -> Origin:
        return Origin(self._workflow, self._run_id, step_name, attempt, self._planner.tenant)


def deposits_of(staged: Sequence[Result]) -> list[Deposit]:
    """The deposits of results that have one."""
    return [one.deposit for one in staged if one.deposit is not None]

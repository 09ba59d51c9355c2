"""Putting the drafts of a run where they belong, before the commit that refers to them.

A crash in between leaves payloads that no row refers to, which collection finds; never a row that refers to nothing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core.payload.key import INPUT, OUTPUT
from pyflow_core.payload.writer import Origin
from pyflow_core.ports.state import OMITTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyflow_core.engine.host import Host
    from pyflow_core.engine.outcome import Result
    from pyflow_core.engine.turn import Planner, Turn
    from pyflow_core.payload.plane import Draft, Kept
    from pyflow_core.payload.policy import PayloadPolicy
    from pyflow_core.ports.state import NewStep

MAX_EDITIONS = 8
"""So often a value may be collected before it is referred to; then the reference is that of somebody else."""

AT_ONCE = 16
"""So many payloads of a run are stored at the same time."""


class Placer:
    """Places the values of one run. `edition` rises whenever a payload was collected before it was referred to."""

    __slots__ = ("_host", "_planner", "_run_id", "_workflow", "edition")

    def __init__(self, host: Host, planner: Planner, workflow: str, run_id: str) -> None:
        self._host = host
        self._planner = planner
        self._workflow = workflow
        self._run_id = run_id
        self.edition = 0

    async def place_results(self, staged: Sequence[Result]) -> list[Result]:
        """The results, those with drafts placed."""
        limit = asyncio.Semaphore(AT_ONCE)

        async def place(result: Result) -> Result:
            if result.draft is None or not result.is_unplaced:
                return result
            async with limit:
                return await self._place_result(result, result.draft)

        return list(await asyncio.gather(*map(place, staged)))

    async def _place_result(self, staged: Result, draft: Draft) -> Result:
        result = staged.result
        claim = staged.claim
        kept = await self._host.runtime.values.place(
            draft,
            self._origin(result.step_name, result.attempts),
            OUTPUT,
            policy=self._policy(None, result.options) if claim is None else self._policy(claim.queue, claim.options),
            run_inline_bytes=self._planner.inline_bytes if claim is None else claim.inline_bytes,
            edition=self.edition,
        )
        return staged._replace(result=result._replace(output=kept.envelope), value=kept.fresh, stored_at=kept.stored_at)

    async def place_turn(self, turn: Turn) -> None:
        """Place what a turn asks for with, and the run's output."""
        activation = turn.activation
        drafts = turn.drafts
        if drafts:
            limit = asyncio.Semaphore(AT_ONCE)

            async def place(ask: NewStep) -> NewStep:
                draft = drafts.get(ask.step_name)
                if draft is None:
                    return ask
                async with limit:
                    return await self._place_input(ask, draft)

            asks = await asyncio.gather(*map(place, turn.asks))
            turn.asks = activation.asks = list(asks)
            self._planner.rewrite_claims(turn)
        if turn.output is not None and activation.settle is not None:
            kept = await self._host.runtime.values.place(
                turn.output,
                self._origin(None, 0),
                OUTPUT,
                policy=self._policy(None, None),
                run_inline_bytes=self._planner.inline_bytes,
                edition=self.edition,
            )
            activation.settle = activation.settle._replace(output=kept.envelope)

    async def _place_input(self, ask: NewStep, draft: Draft) -> NewStep:
        kept: Kept = await self._host.runtime.values.place(
            draft,
            self._origin(ask.step_name, 0),
            INPUT,
            kind="input",
            policy=self._policy(ask.queue, None),
            run_inline_bytes=ask.inline_bytes,
            edition=self.edition,
        )
        self._planner.inline_bytes += kept.inline_bytes
        return ask._replace(input=kept.envelope)

    def unplace(self, staged: Iterable[Result]) -> list[Result]:
        """The results as they were before they were placed: what they were stored as may be gone."""
        self.edition += 1
        return [
            one if one.draft is None else one._replace(result=one.result._replace(output=OMITTED)) for one in staged
        ]

    def _policy(self, queue: str | None, options: str | None) -> PayloadPolicy:
        return self._host.runtime.value_policy(self._workflow, queue, options)

    def _origin(self, step_name: str | None, attempt: int) -> Origin:
        return Origin(self._workflow, self._run_id, step_name, attempt, self._planner.tenant)

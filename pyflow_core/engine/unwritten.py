"""What a driver has in hand and its store does not have yet, and how it gets there when a turn was not written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.engine.placing import deposits_of
from pyflow_core.errors import PayloadContractError, PayloadError, StaleLeaseError, StoreError
from pyflow_core.log import STORE_TROUBLE, logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pyflow_core.engine.host import Host
    from pyflow_core.engine.outcome import Result
    from pyflow_core.engine.placing import Placer
    from pyflow_core.engine.turn import Turn
    from pyflow_core.errors import PayloadCollectedError
    from pyflow_core.ports.state import Activation, Committed, InlineRetry, RunHistory, StepClaim

_log = logger("pyflow.run")

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0


class Unwritten:
    """Results and failed attempts of one run's steps that ran in this process.

    `doubtful` are claims of turns of which it is not known whether they were written: nobody runs these steps. With
    `has_deposits` the value of some result does not simply stay inline.
    """

    __slots__ = ("_host", "_placer", "_run_id", "doubtful", "has_deposits", "results", "retries")

    def __init__(self, host: Host, placer: Placer, run_id: str) -> None:
        self._host = host
        self._run_id = run_id
        self._placer = placer
        self.has_deposits = False
        self.results: list[Result] = []
        self.retries: dict[str, InlineRetry] = {}
        self.doubtful: list[StepClaim] = []

    def add(self, result: Result) -> None:
        """A step has ended."""
        self.retries.pop(result.result.step_name, None)
        if result.draft is not None or result.deposit is not None:
            self.has_deposits = True
            result = self._placer.decided(result)
        self.results.append(result)

    def take_results(self) -> list[Result]:
        """The results, which are somebody else's from now on."""
        results, self.results = self.results, []
        self.has_deposits = False
        return results

    def clear(self) -> None:
        """It is written, or never will be."""
        self.results = []
        self.retries = {}
        self.has_deposits = False

    # --- with a turn

    def enter(self, activation: Activation) -> None:
        """Let a turn write it all: the results were fed, so nothing may have come between."""
        if self.results:
            activation.results = [one.result for one in self.results]
            activation.exact = True
        if self.retries:
            activation.retries = list(self.retries.values())

    async def place_turn(self, turn: Turn) -> None:
        """Have everything stored that a turn refers to."""
        self.results = await self._placer.place_turn(turn, self.results)

    def note_written(self) -> None:
        """The turn that was just placed is written."""
        self._placer.note_written(self.results)

    def again(self, error: PayloadCollectedError) -> bool:
        """After a refused turn: whether what was collected is this run's, and goes under another name now."""
        return self._placer.again(self.results, error)

    # --- before anything is fed

    async def place(self) -> None:
        """Have the values stored, so that the execution can be fed with handles to them."""
        self.results = await self._placer.place_results(self.results)

    async def write(self, activation: Activation, results: Sequence[Result]) -> Committed:
        """Write results that were fed to nobody, so that they may take other names on the way."""

        async def commit() -> Committed:
            activation.results = [one.placed().result for one in results]
            return await self._host.state.commit(activation)

        deposits = deposits_of(results)
        if not deposits:
            return await commit()
        committed = await self._host.runtime.values.commit(deposits, commit)
        self._placer.twins.note_written(deposits)
        return committed

    # --- after trouble

    async def save(self, load: Callable[[], Awaitable[RunHistory]], begin: Callable[[int], Activation]) -> RunHistory:
        """Write what the store does not have, as soon as it answers, and give the history that holds it.

        Raises:
            StaleLeaseError: somebody else has the run.
            PayloadContractError, PayloadError: a value will never be taken.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                history = await self._save(load, begin)
            except (StaleLeaseError, PayloadContractError, PayloadError):
                raise
            except StoreError as error:
                _log.warning("%s: run %s: %s", STORE_TROUBLE, self._run_id, error)
                await self._host.clock.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                self.clear()
                return history

    async def _save(self, load: Callable[[], Awaitable[RunHistory]], begin: Callable[[int], Activation]) -> RunHistory:
        while self.doubtful:
            await self._host.state.release_step(self.doubtful[-1], self._host.worker_id)
            self.doubtful.pop()
        history = await load()
        missing = [result for result in self.results if not _is_recorded(history, result)]
        if not (missing or self.retries):
            return history
        activation = begin(history.run.seq)
        activation.retries = list(self.retries.values())
        await self.write(activation, missing)
        return await load()


def _is_recorded(history: RunHistory, result: Result) -> bool:
    name = result.result.step_name
    return any(step.step_name == name and step.seq is not None for step in history.steps)

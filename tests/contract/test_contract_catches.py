"""The contract catches the bugs that stores have had: each is planted in the memory store, and some test must fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_services.memory import MemoryStateService
from pyflow_services.memory import activation as activations

from pyflow_core.errors import PyflowError
from pyflow_core.ports.state import (
    Activation,
    Committed,
    EntryType,
    FinishedStep,
    Job,
    NewRun,
    ParkedRun,
    RunClaim,
    RunStatus,
    Settlement,
    StepClaim,
    StepForm,
    StepResult,
    StepStatus,
    WorkflowStateService,
)
from pyflow_core.testing.contracts.state import StateServiceContract

if TYPE_CHECKING:
    from collections.abc import Callable


class ParksOverNews(MemoryStateService):
    """Parks without looking whether something has arrived: a wake-up is lost."""

    async def commit(self, activation: Activation) -> Committed:
        if activation.park:
            row = self._tables.runs.get(activation.run_id)
            activation = replace(activation, delivered=row.record.seq if row else 0)
        return await super().commit(activation)


class ForgetsToWake(MemoryStateService):
    """Records a result without waking its run."""

    async def finish_step(self, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
        answer = await super().finish_step(claim, worker_id, result)
        self._tables.not_ready(claim.run_id)
        return answer


class WritesBeforeTheFence(MemoryStateService):
    """Writes the results of an activation before it looks at the lease."""

    async def commit(self, activation: Activation) -> Committed:
        row = self._tables.runs.get(activation.run_id)
        if row is not None and row.record.epoch != activation.epoch:
            for result in activation.results:
                activations.record_result(self._tables, row, result, activation.worker_id)
        return await super().commit(activation)


class IgnoresEpochs(MemoryStateService):
    """Takes a worker's turn under any epoch, as long as it owns the run."""

    async def commit(self, activation: Activation) -> Committed:
        row = self._tables.runs.get(activation.run_id)
        if row is not None and row.record.owner == activation.worker_id:
            activation = replace(activation, epoch=row.record.epoch)
        return await super().commit(activation)


class IgnoresExact(MemoryStateService):
    """Takes an exact activation that was overtaken."""

    async def commit(self, activation: Activation) -> Committed:
        return await super().commit(replace(activation, exact=False))


class ReadsThenClaims(MemoryStateService):
    """Reads that a step is pending, and then claims it: two may win."""

    async def claim_step(self, run_id: str, step_name: str, worker_id: str) -> StepClaim | None:
        step = await self.get_step_state(run_id, step_name)
        claim = await super().claim_step(run_id, step_name, worker_id)
        if claim is None and step is not None and step.status is StepStatus.PENDING and step.due_at is None:
            row = self._tables.runs[run_id]
            claim = StepClaim(run_id, row.record.workflow, 1, step_name, "mail.send", "q", None, step.input, 1, 1)
        return claim


class TrustsAnyCache(MemoryStateService):
    """Continues a cached execution of whatever epoch."""

    async def claim_run(self, run_id: str, worker_id: str, *, parked: Any) -> RunClaim | None:
        row = self._tables.runs.get(run_id)
        if row is not None and run_id in parked:
            parked = {run_id: ParkedRun(row.record.epoch, parked[run_id].delivered)}
        return await super().claim_run(run_id, worker_id, parked=parked)


class LosesFalsyValues(MemoryStateService):
    """Takes an output of `false` for none, as SQL stores of a peer did."""

    async def finish_step(self, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
        if result.output.inline in {"0", "false", "null", '""', "[]", ""}:
            result = result._replace(output=result.output._replace(inline=None))
        return await super().finish_step(claim, worker_id, result)


class CountsDeathsAsTries(MemoryStateService):
    """Counts the death of a worker as a try."""

    async def reap(self) -> tuple[str, ...]:
        keys = [key for held in self._tables.held.values() for key in held]
        held = [self._tables.runs[run_id].steps[name] for run_id, name in keys]
        dead = await super().reap()
        for step in held:
            row = self._tables.runs[step.run_id]
            now = row.steps[step.step_name]
            if now.status is StepStatus.PENDING:
                self._tables.put_step(row, replace(now, attempts=step.attempts))
        return dead


class LetsTheReapedRenew(MemoryStateService):
    """Tells a reaped worker that its lease is good."""

    def renew(self, worker_id: str) -> bool:
        super().renew(worker_id)
        return True


class CancelsTwice(MemoryStateService):
    """Enters every cancel request."""

    async def request_cancel(self, run_id: str) -> RunStatus | None:
        row = self._tables.runs.get(run_id)
        if row is not None and row.entries() and not row.record.status.settled:
            self._tables.number(row, EntryType.CANCEL)
        return await super().request_cancel(run_id)


class CreatesAgain(MemoryStateService):
    """Answers a second creation as if it had made the run."""

    async def create_run(self, run: NewRun, *, claim_for: str | None = None) -> Any:
        return (await super().create_run(run, claim_for=claim_for))._replace(created=True)


class TakesLateResults(MemoryStateService):
    """Takes the result of a step after its run has settled."""

    async def finish_step(self, claim: StepClaim, worker_id: str, result: StepResult) -> FinishedStep:
        row = self._tables.runs.get(claim.run_id)
        if row is not None and row.record.status.settled and claim.step_name in row.steps:
            return FinishedStep(activations.record_result(self._tables, row, result, worker_id), None)
        return await super().finish_step(claim, worker_id, result)


class OffersWhatIsYoung(MemoryStateService):
    """Offers what the ordinary path is about to enqueue."""

    async def unqueued(self, older_than: float, limit: int) -> list[Job]:
        return await super().unqueued(0, limit)


class ForgetsTheLastOwner(MemoryStateService):
    """Gives a woken run to whoever asks first."""

    async def commit(self, activation: Activation) -> Committed:
        committed = await super().commit(activation)
        row = self._tables.runs.get(activation.run_id)
        if row is not None:
            row.last_owner = None
        return committed


class KeepsTheWorkOfTheDead(MemoryStateService):
    """Reaps a worker and leaves its runs and steps with it."""

    async def reap(self) -> tuple[str, ...]:
        dead = tuple(name for name, known in self._tables.leases.items() if known.expires_at <= self.now())
        for name in dead:
            del self._tables.leases[name]
        return dead


class RetriesWhatHasEnded(MemoryStateService):
    """Writes the retry of an inline step over its result."""

    async def commit(self, activation: Activation) -> Committed:
        row = self._tables.runs.get(activation.run_id)
        for retry in activation.retries if row is not None else ():
            if row is not None and (step := row.steps.get(retry.step_name)) is not None:
                self._tables.put_step(row, replace(step, status=StepStatus.PENDING, form=StepForm.INLINE))
        return await super().commit(activation)


class HoldsWhatWasGivenBack(MemoryStateService):
    """Finds for a worker every step that it has ever claimed."""

    async def held_steps(self, worker_id: str) -> list[StepClaim]:
        claims = await super().held_steps(worker_id)
        ended = [(row, step) for row in self._tables.runs.values() for step in row.steps.values()]
        return claims + [
            StepClaim(step.run_id, row.record.workflow, 1, step.step_name, "mail.send", "q", None, step.input, 1, 1)
            for row, step in ended
            if step.worker == worker_id and step.status is StepStatus.COMPLETED
        ]


class OffersWhatWasRefused(MemoryStateService):
    """Lets the next one claim what a worker has just refused: they would go on for ever."""

    async def refuse_step(self, claim: StepClaim, worker_id: str, block: Settlement) -> None:
        await super().refuse_step(claim, worker_id, block)
        self._tables.offer_withheld(self._tables.runs[claim.run_id])


class ArchivesNothing(MemoryStateService):
    """Re-drives a run and leaves the compensations of its failure where they are."""

    async def redrive(self, run_id: str) -> Any:
        row = self._tables.runs.get(run_id)
        steps = {} if row is None else dict(row.steps)
        answer = await super().redrive(run_id)
        if row is not None and answer is not None:
            row.steps = {**steps, **row.steps}
        return answer


PLANTED: dict[type[MemoryStateService], str] = {
    ParksOverNews: "test_no_wake_up_is_lost_between_parking_and_a_result",
    ForgetsToWake: "test_a_finished_step_takes_a_number_and_wakes_its_run",
    WritesBeforeTheFence: "test_a_turn_under_a_stale_lease_writes_nothing",
    IgnoresEpochs: "test_a_former_owner_writes_nothing",
    IgnoresExact: "test_an_exact_turn_that_was_overtaken_writes_nothing_and_keeps_the_run",
    ReadsThenClaims: "test_of_many_claimers_of_a_step_one_wins",
    TrustsAnyCache: "test_a_cache_of_an_older_epoch_is_not_trusted",
    LosesFalsyValues: "test_every_value_comes_back_to_the_letter",
    CountsDeathsAsTries: "test_each_death_is_counted",
    LetsTheReapedRenew: "test_a_reaped_worker_has_lost_its_lease_and_writes_nothing",
    CancelsTwice: "test_a_run_is_cancelled_once",
    CreatesAgain: "test_creating_a_run_twice_answers_the_first",
    TakesLateResults: "test_a_late_result_of_a_settled_run_is_refused",
    OffersWhatIsYoung: "test_what_is_young_is_left_to_the_ordinary_path",
    ForgetsTheLastOwner: "test_a_woken_run_is_left_to_its_last_owner_for_a_while",
    KeepsTheWorkOfTheDead: "test_the_work_of_the_dead_is_free_and_its_deaths_are_counted",
    RetriesWhatHasEnded: "test_a_finished_step_is_not_retried_inline",
    HoldsWhatWasGivenBack: "test_a_worker_finds_the_steps_that_it_holds_and_no_others",
    OffersWhatWasRefused: "test_a_refused_step_blocks_its_run_and_is_nobodys_meanwhile",
    ArchivesNothing: "test_compensations_go_to_the_archive_and_may_be_asked_for_anew",
}
"""Each bug, and the test whose business it is."""


def _fails(store: type[MemoryStateService], name: str) -> bool:
    """Whether a test of the contract fails on a store, with any set of its parameters."""

    class Suite(StateServiceContract):
        async def make_service(self, clock: Callable[[], float]) -> WorkflowStateService:
            return store(clock=clock)

    test = getattr(Suite(), name)
    try:
        for parameters in _parameters(test):
            test(**parameters)
    except (AssertionError, PyflowError, pytest.fail.Exception):
        return True
    return False


def _parameters(test: Any) -> list[dict[str, Any]]:
    sets: list[dict[str, Any]] = [{}]
    for mark in getattr(test, "pytestmark", []):
        names = mark.args[0].split(",") if isinstance(mark.args[0], str) else list(mark.args[0])
        values = [value if len(names) > 1 else [value] for value in mark.args[1]]
        sets = [{**chosen, **dict(zip(names, value, strict=True))} for chosen in sets for value in values]
    return sets


@pytest.mark.parametrize(("store", "name"), PLANTED.items(), ids=lambda item: getattr(item, "__name__", ""))
def test_the_contract_catches(store: type[MemoryStateService], name: str) -> None:
    assert _fails(store, name)
    assert not _fails(MemoryStateService, name)

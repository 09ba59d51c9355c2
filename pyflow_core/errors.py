"""Every error that pyflow raises.

    PyflowError
    ├── UsageError                     what the caller gave is wrong
    │   ├── InvalidDurationError  InvalidNameError  InvalidOptionError  InvalidInputError
    │   ├── SettingsError  AnnotationError  SignatureError  DuplicateWiringError  InvalidPayloadKeyError
    │   ├── MissingServiceError  MissingExtraError  NotConnectedError  BlockingInLoopError
    │   └── PermissionDeniedError
    ├── NotFoundError                  UnknownWorkflowError  UnknownRpcError  UnknownRunError
    ├── StoreError                     the store, not the run
    │   ├── StoreUnavailableError  StoreFormatError  StoreVersionError
    │   ├── StaleLeaseError  OvertakenError  PayloadContractError
    │   ├── CommitUnknownError         StoreFullError
    │   └── PayloadError               one payload: PayloadMissingError  PayloadCorruptError  PayloadExpiredError
    │                                  PayloadForbiddenError  PayloadTooLargeError  PayloadCollectedError
    │                                  PayloadStoreUnavailableError (a StoreUnavailableError too)
    │                                  UnsafeStoreError
    ├── CodecError                     UnserialisableValueError  UndeclaredResultTypeError  StoredValueError
    │                                  ContextExtractionError
    ├── RefusalError                   condemns an execution: nothing of the author's can catch it
    │   ├── StepNameReusedError  StepAwaitedTwiceError  ForbiddenInWorkflowError  ForbiddenInStepError
    │   └── DivergenceError  DrainBudgetError  StuckError  TooManyStepsError  CrashLoopError  RefusedValueError
    ├── StepFailedError                raised at a `do`; WorkerLostError in its record
    ├── StepTimeoutError               one attempt took too long
    ├── RpcError                       base of the users' own declared errors
    └── RunError                       RunFailedError  RunCancelledError  RunBlockedError  ResultTimeoutError

    ExecutionRetired is a BaseException: it unwinds an execution that this process no longer drives.

The docstring of a class is its default message; `code` is stable and is what stores, exit codes and clients use.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class PyflowError(Exception):
    """Something went wrong in pyflow."""

    code: ClassVar[str] = "pyflow"

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.cleandoc(type(self).__doc__ or ""))

    @property
    def message(self) -> str:
        """What went wrong and what to do, in one paragraph."""
        return str(self.args[0])


# --- usage


class UsageError(PyflowError):
    """What was given cannot be used."""

    code = "usage"


class InvalidDurationError(UsageError):
    """This is no duration."""

    code = "invalid_duration"


class InvalidNameError(UsageError):
    """This name is not allowed."""

    code = "invalid_name"


class InvalidOptionError(UsageError):
    """This option is unknown or has a wrong value."""

    code = "invalid_option"


class InvalidInputError(UsageError):
    """The input does not fit its declared type."""

    code = "invalid_input"


class SettingsError(UsageError):
    """The settings are wrong."""

    code = "settings"


class AnnotationError(UsageError):
    """An annotation that pyflow must evaluate cannot be evaluated."""

    code = "annotation"


class SignatureError(UsageError):
    """A wired function has a signature that pyflow cannot call."""

    code = "signature"


class DuplicateWiringError(UsageError):
    """This name is wired to another function already."""

    code = "duplicate_wiring"


class MissingServiceError(UsageError):
    """A function asks for a service that the factory does not give."""

    code = "missing_service"


class MissingExtraError(UsageError):
    """This needs an optional dependency."""

    code = "missing_extra"


class NotConnectedError(UsageError):
    """There is no connection: open one with `async with connect():`."""

    code = "not_connected"


class BlockingInLoopError(UsageError):
    """The blocking client was called inside a running event loop: use the asynchronous one there."""

    code = "blocking_in_loop"


class PermissionDeniedError(UsageError):
    """A permission refused the start of this workflow."""

    code = "permission_denied"


class InvalidPayloadKeyError(UsageError):
    """This text is no key of a payload."""

    code = "invalid_payload_key"


# --- things that do not exist


class NotFoundError(PyflowError):
    """There is no such thing."""

    code = "not_found"


class UnknownWorkflowError(NotFoundError):
    """There is no workflow of this name."""

    code = "unknown_workflow"


class UnknownRpcError(NotFoundError):
    """There is no RPC of this name."""

    code = "unknown_rpc"


class UnknownRunError(NotFoundError):
    """There is no run of this id."""

    code = "unknown_run"


# --- stores


class StoreError(PyflowError):
    """The store could not do this."""

    code = "store"


class StoreUnavailableError(StoreError):
    """The store cannot be reached."""

    code = "store_unavailable"


class StoreFormatError(StoreError):
    """This is not a pyflow store."""

    code = "store_format"


class StoreVersionError(StoreError):
    """The store was written by a newer pyflow: upgrade pyflow to open it."""

    code = "store_version"


class StaleLeaseError(StoreError):
    """The worker no longer owns this run or step, so nothing was written."""

    code = "stale_lease"


class OvertakenError(StoreError):
    """Something else entered the run first: nothing was written, and the execution is to be replayed."""

    code = "overtaken"


class CommitUnknownError(StoreError):
    """The commit failed: its members are to be loaded again, never assumed failed or done."""

    code = "commit_unknown"


class StoreFullError(CommitUnknownError):
    """The disk of the store is full: nothing of this commit was written."""

    code = "store_full"


class PayloadContractError(StoreError):
    """A value does not fit the envelope that a store may hold."""

    code = "payload_contract"


# --- payloads


@dataclass(frozen=True, slots=True)
class PayloadFacts:
    """What an error may say of a payload: where it is, whose it is, sizes in bytes and hashes. Never what is in it."""

    reference: str | None = None
    run_id: str | None = None
    step_name: str | None = None
    attempt: int | None = None
    expected_bytes: int | None = None
    found_bytes: int | None = None
    expected_sha256: str | None = None
    found_sha256: str | None = None

    def __str__(self) -> str:
        """One line with what is known."""
        named = (("run", self.run_id), ("step", self.step_name), ("attempt", self.attempt))
        place = [self.reference, *(f"{name} {value!r}" for name, value in named if value is not None)]
        expected = _measures(self.expected_bytes, self.expected_sha256)
        found = _measures(self.found_bytes, self.found_sha256)
        sizes = [f"expected {expected}" if expected else "", f"found {found}" if found else ""]
        return "; ".join(text for text in [", ".join(filter(None, place)), *sizes] if text)


def _measures(size: int | None, sha256: str | None) -> str:
    parts = [None if size is None else f"{size} bytes", None if sha256 is None else f"sha256 {sha256}"]
    return ", ".join(part for part in parts if part)


class PayloadError(StoreError):
    """A payload could not be stored or read.

    `retryable` says whether the same call may go well later. `facts` name the payload, and never quote it.
    """

    code = "payload"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str | None = None, facts: PayloadFacts | None = None) -> None:
        told = message or inspect.cleandoc(type(self).__doc__ or "").partition("\n")[0]
        super().__init__(f"{told} ({facts})" if facts is not None else told)
        self.facts = facts or PayloadFacts()


class UnsafeStoreError(PayloadError):
    """The store does not do what it must: it would lose or mix up payloads."""

    code = "unsafe_store"


class PayloadMissingError(PayloadError):
    """The payload is not in its store: restore it there and re-drive the run, or start another."""

    code = "payload_missing"


class PayloadCorruptError(PayloadError):
    """The payload in the store is not the one that was written: restore it and re-drive the run, or start another."""

    code = "payload_corrupt"


class PayloadExpiredError(PayloadError):
    """The payload had a time to live, and its store has let it go: start another run."""

    code = "payload_expired"


class PayloadForbiddenError(PayloadError):
    """The reference may not be resolved here."""

    code = "payload_forbidden"


class PayloadTooLargeError(PayloadError):
    """The value is larger than `hard_max`: write it as a stream, return less, or raise `hard_max`."""

    code = "payload_too_large"


class PayloadCollectedError(PayloadError):
    """The collection was about to delete this payload: it must be stored anew before its reference is committed.

    `keys` are all those of the refused commit that are barred.
    """

    code = "payload_collected"
    retryable = True

    def __init__(
        self, message: str | None = None, facts: PayloadFacts | None = None, *, keys: Iterable[str] = ()
    ) -> None:
        self.keys = frozenset(keys)
        if message is None and self.keys:
            message = f"being deleted, so that the value must be stored anew: {', '.join(sorted(self.keys)[:5])}"
        super().__init__(message, facts)


class PayloadStoreUnavailableError(PayloadError, StoreUnavailableError):
    """The payload store cannot be reached."""

    code = "payload_store_unavailable"
    retryable = True


# --- values


class CodecError(PyflowError):
    """A value could not be written or read."""

    code = "codec"


class UnserialisableValueError(CodecError):
    """A value cannot be serialised."""

    code = "unserialisable_value"


class UndeclaredResultTypeError(CodecError):
    """An inline step returned a value of a type that it does not declare: say `returns=`."""

    code = "undeclared_result_type"


class StoredValueError(CodecError):
    """A stored value cannot be read as the type that the code now declares."""

    code = "stored_value"


class ContextExtractionError(CodecError):
    """What a step declares as its context cannot be taken from its result."""

    code = "context_extraction"


class ErrorFieldsError(CodecError):
    """The fields of a declared error cannot be recorded with it."""

    code = "error_fields"
    retryable: ClassVar[bool] = False


# --- refusals


class RefusalError(PyflowError):
    """The execution was refused: its run is blocked until its code or its store is mended."""

    code = "refusal"


class StepNameReusedError(RefusalError):
    """A step name was used twice in one run."""

    code = "step_name_reused"


class StepAwaitedTwiceError(RefusalError):
    """One step call was awaited twice: keep its result instead."""

    code = "step_awaited_twice"


class ForbiddenInWorkflowError(RefusalError):
    """Workflow code did something that only a step may do."""

    code = "forbidden_in_workflow"


class ForbiddenInStepError(PyflowError):
    """A step used `workflow`, which belongs to workflow code."""

    code = "forbidden_in_step"


class DivergenceError(RefusalError):
    """The code no longer does what the history of this run holds."""

    code = "divergence"


class DrainBudgetError(RefusalError):
    """The workflow spins without asking for anything."""

    code = "drain_budget"


class StuckError(RefusalError):
    """The workflow waits for something that can never happen."""

    code = "stuck"


class TooManyStepsError(RefusalError):
    """The run asked for more steps than `max_steps` allows."""

    code = "too_many_steps"


class CrashLoopError(RefusalError):
    """The run was taken over from dead workers too often without getting any further."""

    code = "crash_loop"


class RefusedValueError(RefusalError):
    """A value given to a step cannot be used."""

    code = "refused_value"


# --- steps and runs


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """The record of an error: what a store keeps and what is shown, never the exception itself.

    `traceback` is for people; workflow code cannot reach it. `fields` are those of a declared `RpcError`, as JSON.
    """

    type: str
    message: str
    code: str | None = None
    retryable: bool = True
    step_name: str | None = None
    fields: str | None = None
    traceback: str | None = None

    @property
    def headline(self) -> str:
        """Type and message; the type alone where the error says nothing."""
        return f"{self.type}: {self.message}" if self.message else self.type


class StepFailedError(PyflowError):
    """A step has used up its tries."""

    code = "step_failed"

    def __init__(self, step_name: str, attempts: int, error: ErrorInfo) -> None:
        tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
        super().__init__(f"step {step_name!r} failed after {tries}: {error.headline}")
        self.step_name = step_name
        self.attempts = attempts
        self.error = error


class WorkerLostError(PyflowError):
    """The step's workers died every time they ran it."""

    code = "worker_lost"


class StepTimeoutError(PyflowError):
    """One attempt of a step took longer than its `timeout`."""

    code = "step_timeout"


class RpcError(PyflowError):
    """Base of errors that an RPC declares with `raises=` and a workflow catches by class.

    Give the subclass a `code`. Its public attributes are stored as JSON, without secrets and 8 KiB at most, and it is
    found by its code, never by an import path. It is not retried unless `retryable` is true.
    """

    code = "rpc_error"
    retryable: ClassVar[bool] = False


_FAILED_STEP = "_pyflow_failed_step"


def mark_failed_step(error: RpcError, step_name: str) -> None:
    """Note on a declared error which step it comes from, so that a re-drive of a run that it ends finds the step."""
    vars(error)[_FAILED_STEP] = step_name


def failed_step(error: RpcError) -> str | None:
    """The step that a declared error comes from; None if workflow code or an RPC has made it."""
    return vars(error).get(_FAILED_STEP)


class RunError(PyflowError):
    """A run did not give a result."""

    code = "run"

    def __init__(self, run_id: str, workflow: str, error: ErrorInfo | None = None) -> None:
        detail = "" if error is None else f": {error.headline}"
        super().__init__(f"run {run_id!r} of workflow {workflow!r} {self._verb}{detail}")
        self.run_id = run_id
        self.workflow = workflow
        self.error = error

    _verb: ClassVar[str] = "did not give a result"


class RunFailedError(RunError):
    """The run failed."""

    code = "run_failed"
    _verb = "failed"


class RunCancelledError(RunError):
    """The run was cancelled."""

    code = "run_cancelled"
    _verb = "was cancelled"


class RunBlockedError(RunError):
    """The run is blocked until its code or its store is mended."""

    code = "run_blocked"
    _verb = "is blocked"


class ResultTimeoutError(RunError):
    """The run has not settled in time; it goes on."""

    code = "result_timeout"
    _verb = "has not settled in time and goes on"


class ExecutionRetired(BaseException):
    """This process no longer drives the execution; whoever catches it cannot record anything."""

"""The values of runs, on their way into rows and back: small ones as text, all others as payloads with a reference.

Writing has two halves. `write` serialises, in place and without a store: nearly every value is done then. What is left
is a draft: `decide` makes a deposit of it, which `confirm` or `commit` see through the commit that refers to it.
"""

from __future__ import annotations

from contextlib import nullcontext
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pyflow_core.clock import SystemClock
from pyflow_core.codec import hash_text
from pyflow_core.codec.table import is_table
from pyflow_core.errors import PayloadContractError, PayloadForbiddenError, PayloadStoreUnavailableError
from pyflow_core.log import PAYLOADS_UNAVAILABLE, logger
from pyflow_core.naming import orchestrator_queue
from pyflow_core.payload.deposit import decide
from pyflow_core.payload.draft import Draft, draft_value
from pyflow_core.payload.handle import Payload, is_handle, payload_access
from pyflow_core.payload.handle_codec import PayloadCodec, handle_codec
from pyflow_core.payload.keeper import Keeper
from pyflow_core.payload.plane import single_reference
from pyflow_core.payload.policy import DEFAULT_POLICY, SMALL_BYTES, PayloadPolicy, place, resolve_policy
from pyflow_core.payload.reference import write_reference
from pyflow_core.payload.value import text_body
from pyflow_core.payload.writer import spooled
from pyflow_core.ports.metric import CONTRACT_VIOLATIONS
from pyflow_core.ports.state import OMITTED, Envelope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from pyflow_core.clock import Clock
    from pyflow_core.codec import Codec
    from pyflow_core.engine.twin import Twins
    from pyflow_core.payload.boundary import Kind
    from pyflow_core.payload.context import ContextSpec
    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.handle import PayloadAccess
    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.payload.reference import Reference
    from pyflow_core.payload.writer import Chunks, Origin

T = TypeVar("T")

_log = logger("pyflow.payload")

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_SURELY_SMALL = SMALL_BYTES // 4
"""So many characters are never more than `SMALL_BYTES`."""


class Written(NamedTuple):
    """A serialised value: with a `draft` it is still to be placed, otherwise `envelope` is what its row will hold.

    `fresh` is the value decoded again. Where a plain value is given for a `Payload`, it is that value until it is
    placed.
    """

    envelope: Envelope
    fresh: Any
    draft: Draft | None = None

    @property
    def sha256(self) -> str:
        """The hash by which a replay compares inputs."""
        if self.draft is not None:
            body = self.draft.body
            return hash_text(body.text) if body.text is not None else sha256(body.raw).hexdigest()
        if is_handle(self.fresh):
            return self.fresh.reference.sha256
        return hash_text(self.envelope.inline or "null")


NO_VALUE = Written(OMITTED, None)
"""Of a step without data."""


class Values:
    """Writes and brings the values of runs. Without `planes` everything stays inline, whatever its size.

    `queues` are limits that differ from `policy`, by patterns of queues.
    """

    def __init__(
        self,
        planes: DataPlanes | None = None,
        clock: Clock | None = None,
        *,
        policy: PayloadPolicy = DEFAULT_POLICY,
        queues: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._planes = planes
        self._clock = clock or SystemClock()
        self._policy = policy
        self._queues = queues or {}
        policies = [policy, *map(policy.override, self._queues.values())]
        # Whether some policy may place even a small value by reference.
        self._doubts_small = any(one.strict or one.inline_max < SMALL_BYTES for one in policies)
        self._keeper = Keeper(self._store_patiently)
        self._prompt_keeper = Keeper(self._store)

    @property
    def planes(self) -> DataPlanes | None:
        """Where large values lie; None if everything stays inline."""
        return self._planes

    # --- into rows

    def write(
        self,
        codec: Codec,
        value: Any,
        options: Mapping[str, Any] | None = None,
        context: ContextSpec | None = None,
    ) -> Written:
        """Serialise a value, once; what is not surely to stay inline becomes a draft.

        Raises:
            UnserialisableValueError, ContextExtractionError
        """
        planes = self._planes
        if planes is None:
            text, fresh = codec.round_trip(value)
            return Written(Envelope(text), fresh)
        if is_handle(value):
            return _refer(value)
        if options and options.get("lazy"):
            codec = handle_codec(codec)
        if context or type(value) is bytes or not codec.text_only or planes.scrubber is not None or is_table(value):
            draft = draft_value(codec, value, context=context, scrubber=planes.scrubber)
            return Written(OMITTED, draft.body.fresh, draft)
        text, fresh = codec.round_trip(value)
        if self._stays(text, options):
            return Written(Envelope(text), fresh)
        return Written(OMITTED, fresh, Draft(text_body(text, fresh)))

    def _stays(self, text: str, options: Mapping[str, Any] | None) -> bool:
        if self._doubts_small or (options and options.get("inline_max") is not None):
            return False
        return len(text) <= _SURELY_SMALL or (len(text) <= SMALL_BYTES and text.isascii())

    def policy_of(self, workflow: str, queue: str | None, options: Mapping[str, Any] | None = None) -> PayloadPolicy:
        """The limits of a value: the project's, then the queue's, then the step's.

        What has no queue of its own counts to that of its workflow's orchestrator, so that one pattern of queues
        (`workflow-orders-*`) holds for all values of a workflow.
        """
        if not (self._queues or options):
            return self._policy
        name = queue or orchestrator_queue(workflow)
        of_queue = [given for glob, given in self._queues.items() if fnmatchcase(name, glob)]
        return resolve_policy(self._policy, *of_queue, options)

    def decide(
        self,
        draft: Draft,
        origin: Origin,
        slot: str,
        *,
        kind: Kind = "output",
        policy: PayloadPolicy | None = None,
        run_inline_bytes: int = 0,
        edition: int = 0,
    ) -> Deposit:
        """Where a draft belongs; nothing is stored yet.

        Raises:
            PayloadTooLargeError: the step fails, without a retry.
        """
        return decide(
            draft,
            origin,
            slot,
            kind=kind,
            policy=policy or self._policy,
            run_inline_bytes=run_inline_bytes,
            edition=edition,
            metrics=self._with_store().metrics,
        )

    async def confirm(self, deposits: Sequence[Deposit]) -> None:
        """See `Keeper.confirm`. Waits for a store that cannot be reached.

        Raises:
            PayloadTooLargeError, PayloadForbiddenError, UnsafeStoreError: waiting would not help.
            SettingsError, MissingExtraError: the store cannot be made.
        """
        await self._keeper.confirm(deposits)

    async def commit(self, deposits: Sequence[Deposit], write: Callable[[], Awaitable[T]], *, waits: bool = True) -> T:
        """See `Keeper.commit`; `waits` for a store that cannot be reached.

        Raises:
            As `confirm`, and what `write` raises.
            PayloadStoreUnavailableError: the store cannot be reached, and the caller is told rather than kept waiting.
        """
        return await (self._keeper if waits else self._prompt_keeper).commit(deposits, write)

    async def _store_patiently(self, deposit: Deposit) -> None:
        await self._patiently(lambda: self._store(deposit))

    async def _store(self, deposit: Deposit) -> None:
        plane = await self._with_store().of(deposit.origin.tenant, writes=True)
        await plane.store(deposit)

    def check_size(self, draft: Draft, options: Mapping[str, Any] | None = None) -> None:
        """Refuse now what no store will be asked to take: the step fails then, and not its run's next commit.

        Raises:
            PayloadTooLargeError
        """
        place(draft.body.size, 0, self._policy.override(options or {}), draft.body.kind)

    # --- and back

    async def bring(self, codec: Codec, envelope: Envelope, tenant: str) -> Any:
        """The value of an envelope; None if it was left out. Waits for a store that cannot be reached.

        Raises:
            PayloadError: the payload is missing, damaged, expired, or not for this tenant.
            StoredValueError: it is no value of the type that the code now declares.
        """
        if envelope.inline is not None:
            return codec.decode(envelope.inline)
        if envelope.reference is None:
            return None
        planes = self._with_store()
        try:
            reference = single_reference(envelope)
        except PayloadContractError:
            planes.metrics.count(CONTRACT_VIOLATIONS, where="read")
            raise
        if isinstance(codec, PayloadCodec):
            return codec.handle(reference, envelope.context)

        async def fetch() -> Any:
            return await (await planes.of(tenant)).fetch(codec, reference)

        return await self._patiently(fetch)

    def access(self, tenant: str) -> AbstractContextManager[None]:
        """Inside of it handles may be loaded."""
        access = self.access_of(tenant)
        return nullcontext() if access is None else payload_access(access)

    def access_of(self, tenant: str) -> PayloadAccess | None:
        """What handles of a tenant's runs load through; None if there is no store."""
        return None if self._planes is None else self._planes.access(tenant)

    async def write_stream(self, chunks: Chunks, origin: Origin, slot: str, content_type: str) -> Payload[bytes]:
        """Store a stream, never whole in memory; waits for a store that cannot be reached.

        Raises:
            PayloadError
        """
        planes = self._with_store()
        async with spooled(chunks) as spool:

            async def store() -> Reference:
                plane = await planes.of(origin.tenant, writes=True)
                return await plane.write_spool(spool, origin, slot, content_type=content_type)

            return Payload(await self._patiently(store), bytes)

    def _with_store(self) -> DataPlanes:
        if self._planes is None:
            raise PayloadForbiddenError("this connection has no payload store: set `payloads`")
        return self._planes

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await work()
            except PayloadStoreUnavailableError as error:
                _log.warning("%s: %s", PAYLOADS_UNAVAILABLE, error)
            await self._clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


class RunValues(NamedTuple):
    """The recorded values of one run, for its replay."""

    values: Values
    tenant: str
    twins: Twins

    async def bring(self, codec: Codec, envelope: Envelope) -> Any:
        """See `Values.bring`."""
        value = await self.values.bring(codec, envelope, self.tenant)
        self.twins.note(envelope)
        return value

    async def rehash(self, codec: Codec, envelope: Envelope) -> str:
        """The hash that a recorded input has once it is read as the present type."""
        return self.values.write(codec, await self.bring(codec, envelope)).sha256


def _refer(handle: Payload[Any]) -> Written:
    return Written(Envelope(reference=write_reference(handle.reference)), handle)


def text_bytes(text: str | None) -> int:
    """The bytes of a text in UTF-8."""
    if text is None:
        return 0
    return len(text) if text.isascii() else len(text.encode())

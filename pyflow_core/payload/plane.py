"""The data plane as the engine sees it: a value in, an envelope out; an envelope in, a value out.

The order of a write is *scrub, serialise, hash, put, commit the row, acknowledge*; this does all that is before the
commit. What it returns is for one commit, right after `confirm`. Should that be refused with `PayloadCollectedError`,
the value is stored again under another name with `again`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.clock import uptime
from pyflow_core.errors import PayloadError, PayloadTooLargeError
from pyflow_core.payload.boundary import Meta, read_reference, write_meta
from pyflow_core.payload.collection import COMMIT_SECONDS
from pyflow_core.payload.context import extract_context
from pyflow_core.payload.handle import met_handles
from pyflow_core.payload.handle_codec import PayloadCodec
from pyflow_core.payload.key import parse_key
from pyflow_core.payload.policy import DEFAULT_POLICY, PayloadPolicy, Placement, place
from pyflow_core.payload.reference import write_reference
from pyflow_core.payload.scrub import DEFAULT_SCRUBBER
from pyflow_core.payload.value import Body, decode_body, encode_body, text_body
from pyflow_core.ports.metric import BUDGET_OVERRUNS, EVENT_RESULT_BYTES, NO_METRICS
from pyflow_core.ports.state import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.codec import Codec
    from pyflow_core.payload.boundary import Kind
    from pyflow_core.payload.context import ContextSpec
    from pyflow_core.payload.reader import PayloadReader
    from pyflow_core.payload.reference import Reference
    from pyflow_core.payload.scrub import Scrubber
    from pyflow_core.payload.writer import Origin, PayloadWriter, Spool
    from pyflow_core.ports.metric import MetricService


class Draft(NamedTuple):
    """A value that is serialised and not placed yet. `handles` are the payloads that it names in itself.

    With `handle` the step declares a `Payload` and gave the value itself: it goes by reference, however small it is.
    """

    body: Body
    context: str | None = None
    handles: tuple[Reference, ...] = ()
    handle: PayloadCodec | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that is ready to be committed.

    `inline_bytes` is what it adds to its run's inline bytes. `fresh` is what `do` returns for it, which shares nothing
    with what the step returned. `stored_at` is the uptime at which storing it began.
    """

    envelope: Envelope
    placement: Placement
    inline_bytes: int
    fresh: Any
    draft: Draft
    origin: Origin
    slot: str
    kind: Kind
    stored_at: float


class DataPlane:
    """Keeps and fetches the values of one tenant's runs.

    `scrubber` is applied to values and is None unless the project asks for it; contexts are always scrubbed.
    """

    def __init__(
        self,
        writer: PayloadWriter,
        reader: PayloadReader,
        *,
        scrubber: Scrubber | None = None,
        metrics: MetricService = NO_METRICS,
        uptime: Callable[[], float] = uptime,
    ) -> None:
        self._uptime = uptime
        self._writer = writer
        self.reader = reader
        self._scrubber = scrubber
        self._metrics = metrics

    async def keep(
        self,
        codec: Codec,
        value: Any,
        origin: Origin,
        slot: str,
        *,
        kind: Kind = "output",
        policy: PayloadPolicy = DEFAULT_POLICY,
        run_inline_bytes: int = 0,
        context: ContextSpec | None = None,
    ) -> Kept:
        """Serialise, place and, where it goes by reference, store a value.

        Raises:
            UnserialisableValueError, PayloadTooLargeError, ContextExtractionError: the step fails, without a retry.
            PayloadStoreUnavailableError: try again; the step stays running.
        """
        draft = draft_value(codec, value, context=context, scrubber=self._scrubber)
        return await self.place(draft, origin, slot, kind=kind, policy=policy, run_inline_bytes=run_inline_bytes)

    async def place(
        self,
        draft: Draft,
        origin: Origin,
        slot: str,
        *,
        kind: Kind = "output",
        policy: PayloadPolicy = DEFAULT_POLICY,
        run_inline_bytes: int = 0,
        edition: int = 0,
    ) -> Kept:
        """Decide where a value goes and, where that is by reference, store it.

        Raises:
            PayloadTooLargeError: the step fails, without a retry.
            PayloadStoreUnavailableError: try again; the step stays running.
        """
        kept = decide(
            draft,
            origin,
            slot,
            kind=kind,
            policy=policy,
            run_inline_bytes=run_inline_bytes,
            metrics=self._metrics,
        )
        return await self.store(kept, edition) if kept.placement.by_reference else kept

    async def again(self, kept: Kept) -> Kept:
        """The same value under another name, after a commit was refused with `PayloadCollectedError`."""
        return await self.store(kept, _edition(kept) + 1) if kept.placement.by_reference else kept

    async def confirm(self, kept: Kept) -> Kept:
        """The value, stored anew if that was long ago; to be called right before the commit, with nothing in between.

        A process that was stopped for days after its put may find its object collected, and the tombstone forgotten.
        """
        if not kept.placement.by_reference or self._uptime() - kept.stored_at <= COMMIT_SECONDS:
            return kept
        return await self.confirm(await self.store(kept, _edition(kept)))

    async def fetch(self, codec: Codec, envelope: Envelope) -> Any:
        """The value of an envelope; None if it was left out.

        Raises:
            PayloadError: one of its kinds.
            StoredValueError: it is no value of the type that the code now declares.
        """
        if envelope.inline is not None:
            return codec.decode(envelope.inline)
        if envelope.reference is None:
            return None
        reference = single_reference(envelope)
        if isinstance(codec, PayloadCodec):
            return codec.handle(reference, envelope.context)
        return decode_body(codec, await self.reader.read(reference), reference.encoding)

    async def write_spool(self, spool: Spool, origin: Origin, slot: str, *, content_type: str) -> Reference:
        """Store a stream that has come to its end.

        Raises:
            PayloadError: nothing may be committed.
        """
        return await self._writer.write_spool(spool, origin, slot, content_type=content_type)

    async def store(self, kept: Kept, edition: int = 0) -> Kept:
        """Store a value of which it was decided that it goes by reference.

        Raises:
            PayloadError: nothing may be committed.
        """
        draft, begun = kept.draft, self._uptime()
        body = draft.body
        reference = await self._writer.write(
            body.raw,
            kept.origin,
            kept.slot,
            encoding=body.encoding,
            content_type=body.content_type,
            edition=edition,
        )
        named = (reference, *draft.handles) if draft.handles else reference
        envelope = kept.envelope._replace(
            reference=write_reference(named), meta=write_meta(Meta(kind=kept.kind, bytes=body.size))
        )
        _measure(self._metrics, envelope, kept.kind)
        fresh = kept.fresh if draft.handle is None else draft.handle.handle(reference, draft.context)
        return replace(kept, envelope=envelope, fresh=fresh, stored_at=begun)


def decide(
    draft: Draft,
    origin: Origin,
    slot: str,
    *,
    kind: Kind = "output",
    policy: PayloadPolicy = DEFAULT_POLICY,
    run_inline_bytes: int = 0,
    metrics: MetricService = NO_METRICS,
) -> Kept:
    """Where a value goes: inline, and it is ready to be committed; or by reference, and it is to be stored first.

    Raises:
        PayloadTooLargeError: the step fails, without a retry.
    """
    body = draft.body
    try:
        placement = place(body.size, run_inline_bytes, policy, body.kind)
    except PayloadTooLargeError as error:
        raise _with_origin(error, origin) from None
    if draft.handles or draft.handle is not None:
        # The row must name the payloads that its value names, or nobody would know that they are needed.
        placement = Placement.BY_KIND
    elif placement is Placement.BY_BUDGET:
        metrics.count(BUDGET_OVERRUNS)
    kept = Kept(Envelope(context=draft.context), placement, 0, body.fresh, draft, origin, slot, kind, 0.0)
    if placement.by_reference:
        return kept
    envelope = kept.envelope._replace(inline=body.text)
    _measure(metrics, envelope, kind)
    return replace(kept, envelope=envelope, inline_bytes=body.size)


def _measure(metrics: MetricService, envelope: Envelope, kind: Kind) -> None:
    size = sum(len(column.encode()) for column in envelope if column is not None)
    metrics.observe(EVENT_RESULT_BYTES, size, kind=kind)


def draft_value(
    codec: Codec, value: Any, *, context: ContextSpec | None = None, scrubber: Scrubber | None = None
) -> Draft:
    """Serialise a value, and extract its context. No store is touched.

    Raises:
        UnserialisableValueError, ContextExtractionError: the step fails, without a retry.
    """
    if isinstance(codec, PayloadCodec):
        return draft_value(codec.inner, value, context=context, scrubber=scrubber)._replace(handle=codec)
    with met_handles() as handles:
        body = encode_body(codec, value)
    if scrubber is not None and body.text is not None:
        clean = scrubber.json(body.text)
        body = body if clean is body.text else text_body(clean, codec.decode(clean))
    extracted = None
    if context:
        extracted = extract_context(context, body.fresh, body.text or "null", scrubber=scrubber or DEFAULT_SCRUBBER)
    return Draft(body, extracted, tuple(dict.fromkeys(handles)))


def single_reference(envelope: Envelope) -> Reference:
    """The reference of the value itself: the first of a manifest.

    Raises:
        PayloadContractError: the envelope holds no reference.
    """
    found = read_reference(envelope.reference or "")
    return found[0] if isinstance(found, tuple) else found


def _edition(kept: Kept) -> int:
    parts = parse_key(single_reference(kept.envelope).key)
    return 0 if parts is None else parts.edition


def _with_origin(error: PayloadError, origin: Origin) -> PayloadError:
    facts = replace(error.facts, run_id=origin.run_id, step_name=origin.step_name, attempt=origin.attempt or None)
    return type(error)(error.message, facts)

"""The data plane as the engine sees it: a value in, an envelope out; an envelope in, a value out.

The order of a write is *scrub, serialise, hash, put, commit the row, acknowledge*; this does all that is before the
commit. What it returns is for one commit: should that be refused with `PayloadCollectedError`, the value is stored
again under another name with `again`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pyflow_core.errors import PayloadError, PayloadTooLargeError
from pyflow_core.payload.boundary import Meta, read_reference, write_meta
from pyflow_core.payload.context import extract_context
from pyflow_core.payload.key import parse_key
from pyflow_core.payload.policy import DEFAULT_POLICY, PayloadPolicy, Placement, place
from pyflow_core.payload.reference import write_reference
from pyflow_core.payload.scrub import DEFAULT_SCRUBBER
from pyflow_core.payload.value import Body, decode_body, encode_body, text_body
from pyflow_core.ports.metric import BUDGET_OVERRUNS, EVENT_RESULT_BYTES, NO_METRICS
from pyflow_core.ports.state import Envelope

if TYPE_CHECKING:
    from pyflow_core.codec import Codec
    from pyflow_core.payload.boundary import Kind
    from pyflow_core.payload.context import ContextSpec
    from pyflow_core.payload.reader import PayloadReader
    from pyflow_core.payload.reference import Reference
    from pyflow_core.payload.scrub import Scrubber
    from pyflow_core.payload.writer import Origin, PayloadWriter
    from pyflow_core.ports.metric import MetricService


@dataclass(frozen=True, slots=True)
class Kept:
    """A value that is ready to be committed.

    `inline_bytes` is what it adds to its run's inline bytes. `fresh` is the value decoded from what was stored.
    """

    envelope: Envelope
    placement: Placement
    inline_bytes: int
    body: Body
    origin: Origin
    slot: str
    kind: Kind

    @property
    def fresh(self) -> Any:
        """What `do` returns for it, sharing nothing with what the step returned."""
        return self.body.fresh


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
    ) -> None:
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
        body = self._scrubbed(codec, encode_body(codec, value))
        try:
            placement = place(body.size, run_inline_bytes, policy, body.kind)
        except PayloadTooLargeError as error:
            raise _with_origin(error, origin) from None
        extracted = self._extract(context, body)
        if placement is Placement.BY_BUDGET:
            self._metrics.count(BUDGET_OVERRUNS)
        kept = Kept(Envelope(context=extracted), placement, 0, body, origin, slot, kind)
        return await self._stored(kept) if placement.by_reference else self._inline(kept)

    async def again(self, kept: Kept) -> Kept:
        """The same value under another name, after a commit was refused with `PayloadCollectedError`."""
        if not kept.placement.by_reference or kept.envelope.reference is None:
            return kept
        reference = _single(kept.envelope)
        parts = None if reference is None else parse_key(reference.key)
        return await self._stored(kept, edition=(parts.edition if parts else 0) + 1)

    async def fetch(self, codec: Codec, envelope: Envelope) -> Any:
        """The value of an envelope; None if it was left out.

        Raises:
            PayloadError: one of its kinds.
            StoredValueError: it is no value of the type that the code now declares.
        """
        if envelope.inline is not None:
            return codec.decode(envelope.inline)
        reference = _single(envelope)
        if reference is None:
            return None
        return decode_body(codec, await self.reader.read(reference), reference.encoding)

    def _scrubbed(self, codec: Codec, body: Body) -> Body:
        if self._scrubber is None or body.text is None:
            return body
        clean = self._scrubber.json(body.text)
        return body if clean is body.text else text_body(clean, codec.decode(clean))

    def _extract(self, spec: ContextSpec | None, body: Body) -> str | None:
        if not spec:
            return None
        return extract_context(spec, body.fresh, body.text or "null", scrubber=self._scrubber or DEFAULT_SCRUBBER)

    def _inline(self, kept: Kept) -> Kept:
        envelope = kept.envelope._replace(inline=kept.body.text)
        self._measure(envelope, kept.kind)
        return replace(kept, envelope=envelope, inline_bytes=kept.body.size)

    async def _stored(self, kept: Kept, *, edition: int = 0) -> Kept:
        body = kept.body
        reference = await self._writer.write(
            body.raw,
            kept.origin,
            kept.slot,
            encoding=body.encoding,
            content_type=body.content_type,
            edition=edition,
        )
        envelope = kept.envelope._replace(
            reference=write_reference(reference), meta=write_meta(Meta(kind=kept.kind, bytes=body.size))
        )
        self._measure(envelope, kept.kind)
        return replace(kept, envelope=envelope)

    def _measure(self, envelope: Envelope, kind: Kind) -> None:
        size = sum(len(column.encode()) for column in envelope if column is not None)
        self._metrics.observe(EVENT_RESULT_BYTES, size, kind=kind)


def _single(envelope: Envelope) -> Reference | None:
    """The reference of the value itself: the first of a manifest."""
    if envelope.reference is None:
        return None
    found = read_reference(envelope.reference)
    return found[0] if isinstance(found, tuple) else found


def _with_origin(error: PayloadError, origin: Origin) -> PayloadError:
    facts = replace(error.facts, run_id=origin.run_id, step_name=origin.step_name, attempt=origin.attempt or None)
    return type(error)(error.message, facts)

"""A value on its way into a row: where it goes, and, where that is by reference, the payload that holds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyflow_core.errors import PayloadTooLargeError
from pyflow_core.payload.boundary import Meta, write_meta
from pyflow_core.payload.collection import COMMIT_SECONDS
from pyflow_core.payload.key import parse_key
from pyflow_core.payload.policy import DEFAULT_POLICY, PayloadPolicy, Placement, place
from pyflow_core.payload.reference import write_reference
from pyflow_core.ports.metric import BUDGET_OVERRUNS, EVENT_RESULT_BYTES, NO_METRICS
from pyflow_core.ports.state import Envelope

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyflow_core.payload.boundary import Kind
    from pyflow_core.payload.draft import Draft
    from pyflow_core.payload.reference import Reference
    from pyflow_core.payload.writer import Origin
    from pyflow_core.ports.metric import MetricService


@dataclass(slots=True, eq=False)
class Deposit:
    """A value of which it is decided where it goes; `Keeper` stores it and sees it through its commit.

    `envelope` is what the row is to hold, and `fresh` what `do` returns for the value, which shares nothing with what
    the step returned; of a value by reference both hold once it is stored, until it is stored anew. `inline_bytes` is
    what it adds to its run's inline bytes.
    """

    draft: Draft
    origin: Origin
    slot: str
    kind: Kind
    placement: Placement
    envelope: Envelope
    fresh: Any
    inline_bytes: int = 0
    edition: int = 0
    metrics: MetricService = field(default=NO_METRICS, repr=False)
    stored_at: float | None = None
    """The uptime at which storing it began; None if it is still to be stored."""
    reference: Reference | None = None
    """Where it lies, once it is stored."""

    @property
    def at_hand(self) -> Envelope:
        """The value for whoever is in the same process: beside its reference its text, if it has one."""
        text = self.draft.body.text if self.draft.handle is None else None
        return self.envelope if text is None else self.envelope._replace(inline=text)

    def is_due(self, now: float) -> bool:
        """Whether it must be stored before it is committed.

        It never was; or so long ago that it may have been collected since, and even its tombstone forgotten.
        """
        if not self.placement.by_reference:
            return False
        return self.stored_at is None or now - self.stored_at > COMMIT_SECONDS

    def stored_as(self, reference: Reference) -> None:
        """It lies in a store."""
        draft = self.draft
        named = (reference, *draft.handles) if draft.handles else reference
        meta = write_meta(Meta(kind=self.kind, bytes=draft.body.size))
        self.envelope = self.envelope._replace(reference=write_reference(named), meta=meta)
        if draft.handle is not None:
            self.fresh = draft.handle.handle(reference, draft.context)
        parts = parse_key(reference.key)
        self.edition = self.edition if parts is None else parts.edition
        self.reference = reference
        _measure(self.metrics, self.envelope, self.kind)

    def again(self, barred: Collection[str]) -> bool:
        """Its commit was refused because of barred keys: if one is its own, it is to be stored under another name."""
        if self.reference is None or self.reference.key not in barred:
            return False
        self.edition += 1
        self.stored_at = None
        return True


def decide(
    draft: Draft,
    origin: Origin,
    slot: str,
    *,
    kind: Kind = "output",
    policy: PayloadPolicy = DEFAULT_POLICY,
    run_inline_bytes: int = 0,
    edition: int = 0,
    metrics: MetricService = NO_METRICS,
) -> Deposit:
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
    envelope = Envelope(context=draft.context)
    if placement.by_reference:
        return Deposit(draft, origin, slot, kind, placement, envelope, body.fresh, edition=edition, metrics=metrics)
    envelope = envelope._replace(inline=body.text)
    _measure(metrics, envelope, kind)
    return Deposit(draft, origin, slot, kind, placement, envelope, body.fresh, inline_bytes=body.size)


def _measure(metrics: MetricService, envelope: Envelope, kind: Kind) -> None:
    size = sum(len(column.encode()) for column in envelope if column is not None)
    metrics.observe(EVENT_RESULT_BYTES, size, kind=kind)


def _with_origin(error: PayloadTooLargeError, origin: Origin) -> PayloadTooLargeError:
    facts = replace(error.facts, run_id=origin.run_id, step_name=origin.step_name, attempt=origin.attempt or None)
    return PayloadTooLargeError(error.message, facts)

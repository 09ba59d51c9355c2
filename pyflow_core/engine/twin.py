"""Twins: a value that a run passes on is the payload that holds it already, and is not stored again.

A result becomes the input of the next step, one input goes to many steps, the last result is the run's output: these
are equal bytes. The row of the second names the payload of the first, which is kept as long as any row of the run.
"""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from pyflow_core.payload.deposit import Deposit
from pyflow_core.payload.plane import single_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.state import Envelope

MOST = 1000
"""So many payloads of a run are remembered."""


class Pair(NamedTuple):
    """A value, and what holds it: a payload that the run refers to, or a value that is stored for the same commit."""

    deposit: Deposit
    twin: Reference | Deposit

    def settle(self) -> None:
        """Refer to the twin, which is stored by now."""
        reference = self.twin.reference if isinstance(self.twin, Deposit) else self.twin
        if reference is not None:
            self.deposit.stored_as(reference)


class Twins:
    """The payloads that the rows of one run refer to, as far as this process has met them."""

    __slots__ = ("_known", "_sizes", "_unread")

    def __init__(self) -> None:
        self._unread: deque[Envelope] = deque(maxlen=MOST)
        self._known: dict[tuple[str, str, str], Reference] = {}
        self._sizes: set[int] = set()  # what has another size need not be hashed

    def note(self, row: Envelope) -> None:
        """A row of the run, which is written, holds this. It is read when a value may be its twin, not in a replay."""
        if row.reference is not None:
            self._unread.append(row)

    def note_written(self, deposits: Iterable[Deposit]) -> None:
        """These are written."""
        for deposit in deposits:
            if deposit.reference is not None:
                self._add(deposit.reference)

    def pair(self, deposits: Sequence[Deposit], beside: Sequence[Deposit]) -> list[Pair]:
        """Those of `deposits` that have a twin: among what is written, or among themselves and what lies `beside` them.

        What stays inline has none.
        """
        deposits = [deposit for deposit in deposits if deposit.placement.by_reference]
        beside = [deposit for deposit in beside if deposit.placement.by_reference]
        compares = len(deposits) + len(beside) > 1
        others = {_content(deposit): deposit for deposit in beside} if deposits and compares else {}
        pairs: list[Pair] = []
        for deposit in deposits:
            twin: Reference | Deposit | None = self._find(deposit)
            if twin is None and compares:
                twin = others.setdefault(_content(deposit), deposit)
            if twin is not None and twin is not deposit:
                pairs.append(Pair(deposit, twin))
        return pairs

    def _find(self, deposit: Deposit) -> Reference | None:
        while self._unread:
            self._add(single_reference(self._unread.popleft()))
        body = deposit.draft.body
        if body.size not in self._sizes:
            return None
        return self._known.get((sha256(body.raw).hexdigest(), body.encoding, body.content_type))

    def _add(self, reference: Reference) -> None:
        if len(self._known) >= MOST:
            del self._known[next(iter(self._known))]
        self._known[reference.sha256, reference.encoding, reference.content_type] = reference
        self._sizes.add(reference.bytes)


def _content(deposit: Deposit) -> tuple[bytes, str, str]:
    body = deposit.draft.body
    return body.raw, body.encoding, body.content_type

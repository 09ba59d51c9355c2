"""Values as commands show them: what goes by reference is fetched here, on the client, up to a cap.

A status never fails for a payload: what is too large, binary, or not to be had is told of by its reference.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_cli.table import size_text
from pyflow_core.errors import PayloadError, PyflowError
from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.reference import show_reference
from pyflow_core.ports.metric import STATUS_PAYLOAD_LOADS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.state import Envelope

_AT_ONCE = 8
_READABLE = ("json", "text")


class Limits(NamedTuple):
    """How much is fetched: of one value, of all together, and for how long a store is waited for.

    `counted_as` is the counter of what is loaded.
    """

    value_bytes: float
    all_bytes: float
    seconds: float | None
    counted_as: str | None = None


STATUS = Limits(64 * 1024, 4 * 1024 * 1024, 5.0, STATUS_PAYLOAD_LOADS)
"""`pyflow payload get` gives what a status does not show."""
WHOLE = Limits(float("inf"), float("inf"), None)


@dataclass(frozen=True, slots=True)
class Shown:
    """The value of a payload."""

    value: Any

    def form(self) -> Any:
        """What programs read: the value itself."""
        return self.value


@dataclass(frozen=True, slots=True)
class Unshown:
    """A payload that is only told of, and why."""

    reference: Reference
    why: str

    def form(self) -> dict[str, Any]:
        """What programs read in place of the value."""
        reference = self.reference
        return {
            "$ref": reference.key,
            "store": reference.store,
            "bytes": reference.bytes,
            "sha256": reference.sha256,
            "content_type": reference.content_type,
            "not_shown": self.why,
        }

    def __str__(self) -> str:
        return f"{reference_text(self.reference)}: {self.why}"


def reference_text(reference: Reference) -> str:
    """A payload in one line: its name, its size and the beginning of its hash."""
    return f"{show_reference(reference)} ({size_text(reference.bytes)}, sha256 {reference.sha256[:12]}…)"


class ValueFetcher:
    """Fetches the values of one view of a run."""

    def __init__(self, planes: DataPlanes, tenant: str, limits: Limits = STATUS) -> None:
        self._planes = planes
        self._tenant = tenant
        self._limits = limits
        self._left = limits.all_bytes
        self._trouble: str | None = None
        self._limit = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, envelopes: Iterable[Envelope]) -> dict[str, Shown | Unshown]:
        """What the references of these envelopes are shown as, by their text; what is no reference is left out."""
        texts = dict.fromkeys(envelope.reference for envelope in envelopes if envelope.reference is not None)
        found = await asyncio.gather(*map(self._fetch, texts))
        return {text: shown for text, shown in zip(texts, found, strict=True) if shown is not None}

    async def _fetch(self, text: str) -> Shown | Unshown | None:
        try:
            found = read_reference(text)
        except PyflowError:
            return None
        reference = next(iter(found)) if isinstance(found, tuple) else found
        why = self._refusal(reference)
        if why is not None:
            return Unshown(reference, why)
        self._left -= reference.bytes
        async with self._limit:
            if self._trouble is not None:
                return Unshown(reference, self._trouble)
            return await self._load(reference)

    def _refusal(self, reference: Reference) -> str | None:
        if reference.encoding not in _READABLE:
            return f"it is {reference.content_type}"
        if reference.bytes > self._limits.value_bytes:
            return f"larger than {size_text(int(self._limits.value_bytes))}"
        if reference.bytes > self._left:
            return f"more than {size_text(int(self._limits.all_bytes))} would be shown"
        return None

    async def _load(self, reference: Reference) -> Shown | Unshown:
        try:
            async with asyncio.timeout(self._limits.seconds):
                plane = await self._planes.of(self._tenant)
                if self._limits.counted_as is not None:
                    self._planes.metrics.count(self._limits.counted_as)
                raw = await plane.reader.read(reference)
            return Shown(_decode(raw, reference.encoding))
        except TimeoutError:
            self._trouble = "the store does not answer"
            return Unshown(reference, self._trouble)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the status is shown
            return Unshown(reference, _reason(error))


def _decode(raw: bytes, encoding: str) -> Any:
    text = raw.decode()
    return text if encoding == "text" else json.loads(text)


def _reason(error: Exception) -> str:
    if isinstance(error, PayloadError):
        return error.message.removesuffix(f" ({error.facts})")
    return error.message if isinstance(error, PyflowError) else f"{type(error).__name__}: {error}"

"""Payloads of unit tests: handles to give to functions, and a place for what functions store."""

from __future__ import annotations

from contextlib import AbstractContextManager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self, TypeVar

from typing_extensions import override

from pyflow_core.codec import codec_for
from pyflow_core.errors import PayloadMissingError
from pyflow_core.payload.handle import Payload, payload_access
from pyflow_core.payload.key import OUTPUT, file_slot, payload_key
from pyflow_core.payload.reference import ObjectReference, Producer, facts_of
from pyflow_core.payload.value import encode_body
from pyflow_core.payload.writer import spooled
from pyflow_core.ports.state import DEFAULT_TENANT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyflow_core.payload.reference import Encoding, Reference
    from pyflow_core.payload.writer import Chunks

T = TypeVar("T")

_RUN = "fake-run"


class FakePayloads(AbstractContextManager["FakePayloads"]):
    """Payloads in memory, for functions that are called without an engine.

    `of` gives a handle to a value, which loads anywhere. Inside `with FakePayloads() as payloads:` functions may call
    `Payload.save` too, and `Step(streams=payloads.streams)` gives a step whose `store` keeps its streams here.
    """

    def __init__(self) -> None:
        self._held: dict[str, bytes] = {}
        self._ambient: AbstractContextManager[None] | None = None

    @override
    def __enter__(self) -> Self:
        self._ambient = payload_access(self)
        self._ambient.__enter__()
        return self

    @override
    def __exit__(self, *exception: object) -> None:
        if self._ambient is not None:
            self._ambient.__exit__(None, None, None)

    def of(self, value: T, as_type: Any = None) -> Payload[T]:
        """A handle to a value, as a step would be given it. `as_type` is as in `Payload.save`."""
        annotation = type(value) if as_type is None else as_type
        body = encode_body(codec_for(annotation), value)
        return Payload(self._keep(body.raw, OUTPUT, body.encoding, body.content_type), annotation, access=self)

    async def streams(self, chunks: Chunks, name: str, content_type: str) -> Payload[bytes]:
        """Keep a stream, as `step.store` does."""
        async with spooled(chunks) as spool:
            raw = spool.path.read_bytes()
        return Payload(self._keep(raw, file_slot(name), "bytes", content_type), bytes, access=self)

    async def save(self, raw: bytes) -> Reference:
        """Keep a configuration."""
        return self._keep(raw, OUTPUT, "json", "application/json")

    async def read(self, reference: Reference) -> bytes:
        """The bytes of a handle that was made here.

        Raises:
            PayloadMissingError: it was made elsewhere.
        """
        raw = self._held.get(reference.key)
        if raw is None:
            raise PayloadMissingError("these fake payloads do not hold it", facts_of(reference))
        return raw

    async def open(self, reference: Reference) -> AsyncGenerator[bytes]:
        """The bytes in one chunk."""
        yield await self.read(reference)

    async def range(self, reference: Reference, start: int, end: int) -> bytes:
        """A part of the bytes."""
        return (await self.read(reference))[start:end]

    def _keep(self, raw: bytes, slot: str, encoding: Encoding, content_type: str) -> Reference:
        digest = sha256(raw).hexdigest()
        key = payload_key(DEFAULT_TENANT, "fake", _RUN, "step", slot, digest, encoding=encoding)
        self._held[key] = raw
        return ObjectReference(
            bytes=len(raw),
            sha256=digest,
            tenant=DEFAULT_TENANT,
            producer=Producer(run_id=_RUN, step_name="step", attempt=1),
            content_type=content_type,
            encoding=encoding,
            store="fake",
            key=key,
        )

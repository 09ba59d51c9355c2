"""The data plane of one tenant's runs: values into its store, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.value import decode_body

if TYPE_CHECKING:
    from pyflow_core.codec import Codec
    from pyflow_core.payload.deposit import Deposit
    from pyflow_core.payload.reader import PayloadReader
    from pyflow_core.payload.reference import Reference
    from pyflow_core.payload.writer import Origin, PayloadWriter, Spool
    from pyflow_core.ports.state import Envelope


class DataPlane:
    """Stores and fetches the values of one tenant's runs."""

    def __init__(self, writer: PayloadWriter, reader: PayloadReader) -> None:
        self._writer = writer
        self.reader = reader

    async def store(self, deposit: Deposit) -> None:
        """Store a value of which it was decided that it goes by reference.

        Raises:
            PayloadError: nothing may be committed.
        """
        body = deposit.draft.body
        reference = await self._writer.write(
            body.raw,
            deposit.origin,
            deposit.slot,
            encoding=body.encoding,
            content_type=body.content_type,
            edition=deposit.edition,
        )
        deposit.stored_as(reference)

    async def fetch(self, codec: Codec, reference: Reference) -> Any:
        """The value of a payload.

        Raises:
            PayloadError: one of its kinds.
            StoredValueError: it is no value of the type that the code now declares.
        """
        return decode_body(codec, await self.reader.read(reference), reference.encoding)

    async def write_spool(self, spool: Spool, origin: Origin, slot: str, *, content_type: str) -> Reference:
        """Store a stream that has come to its end.

        Raises:
            PayloadError: nothing may be committed.
        """
        return await self._writer.write_spool(spool, origin, slot, content_type=content_type)

    async def save(self, raw: bytes, tenant: str, period: int) -> Reference:
        """Store the JSON of a configuration.

        Raises:
            PayloadError: it is not kept.
        """
        return await self._writer.write_configuration(raw, tenant, period)


def single_reference(envelope: Envelope) -> Reference:
    """The reference of the value itself: the first of a manifest.

    Raises:
        PayloadContractError: the envelope holds no reference.
    """
    found = read_reference(envelope.reference or "")
    return found[0] if isinstance(found, tuple) else found

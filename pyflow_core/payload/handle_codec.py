"""The codec of `Payload[T]` itself: what is stored is the reference, and nothing is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from pyflow_core.codec.base import Codec
from pyflow_core.errors import PayloadContractError, StoredValueError, UnserialisableValueError
from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.handle import Payload, is_handle
from pyflow_core.payload.reference import write_reference

if TYPE_CHECKING:
    from pyflow_core.payload.reference import Reference


def handle_codec(codec: Codec) -> PayloadCodec:
    """The codec of a handle to values of this codec; of one that is that of a handle already, itself."""
    return codec if isinstance(codec, PayloadCodec) else PayloadCodec(Payload[Any], codec)


class PayloadCodec(Codec):
    """Stands for the codec of a handle. `inner` is that of what it names.

    A plain value of that type may be given too: it is stored first.
    """

    __slots__ = ("inner",)

    def __init__(self, annotation: object, inner: Codec) -> None:
        super().__init__(annotation, text_only=False)
        self.inner = inner

    def handle(self, reference: Reference, context: str | None = None) -> Payload[Any]:
        """A handle to what a reference names."""
        return Payload(reference, self.inner.annotation, context)

    @override
    def round_trip(self, value: Any) -> tuple[str, Any]:
        if not is_handle(value):
            raise UnserialisableValueError(f"{type(value).__name__} is no Payload, and there is no store to put it in")
        return write_reference(value.reference), value

    @override
    def decode(self, text: str) -> Any:
        try:
            found = read_reference(text)
        except PayloadContractError as error:
            raise StoredValueError(f"a stored payload's reference cannot be read: {error.message}") from None
        if isinstance(found, tuple):
            raise StoredValueError("a manifest was stored, and the code now declares one payload")
        return self.handle(found)

    @override
    def from_json_input(self, text: str | bytes) -> Any:
        return self.inner.from_json_input(text)

"""Values as bodies of payloads: JSON by the codec of their type, raw bytes, or tables."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.codec.table import is_table
from pyflow_core.errors import StoredValueError, UnserialisableValueError
from pyflow_core.payload import arrow
from pyflow_core.payload.handle import met_handles
from pyflow_core.payload.policy import ValueKind

if TYPE_CHECKING:
    from pyflow_core.codec import Codec
    from pyflow_core.payload.reference import Encoding

JSON_TYPE = "application/json"
BINARY_TYPE = "application/octet-stream"
_ANYTHING = (Any, object, None, Parameter.empty)


class Body(NamedTuple):
    """A value ready to be placed. `text` is its JSON, where it has one; `raw` is what a payload would hold.

    `fresh` is the value decoded again, which shares nothing with the one that was given.
    """

    kind: ValueKind
    encoding: Encoding
    content_type: str
    text: str | None
    raw: bytes
    fresh: Any

    @property
    def size(self) -> int:
        """Bytes of the UTF-8 JSON, or of what is no JSON."""
        return len(self.raw)


def encode_body(codec: Codec, value: Any) -> Body:
    """Serialise a value, once.

    Raises:
        UnserialisableValueError: it names the type and the path inside the value.
    """
    if type(value) is bytes and takes_bytes(codec.annotation):
        return Body(ValueKind.BINARY, "bytes", BINARY_TYPE, None, value, value)
    if is_table(value):
        raw = arrow.write_table(value)
        return Body(ValueKind.BINARY, "arrow", arrow.CONTENT_TYPE, None, raw, arrow.read_table(raw, value.__class__))
    text, fresh = codec.round_trip(value)
    return text_body(text, fresh)


def encode_configuration(codec: Codec, value: Any) -> bytes:
    """The JSON of a configuration.

    Raises:
        UnserialisableValueError: it has none, or it holds handles, which nothing would keep for it.
    """
    with met_handles() as handles:
        body = encode_body(codec, value)
    if body.text is None or handles:
        what = "handles to payloads" if handles else "bytes and tables"
        raise UnserialisableValueError(f"a configuration is JSON: {what} cannot be saved as one, or as a part of one")
    return body.raw


def text_body(text: str, fresh: Any = None) -> Body:
    """A body of JSON that a codec has written already."""
    return Body(ValueKind.VALUE, "json", JSON_TYPE, text, text.encode(), fresh)


def decode_body(codec: Codec, raw: bytes, encoding: Encoding) -> Any:
    """The value of verified bytes.

    Raises:
        StoredValueError: they are no value of the type that the code now declares.
    """
    if encoding == "json":
        return codec.decode(_text(raw))
    if encoding == "arrow":
        return arrow.read_table(raw, codec.annotation)
    if encoding == "text":
        return _declared(codec, str, _text(raw))
    return _declared(codec, bytes, raw)


def takes_bytes(annotation: object) -> bool:
    """Whether a declared type is that of raw bytes, or says nothing."""
    return annotation is bytes or annotation in _ANYTHING


def _declared(codec: Codec, kind: type, value: Any) -> Any:
    if codec.annotation is kind or codec.annotation in _ANYTHING:
        return value
    raise StoredValueError(f"{kind.__name__} was stored, and the code now declares another type")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise StoredValueError("the stored value is no UTF-8") from None

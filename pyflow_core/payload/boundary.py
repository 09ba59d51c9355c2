"""Where others write: envelopes and references are checked by pydantic, and what does not fit is refused.

Rows hold the envelope in columns with `CHECK` constraints. What comes from a store of a third party, over HTTP or from
an import goes through here first. Nothing is repaired: a value that does not fit is a mistake of whoever wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar

import annotated_types as at

from pyflow_core.codec.json_text import parse_json, write_json
from pyflow_core.codec.kind import is_mapping
from pyflow_core.errors import InvalidPayloadKeyError, PayloadContractError, StoredValueError
from pyflow_core.payload.key import is_config_key
from pyflow_core.payload.reference import (
    Compression,
    Encoding,
    Lifetime,
    NatsReference,
    ObjectReference,
    RelationalReference,
    Sha256,
    StoreName,
    write_reference,
)
from pyflow_core.ports.payload import check_key
from pyflow_core.ports.state import Envelope

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from pyflow_core.payload.reference import Reference

INLINE_CEILING = 64 * 1024
"""No inline value is larger than this, whatever the settings say."""
CONTEXT_MAX_BYTES = 8 * 1024
ERROR_MESSAGE_MAX = 4 * 1024
VERSION = 1

_FORBID_EXTRA: dict[str, Any] = {"extra": "forbid", "strict": True}

Status = Literal["ok", "error", "skipped", "break", "retry"]
Kind = Literal["output", "input", "config", "error", "file"]
AnyReference = ObjectReference | RelationalReference | NatsReference
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopeError:
    """An error as an envelope tells it: no traceback, no fields."""

    __pydantic_config__: ClassVar[Any] = _FORBID_EXTRA

    type: Annotated[str, at.Len(1, 200)]
    message: Annotated[str, at.Len(0, ERROR_MESSAGE_MAX)]
    code: Annotated[str, at.Len(1, 200)] | None = None
    retryable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """What is known of a value without reading it. What a reference says itself need not be said again."""

    __pydantic_config__: ClassVar[Any] = _FORBID_EXTRA

    kind: Kind
    bytes: Annotated[int, at.Ge(0)] | None = None
    sha256: Sha256 | None = None
    content_type: Annotated[str, at.Len(1, 200)] | None = None
    encoding: Encoding | None = None
    compression: Compression | None = None
    store: StoreName | None = None
    scope: Lifetime | None = None
    schema_id: Annotated[str, at.Len(1, 200)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEnvelope:
    """What a run's or step's row, or an event, may hold of a value.

    `inline` is the JSON text of the value. Neither `inline` nor `reference` means that the value was left out; a result
    of `None` is `inline="null"`.
    """

    __pydantic_config__: ClassVar[Any] = _FORBID_EXTRA

    status: Status
    v: Literal[1] = 1
    error: EnvelopeError | None = None
    inline: str | None = None
    reference: AnyReference | tuple[AnyReference, ...] | None = None
    context: dict[str, Any] | None = None
    meta: Meta | None = None


def read_reference(text: str) -> Reference | tuple[Reference, ...]:
    """The reference, or the manifest, that a row holds.

    Raises:
        PayloadContractError: it is none.
    """
    found: Reference | tuple[Reference, ...] = _validate(_reference_adapter(), text, "a reference")
    for one in found if isinstance(found, tuple) else (found,):
        _check_place(one)
    return found


def referenced_keys(row: Envelope) -> list[str]:
    """The keys of the payloads that a row refers to.

    Raises:
        PayloadContractError: what stands there is no reference.
    """
    if row.reference is None:
        return []
    found = read_reference(row.reference)
    return [one.key for one in (found if isinstance(found, tuple) else (found,))]


def read_envelope(text: str | bytes, *, inline_max: int = INLINE_CEILING) -> ResultEnvelope:
    """An envelope that somebody else wrote.

    Raises:
        PayloadContractError: it is none, or it holds more than an envelope may.
    """
    envelope: ResultEnvelope = _validate(_envelope_adapter(), text, "an envelope")
    check_envelope(envelope, inline_max=inline_max)
    return envelope


def check_envelope(envelope: ResultEnvelope, *, inline_max: int = INLINE_CEILING) -> None:
    """What types alone cannot say of an envelope.

    Raises:
        PayloadContractError: it does not hold.
    """
    if envelope.inline is not None:
        _check_inline(envelope, inline_max)
    references = envelope.reference if isinstance(envelope.reference, tuple) else (envelope.reference,)
    if envelope.reference == ():
        raise PayloadContractError("a manifest names at least one payload: leave the reference out instead")
    for reference in references:
        if reference is not None:
            _check_place(reference)
            _check_agreement(envelope.meta, reference)
    if (envelope.error is not None) != (envelope.status in {"error", "retry"}):
        raise PayloadContractError(f"an envelope of status {envelope.status!r} has an error exactly if that says so")
    if envelope.context is not None:
        check_context(write_json(envelope.context))


def check_row(row: Envelope, *, inline_max: int = INLINE_CEILING) -> None:
    """Refuse columns that are no envelope; for stores of third parties and for tests.

    Raises:
        PayloadContractError: with what is wrong; never with what is in it.
    """
    reference = None if row.reference is None else read_reference(row.reference)
    meta = None if row.meta is None else _validate(_meta_adapter(), row.meta, "meta")
    context: Any = None if row.context is None else _parse(row.context, "the context")
    if context is not None and not is_mapping(context):
        raise PayloadContractError("the context of a value is an object")
    known = None if context is None else dict(context)
    check_envelope(
        ResultEnvelope(status="ok", inline=row.inline, reference=reference, context=known, meta=meta),
        inline_max=inline_max,
    )


def to_row(envelope: ResultEnvelope) -> Envelope:
    """An envelope as the columns of a row."""
    return Envelope(
        inline=envelope.inline,
        reference=None if envelope.reference is None else write_reference(envelope.reference),
        meta=None if envelope.meta is None else write_meta(envelope.meta),
        context=None if envelope.context is None else write_json(envelope.context),
    )


def write_meta(meta: Meta) -> str:
    """The JSON of meta as it stands in a row; what is not known is left out."""
    values = {field.name: getattr(meta, field.name) for field in fields(meta)}
    return write_json({name: value for name, value in values.items() if value is not None})


def check_context(text: str) -> None:
    """Refuse a context that is too large for a row.

    Raises:
        PayloadContractError: it is.
    """
    size = len(text.encode())
    if size > CONTEXT_MAX_BYTES:
        raise PayloadContractError(
            f"a context of {size} bytes is more than the {CONTEXT_MAX_BYTES} that a row may hold: extract less"
        )


def _check_inline(envelope: ResultEnvelope, inline_max: int) -> None:
    if envelope.reference is not None:
        raise PayloadContractError("a value is inline or by reference, never both")
    text = envelope.inline or ""
    size = len(text.encode(errors="surrogatepass"))
    most = min(inline_max, INLINE_CEILING)
    if size > most:
        raise PayloadContractError(f"an inline value of {size} bytes is more than {most}: store it by reference")
    if envelope.meta is not None and envelope.meta.sha256 is not None:
        raise PayloadContractError("an inline value carries no sha256: there is nothing that it could verify")
    _parse(text, "an inline value")


def _check_place(reference: Reference) -> None:
    try:
        check_key(reference.key)
    except InvalidPayloadKeyError as error:
        raise PayloadContractError(f"a reference names no place: {error.message}") from None
    if reference.producer is None and not is_config_key(reference.key):
        raise PayloadContractError("a reference names the run that wrote it, unless it is to a configuration")


def _check_agreement(meta: Meta | None, reference: Reference) -> None:
    if meta is None:
        return
    for name in ("bytes", "sha256", "content_type", "encoding", "compression", "store", "scope"):
        said = getattr(meta, name)
        if said is not None and said != getattr(reference, name):
            raise PayloadContractError(f"meta and reference disagree about {name}")


def _parse(text: str, what: str) -> Any:
    try:
        return parse_json(text)
    except StoredValueError:
        raise PayloadContractError(f"{what} is no JSON") from None


def _validate(adapter: TypeAdapter[T], text: str | bytes, what: str) -> T:
    from pydantic import ValidationError

    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        # What was sent is not quoted: it may be a payload, and messages are kept in rows and logs.
        details = error.errors(include_url=False, include_context=False, include_input=False)
        lines = [f"{'.'.join(map(str, detail['loc'])) or 'it'}: {detail['msg']}"[:200] for detail in details[:5]]
    raise PayloadContractError(f"this is not {what}: {'; '.join(lines)}") from None


@cache
def _reference_adapter() -> TypeAdapter[Any]:
    from pydantic import Field, TypeAdapter

    one: Any = Annotated[AnyReference, Field(discriminator="type")]
    many: Any = Annotated[tuple[one, ...], at.Len(1)]
    return TypeAdapter(one | many)


@cache
def _envelope_adapter() -> TypeAdapter[ResultEnvelope]:
    from pydantic import TypeAdapter

    return TypeAdapter(ResultEnvelope)


@cache
def _meta_adapter() -> TypeAdapter[Meta]:
    from pydantic import TypeAdapter

    return TypeAdapter(Meta)

"""A value that is serialised, once, and of which nobody has decided yet where it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.payload.context import extract_context
from pyflow_core.payload.handle import met_handles
from pyflow_core.payload.handle_codec import PayloadCodec
from pyflow_core.payload.scrub import DEFAULT_SCRUBBER
from pyflow_core.payload.value import Body, encode_body, text_body

if TYPE_CHECKING:
    from pyflow_core.codec import Codec
    from pyflow_core.payload.context import ContextSpec
    from pyflow_core.payload.reference import Reference
    from pyflow_core.payload.scrub import Scrubber


class Draft(NamedTuple):
    """A value that is serialised and not placed yet. `handles` are the payloads that it names in itself.

    With `handle` the step declares a `Payload` and gave the value itself: it goes by reference, however small it is.
    """

    body: Body
    context: str | None = None
    handles: tuple[Reference, ...] = ()
    handle: PayloadCodec | None = None


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

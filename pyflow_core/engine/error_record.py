"""The record of an exception: what a row holds of it, without secrets and never large."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.codec import PLAIN
from pyflow_core.errors import (
    CodecError,
    ErrorFieldsError,
    ErrorInfo,
    PyflowError,
    RpcError,
    StepFailedError,
    failed_step,
)
from pyflow_core.payload.scrub import DEFAULT_SCRUBBER

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_TYPE = 200
MAX_MESSAGE = 2000
MAX_TRACEBACK = 32_000
"""Characters; what an exception says of its data must not make a row large."""
MAX_FIELDS_BYTES = 8 * 1024
"""Bytes of JSON of all fields of a declared error together."""


def error_info(error: BaseException, *, step_name: str | None = None) -> ErrorInfo:
    """The record of an exception. A failed step inside groups gives its name, for a re-drive.

    What is too long is cut, and says so. The fields of a declared error are rebuilt for whoever catches it, so they
    are not cut: where they cannot be recorded, that is the error.
    """
    fields = None
    if isinstance(error, RpcError):
        try:
            fields = _fields_text(error)
        except ErrorFieldsError as refusal:
            refusal.__cause__ = error
            return error_info(refusal, step_name=failed_step(error) or step_name)
    return ErrorInfo(
        type=_cut(type(error).__qualname__, MAX_TYPE),
        message=_cut(DEFAULT_SCRUBBER.text(str(error)), MAX_MESSAGE),
        code=error.code if isinstance(error, PyflowError) else None,
        retryable=getattr(error, "retryable", True),
        step_name=_failed_step(error) or step_name,
        fields=fields,
        traceback=_traceback_text(error),
    )


def _fields_text(error: RpcError) -> str | None:
    """The public attributes as JSON, without secrets.

    Raises:
        ErrorFieldsError: one cannot be stored, or they are too large; it names the field.
    """
    public = {name: value for name, value in vars(error).items() if not name.startswith("_")}
    if not public:
        return None
    try:
        text = DEFAULT_SCRUBBER.json(PLAIN.encode(public))
    except CodecError as refusal:
        raise ErrorFieldsError(f"{type(error).__qualname__} cannot be recorded with its fields: {refusal}") from None
    size = len(text.encode())
    if size > MAX_FIELDS_BYTES:
        name, largest = _largest(public)
        raise ErrorFieldsError(
            f"the fields of {type(error).__qualname__} are {size} bytes of JSON ({name!r} alone is {largest}), and at "
            f"most {MAX_FIELDS_BYTES} are recorded: give the error what its handlers need, and store the rest"
        )
    return text


def _largest(fields: Mapping[str, Any]) -> tuple[str, int]:
    sizes = {name: len(PLAIN.encode(value).encode()) for name, value in fields.items()}
    return max(sizes.items(), key=lambda item: item[1])


def _traceback_text(error: BaseException) -> str:
    """Begin and end of the traceback, in which no part is longer than a message may be."""
    parts = traceback.format_exception(error)
    text = "".join(part if len(part) <= MAX_MESSAGE else f"{part[:MAX_MESSAGE]}…\n" for part in parts)
    half = MAX_TRACEBACK // 2
    return DEFAULT_SCRUBBER.text(text if len(text) <= MAX_TRACEBACK else f"{text[:half]}\n…\n{text[-half:]}")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _failed_step(error: BaseException) -> str | None:
    if isinstance(error, StepFailedError):
        return error.step_name
    if isinstance(error, RpcError):
        return failed_step(error)
    if isinstance(error, BaseExceptionGroup):
        members = cast("BaseExceptionGroup[BaseException]", error).exceptions
        return next((found for member in members if (found := _failed_step(member)) is not None), None)
    return None

"""Inline or by reference: one rule for every value, a function of its size and of the settings alone."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pyflow_core.errors import InvalidOptionError, PayloadFacts, PayloadTooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

INLINE_CEILING = 64 * 1024
"""`inline_max` may not be larger than this."""
SMALL_BYTES = 1024
"""A value of up to so many bytes stays inline though the run's budget is used up: a reference is no smaller."""


class ValueKind(StrEnum):
    """What decides before any size does."""

    VALUE = "value"
    BINARY = "binary"
    """`bytes`."""
    STREAM = "stream"
    """A file or a stream; it has no hard maximum."""
    CONFIG = "config"
    """A configuration or definition, which always goes by id."""


class Placement(StrEnum):
    """Where a value goes, and why."""

    INLINE = "inline"
    BY_KIND = "by_kind"
    BY_STRICT = "by_strict"
    BY_SIZE = "by_size"
    BY_BUDGET = "by_budget"

    @property
    def by_reference(self) -> bool:
        """Whether the row holds a reference."""
        return self is not Placement.INLINE


@dataclass(frozen=True, slots=True)
class PayloadPolicy:
    """The limits, in bytes. `inline_budget` is what all inline values of a run may come to."""

    inline_max: int = 32 * 1024
    inline_budget: int = 64 * 1024
    hard_max: int = 50 * 1024 * 1024
    strict: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.inline_max <= INLINE_CEILING:
            raise InvalidOptionError(f"inline_max = {self.inline_max} must be from 0 to {INLINE_CEILING} bytes")
        if self.inline_budget < 0 or self.hard_max < 1:
            raise InvalidOptionError("inline_budget must be 0 or more bytes, hard_max 1 or more")

    def override(self, options: Mapping[str, Any]) -> PayloadPolicy:
        """This policy with what `options` say; other keys in them are other people's."""
        known = {field.name for field in fields(self)}
        given = {name: value for name, value in options.items() if name in known and value is not None}
        return replace(self, **given) if given else self


DEFAULT_POLICY = PayloadPolicy()


def resolve_policy(project: PayloadPolicy, *narrower: Mapping[str, Any] | None) -> PayloadPolicy:
    """The policy of a step: the project's, overridden by its queue, then its workflow, then the step itself."""
    policy = project
    for options in narrower:
        if options:
            policy = policy.override(options)
    return policy


def place(
    size: int, run_inline_bytes: int, policy: PayloadPolicy = DEFAULT_POLICY, kind: ValueKind = ValueKind.VALUE
) -> Placement:
    """Where a value of `size` bytes goes.

    `size` is that of its UTF-8 JSON (of the raw bytes, for binary ones); `run_inline_bytes` is what the run held inline
    when the step was asked for, so that a replay comes to the same answer.

    Raises:
        PayloadTooLargeError: over `hard_max`; nothing may be committed, and a retry will not help.
    """
    if kind is not ValueKind.STREAM and size > policy.hard_max:
        raise PayloadTooLargeError(
            f"a value of {size} bytes is larger than hard_max = {policy.hard_max}: write it as a stream, return less, "
            "or raise hard_max",
            PayloadFacts(found_bytes=size),
        )
    if kind is not ValueKind.VALUE:
        return Placement.BY_KIND
    if policy.strict:
        return Placement.BY_STRICT
    if size > policy.inline_max:
        return Placement.BY_SIZE
    if run_inline_bytes > policy.inline_budget and size > SMALL_BYTES:
        return Placement.BY_BUDGET
    return Placement.INLINE

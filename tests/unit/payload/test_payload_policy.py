"""Inline or by reference, as a table."""

from __future__ import annotations

import pytest

from pyflow_core.errors import InvalidOptionError, PayloadTooLargeError
from pyflow_core.payload.policy import PayloadPolicy, Placement, ValueKind, place, resolve_policy

KIB = 1024
DEFAULT = PayloadPolicy()
STRICT = PayloadPolicy(strict=True)
SMALL = PayloadPolicy(inline_max=100, inline_budget=1000, hard_max=10_000)


@pytest.mark.parametrize(
    ("policy", "kind", "size", "run_inline", "expected"),
    [
        (DEFAULT, ValueKind.VALUE, 0, 0, Placement.INLINE),
        (DEFAULT, ValueKind.VALUE, 32 * KIB, 0, Placement.INLINE),
        (DEFAULT, ValueKind.VALUE, 32 * KIB + 1, 0, Placement.BY_SIZE),
        (DEFAULT, ValueKind.VALUE, 2 * KIB, 64 * KIB, Placement.INLINE),
        (DEFAULT, ValueKind.VALUE, 2 * KIB, 64 * KIB + 1, Placement.BY_BUDGET),
        (DEFAULT, ValueKind.VALUE, KIB, 64 * KIB + 1, Placement.INLINE),
        (DEFAULT, ValueKind.VALUE, KIB + 1, 64 * KIB + 1, Placement.BY_BUDGET),
        (DEFAULT, ValueKind.VALUE, 50 * KIB * KIB, 0, Placement.BY_SIZE),
        (DEFAULT, ValueKind.BINARY, 0, 0, Placement.BY_KIND),
        (DEFAULT, ValueKind.BINARY, 1, 0, Placement.BY_KIND),
        (DEFAULT, ValueKind.STREAM, 1, 0, Placement.BY_KIND),
        (DEFAULT, ValueKind.STREAM, 10**12, 0, Placement.BY_KIND),
        (DEFAULT, ValueKind.CONFIG, 1, 0, Placement.BY_KIND),
        (STRICT, ValueKind.VALUE, 0, 0, Placement.BY_STRICT),
        (STRICT, ValueKind.VALUE, 4, 0, Placement.BY_STRICT),
        (SMALL, ValueKind.VALUE, 100, 0, Placement.INLINE),
        (SMALL, ValueKind.VALUE, 101, 0, Placement.BY_SIZE),
        (SMALL, ValueKind.VALUE, 10_000, 0, Placement.BY_SIZE),
        (PayloadPolicy(inline_max=0), ValueKind.VALUE, 0, 0, Placement.INLINE),
        (PayloadPolicy(inline_max=0), ValueKind.VALUE, 1, 0, Placement.BY_SIZE),
        (PayloadPolicy(inline_budget=0), ValueKind.VALUE, 2 * KIB, 1, Placement.BY_BUDGET),
    ],
)
def test_where_a_value_goes(
    policy: PayloadPolicy, kind: ValueKind, size: int, run_inline: int, expected: Placement
) -> None:
    assert place(size, run_inline, policy, kind) is expected
    assert expected.by_reference == (expected is not Placement.INLINE)


@pytest.mark.parametrize("kind", [ValueKind.VALUE, ValueKind.BINARY, ValueKind.CONFIG])
@pytest.mark.parametrize("policy", [SMALL, PayloadPolicy(inline_max=100, hard_max=10_000, strict=True)])
def test_over_the_hard_maximum_nothing_is_stored_and_no_retry_helps(kind: ValueKind, policy: PayloadPolicy) -> None:
    assert place(10_000, 0, policy, kind).by_reference
    with pytest.raises(PayloadTooLargeError, match="10001 bytes is larger than hard_max = 10000") as caught:
        place(10_001, 0, policy, kind)
    assert caught.value.retryable is False


def test_the_narrowest_setting_holds() -> None:
    policy = resolve_policy(DEFAULT, {"inline_max": 10, "concurrency": 2}, None, {"strict": True}, {"inline_max": 20})
    assert policy == PayloadPolicy(inline_max=20, strict=True)
    assert resolve_policy(DEFAULT, {}, None) is DEFAULT
    assert resolve_policy(SMALL, {"inline_max": None}) is SMALL


@pytest.mark.parametrize(
    "limits", [{"inline_max": 64 * KIB + 1}, {"inline_max": -1}, {"inline_budget": -1}, {"hard_max": 0}]
)
def test_limits_beyond_the_ceiling_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InvalidOptionError):
        PayloadPolicy(**limits)
    with pytest.raises(InvalidOptionError):
        resolve_policy(DEFAULT, limits)


def test_the_ceiling_itself_is_allowed() -> None:
    assert place(64 * KIB, 0, PayloadPolicy(inline_max=64 * KIB)) is Placement.INLINE

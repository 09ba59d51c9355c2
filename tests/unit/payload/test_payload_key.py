"""Keys: one for each thing, none that leads elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyflow_core.errors import InvalidPayloadKeyError
from pyflow_core.payload.key import (
    OUTPUT,
    belongs_to,
    config_key,
    encode_segment,
    file_slot,
    parse_key,
    part_slot,
    payload_key,
    run_prefix,
    tenant_prefix,
)
from pyflow_core.ports.payload import MAX_KEY_BYTES, check_key, check_prefix

SHA = "0123456789abcdef" * 4
NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200),
    st.sampled_from([".", "..", "/", "~", "%2E", "%2e", "~run", "a~b", "x" * 200, "é" * 200, "payloads"]),
)
SLOTS = st.one_of(
    st.sampled_from(["input", "output", "error"]), NAMES.map(file_slot), st.integers(0, 10**6).map(part_slot)
)
PLACES = st.tuples(NAMES, NAMES, NAMES, st.none() | NAMES, SLOTS)


def key_of(place: tuple[str, str, str, str | None, str], **more: object) -> str:
    return payload_key(*place, SHA, **more)  # type: ignore[arg-type]


@given(PLACES, PLACES)
@example(("t", "w", "r", None, "output"), ("t", "w", "r", "~run", "output"))
@example(("t", "w", "r", "s", "file-a.b"), ("t", "w", "r", "s", "file-a"))
@example(("a/b", "c", "r", "s", "output"), ("a", "b/c", "r", "s", "output"))
@example(("t", "w", "R", "s", "output"), ("t", "w", "r", "s", "output"))
def test_different_places_have_different_keys(first: tuple, second: tuple) -> None:
    assert (key_of(first) == key_of(second)) == (first == second)


@given(
    PLACES,
    st.sampled_from(["json", "text", "bytes", "arrow"]),
    st.sampled_from(["none", "gzip", "zstd"]),
    st.integers(0, 9),
)
def test_every_key_is_one_that_stores_take_and_stays_below_its_run(
    place: tuple, encoding: str, compression: str, edition: int
) -> None:
    key = key_of(place, encoding=encoding, compression=compression, edition=edition)
    check_key(key)
    assert len(key) <= MAX_KEY_BYTES
    assert all(segment not in {"", ".", ".."} and len(segment) <= 255 for segment in key.split("/"))
    prefix = run_prefix(*place[:3])
    check_prefix(prefix)
    assert key.startswith(prefix)
    assert key.count("/") == 5
    assert belongs_to(key, place[0])


@given(PLACES, PLACES)
def test_a_run_s_prefix_holds_that_run_s_keys_only(first: tuple, second: tuple) -> None:
    assert key_of(second).startswith(run_prefix(*first[:3])) == (first[:3] == second[:3])
    assert key_of(second).startswith(tenant_prefix(first[0])) == (first[0] == second[0])
    assert belongs_to(key_of(second), first[0]) == (first[0] == second[0])


@given(PLACES, st.integers(0, 3))
def test_what_a_key_says_is_what_it_was_made_of(place: tuple, edition: int) -> None:
    parts = parse_key(key_of(place, edition=edition))
    if parts is None:  # a tenant or workflow that is too long to stand in a key
        assert any(len(encode_segment(name)) >= 160 for name in place[:2])
        return
    assert (parts.tenant, parts.workflow) == place[:2]
    assert parts.run_id in {None, place[2]}
    assert parts.step in {None, place[3]}
    assert parts.slot in {None, place[4]}
    assert (parts.sha256_head, parts.edition) == (SHA[:32], edition)


@given(NAMES)
def test_a_segment_is_cut_only_if_it_is_long(name: str) -> None:
    segment = encode_segment(name)
    assert len(segment) <= 160
    assert ("~" in segment) == (len(segment) == 160 and "~" in segment)


def test_a_key_reads_well() -> None:
    key = payload_key("acme", "orders", "run-1", "charge card", OUTPUT, SHA)
    assert key == "payloads/acme/orders/run-1/charge%20card/output.0123456789abcdef0123456789abcdef.json"
    assert payload_key("acme", "orders", "run-1", None, "input", SHA, compression="zstd", edition=2) == (
        "payloads/acme/orders/run-1/~run/input.0123456789abcdef0123456789abcdef-2.json.zst"
    )
    assert config_key("acme", SHA, 2990) == f"configs/acme/{SHA}-2990.json"
    assert config_key("acme", SHA, 2990, edition=2) == f"configs/acme/{SHA}-2990-2.json"
    assert parse_key(config_key("acme", SHA, 2990)) is None


@pytest.mark.parametrize("slot", ["", "outputs", "file-", "part-1", "part-x", "Output"])
def test_an_unknown_slot_is_refused(slot: str) -> None:
    with pytest.raises(InvalidPayloadKeyError, match="slot"):
        payload_key("t", "w", "r", "s", slot, SHA)


@pytest.mark.parametrize("name", ["", "\ud800"])
def test_a_name_that_no_key_can_hold_is_refused(name: str) -> None:
    with pytest.raises(InvalidPayloadKeyError):
        payload_key("t", "w", name, "s", OUTPUT, SHA)

"""Envelopes and references that others wrote: taken as they are, or refused without a quotation."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyflow_core.errors import PayloadContractError
from pyflow_core.payload.boundary import Meta, ResultEnvelope, check_row, read_envelope, read_reference, to_row
from pyflow_core.payload.reference import (
    NatsReference,
    ObjectReference,
    Producer,
    Reference,
    RelationalReference,
    show_reference,
    write_reference,
)
from pyflow_core.ports.state import Envelope

KEY = "payloads/acme/orders/run-1/send/output.0123456789abcdef0123456789abcdef.json"
COMMON: dict[str, Any] = {
    "bytes": 5,
    "sha256": "ab" * 32,
    "tenant": "acme",
    "producer": Producer(run_id="run-1", step_name="send", attempt=2),
}
OBJECT = ObjectReference(store="s3", key=KEY, ttl_seconds=60.0, auth_ref="ARCHIVE", scope="workflow", **COMMON)
RELATIONAL = RelationalReference(database="state", schema="main", table="payloads", primary_key=KEY, **COMMON)
NATS = NatsReference(store="nats", bucket="pyflow", key=KEY, compression="gzip", encoding="bytes", **COMMON)
ALL: list[Reference] = [OBJECT, RELATIONAL, NATS]


@pytest.mark.parametrize("reference", ALL, ids=lambda reference: reference.type)
def test_a_reference_comes_back_as_it_was_written(reference: Reference) -> None:
    text = write_reference(reference)
    assert read_reference(text) == reference
    assert json.loads(text)["type"] == reference.type
    assert show_reference(reference) == f"pf://{reference.store}/{KEY}"
    assert len(text) < 500


def test_a_manifest_comes_back_in_order() -> None:
    assert read_reference(write_reference(tuple(ALL))) == tuple(ALL)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "ftp"},
        {"type": None},
        {"bytes": -1},
        {"bytes": "5"},
        {"bytes": 5.5},
        {"sha256": "AB" * 32},
        {"sha256": "ab" * 32 + "\n"},
        {"sha256": "ab"},
        {"key": ""},
        {"key": "payloads/../../etc/passwd"},
        {"key": "/etc/passwd"},
        {"key": "a" * 1025},
        {"key": "payloads//x"},
        {"store": "postgresql://ada:secret@host/db"},
        {"store": ""},
        {"auth_ref": "password=hunter2"},
        {"auth_ref": "https://u:p@host"},
        {"tenant": ""},
        {"scope": "forever"},
        {"encoding": "pickle"},
        {"compression": "lzma"},
        {"ttl_seconds": 0},
        {"producer": {}},
        {"producer": {"run_id": "r", "password": "x"}},
        {"content_type": "text/html\r\nSet-Cookie: x"},
        {"surplus": 1},
    ],
    ids=lambda change: f"{next(iter(change))}={str(next(iter(change.values())))[:20]!r}",
)
def test_what_is_no_reference_is_refused_and_not_quoted(change: dict[str, Any]) -> None:
    tree = {**json.loads(write_reference(OBJECT)), **change}
    with pytest.raises(PayloadContractError) as caught:
        read_reference(json.dumps(tree))
    assert "hunter2" not in caught.value.message
    assert "secret" not in caught.value.message


def test_a_payload_in_nats_is_small_and_one_in_a_table_lives_on() -> None:
    tree = json.loads(write_reference(NATS))
    read_reference(json.dumps({**tree, "bytes": 999_999}))
    with pytest.raises(PayloadContractError):
        read_reference(json.dumps({**tree, "bytes": 1_000_000}))
    with pytest.raises(PayloadContractError):
        read_reference(json.dumps({**json.loads(write_reference(RELATIONAL)), "ttl_seconds": 5}))


ERROR = {"type": "ValueError", "message": "no", "retryable": False}


@pytest.mark.parametrize(
    "tree",
    [
        {"v": 1, "status": "ok", "inline": "null"},
        {"status": "ok", "inline": '{"$ref":"payloads/x"}'},
        {"status": "ok"},
        {"status": "skipped"},
        {"status": "break", "context": {"rows": 3}},
        {"status": "error", "error": ERROR},
        {"status": "retry", "error": ERROR},
        {"status": "ok", "inline": "5", "meta": {"kind": "output", "bytes": 1}},
    ],
)
def test_an_envelope_is_taken_as_it_is(tree: dict[str, Any]) -> None:
    envelope = read_envelope(json.dumps(tree))
    assert {name: value for name, value in tree.items() if name not in {"error", "meta"}}.items() <= vars_of(envelope)
    if envelope.error is None:
        check_row(to_row(envelope))


def vars_of(envelope: ResultEnvelope) -> Any:
    return {name: getattr(envelope, name) for name in ResultEnvelope.__dataclass_fields__}.items()


REFERENCE = json.loads(write_reference(OBJECT))


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"v": 2, "status": "ok"}, "v:"),
        ({"status": "fine"}, "status:"),
        ({}, "status:"),
        ({"status": "ok", "output": {"secret-marker": 1}}, "output:"),
        ({"status": "ok", "inline": {"secret-marker": 1}}, "inline:"),
        ({"status": "ok", "inline": "{secret-marker"}, "no JSON"),
        ({"status": "ok", "inline": '"' + "x" * 65_536 + '"'}, "by reference"),
        ({"status": "ok", "inline": "1", "reference": REFERENCE}, "never both"),
        ({"status": "ok", "inline": "1", "meta": {"kind": "output", "sha256": "ab" * 32}}, "no sha256"),
        ({"status": "ok", "reference": []}, "at least one"),
        ({"status": "ok", "reference": REFERENCE, "meta": {"kind": "output", "bytes": 6}}, "disagree about bytes"),
        ({"status": "ok", "error": ERROR}, "status 'ok'"),
        ({"status": "error"}, "status 'error'"),
        ({"status": "error", "error": {**ERROR, "traceback": "secret-marker"}}, "traceback"),
        ({"status": "error", "error": {**ERROR, "message": "x" * 5000}}, "message"),
        ({"status": "ok", "context": {"a": "y" * 8192}}, "8192"),
        ({"status": "ok", "context": [1]}, "context"),
        ({"status": "ok", "meta": {"kind": "diary"}}, "kind"),
    ],
)
def test_what_is_no_envelope_is_refused_and_not_quoted(tree: dict[str, Any], said: str) -> None:
    with pytest.raises(PayloadContractError, match=said) as caught:
        read_envelope(json.dumps(tree))
    assert "secret-marker" not in caught.value.message


@pytest.mark.parametrize(
    "row",
    [
        Envelope(inline="1", reference=write_reference(OBJECT)),
        Envelope(reference="{}"),
        Envelope(inline="{"),
        Envelope(inline="1", context="[]"),
        Envelope(inline="1", context="{"),
        Envelope(inline="1", meta="{}"),
    ],
)
def test_a_row_that_is_no_envelope_is_refused(row: Envelope) -> None:
    with pytest.raises(PayloadContractError):
        check_row(row)


def test_the_limit_of_a_project_is_held_too() -> None:
    check_row(Envelope(inline='"xxx"'), inline_max=5)
    with pytest.raises(PayloadContractError, match="5 bytes is more than 4"):
        check_row(Envelope(inline='"xxx"'), inline_max=4)


def test_an_envelope_with_everything_comes_back() -> None:
    envelope = ResultEnvelope(
        status="ok",
        reference=(OBJECT, replace(OBJECT, key=KEY + ".x")),
        context={"rows": 3},
        meta=Meta(kind="output", schema_id="app:Page"),
    )
    row = to_row(envelope)
    check_row(row)
    assert row.inline is None
    assert read_reference(row.reference or "") == envelope.reference
    assert json.loads(row.meta or "") == {"kind": "output", "schema_id": "app:Page"}


@given(st.binary() | st.text().map(str.encode))
def test_noise_is_refused_and_nothing_else_happens(noise: bytes) -> None:
    with pytest.raises(PayloadContractError):
        read_envelope(noise)

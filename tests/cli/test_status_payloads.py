"""`status --raw` has no payload store to load from: none is made, whatever the settings say."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from pyflow_services.sqlite import SqliteStateService

from pyflow_cli import payload_opening
from pyflow_core.ports.metric import STATUS_PAYLOAD_LOADS
from pyflow_core.ports.state import Envelope, NewRun
from pyflow_core.testing.metric import MemoryMetrics

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from conftest import Pyflow

REFERENCE = (
    '{"type":"object_store","bytes":40002,"sha256":"' + "a" * 64 + '","tenant":"default",'
    '"producer":{"run_id":"r1"},"store":"file","key":"payloads/default/w/r1/~run/input.' + "a" * 32 + '.json"}'
)


def refuse(*given: Any) -> NoReturn:
    raise AssertionError(f"a payload store was made: {given}")


async def start(folder: Path, reference: str = REFERENCE) -> None:
    state = SqliteStateService(folder / ".pyflow" / "state.db")
    await state.open()
    await state.create_run(NewRun("r1", "w", Envelope(reference=reference), "", (), None, "default"))
    await state.close()


def test_raw_makes_no_payload_store(project: Path, pyflow: Pyflow, monkeypatch: pytest.MonkeyPatch) -> None:
    asyncio.run(start(project))
    monkeypatch.setattr(payload_opening, "make_payloads", refuse)
    monkeypatch.setattr(payload_opening, "DataPlanes", refuse)
    raw = pyflow("status", "r1", "--raw")
    assert raw.code == 0, raw.err
    assert '{"$ref": "payloads/default/w/r1/~run/input.' in raw.out
    assert pyflow("status", "r1").code == 70, "the test would notice"
    assert pyflow("payload", "ls", "r1").code == 0


def large(folder: Path) -> bytes:
    text = b'"' + b"x" * 40_000 + b'"'
    reference = json.loads(REFERENCE)
    key = f"payloads/default/w/r1/~run/input.{hashlib.sha256(text).hexdigest()[:32]}.json"
    reference.update(key=key, sha256=hashlib.sha256(text).hexdigest(), bytes=len(text))
    file = folder / ".pyflow" / "payloads" / key
    file.parent.mkdir(parents=True)
    file.write_bytes(text)
    return json.dumps(reference).encode()


def test_what_a_status_loads_is_counted_and_a_raw_one_loads_nothing(
    project: Path, pyflow: Pyflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(start(project, large(project).decode()))
    metrics = MemoryMetrics()
    monkeypatch.setitem(sys.modules, "telemetry", SimpleNamespace(metrics=metrics))
    monkeypatch.setenv("PYFLOW_METRICS", "telemetry:metrics")
    for command in (("status", "r1", "--raw"), ("runs",), ("payload", "ls", "r1")):
        assert pyflow(*command).code == 0
        assert metrics.counts[STATUS_PAYLOAD_LOADS] == 0
    shown = pyflow("status", "r1", "--json")
    assert json.loads(shown.out)["input"] == "x" * 40_000, shown.err
    assert metrics.counts[STATUS_PAYLOAD_LOADS] == 1


def test_a_status_does_without_metrics_that_cannot_be_had(
    project: Path, pyflow: Pyflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(start(project, large(project).decode()))
    monkeypatch.setenv("PYFLOW_METRICS", "no.such.module:metrics")
    assert pyflow("status", "r1").code == 0


def test_status_goes_on_whatever_the_factory_raises(
    project: Path, pyflow: Pyflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(start(project))
    monkeypatch.setattr(payload_opening, "make_payloads", refuse)
    shown = pyflow("status", "r1")
    assert shown.code == 0, shown.err
    assert "(39.1 KiB, sha256 aaaaaaaaaaaa…): AssertionError" in shown.out

"""`status --raw` has no payload store to load from: none is made, whatever the settings say."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

from pyflow_services.sqlite import SqliteStateService

from pyflow_cli import payload_opening
from pyflow_core.ports.state import Envelope, NewRun

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


async def start(folder: Path) -> None:
    state = SqliteStateService(folder / ".pyflow" / "state.db")
    await state.open()
    await state.create_run(NewRun("r1", "w", Envelope(reference=REFERENCE), "", (), None, "default"))
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


def test_status_goes_on_whatever_the_factory_raises(
    project: Path, pyflow: Pyflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(start(project))
    monkeypatch.setattr(payload_opening, "make_payloads", refuse)
    shown = pyflow("status", "r1")
    assert shown.code == 0, shown.err
    assert "(39.1 KiB, sha256 aaaaaaaaaaaa…): AssertionError" in shown.out

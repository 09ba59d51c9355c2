"""Looking for the dead leaves nothing behind, and keeps nothing from others."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

from flow_fleet import Fleet
from pyflow_services.sqlite import SqliteStateService

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.fixtures.family import Family

pytest_plugins = ["tests.fixtures.processes"]


def test_a_search_that_is_cancelled_does_not_keep_the_dead_from_others(
    family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = Fleet(family, tmp_path, monkeypatch)
    worker = fleet.worker()
    dead = fleet.workers()[worker.pid]
    worker.kill()

    async def scenario() -> None:
        hasty, patient = SqliteStateService(fleet.database), SqliteStateService(fleet.database)
        await hasty.open()
        await patient.open()
        go_on, find_dead = threading.Event(), hasty._census.find_dead

        def find_dead_slowly(cursor: Any) -> Any:
            go_on.wait()
            return find_dead(cursor)

        monkeypatch.setattr(hasty._census, "find_dead", find_dead_slowly)
        search = asyncio.ensure_future(hasty.reap())
        await asyncio.sleep(0)
        search.cancel()
        go_on.set()
        await asyncio.gather(search, return_exceptions=True)
        assert search.cancelled()
        await hasty.close()
        assert dead in await patient.reap()
        await patient.close()

    asyncio.run(scenario())


def test_locks_of_nobody_are_removed_once_they_are_old(tmp_path: Path) -> None:
    database = tmp_path / "state.db"
    folder = tmp_path / "state.db.workers"

    async def scenario() -> None:
        service = SqliteStateService(database)
        await service.open()
        await service.reap()  # there is no folder yet
        folder.mkdir()
        for name in ("young.lock", "old.lock"):
            (folder / name).touch()
        os.utime(folder / "old.lock", (0, 0))
        held = service._folder.hold("held")
        os.utime(folder / "held.lock", (0, 0))
        assert await service.reap() == ()
        assert {path.name for path in folder.iterdir()} == {"young.lock", "held.lock"}
        held.remove()
        await service.close()

    asyncio.run(scenario())

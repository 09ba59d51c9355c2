"""The SQLite store keeps the contract of the state port: two clients of one file, each with connections of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pyflow_services.sqlite import SqliteStateService
from typing_extensions import override

from pyflow_core.testing.contracts.state import StateServiceContract

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyflow_core.ports.state import WorkflowStateService


class TestSqliteState(StateServiceContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._path = tmp_path / "flow.db"

    def _open(self, clock: Callable[[], float]) -> SqliteStateService:
        # What is tested does not depend on fsync, which is most of the time otherwise.
        return SqliteStateService(self._path, synchronous="normal", clock=clock, lease_clock=clock)

    @override
    async def make_service(self, clock: Callable[[], float]) -> WorkflowStateService:
        return self._open(clock)

    @override
    async def make_client(self, service: WorkflowStateService, clock: Callable[[], float]) -> WorkflowStateService:
        return self._open(clock)

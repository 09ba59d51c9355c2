"""The payload store of a project, for commands that read or clean it. It is opened when it is first needed."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pyflow_core.clock import SystemClock
from pyflow_core.errors import UsageError
from pyflow_core.metrics import load_metrics
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.ports.metric import NO_METRICS
from pyflow_core.stores import make_payloads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyflow_cli.settings import Settings
    from pyflow_core.ports.metric import MetricService
    from pyflow_core.ports.payload import PayloadService


@asynccontextmanager
async def open_payloads(settings: Settings) -> AsyncGenerator[DataPlanes]:
    """The payloads of all tenants. Whatever is first asked of them raises what is wrong with the store.

    Raises:
        SettingsError, MissingExtraError, PayloadStoreUnavailableError, UnsafeStoreError
    """

    def make_store() -> PayloadService:
        return make_payloads(settings.payloads, settings.root, SystemClock())

    planes = DataPlanes(make_store, metrics=_metrics(settings))
    try:
        yield planes
    finally:
        await planes.close()


def _metrics(settings: Settings) -> MetricService:
    """What reads runs works without the project's code, and so without what it measures with."""
    try:
        return load_metrics(settings.metrics)
    except UsageError:
        return NO_METRICS

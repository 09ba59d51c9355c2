"""What takes a project's measurements, as its settings name it."""

from __future__ import annotations

from pyflow_core.errors import SettingsError
from pyflow_core.ports.metric import NO_METRICS, MetricService
from pyflow_core.service import load_target


def load_metrics(given: MetricService | str | None) -> MetricService:
    """The service itself; or the one that `"package.module:name"` is, or makes when it is called.

    Raises:
        SettingsError: it cannot be imported, or is no `MetricService`.
        MissingExtraError: it needs what is not installed.
    """
    if not isinstance(given, str):
        return NO_METRICS if given is None else given
    found = load_target(given, what="metrics =")
    made = found if isinstance(found, MetricService) or not callable(found) else found()
    if not isinstance(made, MetricService):
        raise SettingsError(f"metrics = {given!r} is no MetricService, and makes none: it gave a {type(made).__name__}")
    return made

"""Where the reports of units come from: from the cache, from this process, from readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.cache import digest_of
from pyflow_inspector.fingerprint import fingerprint
from pyflow_inspector.unit import UnitReport

if TYPE_CHECKING:
    from pyflow_inspector.cache import Cache
    from pyflow_inspector.project import Modules
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceIndex

FEW = 6
"""So many units are read in this process: another one takes longer to come up."""

_NOT_KEPT = ("PF903", "PF904")
"""Findings about a reading that went wrong, and that may go well next time."""


class UnitSource:
    """Gives reports, and reads only what has changed since it was read last."""

    def __init__(self, settings: InspectorSettings, index: SourceIndex, cache: Cache | None) -> None:
        self._settings = settings
        self._index = index
        self._cache = cache
        self._modules: Modules | None = None

    def read(self, units: list[str]) -> list[UnitReport]:
        """The reports of these units, in their order."""
        known = {unit: self._known(unit) for unit in units}
        stale = [unit for unit, report in known.items() if report is None]
        fresh = {report.unit: report for report in self._read(stale)}
        for report in fresh.values():
            self._keep(report)
        return [known[unit] or fresh[unit] for unit in units]

    def _read(self, units: list[str]) -> list[UnitReport]:
        if len(units) <= FEW:
            return self._read_here(units)
        from pyflow_inspector.reader_pool import ReaderPool

        reports, left = ReaderPool(self._settings, self._index).read(units)
        return [*reports, *self._read_here(left)]

    def _read_here(self, units: list[str]) -> list[UnitReport]:
        if not units:
            return []
        from pyflow_inspector.project import Modules  # libcst takes its time to import
        from pyflow_inspector.reading import read_unit

        if self._modules is None:
            self._modules = Modules(self._index)
        return [read_unit(self._settings, self._modules, unit) for unit in units]

    # --- the cache

    def _known(self, unit: str) -> UnitReport | None:
        if self._cache is None:
            return None
        report = self._cache.load(unit, self._key(unit), UnitReport)
        if report is None or report.unit != unit:
            return None
        current = all(self._index.digest(name) == digest for name, digest in report.dependencies.items())
        return report if current else None

    def _keep(self, report: UnitReport) -> None:
        if self._cache is not None and is_lasting(report):
            self._cache.store(report.unit, self._key(report.unit), report)

    def _key(self, unit: str) -> str:
        own = self._index.digest(unit.partition(":")[0])
        return digest_of([fingerprint(), self._settings.package, unit, own])


def is_lasting(report: UnitReport) -> bool:
    """Whether reading the same source again would give the same."""
    return not any(finding.code in _NOT_KEPT for finding in report.findings)

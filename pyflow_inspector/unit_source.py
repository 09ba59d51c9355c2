"""Where units come from: from the cache, from this process, from readers."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pyflow_inspector.cache import digest_of
from pyflow_inspector.fingerprint import fingerprint
from pyflow_inspector.unit_cache import UnitCache
from pyflow_inspector.unit_lines import fresh_unit

if TYPE_CHECKING:
    from pyflow_inspector.cache import Cache
    from pyflow_inspector.project import Modules
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceIndex
    from pyflow_inspector.unit import UnitReport
    from pyflow_inspector.unit_lines import FreshUnit
    from pyflow_inspector.unit_outline import OutlinedUnit

FEW = 6
"""So many units are read in this process: another one takes longer to come up."""


class UnitSource:
    """Gives units, and reads only what has changed since it was read last."""

    def __init__(self, settings: InspectorSettings, index: SourceIndex, cache: Cache | None) -> None:
        self._settings = settings
        self._index = index
        self._cache = None if cache is None else UnitCache(cache, digest_of([fingerprint(), settings.package]))
        self._modules: Modules | None = None

    def read(self, units: list[str]) -> list[OutlinedUnit]:
        """These units, in their order."""
        known = {unit: self._known(unit) for unit in units}
        stale = [unit for unit, found in known.items() if found is None]
        fresh: dict[str, OutlinedUnit] = {}
        for one in self._read(stale):
            fresh[one.unit.outline.unit] = one.unit
            self._keep(one)
        return [known[unit] or fresh[unit] for unit in units]

    def save(self) -> None:
        """Keep what was read."""
        if self._cache is not None:
            self._cache.save()

    def _read(self, units: list[str]) -> list[FreshUnit]:
        if len(units) <= FEW:
            return self._read_here(units)
        from pyflow_inspector.reader_pool import ReaderPool

        read, left = ReaderPool(self._settings, self._index).read(units, meanwhile=_import_judges)
        return [*read, *self._read_here(left)]

    def _read_here(self, units: list[str]) -> list[FreshUnit]:
        if not units:
            return []
        from pyflow_inspector.project import Modules  # libcst takes its time to import
        from pyflow_inspector.reading import read_unit

        if self._modules is None:
            self._modules = Modules(self._index)
        modules = self._modules
        return [fresh_unit(read_unit(self._settings, modules, unit)) for unit in units]

    # --- the cache

    def _known(self, unit: str) -> OutlinedUnit | None:
        return None if self._cache is None else self._cache.load(unit, self._is_current)

    def _is_current(self, report: UnitReport) -> bool:
        """Whether everything that was asked for when it was read is as it was then."""
        asked = report.dependencies
        own = report.unit.partition(":")[0]
        return own in asked and all(self._index.digest(name) == digest for name, digest in asked.items())

    def _keep(self, fresh: FreshUnit) -> None:
        if self._cache is not None and fresh.unit.is_lasting:
            self._cache.store(fresh.unit.outline.unit, fresh.lines)


def _import_judges() -> None:
    """What is needed once the units are there: the rules above all."""
    for name in ("linking", "report"):
        import_module(f"pyflow_inspector.{name}")

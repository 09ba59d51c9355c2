"""From settings to metadata: which units there are, what each says, what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.linking import link, summarise
from pyflow_inspector.report import find_diagnostics
from pyflow_inspector.settings import target_names
from pyflow_inspector.source import find_sources
from pyflow_inspector.wire_function import WIRE_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyflow_core.metadata import Metadata
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import SourceFile
    from pyflow_inspector.unit import UnitReport

    ReadUnits = Callable[[list[str]], Iterable[UnitReport]]


def inspect(settings: InspectorSettings) -> Metadata:
    """Read every file that wires something, and whatever those lead to."""
    sources = find_sources(settings)
    reports = _read_all(sources, _reader(settings, sources), _factory(settings, sources))
    linked = link(settings, sources, reports)
    return summarise(linked, find_diagnostics(linked, reports, sources.values()))


def _reader(settings: InspectorSettings, sources: dict[str, SourceFile]) -> ReadUnits:
    from pyflow_inspector.project import Modules  # libcst takes its time to import
    from pyflow_inspector.reading import read_unit

    modules = Modules(sources)
    return lambda units: [read_unit(settings, modules, unit) for unit in units]


def _read_all(sources: dict[str, SourceFile], read: ReadUnits, factory: str | None) -> list[UnitReport]:
    """The files whose bytes speak of a wire function, or of a name under which one is passed on."""
    reports = {report.unit: report for report in read([factory] if factory is not None else [])}
    words = {name.encode() for name in WIRE_FUNCTIONS}
    fresh_words = words
    while fresh_words:
        fresh = [
            name
            for name, source in sources.items()
            if name not in reports and any(word in source.data for word in fresh_words)
        ]
        found = list(read(fresh))
        reports.update((report.unit, report) for report in found)
        fresh_words = {alias.encode() for report in found for alias in report.aliases} - words
        words |= fresh_words
    return [reports[unit] for unit in sorted(reports)]


def _factory(settings: InspectorSettings, sources: dict[str, SourceFile]) -> str | None:
    """The service factory, if it is set to something in a module of the project."""
    target = None if settings.services is None else target_names(settings.services)
    return settings.services if target is not None and target[0] in sources else None

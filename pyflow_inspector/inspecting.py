"""From settings to findings and metadata: which units there are, what each says, what they say together."""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from pyflow_inspector.cache import Cache, digest_of
from pyflow_inspector.findings import Findings
from pyflow_inspector.fingerprint import fingerprint
from pyflow_inspector.plain import NotPlainError, from_plain, to_plain
from pyflow_inspector.setting_place import SETTINGS_FILE
from pyflow_inspector.settings import target_names
from pyflow_inspector.source import SourceIndex, find_sources
from pyflow_inspector.wire_function import WIRE_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pyflow_core.metadata import Metadata
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.unit_outline import OutlinedUnit
    from pyflow_inspector.unit_source import UnitSource


def inspect(settings: InspectorSettings) -> Metadata:
    """Read every file that wires something, and whatever those lead to."""
    with _without_collection():
        try:
            return _Inspection(settings, settings.cache).metadata()
        except NotPlainError:
            return _Inspection(settings, None).metadata()  # what was kept is whole, and yet nothing of ours


def check(settings: InspectorSettings) -> Findings:
    """The same, for who wants to know the findings only."""
    with _without_collection():
        return _Inspection(settings, settings.cache).findings()


@contextmanager
def _without_collection() -> Generator[None]:
    """Do not look for cycles meanwhile: nearly all that is made is kept, and looking through it takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Inspection:
    """One look at the source of a project."""

    def __init__(self, settings: InspectorSettings, cache: Path | None) -> None:
        self._settings = settings
        self._cache = None if cache is None else Cache(cache)
        self._index = SourceIndex(find_sources(settings))

    def findings(self) -> Findings:
        """What was found the last time, if nothing has changed."""
        if self._cache is None:
            return self._find()
        name, key = _findings_name(self._settings), _findings_key(self._settings, self._index)
        known = _parse_findings(self._cache.load(name, key))
        if known is not None:
            return known
        found = self._find()
        if all(unit.is_lasting for unit in self._units):
            self._cache.store(name, key, [json.dumps(to_plain(found), separators=(",", ":")).encode()])
        return found

    def metadata(self) -> Metadata:
        """The findings and all that the units say."""
        found = self.findings()
        from pyflow_inspector.linking import flow_key, summarise  # not needed for findings that are known

        flows = {
            flow_key(workflow): flow
            for unit in self._units
            for workflow, flow in zip(unit.outline.workflows, unit.flows.all, strict=True)
        }
        return summarise(self._linked, flows, found.diagnostics)

    def _find(self) -> Findings:
        reports = [unit.outline for unit in self._units]  # first, as the rules are imported meanwhile
        from pyflow_inspector.report import find_diagnostics

        diagnostics = find_diagnostics(self._linked, reports, self._index.sources.values())
        return Findings(diagnostics, len(self._linked.workflows), len(self._linked.rpcs))

    @cached_property
    def _units(self) -> list[OutlinedUnit]:
        from pyflow_inspector.unit_source import UnitSource

        source = UnitSource(self._settings, self._index, self._cache)
        units = _read_all(self._index, source, _factory(self._settings, self._index))
        source.save()
        if self._cache is not None:
            self._cache.tidy()
        return units

    @cached_property
    def _linked(self) -> LinkedProject:
        from pyflow_inspector.linking import link

        return link(self._settings, self._index.sources, (unit.outline for unit in self._units))


def _parse_findings(lines: list[bytes] | None) -> Findings | None:
    if lines is None:
        return None
    try:
        return from_plain(Findings, json.loads(lines[0]))
    except (ValueError, RecursionError, NotPlainError):
        return None


def _read_all(index: SourceIndex, source: UnitSource, factory: str | None) -> list[OutlinedUnit]:
    """The files whose bytes speak of a wire function, or of a name under which one is passed on."""
    units: dict[str, OutlinedUnit] = {}
    first = [] if factory is None else [factory]
    words = fresh_words = {name.encode() for name in WIRE_FUNCTIONS}
    while fresh_words:
        speaking = [
            name
            for name, file in index.sources.items()
            if name not in units and any(word in file.data for word in fresh_words)
        ]
        found = source.read([*first, *speaking])
        first = []
        units.update((unit.outline.unit, unit) for unit in found)
        fresh_words = {alias.encode() for unit in found for alias in unit.outline.aliases} - words
        words = words | fresh_words
    return [units[name] for name in sorted(units)]


def _factory(settings: InspectorSettings, index: SourceIndex) -> str | None:
    """The service factory, if it is set to something in a module of the project."""
    target = None if settings.services is None else target_names(settings.services)
    return settings.services if target is not None and target[0] in index.sources else None


def _findings_name(settings: InspectorSettings) -> str:
    """One for each way of asking, so that `check --select` and `generate` do not take each other's place."""
    levels = [(glob, *sorted(table.items())) for glob, table in settings.per_file_rules.items()]
    asked = [settings.name, settings.package, settings.services, settings.select, settings.ignore, levels]
    return f"findings {digest_of([*asked, sorted(settings.rules.items())])}"


def _findings_key(settings: InspectorSettings, index: SourceIndex) -> str:
    """Of everything that findings are made of; the settings file is, because findings point into it."""
    path = settings.root / SETTINGS_FILE
    try:
        written = path.read_bytes()
    except OSError:
        written = b""
    files = [(name, source.digest) for name, source in index.sources.items()]
    return digest_of([fingerprint(), written, files])

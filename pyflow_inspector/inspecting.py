"""From settings to metadata: which units there are, what each says, what they say together."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyflow_core.metadata import Metadata
from pyflow_inspector.cache import Cache, digest_of
from pyflow_inspector.fingerprint import fingerprint
from pyflow_inspector.setting_place import SETTINGS_FILE
from pyflow_inspector.settings import target_names
from pyflow_inspector.source import SourceIndex, find_sources
from pyflow_inspector.unit_source import UnitSource, is_lasting
from pyflow_inspector.wire_function import WIRE_FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Generator

    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.unit import UnitReport


def inspect(settings: InspectorSettings) -> Metadata:
    """Read every file that wires something, and whatever those lead to."""
    with _without_collection():
        return _known_or_read(settings)


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


def _known_or_read(settings: InspectorSettings) -> Metadata:
    index = SourceIndex(find_sources(settings))
    if settings.cache is None:
        return _inspect(settings, index, None)[0]
    cache = Cache(settings.cache)
    name, key = _result_name(settings), _result_key(settings, index)
    known = cache.load(name, key, Metadata)
    if known is not None:
        return known
    metadata, is_complete = _inspect(settings, index, cache)
    if is_complete:
        cache.store(name, key, metadata)
    cache.tidy()
    return metadata


def _inspect(settings: InspectorSettings, index: SourceIndex, cache: Cache | None) -> tuple[Metadata, bool]:
    """The metadata, and whether it would be the same again."""
    from pyflow_inspector.linking import link, summarise  # not needed where nothing has changed
    from pyflow_inspector.report import find_diagnostics

    reports = _read_all(index, UnitSource(settings, index, cache), _factory(settings, index))
    linked = link(settings, index.sources, reports)
    metadata = summarise(linked, find_diagnostics(linked, reports, index.sources.values()))
    return metadata, all(map(is_lasting, reports))


def _read_all(index: SourceIndex, source: UnitSource, factory: str | None) -> list[UnitReport]:
    """The files whose bytes speak of a wire function, or of a name under which one is passed on."""
    reports: dict[str, UnitReport] = {}
    first = [] if factory is None else [factory]
    words = fresh_words = {name.encode() for name in WIRE_FUNCTIONS}
    while fresh_words:
        speaking = [
            name
            for name, file in index.sources.items()
            if name not in reports and any(word in file.data for word in fresh_words)
        ]
        found = source.read([*first, *speaking])
        first = []
        reports.update((report.unit, report) for report in found)
        fresh_words = {alias.encode() for report in found for alias in report.aliases} - words
        words = words | fresh_words
    return [reports[unit] for unit in sorted(reports)]


def _factory(settings: InspectorSettings, index: SourceIndex) -> str | None:
    """The service factory, if it is set to something in a module of the project."""
    target = None if settings.services is None else target_names(settings.services)
    return settings.services if target is not None and target[0] in index.sources else None


def _result_name(settings: InspectorSettings) -> str:
    """One for each way of asking, so that `check --select` and `generate` do not take each other's place."""
    levels = [(glob, *sorted(table.items())) for glob, table in settings.per_file_rules.items()]
    asked = [settings.name, settings.package, settings.services, settings.select, settings.ignore, levels]
    return f"result {digest_of([*asked, sorted(settings.rules.items())])}"


def _result_key(settings: InspectorSettings, index: SourceIndex) -> str:
    """Of everything that the result is made of; the settings file is, because findings point into it."""
    path = settings.root / SETTINGS_FILE
    try:
        written = path.read_bytes()
    except OSError:
        written = b""
    files = [(name, source.digest) for name, source in index.sources.items()]
    return digest_of([fingerprint(), written, files])

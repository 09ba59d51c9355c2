"""The generated package: what it should hold now, and whether what is there still fits the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_cli.codegen.write import Changes
    from pyflow_cli.output import Output
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Diagnostic, Metadata
    from pyflow_core.project import Project

RUNNING_SIDE = "_project.py"
"""The file of the generated package that the running side reads."""


def stopping_findings(metadata: Metadata) -> list[Diagnostic]:
    """The findings with which nothing can be generated."""
    from pyflow_cli.codegen.clash import find_clashes
    from pyflow_cli.inspection import stopping

    return stopping(metadata.diagnostics) or list(find_clashes(metadata))


def planned_changes(settings: Settings, metadata: Metadata, *, no_docs: bool = False) -> Changes:
    """What `generate` would write and remove; with `no_docs` the documentation pages stay as they are."""
    from pyflow_cli.codegen.cache import RenderCache
    from pyflow_cli.codegen.docs import FOLDER
    from pyflow_cli.codegen.package import plan_package
    from pyflow_cli.codegen.write import plan_changes

    cache = RenderCache(settings.root)
    plans = plan_package(metadata, settings, cache.sections, cache.types, docs=settings.docs and not no_docs)
    files = cache.settle(settings.package_folder, plans)
    changes = plan_changes(settings.package_folder, files, keep=(FOLDER,) if no_docs else ())
    cache.save()
    return changes


def regenerate(root: Path, output: Output, *, no_docs: bool = False) -> bool:
    """Bring the generated package of a project up to date; False, with the reason said, if that cannot be."""
    from pyflow_cli.failure import report
    from pyflow_cli.settings import load_settings
    from pyflow_cli.turn import generating
    from pyflow_core.errors import UsageError

    try:
        settings = load_settings(root, {})
        with generating(settings.root, output):
            return _regenerate(settings, output, no_docs=no_docs)
    except UsageError as error:
        report(error, output)
        return False


def _regenerate(settings: Settings, output: Output, *, no_docs: bool) -> bool:
    from pyflow_cli.codegen.write import apply_changes, complete_changes
    from pyflow_cli.inspection import inspect
    from pyflow_inspector import render_text

    complete_changes(settings.package_folder)
    metadata = inspect(settings)
    findings = stopping_findings(metadata)
    if findings:
        output.prose(render_text(findings, settings.root, color=output.color))
        output.error("nothing was generated")
        return False
    changes = planned_changes(settings, metadata, no_docs=no_docs)
    apply_changes(changes)
    if changes.paths:
        output.prose(f"generated {settings.package}: {len(changes.paths)} files changed")
    return True


def is_stale(settings: Settings, project: Project) -> bool:
    """Whether the running side was generated from other settings or other source. `settings` are those of the file.

    The source is read again only if a file of it is newer than what was generated, because that takes a while.
    """
    if dict(project.settings) != settings.runtime:
        return True
    if (project.services, project.step_services) != (settings.services, settings.step_services):
        return True
    if tuple(project.middleware) != tuple(settings.middleware):
        return True
    generated_at = (settings.package_folder / RUNNING_SIDE).stat().st_mtime_ns
    if all(path.stat().st_mtime_ns <= generated_at for path in source_files(settings)):
        return False
    return _source_changed(settings)


def _source_changed(settings: Settings) -> bool:
    from pyflow_cli.codegen.package import plan_package
    from pyflow_cli.codegen.plan import Sections
    from pyflow_cli.inspection import inspect

    metadata = inspect(settings)
    if stopping_findings(metadata):
        return True
    written = (settings.package_folder / RUNNING_SIDE).read_text(encoding="utf-8")
    return plan_package(metadata, settings, Sections(), {}, docs=False)[RUNNING_SIDE].render() != written


def source_files(settings: Settings) -> list[Path]:
    """The Python files that `generate` reads; none where the source folder is missing."""
    from pyflow_inspector.settings import InspectorSettings
    from pyflow_inspector.source import find_sources

    source = settings.root / settings.source
    wanted = InspectorSettings(
        root=settings.root, source=source, name=settings.name, package=settings.package, exclude=settings.exclude
    )
    return [found.path for found in find_sources(wanted).values()]

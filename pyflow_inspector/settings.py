"""What the inspector must be told about a project."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TARGET = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*(?:\.[^\W\d]\w*)*)")


@dataclass(frozen=True, slots=True)
class InspectorSettings:
    """The part of `[tool.pyflow]` that the inspector needs.

    `root` is the project's root, to which every position is relative; `source` is the folder from which its
    modules are imported. `exclude` holds globs relative to `root` (`*` within a segment, `**` across segments; a
    folder excludes what is below it). `package` is the generated package, which is never inspected. `services` and
    `step_services` are `"module:attribute"`. `select` and `ignore` hold codes or prefixes of codes; an empty `select`
    means all. `rules` holds severities or `"off"` by code or prefix, `per_file_rules` such tables by glob. `cache` is
    the folder for what has been read, nothing to keep nothing.
    """

    root: Path
    source: Path
    name: str
    package: str = "pyflow_gen"
    services: str | None = None
    step_services: str | None = None
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict[str, str])
    per_file_rules: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, "Mapping[str, str]"])
    cache: Path | None = None


def target_names(target: str) -> tuple[str, str] | None:
    """The module and the attribute of `"module:attribute"`; nothing if it is of another form."""
    match = _TARGET.fullmatch(target)
    return None if match is None else (match[1], match[2])

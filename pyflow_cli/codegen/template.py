"""Templates of the wheel, in environments that print no text which nobody has looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def make_environment(
    folder: str, finalize: Callable[[Any], str], filters: Mapping[str, Callable[..., Any]]
) -> Environment:
    """The templates of one folder; every value that they print goes through `finalize` first."""
    environment = Environment(
        loader=PackageLoader("pyflow_templates", folder),
        undefined=StrictUndefined,
        finalize=finalize,
        autoescape=False,  # noqa: S701 - HTML rules are wrong for Python and Markdown; `finalize` is stricter
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    known: dict[str, Any] = environment.filters
    known.update(filters)
    return environment

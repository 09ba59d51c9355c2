"""Metadata as `meta.json`: a line for each step, node and RPC, so that a change reads well in a diff.

Its spans say the file alone, so that an edit above a workflow leaves it as it is; `pyflow inspect` has the positions.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, cast

from pyflow_cli.codegen.write import MARK
from pyflow_core.metadata import GraphNode, Span, applicable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from pyflow_core.metadata import Metadata, RpcMeta, WorkflowMeta

_RENAMED = {"is_async": "async"}


def render_meta(metadata: Metadata, workflows: Mapping[str, str], rpcs: str) -> str:
    """The document, from its parts: those of `workflow_part` by the names of workflows, and that of `rpcs_part`."""
    head = {"generated": MARK, "version": metadata.version, "project": plain(metadata.project)}
    parts = {
        **{name: _compact(value) for name, value in head.items()},
        "workflows": _listed([workflows[workflow.name] for workflow in metadata.workflows], 1),
        "rpcs": rpcs,
    }
    return _object(parts, 0) + "\n"


def workflow_part(workflow: WorkflowMeta) -> str:
    """One workflow of the document."""
    return _object({name: _value(value, 3) for name, value in plain(workflow).items()}, 2)


def rpcs_part(rpcs: Iterable[RpcMeta]) -> str:
    """All RPCs of the document."""
    return _listed([_compact(plain(rpc)) for rpc in rpcs], 1)


def plain(value: Any) -> Any:
    """What the metadata holds, in values that JSON knows, and of each span the file."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, tuple | list):
        return [plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, Span):
        return {"file": value.file}
    if not is_dataclass(value):
        return value
    names, get = _members(cast("Hashable", type(value)))
    members = {name: plain(item) for name, item in zip(names, get(value), strict=True)}
    return applicable(members) if isinstance(value, GraphNode) else members


@cache
def _members(kind: Hashable) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    names = [item.name for item in fields(cast(Any, kind))]
    assert len(names) > 1, "attrgetter gives a tuple for two names and more"
    return tuple(_RENAMED.get(name, name) for name in names), attrgetter(*names)


def _value(value: Any, depth: int) -> str:
    """Lists of objects have a line for each, and so have objects that hold such lists."""
    if _holds_objects(value):
        return _listed([_compact(item) for item in value], depth)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        if any(_holds_objects(item) for item in members.values()):
            return _object({name: _value(item, depth + 1) for name, item in members.items()}, depth)
    return _compact(value)


def _holds_objects(value: Any) -> bool:
    members = cast("Sequence[Any]", value if isinstance(value, list) else ())
    return bool(members) and isinstance(members[0], dict)


def _object(parts: Mapping[str, str], depth: int) -> str:
    inner = "  " * (depth + 1)
    lines = ",\n".join(f"{inner}{_compact(name)}: {text}" for name, text in parts.items())
    return f"{{\n{lines}\n{'  ' * depth}}}"


def _listed(parts: list[str], depth: int) -> str:
    inner = "  " * (depth + 1)
    return "[\n" + ",\n".join(f"{inner}{part}" for part in parts) + f"\n{'  ' * depth}]" if parts else "[]"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _compact(value: Any) -> str:
    # Half of a surrogate pair is no text, but JSON has an escape for it, which is the one that Python writes.
    return _encode(value).encode("utf-8", "backslashreplace").decode("utf-8")

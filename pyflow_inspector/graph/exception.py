"""Which handlers an exception that is raised by name may come to."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.tree import dotted_name

if TYPE_CHECKING:
    from collections.abc import Sequence


def raised_name(node: cst.Raise) -> str | None:
    """`"ValueError"` for `raise ValueError(...)`; nothing for what is raised anew or held by a name."""
    raised = node.exc.func if isinstance(node.exc, cst.Call) else node.exc
    return dotted_name(raised) if raised is not None else None


def handled_names(node: cst.ExceptHandler | cst.ExceptStarHandler) -> list[str]:
    """The exceptions that a handler names; nothing for one that takes all."""
    if node.type is None:
        return []
    types = [item.value for item in node.type.elements] if isinstance(node.type, cst.Tuple) else [node.type]
    return [dotted_name(item) or "" for item in types]


def may_catch(names: Sequence[str], raised: str | None) -> bool:
    """Whether a handler of `names` may get what is raised."""
    kind = _builtin(raised)
    if not names or kind is None:
        return True
    return any(_takes(name, kind) for name in names)


def must_catch(names: Sequence[str], raised: str | None) -> bool:
    """Whether a handler of `names` surely gets what is raised."""
    if not names or raised in names or "BaseException" in names:
        return True
    kind = _builtin(raised)
    if kind is None:
        return "Exception" in names
    return any(_takes(name, kind) for name in names)


def _takes(name: str, kind: type[BaseException]) -> bool:
    caught = _builtin(name)
    return caught is not None and issubclass(kind, caught)


def _builtin(name: str | None) -> type[BaseException] | None:
    found = getattr(builtins, name, None) if name is not None else None
    return found if isinstance(found, type) and issubclass(found, BaseException) else None

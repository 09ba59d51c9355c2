"""Middleware and permissions: what surrounds the call of an RPC or of a workflow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Literal

from pyflow_core.errors import PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Call:
    """What is being called. `data` is as the function will see it.

    Around a workflow `workflow` is its context: what a middleware must do once it does by `call.workflow.do`, under
    a prefix of its own, because it is replayed with the workflow. Around an RPC `workflow` is None. `actor` is who
    started the run, where that is known.
    """

    kind: Literal["workflow", "rpc"]
    name: str
    data: Any
    run_id: str | None = None
    actor: str | None = None
    workflow: Any = None


Proceed = Callable[[], Awaitable[Any]]
Middleware = Callable[[Call, Proceed], Awaitable[Any]]
Permission = Callable[[Call], bool | Awaitable[bool]]


def surround(call: Call, middleware: Sequence[Middleware], innermost: Proceed) -> Proceed:
    """`innermost` inside its middleware, the first one outermost."""
    proceed = innermost
    for layer in reversed(middleware):
        proceed = _layer(layer, call, proceed)
    return proceed


def _layer(layer: Middleware, call: Call, inner: Proceed) -> Proceed:
    async def proceed() -> Any:
        return await layer(call, inner)

    return proceed


async def check_permissions(call: Call, permissions: Sequence[Permission]) -> None:
    """Ask each permission in turn.

    Raises:
        PermissionDeniedError: by the first that refuses; it names the permission.
    """
    for permission in permissions:
        answer = permission(call)
        if isawaitable(answer):
            answer = await answer
        if not answer:
            name = getattr(permission, "__qualname__", repr(permission))
            raise PermissionDeniedError(f"permission {name} refused to start workflow {call.name!r}")

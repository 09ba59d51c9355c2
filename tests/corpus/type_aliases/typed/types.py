from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Optional, Protocol, TypeAlias, TypeVar

from pyflow_core import WorkflowContext

if TYPE_CHECKING:
    from pyflow_gen.aliased import Workflow as AliasedWorkflow

Flow = WorkflowContext
Quoted: TypeAlias = "WorkflowContext"
W = TypeVar("W", bound=WorkflowContext)
MaybeFlow = Optional[WorkflowContext]
Marked = Annotated[WorkflowContext, "ours"]


class Richer(WorkflowContext, Protocol):
    extra: str


class Holder:
    flow: Flow
    name: str

    def __init__(self, anything: Any) -> None:
        self.__dict__.update(anything)

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pyflow_core import WorkflowContext


@dataclass(frozen=True)
class Ctx:
    workflow: Any
    host: str
    tags: list[str] = field(default_factory=list)


class Pair(NamedTuple):
    flow: Any
    name: str


class Steps:
    """The classic: an object that keeps what it needs."""

    ROLLBACK = "rollback"

    def __init__(self, workflow: WorkflowContext, host: str) -> None:
        self.workflow = workflow
        self._host = host

    async def create(self) -> str:
        return await self.workflow.do("create", "hosts.create", self._host)

    async def name_it(self, name: str) -> None:
        await self.workflow.do(f"dns-{name}", "dns.set", name)

    async def rollback(self) -> None:
        await self.workflow.do(self.ROLLBACK, "hosts.delete", self._host)

    async def everything(self) -> None:
        await self.create()
        await self.name_it("www")

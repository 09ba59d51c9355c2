from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyflow_core import wire_rpc

if TYPE_CHECKING:
    from pyflow_core import WorkflowContext


@wire_rpc("tickets.create")
async def create(data: str) -> str:
    return data


@wire_rpc("tickets.update")
async def update(data: str) -> None: ...


@wire_rpc("llm.draft")
async def draft(data: str) -> str:
    return data


@dataclass
class Case:
    flow: WorkflowContext
    number: str
    attempts: int = 0

    async def note(self, text: str) -> None:
        self.attempts += 1
        await self.flow.do(f"note-{self.attempts}", "tickets.update", text)

    @classmethod
    async def open(cls, workflow: WorkflowContext, text: str) -> Case:
        number = await workflow.do("open", "tickets.create", text)
        return cls(workflow, number)

    @classmethod
    def of(cls, workflow: WorkflowContext, number: str) -> Case:
        return cls(flow=workflow, number=number)

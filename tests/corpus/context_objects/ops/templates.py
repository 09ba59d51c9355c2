from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from pyflow_core import wire_workflow

T = TypeVar("T")


class Rollout(ABC, Generic[T]):
    """Template method: the order is here, the work in the subclasses."""

    name = "rollout"

    def __init__(self, workflow):
        self._workflow = workflow

    async def run(self, target: T) -> None:
        await self._workflow.do("prepare", lambda: None)
        await self.switch(target)
        await self._tell(f"{self.name} done")

    @abstractmethod
    async def switch(self, target: T) -> None: ...

    async def _tell(self, text: str) -> None:
        await self._workflow.do(f"tell-{self.name}", "chat.post", text)


class BlueGreen(Rollout[str]):
    name = "blue-green"

    async def switch(self, target: str) -> None:
        await self._workflow.do("switch", "dns.set", target)


class Canary(Rollout[str]):
    name = "canary"

    def __init__(self, workflow, share: int) -> None:
        super().__init__(workflow)
        self.share = share

    async def switch(self, target: str) -> None:
        for percent in range(0, 100, self.share):
            await self._workflow.do(f"share-{percent}", "dns.set", target)

    async def run(self, target: str) -> None:
        await super().run(target)
        await self._workflow.do("settle", lambda: None)


@wire_workflow("blue-green")
async def blue_green(data: str, *, workflow) -> None:
    await BlueGreen(workflow).run(data)


@wire_workflow("canary")
async def canary(data: str, *, workflow) -> None:
    rollout = Canary(workflow, 10)
    await rollout.run(data)

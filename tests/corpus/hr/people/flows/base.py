from pyflow_core import wire_rpc


@wire_rpc("accounts.create")
async def create_account(data: str) -> str:
    return data


@wire_rpc("accounts.disable")
async def disable_account(data: str) -> None: ...


@wire_rpc("badges.print")
async def print_badge(data: str) -> None: ...


@wire_rpc("payroll.add")
async def add(data: str) -> None: ...


class Tasks:
    """Static and class methods only: a namespace."""

    @staticmethod
    async def badge(workflow, name):
        await workflow.do("badge", "badges.print", name)

    @classmethod
    async def accounts(cls, workflow, names):
        for name in names:
            await cls._account(workflow, name)

    @classmethod
    async def _account(cls, workflow, name):
        await workflow.do(f"account-{name}", "accounts.create", name)

    @staticmethod
    def disabled(flow, name):
        return flow.do("disable", "accounts.disable", name)


class Checklist:
    def __init__(self, owner: str) -> None:
        self.owner = owner

    async def tick(self, workflow, item: str) -> None:
        await workflow.do(f"tick-{item}", lambda: self.owner)

    async def tick_all(self, workflow, *items: str) -> None:
        for item in items:
            await self.tick(workflow, item)


DEFAULT = Checklist("hr")

from pyflow_core import wire_workflow
from sd.core import Case


@wire_workflow("handle-ticket")
async def handle_ticket(data: str, *, workflow) -> str:
    case = await Case.open(workflow, data)
    await case.note("seen")
    return case.number


@wire_workflow("bulk-close")
async def bulk_close(data: list[str], *, workflow) -> None:
    cases = [Case.of(workflow, number) for number in data]
    for case in cases:
        await case.note("closed")


class Macro:
    def __init__(self, workflow):
        self.do = workflow.do
        self.steps = {"draft": self._draft, "close": self._close}

    async def _draft(self, text):
        return await self.do("draft", "llm.draft", text)

    async def _close(self, text):
        return await self.do("close", "tickets.update", text)

    async def run(self, names, text):
        for name in names:
            await self.steps[name](text)


@wire_workflow("macro")
async def macro(data: list[str], *, workflow) -> None:
    await Macro(workflow).run(data, "text")


class Chain:
    """A builder: each method gives the object itself."""

    def __init__(self, workflow):
        self._workflow = workflow
        self._calls = []

    def then(self, name, rpc_name, data):
        self._calls.append(lambda: self._workflow.do(name, rpc_name, data))
        return self

    async def run(self):
        for call in self._calls:
            await call()


@wire_workflow("chain")
async def chain(data: str, *, workflow) -> None:
    await Chain(workflow).then("first", "llm.draft", data).then("second", "tickets.update", data).run()


class NotesMixin:
    async def write(self, text):
        await self.workflow.do(f"write-{text}", "tickets.update", text)


class AuditMixin:
    workflow = None

    async def audited(self):
        await self.write("begin")
        await self.work()
        await self.write("end")


class Desk(AuditMixin, NotesMixin):
    def __init__(self, *, workflow):
        self.workflow = workflow

    async def work(self):
        await self.workflow.do("work", lambda: 1)


@wire_workflow("mixin")
async def mixin(data: str, *, workflow) -> None:
    await Desk(workflow=workflow).audited()


class ByMail:
    async def reach(self, workflow, who):
        await workflow.do("mail", "tickets.update", who)


class ByPhone:
    async def reach(self, workflow, who):
        await workflow.do("phone", "tickets.update", who)


@wire_workflow("strategies")
async def strategies(data: str, *, workflow) -> None:
    strategy = ByMail() if data else ByPhone()
    await strategy.reach(workflow, data)


@wire_workflow("strategy-list")
async def strategy_list(data: str, *, workflow) -> None:
    for strategy in (ByLetter(), ByVisit()):
        await strategy.reach(workflow, data)


class ByLetter:
    async def reach(self, workflow, who):
        await workflow.do("letter", "tickets.update", who)


class Announced:
    async def reach(self, workflow, who):
        await workflow.do("announce", "tickets.update", who)


class ByVisit(Announced):
    async def reach(self, workflow, who):
        await super().reach(workflow, who)
        await workflow.do("visit", "tickets.update", who)

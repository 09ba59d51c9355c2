from contextlib import AsyncExitStack, suppress
from decimal import Decimal

from pyflow_core import StepFailedError, wire_workflow


@wire_workflow("transfer")
async def transfer(data: dict[str, int], *, workflow) -> str:
    entry = await workflow.do("debit", "ledger.post", data)
    try:
        return await workflow.do("send", "banks.transfer", entry)
    except StepFailedError:
        await workflow.do("reverse", "ledger.reverse", entry)
        raise


@wire_workflow("exchange")
async def exchange(data: Decimal, *, workflow) -> Decimal:
    rate = Decimal(await workflow.do("quote", "fx.quote", "EURUSD"))
    with suppress(StepFailedError):
        await workflow.do("book", "ledger.post", {"amount": int(data * rate)})
    return data * rate


@wire_workflow("close-month")
async def close_month(data: list[str], *, workflow) -> dict[str, str]:
    entries = {}
    for account in sorted(data):
        entries[account] = await workflow.do(f"close/{account}", "ledger.post", {account: 0})
    return entries


@wire_workflow("payroll")
async def payroll(data: list[str], *, workflow) -> int:
    paid = 0

    async def pay(person: str) -> None:
        nonlocal paid
        await workflow.do(f"pay-{person}", "banks.transfer", person)
        paid += 1

    for person in data:
        await pay(person)
    return paid


@wire_workflow("compensated")
async def compensated(data: dict[str, int], *, workflow) -> None:
    async def undo(entry: str) -> None:
        await workflow.do(f"undo-{entry}", "ledger.reverse", entry)

    async with AsyncExitStack() as stack:
        first = await workflow.do("first", "ledger.post", data)
        stack.push_async_callback(undo, first)
        await workflow.do("second", "ledger.post", data)
        stack.pop_all()


@wire_workflow("hedge")
async def hedge(data: float, *, workflow) -> str:
    rate = await workflow.do("rate", "fx.quote", "EURUSD")
    return (
        await workflow.do("buy", "banks.transfer", "buy")
        if rate > data
        else await workflow.do("sell", "banks.transfer", "sell")
        if rate < data
        else "hold"
    )


@wire_workflow("reconcile")
async def reconcile(data: list[str], *, workflow) -> list[str]:
    missing = []
    for index, line in enumerate(data):
        if not line:
            continue
        try:
            posted = await workflow.do(f"match-{index}", "ledger.post", {line: 1})
        except StepFailedError:
            missing.append(line)
            continue
        else:
            if posted:
                await workflow.do(f"file-{index}", lambda posted=posted: posted)
        finally:
            index += 1
    return missing


class Statement:
    RPC = "ledger.post"
    STEPS = ("header", "body", "footer")
    OPEN, SHUT = "open", "shut"

    @classmethod
    async def run(cls, workflow, data):
        await workflow.do(cls.OPEN, cls.RPC, data)
        for step in cls.STEPS:
            await workflow.do(step, cls.RPC, data)
        await workflow.do(cls.SHUT, cls.RPC, data)


@wire_workflow("statement-run")
async def statement_run(data: dict[str, int], *, workflow) -> None:
    await Statement.run(workflow, data)

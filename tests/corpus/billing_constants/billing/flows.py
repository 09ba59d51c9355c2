import billing.names
import billing.names as n
from pyflow_core import wire_workflow

from billing import names
from billing.names import CLOSE, OPEN, Kinds, Names, Rpcs, Steps


@wire_workflow("invoice")
async def invoice(data: str, *, workflow) -> str:
    number = await workflow.do(OPEN, Rpcs.CREATE, data)
    await workflow.do(Steps.DRAFT, lambda: number)
    await workflow.do(Steps.SEND, Rpcs.SEND, number)
    await workflow.do(CLOSE, "invoices.archive", number)
    return number


@wire_workflow("dunning")
async def dunning(data: str, *, workflow) -> None:
    await workflow.do(Names.Dunning.FIRST, Rpcs.SEND.value, data)
    await workflow.do(n.Names.Dunning.SECOND, "invoices" ".send", data)
    await workflow.do(names.Names.ARCHIVE, names.RPC_PREFIX + ".archive", data)


@wire_workflow("late-fees")
async def late_fees(data: float, *, workflow) -> float:
    fee = await workflow.do(Kinds.LATE.value, lambda: data * 0.05)
    if data > 1000:
        fee = await workflow.do(f"{billing.names.PREFIX}-cap", lambda: 50.0)
    return fee


LOCAL = "-".join(["monthly", "run"])
STEP = "collect"
BATCH = STEP + "-" + "batch"
COUNTED = "%s-%d" % (STEP, 2)
FORMATTED = "{}-{name}".format(STEP, name="all")


@wire_workflow("monthly")
async def monthly(data: str, *, workflow) -> None:
    await workflow.do(STEP, "invoices.create", data)
    await workflow.do(BATCH, "invoices.create", data)
    await workflow.do(COUNTED, "invoices.create", data)
    await workflow.do(FORMATTED, "invoices.create", data)
    await workflow.do(LOCAL, "invoices.create", data)


@wire_workflow("statement")
async def statement(data: list[str], *, workflow) -> None:
    prefix = "page"
    for number, page in enumerate(data):
        name = f"{prefix}-{number}"
        await workflow.do(name, "invoices.send", page)
    for page in data:
        await workflow.do("copy-%s" % page, "invoices.send", page)
        await workflow.do("file-{}".format(page), "invoices.archive", page)
        await workflow.do("log-" + page + "-done", lambda: None)
        await workflow.do("-".join(["sum", page]), lambda: None)


@wire_workflow("payout")
async def payout(data: str, *, workflow) -> None:
    target = "invoices.create"
    again = target
    await workflow.do("pay", again, data)
    label = OPEN
    await workflow.do(f"{label}-copy", target, data)

from __future__ import annotations

from typing import TYPE_CHECKING

from app.functions import Binding, Order
from app.pyflow_gen import rpcs
from pyflow_core import StepFailedError, wire_workflow

if TYPE_CHECKING:
    from app.pyflow_gen import binding as binding_gen
    from app.pyflow_gen import failing as failing_gen
    from app.pyflow_gen import order as order_gen
    from app.pyflow_gen import patient as patient_gen
    from app.pyflow_gen import refunding as refunding_gen
    from app.pyflow_gen import reporting as reporting_gen


@wire_workflow("order", description="Prices an order")
async def order(data: Order, *, workflow: order_gen.Workflow) -> dict[str, int]:
    total = await workflow.do("price", "orders.price", data, description="Price it")
    taxed = await workflow.do("tax", lambda: total + 1)
    return {"total": taxed}


@wire_workflow("failing")
async def failing(*, workflow: failing_gen.Workflow) -> str:
    await workflow.do("prepare", lambda: 1)
    return await workflow.do("charge", "orders.charge", 3)


@wire_workflow("refunding")
async def refunding(*, workflow: refunding_gen.Workflow) -> str:
    try:
        return await workflow.do("charge", "orders.charge", 3)
    except StepFailedError:
        await workflow.do("refund", lambda: "refunded")
        raise


@wire_workflow("reporting")
async def reporting(data: int, *, workflow: reporting_gen.Workflow) -> str:
    await workflow.do("report", "reports.write", data)
    await workflow.do("small", "reports.text", 40_000)
    await workflow.do("large", "reports.text", 100_000)
    inline = await workflow.do("inline", lambda: "z" * 50_000, returns=str)
    return inline.replace("z", "y")  # another value: an equal one would not be stored again


@wire_workflow("binding")
async def binding(data: int, *, workflow: binding_gen.Workflow) -> None:
    pages = await workflow.do("write", rpcs.reports.text(data).lazy())
    await workflow.do("bind", "reports.bind", Binding(pages=pages, blank=3))


@wire_workflow("patient")
async def patient(*, workflow: patient_gen.Workflow) -> str:
    await workflow.do("first", lambda: 1)
    return await workflow.do("wait", "orders.wait")

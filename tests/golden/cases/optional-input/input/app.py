"""Data that may be left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel
from pyflow_core import wire_rpc, wire_workflow

if TYPE_CHECKING:
    from pyflow_gen.report import Rpc, Workflow


class Period(BaseModel):
    days: int = 7


@wire_rpc("reports.write")
async def write(data: Period = Period()) -> str:
    return f"{data.days} days"


@wire_workflow("report")
async def report(data: Period | None = None, *, workflow: Workflow, rpc: Rpc) -> str:
    if data is None:
        await rpc.invoke("reports.write")
        return await workflow.do("writeUsual", "reports.write")
    return await workflow.do("write", "reports.write", data)


@wire_workflow("remind")
async def remind(data: int = 3) -> int:
    return data


@wire_workflow("archive")
async def archive(data: Period) -> int:
    return data.days

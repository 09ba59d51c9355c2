from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("class.import")
async def keyword(data: str) -> None: ...


@wire_rpc("a'); import os; ('")
async def code(data: str) -> None: ...


@wire_workflow("../../etc/passwd")
async def path(data: str, *, workflow) -> None:
    await workflow.do("x\nimport os", "class.import", data)

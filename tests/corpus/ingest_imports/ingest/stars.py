from asyncio import *
from pyflow_core import *


@wire_workflow("fan-out")
async def fan_out(data: list[str], *, workflow) -> None:
    await gather(*[workflow.do(f"load-{one}", "files.load", one) for one in data])

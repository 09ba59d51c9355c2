from pyflow_core import wire_rpc


@wire_rpc("audit.note")
async def note(data: str) -> None: ...


@wire_rpc("work.run")
async def run(data: str) -> str:
    return data

from pyflow_core import wire_rpc

@wire_rpc("a.run")
async def run_a(data: str) -> str: return data

@wire_rpc("b.run")
async def run_b(data: str) -> str: return data

from pyflow_core import wire_rpc as step_function


@step_function("ledger.post", retries=3)
async def post(data: dict[str, int]) -> str:
    return str(data)


@step_function("ledger.reverse")
async def reverse(data: str) -> None: ...


@step_function("fx.quote")
async def quote(data: str) -> float:
    return 1.0


@step_function("banks.transfer", retries=2, timeout="45s")
async def transfer(data: str) -> str:
    return data

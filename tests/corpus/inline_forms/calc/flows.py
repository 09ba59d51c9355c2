from functools import partial

from pyflow_core import wire_workflow

from calc import rates
from calc.rates import Calculator, cached_rate, double, rate, slow_rate


@wire_workflow("tax")
async def tax(data: str, *, workflow, rpc) -> float:
    await workflow.do("plain", rate)
    await workflow.do("async", slow_rate)
    await workflow.do("attribute", rates.rate)
    await workflow.do("partial", partial(rate, data))
    await workflow.do("cached", cached_rate)
    await workflow.do("lambda", lambda: rate(data))
    await workflow.do("assigned", double)
    await workflow.do("wrapped", lambda: rpc.invoke("rates.fetch", data))
    return await rpc.invoke("rates.fetch", data)


@wire_workflow("methods")
async def methods(data: int, *, workflow) -> int:
    calculator = Calculator(data)
    await workflow.do("bound", calculator.total)
    await workflow.do("static", Calculator.fixed)
    await workflow.do("class", Calculator.made)
    await workflow.do("builtin", dict)
    return data


@wire_workflow("local-functions")
async def local_functions(data: int, *, workflow) -> int:
    def add() -> int:
        return data + 1

    async def later() -> int:
        return data + 2

    compute = add
    first = await workflow.do("add", add)
    second = await workflow.do("later", later)
    third = await workflow.do("compute", compute, returns=int)
    fourth = await workflow.do("partial", partial(max, first, second))
    return third + fourth


@wire_workflow("service-methods")
async def service_methods(data: str, *, workflow, clock) -> str:
    await workflow.do("tick", clock.tick)
    return await workflow.do("now", lambda: clock.now(data))

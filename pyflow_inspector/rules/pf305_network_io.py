"""PF305: network I/O."""

from __future__ import annotations

from pyflow_inspector.rules.call_rule import CallRule
from pyflow_inspector.rules.rule import Example


class NetworkIo(CallRule):
    """Workflow code talks to the network.

    The loop on which a workflow runs has no sockets. What an asynchronous client asks for is refused, and the run is
    blocked: that is an error here. What a blocking client does cannot be refused, and is worse: every run of the
    process waits for the answer, and each replay sends the request again. Those are warnings, because whether it
    matters depends on the request.

    Make it an RPC, which has retries, a timeout and a queue of its own; or, if it is quick, an inline step:

        rates = await workflow.do("rates", "rates.fetch", Currency("EUR"))
        rates = await workflow.do("rates", lambda: client.get("/rates"))
    """

    code = "PF305"
    name = "network-io"
    severity = "error"
    kind = "network"
    step = "fetch"
    because = "every run of this process waits for it, and a replay asks or sends again"
    valid = (
        Example(
            """
            import httpx

            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("rates.fetch", retries=3)
            async def fetch_rate(data: str) -> float:
                async with httpx.AsyncClient() as client:
                    response = await client.get(f"https://rates.example/{data}")
                return float(response.text)

            @wire_workflow("quote")
            async def quote(data: str, *, workflow) -> float:
                return await workflow.do("rate", "rates.fetch", data)
            """
        ),
        Example(
            """
            # file: app/weather.py
            import aiohttp

            async def forecast(city: str) -> str:
                async with aiohttp.ClientSession() as session, session.get(f"https://weather.example/{city}") as answer:
                    return await answer.text()

            # file: app/example.py
            from urllib.parse import quote

            from pyflow_core import wire_workflow

            from app.weather import forecast

            @wire_workflow("trip")
            async def trip(data: str, *, workflow) -> str:
                city = quote(data)
                return await workflow.do("forecast", lambda: forecast(city))
            """
        ),
    )
    invalid = (
        Example(
            """
            import asyncio

            import asyncpg
            from pyflow_core import wire_workflow

            @wire_workflow("probe")
            async def probe(data: str, *, workflow) -> str:
                reader, writer = await asyncio.open_connection(data, 80)
                connection = await asyncpg.connect(data)
                version = await connection.fetchval("SELECT version()")
                return await workflow.do("note", lambda: version)
            """,
            marks=(
                "asyncio.open_connection(data, 80)",
                "asyncpg.connect(data)",
                'connection.fetchval("SELECT version()")',
            ),
        ),
        Example(
            """
            # file: app/client.py
            import httpx

            CLIENT = httpx.AsyncClient(base_url="https://rates.example")

            async def rate(currency: str) -> float:
                return float((await CLIENT.get(f"/{currency}")).text)

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.client import rate

            @wire_workflow("quote")
            async def quote(data: str, *, workflow) -> float:
                return await rate(data)
            """,
            marks=('CLIENT.get(f"/{currency}")',),
        ),
    )

from pyflow_core import wire_rpc

from agents.models import Answer, Question


@wire_rpc("llm.complete", retries=4, retry_delay="2s", timeout="2m")
async def complete(data: Question) -> Answer:
    return Answer(text=data.text)


@wire_rpc("llm.embed")
async def embed(data: str) -> list[float]:
    return [float(len(data))]


@wire_rpc("tools.search")
async def search(data: str) -> list[str]:
    return [data]


@wire_rpc("tools.python")
async def run_python(data: str) -> str:
    return data


@wire_rpc("index.upsert")
async def upsert(data: list[float]) -> None: ...

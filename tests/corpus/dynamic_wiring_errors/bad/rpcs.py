import os

from pyflow_core import wire_rpc


async def run(data: str) -> str:
    return data


wire_rpc(os.environ["JOB"], run)
wire_rpc("jobs.lambda", lambda data: data)


def wire_later():
    wire_rpc("jobs.later", run)


wire_rpc("jobs.run", run)
wire_rpc("jobs.run", run)

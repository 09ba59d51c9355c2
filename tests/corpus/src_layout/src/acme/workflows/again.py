import acme.flows_gen
import acme.flows_gen as gen
from pyflow_core import wire_workflow

from . import _shared
from ._shared import run_all, tell_owner as tell


@wire_workflow("republish")
async def republish(data: str, *, workflow) -> None:
    call = gen.rpcs.media.transcode(data)
    film = await workflow.do("transcode", call)
    await workflow.do("publish", acme.flows_gen.rpcs.media.publish_now(film))
    await tell(workflow, "again")


@wire_workflow("refilm")
async def refilm(data: list[str], *, workflow) -> None:
    media = gen.rpcs.media
    await run_all(workflow, "film", media.transcode, data)
    await _shared.run_all(workflow, "still", media.thumbnail, data)


@wire_workflow("ping")
async def ping(*, workflow, rpc) -> str:
    first = await workflow.do("ping", gen.rpcs.media.ping())
    second = await workflow.do("pong", "media.ping")
    third = await rpc.invoke(gen.rpcs.media.ping())
    return f"{first}{second}{third}"

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from ..flows_gen import rpcs
from ._shared import tell_owner

if TYPE_CHECKING:
    from ..flows_gen.publish import Workflow


@wire_workflow("publish")
async def publish(data: str, *, workflow: Workflow) -> str:
    film, picture = await asyncio.gather(
        workflow.do("transcode", rpcs.media.transcode(data)),
        workflow.do("thumbnail", rpcs.media.thumbnail(data)),
    )
    await workflow.do("publish", rpcs.media.publish_now(film))
    await tell_owner(workflow, picture)
    return film

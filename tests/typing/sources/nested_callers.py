from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from shop.functions import Item, Page
from shop.pyflow_gen import rpcs, workflows
from typing_extensions import assert_type

from pyflow_core import RunHandle

if TYPE_CHECKING:
    from shop.pyflow_gen.orders import Rpc, Workflow


async def callers(items: list[Item]) -> None:
    assert_type(await workflows.tick.start(), RunHandle[None])
    assert_type(await workflows.orders.run(items), dict[str, int] | None)


async def steps(workflow: Workflow, rpc: Rpc) -> None:
    assert_type(await workflow.do("a", rpcs.items.archive.pages.first()), Page)
    assert_type(await workflow.do("b", rpcs.items.archive.import_([])), tuple[int, ...])
    assert_type(await workflow.do("c", rpcs.items.list({"a": [1]})), list[Item] | None)
    assert_type(await rpc.invoke("now"), datetime.datetime)
    assert_type(await rpc.invoke(rpcs.find(None)), None)

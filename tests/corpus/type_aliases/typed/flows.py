from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typed.types as t
from pyflow_core import wire_workflow
from typed.types import Flow, Holder, Marked, MaybeFlow, Quoted, Richer, W

if TYPE_CHECKING:
    from pyflow_gen.aliased import Workflow


def current() -> Any:
    """From a context variable, say: only the annotations of the helpers tell what they get."""
    raise NotImplementedError


async def by_alias(flow: Flow):
    await flow.do("alias", "x.run", "1")


async def by_text_alias(flow: Quoted):
    await flow.do("text-alias", "x.run", "1")


async def by_variable(flow: W) -> W:
    await flow.do("variable", "x.run", "1")
    return flow


async def by_optional(flow: MaybeFlow = None):
    await flow.do("optional", "x.run", "1")


async def by_mark(flow: Marked):
    await flow.do("mark", "x.run", "1")


async def by_subclass(flow: Richer):
    await flow.do("subclass", "x.run", "1")


async def by_module(flow: t.Flow | None):
    await flow.do("module", "x.run", "1")


async def by_generated(flow: Workflow):
    await flow.do("generated", "x.run", "1")


async def by_imported(flow: "t.AliasedWorkflow"):
    await flow.do("imported", "x.run", "1")


@wire_workflow("aliased")
async def aliased(data: str, *, workflow) -> None:
    await by_alias(current())
    await by_text_alias(current())
    await by_variable(current())
    await by_optional(current())
    await by_mark(current())
    await by_subclass(current())
    await by_module(current())
    await by_generated(current())
    await by_imported(current())


@wire_workflow("annotated-locals")
async def annotated_locals(data: str, *, workflow) -> None:
    flow: Flow = current()
    await flow.do("local", "x.run", data)
    holder: Holder = current()
    await holder.flow.do("held", "x.run", data)


async def _use(holder: Holder):
    await holder.flow.do(f"held-{holder.name}", "x.run", "1")


@wire_workflow("annotated-holder")
async def annotated_holder(data: str, *, workflow) -> None:
    await _use(current())

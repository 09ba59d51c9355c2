from functools import singledispatch

from pyflow_core import wire_workflow


class Team:
    def __init__(self, name: str) -> None:
        self.name = name


@singledispatch
async def move(target, workflow):
    await workflow.do("move-anything", lambda: None)


@move.register
async def _(target: Team, workflow):
    await workflow.do("move-team", lambda: None)


@move.register(str)
async def _move_text(target, workflow):
    await workflow.do("move-text", lambda: None)


@wire_workflow("mover")
async def mover(data: str, *, workflow) -> None:
    await move(Team(data), workflow)

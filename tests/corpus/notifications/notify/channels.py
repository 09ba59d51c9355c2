from __future__ import annotations

from enum import Enum
from typing import ClassVar, Final

from pyflow_core import wire_rpc


class Channel(str, Enum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"


class StepName:
    RENDER: ClassVar[str] = "render"
    DELIVER: Final = "deliver"
    TEMPLATE = "{channel}-{user}"


@wire_rpc("notify.render")
async def render(data: str) -> str:
    return data


@wire_rpc("notify.deliver", retries=10)
async def deliver(data: str) -> bool:
    return bool(data)


@wire_rpc("prefs.get")
async def preferences(data: str) -> list[str]:
    return [data]

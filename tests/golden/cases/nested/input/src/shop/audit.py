from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core import Call, Proceed


async def audit(call: Call, proceed: Proceed) -> object:
    return await proceed()

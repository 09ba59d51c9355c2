"""Durable workflows for Python: the public names.

Importing this is quick: each name is imported when it is first used, so that `pyflow check`, and a process that reads
source, need not wait for what runs workflows.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core.context import Logger, Step, WorkflowContext, WorkflowPrimitives
    from pyflow_core.errors import (
        ErrorInfo,
        PermissionDeniedError,
        PyflowError,
        ResultTimeoutError,
        RpcError,
        RunBlockedError,
        RunCancelledError,
        RunFailedError,
        StepFailedError,
    )
    from pyflow_core.middleware import Call, Proceed
    from pyflow_core.options import Backoff, StepOptions
    from pyflow_core.payload.handle import Given, Payload
    from pyflow_core.references import RpcCall, RpcRef, RpcRefNoData
    from pyflow_core.run import BlockingRunHandle, Run, RunHandle, RunStatus
    from pyflow_core.wiring import WorkflowDocs, wire_rpc, wire_workflow

__all__ = [
    "Backoff",
    "BlockingRunHandle",
    "Call",
    "ErrorInfo",
    "Given",
    "Logger",
    "Payload",
    "PermissionDeniedError",
    "Proceed",
    "PyflowError",
    "ResultTimeoutError",
    "RpcCall",
    "RpcError",
    "RpcRef",
    "RpcRefNoData",
    "Run",
    "RunBlockedError",
    "RunCancelledError",
    "RunFailedError",
    "RunHandle",
    "RunStatus",
    "Step",
    "StepFailedError",
    "StepOptions",
    "WorkflowContext",
    "WorkflowDocs",
    "WorkflowPrimitives",
    "wire_rpc",
    "wire_workflow",
]

_HOMES = {
    "context": ("Logger", "Step", "WorkflowContext", "WorkflowPrimitives"),
    "errors": (
        "ErrorInfo",
        "PermissionDeniedError",
        "PyflowError",
        "ResultTimeoutError",
        "RpcError",
        "RunBlockedError",
        "RunCancelledError",
        "RunFailedError",
        "StepFailedError",
    ),
    "middleware": ("Call", "Proceed"),
    "options": ("Backoff", "StepOptions"),
    "payload.handle": ("Given", "Payload"),
    "references": ("RpcCall", "RpcRef", "RpcRefNoData"),
    "run": ("BlockingRunHandle", "Run", "RunHandle", "RunStatus"),
    "wiring": ("WorkflowDocs", "wire_rpc", "wire_workflow"),
}
"""The modules in which the public names are defined."""
_HOME = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name: str) -> object:
        """A public name, on its first use.

        Raises:
            AttributeError: there is none of this name.
        """
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return [*globals(), *__all__]

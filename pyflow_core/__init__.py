"""Durable workflows for Python: the public names.

Importing this is quick: whatever is heavy is imported when it is first used.
"""

from __future__ import annotations

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
from pyflow_core.payload.handle import Payload
from pyflow_core.references import RpcCall, RpcRef, RpcRefNoData
from pyflow_core.run import BlockingRunHandle, Run, RunHandle, RunStatus
from pyflow_core.wiring import WorkflowDocs, wire_rpc, wire_workflow

__all__ = [
    "Backoff",
    "BlockingRunHandle",
    "Call",
    "ErrorInfo",
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

"""The functions that wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_inspector.unit import Kind

WIRE_FUNCTIONS: dict[str, Kind] = {"wire_workflow": "workflow", "wire_rpc": "rpc"}

BUILTIN_SERVICES = frozenset({"workflow", "rpc", "logger", "step"})
"""What pyflow injects itself."""

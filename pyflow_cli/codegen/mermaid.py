"""A workflow as a Mermaid flowchart: its steps in the order of the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.naming import DYNAMIC

if TYPE_CHECKING:
    from pyflow_core.metadata import StepMeta, WorkflowMeta

_SHAPES = {
    "rpc": ('["', '"]'),
    "inline": ('("', '")'),
    "sleep": ('{{"', '"}}'),
    "wait": ('[/"', '"/]'),
    "child": ('[["', '"]]'),
}


def flowchart(workflow: WorkflowMeta) -> str:
    """The diagram, without a fence around it."""
    lines = ["flowchart TD", "    start([start])"]
    previous = "start"
    for number, step in enumerate(workflow.steps, start=1):
        opening, closing = _SHAPES[step.type]
        lines.append(f"    step{number}{opening}{_label(step)}{closing}")
        lines.append(f"    {previous} --> step{number}")
        previous = f"step{number}"
    return "\n".join([*lines, "    finish([end])", f"    {previous} --> finish"])


def _label(step: StepMeta) -> str:
    name = step.pattern or (step.step_name if step.step_name != DYNAMIC else "*")
    lines = [name, step.rpc_name or step.type]
    return "<br/>".join(escape_label(line) for line in lines)


def escape_label(text: str) -> str:
    """The text with everything as a numeric entity that could end the label or mean something in it."""
    safe = frozenset(" _-.,/")
    shown = (char if char.isprintable() else " " for char in text)
    return "".join(char if char.isalnum() or char in safe else f"#{ord(char)};" for char in shown)

"""`pyflow inspect`: what pyflow knows about the workflows from their source."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pyflow_cli.command import Cli, brief_command
from pyflow_cli.exit_code import ExitCode

if TYPE_CHECKING:
    from pyflow_core.metadata import Metadata, StepMeta, WorkflowMeta


class Format(StrEnum):
    """How the metadata is printed."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"


@brief_command
def inspect(
    cli: Cli,
    workflow: Annotated[str | None, typer.Argument(metavar="[WORKFLOW]", help="Only this workflow.")] = None,
    *,
    form: Annotated[Format | None, typer.Option("--format", help="How it is printed.", show_default="text")] = None,
) -> ExitCode:
    """Show workflows, steps, queues and types."""
    from pyflow_cli.inspection import count
    from pyflow_cli.inspection import inspect as inspect_source

    metadata = inspect_source(cli.settings)
    if metadata.diagnostics:
        cli.output.prose(f"{count(metadata.diagnostics)}: see `pyflow check`")
    chosen = metadata if workflow is None else _only(metadata, workflow)
    match form or (Format.JSON if cli.json else Format.TEXT):
        case Format.JSON:
            cli.output.json(chosen.to_json())
        case Format.MERMAID:
            cli.output.data(_mermaid(chosen))
        case Format.TEXT:
            cli.output.data("\n".join(_lines(chosen)))
    return ExitCode.DONE


def _only(metadata: "Metadata", name: str) -> "Metadata":
    """The metadata of one workflow, with the RPCs that it uses."""
    from dataclasses import replace

    from pyflow_core.errors import UnknownWorkflowError
    from pyflow_core.suggest import did_you_mean

    found = tuple(item for item in metadata.workflows if item.name == name)
    if not found:
        near = did_you_mean(name, (item.name for item in metadata.workflows))
        raise UnknownWorkflowError(f"there is no workflow {name!r}{near}")
    used = {step.rpc_name for item in found for step in item.steps} | {rpc for item in found for rpc in item.invokes}
    files = {item.span.file for item in found}
    return replace(
        metadata,
        workflows=found,
        rpcs=tuple(rpc for rpc in metadata.rpcs if rpc.name in used),
        diagnostics=tuple(item for item in metadata.diagnostics if item.file in files),
    )


def _mermaid(metadata: "Metadata") -> str:
    from pyflow_cli.codegen.mermaid import flowchart
    from pyflow_cli.output import one_line

    charts = [f"%% {one_line(item.name)}\n{flowchart(item)}" for item in metadata.workflows]
    return "\n\n".join(charts)


def _lines(metadata: "Metadata") -> list[str]:
    lines: list[str] = []
    for workflow in metadata.workflows:
        lines += [*([""] if lines else []), *_workflow_lines(workflow)]
    if not metadata.workflows:
        lines.append("no workflows")
    if metadata.rpcs:
        width = max(len(rpc.name) for rpc in metadata.rpcs)
        lines += ["", "RPCs"]
        lines += [f"  {rpc.name:<{width}}  {rpc.func}" for rpc in metadata.rpcs]
    return lines


def _workflow_lines(workflow: "WorkflowMeta") -> list[str]:
    from pyflow_cli.output import one_line
    from pyflow_core.naming import DYNAMIC

    description = "" if workflow.description in (None, DYNAMIC) else f"  {one_line(str(workflow.description))}"
    given = workflow.input.text if workflow.input else "nothing"
    given = f"{given} (optional)" if workflow.input and workflow.input_optional else given
    result = workflow.output.text if workflow.output else "?"
    lines = [
        f"{one_line(workflow.name)}{description}",
        f"  {workflow.func}  ({workflow.span.file}:{workflow.span.line})",
        f"  {given} -> {result}",
        f"  queue {workflow.queue}",
    ]
    return lines + _flow_lines(workflow)


def _flow_lines(workflow: "WorkflowMeta") -> list[str]:
    """The steps of a workflow in what they stand in, and beside each what it does."""
    from pyflow_cli.outline import outline

    steps = {step.id: step for step in workflow.steps}
    found = [("  " * depth + words, node) for depth, words, node in outline(workflow.graph)]
    width = max((len(words) for words, node in found if node is not None), default=0)
    return [
        f"    {words:<{width}}  {_what(steps[node.step])}".rstrip()
        if node is not None and node.step is not None
        else f"    {words}"
        for words, node in found
    ]


def _what(step: "StepMeta") -> str:
    queue = f"  queue {step.queue}" if step.queue else ""
    return f"{step.type:<6}  {step.rpc_name or ''}{queue}"

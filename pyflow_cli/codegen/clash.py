"""Names that become one in generated code: they are refused with PF106, never quietly renamed or merged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.metadata import Diagnostic, Metadata, RpcMeta, Span, WorkflowMeta
from pyflow_core.naming import client_class, module_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RESERVED_MODULES = frozenset({"blocking", "connect", "rpcs", "workers", "workflows"})
"""What a workflow's module would hide in the generated package."""


def find_clashes(metadata: Metadata) -> tuple[Diagnostic, ...]:
    """A finding at the second of every two names that would become one."""
    found = [*_modules(metadata.workflows), *_workers(metadata.workflows), *_references(metadata.rpcs)]
    return tuple(sorted(found, key=lambda item: (item.file, item.line, item.column, item.message)))


def _modules(workflows: Iterable[WorkflowMeta]) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for workflow in workflows:
        if workflow.module in RESERVED_MODULES:
            yield _finding(
                workflow.span,
                f"workflow {workflow.name!r} would become the module {workflow.module!r}, "
                "which the generated package needs itself",
            )
        for name in (workflow.module, client_class(workflow.name)):
            first = seen.setdefault(name, workflow.name)
            if first != workflow.name:
                yield _finding(workflow.span, f"workflows {first!r} and {workflow.name!r} would both become {name!r}")
                break


def _workers(workflows: Iterable[WorkflowMeta]) -> Iterator[Diagnostic]:
    seen = {"WORKERS": "the map of all workers"}
    for workflow in workflows:
        places = [(workflow.worker, workflow.queue, workflow.span)]
        places += [(step.worker, step.queue, step.span) for step in workflow.steps if step.worker and step.queue]
        for worker, queue, span in places:
            first = seen.setdefault(worker, queue)
            if first != queue:
                yield _finding(span, f"the workers of {first} and of {queue} would both be called {worker!r}")


def _references(rpcs: Iterable[RpcMeta]) -> Iterator[Diagnostic]:
    """Each dotted name is a path; a path may lead to one name, and an RPC may not be a part of another's path."""
    written: dict[tuple[str, ...], str] = {}
    leaves: dict[tuple[str, ...], str] = {}
    for rpc in sorted(rpcs, key=lambda item: (item.name.count("."), item.name)):
        segments = rpc.name.split(".")
        path = tuple(module_name(segment) for segment in segments)
        for length in range(1, len(path) + 1):
            prefix = ".".join(segments[:length])
            first = written.setdefault(path[:length], prefix)
            leaf = leaves.get(path[:length])
            if first != prefix:
                message = f"RPC names {first!r} and {prefix!r} would both become `rpcs.{'.'.join(path[:length])}`"
            elif leaf is not None and leaf != rpc.name:
                message = f"{leaf!r} is an RPC, and cannot be the first part of {rpc.name!r} too"
            else:
                continue
            yield _finding(rpc.span, message)
            break
        else:
            leaves[path] = rpc.name


def _finding(span: Span, message: str) -> Diagnostic:
    return Diagnostic(
        code="PF106",
        name="generated-name-clash",
        severity="error",
        message=message,
        file=span.file,
        line=span.line,
        column=span.column,
        end_line=span.end_line,
        end_column=span.end_column,
        help="rename one of them",
    )

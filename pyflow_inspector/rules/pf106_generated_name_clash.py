"""PF106: generated name clash."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pyflow_core.naming import class_name, module_name, orchestrator_queue, step_queue, worker_name
from pyflow_inspector.rules.rule import Example, ProjectRule, position

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.unit import RpcFact, WorkflowFact

RESERVED_MODULES = frozenset({"rpcs", "blocking", "workers", "_project", "_services", "docs", "connect", "workflows"})
"""What the generated package holds beside the modules of the workflows."""

_ADVICE = "rename one of them"

Owner = tuple[str, "Span"]
Fact = TypeVar("Fact", "WorkflowFact", "RpcFact")


class GeneratedNameClash(ProjectRule):
    """Two names lead to the same class, module, queue or reference in generated code.

    `create-user` and `createUser` both give the class `CreateUser`; an RPC `users` and an RPC `users.create` both
    want `rpcs.users`. One of them would overwrite the other, so one of them needs another name.
    """

    code = "PF106"
    name = "generated-name-clash"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_rpc("users.delete")
            async def delete(data: str) -> str:
                return data
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow) -> None:
                await workflow.do("createUser", "users.create", data)
                await workflow.do("create-user", "users.create", data)
            """,
            marks=('"create-user"',),
        ),
        Example(
            """
            from pyflow_core import wire_rpc

            @wire_rpc("users")
            async def users(data: str) -> str:
                return data

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data
            """,
            marks=('"users.create"',),
        ),
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("workers")
            async def workers(data: str) -> None: ...
            """,
            marks=('"workers"',),
        ),
    )

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """Clashes of modules, of worker classes and queues, of references."""
        yield from self._modules(linked)
        yield from self._workers(linked)
        yield from self._references(linked)

    def _modules(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        taken: dict[str, Owner] = {}
        for workflow in _in_order(linked.workflows):
            name = workflow.meta.name
            module = module_name(name)
            if module in RESERVED_MODULES:
                message = f"workflow {name!r} would overwrite {module!r} of the generated package"
                yield self.at(workflow.wiring.anchor, message, "give the workflow another name")
            owner = (f"workflow {name!r}", workflow.wiring.anchor)
            yield from self._claim(taken, f"module {module!r}", owner)

    def _workers(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """One table for all, since all workers are classes of one module and queues of one broker."""
        taken: dict[str, Owner] = {}
        for workflow in _in_order(linked.workflows):
            name = workflow.meta.name
            owner = (f"workflow {name!r}", workflow.wiring.anchor)
            names = [f"class {class_name(name)!r}", f"queue {orchestrator_queue(name)!r}"]
            yield from self._claim(taken, names, owner)
        for workflow in _in_order(linked.workflows):
            name = workflow.meta.name
            seen: set[str] = set()
            for step in workflow.steps:
                if step.key in seen:
                    continue
                seen.add(step.key)
                names = [
                    f"class {worker_name(name, step.key)!r}",
                    f"queue {step_queue(name, step.key)!r}",
                ]
                owner = (f"step {step.key!r} of workflow {name!r}", step.name)
                yield from self._claim(taken, names, owner)

    def _references(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """Each RPC claims its path for itself, and every namespace above it together with its siblings."""
        paths: dict[str, Owner] = {}
        spaces: dict[str, tuple[str, Owner]] = {}
        for rpc in _in_order(linked.rpcs):
            segments = rpc.meta.name.split(".")
            owner = (f"RPC {rpc.meta.name!r}", rpc.wiring.anchor)
            for length in range(1, len(segments)):
                written = ".".join(segments[:length])
                path = ".".join(map(module_name, segments[:length]))
                first = spaces.setdefault(path, (written, owner))
                if path in paths:
                    yield self._clash(f"reference 'rpcs.{path}'", paths[path], owner)
                elif first[0] != written:
                    yield self._clash(f"reference 'rpcs.{path}'", first[1], owner)
            path = ".".join(map(module_name, segments))
            if path in spaces:
                yield self._clash(f"reference 'rpcs.{path}'", spaces[path][1], owner)
            yield from self._claim(paths, path, owner, "reference 'rpcs.{}'")

    def _claim(
        self, taken: dict[str, Owner], names: str | list[str], owner: Owner, label: str = "{}"
    ) -> Iterator[Diagnostic]:
        """Take names for an owner; one finding, if any of them is taken."""
        wanted = [names] if isinstance(names, str) else names
        clash = next((name for name in wanted if name in taken), None)
        if clash is not None:
            yield self._clash(label.format(clash), taken[clash], owner)
        for name in wanted:
            taken.setdefault(name, owner)

    def _clash(self, what: str, first: Owner, second: Owner) -> Diagnostic:
        message = f"{second[0]} and {first[0]} ({position(first[1])}) both give the {what}"
        return self.at(second[1], message, _ADVICE)


def _in_order(facts: Iterable[Fact]) -> list[Fact]:
    """By file and line, so that the finding stands at the later one."""
    return sorted(facts, key=lambda one: (one.wiring.anchor.file, one.wiring.anchor.line, one.wiring.anchor.column))

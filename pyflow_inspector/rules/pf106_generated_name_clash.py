"""PF106: generated name clash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.naming import class_name, module_name, orchestrator_queue, step_queue, worker_name
from pyflow_inspector.rules.rule import Example, Rule, position

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Span
    from pyflow_inspector.model import ProjectModel, WiredFunction

RESERVED_MODULES = frozenset({"rpcs", "blocking", "workers", "_project", "_services", "docs", "connect", "workflows"})
"""What the generated package holds beside the modules of the workflows."""

_ADVICE = "rename one of them"

Owner = tuple[str, "Span"]


class GeneratedNameClash(Rule):
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

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Clashes of modules, of worker classes and queues, of references."""
        yield from self._modules(model)
        yield from self._workers(model)
        yield from self._references(model)

    def _modules(self, model: ProjectModel) -> Iterator[Diagnostic]:
        taken: dict[str, Owner] = {}
        for workflow in _in_order(model.workflows):
            module = module_name(workflow.name)
            if module in RESERVED_MODULES:
                message = f"workflow {workflow.name!r} would overwrite {module!r} of the generated package"
                yield self.at(_span(workflow), message, "give the workflow another name")
            owner = (f"workflow {workflow.name!r}", _span(workflow))
            yield from self._claim(taken, f"module {module!r}", owner)

    def _workers(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """One table for all, since all workers are classes of one module and queues of one broker."""
        taken: dict[str, Owner] = {}
        for workflow in _in_order(model.workflows):
            owner = (f"workflow {workflow.name!r}", _span(workflow))
            names = [f"class {class_name(workflow.name)!r}", f"queue {orchestrator_queue(workflow.name)!r}"]
            yield from self._claim(taken, names, owner)
        for workflow in _in_order(model.workflows):
            seen: set[str] = set()
            for step in workflow.facts.steps:
                if step.form.type != "rpc" or step.key in seen:
                    continue
                seen.add(step.key)
                names = [
                    f"class {worker_name(workflow.name, step.key)!r}",
                    f"queue {step_queue(workflow.name, step.key)!r}",
                ]
                span = step.module.syntax.span(step.name_node or step.call)
                yield from self._claim(taken, names, (f"step {step.key!r} of workflow {workflow.name!r}", span))

    def _references(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Each RPC claims its path for itself, and every namespace above it together with its siblings."""
        paths: dict[str, Owner] = {}
        spaces: dict[str, tuple[str, Owner]] = {}
        for rpc in _in_order(model.rpcs):
            segments = rpc.name.split(".")
            owner = (f"RPC {rpc.name!r}", _span(rpc))
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


def _in_order(functions: list[WiredFunction]) -> list[WiredFunction]:
    """By file and line, so that the finding stands at the later one."""
    return sorted(functions, key=lambda one: (_span(one).file, _span(one).line, _span(one).column))


def _span(wired: WiredFunction) -> Span:
    return wired.wiring.module.syntax.span(wired.wiring.anchor)

"""PF310: service outside of a step."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import conducts, in_a_step
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import CallFact, Site
    from pyflow_inspector.conduct.survey import Conduct
    from pyflow_inspector.model import ProjectModel


class ServiceOutsideStep(Rule):
    """Workflow code calls a service itself.

    Services are databases, clients, caches: they do I/O. The loop on which a workflow runs has none, so that what is
    awaited there is refused, and the run is blocked: an error. A service whose method is a plain function is not
    refused, but called again on each replay, with another answer or a second effect: a warning.

    Workflow functions get services for their inline steps only. Call the service in a step:

        user = await workflow.do("loadUser", lambda: db.load_user(data.user_id))

    or in an RPC, which gets services of its own.
    """

    code = "PF310"
    name = "service-outside-step"
    severity = "error"
    valid = (
        Example(
            """
            from pyflow_core import wire_workflow

            class Database:
                async def load(self, key: str) -> str:
                    return key

            @wire_workflow("greet")
            async def greet(data: str, *, workflow, logger, db: Database) -> None:
                logger.info("greeting %s", data)
                async def load() -> str:
                    return await db.load(data)
                await workflow.do("first", lambda: db.load(data))
                await workflow.do("second", load)
            """
        ),
        Example(
            """
            # file: app/users.py
            async def load_name(store, key: str) -> str:
                return await store.load(key)

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.users import load_name

            @wire_workflow("greet")
            async def greet(data: str, *, workflow, db) -> None:
                await workflow.do("name", partial(load_name, db, data))
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_workflow

            @wire_workflow("greet")
            async def greet(data: str, *, workflow, db) -> None:
                user = await db.users.load(data)
                async with db.transaction():
                    await workflow.do("greet", lambda: user)
            """,
            marks=("db.users.load(data)", "db.transaction()"),
        ),
        Example(
            """
            # file: app/users.py
            async def load_name(store, key: str) -> str:
                return await store.load(key)

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.users import load_name

            @wire_workflow("greet")
            async def greet(data: str, *, workflow, db) -> None:
                name = await load_name(db, data)
                await workflow.do("greet", lambda: name)
            """,
            marks=("store.load(key)",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Calls of services, and loops over what they stream, in workflow code."""
        for conduct in conducts(model):
            for call in conduct.calls:
                name = None if call.site.in_step else conduct.service(call.node.func, call.site.scope)
                if name is not None:
                    yield self._call(call, name)
            for site in conduct.sites(ast.AsyncFor):
                yield from self._stream(conduct, site)

    def _call(self, call: CallFact, name: str) -> Diagnostic:
        advice = f"call it in a step: {in_a_step(call, 'load')}"
        awaited = call.site.awaited or _is_passed_on(call.site)
        if awaited:
            return self.at(call.site.span, f"the service {name} is awaited in workflow code, which has no I/O", advice)
        text = f"the service {name} is called in workflow code, and called again on each replay"
        return self.at(call.site.span, text, advice, severity="warning")

    def _stream(self, conduct: Conduct, site: Site) -> Iterator[Diagnostic]:
        assert isinstance(site.node, ast.AsyncFor)
        name = conduct.service(site.node.iter, site.scope)
        if name is not None:
            text = f"the service {name} is read from in workflow code, which has no I/O"
            yield self.at(site.span_of(site.node.iter), text, "read it in a step that returns all of it")


def _is_passed_on(site: Site) -> bool:
    """Whether the call stands in `gather`, `create_task` and the like, which await it."""
    return isinstance(site.parent, ast.Call) and getattr(site.parent.func, "attr", "") in {
        "gather", "create_task", "ensure_future", "wait_for", "shield",
    }  # fmt: skip

"""PF405: unknown service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.suggest import did_you_mean
from pyflow_inspector.rules.rule import Example, ProjectRule
from pyflow_inspector.wire_function import BUILTIN_SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.linked import LinkedProject


class UnknownService(ProjectRule):
    """A function asks for a service that the service factory does not give.

    A keyword-only parameter takes the attribute of the same name of what the factory of `[tool.pyflow] services`
    yields. A worker refuses to start if there is none. A parameter with a default is optional.

    pyflow reads the attributes from the class that the factory is annotated with: fields, properties, methods, what
    methods assign to `self`, and all of that in its bases. Where it cannot read all of them, where the class has
    `__getattr__`, and where `step_services` are set, it says nothing.
    """

    code = "PF405"
    name = "unknown-service"
    severity = "error"
    valid = (
        Example(
            """
            # file: app/services.py
            from collections.abc import AsyncIterator
            from contextlib import asynccontextmanager
            from dataclasses import dataclass

            class Base:
                def __init__(self) -> None:
                    self.mail = object()

                @property
                def clock(self) -> object:
                    return object()

            @dataclass
            class Services(Base):
                db: object

            @asynccontextmanager
            async def create_services() -> AsyncIterator[Services]:
                yield Services(db=object())

            # file: app/functions.py
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str, *, db, mail, clock, logger, cache=None) -> None: ...
            """,
            services="app.services:create_services",
        ),
        Example(
            """
            # file: app/services.py
            from outside import Kit

            class Services(Kit):
                db: object

            def create_services() -> Services:
                return Services()

            # file: app/functions.py
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str, *, queue) -> None: ...
            """,
            services="app.services:create_services",
        ),
    )
    invalid = (
        Example(
            """
            # file: app/functions.py
            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(data: str, *, databse, mail) -> None: ...

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow, mailer) -> None: ...

            # file: app/services.py
            from collections.abc import AsyncIterator
            from contextlib import asynccontextmanager
            from dataclasses import dataclass

            @dataclass
            class Services:
                database: object
                mail: object

            @asynccontextmanager
            async def create_services() -> AsyncIterator[Services]:
                yield Services(object(), object())
            """,
            marks=("databse", "mailer"),
            services="app.services:create_services",
        ),
        Example(
            """
            # file: app/functions.py
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create(data: str, *, db, cache) -> None: ...

            # file: app/services.py
            class Services:
                db: object

                async def __aenter__(self) -> "Services":
                    return self

                async def __aexit__(self, *error: object) -> None: ...
            """,
            marks=("cache",),
            services="app.services:Services",
        ),
    )

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """Required services that the class of the factory's result does not have."""
        factory = linked.factory
        if factory is None or factory.services is None or linked.settings.step_services is not None:
            return
        known = [name for name in factory.services if not name.startswith("_")]
        for function in linked.functions:
            for service in function.services:
                is_wanted = not service.optional and service.name not in BUILTIN_SERVICES
                if is_wanted and service.name not in factory.services:
                    near = did_you_mean(service.name, known).removeprefix("; ")
                    message = f"{factory.kind!r}, which the service factory yields, has no {service.name!r}"
                    yield self.at(service.span, message, near or f"give it to {factory.kind!r}, or give it a default")

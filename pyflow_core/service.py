"""Services of users: the factory that makes them, and their injection by name."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from pyflow_core.errors import MissingServiceError, SettingsError
from pyflow_core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AsyncExitStack

    from pyflow_core.signature import Signature

BUILT_IN = frozenset({"workflow", "rpc", "logger", "step"})


def load_target(target: str, *, what: str) -> Any:
    """The object that `"package.module:name"` names.

    Raises:
        SettingsError: it cannot be imported, or the module has no such name.
    """
    module_name, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise SettingsError(f"{what} {target!r} cannot be imported: {error}") from error
    except AttributeError:
        raise SettingsError(f"{what} {target!r}: module {module_name!r} has no {attribute!r}") from None
    return found


async def enter_factory(stack: AsyncExitStack, factory: Callable[..., Any], *args: Any) -> Any:
    """Call a factory and enter what it gives: an async or sync context manager, an awaitable, or the services."""
    made = factory(*args)
    if inspect.isawaitable(made):
        made = await made
    if hasattr(made, "__aenter__"):
        return await stack.enter_async_context(made)
    if hasattr(made, "__enter__"):
        return stack.enter_context(made)
    return made


class Injection:
    """The keyword arguments of one wired function: those of the factory are found once, the rest for each call.

    `wants` are the built-in names that it asks for. `extra` (services of one attempt) comes before the factory's.
    """

    def __init__(self, signature: Signature, services: Any) -> None:
        self._signature = signature
        self._services = services
        self.wants = frozenset(p.name for p in signature.services if p.name in BUILT_IN)
        self._own = [p for p in signature.services if p.name not in BUILT_IN]
        self._fixed: dict[str, Any] | None = None

    def arguments(self, built_in: Mapping[str, Any], extra: Any = None) -> dict[str, Any]:
        """The arguments of one call; `built_in` holds exactly what `wants` names.

        Raises:
            MissingServiceError: a required service is nowhere.
        """
        if extra is not None:
            return {**self._find(extra), **built_in}
        if self._fixed is None:
            self._fixed = self._find(None)
        return {**self._fixed, **built_in}

    def _find(self, extra: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for parameter in self._own:
            name = parameter.name
            holder = extra if extra is not None and hasattr(extra, name) else self._services
            if hasattr(holder, name):
                found[name] = getattr(holder, name)
            elif parameter.required:
                raise MissingServiceError(missing_service(self._signature, name, self._services))
        return found


def missing_service(signature: Signature, name: str, services: Any) -> str:
    """The message for a service that the factory does not give."""
    if services is None:
        return f"{signature.name} asks for the service {name!r}, but no `services` factory is set in [tool.pyflow]"
    known = [attribute for attribute in dir(services) if not attribute.startswith("_")]
    return (
        f"{signature.name} asks for the service {name!r}, which {type(services).__name__} does not have"
        f"{did_you_mean(name, known)}"
    )


def check_services(signatures: Iterable[Signature], services: Any, *, per_step: bool) -> None:
    """Refuse at the start of a worker what would fail at the first job.

    With `per_step` a second factory exists, whose services are known only inside an attempt: nothing can be refused.

    Raises:
        MissingServiceError: naming the function and the service.
    """
    if per_step:
        return
    for signature in signatures:
        for parameter in signature.services:
            if parameter.required and parameter.name not in BUILT_IN and not hasattr(services, parameter.name):
                raise MissingServiceError(missing_service(signature, parameter.name, services))

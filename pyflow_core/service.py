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


def services_for(
    signature: Signature, services: Any, built_in: Mapping[str, Any], *, extra: Any = None
) -> dict[str, Any]:
    """The keyword arguments of a wired function; `extra` (services of one attempt) comes before `services`.

    Raises:
        MissingServiceError: a required one is in neither.
    """
    found: dict[str, Any] = {}
    for parameter in signature.services:
        name = parameter.name
        if name in built_in:
            found[name] = built_in[name]
        elif extra is not None and hasattr(extra, name):
            found[name] = getattr(extra, name)
        elif hasattr(services, name):
            found[name] = getattr(services, name)
        elif parameter.required:
            raise MissingServiceError(missing_service(signature, name, services))
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

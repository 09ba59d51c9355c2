"""Wiring: `wire_rpc` and `wire_workflow` register functions by name, and do nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from pyflow_core.errors import (
    DuplicateWiringError,
    InvalidNameError,
    InvalidOptionError,
    RpcError,
    SignatureError,
    UnknownRpcError,
    UnknownWorkflowError,
)
from pyflow_core.naming import is_valid_name
from pyflow_core.options import Backoff, StepPolicy, check_options
from pyflow_core.signature import Signature, read_signature
from pyflow_core.suggest import did_you_mean

if TYPE_CHECKING:
    from pyflow_core.duration import Duration
    from pyflow_core.middleware import Middleware, Permission
    from pyflow_core.payload.context import ContextSpec

F = TypeVar("F", bound=Callable[..., Any])
W = TypeVar("W", bound=Callable[..., Coroutine[Any, Any, Any]])

ExecutionMode = Literal["remote", "inline"]


@dataclass(frozen=True)
class WorkflowDocs:
    """How a workflow presents itself in generated documentation."""

    summary: str | None = None
    description: str | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class RpcDefinition:
    """A wired RPC. `options` are checked; `raises` are found again by their codes."""

    name: str
    func: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    raises: Mapping[str, type[RpcError]] = field(default_factory=dict[str, type[RpcError]])
    middleware: tuple[Middleware, ...] = ()

    @cached_property
    def signature(self) -> Signature:
        """Data, services and result, read when first needed."""
        return read_signature(self.func)

    def policy(self, default: StepPolicy) -> StepPolicy:
        """Retries and timeout of the wiring, over the project's."""
        return default.with_options(self.options)


@dataclass(frozen=True)
class WorkflowDefinition:
    """A wired workflow."""

    name: str
    func: Callable[..., Coroutine[Any, Any, Any]]
    description: str | None = None
    execution_mode: ExecutionMode = "remote"
    middleware: tuple[Middleware, ...] = ()
    permissions: tuple[Permission, ...] = ()
    tags: tuple[str, ...] = ()
    docs: WorkflowDocs | None = None

    @cached_property
    def signature(self) -> Signature:
        """Data, services and result, read when first needed."""
        return read_signature(self.func)


class Registry:
    """Names and what is wired to them."""

    def __init__(self) -> None:
        self.rpcs: dict[str, RpcDefinition] = {}
        self.workflows: dict[str, WorkflowDefinition] = {}

    def rpc(self, name: str) -> RpcDefinition:
        """The RPC of this name.

        Raises:
            UnknownRpcError: naming the nearest one.
        """
        try:
            return self.rpcs[name]
        except KeyError:
            raise UnknownRpcError(f"there is no RPC {name!r}{did_you_mean(name, self.rpcs)}") from None

    def workflow(self, name: str) -> WorkflowDefinition:
        """The workflow of this name.

        Raises:
            UnknownWorkflowError: naming the nearest one.
        """
        try:
            return self.workflows[name]
        except KeyError:
            raise UnknownWorkflowError(f"there is no workflow {name!r}{did_you_mean(name, self.workflows)}") from None

    def add_rpc(self, definition: RpcDefinition) -> None:
        """Register an RPC; the same function again (a reloaded module) replaces itself."""
        _refuse_clash("RPC", definition, self.rpcs.get(definition.name))
        self.rpcs[definition.name] = definition

    def add_workflow(self, definition: WorkflowDefinition) -> None:
        """Register a workflow; the same function again (a reloaded module) replaces itself."""
        _refuse_clash("workflow", definition, self.workflows.get(definition.name))
        self.workflows[definition.name] = definition


_process_registry = Registry()
_current = _process_registry


def current_registry() -> Registry:
    """Where wiring registers now: the process's registry, or that of an `isolated_registry`."""
    return _current


@contextmanager
def isolated_registry() -> Generator[Registry]:
    """Wire into a fresh registry for a while, so that tests do not see one another's functions."""
    global _current  # noqa: PLW0603 - wiring runs at import and has no other place to find its registry
    outer, _current = _current, Registry()
    try:
        yield _current
    finally:
        _current = outer


@overload
def wire_rpc(
    name: str,
    func: None = None,
    *,
    retries: int | None = None,
    retry_delay: Duration | Backoff | None = None,
    timeout: Duration | None = None,
    inline_max: int | None = None,
    context: ContextSpec | None = None,
    raises: Sequence[type[RpcError]] = (),
    middleware: Sequence[Middleware] = (),
) -> Callable[[F], F]: ...
@overload
def wire_rpc(
    name: str,
    func: F,
    *,
    retries: int | None = None,
    retry_delay: Duration | Backoff | None = None,
    timeout: Duration | None = None,
    inline_max: int | None = None,
    context: ContextSpec | None = None,
    raises: Sequence[type[RpcError]] = (),
    middleware: Sequence[Middleware] = (),
) -> F: ...
def wire_rpc(
    name: str,
    func: F | None = None,
    *,
    retries: int | None = None,
    retry_delay: Duration | Backoff | None = None,
    timeout: Duration | None = None,
    inline_max: int | None = None,
    context: ContextSpec | None = None,
    raises: Sequence[type[RpcError]] = (),
    middleware: Sequence[Middleware] = (),
) -> F | Callable[[F], F]:
    """Register an RPC function under a name: as a decorator, or called with the function.

    The first positional parameter is its data, keyword-only parameters are services. A plain `def` runs in a thread.
    `raises` declares the `RpcError` classes that a workflow may catch by class. `context` is as that of a step, or a
    function of the result that gives a dictionary.

    Raises:
        InvalidNameError, InvalidOptionError, SignatureError, DuplicateWiringError
    """
    _check_name("RPC", name)
    given = {
        "retries": retries,
        "retry_delay": retry_delay,
        "timeout": timeout,
        "inline_max": inline_max,
        "context": context,
    }
    options = check_options({key: value for key, value in given.items() if value is not None}, where=f"RPC {name!r}")
    declared = _declared_errors(name, raises)

    def register(function: F) -> F:
        _check_callable("RPC", name, function)
        current_registry().add_rpc(RpcDefinition(name, function, options, declared, tuple(middleware)))
        return function

    return register if func is None else register(func)


@overload
def wire_workflow(
    name: str,
    func: None = None,
    *,
    description: str | None = None,
    execution_mode: ExecutionMode = "remote",
    middleware: Sequence[Middleware] = (),
    permissions: Sequence[Permission] = (),
    tags: Sequence[str] = (),
    docs: WorkflowDocs | None = None,
) -> Callable[[W], W]: ...
@overload
def wire_workflow(
    name: str,
    func: W,
    *,
    description: str | None = None,
    execution_mode: ExecutionMode = "remote",
    middleware: Sequence[Middleware] = (),
    permissions: Sequence[Permission] = (),
    tags: Sequence[str] = (),
    docs: WorkflowDocs | None = None,
) -> W: ...
def wire_workflow(
    name: str,
    func: W | None = None,
    *,
    description: str | None = None,
    execution_mode: ExecutionMode = "remote",
    middleware: Sequence[Middleware] = (),
    permissions: Sequence[Permission] = (),
    tags: Sequence[str] = (),
    docs: WorkflowDocs | None = None,
) -> W | Callable[[W], W]:
    """Register a workflow function under a name: as a decorator, or called with the function.

    Raises:
        InvalidNameError, InvalidOptionError, SignatureError, DuplicateWiringError
    """
    _check_name("workflow", name)
    if execution_mode not in ("remote", "inline"):
        raise InvalidOptionError(f"workflow {name!r}: execution_mode is {execution_mode!r}, not 'remote' or 'inline'")

    def register(function: W) -> W:
        _check_callable("workflow", name, function)
        if not inspect.iscoroutinefunction(inspect.unwrap(function)):
            raise SignatureError(f"workflow {name!r}: {_where(function)} must be an `async def`")
        definition = WorkflowDefinition(
            name, function, description, execution_mode, tuple(middleware), tuple(permissions), tuple(tags), docs
        )
        current_registry().add_workflow(definition)
        return function

    return register if func is None else register(func)


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str) or not is_valid_name(name):
        raise InvalidNameError(
            f"{name!r} cannot name a {what}: use lower-case words of letters, digits, '_' and '-', joined by dots"
        )


def _check_callable(what: str, name: str, function: object) -> None:
    if not callable(function):
        raise SignatureError(f"{what} {name!r}: {function!r} is no function")


def _declared_errors(name: str, raises: Sequence[type[RpcError]]) -> dict[str, type[RpcError]]:
    declared: dict[str, type[RpcError]] = {}
    for error in raises:
        if not (isinstance(error, type) and issubclass(error, RpcError)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InvalidOptionError(f"RPC {name!r}: raises={error!r} must be a class derived from RpcError")
        if "code" not in vars(error):
            raise InvalidOptionError(f"RPC {name!r}: give {error.__name__} a `code`, by which it is found again")
        if error.code in declared:
            raise InvalidOptionError(f"RPC {name!r}: two of its errors have the code {error.code!r}")
        declared[error.code] = error
    return declared


def _refuse_clash(
    what: str,
    new: RpcDefinition | WorkflowDefinition,
    old: RpcDefinition | WorkflowDefinition | None,
) -> None:
    if old is not None and _where(old.func) != _where(new.func):
        raise DuplicateWiringError(f"{what} {new.name!r} is wired twice: to {_where(old.func)} and {_where(new.func)}")


def _where(function: Callable[..., Any]) -> str:
    plain = inspect.unwrap(function)
    return f"{getattr(plain, '__module__', '?')}:{getattr(plain, '__qualname__', repr(plain))}"

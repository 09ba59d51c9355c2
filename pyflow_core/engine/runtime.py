"""How functions of users are called: services, middleware, threads. One per process and project."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.clock import SystemClock
from pyflow_core.context import BoundRpc, BoundWorkflow, RunLogger, Step
from pyflow_core.engine.execution import Execution
from pyflow_core.engine.values import Values
from pyflow_core.errors import (
    CodecError,
    PayloadError,
    StepTimeoutError,
)
from pyflow_core.log import logger
from pyflow_core.middleware import Call, surround
from pyflow_core.options import StepPolicy, check_options, load_options
from pyflow_core.payload.handle import is_handle, load_as
from pyflow_core.payload.handle_codec import PayloadCodec
from pyflow_core.project import WorkflowPlan
from pyflow_core.references import NO_DATA
from pyflow_core.service import Injection, check_services, enter_factory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from pyflow_core.clock import Clock
    from pyflow_core.codec import Codec
    from pyflow_core.middleware import Middleware
    from pyflow_core.payload.policy import PayloadPolicy
    from pyflow_core.ports.state import Envelope
    from pyflow_core.signature import Signature
    from pyflow_core.wiring import Registry, RpcDefinition, WorkflowDefinition

MAX_THREADS = 32


class Runtime:
    """Calls workflow and RPC functions with what they ask for.

    `services` is what the users' factory gave (None: no factory), `step_services` their second factory. `plans` are
    the generated workflows; one that is not among them gets a plan without patterns.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        services: Any = None,
        step_services: Callable[..., Any] | None = None,
        middleware: Sequence[Middleware] = (),
        plans: Sequence[WorkflowPlan] = (),
        settings: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        values: Values | None = None,
    ) -> None:
        settings = settings or {}
        self.registry = registry
        self.services = services
        self.clock = clock or SystemClock()
        self.values = values or Values()
        self.max_steps = int(settings.get("max_steps", 10_000))
        self.block_changed_input = settings.get("changed_input") == "block"
        self._step_services = step_services
        self._middleware = tuple(middleware)
        self._plans = {plan.name: plan for plan in plans}
        given = {key: settings[key] for key in ("retries", "retry_delay", "timeout") if settings.get(key) is not None}
        self.default_policy = StepPolicy().with_options(check_options(given, where="[tool.pyflow]"))
        self._threads: ThreadPoolExecutor | None = None
        self._injections: dict[Signature, Injection] = {}

    def plan(self, workflow: str) -> WorkflowPlan:
        """The plan of a workflow."""
        plan = self._plans.get(workflow)
        if plan is None:
            plan = self._plans[workflow] = WorkflowPlan(name=workflow, code_hash="")
        return plan

    def value_policy(self, workflow: str, queue: str | None, options: str | None) -> PayloadPolicy:
        """The limits of a value of a step, whose `options` are as its row keeps them."""
        return self.values.policy_of(workflow, queue, load_options(options))

    def check(self) -> None:
        """Refuse now what the first job would find: a service that no factory gives.

        Raises:
            MissingServiceError
        """
        signatures = [rpc.signature for rpc in self.registry.rpcs.values()]
        signatures += [workflow.signature for workflow in self.registry.workflows.values()]
        check_services(
            signatures,
            self.services,
            per_step=self._step_services is not None,
        )

    def close(self) -> None:
        """Let the threads go; what still runs in them is abandoned."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    # --- workflows

    def execution(
        self,
        definition: WorkflowDefinition,
        run_id: str,
        data: Any,
        *,
        actor: str | None,
        started_at: float,
    ) -> Execution:
        """A new execution of a workflow, not yet started."""

        def main(execution: Execution) -> Coroutine[Any, Any, Any]:
            return self._workflow_call(definition, data, actor, execution)

        return Execution(
            run_id, self.registry, main, started_at=started_at, max_steps=self.max_steps, values=self.values
        )

    async def data_of(self, signature: Signature, recorded: Envelope, tenant: str) -> Any:
        """The recorded data of a function; `NO_DATA` if it takes none, or was given none.

        Raises:
            StoredValueError: it does not fit the type that the function now declares.
            PayloadError: it lies in a payload store, and cannot be had from there.
        """
        if signature.data is None or (recorded.inline is None and recorded.reference is None):
            return NO_DATA
        try:
            return await self.values.bring(signature.data_codec, recorded, tenant)
        except (CodecError, PayloadError) as error:
            raise type(error)(f"the recorded input: {error.message}") from None

    def _workflow_call(
        self, definition: WorkflowDefinition, data: Any, actor: str | None, execution: Execution
    ) -> Coroutine[Any, Any, Any]:
        workflow = BoundWorkflow(execution)
        injection = self._injection(definition.signature)
        built_in: dict[str, Any] = {}
        if "workflow" in injection.wants:
            built_in["workflow"] = workflow
        if "rpc" in injection.wants:
            built_in["rpc"] = BoundRpc(self, execution)
        if "logger" in injection.wants:
            built_in["logger"] = RunLogger(definition.name, execution)
        call_function = _bind(definition.func, data, injection.arguments(built_in))
        if not definition.middleware:
            return cast("Coroutine[Any, Any, Any]", call_function())
        call = Call("workflow", definition.name, data, execution.run_id, actor, workflow)
        return _layered(call, definition.middleware, call_function)

    def _injection(self, signature: Signature) -> Injection:
        injection = self._injections.get(signature)
        if injection is None:
            injection = self._injections[signature] = Injection(signature, self.services)
        return injection

    # --- RPCs

    async def call_rpc(self, definition: RpcDefinition, data: Any, step: Step | None) -> Any:
        """Call an RPC function with its services, inside its middleware; a plain `def` runs in a thread."""
        if self._step_services is None or step is None:
            return await self._call_with(definition, data, step, None)
        async with AsyncExitStack() as stack:
            extra = await enter_factory(stack, self._step_services, self.services, step)
            return await self._call_with(definition, data, step, extra)

    def _call_with(self, definition: RpcDefinition, data: Any, step: Step | None, extra: Any) -> Awaitable[Any]:
        injection = self._injection(definition.signature)
        built_in: dict[str, Any] = {}
        for name in injection.wants:
            if name == "rpc":
                built_in[name] = BoundRpc(self, None)
            elif name == "logger":
                built_in[name] = logger(f"pyflow.rpc.{definition.name}")
            elif name == "step":
                built_in[name] = step or Step()  # a bare invoke is no step, and nobody stops it
        call_function = _bind(definition.func, data, injection.arguments(built_in, extra))
        if not definition.signature.is_async:
            call_function = functools.partial(self.in_thread, call_function)
        layers = (*self._middleware, *definition.middleware)
        if not layers:
            return cast("Awaitable[Any]", call_function())
        run_id = step.run_id if step is not None else None
        return surround(Call("rpc", definition.name, data, run_id), layers, call_function)()

    async def invoke(self, rpc_name: str, data: Any) -> Any:
        """A plain call of an RPC: its data and its result pass through the codec, as they would in a step.

        A handle is loaded where the RPC does not take one. Nothing is stored.

        Raises:
            UnknownRpcError, PayloadError
        """
        definition = self.registry.rpc(rpc_name)
        if data is not NO_DATA:
            data = await _own_copy(definition.signature.data_codec, data)
        result = await self.call_rpc(definition, data, None)
        return definition.signature.result_codec.round_trip(result)[1]

    async def within(self, seconds: float | None, awaitable: Awaitable[Any]) -> Any:
        """Await, for so long at most; None is for ever.

        Raises:
            StepTimeoutError: the time was up; what was awaited has been cancelled.
        """
        if seconds is None:
            return await awaitable
        scope: asyncio.Timeout | None = None
        try:
            async with self.clock.timeout(seconds) as scope:
                return await awaitable
        except TimeoutError:
            if scope is not None and scope.expired():
                raise StepTimeoutError(f"the attempt took longer than its timeout of {seconds:g} s") from None
            raise

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        """Run a blocking function in the bounded pool, in a copy of this context."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="pyflow-step")
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, function)


def _bind(function: Callable[..., Any], data: Any, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    if data is NO_DATA:
        return functools.partial(function, **arguments)
    return functools.partial(function, data, **arguments)


async def _own_copy(codec: Codec, data: Any) -> Any:
    """The data as the called function gets it, which shares nothing with the caller's."""
    if is_handle(data) and not isinstance(codec, PayloadCodec):
        return await load_as(codec, data)
    return codec.round_trip(data)[1]


async def _layered(call: Call, middleware: Sequence[Middleware], innermost: Callable[[], Any]) -> Any:
    return await surround(call, middleware, innermost)()

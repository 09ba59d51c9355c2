"""Fakes for unit tests of workflow functions: steps run at once, and every call is kept.

Given such fakes, a workflow is called like any other function:

    workflow = FakeWorkflow({"users.create": lambda data: User(id="1", email=data.email)})
    rpc = FakeRpc({"settings.get": returns({"theme": "dark"})})
    out = await onboarding(data, workflow=workflow, rpc=rpc, logger=logging.getLogger())
    assert [name for name, _, _ in workflow.calls] == ["createUser", …]
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pyflow_core.errors import InvalidNameError, InvalidOptionError, StepNameReusedError, UnknownRpcError
from pyflow_core.naming import is_valid_step_name
from pyflow_core.options import check_options
from pyflow_core.payload.handle import is_handle
from pyflow_core.references import NO_DATA, RpcCall
from pyflow_core.suggest import did_you_mean
from pyflow_core.testing.payload import FakePayloads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyflow_core.payload.handle import Payload


Fake = Callable[[Any], Any] | Callable[[], Any]
"""A fake RPC: a function of its data, or of nothing; plain or async."""


def returns(value: Any) -> Fake:
    """A fake RPC that always gives `value`."""

    def fake(data: Any = None) -> Any:
        del data
        return value

    return fake


class FakeRpc:
    """`rpc` for unit tests. `rpcs` gives a fake for each RPC's name.

    `calls` holds the name and the data (None without) of each call.
    """

    def __init__(self, rpcs: Mapping[str, Fake] | None = None) -> None:
        self._rpcs = dict(rpcs or {})
        self.calls: list[tuple[str, Any]] = []

    async def invoke(self, rpc: Any, data: Any = NO_DATA, /) -> Any:
        """Call the fake of an RPC, by its name and data or by a typed reference.

        Raises:
            UnknownRpcError: there is no fake of this name; the nearest is named.
            InvalidOptionError: a lazy call.
        """
        call = _rpc_call(rpc, data)
        if call.is_lazy:
            raise InvalidOptionError(f"rpc.invoke({call.rpc_name!r}) stores nothing: leave `.lazy()` away, or use `do`")
        fake = _find(self._rpcs, call.rpc_name)
        self.calls.append((call.rpc_name, _shown(call.data)))
        return await _call(fake, call.data)


class FakeWorkflow:
    """`workflow` for unit tests: a step runs when it is awaited, once, without retries.

    `calls` holds the step's name, the RPC's name (None for a function) and the data (None without) of each step, in
    the order in which they ran. What is asked for lazily is given as a handle to `payloads`.
    """

    def __init__(self, rpcs: Mapping[str, Fake] | None = None, *, run_id: str = "fake-run") -> None:
        self.payloads = FakePayloads()
        self._rpcs = dict(rpcs or {})
        self._names: set[str] = set()
        self._run_id = run_id
        self.calls: list[tuple[str, str | None, Any]] = []

    @property
    def run_id(self) -> str:
        """The id of the run."""
        return self._run_id

    def do(self, step_name: str, target: Any, data: Any = NO_DATA, /, *, returns: Any = None, **options: Any) -> Any:
        """A coroutine of a step: by an RPC's name and data, by a typed reference, or by a function.

        Raises:
            InvalidNameError, StepNameReusedError, InvalidOptionError
            UnknownRpcError: there is no fake of this name; the nearest is named.
        """
        del returns
        self._check_name(step_name)
        check_options(options, where=f"step {step_name!r}")
        if callable(target) and not isinstance(target, RpcCall):
            return self._run(step_name, None, target, NO_DATA)
        call = _rpc_call(target, data)
        fake = _find(self._rpcs, call.rpc_name)
        if call.is_lazy:
            return self._run_lazily(step_name, call.rpc_name, fake, call.data)
        return self._run(step_name, call.rpc_name, fake, call.data)

    def _check_name(self, step_name: str) -> None:
        if not is_valid_step_name(step_name):
            raise InvalidNameError(f"{step_name!r} cannot name a step: use 1 to 200 characters, no control characters")
        if step_name in self._names:
            raise StepNameReusedError(f"step name {step_name!r} is used twice: a name can be used once in a run")
        self._names.add(step_name)

    async def _run(self, step_name: str, rpc_name: str | None, function: Fake, data: Any) -> Any:
        self.calls.append((step_name, rpc_name, _shown(data)))
        return await _call(function, data)

    async def _run_lazily(self, step_name: str, rpc_name: str, function: Fake, data: Any) -> Payload[Any]:
        value = await self._run(step_name, rpc_name, function, data)
        return value if is_handle(value) else self.payloads.of(value)


def _rpc_call(target: Any, data: Any) -> RpcCall[Any]:
    if not isinstance(target, RpcCall):
        return RpcCall(target, data)
    call: RpcCall[Any] = cast("Any", target)
    return call


def _find(rpcs: Mapping[str, Fake], name: str) -> Fake:
    try:
        return rpcs[name]
    except KeyError:
        raise UnknownRpcError(f"this test has no fake for RPC {name!r}{did_you_mean(name, rpcs)}") from None


async def _call(function: Fake, data: Any) -> Any:
    fake = cast("Callable[..., Any]", function)
    value = fake() if data is NO_DATA else fake(data)
    return await value if inspect.isawaitable(value) else value


def _shown(data: Any) -> Any:
    return None if data is NO_DATA else data

"""Typed references to RPCs: `rpcs.users.create(CreateUser(...))` carries its result's type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

if TYPE_CHECKING:
    from pyflow_core.payload.handle import Payload

D_contra = TypeVar("D_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class NoData:
    """Stands for the data of an RPC or workflow that is given none, since None is a value."""

    def __repr__(self) -> str:
        return "NO_DATA"


NO_DATA: Final = NoData()


@dataclass(frozen=True)
class RpcCall(Generic[R_co]):
    """An RPC with its data, to be given to `workflow.do` or `rpc.invoke`."""

    rpc_name: str
    data: Any = NO_DATA
    is_lazy: bool = False

    @overload
    def lazy(self: RpcCall[Payload[T]]) -> RpcCall[Payload[T]]: ...
    @overload
    def lazy(self) -> RpcCall[Payload[R_co]]: ...

    def lazy(self) -> RpcCall[Any]:
        """The same call, whose result `do` gives as a handle: it is passed on, or loaded in a step, as needed.

        An RPC that returns a handle by itself gives that one.
        """
        return RpcCall(self.rpc_name, self.data, is_lazy=True)


@dataclass(frozen=True)
class RpcRef(Generic[D_contra, R_co]):
    """A reference to an RPC that takes data."""

    rpc_name: str

    def __call__(self, data: D_contra | Payload[D_contra], /) -> RpcCall[R_co]:
        """The call of this RPC with `data`, or with a handle to it."""
        return RpcCall(self.rpc_name, data)


@dataclass(frozen=True)
class RpcRefNoData(Generic[R_co]):
    """A reference to an RPC that takes no data."""

    rpc_name: str

    def __call__(self) -> RpcCall[R_co]:
        """The call of this RPC."""
        return RpcCall(self.rpc_name)

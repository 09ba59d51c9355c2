"""The one way of payloads into rows, whoever commits: engine, client, and the simulation that proves it.

The order of a write is *scrub, serialise, hash, put, commit the row, acknowledge*. Between the put and the commit a
collector may take the payload for an orphan. So right before a commit everything is confirmed, which stores what is not
stored, or was so long ago that it may be gone unnoticed; and a commit that is refused with `PayloadCollectedError` is
tried again with the payloads under other names.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from pyflow_core.clock import uptime
from pyflow_core.errors import PayloadCollectedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from pyflow_core.payload.deposit import Deposit

T = TypeVar("T")
Store: TypeAlias = "Callable[[Deposit], Awaitable[None]]"

AT_ONCE = 16
"""So many payloads of a commit are stored at the same time."""


async def store_at_once(store: Store, deposits: Sequence[Deposit]) -> None:
    """Store several deposits, some at the same time."""
    if len(deposits) == 1:
        await store(deposits[0])
        return
    limit = asyncio.Semaphore(AT_ONCE)

    async def store_one(deposit: Deposit) -> None:
        async with limit:
            await store(deposit)

    await asyncio.gather(*map(store_one, deposits))


class Keeper:
    """Sees deposits through their commit. `store` stores one (`DataPlane.store`), `store_all` calls it for several."""

    def __init__(
        self,
        store: Store,
        *,
        store_all: Callable[[Store, Sequence[Deposit]], Awaitable[None]] = store_at_once,
        uptime_now: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._store_all = store_all
        self._uptime = uptime_now or uptime

    async def confirm(self, deposits: Sequence[Deposit]) -> None:
        """Store those that are due, until none is; to be called right before their commit, with nothing in between.

        A process that was stopped for days after its put may find its object collected, and the tombstone forgotten;
        and while the last of many is stored, the first may get old.

        Raises:
            PayloadError: nothing may be committed.
        """
        while due := self._due(deposits):
            await self._store_all(self._store_one, due)

    async def commit(self, deposits: Sequence[Deposit], write: Callable[[], Awaitable[T]]) -> T:
        """Confirm, and `write` the rows, which take the envelopes of the deposits as they are at that moment.

        Raises:
            PayloadCollectedError: a row refers to a payload of somebody else that is being deleted.
            Whatever storing and `write` raise; the deposits can be committed again.
        """
        while True:
            await self.confirm(deposits)
            try:
                return await write()
            except PayloadCollectedError as error:
                if not again(deposits, error):
                    raise

    async def _store_one(self, deposit: Deposit) -> None:
        begun = self._uptime()
        await self._store(deposit)
        deposit.stored_at = begun

    def _due(self, deposits: Iterable[Deposit]) -> list[Deposit]:
        now = self._uptime()
        return [deposit for deposit in deposits if deposit.is_due(now)]


def again(deposits: Iterable[Deposit], error: PayloadCollectedError) -> bool:
    """After a refused commit: what was collected is to be stored under another name before the next one.

    False if it is none of these, so that nothing can be done about it.
    """
    renamed = [deposit.again(error.keys) for deposit in deposits]
    return any(renamed)

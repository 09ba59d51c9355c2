"""How a process learns that something has changed: a byte on the loopback interface, and polling behind it.

After a commit that made work for others, the writer sends one byte to every other process that listens. The byte
carries nothing; the tables are the truth. Should it be lost, or sockets be unavailable, `PRAGMA data_version` tells
whether another connection has written: it is asked every 50 ms, and after ten quiet answers every 500 ms, until this
process writes again or hears something.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from pyflow_core.errors import StoreError
from pyflow_core.log import logger
from pyflow_services.sqlite.writer import Operation, each

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from pyflow_services.sqlite.transaction import Transaction

BUSY_POLL_SECONDS = 0.05
IDLE_POLL_SECONDS = 0.5
QUIET_POLLS = 10

_LOOPBACK = "127.0.0.1"
_log = logger("pyflow.sqlite")


class Listener(NamedTuple):
    """A process that wants a byte on a port."""

    listener_id: str
    boot_id: str
    port: int


def _listen(transaction: Transaction, listener: Listener) -> None:
    transaction.cursor.execute(
        "INSERT OR REPLACE INTO listeners (listener_id, boot_id, port) VALUES (?, ?, ?)", listener
    )


def _unlisten(transaction: Transaction, listener_id: str) -> None:
    transaction.cursor.execute("DELETE FROM listeners WHERE listener_id = ?", [listener_id])


LISTEN: Operation[Listener, None] = each("listen", _listen, counted=False)
UNLISTEN: Operation[str, None] = each("unlisten", _unlisten, counted=False)


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard = heard

    @override
    def datagram_received(self, data: bytes, addr: object) -> None:
        self._heard()


class Wakeup:
    """Tells subscribers of news, and other processes of ours.

    `register` enters a port in the table of listeners, `data_version` asks the writing connection.
    """

    def __init__(
        self, register: Callable[[int], Awaitable[object]], data_version: Callable[[], Awaitable[int]]
    ) -> None:
        self._register = register
        self._data_version = data_version
        self._hints: dict[object, Callable[[], None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._mouth: socket.socket | None = None
        self._calling = False
        self._quiet = 0
        self._stirred = asyncio.Event()
        self.is_open = False

    # --- subscribers

    def subscribe(self, hint: Callable[[], None]) -> Callable[[], None]:
        """Call `hint` when there is news; returns the way to stop it."""
        key = object()
        self._hints[key] = hint
        self.start()

        def unsubscribe() -> None:
            self._hints.pop(key, None)
            if not self._hints and self._task is not None:
                self._task.cancel()
                self._task = None

        return unsubscribe

    def start(self) -> None:
        """Listen, if somebody wants to hear and the store is open."""
        if self._hints and self._task is None and self.is_open:
            self._task = asyncio.get_running_loop().create_task(self._listen(), name="pyflow-sqlite-listener")

    async def stop(self) -> None:
        """Stop listening and sending."""
        self.is_open = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self._mouth is not None:
            self._mouth.close()
            self._mouth = None

    def news(self, ports: Sequence[tuple[int]], own: bool) -> None:  # noqa: FBT001 - one caller
        """Tell everyone, or with `own` false only others, that a commit of ours has changed something for them."""
        if own:
            self.hint()
        for (port,) in ports:
            self._send(port)

    def hint(self) -> None:
        """Call the subscribers, once in this turn of the loop."""
        if self._hints and not self._calling:
            self._calling = True
            asyncio.get_running_loop().call_soon(self._call)

    def _call(self) -> None:
        self._calling = False
        for hint in list(self._hints.values()):
            hint()

    def stir(self) -> None:
        """Note that this process is at work, so that polling is quick."""
        self._quiet = 0
        if not self._stirred.is_set():
            self._stirred.set()

    # --- sockets

    def _send(self, port: int) -> None:
        # Whatever fails here, polling makes good.
        with suppress(OSError):
            if self._mouth is None:
                self._mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self._mouth.setblocking(False)  # noqa: FBT003 - the signature of sockets
            self._mouth.sendto(b"\0", (_LOOPBACK, port))

    async def _listen(self) -> None:
        transport: asyncio.DatagramTransport | None = None
        try:
            transport = await self._open_ear()
            await self._poll()
        finally:
            if transport is not None:
                transport.close()

    async def _open_ear(self) -> asyncio.DatagramTransport | None:
        transport: asyncio.DatagramTransport | None = None
        try:
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Ear(self._heard), local_addr=(_LOOPBACK, 0)
            )
            await self._register(transport.get_extra_info("sockname")[1])
        except (OSError, NotImplementedError, StoreError) as error:
            _log.info("no wake-up by datagram, polling only: %s", error)
        except BaseException:
            if transport is not None:
                transport.close()
            raise
        return transport

    def _heard(self) -> None:
        self.stir()
        self.hint()

    async def _poll(self) -> None:
        known = await self._ask_version()
        # What was committed before this was announced to nobody here.
        self.hint()
        while True:
            await self._pause()
            version = await self._ask_version()
            if version == known:
                self._quiet += 1
            else:
                known = version
                self._heard()

    async def _ask_version(self) -> int | None:
        try:
            return await self._data_version()
        except StoreError as error:
            _log.debug("polling failed: %s", error)
            return None

    async def _pause(self) -> None:
        if self._quiet < QUIET_POLLS:
            await asyncio.sleep(BUSY_POLL_SECONDS)
            return
        self._stirred.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), IDLE_POLL_SECONDS)

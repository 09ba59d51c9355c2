"""A worker in a process of its own: `python sqlite_process.py DATABASE WORKER LEASE_SECONDS COMMAND`.

It says what it has done on its output, one word a line, and does the next thing when it is told to on its input.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from pyflow_services.sqlite import SqliteStateService, wakeup

from pyflow_core.errors import StaleLeaseError
from pyflow_core.ports.state import Activation, Envelope, StepClaim, StepForm, StepResult, WorkerInfo

QUEUE = "workflow-mail-send"


def say(*words: object) -> None:
    print(*words, flush=True)


async def told() -> str:
    return (await asyncio.to_thread(sys.stdin.readline)).strip()


def done(claim: StepClaim) -> StepResult:
    output = Envelope('"done"')
    return StepResult(StepForm.RPC, claim.step_name, claim.epoch, claim.attempts, output, None, 0, None, None, 1.0, 2.0)


async def take_steps(service: SqliteStateService, worker: str) -> None:
    """Claim step after step until there is none."""
    say("ready")
    await told()
    while claims := await service.claim_steps(worker, {QUEUE: 3}):
        for claim in claims:
            say(claim.run_id, claim.step_name)
    say("end")


async def hold(service: SqliteStateService, worker: str) -> None:
    """Own a run and a step of it, and try to go on when told."""
    claim = await service.claim_run("run-0", worker, parked={})
    step = await service.claim_step("run-0", "step-0", worker)
    assert claim is not None
    assert step is not None
    say("holding")
    await told()
    say("renewed" if service.renew(worker) else "lost")
    for attempt in (
        service.finish_step(step, worker, done(step)),
        service.commit(Activation("run-0", claim.epoch, worker, 0, park=True)),
    ):
        try:
            await attempt
            say("written")
        except StaleLeaseError:
            say("stale")
    say("none" if await service.claim_step("run-0", "step-0", worker) is None else "claimed")


async def fork(_: SqliteStateService, worker: str) -> None:
    """Fork a child that does nothing, and name it."""
    del worker
    pid = os.fork()
    if pid == 0:
        for descriptor in range(3):  # which the test waits for
            os.close(descriptor)
        signal.pause()
    say(pid)
    await told()


async def listen(service: SqliteStateService, _: str) -> None:
    """Tell of every hint."""
    service.subscribe(lambda: say("hint"))
    await told()


async def serve(service: SqliteStateService, worker: str) -> None:
    """Finish every step, whenever there is a hint."""
    hints: asyncio.Queue[None] = asyncio.Queue()
    service.subscribe(lambda: hints.put_nowait(None))
    while True:
        await hints.get()
        while claims := await service.claim_steps(worker, {QUEUE: 3}):
            for claim in claims:
                await service.finish_step(claim, worker, done(claim))
        say("idle")


async def main(database: str, worker: str, lease_seconds: str, command: str) -> None:
    service = SqliteStateService(Path(database), synchronous="normal")
    await service.open()
    await service.join(WorkerInfo(worker, float(lease_seconds), "host", 1))
    commands = {"take": take_steps, "hold": hold, "fork": fork, "listen": listen, "serve": serve}
    try:
        await commands[command](service, worker)
    finally:
        await service.close()


if __name__ == "__main__":
    if "--no-polling" in sys.argv:
        sys.argv.remove("--no-polling")
        wakeup.BUSY_POLL_SECONDS = wakeup.IDLE_POLL_SECONDS = 3600.0
    if "--no-datagrams" in sys.argv:
        sys.argv.remove("--no-datagrams")

        async def unsupported(*_: object, **__: object) -> None:
            await asyncio.sleep(0)
            raise OSError("there are no sockets here")

        asyncio.BaseEventLoop.create_datagram_endpoint = unsupported  # type: ignore[method-assign,assignment]
    asyncio.run(main(*sys.argv[1:]))

"""Lives of processes whose payload store is watched: reads one life a line, forks for it, and says how it ended."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import payload_flow
from pyflow_services.files import FilesPayloadService
from pyflow_services.sqlite import SqliteStateService
from typing_extensions import override

from pyflow_core.payload.key import PAYLOADS_PREFIX

LIFE_SECONDS = 60
RESULT_SECONDS = 45.0
LONG_LEASE_SECONDS = 3600.0
"""So that only the lock of the operating system can tell that its holder is dead."""
STATE, PAYLOADS = "state.db", "payloads"
MOMENTS = ("before-put", "after-put", "after-commit")


class PayloadLife(NamedTuple):
    """`role` is "start" (create the runs and leave), "work" (drive what is there to its end) or "all".

    It ends at the `occurrence`-th `moment`; at 0 it is spared.
    """

    folder: str
    role: str
    fused: bool = True
    moment: str = ""
    occurrence: int = 0


class Moments:
    """Counts moments, and kills this process at one of them, with a note of where."""

    def __init__(self, life: PayloadLife) -> None:
        self.counts = dict.fromkeys(MOMENTS, 0)
        self._life = life
        self._lock = threading.Lock()

    def reach(self, moment: str, key: str) -> None:
        with self._lock:
            self.counts[moment] += 1
            if (moment, self.counts[moment]) == (self._life.moment, self._life.occurrence):
                death = Path(self._life.folder) / "death"
                death.write_text(json.dumps([moment, self._life.occurrence, key]), encoding="utf-8")
                os.kill(os.getpid(), signal.SIGKILL)


class WatchedFiles(FilesPayloadService):
    """Files, with a moment before and after each put, of values as of streams."""

    def __init__(self, root: Path, moments: Moments) -> None:
        super().__init__(root)
        self._moments = moments

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        if not key.startswith(PAYLOADS_PREFIX):
            return await super().put(key, data, ttl_seconds=ttl_seconds)  # the store is tried before it is trusted
        self._moments.reach("before-put", key)
        created = await super().put(key, data, ttl_seconds=ttl_seconds)
        self._moments.reach("after-put", key)
        return created

    @override
    async def put_file(self, key: str, path: Path, *, ttl_seconds: float | None = None) -> bool:
        self._moments.reach("before-put", key)
        created = await super().put_file(key, path, ttl_seconds=ttl_seconds)
        self._moments.reach("after-put", key)
        return created


class Commits:
    """Tells which transactions have committed a reference: those after which the table holds more of them."""

    def __init__(self, database: Path, moments: Moments) -> None:
        self._database = database
        self._moments = moments
        self._held = self._count()

    def _count(self) -> int:
        with closing(sqlite3.connect(self._database)) as connection:
            count: int = connection.execute("SELECT count(*) FROM payload_references").fetchone()[0]
        return count

    def __call__(self, point: str) -> None:
        if not point.endswith(":after"):
            return
        held = self._count()
        if held > self._held:
            self._moments.reach("after-commit", point)
        self._held = held


async def live(life: PayloadLife) -> dict[str, Any]:
    folder = Path(life.folder)
    moments = Moments(life)
    payloads = WatchedFiles(folder / PAYLOADS, moments)
    await payloads.open()
    state = SqliteStateService(folder / STATE, synchronous="normal")
    await state.open()
    state.fault = Commits(folder / STATE, moments)
    answer: dict[str, Any] = {}
    options = {"fused_commits": life.fused, "lease_seconds": LONG_LEASE_SECONDS, "worker": life.role != "start"}
    async with payload_flow.project.connect(state=state, payloads=payloads, **options) as client:
        if life.role != "work":
            await asyncio.gather(
                *(client.start("digest", payload_flow.book(run_id), run_id=run_id) for run_id in payload_flow.RUNS)
            )
        if life.role != "start":
            handles = [client.handle("digest", run_id) for run_id in payload_flow.RUNS]
            outputs = await asyncio.gather(*(handle.result(timeout=RESULT_SECONDS) for handle in handles))
            answer["right"] = [
                await payload_flow.is_right(run_id, output)
                for run_id, output in zip(payload_flow.RUNS, outputs, strict=True)
            ]
    await state.close()
    await payloads.close()
    return {**answer, "counts": moments.counts}


def become(life: PayloadLife) -> None:
    """The life of a child; never returns."""
    code = 1
    try:
        signal.alarm(LIFE_SECONDS)
        folder = Path(life.folder)
        log = os.open(folder / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        logging.basicConfig(level="INFO", format="%(process)d %(message)s", stream=sys.stderr)
        os.environ["PAYLOAD_FLOW_LEDGER"] = str(folder / "ledger")
        answer = asyncio.run(live(life))
        (folder / "answer").write_text(json.dumps(answer), encoding="utf-8")
        code = 0
    except BaseException:
        logging.getLogger().exception("this life failed")
    finally:
        # A child must not return into the loop of its parent.
        os._exit(code)


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        life = PayloadLife(**json.loads(line))
        child = os.fork()
        if child == 0:
            become(life)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

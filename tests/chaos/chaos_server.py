"""Lives of processes: `python chaos_server.py SCENARIO` reads one life a line, forks for it, and says how it ended.

A life is JSON: the `folder` of its store, its `role`, and where it is to end. Forking from a process that has imported
everything and has no threads costs a tenth of starting one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from chaos_scenario import SCENARIOS, Scenario
from pyflow_services.sqlite import SqliteStateService

from pyflow_core.engine.inline import InlineStep
from pyflow_core.testing.interception import intercept

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pyflow_core.ports.state import WorkflowStateService

LIFE_SECONDS = 60
LONG_LEASE_SECONDS = 3600.0
"""So that only the lock of the operating system can tell that its holder is dead."""


class Life(NamedTuple):
    """`role` is "start" (create the runs and leave), "work" (drive what is there to its end) or "all".

    It ends at the `point`-th fault point, or right after the `note`-th line of the ledger; at 0 it is spared.
    """

    folder: str
    role: str
    fused: bool = True
    point: int = 0
    note: int = 0


class Fate:
    """Counts points, and kills this process at one of them."""

    def __init__(self, at: int, folder: Path, name: str) -> None:
        self.reached: list[str] = []
        self._at = at
        self._death = folder / "death"
        self._lock = threading.Lock()
        self._name = name

    def reach(self, point: str) -> None:
        with self._lock:
            self.reached.append(point)
            if len(self.reached) == self._at:
                self._death.write_text(f"{self._name} {self._at}: {point}", encoding="utf-8")
                os.kill(os.getpid(), signal.SIGKILL)

    async def around(self, method: str, call: Callable[[], Awaitable[Any]]) -> Any:
        self.reach(f"{method}:before")
        answer = await call()
        self.reach(f"{method}:after")
        return answer


async def live(scenario: Scenario, life: Life) -> dict[str, Any]:
    folder = Path(life.folder)
    fate = Fate(life.point, folder, "store call")
    service = SqliteStateService(folder / "state.db", synchronous="normal")
    service.fault = lambda point: fate.reach(f"transaction of {point}")
    await service.open()
    state: WorkflowStateService = intercept(service, fate.around)
    answer: dict[str, Any] = {}
    works = life.role != "start"
    options = {"fused_commits": life.fused, "lease_seconds": LONG_LEASE_SECONDS}
    async with scenario.connect(folder, state=state, worker=works, **options) as client:
        handles = (
            [client.handle(workflow, run_id) for run_id, workflow, _, _ in scenario.runs]
            if life.role == "work"
            else await scenario.start(client, folder)
        )
        if works:
            answer["output"] = await scenario.results(handles, folder)
    await service.close()
    return {**answer, "reached": fate.reached}


def become(scenario: Scenario, life: Life) -> None:
    """The life of a child; never returns."""
    code = 1
    try:
        signal.alarm(LIFE_SECONDS)
        folder = Path(life.folder)
        log = os.open(folder / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        logging.basicConfig(level="INFO", format="%(process)d %(message)s", stream=sys.stderr)
        witness(life, folder)
        answer = asyncio.run(live(scenario, life))
        (folder / "answer").write_text(json.dumps(answer), encoding="utf-8")
        code = 0
    except BaseException:
        logging.getLogger().exception("this life failed")
    finally:
        # A child must not return into the loop of its parent.
        os._exit(code)


def witness(life: Life, folder: Path) -> None:
    """Kill after a line of the examples' ledger, and note calls of inline steps beside it."""
    import importlib

    fate = Fate(life.note, folder, "side effect")
    ledger = importlib.import_module(f"{SCENARIOS[sys.argv[1]].package}.services").Ledger
    note = ledger.note

    def noted(self: Any, *arguments: Any) -> None:
        note(self, *arguments)
        fate.reach(str(arguments[0]))

    ledger.note = noted
    start = InlineStep.start
    calls = folder / "inline"

    def started(step: InlineStep) -> None:
        run_id = step._done.__self__.run_id  # type: ignore[attr-defined]
        with calls.open("ab", buffering=0) as file:
            file.write(json.dumps([run_id, step._ask.step_name]).encode() + b"\n")
        start(step)

    InlineStep.start = started  # type: ignore[method-assign,assignment]


def main() -> None:
    scenario = SCENARIOS[sys.argv[1]]
    scenario.enter()
    print("ready", flush=True)
    for line in sys.stdin:
        life = Life(**json.loads(line))
        child = os.fork()
        if child == 0:
            become(scenario, life)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()

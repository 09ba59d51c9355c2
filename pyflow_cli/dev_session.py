"""Executing and showing runs until the code changes, for `pyflow dev`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from pyflow_cli.generation import regenerate
from pyflow_cli.json_form import event_form
from pyflow_cli.live_view import LiveView
from pyflow_cli.run_text import event_line
from pyflow_cli.source_watch import LOOK_SECONDS, SourceWatch, describe
from pyflow_cli.starting import start_run

if TYPE_CHECKING:
    from typing import TextIO

    from pyflow_cli.command import Cli
    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.project_loading import LoadedProject
    from pyflow_cli.starting import StartRequest
    from pyflow_core.client import Client
    from pyflow_core.ports.state import RunEvent

_DRAIN_SECONDS = 2.0
_STATE = "sqlite:///.pyflow/dev.db"
_STARTED = "PYFLOW_DEV_STARTED"
"""Set once the run that was asked for has been started, for this process when it begins anew."""


class DevSession:
    """One life of the code of a project. `data` is where events are written; what steps print goes elsewhere."""

    def __init__(self, cli: Cli, data: TextIO) -> None:
        self._cli = cli
        self._data = data
        self._root = cli.written_settings.root
        self._color = cli.output.color and data.isatty()
        self._watch = SourceWatch(cli.written_settings)

    # --- before there is code that runs

    def generate(self) -> None:
        """Generate; if that cannot be, begin anew after the next save."""
        if not regenerate(self._root, self._cli.output):
            self.restart_when_saved()

    def restart_when_saved(self) -> NoReturn:
        """Begin anew when a file has been saved."""
        self._cli.output.prose("waiting for a file to be saved")
        self._say_saved(self._watch.wait())
        restart()

    def _say_saved(self, changed: list[str]) -> None:
        self._cli.output.prose(describe(changed))

    # --- while it runs

    async def serve(self, loaded: LoadedProject, request: StartRequest | None, interrupt: Interrupt) -> bool:
        """Execute and show runs; whether there is new code, rather than the process asked to stop."""
        state, said = loaded.settings.state, self._cli.output.prose
        if not state.startswith(("sqlite:", "memory:")):
            said(f"the configured state is left alone; this one is {_STATE}")
            state = _STATE
        async with loaded.connect(state=state, queue="", drain_seconds=_DRAIN_SECONDS) as client:
            view = LiveView(client.state, self._tell)
            worker = await client.work()
            said(f"executing {loaded.project.name}: {len(worker.queues)} queues. Ctrl-C ends")
            await self._until_over(client, view, request, interrupt)
            await worker.close()
            await view.show()
        return interrupt.signal is None

    async def _until_over(
        self, client: Client, view: LiveView, request: StartRequest | None, interrupt: Interrupt
    ) -> None:
        if request is not None:
            await start_run(client, request)
            os.environ[_STARTED] = "1"
        tasks = [asyncio.create_task(work) for work in (interrupt.wait(), self._new_code(), view.follow())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.gather(*done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _new_code(self) -> None:
        """Return when there is new code that can be generated; until then the old code goes on."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            changed = await asyncio.to_thread(self._watch.changed)
            if changed:
                self._say_saved(changed)
                if await asyncio.to_thread(regenerate, self._root, self._cli.output):
                    return

    def _tell(self, event: RunEvent, workflow: str) -> None:
        if self._cli.json:
            form = {"run_id": event.run_id, "workflow": workflow, **event_form(event)}
            self._data.write(f"{json.dumps(form, ensure_ascii=False)}\n")
        elif (line := event_line(event, workflow, color=self._color)) is not None:
            self._data.write(f"{line}\n")
        self._data.flush()


def has_started() -> bool:
    """Whether the run that was asked for has been started, with this code or with older one."""
    return bool(os.environ.get(_STARTED))


def restart() -> NoReturn:
    """Begin anew in this process: no module, task or thread of the old code is left."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the command that is running

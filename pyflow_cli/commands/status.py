"""`pyflow status`: one run, its steps, and what it waits for."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pyflow_cli.command import Cli, command
from pyflow_cli.exit_code import ExitCode
from pyflow_cli.run_option import RunArgument

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from pyflow_cli.interrupt import Interrupt
    from pyflow_cli.json_form import Values
    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.ports.state import RunEvent, RunRecord, StepRecord, WorkerInfo, WorkflowStateService

_REFRESH_SECONDS = 0.5


@dataclass(frozen=True)
class _View:
    """What is shown, read at one moment."""

    run: "RunRecord"
    steps: "list[StepRecord]"
    events: "list[RunEvent] | None"
    workers: "list[WorkerInfo]"
    values: "Values"

    @property
    def at_rest(self) -> bool:
        return self.run.status.settled or self.run.status == "blocked"

    def form(self) -> dict[str, Any]:
        from pyflow_cli.json_form import event_form, status_form

        form = status_form(self.run, self.steps, self.values)
        return form if self.events is None else form | {"events": [event_form(event) for event in self.events]}

    def lines(self, *, color: bool, whole: bool) -> list[str]:
        from pyflow_cli.run_text import event_lines, status_lines

        lines = status_lines(
            self.run, self.steps, self.workers, time.time(), color=color, whole=whole, values=self.values
        )
        return lines if self.events is None else [*lines, "", *event_lines(self.events, color=color)]


@command
def status(
    cli: Cli,
    run: RunArgument,
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Show values as the store holds them, and whole.")] = False,
    events: Annotated[bool, typer.Option("--events", help="Show the event log too.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again whenever it changes, until it ends.")] = False,
) -> ExitCode:
    """Show a run: its steps, what it waits for, its output or its error."""
    from pyflow_cli.interrupt import run_interruptible

    async def main(interrupt: "Interrupt") -> None:
        await interrupt.unless(_show(cli, run, raw=raw, events=events, watch=watch))

    run_interruptible(main, lambda: None)
    return ExitCode.DONE


async def _show(cli: Cli, named: str, *, raw: bool, events: bool, watch: bool) -> None:
    import asyncio
    from contextlib import AsyncExitStack

    from pyflow_cli.store_access import find_run, open_stores

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_stores(cli.settings))
        planes = None if raw else await stack.enter_async_context(_open_payloads(cli))
        run_id = (await find_run(cli.output, client.state, named)).run_id
        screen = _Screen(cli, whole=raw or cli.output.verbose, watch=watch)
        while True:
            view = await _read(client.state, run_id, planes, events=events)
            screen.show(view)
            if view.at_rest or not watch:
                return
            await asyncio.sleep(_REFRESH_SECONDS)


def _open_payloads(cli: Cli) -> "AbstractAsyncContextManager[DataPlanes]":
    from pyflow_cli.payload_opening import open_payloads

    return open_payloads(cli.settings)


async def _read(state: "WorkflowStateService", run_id: str, planes: "DataPlanes | None", *, events: bool) -> _View:
    """A view of a run. Without `planes` no payload is loaded, and none can be."""
    from pyflow_core.errors import UnknownRunError

    run = await state.get_run(run_id)
    if run is None:
        raise UnknownRunError(f"run {run_id!r} is no longer there")
    steps = await state.list_steps(run_id)
    return _View(
        run,
        steps,
        await state.list_events(run_id) if events else None,
        [] if run.status.settled else await state.live_workers(),
        {} if planes is None else await _fetch(planes, run, steps),
    )


async def _fetch(planes: "DataPlanes", run: "RunRecord", steps: "list[StepRecord]") -> "Values":
    from pyflow_cli.shown_value import ValueFetcher

    envelopes = [run.input, run.output, *(value for step in steps for value in (step.input, step.output))]
    return await ValueFetcher(planes, run.tenant).fetch(envelopes)


class _Screen:
    """Where views are shown one after the other: in the place of the one before on a terminal, else below it."""

    def __init__(self, cli: Cli, *, whole: bool, watch: bool) -> None:
        import sys

        self._cli = cli
        self._whole = whole
        self._watch = watch
        self._in_place = watch and sys.stdout.isatty() and not cli.json
        self._color = cli.output.color and sys.stdout.isatty()
        self._shown: object = None
        self._height = 0

    def show(self, view: _View) -> None:
        """Show a view, if it says anything new."""
        key = (view.run, view.steps, view.events, view.values)
        if not self._in_place and key == self._shown:
            return
        if self._cli.json:
            self._show_json(view)
        elif self._in_place:
            self._replace(view)
        else:
            apart = [""] if self._shown is not None else []
            self._cli.output.data("\n".join([*apart, *view.lines(color=self._color, whole=self._whole)]))
        self._shown = key
        self._flush()

    def _show_json(self, view: _View) -> None:
        import json

        if self._watch:
            self._cli.output.data(json.dumps(view.form(), ensure_ascii=False))
        else:
            self._cli.output.json(view.form())

    def _replace(self, view: _View) -> None:
        import shutil

        from pyflow_cli.table import shorten

        lines = view.lines(color=self._color, whole=self._whole)
        if not view.at_rest:
            # Lines that wrap or scroll could not be written over; and a cut could fall into a colour, so without.
            columns, rows = shutil.get_terminal_size()
            lines = [shorten(line, columns) for line in view.lines(color=False, whole=False)[: rows - 1]]
        back = f"\x1b[{self._height}A\x1b[J" if self._height else ""
        self._cli.output.data(back + "\n".join(lines))
        self._height = len(lines)

    @staticmethod
    def _flush() -> None:
        import sys

        sys.stdout.flush()

"""PF315: side effect in finally."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import EFFECTS, conducts, in_a_step, shown_name
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.model import ProjectModel


class SideEffectInFinally(Rule):
    """Workflow code touches the world in `finally`.

    `finally` runs when a worker lays a run aside, too: because it shuts down, because its memory is full, because
    another worker has taken the run over. The run goes on elsewhere, and yet its files are deleted, its lock is
    given back, its mail is sent. And it runs once more on each replay.

    Put it in a step: a step that is asked for while a run is laid aside is not recorded and does nothing, and when the
    run really gets there it happens once. As elsewhere, what pyflow refuses at run time is an error, and the rest a
    warning.
    """

    code = "PF315"
    name = "side-effect-in-finally"
    severity = "warning"
    valid = (
        Example(
            """
            import os

            from pyflow_core import wire_workflow

            @wire_workflow("convert")
            async def convert(data: str, *, workflow, logger) -> None:
                try:
                    await workflow.do("convert", lambda: 1)
                finally:
                    logger.info("converted %s", data)
                    await workflow.do("cleanUp", lambda: os.remove(data))
            """
        ),
        Example(
            """
            # file: app/convert.py
            from pathlib import Path

            def convert(path: str) -> int:
                try:
                    return len(path)
                finally:
                    Path(path).unlink()

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.convert import convert

            @wire_workflow("convert")
            async def convert_all(data: str, *, workflow) -> int:
                return await workflow.do("convert", partial(convert, data))
            """
        ),
    )
    invalid = (
        Example(
            """
            import os
            import shutil

            import requests
            from pyflow_core import wire_workflow

            @wire_workflow("convert")
            async def convert(data: str, *, workflow) -> None:
                try:
                    await workflow.do("convert", lambda: 1)
                finally:
                    shutil.rmtree(data)
                    requests.post("https://locks.example/release", json=data)
            """,
            marks=("shutil.rmtree(data)", 'requests.post("https://locks.example/release", json=data)'),
        ),
        Example(
            """
            # file: app/folder.py
            from pathlib import Path

            def clean_up(path: str) -> None:
                Path(path, "lock").unlink()

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app import folder

            @wire_workflow("convert")
            async def convert(data: str, *, workflow) -> None:
                try:
                    await workflow.do("convert", lambda: 1)
                finally:
                    folder.clean_up(data)
            """,
            marks=('Path(path, "lock").unlink()',),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Calls with effects in `finally`, outside of steps."""
        for conduct in conducts(model):
            for call in conduct.calls:
                stand = call.site.stand
                if call.group is not None and call.group.kind in EFFECTS and stand.in_finally and not call.site.in_step:
                    yield self._finding(call)

    def _finding(self, call: CallFact) -> Diagnostic:
        assert call.group is not None
        text = f"{shown_name(call)} {call.group.does} in `finally`, which also runs when a worker lays the run aside"
        advice = f"put it in a step: {in_a_step(call, 'cleanUp')}"
        return self.at(call.site.span, text, advice, severity="error" if call.group.refused else "warning")

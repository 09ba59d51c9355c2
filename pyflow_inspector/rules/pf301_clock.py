"""PF301: clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import CallRule
from pyflow_inspector.rules.rule import Example

if TYPE_CHECKING:
    from pyflow_inspector.conduct.site import CallFact

_READ_NOW_WITHOUT = {"time.localtime": 0, "time.gmtime": 0, "time.ctime": 0, "time.asctime": 0, "time.strftime": 1}
"""Functions that read the clock only if they are not given a time, and at which place they take it."""


class Clock(CallRule):
    """Workflow code reads the clock.

    A workflow is called again whenever it is replayed: after a crash, on another machine, days later. Each time the
    clock says something else. A deadline that had not passed has passed, a branch goes the other way, a step gets
    another input, and the replay no longer fits the record: the run is blocked.

    Let a step read the clock. Its result is kept, and every replay sees the same moment:

        now = await workflow.do("now", lambda: datetime.now(UTC))

    A helper that needs the time best takes it as an argument. Only to tell how long something took, in a log line,
    reading the clock does no harm; then say `# pyflow: ignore[PF301]`.
    """

    code = "PF301"
    name = "clock"
    severity = "warning"
    kind = "clock"
    step = "now"
    because = "a replay reads another time"
    valid = (
        Example(
            """
            from datetime import UTC, datetime, timedelta

            from pyflow_core import wire_workflow

            @wire_workflow("trial")
            async def trial(data: str, *, workflow) -> str:
                now = await workflow.do("now", lambda: datetime.now(UTC))
                ends = now + timedelta(days=14)
                return ends.strftime("%Y-%m-%d")
            """
        ),
        Example(
            """
            # file: app/deadline.py
            from datetime import datetime, timedelta

            def deadline(now: datetime, hours: int) -> datetime:
                return now + timedelta(hours=hours)

            # file: app/example.py
            from datetime import UTC, datetime

            from pyflow_core import wire_workflow

            from app.deadline import deadline

            def read_clock() -> datetime:
                return datetime.now(UTC)

            @wire_workflow("ticket")
            async def ticket(data: int, *, workflow) -> datetime:
                opened = await workflow.do("opened", read_clock)
                return deadline(opened, data)
            """
        ),
        Example(
            """
            import time

            from pyflow_core import wire_workflow

            @wire_workflow("report")
            async def report(time: int, *, workflow) -> str:
                day = time.strftime("%A")
                return await workflow.do("render", lambda: day)
            """
        ),
    )
    invalid = (
        Example(
            """
            import datetime as dt
            from time import time as now

            from pyflow_core import wire_workflow

            @wire_workflow("invoice")
            async def invoice(data: str, *, workflow) -> str:
                due = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
                if now() > due.timestamp():
                    await workflow.do("remind", lambda: None)
                return await workflow.do("send", lambda: due.isoformat())
            """,
            marks=("dt.datetime.now(dt.UTC)", "now()"),
        ),
        Example(
            """
            # file: app/calendar.py
            from datetime import date

            def is_weekend() -> bool:
                return date.today().weekday() >= 5

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.calendar import is_weekend

            @wire_workflow("delivery")
            async def delivery(data: str, *, workflow) -> None:
                if is_weekend():
                    await workflow.do("postpone", lambda: None)
                await workflow.do("deliver", lambda: None)
            """,
            marks=("date.today()",),
        ),
    )

    def applies(self, call: CallFact) -> bool:
        """A conversion of a time that was given reads no clock."""
        place = _READ_NOW_WITHOUT.get(call.dotted or "")
        is_given = place is not None and (len(call.node.args) > place or bool(call.node.keywords))
        return not is_given and super().applies(call)

"""What an operation sees of the transaction that it is a part of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core.payload.boundary import referenced_keys
from pyflow_services.sqlite.bulk import Bulk
from pyflow_services.sqlite.payload_reference import refer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from pyflow_core.ports.event import EventType
    from pyflow_core.ports.state import Envelope
    from pyflow_services.sqlite.rows import Row

_EVENTS = Bulk(
    "INSERT INTO events (run, generation, type, seq, step_name, attempt, worker, detail, at) {values}",
    9,
)


class Transaction:
    """A cursor, the time at which the transaction began, its events, and whether others must hear of it."""

    __slots__ = ("_events", "_referred", "cursor", "ended", "news", "now")

    def __init__(self, cursor: sqlite3.Cursor, now: float) -> None:
        self.cursor = cursor
        self.now = now
        self.news = False
        self.ended = False  # a run, which is news for others only
        self._events: list[Row] = []
        self._referred: list[Row] = []

    def refer(self, run: int, value: Envelope) -> None:
        """Note that a row of a run holds a value, which may lie in a payload store."""
        if value.reference is not None:
            self._referred += [(key, run) for key in referenced_keys(value)]

    def tell(
        self,
        run: int,
        generation: int,
        kind: EventType,
        seq: int | None = None,
        step_name: str | None = None,
        attempt: int | None = None,
        worker: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Append an event to the log of a run; it is written with all others at the end of the transaction."""
        # The driver looks for an adapter of everything that is not exactly a `str`.
        self._events.append((run, generation, kind.value, seq, step_name, attempt, worker, detail, self.now))

    def finish(self) -> None:
        """Write the events, and what was referred to.

        Raises:
            PayloadCollectedError: a row refers to a payload that is being deleted: the transaction must be undone.
        """
        if self._referred:
            refer(self.cursor, self._referred)
        if self._events:
            _EVENTS.execute(self.cursor, self._events)

    def one(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> Row | None:
        """The only row of a statement that gives at most one; the statement has then run to its end."""
        rows = self.cursor.execute(sql, values).fetchall()
        return rows[0] if rows else None

    def all(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """All rows of a statement."""
        return self.cursor.execute(sql, values).fetchall()

"""Statements over many rows at once.

Each statement costs a trip through the driver, which lets go of the interpreter's lock and must win it back. One with a
table of values does the work of many; a few fixed sizes keep the prepared statements few.
"""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from pyflow_services.sqlite.rows import Row

_SIZES = (64, 16, 3)
_JOINED = "FROM ({values}) AS v"
_COLUMN = re.compile(r"v\.column(\d+)")


class Bulk:
    """A statement over a table of values, whose rows have `width` of them.

    `{values}` stands for the table. Where it is joined as `FROM ({values}) AS v`, the statement for a single row has
    parameters in place of the join, which would cost it five times as much.
    """

    def __init__(self, sql: str, width: int) -> None:
        place = f"({', '.join('?' * width)})"
        self._statements = [(size, sql.replace("{values}", f"VALUES {', '.join([place] * size)}")) for size in _SIZES]
        if _JOINED in sql:
            self._single = _COLUMN.sub(r"?\1", sql.replace(_JOINED, ""))
        else:
            self._single = sql.replace("{values}", f"VALUES {place}")
        self._statements.append((1, self._single))

    def execute(self, cursor: sqlite3.Cursor, rows: Sequence[Row]) -> int:
        """Run the statement for all rows; how many rows of its table it changed."""
        changed = done = 0
        if len(rows) == 1:
            cursor.execute(self._single, rows[0])
            return cursor.rowcount
        for size, sql in self._statements:
            while len(rows) - done >= size:
                cursor.execute(sql, tuple(chain.from_iterable(rows[done : done + size])))
                changed += cursor.rowcount
                done += size
        return changed

    def fetch(self, cursor: sqlite3.Cursor, rows: Sequence[Row]) -> list[Row]:
        """Run the statement for all rows; what it returns."""
        if not rows:
            return []
        if len(rows) == 1:
            return cursor.execute(self._single, rows[0]).fetchall()
        found: list[Row] = []
        done = 0
        for size, sql in self._statements:
            while len(rows) - done >= size:
                found += cursor.execute(sql, tuple(chain.from_iterable(rows[done : done + size]))).fetchall()
                done += size
        return found

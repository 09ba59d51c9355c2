"""What a transaction enters for the payloads that its rows refer to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyflow_core.errors import PayloadCollectedError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from pyflow_services.sqlite.rows import Row


def refer(cursor: sqlite3.Cursor, referred: Sequence[Row]) -> None:
    """Enter pairs of a key and a run.

    Raises:
        PayloadCollectedError: one of the keys is barred.
    """
    keys = json.dumps([key for key, _ in referred])
    barred = cursor.execute(
        "SELECT key FROM payload_tombstones WHERE key IN (SELECT value FROM json_each(?))", [keys]
    ).fetchall()
    if barred:
        raise PayloadCollectedError(keys=(key for (key,) in barred))
    cursor.executemany("INSERT OR IGNORE INTO payload_references (key, run) VALUES (?, ?)", referred)

"""The payloads that rows refer to, and those that may never be referred to again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pyflow_core.errors import PayloadCollectedError
from pyflow_core.payload.boundary import referenced_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyflow_core.ports.state import Envelope


class ReferredPayloads:
    """Keys by run and runs by key; `tombstones` are barred keys and when they were barred."""

    def __init__(self) -> None:
        self.tombstones: dict[str, float] = {}
        self.runs_of: dict[str, set[str]] = defaultdict(set)
        self._keys_of: dict[str, set[str]] = defaultdict(set)

    def check(self, values: Iterable[Envelope]) -> None:
        """Refuse a commit that would refer to a barred payload.

        Raises:
            PayloadCollectedError: it would.
        """
        barred = [key for value in values for key in referenced_keys(value) if key in self.tombstones]
        if barred:
            raise PayloadCollectedError(keys=barred)

    def refer(self, run_id: str, value: Envelope) -> None:
        """Note that a row of a run holds a value."""
        for key in referenced_keys(value):
            self.runs_of[key].add(run_id)
            self._keys_of[run_id].add(key)

    def keys_of(self, run_id: str) -> set[str]:
        """What the rows of a run refer to."""
        return self._keys_of.get(run_id, set())

    def forget(self, run_id: str) -> None:
        """The rows of a run are gone."""
        for key in self._keys_of.pop(run_id, ()):
            self.runs_of[key].discard(run_id)
            if not self.runs_of[key]:
                del self.runs_of[key]

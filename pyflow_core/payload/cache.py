"""A bounded cache of verified bytes, so that a payload that is read twice is fetched once."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyflow_core.payload.reference import Reference

DEFAULT_CACHE_BYTES = 64 * 1024 * 1024
_LARGEST_SHARE = 4

_Name = tuple[str, str, str, int]


class PayloadCache:
    """The bytes that were used last, up to `max_bytes` in all. What is put here has been verified.

    An entry answers only for the same store, key, hash and size: two references that disagree about one key are two
    entries. One payload takes at most a quarter of the room, so that a large one does not drive out all others.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._used = 0
        self._held: OrderedDict[_Name, bytes] = OrderedDict()

    @property
    def used_bytes(self) -> int:
        """How much it holds."""
        return self._used

    def get(self, reference: Reference) -> bytes | None:
        """The verified bytes of a payload, if they are here."""
        name = _name(reference)
        raw = self._held.get(name)
        if raw is not None:
            self._held.move_to_end(name)
        return raw

    def put(self, reference: Reference, raw: bytes) -> None:
        """Keep verified bytes."""
        name = _name(reference)
        if len(raw) > self._max_bytes // _LARGEST_SHARE or name in self._held:
            return
        self._held[name] = raw
        self._used += len(raw)
        while self._used > self._max_bytes:
            _, dropped = self._held.popitem(last=False)
            self._used -= len(dropped)

    def clear(self) -> None:
        """Let go of everything."""
        self._held.clear()
        self._used = 0


def _name(reference: Reference) -> _Name:
    return reference.store, reference.key, reference.sha256, reference.bytes

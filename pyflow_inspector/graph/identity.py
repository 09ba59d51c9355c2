"""Names for nodes, made of what the code says, so that they survive an edit somewhere else."""

from __future__ import annotations

import hashlib
from collections import Counter

MAX_WORD = 48
MAX_PATH = 160


class Identities:
    """Gives out ids, none twice.

    A step's is that of the step. Another node's is its kind and what distinguishes it, below the node it stands in:
    `branch:user.region-EU`, `loop:items/return:1`.
    """

    def __init__(self) -> None:
        self._taken = {"start", "end"}
        self._counts: Counter[str] = Counter()

    def of_step(self, step_id: str) -> str:
        """The id of a node that makes a step; a further node of the same step gets a number."""
        return self._free(step_id)

    def of_block(self, kind: str, word: str, parent: str | None) -> str:
        """The id of any other node; those without a `word` are counted."""
        slug = slug_of(word)
        stem = f"{_shortened(parent)}{kind}:{slug}"
        if slug:
            return self._free(stem)
        self._counts[stem] += 1
        return self._free(f"{stem}{self._counts[stem]}")

    def _free(self, wanted: str) -> str:
        found = wanted
        while found in self._taken:
            self._counts[wanted] += 1
            found = f"{wanted}:{self._counts[wanted] + 1}"
        self._taken.add(found)
        return found


def slug_of(text: str) -> str:
    """The words of a text, joined by dashes."""
    kept = "".join(char if char.isalnum() or char in "._" else " " for char in text)
    return "-".join(kept.split())[:MAX_WORD]


def _shortened(parent: str | None) -> str:
    if parent is None:
        return ""
    if len(parent) <= MAX_PATH:
        return f"{parent}/"
    return f"~{hashlib.sha256(parent.encode()).hexdigest()[:16]}/"

"""The nearest known name, for error messages."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE = 0.6
"""How much of two names must be the same, from 0 to 1."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?`, or the known names if few and none is near, or nothing."""
    names = sorted(known)
    near = nearest(name, names)
    if near is not None:
        return f"; did you mean {near!r}?"
    return f"; known: {', '.join(names)}" if 0 < len(names) <= 12 else ""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is meant, if one is near.

    One that differs in case and punctuation only is; else the one that is most alike, of those the one that begins
    alike; else the only one that ends in the same word.
    """
    names = sorted(known)
    same = [one for one in names if _letters(one) == _letters(name)]
    if same:
        return same[0]
    alike = [(_likeness(name, one), one) for one in names]
    best = max(alike, default=None, key=lambda pair: (pair[0], _same_beginning(name, pair[1])))
    if best is not None and best[0] >= _ALIKE:
        return best[1]
    ending = [one for one in names if _last_word(one) == _last_word(name)]
    return ending[0] if len(ending) == 1 else None


def _letters(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


def _likeness(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one.lower(), other.lower())
    return matcher.ratio() if matcher.quick_ratio() >= _ALIKE else 0.0


def _same_beginning(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _last_word(name: str) -> str:
    return name.rpartition(".")[2].lower()

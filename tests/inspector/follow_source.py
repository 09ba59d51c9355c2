"""All runs of a random workflow, found by following its statements, without any graph.

A step may fail with an error of which nothing is known: it may come to any handler. A loop goes round at most twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from random_flow import Do, Exit, For, If, Try

if TYPE_CHECKING:
    from random_flow import Body, Statement

Trace = tuple[str, ...]
UNKNOWN = "raise"
MAX_ROUNDS = 2


class TooManyRunsError(Exception):
    """There are more runs than a test can look at."""


@dataclass(frozen=True)
class _Named:
    name: str


def runs_of(body: Body, limit: int = 3000) -> set[tuple[Trace, bool]]:
    """The steps of every run in their order, and whether it ended well."""
    follower = _Follower(limit)
    ends = follower.block(follower.number(body))
    return {(trace, not end.startswith("raise")) for trace, end in ends}


Ends = set[tuple[Trace, str]]
"""What was done, and how it ended: `""`, `"return"`, `"break"`, `"continue"`, `"raise"`, `"raise KeyError"`."""


class _Follower:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._numbers = count(1)

    def number(self, body: Body) -> list[object]:
        """The body with the names of its steps, in the order in which they are written."""
        return [self._numbered(one) for one in body]

    def _numbered(self, one: Statement) -> object:
        match one:
            case Do():
                return _Named(f"s{next(self._numbers)}")
            case If(then, otherwise):
                return ("if", self.number(then), self.number(otherwise))
            case For(body, otherwise):
                return ("for", self.number(body), self.number(otherwise))
            case Try():
                body = self.number(one.body)
                handlers = [(name, self.number(inner)) for name, inner in one.handlers]
                otherwise = self.number(one.otherwise) if one.handlers else []
                return ("try", body, handlers, otherwise, self.number(one.final))
            case _:
                return one

    def block(self, body: list[object]) -> Ends:
        ends: Ends = {((), "")}
        for one in body:
            ends = self._then(ends, self._one(one))
        return ends

    def _then(self, ends: Ends, following: Ends) -> Ends:
        """`following` after each of `ends` that goes on."""
        joined = {end for end in ends if end[1]}
        going = [trace for trace, end in ends if not end]
        joined |= {((*trace, *more), end) for trace in going for more, end in following}
        if len(joined) > self._limit:
            raise TooManyRunsError
        return joined

    def _one(self, one: object) -> Ends:
        match one:
            case _Named(name):
                return {((name,), ""), ((name,), UNKNOWN)}
            case Exit(text):
                return {((), text.partition("(")[0])}
            case ("if", then, otherwise):
                return self.block(then) | self.block(otherwise)
            case ("for", body, otherwise):
                return self._loop(self.block(body), self.block(otherwise))
            case ("try", body, handlers, otherwise, final):
                return self._try(body, handlers, otherwise, final)
        raise AssertionError(one)

    def _loop(self, body: Ends, otherwise: Ends) -> Ends:
        done: Ends = set()
        going: Ends = {((), "")}
        for round_number in range(MAX_ROUNDS + 1):
            done |= self._then(going, otherwise)
            if round_number == MAX_ROUNDS:
                break
            after = self._then(going, body)
            done |= {(trace, "") for trace, end in after if end == "break"}
            done |= {(trace, end) for trace, end in after if end not in ("", "break", "continue")}
            going = {(trace, "") for trace, end in after if end in ("", "continue")}
        return done

    def _try(
        self, body: list[object], handlers: list[tuple[str, list[object]]], otherwise: list[object], final: list[object]
    ) -> Ends:
        ends: Ends = set()
        handled = [(name, self.block(inner)) for name, inner in handlers]
        good = self.block(otherwise)
        for trace, end in self.block(body):
            if not end:
                ends |= self._then({(trace, "")}, good)
            elif not end.startswith("raise"):
                ends.add((trace, end))
            else:
                ends |= self._caught(trace, end, handled)
        if len(ends) > self._limit:
            raise TooManyRunsError
        last = self.block(final)
        return {((*trace, *more), late or end) for trace, end in ends for more, late in last}

    def _caught(self, trace: Trace, end: str, handled: list[tuple[str, Ends]]) -> Ends:
        ends: Ends = set()
        for name, inner in handled:
            if end == UNKNOWN or name in ("", end.removeprefix("raise ")):
                ends |= self._then({(trace, "")}, inner)
                if end != UNKNOWN or not name:
                    return ends
        return ends | {(trace, end)}

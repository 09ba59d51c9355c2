"""Where a return, a raise, a break or a continue leads, by what it stands in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pyflow_core.metadata import EdgeKind

ExitKind = Literal["return", "raise", "break", "continue"]


@dataclass(frozen=True, slots=True)
class Out:
    """An edge whose target is not known yet."""

    source: str
    kind: EdgeKind = "next"
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """A way out of what is around it. `raised` is the name of an exception, where there is one."""

    kind: ExitKind
    out: Out
    raised: str | None = None


class Scope(Protocol):
    """Something that code stands in."""

    def leave(self, way: Exit) -> None:
        """Take a way out that begins inside."""
        ...


@dataclass
class FunctionScope:
    """A function: returns end here. What it raises is its caller's."""

    outer: Scope | None
    returns: list[Out] = field(default_factory=list[Out])

    def leave(self, way: Exit) -> None:
        """Take a way out that begins inside."""
        if self.outer is None or way.kind != "raise":
            self.returns.append(way.out)
        else:
            self.outer.leave(way)


@dataclass
class LoopScope:
    """A loop: breaks and continues end here."""

    outer: Scope
    breaks: list[Out] = field(default_factory=list[Out])
    continues: list[Out] = field(default_factory=list[Out])

    def leave(self, way: Exit) -> None:
        """Take a way out that begins inside."""
        if way.kind == "break":
            self.breaks.append(way.out)
        elif way.kind == "continue":
            self.continues.append(way.out)
        else:
            self.outer.leave(way)


@dataclass
class GuardedScope:
    """The body of a `try`: what is raised comes to its handlers first."""

    outer: Scope
    raised: list[Exit] = field(default_factory=list[Exit])

    def leave(self, way: Exit) -> None:
        """Take a way out that begins inside."""
        if way.kind == "raise":
            self.raised.append(way)
        else:
            self.outer.leave(way)


@dataclass
class FinalScope:
    """All of a `try` with a `finally`: every way out leads through that."""

    outer: Scope
    pending: list[Exit] = field(default_factory=list[Exit])

    def leave(self, way: Exit) -> None:
        """Take a way out that begins inside."""
        self.pending.append(way)

    def leave_through(self, ends: list[Out]) -> None:
        """Go on from the ends of the `finally`, once for every way that led into it."""
        seen: set[tuple[ExitKind, str | None]] = set()
        for way in self.pending:
            if (way.kind, way.raised) in seen:
                continue
            seen.add((way.kind, way.raised))
            for end in ends:
                self.outer.leave(replace(way, out=_onward(end, way)))


def _onward(end: Out, way: Exit) -> Out:
    """The way out from the end of a `finally`. An end that says something already says both: `"else, then return"`."""
    kind: EdgeKind = "error" if way.kind == "raise" else "exit"
    if end.kind == "next" and end.label is None:
        return Out(end.source, kind, way.out.label)
    then = " ".join(filter(None, (way.kind, way.raised)))
    return Out(end.source, "error" if end.kind == "error" else "exit", f"{end.label}, then {then}")


@dataclass
class ArmScope:
    """An arm of a parallel group: what it raises comes out of the group as a whole."""

    outer: Scope
    group: str

    def leave(self, way: Exit) -> None:
        """Take a way out that begins inside."""
        self.outer.leave(replace(way, out=replace(way.out, source=self.group)))

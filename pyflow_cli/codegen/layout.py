"""Breaking long expressions into lines: the small language that formatters use inside.

A `Group` stands on one line if it fits, and else breaks at each of its own `Line`s.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyflow_cli.codegen.code import text_width

WIDTH = 88
INDENT = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A place to break; `flat` is what stands there otherwise."""

    flat: str = ""


@dataclass(frozen=True, slots=True)
class IfBroken:
    """Text that is there only when the group around it breaks."""

    text: str


@dataclass(frozen=True, slots=True)
class Indent:
    """What stands deeper when it breaks."""

    parts: Doc


@dataclass(frozen=True, slots=True)
class Group:
    """What breaks as one, or not at all."""

    parts: Doc
    broken: bool = False


Doc = str | Line | IfBroken | Indent | Group | list["Doc"]
_Command = tuple[int, bool, Doc]


def join(docs: list[Doc], separator: Doc) -> Doc:
    """The documents with the separator between them."""
    parts: list[Doc] = []
    for number, doc in enumerate(docs):
        parts += [separator, doc] if number else [doc]
    return parts


def bracketed(opening: str, docs: list[Doc], closing: str, *, comma: bool = True, broken: bool = False) -> Doc:
    """A list in brackets: on one line, or one item a line with a comma behind the last."""
    if not docs:
        return opening + closing
    tail: list[Doc] = [IfBroken(",")] if comma else []
    inner: list[Doc] = [Line(), join(docs, [",", Line(" ")])]
    return Group([opening, Indent(inner), *tail, Line(), closing], broken)


def flat(doc: Doc) -> str:
    """The document on one line, however long that is."""
    match doc:
        case str():
            return doc
        case Line(text):
            return text
        case IfBroken():
            return ""
        case Indent(parts) | Group(parts):
            return flat(parts)
        case list():
            return "".join(flat(part) for part in doc)


def render(doc: Doc, indent: int = 0) -> str:
    """The document as text that starts in column `indent`, which itself is not printed."""
    pieces: list[str] = []
    column = indent
    commands: list[_Command] = [(indent, True, doc)]
    while commands:
        level, broken, current = commands.pop()
        match current:
            case str():
                pieces.append(current)
                column += text_width(current)
            case list():
                commands += [(level, broken, part) for part in reversed(current)]
            case IfBroken(text):
                commands.append((level, broken, text if broken else ""))
            case Indent(parts):
                commands.append((level + INDENT, broken, parts))
            case Group(parts, forced):
                breaks = forced or not _fits(WIDTH - column, (level, False, parts), commands)
                commands.append((level, breaks, parts))
            case Line(blank):
                pieces.append("\n" + " " * level if broken else blank)
                column = level if broken else column + len(blank)
    return "".join(pieces)


def _fits(room: int, first: _Command, rest: list[_Command]) -> bool:
    """Whether everything up to the next break in the rest fits into `room` columns."""
    commands = [first]
    behind = len(rest)
    while room >= 0:
        if not commands:
            if behind == 0:
                return True
            behind -= 1
            commands.append(rest[behind])
        level, broken, current = commands.pop()
        match current:
            case str():
                room -= text_width(current)
            case list():
                commands += [(level, broken, part) for part in reversed(current)]
            case IfBroken(text):
                commands.append((level, broken, text if broken else ""))
            case Indent(parts):
                commands.append((level, broken, parts))
            case Group(parts, forced):
                if forced and not broken:
                    return False
                commands.append((level, broken or forced, parts))
            case Line(blank):
                if broken:
                    return True
                room -= len(blank)
    return False

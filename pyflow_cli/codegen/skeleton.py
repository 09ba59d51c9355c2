"""What is printed many times is laid out once.

A skeleton is a template printed with holes that are narrower than what will stand in them. Which lines break depends
on widths alone, and a list that is broken although its holes are narrow is broken with anything wider in them. So,
once the values stand in the holes, the layout is the one that the printer would have found, provided that every line
still fits; if one does not, wider holes are tried, and then the printer is asked. Either way what comes out is parsed,
and must say what the skeleton says with exactly these values.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pyflow_cli.codegen.canonical import docstring_lines, parse
from pyflow_cli.codegen.code import Code, Name, Remark, Summary, TemplateError, Text, literal, text_width
from pyflow_cli.codegen.imports import used_names
from pyflow_cli.codegen.layout import WIDTH
from pyflow_cli.codegen.outline import Constant, Leaf, outline

if TYPE_CHECKING:
    from collections.abc import Sequence

Hole = Name | Text | Summary | Remark
"""What can stand in a hole."""

_FIRST_HOLE = 0x1401
MAX_HOLES = 600
"""Syllables of Canadian languages stand in the holes: they are names, one column wide, and no template holds them."""

_FILLER = chr(_FIRST_HOLE + MAX_HOLES)
HOLE = re.compile(f"[{chr(_FIRST_HOLE)}-{chr(_FIRST_HOLE + MAX_HOLES - 1)}]{_FILLER}*")
_PRINTED_HOLE = re.compile(f'^ *"""{HOLE.pattern}"""$|"{HOLE.pattern}"|{HOLE.pattern}', re.MULTILINE)


def hole(number: int, kind: type[Hole], width: int) -> Code:
    """What a template prints instead of a value of this kind; not narrower than a hole must be."""
    letter = chr(_FIRST_HOLE + number)
    if kind in (Name, Remark):
        return Code(letter + _FILLER * (width - 1))
    return Code(f'"{letter}{_FILLER * (width - 3)}"')


def width(value: Hole) -> int:
    """The columns that the value takes; a docstring has lines of its own."""
    return 0 if isinstance(value, Summary) else text_width(printed(value))


def _text(leaf: Leaf) -> str:
    """The text in a constant, or a name."""
    text = leaf.value if isinstance(leaf, Constant) else leaf
    return text if isinstance(text, str) else ""


def _number(hole: str) -> int:
    return ord(hole[0]) - _FIRST_HOLE


@dataclass(frozen=True)
class Skeleton:
    """Printed text with holes. A block stands `indent` columns deep, an item in a list."""

    text: str
    indent: int
    is_item: bool

    @cached_property
    def _pieces(self) -> list[str]:
        return _PRINTED_HOLE.split(self.text)

    @cached_property
    def _holes(self) -> list[tuple[int, int]]:
        """The number of each hole in the text, and how deep it stands if it is a docstring, else -1."""
        found: list[tuple[int, int]] = []
        for match in _PRINTED_HOLE.finditer(self.text):
            written = match.group()
            found.append((_number(HOLE.findall(written)[0]), written.index('"') if '"""' in written else -1))
        return found

    @cached_property
    def _outline(self) -> list[Leaf]:
        return outline(self.nodes)

    @cached_property
    def _outline_holes(self) -> list[int]:
        """Where in the outline values stand."""
        return [place for place, leaf in enumerate(self._outline) if HOLE.search(_text(leaf))]

    @cached_property
    def _names(self) -> tuple[frozenset[str], tuple[str, ...]]:
        """The names that it reads: those that are known, and those with holes in them."""
        names = used_names(self.nodes)
        holes = {name for name in names if HOLE.search(name)}
        return frozenset(names - holes), tuple(holes)

    def names(self, values: Sequence[Hole]) -> frozenset[str]:
        """The names that it reads with these values."""
        known, holes = self._names
        filled = (HOLE.sub(lambda match: str(values[_number(match.group())]), name) for name in holes)
        return known.union(name.partition(".")[0] for name in filled)

    def fill(self, values: Sequence[Hole]) -> str | None:
        """The text with these values, or None if a line does not fit."""
        pieces = [self._pieces[0]]
        for (number, depth), piece in zip(self._holes, self._pieces[1:], strict=True):
            value = values[number]
            pieces += ["\n".join(docstring_lines(value, depth)) if depth >= 0 else printed(value), piece]
        text = "".join(pieces)
        return None if any(len(line) > WIDTH or text_width(line) > WIDTH for line in text.split("\n")) else text

    def check(self, text: str, values: Sequence[Hole]) -> None:
        """Refuse a text that says anything else than this skeleton with these values.

        Raises:
            TemplateError: it does.
        """
        planned = list(self._outline)
        for place in self._outline_holes:
            leaf = planned[place]
            if isinstance(leaf, Constant):
                planned[place] = Constant(str(values[_number(_text(leaf))]))
            else:
                planned[place] = HOLE.sub(lambda match: str(values[_number(match.group())]), str(leaf))
        if outline(self._nodes(text)) != planned:
            raise TemplateError(f"generated code is not what was planned: {text}")

    @property
    def nodes(self) -> list[ast.AST]:
        """Its statements, or the item."""
        return self._nodes(self.text)

    def _nodes(self, text: str) -> list[ast.AST]:
        if self.is_item:
            text = f"[{text}]"
        elif self.indent:
            text = f"if _:\n{text}"
        match parse(text).body:
            case [ast.Expr(value=ast.List(elts=[item]))] if self.is_item:
                return [item]
            case [ast.If(body=body, orelse=[])] if self.indent and not self.is_item:
                return [*body]
            case body if not self.is_item and not self.indent:
                return [*body]
            case _:
                raise TemplateError(f"generated code is not what was planned: {text}")


def printed(value: Hole) -> str:
    """The value as it stands in a file."""
    if isinstance(value, Code):
        return value
    return value.shown if isinstance(value, Remark) else literal(str(value))

"""Values that can be read without running anything: constants, and texts with holes in them."""

from __future__ import annotations

import ast
import re
import string
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import libcst as cst

MAX_TEXT = 1000
"""Longer texts are of no use as names and are not built."""

_PERCENT = re.compile(r"%(\(.*?\))?[-#0 +]*(\*|\d+)?(\.(\*|\d+))?[hlL]?([a-zA-Z%])")


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known from the source. `shown` is its text inside an f-string, where that is known too."""

    value: object
    shown: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A text of which only some parts are known; each `None` is a hole."""

    parts: tuple[str | None, ...]

    @property
    def pattern(self) -> str:
        """The text with `*` for every hole: `"notify-*"`."""
        merged: list[str] = []
        for part in self.parts:
            if part is not None:
                merged.append(part)
            elif not merged or merged[-1] != "*":
                merged.append("*")
        return "".join(merged)


Folded = Constant | Template | None
Lookup = Callable[[cst.BaseExpression], Folded]
"""What a name or a chain of attributes holds."""

HOLE = Template((None,))


def constant(value: object) -> Constant:
    """A plain value, which an f-string shows as `str` does."""
    shown = str(value) if isinstance(value, str | bool | float) or value is None else None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        shown = str(value)
    return Constant(value, shown)


def fold(node: cst.CSTNode, lookup: Lookup) -> Folded:
    """The value of an expression, as far as it can be read; nothing if it is neither known nor a text."""
    fold_one = _FOLDS.get(type(node))
    return None if fold_one is None else fold_one(node, lookup)


def chain_terms(node: cst.BinaryOperation | cst.ConcatenatedString) -> list[cst.BaseExpression]:
    """The terms of `a + b + c` or of `"a" "b" "c"`, found in a loop because such rows may be long."""
    terms: list[cst.BaseExpression] = []
    if isinstance(node, cst.ConcatenatedString):
        right: cst.BaseExpression = node
        while isinstance(right, cst.ConcatenatedString):
            terms.append(right.left)
            right = right.right
        return [*terms, right]
    left: cst.BaseExpression = node
    while isinstance(left, cst.BinaryOperation) and type(left.operator) is type(node.operator):
        terms.append(left.right)
        left = left.left
    return [left, *reversed(terms)]


def _fold_name(node: cst.BaseExpression, lookup: Lookup) -> Folded:
    if isinstance(node, cst.Name) and node.value in {"True", "False", "None"}:
        return constant({"True": True, "False": False}.get(node.value))
    return lookup(node)


def _fold_literal(node: cst.Integer | cst.Float | cst.SimpleString, _: Lookup) -> Folded:
    return _literal(node.value)


@lru_cache(maxsize=4096)
def _literal(text: str) -> Constant:
    """The value of a literal; the same ones come again and again, and evaluating one is slow.

    Raises:
        SyntaxError, ValueError: this is no literal.
    """
    if text[0] in "\"'" and "\\" not in text and text[1:2] != text[0]:
        return constant(text[1:-1])  # most are such, and the compiler is slow
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of `'\d'`, which is for the compiler to complain of
        return constant(ast.literal_eval(text))


def _fold_concatenated(node: cst.ConcatenatedString, lookup: Lookup) -> Folded:
    folded = [fold(piece, lookup) for piece in chain_terms(node)]
    values = [piece.value for piece in folded if isinstance(piece, Constant)]
    if len(values) == len(folded) and all(isinstance(value, bytes) for value in values):
        return constant(b"".join(value for value in values if isinstance(value, bytes)))
    return _joined([part for piece in folded for part in _parts(piece)])


def _fold_formatted(node: cst.FormattedString, lookup: Lookup) -> Folded:
    return _joined([part for piece in node.parts for part in _formatted_part(node, piece, lookup)])


def _formatted_part(
    node: cst.FormattedString, piece: cst.BaseFormattedStringContent, lookup: Lookup
) -> tuple[str | None, ...]:
    if isinstance(piece, cst.FormattedStringText):
        return (_unescape(node, piece.value),)
    assert isinstance(piece, cst.FormattedStringExpression)
    if piece.conversion or piece.format_spec or piece.equal:
        return (None,)
    return _parts(fold(piece.expression, lookup))


def _unescape(node: cst.FormattedString, text: str) -> str | None:
    prefix = node.prefix.lower().replace("f", "")
    plain = text.replace("{{", "{").replace("}}", "}")
    try:
        return str(_literal(f"{prefix}{node.quote}{plain}{node.quote}").value)
    except (SyntaxError, ValueError):
        return None


def _fold_binary(node: cst.BinaryOperation, lookup: Lookup) -> Folded:
    if isinstance(node.operator, cst.Add):
        return _fold_sum(node, lookup)
    left = fold(node.left, lookup)
    if isinstance(node.operator, cst.Modulo):
        if isinstance(left, Constant) and isinstance(left.value, str):
            return _joined(_percent_parts(left.value, node.right, lookup))
        return None
    if isinstance(node.operator, cst.Multiply):
        return _product(left, fold(node.right, lookup))
    return None


def _fold_sum(node: cst.BinaryOperation, lookup: Lookup) -> Folded:
    terms = [fold(term, lookup) for term in chain_terms(node)]
    if any(_is_text(term) for term in terms):
        return _joined([part for term in terms for part in _parts(term)])
    numbers = [term.value for term in terms if isinstance(term, Constant)]
    if len(numbers) == len(terms) and all(_is_number(number) for number in numbers):
        return constant(sum(number for number in numbers if isinstance(number, int | float)))
    return None


def _product(left: Folded, right: Folded) -> Folded:
    if not isinstance(left, Constant) or not isinstance(right, Constant):
        return None
    one, other = left.value, right.value
    if isinstance(one, int | float) and isinstance(other, int | float) and _is_number(one) and _is_number(other):
        return constant(one * other)
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**12


def _is_text(folded: Folded) -> bool:
    return isinstance(folded, Template) or (isinstance(folded, Constant) and isinstance(folded.value, str))


def _fold_minus(node: cst.UnaryOperation, lookup: Lookup) -> Folded:
    inner = fold(node.expression, lookup)
    if isinstance(node.operator, cst.Minus) and isinstance(inner, Constant) and _is_number(inner.value):
        assert isinstance(inner.value, int | float)
        return constant(-inner.value)
    return None


def _percent_parts(text: str, right: cst.BaseExpression, lookup: Lookup) -> list[str | None]:
    arguments = [item.value for item in right.elements] if isinstance(right, cst.Tuple) else [right]
    parts: list[str | None] = []
    end = 0
    index = 0
    for match in _PERCENT.finditer(text):
        parts.append(text[end : match.start()])
        end = match.end()
        if match[5] == "%":
            parts.append("%")
            continue
        plain = match[0] in {"%s", "%d"} and index < len(arguments)
        parts.extend(_parts(fold(arguments[index], lookup)) if plain else (None,))
        index += 1
    return [*parts, text[end:]]


def _fold_call(node: cst.Call, lookup: Lookup) -> Folded:
    if not isinstance(node.func, cst.Attribute):
        return None
    if node.func.attr.value == "join":
        return _fold_join(node, fold(node.func.value, lookup), lookup)
    if node.func.attr.value != "format":
        return None
    text = fold(node.func.value, lookup)
    if not isinstance(text, Constant) or not isinstance(text.value, str):
        return None
    try:
        fields = list(string.Formatter().parse(text.value))
    except ValueError:
        return HOLE
    parts: list[str | None] = []
    for index, (before, name, spec, conversion) in enumerate(fields):
        parts.append(before)
        if name is not None:
            argument = None if spec or conversion else _format_argument(node, name or str(index))
            parts.extend((None,) if argument is None else _parts(fold(argument, lookup)))
    return _joined(parts)


def _fold_join(node: cst.Call, separator: Folded, lookup: Lookup) -> Folded:
    """`"-".join(["a", b])`, where the pieces are written out."""
    if not isinstance(separator, Constant) or not isinstance(separator.value, str) or len(node.args) != 1:
        return None
    pieces = node.args[0].value
    if not isinstance(pieces, cst.List | cst.Tuple):
        return HOLE
    parts: list[str | None] = []
    for index, piece in enumerate(pieces.elements):
        known = () if isinstance(piece, cst.StarredElement) else _parts(fold(piece.value, lookup))
        parts.extend([*([separator.value] if index else []), *(known or (None,))])
    return _joined(parts)


def _format_argument(node: cst.Call, name: str) -> cst.BaseExpression | None:
    if any(arg.star for arg in node.args):
        return None
    positional = [arg.value for arg in node.args if arg.keyword is None]
    if name.isdecimal():
        return positional[int(name)] if len(name) < 4 and int(name) < len(positional) else None
    named = {arg.keyword.value: arg.value for arg in node.args if arg.keyword is not None}
    return named.get(name)


def _parts(folded: Folded) -> tuple[str | None, ...]:
    if isinstance(folded, Template):
        return folded.parts
    return (folded.shown,) if isinstance(folded, Constant) else (None,)


def _joined(parts: list[str | None]) -> Folded:
    known = [part for part in parts if part is not None]
    if sum(map(len, known)) > MAX_TEXT:
        return HOLE
    return constant("".join(known)) if len(known) == len(parts) else Template(_merged(parts))


def _merged(parts: list[str | None]) -> tuple[str | None, ...]:
    """Without empty texts and with one hole for several in a row, so that `x = x + x` does not grow for ever."""
    merged: list[str | None] = []
    for part in parts:
        if part is None and merged and merged[-1] is None:
            continue
        if part != "":
            merged.append(part)
    return tuple(merged)


_FOLDS: dict[type[cst.CSTNode], Callable[..., Folded]] = {
    cst.Name: _fold_name,
    cst.Attribute: _fold_name,
    cst.Integer: _fold_literal,
    cst.Float: _fold_literal,
    cst.SimpleString: _fold_literal,
    cst.ConcatenatedString: _fold_concatenated,
    cst.FormattedString: _fold_formatted,
    cst.BinaryOperation: _fold_binary,
    cst.UnaryOperation: _fold_minus,
    cst.Call: _fold_call,
}

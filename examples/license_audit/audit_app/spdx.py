"""SPDX license expressions: `MIT OR (Apache-2.0 AND LGPL-2.1-or-later WITH …)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit_app.category import CATEGORIES, Category, canonical

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH = 2000
MAX_DEPTH = 20

_TOKEN = re.compile(r"\s*(?:(?P<paren>[()])|(?P<word>[A-Za-z0-9.:+-]+))")

# These let other code link to a GPL program without the GPL reaching it.
_LINKING_EXCEPTIONS = """
classpath-exception-2.0 gcc-exception-2.0 gcc-exception-3.1 font-exception-2.0 bootloader-exception linux-
syscall-note autoconf-exception-2.0 autoconf-exception-3.0 bison-exception-2.2 libtool-exception ecos-
exception-2.0 freertos-exception-2.0 openjdk-assembly-exception-1.0 u-boot-exception-2.0 gpl-3.0-linking-
exception qt-gpl-exception-1.0 wxwindows-exception-3.1
"""


class SpdxError(ValueError):
    """This is no license expression."""


@dataclass(frozen=True, slots=True)
class License:
    """One license, perhaps with an exception."""

    identifier: str
    exception: str | None = None

    @property
    def category(self) -> Category:
        """By the catalogue; a linking exception weakens strong copyleft."""
        category = _category_of(self.identifier)
        weakened = self.exception is not None and self.exception.lower() in _LINKING_EXCEPTIONS.split()
        return Category.WEAK_COPYLEFT if weakened and category is Category.STRONG_COPYLEFT else category

    @property
    def licenses(self) -> tuple[License, ...]:
        """Itself."""
        return (self,)

    def __str__(self) -> str:
        return self.identifier if self.exception is None else f"{self.identifier} WITH {self.exception}"


@dataclass(frozen=True, slots=True)
class Compound:
    """Licenses that all hold (`AND`), or of which one may be chosen (`OR`)."""

    operator: str
    parts: tuple[Expression, ...]

    @property
    def category(self) -> Category:
        """The gravest of all that hold, the lightest of those that may be chosen."""
        choose = max if self.operator == "AND" else min
        return choose((part.category for part in self.parts), key=lambda category: category.severity)

    @property
    def licenses(self) -> tuple[License, ...]:
        """Every license in it, from left to right."""
        return tuple(license_ for part in self.parts for license_ in part.licenses)

    def __str__(self) -> str:
        return f" {self.operator} ".join(
            f"({part})" if isinstance(part, Compound) and part.operator != self.operator else str(part)
            for part in self.parts
        )


Expression = License | Compound


def join(operator: str, parts: list[Expression]) -> Expression:
    """One expression of several; the same license twice is one."""
    flat: dict[str, Expression] = {}
    for part in parts:
        inner = part.parts if isinstance(part, Compound) and part.operator == operator else (part,)
        flat.update({str(item): item for item in inner})
    unique = tuple(flat.values())
    return unique[0] if len(unique) == 1 else Compound(operator, unique)


def parse(text: str) -> Expression:
    """Read an expression. Identifiers that the catalogue does not know are kept, and are of category unknown.

    Raises:
        SpdxError: it does not follow the grammar, or is unreasonably long or deep.
    """
    if len(text) > MAX_LENGTH:
        raise SpdxError(f"an expression of {len(text)} characters is no license expression")
    return _Parser(_tokens(text)).read()


def is_known(expression: Expression) -> bool:
    """Whether the catalogue knows every license in it."""
    return all(license_.identifier in CATEGORIES for license_ in expression.licenses)


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise SpdxError(f"{text[position:end].strip()[:20]!r} does not belong into a license expression")
        tokens.append(match["paren"] or match["word"])
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent: OR binds loosest, then AND, then WITH. Operators may be written in lower case."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    def read(self) -> Expression:
        expression = self._either()
        if self._position < len(self._tokens):
            raise SpdxError(f"{self._tokens[self._position]!r} is one word too many")
        return expression

    def _either(self) -> Expression:
        return self._chain("OR", lambda: self._chain("AND", self._with))

    def _chain(self, operator: str, operand: Callable[[], Expression]) -> Expression:
        parts = [operand()]
        while self._peek().upper() == operator:
            self._position += 1
            parts.append(operand())
        return join(operator, parts)

    def _with(self) -> Expression:
        expression = self._primary()
        if self._peek().upper() != "WITH":
            return expression
        self._position += 1
        if isinstance(expression, Compound):
            raise SpdxError("WITH follows one license, not an expression in parentheses")
        return License(expression.identifier, self._word())

    def _primary(self) -> Expression:
        if self._peek() != "(":
            word = self._word()
            return License(canonical(word) or word)
        self._position += 1
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SpdxError("too many parentheses")
        inner = self._either()
        if self._peek() != ")":
            raise SpdxError("a closing parenthesis is missing")
        self._position += 1
        self._depth -= 1
        return inner

    def _word(self) -> str:
        word = self._peek()
        if not word or word in "()" or word.upper() in ("AND", "OR", "WITH"):
            raise SpdxError(f"a license is missing before {word!r}" if word else "a license is missing at the end")
        self._position += 1
        return word

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""


def _category_of(identifier: str) -> Category:
    known = CATEGORIES.get(identifier)
    if known is not None:
        return known
    lowered = identifier.lower()
    if "proprietary" in lowered or "commercial" in lowered:
        return Category.RESTRICTED
    return Category.UNKNOWN

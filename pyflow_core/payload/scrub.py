"""Secrets are taken out before anything is hashed or stored.

A scrubber replaces the texts and numbers under keys that name a secret, and what looks like a secret in any text. It
gives the same result for the same value always: hashes, and the inputs that replay compares, depend on that.

Contexts and error messages are always scrubbed, since they stand in rows that many may read. Values are scrubbed when a
project says so: what `do` returns is what was stored, and a project that stores `password` may well need it back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyflow_core.codec.json_text import parse_json, write_json
from pyflow_core.errors import SettingsError
from pyflow_core.secret import REDACTED, SECRET_PATTERNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_core.codec.json_text import Tree

SECRET_KEYS = (
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "client_secret",
    "api_key",
    "apikey",
    "access_key",
    "secret_access_key",
    "private_key",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "bearer_token",
    "session_token",
    "authorization",
    "proxy_authorization",
    "cookie",
    "set_cookie",
    "connection_string",
)
"""Keys whose values are secrets, compared without case and with `-`, `_` and spaces left out.

A bare `token` is none of them: cursors of pages are called so.
"""


@dataclass(frozen=True)
class Scrubber:
    """Takes secrets out of texts and JSON. `keys` and `patterns` come in place of the built-in ones.

    Raises:
        SettingsError: a pattern is no regular expression.
    """

    keys: Sequence[str] = SECRET_KEYS
    patterns: Sequence[str] = SECRET_PATTERNS
    _names: frozenset[str] = field(init=False, repr=False)
    _expression: re.Pattern[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", frozenset(_plain(key) for key in self.keys))
        try:
            compiled = [re.compile(pattern) for pattern in self.patterns]
        except re.error as error:
            raise SettingsError(f"a pattern of the scrubber is no regular expression: {error}") from None
        joined = "|".join(f"(?:{pattern.pattern})" for pattern in compiled)
        object.__setattr__(self, "_expression", re.compile(joined) if joined else None)

    def text(self, text: str) -> str:
        """A text without what looks like a secret."""
        return text if self._expression is None else self._expression.sub(REDACTED, text)

    def json(self, text: str) -> str:
        """JSON text without secrets; the very same text where there is none."""
        tree = parse_json(text)
        clean = self.tree(tree)
        return text if clean is tree else write_json(clean)

    def tree(self, tree: Tree) -> Tree:
        """A JSON tree without secrets; the same object where there is none."""
        if isinstance(tree, str):
            clean = self.text(tree)
            return tree if clean == tree else clean
        if isinstance(tree, list):
            items = [self.tree(item) for item in tree]
            return tree if all(new is old for new, old in zip(items, tree, strict=True)) else items
        if isinstance(tree, dict):
            return self._object(tree)
        return tree

    def _object(self, tree: dict[str, Tree]) -> dict[str, Tree]:
        clean = {key: _redact(value) if _plain(key) in self._names else self.tree(value) for key, value in tree.items()}
        return tree if all(clean[key] is tree[key] for key in tree) else clean


def _plain(key: str) -> str:
    return re.sub(r"[-_ ]", "", key).casefold()


def _redact(tree: Tree) -> Tree:
    """The same shape without what it says, so that it still fits its declared type."""
    if isinstance(tree, str):
        return tree if tree in {"", REDACTED} else REDACTED
    if isinstance(tree, bool) or tree is None:
        return tree
    if isinstance(tree, int | float):
        return 0 if tree else tree
    if isinstance(tree, list):
        items = [_redact(item) for item in tree]
        return tree if all(new is old for new, old in zip(items, tree, strict=True)) else items
    fields = {key: _redact(value) for key, value in tree.items()}
    return tree if all(fields[key] is tree[key] for key in tree) else fields


DEFAULT_SCRUBBER = Scrubber()

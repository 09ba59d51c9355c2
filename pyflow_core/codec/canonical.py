"""One form for equal values, and its hash.

Codecs write sets sorted by their encoded elements, so that all that is left to bring in order are the keys of
objects, and the pairs of dictionaries whose keys are no text (`{"$dict": [[key, value], ...]}`), which keep
the order of insertion in stored text.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pyflow_core.codec.json_text import parse_json

if TYPE_CHECKING:
    from pyflow_core.codec.json_text import Tree

PAIRS = "$dict"
_PAIRS_START = f'{{"{PAIRS}"'

_dump_sorted = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


def hash_text(text: str) -> str:
    """The sha256, in hex, of the canonical form of text that a codec wrote.

    Raises:
        StoredValueError: if the text is no JSON.
    """
    if "{" in text:
        tree = parse_json(text)
        canonical = canonical_form(tree) if _PAIRS_START in text else _dump_sorted(tree)
    else:
        canonical = text  # nothing to sort, and codecs write everything else in one form only
    return sha256(canonical.encode()).hexdigest()


def canonical_form(tree: Tree) -> str:
    """The canonical text of a JSON tree: keys sorted, pairs sorted by key, no spaces, ASCII."""
    return _dump_sorted(_order_pairs(tree))


def sort_elements(trees: list[Any]) -> list[Any]:
    """The trees of a set's elements, in an order that depends on nothing but themselves."""
    if len(trees) < 2:
        return trees
    return sorted(trees, key=None if all(type(tree) is str for tree in trees) else canonical_form)


def _order_pairs(tree: Tree) -> Tree:
    if type(tree) is list:
        return [_order_pairs(item) for item in tree]
    if type(tree) is not dict:
        return tree
    ordered = {key: _order_pairs(item) for key, item in tree.items()}
    pairs = ordered.get(PAIRS)
    if len(ordered) == 1 and type(pairs) is list:
        return {PAIRS: sorted(pairs, key=_dump_sorted)}
    return ordered

"""The context of a result: the few values that conditions, lists and the status need, without the payload.

The worker takes it from the result that it has at hand: by names, by JSON pointers, or by a function. What is asked for
and is not there fails the step: a condition on a field that silently went missing would take the wrong branch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from pyflow_core.codec.json_text import Tree, parse_json
from pyflow_core.codec.kind import is_mapping
from pyflow_core.errors import ContextExtractionError
from pyflow_core.payload.scrub import DEFAULT_SCRUBBER, Scrubber

ContextSpec: TypeAlias = Sequence[str] | Mapping[str, str] | Callable[[Any], Mapping[str, Any]]
"""`["rows", "/meta/next_page"]`, `{"next": "/meta/next_page"}`, or a function of the result."""

MAX_BYTES = 8 * 1024
MAX_STRING = 1024


def extract_context(
    spec: ContextSpec, value: Any, text: str, *, scrubber: Scrubber | None = DEFAULT_SCRUBBER
) -> str | None:
    """The JSON of the context of a result; None if nothing is asked for.

    `text` is the result's JSON, which names and pointers look into; a function is given the value itself.

    Raises:
        ContextExtractionError: something is missing, too long, or no JSON; it names the field and never the value.
    """
    if not spec:
        return None
    found = _call(spec, value) if callable(spec) else _look_up(spec, text)
    for name, item in found.items():
        _check(name, item)
    clean = found if scrubber is None else cast("dict[str, Tree]", scrubber.tree(found))
    context = _write(clean)
    size = len(context.encode())
    if size > MAX_BYTES:
        raise ContextExtractionError(
            f"the context ({', '.join(found)}) has {size} bytes, and a row holds {MAX_BYTES}: extract less"
        )
    return context


def check_spec(spec: object) -> None:
    """Refuse what cannot say a context, where it is written.

    Raises:
        ContextExtractionError: it cannot.
    """
    if callable(spec) or spec is None:
        return
    names = list(spec.values()) if is_mapping(spec) else spec
    if isinstance(spec, str) or not isinstance(names, list | tuple):
        raise ContextExtractionError('context must be a list such as ["rows", "/meta/next_page"], or a function')
    for name in cast("list[Any]", names):
        if not isinstance(name, str) or not name or (name.startswith("/") and not _unescapable(name)):
            raise ContextExtractionError(f"context: {name!r} is neither a field's name nor a JSON pointer")


def _call(function: Callable[[Any], Mapping[str, Any]], value: Any) -> dict[str, Tree]:
    try:
        given: Any = function(value)
    except Exception as error:
        # What the function said may quote the value.
        raise ContextExtractionError(f"the function that extracts the context raised {type(error).__name__}") from error
    if not is_mapping(given):
        raise ContextExtractionError(f"the function that extracts the context returned {type(given).__name__}, no dict")
    named = given
    if not all(isinstance(name, str) for name in named):
        raise ContextExtractionError("the function that extracts the context returned keys that are no text")
    return cast("dict[str, Tree]", parse_json(_write(dict(named))))


def _look_up(spec: Sequence[str] | Mapping[str, str], text: str) -> dict[str, Tree]:
    check_spec(spec)
    tree = parse_json(text)
    pairs = spec.items() if is_mapping(spec) else ((_name_of(path), path) for path in spec)
    found: dict[str, Tree] = {}
    for name, path in pairs:
        if name in found:
            raise ContextExtractionError(f"the context names {name!r} twice: give one of them a name of its own")
        found[name] = _resolve(tree, path)
    return found


def _name_of(path: str) -> str:
    return _tokens(path)[-1] if path.startswith("/") else path


def _resolve(tree: Tree, path: str) -> Tree:
    for token in _tokens(path) if path.startswith("/") else [path]:
        if isinstance(tree, dict) and token in tree:
            tree = tree[token]
        elif isinstance(tree, list) and token.isdecimal() and token.isascii() and int(token) < len(tree):
            tree = tree[int(token)]
        else:
            raise ContextExtractionError(f"the result has no {path!r}, which the context asks for")
    return tree


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _unescapable(pointer: str) -> bool:
    return not any(after[:1] not in {"0", "1"} for after in pointer.split("~")[1:])


def _check(name: str, item: Tree) -> None:
    if isinstance(item, str) and len(item) > MAX_STRING:
        raise ContextExtractionError(
            f"{name!r} of the context is a text of {len(item)} characters, and {MAX_STRING} are the most: a condition "
            "on a part of it would be wrong, so it is not cut"
        )
    for inner in item.values() if isinstance(item, dict) else item if isinstance(item, list) else ():
        _check(name, inner)


def _write(tree: Any) -> str:
    try:
        # NaN and infinities are no JSON, and would come back as null.
        text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ContextExtractionError(f"the context is no JSON: {type(error).__name__}") from None
    return text

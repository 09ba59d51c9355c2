"""Where inside a value something is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflow_core.codec.kind import is_mapping, is_sequence, is_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_core.errors import CodecError

_SHOWN_STEPS = 12
_SHOWN_TEXT = 60
_NOWHERE = object()

ELEMENT = object()
"""The step into a set, whose elements have no index."""


class BadValueError(Exception):
    """Something inside a value is wrong.

    The path to it is collected while the writer unwinds, so that it costs nothing where all is well.
    `steps` are the keys, indexes and field names from the inside out.
    """

    def __init__(self, reason: str, error: type[CodecError], steps: Sequence[object] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error
        self.steps: list[object] = list(steps)

    def inside(self, step: object) -> None:
        """Add the next outer step of the path."""
        self.steps.append(step)

    def as_error(self, root: object) -> CodecError:
        """The error that users see; `root` is the whole value."""
        return self.error(f"{describe_path(root, self.steps[::-1])}: {self.reason}")


def describe_path(root: Any, steps: Sequence[object], missing: object = _NOWHERE) -> str:
    """`value.items[3].callback`: steps into fields with a dot, those into containers in brackets.

    Steps that lead nowhere are left out, unless it is that one which is `missing`.
    """
    text, here = "value", root
    for step in steps[:_SHOWN_STEPS]:
        inner = _enter(here, step)
        if inner is _NOWHERE and step is not ELEMENT and step is not missing:
            continue  # pydantic names the arm of a union, or a validator, as a step too
        is_field = isinstance(step, str) and not (is_mapping(here) or is_sequence(here))
        text += f".{step}" if is_field else item_step(step)
        here = inner
    return text + ("…" if len(steps) > _SHOWN_STEPS else "")


def describe_location(steps: Sequence[object]) -> str:
    """The same where there is no value to look at: `items[3].callback`, and nothing for the value itself."""
    parts = (f".{step}" if isinstance(step, str) and step.isidentifier() else item_step(step) for step in steps)
    return "".join(parts).removeprefix(".")


def item_step(key: object) -> str:
    """The step into a list, a dictionary or a set."""
    text = "…" if key is ELEMENT else repr(key)
    return f"[{text}]" if len(text) <= _SHOWN_TEXT else f"[{text[:_SHOWN_TEXT]}…]"


def type_name(value: object) -> str:
    """The name by which authors know the class of a value."""
    return class_name(type(value))


def class_name(kind: type) -> str:
    """The name by which authors know a class."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def annotation_name(annotation: object) -> str:
    """The name of a declared type."""
    return class_name(annotation) if isinstance(annotation, type) else str(annotation)


def _enter(here: Any, step: Any) -> Any:
    if here is _NOWHERE or is_set(here):
        return _NOWHERE
    try:
        return here[step] if is_mapping(here) or is_sequence(here) else getattr(here, step)
    except (AttributeError, LookupError, TypeError):
        return _NOWHERE

"""What was said on the command line as values of Python, as far as that needs no validator.

Typer makes one for each parameter, with pydantic, whose import takes longer than a check of a whole project. Most
parameters are not given, and of the others most are texts, choices and paths.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

Convert = Callable[[str], Any]
Process = Callable[[Any, Any], Any]

_OTHER: Any = object()
"""Stands for what is left to Typer."""


def spare_validators(parameters: Iterable[Any], annotations: Mapping[str, Any]) -> None:
    """Let parameters of Typer convert plain values by themselves. What is wrong with a value Typer says as before."""
    for parameter in parameters:
        convert = _converter(annotations.get(parameter.name))
        parameter.process_value = partial(_process, parameter, convert, parameter.process_value)


def _process(parameter: Any, convert: Convert | None, process: Process, context: Any, value: Any) -> Any:
    """The value of a parameter; `process` is how Typer comes by it."""
    plain = _plain(parameter, convert, value)
    if plain is _OTHER:
        return process(context, value)
    return plain if parameter.callback is None else parameter.callback(context, parameter, plain)


def _plain(parameter: Any, convert: Convert | None, given: Any) -> Any:
    is_list = bool(parameter.multiple or parameter.nargs == -1)
    if given is None:
        return _OTHER if parameter.required else () if is_list else None
    texts: Sequence[Any] = given if is_list else [given]
    if convert is None or not texts or not all(isinstance(text, str) for text in texts):
        return _OTHER
    try:
        values = [convert(text) for text in texts]
    except ValueError:
        return _OTHER
    return values if is_list else values[0]


def _converter(annotation: Any) -> Convert | None:
    """How a text becomes what a parameter holds, or each item of its list; `ValueError` leaves it to Typer."""
    kind = _kind(annotation)
    if kind is str or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return kind
    return _readable if kind is Path else None


def _kind(annotation: Any) -> Any:
    """`X` of `X`, of `X | None`, of `list[X]`, and of any of them with notes."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    others = [one for one in get_args(annotation) if one is not NoneType]
    return _kind(others[0]) if len(others) == 1 else annotation


def _readable(text: str) -> Path:
    """The path to what is there and can be read; of others Typer knows what to say."""
    if not os.access(text, os.R_OK):
        raise ValueError(text)
    return Path(text)

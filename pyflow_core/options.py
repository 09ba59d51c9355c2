"""Options of steps: as authors write them, as rows keep them, and as a worker applies them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from pyflow_core.duration import Duration, parse_duration
from pyflow_core.errors import ContextExtractionError, InvalidOptionError
from pyflow_core.payload.context import check_spec
from pyflow_core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow by `factor` from `first` to `most` seconds, each shortened by up to `jitter` of itself."""

    first: float = 1.0
    most: float = 60.0
    factor: float = 2.0
    jitter: float = 0.25

    def __post_init__(self) -> None:
        if not (0 <= self.first <= self.most and self.factor >= 1 and 0 <= self.jitter <= 1):
            raise InvalidOptionError(f"{self!r} is no backoff: 0 <= first <= most, factor >= 1, 0 <= jitter <= 1")

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failed attempts (1 or more)."""
        # The exponent is capped because a float overflows long before any delay stops growing.
        full = min(self.most, self.first * self.factor ** min(failures - 1, 64))
        return full * (1 - self.jitter * random.random())  # noqa: S311 - spreads load, guards nothing


class StepOptions(TypedDict, total=False):
    """What every form of `workflow.do` takes.

    `retries` counts executions after the first. `retry_delay` is a duration, or a `Backoff`. `timeout` bounds one
    attempt. `description` is display only and never affects execution. `inline_max` is the size in bytes above which
    a result is kept by reference. `context` names what is taken out of the result for conditions and lists: fields
    (`["rows"]`), JSON pointers (`["/meta/next_page"]`), or either under other names (`{"next": "/meta/next_page"}`).
    """

    description: str
    retries: int
    retry_delay: Duration | Backoff
    timeout: Duration | None
    inline_max: int
    context: Sequence[str] | Mapping[str, str]
    thread: bool


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """Retries and timeout as they are applied."""

    retries: int = 0
    backoff: Backoff = Backoff()
    timeout: float | None = None

    def with_options(self, options: Mapping[str, Any]) -> StepPolicy:
        """This policy, overridden by the checked options of a step or of an RPC's wiring."""
        if not options:
            return self
        return StepPolicy(
            retries=options.get("retries", self.retries),
            backoff=_backoff(options["retry_delay"]) if "retry_delay" in options else self.backoff,
            timeout=options.get("timeout", self.timeout),
        )


_FORMS = {
    "description": "text",
    "retries": "a whole number, 0 or more",
    "retry_delay": "a duration or a Backoff",
    "timeout": "a duration, or None",
    "inline_max": "a number of bytes from 0 to 65536",
    "context": 'a list such as ["rows", "/meta/next_page"], or a dictionary of names and such',
    "thread": "True or False",
}


def check_options(options: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    """The options in the form in which rows keep them: durations in seconds, backoffs as dictionaries.

    Raises:
        InvalidOptionError: an option is unknown (the nearest known one is named) or has a wrong value.
    """
    checked: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _FORMS:
            raise InvalidOptionError(f"{where}: there is no option {name!r}{did_you_mean(name, _FORMS)}")
        if value is None and name != "timeout":
            continue
        checked[name] = _check(name, value, where)
    return checked


def _check(name: str, value: Any, where: str) -> Any:
    if name in ("retry_delay", "timeout"):
        if value is None:
            return None
        if name == "retry_delay" and isinstance(value, Backoff):
            return {"first": value.first, "most": value.most, "factor": value.factor, "jitter": value.jitter}
        return parse_duration(value)
    good = {
        "description": isinstance(value, str),
        "retries": type(value) is int and value >= 0,
        "inline_max": type(value) is int and 0 <= value <= 65536,
        "context": _is_context(value),
        "thread": isinstance(value, bool),
    }[name]
    if not good:
        raise InvalidOptionError(f"{where}: {name}={value!r} is wrong: it must be {_FORMS[name]}")
    return value


def _is_context(value: Any) -> bool:
    """Whether this names fields or pointers; an RPC's wiring may give a function too, which no row keeps."""
    try:
        check_spec(value)
    except ContextExtractionError:
        return False
    return True


def _backoff(value: float | dict[str, float]) -> Backoff:
    if isinstance(value, dict):
        return Backoff(**value)
    return Backoff(first=value, most=value, factor=1.0, jitter=0.0)


def dump_options(options: Mapping[str, Any]) -> str | None:
    """Checked options as a row keeps them; None if a worker finds nothing in them to apply."""
    kept = {name: value for name, value in options.items() if name != "description" and not callable(value)}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True) if kept else None


def load_options(text: str | None) -> dict[str, Any]:
    """What `dump_options` wrote."""
    return {} if text is None else dict(json.loads(text))

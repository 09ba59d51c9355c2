"""What one setting may hold. Each function takes the key and what was written, and returns it checked.

Values of the environment are texts, so numbers are accepted as texts too.
"""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, urlsplit

from pyflow_core.duration import parse_duration
from pyflow_core.errors import InvalidDurationError, SettingsError
from pyflow_core.payload.policy import INLINE_CEILING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LEVELS = ("error", "warning", "info", "off")
FAIL_ON = ("error", "warning", "info", "never")

_OURS = frozenset({"pyflow_cli", "pyflow_core", "pyflow_inspector", "pyflow_services", "pyflow_templates"})
_CODE = re.compile(r"PF[0-9]{1,3}")
_SIZE = re.compile(r"(\d+)\s*(B|KB|KiB|MB|MiB|GB|GiB)?", re.IGNORECASE)
_UNITS = {"b": 1, "kb": 1000, "kib": 1024, "mb": 1000**2, "mib": 1024**2, "gb": 1000**3, "gib": 1024**3}
_SECRET_WORDS = ("password", "passwd", "pwd", "secret", "token", "credential", "signature", "_key")
_TOKEN_SCHEMES = frozenset({"nats", "tls"})
"""Where a name without a password is a token."""


def _wrong(key: str, given: Any, wanted: str) -> SettingsError:
    return SettingsError(f"{key} must be {wanted}, and is {given!r}")


def _text(key: str, given: Any, wanted: str) -> str:
    if not isinstance(given, str) or not given or not given.isprintable():
        raise _wrong(key, given, wanted)
    return given


def boolean(key: str, given: Any) -> bool:
    """True or false."""
    if not isinstance(given, bool):
        raise _wrong(key, given, "true or false")
    return given


def texts(key: str, given: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(given, list):
        raise _wrong(key, given, "a list of texts")
    return tuple(_text(key, item, "a list of texts") for item in cast(Any, given))


def folder(key: str, given: Any) -> str:
    """A folder in the project, as a relative path with slashes."""
    wanted = 'a folder in the project, such as "src"'
    path = PurePosixPath(_text(key, given, wanted))
    if path.is_absolute() or ".." in path.parts or "\\" in given:
        raise _wrong(key, given, wanted)
    return str(path)


def is_import_path(text: str) -> bool:
    """Whether `text` is a dotted name that Python can import."""
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in text.split("."))


def package(key: str, given: Any) -> str:
    """The import name of the generated package."""
    wanted = 'an import name, such as "shop.pyflow_gen"'
    if not is_import_path(_text(key, given, wanted)):
        raise _wrong(key, given, wanted)
    top = str(given).partition(".")[0]
    if top in sys.stdlib_module_names or top in _OURS:
        raise SettingsError(f"{key} would hide the package {top!r}, which generated code imports: choose another name")
    return str(given)


def reference(key: str, given: Any) -> str:
    """A `module:name`."""
    wanted = 'a module and a name in it, such as "app.services:create_services"'
    module, colon, name = _text(key, given, wanted).partition(":")
    if not (colon and is_import_path(module) and is_import_path(name)):
        raise _wrong(key, given, wanted)
    return str(given)


def references(key: str, given: Any) -> tuple[str, ...]:
    """A list of `module:name`."""
    return tuple(reference(key, item) for item in texts(key, given))


def url(key: str, given: Any) -> str:
    """The URL of a store. The message never shows it, since it may hold a password."""
    wanted = 'a URL, such as "sqlite:///.pyflow/state.db" or "redis://host:6379/0"'
    try:
        parts = urlsplit(given) if isinstance(given, str) and given.isprintable() else None
        valid = parts is not None and bool(parts.scheme) and "://" in given and (parts.port or True)
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(f"{key} must be {wanted}")
    return str(given)


def holds_password(given: str) -> bool:
    """Whether a URL carries a password, in its address or in its query."""
    parts = urlsplit(given)
    options = [name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    is_token = bool(parts.username) and parts.scheme in _TOKEN_SCHEMES
    return bool(parts.password) or is_token or any(word in name for name in options for word in _SECRET_WORDS)


def count(key: str, given: Any) -> int:
    """A whole number, 0 or more."""
    return _whole(key, given, 0, "a whole number, 0 or more")


def positive(key: str, given: Any) -> int:
    """A whole number, 1 or more."""
    return _whole(key, given, 1, "a whole number, 1 or more")


def _whole(key: str, given: Any, least: int, wanted: str) -> int:
    if isinstance(given, str) and re.fullmatch(r"[0-9]{1,18}", given):
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise _wrong(key, given, wanted)
    return given


def seconds(key: str, given: Any) -> float:
    """A duration: seconds, or text such as "30s"."""
    wanted = 'seconds, or text such as "30s", "1h30m", "7d"'
    if isinstance(given, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", given):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise _wrong(key, given, wanted)
    try:
        return parse_duration(given)
    except InvalidDurationError as error:
        raise _wrong(key, given, wanted) from error


def positive_seconds(key: str, given: Any) -> float:
    """A duration that is not zero."""
    duration = seconds(key, given)
    if duration == 0:
        raise _wrong(key, given, "longer than 0 seconds")
    return duration


def retention(key: str, given: Any) -> float | None:
    """How long settled runs are kept; None for as long as the store lasts."""
    return None if given == "keep" else positive_seconds(key, given)


def size(key: str, given: Any) -> int:
    """A number of bytes, or text such as "32 KiB"."""
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return given
    match = _SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None or int(match[1]) == 0:
        raise _wrong(key, given, 'a number of bytes, or text such as "32 KiB"')
    return int(match[1]) * _UNITS[(match[2] or "B").lower()]


def inline_size(key: str, given: Any) -> int:
    """A size that a row may hold."""
    found = size(key, given)
    if found > INLINE_CEILING:
        raise _wrong(key, given, f"at most {INLINE_CEILING // 1024} KiB")
    return found


def _table(key: str, given: Any, wanted: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise _wrong(key, given, wanted)
    return cast(dict[str, Any], given)


def queues(key: str, given: Any) -> dict[str, dict[str, Any]]:
    """What holds for the queues that a glob matches."""
    wanted = 'a table by queue, such as queues."workflow-orders-*" = { concurrency = 2 }'
    known: dict[str, Callable[[str, Any], Any]] = {
        "concurrency": positive,
        "inline_max": inline_size,
        "inline_budget": size,
        "hard_max": size,
        "strict": boolean,
    }
    result: dict[str, dict[str, Any]] = {}
    for glob, options in _table(key, given, wanted).items():
        unknown = set(_table(f'{key}."{glob}"', options, wanted)) - known.keys()
        if unknown:
            raise SettingsError(f'{key}."{glob}" has no key {min(unknown)!r}: its keys are {", ".join(known)}')
        result[glob] = {name: known[name](f'{key}."{glob}".{name}', one) for name, one in options.items()}
    return result


def fail_on(key: str, given: Any) -> str:
    """From which severity on `pyflow check` says no."""
    if given not in FAIL_ON:
        raise _wrong(key, given, f"one of {', '.join(FAIL_ON)}")
    return str(given)


def levels(key: str, given: Any) -> dict[str, str]:
    """A severity by code or family of codes."""
    wanted = 'a table of severities by code, such as rules = { PF101 = "error", PF3 = "off" }'
    table = _table(key, given, wanted)
    for code, level in table.items():
        if _CODE.fullmatch(code) is None:
            raise SettingsError(f"{key} has no code {code!r}: write a code such as PF101, or a family such as PF1")
        if level not in LEVELS:
            raise _wrong(f"{key}.{code}", level, f"one of {', '.join(LEVELS)}")
    return dict(table)


def levels_by_glob(key: str, given: Any) -> dict[str, dict[str, str]]:
    """Severities by code for the files that a glob matches."""
    wanted = 'a table by file, such as per-file-rules."legacy/**" = { PF101 = "off" }'
    return {glob: levels(f'{key}."{glob}"', table) for glob, table in _table(key, given, wanted).items()}

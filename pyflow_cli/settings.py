"""The settings of a project: `[tool.pyflow]` in its `pyproject.toml`, and what the environment overrides.

Values are checked here once, with the key and what it may be in the message; everything behind trusts them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, cast

from pyflow_cli import setting_value as value
from pyflow_core.errors import SettingsError

FILE = "pyproject.toml"

Parser = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """How one setting is read, which environment variable overrides it, and whether the running side needs it."""

    parse: Parser
    environment: str | None = None
    runtime: bool = False


KEYS: Mapping[str, Key] = MappingProxyType(
    {
        "source": Key(value.folder),
        "exclude": Key(value.texts),
        "package": Key(value.package),
        "docs": Key(value.boolean),
        "services": Key(value.reference),
        "step_services": Key(value.reference),
        "middleware": Key(value.references),
        "state": Key(value.url, "PYFLOW_STATE", runtime=True),
        "queue": Key(value.url, "PYFLOW_QUEUE", runtime=True),
        "payloads": Key(value.url, "PYFLOW_PAYLOADS", runtime=True),
        "config_cache": Key(value.url, "PYFLOW_CONFIG_CACHE", runtime=True),
        "retries": Key(value.count, runtime=True),
        "retry_delay": Key(value.seconds, runtime=True),
        "timeout": Key(value.positive_seconds, runtime=True),
        "run_timeout": Key(value.positive_seconds, runtime=True),
        "max_steps": Key(value.positive, runtime=True),
        "lease_seconds": Key(value.positive_seconds, "PYFLOW_LEASE_SECONDS", runtime=True),
        "concurrency": Key(value.positive, "PYFLOW_CONCURRENCY", runtime=True),
        "drain_seconds": Key(value.seconds, "PYFLOW_DRAIN_SECONDS", runtime=True),
        "execution_cache": Key(value.count, "PYFLOW_EXECUTION_CACHE", runtime=True),
        "metrics": Key(value.reference, "PYFLOW_METRICS", runtime=True),
        "inline_max": Key(value.inline_size, runtime=True),
        "inline_budget": Key(value.size, runtime=True),
        "hard_max": Key(value.size, runtime=True),
        "strict_payloads": Key(value.boolean, runtime=True),
        "retention": Key(value.retention, runtime=True),
        "queues": Key(value.queues, runtime=True),
        "fail_on": Key(value.fail_on),
        "rules": Key(value.levels),
        "per-file-rules": Key(value.levels_by_glob),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its default. Durations are seconds, sizes are bytes, `None` means not set."""

    root: Path
    name: str
    source: str = "."
    exclude: tuple[str, ...] = ()
    package: str = "pyflow_gen"
    docs: bool = True
    services: str | None = None
    step_services: str | None = None
    middleware: tuple[str, ...] = ()
    state: str = "sqlite:///.pyflow/state.db"
    queue: str | None = None
    payloads: str = "file:///.pyflow/payloads"
    config_cache: str | None = None
    retries: int = 0
    retry_delay: float | None = None
    timeout: float | None = None
    run_timeout: float | None = None
    max_steps: int = 10_000
    lease_seconds: float = 30
    concurrency: int = 10
    drain_seconds: float = 30
    execution_cache: int = 1_000
    metrics: str | None = None
    inline_max: int = 32 * 1024
    inline_budget: int = 64 * 1024
    hard_max: int = 50 * 1024 * 1024
    strict_payloads: bool = False
    retention: float | None = None
    queues: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    fail_on: str = "error"
    rules: Mapping[str, str] = field(default_factory=dict[str, str])
    per_file_rules: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    @property
    def package_folder(self) -> Path:
        """Where the generated package lies."""
        return self.root.joinpath(*PurePosixPath(self.source).parts, *self.package.split("."))

    @property
    def runtime(self) -> dict[str, Any]:
        """What the running side must know, as it goes into the generated package; what is not set is left out."""
        values = {name: getattr(self, name) for name, key in KEYS.items() if key.runtime}
        return {name: given for name, given in values.items() if given is not None and given != {}}


def load_settings(start: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of the project that holds the folder `start`.

    Raises:
        SettingsError: when there is no project, or something in its file or in the environment is wrong.
    """
    root, document = _find_project(start)
    table: Any = _table(document, "tool").get("pyflow", {})
    if not isinstance(table, dict):
        raise SettingsError(f"{root / FILE}: `tool.pyflow` must be a table: write [tool.pyflow]")
    values = _parse_table(root / FILE, cast(dict[str, Any], table))
    values.update(_parse_environment(environment))
    values.setdefault("source", "src" if (root / "src").is_dir() else ".")
    return Settings(root=root, name=_project_name(root, document), **values)


def _find_project(start: Path) -> tuple[Path, dict[str, Any]]:
    """The nearest folder above whose file has `[tool.pyflow]`, else the nearest that has the file at all."""
    folder = _existing_folder(start)
    first: tuple[Path, dict[str, Any]] | None = None
    for candidate in (folder, *folder.parents):
        if not (candidate / FILE).is_file():
            continue
        document = _read_document(candidate / FILE)
        if "pyflow" in _table(document, "tool"):
            return candidate, document
        first = first or (candidate, document)
    if first is None:
        error = SettingsError(f"there is no {FILE} in {folder} or above it")
        error.add_note("`pyflow init` writes a project; --project DIR names the folder of one")
        raise error
    return first


def _existing_folder(start: Path) -> Path:
    try:
        folder = start.resolve(strict=True)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{str(start)!r} is no folder: --project takes the folder of a project") from error
    if not folder.is_dir():
        raise SettingsError(f"{str(start)!r} is no folder: --project takes the folder of a project")
    return folder


def _read_document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{path} is no valid TOML: {error}") from error


def _parse_table(path: Path, table: dict[str, Any]) -> dict[str, Any]:
    names = {name.replace("-", "_"): name for name in KEYS}
    values: dict[str, Any] = {}
    for written, given in table.items():
        attribute = written.replace("-", "_")
        if attribute not in names:
            raise _unknown_key(path, written)
        if attribute in values:
            raise SettingsError(f"{path}: [tool.pyflow] {written!r} is set twice: keep one spelling")
        try:
            values[attribute] = KEYS[names[attribute]].parse(written, given)
        except SettingsError as error:
            raise SettingsError(f"{path}: [tool.pyflow] {error.message}") from error
    for name in ("state", "queue", "payloads", "config_cache"):
        if values.get(name) and value.holds_password(values[name]):
            refusal = SettingsError(f"{path}: [tool.pyflow] {name} holds a password, and files are committed")
            refusal.add_note(f"leave it out here, and set {KEYS[name].environment} where pyflow runs")
            raise refusal
    return values


def _unknown_key(path: Path, written: str) -> SettingsError:
    near = get_close_matches(written, KEYS, n=1, cutoff=0.5)
    error = SettingsError(f"{path}: [tool.pyflow] has no key {written!r}")
    error.add_note(f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(KEYS)}")
    return error


def _parse_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    for name, key in KEYS.items():
        given = environment.get(key.environment) if key.environment else None
        if given:
            overrides[name] = key.parse(str(key.environment), given)
    return overrides


def _table(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of the file; other tools' mistakes are theirs."""
    found: Any = document.get(name)
    return cast(dict[str, Any], found) if isinstance(found, dict) else {}


def _project_name(root: Path, document: dict[str, Any]) -> str:
    name: Any = _table(document, "project").get("name")
    return name if isinstance(name, str) and name else root.name or "project"


# The dataclass and the table of keys must say the same; this costs a microsecond and is noticed at once.
assert {item.name for item in fields(Settings)} - {"root", "name"} == {name.replace("-", "_") for name in KEYS}

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyflow_cli.settings import KEYS, Settings, load_settings
from pyflow_core.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def load(folder: Path, table: str = "", **environment: str) -> Settings:
    return load_settings(write(folder, f"[tool.pyflow]\n{table}"), environment)


def refusal(folder: Path, table: str) -> tuple[str, str]:
    with pytest.raises(SettingsError) as raised:
        load(folder, table)
    return raised.value.message, " ".join(getattr(raised.value, "__notes__", []))


def test_an_empty_table_gives_the_documented_defaults(tmp_path: Path) -> None:
    found = load(tmp_path)
    assert (found.source, found.package, found.docs) == (".", "pyflow_gen", True)
    assert (found.state, found.queue, found.payloads) == (
        "sqlite:///.pyflow/state.db",
        None,
        "file:///.pyflow/payloads",
    )
    assert (found.retries, found.retry_delay, found.timeout, found.max_steps) == (0, None, None, 10_000)
    assert (found.lease_seconds, found.concurrency, found.drain_seconds, found.execution_cache) == (30, 10, 30, 1000)
    assert (found.inline_max, found.inline_budget, found.hard_max) == (32768, 65536, 52_428_800)
    assert (found.strict_payloads, found.retention, found.fail_on) == (False, None, "error")


def test_src_is_the_source_where_it_exists(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert load(tmp_path).source == "src"
    assert load(tmp_path, 'source = "."').source == "."


def test_every_key_is_read(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        """
        source = "lib/python"
        exclude = ["legacy/**"]
        package = "shop.pyflow_gen"
        docs = false
        services = "app.services:create_services"
        step_services = "app.services:per_step"
        middleware = ["app.audit:audit"]
        state = "postgresql://localhost/app"
        queue = "redis://localhost"
        payloads = "s3://bucket"
        config_cache = "redis://localhost/1"
        retries = 2
        retry_delay = "5s"
        timeout = 30
        run_timeout = "1h30m"
        max_steps = 50
        lease_seconds = 10
        concurrency = 3
        drain_seconds = 0
        execution_cache = 0
        metrics = "app.telemetry:metrics"
        inline_max = "16 KiB"
        inline_budget = 100
        hard_max = "1MB"
        strict_payloads = true
        retention = "7d"
        fail_on = "warning"
        rules = { PF101 = "error", PF3 = "off" }
        per-file-rules."legacy/**" = { PF101 = "off" }
        queues."workflow-orders-*" = { concurrency = 2 }
        """,
    )
    assert found.package_folder == tmp_path / "lib/python/shop/pyflow_gen"
    assert (found.retry_delay, found.timeout, found.run_timeout, found.retention) == (5, 30, 5400, 604_800)
    assert (found.inline_max, found.hard_max) == (16_384, 1_000_000)
    assert found.rules == {"PF101": "error", "PF3": "off"}
    assert found.per_file_rules == {"legacy/**": {"PF101": "off"}}
    assert found.queues == {"workflow-orders-*": {"concurrency": 2}}
    assert set(found.runtime) == {name for name, key in KEYS.items() if key.runtime}


def test_what_is_not_set_is_not_told_to_the_running_side(tmp_path: Path) -> None:
    assert not {"queue", "timeout", "run_timeout", "retry_delay", "retention", "queues"} & set(load(tmp_path).runtime)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        'state = "memory://"\nconcurrency = 3',
        PYFLOW_STATE="postgresql://user:secret@db/app",
        PYFLOW_CONCURRENCY="7",
        PYFLOW_LEASE_SECONDS="1.5",
        PYFLOW_QUEUE="",
    )
    assert (found.state, found.concurrency, found.lease_seconds, found.queue) == (
        "postgresql://user:secret@db/app",
        7,
        1.5,
        None,
    )


def test_a_wrong_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PYFLOW_CONCURRENCY must be a whole number, 1 or more, and is 'many'"):
        load(tmp_path, PYFLOW_CONCURRENCY="many")


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    message, help_ = refusal(tmp_path, "retrys = 3")
    assert message.endswith("[tool.pyflow] has no key 'retrys'")
    assert help_ == "did you mean 'retries'?"


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ('retries = "many"', "retries must be a whole number, 0 or more, and is 'many'"),
        ("retries = -1", "retries must be"),
        ("retries = true", "retries must be"),
        ("concurrency = 0", "concurrency must be a whole number, 1 or more"),
        ("lease_seconds = 0", "lease_seconds must be longer than 0 seconds"),
        ("timeout = 0", "timeout must be longer than 0 seconds"),
        ('timeout = "soon"', "timeout must be seconds, or text"),
        ("timeout = -1", "timeout must be"),
        ("timeout = nan", "timeout must be"),
        ('docs = "yes"', "docs must be true or false"),
        ('package = "shop.class"', "package must be an import name"),
        ('package = "my-gen"', "package must be an import name"),
        ('package = "a;import os"', "package must be an import name"),
        ('package = "json"', "package would hide the package 'json'"),
        ('package = "pyflow_core.gen"', "package would hide the package 'pyflow_core'"),
        ('services = "app.services.create"', "services must be a module and a name in it"),
        ('middleware = "app:audit"', "middleware must be a list of texts"),
        ('middleware = ["app.audit"]', "middleware must be a module"),
        ('source = "../elsewhere"', "source must be a folder in the project"),
        ('source = "/etc"', "source must be a folder in the project"),
        ('state = "state.db"', "state must be a URL"),
        ('state = "postgres://host:notaport/x"', "state must be a URL"),
        ('inline_max = "big"', "inline_max must be a number of bytes"),
        ('inline_max = "65 KiB"', "inline_max must be at most 64 KiB, and is '65 KiB'"),
        ('queues."workflow-*" = { inline_max = "1 GiB" }', "inline_max must be at most 64 KiB, and is '1 GiB'"),
        ('fail_on = "sometimes"', "fail_on must be one of error, warning, info, never"),
        ('rules = { E501 = "off" }', "rules has no code 'E501'"),
        ('rules = { PF101 = "loud" }', "rules.PF101 must be one of"),
        ("queues = 3", "queues must be a table"),
        ('queues."a" = { speed = 3 }', "has no key 'speed'"),
        ("retry-delay = 1\nretry_delay = 2", "is set twice"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_may_be(tmp_path: Path, table: str, part: str) -> None:
    message, _ = refusal(tmp_path, table)
    assert part in message
    assert str(tmp_path) in message


@pytest.mark.parametrize(
    "url",
    ["postgresql://user:hunter2@host/db", "redis://:hunter2@host", "postgresql://host/db?password=hunter2"],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    message, help_ = refusal(tmp_path, f'state = "{url}"')
    assert "state holds a password" in message
    assert "PYFLOW_STATE" in help_
    assert "hunter2" not in message + help_


def test_the_project_is_looked_for_upwards(tmp_path: Path) -> None:
    load(tmp_path)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert load_settings(deep, {}).root == tmp_path


def test_the_nearest_file_with_a_table_wins_over_a_nearer_one_without(tmp_path: Path) -> None:
    load(tmp_path)
    inner = write(tmp_path / "inner", '[project]\nname = "inner"\n')
    assert load_settings(inner, {}).root == tmp_path


def test_a_project_without_a_table_gets_the_defaults(tmp_path: Path) -> None:
    found = load_settings(write(tmp_path, '[project]\nname = "plain"\n'), {})
    assert (found.root, found.name) == (tmp_path, "plain")


def test_the_name_is_the_folders_where_the_file_gives_none(tmp_path: Path) -> None:
    assert load(tmp_path / "depot").name == "depot"


@pytest.mark.parametrize("text", ["[tool.pyflow", "tool = 3\n[tool.pyflow]", "\ufeff[tool.pyflow]\nretries = 0x"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="is no valid TOML"):
        load_settings(write(tmp_path, text), {})


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "\ufeff[tool.pyflow]\nretries = 4"), {}).retries == 4


def test_pyflow_that_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must be a table"):
        load_settings(write(tmp_path, "[tool]\npyflow = 3"), {})


def test_other_tools_mistakes_are_theirs(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "tool = 3\nproject = 4"), {}).package == "pyflow_gen"


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b'[tool.pyflow]\npackage = "\xe9"')
    with pytest.raises(SettingsError, match="is not UTF-8"):
        load_settings(tmp_path, {})


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="is no folder"):
        load_settings(tmp_path / name, {})

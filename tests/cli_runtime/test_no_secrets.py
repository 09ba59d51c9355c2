"""No command shows a password, whatever it meets: neither in words, nor in a traceback, nor in its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from runtime_project import RuntimeProject

SECRET = "hunter2"
AWAY = f"redis://app:{SECRET}@127.0.0.1:9/0"
REPORTING = ("start", "reporting", "--input", "3")

LEAKY = """
class StoreIsAway(Exception):
    pass

def from_url(url, root, clock):
    raise StoreIsAway(f"cannot connect to {url}") from ConnectionError(f"no answer from {url}")
"""


def install_leaky_store(folder: Path) -> None:
    """A store of a third party, whose errors quote its URL."""
    (folder / "leaky.py").write_text(LEAKY)
    info = folder / "leaky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: leaky\nVersion: 1.0\n")
    groups = ("pyflow.state", "pyflow.queue", "pyflow.payloads")
    (info / "entry_points.txt").write_text("".join(f"[{group}]\nleaky = leaky:from_url\n" for group in groups))


@pytest.mark.parametrize(
    ("variable", "url", "command", "code"),
    [
        ("PYFLOW_STATE", AWAY, ["runs"], 2),
        ("PYFLOW_STATE", f"app:{SECRET}@host/db", ["worker", "--once"], 2),
        ("PYFLOW_STATE", f"redis://app:{SECRET}", ["worker", "--once"], 2),
        ("PYFLOW_QUEUE", AWAY, ["worker", "--once"], 4),
        ("PYFLOW_QUEUE", f"boom://app:{SECRET}@host", [*REPORTING], 2),
        ("PYFLOW_PAYLOADS", AWAY, ["payload", "gc"], 4),
        ("PYFLOW_PAYLOADS", f"nats://{SECRET}@127.0.0.1:9/x", ["payload", "gc"], 4),
        ("PYFLOW_PAYLOADS", f"s3://app:{SECRET}@bucket", ["payload", "gc"], 2),
        ("PYFLOW_PAYLOADS", f"s3://bucket?secret_access_key={SECRET}", ["payload", "gc"], 2),
        ("PYFLOW_PAYLOADS", f"boom://app:{SECRET}@host", ["payload", "gc"], 2),
    ],
)
def test_a_url_of_the_environment_is_told_without_its_password(
    project: RuntimeProject, variable: str, url: str, command: list[str], code: int
) -> None:
    for more in ((), ("--verbose",)):
        ended = project(*command, *more, **{variable: url})
        assert ended.code == code, ended.err
        assert ended.err
        assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("variable", ["PYFLOW_STATE", "PYFLOW_QUEUE", "PYFLOW_PAYLOADS"])
def test_what_a_store_of_a_third_party_says_is_told_without_its_password(
    project: RuntimeProject, tmp_path: Path, variable: str
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install_leaky_store(site)
    url = f"leaky://app:{SECRET}@host/db"
    command = ["payload", "gc"] if variable == "PYFLOW_PAYLOADS" else ["worker", "--once"]
    environment = {variable: url, "PYTHONPATH": f"{site}:{project.python_path}"}
    for more in ((), ("--verbose",)):
        ended = project(*command, *more, **environment)
        assert ended.code == 70, ended.err
        assert "StoreIsAway: cannot connect to leaky://[redacted]@host/db" in ended.err
        assert ("no answer from leaky://[redacted]@host/db" in ended.err) == bool(more)
        assert SECRET not in ended.out + ended.err


@pytest.mark.parametrize("url", [AWAY, f"nats://{SECRET}@host/x", f"redis://host?ssl_key={SECRET}", f"u:{SECRET}@host"])
def test_a_url_of_the_file_is_refused_without_being_repeated(project: RuntimeProject, url: str) -> None:
    project.edit("pyproject.toml", "[tool.pyflow]", f'[tool.pyflow]\npayloads = "{url}"')
    for command in (["check"], ["generate", "--diff", "--verbose"], ["inspect"], ["worker", "--once", "--verbose"]):
        ended = project(*command)
        assert ended.code == 2
        assert SECRET not in ended.out + ended.err


def test_the_log_of_a_worker_says_where_its_stores_are_without_passwords(project: RuntimeProject) -> None:
    """What the worker finds out while it runs is logged: here that a result has no place to go."""
    project.start("reporting", "r1", "--input", "3")
    with project.running("worker", "--verbose", PYFLOW_PAYLOADS=AWAY) as worker:
        assert worker.process.stderr is not None
        said = ""
        while "cannot use the payload store" not in said:
            line = worker.process.stderr.readline()
            assert line, said
            said += line
        said += worker.stop().err
    assert "redis://app:…@127.0.0.1:9/0" in said
    assert SECRET not in said

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runtime_project import Running, RuntimeProject


def _told(watch: Running, text: str) -> str:
    """What is said up to the line that holds `text`."""
    seen = ""
    assert watch.process.stderr is not None
    for line in watch.process.stderr:
        seen += line
        if text in line:
            return seen
    raise AssertionError(seen)


def test_watch_generates_whenever_a_file_is_saved_and_survives_mistakes(project: RuntimeProject) -> None:
    generated = project.root / "app" / "pyflow_gen" / "_project.py"
    with project.running("generate", "--watch") as watch:
        _told(watch, "watching")
        project.edit("app/workflows.py", '"tax"', '"vat"')
        said = _told(watch, "watching")
        assert "app/workflows.py changed" in said
        assert "generated app.pyflow_gen" in said
        project.edit("app/workflows.py", "async def order(", "async def order((")
        assert "PF901" in _told(watch, "waiting for a file")
        before = generated.read_text()
        (project.root / "app" / "more.py").write_text("x = (\n")
        _told(watch, "waiting for a file")
        (project.root / "app" / "more.py").unlink()
        _told(watch, "waiting for a file")
        assert generated.read_text() == before
        project.edit("app/workflows.py", "async def order((", "async def order(")
        _told(watch, "watching")
        project.edit("pyproject.toml", "[tool.pyflow]", "[tool.pyflow]\nretires = 3")
        assert "has no key 'retires'" in _told(watch, "waiting for a file")
        project.edit("pyproject.toml", "retires = 3", "retries = 3")
        _told(watch, "watching")
        ended = watch.stop()
    assert '"retries": 3' in generated.read_text()
    assert (ended.code, ended.out, "Traceback" in ended.err) == (130, "", False)
    assert project("generate", "--check").code == 0


def test_watch_ends_at_once_when_it_is_terminated(project: RuntimeProject) -> None:
    with project.running("generate", "--watch") as watch:
        _told(watch, "watching")
        assert watch.stop(signal.SIGTERM).code in (-signal.SIGTERM, 143, 0)


@pytest.mark.parametrize("other", ["--check", "--diff", "--json"])
def test_watch_goes_with_nothing_that_writes_nothing(project: RuntimeProject, other: str) -> None:
    ended = project("generate", "--watch", other)
    assert ended.code == 2
    assert "--watch writes" in ended.error

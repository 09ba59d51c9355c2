from __future__ import annotations

import json

from runtime_project import ORDER, Running, RuntimeProject


def _lines(stream: object, text: str) -> list[str]:
    """What comes up to the line that holds `text`."""
    seen: list[str] = []
    for line in stream:  # type: ignore[attr-defined]
        seen.append(line)
        if text in line:
            return seen
    raise AssertionError("".join(seen))


def _told(dev: Running, text: str) -> list[str]:
    return _lines(dev.process.stderr, text)


def _shown(dev: Running, text: str) -> list[str]:
    return _lines(dev.process.stdout, text)


def test_dev_generates_executes_and_shows_a_run(project: RuntimeProject) -> None:
    project.edit("app/workflows.py", '"tax"', '"vat"')
    with project.running("dev", "--workflow", "order", "--input", ORDER) as dev:
        shown = _shown(dev, "vat completed")
        shown += _shown(dev, " completed")
        ended = dev.stop()
    assert (ended.code, "Traceback" in ended.err) == (130, False)
    assert "  created" in shown[0]
    assert "step price started" in "".join(shown)
    assert "generated app.pyflow_gen" in ended.err
    assert [run["status"] for run in project("runs", "--json").json["runs"]] == ["completed"]


def test_dev_goes_on_with_new_code_when_a_file_is_saved(project: RuntimeProject) -> None:
    with project.running("dev", "--workflow", "order", "--input", ORDER, "--json") as dev:
        _shown(dev, "run.completed")
        project.edit("app/workflows.py", "total + 1", "total + 2")
        _told(dev, "app/workflows.py changed")
        _told(dev, "executing sample")
        project.start("order", "o2", "--input", ORDER)
        events = [json.loads(line) for line in _shown(dev, "run.completed")]
        dev.stop()
    assert {event["run_id"] for event in events} == {"o2"}
    assert project.status("o2")["output"] == {"total": 12}
    assert len(project("runs").out.splitlines()) == 2


def test_dev_keeps_the_old_code_while_the_new_one_is_broken(project: RuntimeProject) -> None:
    with project.running("dev") as dev:
        _told(dev, "executing sample")
        project.edit("app/workflows.py", "async def order(", "async def order((")
        _told(dev, "nothing was generated")
        project.edit("app/workflows.py", "async def order((", "async def order(")
        _told(dev, "executing sample")
        dev.stop()


def test_dev_waits_when_the_project_cannot_be_imported(project: RuntimeProject) -> None:
    project.edit("app/functions.py", "import asyncio", "import asyncio\nimport nothing_of_this_name")
    with project.running("dev", "--workflow", "order", "--input", ORDER, "--json") as dev:
        told = _told(dev, "waiting for a file to be saved")
        assert "app/functions.py:2: ModuleNotFoundError" in "".join(told)
        project.edit("app/functions.py", "import nothing_of_this_name\n", "")
        _shown(dev, "run.completed")
        ended = dev.stop()
    assert ended.code == 130


def test_input_without_a_workflow_is_refused(project: RuntimeProject) -> None:
    ended = project("dev", "--input", ORDER)
    assert (ended.code, ended.error) == (2, "--input is for a run: say which with --workflow NAME")

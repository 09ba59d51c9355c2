from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_project import ORDER, RuntimeProject

if TYPE_CHECKING:
    from pathlib import Path


def test_start_prints_the_id_alone_when_piped(project: RuntimeProject) -> None:
    ended = project("start", "order", "--input", ORDER)
    assert (ended.code, ended.err, len(ended.out.splitlines())) == (0, "", 1)
    assert project.status(ended.out.strip())["status"] == "running"


def test_start_with_the_same_run_id_creates_nothing(project: RuntimeProject) -> None:
    started = [project("start", "order", "--input", ORDER, "--run-id", "o1", "--json") for _ in range(2)]
    assert [ended.code for ended in started] == [0, 0]
    assert started[0].json == {"run_id": "o1", "workflow": "order", "status": "running", "created": True}
    assert started[1].json == {"run_id": "o1", "workflow": "order", "status": "running", "created": False}


def test_a_run_id_of_another_workflow_is_refused(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER)
    ended = project("start", "failing", "--run-id", "o1")
    assert (ended.code, ended.error) == (2, "run 'o1' is of workflow 'order': choose another --run-id")


def test_tags_are_kept(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER, "--tag", "eu", "--tag", "a b")
    assert project("runs", "--tag", "a b", "--json").json["runs"][0]["tags"] == ["eu", "a b"]


def test_input_comes_from_a_file_or_from_standard_input(project: RuntimeProject, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(ORDER, encoding="utf-8-sig")
    by_file = project("start", "order", "--input", f"@{tmp_path / 'order.json'}")
    by_pipe = project("start", "order", "--input", "-", stdin=ORDER)
    for ended in (by_file, by_pipe):
        assert project.status(ended.out.strip())["input"] == {"item": "tea", "count": 2}


def test_start_with_wait_ends_as_the_run_does(project: RuntimeProject) -> None:
    with project.running("worker", "--drain", "0") as worker:
        done = project("start", "order", "--input", ORDER, "--run-id", "o1", "--wait", "--json")
        failed = project("start", "failing", "--run-id", "f1", "--wait")
        late = project("start", "patient", "--wait", "--timeout", "0.2")
        worker.stop()
    assert (done.code, done.json["status"], done.json["created"]) == (0, "completed", True)
    assert (failed.code, failed.out, failed.error) == (1, "f1\n", "run 'f1' of workflow 'failing' failed")
    assert (late.code, len(late.out.splitlines())) == (5, 1)


def test_start_with_wait_warns_when_no_worker_is_alive(project: RuntimeProject) -> None:
    ended = project("start", "order", "--input", ORDER, "--wait", "--timeout", "0.2")
    assert ended.code == 5
    assert "warning: " in ended.err
    assert "no worker is alive" in ended.err


def test_ctrl_c_while_waiting_leaves_the_run(project: RuntimeProject) -> None:
    with project.running("start", "order", "--input", ORDER, "--run-id", "o1", "--wait") as start:
        assert start.process.stdout is not None
        assert start.process.stdout.readline() == "o1\n"
        ended = start.stop()
    assert (ended.code, "pyflow status o1" in ended.err, "Traceback" in ended.err) == (130, True, False)
    assert project.status("o1")["status"] == "running"


def test_a_run_in_memory_is_not_started_to_be_lost(project: RuntimeProject) -> None:
    ended = project("start", "order", "--input", ORDER, PYFLOW_STATE="memory://")
    assert (ended.code, ended.error) == (2, "a run in memory would end with this command")

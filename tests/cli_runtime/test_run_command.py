from __future__ import annotations

import json
import signal

import pytest
from runtime_project import ORDER, RuntimeProject


def test_run_executes_here_when_no_worker_is_alive_and_prints_the_output_as_json(project: RuntimeProject) -> None:
    ended = project("run", "order", "--input", ORDER)
    assert (ended.code, ended.json) == (0, {"total": 11})


def test_what_steps_print_does_not_come_between_the_output_and_its_reader(project: RuntimeProject) -> None:
    ended = project("run", "order", "--input", ORDER)
    assert "a step prints this" in ended.err
    assert json.loads(ended.out) == {"total": 11}


def test_finished_steps_are_told_one_a_line_on_standard_error_unless_quiet(project: RuntimeProject) -> None:
    told = project("run", "order", "--input", ORDER).err.splitlines()
    assert [line.split()[:2] for line in told if line.startswith("  ")] == [
        ["price", "completed"],
        ["tax", "completed"],
    ]
    assert project("run", "order", "--input", ORDER, "--quiet").err == "a step prints this\n"


def test_a_failed_run_ends_with_1_and_says_which_step_how_often_and_why(project: RuntimeProject) -> None:
    ended = project("run", "failing", "--run-id", "f1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.error == "run 'f1' of workflow 'failing' failed"
    block = ended.err[ended.err.index("error: ") :].splitlines()
    assert block[1:4] == [
        "  step      charge (orders.charge)",
        "  attempts  2",
        "  error     ValueError: no money on the account",
    ]
    assert "pyflow redrive f1" in block[-1]


def test_verbose_shows_the_traceback_of_the_step(project: RuntimeProject) -> None:
    ended = project("run", "failing", "--verbose")
    assert 'raise ValueError("no money' in ended.err


def test_a_run_id_that_exists_is_waited_for_and_not_started_again(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER)
    first = project("run", "order", "--run-id", "o1", "--input", ORDER)
    again = project("run", "order", "--run-id", "o1", "--input", ORDER)
    assert (first.json, again.json) == ({"total": 11}, {"total": 11})
    assert "o1 exists already" in again.err
    assert project("runs").out == "o1\n"


def test_a_run_that_exists_needs_no_input_again(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER)
    assert project("run", "order", "--run-id", "o1").json == {"total": 11}
    ended = project("run", "order", "--run-id", "o2")
    assert (ended.code, ended.error) == (2, "workflow 'order' takes input, and none was given")


def test_when_the_time_is_up_the_run_is_kept(project: RuntimeProject) -> None:
    ended = project("run", "patient", "--run-id", "p1", "--timeout", "300ms")
    assert ended.code == 5
    assert ended.error.startswith("run 'p1' has not ended within 300 ms; it goes on")
    assert "help: pyflow status p1" in ended.err
    project.touch("go")
    assert project("run", "patient", "--run-id", "p1").json == "waited"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_says_how_to_resume_and_the_run_survives(project: RuntimeProject, number: signal.Signals) -> None:
    with project.running("run", "patient", "--run-id", "p1") as run:
        project.wait_for_file("waiting")
        ended = run.stop(number)
    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in ended.err
    assert "pyflow run patient --run-id p1" in ended.err
    assert project.status("p1")["status"] in ("running", "waiting")
    project.touch("go")
    assert project("run", "patient", "--run-id", "p1").json == "waited"
    assert project.status("p1")["steps"][0]["attempts"] == 1


def test_a_worker_that_is_alive_executes_instead(project: RuntimeProject) -> None:
    project.touch("go")
    with project.running("worker") as worker:
        project.start("patient", "first")
        project.wait_for_file("waiting")
        ended = project("run", "patient", "--run-id", "second")
        assert (ended.code, ended.json) == (0, "waited")
        workers = {step["worker"] for run in ("first", "second") for step in project.status(run)["steps"]}
        assert len(workers) == 1
        worker.stop()


def test_run_takes_over_when_the_last_worker_dies(project: RuntimeProject) -> None:
    with project.running("worker") as worker:
        project.start("patient", "p1")
        project.wait_for_file("waiting")
        with project.running("run", "patient", "--run-id", "p1") as run:
            project.wait_for(lambda: run.process.poll() is not None or "p1" in project("runs").out)
            worker.process.kill()
            project.touch("go")
            ended = run.end()
    assert (ended.code, ended.json) == (0, "waited")


def test_a_blocked_run_ends_the_wait_with_1_and_says_what_to_do(project: RuntimeProject) -> None:
    assert project("run", "patient", "--run-id", "p1", "--timeout", "0.3").code == 5
    project.edit("app/workflows.py", '"first"', '"other"')
    assert project("generate").code == 0
    project.touch("go")
    ended = project("run", "patient", "--run-id", "p1")
    assert (ended.code, ended.error) == (1, "run 'p1' of workflow 'patient' is blocked")
    assert "DivergenceError" in ended.err
    assert "pyflow redrive p1" in ended.err


def test_run_serves_a_queue_service_too_and_ends_although_a_step_goes_on(project: RuntimeProject) -> None:
    queue = {"PYFLOW_QUEUE": "memory://"}
    assert project("run", "order", "--input", ORDER, **queue).json == {"total": 11}
    assert project("run", "patient", "--timeout", "0.3", **queue).code == 5


def test_run_works_with_a_store_in_memory(project: RuntimeProject) -> None:
    ended = project("run", "order", "--input", ORDER, PYFLOW_STATE="memory://")
    assert (ended.code, ended.json) == (0, {"total": 11})
    assert {path.name for path in (project.root / ".pyflow").glob("*")} <= {"cache"}

from __future__ import annotations

import signal

import pytest
from runtime_project import ORDER, Running, RuntimeProject


def test_once_executes_what_is_ready_and_ends(project: RuntimeProject) -> None:
    for number in range(3):
        project.start("order", f"o{number}", "--input", ORDER)
    project.start("failing", "f1")
    ended = project("worker", "--once")
    assert ended.code == 0
    assert {run["status"] for run in project("runs", "--workflow", "order", "--json").json["runs"]} == {"completed"}
    assert "nothing is ready or due any more" in ended.err


def test_once_with_nothing_to_do_ends_at_once(project: RuntimeProject) -> None:
    assert project("worker", "--once").code == 0


def test_a_worker_says_what_it_serves_and_where(project: RuntimeProject) -> None:
    told = project("worker", "--once", "--queue", "workflow-order-*").err
    assert "serves workflow-order-orchestrator" in told
    assert "serves workflow-failing-orchestrator" not in told
    assert "state sqlite:///.pyflow/state.db" in told


def test_a_queue_that_does_not_exist_is_refused_with_the_nearest(project: RuntimeProject) -> None:
    ended = project("worker", "--queue", "workflow-order-prize")
    assert ended.code == 2
    assert ended.error.endswith("did you mean 'workflow-order-price'?")


def test_sigterm_drains_and_ends_with_0(project: RuntimeProject) -> None:
    project.start("patient", "p1")
    with project.running("worker") as worker:
        project.wait_for_file("waiting")
        worker.process.send_signal(signal.SIGTERM)
        project.touch("go")
        ended = worker.end()
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    wait = project.status("p1")["steps"][1]
    assert (wait["status"], wait["attempts"]) == ("completed", 1)


def test_the_first_ctrl_c_drains_and_the_second_ends_at_once(project: RuntimeProject) -> None:
    project.start("patient", "p1")
    with project.running("worker") as worker:
        project.wait_for_file("waiting")
        worker.process.send_signal(signal.SIGINT)
        assert worker.process.stderr is not None
        for line in worker.process.stderr:
            if "draining" in line:
                break
        project.wait_for(lambda: _interrupted_again(worker))
        ended = worker.end()
    assert (ended.code, "stopped at once" in ended.err, "Traceback" in ended.err) == (130, True, False)
    project.touch("go")
    assert project("run", "patient", "--run-id", "p1").json == "waited"


def _interrupted_again(worker: Running) -> bool:
    """Whether it has ended; asked again until it has, since a second Ctrl-C counts only some time after the first."""
    if worker.process.poll() is None:
        worker.process.send_signal(signal.SIGINT)
    return worker.process.poll() is not None


def test_the_work_of_a_killed_worker_is_taken_over(project: RuntimeProject) -> None:
    project.start("patient", "p1")
    with project.running("worker") as first:
        project.wait_for_file("waiting")
        first.process.kill()
        first.end()
    project.touch("go")
    with project.running("worker") as second:
        project.wait_for(lambda: project.status("p1")["status"] == "completed")
        ended = second.stop(signal.SIGTERM)
    assert "worker.reaped" in ended.err


def test_step_failures_are_logged_as_plain_lines(project: RuntimeProject) -> None:
    project.start("failing", "f1")
    told = project("worker", "--once").err
    assert "step.failed: charge of run f1: ValueError: no money on the account" in told


@pytest.mark.parametrize("command", [("worker", "--once"), ("run", "order", "--input", '{"item": "tea", "count": 2}')])
def test_a_payload_store_that_cannot_be_made_is_told_before_anything_is_executed(
    project: RuntimeProject, command: tuple[str, ...]
) -> None:
    ended = project(*command, PYFLOW_PAYLOADS="boom://x")
    assert (ended.code, ended.error.startswith("payloads = 'boom://x': no service is known for 'boom'")) == (2, True)
    assert project("runs", "--json").json["runs"] == []

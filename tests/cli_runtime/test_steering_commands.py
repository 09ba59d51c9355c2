from __future__ import annotations

from runtime_project import ORDER, RuntimeProject


def test_cancel_stops_a_run_and_its_running_step(project: RuntimeProject) -> None:
    project.start("patient", "p1")
    with project.running("worker") as worker:
        project.wait_for_file("waiting")
        ended = project("cancel", "p1", "--json")
        project.wait_for(lambda: project.status("p1")["status"] == "cancelled")
        worker.stop()
    assert ended.code == 0
    assert (ended.json["run_id"], ended.json["requested"]) == ("p1", True)


def test_cancel_without_a_worker_says_that_one_is_needed(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER)
    ended = project("cancel", "o1")
    assert (ended.code, "none is alive: `pyflow worker`" in ended.err) == (0, True)
    project("worker", "--once")
    assert project.status("o1")["status"] == "cancelled"
    assert project("cancel", "o1").code == 0


def test_a_run_that_has_completed_cannot_be_cancelled_or_redriven(project: RuntimeProject) -> None:
    project("run", "order", "--input", ORDER, "--run-id", "o1")
    cancelled, redriven = project("cancel", "o1"), project("redrive", "o1")
    assert (cancelled.code, redriven.code) == (1, 1)
    assert cancelled.error == "run 'o1' cannot be cancelled: it has ended as completed"
    assert redriven.error.startswith("run 'o1' cannot be redriven: it is completed")


def test_a_cancelled_run_ends_the_wait_with_1(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER)
    project("cancel", "o1")
    ended = project("run", "order", "--input", ORDER, "--run-id", "o1")
    assert (ended.code, ended.error) == (1, "run 'o1' of workflow 'order' was cancelled")


def test_redrive_goes_on_from_the_last_good_step(project: RuntimeProject) -> None:
    assert project("run", "failing", "--run-id", "f1").code == 1
    project.touch("solvent")
    ended = project("redrive", "f1", "--json")
    assert (ended.code, ended.json["generation"], ended.json["retried"], ended.json["archived"]) == (0, 2, "charge", [])
    assert "tried again: charge" in ended.err
    assert project("run", "failing", "--run-id", "f1").json == "charged 3"
    prepare, charge = project.status("f1")["steps"]
    assert (prepare["attempts"], charge["attempts"]) == (1, 1)


def test_redrive_wants_yes_before_it_repeats_what_has_completed(project: RuntimeProject) -> None:
    assert project("run", "refunding", "--run-id", "r1").code == 1
    refused = project("redrive", "r1")
    assert refused.code == 2
    assert refused.error == "nothing was done: the redrive would run a step again that had completed"
    assert "  refund" in refused.err.splitlines()
    assert project.status("r1")["status"] == "failed"
    project.touch("solvent")
    assert project("redrive", "r1", "--yes").code == 0
    assert project("run", "refunding", "--run-id", "r1").json == "charged 3"

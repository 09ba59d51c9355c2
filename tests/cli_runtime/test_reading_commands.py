from __future__ import annotations

import json
import re

from runtime_project import ORDER, RuntimeProject

SUMMARY = """run_id workflow status steps_done steps_open created_at updated_at finished_at waits_for error tags
parent_run_id"""
STATUS = """version run_id workflow status code_hash input output error created_at updated_at finished_at waits_for
lineage steps"""
STEP = """step_name type rpc_name description status attempts queue worker scheduled_at started_at finished_at input
output error next_attempt_at"""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def _two_runs(project: RuntimeProject) -> None:
    project.start("order", "o1", "--input", ORDER, "--tag", "eu")
    project.start("failing", "f1")
    assert project("worker", "--once").code == 0


def test_runs_prints_an_id_a_line_newest_first(project: RuntimeProject) -> None:
    _two_runs(project)
    assert project("runs").out == "f1\no1\n"


def test_runs_as_json_has_exactly_the_promised_fields(project: RuntimeProject) -> None:
    _two_runs(project)
    page = project("runs", "--json").json
    assert list(page) == ["version", "runs", "next_cursor"]
    failed, done = page["runs"]
    assert list(failed) == SUMMARY.split()
    assert (failed["status"], failed["steps_done"], failed["steps_open"]) == ("failed", 2, 0)
    error = {"type": "StepFailedError", "code": "step_failed", "step_name": "charge"}
    assert {key: failed["error"][key] for key in error} == error
    assert (done["status"], done["error"], done["tags"], done["waits_for"]) == ("completed", None, ["eu"], None)
    assert all(TIME.fullmatch(done[field]) for field in ("created_at", "updated_at", "finished_at"))


def test_runs_are_filtered_and_paged(project: RuntimeProject) -> None:
    _two_runs(project)
    assert project("runs", "--workflow", "order").out == "o1\n"
    assert project("runs", "--status", "failed").out == "f1\n"
    assert project("runs", "--status", "failed,completed").out == "f1\no1\n"
    assert project("runs", "--tag", "eu").out == "o1\n"
    assert project("runs", "--since", "1h").out == "f1\no1\n"
    assert project("runs", "--since", "2999-01-01T00:00:00Z").out == ""
    first = project("runs", "--limit", "1", "--json").json
    assert project("runs", "--limit", "1", "--cursor", first["next_cursor"]).out == "o1\n"


def test_status_as_json_has_exactly_the_promised_fields(project: RuntimeProject) -> None:
    _two_runs(project)
    status = project.status("o1")
    assert list(status) == STATUS.split()
    assert (status["input"], status["output"]) == ({"item": "tea", "count": 2}, {"total": 11})
    assert status["code_hash"].startswith("sha256:")
    price, tax = status["steps"]
    assert list(price) == STEP.split()
    assert (price["type"], price["rpc_name"], price["queue"]) == ("rpc", "orders.price", "workflow-order-price")
    assert (price["description"], price["status"], price["attempts"]) == ("Price it", "completed", 1)
    assert (price["input"], price["output"]) == ({"item": "tea", "count": 2}, 10)
    assert (tax["type"], tax["rpc_name"], tax["queue"], tax["output"]) == ("inline", None, None, 11)
    assert TIME.fullmatch(price["finished_at"])


def test_status_for_people_shows_the_run_and_its_steps(project: RuntimeProject) -> None:
    _two_runs(project)
    lines = project("status", "f1").out.splitlines()
    shown = {line.split()[0]: " ".join(line.split()[1:]) for line in lines if line}
    assert (shown["workflow"], shown["status"]) == ("failing", "failed")
    assert shown["error"].startswith("StepFailedError: step 'charge' failed after 2 attempts")
    assert shown["charge"].startswith("rpc orders.charge failed 2 ")
    assert shown["prepare"].startswith("inline completed 1 ")


def test_status_says_what_a_run_waits_for_and_that_nobody_serves_it(project: RuntimeProject) -> None:
    project.start("patient", "p1")
    assert "waits for  a worker, and none is alive" in project("status", "p1").out
    with project.running("worker", "--drain", "0") as worker:
        project.wait_for_file("waiting")
        running = project("status", "p1").out
        assert re.search(r"waits for +step wait on queue workflow-patient-wait: runs on \S+ since", running)
        worker.stop()
    assert "workflow-patient-wait: no worker serves it" in project("status", "p1").out
    assert project.status("p1")["waits_for"] == ["wait"]
    assert project("runs", "--json").json["runs"][0]["waits_for"] == ["wait"]


def test_a_run_is_named_by_a_unique_prefix(project: RuntimeProject) -> None:
    for run_id in ("alpha-1", "alpha-2", "beta"):
        project.start("order", run_id, "--input", ORDER)
    assert project.status("be")["run_id"] == "beta"
    ambiguous = project("status", "alpha")
    assert (ambiguous.code, ambiguous.error) == (2, "'alpha' is the beginning of several runs: say more of the id")
    assert {"  alpha-1", "  alpha-2"} <= set(ambiguous.err.splitlines())


def test_an_id_that_is_the_beginning_of_another_names_its_own_run(project: RuntimeProject) -> None:
    for run_id in ("a", "ab"):
        project.start("order", run_id, "--input", ORDER)
    assert project.status("a")["run_id"] == "a"


def test_events_are_shown_in_order(project: RuntimeProject) -> None:
    _two_runs(project)
    types = [event["type"] for event in project("status", "f1", "--events", "--json").json["events"]]
    assert (types[0], types[-1], types.count("step.retried")) == ("run.created", "run.failed", 1)
    assert "step.retried" in project("status", "f1", "--events").out


def test_watching_ends_with_the_run(project: RuntimeProject) -> None:
    project.start("patient", "p1")
    with project.running("worker") as worker, project.running("status", "p1", "--watch", "--json") as watch:
        project.wait_for_file("waiting")
        project.touch("go")
        ended = watch.end()
        worker.stop()
    shown = [json.loads(line)["status"] for line in ended.out.splitlines()]
    assert (ended.code, shown[-1]) == (0, "completed")


def test_runs_can_be_read_when_the_code_cannot_be_imported(project: RuntimeProject) -> None:
    _two_runs(project)
    (project.root / "app/workflows.py").write_text("def (")
    assert project("runs").out == "f1\no1\n"
    assert project.status("o1")["status"] == "completed"

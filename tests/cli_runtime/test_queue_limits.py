"""Limits of values that `[tool.pyflow]` sets for a queue hold for the steps of that queue, and for no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_project import ORDER

if TYPE_CHECKING:
    from runtime_project import RuntimeProject

QUEUES = """[tool.pyflow]
queues."workflow-reporting-small" = { inline_max = "64 KiB" }
queues."workflow-reporting-l*" = { hard_max = "50 KB" }
queues."workflow-order-price" = { strict = true }
"""


def places(project: RuntimeProject, run_id: str) -> set[str]:
    listed = project("payload", "ls", run_id, "--json").json
    return {f"{row['step_name']} {row['slot']}" for row in listed["payloads"]}


def test_limits_of_a_queue_hold_for_its_steps_alone(project: RuntimeProject) -> None:
    project.start("reporting", "plain", "--input", "3")
    project.start("order", "plain-order", "--input", ORDER)
    assert project("worker", "--once").code == 0
    assert {"small output", "large output"} <= places(project, "plain")
    assert places(project, "plain-order") == set()

    project.edit("pyproject.toml", "[tool.pyflow]", QUEUES)
    assert project("generate").code == 0
    project.start("reporting", "limited", "--input", "3")
    project.start("order", "limited-order", "--input", ORDER)
    assert project("worker", "--once").code == 0
    assert places(project, "limited") == {"report output", "report file-table.bin"}
    assert places(project, "limited-order") == {"price input", "price output"}
    status = project.status("limited")
    steps = {step["step_name"]: step for step in status["steps"]}
    assert (status["status"], steps["small"]["status"]) == ("failed", "completed")
    assert (steps["large"]["error"]["code"], steps["large"]["attempts"]) == ("payload_too_large", 1)
    assert project.status("limited-order")["output"] == {"total": 11}

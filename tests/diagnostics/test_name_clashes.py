"""Names that would meet in generated code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic


def _inspect(
    root: Path, *, rpcs: list[str] | None = None, flows: dict[str, list[str]] | None = None
) -> list[Diagnostic]:
    lines = ["from pyflow_core import wire_rpc, wire_workflow"]
    for number, name in enumerate(["r", *(rpcs or [])]):
        lines += [f"@wire_rpc({name!r})", f"async def rpc{number}(data: str) -> None: ..."]
    for number, (name, steps) in enumerate((flows or {}).items()):
        lines += [f"@wire_workflow({name!r})", f"async def flow{number}(data: str, *, workflow) -> None:", "    pass"]
        lines += [f'    await workflow.do({step}, "r", data, description="x")' for step in steps]
    (root / "flows.py").write_text("\n".join(lines), encoding="utf-8")
    found = inspect_project(InspectorSettings(root=root, source=root, name="x")).diagnostics
    assert {one.code for one in found} <= {"PF106"}
    return list(found)


@pytest.mark.parametrize(
    ("flows", "message"),
    [
        (
            {"sign-up": [], "sign_up": []},
            "workflow 'sign_up' and workflow 'sign-up' (flows.py:4:16) both give the module 'sign_up'",
        ),
        ({"orders": ['"a-b"', '"aB"']}, "both give the class 'OrdersAB'"),
        ({"orders": ['f"x-{data}"', '"xEach"']}, "both give the class 'OrdersXEach'"),
        ({"orders": ['"orchestrator"']}, "both give the queue 'workflow-orders-orchestrator'"),
        ({"a": ['"b-c"'], "a-b": ['"c"']}, "step 'c' of workflow 'a-b' and step 'b-c' of workflow 'a'"),
        ({"a": ['"b"'], "a-b": []}, "both give the class 'AB'"),
    ],
)
def test_workflows_and_steps_that_meet_are_reported(tmp_path: Path, flows: dict[str, list[str]], message: str) -> None:
    found = _inspect(tmp_path, flows=flows)
    assert any(message in one.message for one in found), found


@pytest.mark.parametrize("name", ["rpcs", "blocking", "workers", "docs", "connect", "workflows"])
def test_a_workflow_may_not_take_a_name_of_the_generated_package(tmp_path: Path, name: str) -> None:
    (finding,) = _inspect(tmp_path, flows={name: []})
    assert finding.message == f"workflow {name!r} would overwrite {name!r} of the generated package"


@pytest.mark.parametrize(
    ("rpcs", "reference"),
    [
        (["users", "users.create"], "rpcs.users"),
        (["users.create", "users"], "rpcs.users"),
        (["users.create.fast", "users.create"], "rpcs.users.create"),
        (["user-x.create", "user_x.delete"], "rpcs.user_x"),
        (["a.b-c", "a.b_c"], "rpcs.a.b_c"),
        (["a.class", "a.class_"], "rpcs.a.class_"),
    ],
)
def test_references_that_meet_are_reported_at_the_later_rpc(tmp_path: Path, rpcs: list[str], reference: str) -> None:
    (finding,) = _inspect(tmp_path, rpcs=rpcs)
    assert finding.message.startswith(f"RPC {rpcs[1]!r} and RPC {rpcs[0]!r} (flows.py:4:11)")
    assert finding.message.endswith(f"both give the reference '{reference}'")


def test_names_that_only_look_alike_are_fine(tmp_path: Path) -> None:
    flows = {"orders": ['"a"', '"b"', 'f"a-{data}"'], "users": ['"a"', '"b"']}
    assert _inspect(tmp_path, rpcs=["users.create", "users.delete", "orders", "users2"], flows=flows) == []


def test_one_name_at_several_places_of_a_workflow_is_no_clash(tmp_path: Path) -> None:
    assert _inspect(tmp_path, flows={"orders": ['f"x-{data}"', 'f"x-{data[0]}"']}) == []

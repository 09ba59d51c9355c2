from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cli_sample import metadata, onboarding, rpc, step, workflow

from pyflow_cli.codegen.clash import find_clashes

if TYPE_CHECKING:
    from pyflow_core.metadata import Metadata


def messages(source: Metadata) -> list[str]:
    found = find_clashes(source)
    assert all((item.code, item.severity) == ("PF106", "error") for item in found)
    return [item.message for item in found]


def test_a_project_without_clashes_has_none() -> None:
    assert messages(onboarding()) == []


def test_two_workflows_that_become_one_module_are_refused() -> None:
    assert messages(metadata((workflow("a.b", worker="AB1"), workflow("a-b", worker="AB2")))) == [
        "workflows 'a.b' and 'a-b' would both become 'a_b'"
    ]


def test_two_workflows_whose_clients_have_one_name_are_refused() -> None:
    found = messages(metadata((workflow("a_1"), workflow("a1"))))
    assert "workflows 'a_1' and 'a1' would both become 'A1Client'" in found


@pytest.mark.parametrize("name", ["rpcs", "workers", "blocking", "connect", "workflows"])
def test_a_workflow_that_hides_a_module_of_the_package_is_refused(name: str) -> None:
    assert "which the generated package needs itself" in messages(metadata((workflow(name),)))[0]


def test_a_step_and_a_workflow_whose_workers_have_one_name_are_refused() -> None:
    source = metadata((workflow("a", step("b", "x.y", workflow="a")), workflow("a.b")))
    assert messages(source) == [
        "the workers of workflow-a-b and of workflow-a.b-orchestrator would both be called 'AB'"
    ]


def test_steps_that_differ_only_in_signs_are_refused() -> None:
    source = metadata((workflow("w", step("pay-card", "x.y", workflow="w"), step("payCard", "x.y", workflow="w")),))
    assert len(messages(source)) == 1


def test_a_workflow_called_like_the_map_of_workers_is_refused() -> None:
    assert messages(metadata((workflow("w-o-r-k-e-r-s"),)))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("users", "users.create"), "'users' is an RPC, and cannot be the first part of 'users.create' too"),
        (("a.b-c", "a.b_c"), "RPC names 'a.b-c' and 'a.b_c' would both become `rpcs.a.b_c`"),
        (("a-b.x", "a_b.y"), "RPC names 'a-b' and 'a_b' would both become `rpcs.a_b`"),
        (("import", "import_"), "RPC names 'import' and 'import_' would both become `rpcs.import_`"),
    ],
)
def test_rpcs_that_become_one_reference_are_refused(names: tuple[str, ...], message: str) -> None:
    assert messages(metadata((), tuple(rpc(name) for name in names))) == [message]

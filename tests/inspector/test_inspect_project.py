"""A whole project: the metadata that everything else is made of."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
import weakref
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyflow_core.metadata import applicable
from pyflow_inspector import InspectorSettings, inspect_project
from pyflow_inspector.project import Module, Modules
from pyflow_inspector.reading import read_unit
from pyflow_inspector.source import SourceIndex, find_sources

if TYPE_CHECKING:
    from pyflow_core.metadata import Metadata

PROJECT = Path(__file__).parent / "projects" / "onboarding"


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    services = "app.services:create_services"
    return inspect_project(InspectorSettings(root=PROJECT, source=PROJECT, name="shop", services=services))


def test_the_json_form_has_every_field_of_every_dataclass(metadata: Metadata) -> None:
    document = metadata.to_json()
    expected = asdict(metadata)
    for rpc in expected["rpcs"]:
        rpc["async"] = rpc.pop("is_async")
    for workflow in expected["workflows"]:
        workflow["graph"]["nodes"] = [applicable(node) for node in workflow["graph"]["nodes"]]
    assert document == expected
    document["workflows"][0]["docs"]["tags"].append("another")
    assert "another" not in metadata.workflows[0].docs["tags"]


def test_the_workflow_is_described_in_full(metadata: Metadata) -> None:
    (workflow,) = metadata.to_json()["workflows"]
    steps = workflow.pop("steps")
    graph = workflow.pop("graph")
    module = "app.workflows.onboarding"
    assert workflow.pop("hash").startswith("sha256:")
    assert workflow == {
        "name": "onboarding",
        "description": "Onboards a new user with email verification",
        "execution_mode": "remote",
        "tags": ("onboarding",),
        "docs": {"summary": "User onboarding workflow", "description": None, "tags": ["onboarding"]},
        "func": f"{module}:onboarding",
        "module": "onboarding",
        "worker": "Onboarding",
        "queue": "workflow-onboarding-orchestrator",
        "input": {"text": "OnboardingInput", "refs": {"OnboardingInput": f"{module}:OnboardingInput"}},
        "output": {"text": "OnboardingOutput", "refs": {"OnboardingOutput": f"{module}:OnboardingOutput"}},
        "services": tuple(
            {"name": name, "builtin": True, "optional": False, "type": None} for name in ("logger", "rpc", "workflow")
        ),
        "middleware": ("app.middleware:audit",),
        "permissions": (),
        "span": {
            "file": "app/workflows/onboarding.py", "line": 34, "column": 1, "end_line": 43, "end_column": 78,
        },
        "invokes": ("settings.get",),
        "input_optional": False,
    }  # fmt: skip
    assert [step["id"] for step in steps] == ["createUser", "calculateTaxRate", "notify-*", "charge", "find"]
    assert [node["id"] for node in graph["nodes"]] == [
        "start", "createUser", "calculateTaxRate", "parallel:1", "notify-*", "parallel:2", "charge", "find",
        "invoke:settings.get", "end",
    ]  # fmt: skip


def test_the_graph_is_described_in_full(metadata: Metadata) -> None:
    graph = metadata.to_json()["workflows"][0]["graph"]
    nodes = {node["id"]: node for node in graph["nodes"]}
    for node in graph["nodes"]:
        assert (node["hash"] is None) == (node["span"] is None) == (node["kind"] in {"start", "end"})
        node.pop("hash")
        node.pop("span")
    assert nodes["start"] == {"id": "start", "kind": "start", "parent": None, "arm": None, "label": "start"}
    assert nodes["createUser"] == {
        "id": "createUser", "kind": "rpc", "parent": None, "arm": None, "label": "createUser", "step": "createUser",
    }  # fmt: skip
    assert nodes["parallel:1"] == {
        "id": "parallel:1", "kind": "parallel", "parent": None, "arm": None, "label": "asyncio.gather",
        "over": "data.channels", "join": "all",
    }  # fmt: skip
    assert nodes["notify-*"] == {
        "id": "notify-*", "kind": "rpc", "parent": "parallel:1", "arm": "each", "label": "notify-*",
        "step": "notify-*",
    }  # fmt: skip
    assert list(graph["edges"][:4]) == [
        {"source": "start", "target": "createUser", "kind": "next", "label": None},
        {"source": "createUser", "target": "calculateTaxRate", "kind": "next", "label": None},
        {"source": "calculateTaxRate", "target": "parallel:1", "kind": "next", "label": None},
        {"source": "parallel:1", "target": "parallel:2", "kind": "next", "label": None},
    ]


def test_the_steps_are_described_in_full(metadata: Metadata) -> None:
    steps = metadata.to_json()["workflows"][0]["steps"]
    for step in steps:
        assert step.pop("hash").startswith("sha256:")
    common = {"pattern": None, "options": {}, "description": None, "repeated": False, "optional": False, "via": ()}
    file = "app/workflows/onboarding.py"
    assert steps[0] == {
        **common, "id": "createUser", "type": "rpc", "step_name": "createUser", "rpc_name": "users.create",
        "description": "Create account", "queue": "workflow-onboarding-createUser", "worker": "OnboardingCreateUser",
        "uses": (), "span": {"file": file, "line": 35, "column": 18, "end_line": 35, "end_column": 119},
    }  # fmt: skip
    assert steps[1] == {
        **common, "id": "calculateTaxRate", "type": "inline", "step_name": "calculateTaxRate", "rpc_name": None,
        "queue": None, "worker": None, "uses": ("createUser",),
        "span": {"file": file, "line": 36, "column": 17, "end_line": 36, "end_column": 94},
    }  # fmt: skip
    assert steps[2] == {
        **common, "id": "notify-*", "type": "rpc", "step_name": "<dynamic>", "pattern": "notify-*",
        "rpc_name": "notify.send", "queue": "workflow-onboarding-notify-*", "worker": "OnboardingNotifyEach",
        "repeated": True, "uses": (),
        "span": {"file": file, "line": 37, "column": 28, "end_line": 37, "end_column": 88},
    }  # fmt: skip
    assert steps[3]["options"] == {"retries": 5}
    assert [step["uses"] for step in steps[3:]] == [("createUser",), ("createUser",)]


def test_the_rpcs_are_described_in_full(metadata: Metadata) -> None:
    rpcs = {rpc["name"]: rpc for rpc in metadata.to_json()["rpcs"]}
    assert list(rpcs) == ["billing.charge", "lookup.find", "notify.send", "settings.get", "users.create"]
    assert rpcs["users.create"] == {
        "name": "users.create",
        "func": "app.functions:create_user",
        "async": True,
        "input": {"text": "CreateUser", "refs": {"CreateUser": "app.functions:CreateUser"}},
        "output": {"text": "User", "refs": {"User": "app.functions:User"}},
        "services": (
            {
                "name": "db", "builtin": False, "optional": False,
                "type": {"text": "Database", "refs": {"Database": "app.services:Database"}},
            },
        ),
        "options": {"retries": 3, "timeout": 30.0},
        "span": {"file": "app/functions.py", "line": 45, "column": 1, "end_line": 46, "end_column": 84},
        "description": None,
        "input_optional": False,
    }  # fmt: skip
    assert rpcs["settings.get"]["input"] is None
    assert rpcs["settings.get"]["output"] == {"text": "dict[str, str]", "refs": {}}
    assert rpcs["notify.send"]["output"] == {"text": "None", "refs": {}}
    assert rpcs["lookup.find"]["async"] is False


def test_the_only_finding_is_the_step_without_a_description(metadata: Metadata) -> None:
    assert [(one.code, one.line, one.column, one.end_column) for one in metadata.diagnostics] == [("PF101", 37, 40, 53)]


def test_the_project_is_named_without_machine_paths(metadata: Metadata) -> None:
    assert metadata.to_json()["project"] == {
        "name": "shop",
        "root": ".",
        "package": "pyflow_gen",
        "services": "app.services:create_services",
    }
    assert str(PROJECT.parent) not in json.dumps(metadata.to_json())


def test_another_place_on_disk_gives_the_same_metadata(metadata: Metadata, tmp_path: Path) -> None:
    shutil.copytree(PROJECT, tmp_path / "elsewhere")
    root = tmp_path / "elsewhere"
    again = inspect_project(
        InspectorSettings(root=root, source=root, name="shop", services="app.services:create_services")
    )
    assert json.dumps(again.to_json()) == json.dumps(metadata.to_json())


@pytest.mark.parametrize("project", [PROJECT, PROJECT.with_name("turns")], ids=lambda path: path.name)
def test_the_order_of_everything_is_the_same_in_every_process(project: Path) -> None:
    code = (
        "import json, sys, pyflow_inspector as p; from pathlib import Path\n"
        "root = Path(sys.argv[1])\n"
        "print(json.dumps(p.inspect_project(p.InspectorSettings(root=root, source=root, name='x')).to_json()))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, str(project)],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1


def test_the_source_is_neither_imported_nor_is_libcst_imported_early() -> None:
    code = (
        "import sys, pyflow_inspector as p; from pathlib import Path\n"
        "assert 'libcst' not in sys.modules\n"
        "root = Path(sys.argv[1])\n"
        "p.inspect_project(p.InspectorSettings(root=root, source=root, name='x'))\n"
        "assert not any(name == 'app' or name.startswith('app.') for name in sys.modules)\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(PROJECT)], check=True)


@pytest.mark.parametrize(
    ("imported", "heavy"),
    [
        ("pyflow_inspector.reader_pool", "libcst"),
        ("pyflow_inspector.inspecting", "pyflow_inspector.rules"),
        ("pyflow_core.metadata", "pyflow_core.wiring"),
    ],
)
def test_what_a_quick_check_imports_leaves_out_what_takes_long(imported: str, heavy: str) -> None:
    code = f"import sys, {imported}; sys.exit({heavy!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_noted_of_a_module_does_not_hold_it() -> None:
    settings = InspectorSettings(root=PROJECT, source=PROJECT, name="x")
    modules = Modules(SourceIndex(find_sources(settings)))
    for unit in modules.index.sources:
        read_unit(settings, modules, unit)
    kept = [modules.parse(source) for source in modules.index.sources.values()]
    noted = [weakref.ref(module) for module in kept if isinstance(module, Module) and module.notes]
    gc.collect()
    gc.disable()
    try:
        del modules, kept
        assert noted
        assert [module() for module in noted if module() is not None] == []
    finally:
        gc.enable()

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cli_sample import metadata, model, onboarding, rpc, settings, step, type_of, workflow
from whole_package import render_package, render_python

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def assert_clean(folder: Path) -> None:
    for arguments in (["format", "--diff"], ["check", "--select", "E,F,I,UP,W", "--output-format", "concise"]):
        command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", "."]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


def classes(text: str) -> list[str]:
    return [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]


EVERY_NAME = metadata(
    (
        workflow("ping", input=None, output=None),
        workflow("arq-workers", step("each", "list.all", workflow="arq-workers"), output=type_of("list[str]")),
        workflow("final", step("*", "<dynamic>", workflow="final"), input=type_of("int")),
        workflow("index"),
        workflow("billing.v2", *(step(f"s{n}-*", "a.b.c", workflow="billing.v2") for n in range(3))),
    ),
    (
        rpc("list.all", None, type_of("list[str]")),
        rpc("a.b.c", type_of("list[int]"), type_of("dict[str, list[int]]")),
        rpc("a.b.import", model("M", "very.long.package.name.of.a.big.company.domain.models.for_everything")),
        rpc("a.class.lambda"),
        rpc("ping", type_of("int"), type_of("int")),
        rpc("under_score.with-hyphen"),
        rpc("x" * 150 + ".y", model("Z" * 90), model("Y" * 70)),
    ),
)


@pytest.mark.parametrize("source", [onboarding(), EVERY_NAME, metadata()], ids=["onboarding", "names", "empty"])
def test_every_file_is_canonical_and_lint_free(source: Metadata, tmp_path: Path) -> None:
    write(tmp_path / "gen", render_package(source, settings(package="gen"), docs=True))
    assert_clean(tmp_path)


def test_generating_twice_gives_the_same_bytes() -> None:
    assert render_package(onboarding(), settings(), docs=True) == render_package(onboarding(), settings(), docs=True)


def test_no_file_holds_a_time_or_a_machine() -> None:
    everything = "".join(render_package(onboarding(), settings(), docs=True).values())
    assert "/project" not in everything


def test_importing_the_package_imports_no_module_of_the_user() -> None:
    for name, text in render_python(onboarding(), settings()).items():
        tree = ast.parse(text)
        imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
        modules += [node.module or "" for node in imports if isinstance(node, ast.ImportFrom) and not node.level]
        assert not [module for module in modules if module.startswith("app")], name


def test_do_has_an_overload_for_each_rpc_of_the_workflow_and_three_more() -> None:
    text = render_python(onboarding(), settings())["onboarding.py"]
    protocol = next(node for node in ast.parse(text).body if isinstance(node, ast.ClassDef) and node.name == "Workflow")
    functions = [node for node in protocol.body if isinstance(node, ast.AsyncFunctionDef)]
    assert len(functions) == 5 + 3
    assert all(ast.unparse(node.decorator_list[0]) == "overload" for node in functions)
    literals = [ast.unparse(node.args.posonlyargs[2].annotation or node) for node in functions[:5]]
    assert literals == [
        f"Literal['{name}']"
        for name in ("users.create", "notify.send", "billing.charge", "lookup.find", "settings.get")
    ]


def test_an_rpc_protocol_with_one_signature_is_no_overload() -> None:
    text = render_python(metadata((workflow("ping", input=None),)), settings())["ping.py"]
    assert "async def invoke(self, call: RpcCall[R], /) -> R: ..." in text
    assert text.count("@overload") == 3
    assert "Literal" not in text


def test_a_dynamic_rpc_name_brings_the_overloads_of_all() -> None:
    text = render_python(EVERY_NAME, settings())["final.py"]
    assert all(f'"{item.name}"' in text for item in EVERY_NAME.rpcs)


def test_a_workflow_without_input_is_started_without_data() -> None:
    text = render_python(metadata((workflow("ping", input=None, output=None),)), settings())["__init__.py"]
    start = text[text.index("async def start") : text.index("async def run")]
    assert "data" not in start
    assert 'return await client.start("ping", run_id=run_id, tags=tags, actor=actor)' in start


def test_names_of_rpcs_become_namespaces_of_any_depth(tmp_path: Path) -> None:
    write(tmp_path, {"rpcs.py": render_python(EVERY_NAME, settings())["rpcs.py"]})
    code = (
        "import rpcs\n"
        "print(rpcs.a.b.c.rpc_name, rpcs.a.b.import_.rpc_name, rpcs.a.class_.lambda_.rpc_name, rpcs.ping.rpc_name,"
        " rpcs.list.all.rpc_name, rpcs.under_score.with_hyphen.rpc_name)"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.split() == [
        *("a.b.c", "a.b.import", "a.class.lambda", "ping", "list.all", "under_score.with-hyphen")
    ]


def test_a_builtin_that_an_rpc_is_named_like_still_means_itself() -> None:
    assert "_builtins.list[str]" in render_python(EVERY_NAME, settings())["rpcs.py"]


def test_workers_are_flat_classes_one_for_each_queue() -> None:
    text = render_python(onboarding(), settings())["workers.py"]
    names = ["Onboarding", "OnboardingCreateUser", "OnboardingNotifyEach", "OnboardingCharge", "OnboardingFind"]
    assert classes(text) == [*names, "OnboardingEach"]
    assert all(not node.bases for node in ast.parse(text).body if isinstance(node, ast.ClassDef))
    assert '@_workers.serves_step("onboarding", "notify-*")\nclass OnboardingNotifyEach:' in text
    assert 'queue_name = "workflow-onboarding-notify-*"' in text


def test_steps_that_share_a_name_share_a_worker() -> None:
    steps = (step("pay", "a.pay"), step("pay", "a.pay", id="pay#2"))
    text = render_python(metadata((workflow("onboarding", *steps),), (rpc("a.pay"),)), settings())["workers.py"]
    assert classes(text).count("OnboardingPay") == 1


def test_the_worker_of_unforeseen_steps_gives_way_to_a_step_of_its_name() -> None:
    text = render_python(metadata((workflow("w", step("each", "a.b", workflow="w")),), (rpc("a.b"),)), settings())
    assert classes(text["workers.py"]) == ["W", "WEach", "WEach2"]


@pytest.mark.parametrize(
    ("source", "package", "levels"),
    [(".", "pyflow_gen", 1), ("src", "shop.pyflow_gen", 3), ("lib/python", "a.b.c", 5)],
)
def test_the_root_is_counted_from_the_file(source: str, package: str, levels: int) -> None:
    text = render_python(onboarding(), settings(source=source, package=package))["_project.py"]
    assert f"root=Path(__file__).resolve().parents[{levels}]," in text


def test_the_plan_lists_rpc_steps_in_order_and_once() -> None:
    steps = (step("b", "x.y"), step("inline"), step("a-*", "x.y"), step("b", "x.y", id="b#2"))
    text = render_python(metadata((workflow("onboarding", *steps),), (rpc("x.y"),)), settings())["_project.py"]
    assert 'steps=("b", "a-*")' in text


def test_settings_of_the_running_side_are_written_and_no_others() -> None:
    given: Settings = settings(timeout=30.0, exclude=("legacy",), queues={"workflow-a-*": {"concurrency": 2}})
    text = render_python(onboarding(), given)["_project.py"]
    assert '"timeout": 30.0' in text
    assert '"queues": {"workflow-a-*": {"concurrency": 2}}' in text
    assert "legacy" not in text


def test_services_are_checked_by_calls_that_never_run() -> None:
    text = render_python(onboarding(), settings())["_services.py"]
    assert "return _app_functions.rpc_users_create(data, db=services.db)" in text
    assert all(isinstance(node, ast.ImportFrom | ast.If) for node in ast.parse(text).body)
    second = render_python(onboarding(), settings(step_services="app.services:per_step"))["_services.py"]
    assert "services.db" not in second

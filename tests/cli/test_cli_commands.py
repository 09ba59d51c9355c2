from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Pyflow

APP = """
from __future__ import annotations

from pyflow_core import wire_rpc, wire_workflow


@wire_rpc("users.create")
async def create_user(data: str) -> int:
    return 1


@wire_workflow("onboarding", description="Onboards")
async def onboarding(data: str, *, workflow) -> int:
    return await workflow.do("createUser", "users.create", data)


@wire_workflow("ping")
async def ping(*, workflow) -> None: ...
"""
DYNAMIC = APP.replace('"createUser"', 'f"{data}"')
BROKEN = APP.replace('"users.create", data', '"users.creat", data')


def write(project: Path, text: str = APP, settings: str = "") -> Path:
    (project / "app.py").write_text(text)
    (project / "pyproject.toml").write_text(f'[project]\nname = "shop"\n\n[tool.pyflow]\n{settings}')
    return project


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


# --- generate


def test_generate_writes_once_and_is_up_to_date_then(pyflow: Pyflow, project: Path) -> None:
    write(project)
    first = pyflow("generate")
    assert (first.code, first.out, first.err) == (0, "", "pyflow_gen: wrote 15, removed 0\n")
    assert pyflow("generate").err == "pyflow_gen is up to date\n"
    assert pyflow("generate", "--check").code == 0


def test_check_names_what_is_out_of_date_and_writes_nothing(pyflow: Pyflow, project: Path) -> None:
    write(project)
    pyflow("generate")
    before = tree(project)
    write(project, APP.replace("-> int:", "-> str:"))
    stale = pyflow("generate", "--check")
    assert (stale.code, stale.out) == (1, "")
    assert "out of date: pyflow_gen/onboarding.py" in stale.err
    assert "error: pyflow_gen is out of date\nhelp: pyflow generate\n" in stale.err
    after = tree(project)
    assert {path: text for path, text in after.items() if "pyflow_gen" in path} == {
        path: text for path, text in before.items() if "pyflow_gen" in path
    }


def test_diff_prints_the_difference(pyflow: Pyflow, project: Path) -> None:
    write(project)
    pyflow("generate")
    write(project, APP.replace('"ping"', '"pong"'))
    shown = pyflow("generate", "--diff")
    assert shown.code == 1
    assert "--- a/pyflow_gen/ping.py\n+++ /dev/null\n" in shown.out
    assert "--- /dev/null\n+++ b/pyflow_gen/pong.py\n" in shown.out
    assert (project / "pyflow_gen" / "ping.py").exists()


def test_a_workflow_that_is_gone_takes_its_files_along(pyflow: Pyflow, project: Path) -> None:
    write(project)
    pyflow("generate")
    write(project, APP.replace('"ping"', '"pong"'))
    pyflow("generate")
    assert not (project / "pyflow_gen" / "ping.py").exists()
    assert not (project / "pyflow_gen" / "docs" / "ping.md").exists()


def test_no_docs_leaves_the_pages_alone(pyflow: Pyflow, project: Path) -> None:
    write(project)
    pyflow("generate", "--no-docs")
    assert not (project / "pyflow_gen" / "docs").exists()
    pyflow("generate")
    page = project / "pyflow_gen" / "docs" / "ping.md"
    page.write_text(page.read_text() + "x")
    assert pyflow("generate", "--no-docs", "--check").code == 0
    assert pyflow("generate", "--check").code == 1


def test_docs_switched_off_are_removed(pyflow: Pyflow, project: Path) -> None:
    write(project)
    pyflow("generate")
    write(project, settings="docs = false\n")
    pyflow("generate")
    assert not (project / "pyflow_gen" / "docs").exists()


def test_an_error_stops_before_anything_is_written(pyflow: Pyflow, project: Path) -> None:
    write(project)
    pyflow("generate")
    before = tree(project / "pyflow_gen")
    write(project, BROKEN)
    refused = pyflow("generate")
    assert (refused.code, refused.out) == (1, "")
    assert "PF201" in refused.err
    assert refused.err.splitlines()[-1] == "error: nothing was generated: 1 error"
    assert tree(project / "pyflow_gen") == before


def test_a_finding_that_was_switched_off_does_not_stop(pyflow: Pyflow, project: Path) -> None:
    write(project, BROKEN, 'rules = { PF201 = "warning" }\n')
    assert pyflow("generate").code == 0


def test_a_clash_stops_even_where_its_finding_is_switched_off(pyflow: Pyflow, project: Path) -> None:
    write(project, APP.replace('"ping"', '"rpcs"'), 'rules = { PF106 = "off" }\n')
    refused = pyflow("generate")
    assert refused.code == 1
    assert not (project / "pyflow_gen").exists()


def test_the_environment_does_not_get_into_the_files(
    pyflow: Pyflow, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(project)
    monkeypatch.setenv("PYFLOW_STATE", "postgresql://user:hunter2@host/db")
    pyflow("generate")
    assert "hunter2" not in "".join(tree(project).values())


def test_a_project_without_workflows_gets_an_empty_package(pyflow: Pyflow, project: Path) -> None:
    ended = pyflow("generate")
    assert ended.code == 0
    assert ended.err.startswith("warning: no workflow was found in ")


def test_a_missing_source_folder_is_named(pyflow: Pyflow, project: Path) -> None:
    write(project, settings='source = "lib"\n')
    assert "the source folder" in pyflow("generate").err


def test_a_package_of_the_user_is_not_overwritten(pyflow: Pyflow, project: Path) -> None:
    write(project, settings='package = "shop"\n')
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").write_text("mine = 1\n")
    refused = pyflow("generate")
    assert refused.code == 2
    assert (project / "shop" / "__init__.py").read_text() == "mine = 1\n"


def test_json_lists_the_files(pyflow: Pyflow, project: Path) -> None:
    write(project)
    document = json.loads(pyflow("generate", "--check", "--json").out)
    assert (document["written"], "onboarding.py" in document["changed"]) == (False, True)
    assert json.loads(pyflow("generate", "--json").out)["written"] is True


# --- inspect


def test_inspect_shows_steps_and_queues(pyflow: Pyflow, project: Path) -> None:
    write(project)
    shown = pyflow("inspect", "onboarding")
    assert shown.out.splitlines() == [
        "onboarding  Onboards",
        "  app:onboarding  (app.py:13)",
        "  str -> int",
        "  queue workflow-onboarding-orchestrator",
        "    createUser  rpc     users.create  queue workflow-onboarding-createUser",
        "",
        "RPCs",
        "  users.create  app:create_user",
    ]


@pytest.mark.parametrize("arguments", [["--json"], ["--format", "json"]])
def test_inspect_prints_the_metadata_as_json(pyflow: Pyflow, project: Path, arguments: list[str]) -> None:
    write(project)
    document = json.loads(pyflow("inspect", *arguments).out)
    assert next(iter(document)) == "version"
    assert [item["name"] for item in document["workflows"]] == ["onboarding", "ping"]
    one = json.loads(pyflow("inspect", "ping", *arguments).out)
    assert ([item["name"] for item in one["workflows"]], one["rpcs"]) == (["ping"], [])


def test_inspect_draws_a_diagram(pyflow: Pyflow, project: Path) -> None:
    write(project)
    assert pyflow("inspect", "onboarding", "--format", "mermaid").out.startswith("%% onboarding\nflowchart TD\n")


def test_inspect_of_an_unknown_workflow_names_the_nearest(pyflow: Pyflow, project: Path) -> None:
    write(project)
    ended = pyflow("inspect", "onbording")
    assert (ended.code, ended.out) == (3, "")
    assert "did you mean 'onboarding'?" in ended.err


# --- check


def test_check_is_content_with_a_good_project(pyflow: Pyflow, project: Path) -> None:
    write(project)
    ended = pyflow("check")
    assert (ended.code, ended.out, ended.err) == (0, "", "no findings in 2 workflows and 1 RPC\n")


def test_check_says_no_for_an_error_and_shows_it(pyflow: Pyflow, project: Path) -> None:
    write(project, BROKEN)
    ended = pyflow("check")
    assert ended.code == 1
    assert "error[PF201]" in ended.out
    assert ended.err == "1 error\n"


@pytest.mark.parametrize(
    ("arguments", "settings", "code"),
    [
        ([], "", 0),
        (["--fail-on", "warning"], "", 1),
        (["--fail-on", "info"], "", 1),
        ([], 'fail_on = "warning"\n', 1),
        (["--fail-on", "never"], 'fail_on = "warning"\n', 0),
        ([], 'rules = { PF101 = "error" }\n', 1),
        ([], 'rules = { PF1 = "error", PF101 = "info" }\n', 0),
        ([], 'rules = { PF101 = "error" }\nper-file-rules."*.py" = { PF1 = "off" }\n', 0),
        (["--fail-on", "warning", "--ignore", "PF101"], "", 0),
        (["--fail-on", "warning", "--ignore", "pf2,PF1"], "", 0),
        (["--fail-on", "warning", "--select", "PF2"], "", 0),
    ],
)
def test_what_fails_is_the_users_choice(
    pyflow: Pyflow, project: Path, arguments: list[str], settings: str, code: int
) -> None:
    write(project, DYNAMIC, settings)
    assert pyflow("check", *arguments).code == code


def test_check_of_paths_leaves_out_the_others(pyflow: Pyflow, project: Path) -> None:
    write(project, BROKEN)
    (project / "other").mkdir()
    assert pyflow("check", "other").code == 0
    assert pyflow("check", "app.py").code == 1
    assert pyflow("check", ".").code == 1
    assert "there is no file or folder" in pyflow("check", "missing.py").err
    assert "is not in the project" in pyflow("check", "/").err


@pytest.mark.parametrize(
    ("form", "sign"),
    [
        ("text", "error[PF201]"),
        ("json", '"code": "PF201"'),
        ("github", "::error file=app.py,line="),
        ("sarif", '"ruleId": "PF201"'),
    ],
)
def test_each_format_goes_to_standard_output_and_changes_no_exit_code(
    pyflow: Pyflow, project: Path, form: str, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    write(project, BROKEN)
    ended = pyflow("check", "--format", form)
    assert (ended.code, ended.err) == (1, "1 error\n")
    assert sign in ended.out
    write(project)
    assert pyflow("check", "--format", form).code == 0
    assert pyflow("check", "--format", "html").code == 2


@pytest.mark.parametrize("form", ["github", "sarif"])
def test_code_hosts_are_given_paths_of_the_repository(
    pyflow: Pyflow, project: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.parent))
    write(project, BROKEN)
    assert f"{project.name}/app.py" in pyflow("check", "--format", form).out


def test_check_as_json_holds_every_finding(pyflow: Pyflow, project: Path) -> None:
    write(project, BROKEN)
    ended = pyflow("check", "--format", "json")
    assert ended.code == 1
    assert [item["code"] for item in json.loads(ended.out)["diagnostics"]] == ["PF201"]


def test_an_unknown_code_is_refused(pyflow: Pyflow, project: Path) -> None:
    write(project)
    assert pyflow("check", "--select", "E501").err.startswith("error: --select: no finding has the code 'E501'")


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ('rules = { PF110 = "off" }', "rules"),
        ('per-file-rules."old/**" = { PF110 = "off" }', 'per-file-rules."old/**"'),
    ],
)
def test_an_unknown_code_in_the_settings_is_refused_with_the_nearest(
    pyflow: Pyflow, project: Path, setting: str, place: str
) -> None:
    write(project)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace("[tool.pyflow]", f"[tool.pyflow]\n{setting}"))
    for command in ("check", "generate"):
        ended = pyflow(command)
        assert ended.code == 2
        assert f"[tool.pyflow] {place}: no finding has the code 'PF110'; did you mean 'PF" in ended.err


def test_a_wrong_choice_is_told_in_our_words_alone(pyflow: Pyflow, project: Path) -> None:
    write(project)
    assert pyflow("inspect", "--format", "yaml").err.startswith(
        "error: Invalid value for '--format': 'yaml' is not one of 'text', 'json', 'mermaid'."
    )


# --- explain


@pytest.mark.parametrize("code", ["PF101", "pf101", "dynamic-step-name"])
def test_explain_prints_the_documentation_of_a_rule(pyflow: Pyflow, code: str) -> None:
    assert pyflow("explain", code).out.startswith("PF101 dynamic-step-name (warning)\n\n")


def test_explain_shows_what_is_refused_and_what_is_not(pyflow: Pyflow) -> None:
    out = pyflow("explain", "PF203").out
    assert out.startswith("PF203 step-not-awaited (error, mended by --fix)\n\n")
    assert "Refused:\n\n    from pyflow_core" in out and "Accepted:\n\n    import asyncio" in out


def test_explain_as_json(pyflow: Pyflow) -> None:
    document = json.loads(pyflow("explain", "PF101", "--json").out)
    expected = {"version": 1, "code": "PF101", "severity": "warning", "family": "Names and keys", "fixes": None}
    assert expected.items() <= document.items()
    assert document["invalid"][0]["marks"] == ["data"]
    assert "wire_workflow" in document["valid"][0]["files"]["app/example.py"]


def test_explain_of_an_unknown_code_names_the_nearest(pyflow: Pyflow) -> None:
    ended = pyflow("explain", "PF1O1")
    assert ended.code == 2
    assert "did you mean 'PF101'?" in ended.err
    assert "did you mean 'step-not-awaited'?" in pyflow("explain", "not-awaited").err

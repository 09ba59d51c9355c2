"""What a unit says survives JSON, whatever fields the metadata has; only then can it be cached and sent."""

from __future__ import annotations

import gc
import json
import weakref
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyflow_inspector import RULES, InspectorSettings
from pyflow_inspector.plain import NotPlainError, from_plain, to_plain
from pyflow_inspector.project import Module, Modules
from pyflow_inspector.reading import read_unit
from pyflow_inspector.source import SourceIndex, find_sources
from pyflow_inspector.unit import UnitReport, read_rpc, written_rpc

if TYPE_CHECKING:
    from conftest import Bench

PROJECT = Path(__file__).parent / "projects" / "onboarding"


def _units(root: Path, services: str | None = None) -> list[UnitReport]:
    settings = InspectorSettings(root=root, source=root, name="x", services=services)
    modules = Modules(SourceIndex(find_sources(settings)))
    names = [*modules.index.sources, *([services] if services else [])]
    return [read_unit(settings, modules, name) for name in names]


def _there_and_back(report: UnitReport) -> UnitReport:
    return from_plain(UnitReport, json.loads(json.dumps(to_plain(report))))


def test_the_units_of_a_project_survive_json() -> None:
    reports = _units(PROJECT, "app.services:create_services")
    assert any(report.workflows for report in reports)
    assert any(report.rpcs for report in reports)
    assert any(report.findings for report in reports)
    assert any(report.factory for report in reports)
    for report in reports:
        assert _there_and_back(report) == report


@pytest.mark.parametrize("code", RULES)
def test_the_units_of_every_example_survive_json(code: str, bench: Bench) -> None:
    for example in (*RULES[code].valid, *RULES[code].invalid):
        for name, text in example.files().items():
            bench.write(name, text)
    for report in _units(bench.root):
        assert _there_and_back(report) == report


@pytest.mark.parametrize("code", RULES)
def test_the_trees_of_a_module_go_with_it(code: str, bench: Bench) -> None:
    for example in (*RULES[code].valid, *RULES[code].invalid):
        for name, text in example.files().items():
            bench.write(name, text)
    settings = InspectorSettings(root=bench.root, source=bench.root, name="x")
    modules = Modules(SourceIndex(find_sources(settings)))
    gc.disable()
    try:
        for name in modules.index.sources:
            read_unit(settings, modules, name)
        kept = {name: weakref.ref(modules.parse(source)) for name, source in modules.index.sources.items()}
        del modules
        assert [name for name, one in kept.items() if isinstance(one(), Module)] == []
    finally:
        gc.enable()


def test_odd_options_and_names_survive_json(bench: Bench) -> None:
    body = (
        'await workflow.do("a\\ud800\\0", lambda: 1, retries=0x' + "f" * 5000 + ', timeout=1e999, description="é😀")\n'
        'await workflow.do("b", lambda: 1, retry_delay=Backoff(first=1, most=[2, None]), inline_max=-3)'
    )
    bench.workflow(body)
    (report,) = [one for one in _units(bench.root) if one.workflows]
    assert _there_and_back(report) == report
    first, second = report.workflows[0].meta.steps
    assert first.options == {"retries": "<dynamic>", "timeout": float("inf")}
    assert second.options == {"inline_max": -3, "retry_delay": {"first": 1, "most": [2, None]}}


@dataclass(frozen=True)
class Inner:
    word: str
    number: float | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    rows: tuple[Inner, ...]
    table: dict[str, str | None]
    anything: Any
    either: str | int | None
    flag: bool


OUTER = Outer(Inner("a", 1), (Inner("b"), Inner("c", 0.5)), {"x": None}, [1, {"y": None}], 3, flag=True)


def test_a_dataclass_that_nobody_has_seen_survives_json() -> None:
    assert from_plain(Outer, json.loads(json.dumps(to_plain(OUTER)))) == OUTER


@pytest.mark.parametrize(
    "wrong", [[], [None] * 5, [None] * 7, [[1, 2, 3], [], {}, 1, 1, True], [None, 1, {}, 1, 1, True]]
)
def test_another_shape_is_refused_and_never_taken_for_the_class(wrong: Any) -> None:
    with pytest.raises(NotPlainError):
        from_plain(Outer, wrong)


@pytest.mark.parametrize("wrong", [None, 1, "x", [], {}, [1, 2]])
def test_what_is_no_unit_is_refused(wrong: Any) -> None:
    with pytest.raises(NotPlainError):
        from_plain(UnitReport, wrong)


@pytest.mark.parametrize(("name", "is_reference"), [("a.b", True), ("a.b", False), ("@a.b", False), ("@@", False)])
def test_names_and_references_of_rpcs_are_told_apart(name: str, is_reference: bool) -> None:
    assert read_rpc(written_rpc(name, is_reference=is_reference)) == (name, is_reference)


def test_a_unit_names_all_that_it_asked_for_and_nothing_else(bench: Bench) -> None:
    bench.write("app/__init__.py", "")
    bench.write("app/flows.py", "from app.models import A\nfrom app.later import B\nfrom pyflow_core import wire_rpc\n"
                '@wire_rpc("a")\ndef a(data: A) -> B: ...\n')  # fmt: skip
    bench.write("app/models.py", "class A: ...")
    bench.write("app/other.py", "class C: ...")
    (report,) = [one for one in _units(bench.root) if one.rpcs]
    asked = {name for name in report.dependencies if name.startswith("app")}
    assert asked == {"app.flows", "app.models", "app.later", "app.later.B"}
    assert report.dependencies["app.later"] is None
    changed = report.dependencies
    bench.write("app/models.py", "class A: x = 1")
    (again,) = [one for one in _units(bench.root) if one.rpcs]
    assert {name for name in changed if changed[name] != again.dependencies[name]} == {"app.models"}
    assert replace(again, dependencies=changed) == report


def test_a_name_that_two_files_wire_belongs_to_the_first(bench: Bench) -> None:
    source = 'from pyflow_core import wire_rpc\n@wire_rpc("a")\nasync def {0}(data: str) -> {1}: ...\n'
    metadata = bench.inspect({"app/z.py": source.format("late", "int"), "app/b.py": source.format("early", "str")})
    assert [rpc.func for rpc in metadata.rpcs] == ["app.b:early"]
    finding = bench.finding("PF402")
    assert (finding.file, "app/b.py:2:11" in finding.message) == ("app/z.py", True)


def test_a_function_may_be_wired_in_another_file_than_it_is_defined_in(bench: Bench) -> None:
    files = {
        "app/steps.py": "async def flow(data: str, *, workflow) -> None: await workflow.do('a', 'users.create', 1)\n",
        "app/names.py": "from pyflow_core import wire_workflow as durable, wire_rpc as task\n",
        "app/wiring.py": "from app.names import durable\nfrom app import steps\ndurable('flow', steps.flow)\n",
        "app/rpcs.py": "from app.names import task\n@task('users.create')\nasync def f(data: int) -> None: ...\n",
    }
    metadata = bench.inspect(files)
    assert ([one.func for one in metadata.workflows], bench.codes) == (["app.steps:flow"], [])
    assert metadata.workflows[0].steps[0].span.file == "app/steps.py"


def test_an_rpc_of_another_file_is_known_by_name_and_by_reference(bench: Bench) -> None:
    head = "from pyflow_gen import rpcs\n"
    rpcs = 'from pyflow_core import wire_rpc\n@wire_rpc("mail-box.send")\nasync def f(data: int) -> None: ...\n'
    body = 'await workflow.do("a", rpcs.mail_box.send(1))\nawait workflow.do("b", "mail-box.send", 1)\n'
    workflow = bench.workflow(body + "await rpc.invoke(rpcs.mail_box.send(1))", head=head, files={"app/m.py": rpcs})
    assert [step.rpc_name for step in workflow.steps] == ["mail-box.send"] * 2
    assert (workflow.invokes, bench.codes) == (("mail-box.send",), [])


def test_a_name_that_looks_like_a_reference_is_none(bench: Bench) -> None:
    assert bench.step('await workflow.do("a", "@users.create", data)').rpc_name == "@users.create"
    assert bench.codes == ["PF201"]

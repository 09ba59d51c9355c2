"""pyflow's own mistakes, and the deaths of its readers, cost one place and no more. Nothing of this is simulated."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from pyflow_inspector import InspectorSettings, inspect_project, unit_source
from pyflow_inspector.reader_pool import ReaderPool
from pyflow_inspector.rules import RULES, ProjectRule
from pyflow_inspector.source import SourceIndex, find_sources
from pyflow_inspector.steps.walker import Walker

if TYPE_CHECKING:
    from conftest import Bench

    from pyflow_inspector.unit import UnitReport

FLOW = """
from pyflow_core import wire_workflow

@wire_workflow("{0}")
async def {0}(data: str, *, workflow) -> None:
    await workflow.do(data, lambda: 1)
    workflow.do("a", "none", data)
"""
NAMES = [f"flow{number}" for number in range(9)]


def _crash(*_: object, **__: object) -> Any:
    message = "a mistake\nof ours"
    raise ZeroDivisionError(message)


def _write(bench: Bench) -> None:
    for name in NAMES:
        bench.write(f"app/{name}.py", FLOW.format(name))


# --- rules


@pytest.mark.parametrize("code", ["PF101", "PF203", "PF504"])
def test_a_rule_that_crashes_is_a_finding_and_the_others_go_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(RULES[code], "check", _crash)
    bench.inspect(FLOW.format("flow"))
    finding = bench.finding("PF903")
    assert f"rule {code} crashed" in finding.message
    assert "ZeroDivisionError a mistake of ours" in finding.message
    assert (finding.file, finding.severity) == ("app/flows.py", "error")
    others = {"PF101", "PF201", "PF203"} - {code}
    assert others <= {one.code for one in bench.metadata.diagnostics}
    assert [one.name for one in bench.metadata.workflows] == ["flow"]


def test_a_rule_that_crashes_half_way_is_a_finding_too(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = RULES["PF101"].check

    def half(model: Any) -> Any:
        yield from real(model)
        _crash()

    monkeypatch.setattr(RULES["PF101"], "check", half)
    bench.inspect(FLOW.format("flow"))
    assert bench.codes.count("PF903") == 1


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if isinstance(rule, ProjectRule)])
def test_a_rule_about_the_project_that_crashes_is_a_finding(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(RULES[code], "check_project", _crash)
    bench.inspect(FLOW.format("flow"))
    assert f"rule {code} crashed" in bench.finding("PF903").message
    assert "PF203" in bench.codes


def test_the_message_names_the_line_of_pyflow_and_no_folder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyflow_inspector.rules.pf104_invalid_step_name.is_valid_step_literal", _crash)
    bench.inspect(FLOW.format("flow"))
    message = bench.finding("PF903").message
    assert "crashed at pyflow_inspector/rules/pf104_invalid_step_name.py:" in message


# --- the walk


def test_a_walk_that_crashes_costs_one_workflow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Walker.walk

    def walk(self: Walker, module: Any, label: str, *rest: Any) -> None:
        if label.endswith(":bad"):
            _crash()
        real(self, module, label, *rest)

    monkeypatch.setattr(Walker, "walk", walk)
    bench.inspect(FLOW.format("bad") + FLOW.format("good"))
    finding = bench.finding("PF903")
    assert (bench.text(finding), "following workflow 'bad' crashed" in finding.message) == ("bad", True)
    assert [one.name for one in bench.metadata.workflows] == ["good"]


@pytest.mark.parametrize("function", ["find_wirings", "wiring_fact", "_aliases"])
def test_a_file_that_pyflow_cannot_cope_with_costs_one_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    from pyflow_inspector import reading

    real = getattr(reading, function)

    def pick(*given: Any) -> Any:
        names = {getattr(one, "name", None) for one in given} | {
            getattr(getattr(one, "module", None), "name", None) for one in given
        }
        return _crash() if "app.bad" in names else real(*given)

    monkeypatch.setattr(reading, function, pick)
    bench.inspect({"app/bad.py": FLOW.format("bad"), "app/good.py": FLOW.format("good")})
    finding = bench.finding("PF903")
    assert (finding.file, finding.line) == ("app/bad.py", 1)
    assert [one.name for one in bench.metadata.workflows] == ["good"]


def test_a_description_that_nests_too_deeply_costs_one_workflow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyflow_inspector import reading

    real = reading.workflow_fact

    def describe(model: Any, workflow: Any) -> Any:
        if workflow.name == "bad":
            raise RecursionError
        return real(model, workflow)

    monkeypatch.setattr(reading, "workflow_fact", describe)
    bench.inspect(FLOW.format("bad") + FLOW.format("good"))
    assert bench.text(bench.finding("PF902")) == "bad"
    assert [one.name for one in bench.metadata.workflows] == ["good"]


# --- readers

READER = """
import os, signal, sys, time
from pyflow_inspector import reader, reading
real = reading.read_unit
def read_unit(settings, modules, unit):
    if unit == "app.flow4":
        {deed}
    return real(settings, modules, unit)
reading.read_unit = read_unit
reader.main()
"""


def _read(bench: Bench, code: str, **given: Any) -> tuple[dict[str, UnitReport], list[str]]:
    _write(bench)
    settings = InspectorSettings(root=bench.root, source=bench.root, name="x")
    index = SourceIndex(find_sources(settings))
    pool = ReaderPool(settings, index, command=[sys.executable, "-P", "-c", code], **given)
    read, left = pool.read([f"app.{name}" for name in NAMES], meanwhile=lambda: None)
    return {one.unit.outline.unit: one.unit.outline for one in read}, left


@pytest.mark.parametrize(
    ("deed", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL"),
        ("os._exit(3)", "ended by itself with exit code 3"),
        ("raise SystemExit(4)", "ended by itself with exit code 4"),
        ("time.sleep(600)", "gave no answer and was stopped"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_reader_that_dies_or_hangs_costs_the_file_that_it_read(bench: Bench, deed: str, how: str) -> None:
    reports, left = _read(bench, READER.format(deed=deed), unit_seconds=5.0)
    assert (sorted(reports), left) == ([f"app.{name}" for name in NAMES], [])
    dead = reports.pop("app.flow4")
    assert [(one.code, one.file, one.severity) for one in dead.findings] == [("PF904", "app/flow4.py", "error")]
    assert how in dead.findings[0].message
    assert all(len(report.workflows) == 1 for report in reports.values())


CUT = """
import os, sys
from pyflow_inspector import reader
class Answers:
    write, flush = sys.stdout.buffer.write, sys.stdout.buffer.flush
    def writelines(self, lines):
        data = b"".join(lines)
        if data.startswith(b'["app.flow4"'):
            os.write(1, data[:{end}])
            os._exit(3)
        self.write(data)
reader.serve(sys.stdin.buffer, Answers())
"""


@pytest.mark.parametrize("end", ["20", "data.index(10)", "data.index(10) + 1", "data.index(10) + 9", "-1"])
def test_half_an_answer_is_none(bench: Bench, end: str) -> None:
    reports, _ = _read(bench, CUT.format(end=end))
    dead = reports.pop("app.flow4")
    assert [one.code for one in dead.findings] == ["PF904"]
    assert "ended by itself with exit code 3" in dead.findings[0].message
    assert all(len(report.workflows) == 1 for report in reports.values())


SENSELESS = """
import sys
from pyflow_inspector import reader
class Answers:
    write, flush, last = sys.stdout.buffer.write, sys.stdout.buffer.flush, b""
    def writelines(self, lines):
        data = b"".join(lines)
        self.write({said} if data.startswith(b'["app.flow4"') else data)
        self.last = data
reader.serve(sys.stdin.buffer, Answers())
"""


@pytest.mark.parametrize("said", ["b'[]' + data[-1:] + b'[]' + data[-1:]", "b'[]' + data[-1:] + data", "self.last"])
def test_an_answer_that_makes_no_sense_costs_one_file(bench: Bench, said: str) -> None:
    reports, left = _read(bench, SENSELESS.format(said=said))
    assert (sorted(reports), left) == ([f"app.{name}" for name in NAMES], [])
    dead = reports.pop("app.flow4")
    assert [one.code for one in dead.findings] == ["PF904"]
    assert "gave an answer that cannot be read" in dead.findings[0].message
    assert all(len(report.workflows) == 1 for report in reports.values())


@pytest.mark.parametrize("deed", ["print('not the answer')", "import subprocess; subprocess.run(['echo', 'x'])"])
def test_what_a_reader_prints_is_no_answer(bench: Bench, deed: str) -> None:
    reports, _ = _read(bench, READER.format(deed=deed))
    assert all(len(report.workflows) == 1 for report in reports.values())


@pytest.mark.parametrize("code", ["raise SystemExit(1)", "print('hello')", "import none_such"])
def test_where_no_reader_comes_up_everything_is_left_to_the_caller(bench: Bench, code: str) -> None:
    reports, left = _read(bench, code)
    assert (reports, sorted(left)) == ({}, [f"app.{name}" for name in NAMES])


def test_a_project_is_read_all_the_same_where_no_process_can_be_started(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(bench)
    monkeypatch.setattr("pyflow_inspector.reader_pool.COMMAND", ("/none/such",))
    monkeypatch.setattr(ReaderPool.__init__, "__kwdefaults__", {"command": ("/none/such",), "unit_seconds": 9.0})
    assert [one.name for one in bench.inspect({}).workflows] == NAMES


def test_readers_and_this_process_say_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(bench)
    apart = bench.inspect({})
    monkeypatch.setattr(unit_source, "FEW", 100)
    assert bench.inspect({}) == apart
    assert len(apart.workflows) == len(NAMES)


def test_readers_leave_modules_of_the_project_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(bench)
    for name in ("json", "libcst", "ast", "sitecustomize", "pyflow_core/__init__"):
        bench.write(f"{name}.py", "open('run', 'w'); raise SystemExit(9)\n")
    monkeypatch.chdir(bench.root)
    metadata = bench.inspect({})
    assert [one.name for one in metadata.workflows] == NAMES
    assert not (bench.root / "run").exists()


def test_the_death_of_a_reader_is_shown_and_not_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(bench)
    code = READER.format(deed="os.kill(os.getpid(), signal.SIGKILL)")
    command = (sys.executable, "-P", "-c", code)
    settings = InspectorSettings(root=bench.root, source=bench.root, name="x", cache=bench.root / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(ReaderPool.__init__, "__kwdefaults__", {"command": command, "unit_seconds": 60.0})
        found = inspect_project(settings)
    assert [one.file for one in found.diagnostics if one.code == "PF904"] == ["app/flow4.py"]
    assert len(found.workflows) == len(NAMES) - 1
    again = inspect_project(settings)
    assert (len(again.workflows), {one.code for one in again.diagnostics} & {"PF904"}) == (len(NAMES), set())

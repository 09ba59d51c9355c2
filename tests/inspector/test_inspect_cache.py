"""What is kept between two runs never changes an answer, whatever happens to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pyflow_inspector import (
    Findings,
    InspectorSettings,
    check_project,
    inspect_project,
    inspecting,
    unit_lines,
    unit_source,
)
from pyflow_inspector.cache import Cache
from pyflow_inspector.source import SourceIndex, find_sources
from pyflow_inspector.unit_outline import Flows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Bench

    from pyflow_core.metadata import Metadata

SOURCE = """
from app.models import Name
from app.helper import each
from pyflow_core import wire_workflow

@wire_workflow("{0}")
async def {0}(data: Name, *, workflow) -> None:
    await each(workflow, data)
    await workflow.do("make", "users.create", data)
"""
FILES = {
    "app/__init__.py": "",
    "app/models.py": "class Name: ...\n",
    "app/helper.py": "async def each(flow, name):\n    await flow.do(name, lambda: 1)\n",
    "app/rpcs.py": 'from pyflow_core import wire_rpc\n@wire_rpc("users.create")\ndef create(data: str) -> str: ...\n',
    "app/one.py": SOURCE.format("one"),
    "app/two.py": SOURCE.format("two"),
}


Inspect = Any
Check = Any


@pytest.fixture
def units_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The units that are read where there is a cache."""
    read: list[str] = []
    real = unit_source.UnitSource._read

    def note(self: unit_source.UnitSource, units: list[str]) -> Any:
        if self._cache is not None:
            read.extend(units)
        return real(self, units)

    monkeypatch.setattr(unit_source.UnitSource, "_read", note)
    return read


@pytest.fixture
def cached(bench: Bench, units_read: list[str]) -> Callable[..., tuple[Metadata, list[str]]]:
    """Inspects with a cache: the metadata, and the units that were read for it."""
    for name, text in FILES.items():
        bench.write(name, text)

    def inspect(**settings: Any) -> tuple[Metadata, list[str]]:
        units_read.clear()
        given = {"root": bench.root, "source": bench.root, "name": "x", "cache": folder(bench), **settings}
        metadata = inspect_project(InspectorSettings(**given))
        units = list(units_read)
        plain = inspect_project(InspectorSettings(**{**given, "cache": None}))
        assert json.dumps(metadata.to_json()) == json.dumps(plain.to_json())
        assert check_project(InspectorSettings(**given)) == _findings(plain)
        return metadata, units

    return inspect


@pytest.fixture
def checked(cached: Inspect, bench: Bench, units_read: list[str]) -> Callable[[], list[str]]:
    """Looks for findings with the same cache: the units that were read for that."""

    def check() -> list[str]:
        units_read.clear()
        settings = InspectorSettings(root=bench.root, source=bench.root, name="x", cache=folder(bench))
        found = check_project(settings)
        units = list(units_read)
        assert found == _findings(inspect_project(replace(settings, cache=None)))
        return units

    return check


def _findings(metadata: Metadata) -> Findings:
    return Findings(metadata.diagnostics, len(metadata.workflows), len(metadata.rpcs))


def folder(bench: Bench) -> Path:
    return bench.root / ".pyflow" / "cache" / "inspector"


UNITS = ["app.one", "app.rpcs", "app.two"]


def test_nothing_is_read_twice(cached: Inspect) -> None:
    metadata, units = cached()
    assert (units, len(metadata.workflows)) == (UNITS, 2)
    again, units = cached()
    assert (units, again) == ([], metadata)


@pytest.mark.parametrize(
    ("file", "text", "units"),
    [
        ("app/one.py", SOURCE.format("uno"), ["app.one"]),
        ("app/models.py", "class Name: x = 1\n", ["app.one", "app.two"]),
        ("app/helper.py", "async def each(flow, name): ...\n", ["app.one", "app.two"]),
        ("app/rpcs.py", "from pyflow_core import wire_rpc\n", ["app.rpcs"]),
        ("app/unasked.py", "x = 1\n", []),
        ("app/models/__init__.py", "class Name: y = 1\n", ["app.one", "app.two"]),
        ("app/helper.py", "def (", ["app.one", "app.two"]),
    ],
)
def test_what_depends_on_a_change_is_read_again_and_nothing_else(
    cached: Inspect, bench: Bench, file: str, text: str, units: list[str]
) -> None:
    cached()
    bench.write(file, text)
    assert cached()[1] == units


def test_a_module_that_appears_where_there_was_none_is_noticed(cached: Inspect, bench: Bench) -> None:
    (bench.root / "app/models.py").unlink()
    metadata, _ = cached()
    assert metadata.workflows[0].input is not None
    bench.write("app/models.py", "Other = int\n")
    after, units = cached()
    assert units == ["app.one", "app.two"]
    assert "PF504" in [one.code for one in after.diagnostics]


def test_a_file_that_moves_or_goes_is_noticed(cached: Inspect, bench: Bench) -> None:
    cached()
    (bench.root / "app/one.py").rename(bench.root / "app/three.py")
    metadata, units = cached()
    assert (units, metadata.workflows[0].span.file) == (["app.three"], "app/three.py")
    (bench.root / "app/three.py").unlink()
    metadata, units = cached()
    assert (units, [one.name for one in metadata.workflows]) == ([], ["two"])


@pytest.mark.parametrize(
    "settings",
    [{"select": ("PF1",)}, {"rules": {"PF1": "error"}}, {"per_file_rules": {"app/**": {"PF1": "off"}}}, {"name": "y"}],
)
def test_another_way_of_asking_reads_nothing_again(cached: Inspect, settings: dict[str, Any]) -> None:
    cached()
    assert cached(**settings)[1] == []
    assert cached()[1] == []


def test_another_generated_package_reads_all_again(cached: Inspect) -> None:
    cached()
    assert cached(package="app.pyflow_gen")[1] == UNITS


def test_to_look_for_findings_only_keeps_what_was_read_for_who_wants_all(cached: Inspect, checked: Check) -> None:
    assert checked() == UNITS
    assert checked() == []
    assert cached()[1] == []


def test_who_wants_all_keeps_what_was_read_for_who_looks_for_findings_only(
    cached: Inspect, checked: Check, bench: Bench
) -> None:
    cached()
    assert checked() == []
    bench.write("app/one.py", SOURCE.format("one").replace('"users.create"', '"users.creat"'))
    assert checked() == ["app.one"]
    assert "PF201" in [one.code for one in cached()[0].diagnostics]


def test_another_pyflow_reads_all_again(cached: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    cached()
    monkeypatch.setattr(unit_source, "fingerprint", lambda: "another")
    monkeypatch.setattr("pyflow_inspector.inspecting.fingerprint", lambda: "another")
    assert cached()[1] == UNITS


def test_a_change_of_the_settings_file_moves_what_points_into_it(cached: Inspect, bench: Bench) -> None:
    bench.write("pyproject.toml", '[tool.pyflow]\nservices = "app.none:x"\n')
    before, _ = cached(services="app.none:x")
    bench.write("pyproject.toml", '# one\n# two\n[tool.pyflow]\nservices = "app.none:x"\n')
    after, _ = cached(services="app.none:x")
    assert [one.diagnostics[-1].line for one in (before, after)] == [2, 4]


@pytest.mark.parametrize("text", [b"", b"{", b"null", b"[]", b"\n", b"\xff\xfe", b"[1,2]\n[]"])
def test_a_broken_entry_is_read_again(cached: Inspect, bench: Bench, text: bytes) -> None:
    cached()
    for path in folder(bench).glob("*.json"):
        path.write_bytes(text)
    assert cached()[1] == UNITS
    assert cached()[1] == []


@pytest.mark.parametrize("where", [0, 70, 200, -2])
def test_an_entry_of_which_a_byte_has_changed_is_read_again(cached: Inspect, bench: Bench, where: int) -> None:
    cached()
    for path in folder(bench).glob("*.json"):
        data = bytearray(path.read_bytes())
        data[where] ^= 1
        path.write_bytes(data)
    assert cached()[1] == UNITS


def test_an_entry_that_was_cut_off_is_read_again(cached: Inspect, bench: Bench) -> None:
    cached()
    for path in folder(bench).glob("*.json"):
        path.write_bytes(path.read_bytes()[:-1])
    assert cached()[1] == UNITS


def test_entries_that_took_each_others_place_are_read_again(cached: Inspect, bench: Bench) -> None:
    cached()
    paths = sorted(folder(bench).glob("*.json"))
    texts = [path.read_bytes() for path in paths]
    for path, text in zip(paths, texts[1:] + texts[:1], strict=True):
        path.write_bytes(text)
    assert cached()[1] == UNITS


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_that_cannot_be_written_is_no_fault(cached: Inspect, bench: Bench) -> None:
    bench.root.chmod(0o500)
    try:
        assert cached()[1] == UNITS
    finally:
        bench.root.chmod(0o700)


@pytest.mark.parametrize("where", [".pyflow", ".pyflow/cache", ".pyflow/cache/inspector"])
def test_a_file_in_the_place_of_the_folder_is_no_fault(cached: Inspect, bench: Bench, where: str) -> None:
    bench.write(where, "in the way")
    assert cached()[1] == UNITS
    assert (bench.root / where).read_text() == "in the way"


def test_folders_in_the_place_of_entries_are_no_fault(cached: Inspect, bench: Bench) -> None:
    cached()
    for path in folder(bench).glob("*.json"):
        path.unlink()
        path.mkdir()
    assert cached()[1] == UNITS


def test_times_of_files_count_for_nothing(cached: Inspect, bench: Bench) -> None:
    cached()
    for path in [*bench.root.rglob("*.py"), *folder(bench).iterdir()]:
        os.utime(path, (0, 0))
    assert cached()[1] == []
    text = (bench.root / "app/one.py").read_text()
    bench.write("app/one.py", text.replace('"make"', '"mace"'))
    os.utime(bench.root / "app/one.py", (0, 0))
    assert cached()[1] == ["app.one"]


def test_git_ignores_the_folder_by_a_file_in_it(cached: Inspect, bench: Bench) -> None:
    cached()
    assert (folder(bench) / ".gitignore").read_text() == "*\n"
    if shutil.which("git"):
        git = ["git", "-C", str(bench.root)]
        subprocess.run([*git, "init", "-q"], check=True)
        shown = subprocess.run([*git, "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True)
        assert ".pyflow" not in shown.stdout


def test_entries_of_files_that_are_gone_are_removed_in_time(
    cached: Inspect, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyflow_inspector.cache._SPARE", 0)
    cached()
    for number in range(9):
        (folder(bench) / f"{number}.json").write_text("{}")
    bench.write("app/one.py", SOURCE.format("uno"))
    cached()
    assert len(list(folder(bench).iterdir())) == 3  # the units, the findings and .gitignore
    assert cached()[1] == []


def test_units_that_are_gone_are_forgotten_in_time(
    cached: Inspect, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyflow_inspector.unit_cache._SPARE", 0)
    for number in range(9):
        bench.write(f"app/more_{number}.py", SOURCE.format(f"more{number}"))
    cached()
    for number in range(9):
        (bench.root / f"app/more_{number}.py").unlink()
    cached()
    assert "more_8" in _units_kept(bench)
    bench.write("app/one.py", SOURCE.format("uno"))
    cached()
    assert "more_8" not in _units_kept(bench)
    assert cached()[1] == []


def _units_kept(bench: Bench) -> str:
    return max(folder(bench).glob("*.json"), key=lambda path: path.stat().st_size).read_text()


FORGED = [b"[]", b"{", b"null", b"[[]]", b"[[[[],[]]]]", b"[[[[],[[],[]]],[[],[[],[]]]]]", b"[" * 100_000, b""]


@pytest.mark.parametrize("line", FORGED, ids=range(len(FORGED)))
def test_a_whole_entry_that_holds_something_else_is_read_again(
    cached: Inspect, checked: Check, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pyflow_inspector.unit_lines._line", lambda _: line)
        cached()
    assert checked() == []  # the findings are right
    metadata, units = cached()
    assert (units, len(metadata.workflows)) == (UNITS, 2)


@pytest.mark.parametrize("line", FORGED, ids=range(len(FORGED)))
def test_flows_that_are_something_else_are_read_again(
    cached: Inspect, checked: Check, bench: Bench, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    real = unit_lines._line

    with monkeypatch.context() as patch:
        patch.setattr(
            "pyflow_inspector.unit_lines._line", lambda value: line if isinstance(value, Flows) else real(value)
        )
        cached()
    bench.write("app/rpcs.py", FILES["app/rpcs.py"] + "# more\n")
    assert checked() == ["app.rpcs"]  # nobody has looked at the flows
    assert len(cached()[0].workflows) == 2


def test_findings_that_are_something_else_are_looked_for_again(cached: Inspect, bench: Bench) -> None:
    cached()
    settings = InspectorSettings(root=bench.root, source=bench.root, name="x", cache=folder(bench))
    name, key = inspecting._findings_name(settings), inspecting._findings_key(settings, _index(settings))
    for line in FORGED:
        Cache(folder(bench)).store(name, key, [line])
        assert cached()[1] == []


def _index(settings: InspectorSettings) -> SourceIndex:
    return SourceIndex(find_sources(settings))


DYING = """
import os, signal, sys
from pathlib import Path
import pyflow_inspector as p
real, left = os.replace, int(sys.argv[2])
def replace(one, other):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    real(one, other)
os.replace = replace
root = Path(sys.argv[1])
p.inspect_project(p.InspectorSettings(root=root, source=root, name="x", cache=root / ".pyflow/cache/inspector"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("written", [0, 1])
def test_a_process_that_is_killed_while_it_writes_leaves_what_was_there(
    cached: Inspect, bench: Bench, written: int
) -> None:
    cached()
    bench.write("app/one.py", SOURCE.format("uno"))
    killed = subprocess.run([sys.executable, "-c", DYING, str(bench.root), str(written)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(folder(bench).glob(".new-*"))) == 1
    assert cached()[1] == (["app.one"] if written == 0 else [])


def test_two_processes_at_once_give_the_same(bench: Bench) -> None:
    for name, text in FILES.items():
        bench.write(name, text)
    code = (
        "import json, sys, pyflow_inspector as p; from pathlib import Path\n"
        "root = Path(sys.argv[1])\n"
        "s = p.InspectorSettings(root=root, source=root, name='x', cache=root / 'kept')\n"
        "print(json.dumps([p.inspect_project(s).to_json() for _ in range(3)]))\n"
    )
    command = [sys.executable, "-c", code, str(bench.root)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    outputs = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * 3
    assert len(set(outputs)) == 1
    assert not list((bench.root / "kept").glob(".new-*"))


def test_what_went_wrong_is_tried_again(cached: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyflow_inspector.rules import RULES

    def crash(_: object) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(RULES["PF101"], "check", crash)
        metadata, _ = cached()
        assert "PF903" in [one.code for one in metadata.diagnostics]
    metadata, units = cached()
    assert units == UNITS
    assert "PF903" not in [one.code for one in metadata.diagnostics]

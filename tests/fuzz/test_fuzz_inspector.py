"""A few hundred of the inputs of `make fuzz-inspector`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fuzz_inspector import inspect_hostile, watch_range
from hostile_input import BODIES, MARKER, MODULES, PLANT, corpus_files, hostile_project

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = b"import asyncio\nfrom pyflow_core import *\nimport pyflow_core as pf\n"
_FLOW = b'@pf.wire_workflow("flow")\nasync def flow(data: str, *, workflow, rpc) -> None:\n'


def test_hostile_input_is_read_without_harm() -> None:
    assert watch_range(1_000_000, 1_000_200) == []


@pytest.mark.parametrize("index", range(len(BODIES)))
def test_every_hostile_body_is_read_as_it_is(index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz_inspector.hostile_project", lambda *_: {"app/f.py": _HEAD + _FLOW + BODIES[index]})
    monkeypatch.chdir(tmp_path)
    assert inspect_hostile([], 0, tmp_path) is None


@pytest.mark.parametrize("index", range(len(MODULES)))
def test_every_hostile_module_is_read_as_it_is(index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _HEAD + MODULES[index] + _FLOW + b"    await x.do(workflow, A, run)\n"
    monkeypatch.setattr("fuzz_inspector.hostile_project", lambda *_: {"app/flows.py": source, "app/other.py": source})
    monkeypatch.chdir(tmp_path)
    assert inspect_hostile([], 0, tmp_path) is None


@pytest.mark.parametrize("encoding", ["idna", "rot13", "undefined", "utf-16", "cp037", "punycode", "hex"])
def test_an_encoding_that_is_none_is_a_finding(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = f"# coding: {encoding}\n".encode() + _HEAD + _FLOW + b"    pass\xff\xfe\n"
    monkeypatch.setattr("fuzz_inspector.hostile_project", lambda *_: {"app/flows.py": source})
    monkeypatch.chdir(tmp_path)
    assert inspect_hostile([], 0, tmp_path) is None


def test_the_same_seed_gives_the_same_project() -> None:
    files = corpus_files()
    assert hostile_project(files, 7) == hostile_project(files, 7) != hostile_project(files, 8)


def test_code_that_runs_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fuzz_inspector.inspect_project", lambda _: exec(PLANT))
    monkeypatch.setattr("fuzz_inspector._judge", lambda *_: None)
    assert inspect_hostile([b"x = 1\n"], 3, tmp_path) == "was executed"
    assert (tmp_path / MARKER).exists()


def test_a_hang_and_a_crash_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fuzz_inspector.CPU_SECONDS", 0.05)

    def spin(_: object) -> None:
        while True:
            pass

    monkeypatch.setattr("fuzz_inspector.inspect_project", spin)
    assert inspect_hostile([b"x = 1\n"], 3, tmp_path) == "hangs"
    monkeypatch.setattr("fuzz_inspector.inspect_project", lambda _: [].pop())
    assert inspect_hostile([b"x = 1\n"], 3, tmp_path) == "IndexError: pop from empty list"

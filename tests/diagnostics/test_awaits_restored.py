"""Delete the awaits of an example, as many as you like: each is found at its place, and `--fix` gives back the file."""

from __future__ import annotations

import ast
import shutil
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyflow_cli.repair import repair
from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyflow_core.metadata import Diagnostic

EXAMPLES = Path(__file__).parents[2] / "examples"
WORD = "await "


@dataclass(frozen=True)
class Place:
    file: str
    line: int
    column: int


def _settings(root: Path) -> InspectorSettings:
    given = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyflow"]
    source = root / given.get("source", ".")
    return InspectorSettings(root=root, source=source, name="x", package=given.get("package", "pyflow_gen"))


def _copy(example: str, target: Path) -> None:
    shutil.copytree(EXAMPLES / example, target, ignore=shutil.ignore_patterns("__pycache__", "tests", ".pyflow"))


@cache
def places(example: str) -> list[Place]:
    """The awaits of steps and invocations."""
    found: list[Place] = []
    root = EXAMPLES / example
    for path in sorted(root.rglob("*.py")):
        if "wire_workflow" not in path.read_text(encoding="utf-8") or "pyflow_gen" in path.parts:
            continue
        found += [
            Place(path.relative_to(root).as_posix(), node.lineno, node.col_offset + 1)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Await) and ast.unparse(node.value).startswith(("workflow.", "rpc."))
        ]
    return sorted(found, key=lambda place: (place.file, place.line, place.column))


def _delete(root: Path, chosen: list[Place]) -> None:
    for place in reversed(chosen):
        path = root / place.file
        lines = path.read_text(encoding="utf-8").split("\n")
        line = lines[place.line - 1]
        assert line[place.column - 1 :].startswith(WORD)
        lines[place.line - 1] = line[: place.column - 1] + line[place.column - 1 + len(WORD) :]
        path.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("example", ["document_ingest", "license_audit", "onboarding", "order_fulfillment", "patterns"])
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_awaits_that_were_deleted_come_back(example: str, data: st.DataObject) -> None:
    known = places(example)
    assert known
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(known))), min_size=1)))
    deleted = [known[index] for index in chosen]
    with TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        _copy(example, root)
        _delete(root, deleted)
        inspected = _settings(root)

        def find() -> Sequence[Diagnostic]:
            return [one for one in inspect_project(inspected).diagnostics if one.code == "PF203"]

        shift = {place: sum(p.file == place.file and p.line == place.line and p.column < place.column for p in deleted)
                 for place in deleted}  # fmt: skip
        expected = [(p.file, p.line, p.column - len(WORD) * shift[p]) for p in deleted]
        assert [(one.file, one.line, one.column) for one in find()] == expected
        assert len(repair(inspected, find, unsafe=False)) == len(deleted)
        for place in known:
            original = (EXAMPLES / example / place.file).read_bytes()
            assert (root / place.file).read_bytes() == original

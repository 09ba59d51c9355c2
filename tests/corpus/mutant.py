"""One small mistake at a time: an `await` deleted, an RPC misspelt, a step's name used twice."""

from __future__ import annotations

import ast
import shutil
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labelled_project import CORPUS, project_names, read_labels

from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Metadata, Span, StepMeta, WorkflowMeta

EXAMPLES = CORPUS.parents[1] / "examples"
_NOT_CLEAN = {"unfollowed", "dynamic_wiring_errors"}
_AWAITED = {"rpc", "inline", "sleep", "wait", "child", "invoke", "call"}
_WAITING = {"gather", "proceed", "shield", "together", "wait", "wait_for"}
"""Functions that wait for others; `together` is what a project of the corpus calls `gather`."""

Key = tuple[int, int, int]


@dataclass(frozen=True)
class Mutant:
    """A mistake in one file, from `start` to `end` of its text, and the finding that must come of it."""

    project: str
    file: str
    start: int
    end: int
    text: str
    code: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.project}/{self.file}:{self.line}:{self.column} {self.code} {self.text!r}"


def projects() -> dict[str, InspectorSettings]:
    """The projects without findings of severity error: the examples, and most of the corpus."""
    found = {name: read_labels(name).settings for name in project_names() if name not in _NOT_CLEAN}
    for root in sorted(path.parent for path in EXAMPLES.glob("*/pyproject.toml")):
        told = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["pyflow"]
        source = root / told.get("source", ".")
        found[root.name] = InspectorSettings(root, source, root.name, told.get("package", "pyflow_gen"))
    return found


def mutants(name: str, settings: InspectorSettings) -> list[Mutant]:
    """Every mistake of the three kinds that can be made in a project."""
    metadata = inspect_project(settings)
    files = sorted({span.file for workflow in metadata.workflows for span in _spans(workflow)})
    return [one for file in files for one in _File(name, settings.root, file).mutants(metadata)]


def _spans(workflow: WorkflowMeta) -> Iterator[Span]:
    yield from (step.span for step in workflow.steps)
    yield from (node.span for node in workflow.graph.nodes if node.span is not None)


class _File:
    def __init__(self, project: str, root: Path, file: str) -> None:
        self._project = project
        self._file = file
        self._text = (root / file).read_text()
        self._lines = self._text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._calls: dict[Key, ast.Call] = {}
        self._awaits: list[ast.Await] = []
        for node in ast.walk(ast.parse(self._text)):
            if isinstance(node, ast.Await):
                self._awaits.append(node)
            elif isinstance(node, ast.Call):
                self._calls.setdefault((node.lineno, self._column(node), node.end_lineno or 0), node)

    def mutants(self, metadata: Metadata) -> Iterator[Mutant]:
        yield from self._without_await(metadata)
        for workflow in metadata.workflows:
            yield from self._misspelt(workflow)
            yield from self._used_twice(workflow)

    def _without_await(self, metadata: Metadata) -> Iterator[Mutant]:
        made = {
            (node.span.line, node.span.column)
            for workflow in metadata.workflows
            for node in workflow.graph.nodes
            if node.kind in _AWAITED and node.span is not None and node.span.file == self._file
        }
        for node in self._awaits:
            value = node.value
            if not isinstance(value, ast.Call):
                continue
            name = ast.unparse(value.func).rpartition(".")[2]
            if (value.lineno, self._column(value)) in made or name in _WAITING:
                yield self._mutant(self._offset(node), self._offset(value), "", "PF203", node)

    def _misspelt(self, workflow: WorkflowMeta) -> Iterator[Mutant]:
        for step in workflow.steps:
            call = self._call(step)
            if step.type != "rpc" or call is None or len(call.args) < 2:
                continue
            target = call.args[1]
            if isinstance(target, ast.Constant) and isinstance(target.value, str):
                start = self._offset(target)
                yield self._mutant(start + 2, start + 2, "x", "PF201", target)

    def _used_twice(self, workflow: WorkflowMeta) -> Iterator[Mutant]:
        """The first step that every run makes lends its name to each later one."""
        named = [(step, self._name(step)) for step in workflow.steps if not step.via]
        lender = next((step for step, node in named if node is not None and not step.optional), None)
        if lender is None:
            return
        later = named[[step for step, _ in named].index(lender) + 1 :]
        for _, node in later:
            if node is not None:
                yield self._mutant(self._offset(node), self._end(node), repr(lender.step_name), "PF102", node)

    def _call(self, step: StepMeta) -> ast.Call | None:
        span = step.span
        return self._calls.get((span.line, span.column, span.end_line)) if span.file == self._file else None

    def _name(self, step: StepMeta) -> ast.Constant | None:
        call = self._call(step)
        node = call.args[0] if call is not None and call.args else None
        is_name = isinstance(node, ast.Constant) and node.value == step.step_name and not step.repeated
        return node if is_name and isinstance(node, ast.Constant) else None

    def _mutant(self, start: int, end: int, text: str, code: str, node: ast.expr) -> Mutant:
        return Mutant(self._project, self._file, start, end, text, code, node.lineno, self._column(node))

    def _offset(self, node: ast.expr) -> int:
        return self._starts[node.lineno - 1] + self._column(node) - 1

    def _end(self, node: ast.expr) -> int:
        line = node.end_lineno or node.lineno
        return self._starts[line - 1] + self._characters(line, node.end_col_offset or 0)

    def _column(self, node: ast.expr) -> int:
        return self._characters(node.lineno, node.col_offset) + 1

    def _characters(self, line: int, count: int) -> int:
        """How many characters the first `count` bytes of a line are."""
        return len(self._lines[line - 1].encode()[:count].decode())


class Laboratory:
    """Copies of projects, in which mistakes are made and found one after the other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies: dict[str, InspectorSettings] = {}

    def is_found(self, mutant: Mutant, settings: InspectorSettings) -> bool:
        """Whether the inspector finds the mistake, at its place."""
        copy = self._copy(mutant.project, settings)
        path = copy.root / mutant.file
        text = path.read_text()
        path.write_text(text[: mutant.start] + mutant.text + text[mutant.end :])
        try:
            found = inspect_project(copy).diagnostics
        finally:
            path.write_text(text)
        wanted = (mutant.code, mutant.file, mutant.line, mutant.column)
        return wanted in {(one.code, one.file, one.line, one.column) for one in found}

    def _copy(self, project: str, settings: InspectorSettings) -> InspectorSettings:
        if project not in self._copies:
            root = self._folder / project
            shutil.copytree(settings.root, root, ignore=shutil.ignore_patterns("__pycache__", ".pyflow", "tests"))
            source = root / settings.source.relative_to(settings.root)
            self._copies[project] = replace(settings, root=root, source=source)
        return self._copies[project]

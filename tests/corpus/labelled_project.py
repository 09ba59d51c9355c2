"""The corpus: small projects in the style of many teams, each with labels that say what must be found in it.

`labels.toml` of a project holds, besides `source`, `package` and `python` where they are not the default:

[workflows.NAME]  steps = [[place, type, name or pattern, rpc name if it is an RPC], …]
findings          [[place, code], …]: what must be found; no other finding of severity error may be there
unfollowed        [place, …]: where a step may be lost, so that a finding must stand there
others            [place, …]: calls of `do` and its kin that make no step, or are lost where `unfollowed` says so

A place is `file:line`, where the call or the offending expression begins. Labels are written by reading the code,
never by copying what the inspector says.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pyflow_core.metadata import Diagnostic, Metadata, Span, StepMeta
from pyflow_inspector import InspectorSettings, inspect_project

CORPUS = Path(__file__).parent
_METHODS = {"do", "sleep", "wait_for", "child"}

Step = tuple[str, ...]
"""Workflow, place, type, name or pattern, and the RPC's name if there is one."""


@dataclass(frozen=True)
class Labels:
    """What a person found in a project."""

    settings: InspectorSettings
    workflows: tuple[str, ...]
    steps: Counter[Step]
    findings: Counter[tuple[str, str]]
    unfollowed: tuple[str, ...]
    others: tuple[str, ...]

    def places(self) -> set[str]:
        """Every place that the labels speak of."""
        return {step[1] for step in self.steps} | {*self.unfollowed, *self.others}


@dataclass(frozen=True)
class Result:
    """How what the inspector found compares with the labels. Whatever is listed here is a mistake."""

    name: str
    workflows: int
    literal: int
    patterns: int
    missed: list[str]
    silent: list[str]
    false: list[str]
    errors: list[str]
    unfound: list[str]

    @property
    def mistakes(self) -> list[str]:
        """All of them, as lines of text."""
        kinds = {
            "missed": self.missed,
            "silently dropped": self.silent,
            "false step": self.false,
            "false finding": self.errors,
            "finding not made": self.unfound,
        }
        return [f"{self.name}: {kind}: {text}" for kind, texts in kinds.items() for text in texts]


def project_names() -> list[str]:
    """The projects that this Python can read."""
    folders = sorted(path.parent for path in CORPUS.glob("*/labels.toml"))
    return [folder.name for folder in folders if _is_readable(folder)]


def _is_readable(folder: Path) -> bool:
    wanted = tomllib.loads((folder / "labels.toml").read_text()).get("python", "3.11")
    return sys.version_info >= tuple(map(int, wanted.split(".")))


@cache
def read_labels(name: str) -> Labels:
    """The labels of a project."""
    folder = CORPUS / name
    data = tomllib.loads((folder / "labels.toml").read_text())
    workflows = data.get("workflows", {})
    return Labels(
        InspectorSettings(folder, folder / data.get("source", ""), name, data.get("package", "pyflow_gen")),
        tuple(workflows),
        Counter((workflow, *step) for workflow, told in workflows.items() for step in told["steps"]),
        Counter((place, code) for place, code in data.get("findings", [])),
        tuple(data.get("unfollowed", [])),
        tuple(data.get("others", [])),
    )


def step_calls(name: str) -> set[str]:
    """The places of all calls `….do(…)`, `….sleep(…)` and so on in a project, found without the inspector."""
    folder = CORPUS / name
    return {
        f"{path.relative_to(folder).as_posix()}:{node.lineno}"
        for path in sorted(folder.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
    }


def compare(name: str) -> Result:
    """Inspect a project, and hold the result against its labels."""
    labels = read_labels(name)
    metadata = inspect_project(labels.settings)
    found = Counter(_found_step(workflow.name, step) for workflow in metadata.workflows for step in workflow.steps)
    missed = labels.steps - found
    made = Counter((f"{one.file}:{one.line}", one.code) for one in metadata.diagnostics)
    errors = Counter((_place(one), one.code) for one in metadata.diagnostics if one.severity == "error")
    lost = [*(step[1] for step in missed), *labels.unfollowed]
    return Result(
        name,
        len(labels.workflows),
        sum(count for step, count in labels.steps.items() if "*" not in step[3]),
        sum(count for step, count in labels.steps.items() if "*" in step[3]),
        _lines(missed),
        [place for place in lost if not _is_reported(metadata, place)] + _unknown_workflows(labels, metadata),
        _lines(found - labels.steps),
        _lines(errors - labels.findings),
        _lines(labels.findings - made),
    )


def _found_step(workflow: str, step: StepMeta) -> Step:
    name = step.step_name if step.pattern is None else step.pattern
    rpc = (step.rpc_name or "",) if step.type == "rpc" else ()
    return (workflow, _place(step.span), step.type, name, *rpc)


def _place(span: Span | Diagnostic) -> str:
    return f"{span.file}:{span.line}"


def _is_reported(metadata: Metadata, place: str) -> bool:
    file, _, line = place.rpartition(":")
    return any(one.file == file and one.line <= int(line) <= one.end_line for one in metadata.diagnostics)


def _unknown_workflows(labels: Labels, metadata: Metadata) -> list[str]:
    known = {workflow.name for workflow in metadata.workflows}
    return [f"workflow {name}" for name in labels.workflows if name not in known]


def _lines(things: Counter[Step] | Counter[tuple[str, str]]) -> list[str]:
    return [" ".join(thing) for thing in sorted(things.elements())]

"""Small projects, written to disk and inspected."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic, Metadata, Span, StepMeta, WorkflowMeta

RPCS = """
from pyflow_core import wire_rpc

@wire_rpc("users.create")
async def create(data: str) -> str:
    return data

@wire_rpc("notify.send")
async def send(data: str) -> None: ...
"""


class Bench:
    """Writes a project, inspects it, and answers questions about the result."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.metadata: Metadata

    def write(self, name: str, source: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else dedent(source).lstrip("\n").encode())

    def inspect(self, files: dict[str, Any] | str = "", **settings: Any) -> Metadata:
        """Inspect `files`; a lone source is `app/flows.py`."""
        for name, source in ({"app/flows.py": files} if isinstance(files, str) else files).items():
            self.write(name, source)
        given = {"root": self.root, "source": self.root, "name": "shop", **settings}
        self.metadata = inspect_project(InspectorSettings(**given))
        return self.metadata

    def workflow(self, body: str, *, head: str = "", files: dict[str, Any] | None = None) -> WorkflowMeta:
        """Inspect one workflow `flow` with this body; `users.create` and `notify.send` exist."""
        source = (
            "import asyncio\nfrom pyflow_core import wire_workflow\n"
            + dedent(head)
            + '\n@wire_workflow("flow")\nasync def flow(data: str, *, workflow, rpc, logger, db=None) -> None:\n'
            + "".join(f"    {line}\n" for line in dedent(body).strip("\n").splitlines())
        )
        self.inspect({"app/rpcs.py": RPCS, "app/flows.py": source.encode(), **(files or {})})
        return self.metadata.workflows[0]

    def steps(self, body: str, **given: Any) -> list[StepMeta]:
        return list(self.workflow(body, **given).steps)

    def step(self, body: str, **given: Any) -> StepMeta:
        steps = self.steps(body, **given)
        assert len(steps) == 1, steps
        return steps[0]

    @property
    def codes(self) -> list[str]:
        """The codes of all findings but PF101 and PF506, in their order."""
        return [one.code for one in self.metadata.diagnostics if one.code not in {"PF101", "PF506"}]

    def finding(self, code: str) -> Diagnostic:
        found = [one for one in self.metadata.diagnostics if one.code == code]
        assert len(found) == 1, self.metadata.diagnostics
        return found[0]

    def text(self, place: Diagnostic | Span) -> str:
        """The source that a span covers, on one line."""
        lines = (self.root / place.file).read_bytes().decode().replace("\r\n", "\n").split("\n")
        covered = lines[place.line - 1 : place.end_line]
        covered[-1] = covered[-1][: place.end_column - 1]
        covered[0] = covered[0][place.column - 1 :]
        return "\n".join(covered)

"""What the inspector knows about a project, as plain data.

The inspector writes it, the generator and the command line read it, and `meta.json` keeps it. Positions are
1-based and counted in code points; ends are exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, Literal, cast

Severity = Literal["error", "warning", "info"]
StepType = Literal["rpc", "inline", "sleep", "wait", "child"]

NodeKind = Literal[
    "start", "end", "rpc", "inline", "sleep", "wait", "child", "invoke", "branch", "match", "loop", "parallel", "try",
    "return", "raise", "break", "continue", "call",
]  # fmt: skip
EdgeKind = Literal["next", "arm", "repeat", "exit", "error"]
Join = Literal["all", "settled", "first", "first_exception", "each"]
"""When a parallel group is done: all succeeded, all ended, one ended, one failed, or each is taken as it ends."""

METADATA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of source, relative to the project's root."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class TypeMeta:
    """A type as it is written, and where each name in it comes from (`{"User": "app.models:User"}`)."""

    text: str
    refs: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class ServiceMeta:
    """A keyword-only parameter that is injected by name."""

    name: str
    builtin: bool
    optional: bool
    type: TypeMeta | None = None


@dataclass(frozen=True, slots=True)
class StepMeta:
    """One call that makes a step, wherever it stands."""

    id: str
    type: StepType
    step_name: str
    pattern: str | None
    description: str | None
    span: Span
    hash: str
    rpc_name: str | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    queue: str | None = None
    worker: str | None = None
    repeated: bool = False
    optional: bool = False
    via: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The literal name, or the pattern, by which a name at run time is matched to this step."""
        return self.pattern or self.step_name


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One thing that a run may come by.

    `parent` is the node that it stands in and `arm` in which part of that. `step` is the id of the step that it makes,
    `condition` what a branch, match or `while` loop looks at, `over` the collection of a loop or of a fan-out, `join`
    when a parallel group is done, `helper` the function that a call opens. No run comes by an `unreachable` node, as
    far as that can be told.
    """

    id: str
    kind: NodeKind
    parent: str | None = None
    arm: str | None = None
    label: str | None = None
    span: Span | None = None
    hash: str | None = None
    step: str | None = None
    condition: str | None = None
    over: str | None = None
    join: Join | None = None
    helper: str | None = None
    unreachable: bool | None = None


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A way from one node to another.

    `next` leads on, `arm` into a part of a branch, match or loop, `repeat` back to a loop, `exit` where a return, a
    break or a continue goes, `error` where an exception does. The error edges of a `try` may be taken from anywhere in
    its body. A parallel group has no edges to its arms: it begins them all, each at its first node.
    """

    source: str
    target: str
    kind: EdgeKind = "next"
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """The control flow of a workflow, nodes in the order in which a run may first come by them."""

    nodes: tuple[GraphNode, ...] = ()
    edges: tuple[GraphEdge, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowMeta:
    """One wired workflow."""

    name: str
    description: str | None
    execution_mode: Literal["remote", "inline"]
    tags: tuple[str, ...]
    docs: dict[str, Any]
    func: str
    module: str
    worker: str
    queue: str
    input: TypeMeta | None
    output: TypeMeta | None
    services: tuple[ServiceMeta, ...]
    middleware: tuple[str, ...]
    permissions: tuple[str, ...]
    hash: str
    span: Span
    steps: tuple[StepMeta, ...] = ()
    invokes: tuple[str, ...] = ()
    """The RPCs that the workflow invokes bare, without a step."""
    graph: Graph = field(default_factory=Graph)
    input_optional: bool = False
    """Whether it can be started without input: its parameter has a default."""


@dataclass(frozen=True, slots=True)
class RpcMeta:
    """One wired RPC."""

    name: str
    func: str
    is_async: bool
    input: TypeMeta | None
    output: TypeMeta | None
    services: tuple[ServiceMeta, ...]
    options: dict[str, Any]
    span: Span
    description: str | None = None
    input_optional: bool = False
    """Whether it can be called without data: its parameter has a default."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that takes the place of a stretch of source. An empty stretch is a place to insert at."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change of the source that cures a finding. A safe one leaves everything else as it was meant."""

    description: str
    safe: bool
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding."""

    code: str
    name: str
    severity: Severity
    message: str
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    help: str | None = None
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class ProjectMeta:
    """The project as its settings describe it."""

    name: str
    root: str
    package: str
    services: str | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything that `pyflow inspect` knows, sorted by name; steps in source order."""

    project: ProjectMeta
    workflows: tuple[WorkflowMeta, ...]
    rpcs: tuple[RpcMeta, ...]
    diagnostics: tuple[Diagnostic, ...]
    version: int = METADATA_VERSION

    def to_json(self) -> dict[str, Any]:
        """The documented JSON form, `version` first."""
        document = _as_dict(self)
        for rpc in document["rpcs"]:
            rpc["async"] = rpc.pop("is_async")
        for workflow in document["workflows"]:
            workflow["graph"]["nodes"] = [applicable(node) for node in workflow["graph"]["nodes"]]
        return {"version": document.pop("version"), **document}


_SCALARS = frozenset({str, int, bool, float, type(None)})
_SEQUENCES = frozenset({tuple, list})


def _as_dict(value: Any) -> Any:
    """What `dataclasses.asdict` gives, much sooner: the metadata of a large project is a hundred thousand values."""
    kind = cast("Any", type(value))
    if kind in _SCALARS:
        return value
    if kind in _SEQUENCES:
        return kind([_as_dict(item) for item in value])
    if kind is dict:
        return {name: _as_dict(item) for name, item in value.items()}
    names = _field_names(kind)
    return {name: _as_dict(getattr(value, name)) for name in names} if names else value


@cache
def _field_names(kind: Any) -> tuple[str, ...]:
    """Of a dataclass; none of anything else."""
    return tuple(item.name for item in fields(kind)) if is_dataclass(kind) else ()


OF_EVERY_NODE = frozenset({"id", "kind", "parent", "arm", "label", "span", "hash"})


def applicable(node: dict[str, Any]) -> dict[str, Any]:
    """A node without what its kind does not have."""
    return {name: value for name, value in node.items() if value is not None or name in OF_EVERY_NODE}

"""Metadata to the Markdown pages of the generated package: one of all workflows, and one of each."""

from __future__ import annotations

import json
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

from pyflow_cli.codegen.fingerprint import digest
from pyflow_cli.codegen.markdown import Markdown, code, link, plain
from pyflow_cli.codegen.mermaid import flowchart
from pyflow_cli.codegen.plan import FilePlan
from pyflow_cli.codegen.python import levels_to_root, step_key, used_rpcs
from pyflow_cli.codegen.write import MARK
from pyflow_core.naming import DYNAMIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jinja2 import Environment

    from pyflow_cli.codegen.fingerprint import Fingerprints
    from pyflow_cli.codegen.schema.catalogue import Catalogue
    from pyflow_cli.codegen.schema.table import TypeTable
    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata, RpcMeta, Span, StepMeta, TypeMeta, WorkflowMeta

FOLDER = "docs/"


SCHEMAS = "schemas/"


def plan_docs(
    metadata: Metadata, settings: Settings, prints: Fingerprints, catalogue: Catalogue
) -> dict[str, FilePlan]:
    """How every page and every schema is made, by its path in the package."""
    up = "../" * (levels_to_root(settings) + 1)
    rpcs = {rpc.name: rpc for rpc in metadata.rpcs}
    plans = {f"{FOLDER}index.md": FilePlan(digest(up, prints.index), lambda: _index(metadata, up))}
    for workflow in metadata.workflows:
        names = used_rpcs(workflow, rpcs)
        types = _types(workflow, [rpcs[name] for name in names])
        seen = [catalogue.key(meta) for meta in types]
        key = digest(up, prints.workflows[workflow.name], [prints.rpcs[name] for name in names], seen)
        plans[FOLDER + _page(workflow)] = FilePlan(key, partial(_workflow, workflow, rpcs, up, types, catalogue))
        for path, meta in _schemas(workflow).items():
            plans[FOLDER + path] = FilePlan(catalogue.key(meta), partial(_schema, catalogue, meta))
    return plans


def _types(workflow: WorkflowMeta, rpcs: Iterable[RpcMeta]) -> list[TypeMeta]:
    """The types of a page, those of the workflow itself first."""
    given = [workflow.input, workflow.output, *(meta for rpc in rpcs for meta in (rpc.input, rpc.output))]
    return list({(meta.text, *meta.refs.items()): meta for meta in given if meta is not None}.values())


def _schemas(workflow: WorkflowMeta) -> dict[str, TypeMeta]:
    """The types of which there is a schema, by its path in the documentation."""
    given = {"input": workflow.input, "output": workflow.output}
    return {
        f"{SCHEMAS}{workflow.module}.{what}.json": meta
        for what, meta in given.items()
        if meta is not None and meta.text != "None"
    }


def _schema(catalogue: Catalogue, meta: TypeMeta) -> str:
    text = json.dumps({"generated": MARK, **catalogue.schema(meta)}, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _index(metadata: Metadata, up: str) -> str:
    return _render("index.md", up, project=metadata.project.name, workflows=metadata.workflows, rpcs=metadata.rpcs)


def _workflow(
    workflow: WorkflowMeta, rpcs: Mapping[str, RpcMeta], up: str, types: Iterable[TypeMeta], catalogue: Catalogue
) -> str:
    tables = dict.fromkeys(table for meta in types for table in catalogue.tables(meta))
    context: dict[str, Any] = {
        "workflow": workflow,
        "chart": Markdown(flowchart(workflow)),
        "rpcs": rpcs,
        "schemas": {path.split(".")[-2]: path for path in _schemas(workflow)},
        "types": [_type_table(table) for table in tables],
    }
    return _render("workflow.md", up, **context)


@lru_cache(maxsize=4096)
def _type_table(table: TypeTable) -> Markdown:
    """The same types stand on many pages."""
    return Markdown(_environment().get_template("_type.md.jinja").render(table=table).rstrip())


def _finalize(value: Any) -> str:
    """Text that nobody marked as Markdown is shown as it is."""
    return value if isinstance(value, Markdown) else plain(str(value))


def _render(template: str, up: str, **context: Any) -> str:
    text = _environment().get_template(f"{template}.jinja").render(up=up, **context)
    return text.encode("utf-8", "replace").decode("utf-8")


def _page(workflow: WorkflowMeta) -> str:
    # No name begins with an underscore, so nothing else can have this one.
    return "_index.md" if workflow.module == "index" else f"{workflow.module}.md"


def _source(span: Span, up: str, label: str) -> Markdown:
    # No line numbers: an edit above a step would make the page stale.
    return link(code(label), f"{up}{span.file}")


def _summary(workflow: WorkflowMeta) -> str:
    described = workflow.description if workflow.description != DYNAMIC else None
    return str(workflow.docs.get("summary") or described or "")


def _options(step: StepMeta) -> Markdown:
    return Markdown(", ".join(code(f"{name}={value!r}") for name, value in step.options.items()))


def _page_link(workflow: WorkflowMeta) -> Markdown:
    return link(code(workflow.name), _page(workflow))


def _file_link(path: str, label: str) -> Markdown:
    return link(plain(label), path)


def _step_key(step: StepMeta) -> str:
    return step_key(step.key)


def _known(text: str | None) -> str:
    return "" if text is None or text == DYNAMIC else text


@cache
def _environment() -> Environment:
    from pyflow_cli.codegen.template import make_environment

    filters: dict[str, Callable[..., Any]] = {
        "code": code,
        "source": _source,
        "summary": _summary,
        "options": _options,
        "step_key": _step_key,
        "page": _page_link,
        "known": _known,
        "file": _file_link,
    }
    return make_environment("docs", _finalize, filters)

"""`pyflow generate` itself looks at what its templates give: one that is planted in its wheel gets nothing written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyflow_templates
import pytest

SOURCE = """\
from pyflow_core import WorkflowContext, wire_rpc, wire_workflow


@wire_rpc("users.create")
async def create(data: str) -> int:
    return 1


@wire_workflow("onboarding")
async def onboarding(data: str, *, workflow: WorkflowContext) -> int:
    return await workflow.do("createUser", "users.create", data)
"""
PLANTED = {
    "a call": ("workers.py", "_workers = _ArqWorkers(_this_project)", '__import__("os")'),
    "a call in a class": ("_worker", "queue_name = {{ queue }}", "queue_name = open({{ queue }})"),
    "a call in a default": ("_client", "run_id: str | None = None", 'run_id: str | None = open("f")'),
    "a call in an item": ("_plan", "steps={{ steps }},", "steps=exec({{ name }}),"),
    "a module of others": ("_project.py", "from typing import Final", "from os import sep as Final"),
    "a statement": ("rpcs.py", "BLOCKS_members", "for x in y: pass"),
    "a text in quotes": ("_step", "Literal[{{ name }}]", 'Literal["{{ name }}"]'),
    "a text in a docstring": ("_worker", "{{ summary }}", '"""{{ summary }}"""'),
    "a text that nobody encoded": ("_invoke", "Literal[{{ name }}]", "Literal[{{ name | string | lower }}]"),
    "no Python": ("_member", "RpcRef({{ name }})", "RpcRef({{ name }}"),
}


def generate(folder: Path, templates: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(templates), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pyflow_cli.main", "generate", "--no-color", "--project", str(folder)]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy of our templates, which comes before them."""
    folder = tmp_path / "planted"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(pyflow_templates.__file__).parent, folder / "pyflow_templates", ignore=ignored)
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "planted"\n')
    (folder / "app.py").write_text(SOURCE)
    return folder


@pytest.mark.parametrize("planted", PLANTED)
def test_a_template_that_breaks_its_shape_is_refused(planted: str, project: Path, templates: Path) -> None:
    name, old, new = PLANTED[planted]
    template = templates / "pyflow_templates" / "python" / f"{name}.jinja"
    text = template.read_text()
    assert old in text
    template.write_text(text.replace(old, new))
    refused = generate(project, templates)
    assert refused.returncode == 70, refused
    assert "this is a bug in pyflow: TemplateError: " in refused.stderr
    assert not (project / "pyflow_gen").exists()
    template.write_text(text)
    assert generate(project, templates).returncode == 0
    assert (project / "pyflow_gen").exists()

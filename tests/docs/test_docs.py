"""Every block of the documentation is tested; `pages.py` says how."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from pages import DOCS, PAGES, ROOT, Block, all_blocks, blocks, projects

BLOCKS = all_blocks()
SCRIPTS = [DOCS / "tutorial.md"]
SKILL = DOCS / "skills" / "pyflow-workflow"


def name(item: object) -> str:
    return item.where if isinstance(item, Block) else Path(str(item)).stem


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def environment() -> dict[str, str]:
    """The process's own, without settings for pyflow, and with this environment's commands in front."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYFLOW_", "PYTEST_"))}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"}


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "python"], ids=name)
def test_python_compiles(block: Block) -> None:
    compile(block.text, block.where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "toml"], ids=name)
def test_toml_parses(block: Block) -> None:
    tomllib.loads(block.text)


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "console"], ids=name)
def test_every_command_of_pyflow_exists(block: Block) -> None:
    from pyflow_cli.main import COMMANDS

    called = re.findall(r"^\$ (?:until )?pyflow (\w+)", block.text, re.MULTILINE)
    assert set(called) <= set(COMMANDS)


@pytest.mark.parametrize("page", projects(), ids=name)
def test_the_project_of_a_page_is_generated_and_checked_and_its_tests_pass(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.file is not None and block.is_run:
            path = tmp_path / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    run(tmp_path, "pyflow_cli.main", "generate")
    run(tmp_path, "pyflow_cli.main", "check", "--fail-on", "warning")
    if (tmp_path / "tests").is_dir():
        run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider")
    run(tmp_path, "mypy", "--strict", "--explicit-package-bases", "--no-incremental", "--cache-dir", os.devnull, "shop")


@pytest.mark.skipif(shutil.which("bash") is None, reason="the commands are for bash")
@pytest.mark.parametrize("page", SCRIPTS, ids=name)
def test_the_commands_of_a_page_work(page: Path, tmp_path: Path) -> None:
    """The page is one session: a function that it replaces is replaced before the commands after it."""
    lines = ["set -eu", "trap 'kill -9 $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, block in enumerate(blocks(page)):
        if block.language == "console" and block.is_run:
            lines += [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
        elif block.note.startswith("replaces: "):
            _, file, function = block.note.split()
            fragment = tmp_path / f"block-{number}.py"
            fragment.write_text(block.text, encoding="utf-8")
            helper = Path(__file__).with_name("replace_function.py")
            lines.append(shlex.join(["python", str(helper), file, function, str(fragment)]))
    script = tmp_path / "session.sh"
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(
        ["bash", str(script)],
        cwd=tmp_path,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{script.read_text()}\n{done.stdout}\n{done.stderr}"
    tail = done.stdout[done.stdout.rindex("run        grace") :]
    assert "status     completed" in tail
    assert re.search(r"createUser +rpc +users.create +completed +1 ", tail), tail


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_is_in_the_navigation() -> None:
    # The one tag in it is a function of an extension, which only mkdocs can load.
    text = (ROOT / "website" / "mkdocs.yml").read_text(encoding="utf-8").replace("!!python/name:", "")
    navigation = yaml.safe_dump(yaml.safe_load(text)["nav"])
    pages = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    assert {page for page in pages if page not in navigation} == set()


def test_the_architecture_page_names_what_exists() -> None:
    text = (DOCS / "explanation" / "architecture.md").read_text(encoding="utf-8")
    names = set(re.findall(r"`(pyflow_(?:core|inspector|cli|services|templates)[\w.]*)`", text))
    assert len(names) > 20
    for dotted in names:
        try:
            importlib.import_module(dotted)
        except ModuleNotFoundError:
            module, _, attribute = dotted.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), dotted


def test_the_reference_of_settings_is_complete() -> None:
    from pyflow_cli.settings import KEYS

    text = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1] for row in re.findall(r"^\| `([\w-]+)` \|.*?\|([^|]*)\|[^|]*\|$", text, re.MULTILINE)}
    assert set(rows) == set(KEYS)
    assert {key: row.strip().strip("`") or None for key, row in rows.items()} == {
        key: spec.environment for key, spec in KEYS.items()
    }


def test_the_reference_of_commands_is_complete() -> None:
    from pyflow_cli.main import COMMANDS

    text = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `pyflow (\w+)", text, re.MULTILINE) == list(COMMANDS)


def test_the_reference_of_errors_is_true() -> None:
    import pyflow_core.errors

    text = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    for error, code in re.findall(r"^\| `(\w+Error)` \| `(\w+)` \|", text, re.MULTILINE):
        assert getattr(pyflow_core.errors, error).code == code


def test_a_decision_ends_in_what_it_rules_out() -> None:
    for page in DOCS.glob("decisions/*.md"):
        if page.name != "index.md":
            text = page.read_text(encoding="utf-8")
            assert "**It rules out**" in text.rpartition("\n\n")[2], page.name


# --- the skill for coding assistants


def test_the_skill_says_what_it_is_for() -> None:
    _, header, body = (SKILL / "SKILL.md").read_text(encoding="utf-8").split("---\n", 2)
    front = yaml.safe_load(header)
    assert front["name"] == SKILL.name
    assert 50 < len(front["description"]) < 1000
    assert body.strip().startswith("# ")


@pytest.mark.parametrize("example", sorted((SKILL / "examples").glob("*.py")), ids=name)
def test_the_examples_of_the_skill_are_valid_workflows(example: Path, tmp_path: Path) -> None:
    shutil.copy(example, tmp_path / example.name)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "sample"\n\n[tool.pyflow]\n', encoding="utf-8")
    run(tmp_path, "pyflow_cli.main", "generate")
    run(tmp_path, "pyflow_cli.main", "check", "--fail-on", "warning")
    run(tmp_path, "mypy", "--strict", "--no-incremental", "--cache-dir", os.devnull, example.name)

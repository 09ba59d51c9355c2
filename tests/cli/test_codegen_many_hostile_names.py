"""Thousands of hostile names: what is accepted yields code of the planned shape, what is refused yields a finding.

Each is written into a project as the name of a workflow, of a step and of an RPC, with hostile descriptions, tags and
documentation; the inspector reads it, and the generator writes what is left. Every block of generated Python is
compared with its plan while it is made; here the files are compared once more with those of a project whose names are
tame.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from whole_package import outline, render_package

from pyflow_cli.generation import stopping_findings
from pyflow_cli.inspection import inspect
from pyflow_cli.settings import load_settings
from pyflow_core.naming import is_valid_name, is_valid_step_literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic

PER_PROJECT = 50
PIECES = [
    *("a", "b2", "users", "create", "class", "import", "None", "true", "match", "type", "self", "rpcs", "__init__"),
    *(".", "-", "_", "..", "--", " ", "\n", "\t", "\r", "\x00", "\x1b[31m", "\u2028", "\u202e", "\ufeff", "\udcff"),
    *('"', "'", '"""', "'''", "\\", "\\n", "`", "```", "#", ";", "(", ")", "[", "]", "{", "}", "{{", "}}", "{%", "%}"),
    *("$(id)", "`id`", "../", "/etc/passwd", "<script>", "-->", "|", "*", "**", "%s", "{0}", "\N{ZERO WIDTH SPACE}"),
    *(
        "é",
        "ß",
        "ﬁ",
        "漢",
        "Ω",
        "é",
        "ᐁ",
        "ᙬ",
        "\N{MATHEMATICAL FRAKTUR SMALL A}",
        "os.system('x')",
        "__import__('os')",
        "=",
        ":=",
        "lambda: 0",
    ),
]


def names(seed: int, count: int) -> Iterator[str]:
    """Hostile names, and between them such as are nearly or quite allowed."""
    chance = random.Random(seed)
    for number in range(count):
        kind = chance.random()
        if kind < 0.35:
            yield "".join(chance.choices(PIECES, k=chance.randint(1, 5)))
        elif kind < 0.8:
            yield f"n{number}" + "".join(chance.choices(["a", "_", "-", ".x", ".class", "-def", "9", "_import"], k=3))
        else:
            yield "".join(chance.choices("abcXYZ019_.- *'\"\\\n{}()é", k=chance.randint(1, 30)))


def write_project(root: Path, given: list[str], chance: random.Random) -> None:
    (root / "pyproject.toml").write_text('[project]\nname = "hostile"\n')
    lines = ["from pyflow_core import WorkflowDocs, wire_rpc, wire_workflow\n"]
    for number, name in enumerate(given):
        text = "".join(chance.choices(PIECES, k=4))
        about = f"description={text!a}"
        docs = f"docs=WorkflowDocs(summary={text!a}, description={text!a}, tags=[{text!a}])"
        lines.append(f"@wire_rpc({name!a})\nasync def rpc{number}(data: int) -> int:\n    {text!a}\n    return data\n")
        lines.append(f"@wire_workflow({name!a}, {about}, tags=[{text!a}], {docs})")
        lines.append(f"async def flow{number}(data: int, *, workflow) -> int:")
        lines.append(f"    return await workflow.do({name!a}, {name!a}, data, {about})\n")
    (root / "app.py").write_text("\n".join(lines))


def refused_names(findings: list[Diagnostic], source: str) -> set[int]:
    """The numbers of the functions at or above which something was refused."""
    lines = source.split("\n")
    found: set[int] = set()
    for finding in findings:
        for line in lines[finding.line - 1 :]:
            if line.startswith("async def "):
                found.add(int("".join(filter(str.isdigit, line.partition("(")[0]))))
                break
    return found


def check_project(root: Path, given: list[str], chance: random.Random) -> tuple[int, int]:
    """How many names were accepted, and how many refused."""
    write_project(root, given, chance)
    settings = load_settings(root, {})
    metadata = inspect(settings)
    findings = stopping_findings(metadata)
    source = (root / "app.py").read_text()
    refused = refused_names(findings, source)
    for number, name in enumerate(given):
        if not (is_valid_name(name) and is_valid_step_literal(name)):
            assert number in refused, f"{name!r} was accepted in silence"
    kept = [name for number, name in enumerate(given) if number not in refused]
    if not kept:
        return 0, len(given)
    write_project(root, kept, chance)
    metadata = inspect(settings)
    assert not stopping_findings(metadata), stopping_findings(metadata)[:1]
    assert sorted(item.name for item in metadata.workflows) == sorted(kept)
    files = render_package(metadata, settings, docs=True)
    assert len({path.lower() for path in files}) == len(files)
    tame: dict[str, str] = render_tame(root, kept, chance)
    for path in ("__init__.py", "blocking.py", "workers.py", "_project.py", "_services.py"):
        assert outline(files[path]) == outline(tame[path]), path
    hostile_flows = sorted(str(outline(text)) for path, text in files.items() if _is_flow(path))
    assert hostile_flows == sorted(str(outline(text)) for path, text in tame.items() if _is_flow(path))
    return len(kept), len(given) - len(kept)


def _is_flow(path: str) -> bool:
    shared = {"__init__.py", "blocking.py", "workers.py", "_project.py", "_services.py", "rpcs.py"}
    return path.endswith(".py") and path not in shared


def render_tame(root: Path, kept: list[str], chance: random.Random) -> dict[str, str]:
    write_project(root, [f"tame{number}" for number in range(len(kept))], chance)
    settings = load_settings(root, {})
    return render_package(inspect(settings), settings, docs=False)


def check_names(folder: Path, seeds: range) -> tuple[int, int]:
    accepted = refused = 0
    for seed in seeds:
        root = folder / str(seed)
        root.mkdir()
        given = list(dict.fromkeys(names(seed, PER_PROJECT)))
        kept, dropped = check_project(root, given, random.Random(seed))
        accepted, refused = accepted + kept, refused + dropped
    return accepted, refused


def test_hundreds_of_hostile_names_become_no_code(tmp_path: Path) -> None:
    accepted, refused = check_names(tmp_path, range(6))
    assert accepted > 40
    assert refused > 40


@pytest.mark.slow
def test_ten_thousand_hostile_names_become_no_code(tmp_path: Path) -> None:
    accepted, refused = check_names(tmp_path, range(1000, 1000 + 10_000 // PER_PROJECT + 20))
    assert accepted + refused > 10_000
    print(f"{accepted} accepted, {refused} refused")

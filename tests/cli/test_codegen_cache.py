"""The cache of the generator is a hint: with it, without it and with a broken one the same bytes come out."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cli_sample import SPAN, metadata, model, onboarding, rpc, settings, step, type_of, workflow
from whole_package import render_package

from pyflow_cli.codegen import block, cache
from pyflow_cli.codegen.cache import FOLDER, RenderCache
from pyflow_cli.codegen.package import plan_package
from pyflow_cli.codegen.write import apply_changes
from pyflow_cli.generation import planned_changes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pyflow_cli.settings import Settings
    from pyflow_core.metadata import Metadata


def project(folder: Path) -> Settings:
    return settings(root=folder, package="gen")


def generate(source: Metadata, folder: Path) -> tuple[str, ...]:
    """The files that were written."""
    changes = planned_changes(project(folder), source)
    apply_changes(changes)
    return changes.paths


def assert_right(source: Metadata, folder: Path) -> None:
    written = {
        str(path.relative_to(folder / "gen")): path.read_text(encoding="utf-8")
        for path in (folder / "gen").rglob("*")
        if path.is_file()
    }
    assert written == render_package(source, project(folder), docs=True)


@pytest.fixture
def renders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The templates that something is rendered from."""
    seen: list[str] = []
    rendered = block._render

    def render(template: str, *more: object) -> object:
        seen.append(template)
        return rendered(template, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(block, "_render", render)
    return seen


def test_nothing_is_rendered_where_nothing_changed(tmp_path: Path, renders: list[str]) -> None:
    assert generate(onboarding(), tmp_path)
    renders.clear()
    assert generate(onboarding(), tmp_path) == ()
    assert renders == []
    assert_right(onboarding(), tmp_path)


def test_an_edit_above_a_workflow_renders_nothing(tmp_path: Path, renders: list[str]) -> None:
    source = onboarding()
    generate(source, tmp_path)
    renders.clear()
    [item] = source.workflows
    lower = replace(SPAN, line=SPAN.line + 3, end_line=SPAN.end_line + 3)
    steps = tuple(replace(one, span=lower) for one in item.steps)
    moved = replace(source, workflows=(replace(item, span=lower, steps=steps),))
    assert generate(moved, tmp_path) == ()
    assert renders == []
    assert_right(moved, tmp_path)


def test_one_changed_workflow_renders_no_other(tmp_path: Path, renders: list[str]) -> None:
    def source(hash_of_b: str) -> Metadata:
        steps = {name: (step("s", "a.b", workflow=name),) for name in ("a", "b", "c")}
        hashes = {"a": "sha256:a", "b": hash_of_b, "c": "sha256:c"}
        return metadata(tuple(workflow(name, *steps[name], hash=hashes[name]) for name in steps), (rpc("a.b"),))

    generate(source("sha256:b"), tmp_path)
    renders.clear()
    assert generate(source("sha256:new"), tmp_path) == ("_project.py", "b.py", "meta.json")
    assert sorted(set(renders)) == ["_invoke", "_plan", "_project.py", "_step", "workflow.py"]
    assert renders.count("_plan") == 1
    assert_right(source("sha256:new"), tmp_path)


def test_a_file_that_somebody_changed_is_rendered_again(tmp_path: Path) -> None:
    generate(onboarding(), tmp_path)
    target = tmp_path / "gen" / "rpcs.py"
    target.write_text(target.read_text() + "x = 1\n")
    (tmp_path / "gen" / "workers.py").unlink()
    assert generate(onboarding(), tmp_path) == ("rpcs.py", "workers.py")
    assert_right(onboarding(), tmp_path)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _foreign(path: Path) -> None:
    path.write_text(json.dumps({"stamp": "x", "files": [1], "sections": 3}))


def _foreign_inside(path: Path) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "files": {"rpcs.py": 3}, "sections": {"a": 1}}))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("name", ["files.json", "sections.json"])
@pytest.mark.parametrize("harm", [_truncate, _flip, _foreign, _foreign_inside, _folder])
def test_a_broken_cache_changes_nothing_that_is_written(
    name: str, harm: Callable[[Path], None], tmp_path: Path
) -> None:
    generate(onboarding(), tmp_path)
    harm(tmp_path / FOLDER / name)
    changed = replace(onboarding(), workflows=(replace(onboarding().workflows[0], hash="sha256:" + "1" * 64),))
    generate(changed, tmp_path)
    assert_right(changed, tmp_path)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".pyflow").write_text("a file where the folder should be")
    generate(onboarding(), tmp_path)
    generate(onboarding(), tmp_path)
    assert_right(onboarding(), tmp_path)


def test_a_cache_of_other_templates_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(onboarding(), tmp_path)
    monkeypatch.setattr(cache, "_stamp", lambda: "other")
    fresh = RenderCache(tmp_path)
    plans = plan_package(onboarding(), project(tmp_path), fresh.sections, fresh.types, docs=True)
    assert None not in fresh.settle(tmp_path / "gen", plans).values()
    assert fresh.sections._known == {}


def test_git_ignores_the_cache(tmp_path: Path) -> None:
    generate(onboarding(), tmp_path)
    assert (tmp_path / FOLDER / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("seed", range(6))
def test_any_series_of_changes_gives_what_a_first_run_gives(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)

    def source() -> Metadata:
        rpcs = tuple(
            rpc(f"r{number}.call", chance.choice([None, model("In")]), type_of("int"), description=chance.choice("ab"))
            for number in range(chance.randint(1, 4))
        )
        names = chance.sample(["a", "b", "c", "d"], chance.randint(1, 4))
        return metadata(
            tuple(
                workflow(
                    name,
                    *(
                        step(chance.choice(["s", "t", "u-*"]), chance.choice(rpcs).name, workflow=name, id=str(number),
                             description=chance.choice([None, "x"]), options=chance.choice([{}, {"retries": 2}]))
                        for number in range(chance.randint(0, 3))
                    ),
                    description=chance.choice([None, "d"]),
                    tags=chance.choice([(), ("t",)]),
                    hash=f"sha256:{chance.randint(1, 2)}",
                )
                for name in sorted(names)
            ),
            rpcs,
        )  # fmt: skip

    for _ in range(12):
        current = source()
        generate(current, tmp_path)
        assert_right(current, tmp_path)

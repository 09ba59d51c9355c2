"""The JSON Schema that ships fits what is printed, and nothing else."""

from __future__ import annotations

import copy
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from pyflow_inspector import InspectorSettings, inspect_project
from pyflow_inspector.schema import make_schema, read_schema

ROOT = Path(__file__).parents[2]
PROJECTS = Path(__file__).parent / "projects"
META_FILES = sorted(ROOT.glob("examples/*/*/pyflow_gen/meta.json")) + sorted(
    ROOT.glob("tests/golden/cases/*/expected/**/meta.json")
)


def _check(document: object) -> None:
    Draft202012Validator(read_schema()).validate(document)


def _inspected(name: str) -> dict[str, Any]:
    root = PROJECTS / name
    return json.loads(json.dumps(inspect_project(InspectorSettings(root=root, source=root, name="x")).to_json()))


def test_the_schema_that_ships_is_that_of_the_classes() -> None:
    assert read_schema() == make_schema(), "if this is right: python -m pyflow_inspector.schema"


def test_it_is_a_schema_and_package_data() -> None:
    Draft202012Validator.check_schema(read_schema())
    assert (resources.files("pyflow_inspector") / "schema" / "metadata.schema.json").is_file()


@pytest.mark.parametrize("name", ["onboarding", "turns"])
def test_what_the_inspector_says_fits(name: str) -> None:
    document = _inspected(name)
    _check(document)
    assert document["workflows"][0]["graph"]["edges"]


@pytest.mark.parametrize("path", META_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_is_committed_fits(path: Path) -> None:
    _check(json.loads(path.read_text(encoding="utf-8")))


def test_what_the_command_prints_fits() -> None:
    printed = (ROOT / "tests/golden/cases/inspect-json/stdout").read_text(encoding="utf-8")
    _check(json.loads(printed))


def _objects(value: Any) -> list[dict[str, Any]]:
    """Every object in a document whose keys are fields."""
    free = ("docs", "options", "refs")
    if isinstance(value, dict):
        return [value, *(found for key, one in value.items() if key not in free for found in _objects(one))]
    return [found for one in value for found in _objects(one)] if isinstance(value, list) else []


def test_an_unknown_key_is_refused_wherever_it_stands() -> None:
    document = _inspected("turns")
    for index in range(len(_objects(document))):
        changed = copy.deepcopy(document)
        _objects(changed)[index]["surprise"] = 1
        if index % 7 == 0 or index < 10:  # each kind of object is among them
            with pytest.raises(ValidationError, match="surprise"):
                _check(changed)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("workflows", 0, "hash"), "sha256:1"),
        (("workflows", 0, "span", "line"), 0),
        (("workflows", 0, "steps", 0, "type"), "other"),
        (("workflows", 0, "graph", "nodes", 1, "kind"), "other"),
        (("workflows", 0, "graph", "edges", 0, "kind"), "other"),
        (("workflows", 0, "graph", "nodes", 1, "step"), 3),
        (("rpcs", 0, "async"), None),
    ],
)
def test_a_value_of_another_shape_is_refused(path: tuple[str | int, ...], value: object) -> None:
    document = _inspected("turns")
    place: Any = document
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    with pytest.raises(ValidationError):
        _check(document)


def test_a_missing_key_is_refused() -> None:
    document = _inspected("turns")
    del document["workflows"][0]["graph"]["nodes"][0]["parent"]
    with pytest.raises(ValidationError, match="parent"):
        _check(document)

"""Schemas that are read from the source allow and refuse what pydantic's own, made from the types, allow and refuse."""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from pyflow_cli.codegen.schema.json_schema import document
from pyflow_cli.codegen.schema.type_source import TypeSource
from pyflow_core.metadata import TypeMeta

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(__file__).with_name("schema_sample")
SHAPES = "sample_types.shapes"
ROOT = Path(__file__).parents[2]
CLASSES = [
    *("Scalars", "Containers", "Choices", "Limits", "Renamed", "Open", "Derived", "Tree", "Total", "Partial"),
    *("Mixed", "Pair", "Numbers", "Box", "Everything"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -3, 2, 3, 10, 11, 151, 0.5, 1.5, "", "a", "b", "c", "x", "yes", "red", "abcd", "A"),
    *([], [1], [1, 2], ["a"], [1, "a"], ["a", "b", "c", "d"], [0], {}, {"a": 1}, {"red": 1}, {"purple": 1}),
    *("2026-01-01", "2026-01-01T00:00:00Z", "P1D", "1.5", {"a": "b"}, {"x": 1.0}, {"value": 1}, {"known": 1, "z": 2}),
]


@pytest.fixture(scope="module", autouse=True)
def _importable() -> Iterator[None]:
    sys.path.insert(0, str(SAMPLE))
    yield
    sys.path.remove(str(SAMPLE))


def read(name: str, module: str = SHAPES, folder: Path = SAMPLE, **refs: str) -> dict[str, Any]:
    schema = document(TypeSource(folder), TypeMeta(name, refs or {name: f"{module}:{name}"}))
    Draft202012Validator.check_schema(schema)
    return json.loads(json.dumps(schema))


def comments(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$comment"]] if "$comment" in schema else []
        return own + [found for item in schema.values() for found in comments(item)]
    return [found for item in schema for found in comments(item)] if isinstance(schema, list) else []


class Samples:
    """Values that fit a schema, and values that nearly do."""

    def __init__(self, schema: dict[str, Any], seed: int) -> None:
        self._root = schema
        self._random = random.Random(seed)
        self._noise = self._random.choice([0, 0, 0.02, 0.1])

    def value(self, schema: Any, depth: int = 0) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case a kind of schema
        if self._random.random() < self._noise:
            return self._random.choice(VALUES)
        if not isinstance(schema, dict):
            return self._random.choice(VALUES)
        if "$ref" in schema:
            return self.value(self._root["$defs"][schema["$ref"].rpartition("/")[2]], depth + 1)
        for word in ("anyOf", "oneOf", "allOf"):
            if word in schema:
                options = schema[word] if depth < 5 else schema[word][-1:]
                return self.value(self._random.choice(options), depth + 1)
        if "const" in schema or "enum" in schema:
            return self._random.choice([*schema.get("enum", [schema.get("const")]), "other"])
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, depth)
            case "integer":
                return self._random.choice([0, 1, 2, 2, 2, 4, 150, 151, -1])
            case "number":
                return self._random.choice([0, 0.5, 0.25, 0.5, 1, 1.5, -1])
            case "string":
                return self._random.choice(["", "a", "ab", "abc", "abc", "abcd", "A1", "1.5", "x" * 21])
            case "boolean":
                return self._random.choice([True, False])
            case "null":
                return None
            case _:
                return self._random.choice(VALUES)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        chance = self._random.random
        required = schema.get("required", [])
        given = {
            name: self.value(item, depth + 1)
            for name, item in schema.get("properties", {}).items()
            if (chance() < 0.95 if name in required else chance() < 0.5 and depth < 6)
        }
        if chance() < 0.1:
            given["surprise"] = 1
        more = schema.get("additionalProperties")
        if isinstance(more, dict) and depth < 6 and (chance() < 0.8 or "propertyNames" in schema):
            keys = schema.get("propertyNames", {}).get("enum") or ["a", "red", "blue", "k"]
            given |= {key: self.value(more, depth + 1) for key in self._random.sample(keys, 2)}
        return given

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        if "prefixItems" in schema:
            items = [self.value(item, depth + 1) for item in schema["prefixItems"]]
            return items[: len(items) - (self._random.random() < 0.2)]
        count = self._random.choice([0, 1, 2, 4]) if depth < 6 else 0
        return [self.value(schema.get("items", {}), depth + 1) for _ in range(count)]


def assert_equivalent(mine: dict[str, Any], theirs: dict[str, Any], count: int = 600) -> set[bool]:
    left, right = Draft202012Validator(mine), Draft202012Validator(theirs)
    verdicts = set()
    for seed in range(count):
        value = Samples(theirs, seed).value(theirs)
        allowed = right.is_valid(value)
        verdicts.add(allowed)
        assert left.is_valid(value) == allowed, (value, [error.message for error in left.iter_errors(value)])
    for value in VALUES:
        assert left.is_valid(value) == right.is_valid(value), value
    return verdicts


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_allows_what_its_own_schema_allows(name: str) -> None:
    mine = read(name)
    theirs = TypeAdapter(getattr(importlib.import_module(SHAPES), name)).json_schema()
    assert comments(mine) == []
    assert assert_equivalent(mine, theirs) == {True, False}


EXAMPLES = sorted((ROOT / "examples").glob("*/*/pyflow_gen/meta.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parts[-3])
def test_types_of_the_examples_allow_what_pydantic_allows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = path.parents[2]
    monkeypatch.syspath_prepend(root)
    meta = json.loads(path.read_text(encoding="utf-8"))
    compared = 0
    for wired in [*meta["workflows"], *meta["rpcs"]]:
        for given in (wired["input"], wired["output"]):
            refs = list((given or {}).get("refs", {}).values())
            if len(refs) != 1 or given["text"] not in given["refs"]:
                continue
            module, _, name = refs[0].partition(":")
            mine = document(TypeSource(root), TypeMeta(given["text"], given["refs"]))
            assert comments(mine) == [], refs
            assert_equivalent(mine, TypeAdapter(getattr(importlib.import_module(module), name)).json_schema(), 60)
            compared += 1
    assert compared


@pytest.mark.parametrize(
    ("text", "refs", "schema"),
    [
        ("int", {}, {"type": "integer"}),
        ("list[int] | None", {}, {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]}),
        ("Optional[str]", {"Optional": "typing:Optional"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ("dt.datetime", {"dt.datetime": "datetime:datetime"}, {"type": "string", "format": "date-time"}),
        ("List[str]", {"List": "typing:List"}, {"type": "array", "items": {"type": "string"}}),
    ],
)
def test_types_without_classes(text: str, refs: dict[str, str], schema: dict[str, Any]) -> None:
    assert document(TypeSource(SAMPLE), TypeMeta(text, refs)) == {"$schema": read("Total")["$schema"], **schema}


PYDANTIC = "from pydantic import BaseModel, ConfigDict\n"
DEEP = "list[" * 80 + "int" + "]" * 80
UNREADABLE = {
    "import pydantic\nclass A(pydantic.BaseModel):\n    x: made()\n": "made() is no type",
    "from other import B\nclass A(B):\n    x: int\n": "no class whose fields can be read",
    f"{PYDANTIC}from other import B\nclass A(BaseModel, B):\n    x: int\n": "inherits from other.B",
    "class A:\n    x: int\n": "no class whose fields can be read",
    "import enum\nclass A(enum.Enum):\n    X = (1, 2)\n": "the value of A.X is no literal",
    "A = make()\n": "is made by a call",
    "def A(): ...\n": "is not of the project",
    "": "A cannot be found",
    "class A(\n": "A cannot be found",
    f"{PYDANTIC}class A(BaseModel):\n    x: Callable[[], int]\n": "cannot be read",
    f"{PYDANTIC}class A(BaseModel):\n    x: nothing\n": "nothing cannot be found",
    f"{PYDANTIC}from typing import Generic, TypeVar\nT = TypeVar('T')\nclass A(BaseModel, Generic[T]):\n    x: T\n": (
        "inherits from typing.Generic"
    ),
    f"{PYDANTIC}class A(BaseModel):\n    model_config = ConfigDict(alias_generator=f)\n    x: int\n": (
        "aliases of A are made by a function"
    ),
    "A = A\n": "nested too deeply",
    f"{PYDANTIC}class A(BaseModel):\n    x: {DEEP}\n": "too deeply",
}


@pytest.mark.parametrize("source", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_allows_everything_and_says_why(source: str, tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text(source)
    schema = read("A", "mod", tmp_path)
    assert any(UNREADABLE[source] in comment for comment in comments(schema)), comments(schema)


def test_no_code_of_the_project_runs(tmp_path: Path) -> None:
    (tmp_path / "mod.py").write_text(
        "from pathlib import Path\nPath('ran').touch()\nraise SystemExit(42)\nclass A: ...\n"
    )
    read("A", "mod", tmp_path)
    assert not (tmp_path / "ran").exists()
    assert "mod" not in sys.modules


def test_classes_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for module, field in (("a", "x"), ("b", "y")):
        more = "from b import A as Other\n" if module == "a" else ""
        other = "    other: Other\n" if module == "a" else ""
        text = f"from pydantic import BaseModel\n{more}class A(BaseModel):\n    {field}: int\n{other}"
        (tmp_path / f"{module}.py").write_text(text)
    definitions = read("A", "a", tmp_path)["$defs"]
    assert list(definitions) == ["A", "b__A"]
    assert definitions["A"]["properties"]["other"] == {"$ref": "#/$defs/b__A"}


def test_names_are_followed_through_packages_aliases_and_stars(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from .inner import *\nfrom . import inner as renamed\n")
    (package / "inner" / "__init__.py").write_text("from .deep import Model as Public\nKind = Public\n")
    (package / "inner" / "deep.py").write_text("import pydantic as p\nclass Model(p.BaseModel):\n    x: int\n")
    for name in ("Public", "Kind", "renamed.Kind", "inner.deep.Model"):
        schema = read(name, "pack", tmp_path)
        assert schema["$defs"]["Model"]["properties"] == {"x": {"type": "integer"}}, name

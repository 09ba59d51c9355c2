"""Who may import whom. Dependencies run one way, and every line of the table says why it is there."""

from __future__ import annotations

import ast
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from source_tree import PACKAGES, ROOT, Module, is_inside, own_modules, read_modules

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED: dict[str, dict[str, str]] = {
    "pyflow_core": {
        "pydantic": "the codec validates values by the types of the users' functions",
        "pydantic_core": "its JSON reader and writer, which are the quickest at hand",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_core.payload": {
        "annotated_types": "limits of fields, which pydantic reads; it brings them",
    },
    "pyflow_core.testing": {
        "pytest": "contract suites are pytest classes, and the plugin is one of pytest",
    },
    "pyflow_services.memory": {
        "pyflow_core": "it implements the ports",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.files": {
        "pyflow_core": "it implements the payload port",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.relational": {
        "pyflow_core": "it implements the payload port",
        "pyflow_services.sqlite.connection": "the thread of a connection",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.redis": {
        "pyflow_core": "it implements the payload port",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.nats": {
        "pyflow_core": "it implements the payload port",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.otel": {
        "pyflow_core": "it implements the metrics port",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.object_store": {
        "pyflow_core": "it implements the payload port",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.sqlite": {
        "pyflow_core": "it implements the state port",
        "aiosqlite": "owns the thread of a connection",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_services.arq": {
        "pyflow_core": "it implements the queue port, and its generated workers open a project",
        "arq": "the queue",
        "redis": "its errors, its connection settings and the relay's pipelines",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_inspector": {
        "pyflow_core.__all__": "what a star import of the core brings",
        "pyflow_core.metadata": "what it says of a project is plain data of the core",
        "pyflow_core.naming": "names are judged as the running side judges them",
        "pyflow_core.duration": "so are durations",
        "pyflow_core.options": "so are options of steps",
        "pyflow_core.errors": "it refuses with the project's errors",
        "pyflow_core.suggest": "findings name the nearest known name",
        "libcst": "the parser that keeps positions",
        "typing_extensions": "type syntax that Python 3.11 lacks",
    },
    "pyflow_cli": {
        "pyflow_core": "it opens projects and reads their stores",
        "pyflow_inspector": "check, inspect and generate stand on it",
        "pyflow_templates": "where the templates lie",
        "typer": "the command line",
        "jinja2": "renders the templates",
    },
    "pyflow_templates": {},
}

# Inside the core the same rule holds: what is below knows nothing of what is above.
CORE_LAYERS: dict[str, dict[str, str]] = {
    "pyflow_core.errors": {},
    "pyflow_core.naming": {},
    "pyflow_core.suggest": {},
    "pyflow_core.secret": {},
    "pyflow_core.url": {},
    "pyflow_core.log": {"pyflow_core.secret": "what is logged of trouble holds no secrets"},
    "pyflow_core.clock": {},
    "pyflow_core.metadata": {},
    "pyflow_core.duration": {"pyflow_core.errors": "it refuses"},
    "pyflow_core.ports": {"pyflow_core.errors": "rows hold records of errors"},
    "pyflow_core.codec": {"pyflow_core.errors": "it refuses"},
    "pyflow_core.payload": {
        "pyflow_core.ports": "it stands on the payload port, and makes what rows of the state port hold",
        "pyflow_core.secret": "it takes secrets out of values and contexts",
        "pyflow_core.url": "it shows URLs of stores without their passwords",
        "pyflow_core.codec": "values become bytes by their codec",
        "pyflow_core.errors": "it refuses",
        "pyflow_core.clock": "how long ago a value was put",
        "pyflow_core.duration": "options of URLs may be durations",
        "pyflow_core.suggest": "a mistyped option is told with the nearest",
    },
    "pyflow_core.signature": {
        "pyflow_core.codec": "a signature has a codec for its data and one for its result",
        "pyflow_core.errors": "it refuses",
    },
}

# That of the newest Python that pyflow knows; the tests may run on an older one.
STANDARD_LIBRARY = sys.stdlib_module_names | {"annotationlib", "compression"}

# A client must not pay for what only a worker, a generator or another backend needs.
HEAVY = ("pydantic", "libcst", "jinja2", "typer", "arq", "redis", "aiosqlite", "sqlite3", "pytest")


def owner(module: str) -> str:
    """The line of the table that a module belongs to: the longest one."""
    return max((package for package in ALLOWED if is_inside(module, package)), key=len, default=module)


def allowed(module: str) -> list[str]:
    """What a module may import: its own package, what the table says of it and of the packages around it."""
    lines = [package for package in ALLOWED if is_inside(module, package)]
    return [owner(module), *lines, *(name for line in lines for name in ALLOWED[line])]


def own_or_foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return top not in STANDARD_LIBRARY


def violations(modules: list[Module]) -> list[str]:
    return [
        f"{module.where}:{line} imports {name}"
        for module in modules
        for name, line in module.imports()
        if own_or_foreign(name) and not any(is_inside(name, package) for package in allowed(module.name))
    ]


def test_every_import_is_in_the_table() -> None:
    assert violations(own_modules()) == []


def test_every_package_is_in_the_table() -> None:
    named = {module.name for module in own_modules() if module.name.count(".") == 1}
    services = {name for name in named if is_inside(name, "pyflow_services") and folder(name).is_dir()}
    assert services <= set(ALLOWED)
    assert {package for package in PACKAGES if package != "pyflow_services"} <= set(ALLOWED)


def folder(name: str) -> Path:
    top, _, rest = name.partition(".")
    return PACKAGES[top] / rest


def test_every_reason_says_something() -> None:
    for table in (ALLOWED, CORE_LAYERS):
        for line in table.values():
            assert all(len(reason) > 5 for reason in line.values())


def test_a_forbidden_import_is_found() -> None:
    planted = Module("pyflow_core.planted", ROOT / "planted.py", ast.parse("from pyflow_services import sqlite"))
    assert violations([planted]) == ["planted.py:1 imports pyflow_services.sqlite"]


@pytest.mark.parametrize("layer", CORE_LAYERS)
def test_the_core_is_layered(layer: str) -> None:
    found = [
        f"{module.where}:{line} imports {name}"
        for module in own_modules()
        if is_inside(module.name, layer)
        for name, line in module.imports()
        if is_inside(name, "pyflow_core") and not any(is_inside(name, below) for below in (layer, *CORE_LAYERS[layer]))
    ]
    assert found == []


def test_private_names_of_asyncio_stay_in_one_module() -> None:
    found = [
        f"{module.where}:{node.lineno}"
        for module in own_modules()
        if module.name != "pyflow_core.engine.loop"
        for node in ast.walk(module.tree)
        if (
            isinstance(node, ast.ImportFrom)
            and (node.module or "").startswith("asyncio")
            and any(alias.name.startswith("_") for alias in node.names)
        )
        or (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "asyncio"
            and node.attr.startswith("_")
        )
    ]
    assert found == []


def generated_packages() -> list[Module]:
    return [
        module
        for path in sorted((ROOT / "examples").glob("*/*/pyflow_gen"))
        for module in read_modules(path, f"{path.parent.name}.pyflow_gen")
    ]


def test_generated_code_imports_the_core_and_its_project() -> None:
    """Only workers.py needs a service: it holds settings for arq."""
    modules = generated_packages()
    assert modules
    for module in modules:
        app = module.name.partition(".")[0]
        may = ["pyflow_core", app, *(["pyflow_services.arq"] if module.name.endswith(".workers") else [])]
        foreign = [name for name, _ in module.imports() if own_or_foreign(name)]
        assert [name for name in foreign if not any(is_inside(name, package) for package in may)] == []


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import pyflow_core", HEAVY),
        ("import pyflow_core.client", ("pydantic", "libcst", "jinja2", "typer", "arq", "redis", "aiosqlite", "pytest")),
        ("import pyflow_cli.main", ("pydantic", "libcst", "jinja2", "arq", "redis", "aiosqlite", "pyflow_inspector")),
        ("import onboarding_app.pyflow_gen", (*HEAVY, "onboarding_app.models", "onboarding_app.workflows")),
        ("import pyflow_services.sqlite", ("arq", "redis", "libcst", "jinja2", "typer")),
    ],
)
def test_importing_is_light(statement: str, forbidden: tuple[str, ...]) -> None:
    code = f"{statement}\nimport sys\nprint(*(name for name in {forbidden!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "examples" / "onboarding",
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == []

from __future__ import annotations

import ast
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pyflow_cli.codegen.canonical import canonical
from pyflow_cli.codegen.code import TemplateError, literal

if TYPE_CHECKING:
    from pathlib import Path

HEADER = """\
# @generated
from __future__ import annotations
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, overload
"""


def ruff(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", "."]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


class Writer:
    """Programs of the shape that templates make, with names and texts of every length."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str:
        length = self.random.choice([2, 5, 20, 50, 90, 150])
        return literal("".join(self.random.choice("abc de-._'\"\\é漢\n\x00|*{}") for _ in range(length)))

    def name(self) -> str:
        return "n" + "".join(self.random.choice("abcdef_") for _ in range(self.random.choice([2, 5, 20, 40])))

    def type(self, depth: int = 0) -> str:  # noqa: PLR0911 - one case a kind of type
        chance = self.random.random()
        inner = [self.type(depth + 1) for _ in range(self.random.randint(2, 4))] if depth < 4 else []
        if not inner or chance < 0.35:
            return self.random.choice(["str", "None", "Any", f"_{self.name()}.{self.name()}"])
        if chance < 0.5:
            return f"list[{inner[0]}]"
        if chance < 0.65:
            return f"dict[{inner[0]}, {inner[1]}]"
        if chance < 0.72:
            return f"tuple[{', '.join(inner)}]"
        if chance < 0.8:
            return f"Callable[[{', '.join(inner[2:])}], {inner[0]}]"
        if chance < 0.86:
            return f"Literal[{self.text()}, {self.text()}]"
        return " | ".join(inner)

    def method(self) -> str:
        head = f"async def {self.name()}(self, data: {self.type()}, /, *, tags: Sequence[str] = ()) -> {self.type()}:"
        return f"{head}\n        {self.text()}\n        return await client.start({self.text()}, data, tags=tags)"

    def members(self) -> list[str]:
        return [
            f"{self.name()}: Final[{self.type()}] = RpcRef({self.text()})",
            f"{self.name()} = _workers.step({self.text()}, {self.text()})",
            f"{self.name()} = {self.text()}",
            f"{self.name()}: Final = Inner()",
            f"@overload\n    async def do(self, rpc: Literal[{self.text()}], /, **o: Any) -> {self.type()}: ...",
            f"@overload\n    async def do(self, rpc: Literal[{self.text()}], data: {self.type()}, /) -> None: ...",
            f"@overload\n    async def do(self, call: {self.type()}, /) -> {self.type()}: ...",
            self.method(),
            f"def {self.name()}(self, client: Any = None) -> {self.type()}:\n        return call(self.run(data))",
        ]

    def program(self) -> str:
        classes = [
            f"class K{self.name()}:\n    {self.text()}\n" + "".join(f"    {member}\n" for member in self.members())
            for _ in range(20)
        ]
        more = f"{{'a': [1], {self.text()}: ()}}"
        project = f"project: Final = Project(name={self.text()}, steps=({self.text()},), more={more})"
        return HEADER + "".join(classes) + project


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("printed")
    for seed in range(4):
        (folder / f"program_{seed}.py").write_text(canonical(Writer(seed).program()), encoding="utf-8")
    return folder


def test_a_formatter_finds_nothing_to_change(printed: Path) -> None:
    result = ruff("format", "--diff", folder=printed)
    assert (result.returncode, result.stdout) == (0, "")


def test_a_linter_finds_nothing_to_say(printed: Path) -> None:
    result = ruff("check", "--select", "E,W,I,UP,RUF100", "--output-format", "concise", folder=printed)
    assert (result.returncode, result.stdout.strip()) == (0, "All checks passed!")


@pytest.mark.parametrize("seed", range(3))
def test_printing_changes_nothing_that_python_sees(seed: int) -> None:
    once = canonical(Writer(seed).program())
    assert canonical(once) == once
    ast.parse(once)


def test_imports_that_nothing_uses_are_dropped() -> None:
    text = canonical(
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING, Any, Final\n"
        "import unused\n"
        "from a import b, c\n"
        "if TYPE_CHECKING:\n    import x.y as _x_y\n"
        "if TYPE_CHECKING:\n    import x.z as _x_z\n"
        "n: _x_z.N = b\n"
    )
    assert text == (
        "from __future__ import annotations\n\n"
        "from typing import TYPE_CHECKING\n\n"
        "from a import b\n\n"
        "if TYPE_CHECKING:\n    import x.z as _x_z\n\n"
        "n: _x_z.N = b\n"
    )


@pytest.mark.parametrize(
    "statement",
    [
        "for x in y: pass",
        "import os; os.system('x') if 1 else 2",
        "x = lambda: 1",
        "x = [y for y in z]",
        "x = f'{y}'",
        "with x: pass",
        "x += 1",
        "del x",
        "class A(metaclass=B): pass",
        "f(**x)",
        "x = {**y}",
        "x = -1 if y else 2",
        "while True: pass",
        "async def f():\n    raise X",
    ],
)
def test_more_of_the_language_than_generated_code_needs_is_refused(statement: str) -> None:
    with pytest.raises(TemplateError):
        canonical(statement)


@pytest.mark.parametrize("text", ["class", "x = (", "x = '\x00'"])
def test_what_is_no_program_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="gave no Python"):
        canonical(text)

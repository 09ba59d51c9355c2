"""What the fixes of rules make of a file, by the command that applies them."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pyflow_cli.repair import repair
from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyflow_core.metadata import Diagnostic

HEAD = """\
from pyflow_core import wire_rpc, wire_workflow

@wire_rpc("users.create")
async def create(data: str) -> str:
    return data
"""


def _repair(root: Path, *, unsafe: bool = False) -> list[str]:
    settings = InspectorSettings(root=root, source=root, name="x")

    def find() -> Sequence[Diagnostic]:
        return inspect_project(settings).diagnostics

    return [one.code for one in repair(settings, find, unsafe=unsafe)]


def _workflow(body: str) -> str:
    lines = dedent(body).strip("\n").splitlines()
    return f'{HEAD}\n@wire_workflow("flow")\nasync def flow(data: str, *, workflow, rpc) -> object:\n' + "".join(
        f"    {line}\n" for line in lines
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('workflow.do("a", lambda: 1)', 'await workflow.do("a", lambda: 1)'),
        ('return workflow.do("a", lambda: 1)', 'return await workflow.do("a", lambda: 1)'),
        ('rpc.invoke("users.create", data)', 'await rpc.invoke("users.create", data)'),
        ('x = workflow.do("a", lambda: "b").upper()', 'x = (await workflow.do("a", lambda: "b")).upper()'),
        ('x = (workflow.do("a", lambda: "b")).upper()', 'x = (await workflow.do("a", lambda: "b")).upper()'),
        ('x = workflow.do("a",\n  lambda: "b",\n).upper()', 'x = (await workflow.do("a",\n  lambda: "b",\n)).upper()'),
        ('x = "é"; workflow.do("a", lambda: 1)', 'x = "é"; await workflow.do("a", lambda: 1)'),
        ('def f(x=workflow.do("a", lambda: 1).x): ...', 'def f(x=(await workflow.do("a", lambda: 1)).x): ...'),
        ('for _ in data:\n    workflow.do("a", lambda: 1)', 'for _ in data:\n    await workflow.do("a", lambda: 1)'),
    ],
)  # fmt: skip
def test_an_await_is_added_where_it_is_missing(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "flows.py").write_text(_workflow(before), encoding="utf-8")
    assert "PF203" in _repair(tmp_path)
    assert (tmp_path / "flows.py").read_text(encoding="utf-8") == _workflow(after)


@pytest.mark.parametrize(
    "body",
    [
        'def helper():\n    workflow.do("a", lambda: 1)\nhelper()',
        'run = lambda: workflow.do("a", lambda: 1).x\nrun()',
        'class Holder:\n    value = workflow.do("a", lambda: 1).x',
        'x = [workflow.do("a", lambda: 1).x for _ in data]',
    ],
)
def test_no_await_is_added_where_it_would_mean_something_else(tmp_path: Path, body: str) -> None:
    (tmp_path / "flows.py").write_text(_workflow(body), encoding="utf-8")
    settings = InspectorSettings(root=tmp_path, source=tmp_path, name="x")
    found = [one for one in inspect_project(settings).diagnostics if one.code == "PF203"]
    assert found and {one.fix for one in found} == {None}


# --- imports for type checkers


def _imports(root: Path, head: str, annotation: str = "User", **files: str) -> str:
    body = f"@wire_rpc('users.create')\nasync def create(data: {annotation}) -> None: ...\n"
    (root / "functions.py").write_bytes(f"{head}{body}".encode())
    (root / "models.py").write_text(
        files.get("models", "class User: ...\nclass Order: ...\nclass Item: ...\n"), encoding="utf-8"
    )
    _repair(root)
    text = (root / "functions.py").read_bytes().decode()
    assert text.endswith(body)
    return text.removesuffix(body)


FUTURE = "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nfrom pyflow_core import wire_rpc\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if TYPE_CHECKING:\n    from models import User\n", "from models import User\nif TYPE_CHECKING:\n    pass\n"),
        (
            "if TYPE_CHECKING:\n    from models import User  # noqa: TC001\n    from db import Database\n",
            "from models import User  # noqa: TC001\nif TYPE_CHECKING:\n    from db import Database\n",
        ),
        (
            "\nif TYPE_CHECKING:\n    # of\n    from models import Order, User, Item  # models\n",
            "from models import User\n\nif TYPE_CHECKING:\n    # of\n    from models import Order, Item  # models\n",
        ),
        (
            "if TYPE_CHECKING:\n    from models import (\n        Order,  # first\n        User,\n    )\n",
            "from models import (\n    Order,  # first\n    User,\n)\nif TYPE_CHECKING:\n    pass\n",
        ),
        (
            "if TYPE_CHECKING:\n    from models import (\n        Order,\n        User,\n    )\n",
            "from models import User\nif TYPE_CHECKING:\n    from models import Order\n",
        ),
        ("if TYPE_CHECKING: from models import User\n", "from models import User\nif TYPE_CHECKING: pass\n"),
    ],
)
def test_an_import_is_moved_out_of_the_block_for_type_checkers(tmp_path: Path, before: str, after: str) -> None:
    assert _imports(tmp_path, FUTURE + before) == FUTURE + after


def test_line_ends_stay_what_they_were_when_an_import_moves(tmp_path: Path) -> None:
    head = f"{FUTURE}if TYPE_CHECKING:\n    from models import User\n".replace("\n", "\r\n")
    after = f"{FUTURE}from models import User\nif TYPE_CHECKING:\n    pass\n".replace("\n", "\r\n")
    assert _imports(tmp_path, head) == after


def test_a_module_that_is_imported_under_another_name_moves_whole(tmp_path: Path) -> None:
    head = f"{FUTURE}if TYPE_CHECKING:\n    import models as m\n"
    assert _imports(tmp_path, head, "m.User") == f"{FUTURE}import models as m\nif TYPE_CHECKING:\n    pass\n"


def test_several_names_of_one_import_move_one_after_the_other(tmp_path: Path) -> None:
    head = f"{FUTURE}if TYPE_CHECKING:\n    from models import Item, Order, User\n"
    assert _imports(tmp_path, head, "dict[User, Order]") == (
        f"{FUTURE}from models import User\nfrom models import Order\nif TYPE_CHECKING:\n    from models import Item\n"
    )


@pytest.mark.parametrize(
    "models",
    [
        "import functions\nclass User: ...\n",
        "from functions import create\nclass User: ...\n",
        "import between\nclass User: ...\n",
    ],
)
def test_an_import_that_would_go_in_a_circle_stays(tmp_path: Path, models: str) -> None:
    (tmp_path / "between.py").write_text("from functions import create\n", encoding="utf-8")
    head = f"{FUTURE}if TYPE_CHECKING:\n    from models import User\n"
    assert _imports(tmp_path, head, models=models) == head


def test_comments_that_silence_nothing_go(tmp_path: Path) -> None:
    before = 'await workflow.do("a", lambda: 1)  # pyflow: ignore[PF101, PF203]  # noqa: E501'
    after = 'await workflow.do("a", lambda: 1)  # noqa: E501'
    (tmp_path / "flows.py").write_text(_workflow(before), encoding="utf-8")
    assert _repair(tmp_path) == ["PF411", "PF411"]
    assert (tmp_path / "flows.py").read_text(encoding="utf-8") == _workflow(after)


# --- variables of loops


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("lambda: item", "lambda item=item: item"),
        ("lambda : item", "lambda item=item : item"),
        ("lambda n=1: item + n", "lambda n=1, item=item: item + n"),
        ("lambda: (item, [one for one in item])", "lambda item=item: (item, [one for one in item])"),
        ("lambda: item + label", "lambda item=item, label=label: item + label"),
        ("lambda n=(1): item", "lambda n=(1): item"),
        ("lambda *n: item", "lambda *n: item"),
    ],
)
def test_the_variable_of_a_loop_is_bound_early(tmp_path: Path, before: str, after: str) -> None:
    body = (
        "calls = []\nfor item in data:\n    label = item.title()\n"
        '    calls.append(workflow.do(f"a-{item}", CALL, description="A"))\nfor call in calls:\n    await call'
    )
    (tmp_path / "flows.py").write_text(_workflow(body.replace("CALL", before)), encoding="utf-8")
    fixed = _repair(tmp_path, unsafe=True)
    assert (tmp_path / "flows.py").read_text(encoding="utf-8") == _workflow(body.replace("CALL", after))
    assert set(fixed) == ({"PF208"} if before != after else set())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def pack():\n        return item", "def pack(item=item):\n        return item"),
        ("async def pack(\n    ):\n        return item", "async def pack(\n    ):\n        return item"),
        (
            "def pack(n: int = 1) -> str:\n        return item",
            "def pack(n: int = 1, item=item) -> str:\n        return item",
        ),
        ("def pack():\n        return late", "def pack():\n        return late"),
    ],
)
def test_a_function_made_in_a_loop_binds_its_variable_too(tmp_path: Path, before: str, after: str) -> None:
    body = (
        "calls = []\nfor item in data:\n    DEF\n    late = item.title()\n"
        '    calls.append(workflow.do(f"a-{item}", pack, description="A"))\nfor call in calls:\n    await call'
    )
    (tmp_path / "flows.py").write_text(_workflow(body.replace("DEF", before)), encoding="utf-8")
    _repair(tmp_path, unsafe=True)
    assert (tmp_path / "flows.py").read_text(encoding="utf-8") == _workflow(body.replace("DEF", after))


def test_a_comprehension_binds_its_variable_early(tmp_path: Path) -> None:
    made = 'workflow.do(f"a-{i}", lambda: i * 2, description="A")'
    body = f"calls = [{made} for i in data]\nfor call in calls:\n    await call"
    (tmp_path / "flows.py").write_text(_workflow(body), encoding="utf-8")
    assert _repair(tmp_path) == []
    assert _repair(tmp_path, unsafe=True) == ["PF208"]
    assert "lambda i=i: i * 2" in (tmp_path / "flows.py").read_text(encoding="utf-8")


# --- the command


def test_the_command_fixes_and_tells_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pyflow_cli.main import main

    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.pyflow]\n', encoding="utf-8")
    text = _workflow('workflow.do("a", lambda: 1)\nawait workflow.do("a", lambda: 2)')
    (tmp_path / "flows.py").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["check", "--project", str(tmp_path), "--fix", "--format", "json", "--no-color"])
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert [one["code"] for one in json.loads(said.out)["diagnostics"]] == ["PF102"]
    assert said.err.splitlines() == ["fixed PF203 at flows.py:9:5: add `await`", "1 error"]


def test_only_what_was_asked_about_is_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pyflow_cli.main import main

    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.pyflow]\n', encoding="utf-8")
    (tmp_path / "other").mkdir()
    (tmp_path / "flows.py").write_text(_workflow('workflow.do("a", lambda: 1)'), encoding="utf-8")
    for arguments in (["--ignore", "PF2"], [str(tmp_path / "other")]):
        with pytest.raises(SystemExit) as ended:
            main(["check", *arguments, "--project", str(tmp_path), "--fix", "--no-color"])
        assert ended.value.code == 0
        assert "fixed" not in capsys.readouterr().err

"""Workflows and RPCs are found however they are wired."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

FUNCTION = "async def create(data: str) -> str: ...\n"


@pytest.mark.parametrize(
    "source",
    [
        f'from pyflow_core import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}',
        f'from pyflow_core import wire_rpc\n@wire_rpc(name="a.b", retries=1)\n{FUNCTION}',
        f'import pyflow_core as pf\n@pf.wire_rpc("a.b")\n{FUNCTION}',
        f'import pyflow_core\n@pyflow_core.wire_rpc("a.b")\n{FUNCTION}',
        f'from pyflow_core import wire_rpc as rpc\n@rpc("a.b")\n{FUNCTION}',
        f'from pyflow_core.wiring import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}',
        f'from pyflow_core import *\n@wire_rpc("a.b")\n{FUNCTION}',
        f'from pyflow_core import wire_rpc\nwire = wire_rpc\n@wire("a.b")\n{FUNCTION}',
        f'from pyflow_core import wire_rpc\n{FUNCTION}wire_rpc("a.b", create)',
        f'from pyflow_core import wire_rpc\n{FUNCTION}wire_rpc(func=create, name="a.b")',
        f'from pyflow_core import wire_rpc\n{FUNCTION}wire_rpc("a.b")(create)',
        f'from pyflow_core import wire_rpc\n{FUNCTION}wired = wire_rpc("a.b", func=create)',
        f'from pyflow_core import wire_rpc\nif True:\n    @wire_rpc("a.b")\n    {FUNCTION}',
        f'from pyflow_core import wire_rpc\ntry:\n    pass\nfinally:\n    @wire_rpc("a.b")\n    {FUNCTION}',
        f'from pyflow_core import wire_rpc\n@other\n@wire_rpc("a.b")\n@another(1)\n{FUNCTION}',
    ],
)
def test_every_way_to_wire_is_found(bench: Bench, source: str) -> None:
    metadata = bench.inspect({"app/functions.py": source})
    assert [(rpc.name, rpc.func) for rpc in metadata.rpcs] == [("a.b", "app.functions:create")]
    assert metadata.diagnostics == ()
    assert bench.text(metadata.rpcs[0].span).startswith("async def create")


@pytest.mark.parametrize(
    ("imports", "func"),
    [
        ("from app.functions import create", "create"),
        ("from app.functions import create as made", "made"),
        ("import app.functions", "app.functions.create"),
        ("import app.functions as f", "f.create"),
        ("from app import functions", "functions.create"),
        ("from . import functions", "functions.create"),
        ("from .functions import create", "create"),
        ("from .functions import *", "create"),
        ("from app.reexport import create", "create"),
        ("from app.functions import Group", "Group.create"),
    ],
)
def test_a_function_is_followed_into_another_module(bench: Bench, imports: str, func: str) -> None:
    files = {
        "app/functions.py": FUNCTION + f"class Group:\n    @staticmethod\n    {FUNCTION}",
        "app/reexport.py": "from .functions import create",
        "app/wiring.py": f'{imports}\nfrom pyflow_core import wire_rpc\nwire_rpc("a.b", {func})',
    }
    metadata = bench.inspect(files)
    target = "Group.create" if "Group" in func else "create"
    assert [rpc.func for rpc in metadata.rpcs] == [f"app.functions:{target}"]
    assert metadata.rpcs[0].span.file == "app/functions.py"
    assert metadata.diagnostics == ()


def test_a_wire_function_passed_on_under_another_name_is_found(bench: Bench) -> None:
    files = {
        "app/wiring.py": "from pyflow_core import wire_rpc as rpc",
        "app/functions.py": f'from app.wiring import rpc\n@rpc("a.b")\n{FUNCTION}',
        "app/middle.py": "from app.wiring import rpc as task",
        "app/more.py": f'from app import middle\n@middle.task("a.c")\n{FUNCTION}',
    }
    assert [rpc.name for rpc in bench.inspect(files).rpcs] == ["a.b", "a.c"]


def test_functions_of_other_packages_that_have_the_same_name_are_ignored(bench: Bench) -> None:
    metadata = bench.inspect(f'from elsewhere import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}')
    assert (metadata.rpcs, metadata.diagnostics) == ((), ())


def test_modules_are_named_from_the_source_folder(bench: Bench) -> None:
    files = {"src/app/functions.py": f'from pyflow_core import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}'}
    metadata = bench.inspect(files, source=bench.root / "src")
    assert metadata.rpcs[0].func == "app.functions:create"
    assert metadata.rpcs[0].span.file == "src/app/functions.py"


@pytest.mark.parametrize("file", ["app/my-app.py", "app/class.py", "my app.py", "__main__.py", "1.py"])
def test_a_wiring_in_a_file_that_cannot_be_imported_is_refused(bench: Bench, file: str) -> None:
    wired = f'from pyflow_core import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}'
    [found] = bench.inspect({file: wired, "app/plain-script.py": "print(1)\n"}).diagnostics
    assert (found.code, found.file, found.line) == ("PF408", file, 2)


def test_generated_excluded_and_foreign_folders_are_not_read(bench: Bench) -> None:
    wired = f'from pyflow_core import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}'
    files = {
        "pyflow_gen/workers.py": wired,
        "tests/deep/test_it.py": wired,
        "app/old/a.py": wired,
        "app/keep_legacy.py": wired,
        "env/pyvenv.cfg": "",
        "env/lib/a.py": wired,
        ".hidden/a.py": wired,
        "not-importable/a.py": wired,
        "app/.py": wired,
        "app/a.b.py": wired,
        "app/functions.py": wired,
    }
    metadata = bench.inspect(files, exclude=("tests", "**/old/", "app/*_legacy.py"))
    assert [rpc.func for rpc in metadata.rpcs] == ["app.functions:create"]
    assert metadata.diagnostics == ()


def test_what_a_wiring_says_is_recorded(bench: Bench) -> None:
    source = """
        from app.middle import audit, may_start
        from pyflow_core import WorkflowDocs, wire_workflow

        @wire_workflow(
            "sign-up.now", description="Signs up", execution_mode="inline", tags=["a", "b"],
            middleware=[audit], permissions=(may_start, audit("x")), docs=WorkflowDocs("Sign up", tags=["c"]),
        )
        async def sign_up(data: str, *, workflow, mailer: "Mailer" = None) -> None: ...
    """
    workflow = bench.inspect(source).workflows[0]
    assert (workflow.description, workflow.execution_mode, workflow.tags) == ("Signs up", "inline", ("a", "b"))
    assert workflow.docs == {"summary": "Sign up", "description": None, "tags": ["c"]}
    assert workflow.middleware == ("app.middle:audit",)
    assert workflow.permissions == ("app.middle:may_start", "app.middle:audit")
    assert (workflow.module, workflow.worker) == ("sign_up_now", "SignUpNow")
    assert workflow.queue == "workflow-sign-up.now-orchestrator"
    assert [(s.name, s.builtin, s.optional) for s in workflow.services] == [
        ("mailer", False, True),
        ("workflow", True, False),
    ]


def test_an_rpc_is_described_by_its_docstring(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_rpc
        @wire_rpc("a.b")
        def create(data: str) -> str:
            \"\"\"Creates a user.

            And more.
            \"\"\"
    """
    rpc = bench.inspect(source).rpcs[0]
    assert (rpc.description, rpc.is_async) == ("Creates a user.", False)


def test_workflows_and_rpcs_come_in_the_order_of_their_names(bench: Bench) -> None:
    source = "from pyflow_core import wire_rpc, wire_workflow\n"
    for name in ("c", "a", "b"):
        source += f'@wire_rpc("{name}")\nasync def r_{name}() -> None: ...\n'
        source += f'@wire_workflow("{name}")\nasync def w_{name}() -> None: ...\n'
    metadata = bench.inspect(source)
    assert [one.name for one in metadata.rpcs] == [one.name for one in metadata.workflows] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("source", "marked"),
    [
        ('for name in "ab":\n    wire_rpc("a", create)', 'wire_rpc("a", create)'),
        ('[wire_rpc("a", f) for f in (create,)]', 'wire_rpc("a", f)'),
        ('class Group:\n    @wire_rpc("a")\n    async def f(self) -> None: ...', 'wire_rpc("a")'),
        ('def make():\n    @wire_rpc("a")\n    async def f() -> None: ...', 'wire_rpc("a")'),
        ('later = lambda: wire_rpc("a", create)', 'wire_rpc("a", create)'),
        ("wire_rpc(NAME, create)", "NAME"),
        ("wire_rpc(func=create)", "wire_rpc(func=create)"),
        ("wire_rpc(*create)", "wire_rpc(*create)"),
        ("@wire_rpc\nasync def f() -> None: ...", "wire_rpc"),
        ("import functools\nwire = functools.partial(wire_rpc, retries=3)", "wire_rpc"),
        ("wires = {'rpc': wire_rpc}", "wire_rpc"),
        ("x = make(wire_rpc).all().done", "wire_rpc"),
        ("def get():\n    return wire_rpc", "wire_rpc"),
    ],
)
def test_what_only_running_would_tell_is_a_dynamic_wiring(bench: Bench, source: str, marked: str) -> None:
    bench.inspect(f"from pyflow_core import wire_rpc\n{FUNCTION}{source}\n")
    found = [one for one in bench.metadata.diagnostics if one.code == "PF408"]
    assert [bench.text(one) for one in found] == [marked]


def test_of_two_wirings_of_a_name_the_first_counts_and_the_second_names_it(bench: Bench) -> None:
    wired = f'from pyflow_core import wire_rpc\n@wire_rpc("a.b")\n{FUNCTION}'
    metadata = bench.inspect({"app/b.py": wired, "app/a.py": wired})
    assert [rpc.func for rpc in metadata.rpcs] == ["app.a:create"]
    finding = bench.finding("PF402")
    assert (finding.file, finding.line, finding.column) == ("app/b.py", 2, 11)
    assert finding.message == "RPC 'a.b' is wired already at app/a.py:2:11"


@pytest.mark.parametrize(
    ("parameter", "optional"), [("data: str = 'a', ", True), ("data: str | None, ", False), ("", False)]
)
def test_data_with_a_default_may_be_left_out(bench: Bench, parameter: str, optional: bool) -> None:
    source = f"""
        from pyflow_core import wire_rpc, wire_workflow

        @wire_workflow("flow")
        async def flow({parameter}*, workflow, rpc=None) -> None: ...

        @wire_rpc("do")
        async def do({parameter}*, db=None) -> None: ...
    """
    metadata = bench.inspect(source)
    assert metadata.workflows[0].input_optional is optional
    assert metadata.rpcs[0].input_optional is optional

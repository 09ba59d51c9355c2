"""What is known of every call in workflow code: its absolute name, and under which conditions it runs."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from pyflow_inspector import InspectorSettings, reading
from pyflow_inspector.project import Modules, Project
from pyflow_inspector.source import SourceIndex, find_sources

if TYPE_CHECKING:
    from conftest import Bench

    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.steps.fact import Facts

HEAD = """
import asyncio
from pyflow_core import wire_workflow
"""


def facts(bench: Bench, body: str, *, head: str = "", files: dict[str, str] | None = None) -> Facts:
    lines = "".join(f"    {line}\n" for line in dedent(body).strip("\n").splitlines())
    signature = "async def flow(data: str, *, workflow, rpc, logger, db=None) -> None:"
    source = f'{HEAD}{dedent(head)}\n@wire_workflow("flow")\n{signature}\n{lines}'
    for name, text in {"app/flows.py": source, **(files or {})}.items():
        bench.write(name, text)
    return read(bench, "app.flows").workflows[0].facts


def read(bench: Bench, name: str) -> ProjectModel:
    settings = InspectorSettings(root=bench.root, source=bench.root, name="shop")
    project = Project(settings, Modules(SourceIndex(find_sources(settings))))
    module = project.module(name)
    assert module is not None
    return reading._read_model(reading.Reading(project), module)


def names(found: Facts, *, in_step: bool = False) -> list[str | None]:
    return [call.dotted for call in found.calls if call.site.in_step is in_step]


@pytest.mark.parametrize(
    ("head", "code", "expected"),
    [
        ("import time", "time.time()", "time.time"),
        ("from time import time as t", "t()", "time.time"),
        ("import datetime as dt", "dt.datetime.now(dt.UTC)", "datetime.datetime.now"),
        ("from datetime import datetime", "datetime.now()", "datetime.datetime.now"),
        ("import os.path", "os.path.exists('x')", "os.path.exists"),
        ("import xml.dom.minidom", "xml.dom.minidom.parse('x')", "xml.dom.minidom.parse"),
        ("import time\nclock = time.time", "clock()", "time.time"),
        ("from pathlib import Path", "(Path('a') / 'b').read_text()", "pathlib.Path.read_text"),
        ("from pathlib import Path\nROOT = Path('a')", "ROOT.read_text()", "pathlib.Path.read_text"),
        ("from pathlib import Path", "Path('a').parent.read_text()", "pathlib.Path.read_text"),
        ("import httpx", "httpx.AsyncClient().get('x')", "httpx.AsyncClient.get"),
        ("", "asyncio.get_running_loop().run_in_executor(None, print)", "asyncio.AbstractEventLoop.run_in_executor"),
        ("", "open('x')", "builtins.open"),
        ("", "db.time()", None),
        ("", "unknown.time()", None),
    ],
)  # fmt: skip
def test_a_call_is_known_by_its_absolute_name(bench: Bench, head: str, code: str, expected: str | None) -> None:
    assert expected in names(facts(bench, f"x = {code}", head=head))


@pytest.mark.parametrize(
    "body",
    [
        "time = data\ntime.time()",
        "for time in data: time.time()",
        "with data as time: time.time()",
        "[time.time() for time in data]",
        "def time(): return data\ntime.time()",
        "time.time()\nif data: time = data",
        "(lambda time: time.time())(data)",
    ],
)
def test_a_local_name_hides_a_module(bench: Bench, body: str) -> None:
    assert "time.time" not in names(facts(bench, body, head="import time"))


def test_what_a_local_variable_holds_is_followed(bench: Bench) -> None:
    body = """
        import time as clock
        now = clock.time
        now()
        async with httpx.AsyncClient() as client:
            await client.get("x")
        path: Path = data
        path.read_text()
        either = Path("a")
        if data:
            either = Path("b")
        either.exists()
        changing = Path("a")
        changing = data
        changing.exists()
    """
    found = facts(bench, body, head="import httpx\nfrom pathlib import Path")
    wanted = [
        "time.time", "httpx.AsyncClient", "httpx.AsyncClient.get", "pathlib.Path.read_text", "pathlib.Path",
        "pathlib.Path.exists", "pathlib.Path",
    ]  # fmt: skip
    known = [name for name in names(found) if name is not None]
    assert sorted(known) == sorted([*wanted, "pathlib.Path"])


def test_helpers_are_followed_wherever_they_live(bench: Bench) -> None:
    helpers = """
import time
from dataclasses import dataclass
from app import deep

def plain(): return deep.down()
def passed_on(x): return time.time_ns()
def never_called(): return time.ctime()

@dataclass
class Box:
    size: int
    def __post_init__(self): time.monotonic()
    def method(self): return self.inner()
    def inner(self): return time.perf_counter()
    @property
    def age(self): return time.process_time()
    @staticmethod
    def static(): return time.thread_time()

def make() -> "Box": ...
"""
    deep = "import time\ndef down(): return time.time() and down()\n"
    body = """
        def nested(): return time.gmtime()
        def unused(): return time.asctime()
        plain()
        sorted(data, key=passed_on)
        nested()
        Box(1).method()
        box = make()
        box.age
        Box.static()
    """
    files = {"app/helpers.py": helpers, "app/deep.py": deep}
    found = facts(bench, body, head="import time\nfrom app.helpers import plain, passed_on, Box, make", files=files)
    called = {name.removeprefix("time.") for name in names(found) if name is not None and name.startswith("time.")}
    assert called == {
        "time", "time_ns", "monotonic", "perf_counter", "process_time", "thread_time", "gmtime",
    }  # fmt: skip


def test_a_recursive_helper_is_walked_once(bench: Bench) -> None:
    head = "import time\ndef again(n): return again(n - 1) if n else time.time()"
    assert names(facts(bench, "again(2)\nagain(3)", head=head)).count("time.time") == 1


def test_what_a_step_runs_is_told_apart(bench: Bench) -> None:
    body = """
        def measure(): return time.time()
        def other(): return time.time_ns()
        async def run(name, fn): return await workflow.do(name, fn)
        draw = lambda: time.monotonic()
        either = helper if data else other
        await workflow.do("a", lambda: time.gmtime(outer()))
        await workflow.do("b", measure)
        await workflow.do("c", draw)
        await workflow.do("d", partial(third, 1))
        await workflow.do("e", either)
        await run("f", lambda: time.ctime())
        await workflow.do("g", "x.y", time.perf_counter())
        await workflow.do("h", make(1))
    """
    head = """
        import time
        from functools import partial
        def outer(): return time.time()
        def helper(): return time.localtime()
        def third(x): return time.process_time()
        def make(x):
            time.thread_time()
            return lambda: 1
    """
    found = facts(bench, body, head=head)
    assert {name for name in names(found) if name and name.startswith("time.")} == {
        "time.perf_counter", "time.thread_time",
    }  # fmt: skip
    assert {name for name in names(found, in_step=True) if name and name.startswith("time.")} == {
        "time.time", "time.time_ns", "time.monotonic", "time.gmtime", "time.localtime", "time.process_time",
        "time.ctime",
    }  # fmt: skip


def test_a_function_that_is_called_and_run_by_a_step_is_both(bench: Bench) -> None:
    body = """
        def measure(): return time.time()
        measure()
        await workflow.do("a", measure)
    """
    found = facts(bench, body, head="import time")
    assert "time.time" in names(found)


def test_a_call_knows_how_it_is_used_and_when_it_runs(bench: Bench) -> None:
    body = """
        await data.awaited()
        async with data.entered(): pass
        async for x in data.iterated(): data.repeated()
        [data.element() for x in data.source()]
        while data.test(): pass
        try:
            data.tried()
        finally:
            data.last()
    """
    found = facts(bench, body)
    calls = {call.node.func.attr: call.site for call in found.calls}
    assert [name for name, site in calls.items() if site.awaited] == ["awaited", "entered", "iterated"]
    assert {name for name, site in calls.items() if site.stand.repeated} == {"repeated", "element", "test"}
    assert [name for name, site in calls.items() if site.stand.in_finally] == ["last"]


def test_services_are_not_followed_but_recognised(bench: Bench) -> None:
    head = """
        import time
        class Database:
            def now(self): return time.time()
        def save(store): store.add(1)
    """
    found = facts(bench, "db.now()\nalias = db\nalias.orders.add(1)\nsave(db)\ndata.x()", head=head)
    conduct = found.conduct
    assert conduct is not None
    services = [conduct.service(call.node.func, call.site.scope) for call in found.calls]
    assert services.count("db") == 3
    assert "time.time" not in names(found)


def test_rpcs_may_do_what_they_like(bench: Bench) -> None:
    source = 'from pyflow_core import wire_rpc\n\n@wire_rpc("a")\nasync def a() -> int:\n    return id(1)\n'
    bench.write("app/a.py", source)
    assert read(bench, "app.a").rpcs[0].facts.calls == []


def test_names_that_lead_to_each_other_in_many_ways_are_followed_once(bench: Bench) -> None:
    body = ["a = b = c = data"]
    for _ in range(12):
        body += ["a = (a ^ b) & c | a", "b = b - a if c else a & b", "c = set(a) | b | c"]
    body += ["def f(x, y): return f(x, y) or f(y, x) or f(x ^ y, x) or x.use(y)", "f(a, b)", "f(b, c)", "f(db, a)"]
    body += ["x = list(a & b)", "for one in c: db.load(one)"]
    assert facts(bench, "\n".join(body)).calls


def test_variables_of_modules_that_lead_to_themselves_stand_for_nothing(bench: Bench) -> None:
    files = {
        "app/a.py": "from app import b\nx = b.y\nz = b.z\n",
        "app/b.py": "from app import a, b\ny = a.x\nz = b.z\n",
    }
    found = facts(bench, "a.x()\na.z()\na.x.y()\nb.z()", head="from app import a, b", files=files)
    assert [call.group for call in found.calls] == [None] * 4

"""Middleware around a workflow is workflow code: it is replayed, and read as such."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

MIDDLE = """
import asyncio, os, random, time
import httpx
from app.audit import note

COUNTS = {{}}

async def audit(call, proceed):
{body}
"""
NOTE = """
import time

def note(name):
    return f"{name} at {time.time()}"

async def stamp(call):
    await call.workflow.do("audit-stamp", lambda: time.time())
"""
FLOW = """
from pyflow_core import wire_workflow
from app.middle import audit

@wire_workflow("flow", middleware=[audit])
async def flow(data: str, *, workflow) -> None:
    await workflow.do("run", lambda: 1)

@wire_workflow("other", middleware=(audit,))
async def other(data: str, *, workflow) -> None:
    await workflow.do("run", lambda: 1)
"""


def found(bench: Bench, body: str) -> list[str]:
    """`"PF301 app/middle.py time.time()"` for each finding."""
    middle = MIDDLE.format(body="\n".join(f"    {line}" for line in body.splitlines()))
    bench.inspect({"app/__init__.py": "", "app/middle.py": middle, "app/audit.py": NOTE, "app/flows.py": FLOW})
    return [f"{one.code} {one.file} {bench.text(one)}" for one in bench.metadata.diagnostics]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("began = time.time()\nreturn await proceed()", ["PF301 app/middle.py time.time()"]),
        ("if random.random() > 1:\n    return None\nreturn await proceed()", ["PF302 app/middle.py random.random()"]),
        (
            "level = os.environ['LEVEL']\nreturn await proceed()",
            ["PF303 app/middle.py os.environ['LEVEL']"],
        ),
        ("open('log', 'a').write('x')\nreturn await proceed()", ["PF304 app/middle.py open('log', 'a')"]),
        ("httpx.post('http://x')\nreturn await proceed()", ["PF305 app/middle.py httpx.post('http://x')"]),
        ("COUNTS[call.name] = 1\nreturn await proceed()", ["PF309 app/middle.py COUNTS"]),
        ("text = note(call.name)\nreturn await proceed()", ["PF301 app/audit.py time.time()"]),
        ("await call.workflow.do('audit-time', lambda: time.time())\nreturn await proceed()", []),
        ("await call.workflow.do('audit-note', note, call.name)\nreturn await proceed()", []),
        ("result = await proceed()\nawait call.workflow.sleep('audit-rest', '1s')\nreturn result", []),
    ],
)
def test_middleware_is_held_to_what_workflow_code_is(bench: Bench, body: str, expected: list[str]) -> None:
    assert [one for one in found(bench, body) if one.startswith("PF3")] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("proceed()", ["PF203 app/middle.py proceed()"]),
        ("return proceed()", ["PF203 app/middle.py proceed()"]),
        ("result = proceed()\nprint(result.name)\nreturn 1", ["PF203 app/middle.py proceed()"]),
        ("task = proceed()\nreturn await asyncio.wait_for(task, 3)", []),
        ("return await proceed()", []),
        (
            "call.workflow.do('audit-x', lambda: 1)\nreturn await proceed()",
            ["PF203 app/middle.py call.workflow.do('audit-x', lambda: 1)"],
        ),
    ],
)
def test_middleware_must_await_what_it_surrounds(bench: Bench, body: str, expected: list[str]) -> None:
    assert [one for one in found(bench, body) if one.startswith("PF203")] == expected


def test_plain_middleware_may_hand_back_what_it_surrounds(bench: Bench) -> None:
    middle = "def audit(call, proceed):\n    return proceed()\n"
    bench.inspect({"app/__init__.py": "", "app/middle.py": middle, "app/flows.py": FLOW})
    assert "PF203" not in bench.codes


def test_a_factory_may_make_middleware(bench: Bench) -> None:
    middle = (
        "import time\n\ndef named(name):\n    async def layer(call, proceed):\n"
        "        await call.workflow.do(f'{name}-begin', lambda: time.time(), description='Begin')\n"
        "        print(time.time())\n        return await proceed()\n\n    return layer\n"
    )
    flow = FLOW.replace("import audit", "import named").replace("[audit]", "[named('a'), named('b')]")
    bench.inspect(
        {"app/__init__.py": "", "app/middle.py": middle, "app/flows.py": flow.partition('@wire_workflow("other')[0]}
    )
    assert [step.id for step in bench.metadata.workflows[0].steps] == ["a-begin", "b-begin", "run"]
    assert [(one.code, one.line) for one in bench.metadata.diagnostics] == [("PF301", 6)]


def test_an_object_may_be_middleware(bench: Bench) -> None:
    middle = (
        "import time\n\nclass Audit:\n    async def __call__(self, call, proceed):\n"
        "        await call.workflow.do('audit-begin', lambda: time.time())\n"
        "        print(time.time())\n        return proceed()\n\naudit = Audit()\n"
    )
    bench.inspect({"app/__init__.py": "", "app/middle.py": middle, "app/flows.py": FLOW})
    assert [step.id for step in bench.metadata.workflows[0].steps] == ["audit-begin", "run"]
    assert [(one.code, one.line) for one in bench.metadata.diagnostics if one.file == "app/middle.py"] == [
        ("PF301", 6), ("PF203", 7)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "steps", "lost"),
    [
        ("[*COMMON]", ["begin", "run"], []),
        ("COMMON", ["begin", "run"], []),
        ("()", ["run"], []),
        ("[elsewhere.traced, audit]", ["begin", "run"], ["elsewhere.traced"]),
        ("[audit, elsewhere.limit(3)]", ["begin", "run"], ["elsewhere.limit(3)"]),
        ("elsewhere.ALL", ["run"], ["elsewhere.ALL"]),
        ("[audit, *elsewhere.ALL]", ["begin", "run"], ["elsewhere.ALL"]),
        ("[strict if STRICT else audit]", ["begin", "run"], []),
    ],
)
def test_middleware_that_cannot_be_followed_is_a_finding(
    bench: Bench, given: str, steps: list[str], lost: list[str]
) -> None:
    source = f"""
        import os
        import elsewhere
        from pyflow_core import wire_workflow

        STRICT = os.environ.get("STRICT")

        async def audit(call, proceed):
            await call.workflow.do("begin", lambda: 1)
            return await proceed()

        async def strict(call, proceed):
            return await proceed()

        COMMON = (audit,)

        @wire_workflow("flow", middleware={given})
        async def flow(data: str, *, workflow) -> None:
            await workflow.do("run", lambda: 1)
    """
    workflow = bench.inspect(source).workflows[0]
    assert [step.id for step in workflow.steps] == steps
    assert [bench.text(one) for one in bench.metadata.diagnostics if one.code == "PF206"] == lost

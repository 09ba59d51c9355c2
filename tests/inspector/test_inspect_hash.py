"""Hashes change with the code, and with nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

    from pyflow_core.metadata import WorkflowMeta

HEAD = """
async def helper(w, data):
    return await w.do("helper", "users.create", data)

def compute():
    return 1
"""
BODY = """
x = await workflow.do("rpc", "users.create", data, retries=1)
y = await workflow.do("inline", lambda: x + 1)
await helper(workflow, data)
await workflow.do("named", compute)
"""


def _workflow(bench: Bench, old: str = "", new: str = "") -> WorkflowMeta:
    return bench.workflow(BODY.replace(old, new) if old else BODY, head=HEAD.replace(old, new) if old else HEAD)


def test_hashes_are_sha256_of_the_code(bench: Bench) -> None:
    workflow = _workflow(bench)
    hashes = [workflow.hash, *(step.hash for step in workflow.steps)]
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes)
    assert len(set(hashes)) == 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('workflow.do("rpc", ', 'workflow . do(\n    "rpc",\t'),
        ("    return 1", "    # why\n\n    return  1"),
        ("def compute():", 'def compute():\n    """Says what it does."""'),
        ('"users.create"', "'users' '.create'"),
        ("retries=1)", 'retries=1, description="Create it")'),
        ("retries=1)", "retries=1,)"),
        ("x + 1)", "(x + 1))"),
    ],
)
def test_layout_comments_docstrings_and_descriptions_do_not_count(bench: Bench, old: str, new: str) -> None:
    before = _workflow(bench)
    after = _workflow(bench, old, new)
    assert (after.hash, [s.hash for s in after.steps]) == (before.hash, [s.hash for s in before.steps])


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("retries=1", "retries=2", ["rpc"]),
        ("x + 1", "x + 2", ["inline"]),
        ("return 1", "return 2", ["named"]),
        ("return await w.do", "await w.do", []),
        ("y = await", "z = await", []),
        ('w.do("helper", "users.create", data)', 'w.do("helper", "users.create", [data])', ["helper"]),
        ("x + 1", "x + True", ["inline"]),
        ("x + 1", "x + 1.0", ["inline"]),
    ],
)
def test_a_change_of_code_changes_its_step_and_its_workflow(
    bench: Bench, old: str, new: str, changed: list[str]
) -> None:
    before = {step.id: step.hash for step in _workflow(bench).steps}
    whole = bench.metadata.workflows[0].hash
    after = _workflow(bench, old, new)
    assert [step.id for step in after.steps if before[step.id] != step.hash] == changed
    assert after.hash != whole


def test_the_decorator_and_other_functions_do_not_count(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_workflow
        @wire_workflow("w", description="{}")
        async def w(data: str) -> None: ...
        def other(): return {}
    """
    first = bench.inspect(source.format("a", 1)).workflows[0].hash
    assert bench.inspect(source.format("b", 2)).workflows[0].hash == first


def test_the_parts_of_an_f_string_count(bench: Bench) -> None:
    hashes = {
        bench.step(f"await workflow.do('a', lambda: {text})").hash
        for text in ['f"a{data}b"', 'f"a{data}" "b"', 'f"{data}ab"', 'f"a{data!r}b"', 'f"a{data:>3}b"', '"a{data}b"']
    }
    assert len(hashes) == 5


def test_the_hash_of_known_code_never_changes(bench: Bench) -> None:
    """Stored runs remember hashes, and projects commit them: no Python version may give another one."""
    head = """
        def compute(a, /, b=1, *args: int, c: "str" = 'x', **kw) -> list[int]:
            with open(a) as f, b:
                return [i async for i in f if not i.x[1:2, ...] == -0x10 or {**kw, "k": {1}}]
            try:
                x: int = yield (lambda *, q: q)(b"\\xff", 1.5, 2j, None, é=True)
            except* (A, B) as e:
                raise e from None
            match a:
                case {"x": [1, *_], **rest} | C(y=2) as z if z: pass
            return f"{a!r:>{b}}-{a=}" "tail"
    """
    step = bench.step('await workflow.do("named", compute)', head=head)
    assert step.hash == "sha256:07e137f7d0e7ad4aec14c848e4a19ea9c509b5058816e1a89a12e69e8178f52e"


CALLED = {
    "app/__init__.py": "",
    "app/pricing.py": """
        from app.rate import BASE, Rates
        import app.rounding

        def total(value):
            def inner(x):
                return x + surcharge(x)
            return app.rounding.cents(inner(value) * BASE)

        def surcharge(x):
            return Rates(x).of_region("EU")

        def loop(n):
            return pong(n - 1) if n else 0

        def pong(n):
            return loop(n)

        def unused():
            return 1
    """,
    "app/rate.py": """
        BASE = {"EU": 3,
                "US": 4}

        class Region:
            def first(self):
                return self.second()
            def second(self):
                return "second"

        class Rates(Region):
            limit: int = 7
            def __init__(self, x):
                self.x = x
            def of_region(self, name):
                return self.first()
    """,
    "app/rounding.py": """
        def cents(x):
            from .digits import DIGITS as places
            return round(x, places)
    """,
    "app/digits.py": "DIGITS = 2\n",
}


def _reaching(bench: Bench, call: str, path: str = "", old: str = "", new: str = "") -> tuple[str, str]:
    """The hashes of a step that runs `call`, and of its workflow, after a change of a file."""
    files = dict(CALLED)
    if path:
        assert files[path].count(old) >= 1
        files[path] = files[path].replace(old, new)
    head = "from app import pricing\nfrom app.pricing import total as sum_up, loop\n"
    workflow = bench.workflow(f'await workflow.do("a", {call})', head=head, files=files)
    return workflow.steps[0].hash, workflow.hash


@pytest.mark.parametrize("call", ["lambda: sum_up(data)", "lambda: pricing.total(1)", "sum_up", "pricing.total"])
@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("app/pricing.py", "inner(value)", "inner(value + 1)"),
        ("app/pricing.py", 'of_region("EU")', 'of_region("US")'),
        ("app/rate.py", '"EU": 3', '"EU": 5'),
        ("app/rate.py", "self.x = x", "self.x = -x"),
        ("app/rate.py", 'return "second"', 'return "third"'),
        ("app/rounding.py", "round(x, places)", "round(x + 1, places)"),
        ("app/digits.py", "DIGITS = 2", "DIGITS = 3"),
    ],
)
def test_a_change_of_anything_that_a_step_calls_changes_it(
    bench: Bench, call: str, path: str, old: str, new: str
) -> None:
    before = _reaching(bench, call)
    after = _reaching(bench, call, path, old, new)
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("app/pricing.py", "def unused():\n            return 1", "def unused():\n            return 2"),
        ("app/pricing.py", "def total(value):", 'def total(value):\n            """The total."""  # in cents'),
        ("app/rate.py", '{"EU": 3,\n                "US": 4}', '{"EU": 3, "US": 4}  # by region'),
        ("app/rate.py", "limit: int = 7", "limit: int = 8"),
        ("app/rounding.py", "def cents", "\n\n        def cents"),
    ],
)
def test_what_a_step_does_not_call_and_how_it_is_written_do_not_count(
    bench: Bench, path: str, old: str, new: str
) -> None:
    call = "lambda: sum_up(data)"
    assert _reaching(bench, call) == _reaching(bench, call, path, old, new)


def test_functions_that_call_each_other_end(bench: Bench) -> None:
    before = _reaching(bench, "lambda: loop(3)")
    assert before != _reaching(bench, "lambda: loop(3)", "app/pricing.py", "return loop(n)", "return loop(n + 1)")
    assert before == _reaching(bench, "lambda: loop(3)", "app/pricing.py", "inner(value)", "inner(value + 1)")


def test_a_function_counts_the_same_wherever_it_lies(bench: Bench) -> None:
    def hash_of(module: str) -> str:
        head = f"from app.{module} import compute\n"
        return bench.workflow(
            'await workflow.do("a", lambda: compute(1))',
            head=head,
            files={f"app/{module}.py": "def compute(x):\n    return x + 1\n"},
        ).hash

    assert hash_of("one") == hash_of("two")


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return x * 2", "return x * 3", True),
        ("x > 1", "x > 2", True),
        ("y = 5", "y = 6", False),
        ("LIMIT = 9", "LIMIT = 8", True),
    ],
)
def test_local_functions_and_lambdas_count_with_the_steps_that_use_them(
    bench: Bench, old: str, new: str, changed: bool
) -> None:
    body = """
        def double(x):
            return x * 2
        is_large = lambda x: x > 1 and LIMIT
        y = 5
        await workflow.do("a", lambda: [double(z) for z in data if is_large(z)])
    """
    head = "LIMIT = 9\n"
    before = bench.step(body, head=head).hash
    after = bench.step(body.replace(old, new), head=head.replace(old, new)).hash
    assert (before != after) is changed


def test_a_local_name_is_not_the_function_of_that_name(bench: Bench) -> None:
    def hash_of(value: int) -> str:
        body = 'total = data\nawait workflow.do("a", lambda: total)\nawait workflow.do("b", lambda total: total)'
        return bench.steps(body, head=f"def total(): return {value}\n")[0].hash

    assert hash_of(1) == hash_of(2)


def test_what_runs_elsewhere_is_no_part_of_its_caller(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_rpc, wire_workflow
        @wire_rpc("a", retries={0})
        async def a(data: str) -> str:
            return {0}
        @wire_workflow("w", description="{0}")
        async def w(data: str, *, workflow) -> None:
            await workflow.do("a", "a", data)
    """
    first = bench.inspect(source.format(1)).workflows[0]
    second = bench.inspect(source.format(2)).workflows[0]
    assert (first.hash, first.steps[0].hash) == (second.hash, second.steps[0].hash)


def test_the_nodes_of_a_graph_have_hashes_of_what_they_decide_by(bench: Bench) -> None:
    body = """
        for x in data.items:
            if x > 1:
                await workflow.do("a", lambda: 1)
        match data:
            case 1:
                await workflow.do("b", lambda: 1)
        try:
            await asyncio.gather(workflow.do("c", lambda: 1))
        except ValueError:
            raise KeyError(1)
    """

    def changed(old: str, new: str) -> list[str]:
        before = {node.id: node.hash for node in bench.workflow(body).graph.nodes}
        after = bench.workflow(body.replace(old, new)).graph.nodes
        ids = [*before]
        return [ids[index] for index, node in enumerate(after) if node.hash != before[ids[index]]]

    assert changed("x > 1:", "x  >  1 :  # large") == []
    assert changed("x > 1", "x > 2") == ["loop:data.items/branch:x-1"]
    assert changed("for x in data.items", "for x in data.other") == ["loop:data.items"]
    assert changed("case 1", "case 2") == ["match:data"]
    assert changed("except ValueError", "except TypeError") == ["try:1"]
    assert changed("KeyError(1)", "KeyError(2)") == ["try:1/raise:1"]
    assert changed("lambda: 1)\n        match", "lambda: 2)\n        match") == ["a"]
    assert changed('"c", lambda: 1)', '"c", lambda: 1), return_exceptions=True') == ["try:1/parallel:1"]

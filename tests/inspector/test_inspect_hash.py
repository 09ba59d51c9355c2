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
    assert step.hash == "sha256:13fbfa33c76b5ec28c8598c8ae1391ffa372599c65a9e70f4a642411d16aac3e"

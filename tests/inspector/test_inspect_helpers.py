"""Steps are found whatever `workflow.do` is called, and wherever `workflow` is handed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench


def test_an_alias_of_do_is_followed(bench: Bench) -> None:
    body = """
        do = workflow.do
        again = do
        flow = workflow
        await do("a", lambda: 1)
        await again("b", lambda: 2)
        await flow.do("c", lambda: 3)
        one, two = flow, workflow.do
        await one.do("d", lambda: 4)
        await two("e", lambda: 5)
    """
    assert [step.id for step in bench.steps(body)] == ["a", "b", "c", "d", "e"]
    assert bench.codes == []


HELPER = """
from pyflow_core import WorkflowContext

async def greet(flow: WorkflowContext, name: str = "x") -> str:
    return await flow.do("greet", "users.create", name)
"""


@pytest.mark.parametrize(
    ("imports", "call"),
    [
        (HELPER, "greet(workflow, data)"),
        (HELPER, "greet(name=data, flow=workflow)"),
        ("from app.helpers import greet", "greet(workflow)"),
        ("from app import helpers", "helpers.greet(workflow)"),
        ("import app.helpers as h", "h.greet(workflow, name=data)"),
        ("from .helpers import *", "greet(workflow)"),
    ],
)
def test_a_helper_is_followed_by_what_is_passed(bench: Bench, imports: str, call: str) -> None:
    step = bench.step(f"await {call}", head=imports, files={"app/helpers.py": HELPER})
    home = "app.flows" if imports is HELPER else "app.helpers"
    assert (step.id, step.rpc_name, step.via) == ("greet", "users.create", (f"{home}:greet",))
    assert step.span.file == f"{home.replace('.', '/')}.py"
    assert bench.text(step.span) == 'flow.do("greet", "users.create", name)'
    assert bench.codes == []


@pytest.mark.parametrize("annotation", ["WorkflowContext", '"WorkflowContext"', "pf.WorkflowContext", "Workflow"])
def test_a_helper_is_followed_by_its_annotation(bench: Bench, annotation: str) -> None:
    head = f"""
        import pyflow_core as pf
        from typing import TYPE_CHECKING
        from pyflow_core import WorkflowContext
        if TYPE_CHECKING:
            from pyflow_gen.flow import Workflow
        async def greet(flow: {annotation}): await flow.do("greet", lambda: 1)
    """
    assert bench.step("await greet(db.flow)", head=head).id == "greet"


def test_helpers_of_helpers_are_followed_and_listed(bench: Bench) -> None:
    head = """
        async def outer(w): await inner(do=w.do, name="x")
        async def inner(name, *, do): await do(f"in-{name}", "users.create", name)
    """
    step = bench.step("await outer(workflow)", head=head)
    assert (step.id, step.via) == ("in-x", ("app.flows:outer", "app.flows:inner"))


def test_a_nested_function_is_a_helper(bench: Bench) -> None:
    body = """
        async def tell(channel):
            await workflow.do(f"tell-{channel}", "notify.send", channel)
        await tell("mail")
        await asyncio.gather(*(tell(c) for c in data))
    """
    mail, every = bench.steps(body)
    assert (mail.id, mail.repeated, mail.via) == ("tell-mail", False, ("app.flows:flow.tell",))
    assert (every.id, every.repeated) == ("tell-*", True)


def test_methods_of_a_class_in_the_project_are_helpers_if_nobody_must_make_an_object(bench: Bench) -> None:
    head = """
        class Steps:
            @staticmethod
            async def one(w): await w.do("one", lambda: 1)
            @classmethod
            async def two(cls, w): await w.do("two", lambda: 2)
    """
    assert [step.id for step in bench.steps("await Steps.one(workflow)\nawait Steps.two(workflow)", head=head)] == [
        "one",
        "two",
    ]


def test_a_function_handed_to_others_is_walked_as_if_called_often(bench: Bench) -> None:
    body = """
        async def one(item): await workflow.do(f"one-{item}", lambda: 1)
        await asyncio.gather(*map(one, data))
        await asyncio.gather(*map(lambda i: workflow.do(f"two-{i}", lambda: 2), data))
    """
    assert [(step.id, step.repeated) for step in bench.steps(body)] == [("one-*", True), ("two-*", True)]
    assert bench.codes == []


def test_a_nested_function_that_nobody_calls_here_is_not_lost(bench: Bench) -> None:
    step = bench.step('async def later(): await workflow.do("later", lambda: 1)\ndb.hook = later')
    assert (step.id, step.optional) == ("later", True)


def test_gather_and_task_groups_are_plain_calls(bench: Bench) -> None:
    body = """
        await asyncio.gather(workflow.do("a", lambda: 1), workflow.do("b", lambda: 2))
        async with asyncio.TaskGroup() as group:
            group.create_task(workflow.do("c", lambda: 3))
        await asyncio.wait([asyncio.create_task(workflow.do("d", lambda: 4))])
        await asyncio.gather(*[workflow.do(f"e-{i}", "users.create", i) for i in data])
    """
    steps = bench.steps(body)
    assert [(step.id, step.repeated) for step in steps] == [
        ("a", False), ("b", False), ("c", False), ("d", False), ("e-*", True),
    ]  # fmt: skip
    assert bench.codes == []


def test_a_recursive_helper_is_walked_once_and_its_steps_repeat(bench: Bench) -> None:
    head = """
        async def count(w, n):
            await w.do(f"count-{n}", lambda: n)
            if n:
                await count(w, n - 1)
    """
    step = bench.step("await count(workflow, 3)", head=head)
    assert (step.id, step.repeated, bench.codes) == ("count-3", True, [])


def test_a_recursive_helper_through_another_ends_too(bench: Bench) -> None:
    head = """
        async def ping(w): await pong(w)
        async def pong(w):
            await w.do("pong", lambda: 1)
            await ping(w)
    """
    assert bench.step("await ping(workflow)", head=head).repeated


@pytest.mark.parametrize(
    ("statement", "marked"),
    [
        ("outside(workflow)", "workflow"),
        ("outside(run=workflow.do)", "workflow.do"),
        ("outside([workflow])", "[workflow]"),
        ("outside(w={'w': workflow})", "{'w': workflow}"),
        ("db.workflow = workflow", "workflow"),
        ("db['w'] = workflow.do", "workflow.do"),
        ("outside(Helper(workflow))", "Helper(workflow)"),
        ("logger.info('%s', workflow)", "workflow"),
        ("outside(partial(workflow.do, 'a'))", "partial(workflow.do, 'a')"),
        ("Other(workflow)", "workflow"),
        ("yield workflow", "workflow"),
        ("global kept; kept = workflow", "workflow"),
        ("first, *rest = workflow, data", "workflow, data"),
        ("[workflow].pop() and data + [workflow]", "workflow"),
        ("workflow._hidden.do('a')", "workflow._hidden"),
        ("vars(workflow)['do']('a')", "workflow"),
        ("getattr(workflow, data)('a')", "workflow"),
        ("for one in outside(workflow): await one('a')", "workflow"),
        ("with outside(workflow) as flow: flow.do('a')", "workflow"),
    ],
)
def test_where_workflow_cannot_be_followed_is_reported(bench: Bench, statement: str, marked: str) -> None:
    head = """
        from functools import partial
        from elsewhere import Base, outside
        class Helper:
            def __init__(self, w): self.w = w
        class Other(Base): ...
    """
    bench.workflow(statement, head=head)
    assert [code for code in bench.codes if code != "PF404"] == ["PF206"]  # a generator is refused as well
    finding = bench.finding("PF206")
    assert (bench.text(finding), finding.line) == (marked, 12)


@pytest.mark.parametrize(
    "statement",
    [
        "kept = [workflow]",
        "kept = {'w': workflow}",
        "partial(workflow.do, 'a')",
        "Helper(workflow)",
        "rest(1, workflow)",
    ],
)
def test_what_merely_holds_workflow_loses_nothing(bench: Bench, statement: str) -> None:
    head = """
        from functools import partial
        class Helper:
            def __init__(self, w): self.w = w
        def rest(*everything): ...
    """
    assert bench.steps(statement, head=head) == []
    assert bench.codes == []


def test_attributes_of_workflow_that_make_no_step_are_plain_values(bench: Bench) -> None:
    assert bench.steps("logger.info('%s', workflow.run_id)\nx = [workflow.now()]\nif workflow is None: return") == []
    assert bench.codes == []


def test_helpers_without_end_are_given_up_on_with_a_finding(bench: Bench) -> None:
    head = "\n".join(f"async def h{i}(w):\n    await h{i + 1}(w)\n    await h{i + 1}(w)" for i in range(15))
    head += '\nasync def h15(w): await w.do("end", lambda: 1)'
    bench.workflow("await h0(workflow)", head=head)
    assert "PF206" in bench.codes


def test_the_result_of_a_plain_helper_must_be_awaited_by_its_caller(bench: Bench) -> None:
    head = 'def lazy(w): return w.do("lazy", lambda: 1)\nasync def eager(w): await w.do("eager", lambda: 1)'
    bench.workflow("await lazy(workflow)\nawait eager(workflow)", head=head)
    assert bench.codes == []
    bench.workflow("lazy(workflow)\neager(workflow)", head=head)
    found = [(one.code, bench.text(one)) for one in bench.metadata.diagnostics]
    assert found == [("PF203", "lazy(workflow)"), ("PF203", "eager(workflow)")]


def test_a_local_import_is_followed(bench: Bench) -> None:
    body = "from app.helpers import greet\nfrom app import helpers\nawait greet(workflow)\n"
    step = bench.step(body, files={"app/helpers.py": HELPER})
    assert step.id == "greet"

"""The two forms of `workflow.do` are told apart by the second argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench


def test_a_string_literal_is_the_rpc_form(bench: Bench) -> None:
    step = bench.step('await workflow.do("a", "users.create", data)')
    assert (step.type, step.rpc_name, step.queue, step.worker) == ("rpc", "users.create", "workflow-flow-a", "FlowA")


@pytest.mark.parametrize(
    "target",
    [
        "lambda: 1",
        "lambda: rpc.invoke('users.create', data)",
        "compute",
        "db.load",
        "nested",
        "partial(compute, 1)",
        "dict",
    ],
)
def test_a_function_is_the_inline_form_and_gets_no_worker(bench: Bench, target: str) -> None:
    body = f'async def nested(): return 1\nawait workflow.do("a", {target})'
    step = bench.step(body, head="from functools import partial\ndef compute(x=1): return x")
    assert (step.type, step.rpc_name, step.queue, step.worker) == ("inline", None, None, None)
    assert bench.codes == []


def test_a_variable_with_a_literal_assignment_is_followed(bench: Bench) -> None:
    step = bench.step('target = "users.create"\nawait workflow.do("a", target, data)')
    assert (step.type, step.rpc_name, bench.codes) == ("rpc", "users.create", [])


def test_a_variable_of_text_with_data_behind_it_is_an_unknown_rpc(bench: Bench) -> None:
    step = bench.step('await workflow.do("a", data, data)')
    assert (step.type, step.rpc_name, step.queue) == ("rpc", "<dynamic>", "workflow-flow-a")
    finding = bench.finding("PF205")
    assert (finding.line, bench.text(finding)) == (6, "data")
    assert "only its type is known: str" in finding.message


def test_a_bare_invocation_is_no_step(bench: Bench) -> None:
    workflow = bench.workflow('await rpc.invoke("users.create", data)')
    assert (workflow.steps, workflow.invokes, bench.codes) == ((), ("users.create",), [])


def test_invocations_inside_step_functions_are_known_too(bench: Bench) -> None:
    body = """
        async def load(): return await rpc.invoke("notify.send", data)
        await workflow.do("a", lambda: rpc.invoke("users.create", data))
        await workflow.do("b", load)
    """
    assert bench.workflow(body).invokes == ("notify.send", "users.create")


@pytest.mark.parametrize(
    ("imports", "reference"),
    [
        ("from pyflow_gen import rpcs", "rpcs.users.create"),
        ("from pyflow_gen.rpcs import users", "users.create"),
        ("import pyflow_gen", "pyflow_gen.rpcs.users.create"),
        ("import pyflow_gen.rpcs as refs", "refs.users.create"),
    ],
)
def test_typed_references_name_their_rpc(bench: Bench, imports: str, reference: str) -> None:
    step = bench.step(f'await workflow.do("a", {reference}(data))', head=imports)
    assert (step.type, step.rpc_name, bench.codes) == ("rpc", "users.create", [])


def test_a_lazy_reference_and_one_in_a_variable_are_references(bench: Bench) -> None:
    body = """
        call = rpcs.users.create(data)
        await workflow.do("a", call)
        await workflow.do("b", rpcs.users.create(data).lazy())
    """
    names = [step.rpc_name for step in bench.steps(body, head="from pyflow_gen import rpcs")]
    assert (names, bench.codes) == (["users.create", "users.create"], [])


def test_a_reference_finds_an_rpc_whose_name_is_no_identifier(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_rpc, wire_workflow
        from shop.pyflow_gen import rpcs

        @wire_rpc("user-docs.import")
        async def load(data: str) -> str: ...

        @wire_workflow("flow")
        async def flow(data: str, *, workflow) -> None:
            await workflow.do("a", rpcs.user_docs.import_(data))
    """
    metadata = bench.inspect(source, package="shop.pyflow_gen")
    assert metadata.workflows[0].steps[0].rpc_name == "user-docs.import"
    assert bench.codes == []


def test_an_uncalled_reference_is_reported(bench: Bench) -> None:
    step = bench.step('await workflow.do("a", rpcs.users.create)', head="from pyflow_gen import rpcs")
    assert step.rpc_name == "users.create"
    assert bench.text(bench.finding("PF205")) == "rpcs.users.create"


@pytest.mark.parametrize(
    ("definition", "target"),
    [
        ('CREATE = "users.create"', "CREATE"),
        ('from typing import Final\nCREATE: Final = "users.create"', "CREATE"),
        ('class Names:\n    CREATE = "users." + "create"', "Names.CREATE"),
        ('from enum import StrEnum\nclass Names(StrEnum):\n    CREATE = "users.create"', "Names.CREATE"),
        ('import enum\nclass Names(enum.Enum):\n    CREATE = "users.create"', "Names.CREATE.value"),
        ('from enum import Enum\nclass Names(str, Enum):\n    CREATE = "users.create"', "Names.CREATE"),
        ("from app import names", "names.CREATE"),
        ("from app.names import CREATE as C", "C"),
        ("from .names import CREATE", "CREATE"),
    ],
)
def test_constants_are_resolved(bench: Bench, definition: str, target: str) -> None:
    names = 'BASE = "users"\nCREATE = f"{BASE}.create"\n'
    step = bench.step(f'await workflow.do("a", {target}, data)', head=definition, files={"app/names.py": names})
    assert (step.rpc_name, bench.codes) == ("users.create", [])


@pytest.mark.parametrize(
    "target",
    ["make()", "f'{data}.create'", "'users.create' if data else 'notify.send'", "data.rpc", "TABLE['a']", "3", "NAME"],
)
def test_what_cannot_be_followed_is_an_rpc_with_a_finding_at_the_argument(bench: Bench, target: str) -> None:
    head = "from elsewhere import make\nTABLE = {}\nNAME = 'users.create'\nNAME = 'notify.send'"
    step = bench.step(f'await workflow.do("a", {target}, data)', head=head)
    assert (step.type, step.rpc_name) == ("rpc", "<dynamic>")
    assert bench.codes == ["PF205"]
    assert bench.text(bench.finding("PF205")) == target


def test_an_annotation_tells_a_function_from_a_name(bench: Bench) -> None:
    head = """
        from collections.abc import Callable
        from elsewhere import load
        async def run(workflow, name: str, action: Callable[[], int], rpc_name: str) -> None:
            await workflow.do(name, action)
            await workflow.do("b", rpc_name)
    """
    first, second = bench.steps('await run(workflow, "a", load(), load())', head=head)
    assert (first.step_name, first.type) == ("a", "inline")
    assert (second.type, second.rpc_name) == ("rpc", "<dynamic>")
    assert bench.codes == ["PF205"]


def test_a_name_that_branches_set_differently_is_not_known(bench: Bench) -> None:
    body = """
        target = "users.create"
        if data:
            target = "notify.send"
        await workflow.do("a", target, data)
        same = "users.create"
        if data:
            same = "users.create"
        await workflow.do("b", same, data)
    """
    assert [step.rpc_name for step in bench.steps(body)] == ["<dynamic>", "users.create"]


def test_a_step_without_a_target_is_reported(bench: Bench) -> None:
    bench.step('await workflow.do("a")')
    assert bench.text(bench.finding("PF205")) == 'workflow.do("a")'


def test_the_other_kinds_of_steps_are_recorded(bench: Bench) -> None:
    body = """
        await workflow.sleep("pause", "1h30m")
        await workflow.wait_for("approval", str, timeout="2d")
    """
    pause, approval = bench.steps(body)
    assert (pause.type, pause.options, pause.queue) == ("sleep", {"duration": 5400.0}, None)
    assert (approval.type, approval.options) == ("wait", {"timeout": 172800.0})


def test_literal_options_are_recorded_with_durations_in_seconds(bench: Bench) -> None:
    body = """
        await workflow.do("a", "users.create", data, retries=3, retry_delay="5s", timeout=timedelta(minutes=2))
        await workflow.do("b", "users.create", data, retries=len(data), retry_delay=Backoff(2, most=30), inline_max=10)
        await workflow.do("c", "users.create", data, timeout=60 * 5, description="Create " + "it")
        await workflow.do("d", "users.create", data, description=f"Create {data}")
    """
    steps = bench.steps(body, head="from datetime import timedelta\nfrom pyflow_core import Backoff")
    assert [step.options for step in steps] == [
        {"retries": 3, "retry_delay": 5.0, "timeout": 120.0},
        {"inline_max": 10, "retries": "<dynamic>", "retry_delay": {"first": 2, "most": 30}},
        {"timeout": 300.0},
        {},
    ]
    assert [step.description for step in steps] == [None, None, "Create it", "<dynamic>"]

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from pyflow_core.testing import FakeRpc, FakeWorkflow, engine, returns

from patterns_app.models import Account, AccountId, Basket, Item, Items, Lookup, Migration, NewUser, ThreeWays
from patterns_app.services import Journal, Ledger, Services
from patterns_app.workflows.dynamic import dynamic
from patterns_app.workflows.sequential import sequential
from patterns_app.workflows.three_ways import three_ways
from patterns_app.workflows.versioned import versioned

if TYPE_CHECKING:
    from pathlib import Path

MODULES = [
    f"patterns_app.workflows.{name}"
    for name in ("branching", "dynamic", "mixed", "sequential", "three_ways", "versioned")
]


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(journal=Journal(tmp_path / "journal.db"), ledger=Ledger(tmp_path / "ledger"))


def run_for_real(services: Services, workflow: str, data: object) -> tuple[Any, list[str]]:
    async def scenario() -> tuple[Any, list[str]]:
        async with engine(modules=MODULES, services=services) as e:
            run = await e.start(workflow, data)
            return await e.result(run), list(await e.steps(run))

    return asyncio.run(scenario())


def test_steps_run_in_order() -> None:
    workflow = FakeWorkflow(
        {
            "accounts.create": returns(AccountId(account_id="a")),
            "stripe.create_customer": returns("c"),
            "email.send_template": returns(None),
        }
    )
    assert asyncio.run(sequential(Account(email="a@b"), workflow=workflow)) == "c"
    assert [step for step, _, _ in workflow.calls] == ["createAccount", "setupPayment", "sendWelcome"]


def test_every_item_has_a_step_of_its_own() -> None:
    workflow = FakeWorkflow({"items.process": returns("done")})
    items = Items(items=[Item(id="1", type="a"), Item(id="2", type="b")])
    assert asyncio.run(dynamic(items, workflow=workflow)) == ["done", "done"]
    assert [step for step, _, _ in workflow.calls] == ["processItem-1", "processItem-2"]


@pytest.mark.parametrize(
    ("data", "step"),
    [(Migration(user_id="u"), "migrateData-v1"), (Migration(user_id="u", version=2), "migrateData-v2")],
)
def test_the_version_decides_the_step(data: Migration, step: str) -> None:
    workflow = FakeWorkflow({"migration.legacy_process": returns(""), "migration.optimized_process": returns("")})
    asyncio.run(versioned(data, workflow=workflow))
    assert [name for name, _, _ in workflow.calls] == [step]


def test_two_of_three_ways_are_steps() -> None:
    workflow = FakeWorkflow({"orders.get_status": returns("queued")})
    rpc = FakeRpc({"orders.get_status": returns("bare")})
    output = asyncio.run(three_ways(Lookup(order_id="o"), workflow=workflow, rpc=rpc))
    assert output == ThreeWays(queued="queued", inline="bare", bare="bare")
    assert [step for step, _, _ in workflow.calls] == ["queuedStatus", "inlineStatus"]


def test_the_engine_runs_steps_in_order(services: Services) -> None:
    _, steps = run_for_real(services, "sequential", Account(email="a@b"))
    assert steps == ["createAccount", "setupPayment", "sendWelcome"]
    assert services.journal.facts("mail") == ["a@b:welcome"]


def test_the_engine_mixes_forms(services: Services) -> None:
    output, steps = run_for_real(services, "mixed", Basket(customer_id="c", subtotal=1000))
    assert (output.tax, output.total) == (80, 1080)
    assert steps == ["createOrder", "calculateTax", "enrichOrder", "chargePayment"]
    assert services.journal.facts("charge") == ["c:1080"]


def test_a_user_without_verification_is_active_at_once(services: Services) -> None:
    output, steps = run_for_real(services, "branching", NewUser(email="a@b", country="SE"))
    assert (output, steps) == ("active", ["createUser", "activateAccount"])


@pytest.mark.parametrize(("approved", "status"), [(True, "active"), (False, "rejected")])
def test_a_run_waits_for_a_person(services: Services, approved: bool, status: str) -> None:
    async def scenario() -> str:
        async with engine(modules=MODULES, services=services) as e:
            run = await e.start("branching", NewUser(email="a@b", country="DE"), run_id="r")
            while (await e.steps(run)).get("waitForKYC") is None:
                await e.idle()
            services.journal.decide("user-r", approved=approved)
            output: str = await e.result(run)
            return output

    assert asyncio.run(scenario()) == status


def test_the_same_answer_comes_in_three_ways(services: Services) -> None:
    services.journal.record("known-order", "o", key="k")
    output, _ = run_for_real(services, "three-ways", Lookup(order_id="o"))
    assert output == ThreeWays(queued="known", inline="known", bare="known")

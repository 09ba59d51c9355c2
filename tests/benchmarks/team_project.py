"""A project in the style that teams write: domains with models, RPCs, helpers, and many workflows."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DOMAINS = (
    "orders", "billing", "shipping", "catalog", "accounts", "support", "returns", "loyalty", "pricing", "search",
    "media", "reports", "partners", "payouts", "fraud", "invoices", "stock", "notices", "imports", "exports",
)  # fmt: skip
WORKFLOWS_PER_DOMAIN = 10
VERBS = ("open", "check", "price", "reserve", "charge", "pack", "send", "note", "close", "audit")

PYPROJECT = """\
[project]
name = "team"

[tool.pyflow]
source = "."
package = "team.pyflow_gen"
services = "team.services:create_services"
"""

SERVICES = '''
"""What RPCs are given."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Database:
    async def fetch(self, query: str, *values: object) -> list[dict[str, object]]:
        return []


@dataclass
class Services:
    db: Database


@asynccontextmanager
async def create_services() -> AsyncIterator[Services]:
    yield Services(Database())
'''

MODELS = '''
"""What goes into and comes out of {domain}."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, Field

QUEUE_PREFIX: Final = "{domain}"
MAX_ITEMS: Final = 50


class State(StrEnum):
    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"


class Item(BaseModel):
    id: str
    title: str = ""
    amount: Decimal = Decimal(0)
    tags: list[str] = Field(default_factory=list)


class Request(BaseModel):
    id: str
    customer: str
    email: str
    region: str = "EU"
    items: list[Item] = Field(default_factory=list, max_length=MAX_ITEMS)
    wants_note: bool = True
    due: datetime | None = None

    @property
    def total(self) -> Decimal:
        return sum((item.amount for item in self.items), Decimal(0))


class Answer(BaseModel):
    id: str
    state: State = State.OPEN
    total: Decimal = Decimal(0)
    problems: list[str] = Field(default_factory=list)

    def with_problem(self, problem: str) -> Answer:
        return self.model_copy(update={{"problems": [*self.problems, problem]}})
'''

RPC_HEAD = '''
"""What {domain} does, each in a worker of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_core import wire_rpc
from team.{domain}.models import Answer, Item, Request, State

if TYPE_CHECKING:
    from pyflow_core import Logger
    from team.services import Database
'''

RPC = '''

@wire_rpc("{domain}.{verb}", retries={retries}, timeout="30s")
async def {verb}_{domain}(data: {takes}, *, db: Database, logger: Logger) -> Answer:
    """{Verb} one of {domain}."""
    rows = await db.fetch("select * from {domain} where id = $1", data.id)
    if not rows:
        logger.info("nothing to {verb}")
        return Answer(id=data.id)
    return Answer(id=data.id, state=State.PAID if rows[0].get("paid") else State.OPEN)
'''

HELPERS = '''
"""What several workflows of {domain} do in the same way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from team.{domain}.models import Answer, Item, Request

if TYPE_CHECKING:
    from pyflow_core import WorkflowContext


async def notify_customer(workflow: WorkflowContext, request: Request, channels: list[str]) -> None:
    """Tell the customer on every channel at once."""
    await asyncio.gather(
        *(
            workflow.do(f"notify-{{channel}}", "{domain}.note", request, description="Tell the customer")
            for channel in channels
        )
    )


async def reserve_all(workflow: WorkflowContext, items: list[Item]) -> list[Answer]:
    """Reserve one after the other, so that a shortage shows early."""
    found: list[Answer] = []
    for item in items:
        if not item.tags:
            continue
        answer = await workflow.do(f"reserve-{{item.id}}", "{domain}.reserve", item, description="Reserve an item")
        found.append(answer)
    return found


def describe(request: Request) -> str:
    """One line for people."""
    parts = [request.customer, request.region]
    if request.due is not None:
        parts.append(request.due.isoformat())
    return ", ".join(part for part in parts if part)
'''

WORKFLOW = '''
"""{Verb} {domain}, the {number}th way."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pyflow_core import Logger, StepFailedError, WorkflowDocs, wire_workflow
from team.{domain}.helpers import describe, notify_customer, reserve_all
from team.{domain}.models import MAX_ITEMS, QUEUE_PREFIX, Answer, Request, State

if TYPE_CHECKING:
    from team.pyflow_gen.{domain}_{verb}_{number} import Rpc, Workflow

CHARGE = "{domain}.charge"
FREE_REGIONS = frozenset({{"EU", "CH"}})
STANDARD_RATE = Decimal("0.19")


def rate_of(region: str) -> Decimal:
    """The tax that a region asks for."""
    if region in FREE_REGIONS:
        return Decimal(0)
    return STANDARD_RATE


def split(total: Decimal, parts: int) -> list[Decimal]:
    """Equal parts, the last of which takes what is left."""
    part = (total / parts).quantize(Decimal("0.01"))
    return [*([part] * (parts - 1)), total - part * (parts - 1)]


def shown(answer: Answer) -> str:
    """One line for the log."""
    state = answer.state.value
    return f"{{answer.id}}: {{state}}, {{answer.total}}" if answer.total else f"{{answer.id}}: {{state}}"


@wire_workflow(
    "{domain}.{verb}-{number}",
    description="{Verb} {domain}",
    tags=["{domain}", "{verb}"],
    docs=WorkflowDocs(summary="{Verb} {domain} in {number} steps"),
)
async def {verb}_{domain}_{number}(data: Request, *, workflow: Workflow, rpc: Rpc, logger: Logger) -> Answer:
    """Checks, reserves, charges, and tells the customer."""
    logger.info("begins: %s", describe(data))
    checked = await workflow.do("check", "{domain}.check", data, description="Check the request")
    if checked.problems:
        await workflow.do("refuse", "{domain}.close", data, description="Refuse what cannot be done")
        return checked

    limits = await rpc.invoke("{domain}.audit", data)
    rate = await workflow.do("rate", lambda: str(rate_of(data.region)))
    total = data.total * (1 + Decimal(rate))
    if len(data.items) > MAX_ITEMS or limits.problems:
        logger.warning("%s has too much", QUEUE_PREFIX)
        return checked.with_problem("too many items")

    reserved = await reserve_all(workflow, data.items)
    problems = [problem for answer in reserved for problem in answer.problems]
    answer = Answer(id=data.id, total=total, problems=problems)
    try:
        charged = await workflow.do("charge", CHARGE, data, retries=3, timeout="30s", description="Charge the customer")
    except StepFailedError as error:
        logger.warning("not charged: %s", error.step_name)
        await workflow.do("release", "{domain}.close", data, description="Release what was reserved")
        return answer.with_problem("not charged")
    else:
        answer = answer.model_copy(update={{"state": charged.state}})

    for index, part in enumerate(split(total, 3)):
        await workflow.do(f"book-{{index}}", "{domain}.price", data, description=f"Book {{part}}")

    if answer.state is State.PAID:
        await workflow.do("pack", "{domain}.pack", data, description="Pack the goods")
        await workflow.do("send", "{domain}.send", data, description="Hand over to the carrier")
    if data.wants_note:
        await notify_customer(workflow, data, ["mail", "sms"])
    logger.info("ends: %s", shown(answer))
    return answer
'''


def write_project(root: Path) -> int:
    """Write the project into an empty folder; gives the number of its lines of Python."""
    files = {"pyproject.toml": PYPROJECT, "team/__init__.py": "", "team/services.py": SERVICES}
    for domain in DOMAINS:
        files |= _domain(domain)
    lines = 0
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"), encoding="utf-8")
        lines += text.lstrip("\n").count("\n") if name.endswith(".py") else 0
    return lines


def _domain(domain: str) -> dict[str, str]:
    folder = f"team/{domain}"
    rpcs = [
        RPC.format(domain=domain, verb=verb, Verb=verb.title(), retries=number % 4, takes=_takes(verb))
        for number, verb in enumerate(VERBS)
    ]
    files = {
        f"{folder}/__init__.py": "",
        f"{folder}/models.py": MODELS.format(domain=domain),
        f"{folder}/rpcs.py": RPC_HEAD.format(domain=domain) + "".join(rpcs),
        f"{folder}/helpers.py": HELPERS.format(domain=domain),
    }
    for number in range(WORKFLOWS_PER_DOMAIN):
        verb = VERBS[number]
        text = WORKFLOW.format(domain=domain, verb=verb, Verb=verb.title(), number=number)
        files[f"{folder}/{verb}_{number}.py"] = text
    return {name: dedent(text) for name, text in files.items()}


def _takes(verb: str) -> str:
    return "Item" if verb == "reserve" else "Request"

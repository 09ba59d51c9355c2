"""What is run of each example, where it keeps its things, and what it has done to the world."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_core.client import Client
    from pyflow_core.project import Project
    from pyflow_core.run import RunHandle

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RUN_SECONDS = 45.0


def _rows(path: Path, sql: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        return [list(row) for row in database.execute(sql).fetchall()]


def _texts(folder: Path) -> list[str]:
    return sorted(path.read_text(encoding="utf-8") for path in folder.glob("[!.]*.txt"))


@dataclass(frozen=True)
class Scenario:
    """Runs of an example's workflows, at the same time; `runs` gives each one's id, workflow and input."""

    folder: str
    package: str
    data_variable: str
    ledger_variable: str
    models: str
    runs: tuple[tuple[str, str, str, dict[str, Any]], ...]
    world: Callable[[Path], Any]
    """What it did to the data of its services."""

    prepare: Callable[[], None] = field(default=lambda: None)

    def enter(self) -> None:
        """Import the example, once in a process."""
        os.chdir(EXAMPLES / self.folder)
        sys.path.insert(0, str(EXAMPLES / self.folder))
        for module in self._project().modules:
            importlib.import_module(module)
        self.prepare()

    def _project(self) -> Project:
        project: Project = importlib.import_module(f"{self.package}.pyflow_gen._project").project
        return project

    def connect(self, folder: Path, **options: Any) -> Any:
        """A connection whose services keep everything below a folder."""
        os.environ[self.data_variable] = str(folder / "data")
        os.environ[self.ledger_variable] = str(folder / "ledger")
        return self._project().connect(**options)

    async def start(self, client: Client, folder: Path) -> list[RunHandle[Any]]:
        """Start the runs, or find them."""
        models = importlib.import_module(f"{self.package}.{self.models}")
        starts = []
        for run_id, workflow, model, data in self.runs:
            texts = {key: str(folder / "report") if value == "FOLDER" else value for key, value in data.items()}
            starts.append(client.start(workflow, getattr(models, model)(**texts), run_id=run_id))
        return await asyncio.gather(*starts)

    async def results(self, handles: list[RunHandle[Any]], folder: Path) -> str:
        """What the runs gave, as text."""
        from pydantic_core import to_json

        outputs = await asyncio.gather(*(handle.result(timeout=RUN_SECONDS) for handle in handles))
        # An onboarding whose SMS was sent, and whose step was then tried again, says so: that is no difference.
        text = to_json(outputs, indent=1).decode().replace('"welcomed": false', '"welcomed": true')
        return text.replace(str(folder), "FOLDER")


def _onboarding_world(folder: Path) -> Any:
    data = folder / "data"
    return [_rows(data / "users.db", "SELECT * FROM users"), _texts(data / "mail"), _texts(data / "sms")]


def _orders_world(folder: Path) -> Any:
    shop = folder / "data" / "shop.db"
    stock, charges = "SELECT sku, stock FROM products ORDER BY sku", "SELECT * FROM charges ORDER BY key"
    return [_rows(shop, stock), _rows(shop, charges), _texts(folder / "data" / "mail"), _texts(folder / "data/labels")]


def _patterns_world(folder: Path) -> Any:
    return _rows(folder / "data" / "journal.db", "SELECT * FROM facts ORDER BY key")


def _audit_world(folder: Path) -> Any:
    return json.loads((folder / "report" / "report.json").read_text(encoding="utf-8").replace(str(folder), "FOLDER"))


AUDITED = {"aiosqlite", "annotated-types", "typing-extensions"}


def _audit_few() -> None:
    functions = importlib.import_module("audit_app.functions")
    found = [item for item in functions.find_installed()[0] if item.name in AUDITED]
    assert len(found) == len(AUDITED)
    vars(functions)["find_installed"] = lambda: (found, [])


def _line(sku: str) -> dict[str, Any]:
    return {"sku": sku, "quantity": 1}


SCENARIOS = {
    "onboarding": Scenario(
        "onboarding",
        "onboarding_app",
        "ONBOARDING_DATA",
        "ONBOARDING_LEDGER",
        "models",
        (("r1", "onboarding", "OnboardingInput", {"email": "ada@example.com", "premium": True}),),
        _onboarding_world,
    ),
    "order_fulfillment": Scenario(
        "order_fulfillment",
        "orders_app",
        "ORDERS_DATA",
        "ORDERS_LEDGER",
        "models",
        (
            (
                "shipped",
                "order-fulfillment",
                "OrderInput",
                {"email": "a@example.com", "card": "4242", "lines": [_line("mug"), _line("lamp"), _line("chair")]},
            ),
            (
                "declined",
                "order-fulfillment",
                "OrderInput",
                {"email": "b@example.com", "card": "4000000000000002", "lines": [_line("mug"), _line("desk")]},
            ),
        ),
        _orders_world,
    ),
    "patterns": Scenario(
        "patterns",
        "patterns_app",
        "PATTERNS_DATA",
        "PATTERNS_LEDGER",
        "models",
        (
            ("sequential", "sequential", "Account", {"email": "a@b"}),
            ("mixed", "mixed", "Basket", {"customer_id": "c", "subtotal": 1000}),
            ("branching", "branching", "NewUser", {"email": "a@b", "country": "SE"}),
            ("dynamic", "dynamic", "Items", {"items": [{"id": "1", "type": "a"}, {"id": "2", "type": "b"}]}),
            ("three-ways", "three-ways", "Lookup", {"order_id": "o"}),
            ("versioned", "versioned", "Migration", {"user_id": "u", "version": 2}),
        ),
        _patterns_world,
    ),
    "license_audit": Scenario(
        "license_audit",
        "audit_app",
        "AUDIT_DATA",
        "AUDIT_LEDGER",
        "models",
        (("r1", "license-audit", "AuditInput", {"folder": "FOLDER"}),),
        _audit_world,
        _audit_few,
    ),
}

"""The RPCs that the patterns use. Each records what it did under the step's idempotency key."""

from __future__ import annotations

from pyflow_core import RpcError, Step, wire_rpc

from patterns_app.models import (
    Account,
    AccountId,
    Basket,
    Charge,
    Item,
    Lookup,
    Mail,
    Migration,
    NewUser,
    Order,
    User,
    UserId,
)
from patterns_app.services import Journal, Ledger


def record(kind: str, value: str, step: Step, journal: Journal, ledger: Ledger) -> None:
    """What every RPC here does: one fact under the step's key, and a line for the witness."""
    journal.record(kind, value, key=step.idempotency_key)
    ledger.note(step.step_name, step.idempotency_key)


@wire_rpc("accounts.create", retries=3)
def create_account(data: Account, *, step: Step, journal: Journal, ledger: Ledger) -> AccountId:
    record("account", data.email, step, journal, ledger)
    return AccountId(account_id=f"account-{step.run_id}")


@wire_rpc("stripe.create_customer", retries=5)
def create_customer(data: AccountId, *, step: Step, journal: Journal, ledger: Ledger) -> str:
    record("customer", data.account_id, step, journal, ledger)
    return f"customer-{data.account_id}"


@wire_rpc("stripe.charge", retries=5, timeout="30s")
def charge(data: Charge, *, step: Step, journal: Journal, ledger: Ledger) -> str:
    record("charge", f"{data.customer_id}:{data.amount}", step, journal, ledger)
    return f"charge-{step.run_id}"


@wire_rpc("email.send_template", retries=5)
def send_template(data: Mail, *, step: Step, journal: Journal, ledger: Ledger) -> None:
    record("mail", f"{data.to}:{data.template}", step, journal, ledger)


@wire_rpc("users.create", retries=3)
def create_user(data: NewUser, *, step: Step, journal: Journal, ledger: Ledger) -> User:
    record("user", data.email, step, journal, ledger)
    return User(id=f"user-{step.run_id}", requires_kyc=data.country != "SE")


@wire_rpc("kyc.start", retries=3)
def start_kyc(data: UserId, *, step: Step, journal: Journal, ledger: Ledger) -> None:
    record("kyc", data.user_id, step, journal, ledger)


class RejectedError(RpcError):
    """Somebody has looked at this user, and said no."""

    code = "kyc_rejected"


class UndecidedError(Exception):
    """Nobody has decided yet: the step is tried again."""


@wire_rpc("kyc.wait", retries=100_000, retry_delay="5s", raises=[RejectedError])
def wait_for_kyc(data: UserId, *, journal: Journal) -> None:
    """Ask whether somebody has decided. A try that finds nothing costs one row; no worker is held in between."""
    approved = journal.decision(data.user_id)
    if approved is None:
        raise UndecidedError(data.user_id)
    if not approved:
        raise RejectedError


@wire_rpc("accounts.activate", retries=3)
def activate_account(data: UserId, *, step: Step, journal: Journal, ledger: Ledger) -> None:
    record("activation", data.user_id, step, journal, ledger)


@wire_rpc("items.process", retries=3)
def process_item(data: Item, *, step: Step, journal: Journal, ledger: Ledger) -> str:
    record("item", data.id, step, journal, ledger)
    return f"{data.type}:{data.id}"


@wire_rpc("migration.legacy_process")
def migrate_slowly(data: Migration, *, step: Step, journal: Journal, ledger: Ledger) -> str:
    record("migration", f"{data.user_id}:legacy", step, journal, ledger)
    return "legacy"


@wire_rpc("migration.optimized_process")
def migrate_quickly(data: Migration, *, step: Step, journal: Journal, ledger: Ledger) -> str:
    record("migration", f"{data.user_id}:optimized", step, journal, ledger)
    return "optimized"


@wire_rpc("orders.create", retries=3)
def create_order(data: Basket, *, step: Step, journal: Journal, ledger: Ledger) -> Order:
    record("order", data.customer_id, step, journal, ledger)
    return Order(id=f"order-{step.run_id}", customer_id=data.customer_id, subtotal=data.subtotal)


@wire_rpc("orders.get_status")
def get_order_status(data: Lookup, *, journal: Journal) -> str:
    """Only reads, so it may be called in any of the three ways, and any number of times."""
    return "known" if data.order_id in journal.facts("known-order") else "unknown"

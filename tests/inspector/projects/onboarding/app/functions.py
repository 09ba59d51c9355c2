from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from pydantic import BaseModel

from pyflow_core import wire_rpc

if TYPE_CHECKING:
    from app.services import Database, Mailer


class CreateUser(BaseModel):
    email: str


class User(BaseModel):
    id: str
    email: str
    region: str


class Notify(BaseModel):
    channel: str


@dataclass
class Charge:
    user_id: str
    cents: int


class Receipt(TypedDict):
    number: str
    paid_at: datetime


class Lookup(TypedDict, total=False):
    key: str


@wire_rpc("users.create", retries=3, timeout="30s")
async def create_user(data: CreateUser, *, db: Database) -> User:
    return User(id=await db.insert_user(data.email), email=data.email, region="EU")


@wire_rpc("notify.send")
async def notify(data: Notify, *, mailer: Mailer) -> None:
    await mailer.send(data.channel, "welcome")


@wire_rpc("billing.charge")
async def charge(data: Charge, *, db: Database) -> Receipt:
    return {"number": "1", "paid_at": datetime(2026, 1, 1, tzinfo=UTC)}


@wire_rpc("settings.get")
async def get_settings() -> dict[str, str]:
    return {"theme": "dark"}


@wire_rpc("lookup.find")
def find(data: Lookup) -> list[str]:  # blocking: runs in a thread
    return [data.get("key", "")]

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Database:
    async def insert_user(self, email: str) -> str:
        return f"id-of-{email}"

    async def aclose(self) -> None: ...


class Mailer:
    async def send(self, to: str, text: str) -> None: ...


@dataclass(frozen=True)
class Services:
    db: Database
    mailer: Mailer


@asynccontextmanager
async def create_services() -> AsyncGenerator[Services]:
    db = Database()
    try:
        yield Services(db=db, mailer=Mailer())
    finally:
        await db.aclose()

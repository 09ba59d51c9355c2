"""What the functions are given by name: a shop's database, a carrier and a mailbox, all of them local files."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[1]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY, price INTEGER NOT NULL, stock INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS reservations (
    order_id TEXT NOT NULL, sku TEXT NOT NULL REFERENCES products(sku), quantity INTEGER NOT NULL,
    PRIMARY KEY (order_id, sku)
);
CREATE TABLE IF NOT EXISTS charges (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, amount INTEGER NOT NULL);
INSERT OR IGNORE INTO products VALUES ('lamp', 4900, 20), ('desk', 32000, 5), ('chair', 11900, 12), ('mug', 1200, 99);
"""

DECLINED_CARD = "4000000000000002"


class Declined(Exception):  # noqa: N818 - what the payment provider calls it
    """The bank does not pay."""


class Shop:
    """Products, reservations and charges in an SQLite file. Every method may be called again with the same arguments:
    keys and primary keys make the second call find what the first one did.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as connection:
            connection.executescript(_SCHEMA)

    def prices(self, skus: list[str]) -> dict[str, int]:
        """The prices of those products that exist."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT sku, price FROM products").fetchall()
        return {sku: price for sku, price in rows if sku in skus}

    def reserve(self, order_id: str, sku: str, quantity: int) -> tuple[bool, int]:
        """Take goods off the stock for an order: whether there were enough, and how many are left."""
        with self._transaction() as connection:
            known = connection.execute(
                "SELECT 1 FROM reservations WHERE order_id = ? AND sku = ?", (order_id, sku)
            ).fetchone()
            if known is None:
                taken = connection.execute(
                    "UPDATE products SET stock = stock - ? WHERE sku = ? AND stock >= ?", (quantity, sku, quantity)
                )
                if taken.rowcount:
                    connection.execute("INSERT INTO reservations VALUES (?, ?, ?)", (order_id, sku, quantity))
                    known = (1,)
            left = connection.execute("SELECT stock FROM products WHERE sku = ?", (sku,)).fetchone()
            return known is not None, int(left[0])

    def release(self, order_id: str, sku: str) -> None:
        """Put what an order had reserved back into the stock."""
        with self._transaction() as connection:
            row = connection.execute(
                "DELETE FROM reservations WHERE order_id = ? AND sku = ? RETURNING quantity", (order_id, sku)
            ).fetchone()
            if row is not None:
                connection.execute("UPDATE products SET stock = stock + ? WHERE sku = ?", (row[0], sku))

    def charge(self, order_id: str, card: str, amount: int, *, key: str) -> str:
        """Charge a card once for a key, as payment providers do; the id of the charge.

        Raises:
            Declined
        """
        if card == DECLINED_CARD:
            raise Declined("insufficient funds")
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO charges VALUES (?, ?, ?)", (key, order_id, amount))
        return uuid5(NAMESPACE_URL, key).hex

    def stock(self, sku: str) -> int:
        """How many are in stock."""
        with self._transaction() as connection:
            return int(connection.execute("SELECT stock FROM products WHERE sku = ?", (sku,)).fetchone()[0])

    def charged(self) -> dict[str, int]:
        """What was charged, by order; two charges of one order add up."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT order_id, sum(amount) FROM charges GROUP BY order_id").fetchall()
        return {str(order_id): int(amount) for order_id, amount in rows}

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection


class Folder:
    """Writes each thing into a file of its own, once for a key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    def put(self, text: str, *, key: str) -> str:
        """The name under which it is kept; the same for the same key."""
        name = uuid5(NAMESPACE_URL, key).hex[:12]
        partial = self._path / f".{name}.{os.getpid()}"
        partial.write_text(text, encoding="utf-8")
        partial.replace(self._path / f"{name}.txt")
        return name

    def texts(self) -> list[str]:
        """Everything in it."""
        return sorted(path.read_text(encoding="utf-8") for path in self._path.glob("[!.]*.txt"))


class Carrier:
    """Books shipments; a real one would be an API that takes the same key."""

    def __init__(self, folder: Path) -> None:
        self._labels = Folder(folder)

    def book(self, order_id: str, parcels: int, *, key: str) -> str:
        """The tracking number."""
        return f"PF-{self._labels.put(f'{parcels} parcels of order {order_id}', key=key)}"


class Ledger:
    """Appends a line for every side effect that was executed, as a witness for tests that kill workers."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def note(self, step_name: str, key: str) -> None:
        """One line in one write, so that lines of several processes stay whole."""
        if self._path is None:
            return
        entry = {"step": step_name, "key": key, "pid": os.getpid()}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab", buffering=0) as file:
            file.write(json.dumps(entry).encode() + b"\n")


@dataclass(frozen=True)
class Services:
    """A function's keyword-only parameter takes the attribute of the same name."""

    shop: Shop
    carrier: Carrier
    mailbox: Folder
    ledger: Ledger


def create_services() -> Services:
    """`ORDERS_DATA` is the folder of the data, `ORDERS_LEDGER` the file of the ledger."""
    data = Path(os.environ.get("ORDERS_DATA") or ROOT / ".pyflow" / "data")
    ledger = os.environ.get("ORDERS_LEDGER")
    return open_services(data, Path(ledger) if ledger else None)


def open_services(data: Path, ledger: Path | None = None) -> Services:
    """The services on a folder, for the factory and for tests."""
    return Services(
        shop=Shop(data / "shop.db"),
        carrier=Carrier(data / "labels"),
        mailbox=Folder(data / "mail"),
        ledger=Ledger(ledger),
    )

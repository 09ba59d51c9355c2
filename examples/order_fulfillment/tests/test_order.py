from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest
from pyflow_core.errors import RunFailedError
from pyflow_core.testing import FakeWorkflow, engine, returns

from orders_app.functions import CardDeclinedError
from orders_app.models import (
    Line,
    Order,
    OrderInput,
    OrderOutput,
    PricedLine,
    Receipt,
    Reservation,
    ReserveStock,
    Shipment,
)
from orders_app.pyflow_gen import connect, workflows
from orders_app.services import DECLINED_CARD, Carrier, Services, open_services
from orders_app.workflows import order_fulfillment, totals_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = [Line(sku="lamp", quantity=2), Line(sku="mug", quantity=1)]
ORDER = OrderInput(email="ada@example.com", card="4242", lines=LINES)
PRICED = Order(
    id="o",
    email="ada@example.com",
    lines=[PricedLine(sku="lamp", quantity=2, unit_price=4900), PricedLine(sku="mug", quantity=1, unit_price=1200)],
)


def reserved(data: ReserveStock) -> Reservation:
    return Reservation(sku=data.sku, complete=True, available=9)


def only_lamps(data: ReserveStock) -> Reservation:
    return Reservation(sku=data.sku, complete=data.sku == "lamp", available=0)


def declined(_: object) -> Receipt:
    raise CardDeclinedError("insufficient funds")


def run_with_fakes(
    *,
    reserve: Callable[[ReserveStock], Reservation] = reserved,
    charge: Callable[[object], Receipt] = lambda _: Receipt(charge_id="c", amount=1),
) -> tuple[OrderOutput, list[str]]:
    workflow = FakeWorkflow(
        {
            "orders.create": returns(PRICED),
            "stock.reserve": reserve,
            "stock.release": returns(None),
            "payments.charge": charge,
            "mail.send": returns(None),
            "carrier.book": returns(Shipment(tracking="T")),
        }
    )
    output = asyncio.run(order_fulfillment(ORDER, workflow=workflow, logger=logging.getLogger()))
    return output, [step for step, _, _ in workflow.calls]


def test_an_order_is_shipped() -> None:
    output, steps = run_with_fakes()
    assert output == OrderOutput(order_id="o", status="shipped", total=13200, tracking="T")
    assert steps == [
        "createOrder",
        "reserve-lamp",
        "reserve-mug",
        "calculateTotals",
        "chargeCard",
        "bookCarrier",
        "sendInvoice",
    ]


def test_a_declined_card_puts_everything_back() -> None:
    output, steps = run_with_fakes(charge=declined)
    assert (output.status, output.reason) == ("declined", "insufficient funds")
    assert steps[-2:] == ["release-lamp", "release-mug"]


def test_only_what_was_reserved_is_put_back() -> None:
    output, steps = run_with_fakes(reserve=only_lamps)
    assert (output.status, output.reason) == ("out of stock", "too few: mug")
    assert steps[-1] == "release-lamp"
    assert "chargeCard" not in steps


def test_totals_are_whole_cents() -> None:
    totals = totals_of(PRICED)
    assert (totals.subtotal, totals.tax, totals.total) == (11000, 2200, 13200)


def run_for_real(services: Services, order: OrderInput) -> OrderOutput:
    async def scenario() -> OrderOutput:
        async with connect(state="memory://", services=services, worker=True):
            return await workflows.order_fulfillment.run(order, run_id="r1", timeout=30)

    return asyncio.run(scenario())


def test_the_engine_ships_an_order(tmp_path: Path) -> None:
    services = open_services(tmp_path)
    output = run_for_real(services, ORDER)
    assert output.status == "shipped"
    assert services.shop.charged() == {"order-r1": 13200}
    assert services.shop.stock("lamp") == 18
    assert len(services.mailbox.texts()) == 1


def test_the_engine_puts_everything_back(tmp_path: Path) -> None:
    services = open_services(tmp_path)
    output = run_for_real(services, ORDER.model_copy(update={"card": DECLINED_CARD}))
    assert (output.status, output.reason) == ("declined", "insufficient funds")
    assert services.shop.charged() == {}
    assert services.shop.stock("lamp") == 20


def test_an_unknown_product_fails_the_run(tmp_path: Path) -> None:
    order = OrderInput(email="a@b", card="4242", lines=[Line(sku="yacht", quantity=1)])
    with pytest.raises(RunFailedError, match="does not sell yacht"):
        run_for_real(open_services(tmp_path), order)


class BusyCarrier(Carrier):
    """Answers only the third time that it is asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = 0

    def book(self, order_id: str, parcels: int, *, key: str) -> str:
        self.asked += 1
        if self.asked < 3:
            raise ConnectionError("try again later")
        return super().book(order_id, parcels, key=key)


def test_a_busy_carrier_is_asked_again(tmp_path: Path) -> None:
    plain = open_services(tmp_path)
    carrier = BusyCarrier(tmp_path / "labels")
    services = Services(shop=plain.shop, carrier=carrier, mailbox=plain.mailbox, ledger=plain.ledger)

    async def scenario() -> OrderOutput:
        # Time is virtual here: the two delays of 2 s take none.
        async with engine(modules=["orders_app.workflows"], services=services) as e:
            output: OrderOutput = await e.run("order-fulfillment", ORDER)
            return output

    assert asyncio.run(scenario()).status == "shipped"
    assert carrier.asked == 3


def test_every_service_call_may_be_made_again(tmp_path: Path) -> None:
    shop = open_services(tmp_path).shop
    assert [shop.reserve("o", "desk", 2) for _ in range(2)] == [(True, 3), (True, 3)]
    for _ in range(2):
        shop.release("o", "desk")
    assert shop.stock("desk") == 5
    assert shop.charge("o", "4242", 7, key="k") == shop.charge("o", "4242", 7, key="k")
    assert shop.charged() == {"o": 7}

"""The RPCs. Each has its own queue in each workflow that uses it, and its own retries."""

from __future__ import annotations

from pyflow_core import RpcError, Step, wire_rpc

from orders_app.models import (
    ChargeCard,
    Order,
    OrderInput,
    PricedLine,
    Receipt,
    ReleaseStock,
    Reservation,
    ReserveStock,
    SendMail,
    Shipment,
    ShipOrder,
)
from orders_app.services import Carrier, Declined, Folder, Ledger, Shop


class UnknownProductError(RpcError):
    """The shop does not sell this."""

    code = "unknown_product"


class CardDeclinedError(RpcError):
    """The card was declined; the workflow catches this by its class."""

    code = "card_declined"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the card was declined: {reason}")
        self.reason = reason


@wire_rpc("orders.create", raises=[UnknownProductError])
def create_order(data: OrderInput, *, step: Step, shop: Shop) -> Order:
    """Price the lines. The id comes from the run, so that every attempt makes the same order."""
    prices = shop.prices([line.sku for line in data.lines])
    unknown = [line.sku for line in data.lines if line.sku not in prices]
    if unknown:
        raise UnknownProductError(f"the shop does not sell {', '.join(unknown)}")
    lines = [PricedLine(sku=line.sku, quantity=line.quantity, unit_price=prices[line.sku]) for line in data.lines]
    return Order(id=f"order-{step.run_id}", email=data.email, lines=lines)


@wire_rpc("stock.reserve", retries=3)
def reserve_stock(data: ReserveStock, *, step: Step, shop: Shop, ledger: Ledger) -> Reservation:
    """Take the goods off the stock. Too few is an answer and no error: the workflow decides what follows."""
    complete, available = shop.reserve(data.order_id, data.sku, data.quantity)
    ledger.note(step.step_name, step.idempotency_key)
    return Reservation(sku=data.sku, complete=complete, available=available)


@wire_rpc("stock.release", retries=10)
def release_stock(data: ReleaseStock, *, step: Step, shop: Shop, ledger: Ledger) -> None:
    """Put the goods back."""
    shop.release(data.order_id, data.sku)
    ledger.note(step.step_name, step.idempotency_key)


@wire_rpc("payments.charge", retries=5, timeout="30s", raises=[CardDeclinedError])
def charge_card(data: ChargeCard, *, step: Step, shop: Shop, ledger: Ledger) -> Receipt:
    """Charge the card. The idempotency key is what keeps a second attempt from charging twice."""
    try:
        charge_id = shop.charge(data.order_id, data.card, data.amount, key=step.idempotency_key)
    except Declined as error:
        raise CardDeclinedError(str(error)) from error
    ledger.note(step.step_name, step.idempotency_key)
    return Receipt(charge_id=charge_id, amount=data.amount)


@wire_rpc("mail.send", retries=5)
def send_mail(data: SendMail, *, step: Step, mailbox: Folder, ledger: Ledger) -> None:
    """Send a mail."""
    mailbox.put(f"To: {data.to}\nSubject: {data.subject}\n\n{data.text}\n", key=step.idempotency_key)
    ledger.note(step.step_name, step.idempotency_key)


@wire_rpc("carrier.book", retries=5, retry_delay="2s")
def book_carrier(data: ShipOrder, *, step: Step, carrier: Carrier, ledger: Ledger) -> Shipment:
    """Book the shipment."""
    tracking = carrier.book(data.order_id, data.parcels, key=step.idempotency_key)
    ledger.note(step.step_name, step.idempotency_key)
    return Shipment(tracking=tracking)

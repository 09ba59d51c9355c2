"""What the workflow and its steps are given and give back. Money is in cents."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

Status = Literal["shipped", "out of stock", "declined"]


class Line(BaseModel):
    sku: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    quantity: int = Field(ge=1)


class OrderInput(BaseModel):
    email: str
    card: str
    lines: list[Line] = Field(min_length=1)


class OrderOutput(BaseModel):
    order_id: str
    status: Status
    total: int = 0
    tracking: str | None = None
    reason: str | None = None


class PricedLine(BaseModel):
    sku: str
    quantity: int
    unit_price: int


class Order(BaseModel):
    id: str
    email: str
    lines: list[PricedLine]


class Totals(BaseModel):
    subtotal: int
    tax: int
    total: int


class ReserveStock(BaseModel):
    order_id: str
    sku: str
    quantity: int


class Reservation(BaseModel):
    sku: str
    complete: bool
    available: int


class ReleaseStock(BaseModel):
    order_id: str
    sku: str


class ChargeCard(BaseModel):
    order_id: str
    card: str
    amount: int


class Receipt(BaseModel):
    charge_id: str
    amount: int


class SendMail(BaseModel):
    to: str
    subject: str
    text: str


class ShipOrder(BaseModel):
    order_id: str
    parcels: int


class Shipment(BaseModel):
    tracking: str

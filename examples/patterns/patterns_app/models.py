"""What the workflows and their steps are given and give back."""

from __future__ import annotations

from pydantic import BaseModel


class Account(BaseModel):
    email: str


class AccountId(BaseModel):
    account_id: str


class Mail(BaseModel):
    to: str
    template: str


class NewUser(BaseModel):
    email: str
    country: str


class User(BaseModel):
    id: str
    requires_kyc: bool


class UserId(BaseModel):
    user_id: str


class Item(BaseModel):
    id: str
    type: str


class Items(BaseModel):
    items: list[Item]


class Migration(BaseModel):
    """`version` was added later: runs that began before have none, and so are of version 1."""

    user_id: str
    version: int = 1


class Basket(BaseModel):
    customer_id: str
    subtotal: int


class Order(BaseModel):
    id: str
    customer_id: str
    subtotal: int


class PricedOrder(Order):
    tax: int
    total: int


class Charge(BaseModel):
    customer_id: str
    amount: int


class Lookup(BaseModel):
    order_id: str


class ThreeWays(BaseModel):
    """The same RPC's answer, asked for in each of the three ways."""

    queued: str
    inline: str
    bare: str

"""What the workflow and its steps are given and give back."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class OnboardingInput(BaseModel):
    email: str
    region: Literal["EU", "US"] = "EU"
    premium: bool = False


class OnboardingOutput(BaseModel):
    user_id: str
    tier: str
    tax_rate: float
    welcomed: bool
    settings: dict[str, str]


class CreateUser(BaseModel):
    email: str
    region: str
    premium: bool


class User(BaseModel):
    id: str
    email: str
    region: str
    premium: bool


class Verification(BaseModel):
    user_id: str
    email: str


class SetupPremium(BaseModel):
    user_id: str


class Tier(BaseModel):
    name: str
    features: list[str]


class Sms(BaseModel):
    user_id: str
    text: str
    key: str

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pyflow_core import Step

from onboarding_app.functions import EmailTakenError, create_user, notify_sms, send_verification, setup_premium
from onboarding_app.models import CreateUser, SetupPremium, Sms, Verification
from onboarding_app.services import Services, open_services

if TYPE_CHECKING:
    from pathlib import Path

ADA = CreateUser(email="ada@example.com", region="EU", premium=True)


def step(key: str) -> Step:
    return Step(idempotency_key=key)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return open_services(tmp_path, tmp_path / "ledger.jsonl")


def test_a_second_attempt_gives_the_same_user(services: Services) -> None:
    first = create_user(ADA, step=step("a"), db=services.db, ledger=services.ledger)
    again = create_user(ADA, step=step("a"), db=services.db, ledger=services.ledger)
    assert first == again
    assert services.db.count_users() == 1


def test_an_address_is_taken_for_another_run(services: Services) -> None:
    create_user(ADA, step=step("a"), db=services.db, ledger=services.ledger)
    with pytest.raises(EmailTakenError, match="signed up already"):
        create_user(ADA, step=step("b"), db=services.db, ledger=services.ledger)


def test_a_mail_is_sent_once_and_noted_once(services: Services, tmp_path: Path) -> None:
    for _ in range(2):
        data = Verification(user_id="1", email="ada@example.com")
        send_verification(data, step=step("k"), mailer=services.mailer, ledger=services.ledger)
    assert len(services.mailer.messages()) == 1
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["k"]


def test_premium_is_set_up(services: Services) -> None:
    user = create_user(ADA, step=step("a"), db=services.db, ledger=services.ledger)
    tier = setup_premium(SetupPremium(user_id=user.id), step=step("b"), db=services.db, ledger=services.ledger)
    assert tier.name == "premium"


def test_an_sms_is_sent_once(services: Services) -> None:
    data = Sms(user_id="1", text="hi", key="k")
    assert [notify_sms(data, sms=services.sms) for _ in range(2)] == [True, False]

"""The RPCs. Plain functions run in threads of the worker; every one may be called in a test with fakes."""

from __future__ import annotations

from pyflow_core import RpcError, Step, wire_rpc

from onboarding_app.models import CreateUser, SetupPremium, Sms, Tier, User, Verification
from onboarding_app.services import AddressInUseError, Database, Ledger, Outbox

PREMIUM_FEATURES = ["priority-support", "exports"]


class EmailTakenError(RpcError):
    """Somebody has signed up with this address already."""

    code = "email_taken"


@wire_rpc("users.create", retries=3, timeout="30s", raises=[EmailTakenError])
def create_user(data: CreateUser, *, step: Step, db: Database, ledger: Ledger) -> User:
    """Insert the user; the key makes it the same user in every attempt."""
    try:
        user_id = db.insert_user(data.email, data.region, premium=data.premium, key=step.idempotency_key)
    except AddressInUseError as error:
        raise EmailTakenError(str(error)) from error
    ledger.note(step.step_name, step.idempotency_key)
    return User(id=user_id, email=data.email, region=data.region, premium=data.premium)


@wire_rpc("email.send_verification", retries=5)
def send_verification(data: Verification, *, step: Step, mailer: Outbox, ledger: Ledger) -> None:
    """Send the link by which the address is confirmed."""
    link = f"https://example.com/verify/{data.user_id}"
    if mailer.send(data.email, f"Please confirm your address: {link}", key=step.idempotency_key):
        ledger.note(step.step_name, step.idempotency_key)


@wire_rpc("premium.setup", retries=3)
def setup_premium(data: SetupPremium, *, step: Step, db: Database, ledger: Ledger) -> Tier:
    """Switch the paid features on."""
    db.enable_premium(data.user_id, PREMIUM_FEATURES)
    ledger.note(step.step_name, step.idempotency_key)
    return Tier(name="premium", features=PREMIUM_FEATURES)


@wire_rpc("notify.sms")
def notify_sms(data: Sms, *, sms: Outbox) -> bool:
    """Send an SMS; False if it was sent before."""
    return sms.send(data.user_id, data.text, key=data.key)


@wire_rpc("settings.get_defaults")
def get_default_settings(*, db: Database) -> dict[str, str]:
    """The settings that a new user begins with."""
    return db.settings()

"""Credentials of an object store by the id that its URL names: from the environment, else from the system's keychain.

What a URL's `auth_ref` names is all that is used: nothing of what the environment holds for the provider's own tools is
mixed in, which might be somebody else's.
"""

from __future__ import annotations

import os
from typing import Any

from pyflow_core.errors import PyflowError, SettingsError
from pyflow_core.payload.extra import require

KEYCHAIN_SERVICE = "pyflow"
"""Under which service the keychain has them; the name is that of the environment's variable."""

_NAMES = {
    "s3": ("access_key_id", "secret_access_key", "session_token"),
    "gs": ("service_account_key", "service_account"),
    "az": ("account_name", "account_key", "sas_token"),
}
_ENOUGH = {
    "s3": (("access_key_id", "secret_access_key"),),
    "gs": (("service_account_key",), ("service_account",)),
    "az": (("account_key",), ("sas_token",)),
}


def credential_options(scheme: str, auth_ref: str | None) -> dict[str, Any]:
    """What obstore's `from_url` is given for the credentials of this id: nothing without one.

    Raises:
        SettingsError: neither the environment nor the keychain has them.
    """
    if auth_ref is None:
        return {}
    found = _find(scheme, auth_ref)
    if not any(found.keys() >= set(names) for names in _ENOUGH[scheme]):
        raise _missing(scheme, auth_ref)
    if scheme == "gs":
        return {"config": found}
    config = {"account_name": found["account_name"]} if "account_name" in found else {}
    # Given as configuration, they would be mixed with what the environment holds.
    return {"config": config, "credential_provider": lambda: _credential(scheme, found)}


def _credential(scheme: str, found: dict[str, str]) -> dict[str, Any]:
    if scheme == "s3":
        names = {"access_key_id": "access_key_id", "secret_access_key": "secret_access_key", "token": "session_token"}
        return {**{name: found.get(key) for name, key in names.items()}, "expires_at": None}
    if "sas_token" in found:
        return {"sas_token": found["sas_token"].removeprefix("?"), "expires_at": None}
    return {"access_key": found["account_key"], "expires_at": None}


def _find(scheme: str, auth_ref: str) -> dict[str, str]:
    variables = {name: _variable(auth_ref, name) for name in _NAMES[scheme]}
    found = {name: os.environ.get(variable) for name, variable in variables.items()}
    if not any(found.values()):
        found = {name: _kept(variable) for name, variable in variables.items()}
    return {name: value for name, value in found.items() if value}


def _kept(variable: str) -> str | None:
    """What the keychain holds; nothing if there is none."""
    try:
        keyring = require("keyring", "keyring", "errors", what="credentials in a keychain")
    except PyflowError:
        return None
    try:
        kept: str | None = keyring.get_password(KEYCHAIN_SERVICE, variable)
    except keyring.errors.NoKeyringError:
        return None
    except keyring.errors.KeyringError as error:
        raise SettingsError(f"the keychain does not give out {variable}: {type(error).__name__}") from None
    return kept


def _missing(scheme: str, auth_ref: str) -> SettingsError:
    ways = [" and ".join(_variable(auth_ref, name) for name in names) for names in _ENOUGH[scheme]]
    return SettingsError(
        f"auth_ref={auth_ref}: there are no such credentials: set {', or '.join(ways)} in the environment, or keep "
        f"them in the keychain under the service {KEYCHAIN_SERVICE!r} (`pip install 'pyflow-workflows[keyring]'`)"
    )


def _variable(auth_ref: str, name: str) -> str:
    return f"{auth_ref}_{name.upper()}"

"""`s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`.

Options: `region` (S3), `endpoint` (for what speaks the same language elsewhere), `account` (Azure), `name`, and
`auth_ref`. Credentials never stand in a URL. They come from the environment as the provider's own tools read them; with
`auth_ref=ARCHIVE` from `ARCHIVE_ACCESS_KEY_ID` and so on, or from what the system's keychain has under these names.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pyflow_core.payload.url import StoreUrl
from pyflow_services.object_store.credential import credential_options
from pyflow_services.object_store.payload import ObjectStorePayloadService

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_core.clock import Clock

_OPTIONS = {
    "s3": {"region": "region", "endpoint": "endpoint"},
    "gs": {"endpoint": "base_url"},
    "az": {"endpoint": "endpoint", "account": "account_name"},
}
"""Options of URLs, and what obstore calls them."""
_AUTH_REF = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_CONNECT_SECONDS = 5
_REQUEST_SECONDS = 60
_RETRIES = 3
_RETRY_SECONDS = 20


def from_url(url: str, root: Path | None, clock: Clock) -> ObjectStorePayloadService:
    """The payload service of an object store's URL.

    Raises:
        SettingsError: the URL is wrong, or holds a credential.
    """
    del root, clock
    parsed = StoreUrl(url)
    if parsed.user is not None or parsed.password is not None:
        raise parsed.wrong("credentials do not belong into the URL: set them in the environment, and name auth_ref")
    name = parsed.name(parsed.scheme)
    config = _config(parsed)
    auth_ref = parsed.option("auth_ref")
    parsed.finish()
    if not parsed.host:
        raise parsed.wrong("it names no bucket: write s3://bucket/prefix")
    if auth_ref is not None and _AUTH_REF.fullmatch(auth_ref) is None:
        raise parsed.wrong("auth_ref must be the capital beginning of environment variables, such as ARCHIVE")
    endpoint = config.get("endpoint") or config.get("base_url") or ""
    place = f"{parsed.scheme}://{parsed.host}{parsed.path}".rstrip("/")

    def connect(obstore: Any) -> Any:
        credentials = credential_options(parsed.scheme, auth_ref)
        return obstore.store.from_url(
            place,
            config={**config, **credentials.pop("config", {})},
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
                "timeout": timedelta(seconds=_REQUEST_SECONDS),
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_RETRY_SECONDS)},
            **credentials,
        )

    return ObjectStorePayloadService(connect, name, shown=place, auth_ref=auth_ref)


def _config(parsed: StoreUrl) -> dict[str, str]:
    found = {name: parsed.option(name) for name in _OPTIONS[parsed.scheme]}
    endpoint = found.get("endpoint") or "http://"
    if not endpoint.startswith(("http://", "https://")) or "@" in endpoint:
        raise parsed.wrong("endpoint must be http://host:port or https://host, without credentials")
    return {_OPTIONS[parsed.scheme][name]: value for name, value in found.items() if value}

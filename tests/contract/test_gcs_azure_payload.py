"""Google Cloud Storage and Azure keep the contract of the payload port, as far as it can be seen without an account."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import sys
import time
import traceback
import urllib.request
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import keyring
import keyring.backend
import keyring.errors
import pytest
from pyflow_services.object_store import url as object_store_url
from pyflow_services.object_store.payload import require_obstore
from typing_extensions import override

from pyflow_core import wire_rpc, wire_workflow
from pyflow_core.clock import SystemClock
from pyflow_core.errors import PayloadForbiddenError, PayloadStoreUnavailableError, SettingsError
from pyflow_core.project import Project
from pyflow_core.stores import make_payloads
from pyflow_core.testing.contracts.payload import KEY, PayloadServiceContract
from tests.fixtures.gcs_server import GcsServer, gcs_server
from tests.fixtures.server import free_port, served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator
    from pathlib import Path

    from pyflow_core.ports.payload import PayloadService

ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Of every emulator, as its documentation says."""
SECRET = "hunter2"
SERVICE_ACCOUNT = json.dumps({"disable_oauth": True, "client_email": "", "private_key": SECRET, "private_key_id": ""})


def make(url: str) -> PayloadService:
    return make_payloads(url, None, SystemClock())


@pytest.fixture(scope="module")
def gcs() -> Iterator[GcsServer]:
    with gcs_server() as server:
        yield server


class TestGcsPayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _bucket(self, gcs: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GCS_SERVICE_ACCOUNT_KEY", SERVICE_ACCOUNT)
        self._url = gcs.place(f"prefix-{time.monotonic_ns()}")

    @override
    async def make_service(self) -> PayloadService:
        return make(self._url)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return make(self._url)

    @override
    async def make_unreachable(self) -> PayloadService:
        return make(f"gs://bucket/x?endpoint=http://127.0.0.1:{free_port()}&auth_ref=GCS")


def test_a_put_and_a_get_are_one_request_each(gcs: GcsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCS_SERVICE_ACCOUNT_KEY", SERVICE_ACCOUNT)

    async def asked(use: Awaitable[Any]) -> list[str]:
        gcs.requests.clear()
        await use
        return gcs.requests.copy()

    async def scenario() -> None:
        store = make(gcs.place(f"prefix-{time.monotonic_ns()}"))
        assert await asked(store.open()) == []
        for expected in ([True, "PUT"], [False, "PUT"]):
            gcs.requests.clear()
            assert [await store.put(KEY, b"x" * 5000), *gcs.requests] == expected
        for most in (None, 5000, 100):
            assert await asked(store.get(KEY, most=most)) == ["GET"]
        assert await asked(store.get_range(KEY, 1, 10)) == ["GET"]
        assert await asked(store.stat(KEY)) == ["HEAD"]
        await store.close()

    asyncio.run(scenario())


@wire_rpc("pages.make")
async def make_page(data: int) -> str:
    return str(data) * 40_000


@wire_workflow("pages")
async def make_pages(data: int, *, workflow: Any) -> int:
    return sum([len(await workflow.do(f"page-{number}", "pages.make", number)) for number in range(data)])


def test_a_step_by_reference_costs_one_put_and_what_was_just_put_is_not_fetched(
    gcs: GcsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GCS_SERVICE_ACCOUNT_KEY", SERVICE_ACCOUNT)
    project = Project(name="pages", package="pages_gen", root=tmp_path)

    async def scenario() -> None:
        place = gcs.place(f"prefix-{time.monotonic_ns()}")
        async with project.connect(state="memory://", payloads=place, worker=True) as client:
            await (await client.start("pages", 1)).result()  # before the first put the store is tried
            gcs.requests.clear()
            assert await (await client.start("pages", 7)).result() == 7 * 40_000
            assert gcs.requests == ["PUT"] * 7

    asyncio.run(scenario())


def create_container(endpoint: str, name: str) -> None:
    date, version = formatdate(usegmt=True), "2021-08-06"
    signed = "\n".join(
        ["PUT", *[""] * 11, f"x-ms-date:{date}", f"x-ms-version:{version}", f"/{ACCOUNT}/{ACCOUNT}/{name}"]
    )
    key = base64.b64decode(ACCOUNT_KEY)
    digest = hmac.new(key, f"{signed}\nrestype:container".encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
    }
    request = urllib.request.Request(f"{endpoint}/{name}?restype=container", method="PUT", headers=headers)
    with urllib.request.urlopen(request):
        pass


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    """The address of an account; on Azurite, Microsoft's emulator, where it is installed (`npm install -g azurite`)."""
    port = free_port()
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    with served(
        ["azurite-blob", "--blobHost", "127.0.0.1", "--blobPort", str(port), *options], f"http://127.0.0.1:{port}/"
    ):
        create_container(f"http://127.0.0.1:{port}/{ACCOUNT}", "container")
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"


@pytest.mark.slow
class TestAzurePayload(PayloadServiceContract):
    @pytest.fixture(autouse=True)
    def _container(self, azurite: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BLOBS_ACCOUNT_KEY", ACCOUNT_KEY)
        place = f"az://container/prefix-{time.monotonic_ns()}"
        self._url = f"{place}?endpoint={azurite}&account={ACCOUNT}&auth_ref=BLOBS"

    @override
    async def make_service(self) -> PayloadService:
        return make(self._url)

    @override
    async def make_client(self, service: PayloadService) -> PayloadService:
        return make(self._url)


# --- what obstore is given


class Given:
    """What `from_url` of obstore is called with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        monkeypatch.setattr(require_obstore().store, "from_url", self._note)

    def _note(self, place: str, **options: Any) -> object:
        self.calls.append((place, options))
        return object()

    def by(self, url: str) -> tuple[str, dict[str, Any]]:
        asyncio.run(make(url).open())
        return self.calls.pop()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    return Given(monkeypatch)


@pytest.mark.parametrize(
    ("url", "place", "config", "over_http"),
    [
        ("gs://bucket/pre/fix", "gs://bucket/pre/fix", {}, False),
        ("gs://b?endpoint=http://h:1", "gs://b", {"base_url": "http://h:1"}, True),
        ("az://c/x?account=a", "az://c/x", {"account_name": "a"}, False),
        ("az://c?endpoint=https://h/a", "az://c", {"endpoint": "https://h/a"}, False),
        ("s3://b/x?region=r&endpoint=http://h", "s3://b/x", {"region": "r", "endpoint": "http://h"}, True),
    ],
)
def test_a_url_becomes_the_store_that_it_says(
    given: Given, url: str, place: str, config: dict[str, str], over_http: bool
) -> None:
    made, options = given.by(url)
    assert (made, options["config"]) == (place, config)
    assert options["client_options"]["allow_http"] is over_http
    assert "credential_provider" not in options  # as the provider's own tools find them


def test_credentials_are_those_of_auth_ref_and_no_others(given: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("A_ACCESS_KEY_ID", "A_SECRET_ACCESS_KEY", "B_SESSION_TOKEN", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, name.lower())
    _, options = given.by("s3://bucket?auth_ref=A")
    assert options["config"] == {}
    assert options["credential_provider"]() == {
        "access_key_id": "a_access_key_id",
        "secret_access_key": "a_secret_access_key",
        "token": None,
        "expires_at": None,
    }
    monkeypatch.setenv("B_ACCOUNT_NAME", "someone")
    monkeypatch.setenv("B_SAS_TOKEN", "?sv=1&sig=x")
    _, options = given.by("az://container?auth_ref=B")
    assert options["config"] == {"account_name": "someone"}
    assert options["credential_provider"]() == {"sas_token": "sv=1&sig=x", "expires_at": None}
    monkeypatch.setenv("C_ACCOUNT_KEY", "eA==")
    _, options = given.by("az://container?auth_ref=C&account=other")
    assert options["config"] == {"account_name": "other"}
    assert options["credential_provider"]() == {"access_key": "eA==", "expires_at": None}
    monkeypatch.setenv("D_SERVICE_ACCOUNT_KEY", "{}")
    assert given.by("gs://bucket?auth_ref=D")[1]["config"] == {"service_account_key": "{}"}


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("s3://b", "A_ACCESS_KEY_ID and A_SECRET_ACCESS_KEY"),
        ("gs://b", "A_SERVICE_ACCOUNT_KEY, or A_SERVICE_ACCOUNT"),
        ("az://c", "A_ACCOUNT_KEY, or A_SAS_TOKEN"),
    ],
)
def test_credentials_that_are_not_there_are_missed_by_name(
    url: str, names: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than that those of somebody else are used."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "ambient")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ambient")
    monkeypatch.setenv("A_ACCESS_KEY_ID", "half of it")
    with pytest.raises(SettingsError, match=f"auth_ref=A: .* set {names} in the environment, or keep them in the key"):
        asyncio.run(make(f"{url}?auth_ref=A").open())


# --- keychains


class FakeKeychain(keyring.backend.KeyringBackend):
    """Holds what a test puts into it."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self, kept: dict[tuple[str, str], str], *, locked: bool = False) -> None:
        super().__init__()
        self.kept = kept
        self.locked = locked

    @override
    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked(f"{SECRET} is locked in")
        return self.kept.get((service, username))

    @override
    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def keychain() -> Iterator[FakeKeychain]:
    before = keyring.get_keyring()
    chain = FakeKeychain({("pyflow", "A_ACCESS_KEY_ID"): "kept", ("pyflow", "A_SECRET_ACCESS_KEY"): SECRET})
    keyring.set_keyring(chain)
    yield chain
    keyring.set_keyring(before)


def test_credentials_come_from_the_keychain_where_the_environment_has_none(
    keychain: FakeKeychain, given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    credential = given.by("s3://bucket?auth_ref=A")[1]["credential_provider"]()
    assert (credential["access_key_id"], credential["secret_access_key"]) == ("kept", SECRET)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"A_{name}", "environment")
    credential = given.by("s3://bucket?auth_ref=A")[1]["credential_provider"]()
    assert credential["secret_access_key"] == "environment"
    assert keychain.kept


def test_a_locked_keychain_says_so(keychain: FakeKeychain) -> None:
    keychain.locked = True
    with pytest.raises(SettingsError, match="the keychain does not give out A_ACCESS_KEY_ID: KeyringLocked") as caught:
        asyncio.run(make("s3://bucket?auth_ref=A").open())
    assert SECRET not in caught.value.message


def test_without_keyring_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match=r"pip install 'pyflow-workflows\[keyring\]'"):
        asyncio.run(make("s3://bucket?auth_ref=A").open())


# --- what is told of trouble


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        ("gs://bucket/x?", {"SERVICE_ACCOUNT_KEY": SERVICE_ACCOUNT}),
        ("gs://bucket/x?", {"SERVICE_ACCOUNT_KEY": f'{{"private_key": "{SECRET}"'}),
        ("gs://bucket/x?", {"SERVICE_ACCOUNT_KEY": SECRET}),
        ("az://container/x?account=a&", {"ACCOUNT_KEY": base64.b64encode(SECRET.encode()).decode()}),
        ("az://container/x?account=a&", {"ACCOUNT_KEY": f"{SECRET}!"}),
        ("az://container/x?account=a&", {"SAS_TOKEN": f"?sv=1&sig={SECRET}"}),
        ("az://container/x?account=a&", {"SAS_TOKEN": SECRET}),
        ("s3://bucket/x?region=r&", {"ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": SECRET, "SESSION_TOKEN": SECRET}),
    ],
)
def test_an_endpoint_that_is_away_is_told_by_the_name_of_the_store_and_without_secrets(
    url: str, credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_store_url, "_RETRIES", 0)
    for name, value in credentials.items():
        monkeypatch.setenv(f"A_{name}", value)

    async def use() -> None:
        store = make(f"{url}endpoint=http://127.0.0.1:{free_port()}&auth_ref=A")
        await store.open()
        await store.put(KEY, b"x")

    # Credentials that are none are refused before anything is sent.
    with pytest.raises((PayloadStoreUnavailableError, PayloadForbiddenError)) as caught:
        asyncio.run(use())
    assert url.partition("?")[0] in caught.value.message
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert not any(value in told for value in credentials.values() if len(value) > 8)

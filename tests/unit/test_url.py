"""Whatever a URL of a store looks like, no password is shown of it."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pyflow_core.clock import SystemClock
from pyflow_core.errors import PyflowError
from pyflow_core.stores import make_payloads, make_queue, make_state
from pyflow_core.url import shown_url, url_scheme

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Maker: TypeAlias = Callable[..., Any]

SECRET = "hunter2"
MAKERS = (make_state, make_queue, make_payloads)
SCHEMES = ("sqlite", "redis", "rediss", "unix", "nats", "tls", "s3", "gs", "az", "file", "memory", "postgresql", "boom")
PLACES = (
    f"u:{SECRET}@127.0.0.1:9/0",
    f":{SECRET}@127.0.0.1:9",
    f"{SECRET}@127.0.0.1:9/x",
    f"u@{SECRET}@127.0.0.1:9/x",
    f"u:{SECRET}/x@127.0.0.1:9/0",
    f"u:{SECRET}?x@127.0.0.1:9/0",
    f"u:{SECRET}#x@127.0.0.1:9/0",
    f"u:{SECRET}[@127.0.0.1:9/0",
    f"u:{SECRET}\u2100@127.0.0.1:9/x",
    f"user:{SECRET}",
    f"user:{SECRET}/x?y=1",
    f"127.0.0.1:9/x?password={SECRET}",
    f"127.0.0.1:9/x?{SECRET}",
    f"127.0.0.1:9/x#{SECRET}",
    f"127.0.0.1:9/x?endpoint=http://u:{SECRET}@h",
)
NO_URLS = (SECRET, f"u:{SECRET}@h/x", f"host=x password={SECRET}", f"redis:u:{SECRET}@h", f"//u:{SECRET}@h")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:hunter2@host:6379/0", "redis://u:…@host:6379/0"),
        ("redis://:hunter2@host", "redis://…@host"),
        ("nats://hunter2@host/bucket", "nats://…@host/bucket"),
        ("nats://u:hunter2@a:1,nats://u:hunter2@b:2/x", "nats://u:…@b:2/x"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("redis://user:hunter2/0", "redis://user:…/0"),
        ("redis://host:6379?x=hunter2", "redis://host:6379?…"),
        ("s3://bucket/prefix?region=x", "s3://bucket/prefix?…"),
        ("sqlite:////home/me@work/state.db?x=1", "sqlite:////home/me@work/state.db?…"),
        ("memory://", "memory://"),
        ("no url", "…"),
    ],
)
def test_a_url_is_shown_without_what_is_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_scheme_is_only_what_stands_before_two_slashes() -> None:
    assert [url_scheme(url) for url in ("REDIS://x", "memory:", "a b://x", "://x", "")] == ["redis", "", "", "", ""]


@pytest.mark.parametrize("place", PLACES)
def test_no_url_shows_its_secret(place: str) -> None:
    assert not [scheme for scheme in SCHEMES if SECRET in shown_url(f"{scheme}://{place}")]


@pytest.mark.parametrize("url", [*(f"{scheme}://{place}" for scheme in SCHEMES for place in PLACES), *NO_URLS])
def test_no_refusal_of_a_url_shows_its_secret(url: str, tmp_path: Path) -> None:
    for make in MAKERS:
        assert SECRET not in told_about(lambda make=make: make(url, tmp_path, SystemClock()))


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("scheme", ["redis", "rediss", "unix", "nats", "tls"])
def test_no_error_about_a_store_that_is_away_shows_its_secret(make: Maker, scheme: str, tmp_path: Path) -> None:
    async def use() -> None:
        store = make(f"{scheme}://u:{SECRET}@127.0.0.1:9/0", tmp_path, SystemClock())
        try:
            await store.open()
        finally:
            await store.close()

    told = told_about(lambda: asyncio.run(use()))
    assert told
    assert SECRET not in told


def told_about(action: Callable[[], object]) -> str:
    """The error that it ends in, which is one of ours, with everything that it was raised from."""
    try:
        action()
    except PyflowError as error:
        return "".join(traceback.format_exception(error))
    return ""

"""The contract of the payload port: an implementation's test subclasses `PayloadServiceContract`."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyflow_core.errors import (
    InvalidPayloadKeyError,
    PayloadStoreUnavailableError,
    PayloadTooLargeError,
    UnsafeStoreError,
)
from pyflow_core.payload.key import payload_key
from pyflow_core.ports.payload import CHUNK_BYTES
from pyflow_core.testing.contracts.payload_reading import PayloadReadingContract
from pyflow_core.testing.contracts.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from pyflow_core.ports.payload import PayloadService

KEY = "payloads/acme/orders/run-1/send/output.0123456789abcdef0123456789abcdef.json"

HOSTILE_KEYS = (
    "",
    "/",
    "/etc/passwd",
    "../outside",
    "payloads/../../outside",
    "payloads/./here",
    "payloads//double",
    "payloads/",
    "payloads/a\x00b",
    "payloads/a\nb",
    "payloads/é",
    "payloads/a b",
    "payloads\\..\\outside",
    "payloads/*",
    "payloads/a?b",
    "payloads/" + "a" * 241,
    "/".join(["a" * 200] * 6),
)
"""What no store may take, whatever it would make of it."""

ODD_NAMES = (".", "..", "...", " ", "~", "%", "%2E", "a/b", "a\\b", "con", "naïve ☃", "a.b-c_d", "*", "=XX=", "x" * 200)
"""What users may call their things; keys are made of them."""


@dataclass(frozen=True, slots=True)
class PayloadBench:
    """Two clients of one store, which may be the same object."""

    store: PayloadService
    other: PayloadService
    folder: Path

    async def keys(self, prefix: str = "") -> list[str]:
        """The keys below a prefix, as the other client sees them."""
        return sorted([item.key async for item in self.other.objects(prefix)])

    async def tamper(self, key: str, data: bytes | None) -> None:
        """Let something else lie under a key, or nothing."""
        await self.store.delete([key])
        if data is not None:
            assert await self.store.put(key, data)


def name(number: int, run: str = "run-1") -> str:
    """A key of its own for each number."""
    return f"payloads/acme/orders/{run}/send/part-{number:05d}.{number:032x}.bin"


async def joined(stream: AsyncIterator[bytes] | None) -> bytes | None:
    """A whole stream."""
    return None if stream is None else b"".join([chunk async for chunk in stream])


class PayloadServiceContract(PayloadReadingContract):
    """What every payload store keeps. Subclass it, name it `Test…`, and say how to make a service."""

    large_bytes = 3 * CHUNK_BYTES + 17
    """The size of what counts as large here; below `max_bytes`."""

    async def make_service(self) -> PayloadService:
        """A service of an empty store, not yet open."""
        raise NotImplementedError

    async def make_client(self, service: PayloadService) -> PayloadService:
        """Another client of the same store, not yet open."""
        return service

    async def make_unreachable(self) -> PayloadService | None:
        """A service whose store cannot be reached; None where that cannot happen."""
        return None

    @asynccontextmanager
    async def bench(self) -> AsyncGenerator[PayloadBench]:
        async with AsyncExitStack() as stack:
            store = await self.make_service()
            other = await self.make_client(store)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for service in (store, other):
                stack.push_async_callback(service.close)
                await service.open()
            yield PayloadBench(store, other, folder)

    # --- objects

    @scenario
    async def test_what_is_put_is_got_by_everybody(self, bench: PayloadBench) -> None:
        for number, data in enumerate((b"", b"\x00", b"null", bytes(range(256)), b"x" * 70_000)):
            assert await bench.store.put(name(number), data)
            assert await bench.other.get(name(number)) == data

    @scenario
    async def test_what_is_not_there_is_none(self, bench: PayloadBench) -> None:
        assert await bench.store.get(KEY) is None
        assert await bench.store.get_range(KEY, 0, 1) is None
        assert await bench.store.stat(KEY) is None
        assert await bench.store.open_stream(KEY) is None
        assert not await bench.store.extend(KEY, 60)
        await bench.store.delete([KEY])

    @scenario
    async def test_a_key_is_written_once(self, bench: PayloadBench) -> None:
        assert await bench.store.put(KEY, b"first")
        assert not await bench.other.put(KEY, b"second")
        assert not await bench.store.put(KEY, b"first")
        assert await bench.other.get(KEY) == b"first"

    @scenario
    async def test_of_many_writers_of_a_key_one_wins_and_nothing_is_torn(self, bench: PayloadBench) -> None:
        bodies = [bytes([number]) * 50_000 for number in range(8)]
        clients = [bench.store, bench.other]
        won = await asyncio.gather(*(clients[n % 2].put(KEY, body) for n, body in enumerate(bodies)))
        assert sum(won) == 1
        assert await bench.store.get(KEY) == bodies[won.index(True)]
        assert (await bench.keys()) == [KEY]

    @scenario
    async def test_who_reads_meanwhile_sees_nothing_or_all(self, bench: PayloadBench) -> None:
        body = b"0123456789" * 20_000
        writing = asyncio.create_task(bench.store.put(KEY, body))
        seen: set[int | None] = set()
        while not writing.done():
            found = await bench.other.get(KEY)
            seen.add(None if found is None else len(found))
            await asyncio.sleep(0)
        assert seen <= {None, len(body)}
        assert await bench.other.get(KEY) == body

    @scenario
    async def test_a_file_is_put_as_its_bytes_are(self, bench: PayloadBench) -> None:
        body = bytes(range(256)) * (self.large_bytes // 256)
        path = bench.folder / "large"
        path.write_bytes(body)
        assert await bench.store.put_file(KEY, path)
        assert not await bench.other.put_file(KEY, path)
        assert await bench.other.get(KEY) == body
        assert path.read_bytes() == body

    @scenario
    async def test_a_stream_has_all_bytes_in_pieces(self, bench: PayloadBench) -> None:
        body = bytes(range(256)) * (self.large_bytes // 256)
        await bench.store.put(KEY, body)
        stream = await bench.other.open_stream(KEY)
        assert stream is not None
        chunks = [chunk async for chunk in stream]
        assert b"".join(chunks) == body
        assert all(0 < len(chunk) <= 16 * CHUNK_BYTES for chunk in chunks)
        await bench.store.put(name(1), b"")
        assert await joined(await bench.store.open_stream(name(1))) == b""

    @scenario
    async def test_a_range_is_cut_at_the_end(self, bench: PayloadBench) -> None:
        await bench.store.put(KEY, b"0123456789")
        for start, end in ((0, 10), (0, 1), (3, 7), (9, 10), (8, 99)):
            assert await bench.other.get_range(KEY, start, end) == b"0123456789"[start:end]

    @scenario
    async def test_no_more_is_read_than_is_asked_for(self, bench: PayloadBench) -> None:
        await bench.store.put(KEY, b"x" * 5000)
        assert await bench.store.get(KEY, most=5000) == b"x" * 5000
        found = await bench.store.get(KEY, most=100)
        assert found is not None
        assert len(found) > 100  # so that the reader notices

    @scenario
    async def test_stat_tells_size_and_time_without_reading(self, bench: PayloadBench) -> None:
        before = await bench.store.now()
        await bench.store.put(KEY, b"x" * 321)
        after = await bench.store.now()
        stat = await bench.other.stat(KEY)
        assert stat is not None
        assert (stat.key, stat.size, stat.expires_at) == (KEY, 321, None)
        assert before - 2 <= stat.modified_at <= after + 2  # some stores keep whole seconds

    @scenario
    async def test_what_is_deleted_is_gone_and_can_be_put_again(self, bench: PayloadBench) -> None:
        await bench.store.put(KEY, b"first")
        await bench.store.put(name(1), b"stays")
        await bench.other.delete([KEY, name(2)])
        assert await bench.store.get(KEY) is None
        assert await bench.keys() == [name(1)]
        assert await bench.store.put(KEY, b"second")
        assert await bench.other.get(KEY) == b"second"

    @scenario
    async def test_many_are_deleted_at_once(self, bench: PayloadBench) -> None:
        keys = [name(number) for number in range(30)]
        await asyncio.gather(*(bench.store.put(key, b"x") for key in keys))
        await bench.store.delete(keys[:25])
        assert await bench.keys() == keys[25:]
        await bench.store.delete([])

    # --- keys

    @pytest.mark.parametrize("key", HOSTILE_KEYS, ids=lambda key: repr(key)[:24])
    @scenario
    async def test_a_hostile_key_is_refused_everywhere(self, bench: PayloadBench, key: str) -> None:
        for call in (
            lambda: bench.store.put(key, b"x"),
            lambda: bench.store.put_file(key, bench.folder / "none"),
            lambda: bench.store.get(key),
            lambda: bench.store.get_range(key, 0, 1),
            lambda: bench.store.open_stream(key),
            lambda: bench.store.stat(key),
            lambda: bench.store.delete([key]),
            lambda: bench.store.extend(key, 1),
        ):
            with pytest.raises(InvalidPayloadKeyError):
                await call()
        assert await bench.keys() == []

    @scenario
    async def test_odd_names_are_kept_apart_and_come_back_as_they_were(self, bench: PayloadBench) -> None:
        keys = {payload_key("t", "w", run, step, "output", "ab" * 32) for run in ODD_NAMES for step in ("s", run)}
        assert len(keys) == 2 * len(ODD_NAMES)
        for key in keys:
            assert await bench.store.put(key, key.encode())
        for key in keys:
            assert await bench.other.get(key) == key.encode()
        assert set(await bench.keys("payloads/")) == keys

    # --- listing

    @scenario
    async def test_a_listing_holds_what_is_below_its_prefix_and_nothing_else(self, bench: PayloadBench) -> None:
        runs = ("run-1", "run-10", "run-1.b", "run-1%2Fx", "RUN-1~")
        for run in runs:
            await bench.store.put(name(1, run), b"abc")
        await bench.store.put("configs/acme/1.json", b"{}")
        for run in runs:
            assert await bench.keys(f"payloads/acme/orders/{run}/") == [name(1, run)]
        assert len(await bench.keys("payloads/acme/")) == len(runs)
        assert len(await bench.keys()) == len(runs) + 1
        assert await bench.keys("payloads/acm/") == []
        assert [item.size async for item in bench.other.objects("payloads/acme/orders/run-1/")] == [3]

    @pytest.mark.parametrize("prefix", ["payloads/acme/orders/run-1", "payloads/../", "/", "*", "payloads//"])
    @scenario
    async def test_a_prefix_that_is_no_whole_segment_is_refused(self, bench: PayloadBench, prefix: str) -> None:
        with pytest.raises(InvalidPayloadKeyError):
            await bench.keys(prefix)

    @scenario
    async def test_what_stays_is_listed_though_others_come_and_go(self, bench: PayloadBench) -> None:
        stays = {name(number, "stays") for number in range(40)}
        await asyncio.gather(*(bench.store.put(key, b"x") for key in stays))

        async def disturb() -> None:
            for number in range(20):
                await bench.store.put(name(number, "moves"), b"x")
                await bench.store.delete([name(number - 5, "moves")] if number >= 5 else [])

        listed, _ = await asyncio.gather(bench.keys(), disturb())
        assert stays <= set(listed)
        assert len(listed) == len(set(listed))

    # --- times to live

    @scenario
    async def test_a_time_to_live_is_kept_where_the_store_has_one(self, bench: PayloadBench) -> None:
        await bench.store.put(KEY, b"x", ttl_seconds=1000)
        stat = await bench.other.stat(KEY)
        assert stat is not None
        if not bench.store.keeps_ttl:
            assert stat.expires_at is None
            assert not await bench.other.extend(KEY, 5000)
            return
        now = await bench.store.now()
        assert stat.expires_at == pytest.approx(now + 1000, abs=30)
        assert await bench.other.extend(KEY, 5000)
        later = await bench.store.stat(KEY)
        assert later is not None
        assert later.expires_at == pytest.approx(now + 5000, abs=30)
        assert await bench.store.get(KEY) == b"x"

    # --- what a store may not be

    @scenario
    async def test_a_probe_finds_nothing_wrong_and_leaves_nothing(self, bench: PayloadBench) -> None:
        probe = await bench.store.probe()
        assert abs(probe.clock_skew_seconds) < 5
        assert await bench.keys() == []

    @scenario
    async def test_a_store_that_overwrites_is_found_out(
        self, bench: PayloadBench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put = bench.store.put

        async def overwrite(key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
            await bench.store.delete([key])
            return await put(key, data, ttl_seconds=ttl_seconds)

        monkeypatch.setattr(bench.store, "put", overwrite)
        with pytest.raises(UnsafeStoreError, match="create-only"):
            await bench.store.probe()

    @scenario
    async def test_what_is_too_large_for_the_store_is_refused_before_it_is_sent(self, bench: PayloadBench) -> None:
        if bench.store.max_bytes is None or bench.store.max_bytes > 64 * 1024 * 1024:
            bench.store.max_bytes = 1000  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
        size = (bench.store.max_bytes or 0) + 1
        path = bench.folder / "large"
        path.write_bytes(b"x" * size)
        with pytest.raises(PayloadTooLargeError):
            await bench.store.put(KEY, b"x" * size)
        with pytest.raises(PayloadTooLargeError):
            await bench.store.put_file(KEY, path)
        assert await bench.keys() == []
        assert await bench.store.put(KEY, b"x" * min(size - 1, 1000))

    @scenario
    async def test_an_unreachable_store_says_so_and_can_be_tried_again(self, bench: PayloadBench) -> None:
        del bench
        store = await self.make_unreachable()
        if store is None:
            pytest.skip("this store cannot be out of reach")

        async def use(service: PayloadService) -> None:
            await service.open()
            await service.put(KEY, b"secret-marker")

        with pytest.raises(PayloadStoreUnavailableError) as caught:
            await use(store)
        await store.close()
        assert caught.value.retryable
        assert "secret-marker" not in str(caught.value)
        await store.close()

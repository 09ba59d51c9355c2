"""What reading and writing through references gives on a store that lost, damaged or mixed up what it holds."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pyflow_core.errors import (
    PayloadCorruptError,
    PayloadError,
    PayloadForbiddenError,
    PayloadMissingError,
)
from pyflow_core.payload.cache import PayloadCache
from pyflow_core.payload.key import OUTPUT, file_slot
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.testing.contracts.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pyflow_core.payload.reference import Reference
    from pyflow_core.testing.contracts.payload import PayloadBench

ORIGIN = Origin("orders", "run-1", "send", attempt=2, tenant="acme")
MARKER = b"do-not-quote-me"
BODY = MARKER + b" " + b"0123456789" * 500


def reader_of(bench: PayloadBench, *, tenant: str = "acme", cache: PayloadCache | None = None) -> PayloadReader:
    """A reader of the other client, for the tenant of `ORIGIN`."""
    return PayloadReader({bench.other.name: bench.other}, tenant=tenant, cache=cache)


async def refused(reader: PayloadReader, reference: Reference) -> PayloadError:
    """The error that every way of reading a payload gives, which quotes nothing of it."""
    kinds: list[PayloadError] = []
    for read in (_whole, _stream, _verified, _range):
        with pytest.raises(PayloadError) as caught:
            await read(reader, reference)
        kinds.append(caught.value)
    assert len({type(error) for error in kinds}) == 1
    for error in kinds:
        told = f"{error} {error.facts!r}"
        assert MARKER.decode() not in told
        assert all(word in told for word in (reference.key, "run-1", "send", "attempt 2", reference.sha256))
    return kinds[0]


async def _whole(reader: PayloadReader, reference: Reference) -> bytes:
    return await reader.read(reference)


async def _verified(reader: PayloadReader, reference: Reference) -> bytes:
    await reader.verify(reference)
    return b""


async def _stream(reader: PayloadReader, reference: Reference) -> bytes:
    return b"".join([chunk async for chunk in reader.open(reference)])


async def _range(reader: PayloadReader, reference: Reference) -> bytes:
    return await reader.range(reference, 0, 10)


class PayloadReadingContract:
    """Part of `PayloadServiceContract`."""

    @pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
    @scenario
    async def test_a_written_payload_is_read_in_every_way(self, bench: PayloadBench, compression: Any) -> None:
        reference = await PayloadWriter(bench.store, compression=compression).write(BODY, ORIGIN, OUTPUT)
        reader = reader_of(bench, cache=PayloadCache())
        assert await _stream(reader, reference) == BODY
        assert await reader.range(reference, 5, 25) == BODY[5:25]
        assert await reader.read(reference) == BODY
        assert await reader.read(reference) == BODY
        assert reference.type == bench.store.reference_type
        assert (reference.bytes, reference.compression) == (len(BODY), compression)

    @scenario
    async def test_a_stream_of_pieces_is_written_and_read(self, bench: PayloadBench) -> None:
        async def pieces() -> AsyncGenerator[bytes]:
            for number in range(50):
                await asyncio.sleep(0)
                yield bytes([number]) * 1000

        reference = await PayloadWriter(bench.store).write_stream(pieces(), ORIGIN, file_slot("a/b.txt"))
        whole = b"".join(bytes([number]) * 1000 for number in range(50))
        assert await _stream(reader_of(bench), reference) == whole
        assert await reader_of(bench).range(reference, 999, 2001) == whole[999:2001]

    @scenario
    async def test_an_equal_retry_is_the_same_object(self, bench: PayloadBench) -> None:
        first = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        again = await PayloadWriter(bench.other).write(BODY, replace(ORIGIN, attempt=3), OUTPUT)
        assert again.key == first.key
        assert await bench.keys() == [first.key]

    @scenario
    async def test_a_late_worker_cannot_change_what_a_reference_names(self, bench: PayloadBench) -> None:
        committed = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        late = await PayloadWriter(bench.other).write(b"from the dead", ORIGIN, OUTPUT)
        assert late.key != committed.key
        assert await reader_of(bench).read(committed) == BODY

    @scenario
    async def test_a_retry_passes_over_an_object_that_was_damaged(self, bench: PayloadBench) -> None:
        first = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        await bench.tamper(first.key, BODY[:-1] + b"?")
        again = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        assert again.key != first.key
        assert await reader_of(bench).read(again) == BODY

    @scenario
    async def test_a_missing_payload_is_missing(self, bench: PayloadBench) -> None:
        reference = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        await bench.tamper(reference.key, None)
        assert type(await refused(reader_of(bench), reference)) is PayloadMissingError

    @pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
    @pytest.mark.parametrize("damage", ["flipped", "truncated", "empty", "longer", "swapped", "noise"])
    @scenario
    async def test_a_damaged_payload_is_corrupt_and_never_a_value(
        self, bench: PayloadBench, damage: str, compression: Any
    ) -> None:
        writer = PayloadWriter(bench.store, compression=compression)
        reference = await writer.write(BODY, ORIGIN, OUTPUT)
        other = await writer.write(MARKER + bytes(len(BODY) - len(MARKER)), ORIGIN, file_slot("other"))
        stored = await bench.store.get(reference.key)
        swapped = await bench.store.get(other.key)
        assert stored is not None
        assert swapped is not None
        middle = len(stored) // 2
        bad = {
            "flipped": stored[:middle] + bytes([stored[middle] ^ 1]) + stored[middle + 1 :],
            "truncated": stored[:middle],
            "empty": b"",
            "longer": stored + MARKER,
            "swapped": swapped,
            "noise": MARKER * 20,
        }[damage]
        await bench.tamper(reference.key, bad)
        assert type(await refused(reader_of(bench), reference)) is PayloadCorruptError

    @pytest.mark.parametrize("compression", ["gzip", "zstd"])
    @scenario
    async def test_a_small_object_does_not_become_a_large_one(self, bench: PayloadBench, compression: Any) -> None:
        writer = PayloadWriter(bench.store, compression=compression)
        bomb = await writer.write(bytes(20_000_000), ORIGIN, file_slot("bomb"))
        packed = await bench.store.get(bomb.key)
        assert packed is not None
        reference = await writer.write(BODY, ORIGIN, OUTPUT)
        await bench.tamper(reference.key, packed)
        assert type(await refused(reader_of(bench), reference)) is PayloadCorruptError

    @scenario
    async def test_a_reference_of_another_tenant_or_store_is_not_resolved(self, bench: PayloadBench) -> None:
        reference = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        readers = [reader_of(bench, tenant="other"), PayloadReader({"elsewhere": bench.other}, tenant="acme")]
        for reader in readers:
            assert type(await refused(reader, reference)) is PayloadForbiddenError
        forged = replace(reference, tenant="other")
        assert type(await refused(reader_of(bench, tenant="other"), forged)) is PayloadForbiddenError
        assert type(await refused(reader_of(bench), forged)) is PayloadForbiddenError

    @scenario
    async def test_a_cache_holds_verified_bytes_only(self, bench: PayloadBench) -> None:
        cache = PayloadCache()
        reader = reader_of(bench, cache=cache)
        reference = await PayloadWriter(bench.store).write(BODY, ORIGIN, OUTPUT)
        await bench.tamper(reference.key, b"x" * len(BODY))
        assert type(await refused(reader, reference)) is PayloadCorruptError
        assert cache.used_bytes == 0
        await bench.tamper(reference.key, BODY)
        assert await reader.read(reference) == BODY
        await bench.tamper(reference.key, None)
        assert await reader.read(reference) == BODY
        with pytest.raises(PayloadMissingError):
            await reader.verify(reference)

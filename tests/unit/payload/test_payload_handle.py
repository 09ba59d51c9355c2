"""`Payload[T]`: passed on unloaded, loaded in steps only."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pyflow_services.memory import MemoryPayloadService

from pyflow_core.codec import codec_for
from pyflow_core.engine.values import Values
from pyflow_core.errors import InvalidInputError, PayloadForbiddenError, StoredValueError
from pyflow_core.payload.deposit import Deposit, decide
from pyflow_core.payload.draft import draft_value
from pyflow_core.payload.handle import Payload, payload_access
from pyflow_core.payload.key import OUTPUT
from pyflow_core.payload.plane import DataPlane, single_reference
from pyflow_core.payload.planes import DataPlanes
from pyflow_core.payload.policy import DEFAULT_POLICY, PayloadPolicy, Placement
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.ports.state import DEFAULT_TENANT, Envelope

if TYPE_CHECKING:
    from pyflow_core.codec import Codec

ORIGIN = Origin("orders", "run-1", "send", attempt=1)
STRICT = PayloadPolicy(strict=True)


class Page(BaseModel):
    text: str
    links: list[str] = []


class Book(BaseModel):
    title: str
    pages: list[Payload[Page]]
    cover: Payload[bytes] | None = None


class Shelf:
    """A store with its writer, its reader, and the plane over both."""

    def __init__(self) -> None:
        self.store = MemoryPayloadService()
        self.writer = PayloadWriter(self.store)
        self.reader = PayloadReader({"memory": self.store})
        self.plane = DataPlane(self.writer, self.reader)

    async def keep(self, codec: Codec, value: Any, policy: PayloadPolicy = DEFAULT_POLICY) -> Deposit:
        deposit = decide(draft_value(codec, value), ORIGIN, OUTPUT, policy=policy)
        if deposit.placement.by_reference:
            await self.plane.store(deposit)
        return deposit

    async def fetch(self, codec: Codec, envelope: Envelope) -> Any:
        return await Values(DataPlanes(self.store)).bring(codec, envelope, DEFAULT_TENANT)

    async def handle(self, annotation: Any, value: Any) -> Payload[Any]:
        kept = await self.keep(codec_for(annotation), value, STRICT)
        return Payload(single_reference(kept.envelope), annotation)


def test_a_handle_loads_its_value_with_its_type() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        page = Page(text="once", links=["a"])
        handle = await shelf.handle(Page, page)
        with payload_access(shelf.reader):
            assert await handle.load() == page
            assert b"".join([chunk async for chunk in handle.open()]) == b'{"text":"once","links":["a"]}'
            assert await handle.range(2, 6) == b"text"
        assert handle.size_bytes == 29

    asyncio.run(scenario())


def test_outside_of_a_step_nothing_is_loaded() -> None:
    async def scenario() -> None:
        handle = await Shelf().handle(Page, Page(text="once"))
        with pytest.raises(PayloadForbiddenError, match="inside steps"):
            await handle.load()
        with pytest.raises(PayloadForbiddenError):
            handle.open()

    asyncio.run(scenario())


def test_handles_travel_in_values_and_come_back_typed() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        pages = [await shelf.handle(Page, Page(text=str(number))) for number in range(3)]
        book = Book(title="x", pages=pages, cover=await shelf.handle(bytes, b"\x89PNG"))
        text, fresh = codec_for(Book).round_trip(book)
        assert fresh == book
        again = codec_for(Book).decode(text)
        with payload_access(shelf.reader):
            assert [await page.load() for page in again.pages] == [Page(text=str(n)) for n in range(3)]
            assert again.cover is not None
            assert await again.cover.load() == b"\x89PNG"
        assert codec_for(Payload[Page]).decode(codec_for(Payload[Page]).encode(pages[0])) == pages[0]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "text", ['{"title":"x","pages":[{"text":"no handle"}]}', '{"title":"x","pages":[{"$ref":"payloads/x"}]}']
)
def test_what_is_no_handle_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidInputError, match=r"pages\[0\]: a handle is wanted, not the value: save it with Payload.save"
    ):
        codec_for(Book).from_json_input(text)


def test_handles_are_equal_by_reference_and_say_nothing_of_their_data() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        first, second = [await shelf.handle(str, "secret-marker") for _ in range(2)]
        third = await shelf.handle(str, "other")
        assert first == second != third
        assert len({first, second, third}) == 2
        assert "secret-marker" not in repr(first)
        assert "pf://memory/payloads/default/orders/run-1/send/output." in repr(first)
        assert copy.copy(first) == copy.deepcopy(first) == first
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="not pickled"):
                pickle.dumps(first, protocol)

    asyncio.run(scenario())


LOOKALIKES = st.recursive(
    st.none() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.dictionaries(st.sampled_from(["$ref", "$payload", "type", "key", "sha256", "store", "x"]), inner, max_size=5)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=10,
)


@given(LOOKALIKES, st.booleans())
def test_user_data_that_looks_like_a_reference_comes_back_verbatim(value: Any, strict: bool) -> None:
    async def scenario() -> None:
        shelf = Shelf()
        for codec in (codec_for(Any), codec_for(dict[str, Any] if isinstance(value, dict) else object)):
            kept = await shelf.keep(codec, value, PayloadPolicy(strict=strict))
            assert kept.placement.by_reference == strict
            assert await shelf.fetch(codec, kept.envelope) == value

    asyncio.run(scenario())


@pytest.mark.parametrize("value", [{"type": "object_store"}, {"$ref": "payloads/x"}])
def test_inline_text_is_never_taken_for_a_reference(value: dict[str, str]) -> None:
    codec = codec_for(Any)
    assert asyncio.run(Shelf().fetch(codec, Envelope(inline=codec.encode(value)))) == value


# --- the plane


def test_binary_values_go_by_reference_and_come_back_as_bytes() -> None:
    async def scenario() -> None:
        shelf = Shelf()
        for annotation in (bytes, Any):
            kept = await shelf.keep(codec_for(annotation), b"\x00\xff")
            assert kept.placement is Placement.BY_KIND
            assert '"encoding":"bytes"' in (kept.envelope.reference or "")
            assert await shelf.fetch(codec_for(annotation), kept.envelope) == b"\x00\xff"
        with pytest.raises(StoredValueError):
            await shelf.fetch(codec_for(int), kept.envelope)

    asyncio.run(scenario())


def test_tables_travel_as_arrow() -> None:
    arrow: Any = pytest.importorskip("pyarrow")

    async def scenario() -> None:
        shelf = Shelf()
        table = arrow.table({"a": [1, 2, None], "b": ["x", "y", "z"]})
        codec = codec_for(arrow.Table)
        kept = await shelf.keep(codec, table)
        assert (await shelf.fetch(codec, kept.envelope)).equals(table)
        assert kept.fresh.equals(table)
        assert kept.fresh is not table
        with pytest.raises(StoredValueError):
            await shelf.fetch(codec, Envelope(inline="1"))

    asyncio.run(scenario())

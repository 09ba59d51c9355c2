"""Payloads in a JetStream stream of NATS, one message for each, under 1 MB.

A stream of our own rather than a key-value bucket: there, deleting leaves a marker for every key, and a time to live
belongs to the bucket. NATS acknowledges before it syncs unless its server is set to `sync_interval: always`.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from pyflow_core.errors import PayloadForbiddenError, PayloadStoreUnavailableError
from pyflow_core.payload.extra import require
from pyflow_core.ports.payload import PayloadService, StoredObject, check_key, check_prefix

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping, Sequence

CONNECT_SECONDS = 5
_WRONG_LAST_SEQUENCE = 10071
_NOT_FOUND = 10037
_HEADER_BYTES = 4096
"""Room for subject and headers in a message."""
_LISTING_SECONDS = 30.0


class NatsPayloadService(PayloadService):
    """A message for each payload in the stream `pyflow-{bucket}`; `ttl_seconds` is for what is put without its own."""

    reference_type = "nats"
    keeps_ttl = True
    max_bytes = 999_999

    def __init__(
        self,
        url: str,
        bucket: str = "payloads",
        name: str = "nats",
        *,
        ttl_seconds: float | None = None,
        replicas: int = 1,
        shown: str | None = None,
    ) -> None:
        super().__init__(name, ttl_seconds=ttl_seconds)
        self.bucket = bucket
        self._url = url
        self._shown = shown or name
        self._replicas = replicas
        self._stream = f"pyflow-{bucket}"
        self._subjects = f"pyflow.{bucket}."
        self._connection: Any = None
        self._made: Any = None
        self._lock = asyncio.Lock()

    @property
    @override
    def place(self) -> Mapping[str, str]:
        return {"bucket": self.bucket}

    @override
    async def open(self) -> None:
        with self._told():
            await self._jetstream()

    @override
    async def close(self) -> None:
        connection, self._connection, self._made = self._connection, None, None
        if connection is not None:
            await connection.close()

    @override
    async def now(self) -> float:
        with self._told():
            jetstream = await self._jetstream()
            info = await jetstream._api_request(f"{jetstream._prefix}.STREAM.INFO.{self._stream}")  # noqa: SLF001
        return _seconds(info["ts"])

    @override
    async def put(self, key: str, data: bytes, *, ttl_seconds: float | None = None) -> bool:
        check_key(key)
        self.check_size(key, len(data))
        ttl = self.ttl_seconds if ttl_seconds is None else ttl_seconds
        return await self._publish(key, data, 0, ttl)

    @override
    async def get(self, key: str, *, most: int | None = None) -> bytes | None:
        found = await self._message(key)
        return None if found is None else (found.data or b"")

    @override
    async def get_range(self, key: str, start: int, end: int) -> bytes | None:
        data = await self.get(key)
        return None if data is None else data[start:end]

    @override
    async def open_stream(self, key: str) -> AsyncGenerator[bytes] | None:
        data = await self.get(key)
        return None if data is None else _chunks(data)

    @override
    async def stat(self, key: str) -> StoredObject | None:
        found = await self._message(key)
        if found is None:
            return None
        return _object(key, len(found.data or b""), _seconds(found.time), found.headers)

    @override
    async def objects(self, prefix: str) -> AsyncGenerator[StoredObject]:
        check_prefix(prefix)
        with self._told():
            jetstream = await self._jetstream()
            subscription = await jetstream.subscribe(
                f"{self._subject(prefix)}>",
                stream=self._stream,
                ordered_consumer=True,
                headers_only=True,
                deliver_policy=_api().DeliverPolicy.LAST_PER_SUBJECT,
            )
        try:
            info = await self._info(subscription)
            left = info.num_pending + info.delivered.consumer_seq
            while left:
                with self._told():
                    message = await subscription.next_msg(timeout=_LISTING_SECONDS)
                left = message.metadata.num_pending
                headers: dict[str, str] = message.headers or {}
                size = int(headers.get("Nats-Msg-Size", 0))
                yield _object(self._key(message.subject), size, message.metadata.timestamp.timestamp(), headers)
        finally:
            await subscription.unsubscribe()

    @override
    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            check_key(key)
        for key in keys:
            found = await self._message(key)
            if found is not None:
                with self._told(), self._gone():
                    await (await self._jetstream()).delete_msg(self._stream, found.seq)

    @override
    async def extend(self, key: str, ttl_seconds: float) -> bool:
        found = await self._message(key)
        if found is None or _ttl(found.headers) is None:
            return False
        # The same bytes as a new message, if nobody else has done so meanwhile.
        extended = await self._publish(key, found.data or b"", found.seq, ttl_seconds)
        return extended or await self.extend(key, ttl_seconds)

    async def _publish(self, key: str, data: bytes, last: int, ttl_seconds: float | None) -> bool:
        headers = {"Nats-Expected-Last-Subject-Sequence": str(last)}
        if ttl_seconds is not None:
            headers["Nats-TTL"] = f"{max(1, round(ttl_seconds))}s"
        with self._told():
            try:
                await (await self._jetstream()).publish(self._subject(key), data, stream=self._stream, headers=headers)
            except _errors().APIError as error:
                if error.err_code == _WRONG_LAST_SEQUENCE:
                    return False
                raise
        return True

    async def _message(self, key: str) -> Any:
        check_key(key)
        with self._told():
            try:
                # Not the direct form, which a replica answers that may not have caught up.
                return await (await self._jetstream()).get_msg(self._stream, subject=self._subject(key))
            except _errors().NotFoundError:
                return None

    async def _info(self, subscription: Any) -> Any:
        with self._told():
            return await subscription.consumer_info()

    def _subject(self, key: str) -> str:
        # Dots part the tokens of a subject; no key holds an equals sign.
        return self._subjects + key.replace(".", "=").replace("/", ".")

    def _key(self, subject: str) -> str:
        return subject.removeprefix(self._subjects).replace(".", "/").replace("=", ".")

    async def _jetstream(self) -> Any:
        async with self._lock:
            if self._connection is None or self._connection.is_closed:
                await self._connect()
        return self._made

    async def _connect(self) -> None:
        nats = require_nats()

        async def ignore(error: Exception) -> None:
            del error  # every call tells of its own trouble

        self._connection = await nats.connect(
            self._url,
            connect_timeout=CONNECT_SECONDS,
            max_reconnect_attempts=2,
            reconnect_time_wait=0.2,
            error_cb=ignore,
        )
        room = self._connection.max_payload - _HEADER_BYTES
        self.max_bytes = min(type(self).max_bytes, room)  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
        self._made = self._connection.jetstream(timeout=10)
        try:
            await self._made.stream_info(self._stream)
        except _errors().NotFoundError:
            await self._made.add_stream(self._configuration())

    def _configuration(self) -> Any:
        api = _api()
        return api.StreamConfig(
            name=self._stream,
            subjects=[f"{self._subjects}>"],
            max_msgs_per_subject=1,
            discard=api.DiscardPolicy.NEW,
            storage=api.StorageType.FILE,
            num_replicas=self._replicas,
            allow_msg_ttl=True,
        )

    @contextmanager
    def _told(self) -> Generator[None]:
        errors = require_nats().errors
        try:
            yield
        except errors.AuthorizationError as error:
            raise PayloadForbiddenError(f"the payload store {self._shown} refuses these credentials") from error
        except (errors.Error, OSError, TimeoutError) as error:
            why = " ".join(str(error).split())[:300] or type(error).__name__
            raise PayloadStoreUnavailableError(f"cannot use the payload store {self._shown}: {why}") from error

    @contextmanager
    def _gone(self) -> Generator[None]:
        """What somebody else has deleted need not be deleted."""
        try:
            yield
        except _errors().NotFoundError:
            return
        except _errors().APIError as error:
            if error.err_code not in {_NOT_FOUND, 10043, 10057}:
                raise


def require_nats() -> Any:
    """The library.

    Raises:
        MissingExtraError: it is not installed.
    """
    return require("nats", "nats", "js.api", "js.errors", what="payloads in NATS")


def _api() -> Any:
    return require_nats().js.api


def _errors() -> Any:
    return require_nats().js.errors


def _object(key: str, size: int, written: float, headers: Mapping[str, str] | None) -> StoredObject:
    ttl = _ttl(headers)
    return StoredObject(key, size, written, None if ttl is None else written + ttl)


def _ttl(headers: Mapping[str, str] | None) -> float | None:
    given = (headers or {}).get("Nats-TTL")
    return float(given.removesuffix("s")) if given else None


def _seconds(stamp: Any) -> float:
    if isinstance(stamp, datetime):
        return stamp.timestamp()
    head, _, fraction = str(stamp).removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{head}+00:00").timestamp() + float(f"0.{fraction or 0}")


async def _chunks(data: bytes) -> AsyncGenerator[bytes]:
    if data:
        yield data

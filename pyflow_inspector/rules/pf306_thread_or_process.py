"""PF306: thread or process."""

from __future__ import annotations

from pyflow_inspector.rules.call_rule import CallRule
from pyflow_inspector.rules.rule import Example


class ThreadOrProcess(CallRule):
    """Workflow code starts a thread or a process.

    The loop on which a workflow runs has neither: `asyncio.to_thread`, executors and subprocesses of asyncio are
    refused, and the run is blocked. That is an error here. A thread or process that is started without asyncio is a
    warning: it is started again on each replay, and what it does reaches the workflow at a moment that no record
    holds.

    Branches need no threads: use `asyncio.gather` or a task group over steps. Work that needs a thread is a step of
    its own: an RPC that is a plain `def`, or an inline step with `thread=True`.

        digest = await workflow.do("digest", partial(hash_file, path), thread=True)
    """

    code = "PF306"
    name = "thread-or-process"
    severity = "error"
    kind = "thread"
    step = "work"
    because = "each replay does it again, and no record holds what comes of it"
    valid = (
        Example(
            """
            import asyncio
            import subprocess

            from pyflow_core import wire_workflow

            @wire_workflow("build")
            async def build(data: list[str], *, workflow) -> None:
                await workflow.do("compile", lambda: subprocess.run(["make"], check=True).returncode, thread=True)
                await asyncio.gather(*(workflow.do(f"pack-{name}", lambda: None, description=name) for name in data))
            """
        ),
        Example(
            """
            # file: app/image.py
            import asyncio

            def shrink(name: str) -> str:
                return name

            async def shrink_in_thread(name: str) -> str:
                return await asyncio.to_thread(shrink, name)

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.image import shrink_in_thread

            @wire_workflow("upload")
            async def upload(data: str, *, workflow) -> str:
                return await workflow.do("shrink", lambda: shrink_in_thread(data))
            """
        ),
    )
    invalid = (
        Example(
            """
            import asyncio

            from pyflow_core import wire_workflow

            def convert(name: str) -> str:
                return name.upper()

            @wire_workflow("convert")
            async def convert_all(data: str, *, workflow) -> str:
                first = await asyncio.to_thread(convert, data)
                loop = asyncio.get_running_loop()
                second = await loop.run_in_executor(None, convert, first)
                return await workflow.do("store", lambda: second)
            """,
            marks=("asyncio.to_thread(convert, data)", "loop.run_in_executor(None, convert, first)"),
        ),
        Example(
            """
            # file: app/shell.py
            from asyncio import create_subprocess_exec

            async def git(*arguments: str) -> int:
                process = await create_subprocess_exec("git", *arguments)
                return await process.wait()

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app import shell

            @wire_workflow("release")
            async def release(data: str, *, workflow) -> None:
                await shell.git("tag", data)
                await workflow.do("publish", lambda: None)
            """,
            marks=('create_subprocess_exec("git", *arguments)',),
        ),
    )

"""PF304: file I/O."""

from __future__ import annotations

from pyflow_inspector.rules.call_rule import CallRule
from pyflow_inspector.rules.rule import Example


class FileIo(CallRule):
    """Workflow code touches files.

    A replay calls the workflow again, maybe on another machine, where the file is missing or holds something else.
    What was written is written again, what was deleted is found missing.

    Read and write in a step. A small result is kept with the run; a large one is better written where all workers
    can reach it, and its address returned:

        text = await workflow.do("readTemplate", lambda: Path("mail.txt").read_text())

    Asynchronous file libraries hand the work to threads, which the loop of a run does not have: those are refused at
    run time, and so they are errors here.
    """

    code = "PF304"
    name = "file-io"
    severity = "warning"
    kind = "file"
    step = "readFile"
    because = "a replay finds it changed, or changes it again"
    valid = (
        Example(
            """
            from pathlib import Path

            from pyflow_core import wire_workflow

            @wire_workflow("mail")
            async def mail(data: str, *, workflow) -> str:
                template = Path("templates") / f"{data}.txt"
                return await workflow.do("read", lambda: template.read_text())
            """
        ),
        Example(
            """
            # file: app/files.py
            import shutil

            def archive(name: str) -> str:
                return shutil.make_archive(name, "zip")

            # file: app/example.py
            from functools import partial

            from pyflow_core import wire_workflow

            from app.files import archive

            @wire_workflow("export")
            async def export(data: str, *, workflow) -> str:
                return await workflow.do("archive", partial(archive, data), thread=True)
            """
        ),
    )
    invalid = (
        Example(
            """
            import json
            from pathlib import Path

            from pyflow_core import wire_workflow

            RATES = Path("rates.json")

            @wire_workflow("quote")
            async def quote(data: str, *, workflow) -> float:
                rates = json.loads(RATES.read_text())
                with open("audit.log", "a") as log:
                    log.write(data)
                return await workflow.do("quote", lambda: rates[data])
            """,
            marks=("RATES.read_text()", 'open("audit.log", "a")'),
        ),
        Example(
            """
            # file: app/inbox.py
            import os

            def incoming(folder: str) -> list[str]:
                return sorted(os.listdir(folder))

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.inbox import incoming

            @wire_workflow("import")
            async def import_all(data: str, *, workflow) -> None:
                for name in incoming(data):
                    await workflow.do(f"import-{name}", print, description=f"Import {name}")
            """,
            marks=("os.listdir(folder)",),
        ),
    )

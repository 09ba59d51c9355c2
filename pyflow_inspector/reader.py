"""The process that reads units for another one: `python -m pyflow_inspector.reader`.

It is told once what to read from, says that it is there, and then answers each line that names a unit with the two
lines of that unit. All are JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyflow_inspector.reader_message import READY
from pyflow_inspector.settings import InspectorSettings
from pyflow_inspector.source import SourceFile, SourceIndex
from pyflow_inspector.unit_lines import lines_of

if TYPE_CHECKING:
    from typing import BinaryIO

UNITS_PER_COLLECTION = 250
"""Units leave few circles behind, and none that holds a tree (see `Walker.let_go`)."""


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until there are no more questions."""
    gc.disable()  # before libcst comes, of which everything stays
    from pyflow_inspector.parser import never_judge
    from pyflow_inspector.project import Modules
    from pyflow_inspector.reading import read_unit

    never_judge()
    told = json.loads(questions.readline())
    sources = {module: SourceFile(Path(path), file, module, package) for path, file, module, package in told["sources"]}
    settings = InspectorSettings(
        root=Path(told["root"]), source=Path(told["source"]), name=told["name"], package=told["package"]
    )
    modules = Modules(SourceIndex(sources))
    answers.write(READY)
    answers.flush()
    gc.freeze()
    for number, line in enumerate(questions, start=1):
        if number % UNITS_PER_COLLECTION == 0:
            gc.collect(0)
        answers.writelines(answer + b"\n" for answer in lines_of(read_unit(settings, modules, json.loads(line))))
        answers.flush()


def main() -> None:
    """Serve the process that started this one; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

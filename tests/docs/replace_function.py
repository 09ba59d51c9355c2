"""`replace_function.py FILE NAME FRAGMENT`: put a function in place of the one of that name, and import asyncio."""

from __future__ import annotations

import ast
import sys
from pathlib import Path


def main(file: Path, name: str, fragment: str) -> None:
    source = file.read_text(encoding="utf-8")
    tree = ast.parse(source)
    old = next(node for node in tree.body if isinstance(node, ast.AsyncFunctionDef) and node.name == name)
    lines = source.splitlines(keepends=True)
    first = min(node.lineno for node in (old, *old.decorator_list))
    lines[first - 1 : old.end_lineno] = [fragment]
    text = "".join(lines).replace(
        "from __future__ import annotations\n", "from __future__ import annotations\n\nimport asyncio\n"
    )
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text(encoding="utf-8"))

"""The pages of the documentation, and the blocks of code in them.

Conventions, by which every block is tested:

* a `python` block is compiled;
* one that begins with `# file: path` is written into the project of its page, as is a `toml` block with that line; the
  project is then generated, checked, and its tests are run;
* a `console` block of a page in SCRIPTS is executed, its lines after `$`, in the order of the page;
* `<!-- not run: reason -->` before a block leaves it out; `<!-- replaces: file function -->` before a `python` block
  puts it in place of that function in the project of the page's script.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "website" / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]

_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<note>[^\n]*?) -->\n(?P=indent))?"
    r"```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block. `note` is the comment in front of it."""

    page: Path
    line: int
    language: str
    text: str
    note: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"

    @property
    def file(self) -> str | None:
        first = self.text.partition("\n")[0]
        return first.removeprefix("# file: ").strip() if first.startswith("# file: ") else None

    @property
    def is_run(self) -> bool:
        return not self.note.startswith("not run:")


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start()) + 1,
            match["language"],
            textwrap.dedent(match["text"]),
            match["note"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def all_blocks() -> list[Block]:
    return [block for page in PAGES for block in blocks(page)]


def projects() -> list[Path]:
    """Pages that have a project."""
    return [page for page in PAGES if any(block.file == "pyproject.toml" for block in blocks(page))]

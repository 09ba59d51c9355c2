"""Write the pages of the rules, and list them in the navigation. Run it when a rule has changed: `make rules-docs`."""

from __future__ import annotations

import re
from pathlib import Path

from pyflow_inspector import RULES
from pyflow_inspector.render.rule_page import rule_list, rule_page

WEBSITE = Path(__file__).parent
FOLDER = WEBSITE / "docs" / "reference" / "rules"
NAVIGATION = WEBSITE / "mkdocs.yml"
_LISTED = re.compile(r"( *)- Rules:\n(?:\1 +- [^\n]*\n)+")


def pages() -> dict[Path, str]:
    """Every page, by its place."""
    written = {FOLDER / f"{code}.md": rule_page(rule) for code, rule in RULES.items()}
    return {FOLDER / "index.md": rule_list(RULES.values()), **written}


def navigation(text: str) -> str:
    """The navigation with the pages of all rules in it."""
    lines = [f"{{indent}}    - reference/rules/{path.name}\n" for path in pages()]

    def listed(match: re.Match[str]) -> str:
        return f"{match[1]}- Rules:\n" + "".join(line.format(indent=match[1]) for line in lines)

    return _LISTED.sub(listed, text)


def main() -> None:
    """Write what differs, and remove the pages of rules that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in FOLDER.glob("*.md"):
        if path not in wanted:
            path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    NAVIGATION.write_text(navigation(NAVIGATION.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

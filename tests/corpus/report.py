"""What the inspector finds in the corpus, as a table, and every mistake below it.

python tests/corpus/report.py [PROJECT…]
"""

from __future__ import annotations

import sys

from labelled_project import Result, compare, project_names

_HEAD = ("project", "workflows", "literal", "patterns", "missed", "silent", "false", "errors", "unfound")


def row(result: Result) -> tuple[str | int, ...]:
    lists = (result.missed, result.silent, result.false, result.errors, result.unfound)
    return (result.name, result.workflows, result.literal, result.patterns, *map(len, lists))


def table(results: list[Result]) -> str:
    rows = [row(result) for result in results]
    total = ("total", *(sum(int(one[column]) for one in rows) for column in range(1, len(_HEAD))))
    lines = [_HEAD, *rows, total]
    width = max(len(str(line[0])) for line in lines)
    texts = ["  ".join([str(line[0]).ljust(width), *(str(cell).rjust(9) for cell in line[1:])]) for line in lines]
    rule = "-" * len(texts[0])
    return "\n".join([texts[0], rule, *texts[1:-1], rule, texts[-1]])


def main() -> int:
    results = [compare(name) for name in sys.argv[1:] or project_names()]
    print(table(results))
    print(
        "\nliteral, patterns: steps in the labels, by name · missed: of these, not found · silent: lost, and nothing"
        "\nsaid about it · false: steps that are none · errors: findings of severity error that are none · unfound:"
        "\nfindings in the labels, not made"
    )
    mistakes = [line for result in results for line in result.mistakes]
    print("\n".join(["", *mistakes]) if mistakes else "\nno mistake")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())

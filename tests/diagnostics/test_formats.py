"""The four formats say the same of the same findings."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import jsonschema
import pytest
from finding_samples import FILE, FINDINGS, SOURCE

from pyflow_inspector import RULES, render_github, render_json, render_sarif, render_text

if TYPE_CHECKING:
    from pyflow_core.metadata import Diagnostic

SCHEMA = Path(__file__).parents[1] / "fixtures" / "sarif-2.1.0-rtm.4.json"
LEVELS = {"error": "error", "warning": "warning", "info": "note"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "shop"
    (folder / "app").mkdir(parents=True)
    (folder / FILE).write_text(SOURCE, encoding="utf-8")
    return folder


def _run(text: str) -> dict[str, Any]:
    (run,) = json.loads(text)["runs"]
    return dict(run)


def _sarif(root: Path, **given: Any) -> str:
    return render_sarif(FINDINGS, root, given.pop("base", root), **{"version": "1.2.3", **given})


# --- the places and codes are those of the findings, whatever the format


def _placed(findings: tuple[Diagnostic, ...]) -> list[tuple[object, ...]]:
    return [(one.code, one.file, one.line, one.column) for one in findings]


def test_text_carries_all_of_them(root: Path) -> None:
    found = re.findall(
        r"\w+\[(PF\d+)\].*?--> (.*?):(\d+):(\d+)$", render_text(FINDINGS, root), re.MULTILINE | re.DOTALL
    )
    assert [(code, file, int(line), int(column)) for code, file, line, column in found] == _placed(FINDINGS)


def test_json_carries_all_of_them() -> None:
    found = json.loads(render_json(FINDINGS))["diagnostics"]
    assert [(one["code"], one["file"], one["line"], one["column"]) for one in found] == _placed(FINDINGS)
    assert [one["message"] for one in found] == [one.message for one in FINDINGS]


def test_sarif_carries_all_of_them(root: Path) -> None:
    results = _run(_sarif(root))["results"]
    places = [result["locations"][0]["physicalLocation"] for result in results]
    found = [
        (result["ruleId"], unquote(place["artifactLocation"]["uri"]), *list(place["region"].values())[:2])
        for result, place in zip(results, places, strict=True)
    ]
    assert found == _placed(FINDINGS)
    assert [place["region"] for place in places] == [
        {"startLine": one.line, "startColumn": one.column, "endLine": one.end_line, "endColumn": one.end_column}
        for one in FINDINGS
    ]
    assert [result["level"] for result in results] == [LEVELS[one.severity] for one in FINDINGS]


def test_github_carries_all_of_them(root: Path) -> None:
    commands = [_parse_command(line) for line in render_github(FINDINGS, root, root).splitlines()]
    assert [
        (p["title"].partition(" ")[0], p["file"], int(p["line"])) for _, p, _ in commands
    ] == [(one.code, one.file, one.line) for one in FINDINGS]  # fmt: skip
    assert [command for command, _, _ in commands] == ["warning", "error", "error", "notice"]
    assert [p.get("col") for _, p, _ in commands] == ["1", "11", None, "1"]


def _parse_command(line: str) -> tuple[str, dict[str, str], str]:
    """As the runner reads a line: the command, its properties, its message."""
    match = re.fullmatch(r"::(\w+) ([^:]*(?:[^:]|:(?!:))*?)::(.*)", line)
    assert match is not None, line
    properties = dict(item.split("=", 1) for item in match[2].split(","))
    return match[1], {name: _unescape(value) for name, value in properties.items()}, _unescape(match[3])


def _unescape(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


# --- github


def test_a_github_message_is_one_line_whatever_it_says(root: Path) -> None:
    lines = render_github(FINDINGS, root, root).split("\n")
    assert (len(lines), lines[-1]) == (len(FINDINGS) + 1, "")
    _, _, message = _parse_command(lines[1])
    assert message == "50% of: a, b\nnext\nhelp: one\ntwo::three"
    assert not set(lines[3]) & {"\x1b", "\ud800", "\u202e"}


def test_a_github_line_looks_as_the_runner_wants_it(root: Path) -> None:
    assert render_github(FINDINGS[:1], root, root.parent) == (
        "::warning file=shop/app/fl ow%2C1%3A%25.py,line=1,endLine=1,col=1,endColumn=6,"
        "title=PF101 dynamic-step-name::plain\n"
    )


def test_no_findings_are_no_commands(root: Path) -> None:
    assert render_github([], root, root) == ""


def test_a_project_outside_the_repository_keeps_its_own_paths(root: Path, tmp_path: Path) -> None:
    assert f"file={FILE[:6]}" in render_github(FINDINGS[:1], root, tmp_path / "elsewhere")


# --- sarif


@pytest.mark.parametrize("docs", [None, "https://docs.example/pyflow/"])
def test_sarif_is_valid_by_its_schema(root: Path, docs: str | None) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    checker = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    checker.validate(json.loads(_sarif(root, docs=docs)))
    checker.validate(json.loads(render_sarif([], root, root, version="1")))


def test_the_schema_refuses_what_is_no_sarif(root: Path) -> None:
    document = json.loads(_sarif(root))
    document["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)


def test_every_rule_can_be_told_in_sarif(root: Path) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    from pyflow_core.metadata import Diagnostic

    findings = [Diagnostic(one.code, one.name, one.severity, "m", "a.py", 1, 1, 1, 2) for one in RULES.values()]
    text = render_sarif(findings, root, root, version="1", docs="https://docs.example")
    jsonschema.Draft4Validator(schema).validate(json.loads(text))
    run = _run(text)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == list(RULES)
    assert all(rule["help"]["markdown"] == RULES[rule["id"]].docs for rule in rules)


def test_sarif_counts_paths_from_the_repository_and_columns_in_code_points(root: Path) -> None:
    run = _run(_sarif(root, base=root.parent, docs="https://docs.example/"))
    assert run["columnKind"] == "unicodeCodePoints"
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "shop/app/fl%20ow%2C1%3A%25.py", "uriBaseId": "PROJECTROOT"}
    assert "PROJECTROOT" in run["originalUriBaseIds"]
    assert run["tool"]["driver"]["rules"][0]["helpUri"].startswith("https://docs.example/")


def test_code_in_a_sarif_message_is_no_link(root: Path) -> None:
    assert _run(_sarif(root))["results"][2]["message"]["text"] == "`rows\\[0](x)` and f'{y}'\nawait it"


def test_a_fix_is_told_in_sarif_edit_by_edit(root: Path) -> None:
    results = _run(_sarif(root))["results"]
    assert ["fixes" in result for result in results] == [one.fix is not None for one in FINDINGS]
    (fix,) = results[2]["fixes"]
    (change,) = fix["artifactChanges"]
    assert fix["description"]["text"] == "await \\[it](now)"
    assert change["artifactLocation"] == results[2]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert [
        (one["deletedRegion"]["startLine"], one["deletedRegion"]["endColumn"], one["insertedContent"]["text"])
        for one in change["replacements"]
    ] == [(3, 9, "await "), (5, 2, "")]

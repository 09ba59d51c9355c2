"""Comments that silence findings, and what is said of those that silence none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """
from pyflow_core import wire_workflow

@wire_workflow("w")
async def w(data: str, *, workflow) -> None:
"""
CLEAN = '    await workflow.do("a", lambda: 1)'
DYNAMIC = "    await workflow.do(data, lambda: 1)"


def _codes(bench: Bench, body: str, **settings: Any) -> list[str]:
    return [one.code for one in bench.inspect(HEAD + body + "\n", **settings).diagnostics]


def test_several_codes_are_silenced_by_one_comment(bench: Bench) -> None:
    assert _codes(bench, "    workflow.do(data, lambda: 1)  # pyflow: ignore[PF101,PF203]") == []


def test_an_unused_code_among_used_ones_is_reported_alone(bench: Bench) -> None:
    _codes(bench, f"{DYNAMIC}  # pyflow: ignore[PF102, PF101]")
    finding = bench.finding("PF411")
    assert (bench.text(finding), finding.severity, finding.line) == ("PF102", "warning", 5)


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({}, ["PF411"]),
        ({"select": ("PF4",)}, []),
        ({"select": ("PF4", "PF1")}, ["PF411"]),
        ({"ignore": ("PF101",)}, []),
        ({"ignore": ("PF411",)}, []),
        ({"rules": {"PF101": "off"}}, []),
        ({"rules": {"PF1": "off", "PF101": "error"}}, ["PF411"]),
        ({"per_file_rules": {"app/**": {"PF1": "off"}}}, []),
        ({"per_file_rules": {"other/**": {"PF1": "off"}}}, ["PF411"]),
    ],
)
def test_only_a_code_that_could_be_shown_is_called_unused(
    bench: Bench, settings: dict[str, Any], codes: list[str]
) -> None:
    assert _codes(bench, f"{CLEAN}  # pyflow: ignore[PF101]", **settings) == codes


@pytest.mark.parametrize("settings", [{"select": ("PF4",)}, {"rules": {"PF101": "info"}}, {"ignore": ("PF1",)}])
def test_a_comment_that_silences_something_is_used_whatever_is_shown(bench: Bench, settings: dict[str, Any]) -> None:
    assert _codes(bench, f"{DYNAMIC}  # pyflow: ignore[PF101]", **settings) == []


def test_what_is_said_of_a_comment_can_be_silenced_by_it(bench: Bench) -> None:
    assert _codes(bench, f"{CLEAN}  # pyflow: ignore[PF101, PF411]") == []
    assert _codes(bench, f"{CLEAN}  # pyflow: ignore[PF999, PF412]") == []
    assert _codes(bench, f"{CLEAN}  # pyflow: ignore[PF411, PF412]") == []


@pytest.mark.parametrize(
    ("comment", "marked", "advice"),
    [
        ("# pyflow: ignore[PF999]", "PF999", "such as `PF101`"),
        ("# pyflow: ignore[ pf101 ]", "pf101", "such as `PF101`"),
        ("# pyflow: ignore[PF3]", "PF3", "a whole family"),
        ("# pyflow: ignore[Dynamic-Step-Name]", "Dynamic-Step-Name", "`PF101`"),
        ("# pyflow: ignore[]", "# pyflow: ignore[]", "write `# pyflow: ignore[PF101]`"),
        ("# see below # pyflow:ignore", "# pyflow:ignore", "write `# pyflow: ignore[PF101]`"),
    ],
)
def test_a_comment_that_can_silence_nothing_is_reported(bench: Bench, comment: str, marked: str, advice: str) -> None:
    assert _codes(bench, f"{CLEAN}  {comment}") == ["PF412"]
    finding = bench.finding("PF412")
    assert bench.text(finding) == marked
    assert finding.help is not None and advice in finding.help


@pytest.mark.parametrize("text", ["'# pyflow: ignore[PF101]'", '"""\n# pyflow: ignore\n"""', "1  # pyflow: ignored[x]"])
def test_what_is_no_such_comment_says_nothing(bench: Bench, text: str) -> None:
    assert _codes(bench, f"{CLEAN}\n    x = {text}") == []


def test_a_file_that_nothing_is_found_in_is_looked_at_too(bench: Bench) -> None:
    bench.inspect({"app/flows.py": HEAD + CLEAN, "app/plain.py": "x = 1  # pyflow: ignore[PF101]\n"})
    assert bench.codes == ["PF411"]
    assert bench.finding("PF411").file == "app/plain.py"


def test_a_finding_about_all_files_is_silenced_where_it_points(bench: Bench) -> None:
    source = 'from pyflow_core import wire_rpc\n@wire_rpc("a"){}\nasync def f() -> None: ...\n'
    bench.inspect({"app/a.py": source.format(""), "app/b.py": source.format("  # pyflow: ignore[PF402]")})
    assert bench.codes == []
    bench.inspect({"app/a.py": source.format("  # pyflow: ignore[PF402]"), "app/b.py": source.format("")})
    assert bench.codes == ["PF411", "PF402"]


def test_a_finding_in_a_helper_is_silenced_in_the_helper(bench: Bench) -> None:
    helper = "async def each(flow, name):\n    await flow.do(name, lambda: 1)  # pyflow: ignore[PF101]\n"
    call = "    from app.helper import each\n    await each(workflow, data)\n"
    bench.inspect({"app/flows.py": HEAD + call, "app/helper.py": helper})
    assert bench.metadata.diagnostics == ()


def test_no_comment_is_called_unused_while_a_file_cannot_be_read(bench: Bench) -> None:
    broken = "from pyflow_core import wire_rpc\ndef ("
    bench.inspect({"app/flows.py": f"{HEAD}{CLEAN}  # pyflow: ignore[PF101]\n", "app/broken.py": broken})
    assert bench.codes == ["PF901"]


def test_comments_of_an_unreadable_file_count_for_nothing(bench: Bench) -> None:
    bench.inspect({"app/f.py": b"# pyflow: ignore[PF101]\nx = 'caf\xe9'\n", "app/g.py": b"# pyflow: ignore[PF101]\n("})
    assert bench.codes == []


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_place_of_a_comment_counts_code_points_on_every_kind_of_line(bench: Bench, newline: str) -> None:
    source = f"{HEAD}    '日本😀'; {CLEAN.strip()}  # é pyflow # pyflow: ignore[PF101]\n"
    bench.inspect({"app/flows.py": source.replace("\n", newline).encode()})
    finding = bench.finding("PF411")
    line = source.split("\n")[5]
    assert (finding.line, line[finding.column - 1 : finding.end_column - 1]) == (6, "PF101")


# --- severities


@pytest.mark.parametrize(
    ("settings", "severity"),
    [
        ({}, "warning"),
        ({"rules": {"PF101": "error"}}, "error"),
        ({"rules": {"PF1": "error"}}, "error"),
        ({"rules": {"PF1": "error", "PF101": "info"}}, "info"),
        ({"rules": {"PF": "error"}}, "error"),
        ({"rules": {"PF101": "error"}, "per_file_rules": {"app/*.py": {"PF1": "info"}}}, "info"),
        ({"per_file_rules": {"app": {"PF101": "info"}}}, "info"),
        ({"per_file_rules": {"*.py": {"PF101": "info"}}}, "warning"),
        ({"per_file_rules": {"**/*.py": {"PF101": "info"}}}, "info"),
        ({"per_file_rules": {"app/**": {"PF101": "info"}, "app/flows.py": {"PF101": "error"}}}, "error"),
        ({"per_file_rules": {"app/flows.py": {"PF101": "error"}, "app/**": {"PF2": "off"}}}, "error"),
    ],
)
def test_the_most_telling_entry_gives_the_severity(bench: Bench, settings: dict[str, Any], severity: str) -> None:
    _codes(bench, DYNAMIC, **settings)
    assert bench.finding("PF101").severity == severity


def test_what_is_off_is_not_found(bench: Bench) -> None:
    assert _codes(bench, DYNAMIC, rules={"PF101": "off"}) == []
    assert _codes(bench, DYNAMIC, per_file_rules={"app/flows.py": {"PF1": "off"}}) == []

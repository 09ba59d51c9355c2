"""Whatever a file holds, it becomes metadata or a finding, and never the end of the process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

WIRED = b'from pyflow_core import wire_rpc\n@wire_rpc("a")\nasync def f(data: str) -> None: ...\n'


@pytest.mark.parametrize(
    ("source", "place", "message"),
    [
        (WIRED + b"x = (\n", (4, 5, 4, 6), "'(' was never closed"),
        (WIRED + b"def f(:\n", (4, 7, 4, 8), "invalid syntax"),
        (WIRED + b"x = " + b"(" * 1500 + b")" * 1500, None, "too many nested parentheses"),
        (WIRED + b"x = " + b"+".join([b"1"] * 10_000), None, "nests"),
        (WIRED + b"x = " + b" and ".join([b"a"] * 30_000), (4, 1, 4, 2), "nests deeper than 500 levels"),
        (WIRED + b"x = " + b"not " * 5_000 + b"1", None, "nests"),
        (WIRED + b"x = (" + b"'a'\n" * 5_000 + b")", None, "libcst cannot read this file"),
        (WIRED + b"x = 'a\0b'\n", (4, 7, 4, 8), "null byte"),
        (WIRED + b"x = 'caf\xe9'\n", (4, 9, 4, 10), "not utf-8 text: byte 0xe9"),
        (WIRED + b"x = '\xc3\xa9\xc3\xa9\xff'\n", (4, 8, 4, 9), "not utf-8 text: byte 0xff"),
        (b"# coding: nonsense\n" + WIRED, (1, 1, 1, 1), "unknown encoding"),
        (b"# coding: ascii\n" + WIRED + b"# \xc3\xa9\n", (5, 3, 5, 4), "not ascii text"),
        (WIRED + b"\tx = 1\n        y = 2\n", None, "indent"),
        (WIRED + b"print 'x'\n", (4, 1, 4, 10), "Missing parentheses"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(
    bench: Bench, source: bytes, place: tuple[int, int, int, int] | None, message: str
) -> None:
    metadata = bench.inspect({"app/good.py": WIRED.replace(b'"a"', b'"good"'), "app/bad.py": source})
    finding = bench.finding("PF902" if "nests" in message else "PF901")
    assert [rpc.name for rpc in metadata.rpcs] == ["good"]
    assert message in finding.message
    assert finding.file == "app/bad.py"
    if place is not None:
        assert (finding.line, finding.column, finding.end_line, finding.end_column) == place


def test_a_file_that_is_too_long_is_a_finding(bench: Bench) -> None:
    metadata = bench.inspect(
        {"app/good.py": WIRED.replace(b'"a"', b'"good"'), "app/long.py": WIRED + b"x = 1\n" * 400_000}
    )
    assert (bench.finding("PF902").file, [rpc.name for rpc in metadata.rpcs]) == ("app/long.py", ["good"])


@pytest.mark.parametrize(
    "tail",
    [
        b"x = " + b"+".join([b"1"] * 400),
        b"x = " + b"'a' " * 2_000,
        b"x = " + b"a.b()" + b".c()" * 200,
        b"if a: pass\n" + b"elif a: pass\n" * 900,
        b"x = " + b"[" * 90 + b"]" * 90,
        b"x = a" + b"[0]" * 400,
    ],
)
def test_code_that_is_merely_long_is_read(bench: Bench, tail: bytes) -> None:
    metadata = bench.inspect({"app/f.py": WIRED + tail})
    assert ([rpc.name for rpc in metadata.rpcs], metadata.diagnostics) == (["a"], ())


@pytest.mark.parametrize("text", ["f if f else(lambda: 1)", "lambda: f if f else(lambda: f)"])
def test_code_that_libcst_fails_to_judge_is_read(bench: Bench, text: str) -> None:
    metadata = bench.inspect({"app/f.py": WIRED + f"x = {text}\n".encode()})
    assert ([rpc.name for rpc in metadata.rpcs], metadata.diagnostics) == (["a"], ())


@pytest.mark.parametrize(
    "statement",
    [
        "x = " + "+".join(["data"] * 400),
        "x = " + "'a' " * 2_000,
        "if data: pass\n    " + "elif data: pass\n    " * 400,
        "x = a" + ".b()" * 60,
        "x = " + "[" * 60 + "]" * 60,
    ],
)
def test_long_code_inside_a_workflow_is_walked(bench: Bench, statement: str) -> None:
    body = f'    {statement}\n    await workflow.do("end", "b", x)\n'
    source = f'@wire_workflow("w")\nasync def w(data: str, *, workflow) -> None:\n{body}'
    wired = WIRED.decode().replace('"a"', '"b"')
    metadata = bench.inspect(f"from pyflow_core import wire_workflow\n{wired}{source}")
    assert metadata.diagnostics == ()
    assert [step.id for step in metadata.workflows[0].steps] == ["end"]


def test_a_workflow_that_nests_too_deeply_to_follow_is_a_finding(bench: Bench) -> None:
    source = f"x = a{'.b()' * 240}"
    bench.inspect(
        "from pyflow_core import wire_workflow\n"
        f'@wire_workflow("w")\nasync def deep(data: str, *, workflow) -> None:\n    {source}\n'
    )
    finding = bench.finding("PF902")
    assert (bench.text(finding), bench.metadata.workflows) == ("deep", ())


@pytest.mark.parametrize("source", [b"", b"\n", b"\xef\xbb\xbf", b"# only a comment", b"wire_rpc", b"'''wire_rpc'''"])
def test_files_without_anything_to_say_are_fine(bench: Bench, source: bytes) -> None:
    metadata = bench.inspect({"app/f.py": source})
    assert (metadata.rpcs, metadata.workflows, metadata.diagnostics) == ((), (), ())


def test_a_broken_file_that_nothing_needs_is_not_read(bench: Bench) -> None:
    assert bench.inspect({"app/broken.py": "def (", "app/f.py": WIRED}).diagnostics == ()


def test_a_broken_file_that_a_wiring_needs_is_a_finding(bench: Bench) -> None:
    source = 'from app.broken import f\nfrom pyflow_core import wire_rpc\nwire_rpc("a", f)\n'
    bench.inspect({"app/broken.py": "def (", "app/f.py": source})
    assert bench.codes == ["PF901", "PF401"]


STEP = '@wire_workflow("w")\nasync def w(data: str, *, workflow) -> None:\n'


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ('    """é""" ; await workflow.do(data, lambda: 1)', 33),
        ("    '日本' ; await workflow.do(data, lambda: 1)", 30),
        ("    '😀😀😀' ; await workflow.do(data, lambda: 1)", 31),
        ("    'e\u0301' ; await workflow.do(data, lambda: 1)", 30),
        ("\tawait workflow.do(data, lambda: 1)", 20),
    ],
)
def test_columns_count_code_points_from_one(bench: Bench, line: str, column: int) -> None:
    bench.inspect({"app/f.py": f"from pyflow_core import wire_workflow\n{STEP}{line}\n".encode()})
    finding = bench.finding("PF101")
    assert (finding.line, finding.column, finding.end_column) == (4, column, column + 4)
    assert bench.text(finding) == "data"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_counts_as_one(bench: Bench, newline: str) -> None:
    source = f"from pyflow_core import wire_workflow\n\n{STEP}    await workflow.do(\n        data, lambda: 1)\n"
    bench.inspect({"app/f.py": source.replace("\n", newline).encode()})
    finding = bench.finding("PF101")
    assert (finding.line, finding.column, finding.end_line, finding.end_column) == (6, 9, 6, 13)
    span = bench.metadata.workflows[0].steps[0].span
    assert (span.line, span.column, span.end_line, span.end_column) == (5, 11, 6, 25)


def test_form_feeds_and_unicode_separators_end_no_line(bench: Bench) -> None:
    head = "from pyflow_core import wire_workflow\n\f\nx = 'a\u2028b\x0bc'\n"
    source = f"{head}{STEP}    await workflow.do(data, lambda: 1)\n"
    bench.inspect({"app/f.py": source.encode()})
    assert bench.finding("PF101").line == 6


def test_a_declared_encoding_is_honoured(bench: Bench) -> None:
    head = "# -*- coding: latin-1 -*-\nfrom pyflow_core import wire_workflow\n"
    source = f"{head}{STEP}    'é'; await workflow.do(data, lambda: 1)\n"
    bench.inspect({"app/f.py": source.encode("latin-1")})
    assert (bench.finding("PF101").line, bench.finding("PF101").column) == (5, 28)


@pytest.mark.parametrize("name", ['"); import os #', "a\\nb", "{{ x }}", "'''", "\\x00", "\\ud800", "x" * 201, "é"])
def test_hostile_names_are_refused(bench: Bench, name: str) -> None:
    text = name.replace('"', '\\"')
    bench.inspect(f'from pyflow_core import wire_rpc\n@wire_rpc("{text}")\nasync def f() -> None: ...\n')
    assert bench.codes == ["PF108"]


@pytest.mark.parametrize("name", ["a b", "1a", "", "a/b", "a*", "x" * 201, "é", "a\\n", ".a"])
def test_hostile_step_names_are_refused(bench: Bench, name: str) -> None:
    bench.step(f'await workflow.do("{name}", lambda: 1)')
    assert bench.codes == ["PF104"]


def test_huge_numbers_and_odd_constants_are_read(bench: Bench) -> None:
    body = f'await workflow.do("a", lambda: 0x{"f" * 5000}, retries=0x{"f" * 5000}, inline_max=-3, timeout=1e999)'
    step = bench.step(body)
    assert step.options["inline_max"] == -3
    assert step.hash.startswith("sha256:")
    assert bench.codes == ["PF409", "PF409"]


def test_import_cycles_end(bench: Bench) -> None:
    files = {
        "app/a.py": "from app.b import X, f\nfrom pyflow_core import wire_rpc\nwire_rpc(X, f)\nY = X\n",
        "app/b.py": "from app.a import Y as X, f\nfrom app.a import *\n",
    }
    bench.inspect(files)
    assert bench.codes == ["PF408", "PF401"]


def test_a_class_that_is_its_own_base_ends(bench: Bench) -> None:
    head = "class A(B): ...\nclass B(A): ..."
    assert bench.step("await workflow.do(A.NAME, lambda: 1)", head=head).pattern == "*"


def test_no_user_code_is_executed(bench: Bench) -> None:
    source = f"raise SystemExit\nfrom pyflow_core import wire_rpc\n{WIRED.decode()}"
    assert [rpc.name for rpc in bench.inspect(source).rpcs] == ["a"]

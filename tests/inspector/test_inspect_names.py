"""Step names: literals are kept, constants folded, every hole becomes `*`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """
from enum import Enum, StrEnum, auto
PREFIX = "item"
VERSION = 2
class Kind(StrEnum):
    FIRST = auto()
class Mixed(str, Enum):
    FIRST = "first"
"""


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"a"', "a"),
        ('"a" "b"', "ab"),
        ('"a" + "-" + "b"', "a-b"),
        ("PREFIX", "item"),
        ('f"{PREFIX}-v{VERSION}"', "item-v2"),
        ('"%s-%d" % (PREFIX, VERSION)', "item-2"),
        ('"{}-{v}".format(PREFIX, v=VERSION)', "item-2"),
        ("Kind.FIRST", "first"),
        ('f"{Kind.FIRST}-x"', "first-x"),
        ("Mixed.FIRST", "first"),
        ('f"{Mixed.FIRST.value}-x"', "first-x"),
        ("Mixed.FIRST.name", "FIRST"),
        (r'f"\x61{PREFIX}{{}}"', "aitem{}"),
        (r'rf"\d{PREFIX}"', r"\ditem"),
        (r'f"\d{PREFIX}"', r"\ditem"),
        (r'"\d"', r"\d"),
    ],
)
def test_a_name_made_of_constants_is_literal(bench: Bench, written: str, name: str) -> None:
    step = bench.step(f"await workflow.do({written}, lambda: 1)", head=HEAD)
    assert (step.id, step.step_name, step.pattern) == (name, name, None)


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ('f"notify-{data}"', "notify-*"),
        ('f"{data}-{PREFIX}-{data}"', "*-item-*"),
        ('f"{data}{data}"', "*"),
        ('f"a-{PREFIX!r}"', "a-*"),
        ('f"a-{PREFIX:>9}"', "a-*"),
        ('f"a-{PREFIX=}"', "a-*"),
        ('f"{Mixed.FIRST}-x"', "*-x"),
        ('"item-" + data', "item-*"),
        ('"item-" + str(1) + "-x"', "item-*-x"),
        ('"item-%s" % data', "item-*"),
        ('"100%%-%(name)s" % {"name": data}', "100%-*"),
        ('"item-{}".format(data)', "item-*"),
        ('"{0}-{0}-{1:>3}".format(PREFIX, data)', "item-item-*"),
        ('"{} {".format(data)', "*"),
        ('"{}-{}".format(*data)', "*-*"),
        ('f"a-" "b-" f"{data}"', "a-b-*"),
        ("data", "*"),
        ("make(data)", "*"),
        ('"-".join([data])', "*"),
        ("Unknown.NAME", "*"),
        ('"a" * 3', "*"),
        ("b'bytes'", "*"),
        ("*data", "*"),
    ],
)
def test_each_hole_of_a_name_becomes_a_star(bench: Bench, written: str, pattern: str) -> None:
    step = bench.step(f'await workflow.do({written}, "users.create", data)', head=HEAD)
    assert (step.id, step.step_name, step.pattern) == (pattern, "<dynamic>", pattern)
    assert step.queue == f"workflow-flow-{pattern}"


def test_a_pattern_in_a_variable_is_followed(bench: Bench) -> None:
    body = """
        for item in data:
            key = f"item-{item}"
            await workflow.do(key, "users.create", item, description="Handle an item")
    """
    step = bench.step(body)
    assert (step.pattern, step.worker, step.repeated) == ("item-*", "FlowItemEach", True)
    assert bench.metadata.diagnostics == ()


def test_a_name_that_changes_in_a_loop_is_not_taken_for_its_first_value(bench: Bench) -> None:
    body = """
        name = "first"
        while data:
            await workflow.do(name, lambda: 1)
            name = name + "x"
    """
    assert bench.step(body).pattern == "*"


def test_steps_with_the_same_pattern_stay_apart(bench: Bench) -> None:
    body = """
        await workflow.do(f"x-{data}", "users.create", data)
        await workflow.do(f"x-{db}", "users.create", data)
        await workflow.do(data, "users.create", data)
    """
    steps = bench.steps(body)
    assert [step.id for step in steps] == ["x-*", "x-*#2", "*"]
    assert [step.queue for step in steps] == ["workflow-flow-x-*", "workflow-flow-x-*", "workflow-flow-*"]


def test_a_dynamic_name_without_a_description_is_reported_at_the_name(bench: Bench) -> None:
    bench.step('await workflow.do(\n    f"x-{data}",\n    "users.create",\n    data,\n)')
    finding = bench.finding("PF101")
    assert (finding.severity, bench.text(finding), finding.line, finding.column) == ("warning", 'f"x-{data}"', 7, 9)
    assert finding.help is not None
    assert finding.help.splitlines() == [
        "add a description, so that runs stay readable:",
        "await workflow.do(f'x-{data}', 'users.create', data, description=\"Create users\")",
    ]


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ('f"charge-{data}"', '"users.create", data', "Charge"),
        ('f"sendMail/{data}-{data}"', '"users.create", data', "Send mail"),
        ('f"make_PDF.{data}"', '"users.create", data', "Make PDF"),
        ('data + "-tidy"', "lambda: 1", "Tidy"),
        ('f"{data}-{data}"', '"users.create", data', "Create users"),
        ("data", "shop.pack_parcel", "Pack parcel"),
        ('f"x-{data}"', "lambda: 1", "What this step does"),
        ('f"größe-{data}"', "lambda: 1", "Größe"),
        ("data", "data", "What this step does"),
    ],
)
def test_the_description_that_is_proposed_says_what_is_known_of_the_step(
    bench: Bench, name: str, target: str, expected: str
) -> None:
    files = {"app/shop.py": "def pack_parcel() -> int: ...\n"}
    bench.workflow(f"await workflow.do({name}, {target})", head="from app import shop", files=files)
    help_text = next(one.help for one in bench.metadata.diagnostics if one.code == "PF101")
    assert help_text is not None
    assert help_text.endswith(f', description="{expected}")')


def test_options_that_cannot_be_seen_may_hold_a_description(bench: Bench) -> None:
    step = bench.step('await workflow.do(data, "users.create", data, **db)')
    assert (step.description, bench.metadata.diagnostics) == ("<dynamic>", ())

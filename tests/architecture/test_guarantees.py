"""Every promise names its tests, and they exist."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from source_tree import ROOT

PAGE = ROOT / "website" / "docs" / "guarantees.md"
_TEST = re.compile(r"`(tests/[\w/.]+\.py(?:::[\w:]+)?)`")


def promises() -> list[str]:
    """The items of the page's lists, each with what belongs to it."""
    text = PAGE.read_text(encoding="utf-8")
    return [
        re.sub(r"\s+", " ", item) for item in re.findall(r"^\* (.+?)(?=^\* |^#|^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    ]


def named_tests() -> list[str]:
    return sorted({test for promise in promises() for test in _TEST.findall(promise)})


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Every test that pytest finds in the files that are named, without parameters."""
    files = sorted({test.partition("::")[0] for test in named_tests() if (ROOT / test.partition("::")[0]).is_file()})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-o", "addopts=", "--collect-only", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    return {line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line}


def test_there_are_promises() -> None:
    assert len(promises()) > 20


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise[:60])
def test_every_promise_names_a_test(promise: str) -> None:
    assert _TEST.search(promise)


@pytest.mark.parametrize("test", named_tests())
def test_every_named_test_exists(test: str, collected: set[str]) -> None:
    if "::" in test:
        assert test in collected
    else:
        assert any(found.startswith(f"{test}::") for found in collected)

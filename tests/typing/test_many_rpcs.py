"""Four type checkers on projects of 5, 100 and 500 RPCs: right uses pass without ignores, planted mistakes do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from checker import CHECKERS, configure, places_with_errors
from many_rpcs import WRONG, write_project

from pyflow_cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

SIZES = [5, 100, pytest.param(500, marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SIZES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(f"many{request.param}")
    write_project(root, rpcs=request.param)
    with pytest.raises(SystemExit) as ended:
        main(["generate", "--quiet", "--project", str(root)])
    assert ended.value.code == 0
    configure(root)
    return root


@pytest.mark.parametrize("checker", CHECKERS)
def test_right_uses_pass_without_ignores(checker: str, project: Path) -> None:
    found, output = places_with_errors(checker, project, "right.py")
    assert found == [], output


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_planted_mistake_is_reported(checker: str, project: Path) -> None:
    planted = [("wrong.py", number) for number, line in enumerate(WRONG.splitlines(), start=1) if "# E: " in line]
    if checker == "ty":
        planted.pop()  # it does not look into `Unpack` of options
    found, output = places_with_errors(checker, project, "wrong.py")
    assert found == planted, output

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pyflow_cli.codegen.write import MARK, OutputError, apply_changes, plan_changes

if TYPE_CHECKING:
    from pathlib import Path

HEADER = f"# {MARK}\n"
FILES = {"__init__.py": HEADER + "x = 1\n", "docs/index.md": f"<!-- {MARK} -->\n", "meta.json": "{}\n", "py.typed": ""}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop" / "pyflow_gen"
    apply_changes(plan_changes(folder, FILES))
    return folder


def test_everything_is_written_where_nothing_is(folder: Path) -> None:
    assert tree(folder) == {path: text.encode() for path, text in FILES.items()}


def test_nothing_is_touched_where_nothing_differs(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    changes = plan_changes(folder, FILES)
    apply_changes(changes)
    assert changes.paths == ()
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_only_what_differs_is_written(folder: Path) -> None:
    changes = plan_changes(folder, {**FILES, "meta.json": "[]\n"})
    assert changes.paths == ("meta.json",)


def test_line_ends_that_a_tool_changed_are_no_difference(folder: Path) -> None:
    path = folder / "__init__.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert plan_changes(folder, FILES).paths == ()


def test_orphans_with_our_mark_are_removed_and_others_stay(folder: Path) -> None:
    (folder / "old.py").write_text(HEADER)
    (folder / "docs" / "old.md").write_text(f"<!-- {MARK} -->\n")
    (folder / "own.py").write_text("x = 1\n")
    (folder / "notes.md").write_text("mine\n")
    changes = plan_changes(folder, FILES)
    apply_changes(changes)
    assert changes.removed == ("docs/old.md", "old.py")
    assert sorted(tree(folder)) == sorted([*FILES, "own.py", "notes.md"])


def test_a_folder_that_is_left_empty_goes_too(folder: Path) -> None:
    apply_changes(plan_changes(folder, {path: text for path, text in FILES.items() if "docs" not in path}))
    assert not (folder / "docs").exists()


def test_what_is_to_be_kept_is_neither_removed_nor_compared(folder: Path) -> None:
    files = {path: text for path, text in FILES.items() if "docs" not in path}
    assert plan_changes(folder, files, keep=("docs/",)).paths == ()


def test_a_link_is_no_orphan(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(HEADER)
    (folder / "linked.py").symlink_to(outside)
    assert plan_changes(folder, FILES).removed == ()


@pytest.mark.parametrize("path", ["__init__.py", "docs/index.md", "meta.json"])
def test_a_file_that_nobody_generated_is_never_overwritten(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text("mine = 1\n")
    with pytest.raises(OutputError, match="is in the way: pyflow did not generate it") as raised:
        plan_changes(tmp_path, FILES)
    assert "choose another `package`" in raised.value.__notes__[0]


def test_an_empty_init_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    apply_changes(plan_changes(tmp_path, FILES))
    assert (tmp_path / "__init__.py").read_text() == FILES["__init__.py"]


def test_the_diff_shows_what_would_be_written_and_removed(folder: Path) -> None:
    (folder / "old.py").write_text(HEADER)
    diff = plan_changes(folder, {**FILES, "__init__.py": HEADER + "x = 2\n", "new.py": HEADER}).diff("shop/pyflow_gen")
    assert "--- a/shop/pyflow_gen/__init__.py\n+++ b/shop/pyflow_gen/__init__.py\n" in diff
    assert "-x = 1\n+x = 2\n" in diff
    assert "--- /dev/null\n+++ b/shop/pyflow_gen/new.py\n" in diff
    assert "--- a/shop/pyflow_gen/old.py\n+++ /dev/null\n" in diff


def test_a_file_where_the_folder_should_be_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "pyflow_gen").write_text("")
    changes = plan_changes(tmp_path / "pyflow_gen", FILES)
    with pytest.raises(OutputError, match="nothing was changed"):
        apply_changes(changes)


def test_new_files_have_the_permissions_that_the_user_wants(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        apply_changes(plan_changes(tmp_path, FILES))
    finally:
        os.umask(before)
    assert (tmp_path / "__init__.py").stat().st_mode & 0o777 == 0o640

"""Whatever happens while files are written, the old package stays, or the new one is there, and never a mixture."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyflow_cli.codegen import staging
from pyflow_cli.codegen.write import MARK, OutputError, apply_changes, complete_changes, plan_changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyflow_cli.codegen.write import Changes

HEADER = f"# {MARK}\n"
OLD = {
    **{name: HEADER + f"old = {name!r}\n" for name in ("__init__.py", "_project.py", "a.py", "gone.py")},
    "docs/index.md": f"<!-- {MARK} -->\nold\n",
    "docs/gone.md": f"<!-- {MARK} -->\nold\n",
    "meta.json": "{}\n",
}
NEW = {
    **{name: HEADER + f"new = {name!r}\n" for name in ("__init__.py", "_project.py", "a.py", "b.py")},
    "docs/index.md": f"<!-- {MARK} -->\nnew\n",
    "docs/deep/er.md": f"<!-- {MARK} -->\nnew\n",
    "meta.json": "[]\n",
}
TOUCHED = [(os, "open"), (os, "link"), (os, "replace"), (os, "rename"), (os, "unlink"), (os, "mkdir"), (os, "rmdir")]


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and not _is_staged(path))
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


def _is_staged(path: Path) -> bool:
    return any(part.startswith(staging.PREFIX) for part in path.parts)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(f"{staging.PREFIX}*")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop" / "gen"
    apply_changes(plan_changes(folder, OLD))
    (folder / "own.py").write_text("mine = 1\n")
    return folder


OLD_TREE = {**OLD, "own.py": "mine = 1\n"}
NEW_TREE = {**NEW, "own.py": "mine = 1\n"}


class Points:
    """Counts what touches the disk, and does something at one of these points."""

    def __init__(self, at: int, happens: Callable[[str], None], folder: Path) -> None:
        self.at = at
        self.count = 0
        self._happens = happens
        self._folder = str(folder)

    def patch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module, name in TOUCHED:
            monkeypatch.setattr(module, name, self._wrap(getattr(module, name)))

    def _wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(path: Any, *arguments: Any, **more: Any) -> Any:
            if not isinstance(path, int) and str(path).startswith(self._folder):
                self.count += 1
                if self.count == self.at:
                    self._happens(str(path))
            return function(path, *arguments, **more)

        return wrapped


def no_space(path: str) -> None:
    raise OSError(28, "No space left on device", path)


def interrupt(_path: str) -> None:
    raise KeyboardInterrupt


def die(_path: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def count_points(tmp_path: Path) -> int:
    """How many points there are where something can happen."""
    folder = tmp_path / "counted"
    apply_changes(plan_changes(folder, OLD))
    changes = plan_changes(folder, NEW)
    with pytest.MonkeyPatch.context() as monkeypatch:
        points = Points(0, no_space, folder)
        points.patch(monkeypatch)
        apply_changes(changes)
    assert tree(folder) == NEW
    return points.count


def error_of(changes: Changes) -> str | None:
    try:
        apply_changes(changes)
    except OutputError as error:
        return str(error)
    return None


def test_a_disk_that_is_full_at_any_point_leaves_the_old_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = count_points(tmp_path)
    assert total > 30
    refused = 0
    for at in range(1, total + 1):
        folder = tmp_path / str(at)
        apply_changes(plan_changes(folder, OLD))
        changes = plan_changes(folder, NEW)
        with monkeypatch.context() as patched:
            Points(at, no_space, folder).patch(patched)
            error = error_of(changes)
        if error is None:
            # What went wrong was a link that is copied instead, or the clearing away.
            assert tree(folder) == NEW, at
        else:
            refused += 1
            assert error.endswith(": No space left on device; nothing was changed")
            assert tree(folder) == OLD, at
        complete_changes(folder)
        assert leftovers(folder) == []
    assert refused >= total // 2


def test_an_interrupt_at_any_point_leaves_one_of_the_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for at in range(1, count_points(tmp_path) + 1):
        folder = tmp_path / str(at)
        apply_changes(plan_changes(folder, OLD))
        changes = plan_changes(folder, NEW)
        with monkeypatch.context() as patched:
            Points(at, interrupt, folder).patch(patched)
            with suppress(KeyboardInterrupt):
                apply_changes(changes)
        complete_changes(folder)
        assert tree(folder) in (OLD, NEW), at
        assert leftovers(folder) == []


def test_a_process_that_is_killed_at_any_point_leaves_one_of_the_two(tmp_path: Path) -> None:
    completed = 0
    for at in range(1, count_points(tmp_path) + 1):
        folder = tmp_path / str(at)
        apply_changes(plan_changes(folder, OLD))
        changes = plan_changes(folder, NEW)
        child = os.fork()
        if child == 0:
            with pytest.MonkeyPatch.context() as monkeypatch:
                Points(at, die, folder).patch(monkeypatch)
                apply_changes(changes)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        before = tree(folder)
        has_journal = any((folder / name / "journal.json").exists() for name in leftovers(folder))
        changed = complete_changes(folder)
        completed += changed and before not in (OLD, NEW)
        assert changed == has_journal
        assert tree(folder) == (NEW if changed or before == NEW else OLD), at
        assert leftovers(folder) == []
        apply_changes(plan_changes(folder, NEW))
        assert tree(folder) == NEW
    assert completed > 3


def test_a_limit_on_the_size_of_files_leaves_the_old_package(folder: Path) -> None:
    changes = plan_changes(folder, {**NEW, "meta.json": "x" * 100_000})
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            apply_changes(changes)
        except OutputError as error:
            os._exit(7 if "File too large; nothing was changed" in str(error) else 8)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert tree(folder) == OLD_TREE
    assert leftovers(folder) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_leaves_the_old_package(small_disk: Path) -> None:
    folder = small_disk / "gen"
    apply_changes(plan_changes(folder, OLD))
    changes = plan_changes(folder, {**NEW, **{f"w{number}.py": HEADER + "x" * 3000 for number in range(60)}})
    with pytest.raises(OutputError, match="No space left on device; nothing was changed"):
        apply_changes(changes)
    assert tree(folder) == OLD
    assert leftovers(folder) == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach."""
    place = Path(tempfile.mkdtemp(dir="/tmp"))
    place.chmod(0o777)
    yield place
    for path in [place, *place.rglob("*")]:
        path.chmod(0o777)
    shutil.rmtree(place)


def apply_as_nobody(folder: Path, changes: Changes) -> str:
    """The error of `apply_changes` in a process that may not write everywhere, as root may."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            apply_changes(changes)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent looks at it
            os.write(write, f"{type(error).__name__}: {error}".encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as stream:
        return stream.read()


@pytest.mark.parametrize("locked", ["gen", "gen/docs", "."], ids=["package", "docs", "parent"])
def test_a_folder_that_may_not_be_written_is_one_clear_error(open_folder: Path, locked: str) -> None:
    folder = open_folder / "gen"
    if locked != ".":
        apply_changes(plan_changes(folder, OLD))
    for path in open_folder.rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    changes = plan_changes(folder, NEW)
    (open_folder / locked).chmod(0o555)
    before = tree(open_folder)
    error = apply_as_nobody(folder, changes)
    assert error.startswith("OutputError: ")
    assert error.endswith("Permission denied; nothing was changed")
    assert tree(open_folder) == before
    assert leftovers(folder) == []


def test_a_link_to_a_package_stays_a_link(tmp_path: Path, folder: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(folder, target_is_directory=True)
    apply_changes(plan_changes(link, NEW))
    assert link.is_symlink()
    assert tree(folder) == NEW_TREE


def test_a_link_that_leads_nowhere_is_one_clear_error(tmp_path: Path) -> None:
    link = tmp_path / "gen"
    link.symlink_to(tmp_path / "nowhere" / "gen")
    with pytest.raises(OutputError, match="nothing was changed"):
        apply_changes(plan_changes(link, NEW))


def test_names_that_are_no_utf8_are_left_alone_or_removed(folder: Path) -> None:
    own, orphan = os.fsencode(folder) + b"/own-\xff.py", os.fsencode(folder) + b"/old-\xff.py"
    Path(os.fsdecode(own)).write_text("mine = 1\n")
    Path(os.fsdecode(orphan)).write_text(HEADER)
    changes = plan_changes(folder, NEW)
    assert changes.diff("gen").encode("utf-8", "surrogateescape")
    apply_changes(changes)
    assert [path.name for path in folder.iterdir() if not path.name.isascii()] == [os.fsdecode(b"own-\xff.py")]


def test_what_a_living_process_is_writing_is_left_to_it(folder: Path) -> None:
    parent = folder / f"{staging.PREFIX}{os.getppid()}-1"
    parent.mkdir()
    (parent / "journal.json").write_text('{"written": [], "removed": ["__init__.py"]}')
    assert not complete_changes(folder)
    assert tree(folder) == OLD_TREE


def test_a_broken_journal_changes_nothing(folder: Path) -> None:
    for number, text in enumerate(["", "[1]", '{"written": ["../x"], "removed": ["../../evil"]}', "\x00"]):
        left = folder / f"{staging.PREFIX}999999999-{number}"
        left.mkdir()
        (left / "journal.json").write_text(text)
    (folder.parent / "evil").write_text("x")
    complete_changes(folder)
    assert tree(folder) == OLD_TREE
    assert (folder.parent / "evil").exists()
    assert leftovers(folder) == []
